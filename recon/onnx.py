"""ONNX: the network as a file that other runtimes read, and a predictor that runs it without torch."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any, Final

import numpy as np

from dsp import ECGError, storage
from recon import weights
from recon.gaussian import Gaussian
from recon.predictor import Predictor
from recon.voting import Float

INPUTS: Final = ("given", "present", "gaussian_mean", "gaussian_std")
OUTPUTS: Final = ("mean8", "variance12")
FILE: Final = "model.onnx"
EQUAL_MV: Final = 1e-4
"""How far the file may be from the network."""
_OPSET: Final = 18


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class OnnxNetwork:
    """The network of an ONNX file, as `recon.network.Network.believe`.

    Parameters
    ----------
    session : of onnxruntime.

    Examples
    --------
    >>> load("exported").network  # doctest: +SKIP
    OnnxNetwork(session=...
    """

    session: Any

    def believe(self, given: Float, present: Float, mean: Float, std: Float) -> tuple[Float, Float]:
        """The mean of the eight leads, (n, 8, time) mV, and the variance of the twelve, mV².

        Examples
        --------
        >>> load("exported").network.believe(x, present, mean, std)  # doctest: +SKIP
        """
        parts = (given, present, mean, std)
        fed = {name: np.ascontiguousarray(x) for name, x in zip(INPUTS, parts, strict=True)}
        mean8, variance = self.session.run(list(OUTPUTS), fed)
        return mean8, variance


def export(predictor: Predictor, folder: str | Path) -> Path:
    """Write a predictor as ``model.onnx``, of any batch and length, beside the Gaussian's numbers.

    Parameters
    ----------
    predictor : with a network, of the population.
    folder : made if it is not there.

    Returns
    -------
    The path of the ONNX file. Its inputs are those of `recon.network.Network.forward`, its outputs
    the mean of the eight leads and the variances of the twelve, at 100 Hz.

    Raises
    ------
    ECGError
        If the predictor has no network, or onnx is not installed.
    WriteError
        If the folder cannot be written.

    Examples
    --------
    >>> import recon
    >>> export(recon.Reconstructor.from_pretrained().predictor, "exported")  # doctest: +SKIP
    PosixPath('exported/model.onnx')
    """
    from recon.network import Network

    if not isinstance(predictor.network, Network) or not isinstance(predictor.model, Gaussian):
        raise ECGError("only the network of a population is exported; this predictor has none.")
    home = Path(folder)
    predictor.model.save(home / "gaussian")
    storage.write_bytes(home / FILE, _serialised(predictor.network))
    head = {"model": "onnx", "version": 1, "inputs": INPUTS, "outputs": OUTPUTS, "fs_hz": 100.0}
    storage.write_json(home / "config.json", head | weights.about(predictor))
    return home / FILE


def load(folder: str | Path) -> Predictor:
    """The predictor that `export` wrote, run by onnxruntime; torch is not imported.

    Raises
    ------
    ECGError
        If the folder holds none, or onnxruntime is not installed.

    Examples
    --------
    >>> load("exported").predict12(x8, ["I"])  # doctest: +SKIP
    """
    try:
        import onnxruntime
    except ImportError:
        raise ECGError("onnxruntime is missing: pip install 'einthoven[export]'.") from None
    home = Path(folder)
    try:
        head = json.loads((home / "config.json").read_text())
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        session = onnxruntime.InferenceSession(
            (home / FILE).read_bytes(), options, providers=onnxruntime.get_available_providers()
        )
    except (OSError, ValueError, RuntimeError) as error:
        raise ECGError(f"{home} holds no exported model ({error}).") from None
    return weights.predictor(head, Gaussian.load(home / "gaussian"), OnnxNetwork(session))


def _serialised(network: Any) -> bytes:
    """The bytes of the ONNX model."""
    import torch

    class Flat(torch.nn.Module):
        """The belief as plain tensors."""

        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(
            self, given: torch.Tensor, present: torch.Tensor, mean: torch.Tensor, std: torch.Tensor
        ) -> tuple[torch.Tensor, torch.Tensor]:
            belief = self.network(given, present, mean, std)
            return belief.mean, belief.variance12()

    example = tuple(torch.rand(2, rows, 1000) for rows in (8, 9, 8, 8))
    axes = {0: torch.export.Dim.DYNAMIC, 2: torch.export.Dim.DYNAMIC}
    # Padding makes the lengths of all levels fit; that they do is checked when it runs.
    program = torch.export.export(
        Flat().eval(),
        example,
        dynamic_shapes=tuple(dict(axes) for _ in INPUTS),
        prefer_deferred_runtime_asserts_over_guards=True,
    )
    try:
        found = torch.onnx.export(
            program,
            input_names=list(INPUTS),
            output_names=list(OUTPUTS),
            opset_version=_OPSET,
            dynamo=True,
            verbose=False,
        )
    except ImportError:
        raise ECGError("onnx is missing: pip install 'einthoven[export]'.") from None
    if found is None:
        raise ECGError("the network could not be exported.")
    return bytes(found.model_proto.SerializeToString())

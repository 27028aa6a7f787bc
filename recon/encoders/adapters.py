"""Adapters: public encoders that a user has on disk, each a row of what it must be given."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn

from dsp import ECG, ECGError, LeadError, checks, filters, leads
from recon.encoders.encoder import Latents, as_array

_SWAPPED: Final = (*leads.TWELVE[:4], "aVF", "aVL", *leads.PRECORDIAL)


def each_lead(x: Tensor) -> Tensor:
    """Mean 0 and standard deviation 1 of every lead of (n, leads, time)."""
    return (x - x.mean(2, keepdim=True)) / (x.std(2, keepdim=True, unbiased=False) + 1e-8)


def whole_record(x: Tensor) -> Tensor:
    """Mean 0 and standard deviation 1 over all leads together."""
    spread = x.std((1, 2), keepdim=True, unbiased=False)
    return (x - x.mean((1, 2), keepdim=True)) / (spread + 1e-8)


def zero_to_one(x: Tensor) -> Tensor:
    """The smallest sample of the record to 0, the largest to 1."""
    low = x.amin((1, 2), keepdim=True)
    return (x - low) / (x.amax((1, 2), keepdim=True) - low + 1e-8)


@dataclasses.dataclass(frozen=True, slots=True)
class Public:
    """What a public encoder wants.

    Attributes
    ----------
    fs : Hz. seconds : of its window; longer records are cut, shorter ones padded with zeros.
    leads : in its order.
    scale : of (n, leads, time).
    band : Hz, filtered before; None for none.
    source : where architecture and weights come from, with the licence.
    """

    fs: float
    seconds: float
    leads: tuple[str, ...]
    scale: Callable[[Tensor], Tensor]
    band: tuple[float, float] | None
    source: str


PUBLIC: Final[Mapping[str, Public]] = {
    "ecgfounder": Public(
        500, 10, leads.TWELVE, whole_record, None, "PKUDigitalHealth/ECGFounder, MIT"
    ),
    "ecgfounder-1": Public(
        500, 10, ("I",), whole_record, None, "PKUDigitalHealth/ECGFounder, one lead, MIT"
    ),
    "clef": Public(
        500,
        10,
        ("I",),
        each_lead,
        (0.67, 40.0),
        "Nokia-Bell-Labs/ecg-foundation-model, Clear BSD",
    ),
    "ecg-fm": Public(500, 5, leads.TWELVE, each_lead, None, "bowang-lab/ECG-FM, MIT"),
    "melp": Public(
        500, 10, _SWAPPED, zero_to_one, None, "fuyingw/MELP_Encoder, Apache-2.0; leads as in MIMIC"
    ),
}
"""Public encoders by name, as their published code feeds them (read November 2026)."""


class Adapter:
    """A public encoder, called as any `Encoder`.

    Its weights are not part of the library, and pickles (``.pt``, ``.pth``, ``.ckpt``) are not
    loaded: save the weights once as safetensors beside the authors' own code, or the whole network
    as TorchScript. Leads that are missing are zeros, which is what these models were given; a
    one-lead model must get its lead.

    Parameters
    ----------
    name : a row of `PUBLIC`.
    network : the authors' module, giving (n, dim) or (n, tokens, dim), of which the mean is taken; or
        the path of a TorchScript file.
    weights : safetensors to fill the module with.

    Raises
    ------
    ECGError
        For an unknown name, a file that cannot be read, or weights that do not fit.

    Examples
    --------
    >>> net = nn.Sequential(nn.AdaptiveAvgPool1d(4), nn.Flatten())
    >>> Adapter("ecgfounder", net)(np.random.default_rng(0).normal(size=(2, 12, 2500)), 250).shape
    (2, 48)
    """

    def __init__(
        self, name: str, network: nn.Module | str | Path, weights: str | Path | None = None
    ) -> None:
        if name not in PUBLIC:
            raise ECGError(f"public encoder {name!r} is not known; known: {' '.join(PUBLIC)}.")
        self.wants = PUBLIC[name]
        self.network = network if isinstance(network, nn.Module) else _script(Path(network))
        if weights is not None:
            _fill(self.network, Path(weights))
        self.network.eval()

    def __call__(
        self, x: ECG | ArrayLike, fs: float | None = None, leads: Sequence[str] | None = None
    ) -> Latents:
        """(dim,) of a record, (..., dim) of (..., leads, time); as `Encoder`.

        Raises
        ------
        LeadError
            If a lead that a one-lead model needs is missing.
        """
        signal, fs, names = as_array(x, fs, leads)
        given = checks.signal(signal, axes=2)
        flat = self._prepared(given.reshape(-1, *given.shape[-2:]), checks.rate(fs), names)
        device = next((p.device for p in self.network.parameters()), torch.device("cpu"))
        with torch.inference_mode():
            found = [self._vector(self.network(part.to(device))) for part in torch.split(flat, 16)]
        z = torch.cat(found).float().cpu().numpy()
        return np.asarray(z.reshape(*given.shape[:-2], -1))

    def _prepared(self, x: checks.Signal, fs: float, names: Sequence[str]) -> Tensor:
        """(n, leads, samples) as the network wants them."""
        wants = self.wants
        rows = _rows(names, wants.leads)
        chosen = np.einsum("lr,nrt->nlt", rows, np.nan_to_num(x), optimize=True)
        chosen = filters.resample(chosen, fs, wants.fs)
        if wants.band is not None:
            chosen = filters.bandpass(chosen, wants.fs, *wants.band)
        n_samples = round(wants.seconds * wants.fs)
        scaled = wants.scale(torch.from_numpy(chosen[..., :n_samples]))
        return nn.functional.pad(scaled, (0, n_samples - scaled.shape[-1]))

    def _vector(self, out: Any) -> Tensor:
        while isinstance(out, tuple | list):
            out = out[0]
        if not isinstance(out, Tensor) or out.ndim not in (2, 3):
            raise ECGError(
                "the network must give (n, dim) or (n, tokens, dim); wrap it so that it gives its "
                "features alone."
            )
        return out.mean(dim=1) if out.ndim == 3 else out


def _rows(given: Sequence[str], wanted: tuple[str, ...]) -> Any:
    """(wanted, given): what to multiply the given rows with; zeros where a lead cannot be had."""
    names = leads.canonical_all(given)
    matrix = leads.rows(names)
    found = leads.rows(wanted) @ np.linalg.pinv(matrix)
    lost = np.abs(found @ matrix - leads.rows(wanted)).max(axis=1) > 1e-9
    if lost.all():
        raise LeadError(f"needs {' '.join(wanted)}; {' '.join(names)} do not tell any of it.")
    found[lost] = 0
    return found


def _script(path: Path) -> nn.Module:
    if path.suffix in {".pth", ".ckpt"} or not path.is_file():
        raise ECGError(
            f"{path} is no TorchScript file; save the network once with torch.jit.script or trace, or "
            "give the module and its weights as safetensors."
        )
    try:
        network: nn.Module = torch.jit.load(str(path), map_location="cpu")  # type: ignore[no-untyped-call]
    except RuntimeError as error:
        first = str(error).splitlines()[0]
        raise ECGError(f"{path} cannot be read as TorchScript ({first}).") from None
    return network


def _fill(network: nn.Module, path: Path) -> None:
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        network.load_state_dict(load(path.read_bytes()))
    except (OSError, RuntimeError, SafetensorError) as error:
        first = str(error).splitlines()[0]
        raise ECGError(
            f"{path} does not fill {type(network).__name__} ({first}); give safetensors with the "
            "names that its state_dict has."
        ) from None

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

RECORDING: Final = 10.0
"""Seconds that all of them were taught on: what is filtered and scaled at a time."""
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
    scale : of (n, leads, time), the first `RECORDING` seconds.
    band : corners in Hz and order of a Butterworth filter, applied both ways before; None for none.
    source : paper, repository and licence.
    """

    fs: float
    seconds: float
    leads: tuple[str, ...]
    scale: Callable[[Tensor], Tensor]
    band: tuple[float, float, int] | None
    source: str


PUBLIC: Final[Mapping[str, Public]] = {
    "ecgfounder": Public(
        500,
        10,
        leads.TWELVE,
        whole_record,
        None,
        "Li et al. 2025 (arXiv 2410.04133), PKUDigitalHealth/ECGFounder, MIT; as it is fine-tuned",
    ),
    "ecgfounder-1": Public(
        500,
        10,
        ("I",),
        whole_record,
        None,
        "Li et al. 2025 (arXiv 2410.04133), PKUDigitalHealth/ECGFounder, one lead, MIT",
    ),
    "clef": Public(
        500,
        10,
        ("I",),
        each_lead,
        (0.67, 40.0, 5),
        "Shu et al. 2025 (arXiv 2512.02180), Nokia-Bell-Labs/ecg-foundation-model, BSD 3-Clause; as "
        "it is pre-trained, on any one of the twelve leads",
    ),
    "ecg-fm": Public(
        500,
        5,
        leads.TWELVE,
        each_lead,
        None,
        "McKeen et al. 2025 (arXiv 2408.05178), bowang-lab/ECG-FM with Jwoo5/fairseq-signals, MIT; "
        "scaled first, cut into windows after",
    ),
    "melp": Public(
        500,
        10,
        _SWAPPED,
        zero_to_one,
        None,
        "Wang et al. 2025 (arXiv 2506.21803), HKU-MedAI/MELP; weights fuyingw/MELP_Encoder, "
        "Apache-2.0; leads in the order of MIMIC-IV-ECG",
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
        chosen = filters.resample(chosen, fs, wants.fs)[..., : round(RECORDING * wants.fs)]
        if wants.band is not None:
            low, high, order = wants.band
            chosen = filters.bandpass(chosen, wants.fs, low, high, order=order)
        n_samples = round(wants.seconds * wants.fs)
        lacking = max(0, n_samples - chosen.shape[-1])
        padded = nn.functional.pad(torch.from_numpy(chosen), (0, lacking))
        return wants.scale(padded)[..., :n_samples]

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

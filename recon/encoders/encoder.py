"""Encoder: a network with all that it must be given, called on records or arrays of any leads and rate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Protocol

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from dsp import ECG, LengthError, checks, leads
from recon.encoders.preparation import Prepared, prepare, windows

Latents = NDArray[np.float32]
"""(..., dim) float32."""
_AT_ONCE: Final = 64  # windows in the network at a time, to bound memory


class Network(Protocol):
    """What an `Encoder` needs of its network."""

    dim: int

    def __call__(self, x: Tensor, projector: Tensor) -> Tensor:
        """(B, dim) of x (B, 8, time) mV at 100 Hz."""


class Encoder:
    """From records to vectors.

    Calling it with an `ECG` gives (dim,); with an array (..., leads, time), its rate and the names
    of its leads, (..., dim). A record gives the same alone and among others, to rounding. Records
    longer than 10 s give the mean over their windows.

    Parameters
    ----------
    network : such as `ResidualEncoder`; it is switched to evaluation.

    Examples
    --------
    >>> from recon.encoders import ResidualEncoder
    >>> encode = Encoder(ResidualEncoder.preset("tiny"))
    >>> t = np.arange(5000) / 500
    >>> encode(ECG(np.sin(7 * t), 500, ["I"])).shape
    (128,)
    >>> encode(np.random.default_rng(0).normal(size=(3, 12, 1000)), 100).shape
    (3, 128)
    """

    def __init__(self, network: Any) -> None:
        self.network: Any = network.eval() if isinstance(network, torch.nn.Module) else network

    @property
    def dim(self) -> int:
        """Numbers in an embedding."""
        return int(self.network.dim)

    def __call__(
        self, x: ECG | ArrayLike, fs: float | None = None, leads: Sequence[str] | None = None
    ) -> Latents:
        """Embed a record, or an array of records.

        Parameters
        ----------
        x : a record, or (..., leads, time) mV, at least 0.5 s; NaN marks gaps.
        fs : Hz, for arrays.
        leads : names of the rows, for arrays; those of `dsp.leads.TWELVE` for twelve rows.

        Returns
        -------
        (dim,) or (..., dim) float32.

        Raises
        ------
        LengthError
            If `fs`, or the names of other than twelve leads, are missing.
        LeadError, RateError, SignalError, UnitError
            As `recon.encoders.prepare`.
        """
        signal, fs, names = as_array(x, fs, leads)
        shape = np.shape(signal)
        out = np.empty((int(np.prod(shape[:-2], dtype=int)), self.dim), np.float32)
        for part in prepare(signal, fs, names):
            out[part.places] = self.embed(part)
        return out.reshape(*shape[:-2], self.dim)

    def embed(self, part: Prepared) -> Latents:
        """(n, dim) of records prepared already."""
        x, share = windows(part)
        flat = torch.from_numpy(np.ascontiguousarray(x.reshape(-1, *x.shape[2:])))
        device = next((p.device for p in parameters(self.network)), torch.device("cpu"))
        onto = torch.from_numpy(part.projector).to(device)
        found = []
        with torch.inference_mode():
            for piece in torch.split(flat, _AT_ONCE):
                given = onto.expand(len(piece), 8, 8)
                found.append(self.network(piece.to(device), given).float().cpu())
        z = torch.cat(found).numpy().reshape(*x.shape[:2], -1)
        return np.asarray(np.einsum("nkd,nk->nd", z, share), np.float32)


def parameters(network: Any) -> Any:
    """Of a module; none of anything else."""
    return network.parameters() if isinstance(network, torch.nn.Module) else iter(())


def as_array(
    x: ECG | ArrayLike, fs: float | None, given: Sequence[str] | None
) -> tuple[ArrayLike, float, Sequence[str]]:
    """Signal, rate and names of a record, or of an array and what was said of it.

    Raises
    ------
    LengthError
        If `fs`, or the names of other than twelve leads, are missing.

    Examples
    --------
    >>> as_array(ECG(np.zeros(500), 500, ["I"]), None, None)[1:]
    (500.0, ('I',))
    """
    if isinstance(x, ECG):
        return x.signal, x.fs, x.leads
    if fs is None:
        raise LengthError("an array needs its rate in Hz: fs=500.")
    signal = checks.signal(x, axes=2)
    if given is None:
        if signal.shape[-2] != len(leads.TWELVE):
            raise LengthError(
                f"shape {signal.shape} holds {signal.shape[-2]} leads; name them: leads=(...)."
            )
        given = leads.TWELVE
    return signal, fs, given

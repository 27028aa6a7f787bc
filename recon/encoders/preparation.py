"""Preparation: what an encoder sees of a record: the eight leads as far as its own leads tell, at 100 Hz."""

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dsp import SignalError, checks, cores, filters, leads
from recon.gaussian import given_space

FS: Final = 100.0
WINDOW_S: Final = 10.0
"""Longer records are embedded window by window, and the embeddings averaged."""
SHORTEST_S: Final = 0.5
_WORTH_A_THREAD: Final = 100_000  # samples


@dataclasses.dataclass(frozen=True, slots=True)
class Prepared:
    """Records of one length that have the same leads.

    Attributes
    ----------
    places : (n,) int64, which of the records given.
    x : (n, 8, time) float32 mV, 100 Hz, 0.5-40 Hz: `projector` @ eight leads; gaps are 0.
    projector : (8, 8) float32, onto what the leads tell; the identity if they tell all.
    present : (n, time) share of the leads without a gap.
    """

    places: NDArray[np.int64]
    x: checks.Signal
    projector: NDArray[np.float32]
    present: NDArray[np.float32]


def projector(given: Sequence[str]) -> NDArray[np.float32]:
    """What some leads tell of the eight, as the projection onto it.

    Parameters
    ----------
    given : names among the twelve; derived ones are welcome.

    Returns
    -------
    (8, 8) float32, symmetric; its trace is the number of independent leads given.

    Raises
    ------
    LeadError
        If a lead is not one of the twelve.

    Examples
    --------
    >>> projector(["aVR", "aVF"])[:2, :2].round(3).tolist(), float(projector(["III"]).trace().round(3))
    ([[1.0, 0.0], [0.0, 1.0]], 1.0)
    """
    basis, _ = given_space(leads.canonical_all(given))
    return np.round(basis @ basis.T, 7).astype(np.float32) + np.float32(0)  # 1, 0, and no -0


def prepare(x: ArrayLike, fs: float, given: Sequence[str]) -> Iterator[Prepared]:
    """Bring records of any leads and rate to the form encoders see.

    A lead that is flat, or one gap, counts as not given. The limb leads given decide I and II by
    least squares. Nothing is scaled here.

    Parameters
    ----------
    x : (..., n_given, time) mV, at least 0.5 s; NaN marks gaps.
    fs : Hz.
    given : a name for each row, among the twelve.

    Yields
    ------
    Prepared
        Together all records, in order of their flattened leading axes; one for each set of leads
        that are alive, nearly always one.

    Raises
    ------
    LeadError, LengthError, RateError, SignalError, UnitError
        As `dsp.checks`; SignalError too for a record that is flat in every lead.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> [p.x.shape for p in prepare(rng.normal(size=(4, 2, 2500)), 250, ("I", "V2"))]
    [(4, 8, 1000)]
    """
    fs = checks.rate(fs)
    signal = checks.millivolt(checks.signal(x, axes=2, seconds=SHORTEST_S, fs=fs))
    names = leads.canonical_all(given, signal.shape[-2])
    leads.require_standard(names)
    flat = signal.reshape(-1, *signal.shape[-2:])
    alive = _alive(flat)
    if not alive.any(axis=1).all():
        raise SignalError(
            f"record {int(np.flatnonzero(~alive.any(axis=1))[0])}: flat in every lead given "
            f"({' '.join(names)}); there is nothing to embed."
        )
    for pattern in np.unique(alive, axis=0):
        places = np.flatnonzero((alive == pattern).all(axis=1))
        kept = tuple(name for name, on in zip(names, pattern, strict=True) if on)
        yield _same_leads(flat[places][:, pattern], fs, kept, places)


def windows(
    part: Prepared,
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Ten-second windows, evenly spread so that they cover the record, and what each counts for.

    Returns
    -------
    (n, k, 8, w) float32 and (n, k) float64, rows summing to 1; one window if there is no more.

    Examples
    --------
    >>> [part] = prepare(np.random.default_rng(0).normal(size=(1, 2500)), 100, ["I"])
    >>> windows(part)[0].shape
    (1, 3, 8, 1000)
    """
    n_samples = part.x.shape[-1]
    width = min(round(WINDOW_S * FS), n_samples)
    starts = np.rint(np.linspace(0, n_samples - width, -(-n_samples // width))).astype(int)
    x = np.stack([part.x[..., s : s + width] for s in starts], axis=1)
    seen = np.stack([part.present[..., s : s + width].mean(axis=-1) for s in starts], axis=1)
    seen = seen.astype(np.float64) + 1e-9
    return x, seen / seen.sum(axis=1, keepdims=True)


def _same_leads(
    x: checks.Signal, fs: float, names: tuple[str, ...], places: NDArray[np.int64]
) -> Prepared:
    basis, coordinates = given_space(names)
    to_eight = basis @ coordinates
    present = np.ones((len(x), 1), np.float32)
    if checks.all_finite(x):
        if len(names) > basis.shape[1]:  # fewer rows to filter; all is linear, the order is free
            x, to_eight = np.matmul(coordinates.astype(np.float32), x), basis
        z = _filtered(x, fs)
    else:
        z = _filtered(x, fs)
        gaps = np.isnan(z)
        present = 1 - gaps.mean(axis=1, dtype=np.float32)
        z = np.where(gaps, np.float32(0), z)
    x8 = np.matmul(to_eight.astype(np.float32), z)
    present = np.broadcast_to(present, (len(x8), x8.shape[-1]))
    return Prepared(places, x8, projector(names), present)


def _filtered(x: checks.Signal, fs: float) -> checks.Signal:
    """At 100 Hz, cleaned; a thread a core, since filters are half the work."""

    def run(part: checks.Signal) -> checks.Signal:
        return filters.clean(filters.resample(part, fs, FS), FS)

    pieces = min(cores.count(), len(x)) if x.size > _WORTH_A_THREAD else 1
    return run(x) if pieces < 2 else np.concatenate(cores.each(run, np.array_split(x, pieces)))


def _alive(x: checks.Signal) -> NDArray[np.bool_]:
    """(n, leads): not constant throughout, gaps aside."""
    if checks.all_finite(x):
        return np.asarray(x.max(axis=-1) > x.min(axis=-1))
    gaps = np.isnan(x)
    high, low = np.where(gaps, -np.inf, x).max(axis=-1), np.where(gaps, np.inf, x).min(axis=-1)
    return np.asarray(high > low)

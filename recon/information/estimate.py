"""The call: from recordings to `LeadInformation`, by patients held out."""

from collections.abc import Hashable, Iterable, Iterator, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike

from dsp import ECG, LengthError, SignalError, checks, leads
from recon import population
from recon.information import errors, predictors
from recon.information.predictors import Family, Predictor
from recon.information.report import LeadInformation

NOISE: Final = 0.01
"""mV rms: about the noise of a good recording, and a tenth of what a ruler reads off paper."""


def information(
    records: Iterable[ECG] | ArrayLike,
    groups: Sequence[Hashable] | None = None,
    labels: Sequence[Sequence[str]] | None = None,
    *,
    predictor: str | Predictor | Family = "fir",
    folds: int = 5,
    seed: int = 0,
) -> LeadInformation:
    """What leads tell of each other: any of the 255 lead sets of any other leads, in shares and bits.

    The predictor is fitted to all folds but one and asked about the patients of that one, for every
    lead set. One window counts a record: the first ten seconds without a dead lead, 0.5-40 Hz, 100 Hz.

    Parameters
    ----------
    records : recordings whose leads determine all twelve, such as ``(e.ecg for e in dataset)``; those
        without a usable window are left out. Or an array (n, 8, time) in mV at 100 Hz of leads
        I, II, V1..V6, cleaned, at least two seconds.
    groups : (n,) the patient of each. Otherwise what a recording's `meta` has under "patient", or
        else under "source"; a patient each where there is nothing.
    labels : (n,) diagnoses of each; otherwise those of the `meta`.
    predictor : "linear", "gaussian" or "fir" (`recon.information.FAMILIES`), fitted here; "network",
        the bundled one (three seconds a record); or anything with ``predict8``, trained before: only on
        other patients if the figures are to be believed; or a function from training and held-out
        windows to guesses, called once a fold.
    folds, seed : of `dsp.datasets.grouped_folds`.

    Returns
    -------
    LeadInformation; a noise floor of 10 µV is assumed, `with_noise` gives others. It holds 0.2 MB
    a record, and half a minute for 366 of them.

    Raises
    ------
    LeadError, LengthError, SignalError, UnitError
        If there are fewer patients than folds, nothing usable, or the numbers are no ECG.

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(6, 8, 1000))
    >>> info = information(x, predictor="linear")
    >>> info.score("V2", given="V1", measure="bits").value < 0.1
    True
    """
    name, family = predictors.family(predictor)
    if isinstance(records, np.ndarray):
        x8, found_groups, found_labels = _of_array(records)
    else:
        x8, found_groups, found_labels, kept = _of_recordings(records)
        groups, labels = _kept(groups, kept, "groups"), _kept(labels, kept, "labels")
    patients = [str(group) for group in (found_groups if groups is None else groups)]
    diagnoses = [tuple(map(str, mine)) for mine in (found_labels if labels is None else labels)]
    if not len(patients) == len(diagnoses) == len(x8):
        raise LengthError(
            f"{len(x8)} records, {len(patients)} groups, {len(diagnoses)} labels; give one of each."
        )
    left = errors.measure(x8, patients, family, folds=folds, seed=seed)
    return LeadInformation(left, tuple(patients), tuple(diagnoses), name, NOISE)


def _of_array(x: Any) -> tuple[checks.Signal, list[str], list[tuple[str, ...]]]:
    x8 = checks.millivolt(checks.signal(x, axes=3, seconds=2.0, fs=population.FS))
    if x8.ndim != 3 or x8.shape[1] != 8:
        raise LengthError(
            f"shape {x8.shape}: give (records, 8, time), leads {' '.join(leads.EIGHT)}."
        )
    dead = np.flatnonzero(~(x8.std(axis=-1).min(axis=-1) > 0))
    if dead.size:
        raise SignalError(f"records {dead[:5].tolist()} have a gap or a flat lead; leave them out.")
    x8 = x8 - x8.mean(axis=-1, keepdims=True)
    return x8, [str(i) for i in range(len(x8))], [()] * len(x8)


def _of_recordings(
    records: Any,
) -> tuple[checks.Signal, list[str], list[tuple[str, ...]], list[int]]:
    windows, groups, labels, kept = [], [], [], []
    for place, ecg in _each(records):
        window = next(population.windows(ecg), None)
        if window is None:
            continue
        kept.append(place)
        windows.append(window)
        groups.append(str(ecg.meta.get("patient") or ecg.meta.get("source") or place))
        labels.append(tuple(ecg.meta.get("labels") or ()))
    if not kept:
        raise LengthError("no recording has ten seconds with a signal in every lead.")
    return np.stack(windows), groups, labels, kept


def _each(records: Any) -> Iterator[tuple[int, ECG]]:
    """Recordings with their places."""
    if isinstance(records, ECG) or not isinstance(records, Iterable):
        raise LengthError(f"{type(records).__name__}: give many recordings, of many patients.")
    for place, ecg in enumerate(records):
        if not isinstance(ecg, ECG):
            raise SignalError(
                f"record {place} is a {type(ecg).__name__}: give ECGs, or one array (n, 8, time)."
            )
        yield place, ecg


def _kept(given: Any, kept: list[int], what: str) -> Any:
    """What was given for all recordings, of those that are used."""
    if given is None:
        return None
    if len(given) <= max(kept):
        raise LengthError(f"{len(given)} {what} for {max(kept) + 1} or more recordings.")
    return [given[place] for place in kept]

"""The five conventions of averaging r over leads and records, and a report that states which is which."""

import dataclasses
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dsp import checks, filters, leads
from dsp.errors import LeadError, LengthError
from dsp.metrics.signal import METRICS, r

CONVENTIONS: Final[Mapping[str, str]] = {
    "mean": "mean over records of each record's mean r over the hidden independent leads",
    "median": "median of r over all pairs of a record and a hidden independent lead",
    "all12": "mean over records of each record's mean r over all twelve leads, given ones included",
    "pooled": "one r over all samples of all records and all hidden independent leads together",
    "raw": "as mean, without any filter",
}
"""What is averaged under each name; the first is the default of this library. One and the same
estimate scores from .76 to .94 under these, so that no r means anything without its convention."""


@dataclasses.dataclass(frozen=True, slots=True)
class Score:
    """A number that says how it was made.

    Attributes
    ----------
    value : the score; NaN if nothing could be scored.
    convention : a name of `CONVENTIONS`.
    n_records : records that count in `value`.
    leads : leads that count in `value`.
    band : (low, high) Hz both signals were filtered to; None for as given.
    unit : of the signals; r has none itself.
    n_unscored : records without a single lead that could be scored.

    Examples
    --------
    >>> print(Score(0.5231, "mean", 379, ("V1", "V2"), (0.5, 40.0)))
    r 0.523: mean over records of each record's mean r over the hidden independent leads; \
379 records, leads V1 V2, 0.5-40 Hz, mV
    """

    value: float
    convention: str
    n_records: int
    leads: tuple[str, ...]
    band: tuple[float, float] | None
    unit: str = "mV"
    n_unscored: int = 0

    def __float__(self) -> float:
        return self.value

    def __str__(self) -> str:
        lost = f" ({self.n_unscored} more without a lead to score)" if self.n_unscored else ""
        return (
            f"r {self.value:.3f}: {CONVENTIONS[self.convention]}; {self.n_records} records{lost}, "
            f"leads {' '.join(self.leads)}, {_band(self.band)}, {self.unit}"
        )


@dataclasses.dataclass(frozen=True, slots=True, eq=False, repr=False)
class ReconstructionReport:
    """How near twelve estimated leads are to the truth, lead by lead and under each convention.

    Attributes
    ----------
    given : the leads the estimate was made from.
    hidden : the independent leads it had to guess: those of I, II, V1..V6 that `given` leaves open.
    scores : `Score` by convention.
    per_lead : (records, 12) by name of `dsp.metrics.METRICS`, after the filter; NaN where a
        lead could not be scored.
    """

    given: tuple[str, ...]
    hidden: tuple[str, ...]
    scores: Mapping[str, Score]
    per_lead: Mapping[str, NDArray[np.float64]]

    @property
    def score(self) -> Score:
        """The score under the default convention."""
        return self.scores["mean"]

    @property
    def per_record(self) -> NDArray[np.float64]:
        """(records,) the mean r over the hidden independent leads: for intervals by patient."""
        return _mean(self.per_lead["r"][:, [leads.TWELVE.index(lead) for lead in self.hidden]])

    def __repr__(self) -> str:
        return f"ReconstructionReport({self.score})"

    def _role(self, lead: str) -> str:
        if lead in self.given or lead in self.hidden:
            return "given" if lead in self.given else "hidden"
        return "derived" if _determined(lead, self.given) else "follows"

    @property
    def table(self) -> str:
        """Text: a row a lead with each metric's mean over records, then a row a convention.

        Leads are given, derived (from given ones), hidden (independent, guessed), or follow
        (by algebra, from guessed ones).
        """
        heads = [f"{name} {unit}".strip() for name, (_, unit) in METRICS.items()]
        lines = ["lead            " + "".join(f"{head:>9}" for head in heads)]
        for i, lead in enumerate(leads.TWELVE):
            values = [float(_mean(self.per_lead[name][:, i])) for name in METRICS]
            lines.append(
                f"{lead:<6}{self._role(lead):<10}" + "".join(f"{value:9.3f}" for value in values)
            )
        lines += ["", *(f"{name:<7}{score}" for name, score in self.scores.items())]
        return "\n".join(lines)


def reconstruction(
    truth: ArrayLike,
    estimate: ArrayLike,
    fs: float,
    *,
    given: Sequence[str],
    band: tuple[float, float] | None = filters.CLEAN_BAND,
) -> ReconstructionReport:
    """Score estimated twelve leads under all five conventions.

    Parameters
    ----------
    truth, estimate : (records, 12, time) or (12, time) mV, leads in standard order, unfiltered;
        samples count where both are finite. A lead whose truth is constant is not scored; an
        estimate that is constant where the truth is not has r = 0 in the conventions (and NaN
        in `per_lead`), so that a flat line gains nothing.
    fs : Hz.
    given : the leads the estimate was made from.
    band : Hz; both signals are filtered to it, zero phase, for all but the convention ``raw``.
        None for signals that are to be scored as they are.

    Returns
    -------
    A report with `.score`, `.scores`, `.per_lead`, `.table`.

    Raises
    ------
    LengthError
        If the shapes differ, or are not (..., 12, time).
    LeadError
        If `given` holds other than the twelve leads, or leaves nothing to guess.
    RateError, SignalError
        As `dsp.bandpass`.

    Examples
    --------
    >>> x = leads.twelve(np.random.default_rng(0).normal(size=(3, 8, 5000)))
    >>> report = reconstruction(x, x, 500, given=["I"])
    >>> report.hidden, round(report.score.value, 6)
    (('II', 'V1', 'V2', 'V3', 'V4', 'V5', 'V6'), 1.0)
    """
    given = leads.canonical_all(given)
    hidden = hidden_of(given)
    x, y = checks.signal(truth, axes=2), checks.signal(estimate, axes=2)
    if x.shape != y.shape or x.shape[-2] != 12:
        raise LengthError(
            f"truth has shape {x.shape}, estimate {y.shape}; both must be (records, 12, time)."
        )
    x, y = x.reshape(-1, 12, x.shape[-1]), y.reshape(-1, 12, x.shape[-1])
    raw = _credited(x, y)
    if band is not None:
        x, y = filters.bandpass(x, fs, *band), filters.bandpass(y, fs, *band)
    kept = _credited(x, y)
    rows = [leads.TWELVE.index(lead) for lead in hidden]
    per_record = _mean(kept[:, rows])
    values = {
        "mean": (per_record, _mean(per_record), hidden, band),
        "median": (per_record, _median(kept[:, rows]), hidden, band),
        "all12": (_mean(kept), _mean(_mean(kept)), leads.TWELVE, band),
        "pooled": (per_record, r(x[:, rows].ravel(), y[:, rows].ravel()), hidden, band),
        "raw": (_mean(raw[:, rows]), _mean(_mean(raw[:, rows])), hidden, None),
    }
    scores = {}
    for name, (records, value, counted, used) in values.items():
        n = int(np.isfinite(records).sum())
        scores[name] = Score(float(value), name, n, counted, used, n_unscored=len(x) - n)
    per_lead = {name: metric(x, y) for name, (metric, _) in METRICS.items()}
    return ReconstructionReport(given, hidden, MappingProxyType(scores), MappingProxyType(per_lead))


def hidden_of(given: tuple[str, ...]) -> tuple[str, ...]:
    """The independent leads, of I, II, V1..V6, that the given ones do not determine.

    Raises
    ------
    LeadError
        If a lead is not one of the twelve, or nothing is left to guess.

    Examples
    --------
    >>> hidden_of(("II", "III", "V1", "V2", "V3"))
    ('V4', 'V5', 'V6')
    """
    hidden = tuple(lead for lead in leads.EIGHT if not _determined(lead, given))
    if not hidden:
        raise LeadError(f"{' '.join(given)} determine all twelve leads: nothing is left to score.")
    return hidden


def _determined(lead: str, given: tuple[str, ...]) -> bool:
    rows = leads.rows(given)
    both = np.vstack([rows, leads.rows((lead,))])
    return bool(np.linalg.matrix_rank(both) == np.linalg.matrix_rank(rows))


def _credited(x: checks.Signal, y: checks.Signal) -> NDArray[np.float64]:
    """R of each record and lead; 0 for a constant estimate of a truth that is not."""
    values = np.asarray(r(x, y))
    flat = np.isnan(values) & np.isfinite(METRICS["R2"][0](x, y))
    return np.where(flat, 0.0, values)


def _mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean along the last axis of what is finite; NaN where nothing is."""
    finite = np.isfinite(values)
    count = finite.sum(axis=-1)
    total = np.where(finite, values, 0.0).sum(axis=-1)
    return np.asarray(np.where(count > 0, total / np.maximum(count, 1), np.nan))


def _median(values: NDArray[np.float64]) -> float:
    finite = values[np.isfinite(values)]
    return float(np.median(finite)) if finite.size else float("nan")


def _band(band: tuple[float, float] | None) -> str:
    return f"{band[0]:g}-{band[1]:g} Hz" if band else "unfiltered"

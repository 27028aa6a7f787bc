"""What a reader of the ECG would see: amplitudes that shrink to the mean, ST, R waves, each wave, ectopic beats."""

import dataclasses
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dsp import checks
from dsp import leads as lead_names
from dsp.errors import LengthError
from dsp.metrics.landmarks import WAVES, Landmarks, landmarks, levels
from dsp.metrics.probabilistic import mean_of
from dsp.metrics.reconstruction import hidden_of

Values = NDArray[np.float64]

ST_DELAY: Final = 0.060
"""s after the J point at which ST is read, as in `dsp.measure`."""
ST_LARGE_MV: Final = 0.1
"""One small square: an ST error from here on can make or hide an infarction."""
PQ: Final = (-0.020, -0.004)
"""s around the QRS onset: the level amplitudes are measured from, as in `dsp.measure`."""
_ST_HALF: Final = 0.010  # s averaged to either side; together one cycle of 50 Hz mains
_POINTS: Final = 5  # at which a level is read, so that any rate will do


@dataclasses.dataclass(frozen=True, slots=True)
class Amplitudes:
    """Regression to the mean, from logarithms of peak-to-peak amplitudes over records.

    Attributes
    ----------
    slope : of log estimated on log true amplitude; 1 is right, 0 is the same guess for all.
    error_truth : correlation of log(estimated / true) with log true; 0 is right, and -1 means that
        large is made small and small large.
    sd_ratio : SD of log estimated over SD of log true amplitudes; 1 is right.
    ratio : median of estimated / true; 1 is right, and can be so while the slope is 0.
    """

    slope: float
    error_truth: float
    sd_ratio: float
    ratio: float


@dataclasses.dataclass(frozen=True, slots=True, eq=False, repr=False)
class ClinicalReport:
    """Hidden leads as a reader sees them.

    Attributes
    ----------
    hidden : names of the columns.
    amplitude : `Amplitudes` by hidden lead.
    st_error, r_error : (records, hidden) mV, estimate less truth: ST level at J + 60 ms, and R wave, each
        from the PQ level and the median over the usual beats; NaN where they cannot be read.
    rmse : (records, hidden) mV by name of `dsp.metrics.landmarks.WAVES`.
    usual, ectopic : (records,) r over the samples of usual, and of ectopic, beats with all hidden
        leads together; NaN where a record has none.
    ectopic_ratio : (records,) amplitude of ectopic beats, estimated / true.
    """

    hidden: tuple[str, ...]
    amplitude: Mapping[str, Amplitudes]
    st_error: Values
    r_error: Values
    rmse: Mapping[str, Values]
    usual: Values
    ectopic: Values
    ectopic_ratio: Values

    @property
    def slope(self) -> float:
        """Mean amplitude slope of the hidden leads."""
        return float(np.mean([one.slope for one in self.amplitude.values()]))

    @property
    def st(self) -> float:
        """Mean absolute ST error of the hidden leads, mV: mean over leads, then over records."""
        return float(mean_of(mean_of(np.abs(self.st_error))))

    @property
    def st_large(self) -> float:
        """Share of ST levels, of all records and hidden leads, that are off by more than 0.1 mV."""
        known = self.st_error[np.isfinite(self.st_error)]
        return float(np.mean(np.abs(known) > ST_LARGE_MV)) if known.size else float("nan")

    @property
    def per_record(self) -> Mapping[str, Values]:
        """(records,) by name, mean over hidden leads: for intervals by patient."""
        table = {"ST": np.abs(self.st_error), "R": np.abs(self.r_error), **_prefixed(self.rmse)}
        return {name: mean_of(values) for name, values in table.items()}

    def __repr__(self) -> str:
        return (
            f"ClinicalReport({len(self.usual)} records; amplitude slope {self.slope:.2f}, "
            f"ST error {self.st:.3f} mV, beyond 0.1 mV in {100 * self.st_large:.1f} %)"
        )

    @property
    def table(self) -> str:
        """Text: a row a hidden lead, then usual against ectopic beats."""
        heads = ("slope", "err~true", "SD ratio", "ratio", "J+60 mV", ">0.1 mV", "R mV")
        waves = tuple(f"{name} mV" for name in self.rmse)
        lines = ["lead  " + "".join(f"{head:>9}" for head in (*heads, *waves))]
        for i, lead in enumerate(self.hidden):
            st = self.st_error[:, i][np.isfinite(self.st_error[:, i])]
            large = float(np.mean(np.abs(st) > ST_LARGE_MV)) if st.size else float("nan")
            cells = [
                *dataclasses.astuple(self.amplitude[lead]),
                float(mean_of(np.abs(self.st_error[:, i]))),
                large,
                float(mean_of(np.abs(self.r_error[:, i]))),
                *(float(mean_of(values[:, i])) for values in self.rmse.values()),
            ]
            lines.append(f"{lead:<6}" + "".join(f"{cell:9.3f}" for cell in cells))
        n = int(np.isfinite(self.ectopic).sum())
        lines += [
            "",
            f"usual beats r {float(mean_of(self.usual)):.3f}; ectopic beats, in {n} records, "
            f"r {float(mean_of(self.ectopic)):.3f}, amplitude {_median(self.ectopic_ratio):.2f} of the true",
        ]
        return "\n".join(lines)


def clinical(
    truth: ArrayLike,
    estimate: ArrayLike,
    fs: float,
    *,
    given: Sequence[str],
    marks: Sequence[Landmarks] | None = None,
) -> ClinicalReport:
    """Score what r hides: it is near 1 for a QRS of the right shape and half the size.

    All marks come from the true leads and are used for both signals, so that an error of amplitude
    is not mixed with one of delineation. Amplitudes need records, some thirty, to have a slope.

    Parameters
    ----------
    truth, estimate : (records, 12, time) mV in standard order, or (records, 8, time), the independent
        leads I II V1..V6; filtered alike. Scored are the independent leads that `given` leaves open.
    fs : Hz.
    given : the leads the estimate was made from.
    marks : of each record, as of `landmarks`, if they are there already: for many estimates.

    Returns
    -------
    A report with `.slope`, `.st`, `.st_large`, `.amplitude`, `.per_record`, `.table`.

    Raises
    ------
    LengthError
        If the shapes differ, or are not (records, 8 or 12, time), or the marks are not one a record.
    LeadError
        If `given` holds other than the twelve leads, or leaves nothing to guess.
    SignalError, RateError
        As `dsp.checks`.

    Examples
    --------
    >>> t = np.arange(1000) / 100 - 0.5
    >>> beat = np.exp(-0.5 * (((t[:, None] - np.arange(10)) / 0.02) ** 2)).sum(axis=1)
    >>> x = np.arange(1, 5)[:, None, None] * np.ones((1, 8, 1)) * beat
    >>> report = clinical(x, np.sqrt(x.max(-1, keepdims=True)) * beat, 100, given=["I"])
    >>> round(report.slope, 3), round(float(report.r_error[3, 0]), 1)
    (0.5, -2.0)
    """
    hidden = hidden_of(lead_names.canonical_all(given))
    fs = checks.rate(fs)
    x, y = checks.signal(truth, axes=3), checks.signal(estimate, axes=3)
    if x.shape != y.shape or x.ndim != 3 or x.shape[1] not in (8, 12):
        raise LengthError(
            f"truth has shape {x.shape}, estimate {y.shape}; both must be (records, 8 or 12, time)."
        )
    found = [landmarks(record, fs) for record in x] if marks is None else list(marks)
    if len(found) != len(x):
        raise LengthError(f"{len(found)} landmarks for {len(x)} records; give one for each.")
    names = lead_names.EIGHT if x.shape[1] == 8 else lead_names.TWELVE
    rows = [names.index(lead) for lead in hidden]
    x, y = x[:, rows], y[:, rows]
    st, r_wave = np.full((2, 2, len(x), len(rows)), np.nan)
    for k, each in enumerate(found):
        for j, signal in enumerate((x[k], y[k])):
            st[j, k], r_wave[j, k] = _read(signal, each)
    fits = {lead: amplitudes(x[:, i], y[:, i]) for i, lead in enumerate(hidden)}
    squared = (y.astype(np.float64) - x) ** 2
    rmse = {}
    for name in WAVES:
        where = np.stack([each.waves[name] for each in found])
        rmse[name] = np.sqrt(mean_of(np.where(where[:, None], squared, np.nan)))
    beats = [_by_beat(*both) for both in zip(x, y, found, strict=True)]
    usual, ectopic, ratio = (np.array(column) for column in zip(*beats, strict=True))
    return ClinicalReport(
        hidden,
        MappingProxyType(fits),
        st[1] - st[0],
        r_wave[1] - r_wave[0],
        MappingProxyType(rmse),
        usual,
        ectopic,
        ratio,
    )


def amplitudes(truth: ArrayLike, estimate: ArrayLike) -> Amplitudes:
    """How much estimated amplitudes shrink to the mean, over records of one lead.

    Parameters
    ----------
    truth, estimate : (records, time) mV; records count where both span more than 0 mV.

    Returns
    -------
    The slope and what goes with it; NaN for fewer than three records, or all of one amplitude.

    Raises
    ------
    LengthError
        If the shapes differ.
    SignalError
        As `dsp.checks.signal`.

    Examples
    --------
    >>> wave = np.sin(np.arange(100))
    >>> size = np.array([[1.0], [2.0], [4.0]])
    >>> round(amplitudes(size * wave, size**0.5 * wave).slope, 6)
    0.5
    """
    x, y = checks.signal(truth, axes=2), checks.signal(estimate, axes=2)
    if x.shape != y.shape:
        raise LengthError(f"truth has shape {x.shape}, estimate {y.shape}; they must be the same.")
    lost = np.isnan(x) | np.isnan(y)
    spans = []
    for signal in (x, y):
        high = np.where(lost, -np.inf, signal).max(axis=-1)
        spans.append(high - np.where(lost, np.inf, signal).min(axis=-1))
    known = (spans[0] > 0) & (spans[1] > 0)
    nan = float("nan")
    if known.sum() < 3:
        return Amplitudes(nan, nan, nan, nan)
    a, b = (np.log(span[known].astype(np.float64)) for span in spans)
    ratio = float(np.exp(np.median(b - a)))
    if np.ptp(a) == 0:
        return Amplitudes(nan, nan, nan, ratio)
    both = np.cov(a, b)
    return Amplitudes(
        float(both[0, 1] / both[0, 0]),
        float(np.corrcoef(a, b - a)[0, 1]) if np.ptp(b - a) > 0 else 0.0,
        float(np.sqrt(both[1, 1] / both[0, 0])),
        ratio,
    )


def _read(x: checks.Signal, at: Landmarks) -> tuple[Values, Values]:
    """ST level and R wave of each lead, mV from the PQ level: medians over the usual beats."""
    usual = ~at.ectopic & np.isfinite(at.onset) & np.isfinite(at.offset)
    if not usual.any():
        return np.full(len(x), np.nan), np.full(len(x), np.nan)
    onset, offset = at.onset[usual], at.offset[usual]
    zero = levels(x, onset, np.linspace(*PQ, _POINTS) * at.fs)
    around = np.linspace(-_ST_HALF, _ST_HALF, _POINTS) * at.fs
    st = levels(x, offset + ST_DELAY * at.fs, around) - zero
    tops = [
        x[:, max(0, round(a)) : round(b) + 1].max(axis=-1)
        for a, b in zip(onset, offset, strict=True)
    ]
    r_wave = np.maximum(np.stack(tops, axis=-1) - zero, 0.0)
    return _medians(st), _medians(np.where(np.isnan(zero), np.nan, r_wave))


def _by_beat(x: checks.Signal, y: checks.Signal, at: Landmarks) -> tuple[float, float, float]:
    """Correlation in usual beats, in ectopic ones, and the size of the latter: one record."""
    busy = ~at.waves["rest"] & ~at.ectopic_time
    size = float("nan")
    if at.ectopic_time.any():
        a, b = (np.ptp(signal[:, at.ectopic_time], axis=-1) for signal in (x, y))
        size = float(b.sum() / a.sum()) if np.isfinite(a).all() and a.sum() > 0 else size
    return _r(x[:, busy], y[:, busy]), _r(x[:, at.ectopic_time], y[:, at.ectopic_time]), size


def _r(x: checks.Signal, y: checks.Signal) -> float:
    known = np.isfinite(x) & np.isfinite(y)
    if not x.size or not known.any():
        return float("nan")
    a, b = x[known].astype(np.float64), y[known].astype(np.float64)
    return float(np.corrcoef(a, b)[0, 1]) if np.ptp(a) > 0 and np.ptp(b) > 0 else float("nan")


def _medians(values: Values) -> Values:
    """(leads,) median over beats of what is finite; NaN where nothing is."""
    ordered = np.sort(np.where(np.isfinite(values), values, np.nan), axis=-1)  # NaN go last
    count = np.isfinite(values).sum(axis=-1, keepdims=True)
    low = np.take_along_axis(ordered, np.maximum(count - 1, 0) // 2, axis=-1)
    high = np.take_along_axis(ordered, np.minimum(count // 2, values.shape[-1] - 1), axis=-1)
    return np.asarray(((low + high) / 2)[..., 0])


def _median(values: Values) -> float:
    return float(_medians(values)) if values.size else float("nan")


def _prefixed(rmse: Mapping[str, Values]) -> dict[str, Values]:
    return {f"{name} RMSE": values for name, values in rmse.items()}

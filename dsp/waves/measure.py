"""Measurements: the intervals, the axis and the amplitudes a clinician reads from an ECG."""

import dataclasses
import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from dsp import beats, leads
from dsp.record import ECG
from dsp.waves.delineation import delineate
from dsp.waves.marks import Waves

ST_DELAY: Final = 0.060
"""s after the J point (QRS offset)."""
ISOELECTRIC: Final = (0.020, 0.004)
"""s before the QRS onset; the level all amplitudes are measured from."""
_ST_WIDTH: Final = 0.020  # s; one cycle of 50 Hz mains, so that it cancels
_LEAST_SHARE: Final = 0.5  # of the beats must have a P wave before there is a PR interval

Values = NDArray[np.float64]


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Measurements:
    """What `dsp.measure` returns: medians over the beats, NaN where it cannot be measured.

    Attributes
    ----------
    n_beats : beats found.
    rr : s, mean distance of beats.
    heart_rate : beats per minute, 60 / rr.
    pr, p_duration : s; NaN unless at least half of the beats have a P wave.
    qrs_duration, qt : s.
    qtc_bazett, qtc_fridericia : s; QT over the square, and the cube, root of rr.
    axis : rad, frontal QRS axis: 0 towards the left, +pi/2 downwards.
    leads : names of the rows of what follows.
    st_level : (leads,) mV, 60 ms after the J point.
    r_amplitude : (leads,) mV, highest point of the QRS, >= 0.
    s_amplitude : (leads,) mV, lowest point from the R peak on, <= 0; of a QS complex its depth.
    waves : the marks all of this comes from.
    """

    n_beats: int
    rr: float
    heart_rate: float
    pr: float
    p_duration: float
    qrs_duration: float
    qt: float
    qtc_bazett: float
    qtc_fridericia: float
    axis: float
    leads: tuple[str, ...]
    st_level: Values
    r_amplitude: Values
    s_amplitude: Values
    waves: Waves

    @property
    def rows(self) -> list[tuple[str, float, str]]:
        """Name, value and unit of the measurements of the whole recording, as printed."""
        return [
            ("Heart rate", self.heart_rate, "bpm"),
            ("RR interval", 1e3 * self.rr, "ms"),
            ("PR interval", 1e3 * self.pr, "ms"),
            ("P duration", 1e3 * self.p_duration, "ms"),
            ("QRS duration", 1e3 * self.qrs_duration, "ms"),
            ("QT interval", 1e3 * self.qt, "ms"),
            ("QTc (Bazett)", 1e3 * self.qtc_bazett, "ms"),
            ("QTc (Fridericia)", 1e3 * self.qtc_fridericia, "ms"),
            ("QRS axis", math.degrees(self.axis), "deg"),
        ]

    @property
    def table(self) -> str:
        """The measurements as text: the recording, then a line a lead; - where there is none."""
        lines = [f"{name:<18}{_text(value, 0):>6} {unit}" for name, value, unit in self.rows]
        lines += ["", f"{'lead':<6}{'ST mV':>9}{'R mV':>9}{'S mV':>9}"]
        columns = (self.st_level, self.r_amplitude, self.s_amplitude)
        for lead, *values in zip(self.leads, *columns, strict=True):
            cells = "".join(
                f"{_text(v, places):>9}" for v, places in zip(values, (3, 2, 2), strict=True)
            )
            lines.append(f"{lead:<6}{cells}")
        return "\n".join(lines)


def measure(ecg: ECG, waves: Waves | None = None) -> Measurements:
    """Heart rate, PR, QRS, QT and QTc, frontal axis, ST levels and amplitudes of a recording.

    Intervals are medians over the beats of the marks of all leads together; amplitudes are medians
    over the beats of the signal as recorded, from the level just before the QRS complex, so that a
    filter cannot bend the ST segment. The axis comes from the net areas of the QRS complex in I
    and aVF, which may themselves follow from other limb leads; aVF counts 2 / sqrt(3) fold, since
    an augmented lead sees that much less of the heart vector.

    Parameters
    ----------
    ecg : a recording with any leads, mV.
    waves : its marks, as of `dsp.delineate`; found if None.

    Returns
    -------
    Measurements: s, mV, rad, beats per minute; `.table` prints ms and degrees.

    Raises
    ------
    SignalError
        If there is nothing but NaN.

    Examples
    --------
    >>> t = np.arange(5000) / 500 - 0.5
    >>> bump = lambda at, width: np.exp(-0.5 * (((t[:, None] - at - np.arange(10)) / width) ** 2))
    >>> x = (0.1 * bump(-0.16, 0.02) + bump(0, 0.01) + 0.3 * bump(0.3, 0.04)).sum(axis=1)
    >>> found = measure(ECG([x, x], 500, ("I", "aVF")))
    >>> round(found.heart_rate), round(np.degrees(found.axis))
    (60, 49)
    >>> print(found.table.splitlines()[0])
    Heart rate            60 bpm
    """
    if waves is None:
        waves = delineate(ecg.signal, ecg.fs, np.asarray(beats.r_peaks(ecg.signal, ecg.fs)))
    peaks, all_ = waves.peaks, waves.together
    rr = float(np.diff(peaks).mean() / ecg.fs) if len(peaks) > 1 else math.nan
    has_p = np.isfinite(all_.p.onset)
    regular = len(peaks) > 0 and has_p.mean() >= _LEAST_SHARE
    first = np.stack([all_.p.onset, all_.p.onset, all_.qrs.onset, all_.qrs.onset], axis=1)
    last = np.stack([all_.qrs.onset, all_.p.offset, all_.qrs.offset, all_.t.offset], axis=1)
    pr, p_duration, qrs_duration, qt = (_median(last - first) / ecg.fs).tolist()
    st, r, s, area = _amplitudes(ecg, waves)
    return Measurements(
        n_beats=len(peaks),
        rr=rr,
        heart_rate=60 / rr,
        pr=pr if regular else math.nan,
        p_duration=p_duration if regular else math.nan,
        qrs_duration=qrs_duration,
        qt=qt,
        qtc_bazett=qt / rr**0.5,
        qtc_fridericia=qt / rr ** (1 / 3),
        axis=_axis(area, ecg.leads),
        leads=ecg.leads,
        st_level=st,
        r_amplitude=r,
        s_amplitude=s,
        waves=waves,
    )


def _median(values: NDArray[Any]) -> Values:
    """Median over the first axis of what is not NaN; NaN where all is."""
    nothing = np.full_like(values[:1], np.nan, shape=(1, *values.shape[1:]))
    ordered = np.sort(np.concatenate([values, nothing]), axis=0)
    n = np.isfinite(values).sum(axis=0)
    middle = [np.take_along_axis(ordered, (k // 2)[None], axis=0)[0] for k in (n - (n > 0), n)]
    return np.asarray(np.where(n % 2 == 1, middle[0], (middle[0] + middle[1]) / 2), np.float64)


def _amplitudes(ecg: ECG, waves: Waves) -> tuple[Values, Values, Values, Values]:
    """ST level, R and S amplitude (mV), net QRS area (mV s): medians over the beats, (leads,)."""
    fs, qrs = ecg.fs, waves.together.qrs
    known = np.isfinite(qrs.onset)
    onset, offset = np.rint(qrs.onset[known]), np.rint(qrs.offset[known])
    length = int(np.ceil((offset - onset).max(initial=1) + (ST_DELAY + _ST_WIDTH) * fs)) + 1
    before = int(np.ceil(ISOELECTRIC[0] * fs))
    t = np.arange(-before, length)
    index = onset[:, None].astype(np.int64) + t
    w = ecg.signal[:, np.clip(index, 0, ecg.n_samples - 1)].astype(np.float64)
    w[:, (index < 0) | (index >= ecg.n_samples)] = np.nan
    w -= w[..., (t >= -ISOELECTRIC[0] * fs) & (t <= -ISOELECTRIC[1] * fs)].mean(axis=-1)[..., None]
    width = (offset - onset)[:, None]
    # A gap within, or a lead that is off, makes a beat's value NaN; the median passes it over.
    gap = np.isnan(w).any(axis=-1) | (w == 0).all(axis=-1)
    within = (t >= 0) & (t <= width)
    at_st = np.abs(t - width - ST_DELAY * fs) <= _ST_WIDTH / 2 * fs
    st = np.where(at_st, w, 0.0).sum(axis=-1) / np.maximum(at_st.sum(axis=-1), 1)
    area = np.where(within, w, 0.0).sum(axis=-1) / fs
    top = np.where(within, w, -np.inf)
    r = np.maximum(top.max(axis=-1), 0.0)
    from_r = within & (t >= np.where(r > 0, t[top.argmax(axis=-1)], 0)[..., None])
    s = np.minimum(np.where(from_r, w, np.inf).min(axis=-1), 0.0)
    each = np.where(gap, np.nan, np.stack([st, r, s, area]))  # (4, leads, beats)
    return tuple(_median(each.transpose(2, 0, 1)))


def _axis(area: Values, names: tuple[str, ...]) -> float:
    """Frontal axis, rad, from QRS areas of any leads that determine I and aVF."""
    known = [k for k, name in enumerate(names) if name in leads.LIMB and np.isfinite(area[k])]
    if not known:
        return math.nan
    given = leads.rows(tuple(names[k] for k in known))
    wanted = leads.rows(("I", "aVF"))
    how = wanted @ np.linalg.pinv(given)
    if not np.allclose(how @ given, wanted):
        return math.nan
    i, avf = how @ area[known]
    return math.atan2(2 / math.sqrt(3) * avf, i)


def _text(value: float, places: int) -> str:
    return f"{value:.{places}f}" if math.isfinite(value) else "-"

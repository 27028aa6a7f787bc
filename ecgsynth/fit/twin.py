"""A digital twin: one patient's heart and torso, as found in a recording, to be simulated again."""

import dataclasses
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

import dsp
from dsp import leads
from dsp.errors import SignalError
from ecgsynth import anatomy
from ecgsynth.fit.beat import Beat, typical_beat
from ecgsynth.fit.gaussians import Clock, Parts, fit_parts, lead_field

Floats = NDArray[np.float64]

_SOUGHT_P: Final = (0.26, 0.03)  # s before the QRS, where a P wave is looked for
_P_DURATION: Final = 0.11  # s
_QT, _QRS, _T_SPREAD = 0.40, 0.09, 0.06  # s at 60 bpm, of an adult
_T_POSITION: Final = float(anatomy.PARTS["T"][anatomy.T, 0])


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Twin:
    """What `fit` found.

    Attributes
    ----------
    draft : the heart: places, widths and moments of the parts, in the simulator's own terms; its
        `local` is what the leads see beyond the dipole, and its knobs hold heart_rate, pr,
        p_duration, qrs and qt.
    field : (1, 8, 3) mV per unit of heart vector: the patient's lead field.
    observed : (12, time) mV, the typical beat of the recording; fitted : the same by the parameters.
    fs : Hz, of both. n_beats : that the typical beat is made of.
    """

    draft: anatomy.Draft
    field: Floats
    observed: NDArray[np.float32]
    fitted: NDArray[np.float32]
    fs: float
    n_beats: int

    @property
    def correlation(self) -> float:
        """Pearson's r of the fitted and the observed beat: all leads at once, each about its mean."""
        pair = [(x - x.mean(-1, keepdims=True)).ravel() for x in (self.fitted, self.observed)]
        return float(np.corrcoef(*pair)[0, 1])

    @property
    def residual(self) -> float:
        """Root mean square of observed minus fitted, as a share of that of observed."""
        gap = self.observed - self.fitted
        return float(np.sqrt((gap**2).mean() / max((self.observed**2).mean(), 1e-12)))

    @property
    def dipolar(self) -> float:
        """Share of the beat's energy that one moving dipole explains in this torso, 0 to 1."""
        sizes = self._sizes()
        whole = np.concatenate([(self.field @ v + w)[0] for v, w in sizes], -1)
        beyond = np.concatenate([w[0] for _, w in sizes], -1)
        return float(1 - (beyond**2).sum() / max((whole**2).sum(), 1e-12))

    def _sizes(self) -> list[tuple[Floats, Floats]]:
        return [(self.draft.vector[wave], self.draft.local[wave]) for wave in self.draft.vector]

    def simulate(
        self,
        *,
        heart_rate: float | None = None,
        rhythm: str | None = None,
        diagnosis: str = "NORM",
        severity: float = 0.7,
        stage: str = "acute",
        fs: float = 500.0,
        duration: float = 10.0,
        seed: int = 0,
    ) -> dsp.ECG:
        """The patient again: at another rate, in another rhythm, or with a disease added.

        Parameters
        ----------
        heart_rate : bpm; None is the recording's. QT follows the cube root of the RR interval.
        rhythm : a key of `ecgsynth.rhythm.RHYTHMS`; None is sinus rhythm of that rate.
        diagnosis : a key of `ecgsynth.diseases.DISEASES`, added to whatever the patient has.
        severity : 0 to 1. stage : acute, subacute or old (infarcts).
        fs : Hz. duration : s. seed : of the beats.

        Returns
        -------
        dsp.ECG of twelve leads, without noise, beats under the annotator ``atr``.

        Raises
        ------
        dsp.ECGError
            For an unknown statement or a value out of range.

        Examples
        --------
        >>> from ecgsynth import simulate
        >>> twin = fit(simulate(1).record(0), r_peaks=simulate(1).r_peaks[0])
        >>> twin.simulate(heart_rate=100, diagnosis="IMI")
        ECG(I II III aVR aVL aVF V1 V2 V3 V4 V5 V6; 10 s at 500 Hz, 17 atr)
        """
        from ecgsynth.fit.again import again

        return again(
            self.draft, self.field, heart_rate, rhythm, (diagnosis, severity, stage),
            fs, duration, seed,
        )  # fmt: skip


def fit(
    ecg: dsp.ECG,
    *,
    r_peaks: ArrayLike | None = None,
    restarts: int = 4,
    seed: int = 0,
) -> Twin:
    """The simulator's parameters from a recording.

    The typical beat is described by the sixteen parts of the simulated heart. Where and how wide
    they are is found by gradient (L-BFGS) from several starts around the adult heart; their size in
    each lead is the least-squares solution inside each step. The sizes are then split into a moving
    dipole, seen through the patient's own lead field, and what is beyond any dipole.

    Parameters
    ----------
    ecg : leads that determine all twelve, no gaps, at least two beats.
    r_peaks : sample indices; None finds them.
    restarts : starts of the search. seed : of the starts but the first.

    Returns
    -------
    Twin, with the beat, the fit and their correlation.

    Raises
    ------
    LeadError
        If the leads do not determine all twelve.
    SignalError
        If there are gaps.
    LengthError
        If there are fewer than two beats.

    Examples
    --------
    >>> from ecgsynth import simulate
    >>> sim = simulate(1)
    >>> fit(sim.record(0), r_peaks=sim.r_peaks[0]).correlation > 0.999
    True
    """
    x8 = ecg.twelve_leads()[leads.EIGHT].astype(np.float64)
    if not np.isfinite(x8).all():
        raise SignalError(
            "the recording has gaps (NaN); fit a part without: ecg.crop(start, stop)."
        )
    if r_peaks is None:
        from dsp.beats import r_peaks as find

        r_peaks = find(x8.astype(np.float32), ecg.fs)
    beat = typical_beat(x8, ecg.fs, r_peaks)
    clock = _clock(beat)
    parts = fit_parts(beat.x8, beat.times, beat.rr, clock, restarts=restarts, seed=seed)
    field, vector = lead_field(parts.amplitude, parts.width)
    return Twin(
        _draft(clock, beat.rr, parts, vector, parts.amplitude - field @ vector),
        field[None],
        leads.twelve(beat.x8 - parts.level[:, None]),
        leads.twelve(parts.amplitude @ parts.courses),
        beat.fs,
        beat.n_beats,
    )


def _clock(beat: Beat) -> Clock:
    """Intervals of the typical beat: QRS by its speed, P and T by where the leads peak together.

    A peak counts less the farther it is from where an adult's would be: the dome of an injured ST
    segment may be higher than the T wave that follows.
    """
    t, height = beat.times, np.sqrt((beat.x8**2).sum(0))
    qrs, stretch = beat.offset - beat.onset, float(np.cbrt(beat.rr))
    p = (t > beat.onset - _SOUGHT_P[0]) & (t < beat.onset - _SOUGHT_P[1])
    p_peak = t[p][height[p].argmax()] if p.any() else beat.onset - 0.1
    expected = beat.offset + _T_POSITION * (_QT * stretch - _QRS)
    likely = np.exp(-(((t - expected) / (_T_SPREAD * stretch)) ** 2) / 2)
    late = np.where(t > beat.offset + 0.06, height * likely, -1.0)
    qt = qrs + (t[late.argmax()] - beat.offset) / _T_POSITION
    return Clock(float(p_peak) - _P_DURATION / 2, _P_DURATION, beat.onset, qrs, float(qt))


def _draft(clock: Clock, rr: float, parts: Parts, vector: Floats, local: Floats) -> anatomy.Draft:
    """The parts in shares of their wave's interval."""
    draft = anatomy.Draft({}, {}, {}, {}, {})
    first = 0
    for wave, rows in anatomy.PARTS.items():
        zero, unit = clock.zero_and_unit(wave)
        part = slice(first, first + len(rows))
        first += len(rows)
        draft.position[wave] = (parts.centre[None, part] - zero) / unit
        draft.width[wave] = parts.width[None, part] / unit
        draft.vector[wave] = vector[None, :, part]
        draft.local[wave] = local[None, :, part]
    knobs = {
        "heart_rate": 60 / rr,
        "pr": clock.qrs_onset - clock.p_onset,
        "p_duration": clock.p_duration,
        "qrs": clock.qrs,
        "qt": clock.qt,
        "voltage": 1.0,
    }
    draft.knobs.update({name: np.array([value]) for name, value in knobs.items()})
    return draft

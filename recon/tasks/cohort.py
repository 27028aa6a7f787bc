"""Cohort: records at 100 Hz with what is known of each; simulated, or real by patient."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dsp import LengthError, checks, datasets, filters, leads, statistics
from dsp.datasets import Entry

FS: Final = 100.0
KNOBS: Final[Mapping[str, tuple[float, float]]] = {
    "heart_rate": (75.0, 15.0), "pr": (0.16, 0.02), "qrs": (0.097, 0.016), "qt": (0.39, 0.03),
    "axis": (0.44, 0.30), "turn": (0.09, 0.29), "voltage": (1.0, 0.26), "t_voltage": (1.0, 0.38),
    "age": (58.0, 16.0), "male": (0.5, 0.5), "severity": (0.5, 0.3),
}  # fmt: skip
"""Simulator parameters that a cohort keeps, with what is subtracted and divided by."""
INFARCTS: Final = ("ALMI", "AMI", "ASMI", "ILMI", "IMI", "IPLMI", "IPMI", "LMI", "PMI")
"""The nine infarct statements of PTB-XL."""
QUIET_DB, LOUD_DB = 28.0, 10.0
"""Range of the signal-to-noise ratio that simulated records are given."""
_CHUNK: Final = 128  # records that share a noise level
_FOLDS: Final = 5

REAL: Final[Mapping[str, tuple[str, ...]]] = {
    "AFIB": ("Atrial fibrillation", "164889003"),
    "SBRAD": ("Sinus bradycardia", "426177001"),
    "STACH": ("Sinus tachycardia", "427084000"),
    "1AVB": ("I degree AV block", "270492004"),
    "CRBBB": ("Complete right bundle branch block", "59118001", "713427006"),
    "IRBBB": ("Incomplete right bundle branch block", "713426002"),
    "CLBBB": ("Complete left bundle branch block", "164909002", "733534002"),
    "LAFB": ("Left anterior hemiblock", "445118002"),
    "LVH": ("Left ventricular hypertrophy", "164873001"),
    "PAC": ("Atrial extrasystole", "284470004"),
    "PVC": ("Ventricular extrasystole", "164884008", "427172004"),
    "LAD": ("Electric axis of the heart: left axis deviation", "39732003"),
    "STD": ("429622005",),
    "PACE": ("Pacemaker", "10370003"),
}
"""Statements by what LUDB begins them with and SNOMED CT codes of the challenges say."""


@dataclasses.dataclass(frozen=True, eq=False)
class Cohort:
    """Records and what is known of them.

    Attributes
    ----------
    x : (n, 8, time) float32 mV, the eight leads at 100 Hz, 0.5-40 Hz.
    labels : (n, k) float32, 1 yes, 0 no, NaN unknown.
    names : of the k labels.
    knobs : (n, `KNOBS`) float32, standardised; NaN for real records.
    groups : n patients, or data sets where patients are unknown.
    split : n parts of the data set's own, ``train``, ``val``, ``test``; () where it has none.

    Examples
    --------
    >>> cohort = simulated(6)
    >>> len(cohort), cohort.x.shape, len(cohort + cohort)
    (6, (6, 8, 1000), 12)
    """

    x: checks.Signal
    labels: NDArray[np.float32]
    names: tuple[str, ...]
    knobs: NDArray[np.float32]
    groups: tuple[str, ...]
    split: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, rows: NDArray[np.bool_ | np.integer] | slice) -> Cohort:
        """The records that a mask, places or a slice take."""
        places = np.arange(len(self))[rows]
        return dataclasses.replace(
            self,
            x=self.x[places],
            labels=self.labels[places],
            knobs=self.knobs[places],
            groups=tuple(self.groups[i] for i in places),
            split=tuple(self.split[i] for i in places) if self.split else (),
        )

    def __add__(self, other: Cohort) -> Cohort:
        """Both, with the labels of both; what the other does not label is unknown there.

        Parts are kept where both have them.
        """
        names = tuple(dict.fromkeys(self.names + other.names))
        return Cohort(
            np.concatenate([self.x, other.x]),
            np.concatenate([_columns(part, names) for part in (self, other)]),
            names,
            np.concatenate([self.knobs, other.knobs]),
            self.groups + other.groups,
            self.split + other.split if self.split and other.split else (),
        )

    def select(self, names: Sequence[str]) -> Cohort:
        """The same records with these labels, unknown where they are not labelled."""
        return dataclasses.replace(self, labels=_columns(self, tuple(names)), names=tuple(names))

    def parts(self) -> list[tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
        """Pairs of masks, to learn from and to score: the data set's own, or five folds by group.

        Raises
        ------
        LengthError
            If there are no parts, and fewer than five groups.

        Examples
        --------
        >>> [int(scored.sum()) for _, scored in simulated(10).parts()]
        [2, 2, 2, 2, 2]
        """
        if self.split:
            return [(self._of("train"), self._of("test"))]
        folds = datasets.grouped_folds(self.groups, _FOLDS)
        return [(folds != k, folds == k) for k in range(_FOLDS)]

    def scorable(self) -> Cohort:
        """The same records with the labels that can be scored.

        At least `dsp.statistics.FEWEST_POSITIVES` groups of what `parts` scores have the label, and
        as many do not.

        Examples
        --------
        >>> infarcts(36).scorable().names
        ('MI',)
        """
        groups = np.array(self.groups)
        scored = self._of("test") if self.split else np.ones(len(self), bool)
        counts = [
            min(len(set(groups[scored & (column == value)])) for value in (0, 1))
            for column in self.labels.T
        ]
        fewest = statistics.FEWEST_POSITIVES
        return self.select([n for n, c in zip(self.names, counts, strict=True) if c >= fewest])

    def _of(self, part: str) -> NDArray[np.bool_]:
        return np.asarray(np.array(self.split) == part)


def simulated(n: int, *, diagnosis: Sequence[str] | None = None, seed: int = 0) -> Cohort:
    """Simulated patients with their statements and parameters, at noise levels that differ.

    Parameters
    ----------
    n : patients.
    diagnosis : n keys of `ecgsynth.diseases.DISEASES` or `ecgsynth.rhythm.RHYTHMS`; by default two
        in five are of a clinical mixture, two of any disease alike, one of any rhythm.
    seed : names the series.

    Raises
    ------
    dsp.ECGError
        For an unknown statement.

    Examples
    --------
    >>> simulated(4, diagnosis=["AMI", "NORM", "AMI", "NORM"]).select(["AMI"]).labels[:, 0].tolist()
    [1.0, 0.0, 1.0, 0.0]
    """
    import ecgsynth
    from ecgsynth.diseases import DISEASES
    from ecgsynth.rhythm import RHYTHMS

    generator = np.random.default_rng([seed, n])
    if diagnosis is None:
        pools = (["any"], list(DISEASES), list(RHYTHMS))
        kinds = generator.choice(3, n, p=(0.4, 0.4, 0.2))
        diagnosis = [str(generator.choice(pools[kind])) for kind in kinds]
    beats = [row.statement or code for code, row in RHYTHMS.items()]
    names = tuple(dict.fromkeys([*DISEASES, *beats]))
    # A wider range of rates than at rest; rhythms have their own.
    rate = np.clip(generator.normal(76, 17, n), 48, 125)
    rate[[name in RHYTHMS for name in diagnosis]] = np.nan
    found: list[Cohort] = []
    for first in range(0, n, _CHUNK):
        part = slice(first, min(first + _CHUNK, n))
        made = ecgsynth.simulate(
            part.stop - part.start,
            diagnosis=diagnosis[part],
            heart_rate=rate[part],
            fs=FS,
            noise=float(generator.uniform(LOUD_DB, QUIET_DB)),
            seed=np.random.default_rng([seed, first]),
        )
        x = made.signal[:, [leads.TWELVE.index(lead) for lead in leads.EIGHT]]
        labels = np.array([[name in said for name in names] for said in made.labels], np.float32)
        groups = tuple(f"simulated/{seed}/{k}" for k in range(part.start, part.stop))
        found.append(Cohort(_cleaned(x), labels, names, _standardised(made.parameters), groups))
    return _joined(found)


def infarcts(n: int = 5000, *, seed: int = 0) -> Cohort:
    """Simulated patients of whom half have one of nine infarcts, alike in number, of any age.

    The others are a clinical mixture without infarcts: two in five normal, the rest sick in other
    ways, so that "not normal" does not answer the question.

    Returns
    -------
    Labels are the nine statements of `INFARCTS` and MI, any of them.

    Raises
    ------
    LengthError
        For fewer than 18 patients.

    Examples
    --------
    >>> infarcts(36).labels.sum(axis=0).tolist()
    [2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 18.0]
    """
    if n < 2 * len(INFARCTS):
        raise LengthError(f"{n} patients; nine infarcts and as many others need at least 18.")
    from ecgsynth.diseases import DISEASES

    generator = np.random.default_rng([seed, n, 9])
    others = [name for name in DISEASES if name not in INFARCTS]
    share = np.array([DISEASES[name].share for name in others])
    sick = [INFARCTS[k % len(INFARCTS)] for k in range(n // 2)]
    rest = generator.choice(others, n - len(sick), p=share / share.sum()).tolist()
    diagnosis = [(sick + rest)[k] for k in generator.permutation(n)]
    cohort = simulated(n, diagnosis=diagnosis, seed=seed).select(INFARCTS)
    any_of = cohort.labels.max(axis=1, keepdims=True)
    labels = np.concatenate([cohort.labels, any_of], axis=1)
    return dataclasses.replace(cohort, labels=labels, names=(*INFARCTS, "MI"))


def real(root: str | Path, *, every: bool = False) -> Cohort:
    """The twelve-lead recordings below a folder: the first ten seconds of each, or all windows.

    Returns
    -------
    Labels are the statements of `REAL`. A data set in which no recording has a statement does not
    use it: it is unknown there. Recordings that `recon.population.windows` refuses are left out.

    Raises
    ------
    ReadError
        If a data set is not there.

    Examples
    --------
    >>> cohort = real("recordings")  # doctest: +SKIP
    """
    from tqdm.auto import tqdm

    from recon import population

    x: list[checks.Signal] = []
    kept: list[Entry] = []
    for entry in tqdm(datasets.twelve_lead(root), desc="recordings", disable=None):
        parts = population.windows(entry.ecg)
        for part in parts if every else itertools.islice(parts, 1):
            x.append(part)
            kept.append(entry)
    labels = np.array([[_says(e, codes) for codes in REAL.values()] for e in kept], np.float32)
    sources = np.array([entry.source for entry in kept])
    for source in np.unique(sources):
        rows = sources == source
        labels[np.ix_(rows, labels[rows].max(axis=0) == 0)] = np.nan
    unknown = np.full((len(x), len(KNOBS)), np.nan, np.float32)
    return Cohort(np.stack(x), labels, tuple(REAL), unknown, tuple(e.group for e in kept))


def _says(entry: Entry, codes: tuple[str, ...]) -> bool:
    return any(label.lower().startswith(code.lower()) for label in entry.labels for code in codes)


def _columns(cohort: Cohort, names: tuple[str, ...]) -> NDArray[np.float32]:
    out = np.full((len(cohort), len(names)), np.nan, np.float32)
    for k, name in enumerate(names):
        if name in cohort.names:
            out[:, k] = cohort.labels[:, cohort.names.index(name)]
    return out


def _cleaned(x: checks.Signal) -> checks.Signal:
    x = filters.clean(x, FS)
    return np.asarray(x - x.mean(axis=-1, keepdims=True))


def _standardised(parameters: Mapping[str, NDArray[np.float64]]) -> NDArray[np.float32]:
    columns = [(parameters[name] - mean) / size for name, (mean, size) in KNOBS.items()]
    return np.clip(np.stack(columns, axis=1), -4, 4).astype(np.float32)


def _joined(parts: list[Cohort]) -> Cohort:
    """All parts, of the same labels, copied once."""
    return Cohort(
        np.concatenate([part.x for part in parts]),
        np.concatenate([part.labels for part in parts]),
        parts[0].names,
        np.concatenate([part.knobs for part in parts]),
        tuple(group for part in parts for group in part.groups),
    )

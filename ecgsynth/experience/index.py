"""The index: references by likeness to a patient, each kind of likeness with a weight of its own."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import scipy
from numpy.typing import NDArray

from dsp import leads
from dsp.datasets.dataset import Entry
from dsp.errors import LengthError
from ecgsynth.experience.references import BEAT_SAMPLES, Reference, remember
from ecgsynth.experience.texts import Embedding, bag, hashing, unit
from ecgsynth.statements import unified

Floats = NDArray[np.float32]
_BAGS: Final = ("diagnoses", "medication", "procedures")
_BAG_WIDTH: Final = 32  # numbers a token spends on a set of codes
_BEAT_EVERY: Final = 5  # samples of a prototype that a token tells as one: 50 Hz
_AGE_SCALE: Final = 10.0  # years over which likeness of age falls to exp(-1/2)


@dataclasses.dataclass(frozen=True, slots=True)
class Weights:
    """How much each likeness counts; zero leaves it out.

    The first three are the l1, l2 and l3 of SE-Diff (Wang et al., ICLR 2026), which compares
    diagnoses, medication and procedures by Jaccard's index. A likeness that the query says nothing
    about does not count.

    Examples
    --------
    >>> Weights(text=0.0).diagnoses
    1.0
    """

    diagnoses: float = 1.0
    medication: float = 0.5
    procedures: float = 0.5
    age: float = 0.25
    sex: float = 0.25
    text: float = 0.5


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Retrieved:
    """The references most alike, best first.

    Attributes
    ----------
    references : k of them. scores : (k,) from 0 to 1.
    tokens : (k, C) float32 for cross-attention: codes, age, sex, text and beat of each, its score.
    prototypes : (k, 8, samples) float32 mV at `BEAT_FS`, their median beats; zeros without one.
    has_beat : (k,) which have one.

    Examples
    --------
    >>> found = Experience([Reference("a", diagnoses=("AFIB",))]).search(diagnoses=["AFIB"])
    >>> found.tokens.shape[0], found.prototypes.shape, found.has_beat.tolist()
    (1, (1, 8, 170), [False])
    """

    references: tuple[Reference, ...]
    scores: NDArray[np.float64]
    tokens: Floats
    prototypes: Floats
    has_beat: NDArray[np.bool_]


class Experience:
    """An index of reference recordings.

    Parameters
    ----------
    references : to remember; their order decides between equals.
    embed : texts -> (n, d); `hashing` if not given.

    Raises
    ------
    LengthError
        If there are none, a name occurs twice, or beats are not (8, 170).

    Examples
    --------
    >>> old = Reference("a", "ann", ("AFIB",), age=80, text="atrial fibrillation")
    >>> young = Reference("b", "bob", ("NORM",), age=20, text="normal ecg")
    >>> index = Experience([old, young])
    >>> [r.name for r in index.search(diagnoses=["AFIB"], k=1).references]
    ['a']
    """

    def __init__(self, references: Iterable[Reference], embed: Embedding = hashing) -> None:
        self.references = tuple(references)
        self.embed = embed
        names = {reference.name for reference in self.references}
        if not names or len(names) < len(self.references):
            raise LengthError(
                f"{len(self.references)} references with {len(names)} names; give one or more, each "
                "with a name of its own."
            )
        self._codes = {bag: _Codes([getattr(r, bag) for r in self.references]) for bag in _BAGS}
        self._age = np.array([np.nan if r.age is None else r.age for r in self.references])
        self._sex = np.array([r.sex or "" for r in self.references])
        self._patient = np.array([r.patient for r in self.references])
        self._text = self._embedded([r.text for r in self.references])
        self._beats = _beats(self.references)

    def __len__(self) -> int:
        return len(self.references)

    @classmethod
    def of(cls, entries: Iterable[Entry], embed: Embedding = hashing) -> "Experience":
        """An index of a data set, with the median beat of every recording.

        Parameters
        ----------
        entries : a `dsp.datasets.Dataset`, or some of its entries; their labels become the
            diagnoses, and a report among their details the text.
        embed : texts -> (n, d).
        """
        return cls((remember(entry) for entry in entries), embed)

    @property
    def width(self) -> int:
        """C, the numbers of a token."""
        beat = len(leads.EIGHT) * BEAT_SAMPLES // _BEAT_EVERY
        return len(_BAGS) * _BAG_WIDTH + 5 + int(self._text.shape[1]) + beat

    def search(
        self,
        *,
        diagnoses: Sequence[str] = (),
        medication: Sequence[str] = (),
        procedures: Sequence[str] = (),
        age: float | None = None,
        sex: str | None = None,
        text: str = "",
        k: int = 5,
        weights: Weights | None = None,
        without: Sequence[str] = (),
    ) -> Retrieved:
        """The `k` references most like a patient.

        Likeness is the weighted mean of Jaccard's index of each set of codes, exp(-d²/200) for d
        years between the ages, agreement of sex, and the cosine of the texts (at least 0).

        Parameters
        ----------
        diagnoses, medication, procedures, age, sex, text : what is known of the patient; diagnoses
            in any words that `ecgsynth.statements.unified` knows.
        k : how many; fewer if the index has not so many.
        weights : `Weights()` if not given.
        without : patients to leave out; in training and evaluation, the very patient, always.

        Returns
        -------
        Retrieved, best first; equals in the order of the index.

        Raises
        ------
        LengthError
            If `k` is below 1, or nobody is left.

        Examples
        --------
        >>> index = Experience([Reference("a", "ann", ("AFIB",)), Reference("b", "bob", ("AFIB",))])
        >>> index.search(diagnoses=["AFIB"], without=["ann"]).references[0].name
        'b'
        """
        asked = {
            "diagnoses": unified(diagnoses), "medication": medication, "procedures": procedures
        }  # fmt: skip
        score = self._scores(self._likenesses(asked, age, sex, text), weights or Weights())
        allowed = np.flatnonzero(self._allowed(without))
        if k < 1 or not len(allowed):
            raise LengthError(f"k={k} of {len(allowed)} references: give 1 or more of both.")
        best = allowed[np.argsort(-score[allowed], kind="stable")[:k]]
        return Retrieved(
            references=tuple(self.references[i] for i in best),
            scores=score[best],
            tokens=self._tokens(best, score[best]),
            prototypes=self._beats[best],
            has_beat=np.array([self.references[i].beat is not None for i in best]),
        )

    def _scores(
        self, found: Mapping[str, NDArray[np.float64]], weights: Weights
    ) -> NDArray[np.float64]:
        """(n,) from 0 to 1: the weighted mean of the likenesses."""
        total = sum(getattr(weights, name) for name in found)
        parts = [getattr(weights, name) * likeness for name, likeness in found.items()]
        return np.asarray(sum(parts, np.zeros(len(self))) / (total or 1.0))

    def recall(self, patients: Sequence[Mapping[str, Any]], k: int = 4) -> Floats:
        """What a generator is told of the likes of some patients.

        Parameters
        ----------
        patients : n of them, each what `search` is to be asked with.
        k : references for each.

        Returns
        -------
        (n, k, C) float32, the tokens of `search`; NaN where the index has not so many, or nobody.

        Examples
        --------
        >>> index = Experience([Reference("a", diagnoses=("AFIB",))])
        >>> np.isnan(index.recall([{"diagnoses": ["AFIB"]}, {"age": 60}], k=2)).all(2).tolist()
        [[False, True], [False, True]]
        """
        out = np.full((len(patients), k, self.width), np.nan, np.float32)
        for row, patient in zip(out, patients, strict=True):
            if self._allowed(patient.get("without", ())).any():
                tokens = self.search(**patient, k=k).tokens
                row[: len(tokens)] = tokens
        return out

    def _allowed(self, without: Sequence[str]) -> NDArray[np.bool_]:
        return np.asarray(~np.isin(self._patient, list(without)) | (self._patient == ""))

    def _likenesses(
        self, asked: Mapping[str, Sequence[str]], age: float | None, sex: str | None, text: str
    ) -> dict[str, NDArray[np.float64]]:
        """(n,) from 0 to 1, of each kind that is asked about."""
        found = {bag: self._codes[bag].jaccard(codes) for bag, codes in asked.items() if codes}
        if age is not None:
            near = np.exp(-0.5 * ((self._age - age) / _AGE_SCALE) ** 2)
            found["age"] = np.nan_to_num(near)
        if sex:
            found["sex"] = (self._sex == sex).astype(np.float64)
        if text:
            cosine = self._text.astype(np.float64) @ self._embedded([text])[0]
            found["text"] = np.clip(cosine, 0.0, 1.0)
        return found

    def _tokens(self, rows: NDArray[np.int64], scores: NDArray[np.float64]) -> Floats:
        known = np.isfinite(self._age[rows])
        said = [
            np.where(known, self._age[rows] / 100, 0.0),
            known,
            self._sex[rows] == "F",
            self._sex[rows] == "M",
            scores,
        ]
        bags = [unit(np.stack([_coded(self.references[i], kind) for i in rows])) for kind in _BAGS]
        beats = self._beats[rows].reshape(len(rows), -1, _BEAT_EVERY).mean(2)
        parts = [*bags, np.stack(said, axis=1), self._text[rows], beats]
        return np.concatenate(parts, axis=1).astype(np.float32)

    def _embedded(self, texts: list[str]) -> Floats:
        found = np.asarray(self.embed(texts), np.float32)
        if found.ndim != 2 or len(found) != len(texts):
            raise LengthError(
                f"the embedding made {found.shape} of {len(texts)} texts; expected (n, d)."
            )
        return unit(found)


class _Codes:
    """Sets of codes, one a reference, as a sparse table of zeros and ones."""

    def __init__(self, sets: Sequence[Sequence[str]]) -> None:
        self.column: dict[str, int] = {}
        unique = [set(codes) for codes in sets]
        columns = [self.column.setdefault(c, len(self.column)) for s in unique for c in sorted(s)]
        self.size = np.array([len(s) for s in unique], np.float64)
        ends = np.concatenate([[0], np.cumsum(self.size)]).astype(np.int64)
        shape = (len(unique), max(len(self.column), 1))
        self.table = scipy.sparse.csr_array((np.ones(len(columns)), columns, ends), shape=shape)

    def jaccard(self, codes: Sequence[str]) -> NDArray[np.float64]:
        """(n,) shared over all codes, of each set with these."""
        wanted = set(codes)
        query = np.zeros(self.table.shape[1])
        query[[self.column[c] for c in wanted if c in self.column]] = 1.0
        shared = np.asarray(self.table @ query)
        return np.asarray(shared / (self.size + len(wanted) - shared))


def _beats(references: Sequence[Reference]) -> Floats:
    out = np.zeros((len(references), len(leads.EIGHT), BEAT_SAMPLES), np.float32)
    for row, reference in enumerate(references):
        if reference.beat is None:
            continue
        if np.shape(reference.beat) != out.shape[1:]:
            raise LengthError(
                f"{reference.name}: a beat of shape {np.shape(reference.beat)}; expected {out.shape[1:]}."
            )
        out[row] = reference.beat
    return out


def _coded(reference: Reference, kind: str) -> Floats:
    """A set of codes as one vector."""
    return bag(set(getattr(reference, kind)), _BAG_WIDTH)

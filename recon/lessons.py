"""Lessons: from windows of many patients to what the network learns from, changed a little each time.

Leads are mixed, stretched, swapped, made noisy and lost. Only a given lead is noisy or lost: what is
to be found stays the truth. A patient never votes on his own window, else the Gaussian would look
better in training than it is. There is no random gain: the network is equivariant to it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from dsp import LengthError, filters, leads
from dsp.checks import Signal
from recon.network import FS
from recon.predictor import told_of
from recon.voting import Voting

WORN: Final[tuple[tuple[str, ...], ...]] = (
    ("I",),
    ("II",),
    ("I", "II"),
    *(("I", "II", chest) for chest in ("V1", "V2", "V3", "V4", "V5")),
    ("II", "V1", "V5"),
    ("I", "II", "V2", "V5"),
    ("I", "II", "V1", "V5"),
    ("I", "II", "V1", "V3", "V5"),
)
"""What devices record; half of the lessons. The other half are any of the 255 subsets."""
LIMB_ALONE: Final = (("III",), ("aVR",), ("aVL",), ("aVF",))
SETS_A_BATCH: Final = 4

_MIXING: Final = 0.08
_STRETCH: Final = 1.25
_ODDS: Final = {"noise": 0.25, "swap": 0.05, "gap": 0.1, "short": 0.1, "limb": 0.03, "source": 0.5}
_NOISES: Final = 64
_SNR_DB: Final = (6.0, 30.0)


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Lessons:
    """Step to batch, a pure function of `seed` and the step.

    Parameters
    ----------
    windows : (n, 8, time) float32 mV, as of `recon.population.windows`.
    alike : (n, voters) bool, who must not vote on a window: the patient's own records.
    related : (n, voters) bool, who may not in half of the lessons: the records of the same data
        set, so that the network meets a population that does not know its patient's hospital.
    voting : the Gaussian of the training patients.
    size : windows a batch, a multiple of `SETS_A_BATCH`.
    seed : of everything drawn.

    Raises
    ------
    LengthError
        If `windows` and the masks do not belong together, or `size` is no multiple.

    Examples
    --------
    >>> from recon.gaussian import Gaussian
    >>> x = np.random.default_rng(0).normal(size=(6, 8, 1000)).astype("f4")
    >>> voting = Voting(Gaussian(np.ones((2, 3, 1, 1)) * np.eye(8)))
    >>> nobody = np.zeros((6, 3), bool)
    >>> batch = Lessons(x, nobody, nobody, voting, size=4)(0)
    >>> sorted(batch), batch["present"].shape[:2]
    (['given', 'mean', 'present', 'std', 'truth'], torch.Size([4, 9]))
    """

    windows: Signal
    alike: NDArray[np.bool_]
    related: NDArray[np.bool_]
    voting: Voting
    size: int = 32
    seed: int = 0
    noises: Signal = dataclasses.field(init=False)

    def __post_init__(self) -> None:
        if (
            not len(self.windows) == len(self.alike) == len(self.related)
            or self.size % SETS_A_BATCH
        ):
            raise LengthError(
                f"{len(self.windows)} windows, masks for {len(self.alike)} and {len(self.related)}, "
                f"batches of {self.size}: one mask a window, batches of a multiple of {SETS_A_BATCH}."
            )
        object.__setattr__(self, "noises", _noises(self.windows.shape[-1], self.seed))

    def __call__(self, step: int) -> Mapping[str, torch.Tensor]:
        """The batch of a step: "truth", and the arguments of `recon.network.Network.forward`."""
        rng = np.random.default_rng([self.seed, step])
        chosen = rng.integers(len(self.windows), size=self.size)
        x = _stretched(self.windows[chosen], rng)
        x = np.einsum("nij,njt->nit", _mixings(self.size, rng), x, optimize=True)
        if rng.random() < _ODDS["short"]:
            x = x[..., : rng.integers(x.shape[-1] // 5, x.shape[-1])]
        x -= x.mean(axis=-1, keepdims=True)
        parts = []
        for rows in np.split(np.arange(self.size), SETS_A_BATCH):
            mine = chosen[rows]
            stranger = rng.random(len(rows)) < _ODDS["source"]
            without = self.alike[mine] | (self.related[mine] & stranger[:, None])
            without[without.all(axis=1)] = False
            parts.append(self._lesson(x[rows], without, rng))
        return {
            name: torch.from_numpy(np.concatenate([part[name] for part in parts]).astype("f4"))
            for name in parts[0]
        }

    def _lesson(
        self, truth: Signal, without: NDArray[np.bool_], rng: np.random.Generator
    ) -> dict[str, Signal]:
        """Some windows with the same leads given."""
        given = lead_set(rng)
        seen = self._noisy(truth, rng)
        lesson = view(self.voting, seen, given, without)
        if len(given) > 1 and rng.random() < _ODDS["gap"]:
            rest = tuple(np.delete(given, rng.integers(len(given))))
            lost = view(self.voting, seen, rest, without)
            first = rng.integers(truth.shape[-1])
            where = slice(first, first + rng.integers(int(FS), int(4 * FS)))
            for name, value in lesson.items():
                value[..., where] = lost[name][..., where]
        return {"truth": truth, **lesson}

    def _noisy(self, x: Signal, rng: np.random.Generator) -> Signal:
        """A few of the windows with noise of the electrodes."""
        noisy = rng.random(size=len(x)) < _ODDS["noise"]
        snr = rng.uniform(*_SNR_DB, size=len(x))
        noise = self.noises[rng.integers(len(self.noises), size=len(x))]
        noise = np.roll(noise, rng.integers(noise.shape[-1]), axis=-1)[..., : x.shape[-1]]
        size = np.sqrt((x**2).mean(axis=(1, 2)) / (noise**2).mean(axis=(1, 2)))
        gain = noisy * size * 10 ** (-snr / 20)
        return np.asarray(x + gain[:, None, None] * noise, np.float32)


def view(
    voting: Voting,
    x8: Signal,
    given: Sequence[str],
    without: NDArray[np.bool_] | None = None,
) -> dict[str, Signal]:
    """What the network is shown of windows when some leads are given.

    Parameters
    ----------
    voting : the Gaussian.
    x8 : (n, 8, time) mV, of which only what `given` tells is looked at.
    given : names among the twelve.
    without : as of `recon.voting.Voting.predict8`.

    Returns
    -------
    "given", "present", "mean", "std": the arguments of `recon.network.Network.forward`, float32.

    Raises
    ------
    LeadError
        If a name is not one of the twelve.

    Examples
    --------
    >>> from recon.gaussian import Gaussian
    >>> voting = Voting(Gaussian(np.ones((2, 1, 1, 1)) * np.eye(8)))
    >>> view(voting, np.ones((1, 8, 100), "f4"), ["aVF"])["present"][0, [0, 1, 8], 0].round(2)
    array([ 0.2,  0.8, -0.4], dtype=float32)
    """
    told, present = told_of(x8, [(tuple(given), slice(None))])
    mean, variance = voting.predict8(x8, given, without=without)
    return {"given": told, "present": present, "mean": mean, "std": np.sqrt(variance)}


def lead_set(rng: np.random.Generator) -> tuple[str, ...]:
    """Leads for one lesson: worn ones, or any subset, now and then one limb lead alone.

    Examples
    --------
    >>> lead_set(np.random.default_rng(0))
    ('I', 'II', 'V1')
    """
    if rng.random() < _ODDS["limb"]:
        return LIMB_ALONE[rng.integers(len(LIMB_ALONE))]
    if rng.random() < 0.5:
        return WORN[rng.integers(len(WORN))]
    rows = rng.choice(8, size=rng.integers(1, 8), replace=False)
    return tuple(leads.EIGHT[row] for row in np.sort(rows))


def _mixings(n: int, rng: np.random.Generator) -> Signal:
    """(n, 8, 8): electrodes a little elsewhere; now and then two of them exchanged."""
    mixing = np.eye(8) + _MIXING * rng.normal(size=(n, 8, 8))
    for k in np.flatnonzero(rng.random(size=n) < _ODDS["swap"]):
        swap = np.eye(8)
        chest = int(rng.integers(1, 7))
        if chest == 1:  # the arms: I changes its sign, II becomes III
            swap[:2, :2] = [[-1, 0], [-1, 1]]
        else:
            swap[[chest, chest + 1]] = swap[[chest + 1, chest]]
        mixing[k] = mixing[k] @ swap
    return mixing.astype(np.float32)


def _stretched(x: Signal, rng: np.random.Generator) -> Signal:
    """Another heart rate and another beginning; the window is a circle (Catmull-Rom splines)."""
    n, _, size = x.shape
    pace = _STRETCH ** rng.uniform(-1, 1, size=n)
    at = np.asarray(rng.integers(size, size=n))[:, None] + pace[:, None] * np.arange(size)
    whole = np.floor(at).astype(np.int64).reshape(n, 1, size)
    u = (at[:, None] - whole).astype(np.float32)
    p, q, r, s = (np.take_along_axis(x, (whole + k) % size, axis=-1) for k in (-1, 0, 1, 2))
    bend = u * (2 * p - 5 * q + 4 * r - s + u * (3 * (q - r) + s - p))
    return np.asarray(q + 0.5 * u * (r - p + bend), np.float32)


def _noises(n_samples: int, seed: int) -> Signal:
    """(many, 8, time): noise of the electrodes within the band, of unit-like power."""
    from ecgsynth import noise

    rows = [leads.TWELVE.index(lead) for lead in leads.EIGHT]
    powers = {"muscle": 0.5, "motion": 0.3, "white": 0.2}
    drawn = noise.sample(_NOISES, max(n_samples, int(10 * FS)), FS, powers, seed=seed)
    return filters.clean(drawn[:, rows], FS)

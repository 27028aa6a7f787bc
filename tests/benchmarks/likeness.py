"""How like real recordings generated ones are: one row of figures, each with its interval by patient.

| column | what it says |
|---|---|
| KID, density, coverage | distance and overlap, in the space of `ecgsynth.fidelity.encoding.features`, scaled by the training recordings' spread |
| the teacher's | the same in the space of the teacher of the bundled `recon.Aligner` |
| texture | median absolute first difference (mean over eight leads, median over records), of real |
| bands | largest relative error of the power's share in four bands |
| unexplained | share of the power that the simulator at the record's own beats cannot explain, mean, % |
| diversity | root mean square distance of two draws of one request, of that between two real strangers |
| rate, QT | error of what is found against what was asked for: mean, bpm; median, ms |
"""

import dataclasses

import numpy as np
import torch

import dsp
import recon
from dsp import distances, leads
from dsp.statistics import bootstrap
from ecgsynth import physics
from ecgsynth.fidelity.encoding import bands, features
from ecgsynth.pairs import diagnosis_of
from ecgsynth.patients import KNOBS, patients
from ecgsynth.retime import retime
from recon import generation

ROWS = [leads.TWELVE.index(lead) for lead in leads.EIGHT]
FS = generation.FS
SECONDS = 10.0
COLUMNS = (
    "KID", "density", "coverage", "teacher's KID", "teacher's density", "teacher's coverage",
    "texture", "bands", "unexplained", "diversity", "rate", "QT",
)  # fmt: skip
DRAWS = (3, 4)  # seeds of the two draws of each request


@dataclasses.dataclass
class Real:
    """Windows of real recordings, (n, 12, 1000) mV, and what was asked for in their image."""

    x: np.ndarray
    groups: list
    asked: dict
    r_times: list

    @classmethod
    def of(cls, found):
        """Of entries with their windows, as of `recon.generation.windows`."""
        windows = [w for _, w in found]
        asked = {k: [w.numbers.get(k, np.nan) for w in windows] for k in KNOBS}
        asked = {k: np.clip(v, *KNOBS[k]) for k, v in asked.items() if np.isfinite(v).any()}
        short = asked["qt"] < np.nan_to_num(asked["qrs"], nan=0.1) + 0.1
        asked["qt"] = np.where(short, np.nan, asked["qt"])
        request = {
            "parameters": asked,
            "diagnosis": [diagnosis_of(w.statements) for w in windows],
            "rhythm": ["AFIB" if "AFIB" in w.statements else "SR" for w in windows],
        }
        x = leads.twelve(np.stack([w.x8 for w in windows]))
        groups = [e.group if e.patient else e.name for e, _ in found]
        return cls(x, groups, request, [w.r_times for w in windows])

    def part(self, rows):
        """Some of the windows, without requests."""
        pick = [int(i) for i in rows]
        return Real(
            self.x[pick], [self.groups[i] for i in pick], {}, [self.r_times[i] for i in pick]
        )


class Space:
    """An encoder's vectors, each number in units of its spread among the training recordings."""

    def __init__(self, encode, train):
        self.encode = encode
        vectors = np.asarray(encode(train.x, FS), float)
        self.middle, self.spread = vectors.mean(0), vectors.std(0) + 1e-9

    def __call__(self, x12):
        return (np.asarray(self.encode(x12, FS), float) - self.middle) / self.spread


class Judge:
    """Figures of a set of records against held-back real ones, conditions matched."""

    def __init__(self, real, train):
        self.real = real
        teacher = recon.Aligner.from_pretrained().teacher
        self.spaces = {"": Space(features, train), "teacher's ": Space(teacher, train)}
        z = self.spaces[""](real.x)
        gap = ((z[:, None] - z) ** 2).sum(-1)
        groups = np.asarray(real.groups)
        self.strangers = gap[groups[:, None] != groups].mean()

    def figures(self, gen, options, **further):
        """Of what a generator makes on the real windows' requests: column to value with interval."""
        request = {**self.real.asked, **further, "options": options}
        new, again = (gen.generate(len(self.real.x), seed=s, **request) for s in DRAWS)
        asked, groups = new.parameters, self.real.groups
        rr = [np.diff(dsp.r_peaks(x, FS)) for x in new.signal]
        rate = np.array([60 * FS / r.mean() if len(r) else np.nan for r in rr])
        qt = np.array([found.qt for found in new.measured])
        space = self.spaces[""]
        apart = ((space(new.signal) - space(again.signal)) ** 2).sum(1)
        return self.alike(new.signal) | {
            "unexplained": unexplained(new.signal, new.batches, groups),
            "diversity": bootstrap(
                apart / self.strangers, groups, lambda d: float(np.sqrt(d.mean()))
            ),
            "rate": bootstrap(np.abs(rate - asked["heart_rate"]), groups),
            "QT": bootstrap(1e3 * np.abs(qt - asked["qt"]), groups, np.median),
        }

    def alike(self, x12, real=None):
        """The columns for which nothing but the records is needed; against all real ones, or some."""
        found, real = {}, real or self.real
        for name, space in self.spaces.items():
            sets = space(real.x), space(x12), real.groups, list(range(len(x12)))
            cover = distances.density_coverage(*sets)
            found[f"{name}KID"] = distances.kid(*sets)
            found |= {f"{name}density": cover.density, f"{name}coverage": cover.coverage}
        pairs = zip(grain(x12), grain(real.x), strict=True)
        texture, shares = (np.column_stack(both) for both in pairs)
        return found | {
            "texture": bootstrap(
                texture, real.groups, lambda v: float(np.divide(*np.median(v, axis=0)))
            ),
            "bands": bootstrap(shares, real.groups, off),
        }

    def floor(self, seed=0):
        """Real recordings against real ones: one random half against the other; and what the
        simulator, with a patient drawn at each one's beats, cannot explain of them."""
        half = np.random.default_rng(seed).permutation(len(self.real.x))
        first, second = (self.real.part(half[k::2][: len(half) // 2]) for k in (0, 1))
        drawn = patients(
            len(self.real.x), parameters=self.real.asked["parameters"], duration=SECONDS, seed=seed
        )
        has_p = np.array([code != "AFIB" for code in self.real.asked["rhythm"]])
        timed = retime(drawn, self.real.r_times, SECONDS, has_p)
        unmet = unexplained(self.real.x, [timed], self.real.groups)
        return self.alike(second.x, first) | {"unexplained": unmet}


def grain(x12):
    """(n, 1) mV texture, and (n, bands) shares of the power."""
    x8 = x12[:, ROWS].astype(float)
    return np.median(np.abs(np.diff(x8)), axis=2).mean(1)[:, None], bands(x8, FS)


def off(shares):
    """Largest relative error of mean shares (n, made and real bands), of those that are not empty."""
    made, real = np.split(shares.mean(0), 2)
    return float(np.abs(made / np.maximum(real, 1e-3) - 1)[real > 0.01].max())


def unexplained(x12, batches, groups):
    """Share of the power of records that the simulator around their patients cannot explain, %."""
    x8, first, shares = torch.from_numpy(x12[:, ROWS]).float(), 0, []
    for batch in batches:
        heart = batch.heart.tensors()
        n = len(batch.diagnosis)
        part, first = x8[first : first + n], first + n
        part = part - part.mean(-1, keepdim=True)
        with torch.no_grad():
            space = physics.Physics(
                physics.courses(heart, FS, part.shape[-1]), physics.sizes(heart)
            )
            shares.append(space.energy(part) / part.square().mean((1, 2)).clamp_min(1e-9))
    return bootstrap(100 * torch.cat(shares).numpy(), groups)


def gaussian(x12, n, seed=0):
    """N records of the stationary Gaussian process with the recordings' mean cross-spectrum."""
    spectrum = np.fft.rfft(x12[:, ROWS])
    cross = np.einsum("nif,njf->fij", spectrum, spectrum.conj()) / len(x12)
    root = np.linalg.cholesky(
        cross + 1e-9 * np.eye(8) * np.trace(cross.real, axis1=1, axis2=2).max()
    )
    rng = np.random.default_rng(seed)
    z = rng.standard_normal((2, n, len(root), 8)) / 2**0.5
    drawn = np.einsum("fij,nfj->nif", root, z[0] + 1j * z[1])
    return leads.twelve(np.fft.irfft(drawn, x12.shape[-1]))


def table(rows):
    """Rows of figures, one above the other."""
    lines = ["".join([f"{'':26}", *(f"{column:>22}" for column in COLUMNS)])]
    for name, figures in rows.items():
        cells = [_cell(figures.get(column)) for column in COLUMNS]
        lines.append(f"{name:26}" + "".join(f"{cell:>22}" for cell in cells))
    return "\n".join(lines)


def _cell(found):
    return "" if found is None else f"{found.value:.3g} [{found.low:.2f}, {found.high:.2f}]"

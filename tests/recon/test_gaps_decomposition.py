"""The decomposition against closed form: a world whose posterior is known, a linear and a quadratic teacher."""

import numpy as np
import pytest

import ecgsynth
from dsp import ECG, clean, leads
from recon.gaps import GaussianPosterior
from recon.gaps.decomposition import Residual, split
from recon.gaps.draws import Draws
from recon.gaussian import Gaussian, covariance, given_space, predictors
from recon.gaussian import split as bands

N, SAMPLES, GIVEN = 120, 8, ("I", "II")


class World:
    """Lead I and II of simulated patients; the hidden leads drawn anew from a known Gaussian."""

    def __init__(self):
        x8 = ecgsynth.simulate(N, fs=100, diagnosis="any", seed=5).signal[:, EIGHT]
        everyone = np.mean([covariance(bands(x, 100)) for x in x8], axis=0)
        self.model = Gaussian(everyone[:, None])
        sampler = GaussianPosterior(self.model)
        basis, coordinates = given_space(GIVEN)
        self.truth, self.mean, self.left, self.samples = [], [], [], []
        for k, x in enumerate(x8):
            ecg = ECG(x[:2], 100, GIVEN)
            drawn = sampler(ecg, 1 + SAMPLES, k)[:, EIGHT]
            self.truth.append(drawn[0])
            self.samples.append(drawn[1:])
            z = coordinates @ bands(clean(ecg.signal, 100), 100).astype(float)
            beliefs = self.model.votes(basis, covariance(z)).covariances[:, 0]
            each = predictors(beliefs, basis)
            away = coordinates @ ecg.signal - z.sum(
                axis=0
            )  # what cleaning takes stays where it was
            self.mean.append((each @ z).sum(axis=0) + basis @ away)
            self.left.append((beliefs - each @ (basis.T @ beliefs)).sum(axis=0))

    def parts(self, teacher):
        """The split, the variance of the true latents, by `teacher`: (..., 8, time) -> (..., dim)."""
        z = np.stack([teacher(x) for x in self.truth])
        point = np.stack([teacher(x) for x in self.mean])
        each = np.stack([teacher(x) for x in self.samples])
        noise = each.var(axis=1, ddof=1).sum(axis=1) / SAMPLES
        variance = ((z - z.mean(axis=0)) ** 2).sum(axis=1)
        residuals = {
            "B": Residual(((z - point) ** 2).sum(axis=1), np.zeros(N)),
            "B'": Residual(((z - each.mean(axis=1)) ** 2).sum(axis=1), noise),
        }
        return split(residuals, ("B", "B'"), variance, Draws(range(N)), GIVEN), variance


EIGHT = [leads.TWELVE.index(lead) for lead in leads.EIGHT]


@pytest.fixture(scope="module")
def world():
    return World()


def test_a_linear_teacher_has_no_jensen_term(world):
    weights = np.random.default_rng(0).normal(size=(12, 8, 1000)) / 1000
    parts, _ = world.parts(lambda x: np.einsum("dlt,...lt->...d", weights, x))
    assert parts.smoothing.low <= 0 <= parts.smoothing.high
    assert parts.smoothing.high - parts.smoothing.low < 0.3 * parts.total.value


def test_a_quadratic_teacher_has_the_known_jensen_term(world):
    q = np.random.default_rng(1).normal(size=(12, 8)) / 3
    parts, variance = world.parts(lambda x: (np.einsum("dl,...lt->...dt", q, x) ** 2).mean(axis=-1))
    # E[z | given] - T(E[x | given]) is the variance of q'x that is left; B loses its square.
    jensen = np.stack([np.einsum("dl,lm,dm->d", q, left, q) for left in world.left])
    known = (jensen**2).sum() / variance.sum()
    assert parts.smoothing.low <= known <= parts.smoothing.high
    assert parts.smoothing.low > 0
    assert parts.best == "B'"
    assert parts.remainder.value == 0


def test_samples_are_of_the_conditional(world):
    """Mean and covariance of many samples are those the model states."""
    ecg = ECG(world.truth[0][:2], 100, GIVEN)
    drawn = GaussianPosterior(world.model)(ecg, 300, 0)[:, EIGHT].astype(float)
    assert np.ptp(drawn[:, :2], axis=0).max() < 1e-5  # given leads are not touched, to float32
    apart = drawn - world.mean[0]
    found = np.einsum("sit,sjt->ij", apart, apart) / apart.shape[0] / apart.shape[2]
    # 300 samples of some tens of independent numbers each: a few per cent
    np.testing.assert_allclose(found[2:, 2:], world.left[0][2:, 2:], atol=0.1 * found.max())
    assert np.abs(apart.mean(axis=0)).max() < 6 * np.sqrt(found.max() / 300)


def test_few_samples_are_debiased():
    """With more samples the gap falls; without the bias it does not."""
    rng = np.random.default_rng(0)
    z = rng.normal(size=(4000, 3))
    gaps = {}
    for k in (2, 16):
        each = rng.normal(size=(4000, k, 3))  # of a posterior that knows nothing: the gap is 1
        noise = each.var(axis=1, ddof=1).sum(axis=1) / k
        residual = Residual(((z - each.mean(axis=1)) ** 2).sum(axis=1), noise)
        gaps[k] = residual.squared.mean() / 3, residual.debiased.mean() / 3
    assert gaps[2][0] == pytest.approx(1.5, abs=0.05)
    assert gaps[2][1] == pytest.approx(1.0, abs=0.05)
    assert gaps[16][1] == pytest.approx(1.0, abs=0.05)

"""The Gaussian predictor: algebra, equivalences, a world where the answer is known."""

import numpy as np
import pytest
from hypothesis import given
from strategies import basis_sets, lead_sets

import dsp
from dsp import leads
from recon.calibration import Patient
from recon.gaussian import Gaussian, condition, covariance, given_space


def twice(*covariances):
    """The same covariances for slow and fast waves: (2, n, 8, 8)."""
    return np.stack([np.stack(covariances)] * 2)


@pytest.fixture(scope="module")
def world():
    """A population of one: then everything is known in closed form."""
    rng = np.random.default_rng(0)
    mix = rng.normal(size=(8, 8))
    covariance = mix @ mix.T / 8 + 0.05 * np.eye(8)
    return Gaussian(twice(covariance)), covariance


@given(basis_sets)
def test_weights_are_the_textbook_formula(given_leads):
    rng = np.random.default_rng(1)
    mix = rng.normal(size=(8, 8))
    covariance = mix @ mix.T + np.eye(8)
    rows = [leads.EIGHT.index(lead) for lead in given_leads]
    expected = covariance[:, rows] @ np.linalg.inv(covariance[np.ix_(rows, rows)])
    found = Gaussian(twice(covariance)).weights(given_leads)
    assert found.shape[0] == 2
    np.testing.assert_allclose(
        found, np.stack([expected] * 2), atol=1e-6
    )  # the solver's 1e-9 ridge


@given(lead_sets)
def test_given_coordinates_are_reproduced(given_leads):
    basis, coordinates = given_space(given_leads)
    rng = np.random.default_rng(2)
    x8 = rng.normal(size=(8, 5))
    np.testing.assert_allclose(coordinates @ leads.rows(given_leads) @ x8, basis.T @ x8, atol=1e-9)
    np.testing.assert_allclose(basis.T @ basis, np.eye(basis.shape[1]), atol=1e-9)


def test_redundant_leads_are_their_least_squares(world):
    model, _ = world
    assert given_space(("I", "II", "III", "aVR", "aVL", "aVF"))[0].shape == (8, 2)
    with_two = model.weights(("I", "II")) @ leads.rows(("I", "II"))
    with_derived = model.weights(("aVR", "III")) @ leads.rows(("aVR", "III"))
    np.testing.assert_allclose(with_two, with_derived, atol=1e-6)


def test_conditional_variance_is_what_is_left(world):
    model, covariance = world
    basis, _ = given_space(("I", "V2"))
    seen = np.stack([basis.T @ covariance @ basis] * 2)
    conditional = condition(model.votes(basis, seen), basis)
    rng = np.random.default_rng(3)
    slow_and_fast = np.linalg.cholesky(covariance) @ rng.normal(size=(2, 8, 200_000))
    z = np.concatenate(list(basis.T @ slow_and_fast))
    error = leads.EIGHT_TO_TWELVE @ slow_and_fast.sum(axis=0) - conditional.mean @ z
    np.testing.assert_allclose(error.var(axis=1), conditional.floor, rtol=0.02, atol=1e-6)
    assert abs(conditional.spread).max() < 1e-12, "one patient cannot disagree"


def test_two_patients_are_told_apart_by_what_the_leads_show():
    apart = np.eye(8)
    together = np.full((8, 8), 0.95) + 0.05 * np.eye(8)
    model = Gaussian(twice(apart, together))
    basis, _ = given_space(("I", "II", "V1", "V2", "V3"))
    for k, truth in enumerate((apart, together)):
        votes = model.votes(basis, np.stack([basis.T @ truth @ basis] * 2))
        assert votes.weights[k] > 0.9


def test_votes_do_not_depend_on_gain_and_scale_with_it(world):
    model = Gaussian(twice(np.eye(8), np.eye(8) + 1))
    basis, _ = given_space(("I", "II"))
    seen = np.stack([basis.T @ (np.eye(8) + 0.4) @ basis] * 2)
    once, larger = model.votes(basis, seen), model.votes(basis, 4 * seen)
    np.testing.assert_allclose(once.weights, larger.weights, atol=1e-12)
    np.testing.assert_allclose(4 * once.covariances, larger.covariances)


def test_no_large_record_dominates_the_fit():
    rng = np.random.default_rng(4)
    x = rng.normal(size=(30, 2, 8, 400))
    records = x @ x.swapaxes(-1, -2) / 400
    gains = np.exp(rng.normal(size=30) * 2)[:, None, None, None] ** 2
    np.testing.assert_allclose(
        Gaussian.fit(records).covariances, Gaussian.fit(records * gains).covariances, rtol=1e-6
    )


def test_fit_refuses_a_dead_lead():
    with pytest.raises(dsp.SignalError, match=r"records \[1\]"):
        Gaussian.fit(twice(np.eye(8), np.diag([1.0] * 7 + [0.0])).swapaxes(0, 1))


def test_save_and_load(tmp_path, world):
    model, _ = world
    model.save(tmp_path / "m", seed=1)
    again = Gaussian.load(tmp_path / "m")
    np.testing.assert_allclose(again.covariances, model.covariances, rtol=1e-3)  # four digits kept


@pytest.mark.parametrize(
    "text", ["", "{}", '{"upper_triangles": [[1, 2]]}', '{"upper_triangles": 3}']
)
def test_other_files_are_refused(tmp_path, text):
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(dsp.ECGError, match="holds no Gaussian model"):
        Gaussian.load(tmp_path)


def test_a_patient_unlike_the_population_is_learnt():
    rng = np.random.default_rng(5)
    mix = rng.normal(size=(8, 3))
    own = mix @ mix.T + 1e-3 * np.eye(8)
    x = np.linalg.cholesky(own) @ rng.normal(size=(2, 8, 1000))
    patient = Patient(
        Gaussian(twice(np.eye(8))), np.stack([covariance(p) for p in np.split(x, 10, 2)])
    )
    basis, _ = given_space(("I", "II", "V2"))
    test = np.linalg.cholesky(own) @ rng.normal(size=(2, 8, 1000))
    each = basis.T @ test
    conditional = condition(patient.votes(basis, covariance(each)), basis)
    whole = leads.EIGHT_TO_TWELVE @ test.sum(axis=0)
    left = (whole - conditional.mean @ np.concatenate(list(each)))[6:].var()
    assert left < 0.1 * whole[6:].var(), "three leads hold all of a rank-three patient"


def test_strength_is_large_for_noise_and_small_for_signal():
    rng = np.random.default_rng(6)
    basis, _ = given_space(("I", "II", "V2"))
    model = Gaussian(twice(np.eye(8)))
    noise = rng.normal(size=(2, 2, 8, 12))
    mix = rng.normal(size=(8, 3))
    signal = mix @ rng.normal(size=(2, 2, 3, 100))
    strengths = [Patient(model, covariance(x)).strength(basis) for x in (noise, signal)]
    assert strengths[0] > strengths[1]


def test_one_second_is_too_little():
    with pytest.raises(dsp.LengthError, match="at least two"):
        Patient(Gaussian(twice(np.eye(8))), twice(np.eye(8)).swapaxes(0, 1))

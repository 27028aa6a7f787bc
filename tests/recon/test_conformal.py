"""Conformal factors hold for new patients; difficulty finds the hard records; only the stated size has a unit."""

import numpy as np
import pytest
import scipy
from hypothesis import given
from hypothesis import strategies as st

import dsp
from recon import conformal, difficulty

FS = 100.0


def world(seed, patients, time=200, spread=0.5, leads=2):
    """Errors whose size is a patient's own, of which the stated deviation knows nothing."""
    rng = np.random.default_rng(seed)
    size = np.exp(spread * rng.normal(size=(patients, 1, 1)))
    return size * rng.standard_t(4, size=(patients, leads, time)), np.ones((patients, leads, time))


def test_new_patients_are_covered_as_often_as_it_says():
    """400 worlds of 40 patients and one new one.

    The share is 90 to 92.5 % by theory; two standard errors of 400 new patients' mean coverage are 1.5 %.
    """
    held = []
    for seed in range(400):
        errors, stds = world(seed, 41)
        table = conformal.scales(errors[:-1], stds[:-1], range(40), (0.9,))
        held.append(np.mean(np.abs(errors[-1]) <= table[0][:, None]))
    assert 0.885 <= np.mean(held) <= 0.94


def test_patients_weigh_alike_however_many_records_they_have():
    """One noisy patient with 300 records among 60 quiet ones must not set the width for all."""
    rng = np.random.default_rng(0)
    quiet, noisy = rng.normal(size=(60, 1, 500)), 10 * rng.normal(size=(300, 1, 500))
    errors = np.concatenate([quiet, noisy])
    names = [*range(60), *["the one"] * 300]
    by_patient = conformal.scales(errors, np.ones_like(errors), names, (0.9,))[0, 0]
    by_record = conformal.scales(errors, np.ones_like(errors), range(360), (0.9,))[0, 0]
    assert by_patient < 2.3
    assert by_record > 9


def test_one_patient_more_stands_for_the_next():
    """Nine patients whose scores are 1 to 9: 90 % is the largest, and 91 % cannot be vouched for."""
    errors = np.arange(1.0, 10)[:, None, None] * np.ones((9, 1, 20))
    assert conformal.scales(errors, np.ones_like(errors), range(9), (0.5, 0.9))[:, 0].tolist() == [
        5,
        9,
    ]
    with pytest.raises(dsp.LengthError, match="9 patients cannot vouch for 91 %: at least 11"):
        conformal.scales(errors, np.ones_like(errors), range(9), (0.91,))


@given(st.integers(0, 1000), st.floats(0.01, 100))
def test_factors_know_no_unit_no_order_and_ascend(seed, gain):
    errors, stds = world(seed, 30, time=50)
    stds = stds * np.random.default_rng(seed).uniform(0.5, 2, size=stds.shape)
    table = conformal.scales(errors, stds, range(30))
    assert table.shape == (4, 2)
    assert (np.diff(table, axis=0) >= 0).all()
    assert np.allclose(conformal.scales(gain * errors, gain * stds, range(30)), table)
    order = np.random.default_rng(seed).permutation(30)
    assert np.allclose(conformal.scales(-errors[order], stds[order], order), table)


def test_a_right_gaussian_needs_no_factor():
    rng = np.random.default_rng(1)
    errors = rng.normal(size=(400, 1, 1000))
    found = conformal.scales(errors, np.ones_like(errors), range(400))[:, 0]
    expected = scipy.special.ndtri(0.5 + np.array(conformal.LEVELS) * 401 / 400 / 2)
    assert np.allclose(found, expected, atol=0.02)  # 400,000 samples


def test_given_leads_and_gaps_do_not_count():
    errors, stds = world(2, 30)
    gaps = errors.copy()
    gaps[:, :, :50] = np.nan
    assert np.allclose(
        conformal.scales(gaps, stds, range(30)),
        conformal.scales(errors[..., 50:], stds[..., 50:], range(30)),
    )
    # A lead that some lead sets give is vouched for by the patients it was hidden in.
    errors[:5, 1] = np.nan
    table = conformal.scales(errors, stds, range(30))
    assert np.allclose(table[:, 1:], conformal.scales(errors[5:, 1:], stds[5:, 1:], range(25)))
    errors[:, 1] = np.nan
    assert np.isnan(conformal.scales(errors, stds, range(30))[:, 1]).all()


@given(st.lists(st.floats(0.001, 0.999), min_size=2, max_size=20))
def test_factors_between_levels_ascend_and_meet_the_table(levels):
    table = np.array([[0.5, 1.0], [1.5, 1.2], [1.6, 1.2], [4.0, 1.3]])
    found = np.array([conformal.factor(table, level) for level in np.sort(levels)])
    assert (np.diff(found, axis=0) >= -1e-12).all()
    for level, expected in zip(conformal.LEVELS, table, strict=True):
        assert np.allclose(conformal.factor(table, level), expected)


def test_a_gaussian_table_gives_the_gaussian_at_every_level():
    table = scipy.special.ndtri(0.5 + np.array(conformal.LEVELS) / 2)[:, None]
    for level in (0.01, 0.3, 0.68, 0.93, 0.99):
        assert conformal.factor(table, level)[0] == pytest.approx(
            scipy.special.ndtri(0.5 + level / 2)
        )


def test_steady_keeps_the_power_at_either_end_and_the_order_between():
    std = np.abs(np.random.default_rng(3).normal(size=(3, 2, 100))) + 0.01
    assert np.array_equal(conformal.steady(std, 0.0), std)
    flat = conformal.steady(std, 1.0)
    assert np.allclose(flat, np.sqrt((std**2).mean(-1, keepdims=True)) * np.ones(100))
    half = conformal.steady(std, 0.5)
    assert np.array_equal(np.argsort(half, axis=-1), np.argsort(std, axis=-1))
    assert np.allclose(conformal.steady(7 * std), 7 * conformal.steady(std))
    std[0, 0, 5:9] = np.nan
    assert np.isnan(conformal.steady(std)).sum() == 4


def test_a_steady_width_fails_fewer_records():
    """Errors as stated in time, but for the size of each record: steadiness narrows the spread of coverage."""
    rng = np.random.default_rng(4)
    shape = np.where(np.arange(1000) % 80 < 8, 1.0, 0.15) * np.ones((200, 1, 1))
    size = np.exp(0.4 * rng.normal(size=(200, 1, 1)))
    errors = size * shape * rng.normal(size=shape.shape)
    worst = []
    for steadiness in (0.0, 1.0):
        std = conformal.steady(shape, steadiness)
        k = conformal.scales(errors, std, range(200), (0.9,))[0, 0]
        worst.append(dsp.metrics.worst((np.abs(errors) <= k * std).mean(axis=(1, 2))))
    assert worst[1] > worst[0] + 0.03


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda e: conformal.scales(e, e[:, :1], range(30)), dsp.LengthError, "shape"),
        (lambda e: conformal.scales(e, np.abs(e), range(3)), dsp.LengthError, "3 groups"),
        (lambda e: conformal.scales(e, 0 * e, range(30)), dsp.SignalError, "not positive"),
        (lambda e: conformal.scales(e, 1 + 0 * e, range(30), (0.9, 0.5)), dsp.SignalError, "ascending"),
        (lambda e: conformal.factor([[1.0]], 0.5), dsp.LengthError, "4 levels"),
        (lambda e: conformal.factor([[1.0]] * 4, 90), dsp.SignalError, "between 0 and 1"),
        (lambda e: conformal.steady(e, 2), dsp.SignalError, "share"),
        (lambda e: difficulty.ratios(e, e[0]), dsp.LengthError, "the same"),
        (lambda e: difficulty.features(e, e[0], FS), dsp.LengthError, "together"),
        (lambda e: difficulty.features(e[..., :9], e, FS), dsp.LengthError, "0.5 s"),
        (lambda e: difficulty.Difficulty.fit(np.ones((3, 5)), np.ones(3)), dsp.LengthError, "more records"),
        (lambda e: difficulty.Difficulty.fit(np.ones((9, 2)), np.zeros(9)), dsp.SignalError, "positive"),
        (lambda e: difficulty.Difficulty.from_config({"centre": [1.0]}), dsp.ECGError, "no difficulty"),
    ],
)  # fmt: skip
def test_bad_input_is_said(call, error, match):
    with pytest.raises(error, match=match):
        call(world(5, 30)[0])


# Difficulty


def records(seed=0, n=120):
    """Given leads of which some are noisy, a deviation that does not know, errors that are larger in those."""
    rng = np.random.default_rng(seed)
    noisy = np.arange(n) % 3 == 0
    t = np.arange(1000) / FS
    clean = np.exp(-((((t + rng.uniform(size=(n, 1, 1))) % 0.8 - 0.4) / 0.03) ** 2))
    given = clean * np.ones((1, 2, 1)) + np.where(noisy, 0.2, 0.02)[:, None, None] * rng.normal(
        size=(n, 2, 1000)
    )
    std = np.full((n, 3, 1000), 0.1)
    errors = std * np.where(noisy, 2.0, 1.0)[:, None, None] * rng.normal(size=std.shape)
    return given.astype(np.float32), std, errors, noisy


def test_difficulty_tells_hard_records_from_their_given_leads():
    given, std, errors, noisy = records()
    x, y = difficulty.features(given, std, FS), difficulty.ratios(errors, std)
    model = difficulty.Difficulty.fit(x[:80], y[:80])
    factor = model.factor(x[80:])
    # Twice as hard, by construction; the regression shrinks by its ridge, and 80 records are few.
    ratio = factor[noisy[80:]].mean() / factor[~noisy[80:]].mean()
    assert 1.7 < ratio < 2.3


def test_what_leads_look_like_knows_no_unit_sign_order_or_number():
    given, _, _, _ = records(n=6)
    x = difficulty.of_leads(given, FS)
    assert np.isfinite(x).all()
    for same in (-3 * given, given[:, ::-1], np.concatenate([given, given], axis=1)):
        assert np.allclose(difficulty.of_leads(same, FS), x, atol=1e-4)


def test_twice_the_input_changes_the_stated_size_alone():
    given, std, _, _ = records(n=6)
    grown = difficulty.features(2 * given, 2 * std, FS) - difficulty.features(given, std, FS)
    size = grown[:, 12], grown[:, 15 + 12]  # as it is, and over the two given leads
    assert np.allclose(size, [[np.log(2)] * 6, [np.log(2) / 2] * 6], atol=1e-4)
    assert np.allclose(np.delete(grown, [12, 27], axis=1), 0, atol=1e-4)


def test_small_leads_do_not_make_small_intervals():
    # Errors are as large in patients with small leads, though a deviation is stated that is not.
    given, std, errors, _ = records()
    gain = np.exp(np.random.default_rng(5).normal(size=(len(given), 1, 1)))
    x = difficulty.features(gain * given, gain * std, FS)
    factor = difficulty.Difficulty.fit(x[:80], difficulty.ratios(errors, gain * std)[:80]).factor(x)
    stated = np.log(gain[80:, 0, 0])
    assert np.std(np.log(factor[80:]) + stated) < 0.5 * np.std(stated)


def test_features_hardly_know_the_rate():
    given, std, _, _ = records(n=6)
    given = dsp.bandpass(given, FS, 0.5, 20)
    fast = dsp.resample(given, FS, 400)
    x = difficulty.features(given, std, FS)
    again = difficulty.features(fast, np.repeat(std, 4, axis=-1)[..., : fast.shape[-1]], 400)
    # A quantile on the flank of a QRS complex moves with where the samples lie; most do not.
    assert np.abs(x - again).mean() < 0.03


def test_flat_leads_and_far_records_stay_bounded():
    given, std, errors, _ = records()
    model = difficulty.Difficulty.fit(
        difficulty.features(given, std, FS), difficulty.ratios(errors, std)
    )
    strange = np.random.default_rng(1).normal(size=given.shape) ** 9
    for x in (0 * given, strange):
        factor = model.factor(difficulty.features(x, std, FS))
        assert (factor <= difficulty.MOST + 1e-9).all()
        assert (factor >= 1 / difficulty.MOST - 1e-9).all()


def test_config_makes_the_same_regression():
    import json

    given, std, errors, _ = records()
    x = difficulty.features(given, std, FS)
    model = difficulty.Difficulty.fit(x, difficulty.ratios(errors, std))
    again = difficulty.Difficulty.from_config(json.loads(json.dumps(model.config)))
    assert np.array_equal(model.factor(x), again.factor(x))

"""Any leads to twelve: what is exact, what is refused, and what real recordings give."""

import itertools
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import ecg, lead_sets, patient, signals

import dsp
import recon
from dsp import leads
from ecgsynth import simulate
from recon.reconstruction import sources

TO_ROUNDING = 1e-6  # mV; float32 of a few mV


@pytest.fixture(scope="module")
def model():
    return recon.Reconstructor.from_pretrained()


@given(lead_sets)
def test_algebra_holds_and_given_leads_pass_through(given_leads):
    model = recon.Reconstructor.from_pretrained()
    record = ecg(2.0, given=given_leads)
    out = model.predict(record)
    assert np.abs(leads.residual(out.ecg.signal)).max() <= TO_ROUNDING
    for lead in given_leads:
        np.testing.assert_array_equal(out.ecg[lead], record[lead])
        assert out.source[lead] == "measured"
    assert np.isfinite(out.std).all()
    assert (out.std >= 0).all()


@given(signals(2, 600), st.permutations([0, 1]))
def test_any_signal_keeps_algebra_order_and_gain(x, order):
    model = recon.Reconstructor.from_pretrained()
    names = ("II", "V4")
    mean, std = model.estimate(x, 500, names)
    # Limb leads follow from the stored I and II; float32 keeps seven digits of the largest.
    assert np.abs(leads.residual(mean)).max() <= TO_ROUNDING * max(1.0, np.abs(mean).max())
    again, _ = model.estimate(x[order], 500, [names[i] for i in order])
    np.testing.assert_allclose(mean, again, atol=1e-5)
    doubled, doubled_std = model.estimate(2 * x, 500, names)
    np.testing.assert_allclose(doubled, 2 * mean, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(doubled_std, 2 * std, rtol=1e-3, atol=1e-5)


def test_twice_the_input_is_twice_the_estimate_but_less_than_twice_the_interval(model):
    x = simulate(4, duration=10.0, seed=1).signal[:, :1]
    mean, std = model.estimate(x, 500, ("I",))
    more, more_std = model.estimate(2 * x, 500, ("I",))
    np.testing.assert_allclose(more, 2 * mean, rtol=1e-3, atol=1e-4)
    growth = more_std[:, 1:] / std[:, 1:]
    assert 1 < growth.min() <= growth.max() < 1.9


@pytest.mark.parametrize("pair", [("aVR", "aVF"), ("II", "III"), ("I", "aVL"), ("III", "aVR")])
def test_two_limb_leads_are_as_good_as_any_other_two(model, pair):
    x, _ = patient()
    every = np.array([leads.TWELVE.index(name) for name in pair])
    a = model.estimate(x[:2], 500, ("I", "II"))[0]
    b = model.estimate(x[every], 500, pair)[0]
    np.testing.assert_allclose(a, b, atol=1e-5)


def test_twelve_in_is_twelve_out(model):
    record = ecg()
    out = model.predict(record)
    np.testing.assert_array_equal(out.ecg.signal, record.signal)
    assert set(out.source.values()) == {"measured"}
    assert out.std.max() == 0


def test_sources():
    assert sources(("I", "II"))["aVF"] == "derived"
    assert sources(("III",))["aVF"] == "inferred"
    assert [sources(("V1",))[lead] for lead in leads.TWELVE].count("inferred") == 11


def test_a_gap_stays_a_gap_and_the_others_go_on(model):
    record = ecg(given=("I", "II", "V2"))
    x = record.signal.copy()
    x[2, 1000:2000] = np.nan
    out = model.predict(dsp.ECG(x, 500, record.leads))
    assert np.isnan(out.ecg["V2"][1000:2000]).all()
    assert np.isfinite(out.ecg["V3"]).all()
    assert out.std[8, 1500] > out.std[8, 500], "less is known inside the gap"
    x[:, 3000:3100] = np.nan
    out = model.predict(dsp.ECG(x, 500, record.leads))
    assert np.isnan(out.ecg.signal[:, 3000:3100]).all()
    assert np.isfinite(out.ecg["V3"][3100:]).all()


def test_a_flat_lead_is_kept_but_not_believed(model):
    record = ecg(given=("I", "V2"))
    x = record.signal.copy()
    x[1] = 0.0
    out = model.predict(dsp.ECG(x, 500, record.leads))
    assert (out.ecg["V2"] == 0).all()
    only = model.predict(record.select("I"))
    np.testing.assert_allclose(out.ecg["V4"], only.ecg["V4"], atol=1e-6)
    with pytest.raises(dsp.SignalError, match="flat in every lead"):
        model.predict(dsp.ECG(np.zeros(5000), 500, ["I"]))
    with_a_gap = np.ones(5000)
    with_a_gap[100:200] = np.nan
    with pytest.raises(dsp.SignalError, match="flat in every lead"):
        model.predict(dsp.ECG(with_a_gap, 500, ["I"]))


def test_baseline_wander_is_not_spread(model):
    record = ecg(given=("I",))
    wander = np.sin(2 * np.pi * 0.05 * record.times).astype(np.float32) * 2
    plain = model.predict(record).ecg
    moved = model.predict(dsp.ECG(record.signal + wander, 500, ["I"])).ecg
    inner = slice(1000, 4000)  # filters settle within a second or two of the ends
    assert np.abs(moved["V5", 2.0:8.0] - plain["V5", 2.0:8.0]).max() < 0.05
    np.testing.assert_allclose(
        moved["III"][inner] - moved["II"][inner], -moved["I"][inner], atol=TO_ROUNDING
    )


def test_a_bare_array_says_what_it_assumed():
    x, _ = patient()
    with pytest.warns(recon.AssumptionWarning, match='fs=500 and leads=\\("I",\\)'):
        bare = recon.to_12lead(x[0])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        named = recon.to_12lead(x[0], fs=500, leads=["I"])
    np.testing.assert_array_equal(bare, named)
    np.testing.assert_array_equal(recon.to_12lead(ecg(given=("I",))).signal, named)
    with pytest.raises(dsp.LengthError, match="name them"):
        recon.to_12lead(x[:3], fs=500)


def test_leads_without_a_place_are_refused(model):
    with pytest.raises(dsp.LeadError, match="MLII"):
        model.predict(dsp.ECG(np.sin(np.arange(5000)), 500, ["MLII"]))
    with pytest.raises(dsp.LengthError, match=r"0\.5 s"):
        model.predict(dsp.ECG(np.sin(np.arange(50)), 500, ["I"]))


def test_intervals_of_the_network_are_nested_and_calibrated(model):
    out = model.predict(ecg(given=("I",)))
    inferred = [source == "inferred" for source in out.source.values()]
    width = [np.subtract(*out.interval(level)[::-1])[inferred] for level in (0.3, 0.5, 0.9, 0.99)]
    for narrow, wide in itertools.pairwise(width):
        assert (narrow < wide).all()
    # The deviation is what holds 68 %; errors have heavier tails than a Gaussian's.
    np.testing.assert_allclose(
        np.subtract(*out.interval(0.6827)[::-1]), 2 * out.std, rtol=1e-3, atol=1e-6
    )
    assert (width[2] > 2 * 1.6449 * out.std[inferred]).all()


def test_trust():
    model = recon.Reconstructor.from_pretrained()
    record = simulate(1, seed=2).record(0)
    out = model.predict(record.select("I", "V2"))
    assert out.familiar
    trust = out.trust
    assert set(trust) == set(leads.TWELVE)
    assert set(trust["V3"]) == {"all", "P", "QRS", "ST", "T"}
    assert set(trust["I"].values()) == {1.0}
    known = [value for waves in trust.values() for value in waves.values()]
    assert 0 <= min(known) <= max(known) <= 1
    assert trust["V3"]["all"] > trust["III"]["all"], "V2 is a neighbour of V3"


@pytest.mark.parametrize(
    "wave",
    [
        np.random.default_rng(0).normal(size=5000) * 0.2,
        np.sign(np.sin(2 * np.pi * 1.2 * np.arange(5000) / 500)),
        np.sin(2 * np.pi * 1.2 * np.arange(5000) / 500),
        patient()[0][0] / 1000,
    ],
    ids=["noise", "square", "sine", "volts"],
)
def test_what_is_no_ecg_is_said_to_be_none(model, wave):
    with pytest.warns(recon.UnfamiliarWarning, match="does not look like an ECG"):
        out = model.predict(dsp.ECG(wave, 500, ["I"]))
    assert not out.familiar
    assert out.trust["V2"]["all"] == 0
    with pytest.raises(dsp.UnitError, match="microvolts"):
        model.predict(dsp.ECG(patient()[0][0] * 1000, 500, ["I"]))


def test_interval():
    out = recon.Reconstructor.from_pretrained("gaussian").predict(ecg(given=("I",)))
    low, high = out.interval(0.9)
    np.testing.assert_allclose(high - out.ecg.signal, 1.6449 * out.std, atol=1e-3)
    np.testing.assert_allclose(out.ecg.signal - low, 1.6449 * out.std, atol=1e-3)
    for level in (0, 1, -1, 2, float("nan")):
        with pytest.raises(dsp.SignalError, match="between 0 and 1"):
            out.interval(level)


def test_calibration_learns_the_patient(model):
    record = ecg(10.0)
    mine = model.calibrate(record.crop(0, 3))
    test = record.crop(4, 10)

    def error(m):
        out = m.predict(test.select("I", "II", "V2")).ecg.signal
        return float(np.sqrt(np.mean((dsp.clean(out, 500) - dsp.clean(test.signal, 500))[6:] ** 2)))

    assert error(mine) < 0.3 * error(model), "a dipole has rank three"
    with pytest.raises(dsp.SignalError, match="already calibrated"):
        mine.calibrate(record)


def faulty(kind: str) -> dsp.ECG:
    x = patient(4.0)[0].copy()
    second = slice(500, 1000)
    if kind == "gap":
        x[7, 600:650] = np.nan
    if kind == "flat":
        x[7, second] = 0.3
    if kind == "jump":
        x[7, 700:] += 3.0
    if kind == "larger":
        x[7, 600:640] += 12.0
    if kind == "clipped":
        x[7, second] = np.clip(4 * x[7, second], -0.6, 0.6)
    if kind == "noise":
        x[7, second] += np.random.default_rng(0).normal(size=500) * 0.4
    return dsp.ECG(x, 500, leads.TWELVE)


@pytest.mark.parametrize("kind", ["gap", "flat", "jump", "larger", "clipped", "noise"])
def test_calibration_leaves_artefact_out_and_says_so(model, kind):
    with pytest.warns(UserWarning, match=r"second 1: .*V2"):
        model.calibrate(faulty(kind))
    with pytest.raises(dsp.SignalError, match=r"second 1: .*V2"):
        model.calibrate(faulty(kind).crop(0, 2))


def test_calibration_needs_all_leads_and_two_seconds(model):
    with pytest.raises(dsp.LeadError, match="do not determine"):
        model.calibrate(ecg(given=("I", "II", "V2")))
    with pytest.raises(dsp.LengthError, match="at least 2 s"):
        model.calibrate(ecg().crop(0, 1.5))


@pytest.mark.data
def test_a_real_lead_i(data, model):
    record = dsp.read(data / "cinc2020-2021" / "ptb-xl" / "HR00001")
    out = model.predict(record.select("I"))
    truth = dsp.clean(record.twelve_leads().signal, record.fs)
    found = dsp.clean(out.ecg.signal, record.fs)
    r = [np.corrcoef(a, b)[0, 1] for a, b in zip(truth, found, strict=True)]
    # A change must not make these worse: II, aVR, V6 of a normal recording follow from lead I.
    assert r[1] > 0.85
    assert r[3] > 0.95
    assert r[11] > 0.8

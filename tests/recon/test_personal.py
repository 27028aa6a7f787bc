"""Seconds of a patient's own leads: what they teach the network, and what they do not change."""

import numpy as np
import pytest

import dsp
import recon
from dsp import leads
from ecgsynth import simulate
from recon import personal, weights
from recon.personal import RIDGES, Personal, regressors

MODEL = recon.Reconstructor.from_pretrained()


def record(seed):
    return simulate(1, diagnosis="any", seed=seed).record(0)


def hidden_r(model, ecg, given):
    out = model.predict(ecg.select(*given)).ecg
    rows = [lead for lead in leads.EIGHT if lead not in given]
    pair = [dsp.clean(each[tuple(rows)], ecg.fs) for each in (ecg, out)]
    return float(dsp.metrics.r(*pair).mean())


@pytest.mark.parametrize("given", [("I",), ("I", "II"), ("I", "II", "V2")])
def test_two_seconds_help_nearly_everyone(given):
    gained = []
    for seed in range(8):
        ecg = record(seed)
        mine = MODEL.calibrate(ecg.crop(0, 2))
        rest = ecg.crop(2, 10)
        gained.append(hidden_r(mine, rest, given) - hidden_r(MODEL, rest, given))
    assert np.median(gained) > 0
    assert np.mean(np.array(gained) > -0.01) >= 0.75


def test_exactness_is_kept():
    ecg = record(3)
    mine = MODEL.calibrate(ecg.crop(0, 3))
    out = mine.predict(ecg.select("aVF", "V2"))
    np.testing.assert_array_equal(out.ecg["aVF"], ecg["aVF"])
    assert np.abs(leads.residual(out.ecg.signal)).max() <= 1e-6
    assert out.familiarity == MODEL.predict(ecg.select("aVF", "V2")).familiarity
    low, high = out.interval(0.9)
    assert (high >= low).all()
    x = ecg.select("I", "V2").signal
    both = mine.estimate(np.stack([x, x[:, ::-1]]), 500, ("I", "V2"))[0]
    np.testing.assert_allclose(both[0], mine.estimate(x, 500, ("I", "V2"))[0], atol=1e-5)


def test_the_population_is_unchanged_and_a_patient_is_calibrated_once():
    ecg = record(4)
    before = MODEL.predict(ecg.select("I")).ecg.signal
    mine = MODEL.calibrate(ecg.crop(0, 3))
    np.testing.assert_array_equal(MODEL.predict(ecg.select("I")).ecg.signal, before)
    assert isinstance(mine.predictor, Personal)
    with pytest.raises(dsp.SignalError, match="already calibrated"):
        mine.calibrate(ecg)
    with pytest.raises(dsp.ECGError, match="a model calibrated to a patient is not saved"):
        weights.save(mine.predictor, "nowhere")


def test_artefact_is_refused():
    ecg = record(5)
    x = ecg.signal.copy()
    x[:, 500:1000] = np.nan
    with pytest.warns(UserWarning, match="left out of the calibration: second 1"):
        MODEL.calibrate(dsp.ECG(x, 500, ecg.leads).crop(0, 4))
    with pytest.raises(dsp.SignalError, match="seconds are free of artefact"):
        personal.calibrated(MODEL.predictor, dsp.ECG(x, 500, ecg.leads).crop(0, 2))


def test_a_perfect_estimate_is_left_alone():
    """What the ridge adds is a share of what was missed: nothing missed, nothing added."""
    x8 = record(6).resample(100)[leads.EIGHT]
    told = regressors(x8[None], x8[None], ("I",))[0].astype(float)
    for strength in RIDGES:
        assert np.abs(personal._ridge(told, np.zeros_like(x8, float), strength)).max() == 0

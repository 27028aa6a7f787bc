"""Quality: low scores and the right names for what is bad, and none for what is good."""

import dataclasses
import warnings

import numpy as np
import pytest
from scipy.io import loadmat

import dsp
from dsp.beats import r_peaks
from dsp.quality import LIMITS, TOLD

FS = 500
TIME = np.arange(10 * FS) / FS
PEAKS = np.arange(200, 5000, 400)


def heart(n_leads=1, noise=0.005):
    """Twelve beats of P, QRS and T in ten seconds, with the noise of a good amplifier."""
    beat = np.zeros(len(TIME))
    for peak in PEAKS / FS:
        for height, delay, width in ((0.12, -0.16, 0.025), (1.0, 0, 0.01), (0.3, 0.26, 0.04)):
            beat += height * np.exp(-0.5 * ((TIME - peak - delay) / width) ** 2)
    rng = np.random.default_rng(0)
    return beat + noise * rng.normal(size=(n_leads, len(TIME)))


def judge(x, peaks=PEAKS, **options):
    return dsp.quality(x, FS, peaks=peaks, **options)


def test_a_clean_recording_has_nothing_to_complain_about():
    q = judge(heart(3))
    assert q.verdict == "good"
    assert (q.score > 0.98).all()
    assert q.reasons == ((), (), ())
    assert q.findings == ()


def square():
    return np.sign(np.sin(2 * np.pi * 1.2 * TIME))


def fibrillation():
    """4 to 7 Hz, wandering in rate and size, as the ventricles fibrillate."""
    rng = np.random.default_rng(3)
    drift = np.interp(TIME, np.arange(0, 11, 0.5), rng.normal(size=22))
    phase = 2 * np.pi * np.cumsum(5.5 + drift) / FS
    return (0.6 + 0.2 * np.sin(2 * np.pi * 0.4 * TIME)) * np.sin(phase)


NOT_HEARTS = {
    "asystole": (0.005 * np.random.default_rng(0).normal(size=5000), "no QRS"),
    "zeros": (np.zeros(5000), "flat"),
    "ventricular fibrillation": (fibrillation(), "no QRS"),
    "white noise": (np.random.default_rng(0).normal(size=5000), "no QRS"),
    "brown noise": (0.02 * np.random.default_rng(0).normal(size=5000).cumsum(), "no QRS"),
    "mains": (np.sin(2 * np.pi * 50 * TIME), "mains"),
    "mains of America": (np.sin(2 * np.pi * 60 * TIME), "mains"),
    "square wave": (square(), "clipped"),
}


@pytest.mark.parametrize("name", NOT_HEARTS)
@pytest.mark.parametrize("peaks", [[], PEAKS, np.arange(50, 5000, 91)], ids=["0", "72", "330 bpm"])
def test_what_is_no_ecg_is_bad_with_a_reason(name, peaks):
    x, reason = NOT_HEARTS[name]
    q = judge(x, peaks)
    assert q.verdict == "bad"
    assert q.score[0] < 0.1
    assert reason in q.reasons[0]


@pytest.mark.parametrize("name", NOT_HEARTS)
def test_beats_found_by_default_do_not_make_it_an_ecg(name):
    q = dsp.quality(NOT_HEARTS[name][0], FS)
    assert q.verdict == "bad"


def spoiled(kind):
    x = heart()[0]
    if kind == "gap":
        x[1000:2000] = np.nan
    elif kind == "flat":
        x[2500:] = 0.3
    elif kind == "clipped":
        x = np.minimum(x, 0.5)
    elif kind == "mains":
        x = x + 0.2 * np.sin(2 * np.pi * 50 * TIME)
    elif kind == "baseline":
        x = x + 1.5 * np.sin(2 * np.pi * 0.2 * TIME)
    elif kind == "noise":
        x = x + 0.3 * np.random.default_rng(1).normal(size=5000)
    elif kind == "no QRS":
        x = fibrillation()
    return x


@pytest.mark.parametrize("kind", LIMITS)
def test_each_fault_is_named_and_nothing_else(kind):
    reasons = judge(spoiled(kind)).reasons[0]
    assert kind in reasons
    allowed = {"noise": {"no QRS"}, "no QRS": {"noise"}, "flat": {"no QRS", "lead off"}}
    assert set(reasons) <= {kind} | allowed.get(kind, set())


@pytest.mark.parametrize("line", [50, 60])
@pytest.mark.parametrize("fs", [128, 250, 360, 500, 1000])
def test_mains_is_seen_at_every_rate_that_holds_it(line, fs):
    x = dsp.resample(heart(), FS, fs)[0] if fs != FS else heart()[0]
    peaks = PEAKS * fs // FS
    hum = 0.1 * np.sin(2 * np.pi * (line - 0.1) * np.arange(len(x)) / fs)
    assert "mains" in dsp.quality(x + hum, fs, peaks=peaks).reasons[0]
    assert "mains" not in dsp.quality(x, fs, peaks=peaks).reasons[0]


def test_a_lead_that_fell_off_is_told_from_its_neighbours():
    x = heart(4)
    x[1] = 0
    x[2] = 0.004 * np.random.default_rng(5).normal(size=5000)
    q = judge(x, leads="I, II, V1, V2")
    assert q.verdict == "fair"
    assert "lead off" in q.reasons[1]
    assert "lead off" in q.reasons[2]
    assert q.reasons[0] == q.reasons[3] == ()
    assert q.score[0] > 0.98
    assert q.score[1] == 0


def test_score_does_not_depend_on_neighbours_or_order():
    x = np.stack([spoiled(kind) for kind in LIMITS])
    together = judge(x).score
    alone = [judge(row).score[0] for row in x]
    np.testing.assert_allclose(together, alone, atol=1e-6)
    np.testing.assert_allclose(judge(x[::-1]).score, together[::-1], atol=1e-6)


def test_ectopy_and_bigeminy_are_no_noise():
    x = heart()[0]
    wide = -0.8 * np.exp(-0.5 * (np.arange(-100, 100) / 25) ** 2)
    for peak in PEAKS[1::2]:
        x[peak - 100 : peak + 100] = wide + x[:200] * 0.1
    assert judge(x).verdict == "good"


def test_short_and_odd_recordings_are_judged_without_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert judge(heart()[:, :500], PEAKS[:1]).score.shape == (1,)
        assert judge(heart()[:, :600], [200, 599]).score.shape == (1,)
        x = heart(2)
        x[0] = np.nan
        q = judge(x)
    assert "gap" in q.reasons[0]
    assert q.score[0] == 0
    assert q.score[1] > 0.98


def test_input_may_be_read_only_and_is_not_changed():
    x = heart(2)
    kept = x.copy()
    x.flags.writeable = False
    judge(x)
    np.testing.assert_array_equal(x, kept)


def test_result_is_frozen_and_refusals_are_named():
    q = judge(heart())
    with pytest.raises(dataclasses.FrozenInstanceError):
        q.verdict = "good"
    with pytest.raises(dsp.LengthError, match="at least 1 s"):
        dsp.quality(np.zeros(100), 500)
    with pytest.raises(dsp.LengthError, match="one recording"):
        dsp.quality(np.zeros((2, 3, 1000)), 500)
    with pytest.raises(dsp.UnitError, match="microvolts"):
        judge(1000 * heart())
    with pytest.raises(dsp.LeadError, match="names"):
        judge(heart(2), leads="I")
    assert 0 < TOLD < 1


@pytest.mark.data
@pytest.mark.parametrize("kind", ["bw", "em", "ma"])
def test_score_falls_with_real_noise(data, kind):
    """Clean twelve-lead records with electrode noise of the stress test database added."""
    noise = np.load(data / "nstdb" / f"{kind}.npy").astype(np.float32)
    noise = dsp.resample(noise, 360, FS)[0, : 10 * FS]
    noise = noise - noise.mean()
    clean = [
        (x, peaks)
        for path in sorted((data / "chapman-unlabelled").rglob("*.mat"))
        for x in [loadmat(path)["val"].astype(np.float32) / 1000]
        for peaks in [r_peaks(x, FS)]
        if dsp.quality(x, FS, peaks=peaks).score.min() > 0.95
    ][:6]
    assert len(clean) >= 3
    means = []
    for snr in (24, 18, 12, 6, 0, -6):
        scores = []
        for x, peaks in clean:
            power = x.var(axis=1, keepdims=True) / noise.var() / 10 ** (snr / 10)
            scores.append(dsp.quality(x + np.sqrt(power) * noise, FS, peaks=peaks).score.mean())
        means.append(np.mean(scores))
    assert (np.diff(means) <= 0.01).all()
    assert means[0] > 0.9
    # Baseline wander is filtered off and costs little until it is much larger than the heart.
    assert means[-1] < means[0] - {"bw": 0.2, "em": 0.4, "ma": 0.4}[kind]


@pytest.mark.data
def test_ventricular_flutter_is_not_trusted(data):
    """MIT-BIH 207 from 25:41 on: 98 s of flutter, between sinus rhythm."""
    import wfdb

    name = str(data / "mitdb" / "207")
    x = wfdb.rdrecord(name, sampfrom=1400 * 360, sampto=1640 * 360).p_signal.T.astype(np.float32)
    flutter = dsp.quality(x[:, 142 * 360 : 238 * 360], 360)
    sinus = dsp.quality(x[:, : 130 * 360], 360)
    assert flutter.verdict == "bad"
    assert "no QRS" in flutter.reasons[0]
    assert sinus.verdict == "good"

"""Words: nothing lost in lossless mode, the published rule to the sample in heartlang mode."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import dsp
from dsp.leads import TWELVE

ROUNDING = 2e-6
"""Relative; float32 matrix products with sums of at most 192 terms."""


@st.composite
def sentences(draw):
    """Leads of noise, peaks anywhere, at 100 Hz."""
    n = draw(st.integers(4, 1500))
    peaks = draw(st.lists(st.integers(0, n - 1), max_size=20, unique=True).map(sorted))
    n_leads = draw(st.integers(1, 3))
    seed = draw(st.integers(0, 1000))
    x = np.random.default_rng(seed).normal(size=(n_leads, n)).astype(np.float32)
    return x, np.array(peaks, int)


def published(x, peaks, channels, size=96, budget=256):
    """The published tokenizer, word by word, as its description says: a slow reference."""
    n = x.shape[1]
    words, leads, seconds = [], [], []
    for row, channel in zip(x, channels, strict=True):
        for i, r in enumerate(peaks):
            start = (peaks[i - 1] + r) // 2 if i > 0 else max(r - size // 2, 0)
            stop = (r + peaks[i + 1]) // 2 if i + 1 < len(peaks) else r + size // 2
            if len(peaks) == 1:
                stop = start + size
            stop = min(stop, n)
            if stop - start > size:
                start = max(r - size // 2, 0)
                stop = min(start + size, n)
            column = max(size // 2 - (r - start), 0)
            stop = min(stop, start + size - column)
            word = np.zeros(size, np.float32)
            word[column : column + stop - start] = row[start:stop]
            words.append(word)
            leads.append(channel + 1)
            seconds.append(r // 100 + 1)
    short = max(budget - len(words), 0)
    words = np.array([*words, *[np.zeros(size, np.float32)] * short])[:budget]
    return words, np.array(leads + [0] * short)[:budget], np.array(seconds + [0] * short)[:budget]


@given(sentences())
def test_lossless_words_return_the_signal(sentence):
    x, peaks = sentence
    tok = dsp.QRSTokenizer(leads=TWELVE[: len(x)])
    y = tok.decode(tok.encode(x, 100, peaks))
    assert y.shape == x.shape
    assert np.abs(y - x).max() < ROUNDING * 10 * np.abs(x).max()


@given(sentences(), st.sampled_from([2, 40, 96, 192]))
def test_lossless_words_partition_the_signal(sentence, points):
    x, peaks = sentence
    words = dsp.QRSTokenizer(leads=TWELVE[: len(x)], points=points).encode(x, 100, peaks)
    n = x.shape[1]
    for lead in range(1, len(x) + 1):
        mine = words.lead == lead
        stop = (words.start + words.before + words.after)[mine]
        assert words.start[mine][0] == 0
        assert stop[-1] == n
        np.testing.assert_array_equal(words.start[mine][1:], stop[:-1])
        assert sorted(words.r_peak[mine & (words.beat > 0)]) == list(peaks)
    assert words.duration.sum() == pytest.approx(len(x) * n / 100)
    assert (words.before <= points // 2).all()
    assert (words.after[words.beat > 0] <= points // 2).all()
    assert (words.before + words.after <= points).all()


@given(sentences())
def test_heartlang_words_follow_the_published_rule(sentence):
    x, peaks = sentence
    words = dsp.QRSTokenizer(mode="heartlang", leads=TWELVE[: len(x)]).encode(x, 100, peaks)
    samples, leads, seconds = published(x, peaks, range(len(x)))
    np.testing.assert_array_equal(words.samples, samples)
    np.testing.assert_array_equal(words.lead, leads)
    np.testing.assert_array_equal(words.second, seconds)
    np.testing.assert_array_equal(words.present, leads > 0)


def test_heartlang_budget_cuts_the_tail_and_the_mask_tells():
    x = np.random.default_rng(0).normal(size=(12, 1000)).astype(np.float32)
    tok = dsp.QRSTokenizer(mode="heartlang")
    fast = tok.encode(x, 100, np.arange(10, 1000, 40))
    assert fast.present.all()
    assert fast.lead.max() < 12  # 25 beats in twelve leads are 300 words
    np.testing.assert_array_equal(fast.samples, published(x, np.arange(10, 1000, 40), range(12))[0])
    slow = tok.encode(x, 100, np.arange(50, 1000, 100))
    assert slow.present.sum() == 120
    assert not slow.samples[~slow.present].any()
    none = tok.encode(x, 100, [])
    assert none.samples.shape == (256, 96)
    assert not none.present.any()


def test_heartlang_lead_numbers_are_those_of_the_twelve():
    tok = dsp.QRSTokenizer(mode="heartlang", leads=["I", "II", "V2"])
    words = tok.encode(np.ones((3, 1000)), 100, [300, 600])
    assert words.lead[:6].tolist() == [1, 1, 2, 2, 8, 8]
    assert words.second[:2].tolist() == [4, 7]


def test_heartlang_decodes_what_it_held():
    x = np.random.default_rng(0).normal(size=(2, 1000)).astype(np.float32)
    tok = dsp.QRSTokenizer(mode="heartlang", leads=["I", "II"])
    y = tok.decode(tok.encode(x, 100, np.arange(50, 1000, 100)))
    held = np.isfinite(y)
    np.testing.assert_array_equal(y[held], x[held])
    assert 0.9 < held.mean() < 1.0  # 60 bpm: four samples of each second are lost


def test_a_batch_is_its_recordings_one_by_one():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(3, 4, 2000)).astype(np.float32)
    x[1, 2, 500:900] = np.nan
    peaks = [np.arange(100, 2000, 170), np.array([], int), np.array([7, 1990])]
    for mode in ("lossless", "heartlang"):
        tok = dsp.QRSTokenizer(mode=mode, leads=TWELVE[:4])
        many = tok.encode(x, 200, peaks)
        back = tok.decode(many)
        for i in range(3):
            one = tok.encode(x[i], 200, peaks[i])
            width = len(one.present)
            np.testing.assert_array_equal(many.present[i, :width], one.present)
            assert not many.present[i, width:].any()
            np.testing.assert_allclose(many.samples[i, :width], one.samples, atol=1e-5)
            np.testing.assert_array_equal(many.lead[i, :width], one.lead)
            np.testing.assert_allclose(back[i], tok.decode(one), atol=1e-5)


def test_rows_go_by_name():
    x = np.random.default_rng(0).normal(size=(12, 1000)).astype(np.float32)
    peaks = np.arange(40, 1000, 80)
    order = [7, 0, 11, 1, 5, 4, 3, 2, 10, 9, 8, 6]
    tok = dsp.QRSTokenizer(leads="II, V6, I")
    plain = tok.encode(x, 100, peaks, leads=TWELVE)
    mixed = tok.encode(x[order], 100, peaks, leads=[TWELVE[i].upper() for i in order])
    np.testing.assert_array_equal(plain.samples, mixed.samples)
    np.testing.assert_allclose(tok.decode(mixed), x[[1, 11, 0]], atol=1e-4)
    assert list(dict.fromkeys(plain.lead.tolist())) == [2, 12, 1]


def test_gaps_stay_gaps_and_cost_nothing_else():
    x = np.random.default_rng(0).normal(size=(2, 1000)).astype(np.float32)
    x[0, :120] = np.nan
    x[0, 333:350] = np.nan
    x[1] = np.nan
    tok = dsp.QRSTokenizer(leads="I, II")
    words = tok.encode(x, 100, np.arange(45, 1000, 90))
    assert np.isfinite(words.samples).all()
    assert (words.lead[words.present] == 1).all()
    y = tok.decode(words)
    np.testing.assert_array_equal(np.isnan(y), np.isnan(x))
    np.testing.assert_allclose(y[0], x[0], atol=1e-4)


def test_words_of_a_beat_do_not_depend_on_heart_rate():
    """The same wave twice as slow is the same word, with twice the duration."""
    phase = (np.arange(192) + 0.5) / 192

    def wave(p):
        return np.exp(-(((p - 0.5) / 0.04) ** 2)) + 0.2 * np.exp(-(((p - 0.8) / 0.06) ** 2))

    tok = dsp.QRSTokenizer(leads=["II"])
    for size in (60, 90, 120, 180):
        beat = wave((np.arange(size) + 0.5) / size)
        words = tok.encode(np.tile(beat, 5)[None], 100, np.arange(5) * size + size // 2)
        assert words.duration[2] == size / 100
        # 60 samples of a QRS 2.4 samples wide: interpolation of what the samples saw.
        assert np.abs(words.samples[2] - wave(phase)).max() < 0.05


def test_changed_words_change_the_signal():
    x = np.random.default_rng(0).normal(size=(1, 1000)).astype(np.float32)
    tok = dsp.QRSTokenizer(leads=["I"])
    words = tok.encode(x, 100, np.arange(50, 1000, 100))
    y = tok.decode(dataclasses.replace(words, samples=2 * words.samples))
    np.testing.assert_allclose(y, 2 * x, atol=1e-4)


def test_refusals_are_named():
    tok = dsp.QRSTokenizer(leads="I, II")
    x = np.zeros((2, 1000))
    with pytest.raises(dsp.LeadError, match="not II"):
        tok.encode(x, 100, [500], leads=["I", "V1"])
    with pytest.raises(dsp.LeadError, match="3 lead names"):
        tok.encode(x, 100, [500], leads=["I", "II", "V1"])
    with pytest.raises(dsp.LengthError, match="batch of 4"):
        tok.encode(np.zeros((4, 2, 1000)), 100, [[500]])
    with pytest.raises(dsp.SignalError, match="another sampling rate"):
        tok.encode(x, 100, [5000])
    with pytest.raises(dsp.RateError, match="100 Hz only"):
        dsp.QRSTokenizer(fs=250, mode="heartlang")
    with pytest.raises(dsp.LengthError, match="96 samples"):
        dsp.QRSTokenizer(mode="heartlang", points=128)
    with pytest.raises(dsp.LengthError, match="even number"):
        dsp.QRSTokenizer(points=95)
    with pytest.raises(dsp.SignalError, match="lossless"):
        dsp.QRSTokenizer(mode="wavelet")
    with pytest.raises(dsp.LeadError, match="not among the twelve"):
        dsp.QRSTokenizer(leads=["MLII"])
    with pytest.raises(dsp.SignalError, match="this tokenizer"):
        dsp.QRSTokenizer(leads="II, I").decode(tok.encode(x, 100, [500]))


def test_beats_are_found_on_all_leads_at_the_native_rate():
    time = np.arange(5000) / 500
    beats = np.exp(-0.5 * (((time[:, None] - np.arange(0.5, 10)) / 0.01) ** 2)).sum(axis=1)
    x = np.stack([0.001 * np.random.default_rng(0).normal(size=5000), beats])
    tok = dsp.QRSTokenizer(leads=["I"])
    words = tok.encode(x, 500, leads=["I", "V2"])  # lead I alone shows no beat
    np.testing.assert_allclose(words.r_peak[words.beat > 0], np.arange(50, 1000, 100), atol=1)
    both = tok.encode(np.stack([x, x[::-1]]), 500, leads=["I", "V2"])
    np.testing.assert_array_equal(both.r_peak[0], words.r_peak)


@pytest.mark.data
def test_real_twelve_leads_return_at_every_heart_rate(data):
    """Slow, usual and fast hearts of the challenge set: r >= .9999, every sample, every word."""
    from scipy.io import loadmat

    tok = dsp.QRSTokenizer()
    for name in sorted((data / "cinc2020-2021").rglob("*.mat"))[::20]:
        x = loadmat(name)["val"].astype(np.float32)[:, :5000] / 1000
        for every in (150, 500, 1700):
            words = tok.encode(x, 500, np.arange(77, x.shape[1], every))
            y, want = tok.decode(words), dsp.resample(x, 500, 100)
            assert np.isfinite(y).all()
            assert words.present.all()
            live = want.std(axis=1) > 1e-3
            r = [np.corrcoef(a, b)[0, 1] for a, b in zip(y[live], want[live], strict=True)]
            assert min(r) > 0.9999

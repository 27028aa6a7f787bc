"""Filters: known gains, zero phase, gaps kept, exact against SciPy."""

import math
import tracemalloc

import numpy as np
import pytest
import scipy
from hypothesis import example, given
from hypothesis import strategies as st
from strategies import rates, signals

import dsp
from dsp import polyphase

T = np.arange(10_000) / 500


def gain(frequency, run):
    x = np.sin(2 * np.pi * frequency * T)
    inner = slice(2500, 7500)
    return np.sqrt(np.mean(run(x)[inner] ** 2) / np.mean(x[inner] ** 2))


def test_gains():
    assert gain(10, lambda x: dsp.bandpass(x, 500, 0.5, 40)) == pytest.approx(1, abs=0.01)
    assert gain(40, lambda x: dsp.bandpass(x, 500, 0.5, 40)) == pytest.approx(0.5, abs=0.01)
    assert gain(50, lambda x: dsp.bandpass(x, 500, 0.5, 40)) < 0.25
    assert gain(0.1, lambda x: dsp.bandpass(x, 500, 0.5, 40)) < 0.01
    assert gain(5, lambda x: dsp.bandpass(x, 500, None, 40)) == pytest.approx(1, abs=0.01)
    assert gain(100, lambda x: dsp.bandpass(x, 500, 20, None)) == pytest.approx(1, abs=0.01)


def test_zero_phase():
    x = np.exp(-0.5 * ((T - 10) / 0.02) ** 2)
    assert abs(int(np.argmax(dsp.clean(x, 500))) - 5000) <= 1


def test_it_is_scipys_filter():
    x = np.cumsum(np.random.default_rng(0).normal(size=(3, 4000)), axis=1) / 20
    sos = scipy.signal.butter(3, [0.5, 40], "bandpass", fs=500, output="sos")
    expected = scipy.signal.sosfiltfilt(sos, x.astype("f4").astype(float), axis=-1)
    # Padding at the ends is ours to choose; 0.01 mV is a tenth of the thinnest line on paper.
    np.testing.assert_allclose(dsp.bandpass(x, 500, 0.5, 40), expected, atol=0.01)


@given(signals(2, 700), signals(2, 700), st.floats(-3, 3))
def test_linear(x, y, a):
    together = dsp.clean(x + np.float32(a) * y, 500)
    apart = dsp.clean(x, 500) + a * dsp.clean(y, 500)
    np.testing.assert_allclose(together, apart, atol=1e-4)  # float32 sums of some 20 mV


@given(signals(1, 700), st.floats(-100, 100))
def test_an_offset_is_nothing(x, offset):
    np.testing.assert_allclose(dsp.clean(x + np.float32(offset), 500), dsp.clean(x, 500), atol=1e-3)


def test_gaps_stay_and_do_not_spread():
    x = np.random.default_rng(1).normal(size=(2, 5000)).cumsum(axis=1).astype("f4") / 50
    holed = x.copy()
    holed[0, 2000:2400] = np.nan
    holed[1, :100] = np.nan
    for run in (lambda v: dsp.clean(v, 500), lambda v: dsp.bandpass(v, 500, 1, 30)):
        out = run(holed)
        np.testing.assert_array_equal(np.isnan(out), np.isnan(holed))
    out = dsp.resample(holed, 500, 250)
    assert np.isnan(out[0, 1000:1200]).all()
    assert np.isnan(out).sum() == pytest.approx(250, abs=2)


def test_a_lead_that_is_one_gap():
    x = np.zeros((2, 1000), np.float32)
    x[0] = np.nan
    out = dsp.clean(x, 500)
    assert np.isnan(out[0]).all()
    assert (out[1] == 0).all()


@given(rates, rates)
def test_resampling_there_and_back(fs, to):
    if min(fs, to) < 100:
        return
    t = np.arange(round(6 * fs)) / fs
    x = np.sin(2 * np.pi * 5 * t) + 0.3 * np.cos(2 * np.pi * 11 * t)
    out = dsp.resample(x, fs, to)
    assert out.shape == (max(1, round(len(x) * to / fs)),)
    then = np.arange(out.size) / to
    expected = np.sin(2 * np.pi * 5 * then) + 0.3 * np.cos(2 * np.pi * 11 * then)
    inner = (then > 0.5) & (then < 5.5)
    assert np.abs(out - expected)[inner].max() < 0.01  # SciPy's default anti-aliasing window
    assert np.abs(out - expected).max() < 0.5  # beyond the ends nothing is known


def test_resampling_keeps_an_offset_to_the_ends():
    out = dsp.resample(np.full(1000, 300.0), 500, 360)
    np.testing.assert_allclose(out, 300, rtol=1e-6)


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 400), st.booleans())
@example(9999, 10_000, 50, False)  # too large a matrix for us
def test_resampling_is_scipys_but_for_the_line(up, down, n, in_pieces):
    up, down = up // math.gcd(up, down), down // math.gcd(up, down)
    if up == down:
        return
    x = np.random.default_rng(n).normal(size=(3, n)).astype("f4")
    x[:, [0, -1]] = 0  # no line
    expected = scipy.signal.resample_poly(x.astype(float), up, down, axis=-1)
    with pytest.MonkeyPatch.context() as patch:
        if in_pieces:
            patch.setattr("dsp.polyphase._AT_ONCE", 1)
        np.testing.assert_allclose(polyphase.resample(x, up, down), expected, atol=5e-6)


def test_resampling_takes_little_memory():
    x = np.zeros((1, 4_000_000), np.float32)
    tracemalloc.start()
    dsp.resample(x, 500, 100)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 6 * x.nbytes


@pytest.mark.parametrize("band", [(40, 0.5), (10, 10), (0, 40), (0.5, 250), (None, None), (-1, 5)])
def test_impossible_bands(band):
    with pytest.raises(dsp.RateError, match="0 < low < high"):
        dsp.bandpass(np.zeros(1000), 500, *band)


@pytest.mark.parametrize("n", [1, 2, 3, 10, 50])
def test_short_signals(n):
    x = np.arange(n, dtype=np.float32)
    assert dsp.clean(x, 500).shape == (n,)
    assert dsp.resample(x, 500, 250).shape == (max(1, round(n / 2)),)


def test_blocks_do_not_show(monkeypatch):
    x = np.random.default_rng(2).normal(size=(5, 900))
    whole = dsp.clean(x, 500)
    monkeypatch.setattr("dsp.filters._BLOCK", 1000)
    np.testing.assert_array_equal(dsp.clean(x, 500), whole)

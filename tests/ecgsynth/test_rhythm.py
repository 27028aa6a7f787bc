"""Rhythms: rates, variability and the order of events that each promises."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecgsynth.draws import Draws, series_seed
from ecgsynth.rhythm import RHYTHMS, rhythms
from ecgsynth.rhythm.events import sinus_course, standardise

EXACT = 1e-9  # rounding of float64


def knobs(n, rate=70.0, sdnn=0.03, lf_hf=1.5):
    values = {
        "heart_rate": rate,
        "sdnn": sdnn,
        "lf_hf": lf_hf,
        "breath_rate": 0.25,
        "breath_phase": 1,
    }
    return {name: np.full(n, float(value)) for name, value in values.items()}


def make(code, n=20, duration=10.0, seed=0, **asked):
    return rhythms(np.full(n, code), Draws(seed, 0, n), knobs(n, **asked), duration)


def inside(time, duration=10.0):
    return time[(time >= 0) & (time < duration)]


@given(rate=st.floats(35, 190), share=st.floats(0, 0.07), seed=st.integers(0, 99))
def test_mean_rate_and_sdnn_are_exact(rate, share, seed):
    out = make("SR", n=3, seed=seed, rate=rate, sdnn=share * 60 / rate)
    for time in out.time:
        rr = np.diff(inside(time))
        assert abs(60 / rr.mean() - rate) < EXACT * rate
        assert abs(rr.std() - share * 60 / rate) < 1e-6


def test_lf_to_hf_is_the_ratio_of_the_two_waves():
    wanted, duration = 2.5, 300.0
    course = sinus_course(Draws(1, 0, 4), knobs(4, lf_hf=wanted), duration)
    n_inside = int(duration * 70 / 60) - 1
    z = course[:, 3 : 3 + n_inside]
    f = np.fft.rfftfreq(n_inside, 60 / 70)
    power = np.abs(np.fft.rfft(z - z.mean(1, keepdims=True))) ** 2
    low = power[:, (f > 0.04) & (f < 0.15)].sum(1)
    high = power[:, (f > 0.15) & (f < 0.4)].sum(1)
    assert low / high == pytest.approx(np.full(4, wanted), rel=0.05)  # leakage of a finite record


def test_fibrillation_has_no_p_and_uncorrelated_intervals():
    out = make("AFIB", n=60, duration=60.0, rate=90)
    assert np.isnan(out.p_time).all()
    assert ((out.oscillation[:, 0] >= 4) & (out.oscillation[:, 0] <= 9)).all()
    first = []
    for time in out.time:
        rr = np.diff(inside(time, 60.0))
        rr = (rr - rr.mean()) / rr.std()
        first.append((rr[1:] * rr[:-1]).mean())
    assert abs(np.mean(first)) < 0.05  # 60 records of 89 intervals: standard error 0.014


def test_ventricular_premature_beats_have_full_pauses():
    out = make("PVC", sdnn=0.0)
    for time, kind in zip(out.time, out.kind, strict=True):
        early = np.flatnonzero((kind == 1) & (time > 0) & (time < 9.5))
        assert 1 <= len(early) <= 3
        for i in early:
            assert time[i + 1] - time[i - 1] == pytest.approx(2 * 60 / 70, abs=1e-6)
            assert time[i] - time[i - 1] < 0.8 * 60 / 70


def test_atrial_premature_beats_have_shorter_pauses():
    out = make("PAC", sdnn=0.0)
    for time, symbol in zip(out.time, out.symbol, strict=True):
        for i in np.flatnonzero((symbol == "A") & (time > 0) & (time < 9)):
            assert 60 / 70 < time[i + 1] - time[i] < 1.4 * 60 / 70


def test_bigeminy_alternates():
    for kind in make("BIGU").kind:
        assert set(np.abs(np.diff(kind[:10])).tolist()) == {1}


def test_wenckebach_grows_and_drops():
    out = make("WENCK", n=30)
    for time, p_time, delay in zip(out.time, out.p_time, out.p_delay, strict=True):
        beats, atria = inside(time), inside(p_time)
        assert len(beats) < len(atria)
        steps = np.diff(delay[np.isfinite(p_time)])
        assert (steps[steps > 0] > 0.01).all()


@pytest.mark.parametrize(("code", "atria_a_beat"), [("2AVB", 2.0), ("SR", 1.0), ("1AVB", 1.0)])
def test_number_of_p_waves_a_beat(code, atria_a_beat):
    out = make(code, rate=45.0, sdnn=0.0)
    beats = sum(len(inside(time)) for time in out.time)
    atria = sum(len(inside(time)) for time in out.p_time)
    assert atria / beats == pytest.approx(atria_a_beat, rel=0.08)  # a P more or less at the edges


def test_complete_block_dissociates():
    out = make("3AVB", n=40, rate=38.0)
    gaps = []
    for time, p_time in zip(out.time, out.p_time, strict=True):
        atria = inside(p_time)
        gaps += [float(t - atria[atria <= t].max()) for t in inside(time) if (atria <= t).any()]
    counts = np.histogram(gaps, bins=4, range=(0, 0.6))[0]
    assert counts.min() > 0.5 * counts.max()  # any delay is as likely as any other


def test_pauses_and_pacing():
    for time in make("PAUSE", sdnn=0.0).time:
        assert np.diff(inside(time)).max() == pytest.approx(2 * 60 / 70, rel=0.51)
    paced = make("PACE", rate=60.0)
    for time, spike in zip(paced.time, paced.spike, strict=True):
        assert np.nanmax(abs(np.sort(time)[:5] - np.sort(spike)[:5])) < 0.01


@pytest.mark.parametrize("code", list(RHYTHMS))
def test_every_rhythm_is_the_same_in_any_batch(code):
    row = RHYTHMS[code]
    rate = row.rate[0]
    whole = make(code, n=6, rate=rate)
    part = rhythms(np.full(2, code), Draws(0, 3, 2), knobs(2, rate=rate), 10.0)
    for name in ("time", "p_time", "kind"):
        for i in range(2):
            a, b = getattr(whole, name)[3 + i], getattr(part, name)[i]
            width = min(len(a), len(b))
            assert np.array_equal(a[:width], b[:width], equal_nan=a.dtype.kind == "f")
    assert (np.diff(whole.time, axis=1)[np.isfinite(np.diff(whole.time, axis=1))] > 0.15).all()


def test_streams_are_independent_of_other_names():
    a = Draws(5, 0, 4).normal("x", 9)
    assert not np.allclose(a, Draws(5, 0, 4).normal("y", 9))
    assert not np.allclose(a, Draws(6, 0, 4).normal("x", 9))
    assert abs(Draws(0, 0, 20_000).normal("x").std() - 1) < 0.02  # standard error 0.005


def test_seeds_of_three_kinds():
    import torch

    assert series_seed(3) == 3
    assert series_seed(np.random.default_rng(1)) == series_seed(np.random.default_rng(1))
    generators = [torch.Generator().manual_seed(2) for _ in range(2)]
    assert series_seed(generators[0]) == series_seed(generators[1])
    with pytest.raises(ValueError, match="0 or more"):
        series_seed(-1)


def test_standardise_of_a_constant_is_zero():
    assert not standardise(np.ones((1, 4)), np.ones((1, 4), bool)).any()

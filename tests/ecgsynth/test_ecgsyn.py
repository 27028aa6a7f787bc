"""McSharry's model: the closed form, the scan and the integrated equations are one signal."""

import itertools

import numpy as np
import pytest
import scipy
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from dsp.errors import ECGError, LengthError, RateError, SignalError
from ecgsynth.ecgsyn import MCSHARRY, METHODS, Waves, ecgsyn, phase

FS = 500.0
EXACT = 1e-9  # mV, what the closed form promises; found: below 1e-11
REFERENCE = 1e-6  # mV, what dopri5 at rtol 1e-9 promises
SCAN = 1e-4  # of peak to peak at 500 Hz; found: 8e-6
RR = np.array([0.83, 0.61, 1.27, 0.9, 0.55, 1.02])
ODD = Waves(  # T near pi, a wave beyond it, one too wide to fade before the wrap
    np.array([-1.2, 0.0, 2.9, 4.0, -3.1]),
    np.array([1.0, 30.0, 0.7, -1.0, 0.4]),
    np.array([0.25, 0.1, 0.6, 0.3, 1.2]),
)


def integrated(
    rr: NDArray[np.float64], waves: Waves, start: tuple[float, float, float], fs: float = FS
) -> NDArray[np.float64]:
    """DOP853 at rtol 1e-12 between beat edges and wraps, written apart from the library."""
    first = np.arctan2(start[1], start[0])
    edges = np.concatenate([[0.0], np.cumsum(rr)])
    t = np.arange(int(edges[-1] * fs)) / fs
    out, z = np.empty(t.size), np.array([start[2]])
    for began, ended, interval in zip(edges[:-1], edges[1:], rr, strict=True):
        w = 2 * np.pi / interval
        to_wrap = (np.pi - (first - waves.theta)) % (2 * np.pi)
        cuts = np.unique([began, ended, *(began + to_wrap / w)])
        for low, high in itertools.pairwise(cuts):
            middle = first + w * ((low + high) / 2 - began) - waves.theta
            turns = 2 * np.pi * np.floor((middle + np.pi) / (2 * np.pi))

            def slope(s, z, began=began, w=w, turns=turns):
                d = first + w * (s - began) - waves.theta - turns
                push = (waves.a * d * np.exp(-(d**2) / (2 * waves.b**2))).sum()
                return -push - (z - 0.005 * np.sin(2 * np.pi * 0.25 * s))

            inside = np.flatnonzero((t >= low) & (t < high))
            solved = scipy.integrate.solve_ivp(
                slope, (low, high), z, "DOP853", [*t[inside], high],
                rtol=1e-12, atol=1e-15, max_step=0.01,
            )  # fmt: skip
            out[inside], z = solved.y[0, :-1], solved.y[:, -1]
    return out


@pytest.mark.parametrize("start", [(1.0, 0.0, 0.04), (0.3, 0.7, -0.1), (-2.0, -1e-3, 0.0)])
@pytest.mark.parametrize("waves", [MCSHARRY, ODD], ids=["published", "odd"])
def test_closed_form_and_scan_agree_with_dop853(waves, start):
    truth = integrated(RR, waves, start)
    exact = ecgsyn(RR, FS, waves, start=start)
    assert abs(exact - truth).max() < EXACT
    scanned = ecgsyn(RR, FS, waves, start=start, method="scan")
    assert abs(scanned - truth).max() < SCAN * np.ptp(truth)


@pytest.mark.slow
@pytest.mark.parametrize("start", [(1.0, 0.0, 0.04), (0.3, 0.7, -0.1)], ids=["on", "off cycle"])
@pytest.mark.parametrize("waves", [MCSHARRY, ODD], ids=["published", "odd"])
def test_dopri5_agrees_with_the_closed_form(waves, start):
    exact = ecgsyn(RR, FS, waves, start=start, duration=3)
    assert (
        abs(ecgsyn(RR, FS, waves, start=start, duration=3, method="ode") - exact).max() < REFERENCE
    )


def test_scan_error_falls_with_the_square_of_the_rate():
    error = []
    for fs in (250, 500, 1000):
        exact = ecgsyn(RR, fs)
        error.append(abs(ecgsyn(RR, fs, method="scan") - exact).max())
    order = np.log2(np.array(error[:-1]) / error[1:])
    assert (order > 1.8).all(), order


@pytest.mark.parametrize("method", ["exact", "scan"])
@pytest.mark.parametrize("name", ["rr", "theta", "a", "b", "baseline", "breathing", "start"])
def test_gradients_of_every_parameter(name, method):
    rr = torch.tensor([[0.83, 0.61, 0.7], [0.5, 0.9, 0.75]], dtype=torch.float64)
    # Two orders of magnitude between the strengths would hide an error in the weak waves.
    values = {
        "rr": rr,
        "theta": torch.tensor([-1.2, 0.1, 2.9], dtype=torch.float64),
        "a": torch.tensor([1.0, 3.0, 0.7], dtype=torch.float64),
        "b": torch.tensor([0.25, 0.2, 0.6], dtype=torch.float64),
        "baseline": torch.tensor(0.1, dtype=torch.float64),
        "breathing": torch.tensor(0.3, dtype=torch.float64),
        "start": torch.tensor([0.6, 0.8, 0.04], dtype=torch.float64),
    }

    def run(value):
        v = {**values, name: value}
        return ecgsyn(
            v["rr"], 50, Waves(v["theta"], v["a"], v["b"]), duration=2.0, method=method,
            baseline=v["baseline"], breathing=v["breathing"], start=v["start"],
        )  # fmt: skip

    assert torch.autograd.gradcheck(run, (values[name].clone().requires_grad_(),))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["a", "theta", "baseline"])
def test_dopri5_has_the_gradients_of_the_closed_form(name):
    values = dict(zip(("theta", "a", "b"), map(torch.tensor, MCSHARRY), strict=True))
    values["baseline"] = torch.tensor(0.005, dtype=torch.float64)
    values[name].requires_grad_()
    gradients = []
    for method in ("exact", "ode"):
        waves = Waves(values["theta"], values["a"], values["b"])
        z = ecgsyn(RR[:2], 100, waves, baseline=values["baseline"], method=method)
        gradients.append(torch.autograd.grad(z.square().sum(), values[name])[0])
    # The absolute tolerance of the integrator, summed over 144 samples.
    torch.testing.assert_close(gradients[0], gradients[1], rtol=1e-4, atol=1e-6)


@given(
    rr=st.lists(st.floats(0.25, 3.0), min_size=2, max_size=12),
    cut=st.integers(1, 11),
    angle=st.floats(-3.1, 3.1),
)
def test_a_record_continues_where_it_was_cut(rr, cut, angle):
    cut = min(cut, len(rr) - 1)
    fs = 1 / np.gcd.reduce(np.round(np.array(rr) * 1000).astype(int)) * 1000
    fs = max(fs, 200.0)
    rr = np.round(np.array(rr) * fs) / fs
    first = (np.cos(angle), np.sin(angle), 0.02)
    whole = ecgsyn(rr, fs, MCSHARRY, baseline=0.0, start=first)
    at = round(rr[:cut].sum() * fs)
    rest = ecgsyn(rr[cut:], fs, MCSHARRY, baseline=0.0, start=(*first[:2], whole[at]))
    assert abs(whole[at:][: rest.size] - rest).max() < EXACT


@given(shift=st.integers(-3, 3), wave=st.integers(0, 4))
@pytest.mark.parametrize("method", ["exact", "scan"])
def test_whole_turns_of_a_wave_change_nothing(method, shift, wave):
    # fmod in place of a true wrap loses the waves near pi: this fails then.
    theta = ODD.theta.copy()
    theta[wave] += 2 * np.pi * shift
    turned = ecgsyn(RR, 200, ODD._replace(theta=theta), method=method)
    assert abs(turned - ecgsyn(RR, 200, ODD, method=method)).max() < 1e-11  # rounding of 2 pi


@pytest.mark.parametrize("method", ["exact", "scan"])
def test_t_wave_at_pi_keeps_its_height(method):
    tall = [
        np.ptp(ecgsyn(np.full(8, 1.0), FS, Waves(np.array([t]), np.array([1.0]), np.array([0.3])),
                      baseline=0.0, start=(1, 0, 0), method=method)[2000:3000])
        for t in (2.0, np.pi - 1e-6, np.pi, np.pi + 1e-6)
    ]  # fmt: skip
    assert np.ptp(tall) < 1e-4 * tall[0]  # the same wave, later in the cycle


def test_linear_in_strength_baseline_and_start():
    one = ecgsyn(RR, FS, MCSHARRY, baseline=0.0, start=(1, 0, 0))
    two = ecgsyn(RR, FS, MCSHARRY._replace(a=3 * MCSHARRY.a), baseline=0.0, start=(1, 0, 0))
    np.testing.assert_allclose(two, 3 * one, atol=1e-14)
    free = ecgsyn(RR, FS, MCSHARRY._replace(a=0 * MCSHARRY.a), baseline=0.0, start=(1, 0, 0.5))
    np.testing.assert_allclose(free, 0.5 * np.exp(-np.arange(free.size) / FS), rtol=1e-12)


@pytest.mark.parametrize("method", ["exact", "scan"])
def test_a_batch_is_its_records_and_leads_share_a_heart(method):
    rng = np.random.default_rng(0)
    rr = rng.uniform(0.5, 1.2, (3, 1, 8))
    a = rng.normal(size=(3, 12, 5))
    waves = Waves(MCSHARRY.theta, a, MCSHARRY.b)
    batch = ecgsyn(rr, 250, waves, duration=3.5, method=method)
    assert batch.shape == (3, 12, 875)
    alone = ecgsyn(rr[1, 0], 250, MCSHARRY._replace(a=a[1, 7]), duration=3.5, method=method)
    np.testing.assert_allclose(batch[1, 7], alone, atol=1e-13)


@pytest.mark.parametrize("method", ["exact", "scan"])
def test_torch_and_numpy_are_one(method):
    array = ecgsyn(RR, FS, duration=5, method=method)
    tensor = ecgsyn(torch.tensor(RR), FS, duration=5, method=method)
    assert isinstance(array, np.ndarray)
    assert tensor.dtype == torch.float64
    np.testing.assert_array_equal(tensor.numpy(), array)
    single = ecgsyn(torch.tensor(RR, dtype=torch.float32), FS, duration=5, method=method)
    assert single.dtype == torch.float32
    assert abs(single.numpy() - array).max() < 1e-4 * np.ptp(array)  # float32


@pytest.mark.parametrize("method", ["exact", "scan"])
def test_an_hour_neither_overflows_nor_drifts(method):
    beats = np.full(4800, 0.75)  # exact in float32, so that no interval is rounded
    hour = ecgsyn(torch.tensor(beats, dtype=torch.float32), 100, baseline=0.0, method=method)
    assert hour.shape == (360_000,)
    assert hour.isfinite().all()
    # Every beat of a steady state is the same; 0.75 s are 75 samples.
    beat = hour[30_000:30_075]
    assert (hour[-75:] - beat).abs().max() < 1e-4 * np.ptp(beat.numpy())


def test_qt_adapts_to_rate():
    slow, fast = MCSHARRY.at_rate(60.0), MCSHARRY.at_rate(120.0)
    np.testing.assert_allclose(slow.theta, MCSHARRY.theta)
    np.testing.assert_allclose(fast.b / slow.b, np.sqrt(2))
    np.testing.assert_allclose(fast.theta[[0, 4]] / slow.theta[[0, 4]], 2**0.25)
    np.testing.assert_allclose(fast.theta[[1, 3]] / slow.theta[[1, 3]], 2**0.5)
    rt = [MCSHARRY.at_rate(hr).theta[4] / (2 * np.pi) * 60 / hr for hr in (60, 120)]
    assert 0.5 < rt[1] / rt[0] < 0.7  # half the RR, but more than half of R to T
    z = ecgsyn(np.full((2, 8), [[1.0], [0.5]]), FS, duration=4)
    np.testing.assert_allclose(z[1], ecgsyn(np.full(8, 0.5), FS, fast, duration=4), atol=1e-14)


def test_rate_scaling_is_differentiable():
    rate = torch.tensor([60.0, 100.0], dtype=torch.float64, requires_grad=True)
    waves = MCSHARRY.at_rate(rate)
    waves.theta.sum().backward()
    assert waves.b.shape == (2, 5)
    assert rate.grad.abs().min() > 0


def test_phase_counts_the_beats():
    angle = phase(RR, FS)
    assert (np.diff(angle) > 0).all()
    edges = np.cumsum(RR)[:-1]
    at = np.interp(edges, np.arange(angle.size) / FS, angle) / (2 * np.pi)
    np.testing.assert_allclose(at, np.arange(1, len(RR)), atol=1e-2)
    assert phase(torch.tensor(RR), FS).dtype == torch.float64


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"rr": [0.8, -0.1]}, SignalError, "positive seconds"),
        ({"rr": [0.8, np.nan]}, SignalError, "positive seconds"),
        ({"rr": 0.8}, SignalError, "beats"),
        ({"fs": -1}, RateError, "fs"),
        ({"duration": 9.0}, LengthError, "more intervals"),
        ({"start": (0.0, 0.0, 1.0)}, SignalError, "no angle"),
        ({"waves": MCSHARRY._replace(b=0 * MCSHARRY.b)}, SignalError, "positive"),
        ({"method": "rk45"}, SignalError, "exact, scan, ode"),
    ],
)
def test_bad_arguments_say_what_is_wrong(change, error, words):
    with pytest.raises(error, match=words):
        ecgsyn(**({"rr": [0.8, 0.9], "fs": 500} | change))


def test_rate_scaling_is_for_five_waves():
    with pytest.raises(ECGError, match="P Q R S T"):
        Waves(*(v[:3] for v in MCSHARRY)).at_rate(70)


def test_every_method_is_tried():
    assert set(METHODS) == {"exact", "scan", "ode"}

"""The dipole: sums of Gaussians, whatever the windows; gradients; limb algebra; the R progression."""

import dataclasses

import numpy as np
import pytest
import torch

from dsp import leads, vcg
from ecgsynth import anatomy, dipole
from ecgsynth.patients import patients

CUT_MV = (
    4.5 * dipole.CUT
)  # what truncation at REACH widths can lose where Gaussians of 3 mV overlap


def direct(heart, fs, n_samples):
    """The same sum without windows, in float64, one Gaussian at a time."""
    t = np.arange(n_samples) / fs
    out = np.zeros((len(heart.field), 8, n_samples))
    for wave, g in heart.waves.items():
        events = heart.events[dipole.SOURCES[wave]]
        for k, field in enumerate(heart.field):
            for e, time in enumerate(events.time[k]):
                kind = events.kind[k, e]
                qrs, qt = heart.qrs[k, kind], heart.qt[k, kind] * events.stretch[k, e]
                start, unit, gain = {
                    "P": (
                        time - heart.pr[k] - events.delay[k, e],
                        heart.p_duration[k],
                        events.gain,
                    ),
                    "QRS": (time, qrs, events.gain),
                    "T": (time + qrs, qt - qrs, events.t_gain),
                    "spike": (time, 1.0, events.gain),
                }[wave]
                rate, phase, swing = heart.breath[k]
                breath = np.sin(2 * np.pi * rate * time + phase)
                tilt = np.cross(heart.tilt[k], g.vector[k, kind].T).T
                still = field @ g.vector[k, kind] + g.residual[k, kind]
                amplitude = gain[k, e] * (1 + swing * breath) * still + breath * (field @ tilt)
                centre = start + g.position[k, kind] * unit
                u = (t - centre[:, None]) / (g.width[k, kind] * unit)[:, None]
                out[k] += amplitude @ np.exp(-0.5 * u**2)
    return out


@pytest.mark.parametrize("code", ["NORM", "PVC", "PACE", "3AVB", "CLBBB"])
def test_windows_change_nothing(code):
    heart = patients(2, diagnosis=code, duration=4.0, seed=4).heart
    heart = dataclasses.replace(heart, flutter=np.zeros((2, 4)))
    expected = direct(heart, 500, 2000)
    tensors = heart.tensors()
    with torch.inference_mode():
        plain = dipole.eight_leads(tensors, 500, 2000).numpy()
        buffered = dipole.eight_leads(tensors, 500, 2000, scratch=dipole.Scratch()).numpy()
    assert abs(plain - expected).max() < CUT_MV
    assert abs(plain - buffered).max() < 1e-6  # one rounding of float32, other order of sums


def test_every_parameter_has_the_gradient_of_finite_differences():
    heart = patients(1, duration=2.0, seed=2).heart.tensors()
    heart = heart.map(lambda _, x: x.double() if x.is_floating_point() else x)
    weights = torch.randn(1, 8, 400, generator=torch.Generator().manual_seed(0)).double()
    leaves = {}

    def leaf(name, x):
        if not x.is_floating_point() or not x.numel():
            return x
        x = x.clone().requires_grad_()
        leaves[f"{name} {len(leaves)}"] = x
        return x

    live = heart.map(leaf)
    (dipole.eight_leads(live, 200, 400) * weights).sum().backward()
    used = {name: x for name, x in leaves.items() if x.grad is not None and x.grad.abs().max() > 0}
    assert {name.split()[0] for name in used} >= {
        "position", "width", "vector", "residual", "time", "gain", "t_gain", "stretch", "field",
        "pr", "p_duration", "qrs", "qt", "breath", "tilt",
    }  # fmt: skip
    for name, x in used.items():
        place = int(x.grad.abs().argmax())
        step = 1e-5 * max(1.0, abs(float(x.detach().view(-1)[place])))
        values = []
        for sign in (1, -1):
            moved = x.detach().clone()
            moved.view(-1)[place] += sign * step
            with torch.no_grad():
                other = live.map(lambda _, y, x=x, moved=moved: moved if y is x else y)
                values.append(float((dipole.eight_leads(other, 200, 400) * weights).sum()))
        slope = (values[0] - values[1]) / (2 * step)
        # The cut at REACH widths leaves steps of 4e-5 of a peak, which differences see.
        assert float(x.grad.view(-1)[place]) == pytest.approx(slope, rel=1e-3), name


def test_twelve_leads_obey_the_limb_algebra():
    x8 = torch.randn(3, 8, 100, generator=torch.Generator().manual_seed(0))
    out = torch.empty(3, 12, 100)
    dipole.twelve_leads(x8, out=out)
    assert torch.equal(out, dipole.twelve_leads(x8))
    assert abs(leads.residual(out.numpy())).max() < 1e-6  # rounding of float32
    assert np.allclose(out.numpy(), leads.twelve(x8.numpy()), atol=1e-6)


def test_the_median_heart_has_a_normal_r_progression_and_a_negative_avr():
    part = anatomy.PARTS["QRS"]
    t = np.linspace(-0.3, 1.3, 161)
    bells = np.exp(-0.5 * ((t - part[:, :1]) / part[:, 1:2]) ** 2)
    x12 = leads.twelve(vcg.DOWER @ part[:, 2:].T @ bells)
    r, s = x12.max(1), -x12.min(1)
    ratio = (r / s)[6:]
    assert (np.diff(ratio[:4]) > 0).all()
    assert ratio[0] < 0.6
    assert ratio[4] > 2
    assert s[3] > 2 * r[3]


def test_real_rank_is_more_than_three():
    heart = patients(8, seed=1).heart.tensors()
    with torch.inference_mode():
        x = dipole.eight_leads(heart, 250, 2500).numpy()
    for record in x:
        energy = np.linalg.svd(record, compute_uv=False) ** 2
        share = np.cumsum(energy) / energy.sum()
        assert 0.9 < share[2] < 0.9999


def test_t_wave_alternans_alternates():
    heart = patients(1, parameters={"alternans": 0.3, "variability": 0.0}).heart
    gain = heart.events["beats"].t_gain[0]
    assert abs(gain[0] - gain[1]) == pytest.approx(0.6)
    assert gain[0] == pytest.approx(gain[2])

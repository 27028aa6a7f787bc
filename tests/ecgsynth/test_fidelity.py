"""Fidelity: what is alike lies at the floor, what is not lies above it, and copies are caught."""

import dataclasses
import json
import re

import numpy as np
import pytest

import dsp
import ecgsynth
from dsp import datasets, leads
from ecgsynth.fidelity.cohort import Cohort, cohort
from ecgsynth.fidelity.floors import beside
from ecgsynth.fidelity.privacy import privacy, similarity
from ecgsynth.fidelity.utility import probe, shared_labels, utility

FS = 100.0
N = 40


def simulated(seed, n=N, **asked):
    asked = {"diagnosis": "any", "noise": 25} | asked
    return ecgsynth.simulate(n, fs=FS, seed=seed, **asked)


@pytest.fixture(scope="module")
def real():
    return simulated(1)


@pytest.fixture(scope="module")
def alike(real):
    return ecgsynth.fidelity(real, simulated(2), training=simulated(3))


@pytest.fixture(scope="module")
def unlike(real):
    """Twice as large, smoothed, faster, and against Einthoven."""
    sim = simulated(4, heart_rate=95.0, noise=None)
    x = 2 * sim.signal
    x[..., 1:] = (x[..., 1:] + x[..., :-1]) / 2
    x[:, 2] += 0.1
    return ecgsynth.fidelity(real, dataclasses.replace(sim, signal=x))


def at_floor(finding):
    return finding.at_floor <= finding.floor_high


def test_the_name_is_the_function_and_the_module_remains():
    from ecgsynth.fidelity import report as module

    assert callable(ecgsynth.fidelity)
    assert module.FidelityReport is ecgsynth.FidelityReport


def test_what_is_alike_lies_at_the_floor(alike):
    """Two samples of one distribution: by chance a few of two dozen distances leave the range."""
    distances = [f for f in alike.findings if np.isfinite(f.at_floor)]
    distances = [f for f in distances if f.name not in ("density", "coverage")]
    assert len(distances) > 15
    assert sum(at_floor(f) for f in distances) >= 0.8 * len(distances)
    assert alike["density"].at_floor > 0.5 * alike["density"].floor


@pytest.mark.parametrize(
    "name",
    ["KID", "Frechet", "sliced Wasserstein of median beats", "heart rate", "texture, relative error"],
)  # fmt: skip
def test_what_is_not_lies_above_it(alike, unlike, name):
    assert unlike[name].at_floor > unlike[name].floor_high
    assert unlike[name].value > alike[name].value


def test_coverage_falls(alike, unlike):
    assert unlike["coverage"].value < 0.5 * alike["coverage"].value


def test_broken_algebra_shows(alike, unlike):
    assert alike["limb algebra at worst"].value < 1e-6
    assert unlike["limb algebra at worst"].value == pytest.approx(0.1, abs=1e-3)


def test_every_distance_has_floor_interval_and_counts(alike):
    for f in alike.findings:
        if f.family in ("distribution", "latent", "physiology"):
            assert np.isfinite([f.value, f.low, f.high, f.floor, f.at_floor]).all(), f.name
            assert f.floor_low <= f.floor <= f.floor_high
            assert f.n_real > 0
            assert f.n_synthetic > 0


def test_families(alike):
    families = {f.family for f in alike.findings}
    assert families >= {"constraint", "distribution", "latent", "physiology", "control", "privacy"}


# Control


def test_control_measures_the_error_of_the_request():
    rate = np.linspace(55, 100, 16)
    sim = simulated(5, 16, heart_rate=rate, diagnosis=None, noise=None)
    good = ecgsynth.fidelity(sim, sim)["heart rate, asked - found"]
    off = ecgsynth.fidelity(sim, sim, requested={"heart_rate": rate + 7})
    assert good.value < 1.0  # bpm; beats lie on a grid of 10 ms
    assert off["heart rate, asked - found"].value == pytest.approx(7, abs=good.value)
    with pytest.raises(dsp.LengthError, match="requests"):
        ecgsynth.fidelity(sim, sim, requested={"qt": [0.4, 0.3]})


# Utility


def told(label, y, x, rng):
    labels = [(label,) if flag else ("other",) for flag in y]
    z = np.where(y[:, None], x, -x) + rng.normal(size=(len(y), 4))
    return z, labels


def test_utility_tells_useful_from_useless():
    rng = np.random.default_rng(0)
    y, y_made = rng.random(200) < 0.4, rng.random(300) < 0.5
    z, labels = told("A", y, 0.5, rng)
    groups = np.arange(200) // 2
    good, bad = (told("A", y_made, size, rng) for size in (0.5, 0.0))
    useful, useless = (
        {f.name: f for f in utility("A", (z, labels, groups), made, 0)} for made in (good, bad)
    )
    name = "A: synthetic for real (beside real for real)"
    assert useful[name].low > 0.7
    assert abs(useful[name].value - useful[name].floor) < 0.05
    assert useful[name].value > useless[name].value + 0.1
    tenth = useful["A: 10 % real + synthetic (beside without)"]
    assert tenth.value > tenth.floor
    assert "difference +" in tenth.note


def test_utility_never_trains_on_the_patients_it_is_judged_on():
    """Vectors that only name the patient, and labels by patient: nothing can be learned."""
    groups = np.repeat(np.arange(40), 3)
    z = np.eye(40)[groups]
    labels = [("A",) if g % 2 else () for g in groups]
    made = (np.zeros((20, 40)), [("A",)] * 10 + [()] * 10)
    whole = next(iter(utility("A", (z, labels, groups), made, 0)))
    assert whole.floor == pytest.approx(0.5, abs=0.15)


def test_labels_need_both_sides():
    assert shared_labels([("A",)] * 10 + [()] * 10, [("A",)] * 9 + [()] * 20) == []
    assert shared_labels([("A",)] * 30, [("A",)] * 10 + [()] * 10) == []


def test_a_probe_without_classes_says_nothing():
    assert not probe(np.ones((5, 2)), np.ones(5, bool), np.ones((3, 2))).any()


# Privacy


def as_cohort(x, groups=None):
    groups = np.arange(len(x)) if groups is None else groups
    return Cohort(x.astype(np.float32), FS, groups, [()] * len(x), {})


def test_planted_copies_are_caught_and_a_clean_set_passes():
    """Three copies: later, louder or softer, and noisier than the training recordings."""
    whole, rng = simulated(1, duration=14).signal, np.random.default_rng(0)
    training = as_cohort(whole[..., :1000])
    made = simulated(6).signal
    clean = {f.name: f for f in privacy(training, as_cohort(made), None)}
    assert clean["copies"].value == 0
    for place, origin, shift, gain in ((5, 2, 130, 1.0), (9, 30, 400, 1.6), (17, 11, 7, 0.5)):
        copy = whole[origin, :, shift : shift + 1000]
        made[place] = gain * (copy + 0.02 * rng.normal(size=copy.shape))
    found = {f.name: f for f in privacy(training, as_cohort(made), None)}
    assert found["copies"].value == 3
    assert found["copies"].note.endswith(": 5 9 17")


def membership(training, made, other):
    rows = privacy(*(as_cohort(x) for x in (training, made, other)))
    return {f.name: f for f in rows}["membership inference"].value


def test_membership_is_told_from_copies():
    training, other = simulated(20).signal, simulated(21).signal
    noisy = training + 0.05 * np.random.default_rng(0).normal(size=training.shape)
    assert membership(training, np.roll(noisy, 90, axis=-1), other) > 0.95


def test_membership_is_not_told_from_strangers():
    """Mean of four areas of 40 against 40; each has a standard error of 0.065."""
    areas = [membership(*(simulated(k + i).signal for i in range(3))) for k in (30, 40, 50, 60)]
    assert np.mean(areas) == pytest.approx(0.5, abs=3 * 0.065 / 2)


def test_similarity_is_the_best_shifted_correlation():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 3, 2, 40)).cumsum(-1)
    found = similarity(x, y, fine=1)
    for i in range(3):
        for j in range(3):
            scores = []
            for shift in range(-20, 21):
                a = x[i][:, max(shift, 0) : 40 + min(shift, 0)]
                b = y[j][:, max(-shift, 0) : 40 - max(shift, 0)]
                scores.append((a * b).sum() / np.sqrt((a**2).sum() * (b**2).sum()))
            assert found[i, j] == pytest.approx(max(scores), abs=1e-9)
    np.testing.assert_allclose(similarity(5 * x, y, fine=1), found, atol=1e-9)
    np.testing.assert_allclose(similarity(y, x, fine=1).T, found, atol=1e-9)
    # Whole shifts are among the fine ones.
    assert (similarity(x, y) >= np.minimum(found, 1) - 1e-9).all()


@pytest.mark.parametrize("shift", [0.0, 0.5, 7.25, 31.5])
def test_shifts_between_samples_are_found(shift):
    """Bumps as narrow as a QRS complex, on a grid of 20 ms."""
    t = np.arange(500) / 50
    at = np.random.default_rng(0).uniform(0, 10, (1, 8, 30))

    def bumps(delay):
        x = np.exp(-0.5 * ((t[:, None] - at[..., None, :] - delay) / 0.02) ** 2).sum(-1)
        return x - x.mean(-1, keepdims=True)

    assert similarity(bumps(shift / 50), bumps(0.0))[0, 0] > 0.99


# Floors


def test_the_interval_covers_as_often_as_it_says():
    """95 % nominal; of 80 worlds at least 85 % (three standard errors of a binomial, and its bias)."""
    hits = 0
    for seed in range(80):
        rng = np.random.default_rng(seed)
        x, y = rng.normal(size=80), 0.7 + rng.normal(size=60)
        found = beside(lambda a, b: float(b.mean() - a.mean()), x, y, np.arange(80), seed)
        hits += found.low <= 0.7 <= found.high
    assert hits / 80 >= 0.85


def test_halves_share_no_patient():
    groups = np.repeat(np.arange(10), 4)
    x = groups.astype(float)
    found = beside(lambda a, b: float(len(np.intersect1d(a, b))), x, x + 100, groups, 0)
    assert found.floor.max() == 0


def test_too_few_give_nothing():
    x = np.arange(8.0)
    assert beside(lambda a, b: 0.0, x, x[:3], np.arange(8), 0) is None
    assert beside(lambda a, b: 0.0, x, x, np.zeros(8), 0) is None


# What comes in, and what comes out


def test_records_entries_and_arrays_are_one(real):
    records = [real.record(k) for k in range(6)]
    one, other = cohort(records), cohort(real)
    np.testing.assert_allclose(one.signal, other.signal[:6], atol=1e-6)
    assert one.labels == other.labels[:6]


def test_unusable_recordings_are_left_out_and_named(real):
    flat = np.zeros((12, 1000), np.float32)
    records = [real.record(k) for k in range(5)]
    records += [dsp.ECG(flat, FS, leads.TWELVE, meta={"name": "dead"}), records[0].crop(0, 3)]
    found = cohort(records)
    assert len(found) == 5
    assert found.left_out[0].startswith("dead: ")
    assert "shorter" in found.left_out[1]


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ([], "none of 0"),
        ([1, 2, 3, 4], "type int"),
        (Cohort(np.zeros((3, 12, 900), np.float32), FS, np.arange(3), [()] * 3, {}), "four"),
        (Cohort(np.zeros((9, 8, 900), np.float32), FS, np.arange(9), [()] * 9, {}), "12, time"),
        (Cohort(np.zeros((9, 12, 90), np.float32), FS, np.arange(9), [()] * 9, {}), "least"),
        (
            Cohort(
                np.where(np.arange(900) == 3, np.nan, np.zeros((9, 12, 1))).astype("f4"),
                FS, np.arange(9), [()] * 9, {},
            ),
            "gaps",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_judged(real, bad, message):
    with pytest.raises(dsp.ECGError, match=message):
        ecgsynth.fidelity(real, bad)


def test_an_encoder_must_give_a_row_a_recording(real):
    with pytest.raises(dsp.LengthError, match="encoder"):
        ecgsynth.fidelity(real, real, encoder=lambda x, fs: np.zeros(3))


def test_html_is_one_file(alike, tmp_path):
    alike.to_html(tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text()
    assert "<script" not in text
    assert "http" not in text
    assert not re.search(r'(src|href)="(?!data:)', text)
    assert text.count("<img") >= 8
    for f in alike.findings:
        assert f.name.replace(">", "&gt;") in text


def test_json_is_plain(alike, tmp_path):
    alike.to_json(tmp_path / "report.json")
    found = json.loads((tmp_path / "report.json").read_text())
    assert found["real"] == N
    assert len(found["findings"]) == len(alike.findings)


def test_table_and_plot(alike):
    assert alike.head in alike.table
    assert all(f.name in alike.table for f in alike.findings)
    assert len(alike.plot().axes) == 1
    with pytest.raises(KeyError, match="coverage"):
        alike["no such"]


def test_the_same_call_gives_the_same_report(real):
    few = simulated(9, 12, noise=None)
    one, two = (ecgsynth.fidelity(few, few, seed=3).to_dict() for _ in range(2))
    assert one == two


@pytest.mark.data
@pytest.mark.slow
def test_real_against_real_lies_at_the_floor(data):
    """LUDB by halves: two thirds of the distances at least within the range of the floor."""
    entries = datasets.ludb(data)
    halves = entries[np.arange(0, 100, 2)], entries[np.arange(1, 100, 2)]
    report = ecgsynth.fidelity(*halves)
    distances = [f for f in report.findings if np.isfinite(f.at_floor)]
    assert sum(at_floor(f) for f in distances) >= len(distances) * 2 / 3
    assert report["copies"].value == 0

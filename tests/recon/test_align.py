"""Alignment: losses against their formulas, pairs, teachers that stay, and an aligner on the disk."""

import dataclasses
import json
import math

import numpy as np
import pytest
import torch
from torch.nn import functional
from typer.testing import CliRunner

import dsp
import ecgsynth
import recon
from dsp import datasets, leads
from recon import tasks
from recon.align import (
    LOSSES,
    NEGATIVES,
    RECIPES,
    Aligner,
    Alignment,
    Distillation,
    PairBatches,
    Pairs,
    Recipe,
    Teaching,
    unlabelled,
)
from recon.align.losses import distances, similarity
from recon.cli import app
from recon.encoders import ResidualEncoder, projector
from recon.training import Schedule, fit

SAME = 1e-5


@pytest.fixture(scope="module")
def cohort():
    return tasks.simulated(48, seed=1)


@pytest.fixture(scope="module")
def teacher():
    torch.manual_seed(0)
    return ResidualEncoder.preset("tiny").eval()


def pairs(n, weight=None, like=None):
    every = torch.ones(n, n)
    return Pairs(
        torch.tensor(10.0),
        torch.tensor(-10.0),
        every if weight is None else weight,
        torch.eye(n) if like is None else like,
    )


def vectors(seed, n=6, dim=8):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(n, dim, generator=generator)


def test_siglip_is_its_formula():
    z, target = vectors(0), vectors(1)
    u, v = functional.normalize(z, dim=1), functional.normalize(target, dim=1)
    total = 0.0
    for i in range(6):
        for j in range(6):
            sign = 1 if i == j else -1
            logit = 10 * float(u[i] @ v[j]) - 10
            total += math.log(1 / (1 + math.exp(-sign * logit)))
    assert LOSSES["siglip"](z, target, pairs(6)).item() == pytest.approx(-total / 6, rel=1e-4)


def test_infonce_is_cross_entropy_both_ways():
    z, target = vectors(0), vectors(1)
    cosines = functional.normalize(z, dim=1) @ functional.normalize(target, dim=1).T
    there, back = ((10 * c).log_softmax(1).diagonal().mean() for c in (cosines, cosines.T))
    expected = -(there + back) / 2
    assert LOSSES["infonce"](z, target, pairs(6)).item() == pytest.approx(expected.item(), rel=1e-4)


@pytest.mark.parametrize("name", LOSSES)
def test_losses_prefer_the_own_partner(name):
    z = vectors(0)
    wrong = LOSSES[name](z, z.roll(1, dims=0), pairs(6))
    assert LOSSES[name](z, z, pairs(6)) < wrong


@pytest.mark.parametrize("name", ["siglip", "infonce", "cosine", "relation"])
def test_losses_of_angles_do_not_see_length(name):
    z, target = vectors(0), vectors(1)
    one = LOSSES[name](z, target, pairs(6)).item()
    assert LOSSES[name](3 * z, 0.1 * target, pairs(6)).item() == pytest.approx(one, rel=1e-4)


def test_far_negatives_are_the_distant_half():
    about = torch.tensor([[0.0], [0.1], [5.0], [6.0], [7.0]])
    weight = NEGATIVES["far"](distances(about))
    assert weight[0].tolist() == pytest.approx([0, 0, 0, 2, 2])
    assert weight[4, :2].tolist() == pytest.approx([2, 2])
    assert (weight.diagonal() == 0).all()


def test_risk_weighs_by_squared_difference_and_passes_over_unknown():
    about = torch.tensor([[0.0], [1.0], [2.0], [float("nan")]])
    weight = NEGATIVES["risk"](distances(about))
    assert weight[0, 2] / weight[0, 1] == pytest.approx(math.exp(4 - 1), rel=1e-4)
    assert weight[3, 0] == weight[3, 1] == weight[0, 3]


@pytest.mark.parametrize("name", NEGATIVES)
def test_negatives_have_mean_one(name):
    about = vectors(3, n=9, dim=2)
    about[4] = torch.nan
    weight = NEGATIVES[name](distances(about))
    others = ~torch.eye(9, dtype=torch.bool)
    assert weight[others].mean().item() == pytest.approx(1, rel=1e-4)
    assert weight.isfinite().all()


def test_unknown_similarity_asks_for_nothing():
    z = vectors(0, n=2)
    like = similarity(torch.tensor([[0.0, torch.nan], [torch.nan, 0.0]]))
    expected = (functional.cosine_similarity(z, vectors(1, n=2)) - 1).square().mean()
    found = LOSSES["relation"](z, vectors(1, n=2), pairs(2, like=like))
    assert found.item() == pytest.approx(expected.item(), rel=1e-4)


def test_batches_are_a_pure_function_of_the_step(cohort):
    one = PairBatches(cohort, 8, seed=3, other=True, noisy=True)
    other = PairBatches(cohort, 8, seed=3, other=True, noisy=True)
    for step in (0, 7):
        first, second = one(step), other(step)
        for name, value in first.items():
            assert torch.equal(value.nan_to_num(), second[name].nan_to_num()), name
    assert not torch.equal(one(0)["x"][:, :, :100], one(1)["x"][:, :, :100])


def test_batches_are_half_real(cohort):
    unknown = np.full_like(cohort.knobs, np.nan)
    real = dataclasses.replace(unlabelled(cohort, cohort.names), knobs=unknown)
    batch = PairBatches(cohort + real, 16, leads=("I",))(0)
    unknown = batch["knobs"].isnan().all(dim=1)
    assert int(unknown.sum()) == 8
    assert batch["labels"][unknown].isnan().all()
    assert batch["labels"][~unknown].isfinite().all()
    assert torch.equal(batch["projector"][3], torch.from_numpy(projector(["I"])))


def test_subsets_leave_something_hidden(cohort):
    onto = PairBatches(cohort, 32)(0)["projector"]
    told = onto.diagonal(dim1=1, dim2=2).sum(dim=1)
    assert told.min() >= 1 - SAME
    assert told.max() <= 8 + SAME
    assert len({tuple(p.flatten().tolist()) for p in onto}) > 5
    torch.testing.assert_close(onto @ onto, onto, atol=SAME, rtol=0)


def test_batches_refuse_what_cannot_be(cohort):
    with pytest.raises(dsp.LengthError, match="batches of 64"):
        PairBatches(cohort)
    with pytest.raises(dsp.LengthError, match="targets"):
        PairBatches(cohort, 8, targets=np.zeros((3, 4), np.float32))
    with pytest.raises(dsp.LeadError):
        PairBatches(cohort, 8, leads=("V9",))


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_teaches_the_student_and_leaves_the_teacher(name, cohort, teacher):
    model = Alignment(teacher, RECIPES[name])
    before = {k: v.clone() for k, v in model.teacher.state_dict().items()}
    terms = model.train().loss(PairBatches(cohort, 8, leads=RECIPES[name].leads)(0))
    terms["loss"].backward()
    assert terms["loss"].isfinite()
    assert all(p.grad is None for p in model.teacher.parameters())
    grads = [p.grad for p in model.student.parameters()]
    assert all(g is not None and g.isfinite().all() for g in grads)
    for key, value in model.teacher.state_dict().items():
        assert torch.equal(value, before[key])


def test_the_knob_goes_from_alignment_to_reconstruction(cohort, teacher):
    batch = PairBatches(cohort, 8, leads=("I",))(0)
    for share in (0.0, 0.25, 1.0):
        torch.manual_seed(0)
        model = Alignment(teacher, Recipe({"mse": 1.0}, signal=share))
        terms = {name: value.item() for name, value in model.loss(batch).items()}
        expected = share * terms.get("signal", 0) + (1 - share) * terms.get("mse", 0)
        assert terms["loss"] == pytest.approx(expected, rel=1e-5)
        assert ("signal" in terms, "mse" in terms) == (share > 0, share < 1)
    assert terms["signal"] == pytest.approx(1, abs=0.05), "an untrained decoder is silent"


def test_student_starts_as_the_teacher(cohort, teacher):
    batch = dict(PairBatches(cohort, 8, leads=())(0))
    assert Alignment(teacher, RECIPES["mse"]).loss(batch)["mse"].item() == pytest.approx(
        0, abs=1e-9
    )


def test_a_teacher_may_follow(cohort, teacher):
    model = Alignment(teacher, Recipe({"cosine": 1.0}, momentum=0.9))
    with torch.no_grad():
        for p in model.student.parameters():
            p.add_(1.0)
    first = next(model.teacher.parameters()).clone()
    model.train().loss(PairBatches(cohort, 8)(0))
    torch.testing.assert_close(next(model.teacher.parameters()), first + 0.1)
    model.eval().loss(PairBatches(cohort, 8)(0))
    torch.testing.assert_close(next(model.teacher.parameters()), first + 0.1)


def test_frozen_text_takes_the_teachers_place(cohort, teacher):
    text = np.random.default_rng(0).normal(size=(len(cohort), 32)).astype(np.float32)
    model = Alignment(teacher, RECIPES["cosine"], dim=32)
    batches = PairBatches(cohort, 8, leads=("I",), targets=text)
    before = model.loss(batches(0))["cosine"].item()
    fit(model, lambda _: batches(0), Schedule(12, rate=3e-3, ema=0.0), progress=False, device="cpu")
    assert model.loss(batches(0))["cosine"].item() < before - 0.1


def test_recipes_are_checked():
    for wrong in (
        {"losses": {"arcface": 1.0}},
        {"signal": 1.5},
        {"negatives": "near"},
        {"losses": {}},
    ):
        with pytest.raises(dsp.SignalError):
            Recipe(**wrong)


def test_two_teachers_take_turns(cohort, teacher):
    model = Distillation(ResidualEncoder(**teacher.config)).train()
    with torch.no_grad():
        for p in model.student.parameters():
            p.add_(0.5)
    batches = PairBatches(cohort, 8, noisy=True)
    for step in (0, 1):
        before = [next(t.parameters()).clone() for t in model.teachers]
        terms = model.loss(batches(step))
        moved = [
            not torch.equal(next(t.parameters()), b)
            for t, b in zip(model.teachers, before, strict=True)
        ]
        assert moved == [step == 0, step == 1]
        assert model.centres[step].abs().sum() > 0
        assert terms["loss"].isfinite()
    terms["loss"].backward()
    assert all(p.grad is None for p in model.teachers.parameters())


def test_teaching_learns_from_labels_only_where_they_are(cohort, teacher):
    model = Teaching(
        ResidualEncoder(**teacher.config), cohort.labels.shape[1], cohort.knobs.shape[1]
    )
    batch = dict(PairBatches(cohort, 8, leads=(), other=True)(0))
    batch["labels"] = torch.full_like(batch["labels"], torch.nan)
    batch["knobs"] = torch.full_like(batch["knobs"], torch.nan)
    terms = model.loss(batch)
    assert terms["labels"].item() == pytest.approx(0, abs=1)
    assert terms["knobs"].item() == 0
    terms["loss"].backward()
    assert (model.labels.weight.grad is None) or not model.labels.weight.grad.abs().sum() > 0
    assert model.encoder.head.weight.grad.abs().sum() > 0


@pytest.mark.slow
def test_alignment_brings_lead_one_to_its_twelve(cohort):
    """A few steps on few patients: the own latent is found more often than by chance."""
    aligner = Aligner.fit(cohort, RECIPES["hybrid"], steps=(20, 60), size=16, device="cpu")
    x = dsp.leads.twelve(cohort.x)
    truth, guess = aligner.embed(x, 100), aligner.embed(x[:, :1], 100, ("I",))
    found = dsp.distances.retrieval(truth, guess)
    assert found.r10.value > 2 * found.r10.chance
    assert np.abs(truth.mean(axis=0)).max() < 0.5, "mean 0 over the training records"
    assert truth.var(axis=0).mean() == pytest.approx(1, rel=0.3)


def test_bundled_aligner_has_one_space(cohort):
    aligner = recon.Aligner.from_pretrained()
    ecg = ecgsynth.simulate(1, seed=3).record(0)
    z12, z1 = aligner.embed(ecg), aligner.embed(ecg.select("I"))
    assert z12.shape == z1.shape == (aligner.dim,)
    np.testing.assert_allclose(z12, aligner.teacher(ecg), atol=SAME)
    np.testing.assert_allclose(z1, aligner.student(ecg.select("I")), atol=SAME)
    eight = aligner.embed(ecg.select(*leads.EIGHT))
    np.testing.assert_allclose(eight, z12, atol=1e-3)
    x = ecg.signal.copy()
    x[7] = 0.0  # V2 fell off: the student's turn
    seen = tuple(lead for lead in leads.TWELVE if lead != "V2")
    np.testing.assert_allclose(
        aligner.embed(x, 500),
        aligner.embed(x[[0, 1, *range(2, 7), *range(8, 12)]], 500, seen),
        atol=1e-4,
    )
    both = aligner.embed(np.stack([x, ecg.signal]), 500)
    np.testing.assert_allclose(both[1], z12, atol=SAME)


def test_save_and_load(tmp_path, cohort):
    aligner = Aligner.from_pretrained()
    aligner.save(tmp_path / "mine", recipe="selfmis")
    again = Aligner.from_pretrained(tmp_path / "mine")
    x = leads.twelve(cohort.x[:3])
    np.testing.assert_allclose(aligner.embed(x, 100), again.embed(x, 100), atol=1e-6)
    assert json.loads((tmp_path / "mine" / "config.json").read_text())["recipe"] == "selfmis"
    with pytest.raises(dsp.ECGError):
        Aligner.from_pretrained(tmp_path)


def test_probe_reads_what_is_there(cohort):
    rng = np.random.default_rng(0)
    z = rng.normal(size=(300, 20))
    y = np.stack([z[:, 0] > 0, rng.random(300) < 0.5], axis=1).astype(float)
    y[:20, 0] = np.nan
    probe = tasks.Probe.fit(z[:200], y[:200])
    areas = [dsp.statistics.auroc(y[200:, k] > 0, probe.scores(z[200:])[:, k]) for k in (0, 1)]
    assert areas[0].value > 0.95
    assert areas[1].low < 0.5 < areas[1].high
    assert probe.strengths[1] > probe.strengths[0], "noise is shrunk"
    assert np.isnan(tasks.Probe.fit(z, np.ones(300)).strengths).all()
    near = tasks.neighbours(z[:200], y[:200], z[200:], k=25)
    assert dsp.statistics.auroc(y[200:, 0] > 0, near[:, 0]).value > 0.6
    few, many = tasks.few_shot(z[:200], y[:200], z[200:], (10, 200))
    assert dsp.statistics.paired_area(y[200:, 0] > 0, many[:, 0], few[:, 0]).value > 0
    np.testing.assert_allclose(many, probe.scores(z[200:]), atol=1e-9)
    labels = cohort.labels[:, :1]
    assert Aligner.from_pretrained().probe(leads.twelve(cohort.x), labels, 100).weights.shape == (
        128,
        1,
    )


def test_probe_leaves_out_in_closed_form():
    rng = np.random.default_rng(1)
    z, y = rng.normal(size=(25, 4)), (rng.random(25) < 0.4).astype(float)
    probe = tasks.Probe.fit(z, y)
    x, signs = (z - probe.mean) / probe.size, 2 * y - 1

    def error(strength):
        total = 0.0
        for k in range(25):
            kept = np.arange(25) != k
            # The strength counts all 25 records and the mean is theirs less one, as by the formula.
            a = np.hstack([x[kept], np.ones((24, 1))])
            inner = a.T @ a + np.diag([25 * strength] * 4 + [0.0])
            w = np.linalg.solve(inner, a.T @ signs[kept])
            total += (signs[k] - x[k] @ w[:4] - w[4]) ** 2
        return total

    best = min(tasks.probe.STRENGTHS, key=error)
    assert probe.strengths[0] == best


def test_cohorts(cohort):
    again = tasks.simulated(48, seed=1)
    np.testing.assert_array_equal(cohort.x, again.x)
    assert cohort[np.arange(3)].groups == cohort.groups[:3]
    ill = tasks.infarcts(36, seed=4)
    assert ill.labels[:, :9].sum(axis=0).tolist() == [2] * 9
    assert (ill.labels[:, 9] == ill.labels[:, :9].max(axis=1)).all()
    assert not set(ill.groups) & set(cohort.groups)
    both = cohort + ill
    assert np.isnan(both.select(["MI"]).labels[:48]).all()
    with pytest.raises(dsp.LengthError, match="18"):
        tasks.infarcts(10)


def test_features_are_of_the_given_leads(cohort):
    x = leads.twelve(cohort.x[:4])
    alone = tasks.features(x[:, :1], 100, ["I"])
    beat = alone[:, :-6].reshape(4, 8, -1)
    assert (beat[:, 1:] == 0).all()
    assert (np.abs(beat[:, 0]).max(axis=1) > 0).all()
    twice = tasks.features(2 * x[:, :1], 100, ["I"])
    np.testing.assert_allclose(twice[:, :-6], alone[:, :-6], atol=1e-3)
    np.testing.assert_allclose(twice[:, -6] - alone[:, -6], np.log10(2), atol=1e-3)


def test_fine_tuning_learns(cohort, teacher):
    from recon.tasks import fine_tuning

    fast = np.asarray(cohort.knobs[:, 0] > 0, np.float32)[:, None]  # heart rate above the mean
    known = tasks.Cohort(cohort.x, fast, ("fast",), cohort.knobs, cohort.groups)
    model = tasks.fine_tune(teacher, known, ("I",), steps=25, device="cpu")
    scores = fine_tuning.scores(model, known, ("I",))
    assert dsp.statistics.auroc(fast[:, 0] > 0, scores[:, 0]).value > 0.7
    assert next(teacher.parameters()).requires_grad


@pytest.mark.data
@pytest.mark.slow
def test_real_cohort_knows_what_each_source_says(data):
    cohort = tasks.real(data)
    assert len(cohort) > 300
    assert np.isnan(cohort.knobs).all()
    chapman = np.array([g.startswith("chapman-unlabelled") for g in cohort.groups])
    assert np.isnan(cohort.labels[chapman]).all()
    sets = datasets.ludb(data)
    ludb = np.array([g.startswith("ludb") for g in cohort.groups])
    said = sum("Left ventricular hypertrophy" in entry.labels for entry in sets)
    assert said - 3 <= np.nansum(cohort.labels[ludb, cohort.names.index("LVH")]) <= said


def test_embed_command(tmp_path):
    ecg = ecgsynth.simulate(1, seed=5).record(0)
    dsp.write(ecg, tmp_path / "a.csv")
    dsp.write(ecg.select("I", "V2"), tmp_path / "b.csv")
    run = CliRunner().invoke(
        app,
        [
            "embed",
            str(tmp_path / "a.csv"),
            str(tmp_path / "b.csv"),
            "--out",
            str(tmp_path / "z.npz"),
            "--json",
        ],
    )
    assert run.exit_code == 0, run.output
    found = json.loads(run.output)
    assert [row["by"] for row in found["recordings"]] == ["teacher", "student"]
    with np.load(tmp_path / "z.npz") as stored:
        np.testing.assert_allclose(
            stored["embedding"][0], found["recordings"][0]["embedding"], atol=1e-5
        )
    run = CliRunner().invoke(
        app, ["embed", str(tmp_path / "a.csv"), "--out", str(tmp_path / "z.xyz")]
    )
    assert run.exit_code == 2
    run = CliRunner().invoke(
        app, ["embed", str(tmp_path / "a.csv"), "--leads", "I", "--out", str(tmp_path / "z.csv")]
    )
    assert run.exit_code == 0
    assert (tmp_path / "z.csv").read_text().startswith("recording,z0,z1")


def test_train_command_names_what_it_knows(tmp_path):
    run = CliRunner().invoke(
        app,
        ["train", "aligner", "--data", str(tmp_path), "--out", str(tmp_path), "--preset", "huge"],
    )
    assert run.exit_code == 2
    assert "tiny, base, large" in run.output


def test_train_command_makes_an_aligner(tmp_path, monkeypatch):
    made = tasks.simulated(12, seed=8)
    real = dataclasses.replace(made, knobs=np.full_like(made.knobs, np.nan))
    monkeypatch.setattr(tasks, "real", lambda root, every: real)
    steps = ["--teacher-steps", "1", "--student-steps", "1", "--simulated", "12", "--size", "8"]
    folders = ["--data", str(tmp_path), "--out", str(tmp_path / "w"), "--work", str(tmp_path / "c")]
    run = CliRunner().invoke(app, ["train", "aligner", *folders, *steps, "--device", "cpu"])
    assert run.exit_code == 0, run.output
    aligner = Aligner.from_pretrained(tmp_path / "w")
    assert aligner.embed(made.x[0, :1], 100, ["I"]).shape == (aligner.dim,)
    assert {path.name for path in (tmp_path / "c").iterdir()} == {"teacher", "student"}

"""The gap report: fairness, failures, resumption, and that every path is there with both gaps."""

import json
import re

import numpy as np
import pytest
from typer.testing import CliRunner

import dsp
import ecgsynth
from dsp import ECG, LengthError, SignalError, leads
from recon.cli import app
from recon.gaps import Batched, Outcome, Path, RandomEncoder, closed_form, gaps, paths, posterior
from recon.gaps.cohort import gather
from recon.gaps.paths import outcome
from recon.gaps.schema import JSON_SCHEMA

N = 40
TEACHER, JUDGE = RandomEncoder(12, seed=1), RandomEncoder(12, seed=2)


def compare(records, **options):
    settings = {"leads": ["I"], "paths": {}, "teacher": TEACHER, "judge": JUDGE, "progress": False}
    return gaps(records, **(settings | options))


@pytest.fixture(scope="module")
def records():
    some = ecgsynth.simulate(
        N, diagnosis=[["IMI", "NORM"][k % 2] for k in range(N)], fs=100, seed=3
    )
    return [some.record(k) for k in range(N)]


@pytest.fixture(scope="module")
def everything(records):
    """All closed-form paths, a latent and a both, from two lead sets."""

    def both(ecg):
        x = paths.naive.zero(ecg)
        return Outcome(x[None], TEACHER(x[None])[0])

    extra = {
        "aligned": Path(lambda ecg: TEACHER(paths.naive.copy(ecg)[None])[0], "C"),
        "both": Path(both, "C"),
        "dropout": Path(lambda ecg: JUDGE(paths.naive.zero(ecg)[None])[0], "E", space="own"),
    }
    return compare(records, leads=["I", "I,II,V2"], paths=closed_form() | extra)


def test_the_name_is_the_function():
    import recon.gaps.ridge  # what makes Python set recon.gaps to the module

    assert recon.gaps is gaps
    assert recon.GapReport.__name__ == "GapReport"


def test_every_path_has_both_gaps_in_both_spaces(everything):
    assert len(everything.paths) == 12
    assert {"A", "B", "B'", "C", "D", "E", "F", "G"} <= set(everything.paths.values())
    for given in everything.lead_sets:
        for path in everything.paths:
            for level in ("decoded beat", "teacher", "judge"):
                interval = everything.gap(path, given, level)
                assert interval.low <= interval.value <= interval.high, (path, level)
                assert interval.n_records == N


def test_the_ceiling_is_perfect(everything):
    for given in everything.lead_sets:
        for space in ("teacher", "judge"):
            assert everything.gap("twelve leads", given, space).value == 0
            found = {
                m: everything.find("twelve leads", given, space, m) for m in ("R@1", "CKA", "MRR")
            }
            assert all(row.interval.value == pytest.approx(1) for row in found.values())
            kid = everything.find("twelve leads", given, space, "KID")
            half = (kid.interval.high - kid.interval.low) / 2
            assert abs(kid.interval.value) <= 1.5 * half  # three standard errors


def test_floors_and_chances_are_printed(everything):
    for metric in ("KID", "Frechet", "CKA", "R@1"):
        rows = [row for row in everything.rows if row.metric == metric]
        assert rows
        assert all(row.floor is not None for row in rows)
    assert everything.find("zero fill", ("I",), "teacher", "R@1").chance == pytest.approx(1 / N)


def test_more_leads_are_no_worse_for_reconstruction(everything):
    for level in ("beat", "teacher", "judge"):
        few, more = (everything.gap("FIR", given, level).value for given in everything.lead_sets)
        assert more < few


def test_recovery_runs_from_the_random_encoder_to_twelve_leads(everything):
    floor = everything.macro("random encoder", ("I",), "teacher", "refit")
    ceiling = everything.macro("twelve leads", ("I",), "teacher", "transfer")
    assert (floor.ratio.value, ceiling.ratio.value) == (0, 1)
    assert ceiling.n_positive == N  # every record has one of the two statements
    labels = {part.label for part in everything.recoveries}
    assert labels == {"IMI", "NORM", "macro"} or {"IMI", "macro"} <= labels


def test_the_parts_sum_to_the_gap(everything):
    assert {part.leads for part in everything.splits} == set(everything.lead_sets)
    for part in everything.splits:
        total = part.irreducible.value + part.smoothing.value + part.remainder.value
        assert total == pytest.approx(part.total.value)
        assert part.irreducible.low >= 0


def test_no_path_sees_the_hidden_leads(records):
    """With other hidden leads, what a path makes of the given ones is the same to the bit."""
    rng = np.random.default_rng(0)
    hidden = [k for k, lead in enumerate(leads.EIGHT) if lead != "I"]
    cohorts = []
    for change in (False, True):
        changed = []
        for record in records[:8]:
            x8 = record[leads.EIGHT].copy()
            if change:
                x8[hidden] = 0.3 * np.cumsum(rng.normal(size=(7, 1000)), axis=1) / 10
            changed.append(ECG(x8, 100, leads.EIGHT))
        cohorts.append(gather(changed, progress=False))
    for path in paths.references().values():
        for k in range(8):
            a, b = (np.asarray(path.run(cohort.given(k, ("I",)))) for cohort in cohorts)
            np.testing.assert_array_equal(a, b)


def test_what_is_fitted_never_sees_the_patient(records):
    """Two records of each patient: those a path is fitted to are of others."""
    named = [
        ECG(r.signal, r.fs, r.leads, meta={"name": str(k), "patient": f"p{k // 2}"})
        for k, r in enumerate(records[:20])
    ]
    clashes = []

    def fit(train):
        known = {ecg["I"].tobytes() for ecg in train}
        partners = {named_signal(k) for k in range(20) if named_signal(k ^ 1) in known}

        def run(ecg):
            clashes.append(ecg.signal[0].tobytes() in known | partners)
            return paths.naive.zero(ecg)

        return run

    cohort = gather(named, progress=False)

    def named_signal(k):
        return cohort.twelve([k])[0][0].tobytes()

    compare(named, paths={"fitted": Path(kind="B", fit=fit)})
    assert len(clashes) >= 20
    assert not any(clashes)


def test_failures_are_reported_and_the_rest_is_scored(records):
    def fails(ecg):
        if float(ecg.signal[0, 0]) > 0:
            raise dsp.SignalError("I do not like this one")
        return paths.naive.zero(ecg)

    def infinite(ecg):
        return np.full((12, ecg.n_samples), np.inf)

    report = compare(records, paths={"fails": fails, "infinite": infinite})
    lost = [failure for failure in report.failures if failure.path == "fails"]
    assert 0 < len(lost) < N
    assert "SignalError: I do not like this one" in lost[0].reason
    assert report.gap("fails", ("I",), "teacher").n_records == N - len(lost)
    assert report.gap("infinite", ("I",), "teacher") is None
    assert any(w.startswith(f"fails failed on {len(lost)} of {N}") for w in report.warnings)


def test_many_at_once_is_one_after_another(records):
    def mean(ecgs):
        if len(ecgs) > 1 and any(ecg.signal[0, 0] == bad for ecg in ecgs):
            raise ValueError("one of these will not do")
        if ecgs[0].signal[0, 0] == bad:
            raise ValueError("this one will not do")
        return np.stack([TEACHER(np.repeat(ecg.signal, 12, axis=0)[None])[0] for ecg in ecgs])

    bad = gather(records, progress=False).given(3, ("I",)).signal[0, 0]
    ways = {"once": Path(Batched(mean), "C"), "alone": Path(lambda ecg: mean([ecg])[0], "C")}
    report = compare(records, paths=ways)
    once, alone = (report.gap(name, ("I",), "teacher") for name in ways)
    assert once == alone
    assert once.n_records == N - 1
    assert [f.reason for f in report.failures] == ["ValueError: this one will not do"] * 2


def test_folds_of_a_cross_validation_are_kept(records):
    fold_of = {f"record {k}": k % 3 for k in range(N)}
    seen = []

    def fit(train):
        seen.append({fold_of[ecg.meta["patient"]] for ecg in train})
        return paths.naive.copy

    named = [
        ECG(r.signal, r.fs, r.leads, meta={"patient": name})
        for r, name in zip(records, fold_of, strict=True)
    ]
    compare(named, paths={"copy": Path(kind="D", fit=fit)}, folds=fold_of)
    assert seen == [{1, 2}, {0, 2}, {0, 1}]
    with pytest.raises(SignalError, match="no fold for 1 patients, such as 'record 5'"):
        compare(named, folds={k: v for k, v in fold_of.items() if k != "record 5"})
    with pytest.raises(LengthError, match="all patients are in fold 0"):
        compare(named, folds=dict.fromkeys(fold_of, 0))


def test_a_typing_mistake_is_not_a_failed_record(records):
    with pytest.raises(AttributeError, match="sginal"):
        compare(records[:8], paths={"typo": lambda ecg: ecg.sginal})


@pytest.mark.parametrize(
    ("result", "error"),
    [
        (np.zeros((12, 7)), "expected"),
        (np.zeros((3, 1000)), "expected"),
        (np.zeros((0, 12, 1000)), "expected"),
        (np.full(4, np.nan), "not finite"),
        (Outcome(), "neither"),
    ],
)
def test_a_path_must_return_what_a_path_returns(result, error):
    with pytest.raises(dsp.ECGError, match=error):
        outcome(result, 1000)


def test_few_records_warn_and_a_collapsed_teacher_is_flagged(records):
    def collapsed(x, fs):
        return 1 + 1e-4 * TEACHER(x, fs)

    report = compare(records[:12], teacher=collapsed)
    assert any("fewer than 30" in warning for warning in report.warnings)
    assert any("teacher has collapsed" in warning for warning in report.warnings)
    assert np.isfinite(report.gap("zero fill", ("I",), "judge").low)
    with pytest.raises(dsp.LengthError, match="at least 8"):
        compare(records[:5])


def test_records_without_ten_good_seconds_are_refused(records):
    short = records[0].crop(0, 5)
    report = compare([short, *records[:12]])
    assert "no ten seconds" in report.cards["records"]["refused"]["record 0"]
    assert report.cards["records"]["records"] == 12


def test_an_interrupted_run_goes_on_where_it_was(records, tmp_path):
    calls = []

    def counted(ecg):
        calls.append(1)
        if len(calls) == N - 2:
            raise KeyboardInterrupt
        return paths.naive.copy(ecg)

    options = {"paths": {"counted": counted}, "cache": tmp_path}
    with pytest.raises(KeyboardInterrupt):
        compare(records, **options)
    before = len(calls)
    report = compare(records, **options)
    again = len(calls) - before
    assert (
        again < N
    )  # the first chunk is not computed anew; one record a fold tells which path it is
    whole = compare(records, paths={"counted": counted})
    kept = json.dumps([r for r in report.to_dict()["rows"] if r["metric"] != "seconds"])
    assert kept == json.dumps([r for r in whole.to_dict()["rows"] if r["metric"] != "seconds"])
    assert not [file for file in tmp_path.rglob("*") if file.suffix not in (".npz", "")]


def test_other_weights_are_another_path_for_the_cache(records, tmp_path):
    values = []
    for gain in (1.0, 0.5):
        report = compare(
            records[:12],
            paths={"same name": lambda ecg, gain=gain: gain * paths.naive.copy(ecg)},
            cache=tmp_path,
        )
        values.append(report.find("same name", ("I",), "signal", "slope").interval.value)
    assert values[1] == pytest.approx(values[0] / 2)


def test_json_follows_its_schema(everything, tmp_path):
    everything.to_json(tmp_path / "gaps.json")
    found = json.loads((tmp_path / "gaps.json").read_text())
    assert found["schema"] == "einthoven.gaps/1"
    assert set(JSON_SCHEMA["required"]) == set(found)
    jsonschema = pytest.importorskip("jsonschema")
    jsonschema.Draft202012Validator(dict(JSON_SCHEMA)).validate(found)
    broken = found | {"rows": [{"path": "x"}]}
    assert not jsonschema.Draft202012Validator(dict(JSON_SCHEMA)).is_valid(broken)


def test_the_page_holds_everything_and_fetches_nothing(everything, tmp_path):
    everything.to_html(tmp_path / "gaps.html")
    page = (tmp_path / "gaps.html").read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")
    assert "<script" not in page
    assert "@import" not in page
    sources = re.findall(r'(?:src|href)\s*=\s*"([^"]{0,30})|url\(([^)]{0,30})', page)
    assert sources  # the ECG paper
    assert all(first.startswith("data:image/png;base64,") for first, _ in sources)
    assert 'name="viewport"' in page
    for path in everything.paths:
        assert path in page
    for words in ("What it does not mean", "irreducible", "Retrieval", "Worst by r", "decoded"):
        assert words in page


def test_names_cannot_break_the_page(records, tmp_path):
    report = compare(records[:12], paths={"<script>x": paths.naive.copy})
    report.to_html(tmp_path / "gaps.html")
    assert "<script" not in (tmp_path / "gaps.html").read_text(encoding="utf-8")


def test_the_plane_is_drawn(everything):
    figure = everything.plot(("I", "II", "V2"))
    assert len(figure.legends[0].get_texts()) == len(everything.paths)


def test_samples_depend_on_record_and_seed_alone():
    seen = []

    def sampler(ecg, samples, seed):
        seen.append(seed)
        return np.zeros((samples, 12, ecg.n_samples))

    one, other = (ECG(np.arange(100.0) * k, 100, ["I"]) for k in (0.01, 0.02))
    run = posterior(sampler, samples=2).run
    for ecg in (one, other, one):
        run(ecg)
    posterior(sampler, samples=2, seed=1).run(one)
    assert seen[0] == seen[2]
    assert len(set(seen)) == 3


@pytest.mark.slow
def test_command(tmp_path):
    arguments = ["gaps", "--n", 20, "--leads", "I", "--path", "copy fill", "--path", "FIR"]
    arguments += [
        "--diagnosis",
        "IMI",
        "--diagnosis",
        "NORM",
        "--out",
        tmp_path / "study",
        "--json",
    ]
    result = CliRunner().invoke(app, [str(a) for a in arguments])
    assert result.exit_code in (0, 1), result.output  # 1: the bundled teacher may be a small one
    found = json.loads(result.stdout)
    assert {row["path"] for row in found["gaps"]} >= {"twelve leads", "copy fill", "FIR"}
    assert {file.name for file in (tmp_path / "study").iterdir()} == {
        "cache", "gaps.html", "gaps.json", "gaps.png",
    }  # fmt: skip
    bad = CliRunner().invoke(app, ["gaps", "--path", "no such"])
    assert bad.exit_code == 2

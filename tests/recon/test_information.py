"""Information: a Gaussian world where every number is known, axioms of worth, and what users get."""

import itertools
import json
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import ecg
from typer.testing import CliRunner

import dsp
import recon
from dsp import leads
from recon import information as call
from recon.cli import app
from recon.information import ELECTRODES, FAMILIES, MEASURES, SUBSETS, errors, measures, worth
from recon.information.lead_sets import SIZES, code_of, cost

NOISE = 0.01


def gaussian_world(n=12, time=6000, seed=0):
    """White in time, so that bits per second are 100 times bits per sample; its covariance, mV²."""
    rng = np.random.default_rng(seed)
    mix = 0.2 * rng.normal(size=(8, 8))
    x = mix @ rng.normal(size=(n, 8, time)) + 0.15 * rng.normal(size=(n, 8, time))
    return x.astype("f4"), mix @ mix.T + 0.15**2 * np.eye(8)


@pytest.fixture(scope="module")
def world():
    x, covariance = gaussian_world()
    return recon.information(x, predictor="linear", folds=3), covariance


def known(covariance, target, given):
    """Bits about the targets, in closed form, with noise in what is asked."""
    t, s = ([leads.EIGHT.index(name) for name in names.split()] for names in (target, given))
    inner = covariance[np.ix_(s, s)]
    left = covariance - covariance[:, s] @ np.linalg.solve(inner, covariance[s])
    floor = NOISE**2 * np.eye(len(t))
    logdet = [np.linalg.slogdet(c[np.ix_(t, t)] + floor)[1] for c in (covariance, left)]
    return (logdet[0] - logdet[1]) / np.log(4)


@pytest.mark.parametrize(
    ("target", "told"),
    [("V1", "I"), ("V3", "I II"), ("II", "V1 V2 V5"), ("V6", "I II V1 V2 V3 V4 V5")],
)
def test_bits_are_the_textbook_mutual_information(world, target, told):
    info, covariance = world
    expected = known(covariance, target, told)
    # 72 000 samples estimate a log variance to 0.006; the ridge costs a little of the strongest.
    assert info.mean(target, told, "bits") == pytest.approx(expected, abs=0.03)
    assert info.mean(target, told, "joint") == pytest.approx(info.mean(target, told, "bits"))
    assert info.mean(target, told, "rate") == pytest.approx(100 * expected, abs=3)
    r2 = 1 - 2 ** (-2 * expected)
    assert info.mean(target, told, "r2") == pytest.approx(r2, abs=0.03)
    assert info.mean(target, told, "pooled") == pytest.approx(r2, abs=0.03)


def test_joint_bits_count_shared_things_once(world):
    info, covariance = world
    found = info.mean("V1 V2 V3", "I V6", "joint")
    assert found == pytest.approx(known(covariance, "V1 V2 V3", "I V6"), abs=0.05)


def test_given_leads_are_known_to_the_noise(world):
    info, covariance = world
    expected = 0.5 * np.log2(1 + covariance[2, 2] / NOISE**2)
    assert info.mean("V1", "V1 I", "bits") == pytest.approx(expected, abs=0.01)
    assert info.mean("V1", "V1 I") == 1.0
    assert info.mean("V1", "V1 I", "rmse") == 0.0


def test_a_higher_floor_never_tells_more(world):
    info, _ = world
    values = [info.with_noise(floor).mean("V1", "I II", "bits") for floor in (0.001, 0.01, 0.1, 1)]
    assert values == sorted(values, reverse=True)


def test_nothing_is_told_of_noise():
    x = np.random.default_rng(1).normal(size=(12, 8, 2000)).astype("f4")
    info = recon.information(x, predictor="fir", folds=3)
    # Taps fitted to noise tell less than nothing of other noise, but hardly.
    assert -0.02 < info.mean(given="I II V2", measure="bits") <= 0
    assert info.score("V3", "I").high < 0.01


class Oracle:
    """Knows the covariance of the world."""

    def __init__(self, covariance):
        self.covariance, self.asked = covariance, set()

    def predict8(self, x8, given):
        self.asked.add(given)
        rows = [leads.EIGHT.index(name) for name in given]
        c = self.covariance
        weights = c[:, rows] @ np.linalg.inv(c[np.ix_(rows, rows)])
        return weights @ x8[:, rows], np.ones_like(x8)


def test_any_object_that_predicts_is_a_predictor(world):
    _, covariance = world
    oracle = Oracle(covariance)
    info = recon.information(gaussian_world()[0], predictor=oracle, folds=2)
    assert info.predictor == "Oracle"
    assert oracle.asked == set(SUBSETS[1:-1])
    expected = known(covariance, "V1", "I II")
    assert info.mean("V1", "I II", "bits") == pytest.approx(expected, abs=0.01)


def test_who_looks_at_hidden_leads_sees_nothing():
    class Cheat:
        def predict8(self, x8, _given):
            return x8, x8

    info = recon.information(gaussian_world(4, 300)[0], predictor=Cheat(), folds=2)
    assert info.mean(given="I II") == pytest.approx(0, abs=1e-6)


def test_a_function_is_asked_once_a_fold_and_never_about_patients_it_was_shown():
    x = gaussian_world(6, 300)[0]
    shown = []

    def family(train, test):
        shown.append((train, test))
        return lambda _given: np.zeros_like(test)

    groups = ["a", "a", "b", "b", "c", "c"]
    recon.information(x, groups, predictor=family, folds=3)
    assert len(shown) == 3
    for train, test in shown:
        assert (len(train), len(test)) == (4, 2)
        assert not (train[:, None] == test[None]).all(axis=(2, 3)).any()


def test_voting_family_is_the_gaussian_predictor():
    """The batch of `information` and the predictor that users get agree, record by record."""
    from recon import population
    from recon.gaussian import Gaussian, condition, covariance, given_space, split

    x = np.cumsum(np.random.default_rng(3).normal(size=(8, 8, 1000)), axis=-1).astype("f4") / 30
    x -= x.mean(axis=-1, keepdims=True)
    train, test = x[:6], x[6:]
    model = Gaussian.fit(np.stack([population.known_by([w]) for w in train]))
    rows = [leads.TWELVE.index(lead) for lead in leads.EIGHT]
    for names in (("I",), ("II", "V3"), ("I", "II", "V1", "V6")):
        basis, _ = given_space(names)
        for record, found in zip(test, FAMILIES["gaussian"](train, test)(names), strict=True):
            each = basis.T @ split(record, 100.0).astype(float)
            mean = condition(model.votes(basis, covariance(each)), basis).mean[rows]
            expected = mean @ np.concatenate(list(each))
            np.testing.assert_allclose(found, expected, atol=1e-4)  # float32 of some mV


@pytest.mark.parametrize("name", FAMILIES)
def test_families_do_not_look_at_hidden_leads(name):
    x = gaussian_world(6, 600)[0]
    other = x[:2].copy()
    other[:, 3:] = 0.1 * np.random.default_rng(5).normal(size=other[:, 3:].shape)
    told = ("I", "II", "V1")
    one, two = (FAMILIES[name](x[2:], test)(told) for test in (x[:2], other))
    np.testing.assert_allclose(one[:, 3:], two[:, 3:], atol=1e-6)


values = st.lists(st.floats(-5, 5), min_size=256, max_size=256).map(np.array)


@given(values, st.integers(1, 255))
def test_shapley_values_sum_to_the_whole(v, players):
    assert (v @ worth.shapley(players)).sum() == pytest.approx(v[players] - v[0], abs=1e-9)


@given(values)
def test_shapley_is_the_mean_over_all_orders(v):
    players = (0, 2, 5)
    gains = np.zeros(8)
    for order in itertools.permutations(players):
        code = 0
        for i in order:
            gains[i] += (v[code | 1 << i] - v[code]) / 6
            code |= 1 << i
    np.testing.assert_allclose(v @ worth.shapley(0b100101), gains, atol=1e-9)


@given(values)
def test_marginal_and_conditional_are_what_they_say(v):
    for i in range(8):
        assert (v @ worth.marginal(255))[i] == pytest.approx(v[1 << i] - v[0])
        assert (v @ worth.conditional(255))[i] == pytest.approx(v[255] - v[255 ^ 1 << i])


def test_in_an_additive_world_all_definitions_agree():
    share = np.arange(8.0)
    v = np.array([sum(share[i] for i in range(8) if code >> i & 1) for code in range(256)])
    for definition in worth.DEFINITIONS.values():
        np.testing.assert_allclose(v @ definition(255), share, atol=1e-9)


def test_worth_sums_to_what_all_others_tell(world):
    info, _ = world
    for measure in ("r2", "bits"):
        parts = info.worth("V1", measure)
        assert "V1" not in parts
        told = info.mean("V1", [lead for lead in leads.EIGHT if lead != "V1"], measure)
        assert sum(part.value for part in parts.values()) == pytest.approx(told, abs=1e-6)
        np.testing.assert_allclose(np.nansum(info.tells(measure)[:, 2]), told, atol=1e-6)


def test_intervals_are_of_the_value_that_is_reported(world):
    info, _ = world
    for measure in MEASURES:
        found = info.score("V2 V3", "I II", measure)
        assert found.value == pytest.approx(info.mean("V2 V3", "I II", measure))
        assert found.low <= found.value <= found.high
    assert info.difference(("V1", "I"), ("V1", "I")).value == 0


def test_share_explained_is_the_ratio_of_means_and_gain_does_not_matter():
    x, _ = gaussian_world(6, 600)
    info = recon.information(x, predictor="linear", folds=3)
    e = info.errors.covariance
    power = np.einsum("nii->n", e[:, 0])
    expected = 1 - (e[:, 3, 4, 4] / power).mean() / (e[:, 0, 4, 4] / power).mean()
    assert info.mean("V3", "I II") == pytest.approx(expected)
    gains = np.array([1, 2, 4, 0.5, 1, 1], "f4")[:, None, None]
    again = recon.information(x * gains, predictor="linear", folds=3)
    assert again.mean("V3", "I II") == pytest.approx(expected, abs=1e-5)
    e = again.errors.covariance
    assert again.mean("V3", "I II", "pooled") == pytest.approx(
        1 - e[:, 3, 4, 4].sum() / e[:, 0, 4, 4].sum()
    )


def test_best_sets(world):
    info, _ = world
    value = info.subsets(about="all")
    for by in SIZES:
        for found in info.best(by):
            same = [c for c in range(256) if SIZES[by][c] == found.size]
            assert value[code_of(found.given)] == max(value[same])
            assert found.ahead is None or found.ahead.value >= 0
    assert [found.size for found in info.best("leads")] == list(range(1, 8))


def test_what_electrodes_cost():
    assert cost(["I"]) == cost(["II"]) == 2
    assert cost(["I", "II"]) == 3
    for lead in leads.PRECORDIAL:
        assert cost([lead]) == cost(["I", "II", lead]) == 4, "I and II come with a chest lead"
    assert cost(leads.EIGHT) == 9
    assert set(ELECTRODES) == set(leads.EIGHT)


def test_waves_are_told_apart():
    """Only T of V2 is unlike lead I: all that is left is in T."""
    signal = ecg(10, 500).resample(100)[leads.EIGHT]
    signal = signal - signal.mean(axis=1, keepdims=True)
    when = errors.masks(signal)
    assert (when.sum(axis=1) > 20).all(), "P, QRS, ST and T of a dozen beats"
    assert when.sum(axis=0).max() == 1, "one wave at a time"
    records = np.stack([signal * gain for gain in (1, 1.2, 0.8, 1.1)])
    records[:, 3] = records[:, 0]
    # Of either sign, so that the baseline stays, and too small to move a mark.
    strange = 0.1 * when[3] * np.random.default_rng(0).choice([-1, 1], size=(4, when.shape[1]))
    records[:, 3] += strange.astype("f4")

    def copies(_train, test):
        return lambda _given: test[:, [0] * 8]

    info = recon.information(records, predictor=copies, folds=2)
    left = {
        wave: info.mean("V2", "I", "rmse", wave=wave) for wave in ("all", "P", "QRS", "ST", "T")
    }
    assert left["T"] == pytest.approx(100, abs=20)
    assert max(left["P"], left["QRS"]) < 10
    assert left["QRS"] < left["all"] < left["T"]


def test_a_wave_that_is_not_there_is_not_scored():
    x = gaussian_world(4, 600)[0]
    info = recon.information(x, predictor="linear", folds=2)
    info.errors.waves[:] = 1.0
    info.errors.waves[:2, ..., 0] = np.nan
    assert info.score("V1", "I", wave="QRS").n_records == 4
    assert info.score("V1", "I", wave="P").n_records == 2
    info.errors.waves[..., 0] = np.nan
    assert np.isnan(info.mean("V1", "I", wave="P"))
    assert "P    " not in info.table.split("by wave")[1].split("\n\n")[0]


def test_spectrum_holds_the_power():
    x, _ = gaussian_world(3, 2000, seed=8)
    density = errors.spectrum(x, 100.0)
    np.testing.assert_allclose(density @ measures.WIDTHS, (x**2).mean(axis=-1), rtol=0.1)


def test_diagnoses():
    x = gaussian_world(6, 300)[0]
    labels = [["AF", "LBBB"], ["AF"], ["AF"], [], ["LBBB"], []]
    info = recon.information(x, labels=labels, predictor="linear", folds=2)
    assert info.diagnoses() == {"AF": 3, "LBBB": 2}
    assert info.diagnoses(3) == {"AF": 3}
    part = info.where("LBBB")
    assert len(part) == 2
    np.testing.assert_array_equal(part.errors.covariance, info.errors.covariance[[0, 4]])
    with pytest.raises(dsp.LengthError, match="AF, LBBB"):
        info.where("RBBB")


def test_recordings_bring_their_patient_and_labels():
    whole = ecg(11, 500)
    rng = np.random.default_rng(0)

    def record(k):
        noisy = leads.twelve(whole[leads.EIGHT] * (1 + 0.1 * rng.normal(size=(8, 1))))
        meta = {"patient": f"p{k // 2}", "source": "s", "labels": ("NORM",)}
        return dsp.ECG(noisy, 500, leads.TWELVE, meta=meta)

    short = whole.crop(0, 5)  # no ten seconds: left out, and its label with it
    info = recon.information(
        itertools.chain([short], (record(k) for k in range(6))), predictor="linear", folds=3
    )
    assert info.groups == ("p0", "p0", "p1", "p1", "p2", "p2")
    assert info.diagnoses() == {"NORM": 6}
    again = recon.information([short, *(record(k) for k in range(3))], "wabc", folds=3)
    assert again.groups == ("a", "b", "c")


def test_seeds_repeat_and_input_stays():
    x = gaussian_world(5, 300)[0]
    x.flags.writeable = False
    one, two = (recon.information(x, predictor="linear", seed=4) for _ in range(2))
    np.testing.assert_array_equal(one.errors.covariance, two.errors.covariance)


X = np.random.default_rng(0).normal(size=(4, 8, 300))


@pytest.mark.parametrize(
    ("bad", "error", "words"),
    [
        (lambda: call(X[:, :7]), dsp.LengthError, "records, 8, time"),
        (lambda: call(X[:1]), dsp.LengthError, "5 folds of 1 groups"),
        (lambda: call(X, ["a"] * 4), dsp.LengthError, "5 folds of 1 groups"),
        (lambda: call(X, ["a"] * 3), dsp.LengthError, "3 groups"),
        (lambda: call(X, labels=[[]]), dsp.LengthError, "1 labels"),
        (lambda: call(X * 1e5), dsp.UnitError, "microvolts"),
        (lambda: call(np.where(X > 3, np.nan, X)), dsp.SignalError, "gap"),
        (lambda: call(X * (np.arange(8) != 3)[:, None]), dsp.SignalError, "flat"),
        (lambda: call(X[..., :50]), dsp.LengthError, "2 s"),
        (lambda: call(X, predictor="tarot"), dsp.SignalError, "linear gaussian fir"),
        (lambda: call(ecg()), dsp.LengthError, "many recordings"),
        (lambda: call([ecg(), 3]), dsp.SignalError, "record 1 is a int"),
        (lambda: call([]), dsp.LengthError, "no recording"),
        (lambda: call([ecg(10, 500, ("I", "II"))]), dsp.LeadError, "do not determine"),
    ],
)  # fmt: skip
def test_bad_input_is_refused(bad, error, words):
    with pytest.raises(error, match=words):
        bad()


@pytest.mark.parametrize(
    ("bad", "error", "words"),
    [
        (lambda i: i.score("V9", "I"), dsp.LeadError, "V9"),
        (lambda i: i.score("III", "I"), dsp.LeadError, "III"),
        (lambda i: i.score("V1", "aVL"), dsp.LeadError, "mixture"),
        (lambda i: i.score(None, leads.EIGHT), dsp.LeadError, "none is left"),
        (lambda i: i.score("V1", "I", "nats"), dsp.SignalError, "r2 pooled bits"),
        (lambda i: i.score("V1", "I", wave="U"), dsp.SignalError, "all P QRS"),
        (lambda i: i.score("V1", "I", "rate", wave="T"), dsp.SignalError, "whole windows"),
        (lambda i: i.best("price"), dsp.SignalError, "leads electrodes"),
        (lambda i: i.best(measure="rmse"), dsp.SignalError, "r2 pooled joint"),
        (lambda i: i.worth(definition="fair"), dsp.SignalError, "marginal conditional shapley"),
        (lambda i: i.with_noise(0), dsp.SignalError, "more than 0"),
    ],
)
def test_bad_questions_are_refused(world, bad, error, words):
    with pytest.raises(error, match=words):
        bad(world[0])


def test_limb_leads_in_any_form_are_one_input(world):
    info, _ = world
    assert info.mean("V1", "aVR III") == info.mean("V1", "I II") == info.mean("V1", "II, I, aVF")


def test_report_says_what_it_rests_on_and_json_holds_all_sets(world, tmp_path):
    info, _ = world
    assert "linear predictor; 12 records of 12 patients, all held out" in info.table
    assert "noise floor 10 µV" in info.table
    found = json.loads(info.to_json(tmp_path / "info.json").read_text())
    rows = found["all lead sets"]
    assert len(rows) == 255
    row = next(row for row in rows if row["given"] == "I II")
    assert row["R²"]["value"] == pytest.approx(info.mean(given="I II"), abs=1e-4)
    assert row["R²"]["low"] < row["R²"]["value"] < row["R²"]["high"]
    assert row["V1"] == pytest.approx(info.mean("V1", "I II"), abs=1e-4)
    assert row["electrodes"] == 3
    info.plot().savefig(tmp_path / "info.png")
    assert (tmp_path / "info.png").stat().st_size > 50_000


@pytest.mark.parametrize(
    "lines",
    [
        "from recon.information import SUBSETS",
        "import recon.information.errors",
        "import recon.information",
        "recon.LeadInformation",
        "from recon import information",
    ],
)
def test_the_name_is_the_function_whoever_imports_what_first(lines):
    code = f"import recon\n{lines}\nassert recon.information.__name__ == 'information'\nrecon.information.__call__"
    code += "\nimport types\nassert isinstance(recon.information, types.FunctionType)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_light_to_import():
    code = "import sys, recon; recon.information; print('torch' in sys.modules, 'matplotlib' in sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert out.stdout.split() == ["False", "False"]


def test_the_command(tmp_path):
    rng = np.random.default_rng(0)
    paths = []
    for k in range(4):
        x8 = ecg()[leads.EIGHT] * (1 + 0.1 * rng.normal(size=(8, 1)))
        paths.append(tmp_path / f"{k}.npz")
        dsp.write(dsp.ECG(leads.twelve(x8), 500, leads.TWELVE), paths[-1])
    arguments = ["information", *map(str, paths), "--predictor", "linear", "--folds", "2"]
    made = ["--plot", str(tmp_path / "p.png"), "--out", str(tmp_path / "o.json")]
    result = CliRunner().invoke(app, [*arguments, "--json", *made])
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert (found["records"], found["patients"]) == (4, 4)
    assert found == json.loads((tmp_path / "o.json").read_text())
    assert (tmp_path / "p.png").exists()
    text = CliRunner().invoke(app, arguments)
    assert "best by number of electrodes" in text.stdout
    assert CliRunner().invoke(app, ["information"]).exit_code == 2
    assert CliRunner().invoke(app, [*arguments[:2], "--predictor", "linear"]).exit_code == 2


@pytest.mark.data
@pytest.mark.slow
def test_on_recordings(data):
    """What holds of any hundred patients: limb leads tell V6 best, and V2 and V3 least."""
    info = recon.information(
        (entry.ecg for entry in dsp.datasets.ludb(data)[:100]), predictor="fir"
    )
    told = {lead: info.mean(lead, "I II", "bits") for lead in leads.PRECORDIAL}
    order = sorted(told, key=told.__getitem__)
    assert set(order[:2]) == {"V2", "V3"}
    assert order[-1] == "V6"
    assert info.mean(given="I II V2") > info.mean(given="I II") > info.mean(given="I") > 0.2
    shares = [part.value for part in info.worth().values()]
    assert sum(shares) == pytest.approx(1)
    assert max(shares) < 0.2, "by Shapley all leads are worth about the same"

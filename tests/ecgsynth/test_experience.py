"""Experience: the likes of a patient come first, by weights that can be taken away, without a network."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import dsp
import ecgsynth
from dsp import datasets, leads
from dsp.datasets.dataset import Entry
from ecgsynth.experience import (
    Experience,
    Reference,
    Weights,
    hashing,
    median_beat,
    ptbxl_reports,
    remember,
)

ANN = Reference("a", "ann", ("AFIB", "LVH"), ("digoxin",), (), 80, "F", "vorhofflimmern")
BOB = Reference("b", "bob", ("NORM", "SR"), (), ("cabg",), 30, "M", "sinusrhythmus normales ekg")
CAT = Reference("c", "cat", ("AFIB",), (), (), 62, "F", "tachykardes vorhofflimmern")
CODES = st.lists(st.sampled_from("ABCDEFG"), max_size=5)
NOTHING = Weights(0, 0, 0, 0, 0, 0)


def names(found):
    return [r.name for r in found.references]


@given(st.lists(CODES, min_size=1, max_size=12), CODES.filter(bool))
def test_likeness_of_codes_is_jaccards_index(sets, asked):
    index = Experience(Reference(str(k), diagnoses=tuple(s)) for k, s in enumerate(sets))
    found = index.search(diagnoses=asked, k=len(sets))
    for reference, score in zip(found.references, found.scores, strict=True):
        own, wanted = set(reference.diagnoses), set(asked)
        assert score == pytest.approx(len(own & wanted) / len(own | wanted))
    assert (np.diff(found.scores) <= 0).all()


def test_each_kind_of_likeness_can_decide():
    index = Experience([ANN, BOB, CAT])
    assert names(index.search(diagnoses=["AFIB"], k=1)) == ["c"]
    assert names(index.search(medication=["digoxin"], k=1)) == ["a"]
    assert names(index.search(procedures=["cabg"], k=1)) == ["b"]
    assert names(index.search(age=64, k=1)) == ["c"]
    assert names(index.search(sex="M", k=1)) == ["b"]
    assert names(index.search(text="EKG normal, Sinusrhythmus", k=1)) == ["b"]


@pytest.mark.parametrize("kind", ["diagnoses", "medication", "procedures", "age", "sex", "text"])
def test_a_weight_of_zero_takes_a_kind_away(kind):
    index = Experience([ANN, BOB, CAT])
    asked = {
        "diagnoses": ["NORM"], "medication": ["digoxin"], "procedures": ["cabg"], "age": 62.0,
        "sex": "M", "text": "vorhofflimmern",
    }  # fmt: skip
    without = {k: v for k, v in asked.items() if k != kind}
    weights = Weights(**{kind: 0.0})
    one, other = index.search(**asked, weights=weights), index.search(**without)
    assert names(one) == names(other)
    np.testing.assert_allclose(one.scores, other.scores)


def test_without_any_weight_the_order_of_the_index_remains():
    found = Experience([ANN, BOB, CAT]).search(diagnoses=["NORM"], weights=NOTHING)
    assert names(found) == ["a", "b", "c"]
    assert not found.scores.any()


def test_weights_are_shares():
    """l1 J(diagnoses) + l2 J(medication), over l1 + l2."""
    weights = Weights(diagnoses=3.0, medication=1.0)
    found = Experience([ANN]).search(diagnoses=["AFIB"], medication=["digoxin"], weights=weights)
    assert found.scores[0] == pytest.approx((3 * 0.5 + 1 * 1.0) / 4)


def test_the_patient_can_be_left_out():
    index = Experience([ANN, BOB, CAT])
    found = index.search(diagnoses=["AFIB"], without=["ann", "cat"])
    assert names(found) == ["b"]
    with pytest.raises(dsp.LengthError, match="0 references"):
        index.search(without=["ann", "bob", "cat"])


def test_a_reference_without_patient_is_never_left_out():
    assert len(Experience([Reference("x")]).search(without=[""]).references) == 1


def test_tokens_carry_codes_age_sex_and_text():
    index = Experience([ANN, BOB, Reference("none")])
    found = index.search(k=3, weights=NOTHING)
    assert found.tokens.shape == (3, index.width)
    assert found.tokens.dtype == np.float32
    first, second, unknown = found.tokens
    assert not np.allclose(first, second)
    assert not unknown.any()
    same = Experience([ANN, Reference("z", diagnoses=("LVH", "AFIB"))]).search(k=2, weights=NOTHING)
    np.testing.assert_array_equal(same.tokens[0, :32], same.tokens[1, :32])  # order of codes


def test_data_sets_that_name_diagnoses_differently_are_compared():
    index = Experience([Reference("a"), Reference("b", diagnoses=("SR", "CRBBB"))])
    for said in (["59118001"], ["CRBBB"], ["Complete right bundle branch block"]):
        assert index.search(diagnoses=said, k=1).scores[0] == 0.5
    entry = Entry("x/1", "x", None, lambda _: dsp.ECG(np.zeros(5000), 500, ["II"]), ("59118001",))
    assert remember(entry).diagnoses == ("CRBBB",)


def test_tokens_carry_the_beat():
    beat = np.zeros((8, 170), np.float32)
    beat[3, 60:65] = 1.5
    index = Experience([Reference("a"), Reference("b", beat=beat)])
    bare, told = index.search(k=2, weights=NOTHING).tokens
    assert not bare.any()
    assert told[-8 * 34 :].reshape(8, 34)[3, 12] == 1.5
    assert told.sum() == 1.5


def test_where_nobody_is_left_nothing_is_recalled():
    found = Experience([ANN, BOB]).recall([{"without": ["ann", "bob"]}, {"without": ["ann"]}], k=1)
    assert np.isnan(found).any(2).tolist() == [[True], [False]]


def test_another_embedding_is_used_and_checked():
    def length(texts):
        return np.array([[len(t), 1.0] for t in texts])

    assert Experience([ANN], length).width == Experience([ANN]).width - 64 + 2
    with pytest.raises(dsp.LengthError, match="embedding"):
        Experience([ANN], lambda texts: np.zeros(3))


@given(st.lists(st.text(max_size=60), min_size=1, max_size=5))
def test_hashing_is_of_length_one_or_nothing(texts):
    lengths = np.linalg.norm(hashing(texts), axis=1)
    assert np.all((np.abs(lengths - 1) < 1e-5) | (lengths == 0))
    np.testing.assert_array_equal(hashing(texts)[0], hashing(texts[:1])[0])


def test_hashing_finds_relatives():
    """German writes in one word what others write in two."""
    query, near, far = hashing(["Vorhofflimmern", "vorhofflattern", "schenkelblock"], 256)
    assert query @ near > query @ far + 0.2


@pytest.mark.parametrize("bad", [[], [ANN, ANN], [Reference("x", beat=np.zeros((8, 3)))]])
def test_bad_references(bad):
    with pytest.raises(dsp.LengthError):
        Experience(bad)


def test_prototypes_are_median_beats():
    sim = ecgsynth.simulate(3, diagnosis=["NORM", "CLBBB", "NORM"], heart_rate=70, seed=1)
    entries = [
        Entry(f"s/{k}", "s", None, lambda _, k=k: sim.record(k), sim.labels[k], f"p{k}")
        for k in range(3)
    ]
    index = Experience.of(entries)
    found = index.search(diagnoses=["CLBBB"], k=2)
    assert found.references[0].name == "s/1"
    assert found.has_beat.all()
    assert found.prototypes.shape == (2, 8, 170)
    r = found.prototypes[0]
    # The R peak stands where it should: the QRS is the steepest part of the beat.
    steepest = np.abs(np.diff(r)).sum(axis=0).argmax()
    assert abs(steepest - 60) < 25
    other = sim.record(1)
    np.testing.assert_allclose(median_beat(other), r, atol=1e-6)
    peak = np.abs(dsp.clean(other.signal, other.fs)).max()
    assert np.abs(r).max() < 1.2 * peak


def test_what_has_no_beat_or_no_twelve_leads_has_no_prototype():
    flat = Entry("x/1", "x", None, lambda _: dsp.ECG(np.zeros((12, 5000)), 500, leads.TWELVE))
    lone = Entry("x/2", "x", None, lambda _: dsp.ECG(np.zeros(5000), 500, ["II"]))
    index = Experience.of([flat, lone])
    assert not index.search().has_beat.any()
    assert remember(flat).patient == "x"


def test_bad_tables_of_reports(tmp_path):
    path = tmp_path / "t.csv"
    for text in (
        "",
        "ecg_id,scp_codes\n1,{}\n",
        "\x00",
        "ecg_id,patient_id,age,sex,report,scp_codes\n1,1,x,0,r,(\n",
    ):
        path.write_text(text)
        if text in ("", "\x00"):
            assert _reads_or_refuses(path)
            continue
        with pytest.raises(dsp.ReadError, match="PTB-XL"):
            ptbxl_reports(path)


def _reads_or_refuses(path):
    try:
        return ptbxl_reports(path) == []
    except dsp.ReadError:
        return True


@pytest.mark.data
def test_reports_of_ptbxl(data):
    """Retrieval by text alone finds the rhythm it names, in patients other than the asker."""
    table = data / "ptbxl" / "labels" / "ptbxl_database_first_520.csv"
    references = ptbxl_reports(table)
    assert len(references) > 500
    assert references[0].text == "sinusrhythmus periphere niederspannung"
    index = Experience(references)
    found = index.search(text="Atrial fibrillation.", k=5, without=[references[0].patient])
    assert sum("AFIB" in r.diagnoses for r in found.references) >= 4
    assert references[0].patient not in {r.patient for r in found.references}
    assert all(r.age is None or r.age <= 90 for r in references)


@pytest.mark.data
def test_a_data_set_is_remembered(data):
    entries = datasets.ludb(data)[:4]
    index = Experience.of(entries)
    found = index.search(age=60.0, sex="F", k=4)
    assert found.has_beat.all()
    assert np.isfinite(found.prototypes).all()

"""The record: immutable, indexed by lead and time, its annotations always with it."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import ecg, patient, rates

import dsp
from dsp import leads


def test_it_cannot_be_changed():
    x = np.zeros((2, 600), np.float32)
    record = dsp.ECG(x, 500, ("I", "II"))
    x[0, 0] = 9
    assert record.signal[0, 0] == 0
    with pytest.raises(ValueError, match="read-only"):
        record.signal[0, 0] = 1
    with pytest.raises(dataclasses.FrozenInstanceError):
        record.fs = 250
    with pytest.raises(TypeError):
        record.meta["age"] = 3


def test_indexing():
    record = ecg(10.0, given=("I", "II", "V5"))
    np.testing.assert_array_equal(record["ii"], record.signal[1])
    np.testing.assert_array_equal(record["V5", "I"], record.signal[[2, 0]])
    np.testing.assert_array_equal(record["II", 2.0:5.0], record.signal[1, 1000:2500])
    np.testing.assert_array_equal(record["V5", "I", 2.0:5.0], record.signal[[2, 0], 1000:2500])
    assert record[2.0:5.0].duration == 3.0
    assert record[:5.0].n_samples == 2500
    assert record.times[500] == 1.0
    with pytest.raises(dsp.LeadError, match="no lead V1 in this recording; it has I II V5"):
        record["V1"]
    with pytest.raises(dsp.LengthError, match="no step"):
        record[0:5:2]


def test_units_and_names_are_settled_at_the_border():
    micro = dsp.ECG(np.full((1, 600), 1000.0), 500, ["lead i"], unit="uV")
    assert micro.leads == ("I",)
    assert micro.signal.max() == 1.0
    assert dsp.ECG(np.zeros(600), 500, "II").signal.shape == (1, 600)
    with pytest.raises(dsp.LengthError, match="one ECG of each"):
        dsp.ECG(np.zeros((2, 2, 600)), 500, ("I", "II"))


@given(st.integers(0, 4999), st.integers(1, 5000))
def test_annotations_survive_crop(first, length):
    record = ecg().annotate("atr", dsp.Annotations(patient()[1], ["N"] * len(patient()[1])))
    last = min(first + length, record.n_samples)
    part = record.crop(first / 500, last / 500)
    assert part.n_samples == last - first
    marks = patient()[1]
    expected = marks[(marks >= first) & (marks < last)]
    np.testing.assert_array_equal(part.annotations["atr"].samples + first, expected)
    np.testing.assert_array_equal(part.signal, record.signal[:, first:last])


@given(rates)
def test_annotations_survive_resample(fs):
    marks = patient()[1]
    record = ecg().annotate("atr", dsp.Annotations(marks, ["N"] * len(marks)))
    moved = record.resample(fs).annotations["atr"]
    assert np.abs(moved.samples / fs - marks / 500).max() <= 0.5 / fs + 1e-9
    assert moved.symbols == ("N",) * len(marks)


@pytest.mark.parametrize("span", [(-1, 2), (3, 3), (5, 4), (0, 10.1), (11, 12)])
def test_crop_outside(span):
    with pytest.raises(dsp.LengthError, match="recording of 10 s"):
        ecg().crop(*span)


def test_twelve_leads_from_eight_or_from_any_that_determine_them():
    whole = ecg()
    for given_leads in (leads.EIGHT, ("aVR", "aVL", *leads.PRECORDIAL), leads.TWELVE[::-1]):
        again = whole.select(*given_leads).twelve_leads()
        assert again.leads == leads.TWELVE
        np.testing.assert_allclose(again.signal, whole.signal, atol=2e-6)
        for lead in given_leads:
            np.testing.assert_array_equal(again[lead], whole[lead])
    for too_few in (("I", "II"), ("I", *leads.PRECORDIAL)):
        with pytest.raises(dsp.LeadError, match="to_12lead"):
            whole.select(*too_few).twelve_leads()


def test_rename():
    record = dsp.ECG(np.zeros((2, 600)), 500, ("MLII", "V1"))
    assert record.rename({"MLII": "II"}).leads == ("II", "V1")
    with pytest.raises(dsp.LeadError, match="twice"):
        record.rename({"MLII": "V1"})
    with pytest.raises(dsp.LeadError, match="no lead I in"):
        record.rename({"I": "II"})


def test_annotations_agree_in_length():
    with pytest.raises(dsp.LengthError, match="differ in length"):
        dsp.Annotations([1, 2, 3], ["N"])
    empty = dsp.Annotations([], [])
    assert len(empty) == 0
    assert len(empty.crop(0, 10)) == 0


def test_what_it_says_of_itself():
    record = ecg().annotate("atr", dsp.Annotations([5], ["N"]))
    assert repr(record).endswith("10 s at 500 Hz, 1 atr)")
    html = record._repr_html_()
    assert "base64" in html
    assert len(html) < 150_000


def test_plot_is_a_figure():
    assert ecg().plot().get_size_inches()[0] > 5

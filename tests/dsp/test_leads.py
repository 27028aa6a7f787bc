"""Lead names, and the algebra of Einthoven and Goldberger."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import dsp
from dsp import leads, vcg

x8s = hnp.arrays(np.float32, (8, 20), elements=st.floats(-5, 5, width=32))


@pytest.mark.parametrize(
    ("spelling", "name"),
    [
        ("avr", "aVR"), ("AVL", "aVL"), (" Lead II ", "II"), ("MDC_ECG_LEAD_V3", "V3"),
        ("MDC_ECG_LEAD_AVF", "aVF"), ("vx", "X"), ("DIII", "III"), ("ECG V1", "V1"),
        ("mlii", "MLII"), ("LEAD_I", "I"), ("L2", "II"), ("MDC_ECG_ELEC_POTL_V6", "V6"),
    ],
)  # fmt: skip
def test_spellings(spelling, name):
    assert leads.canonical(spelling) == name
    assert leads.canonical(leads.canonical(spelling)) == name


@pytest.mark.parametrize(
    "name", ["", "V7", "V", "av", "lead", "I I", "ecg", "0", "ａＶＲ", "x" * 500]
)
def test_other_names_are_errors(name):
    with pytest.raises(dsp.LeadError, match="not a lead name") as caught:
        leads.canonical(name)
    assert len(str(caught.value)) < 400


def test_near_misses_are_named():
    with pytest.raises(dsp.LeadError, match="did you mean V1"):
        leads.canonical("V11")


def test_doubled_leads_and_wrong_counts():
    with pytest.raises(dsp.LeadError, match="lead II is named twice \\(rows 0 and 2\\)"):
        leads.canonical_all(["II", "V1", "Lead II"])
    with pytest.raises(dsp.LeadError, match="2 lead names"):
        leads.canonical_all("I,II", 3)


@given(x8s)
def test_einthoven_and_goldberger(x8):
    x = dict(zip(leads.TWELVE, leads.twelve(x8).astype(float), strict=True))
    rounding = 1e-6  # float32 of less than 8 mV
    np.testing.assert_allclose(x["I"] + x["III"], x["II"], atol=rounding)
    np.testing.assert_allclose(x["aVR"] + x["aVL"] + x["aVF"], 0, atol=rounding)
    np.testing.assert_allclose(x["aVR"], -(x["I"] + x["II"]) / 2, atol=rounding)
    np.testing.assert_allclose(x["aVL"], (x["I"] - x["III"]) / 2, atol=rounding)
    np.testing.assert_allclose(x["aVF"], (x["II"] + x["III"]) / 2, atol=rounding)
    np.testing.assert_array_equal(leads.twelve(x8)[[0, 1, *range(6, 12)]], x8)
    assert np.abs(leads.residual(leads.twelve(x8))).max() <= rounding


@given(x8s)
def test_twelve_is_the_matrix(x8):
    np.testing.assert_allclose(
        leads.twelve(x8), leads.EIGHT_TO_TWELVE @ x8.astype(float), atol=1e-6
    )


def test_batches_and_shapes():
    x = np.random.default_rng(0).normal(size=(2, 3, 8, 7)).astype("f4")
    np.testing.assert_array_equal(leads.twelve(x)[1, 2], leads.twelve(x[1, 2]))
    for wrong in (np.zeros(8), np.zeros((7, 5)), np.zeros((12, 5))):
        with pytest.raises(dsp.LeadError, match="expected"):
            leads.twelve(wrong)


def test_constants_cannot_be_changed():
    for matrix in (leads.EIGHT_TO_TWELVE, leads.rows(("I", "aVF")), vcg.KORS, vcg.DOWER):
        with pytest.raises(ValueError, match="read-only"):
            matrix[0, 0] = 1


def test_rows_refuse_foreign_leads():
    with pytest.raises(dsp.LeadError, match="MLII"):
        leads.rows(("I", "MLII"))
    with pytest.raises(dsp.LeadError, match="no lead"):
        leads.require_standard(())


def test_inverse_dower_is_the_pseudo_inverse_of_dower():
    # Both tables were published with three decimals.
    np.testing.assert_allclose(vcg.INVERSE_DOWER, np.linalg.pinv(vcg.DOWER), atol=6e-4)


def test_frank_there_and_back():
    xyz = np.random.default_rng(1).normal(size=(4, 3, 50)).astype("f4")
    back = vcg.frank(vcg.eight_from_frank(xyz), method="inverse_dower")
    np.testing.assert_allclose(back, xyz, atol=0.01)
    np.testing.assert_allclose(vcg.frank(vcg.eight_from_frank(xyz)), xyz, atol=0.9)
    with pytest.raises(dsp.LeadError, match="expected"):
        vcg.frank(xyz)


def test_kors_by_hand():
    x8 = np.zeros((8, 1))
    x8[[0, 7]] = 1.0  # I and V6
    np.testing.assert_allclose(vcg.frank(x8)[:, 0], [0.92, 0.06, 0.42], atol=1e-6)


@pytest.mark.data
def test_frank_of_a_real_record(data):
    """PTB s0010 has simultaneous Frank leads: Kors' matrix must come close to them."""
    ecg = dsp.read(data / "ptbdb" / "s0010_re").crop(0, 10)
    measured = dsp.clean(ecg[leads.FRANK], ecg.fs)
    found = dsp.clean(vcg.frank(ecg[leads.EIGHT]), ecg.fs)
    r = [np.corrcoef(a, b)[0, 1] for a, b in zip(measured, found, strict=True)]
    assert r[0] > 0.95
    assert r[1] > 0.9
    assert r[2] > 0.7  # the weakest row of the matrix, and an infarcted heart

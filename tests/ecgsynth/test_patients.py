"""Patients: priors and their correlations, names, and what disease does to the leads."""

import numpy as np
import pytest

import dsp
import ecgsynth
from dsp.leads import TWELVE
from ecgsynth.diseases import DISEASES, TERRITORIES
from ecgsynth.patients import KNOBS, patients
from ecgsynth.rhythm import RHYTHMS

LEAD = {name: i for i, name in enumerate(TWELVE)}


def median_beat(code, n=40, seed=0, **parameters):
    """Mean over patients of the first whole beat, from R - 0.1 s to R + 0.5 s, at 500 Hz."""
    sim = ecgsynth.simulate(
        n, diagnosis=code, heart_rate=60, duration=4.0, seed=seed, parameters=parameters
    )
    beats = [
        x[:, r[1] - 50 : r[1] + 250]
        for x, r in zip(sim.signal, sim.r_peaks, strict=True)
        if len(r) > 2
    ]
    return np.mean(beats, 0)


def st_level(beat):
    """mV 60 to 100 ms after a J point at R + 50 ms."""
    return beat[:, 105:125].mean(1)


@pytest.fixture(scope="module")
def normal():
    return median_beat("NORM")


def test_priors_follow_age_and_sex():
    knobs = patients(3000).knobs
    men = knobs["male"] == 1
    assert 0.45 < men.mean() < 0.6
    assert knobs["qrs"][men].mean() > knobs["qrs"][~men].mean() + 0.004
    assert np.corrcoef(knobs["age"], knobs["axis"])[0, 1] < -0.25
    assert np.corrcoef(knobs["age"], knobs["sdnn"])[0, 1] < -0.2
    assert np.corrcoef(knobs["heart_rate"], knobs["qt"])[0, 1] < -0.6
    for name, (low, high) in KNOBS.items():
        assert ((knobs[name] >= low) & (knobs[name] <= high)).all(), name


@pytest.mark.parametrize("code", list(DISEASES))
def test_every_diagnosis_gives_sound_signals(code):
    sim = ecgsynth.simulate(4, diagnosis=code, duration=3.0, seed=7)
    assert np.isfinite(sim.signal).all()
    assert 0.3 < abs(sim.signal).max() < 12
    assert sim.labels[0][0] == code


@pytest.mark.parametrize("code", list(RHYTHMS))
def test_every_rhythm_gives_sound_signals(code):
    sim = ecgsynth.simulate(3, rhythm=code, duration=5.0, seed=8)
    assert np.isfinite(sim.signal).all()
    assert (RHYTHMS[code].statement or code) in sim.labels[0]
    assert all(len(r) >= 2 for r in sim.r_peaks)


@pytest.mark.parametrize("code", list(TERRITORIES))
def test_infarct_elevates_the_leads_that_face_it_and_depresses_those_behind(code, normal):
    shift = st_level(median_beat(code, stage=0, severity=0.8)) - st_level(normal)
    facing = {
        "AMI": "V3", "ASMI": "V2", "ALMI": "V4", "LMI": "I", "IMI": "aVF", "ILMI": "II",
        "IPMI": "III", "IPLMI": "II", "PMI": "V6",
    }[code]  # fmt: skip
    behind = {
        "AMI": "aVR", "ASMI": "V6", "ALMI": "aVR", "LMI": "III", "IMI": "aVL", "ILMI": "aVR",
        "IPMI": "V2", "IPLMI": "V2", "PMI": "V2",
    }[code]  # fmt: skip
    assert shift[LEAD[facing]] > 0.02
    assert shift[LEAD[behind]] < -0.02


@pytest.mark.parametrize("code", list(TERRITORIES))
def test_st_response_is_monotone_in_size(code):
    levels = [
        st_level(median_beat(code, n=8, stage=0, severity=s)) for s in (0, 0.25, 0.5, 0.75, 1)
    ]
    lead = int(np.argmax(levels[-1] - levels[0]))
    assert (np.diff([level[lead] for level in levels]) > 0).all()


def test_an_old_inferior_infarct_has_q_waves(normal):
    old = median_beat("IMI", stage=2, severity=1.0)
    before_r = slice(20, 60)
    assert old[LEAD["III"], before_r].min() < normal[LEAD["III"], before_r].min() - 0.1


def test_left_bundle_branch_block():
    sim = ecgsynth.simulate(30, diagnosis="LBBB", duration=4.0, parameters={"severity": 0.6})
    assert (sim.parameters["qrs"] >= 0.12).all()
    beat = median_beat("LBBB", severity=0.6)
    v1, v6 = beat[LEAD["V1"]], beat[LEAD["V6"]]
    assert -v1.min() > 4 * v1[:150].max()
    assert v6[:50].min() > -0.1  # no septal q
    assert v6[150:230].min() < -0.05  # discordant T
    assert v1[150:230].max() > 0.1


def test_right_bundle_branch_block_ends_to_the_right(normal):
    beat = median_beat("RBBB", severity=0.6)
    early, late = slice(0, 50), slice(50, 110)
    shift = beat - normal
    assert beat[LEAD["V1"]].max() > 0.4
    assert shift[LEAD["V1"], late.start - 20 : late.stop].max() > 0.4
    assert shift[LEAD["V6"], late.start - 20 : late.stop].min() < -0.15
    assert beat[LEAD["V1"], early].max() > 0.0


def test_fascicles_turn_the_axis(normal):
    def axis(beat):
        area = beat[:, 20:80].sum(1)
        return np.degrees(np.arctan2(area[LEAD["aVF"]], area[LEAD["I"]]))

    assert axis(median_beat("LAFB")) < axis(normal) - 45
    assert axis(median_beat("LPFB")) > axis(normal) + 35


def test_hypertrophy_strain_and_potassium(normal):
    lvh, rvh = median_beat("LVH", severity=0.8), median_beat("RVH", severity=0.8)
    assert lvh[LEAD["V5"]].max() > 1.3 * normal[LEAD["V5"]].max()
    assert lvh[LEAD["V6"], 150:220].min() < -0.05
    assert rvh[LEAD["V1"]].max() > abs(rvh[LEAD["V1"], :90].min())
    tall = median_beat("HYPERK", severity=0.5)[LEAD["V3"], 130:240].max()
    flat = median_beat("HYPOK", severity=0.8)[LEAD["V3"], 130:190].max()
    assert tall > 1.4 * normal[LEAD["V3"], 130:240].max() > 2 * flat


def test_brugada_is_seen_by_v1_alone_of_the_far_leads(normal):
    shift = median_beat("BRUG") - normal
    assert shift[LEAD["V1"], 75:130].max() > 0.15
    assert abs(shift[LEAD["V6"], 75:130]).max() < 0.05


def test_names_and_mistakes():
    assert patients(2, diagnosis=["lbbb", "AF"]).diagnosis.tolist() == ["CLBBB", "NORM"]
    assert patients(1, diagnosis="AF").rhythm_code.tolist() == ["AFIB"]
    assert len(set(patients(300, diagnosis="any").diagnosis.tolist())) > 12
    with pytest.raises(dsp.ECGError, match="did you mean AMI"):
        patients(1, diagnosis="AMII")
    with pytest.raises(dsp.ECGError, match="2 values of diagnosis for 3"):
        patients(3, diagnosis=["NORM", "AMI"])
    with pytest.raises(dsp.ECGError, match="'bloodpressure' is not known"):
        patients(1, parameters={"bloodpressure": 1})
    with pytest.raises(dsp.ECGError, match="outside"):
        patients(1, parameters={"qt": 4.0})
    with pytest.raises(dsp.ECGError, match="T must end"):
        patients(1, parameters={"qt": 0.2, "qrs": 0.2})
    with pytest.raises(dsp.ECGError, match=r"at most 0\.075 s"):
        patients(1, parameters={"heart_rate": 120.0, "sdnn": 0.1})

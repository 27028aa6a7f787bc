"""Exchanged electrodes and mislabelled limb leads, on algebra and on real recordings."""

import numpy as np
import pytest

import dsp
from dsp.electrodes import SWAPS, exchanged
from dsp.leads import LIMB, TWELVE, twelve

NOISE = np.random.default_rng(0).normal(size=(8, 2000)).astype(np.float32)
LEADS = twelve(NOISE)
NOTHING = LEADS[:, :0]


def test_leads_that_obey_the_algebra_pass():
    assert exchanged(LEADS, NOTHING, TWELVE) == ()
    assert exchanged(LEADS[[1, 0, 4]], NOTHING[:3], ("II", "I", "aVL")) == ()
    assert exchanged(LEADS[6:], NOTHING[:6], TWELVE[6:]) == ()


@pytest.mark.parametrize("lead", LIMB)
def test_a_lead_turned_over_is_named(lead):
    x = LEADS.copy()
    x[TWELVE.index(lead)] *= -1
    assert exchanged(x, NOTHING, TWELVE) == (f"limb leads mislabelled: {lead} inverted",)


@pytest.mark.parametrize(("one", "other"), [("aVR", "aVL"), ("aVL", "aVF"), ("I", "III")])
def test_two_leads_taken_for_each_other_are_named(one, other):
    x = LEADS.copy()
    i, k = TWELVE.index(one), TWELVE.index(other)
    x[[i, k]] = x[[k, i]]
    assert exchanged(x, NOTHING, TWELVE) == (
        f"limb leads mislabelled: {one} and {other} exchanged",
    )


def test_leads_of_different_hearts_contradict():
    x = LEADS.copy()
    x[3] = NOISE[5]
    assert exchanged(x, NOTHING, TWELVE) == ("limb leads contradict each other",)


def test_gaps_and_flat_leads_do_not_raise():
    x = LEADS.copy()
    x[2, 100:200] = np.nan
    assert exchanged(x, NOTHING, TWELVE) == ()
    x[2] = 0
    assert exchanged(x, NOTHING, TWELVE) == ()


def test_swaps_are_their_own_inverse():
    for swap in SWAPS.values():
        np.testing.assert_array_equal(swap @ swap, np.eye(2))


@pytest.mark.data
def test_swaps_are_found_in_real_recordings(data):
    """LUDB, digital counts at 1000 per mV: nine in ten of the swaps, and hardly a false alarm."""
    import wfdb

    found = dict.fromkeys((None, *SWAPS), 0)
    total = 0
    for path in sorted((data / "ludb").rglob("*.hea"))[:60]:
        record = wfdb.rdrecord(str(path.with_suffix("")), physical=False)
        x = dsp.clean(record.d_signal.T / 1000, record.fs)
        peaks = np.unique(wfdb.rdann(str(path.with_suffix("")), "ii").sample[1::3])
        beat = dsp.segment(x, record.fs, peaks, window="fixed", before=0.25, after=0.4).median()
        if not np.isfinite(beat).all():
            continue
        total += 1
        for name, swap in {None: np.eye(2), **SWAPS}.items():
            three = np.stack([*(swap @ beat[:2]), beat[11]])
            words = exchanged(three[:, :0], three, ("I", "II", "V6"))
            found[name] += words == ((f"limb leads swapped: {name}",) if name else ())
    assert total > 40
    # Right bundle branch block, lateral infarction and a vertical heart may look like swaps.
    assert found[None] >= 0.95 * total
    assert all(found[name] >= 0.85 * total for name in SWAPS)


@pytest.mark.data
def test_an_arm_on_the_neutral_electrode_leaves_a_flat_lead(data):
    from scipy.io import loadmat

    path = min((data / "chapman-unlabelled").rglob("*.mat"))
    x = loadmat(path)["val"].astype(np.float32)[[0, 1, 11]] / 1000
    x[1] = 0.001 * NOISE[0, :1].repeat(x.shape[1])
    q = dsp.quality(x, 500, leads="I, II, V6")
    assert "limb leads swapped: RA and RL" in q.findings

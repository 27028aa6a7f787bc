"""The gate; most bad input is in tests/contracts.py."""

import numpy as np
import pytest

import dsp
from dsp import checks


def test_float32_is_not_copied_and_others_are_converted():
    x = np.ones((2, 50), np.float32)
    assert checks.signal(x) is x
    assert checks.signal(x.astype(">f8")).dtype == np.float32
    assert checks.signal([[1, 2, 3]]).shape == (1, 3)


def test_masked_becomes_nan_and_the_mask_stays():
    x = np.ma.MaskedArray([1, 2, 3], [False, True, False])
    np.testing.assert_array_equal(checks.signal(x), [1, np.nan, 3])
    assert x[0] == 1


def test_messages_name_the_place():
    x = np.zeros((3, 60))
    x[1, 7] = np.inf
    with pytest.raises(dsp.SignalError, match=r"1 infinite samples, the first at index \(1, 7\)"):
        checks.signal(x)
    with pytest.raises(dsp.LengthError, match=r"np\.swapaxes"):
        checks.signal(np.zeros((5000, 12)))
    with pytest.raises(dsp.LengthError, match="at least 2 s"):
        checks.signal(np.zeros(50), seconds=2, fs=100)
    with pytest.raises(dsp.LengthError, match=r"\(\.\.\., leads, time\)"):
        checks.signal(np.zeros(50), axes=2)


def test_beyond_float32_is_infinite():
    with pytest.raises(dsp.SignalError, match="infinite"):
        checks.signal(np.full(10, 1e300))


def test_opposite_infinities_are_found():
    x = np.zeros(100)
    x[3], x[4] = np.inf, -np.inf
    with pytest.raises(dsp.SignalError, match="2 infinite"):
        checks.signal(x)


def test_microvolts_are_refused_and_offsets_are_not():
    x = np.sin(np.arange(5000) / 50)[None].astype("f4")
    checks.millivolt(x + 300)
    checks.millivolt(x * 20)
    with pytest.raises(dsp.UnitError, match=r"2000 mV.*Divide by 1000"):
        checks.millivolt(x * 1000)


def test_one_bad_lead_does_not_condemn_the_record():
    x = np.repeat(np.sin(np.arange(5000) / 50)[None], 3, axis=0).astype("f4")
    x[0] *= 1000
    checks.millivolt(x)


@pytest.mark.parametrize(
    ("unit", "factor"),
    [("V", 1e3), ("mV", 1), ("MV", 1), ("uV", 1e-3), ("µV", 1e-3), ("μV", 1e-3), ("nV", 1e-6)],
)
def test_units(unit, factor):
    assert checks.scale_to_millivolt(unit) == factor


@pytest.mark.parametrize("unit", ["", "mmHg", "volt", None])
def test_other_units(unit):
    with pytest.raises(dsp.UnitError, match="not a voltage"):
        checks.scale_to_millivolt(unit)

"""Every row of `contracts` x the checks that all public functions share."""

import time
import warnings

import numpy as np
import pytest
from contracts import BAD, BAD_RATES, FS, ROWS, SIGNAL, arrays

import dsp
from dsp import leads

rows = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
SECONDS = 2.0  # a bad input is answered within this, on a loaded machine too


@rows
@pytest.mark.parametrize("bad", BAD)
def test_bad_input_gives_a_result_or_one_ecg_error(row, bad):
    x = BAD[bad](SIGNAL)
    before = np.array(x, copy=True) if isinstance(x, np.ndarray) else None
    start = time.thread_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        try:
            result = row.call(x, FS)
        except dsp.ECGError as error:
            result = str(error)
        assert result is not None
        assert not isinstance(result, str) or len(result) > 20, "what, where and what to do"
    assert time.thread_time() - start < SECONDS
    if before is not None:
        np.testing.assert_array_equal(before, x)


@rows
@pytest.mark.parametrize("bad", BAD_RATES)
def test_bad_rate_is_a_rate_error(row, bad):
    with pytest.raises(dsp.RateError, match="Hz"):
        row.call(SIGNAL, BAD_RATES[bad])


@rows
def test_read_only_and_strided_input_is_accepted_and_unchanged(row):
    expected = arrays(row.call(SIGNAL, FS))
    frozen = SIGNAL.copy()
    frozen.flags.writeable = False
    strided = np.repeat(SIGNAL, 2, axis=-1)[..., ::2]
    for variant in (frozen, strided, SIGNAL.astype(">f4"), np.asfortranarray(SIGNAL)):
        before = variant.copy()
        for a, b in zip(expected, arrays(row.call(variant, FS)), strict=True):
            np.testing.assert_array_equal(a, b)
        np.testing.assert_array_equal(before, variant)


@rows
def test_float64_is_as_float32(row):
    for a, b in zip(
        arrays(row.call(SIGNAL, FS)), arrays(row.call(SIGNAL.astype(float), FS)), strict=True
    ):
        np.testing.assert_array_equal(a, b)


@rows
def test_the_same_call_gives_the_same_answer(row):
    for a, b in zip(arrays(row.call(SIGNAL, FS)), arrays(row.call(SIGNAL, FS)), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("row", [r for r in ROWS if r.batch], ids=lambda row: row.name)
def test_a_batch_is_as_each_alone(row):
    batch = np.stack([SIGNAL, SIGNAL[:, ::-1] * 0.5, SIGNAL + 0.1])
    together = row.call(batch, FS)
    for k, x in enumerate(batch):
        alone = row.call(x, FS)
        if isinstance(together, list):
            pairs = list(zip(arrays(together[k]), arrays(alone), strict=True))
        else:
            pairs = [(a[k], b) for a, b in zip(arrays(together), arrays(alone), strict=True)]
        for a, b in pairs:
            np.testing.assert_allclose(a, b, atol=1e-5)  # float32 of a few mV


@pytest.mark.parametrize("row", [r for r in ROWS if r.per_lead], ids=lambda row: row.name)
def test_each_lead_is_as_it_would_be_alone(row):
    together = row.call(SIGNAL, FS)
    for k in range(len(SIGNAL)):
        np.testing.assert_allclose(together[k], row.call(SIGNAL[k], FS), atol=1e-6)


@pytest.mark.parametrize("row", [r for r in ROWS if r.gain], ids=lambda row: row.name)
def test_twice_the_input_gives_twice_the_output(row):
    once, twice = row.call(SIGNAL, FS), row.call(2 * SIGNAL, FS)
    for a, b in zip(arrays(once), arrays(twice), strict=True):
        np.testing.assert_allclose(row.gain * a, b, rtol=1e-4, atol=1e-6)


def test_enough_bad_inputs():
    assert len(BAD) + len(BAD_RATES) >= 40


@pytest.mark.parametrize(
    ("names", "error"),
    [
        (("I", "I", "V2"), "twice"),
        (("I", "II", "V7"), "not a lead name"),
        (("I", "II"), "2 lead names"),
        (("I", "II", ""), "not a lead name"),
        (("I", "II", "MLII "), None),
    ],
)
def test_lead_names_are_checked(names, error):
    if error is None:
        assert dsp.ECG(SIGNAL, FS, names).leads[-1] == "MLII"
        return
    with pytest.raises(dsp.LeadError, match=error):
        dsp.ECG(SIGNAL, FS, names)


def test_the_lead_list_is_written_once():
    assert len(set(leads.TWELVE)) == 12
    assert set(leads.EIGHT) < set(leads.TWELVE)

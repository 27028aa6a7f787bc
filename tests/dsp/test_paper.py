"""ECG paper: the millimetres are read back from the saved pictures."""

import base64
import collections
import io
import re
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from PIL import Image
from strategies import ecg as patient

import dsp
from dsp import leads
from dsp.paper import LAYOUTS, Paper, ink, plot
from dsp.paper.plot import html
from dsp.paper.sheet import Sheet, layout_rows

PIXELS = 10  # for a millimetre, in the pictures measured here
PERCENT = 0.01  # what a ruler on the page may be off by


def ink_of(figure: Figure) -> np.ndarray:
    """(height, width) bool, row 0 at the bottom: black ink; the pink grid and colours are not."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=25.4 * PIXELS)
    rgb = np.asarray(Image.open(buffer).convert("RGB"))[::-1]
    return rgb.max(axis=2) < 110


def squares(seconds: float = 10.0, fs: float = 500.0) -> dsp.ECG:
    """Lead II: 1 mV for 0.4 s at the start of every second, else 0, which is the median."""
    t = np.arange(round(seconds * fs)) / fs
    return dsp.ECG((t % 1.0 < 0.4).astype(float), fs, ["II"])


def sheet_of(record: dsp.ECG, layout: str | None = None, paper: Paper | None = None) -> Sheet:
    paper = paper or Paper()
    seconds = min(paper.seconds, record.duration)
    return Sheet(paper, layout_rows(layout, record.leads, seconds), seconds)


def region(black: np.ndarray, x: tuple[float, float], y: tuple[float, float]) -> np.ndarray:
    """The pixels of a rectangle given in mm."""
    (left, right), (bottom, top) = (np.rint(np.array(side) * PIXELS).astype(int) for side in (x, y))
    return black[bottom:top, left:right]


def middle(line: np.ndarray) -> list[float]:
    """Middles of the runs of ink along a line of pixels, in mm."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], line.astype(int), [0]])))
    return [(a + b - 1) / 2 / PIXELS for a, b in edges.reshape(-1, 2)]


@pytest.mark.parametrize("speed", [12.5, 25.0, 50.0])
@pytest.mark.parametrize("gain", [5.0, 10.0, 20.0])
def test_a_millivolt_and_a_second_are_true_to_scale(speed, gain):
    record, paper = squares(), Paper(speed=speed, gain=gain)
    sheet, black = sheet_of(record, paper=paper), ink_of(plot(record, paper=paper))
    assert black.shape[::-1] == tuple(round(side * PIXELS) for side in sheet.size)
    foot = sheet.baseline(0)
    # Up the middle of the plateau of the fourth second, between two steps.
    column = round((sheet.zero + 4.2 * speed) * PIXELS)
    column_low = round((sheet.zero + 4.7 * speed) * PIXELS)
    (plateau,) = middle(black[:, column])
    (low,) = middle(black[:, column_low])
    assert low == pytest.approx(foot, abs=0.1)
    assert plateau - low == pytest.approx(gain, rel=PERCENT)
    # Along a lower height, clear of the label: up and down once a second, from 0.4 s on.
    steps = middle(black[round((foot + 0.3 * gain) * PIXELS)][round((sheet.zero + 1) * PIXELS) :])
    falls, rises = np.array(steps[0::2]), np.array(steps[1::2])
    assert np.diff(rises) == pytest.approx(speed, rel=PERCENT)
    assert np.diff(falls) == pytest.approx(speed, rel=PERCENT)


@pytest.mark.parametrize(("speed", "gain"), [(25.0, 10.0), (50.0, 5.0), (12.5, 20.0)])
def test_the_calibration_pulse_is_a_millivolt_high_and_a_fifth_of_a_second_wide(speed, gain):
    paper = Paper(speed=speed, gain=gain)
    record = patient(given=("I", "V2"))
    sheet, black = sheet_of(record, paper=paper), ink_of(plot(record, paper=paper))
    left, *_ = sheet.grid
    for row in range(2):
        foot = sheet.baseline(row)
        pulse = region(black, (left, sheet.zero - 2.0), (foot - 3, foot + gain + 3))
        heights = np.flatnonzero(pulse.any(axis=1)) / PIXELS - 3
        assert np.ptp(heights) == pytest.approx(gain, abs=0.4)  # and the width of the line
        flanks = middle(region(black, (left, sheet.zero - 2.0), (foot + gain / 2, foot + gain))[0])
        assert np.diff(flanks) == pytest.approx([0.2 * speed], rel=2 * PERCENT)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_lead_of_a_layout_is_drawn_and_labelled_once(layout):
    record = patient()
    sheet, figure = sheet_of(record, layout), plot(record, layout=layout)
    panels = sheet.panels()
    assert {panel.lead for panel in panels} == set(leads.TWELVE)
    texts = figure.axes[0].texts
    labels = collections.Counter(text.get_text() for text in texts)
    for label, times in collections.Counter(panel.label for panel in panels).items():
        assert labels[label] == times
    black = ink_of(figure)
    for panel in panels:
        x = sheet.zero + np.array([panel.begin, panel.end]) * 25.0
        foot = sheet.baseline(panel.row)
        (label,) = (
            t for t in texts
            if t.get_text() == panel.label and 0 <= t.get_position()[1] - foot < sheet.headroom
        )  # fmt: skip
        assert x[0] < label.get_position()[0] < x[0] + 5
        # Of every mm of paper, nearly each holds some of the trace.
        stretch = region(black, (x[0], x[1]), (foot - 5, foot + 5)).any(axis=0)
        assert stretch.mean() > 0.95


def test_cabrera_turns_avr_upside_down():
    record = patient()
    by_layout = [
        {line.get_gid(): line for line in plot(record, layout=name).axes[0].lines}
        for name in ("stacked", "cabrera")
    ]
    y = by_layout[0]["trace-aVR-3"].get_ydata(), by_layout[1]["trace-aVR-2"].get_ydata()
    foot = sheet_of(record, "stacked").baseline(3), sheet_of(record, "cabrera").baseline(2)
    half = len(y[1])
    np.testing.assert_allclose(foot[0] - y[0][:half], y[1] - foot[1], atol=1e-9)


def test_columns_follow_each_other_in_time():
    lines = {line.get_gid(): line for line in plot(patient()).axes[0].lines}
    zero = sheet_of(patient()).zero
    for column, lead in enumerate(("I", "aVR", "V1", "V4")):
        x = lines[f"trace-{lead}-0"].get_xdata()
        assert x[0] == pytest.approx(zero + 62.5 * column)
    strip = lines["trace-II-3"].get_xdata()
    assert strip[-1] - strip[0] == pytest.approx(25 * 9.998)


def test_ten_seconds_fill_a_page_of_a4():
    for layout in LAYOUTS:
        width, height = plot(patient(), layout=layout).get_size_inches() * 25.4
        assert width == pytest.approx(297)
        assert height <= 210 + 1e-9


def test_svg_and_pdf_have_the_size_of_the_page():
    figure = plot(squares())
    sheet = sheet_of(squares())
    vector, pdf = io.StringIO(), io.BytesIO()
    figure.savefig(vector, format="svg")
    text = vector.getvalue()
    head = re.search(r"<svg[^>]*>", text).group()
    width, height = (
        re.search(rf'\b{side}="([\d.]+)pt"', head).group(1) for side in ("width", "height")
    )
    points = 72 / 25.4
    assert (float(width), float(height)) == pytest.approx(np.array(sheet.size) * points, rel=1e-4)
    for name, high in (("pulse-0", 10), ("trace-II-0", 10)):
        path = re.search(rf'id="{name}">\s*<path d="([^"]+)"', text).group(1)
        y = np.array(re.findall(r"[ML] [-\d.]+ ([-\d.]+)", path), float)
        assert np.ptp(y) == pytest.approx(high * points, rel=1e-3)
    figure.savefig(pdf, format="pdf")
    box = re.search(rb"/MediaBox \[ ?0 0 ([\d.]+) ([\d.]+)", pdf.getvalue()).groups()
    assert [float(side) for side in box] == pytest.approx(np.array(sheet.size) * points, rel=1e-4)


def test_a_gap_leaves_no_ink():
    x = patient(given=("II",)).signal.copy()
    x[:, 1000:1500] = np.nan
    record = dsp.ECG(x, 500, ["II"])
    sheet, black = sheet_of(record), ink_of(plot(record))
    _, bottom, _, top = sheet.grid
    # The trace is 0.32 mm wide, so half of that reaches into the gap.
    inside = sheet.zero + 25 * np.array([2.0, 3.0]) + (0.3, -0.3)
    assert not region(black, tuple(inside), (bottom, top)).any()
    before, after = sheet.zero + 25 * np.array([1.9, 2.0]), sheet.zero + 25 * np.array([3.0, 3.1])
    assert region(black, tuple(before), (bottom, top)).any(axis=0).all()
    assert region(black, tuple(after), (bottom, top)).any(axis=0).mean() > 0.9


def test_a_lead_of_nothing_but_gaps_is_labelled_and_empty():
    x = patient(given=("I", "II")).signal.copy()
    x[1] = np.nan
    record = dsp.ECG(x, 500, ["I", "II"])
    figure = plot(record)
    sheet, black = sheet_of(record), ink_of(figure)
    assert "II" in [text.get_text() for text in figure.axes[0].texts]
    foot = sheet.baseline(1)
    assert not region(black, (sheet.zero + 15, sheet.grid[2] - 1), (foot - 5, foot + 10)).any()


def test_an_offset_is_taken_out_and_the_scale_is_not():
    record = patient(given=("I", "V2"))
    shifted = dsp.ECG(record.signal + np.array([[-2.5], [4.0]]), 500, record.leads)
    lines = [plot(r).axes[0].lines for r in (record, shifted)]
    for one, other in zip(*lines, strict=True):
        # float32 of the offset: 2.4e-7 of 4 mV, 1e-5 mm
        np.testing.assert_allclose(one.get_ydata(), other.get_ydata(), atol=1e-4)


@given(
    st.integers(0, 2**32 - 1), st.integers(1, 5000), st.floats(0.05, 30.0), st.floats(0, 0.4)
)  # fmt: skip
def test_thinning_keeps_the_extremes_and_the_gaps(seed, n, length, missing):
    rng = np.random.default_rng(seed)
    x, y = np.linspace(0, length, n), rng.normal(size=n)
    y[rng.random(n) < missing] = np.nan
    kept = ink.visible(x, y)
    assert (np.diff(kept) > 0).all()
    assert kept[0] == 0
    assert kept[-1] == n - 1
    bins = length / 0.1 + 2
    assert len(kept) <= max(4 * bins, n if n <= 4 * bins else 0) + 2
    if np.isfinite(y).any():
        assert np.nanmax(y[kept]) == np.nanmax(y)
        assert np.nanmin(y[kept]) == np.nanmin(y)
    assert np.isnan(y[kept]).any() == np.isnan(y).any()


def test_thinning_keeps_the_first_and_the_last_sample_of_a_gap_in_a_bin():
    y = np.sin(np.arange(1000) / 3)
    y[[102, 107]] = np.nan  # of the ten samples 100 to 109, drawn within 0.1 mm
    assert {102, 107} <= set(ink.visible(np.linspace(0, 9.99, 1000), y))


def test_labels_keep_clear_of_a_tall_first_beat():
    x = np.zeros(5000)
    x[40:60] = 1.1
    record = dsp.ECG(x, 500, ["II"])
    (label,) = (text for text in plot(record).axes[0].texts if text.get_text() == "II")
    assert label.get_position()[1] > sheet_of(record).baseline(0) + 11 + 1.7  # half a letter


def test_one_sample_in_a_million_is_still_seen():
    x = np.zeros(800_000)
    x[400_000] = 1.5
    record = dsp.ECG(x, 20_000, ["II"])
    paper = Paper(seconds=40)
    figure = plot(record, paper=paper)
    sheet, black = sheet_of(record, paper=paper), ink_of(figure)
    (trace,) = (line for line in figure.axes[0].lines if line.get_gid() == "trace-II-0")
    assert len(trace.get_xdata()) < 50_000
    foot, x = sheet.baseline(0), sheet.zero + 25 * 20
    spike = region(black, (x - 1, x + 1), (foot, foot + 18))
    height = np.flatnonzero(spike.any(axis=1)).max() / PIXELS
    assert height == pytest.approx(15, abs=0.5)  # the line is cut off round at its point


def test_sources_are_told_apart_by_colour_dashes_and_words():
    record = patient()
    source = ("measured",) * 2 + ("derived",) * 4 + ("inferred",) * 6
    figure = plot(record, source=source)
    words = [text.get_text() for text in figure.axes[0].texts]
    lines = {line.get_gid(): line for line in figure.axes[0].lines}
    looks = {}
    for lead, origin in zip(leads.TWELVE, source, strict=True):
        label = lead if origin == "measured" else f"{lead} {origin}"
        assert words.count(label) == (2 if lead == "II" else 1)
        (line,) = (
            line for gid, line in lines.items() if gid in {f"trace-{lead}-{r}" for r in range(3)}
        )
        looks.setdefault(origin, set()).add((to_hex(line.get_color()), line.is_dashed()))
    assert all(len(look) == 1 for look in looks.values()), "a source has one look"
    assert len({look for found in looks.values() for look in found}) == 3
    assert all(dashed for _, dashed in looks["inferred"])
    for legend in ("measured", "derived by algebra", "inferred, not recorded"):
        assert words.count(legend) == 1
    by_name = dict(zip(leads.TWELVE, source, strict=True))
    again = plot(record, source=by_name)
    assert [text.get_text() for text in again.axes[0].texts] == words


def test_an_inferred_rhythm_strip_says_so_too():
    figure = plot(patient(), source=["measured"] + ["inferred"] * 11)
    words = [text.get_text() for text in figure.axes[0].texts]
    assert words.count("II inferred") == 2
    assert "II" not in words


def test_a_recording_that_knows_its_sources_shows_them_unasked():
    source = {"I": "measured", "II": "measured"} | dict.fromkeys(leads.PRECORDIAL, "inferred")
    eight = dsp.ECG(
        patient(given=leads.EIGHT).signal, 500, leads.EIGHT, meta={"lead_sources": source}
    )
    words = [text.get_text() for text in plot(eight.twelve_leads()).axes[0].texts]
    assert words.count("II") == 2
    for lead in (*leads.LIMB[2:], *leads.PRECORDIAL):
        # Nothing says what the limb leads added by algebra are made of: the worst is assumed.
        assert words.count(f"{lead} inferred") == 1
    for other in ("PTB-XL", {"I": "a database"}, None):
        record = dsp.ECG(eight.signal, 500, leads.EIGHT, meta={"lead_sources": other})
        assert "I" in [text.get_text() for text in plot(record).axes[0].texts]


def test_without_a_source_there_is_no_legend():
    words = " ".join(text.get_text() for text in plot(patient()).axes[0].texts)
    assert "inferred" not in words
    assert "measured" not in words


def test_an_overlay_goes_by_name_and_time_and_shares_the_offset():
    record = patient()
    other = dsp.ECG(
        record.select("V1", "II").signal + 1.0, 500, ("V1", "II"), meta={"label": "truth"}
    )
    figure = plot(record, layout="stacked", overlay=other.resample(250))
    lines = {line.get_gid(): line for line in figure.axes[0].lines}
    assert {gid for gid in lines if gid and gid.startswith("overlay")} == {
        "overlay-II-1",
        "overlay-V1-6",
    }
    for row, lead in ((1, "II"), (6, "V1")):
        upper, lower = lines[f"overlay-{lead}-{row}"], lines[f"trace-{lead}-{row}"]
        same_time = np.interp(lower.get_xdata(), upper.get_xdata(), upper.get_ydata())
        inner = slice(100, -100)
        # 1 mV apart; 0.5 mm allows for the interpolation of QRS from 250 Hz
        np.testing.assert_allclose((same_time - lower.get_ydata())[inner], 10.0, atol=0.5)
        assert upper.get_zorder() < lower.get_zorder()
    assert "truth" in [text.get_text() for text in figure.axes[0].texts]


def test_a_band_lies_around_its_lead():
    record = patient(given=("I", "V2"))
    low, high = record.signal - np.float32(0.3), record.signal + np.float32(0.3)
    low.flags.writeable = high.flags.writeable = False
    figure = plot(record, band=(low, high))
    areas = {area.get_gid(): area for area in figure.axes[0].collections if area.get_gid()}
    assert set(areas) == {"band-I-0", "band-V2-1"}
    traces = {line.get_gid(): line for line in figure.axes[0].lines}
    for name in ("I-0", "V2-1"):
        corners = areas[f"band-{name}"].get_paths()[0].vertices
        y = traces[f"trace-{name}"].get_ydata()
        assert corners[:, 1].max() == pytest.approx(y.max() + 3, abs=1e-4)
        assert corners[:, 1].min() == pytest.approx(y.min() - 3, abs=1e-4)
    assert "uncertainty" in [text.get_text() for text in figure.axes[0].texts]


def test_marks_stand_below_the_last_row_at_their_time():
    record = patient()
    sheet = sheet_of(record)
    marks = dsp.Annotations([250, 1000, 4000], ["N", "V", "$"])
    figure = plot(record, start=1.0, marks=marks, paper=Paper(seconds=5))
    at = [line.get_xdata()[0] for line in figure.axes[0].lines if line.get_gid() == "mark"]
    assert at == pytest.approx([sheet.zero + 25 * 1.0])
    words = [text.get_text() for text in figure.axes[0].texts]
    assert "V" in words
    assert "N" not in words
    peaks = plot(record, marks=np.array([250, 1000, 4000])).axes[0].lines
    assert sum(line.get_gid() == "mark" for line in peaks) == 3
    assert not any(line.get_gid() == "mark" for line in plot(record, marks=[]).axes[0].lines)


def test_settings_and_patient_are_printed():
    about = {"age": 56, "sex": "Female", "filter": (0.5, 40)}
    record = dsp.ECG(patient().signal, 500, leads.TWELVE, meta=about)
    figure = plot(record, paper=Paper(speed=50, gain=5, title="$x_1$ \N{GREEK SMALL LETTER MU}\n"))
    words = " ".join(text.get_text() for text in figure.axes[0].texts)
    for word in (
        "50 mm/s",
        "5 mm/mV",
        "0.5 to 40 Hz",
        "500 Hz",
        "56 years, female",
        "$x_1$ \N{GREEK SMALL LETTER MU}",
    ):
        assert word in words
    figure.savefig(io.BytesIO())
    named = dsp.ECG(patient().signal, 500, leads.TWELVE, meta={"record": "HR00001"})
    assert "HR00001" in [text.get_text() for text in plot(named).axes[0].texts]
    unknown = dsp.ECG(
        patient().signal, 500, leads.TWELVE, meta={"age": float("nan"), "sex": "Unknown"}
    )
    words = " ".join(text.get_text() for text in plot(unknown).axes[0].texts)
    assert "filter not stated" in words
    assert "nan" not in words
    assert "years" not in words


def test_given_axes_are_drawn_into_in_proportion():
    figure = Figure(figsize=(6, 8), dpi=100)
    upper, lower = figure.subplots(2)
    record = squares()
    assert plot(record, ax=upper) is figure
    assert not lower.has_data()
    assert figure.axes == [upper, lower]
    figure.savefig(io.BytesIO())
    x, y = np.abs(upper.transData.transform([(25, 10)]) - upper.transData.transform([(0, 0)]))[0]
    assert x / y == pytest.approx(2.5, rel=1e-6)
    size = {text.get_text(): text.get_fontsize() for text in upper.texts}["II"]
    whole = {text.get_text(): text.get_fontsize() for text in plot(record).axes[0].texts}["II"]
    assert size < 0.6 * whole
    part = Figure().subfigures(1, 2)[0]
    assert plot(record, ax=part.subplots()) is part.figure


def test_a_long_recording_makes_pages_of_one_size():
    x = np.zeros((2, 17_500))
    x[:, 6500] = 1.0  # 13 s
    record = dsp.ECG(x, 500, ["I", "II"])
    figures = list(dsp.pages(record))
    assert len(figures) == 4
    assert len({tuple(figure.get_size_inches()) for figure in figures}) == 1
    zero = sheet_of(record).zero
    for number, figure in enumerate(figures):
        (trace,) = (line for line in figure.axes[0].lines if line.get_gid() == "trace-I-0")
        high = trace.get_xdata()[trace.get_ydata() > trace.get_ydata().min() + 5]
        assert high == pytest.approx([zero + 75.0] if number == 1 else [])
    words = " ".join(text.get_text() for text in figures[1].axes[0].texts)
    assert "0:10.0 to 0:20.0 of 0:35.0" in words
    assert len(list(dsp.pages(record, paper=Paper(seconds=35)))) == 1
    assert len(list(dsp.pages(record, paper=Paper(seconds=7)))) == 5


def test_pages_are_drawn_one_at_a_time():
    hour = dsp.ECG(np.zeros(3600 * 100), 100, ["II"])
    assert isinstance(next(iter(dsp.pages(hour))), Figure)


def test_short_and_long_recordings_find_their_layout():
    twelve = patient()
    assert len(layout_rows(None, twelve.leads, 10.0)) == 4
    assert len(layout_rows(None, twelve.leads, 0.8)) == 12
    assert plot(twelve.crop(0, 0.8))
    assert plot(dsp.ECG([0.0, 1.0] * 50, 500, ["V1"]))


ERRORS = {
    "an array": (lambda e: plot(e.signal), dsp.ECGError, "give a dsp.ECG"),
    "unknown layout": (lambda e: plot(e, layout="4x3"), dsp.ECGError, "3x4\\+1, 6x2"),
    "layout of no kind": (lambda e: plot(e, layout=["6x2"]), dsp.ECGError, "is not one of"),
    "leads missing": (lambda e: plot(e, layout="6x2"), dsp.LeadError, "III aVR"),
    "start beyond": (lambda e: plot(e, start=10.0), dsp.LengthError, "start < duration"),
    "start before": (lambda e: plot(e, start=-1), dsp.LengthError, "start < duration"),
    "start NaN": (lambda e: plot(e, start=float("nan")), dsp.LengthError, "start < duration"),
    "start text": (lambda e: plot(e, start="1"), dsp.LengthError, "start < duration"),
    "speed": (lambda e: plot(e, paper=Paper(speed=0)), dsp.ECGError, "mm/s"),
    "speed NaN": (lambda e: plot(e, paper=Paper(speed=float("nan"))), dsp.ECGError, "mm/s"),
    "gain": (lambda e: plot(e, paper=Paper(gain=-10)), dsp.ECGError, "mm/mV"),
    "gain text": (lambda e: plot(e, paper=Paper(gain="10")), dsp.ECGError, "mm/mV"),
    "no seconds": (lambda e: plot(e, paper=Paper(seconds=0)), dsp.LengthError, "seconds=0"),
    "an hour a page": (lambda e: plot(e, paper=Paper(seconds=3600)), dsp.LengthError, "dsp.pages"),
    "paper": (lambda e: plot(e, paper=50), dsp.ECGError, "dsp.Paper"),
    "paper of pages": (lambda e: dsp.pages(e, paper=50), dsp.ECGError, "dsp.Paper"),
    "pages of an array": (lambda e: dsp.pages(e.signal), dsp.ECGError, "give a dsp.ECG"),
    "overlay": (lambda e: plot(e, overlay=e.signal), dsp.ECGError, "overlay is of type ndarray"),
    "strange overlay": (
        lambda e: plot(e, overlay=e.rename({"I": "V1", "II": "V2"})), dsp.LeadError, "share no lead",
    ),
    "half a band": (lambda e: plot(e, band=(e.signal,)), dsp.LengthError, "a pair"),
    "band of no kind": (lambda e: plot(e, band=0.2), dsp.LengthError, "a pair"),
    "band of another shape": (
        lambda e: plot(e, band=(e.signal[:1], e.signal[:1])), dsp.LengthError, "shapes",
    ),
    "band upside down": (
        lambda e: plot(e, band=(e.signal + 1, e.signal)), dsp.SignalError, "exceeds its high",
    ),
    "source of one lead": (lambda e: plot(e, source=["measured"]), dsp.LeadError, "give one for each"),
    "source word": (lambda e: plot(e, source="measured"), dsp.LeadError, "give one for each"),
    "source guessed": (lambda e: plot(e, source=["guess"] * 2), dsp.ECGError, "measured, derived"),
    "source unsaid": (lambda e: plot(e, source={"I": "measured"}), dsp.LeadError, "where II come"),
    "marks in seconds": (lambda e: plot(e, marks=[0.5, 1.5]), dsp.SignalError, "sample indices"),
    "marks beyond": (lambda e: plot(e, marks=[5000]), dsp.LengthError, "5000 samples"),
    "marks in two axes": (lambda e: plot(e, marks=[[1], [2]]), dsp.SignalError, "one axis"),
    "axes": (lambda e: plot(e, ax=plot(e)), dsp.ECGError, "Matplotlib axes"),
}  # fmt: skip


@pytest.mark.parametrize("case", ERRORS)
def test_impossible_arguments_are_named(case):
    call, kind, match = ERRORS[case]
    with pytest.raises(kind, match=match) as found:
        call(patient(given=("I", "II")))
    assert type(found.value) is kind


def test_a_notebook_shows_a_small_picture():
    names = (*leads.TWELVE, *leads.FRANK, *leads.OTHER)
    noise = np.random.default_rng(0).normal(size=(len(names), 5000))
    for record in (
        patient(),
        dsp.ECG(noise, 500, names),
        patient().annotate("<script>", dsp.Annotations([1], ["N"])),
    ):
        page = html(record)
        assert len(page) <= 100_000
        assert page == record._repr_html_()
        assert "<script>" not in page
        assert "10 s at 500 Hz" in page
    picture = plot(patient())._repr_png_()
    assert Image.open(io.BytesIO(picture)).size == (1782, 1020)


def test_the_small_picture_keeps_the_colours_of_the_sources():
    source = dict(
        zip(leads.TWELVE, ["measured"] * 2 + ["derived"] * 4 + ["inferred"] * 6, strict=True)
    )
    noise = np.random.default_rng(0).normal(size=(12, 5000)) * 0.2
    page = html(dsp.ECG(noise, 500, leads.TWELVE, meta={"lead_sources": source}))
    data = base64.b64decode(re.search(r"base64,([^\"]+)", page).group(1))
    rgb = np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(int)
    for style in ink.SOURCES.values():
        colour = np.array(to_rgb(style.colour)) * 255
        # 12 of 255 in each channel: far below the 100 between derived and inferred.
        assert (np.abs(rgb - colour).max(axis=2) < 12).sum() > 500, style.legend


def test_drawing_leaves_pyplot_alone():
    code = (
        "import sys, numpy as np, dsp; dsp.ECG(np.zeros(5000), 500, ['I'])._repr_html_();"
        "print('matplotlib.pyplot' in sys.modules)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "False"


def test_house_style_of_the_user_changes_nothing():
    import matplotlib

    plain = ink_of(plot(patient()))
    with matplotlib.rc_context(
        {"axes.facecolor": "k", "lines.linewidth": 9, "font.size": 30, "lines.marker": "o",
         "axes.grid": True, "figure.autolayout": False, "lines.linestyle": ":"}
    ):  # fmt: skip
        np.testing.assert_array_equal(ink_of(plot(patient())), plain)


@pytest.mark.data
def test_a_real_recording_keeps_its_amplitudes(data):
    record = dsp.read(data / "cinc2020-2021" / "ptb-xl" / "HR00001")
    words = [text.get_text() for text in plot(record).axes[0].texts]
    assert {"HR00001", "56 years, female"} <= set(words)
    one, black = sheet_of(record.select("V2")), ink_of(plot(record.select("V2")))
    # To the right of the label: the R and S waves, apart from the width of the line.
    trace = region(black, (one.zero + 10, one.zero + 250), (one.grid[1], one.grid[3]))
    heights = np.flatnonzero(trace.any(axis=1))
    x = record["V2"][round(0.4 * 500) :]
    assert np.ptp(heights) / PIXELS == pytest.approx(10 * float(np.ptp(x)), rel=PERCENT, abs=0.5)

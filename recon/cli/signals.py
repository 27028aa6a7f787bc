"""What is in a recording: ``clean`` and ``beats``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from recon.cli.report import FOUND_A_PROBLEM, Json, Leads, Recording, Rename, answer, read
from recon.cli.view import save

if TYPE_CHECKING:
    from dsp import ECG, Waves

app = typer.Typer()


@app.command()
def clean(
    recording: Recording,
    out: Annotated[Path, typer.Argument(help="File to write: .edf, .csv, .npz; WFDB for none.")],
    low: Annotated[float, typer.Option(help="Hz; slower is baseline.")] = 0.5,
    high: Annotated[float, typer.Option(help="Hz; faster is noise.")] = 40.0,
    leads: Leads = None,
    rename: Rename = None,
    as_json: Json = False,
) -> None:
    """Take baseline wander and noise out of a recording, without phase shift."""
    import dsp

    ecg = read(recording, rename, leads)
    x = dsp.bandpass(ecg.signal, ecg.fs, low, high)
    meta = {**ecg.meta, "filter": f"{low:g} to {high:g} Hz"}
    dsp.write(dsp.ECG(x, ecg.fs, ecg.leads, annotations=ecg.annotations, meta=meta), out)
    answer({"written": str(out), "band_hz": [low, high]}, as_json=as_json)


@app.command()
def beats(
    recording: Recording,
    out: Annotated[
        Path | None, typer.Option(help="Write the recording with beats and waves annotated.")
    ] = None,
    plot: Annotated[Path | None, typer.Option(help="Picture to write, beats marked.")] = None,
    leads: Leads = None,
    rename: Rename = None,
    as_json: Json = False,
) -> None:
    """Find beats and waves, measure them, and say how far to trust the recording.

    Exits with 1 if there are no beats, or the recording is too poor to trust.
    """
    import dsp

    ecg = read(recording, rename, leads)
    quality = dsp.quality(ecg.signal, ecg.fs, leads=ecg.leads)
    measured, waves = _measured(ecg)
    peaks = waves.peaks
    found: dict[str, Any] = {
        "verdict": quality.verdict,
        "findings": list(quality.findings),
        "beats": len(peaks),
        "r_peaks_s": [round(float(p / ecg.fs), 4) for p in peaks],
        **measured,
    }
    found["leads"] = [
        {"lead": lead, "score": round(float(score), 2), "reasons": ", ".join(reasons)}
        for lead, score, reasons in zip(ecg.leads, quality.score, quality.reasons, strict=True)
    ]
    marked = ecg.annotate("qrs", dsp.Annotations(peaks, ("N",) * len(peaks)))
    if out is not None:
        dsp.write(marked.annotate("waves", waves.annotations()), out)
        found["written"] = str(out)
    if plot is not None:
        save(ecg.plot(marks=peaks), plot)
        found["picture"] = str(plot)
    answer(found, as_json=as_json)
    if not len(peaks) or quality.verdict == "bad":
        raise typer.Exit(FOUND_A_PROBLEM)


def _measured(ecg: "ECG") -> tuple[dict[str, Any], "Waves"]:
    """What a clinician reads off, and the marks it was read from."""
    import dsp

    found = dsp.measure(ecg)
    values = {f"{name}, {unit}": _number(value) for name, value, unit in found.rows}
    return values, found.waves


def _number(value: float) -> float | None:
    return None if value != value else round(float(value), 1)

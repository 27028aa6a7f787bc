"""Looking at recordings: ``info``, ``plot``, ``convert``."""

from pathlib import Path
from typing import Annotated, Any

import typer

from recon.cli.report import Json, Leads, Recording, Rename, answer, read

app = typer.Typer()


@app.command()
def info(recording: Recording, rename: Rename = None, as_json: Json = False) -> None:
    """What a recording holds: leads, rate, length, amplitudes, annotations, patient."""
    import numpy as np

    ecg = read(recording, rename)
    rows = []
    for lead, x in zip(ecg.leads, ecg.signal, strict=True):
        known = x[~np.isnan(x)]
        rows.append(
            {
                "lead": lead,
                "min mV": float(known.min()) if known.size else None,
                "max mV": float(known.max()) if known.size else None,
                "sd mV": float(known.std()) if known.size else None,
                "gap s": float((x.size - known.size) / ecg.fs),
            }
        )
    found: dict[str, Any] = {
        "file": recording,
        "duration_s": ecg.duration,
        "fs_hz": ecg.fs,
        "samples": ecg.n_samples,
        "annotations": {name: len(marks) for name, marks in ecg.annotations.items()},
    }
    found |= {k: v for k, v in ecg.meta.items() if isinstance(v, str | int | float) and v == v}
    answer({**found, "leads": rows}, as_json=as_json)


@app.command()
def plot(
    recording: Recording,
    out: Annotated[Path, typer.Argument(help="Picture to write: .png, .pdf or .svg.")],
    leads: Leads = None,
    rename: Rename = None,
    start: Annotated[float, typer.Option(help="Seconds into the recording.")] = 0.0,
    seconds: Annotated[float, typer.Option(help="Seconds to draw.")] = 10.0,
    layout: Annotated[
        str | None, typer.Option(help="3x4+1, 6x2, cabrera or stacked; the usual one for none.")
    ] = None,
    speed: Annotated[float, typer.Option(help="mm/s.")] = 25.0,
    gain: Annotated[float, typer.Option(help="mm/mV.")] = 10.0,
    as_json: Json = False,
) -> None:
    """Draw a recording on ECG paper, true to scale."""
    from dsp import paper

    ecg = read(recording, rename, leads)
    sheet = paper.Paper(speed=speed, gain=gain, seconds=seconds)
    save(ecg.plot(start=start, layout=layout, paper=sheet), out)
    answer({"picture": str(out)}, as_json=as_json)


@app.command()
def convert(
    recording: Recording,
    out: Annotated[Path, typer.Argument(help="File to write: .edf, .csv, .npz; WFDB for none.")],
    leads: Leads = None,
    rename: Rename = None,
    fs: Annotated[float | None, typer.Option(help="Resample to this rate, Hz.")] = None,
    as_json: Json = False,
) -> None:
    """Write a recording in another format."""
    import dsp

    ecg = read(recording, rename, leads)
    if fs is not None:
        ecg = ecg.resample(fs)
    dsp.write(ecg, out)
    answer({"written": str(out), "leads": list(ecg.leads), "fs_hz": ecg.fs}, as_json=as_json)


def save(figure: Any, path: Path) -> None:
    """Publish a figure; the suffix names the format."""
    from dsp import WriteError, storage

    known = figure.canvas.get_supported_filetypes()
    kind = path.suffix.lower().lstrip(".")
    if kind not in known:
        raise WriteError(f"{path}: no picture format {path.suffix!r}; use .png, .pdf or .svg.")
    with storage.publish(path) as draft:
        figure.savefig(draft, format=kind)

"""Patients who never were: ``simulate``."""

import functools
from pathlib import Path
from typing import Annotated, Any

import typer

from recon.cli.report import Json, answer

app = typer.Typer()


@app.command()
def simulate(
    out: Annotated[
        Path,
        typer.Argument(help="File to write: .edf, .csv, .npz; WFDB for none. Numbered if n > 1."),
    ],
    n: Annotated[int, typer.Option("--n", help="How many records.")] = 1,
    heart_rate: Annotated[float | None, typer.Option(help="Beats per minute.")] = None,
    diagnosis: Annotated[
        str | None, typer.Option(help='SCP statement, such as AMI or LBBB; "any" for a mixture.')
    ] = None,
    rhythm: Annotated[str | None, typer.Option(help="Rhythm, such as AFIB.")] = None,
    age: Annotated[float | None, typer.Option(help="Years.")] = None,
    sex: Annotated[str | None, typer.Option(help="F or M.")] = None,
    fs: Annotated[float, typer.Option(help="Hz.")] = 500.0,
    duration: Annotated[float, typer.Option(help="Seconds.")] = 10.0,
    noise: Annotated[float | None, typer.Option(help="Signal-to-noise ratio, dB.")] = None,
    seed: Annotated[int, typer.Option(help="Names the series.")] = 0,
    archive: Annotated[
        bool, typer.Option(help="Write an archive of Parquet shards, resumable; OUT is its folder.")
    ] = False,
    workers: Annotated[int, typer.Option(help="Processes, of an archive.")] = 1,
    as_json: Json = False,
) -> None:
    """Simulate twelve-lead recordings, with the truth about beats and waves as annotations."""
    from tqdm.auto import tqdm

    import dsp
    import ecgsynth

    made: list[dict[str, Any]] = []
    source = functools.partial(
        ecgsynth.simulate,
        heart_rate=heart_rate,
        diagnosis=diagnosis,
        rhythm=rhythm,
        age=age,
        sex=sex,
        fs=fs,
        duration=duration,
        noise=noise,
    )
    if archive:
        kept = ecgsynth.write_archive(
            out, n, source=source, seed=seed, workers=workers, progress=n > 1
        )
        answer({"archive": str(out), "records": n, "sha256": kept.sha256}, as_json=as_json)
        return
    simulation = source(n, seed=seed)
    for k in tqdm(range(n), desc="records", disable=None if n > 1 else True):
        path = out if n == 1 else out.with_name(f"{out.stem}-{k:05d}{out.suffix}")
        dsp.write(simulation.record(k), path)
        made.append(
            {
                "file": str(path),
                "labels": " ".join(simulation.labels[k]),
                "beats": len(simulation.r_peaks[k]),
            }
        )
    answer({"records": made}, as_json=as_json)

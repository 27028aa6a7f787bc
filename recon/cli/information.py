"""What leads tell of each other: ``information``."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from recon.cli.report import Json, answer, read
from recon.cli.view import save

if TYPE_CHECKING:
    from dsp import ECG

app = typer.Typer()


@app.command()
def information(
    recordings: Annotated[
        list[str] | None, typer.Argument(help="Twelve-lead recordings, each of another patient.")
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="Folder of twelve-lead data sets; patients are known there.")
    ] = None,
    predictor: Annotated[str, typer.Option(help="linear, gaussian, fir or network.")] = "fir",
    noise: Annotated[float, typer.Option(help="µV rms; what is finer is not counted.")] = 10.0,
    folds: Annotated[int, typer.Option(help="How often to fit on all but one part.")] = 5,
    seed: Annotated[int, typer.Option(help="Names the division into folds.")] = 0,
    out: Annotated[Path | None, typer.Option(help="JSON file to write, all 255 lead sets.")] = None,
    plot: Annotated[Path | None, typer.Option(help="Picture to write: .png, .pdf, .svg.")] = None,
    as_json: Json = False,
) -> None:
    """How much any leads tell of any others, in shares and bits, with intervals by patient."""
    import recon
    from recon.information.summary import values

    info = recon.information(
        _each(recordings or [], data), predictor=predictor, folds=folds, seed=seed
    ).with_noise(noise / 1000)
    if plot is not None:
        save(info.plot(), plot)
    if out is not None:
        info.to_json(out)
    if as_json:
        answer(values(info), as_json=True)
    else:
        typer.echo(info.table)


def _each(recordings: list[str], data: Path | None) -> Iterator["ECG"]:
    """Recordings one by one: those named, each a patient of its own, and those of the data sets."""
    import dataclasses

    from tqdm.auto import tqdm

    from dsp import LengthError, datasets

    if not recordings and data is None:
        raise LengthError("no recordings: name some, or give --data with a folder of data sets.")
    for path in recordings:
        ecg = read(path)
        yield dataclasses.replace(ecg, meta={**ecg.meta, "patient": path})
    if data is not None:
        for entry in tqdm(datasets.twelve_lead(data), desc="recordings", disable=None):
            yield entry.ecg

"""Making weights: ``train reconstructor``."""

from pathlib import Path
from typing import Annotated

import typer

from recon.cli.report import Json, answer

app = typer.Typer(help="Fit the models that the library ships.")


@app.callback()
def train() -> None:
    """Fit the models that the library ships."""


@app.command()
def reconstructor(
    data: Annotated[Path, typer.Option(help="Folder of twelve-lead data sets.")],
    out: Annotated[Path, typer.Option(help="Folder for the weights.")],
    as_json: Json = False,
) -> None:
    """Fit the Gaussian predictor to the twelve-lead recordings below a folder."""
    from recon import population

    model, about = population.fit(data)
    model.save(out, **about)
    answer({"weights": str(out), **about}, as_json=as_json)

"""The command ``einthoven``: flat verbs; each imports what it needs only when it runs."""

from typing import Annotated

import typer

from recon.cli import (
    aligner,
    demo,
    export,
    gaps,
    generate,
    information,
    reconstruct,
    signals,
    simulate,
    train,
    view,
)
from recon.cli.report import UNSAID, Commands

app = typer.Typer(
    cls=Commands,
    name="einthoven",
    help="Reconstruct, generate and judge electrocardiograms.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def main(
    fs: Annotated[
        float | None, typer.Option("--fs", help="Hz, of recordings that do not say it.")
    ] = None,
    unit: Annotated[
        str | None,
        typer.Option("--unit", help="V, mV, uV or nV, of recordings that do not say it."),
    ] = None,
) -> None:
    """Reconstruct, generate and judge electrocardiograms."""
    UNSAID.set({"fs": fs, "unit": unit})


for part in (
    demo.app,
    view.app,
    signals.app,
    reconstruct.app,
    information.app,
    gaps.app,
    simulate.app,
    generate.app,
    aligner.app,
    export.app,
):
    app.add_typer(part)
app.add_typer(train.app, name="train")

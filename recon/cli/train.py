"""Making weights: ``train reconstructor``."""

from pathlib import Path
from typing import Annotated

import typer

from recon.cli import aligner, beatformer
from recon.cli.report import Json, answer

app = typer.Typer(help="Fit the models that the library ships.")
app.command("aligner")(aligner.train)
app.command("beatformer")(beatformer.train)


@app.callback()
def train() -> None:
    """Fit the models that the library ships."""


@app.command()
def reconstructor(
    data: Annotated[Path, typer.Option(help="Folder of twelve-lead data sets.")],
    out: Annotated[Path, typer.Option(help="Folder for weights, checkpoints and the log.")],
    preset: Annotated[
        str, typer.Option(help="gaussian (closed form), tiny, base or large.")
    ] = "base",
    ptbxl: Annotated[
        bool, typer.Option("--ptbxl", help="The folder is PTB-XL in full: learn from folds 1-9.")
    ] = False,
    simulated_steps: Annotated[int, typer.Option(help="Steps on simulated patients.")] = 800,
    steps: Annotated[int, typer.Option(help="Steps on the recordings.")] = 1500,
    folds: Annotated[
        int, typer.Option(help="Cross-validate first, and calibrate the intervals; 0 for not.")
    ] = 5,
    device: Annotated[str | None, typer.Option(help="cpu or cuda; whatever there is.")] = None,
    seed: Annotated[int, typer.Option(help="Of everything drawn.")] = 0,
    as_json: Json = False,
) -> None:
    """Train the reconstructor on the twelve-lead recordings below a folder.

    A run that was killed goes on where it was when the same command is given again.
    """
    from recon import schooling, weights
    from recon.population import Cohort
    from recon.predictor import Predictor

    cohort = Cohort.of_ptbxl(data)[0] if ptbxl else Cohort.of_folder(data)
    if preset == "gaussian":
        about = cohort.about
        weights.save(Predictor(cohort.gaussian()), out, **about)
    else:
        plan = schooling.Plan(preset, simulated_steps, steps, seed=seed, device=device)
        about = schooling.train(cohort, plan, out, folds)
    answer({"weights": str(out), **about}, as_json=as_json)

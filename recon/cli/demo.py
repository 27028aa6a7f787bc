"""The newcomer's minute: ``demo`` makes twelve leads of one and shows how close they come."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from recon.cli.reconstruct import describe, write
from recon.cli.report import Json, answer, read
from recon.cli.view import save

if TYPE_CHECKING:
    from dsp import ECG

app = typer.Typer()


@app.command()
def demo(
    recording: Annotated[
        str | None, typer.Argument(help="A twelve-lead recording; a simulated patient for none.")
    ] = None,
    leads: Annotated[str, typer.Option("--leads", help="Leads to keep.")] = "I",
    folder: Annotated[Path, typer.Option("--out", help="Where the files go.")] = Path(
        "einthoven-demo"
    ),
    seed: Annotated[int, typer.Option(help="Which simulated patient.")] = 0,
    as_json: Json = False,
) -> None:
    """Reconstruct twelve leads from lead I, of a simulated patient or a recording of yours.

    Writes what was recorded and what was reconstructed, as pictures and as CSV.
    """
    import recon
    from dsp.leads import canonical_all
    from dsp.paper import Paper

    truth = (read(recording) if recording else patient(seed)).twelve_leads()
    truth = truth.crop(0, min(10.0, truth.duration))
    given = truth.select(*canonical_all(leads))
    result = recon.Reconstructor.from_pretrained().predict(given)
    save(truth.plot(paper=Paper(title="Recorded")), folder / "recorded.png")
    save(given.plot(paper=Paper(title="Given")), folder / "given.png")
    made = write(result, folder / "reconstructed.csv", folder / "reconstructed.png")
    pictures = [str(folder / f"{name}.png") for name in ("recorded", "given")]
    answer(describe(result, truth, "network") | made | {"also": pictures}, as_json=as_json)


def patient(seed: int) -> "ECG":
    """Ten seconds of a simulated patient, 500 Hz, twelve leads."""
    import ecgsynth

    return ecgsynth.simulate(1, seed=seed).record(0)

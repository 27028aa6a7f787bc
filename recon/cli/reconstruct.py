"""The main job: ``reconstruct``, from the leads there are to twelve."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from recon.cli.report import Json, Leads, Recording, Rename, answer, read
from recon.cli.view import save

if TYPE_CHECKING:
    from dsp import ECG
    from recon import Reconstruction

app = typer.Typer()


@app.command()
def reconstruct(
    recording: Recording,
    leads: Leads = None,
    out: Annotated[
        Path | None, typer.Option(help="File to write: .edf, .csv, .npz; WFDB for none.")
    ] = None,
    plot: Annotated[Path | None, typer.Option(help="Picture to write: .png, .pdf, .svg.")] = None,
    calibrate: Annotated[
        str | None,
        typer.Option(help="Twelve-lead recording of this patient to learn from (2 s or more)."),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(help="base (the network; the default), gaussian, a folder, or owner/name."),
    ] = None,
    rename: Rename = None,
    as_json: Json = False,
) -> None:
    """Reconstruct twelve leads from those in a recording, or from the ones --leads names.

    Where the recording holds leads that were not used, the answer says how close the result is.
    """
    import recon
    from dsp.leads import canonical_all

    whole = read(recording, rename)
    given = whole.select(*canonical_all(leads)) if leads else standard(whole)
    reconstructor = recon.Reconstructor.from_pretrained(model)
    if calibrate:
        reconstructor = reconstructor.calibrate(read(calibrate))
    result = reconstructor.predict(given)
    kind = "gaussian" if reconstructor.predictor.network is None else "network"
    kind += ", calibrated to the patient" if calibrate else ""
    answer(describe(result, whole, kind) | write(result, out, plot), as_json=as_json)


def standard(ecg: "ECG") -> "ECG":
    """Only those leads that are among the twelve, if any is."""
    from dsp.leads import TWELVE

    known = [lead for lead in ecg.leads if lead in TWELVE]
    return ecg.select(*known) if known else ecg


def describe(result: "Reconstruction", truth: "ECG", kind: str) -> dict[str, Any]:
    """One row a lead: where it comes from, how far to trust it, how close to the recording's own."""
    import numpy as np

    from dsp import clean, metrics

    ecg, trust = result.ecg, result.trust
    rows = []
    for lead, std in zip(ecg.leads, result.std, strict=True):
        row: dict[str, Any] = {"lead": lead, "source": result.source[lead]}
        row["trust"] = trust[lead]["all"]
        row["std mV"] = float(np.sqrt(np.nanmean(std.astype(np.float64) ** 2)))
        if lead in truth.leads:
            pair = [clean(e[lead][None], e.fs) for e in (truth, ecg)]
            row["r"] = float(metrics.r(*pair)[0])
            row["rmse mV"] = float(metrics.rmse(*pair)[0])
        else:
            row["r"], row["rmse mV"] = None, None
        rows.append({k: None if v != v else v for k, v in row.items()})
    return {
        "model": kind,
        "familiarity": None if np.isnan(result.familiarity) else round(result.familiarity, 4),
        "given": [lead for lead in ecg.leads if result.source[lead] == "measured"],
        "band": "r and rmse against the recording's own leads, 0.5-40 Hz",
        "leads": rows,
    }


def write(result: "Reconstruction", out: Path | None, plot: Path | None) -> dict[str, str]:
    """Publish the recording and the picture asked for; their names."""
    import dsp

    made = {}
    if out is not None:
        dsp.write(result.ecg, out)
        made["written"] = str(out)
    if plot is not None:
        save(result.plot(), plot)
        made["picture"] = str(plot)
    return made

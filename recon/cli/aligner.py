"""Into the latent space: ``embed``, and ``train aligner``, which makes its weights."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from recon.cli.report import Json, Leads, Rename, answer, read

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

app = typer.Typer()


@app.command()
def embed(
    recordings: Annotated[list[str], typer.Argument(help="Recordings, in any format it reads.")],
    out: Annotated[
        Path | None, typer.Option(help="File for the vectors: .npz or .csv, a row a recording.")
    ] = None,
    leads: Leads = None,
    model: Annotated[Path | None, typer.Option(help="Folder of other weights.")] = None,
    rename: Rename = None,
    as_json: Json = False,
) -> None:
    """Embed recordings of any leads in the latent space of twelve.

    The teacher embeds recordings that tell all twelve leads, the student all others.
    """
    import numpy as np

    import recon
    from recon.encoders import projector

    aligner = recon.Aligner.from_pretrained(model)
    rows: list[dict[str, Any]] = []
    vectors = []
    for path in recordings:
        ecg = read(path, rename, leads)
        vectors.append(aligner.embed(ecg))
        whole = projector(ecg.leads).trace() > 8 - 1e-3
        rows.append(
            {
                "recording": path,
                "leads": " ".join(ecg.leads),
                "by": "teacher" if whole else "student",
                "length": float(np.linalg.norm(vectors[-1])),
            }
        )
        if as_json:
            rows[-1]["embedding"] = [round(float(value), 6) for value in vectors[-1]]
    found: dict[str, Any] = {"dim": aligner.dim, "recordings": rows}
    if out is not None:
        _write(out, recordings, np.stack(vectors))
        found["written"] = str(out)
    answer(found, as_json=as_json)


def train(
    data: Annotated[Path, typer.Option(help="Folder of twelve-lead data sets.")],
    out: Annotated[Path, typer.Option(help="Folder for the weights.")],
    preset: Annotated[str, typer.Option(help="tiny, base or large.")] = "tiny",
    recipe: Annotated[
        str, typer.Option(help="Of the alignment: any-subset, selfmis, hybrid, ...")
    ] = "any-subset",
    simulated: Annotated[int, typer.Option(help="Simulated patients to learn from.")] = 20_000,
    teacher_steps: Annotated[int, typer.Option(help="Steps of the teacher.")] = 6000,
    student_steps: Annotated[int, typer.Option(help="Steps of the student.")] = 6000,
    size: Annotated[int, typer.Option(help="Records a batch.")] = 128,
    seed: Annotated[int, typer.Option(help="Of patients, weights and batches.")] = 0,
    device: Annotated[str | None, typer.Option(help="cpu or cuda; what there is for none.")] = None,
    work: Annotated[
        Path | None, typer.Option(help="Folder for checkpoints; a killed run goes on from them.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Teach a twelve-lead teacher on simulated and real recordings, and align a student with it.

    Real recordings are learned from without their labels.
    """
    from dsp import ECGError
    from recon import tasks
    from recon.align import RECIPES, Aligner, unlabelled
    from recon.encoders import PRESETS

    for name, value, known in (("--preset", preset, PRESETS), ("--recipe", recipe, RECIPES)):
        if value not in known:
            raise ECGError(f"{name} {value}: give one of {', '.join(known)}.")
    patients = tasks.simulated(simulated, seed=seed)
    real = unlabelled(tasks.real(data, every=True), patients.names)
    aligner = Aligner.fit(
        patients + real,
        RECIPES[recipe],
        preset=preset,  # type: ignore[arg-type]
        steps=(teacher_steps, student_steps),
        size=size,
        seed=seed,
        out=work,
        device=device,
    )
    about = {
        "recipe": recipe,
        "simulated": len(patients),
        "real_windows": len(real),
        "steps": [teacher_steps, student_steps],
        "batch": size,
        "seed": seed,
        "statements": list(patients.names),
    }
    aligner.save(out, **about)
    answer({"weights": str(out), **about}, as_json=as_json)


def _write(out: Path, names: list[str], vectors: "NDArray[np.float32]") -> None:
    """Publish vectors with the recordings they are of."""
    import numpy as np

    from dsp import WriteError, storage

    if out.suffix not in {".npz", ".csv"}:
        raise WriteError(f"{out}: no format {out.suffix!r} for vectors; use .npz or .csv.")
    with storage.publish(out) as draft:
        if out.suffix == ".npz":
            np.savez(draft, embedding=vectors, recording=np.array(names))
            return
        import csv

        with draft.open("w", newline="", encoding="utf-8") as file:
            rows = csv.writer(file)
            rows.writerow(["recording", *(f"z{k}" for k in range(vectors.shape[1]))])
            rows.writerows(
                [name, *(f"{value:.6g}" for value in row)]
                for name, row in zip(names, vectors, strict=True)
            )

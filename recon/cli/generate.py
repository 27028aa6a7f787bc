"""Patients who never were, made real: ``generate``, and ``train generator``."""

from pathlib import Path
from typing import Annotated, Any

import typer

from recon.cli.report import Json, answer
from recon.cli.train import app as train

app = typer.Typer()


@app.command()
def generate(
    out: Annotated[
        Path,
        typer.Argument(
            help="File to write: .edf, .csv, .npz; WFDB for none. Numbered if n > 1. "
            ".html for one page with all of them on ECG paper."
        ),
    ],
    n: Annotated[int, typer.Option("--n", help="How many records.")] = 1,
    heart_rate: Annotated[float | None, typer.Option(help="Beats per minute.")] = None,
    diagnosis: Annotated[
        str | None, typer.Option(help='SCP statement, such as AMI or LBBB; "any" for a mixture.')
    ] = None,
    rhythm: Annotated[str | None, typer.Option(help="Rhythm, such as AFIB.")] = None,
    age: Annotated[float | None, typer.Option(help="Years.")] = None,
    sex: Annotated[str | None, typer.Option(help="F or M.")] = None,
    text: Annotated[str | None, typer.Option(help="Free text to go by.")] = None,
    fs: Annotated[float, typer.Option(help="Hz.")] = 500.0,
    duration: Annotated[float, typer.Option(help="Seconds.")] = 10.0,
    steps: Annotated[int, typer.Option(help="Network evaluations.")] = 10,
    mode: Annotated[str, typer.Option(help="guided, unguided or simulator.")] = "guided",
    trust: Annotated[float, typer.Option(help="In the simulated shapes, 0 to 1.")] = 0.5,
    weights: Annotated[str | None, typer.Option(help="Folder; the bundled ones for none.")] = None,
    experience: Annotated[
        Path | None,
        typer.Option(
            help="Folder of twelve-lead data sets, for weights trained with --experience."
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Names the series.")] = 0,
    as_json: Json = False,
) -> None:
    """Generate twelve-lead recordings: the simulator's rhythm, the network's shapes."""
    import dsp
    from dsp import datasets
    from ecgsynth import Experience
    from ecgsynth.generation import Sampling
    from ecgsynth.generator import Generator

    known = None if experience is None else Experience.of(datasets.twelve_lead(experience))
    options = Sampling(mode=mode, steps=steps, trust=trust)  # type: ignore[arg-type]
    new = Generator.from_pretrained(weights).generate(
        n,
        heart_rate=heart_rate,
        diagnosis=diagnosis,
        rhythm=rhythm,
        age=age,
        sex=sex,
        text=text,
        experience=known,
        fs=fs,
        duration=duration,
        options=options,
        seed=seed,
        progress=n > 1,
    )
    made: list[dict[str, Any]] = []
    if out.suffix == ".html":
        from dsp import storage

        storage.write_bytes(out, page([new.record(k) for k in range(n)]).encode())
    for k in range(n):
        path = out
        if out.suffix != ".html":
            path = out if n == 1 else out.with_name(f"{out.stem}-{k:05d}{out.suffix}")
            dsp.write(new.record(k), path)
        found = new.measured[k]
        made.append(
            {
                "file": str(path),
                "labels": " ".join(new.labels[k]),
                "heart_rate": round(found.heart_rate, 1),
                "qt_ms": round(1e3 * found.qt) if found.qt == found.qt else None,
            }
        )
    answer({"records": made, "weights": new.provenance["weights"]}, as_json=as_json)


def page(records: list[Any]) -> str:
    """One self-contained page of HTML with every record on ECG paper."""
    import base64
    import html
    import io

    parts = []
    for ecg in records:
        buffer = io.BytesIO()
        ecg.plot().savefig(buffer, dpi=80)
        text = base64.b64encode(buffer.getvalue()).decode()
        name = html.escape(" ".join(ecg.meta["labels"]))
        parts.append(f'<h2>{name}</h2>\n<img alt="{name}" src="data:image/png;base64,{text}">')
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Generated recordings</title>'
        "<style>body{font:16px sans-serif;margin:2em}img{max-width:100%}</style>"
        "<h1>Generated recordings</h1><p>None of these people exists. Not for diagnosis.</p>"
        + "\n".join(parts)
        + "</html>\n"
    )


@train.command()
def generator(
    data: Annotated[Path, typer.Option(help="Folder of twelve-lead data sets.")],
    out: Annotated[Path, typer.Option(help="Folder for the weights.")],
    run: Annotated[
        Path | None, typer.Option(help="Folder for the checkpoint and the log; resumes.")
    ] = None,
    preset: Annotated[str, typer.Option(help="tiny, base or large.")] = "tiny",
    steps: Annotated[int, typer.Option(help="Of the optimiser.")] = 2400,
    size: Annotated[int, typer.Option(help="Of a batch.")] = 32,
    rate: Annotated[float, typer.Option(help="Of learning.")] = 2e-3,
    objective: Annotated[str, typer.Option(help="flow, v or edm.")] = "flow",
    bridge: Annotated[bool, typer.Option(help="Start at the simulator's waveform.")] = True,
    physics: Annotated[float, typer.Option(help="Weight of the simulator's residual.")] = 0.0,
    euler: Annotated[float, typer.Option(help="Weight of SE-Diff's residual.")] = 0.0,
    spectral: Annotated[float, typer.Option(help="Weight of the spectrum's error.")] = 0.0,
    aligned: Annotated[float, typer.Option(help="Weight of the mean beat's error.")] = 0.0,
    experience: Annotated[
        bool, typer.Option("--experience", help="Show it recordings of similar patients.")
    ] = False,
    fold: Annotated[int, typer.Option(help="Of five, to leave out; -1 for none.")] = 1,
    seed: Annotated[int, typer.Option(help="Of chance.")] = 0,
    device: Annotated[str | None, typer.Option(help="cpu or cuda.")] = None,
    as_json: Json = False,
) -> None:
    """Train the generator on the twelve-lead recordings below a folder, and on the simulator."""
    from dsp import datasets, storage
    from ecgsynth import Experience
    from recon import generation

    entries, others = generation.split(datasets.twelve_lead(data), fold)
    index = Experience.of(entries) if experience else None
    lessons = generation.lessons(entries, steps=steps, size=size, seed=seed, experience=index)
    made = generation.train(
        lessons,
        preset=preset,
        rate=rate,
        objective=objective,
        bridge=bridge,
        terms={"physics": physics, "euler": euler, "spectral": spectral, "aligned": aligned},
        device=device,
        run=run,
    )
    if len(others):
        generation.calibrate(made, others)
    made.save_pretrained(out)
    told = generation.about(entries, fold) | {"windows": len(lessons.windows), "steps": steps}
    storage.write_json(out / "training.json", told)
    answer({"weights": str(out), **told}, as_json=as_json)

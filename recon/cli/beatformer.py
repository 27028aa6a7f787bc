"""``train beatformer``: HeartLang or CLEAR, from recordings without labels."""

from pathlib import Path
from typing import Annotated, Any

import typer

from recon.cli.report import Json, answer


def train(
    kind: Annotated[str, typer.Argument(help="heartlang or clear.")],
    out: Annotated[Path, typer.Option(help="Folder for the weights.")],
    data: Annotated[
        Path | None, typer.Option(help="Folder of twelve-lead data sets; none: simulated only.")
    ] = None,
    preset: Annotated[str, typer.Option(help="tiny or base.")] = "tiny",
    simulated: Annotated[int, typer.Option(help="Simulated patients to learn from.")] = 5000,
    steps: Annotated[int | None, typer.Option(help="Instead of the preset's.")] = None,
    seed: Annotated[int, typer.Option(help="Of patients, weights and batches.")] = 0,
    device: Annotated[str | None, typer.Option(help="cpu or cuda; what there is for none.")] = None,
    work: Annotated[
        Path | None, typer.Option(help="Folder for checkpoints; a killed run goes on from them.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Pre-train a transformer on heartbeat words, without labels."""
    import dataclasses

    from dsp import ECGError
    from ecgsynth import pretrained
    from recon import tasks
    from recon.beatformer.pretraining import KINDS, PRESETS, Corpus, pretrain

    for name, value, known in (("kind", kind, KINDS), ("--preset", preset, PRESETS)):
        if value not in known:
            raise ECGError(f"{name} {value}: give one of {', '.join(known)}.")
    size = PRESETS[preset]
    if steps is not None:
        size = dataclasses.replace(size, steps=steps)
    corpora = [Corpus.of(tasks.simulated(simulated, seed=seed).x)]
    if data is not None:
        corpora.append(Corpus.of(tasks.real(data, every=True).x))
    model = pretrain(kind, corpora, size, seed=seed, out=work, device=device)  # type: ignore[arg-type]
    about: dict[str, Any] = {"records": [len(corpus.x) for corpus in corpora], "seed": seed}
    about |= {"size": dataclasses.asdict(size)}
    pretrained.save(model, out, **about)
    answer({"weights": str(out), **about}, as_json=as_json)

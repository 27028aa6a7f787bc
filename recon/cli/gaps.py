"""Every way from few leads to twelve, compared: ``gaps``."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from recon.cli.report import FOUND_A_PROBLEM, Json, answer

if TYPE_CHECKING:
    from dsp import ECG
    from recon import GapReport

app = typer.Typer()

_BLOCK = 64  # simulated records in memory at once


@app.command()
def gaps(
    recordings: Annotated[
        Path | None, typer.Argument(help="Folder of twelve-lead data sets; simulated if none.")
    ] = None,
    out: Annotated[
        Path, typer.Option(help="Folder for gaps.html, gaps.json, gaps.png and the cache.")
    ] = Path("einthoven-gaps"),
    leads: Annotated[
        list[str] | None, typer.Option("--leads", help='A lead set, "I,II"; may be repeated.')
    ] = None,
    paths: Annotated[
        list[str] | None,
        typer.Option("--path", help="Name of a bundled path; may be repeated; all if none."),
    ] = None,
    n: Annotated[
        int, typer.Option("--n", help="How many records at most (simulated: how many).")
    ] = 500,
    diagnosis: Annotated[
        list[str] | None,
        typer.Option(
            help="Of the simulated, by turns; the nine kinds of infarct and NORM if none."
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of patients, folds, draws and samples.")] = 0,
    as_json: Json = False,
) -> None:
    """Compare reconstruction, generation and alignment, as signals and as latents, on one page.

    What is done is kept in the folder: the same command goes on where it was interrupted. Exits
    with 1 if an encoder has collapsed or a path failed on every record.
    """
    import recon
    from dsp import datasets
    from recon.gaps import bundled

    chosen = bundled(seed)
    if paths:
        chosen = {name: chosen[_known(name, list(chosen))] for name in paths}
    records: Any = _simulated(n, diagnosis, seed)
    if recordings is not None:
        records = datasets.twelve_lead(recordings)[:n]
    report = recon.gaps(
        records,
        leads=leads or ("I", "I,II", "I,II,V2"),
        paths=chosen,
        cache=out / "cache",
        seed=seed,
    )
    report.to_html(out / "gaps.html")
    report.to_json(out / "gaps.json")
    report.plot().savefig(out / "gaps.png", dpi=120)
    answer(_summary(report) | {"written": str(out)}, as_json=as_json)
    if any("collapsed" in warning for warning in report.warnings) or _lost(report):
        raise typer.Exit(FOUND_A_PROBLEM)


def _simulated(n: int, diagnosis: list[str] | None, seed: int) -> "Iterator[ECG]":
    """Records by turns of each diagnosis, a block in memory at a time."""
    import ecgsynth
    from ecgsynth.diseases import TERRITORIES

    turns = diagnosis or [*TERRITORIES, "NORM"]
    for first in range(0, n, _BLOCK):
        count = min(_BLOCK, n - first)
        codes = [turns[k % len(turns)] for k in range(first, first + count)]
        block = ecgsynth.simulate(
            count, diagnosis=codes, fs=100, noise=25.0, seed=seed * 100_003 + first
        )
        yield from (block.record(k) for k in range(count))


def _known(name: str, names: list[str]) -> str:
    from dsp import ECGError

    if name not in names:
        raise ECGError(f"--path {name}: no such path; there are {', '.join(names)}.")
    return name


def _summary(report: "GapReport") -> dict[str, Any]:
    """The headline numbers, a row a path and lead set."""
    rows = []
    for leads in report.lead_sets:
        for path, kind in report.paths.items():
            macro = report.macro(path, leads)
            row: dict[str, Any] = {"leads": " ".join(leads), "kind": kind, "path": path}
            for level in ("decoded beat", "teacher", "judge"):
                gap = report.gap(path, leads, level)
                row[f"{level} gap"] = _number(gap.value if gap else None)
            row["recovery"] = _number(macro.ratio.value if macro else None)
            rows.append(row)
    return {"gaps": rows, "warnings": list(report.warnings)}


def _number(value: float | None) -> float | None:
    return None if value is None or value != value else round(value, 4)


def _lost(report: "GapReport") -> list[str]:
    """Paths without a single number."""
    scored = {row.path for row in report.rows}
    return sorted({failure.path for failure in report.failures} - scored)

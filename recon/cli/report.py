"""What every command shares: how it reads, how it answers, and how it fails."""

import contextvars
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

if TYPE_CHECKING:
    from dsp import ECG

UNSAID: contextvars.ContextVar[dict[str, Any]] = contextvars.ContextVar("UNSAID")
"""Options before the verb: what recordings do not say of themselves."""
BAD_INPUT = 2
FOUND_A_PROBLEM = 1

Recording = Annotated[str, typer.Argument(help="A recording, in any format the library reads.")]
Json = Annotated[bool, typer.Option("--json", help="Answer in JSON.")]
Leads = Annotated[
    str | None, typer.Option("--leads", help='Leads to use, such as "I" or "I,II,V2".')
]
Rename = Annotated[
    list[str] | None, typer.Option("--rename", help="What a lead of the file is: MLII=II.")
]


class Commands(TyperGroup):
    """The group of all verbs; bad input ends in one line and exit code 2."""

    def invoke(self, ctx: Any) -> Any:
        """Run a verb, and turn an `ECGError` into its message."""
        from dsp import ECGError

        try:
            return super().invoke(ctx)
        except ECGError as error:
            typer.echo(f"einthoven: {' '.join(str(error).split())}", err=True)
            raise typer.Exit(BAD_INPUT) from None


def read(path: str, rename: Sequence[str] | None = None, leads: str | None = None) -> "ECG":
    """The recording a command was given, with its leads renamed and selected.

    What a file does not say comes from the options before the verb: ``einthoven --fs 500 beats x``.
    """
    import dsp

    names = {}
    for pair in rename or ():
        old, equals, new = pair.partition("=")
        if not equals:
            raise dsp.LeadError(f"--rename {pair}: write OLD=NEW, such as MLII=II.")
        names[old] = new
    chosen = dsp.leads.canonical_all(leads) if leads else None
    return dsp.read(path, rename=names or None, leads=chosen, **UNSAID.get({}))


def answer(values: Mapping[str, Any], *, as_json: bool) -> None:
    """Print what a command found: JSON, or lines of name and value."""
    if as_json:
        typer.echo(json.dumps(values, indent=2))
        return
    width = max((len(name) for name in values), default=0)
    for name, value in values.items():
        if isinstance(value, list) and value and isinstance(value[0], Mapping):
            typer.echo(f"{name}:")
            table(value)
        elif value not in (None, [], {}):
            typer.echo(f"{name:{width}}  {_text(value)}")


def table(rows: Iterable[Mapping[str, Any]]) -> None:
    """Print rows of equal keys under their names."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    rows = list(rows)
    drawn = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in rows[0]:
        right = not isinstance(rows[0][name], str)
        drawn.add_column(name, justify="right" if right else "left")
    for row in rows:
        drawn.add_row(*(_text(value) for value in row.values()))
    Console(soft_wrap=True).print(drawn)


def _text(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{k}: {_text(v)}" for k, v in value.items())
    if isinstance(value, list | tuple):
        return " ".join(_text(v) for v in value)
    return str(value)

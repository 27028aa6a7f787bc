"""PTB-XL as tasks: what its cardiologists said of each recording, by its official folds."""

from __future__ import annotations

import csv
import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from dsp import ReadError, checks, datasets
from dsp.datasets import Entry
from dsp.datasets.layout import locate
from recon.tasks.cohort import INFARCTS, KNOBS, Cohort

Statement = Mapping[str, str]

ASKED: Final[Mapping[str, Callable[[Statement], str]]] = {
    "superclass": lambda row: row["diagnostic_class"],
    "subclass": lambda row: row["diagnostic_subclass"],
    "form": lambda row: row[""] if row["form"] else "",
    "rhythm": lambda row: row[""] if row["rhythm"] else "",
}
"""What a row of ``scp_statements.csv`` answers to each task; "" for nothing."""
_COLUMNS: Final = {"", "diagnostic_class", "diagnostic_subclass", "form", "rhythm"}
_PARTS: Final = ("train", "val", "test")


def ptbxl(root: str | Path) -> dict[str, Cohort]:
    """PTB-XL's tasks: superclass, subclass, form, rhythm, and the nine infarcts.

    A statement counts whatever its likelihood: 0 is how PTB-XL writes that the likelihood is
    unknown, as of nearly every rhythm. A recording of which nothing is said in a task is unknown in
    all of it. Both as in the benchmark of the authors (Strodthoff et al. 2021), which leaves such
    recordings out.

    Parameters
    ----------
    root : the data set's folder, or the folder that holds it as ``ptbxl``.

    Returns
    -------
    By name, cohorts of the same recordings at 100 Hz and one `x` in common, grouped by patient;
    `split` is ``train`` (folds 1-8), ``val`` (9) or ``test`` (10). ``infarcts`` has the nine
    statements of `INFARCTS` and MI, any of them, where there is any diagnosis. Labels are as in
    the data set, however rare: `Cohort.scorable` keeps those that can be scored. Recordings that
    `recon.population.windows` refuses are left out.

    Raises
    ------
    ReadError
        If PTB-XL, its table of statements or one of the parts is not there, or is damaged.

    Examples
    --------
    >>> ptbxl("nowhere")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    dsp.errors.ReadError: PTB-XL's table of statements is neither ... files into nowhere/ptbxl.
    """
    statements = _statements(root)
    cohort, entries = _read(root)
    answers = {
        name: [_answers(entry, statements, ask) for entry in entries] for name, ask in ASKED.items()
    }
    found = {
        name: _labelled(cohort, said, sorted(set[str]().union(*said)), said)
        for name, said in answers.items()
    }
    infarcts = [_infarcts(entry) for entry in entries]
    found["infarcts"] = _labelled(cohort, infarcts, (*INFARCTS, "MI"), answers["superclass"])
    return found


def _statements(root: str | Path) -> dict[str, Statement]:
    """Rows of PTB-XL's table of statements by code."""
    table, title = "scp_statements.csv", "PTB-XL's table of statements"
    source = "ptb-xl 1.0.3 (https://physionet.org/content/ptb-xl/1.0.3/)"
    path = locate(root, "ptbxl", [table], title, source) / table
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ReadError(f"cannot read {path}: {error}.") from None
    lost = sorted(_COLUMNS - set(rows[0] if rows else ()))
    if lost:
        raise ReadError(f"{path} lacks the columns {lost}; take the file of PTB-XL 1.0.3.")
    return {row[""]: row for row in rows}


def _read(root: str | Path) -> tuple[Cohort, list[Entry]]:
    """Windows without labels, one recording after another, and their entries."""
    from tqdm.auto import tqdm

    from recon import population

    x: list[checks.Signal] = []
    kept: list[Entry] = []
    entries = datasets.ptbxl(root)
    for entry in tqdm(entries, desc="PTB-XL", disable=None):
        window = next(population.windows(entry.ecg), None)
        if window is not None and entry.split is not None:
            x.append(window)
            kept.append(entry)
    split = tuple(str(entry.split) for entry in kept)
    lost = [part for part in _PARTS if part not in split]
    if lost:
        raise ReadError(
            f"PTB-XL below {root} has {len(kept)} usable recordings, none of {', '.join(lost)}; "
            "train is folds 1-8, val 9, test 10: put the whole folder records100 there."
        )
    unknown = np.full((len(x), len(KNOBS)), np.nan, np.float32)
    nothing = np.zeros((len(x), 0), np.float32)
    groups = tuple(entry.group for entry in kept)
    return Cohort(np.stack(x), nothing, (), unknown, groups, split), kept


def _answers(
    entry: Entry, statements: Mapping[str, Statement], ask: Callable[[Statement], str]
) -> set[str]:
    return {ask(statements[code]) for code in entry.labels if code in statements} - {""}


def _infarcts(entry: Entry) -> set[str]:
    said = set(entry.labels) & set(INFARCTS)
    return said | {"MI"} if said else said


def _labelled(
    cohort: Cohort, said: Sequence[set[str]], names: Sequence[str], known: Sequence[set[str]]
) -> Cohort:
    """The cohort with what is said of each record; nothing of it where `known` is empty."""
    labels = np.array([[name in one for name in names] for one in said], np.float32)
    labels[[not one for one in known]] = np.nan
    return dataclasses.replace(cohort, labels=labels, names=tuple(names))

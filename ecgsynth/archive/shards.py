"""Shards: some hundred records as one Parquet file, in whole microvolts, each with its own hash."""

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

import dsp
from dsp import leads
from dsp.errors import ReadError, SignalError, WriteError
from dsp.storage import publish

if TYPE_CHECKING:
    import pyarrow

STEPS_PER_MV: Final = 1000
"""Integers for each mV: what is kept differs from what was made by at most half a microvolt."""
GAP: Final = -32768
"""The integer that stands for NaN."""
GROUP: Final = 32
"""Records a row group: one record is read without the rest of its shard."""
BESIDE: Final = ("r_peaks", "symbols", "labels", "sha256", "parameters")
"""Columns beside the eight leads; the last only if the source tells parameters."""
_ALGEBRA_MV: Final = 2e-3  # a source may have rounded its twelve leads to microvolts
_LOOK: Final = 16  # samples between two looks at the limb algebra
_ROWS: Final = [leads.TWELVE.index(lead) for lead in leads.EIGHT]


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Records:
    """Some records of an archive, in the form that `ecgsynth.simulate` gives.

    Attributes
    ----------
    signal : (n, leads, time) float32 mV; NaN marks gaps.
    fs : Hz. leads : names of the rows of `signal`.
    r_peaks : n arrays of int64. symbols : n arrays of WFDB labels, one a beat.
    labels : n tuples of statements.
    parameters : name -> (n,).
    hashes : n SHA-256 of what was stored, hexadecimal.

    Examples
    --------
    >>> x = np.zeros((1, 12, 5000), np.float32)
    >>> one = Records(x, 500.0, leads.TWELVE, [np.array([9])], [np.array(["N"])], [("SR",)], {}, [""])
    >>> one.record(0)
    ECG(I II III aVR aVL aVF V1 V2 V3 V4 V5 V6; 10 s at 500 Hz, 1 atr)
    """

    signal: NDArray[np.float32]
    fs: float
    leads: tuple[str, ...]
    r_peaks: list[NDArray[np.int64]]
    symbols: list[NDArray[np.str_]]
    labels: list[tuple[str, ...]]
    parameters: dict[str, NDArray[np.float64]]
    hashes: list[str]

    def __len__(self) -> int:
        return len(self.signal)

    def record(self, k: int) -> dsp.ECG:
        """Record k as an ECG, its beats as annotator ``atr``."""
        knobs = {name: float(values[k]) for name, values in self.parameters.items()}
        meta: dict[str, Any] = {"labels": self.labels[k], "parameters": knobs}
        if "age" in knobs:
            meta["age"] = round(knobs["age"])
        if "male" in knobs:
            meta["sex"] = "M" if knobs["male"] else "F"
        beats = dsp.Annotations(self.r_peaks[k], tuple(self.symbols[k].tolist()))
        return dsp.ECG(self.signal[k], self.fs, self.leads, annotations={"atr": beats}, meta=meta)


def publish_shard(made: Any, path: Path) -> None:
    """Encode what a source made and publish it as one file, whole or not at all.

    Raises
    ------
    WriteError
        If the format cannot hold it, or the place cannot be written.
    """
    import pyarrow.parquet

    table = encode(made)
    deltas = {f"{lead}.list.element": "DELTA_BINARY_PACKED" for lead in leads.EIGHT}
    with publish(path) as draft:
        pyarrow.parquet.write_table(
            table,
            draft,
            row_group_size=GROUP,
            use_dictionary=False,
            write_statistics=False,
            column_encoding=deltas,
            compression="none",  # on top of the differences: a sixth smaller, half as fast again
        )


def encode(made: Any) -> "pyarrow.Table":
    """One row a record: a list of int16 for each of the eight leads, beats, labels, parameters, hash.

    Raises
    ------
    WriteError
        If it has not twelve leads that obey the limb algebra, or spans more than int16 can hold.
    """
    import pyarrow as pa

    counts = _counts(made.signal)
    n, _, n_samples = counts.shape
    peaks, symbols = _beats(made, n)
    labels = [tuple(map(str, names)) for names in made.labels]
    knobs = {k: np.asarray(v, np.float64) for k, v in getattr(made, "parameters", {}).items()}
    about = {"fs": float(made.fs), "unit": f"1/{STEPS_PER_MV} mV", "gap": GAP}
    hashes = [
        digest(counts[k], peaks[k], symbols[k], labels[k], {p: v[k] for p, v in knobs.items()})
        for k in range(n)
    ]
    whole = pa.field("element", pa.int16(), nullable=False)
    starts = pa.array(np.arange(n + 1, dtype=np.int32) * n_samples)
    columns: dict[str, Any] = {
        lead: pa.ListArray.from_arrays(
            starts, pa.array(np.ascontiguousarray(counts[:, row]).reshape(-1)), type=pa.list_(whole)
        )
        for row, lead in enumerate(leads.EIGHT)
    }
    columns |= {
        "r_peaks": pa.array(peaks, pa.list_(pa.int64())),
        "symbols": pa.array(symbols, pa.string()),
        "labels": pa.array(labels, pa.list_(pa.string())),
        "sha256": pa.array(hashes, pa.string()),
    }
    if knobs:
        columns["parameters"] = pa.StructArray.from_arrays(list(knobs.values()), list(knobs))
    return pa.table(columns).replace_schema_metadata({"einthoven": json.dumps(about)})


def decode(
    table: "pyarrow.Table", names: tuple[str, ...] = leads.TWELVE, *, check: bool = False
) -> Records:
    """The records of a table; with `check` only if every hash agrees.

    Parameters
    ----------
    table : of `encode`, or some rows of it; it may lack leads that `names` do not need.
    names : leads wanted, of the twelve.

    Raises
    ------
    ReadError
        If the table is not one of ours, or (with `check`) a record is not what was written.
    """
    try:
        about = json.loads((table.schema.metadata or {})[b"einthoven"])
        fs = float(about["fs"])
        given = [lead for lead in leads.EIGHT if lead in table.column_names]
        counts = np.stack([_column(table, lead) for lead in given], axis=1)
        rest = {
            name: table.column(name).to_pylist() for name in BESIDE if name in table.column_names
        }
        knobs = rest.get("parameters", [{}] * len(table))
    except (KeyError, ValueError, TypeError) as error:
        raise ReadError(f"the table is no shard of an archive: {error}.") from None
    if check:
        rows = zip(counts, rest["r_peaks"], rest["symbols"], rest["labels"], knobs, strict=True)
        for k, (row, written) in enumerate(zip(rows, rest["sha256"], strict=True)):
            if digest(*row) != written:
                raise ReadError(f"record {k} is not what was written: its hash differs.")
    x = counts.astype(np.float32) / np.float32(STEPS_PER_MV)
    if (counts == GAP).any():
        x[counts == GAP] = np.nan
    how = leads.rows(names)[:, [leads.EIGHT.index(lead) for lead in given]]
    return Records(
        signal=_combined(x, how),
        fs=fs,
        leads=names,
        r_peaks=[np.array(peaks, np.int64) for peaks in rest["r_peaks"]],
        symbols=[np.array(list(text), "U1") for text in rest["symbols"]],
        labels=[tuple(names_) for names_ in rest["labels"]],
        parameters={name: np.array([row[name] for row in knobs]) for name in (*knobs, {})[0]},
        hashes=rest["sha256"],
    )


def needed(names: tuple[str, ...]) -> list[str]:
    """The columns that hold these leads: those of the eight they are sums of, and all that is no lead.

    Examples
    --------
    >>> needed(("aVF",))
    ['I', 'II', 'r_peaks', 'symbols', 'labels', 'sha256', 'parameters']
    """
    used = np.flatnonzero(np.abs(leads.rows(names)).sum(axis=0))
    return [leads.EIGHT[i] for i in used] + list(BESIDE)


def digest(counts: NDArray[np.int16], *beside: Any) -> str:
    """SHA-256 of one record: its integers, lead by lead, then all else as JSON."""
    found = hashlib.sha256(counts.astype("<i2", order="C", copy=False).tobytes())
    found.update(json.dumps([_plain(part) for part in beside], sort_keys=True).encode())
    return found.hexdigest()


def _plain(part: Any) -> Any:
    if isinstance(part, dict):
        return {name: float(value) for name, value in part.items()}
    return part if isinstance(part, str) else list(part)


def _counts(signal: Any) -> NDArray[np.int16]:
    """(n, 8, time) int16 of twelve leads, record by record, so that no large copy is made."""
    x = signal if isinstance(signal, np.ndarray) else signal.detach().cpu().numpy()
    if x.ndim != 3 or x.shape[1] != len(leads.TWELVE):
        raise WriteError(f"the source made a signal of shape {x.shape}; expected (n, 12, time).")
    broken = float(np.fmax.reduce(np.abs(leads.residual(x[..., ::_LOOK])), axis=None, initial=0.0))
    if broken > _ALGEBRA_MV:
        raise WriteError(
            f"the limb leads the source made break Einthoven's law by {broken:.3g} mV; an archive "
            "keeps eight leads and gives the other four by algebra."
        )
    out = np.empty((len(x), len(_ROWS), x.shape[2]), np.int16)
    for k in range(len(x)):
        y = x[k, _ROWS] * np.float32(STEPS_PER_MV)
        np.rint(y, out=y)
        if not (largest := np.abs(y).max()) <= -GAP - 1:
            largest = np.fmax.reduce(np.abs(y), axis=None, initial=0.0)
            y[np.isnan(y)] = GAP
        if largest > -GAP - 1:
            raise WriteError(
                f"record {k} of the shard reaches {largest / STEPS_PER_MV:.3g} mV; an archive "
                f"holds up to {(-GAP - 1) / STEPS_PER_MV:g} mV."
            )
        out[k] = y
    return out


def _beats(made: Any, n: int) -> tuple[list[list[int]], list[str]]:
    """R peaks and their labels as plain lists and text; none where the source tells none."""
    given = getattr(made, "r_peaks", None)
    peaks = (
        [[int(i) for i in row] for row in given] if given is not None else [[] for _ in range(n)]
    )
    marks = getattr(made, "symbols", None)
    if marks is None:
        return peaks, ["N" * len(row) for row in peaks]
    symbols = ["".join(row) for row in marks]
    if [len(row) for row in peaks] != [len(text) for text in symbols]:
        raise SignalError("the source gave other than one symbol of one letter for each R peak.")
    return peaks, symbols


def _column(table: "pyarrow.Table", lead: str) -> NDArray[np.int16]:
    """(n, time) of a column of lists of one length."""
    lists = table.column(lead).combine_chunks()
    flat = lists.flatten().to_numpy(zero_copy_only=False)
    return np.asarray(flat, np.int16).reshape(len(lists), -1)


def _combined(x: NDArray[np.float32], how: NDArray[np.float64]) -> NDArray[np.float32]:
    """Leads by algebra, (n, wanted, time); those stored are copied untouched."""
    out = np.empty((len(x), len(how), x.shape[2]), np.float32)
    for row, weights in enumerate(how):
        used = np.flatnonzero(weights)
        if len(used) == 1 and weights[used[0]] == 1.0:
            out[:, row] = x[:, used[0]]
        else:
            # In float64, as `dsp.leads.twelve` does, so that the result is the nearest float32.
            out[:, row] = sum(weights[i] * x[:, i].astype(np.float64) for i in used)
    return out

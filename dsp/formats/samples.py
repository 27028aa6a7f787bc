"""Samples: WFDB's formats 16 and 212, from bytes to integers and back; the others are the library's."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from dsp.errors import ReadError

_PAIR: Final = {"16": 1, "212": 2}
"""Samples that share bytes: a read must begin at the first of them."""
_PAIR_BYTES: Final = {"16": 2, "212": 3}


def read(path: Path, fmt: str, offset: int, first: int, last: int) -> NDArray[np.int16]:
    """Samples `first` to `last` of a signal file, its channels interleaved.

    Parameters
    ----------
    path, fmt, offset : the file, its format (a key of `UNPACK`), bytes before the first sample.
    first, last : counted over all channels of the file.

    Raises
    ------
    ReadError
        If the file ends before `last`.
    """
    pair, size = _PAIR[fmt], _PAIR_BYTES[fmt]
    begin, end = first // pair, -(-last // pair)
    with path.open("rb") as file:
        file.seek(offset + begin * size)
        raw = file.read((end - begin) * size)
    # The last sample of an odd number may be stored without the half byte of a next one.
    values = UNPACK[fmt](raw + b"\0" * (-len(raw) % size))[first - begin * pair :][: last - first]
    if len(values) < last - first:
        raise ReadError(f"{path.name} ends before sample {last}; it is truncated.")
    return values


def _unpack16(raw: bytes) -> NDArray[np.int16]:
    return np.frombuffer(raw, "<i2").astype(np.int16, copy=False)


def _unpack212(raw: bytes) -> NDArray[np.int16]:
    """Two samples in three bytes: low byte, both high halves, low byte."""
    low, halves, other = np.frombuffer(raw, np.uint8).reshape(-1, 3).T.astype(np.uint16)
    out = np.empty(2 * len(low), np.uint16)
    out[::2] = (halves & 0x0F) << 12 | low << 4
    out[1::2] = (halves & 0xF0) << 8 | other << 4
    return out.view(np.int16) >> 4  # the shift carries the sign down


def _pack16(table: NDArray[np.int16]) -> bytes:
    return table.astype("<i2").tobytes()


def _pack212(table: NDArray[np.int16]) -> bytes:
    flat = np.append(table.ravel(), np.zeros(table.size % 2, np.int16)).astype(np.uint16) & 0xFFF
    first, second = flat[::2], flat[1::2]
    packed = np.stack([first & 255, first >> 8 | (second >> 8) << 4, second & 255], axis=1)
    return packed.astype(np.uint8).tobytes()


UNPACK: Final[dict[str, Callable[[bytes], NDArray[np.int16]]]] = {
    "16": _unpack16,
    "212": _unpack212,
}
PACK: Final[dict[str, Callable[[NDArray[Any]], bytes]]] = {"16": _pack16, "212": _pack212}
"""Bytes of integers (time, channels)."""

"""Layout: where a data set lies on the disk, in what order, and what its headers say of the patient."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from dsp.errors import ReadError

_OLDEST: Final = 120
"""Years; PTB-XL writes 300 for "over 89"."""


def locate(
    root: str | Path, folder: str, markers: Sequence[str], title: str, download: str
) -> Path:
    """The data set's own folder: `root` / `folder`, or `root` itself.

    Parameters
    ----------
    markers : glob patterns; a folder in which one of them finds something is the one.
    title, download : name of the data set and where it comes from, for the message.

    Raises
    ------
    ReadError
        If it is in neither; the message says what to download and where to put it.

    Examples
    --------
    >>> locate("nowhere", "ludb", ["*.csv"], "LUDB", "https://physionet.org/content/ludb/1.0.1/")
    Traceback (most recent call last):
    ...
    dsp.errors.ReadError: LUDB is neither in nowhere/ludb nor in nowhere (no *.csv there). Download \
https://physionet.org/content/ludb/1.0.1/ and put its files into nowhere/ludb.
    """
    root = Path(root)
    for place in (root / folder, root):
        if any(next(place.glob(marker), None) is not None for marker in markers):
            return place
    raise ReadError(
        f"{title} is neither in {root / folder} nor in {root} (no {' or '.join(markers)} there). "
        f"Download {download} and put its files into {root / folder}."
    )


def natural(paths: Iterable[Path]) -> list[Path]:
    """Paths ordered by the numbers in their names: 2 before 10.

    Examples
    --------
    >>> [p.name for p in natural([Path("10.hea"), Path("2.hea")])]
    ['2.hea', '10.hea']
    """

    def key(path: Path) -> list[tuple[bool, int, str]]:
        parts = re.split(r"(\d+)", path.as_posix())
        return [(part.isdigit(), int(part) if part.isdigit() else 0, part) for part in parts]

    return sorted(paths, key=key)


def years(text: object) -> float | None:
    """An age as data sets write it: ``"64"``, ``"57.0"``, ``">89"``, ``"300"`` (over 89), ``"NaN"``.

    Examples
    --------
    >>> years("64"), years(">89"), years("300"), years("NaN")
    (64.0, 90.0, 90.0, None)
    """
    found = re.search(r"-?\d+(\.\d+)?", str(text))
    if found is None or float(found[0]) < 0:
        return None
    hidden = ">" in str(text) or float(found[0]) > _OLDEST
    return 90.0 if hidden else float(found[0])


def gender(text: object) -> str | None:
    """``"F"`` or ``"M"`` from the first letter, else None.

    Examples
    --------
    >>> gender("Female"), gender("m"), gender("Unknown")
    ('F', 'M', None)
    """
    letter = str(text).strip()[:1].upper()
    return letter if letter in ("F", "M") else None


def comments(header: Path) -> dict[str, str]:
    r"""The ``# key: value`` comments of a WFDB header, keys in lower case.

    Raises
    ------
    ReadError
        If the header cannot be read.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as home:
    ...     _ = Path(home, "a.hea").write_text("a 1 500 9\n# Age: 64\n#<sex>: M\n")
    ...     comments(Path(home, "a.hea"))
    {'age': '64', 'sex': 'M'}
    """
    try:
        text = header.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise ReadError(f"cannot read {header}: {error.strerror or error}.") from None
    pairs = re.findall(r"^#\s*<?([\w ()]+?)>?:[ \t]*(.*?)\s*$", text, re.MULTILINE)
    return {key.lower(): value for key, value in pairs}

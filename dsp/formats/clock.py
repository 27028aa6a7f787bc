"""Clock: when a recording began, as ISO 8601 in ``ecg.meta["start"]``, whatever the file's spelling."""

import contextlib
import datetime
from collections.abc import Mapping
from typing import Any, Final

_SPELLINGS: Final = (
    "%H:%M:%S %d/%m/%Y",  # WFDB
    "%H:%M:%S.%f %d/%m/%Y",
    "%H:%M %d/%m/%Y",
    "%d-%b-%Y %H:%M:%S",  # the headers of the CinC challenges
    "%d/%m/%Y %H:%M:%S",
    "%Y%m%d%H%M%S",  # DICOM
    "%Y%m%d%H%M%S.%f",
)


def read(text: str) -> dict[str, str]:
    """``{"start": ...}`` if the text is a date with a time, else nothing.

    Examples
    --------
    >>> read("15-May-2020 15:35:30")
    {'start': '2020-05-15T15:35:30'}
    >>> read("soon")
    {}
    """
    for spelling in _SPELLINGS:
        with contextlib.suppress(ValueError):
            return {"start": datetime.datetime.strptime(text, spelling).isoformat()}
    return {}


def of(meta: Mapping[str, Any]) -> datetime.datetime | None:
    """The moment in ``meta["start"]``, if it is one.

    Examples
    --------
    >>> of({"start": "2020-05-15T15:35:30"}).year
    2020
    """
    with contextlib.suppress(ValueError):
        return datetime.datetime.fromisoformat(str(meta.get("start", "")))
    return None

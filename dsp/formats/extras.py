"""Extras: libraries for formats that not everyone needs, asked for when a file does."""

import importlib
from pathlib import Path
from typing import Any

from dsp.errors import ECGError, ReadError


def needed(module: str, path: Path, error: type[ECGError] = ReadError) -> Any:
    """The module, imported.

    Raises
    ------
    ReadError, or `error`
        If it is not installed; the message says how to.
    """
    try:
        return importlib.import_module(module)
    except ImportError:
        raise error(
            f"{path.name} needs {module}, which is not installed: pip install 'einthoven[formats]'."
        ) from None

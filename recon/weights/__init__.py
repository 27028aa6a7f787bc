"""Weights: where the models lie, and how a folder becomes a predictor."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from dsp import ECGError
from recon.gaussian import Gaussian
from recon.predictor import Predictor

HOME: Final = Path(__file__).parent
DEFAULT: Final = "gaussian"


def load(name: str | Path | None = None) -> Predictor:
    """The predictor of a bundled name, a folder, or a repository of the Hugging Face hub.

    Parameters
    ----------
    name : as of `recon.Reconstructor.from_pretrained`.

    Raises
    ------
    ECGError
        If there is no such model, or its files are broken.

    Examples
    --------
    >>> load("gaussian").network is None
    True
    """
    folder = find(DEFAULT if name is None else name)
    head = _head(folder)
    if head.get("model") == "gaussian":
        return Predictor(Gaussian.load(folder))
    from ecgsynth import pretrained
    from recon.network import Network

    widths = tuple(map(float, head.get("widths", (1.0,) * 12)))
    network = pretrained.load(Network, folder)
    return Predictor(Gaussian.load(folder / "gaussian"), network, widths)


def save(predictor: Predictor, folder: str | Path, **about: Any) -> None:
    """Write what `load` reads; `about` is kept in config.json.

    Raises
    ------
    WriteError
        If the folder cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as home:
    ...     save(load("gaussian"), home)
    ...     load(home).network is None
    True
    """
    if not isinstance(predictor.model, Gaussian):
        raise ECGError("a model calibrated to a patient is not saved; calibrate again.")
    if predictor.network is None:
        predictor.model.save(folder, **about)
        return
    from ecgsynth import pretrained

    predictor.model.save(Path(folder) / "gaussian")
    pretrained.save(predictor.network, folder, widths=list(predictor.widths), **about)


def find(name: str | Path) -> Path:
    """The folder of a model.

    Raises
    ------
    ECGError
        If there is none of this name.

    Examples
    --------
    >>> find("gaussian").name
    'gaussian'
    """
    if (Path(name) / "config.json").exists():
        return Path(name)
    if (HOME / name / "config.json").exists():
        return HOME / name
    if str(name).count("/") == 1 and not Path(name).exists():
        return _fetched(str(name))
    bundled = ", ".join(sorted(path.parent.name for path in HOME.glob("*/config.json")))
    raise ECGError(
        f"no model {str(name)!r}; bundled are {bundled}; else give a folder or owner/name."
    )


def _fetched(name: str) -> Path:
    """A repository of the hub, in its cache."""
    import huggingface_hub
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        return Path(
            huggingface_hub.snapshot_download(name, allow_patterns=["*.json", "*.safetensors"])
        )
    except (OSError, HfHubHTTPError, HFValidationError, LocalEntryNotFoundError) as error:
        raise ECGError(f"no model {name!r} on the hub, or no network ({error}).") from None


def _head(folder: Path) -> dict[str, Any]:
    path = folder / "config.json"
    try:
        head = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise ECGError(f"{path} cannot be read ({error}).") from None
    if not isinstance(head, dict):
        raise ECGError(f"{path} is not an object of JSON.")
    return head

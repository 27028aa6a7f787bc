"""Weights: where the models lie, and how a folder becomes a predictor."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from dsp import ECGError
from recon.familiarity import Familiarity
from recon.gaussian import Gaussian
from recon.intervals import Intervals
from recon.predictor import Learned, Predictor

HOME: Final = Path(__file__).parent
DEFAULT: Final = "base"


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

    return predictor(head, Gaussian.load(folder / "gaussian"), pretrained.load(Network, folder))


def predictor(head: Mapping[str, Any], model: Gaussian, network: Learned | None) -> Predictor:
    """A predictor of its parts, with what a config.json says of intervals and familiarity.

    Raises
    ------
    ECGError
        If what it says is broken.

    Examples
    --------
    >>> predictor({}, load("gaussian").model, None).intervals is None
    True
    """
    intervals, familiarity = head.get("intervals"), head.get("familiarity")
    return Predictor(
        model,
        network,
        None if intervals is None else Intervals.from_config(intervals),
        None if familiarity is None else Familiarity.from_config(familiarity),
    )


def about(predictor: Predictor) -> dict[str, Any]:
    """What `predictor` reads.

    Examples
    --------
    >>> about(load("gaussian"))
    {'intervals': None, 'familiarity': None}
    """
    parts = {"intervals": predictor.intervals, "familiarity": predictor.familiarity}
    return {name: None if part is None else part.config for name, part in parts.items()}


def save(predictor: Predictor, folder: str | Path, **said: Any) -> None:
    """Write what `load` reads; what is `said` beside is kept in config.json.

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
        predictor.model.save(folder, **said)
        return
    from ecgsynth import pretrained
    from recon.network import Network

    if not isinstance(predictor.network, Network):
        raise ECGError("an exported network is a file already; copy its folder.")
    predictor.model.save(Path(folder) / "gaussian")
    pretrained.save(predictor.network, folder, **about(predictor), **said)


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

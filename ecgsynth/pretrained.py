"""A network on disk: a folder with config.json, that builds it, and model.safetensors, that fills it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Protocol, TypeVar

import torch
from torch import Tensor, nn

from dsp import ECGError, storage


class Configured(Protocol):
    """A network that knows the arguments it was built with."""

    config: dict[str, Any]


Network = TypeVar("Network", bound=nn.Module)


def save(model: nn.Module, folder: str | Path, *, half: bool = True, **about: Any) -> None:
    """Write a network so that `load` builds it again; both files or neither new one is seen.

    Parameters
    ----------
    model : with `config`, the JSON values that its class is built with.
    folder : made if it is not there; other files in it stay.
    half : store numbers in 16 bits; they are computed with in 32.
    about : further JSON values for config.json.

    Raises
    ------
    WriteError
        If the folder cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> class Net(nn.Linear):
    ...     def __init__(self, size):
    ...         super().__init__(size, size)
    ...         self.config = {"size": size}
    >>> with tempfile.TemporaryDirectory() as home:
    ...     save(Net(3), home)
    ...     load(Net, home).config
    {'size': 3}
    """
    from safetensors.torch import save as to_bytes

    state = {
        name: (value.half() if half and value.is_floating_point() else value).contiguous().cpu()
        for name, value in model.state_dict().items()
    }
    head = {"model": type(model).__name__, "version": 1, "config": model.config, **about}
    storage.write_bytes(Path(folder) / "model.safetensors", to_bytes(state))
    storage.write_json(Path(folder) / "config.json", head)


def load(kind: type[Network], folder: str | Path) -> Network:
    """Build and fill what `save` wrote; in 32 bits, ready to predict.

    Parameters
    ----------
    kind : the class of the network.
    folder : what `save` wrote into.

    Raises
    ------
    ECGError
        If the folder holds no such network; the message says what is wrong.

    Examples
    --------
    >>> from ecgsynth.unet import Attention
    >>> load(Attention, "nowhere")
    Traceback (most recent call last):
    dsp.errors.ECGError: nowhere holds no Attention (FileNotFoundError: ...
    """
    from safetensors import SafetensorError

    try:
        head = about(folder)
        if head.get("model") != kind.__name__:
            raise ValueError(f"config.json describes {head.get('model')!r}")
        model = kind(**head["config"])
        model.load_state_dict(read(Path(folder) / "model.safetensors"))
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
        raise ECGError(
            f"{folder} holds no {kind.__name__} ({type(error).__name__}: {error}); "
            "give a folder with config.json and model.safetensors."
        ) from None
    return model.eval()


def about(folder: str | Path) -> dict[str, Any]:
    """What config.json of a folder says.

    Raises
    ------
    OSError, ValueError
        If there is none, or it is not JSON of an object.

    Examples
    --------
    >>> about("recon/weights/gaussian")["model"]  # doctest: +SKIP
    'gaussian'
    """
    head = json.loads((Path(folder) / "config.json").read_text())
    if not isinstance(head, dict):
        raise TypeError("config.json is not an object")
    return head


def read(path: Path) -> dict[str, Tensor]:
    """Tensors by name, floating ones in 32 bits.

    Examples
    --------
    >>> read(Path("model.safetensors"))  # doctest: +SKIP
    {'stem.weight': tensor(...
    """
    from safetensors.torch import load as from_bytes

    state = from_bytes(path.read_bytes())
    return {
        name: value.to(torch.float32) if value.is_floating_point() else value
        for name, value in state.items()
    }

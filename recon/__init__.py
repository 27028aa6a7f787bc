"""recon: any leads to twelve, and the rival, direct latent alignment.

Names are imported when they are first used, so that ``einthoven --help`` waits for nothing.
"""

import importlib
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from recon import calibration, gaussian, population, reconstructor
    from recon.reconstructor import AssumptionWarning, Reconstruction, Reconstructor, to_12lead

_HOMES: Final = {
    "AssumptionWarning": "reconstructor",
    "Reconstruction": "reconstructor",
    "Reconstructor": "reconstructor",
    "to_12lead": "reconstructor",
}
_MODULES: Final = ("calibration", "gaussian", "population", "reconstructor")

__all__ = [
    "AssumptionWarning",
    "Reconstruction",
    "Reconstructor",
    "calibration",
    "gaussian",
    "population",
    "reconstructor",
    "to_12lead",
]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(f"recon.{name}")
    if name in _HOMES:
        value = getattr(importlib.import_module(f"recon.{_HOMES[name]}"), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'recon' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)

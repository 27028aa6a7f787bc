"""recon: any leads to twelve, and the rival, direct latent alignment.

Names are imported when they are first used, so that ``einthoven --help`` waits for nothing.
"""

import importlib
import sys
import types
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from recon import (
        align,
        beatformer,
        calibration,
        conformal,
        difficulty,
        encoders,
        fir,
        gaussian,
        population,
        reconstructor,
        tasks,
    )
    from recon.align import Aligner
    from recon.gaps import GapReport, gaps
    from recon.information import LeadInformation, information
    from recon.reconstruction import Reconstruction, UnfamiliarWarning
    from recon.reconstructor import AssumptionWarning, Reconstructor, to_12lead

_HOMES: Final = {
    "Aligner": "align",
    "AssumptionWarning": "reconstructor",
    "GapReport": "gaps",
    "LeadInformation": "information",
    "Reconstruction": "reconstruction",
    "Reconstructor": "reconstructor",
    "UnfamiliarWarning": "reconstruction",
    "gaps": "gaps",
    "information": "information",
    "to_12lead": "reconstructor",
}
_MODULES: Final = (
    "align",
    "beatformer",
    "calibration",
    "conformal",
    "difficulty",
    "encoders",
    "fir",
    "gaussian",
    "population",
    "reconstructor",
    "tasks",
)

__all__ = [
    "Aligner",
    "AssumptionWarning",
    "GapReport",
    "LeadInformation",
    "Reconstruction",
    "Reconstructor",
    "UnfamiliarWarning",
    "align",
    "beatformer",
    "calibration",
    "conformal",
    "difficulty",
    "encoders",
    "fir",
    "gaps",
    "gaussian",
    "information",
    "population",
    "reconstructor",
    "tasks",
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


class _Package(types.ModuleType):
    """A package in which a function that bears its module's name stays in front of the module.

    Whoever imports ``recon.gaps.paths`` makes Python set ``recon.gaps`` to the module; the function
    is put there instead. ``from recon.gaps import ...`` works as ever.
    """

    def __setattr__(self, name: str, value: Any) -> None:
        """Set an attribute; a module by the function of its own name, if it is public."""
        if isinstance(value, types.ModuleType) and _HOMES.get(name) == name:
            value = getattr(value, name)
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package

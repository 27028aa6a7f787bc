"""Denoiser: conditions in, velocity out; diffusers' ModelMixin around `UNet1d`."""

from ecgsynth.denoiser.network import PRESETS, SPECTRUM, SPECTRUM_STEP, Denoiser
from ecgsynth.denoiser.objectives import OBJECTIVES, Objective
from ecgsynth.denoiser.terms import TERMS

__all__ = ["OBJECTIVES", "PRESETS", "SPECTRUM", "SPECTRUM_STEP", "TERMS", "Denoiser", "Objective"]

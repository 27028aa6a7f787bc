"""Encoders: a record of any leads to a vector; our own compact one, and adapters for public ones."""

from recon.encoders.adapters import PUBLIC, Adapter, Public
from recon.encoders.encoder import Encoder, Latents
from recon.encoders.preparation import Prepared, prepare, projector
from recon.encoders.residual import PRESETS, Preset, ResidualEncoder

__all__ = [
    "PRESETS",
    "PUBLIC",
    "Adapter",
    "Encoder",
    "Latents",
    "Prepared",
    "Preset",
    "Public",
    "ResidualEncoder",
    "prepare",
    "projector",
]

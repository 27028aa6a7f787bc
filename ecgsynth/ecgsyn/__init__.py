"""McSharry's ECG model: exact, batched and differentiable."""

from ecgsynth.ecgsyn.model import METHODS, ecgsyn, phase
from ecgsynth.ecgsyn.request import MCSHARRY, Waves

__all__ = ["MCSHARRY", "METHODS", "Waves", "ecgsyn", "phase"]

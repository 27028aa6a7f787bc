"""Tokens: an ECG as a sentence of heartbeat words, and the signal back from the words."""

from dsp.tokens.tokenizer import MODES, QRSTokenizer
from dsp.tokens.words import Words

__all__ = ["MODES", "QRSTokenizer", "Words"]

"""ECG paper: recordings drawn to scale, in millimetres, as a cardiologist expects to see them."""

from dsp.paper.plot import html, pages, plot
from dsp.paper.sheet import LAYOUTS, Paper

__all__ = ["LAYOUTS", "Paper", "html", "pages", "plot"]

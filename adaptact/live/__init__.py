"""Figures with sliders whose formula is computed where they are shown: in JupyterLab, and in the static page without a server."""

from .figure import Live, Slider
from .functions import APALU, FIGURES, LEAF, PLAYGROUNDS, PLTANH, STARTS, WEIGHTED_SUM

__all__ = ["APALU", "FIGURES", "LEAF", "PLAYGROUNDS", "PLTANH", "STARTS", "WEIGHTED_SUM", "Live", "Slider"]

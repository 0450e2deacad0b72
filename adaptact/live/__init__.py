"""Figures with sliders whose formula is computed where they are shown: in JupyterLab, and in the static page without a server."""

from .figure import Live, Slider
from .functions import APALU, LEAF, PLAYGROUNDS, PLTANH, WEIGHTED_SUM

__all__ = ["APALU", "LEAF", "PLAYGROUNDS", "PLTANH", "WEIGHTED_SUM", "Live", "Slider"]

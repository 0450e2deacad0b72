"""Known functions of one number as data sets, to be learned from points on them; their labels are numbers."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from .dataset import DataSet

POINTS = 1_024  # to train on, and as many to test on


@dataclass(frozen=True)
class Curve:
    """Points on the graph of a function on [-1, 1].

    Parameters
    ----------
    function : callable
        Of a NumPy array.
    """

    function: Callable

    def check(self, folder):
        """There are no files to look at."""

    def read(self, folder):
        """The set as a DataSet; the data folder is not used.

        Those to train on are drawn evenly, the same everywhere; those to test on have equal distances, the ends among them.
        """
        drawn = np.random.RandomState(0).uniform(-1, 1, POINTS)  # whose numbers are promised never to change
        parts = []
        for x in (drawn, np.linspace(-1, 1, POINTS)):
            parts.append(torch.from_numpy(x.astype(np.float32))[:, None, None, None])
            parts.append(torch.from_numpy(self.function(x).astype(np.float32)))
        return DataSet(*parts)


SINE = Curve(lambda x: np.sin(3 * math.pi * x))
STEP = Curve(np.sign)
RUNGE = Curve(lambda x: 1 / (1 + 25 * x**2))

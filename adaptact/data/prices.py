"""Windows of a series of numbers, each with the number that comes next: daily closing prices, and a random walk beside them."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from .dataset import DataSet, Fault
from .download import download_url
from .tabular import be_published, read_frame

DAYS = 506
WINDOW = 20  # days, about a month of trading
TEST = 97  # windows at the end, about a fifth
TRAIN = DAYS - WINDOW - TEST
APPLE = "AAPL_2015_2017_daily.csv"
ADDRESS = "https://raw.githubusercontent.com/plotly/datasets/5e263449ee4735f28b2b5cde5ca63ba37dd39519/finance-charts-apple.csv"
SHA256 = "04053fd4ab339dd81a2bd14153e4be4fd88ae209fbc7aca29bc1096a3cbe7f27"


def apple(folder):
    """Apple's closing price on 506 trading days, 17 February 2015 to 16 February 2017, in US dollars, from the data folder.

    Raises
    ------
    Fault
        If the file is missing, truncated, or altered.
    """
    path = folder / "sequences" / APPLE
    frame = read_frame(path, (DAYS, 11))
    closes = frame.get("AAPL.Close")
    if closes is None or closes.dtype != np.float64 or not np.isfinite(closes).all():
        raise Fault(path, "is damaged: its column AAPL.Close has something else than finite numbers")
    be_published(path, SHA256)
    return closes.to_numpy()


def walk(folder):
    """A made-up series of the same length: each step is drawn from the normal distribution of mean 0 and deviation 1.

    What was is of no use for the next step, so that no forecast has a smaller expected error than the last value.
    """
    steps = np.random.RandomState(0).standard_normal(DAYS)  # whose numbers are promised never to change
    return 100 + steps.cumsum()


@dataclass(frozen=True)
class Windows:
    """All windows of `WINDOW` values of a series, in the order of time.

    Parameters
    ----------
    series : callable
        Of the data folder: the values.
    change : bool, default False
        Whether what follows is given as the change to the last value of the window and not as the value itself.
    """

    series: Callable
    change: bool = False

    def check(self, folder):
        """Read the series; raises as it does."""
        self.series(folder)

    def read(self, folder):
        """The set as a DataSet: the last `TEST` windows are for testing.

        Raises
        ------
        Fault
            If the file is missing, truncated, or altered.
        """
        values = self.series(folder)
        windows = np.lib.stride_tricks.sliding_window_view(values[:-1], WINDOW)
        following = values[WINDOW:] - (windows[:, -1] if self.change else 0)
        images = torch.from_numpy(windows.astype(np.float32))[:, None, :, None]
        labels = torch.from_numpy(following.astype(np.float32))
        return DataSet(images[:-TEST], labels[:-TEST], images[-TEST:], labels[-TEST:])

    def naive(self, windows):
        """The naive forecast: that nothing changes.

        Parameters
        ----------
        windows : torch.Tensor
            ``(N, 1, WINDOW, 1)``, not standardised.

        Returns
        -------
        torch.Tensor
            ``(N,)``: the last value of each window; for the change, zero.
        """
        last = windows[:, 0, -1, 0]
        return torch.zeros_like(last) if self.change else last

    def download(self, folder):
        """Download the prices; whether they are as published is seen when they are read.

        Raises
        ------
        OSError, RuntimeError
            If that fails.
        """
        download_url(ADDRESS, folder / "sequences", APPLE)


PRICE, CHANGE, WALK = Windows(apple), Windows(apple, change=True), Windows(walk)

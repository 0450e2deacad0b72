"""Shared by all tests: one thread, a folder for throw-away records, and the real data sets where ADAPTACT_DATA names them."""

import os
from pathlib import Path

import pytest
import torch

torch.set_num_threads(1)

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def real_data():
    """The folder of the real data sets; tests that need it run on digits elsewhere, or have nothing to look at."""
    folder = os.environ.get("ADAPTACT_DATA")
    if not folder:
        pytest.skip("ADAPTACT_DATA names no folder of real data sets")
    return Path(folder)

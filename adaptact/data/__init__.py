"""Data sets as tensors on the device, and augmentation in batches."""

from .augment import apply, draw
from .dataset import DataSet
from .sets import SOURCES, Source, data_folder, fetch, load, to_be_had

__all__ = ["SOURCES", "DataSet", "Source", "apply", "data_folder", "draw", "fetch", "load", "to_be_had"]

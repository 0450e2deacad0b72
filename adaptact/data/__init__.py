"""Data sets as tensors on the device, and augmentation in batches."""

from .augment import apply, draw
from .sets import SOURCES, DataSet, Source, data_folder, fetch, load, to_be_had

__all__ = ["SOURCES", "DataSet", "Source", "apply", "data_folder", "draw", "fetch", "load", "to_be_had"]

"""The training loop and its procedures."""

from .loop import build_model, evaluate, pick_device, scores, train
from .procedures import stages, step
from .split import parts

__all__ = ["build_model", "evaluate", "parts", "pick_device", "scores", "stages", "step", "train"]

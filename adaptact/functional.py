"""The activations as plain functions of tensors, as `torch.nn.functional` is to `torch.nn`."""

from .activations import ahaf, leaf, silu_manual

__all__ = ["ahaf", "leaf", "silu_manual"]

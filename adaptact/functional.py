"""The activations as plain functions of tensors, as `torch.nn.functional` is to `torch.nn`."""

from .activations import ahaf, alrelu, apalu, leaf, pltanh, sigmorelu, silu_manual, weighted_sum

__all__ = ["ahaf", "alrelu", "apalu", "leaf", "pltanh", "sigmorelu", "silu_manual", "weighted_sum"]

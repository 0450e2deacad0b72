"""Checks of memory: what is kept for the backward pass, and the forms in which an input may lie there."""

import torch

from ..activations import compiled, facts, granularities, make
from .base import NotApplicable, close, require
from .samples import SHAPE, modules


@compiled("never")
def saved_bytes(name, granularity=None, **options):
    """Bytes kept for the backward pass, parameters apart, for each float32 element of the input."""
    module = make(name, SHAPE, granularity=granularity, **options)
    own = {tensor.untyped_storage().data_ptr() for tensor in (*module.parameters(), *module.buffers())}
    x = torch.randn(512, *SHAPE).requires_grad_()
    kept = {}

    def pack(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        y = module(x)  # alive until the storages are counted, so that no address is used twice
    total = sum(kept.values())
    del y
    return total / x.numel()


def saved_for_backward(name):
    """What is kept for the backward pass is the declared count of bytes."""
    declared = facts(name).saved
    seen = {granularity or "fixed": saved_bytes(name, granularity) for granularity in granularities(name) or (None,)}
    words = ", ".join(f"{granularity} {found:.2f}" for granularity, found in seen.items())
    if declared is None:
        raise NotApplicable(f"none declared; bytes a float32 element: {words}")
    # A value made from parameters, such as a softmax of them, is kept too: one set for 512 samples here.
    for found in seen.values():
        require(declared <= found <= declared + 0.1, f"declared {declared} bytes a float32 element, found {words}")
    return f"bytes a float32 element: {words}"


def memory_formats(name):
    """channels_last, strided and empty inputs give the same numbers; the input is left as it was."""
    for granularity, module in modules(name):
        x = torch.randn(2, *SHAPE, dtype=torch.float64)
        before, wanted = x.clone(), module(x)
        require(torch.equal(x, before), f"{granularity}: the input is changed")
        close(module(x.to(memory_format=torch.channels_last)), wanted, f"{granularity}, channels_last")
        strided = torch.randn(*SHAPE, 2, dtype=torch.float64).movedim(-1, 0)
        close(module(strided), module(strided.contiguous()), f"{granularity}, strided")
        require(module(x[:0]).shape == x[:0].shape, f"{granularity}: empty input")
        require(wanted.shape == x.shape, f"{granularity}: the shape changes")

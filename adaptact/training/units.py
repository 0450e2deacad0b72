"""How the units of a trained network do: whether any image still moves them, and how much gradient reaches their layer."""

import math
from functools import partial

import torch

from .metrics import error

NEARLY = 0.05  # of a slope: below it hardly anything of a gradient passes; ReLU's and the identity's is 1


def units(model, batches):
    """What the activation sites of a model do with some labelled images, in evaluation mode.

    A unit is a channel, whose inputs are all places of all images, or a neuron of a dense layer. The definition of a dead one
    fits smooth functions too: it looks at the slope of the function at what comes in, not at the output.

    Parameters
    ----------
    model : torch.nn.Module
        Left in evaluation mode. No gradient of its parameters is touched.
    batches : iterable of (torch.Tensor, torch.Tensor)
        Images as the model takes them, and labels.

    Returns
    -------
    dict of str to dict of str to float
        By site, in the order of the network: ``dead``, the share of units with a slope of exactly zero at every input, so that
        nothing before them learns through them; ``nearly_dead``, of those with slopes below `NEARLY` in size at every input;
        ``saturated``, the share of all inputs with such a slope; ``mean``, of the output; ``gradient``, the root mean square
        of the loss's gradient with respect to the output, the loss being the mean over each batch. None for what is not finite.
    """
    sites = {name: module for name, module in model.named_modules() if getattr(module, "is_activation", False)}
    steepest, sums = {}, {}
    model.eval()
    for images, labels in batches:
        visits = []  # a recurrent network comes by a site more than once
        hooks = [module.register_forward_hook(partial(_keep, visits, name)) for name, module in sites.items()]
        try:
            with torch.enable_grad():
                loss = error(model(images), labels)
        finally:
            for hook in hooks:
                hook.remove()
        gradients = torch.autograd.grad(loss, [output for _, _, output in visits])
        for (name, x, output), gradient in zip(visits, gradients, strict=True):
            steep = slope(sites[name], x).abs()
            by_unit = steep.transpose(0, 1).flatten(1).amax(1) if steep.dim() > 2 else steep.amax(0)
            steepest[name] = torch.maximum(steepest[name], by_unit) if name in steepest else by_unit
            added = (steep.numel(), (steep < NEARLY).sum(), output.detach().double().sum(), gradient.double().square().sum())
            sums[name] = [a + b for a, b in zip(sums.get(name, (0, 0, 0, 0)), added, strict=True)]
    found = {}
    for name, (count, flat, total, squares) in sums.items():
        of = {"dead": (steepest[name] == 0).double().mean(), "nearly_dead": (steepest[name] < NEARLY).double().mean()}
        of |= {"saturated": flat / count, "mean": total / count, "gradient": torch.sqrt(squares / count)}
        found[name] = {key: _rounded(float(value)) for key, value in of.items()}
    return found


def _keep(visits, name, _, inputs, output):
    visits.append((name, inputs[0].detach(), output))


def slope(activation, x):
    """An activation's derivative at each input, by autograd; the function acts on each by itself.

    Parameters
    ----------
    activation : callable
        Of one tensor, elementwise.
    x : torch.Tensor
        Any shape.

    Returns
    -------
    torch.Tensor
        The shape of `x`.

    Examples
    --------
    >>> slope(torch.relu, torch.tensor([-1.0, 2.0]))
    tensor([0., 1.])
    """
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        return torch.autograd.grad(activation(x).sum(), x)[0]


def _rounded(value):
    return float(f"{value:.6g}") if math.isfinite(value) else None


__all__ = ["NEARLY", "slope", "units"]

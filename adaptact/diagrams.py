"""Diagrams that are made from the modules themselves: a network's layers in order of use, and one neuron."""

import math

import matplotlib.pyplot as plt
import torch
from matplotlib.patches import Circle, FancyBboxPatch
from torch import nn

from .activations import Adaptive, facts, names
from .plotting import COLOURS

PALE = {"activation": "#FBE3D2", "weights": "#D6E6F3", "other": "#F0F0F0"}
EDGE = {"activation": COLOURS[1], "weights": COLOURS[0], "other": "#999999"}
GREEK = ("alpha", "beta", "gamma", "delta", "rho", "sigma")


def describe(module):
    """A layer in a few words, such as ``conv 20@5×5, no bias`` or ``LEAF as tanh``."""
    bias = "" if getattr(module, "bias", None) is not None else ", no bias"
    if isinstance(module, nn.Conv2d):
        pad = "" if module.padding == (0, 0) else f", pad {_short(module.padding)}"
        stride = "" if module.stride == (1, 1) else f", stride {_short(module.stride)}"
        return f"conv {module.out_channels}@{_times(module.kernel_size)}{pad}{stride}{bias}"
    if isinstance(module, nn.Linear):
        return f"dense {module.out_features}{bias}"
    if isinstance(module, (nn.MaxPool2d, nn.AvgPool2d)):
        return f"{'max' if isinstance(module, nn.MaxPool2d) else 'mean'} pool {_times(module.kernel_size)}"
    if isinstance(module, (nn.Dropout, nn.Dropout2d)):
        return f"dropout {module.p:g}{' by channel' if isinstance(module, nn.Dropout2d) else ''}"
    if isinstance(module, Adaptive):
        return type(module).__name__ + (f" as {facts(module.init).title.partition(',')[0]}" if module.init in names() else "")
    return "flatten" if isinstance(module, nn.Flatten) else getattr(module, "name", None) or type(module).__name__


def layers(model, in_shape):
    """What a model does with one sample, seen by hooks while a sample of zeros runs through it.

    Parameters
    ----------
    model : torch.nn.Module
    in_shape : tuple of int
        Of one sample, such as ``(3, 32, 32)``.

    Returns
    -------
    list of dict
        In order of use: ``text``, ``kind`` (``weights``, ``activation`` or ``other``), ``shape`` of its output, and
        ``parameters``, how many are trained; 0 where a module is used again. A flattening between modules has its own entry.
    """
    found, counted = [], set()

    def seen(module, inputs, output):
        if found and inputs[0].dim() < len(found[-1]["shape"]) + 1:
            found.append({"text": "flatten", "kind": "other", "shape": tuple(inputs[0].shape[1:]), "parameters": 0})
        own = {id(p): p.numel() for p in module.parameters() if p.requires_grad and id(p) not in counted}
        counted.update(own)
        kind = "activation" if _is_activation(module) else "weights" if [*module.parameters()] else "other"
        shape = tuple(output.shape[1:])
        found.append({"text": describe(module), "kind": kind, "shape": shape, "parameters": sum(own.values())})

    inside = tuple(f"{name}." for name, module in model.named_modules() if _is_activation(module))
    drawn = [m for name, m in model.named_modules() if (_is_activation(m) or not [*m.children()]) and not name.startswith(inside)]
    hooks = [module.register_forward_hook(seen) for module in drawn]
    like = next(model.parameters(), torch.zeros(0))
    modes = [(module, module.training) for module in model.modules()]
    try:
        model.eval()
        with torch.no_grad():
            model(torch.zeros(1, *in_shape, device=like.device, dtype=like.dtype))
    finally:
        for hook in hooks:
            hook.remove()
        for module, mode in modes:
            module.training = mode
    return found


def draw_network(model, in_shape, title=None):
    """A network from top to bottom: what each layer is, what it puts out, and what it trains.

    Only modules are seen, each time they are used: what a `forward` does by functions, and branches, are not.

    Parameters
    ----------
    model : torch.nn.Module
    in_shape : tuple of int
        Of one sample, such as ``(3, 32, 32)``.
    title : str, optional

    Returns
    -------
    matplotlib.figure.Figure
    """
    rows = [{"text": "input", "kind": "other", "shape": tuple(in_shape), "parameters": 0}, *layers(model, in_shape)]
    step, height, width = 0.40, 0.29, 2.75  # inches, as all places here
    top = (len(rows) + 1.6) * step
    figure, axis = _page(top + 0.35 + (0.35 if title else 0))
    if title:
        axis.text(0.1, top + 0.5, title, weight="bold", va="center", fontsize=11)
    columns = {"output of\none sample": 4.35, "neurons": 5.4, "weights": 6.55, "activation\nparameters": 7.85}
    for label, x in columns.items():
        axis.text(x, top, label, ha="right", va="center", fontsize=8.5, color="#555555")
    for index, row in enumerate(rows):
        y, active = top - (index + 1.1) * step + 0.05, row["kind"] == "activation"
        axis.plot([width + 0.1, 7.85], [y - step / 2] * 2, color="#eeeeee", linewidth=0.8)
        axis.add_patch(_box(0.1, y - height / 2, width, height, row["kind"]))
        axis.text(0.1 + width / 2, y, row["text"], ha="center", va="center", fontsize=9.5)
        if index:
            _arrow(axis, (0.1 + width / 2, y + step - height / 2), (0.1 + width / 2, y + height / 2))
        row["cells"] = [math.prod(row["shape"]), 0, row["parameters"]] if active else [0, row["parameters"], 0]
        numbers = ["×".join(f"{size:,}" for size in row["shape"]), *(f"{number:,}" if number else "" for number in row["cells"])]
        for x, number in zip(columns.values(), numbers, strict=True):
            axis.text(x, y, number, ha="right", va="center", fontsize=9.5, color=EDGE["activation"] if active else "black")
    axis.plot([0.1, 7.85], [0.4, 0.4], color="#555555", linewidth=0.8)
    axis.text(0.1, 0.2, "in all", va="center", weight="bold", fontsize=9.5)
    totals = (sum(numbers) for numbers in zip(*(row["cells"] for row in rows), strict=True))
    for x, number in zip(list(columns.values())[1:], totals, strict=True):
        axis.text(x, 0.2, f"{number:,}", ha="right", va="center", weight="bold", fontsize=9.5)
    return figure


def draw_neuron(activation):
    """One neuron: inputs, weights, the sum u, and an activation with parameters of its own (the LEAF paper's Fig. 1).

    Parameters
    ----------
    activation : torch.nn.Module
        For one neuron, such as ``LEAF(init="tanh")``; its curve is drawn as it is.

    Returns
    -------
    matplotlib.figure.Figure
    """
    own = activation.learned() if isinstance(activation, Adaptive) else dict(activation.named_parameters())
    figure, axis = _page(3.3)
    node = {"ha": "center", "va": "center", "fontsize": 12}
    for y, i in ((2.9, 0), (2.25, 1), (1.6, 2), (0.6, "n")):
        axis.text(0.55, y, f"$x_{i}$" if i else "$x_0 = 1$", **node)
        far = math.hypot(2, 1.75 - y)
        _arrow(axis, (0.95, y), (2.95 - 0.36 * 2 / far, 1.75 - 0.36 * (1.75 - y) / far))
        axis.text(1.55, y + (1.75 - y) * 0.3 + 0.17, f"$w_{i}$", color=EDGE["weights"], **node)
    axis.text(0.55, 1.1, "⋮", **node)
    axis.add_patch(Circle((2.95, 1.75), 0.36, facecolor=PALE["weights"], edgecolor=EDGE["weights"], linewidth=1.4))
    axis.text(2.95, 1.74, "Σ", ha="center", va="center", fontsize=17)
    _arrow(axis, (3.31, 1.75), (4.1, 1.75))
    axis.text(3.7, 1.95, "$u$", **node)
    axis.add_patch(_box(4.1, 1.05, 2.3, 1.4, "activation"))
    axis.text(5.25, 2.27, describe(activation), ha="center", va="center", fontsize=10.5)
    x = torch.linspace(-4, 4, 201)
    with torch.no_grad():
        curve = activation(x[:, None])[:, 0]
    inset = figure.add_axes([4.3 / 8, 1.12 / 3.3, 1.9 / 8, 0.98 / 3.3])
    inset.axhline(0, color="#999999", linewidth=0.7)
    inset.axvline(0, color="#999999", linewidth=0.7)
    inset.plot(x, curve, color=EDGE["activation"], linewidth=2)
    inset.axis("off")
    _arrow(axis, (6.4, 1.75), (7.2, 1.75))
    axis.text(7.45, 1.75, r"$\hat{y}$", **node)
    for index, name in enumerate(own):
        place = 5.25 + (index - (len(own) - 1) / 2) * min(0.6, 2.1 / len(own))
        _arrow(axis, (place, 0.73), (place, 1.05), EDGE["activation"])
        axis.text(place, 0.55, _symbol(name), color=EDGE["activation"], **node)
    text = f"trained: $n$ weights, 1 threshold, {len(own)} of the activation: $n + {len(own) + 1}$   (a fixed function: $n + 1$)"
    axis.text(4.9, 0.14, text, ha="center", va="center", fontsize=9.5)
    return figure


def _page(height):
    figure, axis = plt.subplots(figsize=(8, height), layout="none")
    axis.set_position([0, 0, 1, 1])
    axis.set(xlim=(0, 8), ylim=(0, height))
    axis.axis("off")
    return figure, axis


def _is_activation(module):
    ours, torchs = getattr(module, "is_activation", False), type(module).__module__ == "torch.nn.modules.activation"
    return ours or (torchs and not [*module.children()])


def _times(size):
    return "×".join(map(str, size if isinstance(size, tuple) else (size, size)))


def _short(size):
    return size if isinstance(size, str) else size[0] if size[0] == size[1] else _times(size)


def _symbol(name):
    letters = name.rstrip("0123456789")
    number = name[len(letters) :]
    return "$" + ("\\" if letters in GREEK else "") + letters + (f"_{number}" if number else "") + "$"


def _box(x, y, width, height, kind):
    shape = f"round,pad=0,rounding_size={min(0.08, height / 3)}"
    return FancyBboxPatch((x, y), width, height, boxstyle=shape, facecolor=PALE[kind], edgecolor=EDGE[kind], linewidth=1.3)


def _arrow(axis, start, end, colour="#555555"):
    arrow = {"arrowstyle": "-|>", "color": colour, "linewidth": 1, "shrinkA": 0, "shrinkB": 0, "mutation_scale": 9}
    axis.annotate("", end, start, arrowprops=arrow)


__all__ = ["draw_network", "draw_neuron", "layers"]

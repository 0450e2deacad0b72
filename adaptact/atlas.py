"""A card for each activation: formula, curve, derivatives, properties, cost, source."""

import math
import statistics

import matplotlib.pyplot as plt
import torch

from . import battery
from .activations import Adaptive, facts, granularities, make
from .activations.fused import elementwise_derivatives
from .battery.memory import saved_bytes
from .bench import recorded
from .plotting import COLOURS

DASHES = ("-", "--", "-.", ":")


def describe(name):
    """The text of a card.

    Parameters
    ----------
    name : str
        A registered activation.

    Returns
    -------
    str
        Markdown: the formula, and a table of properties, all measured or counted; only formula and source are declared.

    Raises
    ------
    UserError
        If the name is unknown.
    """
    known, seen = facts(name), battery.measured(name)
    # The grid ends at 150; a bound that is only approached, as Mish's zero from below, is the declared one.
    lower, upper = known.range or seen["range"]
    kinks = ", ".join(f"{kink:.3g}" for kink in seen["kinks"])
    rows = {
        "values": f"from {_number(lower)} to {_number(upper)}; {_number(seen['at_zero'])} at zero",
        "monotone": "yes" if seen["monotone"] else "no",
        "differentiable": f"everywhere but at {kinks}" if kinks else "everywhere",
        "learned": _learned(name),
        "kept for the backward pass": f"{saved_bytes(name):.0f} bytes a float32 element",
        "forward + backward": cost(name),
        "source": known.source or "one of your own",
    }
    head = f"$$f(x) = {known.formula}$$\n\n" if known.formula else ""
    return head + "| property | as it starts |\n|---|---|\n" + "\n".join(f"| {key} | {value} |" for key, value in rows.items())


def cost(name):
    """Time of a forward and a backward pass beside SiLU's, the median over all sites of the committed benchmark.

    Parameters
    ----------
    name : str
        A registered activation.

    Returns
    -------
    str
        In words, eager and compiled, or that nothing was measured.
    """
    words = []
    for mode in ("eager", "compiled"):
        found = [line["to_silu"] for line in recorded()["sites"] if (line["activation"], line["mode"]) == (name, mode)]
        if found:
            words.append(f"{statistics.median(found):.1f} {mode}")
    return f"{', '.join(words)} (SiLU: 1)" if words else "not measured; `python -m adaptact bench` does"


def derivatives(name, x, **options):
    """An activation's values and derivatives as it starts.

    Parameters
    ----------
    name : str
    x : torch.Tensor
        ``(n,)``, float64.
    **options
        As for `make`.

    Returns
    -------
    dict of str to torch.Tensor
        ``f``, ``x``, and each value that is learned: f itself and its derivatives with respect to these, each ``(n,)``.
    """
    module = make(name, (1,), granularity="layer" if granularities(name) else None, **options).double()
    column = x[:, None].clone().requires_grad_()
    y = module(column)
    found = {"f": y.detach()[:, 0], "x": torch.autograd.grad(y.sum(), column)[0][:, 0]}
    if isinstance(module, Adaptive) and facts(name).function:
        values = {label: value.detach() for label, value in module.values().items()}
        by_value = dict(zip(values, elementwise_derivatives(facts(name).function, x, *values.values())[1:], strict=True))
        return {**found, **{label: by_value[label] for label in module.learned()}}
    by_parameter = torch.func.jacrev(lambda p: torch.func.functional_call(module, p, (x[:, None],))[:, 0])
    parameters = {label: parameter.detach() for label, parameter in module.named_parameters()}
    return {**found, **{label: part[:, 0] for label, part in (by_parameter(parameters) if parameters else {}).items()}}


def draw(name, low=-5.0, high=5.0):
    """The figure of a card: the curve and its derivative, and the derivatives with respect to what is learned.

    Parameters
    ----------
    name : str
    low, high : float, default -5 and 5
        The inputs that are drawn.

    Returns
    -------
    matplotlib.figure.Figure
    """
    x = torch.linspace(low, high, 2001, dtype=torch.float64)
    starts = battery.starts(name)
    default = "silu" if "silu" in starts else next(iter(starts))
    learned = {key: part for key, part in derivatives(name, x, **starts[default]).items() if key not in ("f", "x")}
    figure, axes = plt.subplots(1, 3 if learned else 2, figsize=(9.0 if learned else 6.2, 2.5))
    for index, (start, options) in enumerate(starts.items()):
        found = derivatives(name, x, **options)
        style = {"color": COLOURS[index], "linestyle": DASHES[index % 4]}
        axes[0].plot(x, found["f"], label=f"as {start}", **style)
        axes[1].plot(x, found["x"], **style)
    for index, (label, part) in enumerate(learned.items()):
        axes[2].plot(x, part, label=label, color=COLOURS[index + 1], linestyle=DASHES[index % 4])
    axes[0].set(title="function", xlabel="x")
    axes[1].set(title="derivative in x", xlabel="x")
    if len(starts) > 1:
        axes[0].legend(fontsize=8)
    if learned:
        axes[2].set(title="derivative in what is learned" + (f" (as {default})" if len(starts) > 1 else ""), xlabel="x")
        axes[2].legend(fontsize=8)
    return figure


def gallery(names, low=-4.0, high=4.0, columns=5):
    """All curves at a glance, on one scale, each over the identity.

    Parameters
    ----------
    names : list of str
    low, high : float, default -4 and 4
    columns : int, default 5

    Returns
    -------
    matplotlib.figure.Figure
    """
    x = torch.linspace(low, high, 801, dtype=torch.float64)
    lines = math.ceil(len(names) / columns)
    figure, axes = plt.subplots(lines, columns, figsize=(9, 1.75 * lines), sharex=True, sharey=True, squeeze=False)
    for place, axis in enumerate(axes.flat):
        axis.set_visible(place < len(names))
        axis.tick_params(labelbottom=place >= len(names) - columns)  # the lowest of its column
    for axis, name in zip(axes.flat, names, strict=False):
        axis.plot(x, x, color="#bbbbbb", linewidth=1, linestyle=":")
        axis.plot(x, derivatives(name, x)["f"], color=COLOURS[1 if granularities(name) else 0])
        axis.set_title(facts(name).title or name, fontsize=9)
        axis.set_ylim(-1.5, high)
    return figure


def _learned(name):
    allowed = granularities(name)
    if not allowed:
        return "nothing"
    module = make(name, (1,), granularity="layer")
    labels = list(module.learned() if isinstance(module, Adaptive) else dict(module.named_parameters()))
    return f"{', '.join(f'`{label}`' for label in labels)}; one set per {' or per '.join(allowed)}"


def _number(value):
    if math.isinf(value):
        return "−∞" if value < 0 else "∞"
    return f"{value + 0.0:.4g}".replace("-", "−")


__all__ = ["cost", "derivatives", "describe", "draw", "gallery"]

"""Claims of the LEAF paper that need no training: calculus, gradients at the start, cost, and the two forms of SiLU."""

import json
from functools import cache

import numpy as np
import torch

from .. import data
from ..activations import LEAF
from ..activations.leaf import leaf, leaf_derivatives
from ..experiments import SEEDS
from ..silu_error import squared_error
from .base import Verdict, stated

CHEAP = 1.5  # a training step of at most so many times the fixed function's is called cheap
COMPUTED = "computed"


@stated("each printed row is within 0.0001 of its function on [−10, 10]; in part, if some row is not", "calculus")
def shapes(evidence):
    """The greatest distance of LEAF from each function of Table 1, on 10,001 inputs from -10 to 10."""
    u = torch.linspace(-10, 10, 10_001, dtype=torch.float64)
    slope, beta = 0.7, 1.3  # Swish and AHAF have free parameters: any will do
    rows = {
        "ReLU": (torch.relu(u), (1, 0, 2.0**16, 0)),
        "SiLU": (u * torch.sigmoid(u), (1, 0, 1, 0)),
        "Tanh": (torch.tanh(u), (0, 2, 2, -1)),
        "Sigmoid": (torch.sigmoid(u), (0, 0, 1, 0)),
        "Swish": (u * torch.sigmoid(slope * u), (1, 0, slope, 0)),
        "AHAF": (beta * u * torch.sigmoid(slope * u), (beta, 0, slope, 0)),
    }
    distance = {name: (leaf(u, *map(float, rho)) - function).abs().max().item() for name, (function, rho) in rows.items()}
    wrong = [name for name, far in distance.items() if far > 1e-4]
    mended = (leaf(u, 0.0, 1.0, 1.0, 0.0) - torch.sigmoid(u)).abs().max().item()
    good = len(rows) - len(wrong)
    reason = f"as printed, {good} of 6 rows are within 0.0001 of their function on [-10, 10]; wrong: {', '.join(wrong)}"
    reason += f", which is the zero function there and right with rho2 = 1 (distance below {max(mended, 1e-15):.0e})"
    return Verdict("holds in part" if wrong else "holds", reason, f"{good} of 6 rows", profile=COMPUTED)


@stated("each of 8 printed forms equals autograd's to 1e-12; in part, if some form does not", "calculus")
def gradients(evidence):
    """The printed partial derivatives and update rules against autograd's."""
    u = torch.linspace(-4, 4, 801, dtype=torch.float64)
    rho = [torch.full_like(u, value, requires_grad=True) for value in (0.8, -0.4, 1.7, 0.3)]
    true = torch.autograd.grad(leaf(u, *rho).sum(), rho)
    rho1, rho2, rho3, _ = (value.detach() for value in rho)
    gate, line = torch.sigmoid(rho3 * u), rho1 * u + rho2
    mirrored = torch.sigmoid(-rho3 * u)
    sloped = mirrored * (1 - mirrored)  # sigma' at -rho3 u, as the text prints where sigma is meant
    full = line * gate * mirrored * u
    printed_forms = {
        "d/d rho1": (u * gate, true[0]),
        "d/d rho2": (gate, true[1]),
        "d/d rho3": (line * gate * sloped * u, true[2]),
        "d/d rho4": (torch.ones_like(u), true[3]),
        "eq 6": (u * gate, true[0]),  # its last lines; the sign of its second is wrong
        "eq 7": (full, true[1]),
        "eq 8": (gate, true[2]),
        "eq 9": (torch.ones_like(u), true[3]),
    }
    wrong = [name for name, (said, right) in printed_forms.items() if not torch.allclose(said, right, atol=1e-12)]
    exchanged = torch.allclose(full, true[2]) and torch.allclose(gate, true[1])
    closed = all(map(torch.allclose, leaf_derivatives(u, *(value.detach() for value in rho))[1:], true))
    reason = f"of 8 printed forms {8 - len(wrong)} equal autograd's; wrong: {', '.join(wrong)}"
    reason += "; eqs 7 and 8 are each other's" if exchanged else ""
    reason += "; the closed forms used here equal autograd's" if closed else ""
    return Verdict("holds in part" if wrong else "holds", reason, f"{8 - len(wrong)} of 8 forms", profile=COMPUTED)


@stated(
    f"the longest training step, with the paper's own training, is at most {CHEAP:g} times ReLU's; in part, if the shortest is",
    "bench",
    *(f"leaf/table-{number}" for number in (2, 3, 4, 5)),
)
def cost(dspt_pairs, evidence):
    """The benchmark's training steps, and what DSPT makes of them in the records."""
    path = evidence.store.folders[0] / "bench.json"
    if not path.is_file():
        return Verdict("undecided", f"no benchmark in {path.name} among the records; python -m adaptact bench --json makes it")
    result = json.loads(path.read_text())
    ratios = {(s["network"], s["mode"]): s["to_relu"] for s in result["steps"] if s["activation"] == "leaf"}
    machine = f"{result['machine']['cpu']}, {result['machine']['threads']} threads"
    twice = []
    for pair in dspt_pairs:
        if pair.row.startswith("LEAF"):
            single, double = (evidence.records(pair.experiment, pair.column, row, "laptop") for row in (pair.base, pair.row))
            twice += [double[seed].seconds / single[seed].seconds for seed in single.keys() & double.keys()]
    steps = ", ".join(f"{ratio:.2f} ({network}, {mode})" for (network, mode), ratio in ratios.items())
    reason = f"a training step with LEAF a neuron takes this many of one with ReLU: {steps}"
    if twice:
        reason += f"; DSPT, the paper's own training, takes {np.median(twice):.1f} times as long as that"
        reason += f" (median of {len(twice)} pairs of runs)"
    reason += f"; cheap means up to {CHEAP}"
    worst = max(ratios.values()) * (np.median(twice) if twice else 1)
    verdict = "holds" if worst <= CHEAP else "holds in part" if min(ratios.values()) <= CHEAP else "does not hold"
    ours = f"{min(ratios.values()):.2f} to {max(ratios.values()):.2f} times a ReLU step"
    return Verdict(verdict, reason, ours, profile="benchmark", hardware=machine)


@cache
def gradient_ratio(init, depth=10, width=64, seeds=SEEDS):
    """How much smaller the gradient of the first layer's weights is than that of the last hidden layer's.

    Parameters
    ----------
    init : str
        What LEAF starts as.
    depth, width : int
        Hidden layers of a fresh dense network, and units in each; torch's default weights.
    seeds : sequence of int

    Returns
    -------
    list of float
        A ratio of norms for each seed, of the cross entropy of 256 handwritten digits.
    """
    digits, ratios = data.load("digits"), []
    inputs, labels = digits.train_images[:256].flatten(1).float() / 255, digits.train_labels[:256]
    for seed in seeds:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            layers = [torch.nn.Linear(size, width) for size in [inputs.shape[1]] + [width] * (depth - 1)]
            units = [LEAF(width, init=init) for _ in layers]
            network = torch.nn.Sequential(*(module for pair in zip(layers, units, strict=True) for module in pair))
            network.append(torch.nn.Linear(width, 10))
        torch.nn.functional.cross_entropy(network(inputs), labels).backward()
        ratios.append((layers[0].weight.grad.norm() / layers[-1].weight.grad.norm()).item())
    return ratios


@stated("as Sigmoid it loses less than three powers of ten of the gradient from the tenth dense layer to the first", "calculus")
def vanishing(evidence):
    """Gradients at the start, layer by layer, and the slopes of the tails, which calculus gives."""
    power = {init: round(np.mean(np.log10(gradient_ratio(init)))) for init in ("relu", "silu", "tanh", "sigmoid")}
    reason = (
        "LEAF starts with the gradients of the function that it starts as: from the tenth dense layer to the first they shrink to "
    )
    reason += ", ".join(f"10^{value} (as {init})" for init, value in power.items())
    reason += f", the mean of {len(SEEDS)} starts"
    reason += "; its slope tends to 0 on one side for any parameters, and on both where rho1 = 0, as Tanh and Sigmoid start"
    verdict = "does not hold" if power["sigmoid"] < -3 else "holds"
    return Verdict(verdict, reason, f"10^{power['sigmoid']} as Sigmoid", profile=COMPUTED)


@stated(
    "the greatest squared error is within a factor of 10 of the printed one; in part, if it is not measured on a GPU", "calculus"
)
def silu_error(published, evidence):
    """The greatest squared error in float32; on a GPU where there is one."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    error = float(squared_error(torch.float32, device)[1].max())
    ulp = 2.0**-40  # the square of a float32's last place between 8 and 16
    said = f"{error:.1e} on a {'GPU' if device == 'cuda' else 'CPU'}"
    reason = f"the greatest squared error is {said}"
    if abs(error / ulp - 1) < 0.01:
        reason += ": the two differ by one unit in the last place where SiLU is between 8 and 16"
    if not published / 10 <= error <= published * 10:
        return Verdict("does not hold", reason, said, profile=COMPUTED)
    if device == "cpu":
        return Verdict("holds in part", f"{reason}; the claim is of a GPU, and none was at hand", said, profile=COMPUTED)
    return Verdict("holds", reason, said, profile=COMPUTED)

"""Claims of the LEAF paper about what happens while a network learns, each with the measure that decides it."""

from typing import Any

import numpy as np
import torch

from ..activations.leaf import leaf
from ..experiments import get
from ..stats import paired
from .base import Verdict, hardware_of, stated
from .rules import FEW, SCALES

LONG = 50  # epochs from which on a plateau, or where a form ends, can be told
MOSTLY = 2  # times as far as rho3 must rho1 move to be what mostly changes
RECTIFIED = 0.5  # the asymmetry from which on a form is called rectifier-like; SiLU has 0.76
STEEP = 3.0  # an input beyond which Sigmoid's slope is below 0.05, and Tanh's below 0.01
PRINTED_WINNERS = {
    "KerasNet": {42: "AHAF as SiLU", 128: "AHAF as SiLU", 7823: "AHAF as SiLU", 100: "LEAF as SiLU", 1999: "LEAF as SiLU"},
    "LeNet-5": {1999: "AHAF as SiLU", 7823: "AHAF as ReLU", 42: "LEAF as ReLU", 100: "LEAF as ReLU", 128: "LEAF as ReLU"},
}


@stated("at the paper's scale the gain, best row against best, is 6.5 to 8.5 points", "leaf/table-2", "leaf/table-3")
def best_networks(evidence):
    """The best KerasNet row against the best LeNet-5 row, and row against row, on CIFAR-10."""
    tables = ("leaf/table-3", "leaf/table-2")
    rows = [cell.row for cell in get("leaf/table-2").cells if cell.column == "CIFAR-10"]
    for least, profile in SCALES:
        keras, lenet = ({row: evidence.scores(table, "CIFAR-10", row, profile) for row in rows} for table in tables)
        gains = {row: found for row in rows if (found := paired(keras[row], lenet[row])) and found.n >= least}
        if gains:
            break
    else:
        return Verdict("undecided", "no row is recorded with both networks")
    top = max(gains, key=lambda row: gains[row].mean)
    best = [max(np.mean(list(scores[row].values())) for row in gains) for scores in (keras, lenet)]
    used = [evidence.records(table, "CIFAR-10", row, profile) for table in tables for row in gains]
    common = {"n": min(found.n for found in gains.values()), "profile": profile}
    common |= {"hardware": _machines(used), "ours": _minus(f"{best[0] - best[1]:+.2f} best against best")}
    greatest = _minus(f"{gains[top].mean:+.2f} ({top})")
    if profile != "paper":
        reason = f"only {profile} records, of {len(gains)} rows; the greatest gain of a row is {greatest}"
        return Verdict("undecided", reason, **common, waits="scale")
    if common["n"] < FEW:
        return Verdict("undecided", f"one seed is no finding; row against row up to {greatest}", **common)
    near = 6.5 <= best[0] - best[1] <= 8.5
    return Verdict("holds" if near else "does not hold", f"best against best; row against row up to {greatest}", **common)


@stated(
    f"after {LONG} epochs or more LEAF gains more than Tanh in the second half of training, with the whole {{interval}}",
    "leaf/figure-6",
)
def plateau(evidence):
    """What the second half of training still gains: the best accuracy over all epochs less that of the first half."""
    for least, profile in SCALES:
        records = [evidence.records("leaf/figure-6", "CIFAR-10", row, profile) for row in ("Tanh", "LEAF as Tanh, P24SI")]
        if len(records[0].keys() & records[1].keys()) >= least:
            break
    else:
        return Verdict("undecided", "Fig. 6 is not recorded yet")

    def late(record):
        accuracy = record.curves["test_accuracy"]
        return max(accuracy) - max(accuracy[: (len(accuracy) + 1) // 2])

    gains = [{seed: late(record) for seed, record in of.items() if record.status == "done"} for of in records]
    found = evidence.paired(gains[1], gains[0])
    tanh, adaptive = (np.mean(list(of.values())) for of in gains)
    epochs = next(iter(records[0].values())).run.epochs
    common = {"n": found.n, "profile": profile, "hardware": _machines(records)}
    common["ours"] = _minus(f"Tanh {tanh:+.2f}, LEAF {adaptive:+.2f} in the second half")
    if epochs < LONG:
        return Verdict("undecided", f"{epochs} epochs are too few for a plateau", **common, waits="scale")
    if found.low is None:
        return Verdict("undecided", "one seed has no interval", **common)
    common["interval"] = (round(found.low, 3), round(found.high, 3))
    verdict = "holds" if found.low > 0 else "does not hold" if found.high < 0 else "undecided"
    return Verdict(verdict, f"LEAF gains {found.mean:+.2f} points more than Tanh in the second half", **common)


@stated(
    f"rho1 moves at least {MOSTLY} times as far as rho3, the {{interval}} of the difference above 0, and rho3 of LEAF as"
    " ReLU by less than 0.01; in part, if one of these is so",
    "leaf/table-2",
    "leaf/table-3",
)
def rho1(tables, silu_rows, relu_rows, evidence):
    """How far rho1 and rho3 of LEAF as SiLU have moved, and rho3 of LEAF as ReLU, relative to their start."""
    for least, profile in SCALES:
        silu, relu = (
            [
                record
                for table in tables
                for cell in get(table).cells
                if cell.row in rows
                for record in evidence.records(table, cell.column, cell.row, profile).values()
            ]
            for rows in (silu_rows, relu_rows)
        )
        if min(len({record.run.seed for record in of}) for of in (silu, relu)) >= least:
            break
    else:
        return Verdict("undecided", "LEAF as SiLU and as ReLU are not both recorded yet")
    by_seed = {"rho1": {}, "rho3": {}}
    for record in silu:
        for name, of in by_seed.items():
            of.setdefault(record.run.seed, []).append(_moved(record, name))
    moves = {name: {seed: float(np.mean(values)) for seed, values in of.items()} for name, of in by_seed.items()}
    found, still = evidence.paired(moves["rho1"], moves["rho3"]), max(_moved(record, "rho3") for record in relu)
    slope, gate = (np.mean(list(of.values())) for of in moves.values())
    machines = hardware_of(silu + relu)
    common: dict[str, Any] = {"ours": f"rho1 {slope:.3f}, rho3 {gate:.3f}", "n": found.n, "profile": profile, "hardware": machines}
    reason = f"as SiLU the quartiles of rho1 moved by {slope:.3f} on average and those of rho3 by {gate:.3f}"
    reason += f" (of a start at 1; mostly means {MOSTLY} times as far)"
    reason += "; as ReLU those of rho3 did not move at all" if not still else f"; as ReLU those of rho3 moved by up to {still:.0e}"
    if found.low is None:
        return Verdict("undecided", f"one seed; {reason}", **common)
    common["interval"] = (round(found.low, 4), round(found.high, 4))
    both = found.low > 0 and slope >= MOSTLY * gate, still < 0.01
    return Verdict("holds" if all(both) else "holds in part" if any(both) else "does not hold", reason, **common)


def _moved(record, name):
    """The farther of the two quartiles from the start, relative to the start, which is 1 or more; the mean over sites."""
    moves = []
    for shape in record.shapes.values():
        rows = shape["quantiles"][name]
        start, (_, _, low, _, high, _) = rows[0][3], rows[-1]
        moves.append(max(abs(low - start), abs(high - start)) / abs(start))
    return float(np.mean(moves))


def asymmetry(parameters, low=-2.0, high=2.0):
    """How much of a rectifier a LEAF curve is: 0 where both halves are as steep, as of Tanh and Sigmoid, 1 for ReLU.

    Parameters
    ----------
    parameters : sequence of float
        rho1 to rho4.
    low, high : float, default -2 and 2
        Where the inputs begin and end.

    Returns
    -------
    float
        Of the mean slopes on the two halves, the difference over the sum of their sizes, without sign.
    """
    u = torch.tensor([low, (low + high) / 2, high], dtype=torch.float64)
    first, second = leaf(u, *parameters).diff().abs().tolist()
    return abs(second - first) / (second + first) if second + first else 0.0


@stated(
    f"the median asymmetry of sampled neurons is above {RECTIFIED:g} (0 at the start, 1 for ReLU), from both starts; against it"
    f" speaks only a training of {LONG} epochs or more",
    "leaf/table-5",
)
def rectify(rows, evidence):
    """The asymmetry of sampled neurons in the convolutions of KerasNet on CIFAR-10."""
    for least, profile in SCALES:
        records = {row: evidence.records("leaf/table-5", "CIFAR-10", row, profile) for row in rows}
        if min(map(len, records.values())) >= least:
            break
    else:
        return Verdict("undecided", "KerasNet on CIFAR-10 is not recorded yet")
    medians = {}
    for init in ("Tanh", "Sigmoid"):
        values = []
        for record in (record for row, of in records.items() if init in row for record in of.values()):
            for site in list(record.shapes)[:4]:  # its convolutions
                sample = record.shapes[site]["sample"]
                values += map(asymmetry, zip(*(sample[f"rho{i}"] for i in (1, 2, 3, 4)), strict=True))
        medians[init] = float(np.median(values))
    said = ", ".join(f"as {init} {value:.2f}" for init, value in medians.items())
    epochs = next(iter(records[rows[0]].values())).run.epochs
    common: dict[str, Any] = {"ours": f"asymmetry {said}", "n": min(map(len, records.values())), "profile": profile}
    common["hardware"] = _machines(records.values())
    reason = f"on inputs from -2 to 2 the median asymmetry of sampled neurons (0 at the start, 1 for ReLU) is {said}"
    if min(medians.values()) > RECTIFIED:
        return Verdict("holds", reason, **common)
    if epochs < LONG:
        return Verdict(
            "undecided", f"{reason}, after {epochs} epochs, too few to tell where the forms end", **common, waits="scale"
        )
    return Verdict("holds in part" if max(medians.values()) > RECTIFIED else "does not hold", reason, **common)


def saturated(record):
    """The shares of inputs below -3 and above 3, over the neurons that a record follows; None for one without histograms."""
    below = above = total = 0
    for shape in record.shapes.values():
        inputs = shape.get("inputs", {"range": [], "counts": []})
        for (low, high), counts in zip(inputs["range"], inputs["counts"], strict=True):
            if counts is not None:
                edges, counts = np.linspace(low, high, len(counts) + 1), np.array(counts)
                below, above = below + counts[edges[1:] <= -STEEP].sum(), above + counts[edges[:-1] >= STEEP].sum()
                total += counts.sum()
    return (below / total, above / total) if total else None


@stated(
    "more than a tenth of the inputs of LEAF as Sigmoid are below −3, twice as many as above 3 and as of LEAF as Tanh's below −3",
    "leaf/table-5",
)
def negative_saturation(evidence):
    """Whether the inputs of LEAF as Sigmoid are on its flat negative side, and those of LEAF as Tanh are not."""
    row = "LEAF as {}, P24SI"
    for least, profile in SCALES:
        records = [evidence.records("leaf/table-5", "CIFAR-10", row.format(init), profile) for init in ("Sigmoid", "Tanh")]
        shares = [[share for record in of.values() if (share := saturated(record))] for of in records]
        if min(map(len, shares)) >= least:
            break
    else:
        return Verdict("undecided", "the inputs of KerasNet's units on CIFAR-10 are not recorded yet")
    (below, above), (tanh, _) = (np.mean(of, axis=0) for of in shares)
    reason = (
        f"in KerasNet on CIFAR-10 {100 * below:.0f} % of the inputs of LEAF as Sigmoid are below −3 and {100 * above:.0f} % above 3"
    )
    reason += f"; of LEAF as Tanh's {100 * tanh:.0f} % are below −3"
    ours, n, hardware = f"{100 * below:.0f} % against {100 * tanh:.0f} %", min(map(len, shares)), _machines(records)
    common: dict[str, Any] = {"ours": ours, "n": n, "profile": profile, "hardware": hardware}
    if common["n"] < FEW:
        return Verdict("undecided", f"one seed is no finding; {reason}", **common)
    one_sided = below > 2 * above and below > 2 * tanh
    return Verdict("holds" if one_sided and below > 0.1 else "does not hold", reason, **common)


def winners(evidence, profile):
    """The best row of the seed study, by network and seed, where all ten rows are recorded.

    Parameters
    ----------
    evidence : Evidence
    profile : str

    Returns
    -------
    dict of str to dict of int to str
    """
    found = {}
    for network in PRINTED_WINNERS:
        rows = [cell.row for cell in get("leaf/seeds").cells if cell.column == network]
        scores = {row: evidence.scores("leaf/seeds", network, row, profile) for row in rows}
        seeds = sorted(set.intersection(*(set(of) for of in scores.values())))
        found[network] = {seed: max(rows, key={row: scores[row][seed] for row in rows}.__getitem__) for seed in seeds}
    return found


@stated("at the paper's scale all 10 winners are the printed ones; in part, if more than half are", "leaf/seeds")
def same_winners(evidence):
    """Whether the winners of each seed are the printed ones."""
    for least, profile in SCALES:
        found = winners(evidence, profile)
        if max(map(len, found.values())) >= least:
            break
    else:
        return Verdict("undecided", "the seed study is not recorded yet")
    compared = [(row, printed) for n, of in found.items() for seed, row in of.items() if (printed := PRINTED_WINNERS[n].get(seed))]
    total, agree = len(compared), sum(row.startswith(printed) for row, printed in compared)
    used = [evidence.records("leaf/seeds", cell.column, cell.row, profile) for cell in get("leaf/seeds").cells]
    ours = "; ".join(f"{network}: {listed(of)}" for network, of in found.items() if of)
    common: dict[str, Any] = {"ours": ours, "n": max(map(len, found.values())), "profile": profile, "hardware": _machines(used)}
    said = f"{agree} of {total} winners agree"
    if profile != "paper":
        return Verdict(
            "undecided", f"{profile} records cannot tell who wins after 100 epochs; there {said}", **common, waits="scale"
        )
    if total < 10:
        return Verdict("undecided", f"{said}, {10 - total} are missing", **common, waits="scale")
    return Verdict("holds" if agree == 10 else "holds in part" if agree > 5 else "does not hold", said, **common)


def listed(of):
    """Winners by seed in words."""
    return ", ".join(f"{row} ({seed})" for seed, row in of.items())


def _machines(groups):
    return hardware_of(record for of in groups for record in of.values())


def _minus(text):
    return text.replace("-", "−")

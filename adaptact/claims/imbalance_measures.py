"""What the claims on class imbalance are measured by, and the conditions that they are tested under."""

from itertools import pairwise

import numpy as np

from ..experiments.imbalance import (
    ARTICLES,
    DEPTHS,
    HIGH_RATE,
    NOISE,
    RATES,
    RATIO,
    RATIOS,
    REMEDIES,
    SETS,
    depth_column,
    network_column,
    noise_column,
    rate_column,
    ratio_column,
)
from .contrasts import Place, difference, interaction

# The smallest effects that count; our choices, made before any verdict was.
POINTS = 2.0  # of PR-AUC, macro-F1 and recall
UNITS = 1.0  # of all units, in percent
DECADES = 0.1  # powers of ten of a gradient, a factor of 1.26
LOSS = 0.02  # powers of ten of a loss, five percent
RISES = 0.5  # epochs
FIRST = 3  # epochs whose training loss says how fast a training starts
SMALLEST = 1e-30  # so that a gradient of zero has a logarithm


def score(name):
    """A metric of the last epoch, in percent, as a measure."""

    def measure(record):
        return record.scores.get("last", {}).get(name)

    return measure


pr_auc, macro_f1, recall = score("pr_auc"), score("macro_f1"), score("minority_recall")


def _mean_of_sites(record, of):
    found = [of(site) for site in record.units.values()]
    return None if not found or None in found else float(np.mean(found))


def dead(record):
    """Units that no image moves, in percent, mean over sites."""
    return _mean_of_sites(record, lambda site: 100 * site["dead"])


def nearly_dead(record):
    """Units with a slope below 0.05 for every image, in percent, mean over sites."""
    return _mean_of_sites(record, lambda site: 100 * site["nearly_dead"])


def minority_dead(record):
    """Units that no image of the minority moves, less those of another class of as many images, in points, mean over sites."""
    return _mean_of_sites(record, lambda site: 100 * (site["minority_dead"] - site["majority_dead"]))


def distance_from_zero(record):
    """The size of a site's mean output, mean over sites."""
    return _mean_of_sites(record, lambda site: abs(site["mean"]))


def _log(values):
    return np.log10(np.maximum(np.array(values, dtype=float), SMALLEST))


def first_gradient(record):
    """The minority's gradient at the first layer, for its mean loss, as a power of ten; mean over epochs."""
    return float(_log(record.curves["minority_first_gradient"]).mean())


def lost(record, who="minority"):
    """Powers of ten that a class's gradient loses from the last hidden layer to the first; mean over epochs."""
    last, first = (_log(record.curves[f"{who}_{place}_gradient"]) for place in ("last", "first"))
    return float((last - first).mean())


def lost_more(record):
    """How many powers of ten more the minority's gradient loses on its way back than the majority's."""
    return lost(record) - lost(record, "majority")


def early_loss(record):
    """The training loss of the first epochs, as a power of ten."""
    return float(np.log10(np.mean(record.curves["train_loss"][:FIRST])))


def rises(record):
    """In how many epochs the training loss is above that of the epoch before."""
    losses = record.curves["train_loss"]
    return float(sum(b > a for a, b in pairwise(losses)))


def negated(measure):
    """A measure with its sign turned."""

    def turned(record):
        value = measure(record)
        return None if value is None else -value

    return turned


def _in(experiment, columns):
    return {label: (f"imbalance/{experiment}", column) for label, column in columns.items()}


# Conditions by label: an experiment and its column.
CENTRE = _in("ratios", {"1:50": ratio_column(RATIO)})
BALANCED = _in("ratios", {"1:1": ratio_column(1)})
RARE = _in("ratios", {ratio_column(ratio): ratio_column(ratio) for ratio in RATIOS[1:]})
OTHER_RATES = _in("rates", {f"rate {rate:g}": rate_column(rate) for rate in RATES if rate != 1e-3})
OTHER_SETS = _in("sets", {name: name for name in SETS if name != "Fashion-MNIST"})
DEEP = _in("depths", {f"{layers} layers": depth_column(layers) for layers in DEPTHS if layers >= 10})
CONVOLUTIONS = _in("networks", {"CNN": network_column("CNN")})
NOISY = _in("noise", {noise_column(share, ratio): noise_column(share, ratio) for share in NOISE[1:] for ratio in (1, RATIO)})
WITH_REMEDIES = _in("remedies", {name: name for name in REMEDIES if name != "nothing"})


def place(where, row):
    """The cell of a function under a condition."""
    experiment, column = where
    return Place(experiment, column, row)


def pairs(row, base, *groups):
    """Differences of two functions under all conditions of some groups."""
    conditions = {label: where for group in groups for label, where in group.items()}
    return [difference(f"{row}, {label}", place(where, row), place(where, base)) for label, where in conditions.items()]


def grows(row, base, group, otherwise):
    """Interactions: the difference of two functions under each condition of a group, less that under another one."""
    (than,) = otherwise.values()
    return [
        interaction(f"{row}, {label}", (place(where, row), place(where, base)), (place(than, row), place(than, base)))
        for label, where in group.items()
    ]


def with_imbalance(row, ratios=RATIOS[1:], layers=(), rates=()):
    """Differences of one function between rare and balanced classes: by ratio, and at 1:50 by depth and rate."""
    found = [difference(f"{row}, {ratio_column(r)}", _ratio(row, r), _ratio(row, 1)) for r in ratios]
    for columns, experiment, of in ((depth_column, "depths", layers), (rate_column, "rates", rates)):
        for value in of:
            ends = [Place(f"imbalance/{experiment}", columns(value, ratio), row) for ratio in (RATIO, 1)]
            found.append(difference(f"{row}, {columns(value)}", *ends))
    return found


def _ratio(row, ratio):
    return Place("imbalance/ratios", ratio_column(ratio), row)


# Where gradients might vanish the more for a rare class, and where units might die of it.
GRADIENTS = [
    contrast
    for row, ratios in (("ReLU", RATIOS[1:]), ("tanh", RATIOS[1:]), ("Swish", ()))
    for contrast in with_imbalance(row, ratios, DEPTHS[2:])
]
DYING = with_imbalance("ReLU", layers=[n for n in DEPTHS if n != 5], rates=(3e-3, HIGH_RATE))


def _price(row, layers):
    return tuple(Place("imbalance/depths", depth_column(layers, ratio), row) for ratio in (1, RATIO))


DEEPER_COSTS = [
    interaction(f"{row}, {layers} layers", _price(row, layers), _price(row, DEPTHS[0]))
    for row in ("ReLU", "Swish", "tanh")
    for layers in DEPTHS[2:]
]
DEEP_BOTH = {
    f"{layers} layers, 1:{ratio}": ("imbalance/depths", depth_column(layers, ratio))
    for layers in DEPTHS[2:]
    for ratio in (1, RATIO)
}
SHALLOW = {ratio: {"2 layers": ("imbalance/depths", depth_column(DEPTHS[0], ratio))} for ratio in (1, RATIO)}
RELIABLE = tuple(row for row in ARTICLES if row != "Swish")
CONDITIONS = RARE | OTHER_RATES | OTHER_SETS | DEEP | CONVOLUTIONS

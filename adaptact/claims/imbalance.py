"""The claims of an article on activations under class imbalance, which has no data: each is tested, and none is reproduced."""

from ..experiments.imbalance import NOISE, RATIO, noise_column
from .base import Claim
from .contrasts import contrasted
from .gradients import keeps_more
from .imbalance_choice import not_alone, on_the_network, on_the_ratio, reliable, varies_less
from .imbalance_cost import cheapest, only_slightly, swish_costs_more
from .imbalance_measures import (
    BALANCED,
    DECADES,
    DEEP,
    DEEP_BOTH,
    DEEPER_COSTS,
    DYING,
    GRADIENTS,
    LOSS,
    NOISY,
    OTHER_RATES,
    OTHER_SETS,
    POINTS,
    RARE,
    RISES,
    SHALLOW,
    UNITS,
    WITH_REMEDIES,
    dead,
    distance_from_zero,
    early_loss,
    first_gradient,
    grows,
    lost_more,
    macro_f1,
    minority_dead,
    nearly_dead,
    negated,
    pairs,
    pr_auc,
    rises,
)
from .imbalance_slopes import no_dead_with_elu, slope_one
from .rules import parts

BETTER = ("above", f"below, or less than {POINTS:g} points above")
FALLS = ("smaller", "no smaller")


def claims():
    """The claims.

    Returns
    -------
    list of Claim
    """
    noisier = [
        contrast
        for ratio in (1, RATIO)
        for contrast in grows(
            "ELU",
            "ReLU",
            {noise_column(share, ratio): ("imbalance/noise", noise_column(share, ratio)) for share in NOISE[1:]},
            {"none": ("imbalance/noise", noise_column(0, ratio))},
        )
    ]
    deeper = [
        contrast
        for ratio in (1, RATIO)
        for contrast in grows("Swish", "ReLU", {k: v for k, v in DEEP_BOTH.items() if k.endswith(f"1:{ratio}")}, SHALLOW[ratio])
    ]
    return [
        Claim(
            "imb-gradient",
            "imbalance",
            "first paragraph",
            "effect",
            "class imbalance worsens vanishing gradients, which makes the minority's recognition poor",
            parts(
                {
                    "the minority's gradient loses more on its way back": contrasted(
                        GRADIENTS,
                        lost_more,
                        ("above", "below, or hardly above"),
                        below=DECADES,
                        unit="powers of ten",
                        digits=2,
                    ),
                    "at the first layer it falls by more than the minority's share": contrasted(
                        GRADIENTS,
                        negated(first_gradient),
                        FALLS,
                        below=DECADES,
                        unit="powers of ten, a fall counted positive",
                        digits=2,
                    ),
                    "imbalance costs more in deep networks": contrasted(
                        DEEPER_COSTS, pr_auc, BETTER, below=POINTS, unit="points of PR-AUC"
                    ),
                }
            ),
            note="the gradient of a class is that of the mean loss of 100 of its test images, after each epoch",
        ),
        Claim(
            "imb-relu-flow",
            "imbalance",
            "section 1",
            "effect",
            "ReLU keeps gradients for positive inputs, a solution of the vanishing gradient, and is computationally inexpensive",
            parts(
                {
                    "the slope": slope_one,
                    "gradients before training": keeps_more(
                        {name: (name.lower(), {}) for name in ("ReLU", "tanh", "sigmoid")}, "ReLU"
                    ),
                    "the cheapest": cheapest,
                }
            ),
        ),
        Claim(
            "imb-dying",
            "imbalance",
            "section 1",
            "effect",
            "ReLU units die, the more so under imbalance, and those that serve the minority",
            parts(
                {
                    "more of them die": contrasted(DYING, dead, ("above", "not, or hardly, above"), below=UNITS),
                    "the minority's first": contrasted(DYING, minority_dead, ("above", "not, or hardly, above"), below=UNITS),
                }
            ),
            note="points of all units; the minority's: units that no image of it moves, less those of the mean other class",
        ),
        Claim(
            "imb-leaky",
            "imbalance",
            "section 1",
            "effect",
            "Leaky ReLU keeps units with negative inputs partly active, which helps",
            parts(
                {
                    "fewer are dead": contrasted(
                        pairs("ReLU", "Leaky ReLU", BALANCED, RARE), dead, ("fewer", "not, or hardly, fewer"), below=UNITS
                    ),
                    "the minority's PR-AUC": contrasted(
                        pairs("Leaky ReLU", "ReLU", RARE, OTHER_RATES, OTHER_SETS), pr_auc, BETTER, below=POINTS
                    ),
                }
            ),
        ),
        Claim(
            "imb-prelu",
            "imbalance",
            "section 1",
            "order",
            "PReLU often beats Leaky ReLU, particularly under imbalance",
            parts(
                {
                    "above it": contrasted(
                        pairs("PReLU", "Leaky ReLU", RARE, OTHER_RATES, OTHER_SETS) + pairs("PReLU from 0", "Leaky ReLU", RARE),
                        pr_auc,
                        BETTER,
                        below=POINTS,
                    ),
                    "the more so under imbalance": contrasted(
                        [of for row in ("PReLU", "PReLU from 0") for of in grows(row, "Leaky ReLU", RARE, BALANCED)],
                        pr_auc,
                        BETTER,
                        below=POINTS,
                    ),
                }
            ),
            note="points of PR-AUC; PReLU starts at 0.25, torch's default, and at 0, as in the article",
        ),
        Claim(
            "imb-elu",
            "imbalance",
            "section 2",
            "effect",
            "ELU solves the dying of ReLU units by a gradient that is not zero for negative inputs",
            parts(
                {
                    "no unit is dead": no_dead_with_elu,
                    "fewer are nearly dead": contrasted(
                        pairs("ReLU", "ELU", BALANCED, RARE, OTHER_RATES, DEEP),
                        nearly_dead,
                        ("fewer", "not, or hardly, fewer"),
                        below=UNITS,
                    ),
                }
            ),
        ),
        Claim(
            "imb-elu-mean",
            "imbalance",
            "section 2",
            "effect",
            "ELU's negative saturation pushes mean activations nearer to zero",
            contrasted(
                [of for base in ("ReLU", "Leaky ReLU") for of in pairs(base, "ELU", BALANCED, RARE, DEEP)],
                distance_from_zero,
                ("farther from zero than ELU", "nearer to it"),
                unit="of the mean output",
                digits=2,
            ),
        ),
        Claim(
            "imb-elu-speed",
            "imbalance",
            "section 2",
            "effect",
            "ELU speeds training and improves generalisation, particularly with noisy or imbalanced data",
            parts(
                {
                    "faster": contrasted(
                        pairs("ReLU", "ELU", BALANCED, RARE, OTHER_RATES),
                        early_loss,
                        ("above ELU's", "not, or hardly, above it"),
                        below=LOSS,
                        unit="powers of ten of the training loss of the first three epochs",
                        digits=2,
                    ),
                    "better": contrasted(
                        pairs("ELU", "ReLU", RARE, OTHER_RATES, OTHER_SETS, NOISY), macro_f1, BETTER, below=POINTS
                    ),
                    "the more so with noise": contrasted(noisier, macro_f1, BETTER, below=POINTS),
                    "the more so under imbalance": contrasted(grows("ELU", "ReLU", RARE, BALANCED), macro_f1, BETTER, below=POINTS),
                }
            ),
            note="points of macro-F1 unless said otherwise",
        ),
        Claim(
            "imb-swish-depth",
            "imbalance",
            "section 3",
            "effect",
            "Swish, smooth and not monotone, is more stable and generalises better, particularly in deep networks",
            parts(
                {
                    "its training loss rises less often": contrasted(
                        pairs("ReLU", "Swish", DEEP_BOTH), rises, ("fewer", "not fewer"), below=RISES, unit="epochs"
                    ),
                    "it varies less over seeds": varies_less("Swish", "ReLU"),
                    "better in deep networks": contrasted(pairs("Swish", "ReLU", DEEP_BOTH), macro_f1, BETTER, below=POINTS),
                    "the more so the deeper": contrasted(deeper, macro_f1, BETTER, below=POINTS),
                }
            ),
        ),
        Claim(
            "imb-swish-cost",
            "imbalance",
            "section 3",
            "effect",
            "Swish costs slightly more than ReLU",
            parts({"more": swish_costs_more, "only slightly": only_slightly}),
        ),
        Claim(
            "imb-swish-costsens",
            "imbalance",
            "section 3",
            "effect",
            "Swish gains most in combination with data augmentation or cost-sensitive learning",
            parts(
                {
                    f"the gain in {name}": contrasted(
                        grows("Swish", "ReLU", WITH_REMEDIES, {"nothing": ("imbalance/remedies", "nothing")}),
                        measure,
                        ("larger", f"smaller, or less than {POINTS:g} points larger"),
                        below=POINTS,
                    )
                    for name, measure in (("PR-AUC", pr_auc), ("macro-F1", macro_f1))
                }
            ),
        ),
        Claim(
            "imb-reliable",
            "imbalance",
            "second paragraph, section 3",
            "order",
            "ReLU, its variants and ELU are consistently reliable; Swish is no solution by itself",
            parts({"reliable": reliable, "Swish alone": not_alone}),
            note="macro-F1 and PR-AUC",
        ),
        Claim(
            "imb-depends",
            "imbalance",
            "second paragraph",
            "effect",
            "the best choice depends on the architecture and on the degree of imbalance",
            parts({"on the network": on_the_network, "on the ratio": on_the_ratio}),
        ),
    ]

"""The claims of the PLTanh paper (Mastromichalakis 2023, arXiv 2310.07720)."""

from functools import partial

from ..activations.pltanh import pltanh
from ..experiments.pltanh import REPORTED
from .base import Claim
from .calculus import bounded, differentiable
from .pltanh_cost import overhead
from .pltanh_gradients import flows, negative_slope, no_dead, no_nearly_dead, too_high, too_low, trains
from .pltanh_training import GRID, consistently, gains, one_alpha, reported, tuned
from .rules import parts

# The alpha of the author's code, and the one reported for CIFAR-10; the others are not in the text available to us.
FUNCTIONS = {f"alpha {alpha:g}": partial(pltanh, alpha=alpha) for alpha in (0.01, 0.4)}


def claims():
    """The claims.

    Returns
    -------
    list of Claim
    """
    return [
        Claim(
            "pltanh-differentiable",
            "pltanh",
            "abstract",
            "property",
            "PLTanh is differentiable at all points",
            differentiable(FUNCTIONS),
            published="no kink",
            note="for an alpha of 1 or more it is alpha |x|, with one kink",
        ),
        Claim(
            "pltanh-bounded",
            "pltanh",
            "summary",
            "property",
            "PLTanh keeps the smooth and bounded output of tanh",
            parts({"bounded": bounded(FUNCTIONS), "smooth": differentiable(FUNCTIONS)}),
            published="bounded",
            note="it is neither smooth nor bounded; it has a lower bound, zero, but no upper one",
        ),
        Claim(
            "pltanh-alive",
            "pltanh",
            "abstract, mechanism 1",
            "effect",
            "the gradient for negative inputs is never zero, so units do not die",
            parts({"the slope": negative_slope, "no unit is dead": no_dead, "fewer are nearly dead": no_nearly_dead}),
            published="never zero",
            note="nearly dead: a slope below 0.05 for every image; that of negative inputs is 0.01 in the author's code",
        ),
        Claim(
            "pltanh-flow",
            "pltanh",
            "mechanism 2",
            "effect",
            "gradient flow is better than with tanh or Leaky ReLU alone",
            parts({"gradients before training": flows, "deep networks train better": trains}),
        ),
        Claim(
            "pltanh-accuracy",
            "pltanh",
            "results",
            "value",
            "accuracy is 0.1 to 2.8 points above that of ReLU, Leaky ReLU and ALReLU on each of the five data sets",
            gains(),
            published="+0.1 to +2.8",
            note="which functions and sets the two ends belong to is not in the text available to us",
        ),
        Claim(
            "pltanh-f1",
            "pltanh",
            "results",
            "order",
            "macro precision, recall and F1 are consistently above those of the three competitors",
            consistently(("macro_precision", "macro_recall", "macro_f1")),
        ),
        Claim(
            "pltanh-cifar",
            "pltanh",
            "results",
            "value",
            "85.87 % accuracy on CIFAR-10, at alpha 0.4",
            reported(["cifar10"], "PLTanh, 0.4", REPORTED["cifar10"], GRID),
            published="85.87 %",
            note="from a third-party summary",
        ),
        Claim(
            "pltanh-histopathology",
            "pltanh",
            "results",
            "value",
            "86.68 % accuracy on histopathology, below ReLU and Leaky ReLU",
            reported(["pcam", "pneumonia"], "PLTanh, searched", REPORTED["pcam"]),
            published="86.68 %",
            note="from a third-party summary, against the abstract's claim to be above on every set; the alpha is not in the text"
            " available to us",
        ),
        Claim(
            "pltanh-alpha",
            "pltanh",
            "mechanism 3",
            "effect",
            "the best alpha depends on the data set, so that tuning it matters",
            parts({"tuning it matters": tuned, "it depends on the data set": one_alpha}),
        ),
        Claim(
            "pltanh-alpha-fails",
            "pltanh",
            "failure signatures",
            "effect",
            "an alpha that is too high makes training unstable, one that is too low lets units die",
            parts({"too high": too_high, "too low": too_low}),
            note="the second part is at odds with mechanism 1 of the same text",
        ),
        Claim(
            "pltanh-overhead",
            "pltanh",
            "open question 3",
            "effect",
            "PLTanh costs more than ReLU, the more so in deep networks",
            overhead,
        ),
    ]

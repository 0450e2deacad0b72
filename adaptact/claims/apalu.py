"""The claims of the APALU paper (Subramanian et al. 2024, arXiv 2402.08244)."""

from functools import partial

from ..activations.apalu import apalu
from .apalu_theory import approximates, flows, settles, theorem, trains
from .base import Claim
from .calculus import differentiable, monotone
from .rules import parts

# The start that the paper's Fig. 1 draws, and the one b for its a at which the two pieces meet with the same slope.
FUNCTIONS = {"a 0.55, b 0.065": apalu, "b = 1.5 a": partial(apalu, b=1.5 * 0.55)}


def claims():
    """The claims.

    Returns
    -------
    list of Claim
    """
    return [
        Claim(
            "apalu-differentiable",
            "apalu",
            "summary",
            "property",
            "APALU is differentiable and monotone",
            parts({"differentiable": differentiable(FUNCTIONS), "monotone": monotone(FUNCTIONS)}),
            published="no kink",
            note="the slopes beside zero are b and 1.5 a: there is a kink unless b = 1.5 a",
        ),
        Claim(
            "apalu-vanishing",
            "apalu",
            "summary",
            "effect",
            "APALU is robust to vanishing gradients",
            parts({"gradients before training": flows, "deep networks train better": trains}),
            note="how the paper shows it is not in the text available to us; here it is judged beside its four rivals",
        ),
        Claim(
            "apalu-approximation",
            "apalu",
            "summary",
            "effect",
            "networks with APALU are universal approximators, and their training converges",
            parts({"the theorem": theorem, "known functions are learned": approximates, "the loss settles": settles}),
            note="the theorem holds for every continuous function that is no polynomial, and tells nothing of training",
        ),
    ]

"""The claims of the APALU paper (Subramanian et al. 2024, arXiv 2402.08244)."""

from functools import partial

from ..activations.apalu import apalu
from ..experiments.apalu import GAINS, NETWORKS
from ..experiments.apalu_defects import DIFFERNET, DISTILLATION
from ..experiments.apalu_defects import GAINS as DEFECT_GAINS
from .apalu_defects import auc_gain, localises
from .apalu_regression import REGRESSION, TABLE_COLUMNS, forecasts_better, lower_errors
from .apalu_sign import recognises
from .apalu_theory import approximates, flows, settles, theorem, trains
from .apalu_training import costs_more, gain_in, mean_auc, on_mnist, sensitive
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
            "apalu-mnist",
            "apalu",
            "summary",
            "order",
            "image classifiers on MNIST do better with APALU than with ReLU, Leaky ReLU, ELU and GELU",
            on_mnist(),
            note="which networks, and the numbers, are not in the text available to us; here MobileNet and GoogLeNet",
        ),
        *(
            Claim(
                f"apalu-{model}",
                "apalu",
                "abstract",
                "value",
                f"{NETWORKS[model]} on CIFAR-10 gains {GAINS[model]:.2f} points",
                gain_in(model, GAINS[model]),
                published=f"+{GAINS[model]:.2f}",
                note="over which function is not in the text available to us",
            )
            for model in NETWORKS
        ),
        Claim(
            "apalu-svdd",
            "apalu",
            "abstract",
            "value",
            "One-Class Deep SVDD on MNIST gains 0.8 % of mean AUC",
            mean_auc(GAINS["svdd"]),
            published="+0.80",
            note="over which function, and whether in points, is not in the text available to us; here in points of AUC times 100",
        ),
        *(
            Claim(
                f"apalu-{experiment.partition('/')[2]}",
                "apalu",
                "abstract",
                "value",
                f"{method} on MVTec AD gains {DEFECT_GAINS[experiment]:.2f} %",
                auc_gain(experiment),
                published=f"+{DEFECT_GAINS[experiment]:.2f}",
                note="over which function, on which categories, and whether in points, is not in the text available to us; here in "
                "points of AUC times 100, on the category screw",
            )
            for experiment, method in ((DIFFERNET, "DifferNet"), (DISTILLATION, "knowledge distillation"))
        ),
        Claim(
            "apalu-padim",
            "apalu",
            "Fig. 2",
            "effect",
            "PaDiM localises MVTec AD's defects better with APALU",
            localises,
            note="PaDiM trains nothing, so how the function comes in is our choice: the network that gives the features is trained "
            "with it, or it is swapped into one with ReLU",
        ),
        Claim(
            "apalu-regression",
            "apalu",
            "abstract, summary",
            "order",
            "deep and recurrent networks regress better with APALU, stock prices among them",
            parts({"tables": lower_errors(REGRESSION, TABLE_COLUMNS), "stock prices": forecasts_better}),
            note="data sets, networks and rivals are not in the text available to us; here five tables, one stock, four rivals",
        ),
        Claim(
            "apalu-sign",
            "apalu",
            "abstract",
            "value",
            "100 % on a small sign-language data set with MOPGRU",
            recognises,
            published="100 %",
            note="its set, 13 Indian signs with 30 videos each, is not public, and no other can bear out or refute the number;"
            " tested is the same cell on a public set: whether it is at 100 % there, and whether APALU is above its rivals",
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
        Claim(
            "apalu-hyper",
            "apalu",
            "summary",
            "effect",
            "results are sensitive to the starting a and b, and the function costs more",
            parts({"sensitive": sensitive, "costs more": costs_more}),
            note="a weakness that a summary of the paper names",
        ),
    ]

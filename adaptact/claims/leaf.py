"""The claims of the LEAF paper (doi 10.47839/ijc.22.3.3225) and of the AHAF paper (doi 10.20535/srit.2308-8893.2022.1.07)."""

from functools import partial

from ..experiments import get
from . import leaf_calculus as calculus
from . import leaf_training as training
from .base import Claim, Pair
from .rules import better, level, parts, printed, printed_gain

SETS = ("Fashion-MNIST", "CIFAR-10")
LINEAR, BOUNDED = ("leaf/table-2", "leaf/table-3"), ("leaf/table-4", "leaf/table-5")


def _pairs(tables, rows, base=None):
    """Pairs of some rows with their base, in both columns of some tables."""
    found = []
    for table in tables:
        cells = {(cell.column, cell.row): cell for cell in get(table).cells}
        found += [Pair(table, s, row, base or cells[s, row].base) for s in SETS for row in rows if (s, row) in cells]
    return found


def _variants(function, inits):
    procedures = {"AHAF": ("", ", DSPT"), "LEAF": (", P24SI", ", DSPT + P24SI")}[function]
    return [f"{function} as {init}{procedure}" for init in inits for procedure in procedures]


TANH_GAIN = Pair("leaf/table-5", "CIFAR-10", "LEAF as Tanh, P24SI", "Tanh")
TANH_PAIRS = _pairs(BOUNDED, _variants("LEAF", ["Tanh"]))
SIGMOID_PAIRS = [
    Pair(table, s, row, row.replace("Sigmoid", "Tanh")) for table in BOUNDED for s in SETS for row in _variants("LEAF", ["Sigmoid"])
]
AHAF_PAIRS = _pairs(LINEAR, _variants("AHAF", ["ReLU", "SiLU"]))
LINEAR_PAIRS = AHAF_PAIRS + _pairs(LINEAR, _variants("LEAF", ["ReLU", "SiLU"]))
LEVEL_PAIRS = [
    Pair(table, s, f"LEAF as {init}{a}", f"AHAF as {init}{b}")
    for table in LINEAR
    for s in SETS
    for init in ("ReLU", "SiLU")
    for a, b in ((", P24SI", ""), (", DSPT + P24SI", ", DSPT"))
]
DSPT_PAIRS = [
    Pair(table, s, row, row.replace(", DSPT + P24SI", ", P24SI").replace(", DSPT", ""))
    for table in LINEAR + BOUNDED
    for s in SETS
    for row in dict.fromkeys(cell.row for cell in get(table).cells if "DSPT" in cell.row)
]


def _repaired(optimizer):
    """LEAF as ReLU with a rate of their own for rho2 and rho4, against LEAF with one rate for all."""
    return [
        Pair("leaf/figure-9", network, f"LEAF, {optimizer}, P24SI", f"LEAF, {optimizer}") for network in ("KerasNet", "LeNet-5")
    ]


RECURRENT_PAIRS = [
    Pair("leaf/recurrent", network, row, "tanh")
    for network in ("GRU", "LSTM")
    for row in dict.fromkeys(cell.row for cell in get("leaf/recurrent").cells if cell.base)
]


def claims():
    """The 18 claims.

    Returns
    -------
    list of Claim
    """
    make = partial(Claim, paper="leaf")
    return [
        make(
            "leaf-shapes", where="Table 1", kind="property", rule=calculus.shapes, published="6 of 6 rows",
            text="LEAF equals or closely approximates ReLU, SiLU, Tanh, Sigmoid, Swish and AHAF at the listed parameters",
        ),
        make(
            "leaf-gradients", where="eqs 6 to 9", kind="property", rule=calculus.gradients, published="8 of 8 forms",
            text="the printed partial derivatives and update rules are LEAF's",
        ),
        make(
            "leaf-tanh-gain", where="Table 5, abstract", kind="value", published="+6.69",
            rule=printed_gain(TANH_GAIN, 84.46 - 77.77),
            text="LEAF as Tanh is about 7 points better than Tanh on CIFAR-10 with KerasNet",
        ),
        make(
            "leaf-tanh-everywhere", where="Tables 4, 5", kind="order", rule=better(TANH_PAIRS), published=printed(TANH_PAIRS),
            text="LEAF as Tanh beats Tanh with both networks on both data sets, with and without DSPT",
        ),
        make(
            "leaf-sigmoid-small", where="Tables 4, 5", kind="order", published=printed(SIGMOID_PAIRS, worse=True),
            rule=parts({"the order": better(SIGMOID_PAIRS, worse=True), "the cause": training.negative_saturation}),
            text="LEAF as Sigmoid ends significantly below LEAF as Tanh, because gradients vanish on negative inputs",
            note="contradicts the abstract, which says that LEAF does not suffer from vanishing gradients",
        ),
        make(
            "leaf-linear-level", where="Tables 2, 3", kind="order", published=printed(LINEAR_PAIRS),
            rule=parts({"better than the base": better(LINEAR_PAIRS), "LEAF level with AHAF": level(LEVEL_PAIRS)}),
            text="AHAF and LEAF variants of ReLU and SiLU stay level with each other and are better than the base",
        ),
        make(
            "leaf-kerasnet", where="section V.A", kind="value", rule=training.best_networks, published="+7.17 best against best",
            text="KerasNet is up to 7 points better than LeNet-5 on CIFAR-10",
            note="best against best 7.17; row against row up to 8.00",
        ),
        make(
            "leaf-dspt", where="Tables 2 to 5", kind="effect", rule=level(DSPT_PAIRS),
            text="updating activation parameters before the weights (DSPT) changes accuracy little",
        ),
        make(
            "leaf-p24si", where="Fig. 9, section V.C", kind="effect",
            rule=parts({optimizer: better(_repaired(optimizer)) for optimizer in ("ADAM", "RMSprop")}),
            text="at the regular rate LEAF as ReLU fails to converge well with ADAM and is inferior with RMSprop; a reduced rate "
            "for rho2 and rho4 repairs it",
        ),
        make(
            "leaf-plateau", where="Fig. 6", kind="effect", rule=training.plateau,
            text="Tanh reaches a plateau while LEAF as Tanh goes on improving",
        ),
        make(
            "leaf-rho1", where="section V.A, Fig. 5", kind="effect",
            rule=partial(training.rho1, LINEAR, _variants("LEAF", ["SiLU"]), _variants("LEAF", ["ReLU"])),
            text="LEAF as SiLU mostly changes the slope (rho1); rho3 of LEAF as ReLU stays where it started",
        ),
        make(
            "leaf-rectify", where="Figs 7, 8", kind="effect",
            rule=partial(training.rectify, _variants("LEAF", ["Tanh", "Sigmoid"])),
            text="LEAF as Tanh and as Sigmoid turn themselves into rectifier-like forms in a convolutional network",
        ),
        make(
            "leaf-seeds", where="section V.A", kind="order", rule=training.same_winners,
            published="; ".join(f"{network}: {training.listed(of)}" for network, of in training.PRINTED_WINNERS.items()),
            text="on CIFAR-10 the best of ReLU, SiLU, AHAF and LEAF depends on the seed, in this way",
        ),
        make(
            "leaf-silu-error", where="Fig. 4", kind="value", rule=partial(calculus.silu_error, 9e-13), published="9e-13 on a GPU",
            text="two implementations of SiLU differ by a squared error of up to about 9e-13 in float32 on a GPU",
        ),
        make(
            "leaf-cost", where="abstract", kind="effect", rule=partial(calculus.cost, DSPT_PAIRS),
            text="LEAF and its training are cheap to compute",
        ),
        make(
            "leaf-vanishing", where="abstract", kind="effect", rule=calculus.vanishing,
            text="LEAF does not suffer from vanishing gradients",
        ),
        make(
            "leaf-recurrent", where="abstract, conclusions", kind="effect",
            rule=level(RECURRENT_PAIRS, or_better=True),
            text="LEAF can replace fixed activations in recurrent networks", note="never tested in the paper",
        ),
        make(
            "ahaf-gain", where="AHAF paper, abstract", kind="order", rule=better(AHAF_PAIRS), published=printed(AHAF_PAIRS),
            text="networks with AHAF beat their ReLU and SiL bases",
            note="the cells are those of the LEAF paper; the AHAF paper's own tables are not in the text available to us",
        ),
    ]  # fmt: skip

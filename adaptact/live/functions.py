"""The playgrounds: LEAF, PLTanh, APALU and the weighted sum, each with its sliders and what is worth printing of it."""

from dataclasses import replace

from .. import functional
from ..activations.weighted_sum import NORMALISATIONS
from .figure import Live, Slider


def _fixed(expression, digits=2):
    return f"format({expression}, '.{digits}f')"


# The right end of the slider stands for the slope of LEAF as ReLU, which no slider reaches that is to move the other shapes.
STEEPEST = 10.0


def _leaf(x, rho1, rho2, rho3, rho4):
    return functional.leaf(x, rho1, rho2, 2.0**16 if rho3 >= STEEPEST else rho3, rho4)


LEAF = Live(
    name="leaf",
    description=(
        "LEAF and its derivative for inputs from -4 to 4, with a slider for each of rho1 to rho4 and buttons for the rows"
        " of Table 1. As ReLU, SiLU, tanh, sigmoid, Swish and AHAF it takes the shape of that function; the sigmoid's row"
        " as printed gives zero."
    ),
    variable="u",
    function=_leaf,
    sliders=(
        Slider("rho1", "ρ₁, slope of the line", -2, 2, 0.05),
        Slider("rho2", "ρ₂, height of the line", -3, 3, 0.05),
        Slider("rho3", "ρ₃, slope of the gate", -10, STEEPEST, 0.1),
        Slider("rho4", "ρ₄, shift", -2, 2, 0.05),
    ),
    starts={
        "SiLU": (1, 0, 1, 0),
        "ReLU": (1, 0, STEEPEST, 0),
        "Tanh": (0, 2, 2, -1),
        "Sigmoid": (0, 1, 1, 0),
        "Sigmoid as printed": (0, 0, 1, 0),
        "Swish, slope 2": (1, 0, 2, 0),
        "AHAF, 0.7 and 1.5": (0.7, 0, 1.5, 0),
    },
    values={
        "gate": f"if(rho3 >= {STEEPEST:g}, 65536, rho3)",
        "left": "if(rho3 > 0, 0, if(rho3 < 0, rho1, rho1 / 2))",
        "middle": "rho1 / 2 + rho2 * gate / 4",
        "right": "if(rho3 < 0, 0, if(rho3 > 0, rho1, rho1 / 2))",
    },
    fields={"s": "1 / (1 + exp(-gate * datum.x))"},
    value="(rho1 * datum.x + rho2) * datum.s + rho4",
    slope="rho1 * datum.s + (rho1 * datum.x + rho2) * datum.s * (1 - datum.s) * gate",
    texts=(
        f"'(' + {_fixed('rho1')} + ' u + ' + {_fixed('rho2')} + ') σ(' + {_fixed('gate', 1)} + ' u) + ' + {_fixed('rho4')}",
        f"'slope far left ' + {_fixed('left')} + ', at 0 ' + {_fixed('middle')} + ', far right ' + {_fixed('right')}",
    ),
    x=(-4, 4),
    y=(-2, 4),
    dy=(-1.5, 2),
)


def _tanh(x):
    return f"(1 - 2 / (1 + exp(2 * {x})))"  # the expression language has no tanh


def _second_kink(steps=12):
    """Newton's method for tanh x = alpha x, from 1 / alpha: the difference is concave, so the steps fall and never overshoot."""
    values = {"near0": "1 / alpha"}
    for step in range(steps):
        x = f"near{step}"
        values[f"near{step + 1}"] = f"{x} - ({_tanh(x)} - alpha * {x}) / (1 - pow({_tanh(x)}, 2) - alpha)"
    return values | {"kink": f"if(alpha < 1, near{steps}, null)"}


PLTANH = Live(
    name="pltanh",
    description=(
        "PLTanh and its derivative for inputs from -4 to 6, with a slider for alpha. Left of zero it is a falling line, "
        "right of zero tanh up to a second kink, which moves from far right to zero as alpha grows to 1, and a rising "
        "line beyond it."
    ),
    variable="x",
    function=functional.pltanh,
    sliders=(Slider("alpha", "α", 0.01, 1.5, 0.01),),
    starts={"0.4": (0.4,), "0.01": (0.01,), "0.1": (0.1,), "1": (1,)},
    values=_second_kink(),
    fields={"t": _tanh("datum.x"), "leaks": "alpha * abs(datum.x) > datum.t"},
    value="max(datum.t, alpha * abs(datum.x))",
    slope="if(datum.leaks, if(datum.x < 0, -alpha, alpha), 1 - pow(datum.t, 2))",
    kinks=("0", "kink"),
    texts=(
        f"'max(tanh x, ' + {_fixed('alpha')} + ' |x|)'",
        f"if(kink === null, 'one kink, at 0', 'kinks at 0 and at ' + {_fixed('kink', 3)})",
        f"'slope at 0: left ' + {_fixed('-alpha')} + ', right ' + {_fixed('max(1, alpha)')}",
    ),
    x=(-4, 6),
    y=(-0.5, 3),
    dy=(-1.6, 1.6),
)

APALU = Live(
    name="apalu",
    description=(
        "APALU and its derivative for inputs from -4 to 4, with sliders for a and b. Right of zero it is nearly a line of"
        " slope 2a, left of zero it levels off at -b. The derivative jumps at zero from b to 1.5a; the gap closes where b"
        " is 1.5a."
    ),
    variable="x",
    function=functional.apalu,
    sliders=(Slider("a", "a", 0.05, 1.5, 0.005), Slider("b", "b", 0.005, 2.25, 0.005)),
    starts={"Figure 1": (0.55, 0.065), "b = 1.5a": (0.55, 0.825), "nearly ReLU": (0.5, 0.005), "b large": (0.55, 2)},
    values={"gap": "1.5 * a - b", "kink": "if(abs(gap) < 0.000001, null, 0)"},
    fields={"s": "1 / (1 + exp(-1.702 * datum.x))"},
    value="if(datum.x >= 0, a * (datum.x + datum.x * datum.s), b * (exp(min(datum.x, 0)) - 1))",
    slope="if(datum.x >= 0, a * (1 + datum.s + 1.702 * datum.x * datum.s * (1 - datum.s)), b * exp(min(datum.x, 0)))",
    kinks=("kink",),
    texts=(
        f"'slope at 0: left b = ' + {_fixed('b', 3)} + ', right 1.5a = ' + {_fixed('1.5 * a', 3)}",
        f"'gap ' + {_fixed('if(kink === null, 0, gap)', 3)} + if(kink === null, ': no kink', ': a kink')",
    ),
    x=(-4, 4),
    y=(-2.5, 4),
    dy=(-0.25, 2.5),
)


def _weighted_sum(x, **raw):
    coefficients = NORMALISATIONS["softmax"][0](x.new_tensor([*raw.values()]))
    return functional.weighted_sum(x, coefficients)


WEIGHTED_SUM = Live(
    name="weighted",
    description=(
        "The weighted sum of ReLU, tanh and sine and its derivative for inputs from -8 to 8, with a slider for each of "
        "three raw weights. Their softmax gives the coefficients, which are positive and sum to one. With most weight on "
        "the sine it waves, with most on ReLU it rises."
    ),
    variable="x",
    function=_weighted_sum,
    sliders=(
        Slider("w_relu", "weight of ReLU", -4, 4, 0.1),
        Slider("w_tanh", "weight of tanh", -4, 4, 0.1),
        Slider("w_sin", "weight of sin", -4, 4, 0.1),
    ),
    starts={"equal": (0, 0, 0), "mostly ReLU": (3, 0, 0), "mostly tanh": (0, 3, 0), "mostly sin": (0, 0, 3)},
    values={
        "total": "exp(w_relu) + exp(w_tanh) + exp(w_sin)",
        "alpha": "exp(w_relu) / total",
        "beta": "exp(w_tanh) / total",
        "gamma": "exp(w_sin) / total",
    },
    fields={"t": _tanh("datum.x")},
    value="alpha * max(datum.x, 0) + beta * datum.t + gamma * sin(datum.x)",
    slope="if(datum.x > 0, alpha, 0) + beta * (1 - pow(datum.t, 2)) + gamma * cos(datum.x)",
    kinks=("0",),
    texts=(
        f"'ReLU ' + {_fixed('alpha', 3)} + ', tanh ' + {_fixed('beta', 3)} + ', sin ' + {_fixed('gamma', 3)}",
        f"'sum ' + {_fixed('alpha + beta + gamma', 3)}",
        f"'slope at 0: left ' + {_fixed('beta + gamma', 3)} + ', right ' + {_fixed('alpha + beta + gamma', 3)}",
    ),
    x=(-8, 8),
    y=(-3, 8),
    dy=(-1.2, 1.4),
)

PLAYGROUNDS = (LEAF, PLTANH, APALU, WEIGHTED_SUM)

# LEAF at a glance, for the front page: the four functions that it can start as, and two of its sliders.
STARTS = replace(
    LEAF,
    name="starts",
    description=(
        "LEAF for inputs from -4 to 4, with buttons that make it ReLU, SiLU, tanh or the sigmoid, and sliders for the slope"
        " of its line and the steepness of its gate. As tanh it is flat on both sides until the slope of the line leaves"
        " zero: then a tail opens."
    ),
    sliders=tuple(replace(slider, shown=slider.name in ("rho1", "rho3")) for slider in LEAF.sliders),
    starts={start: LEAF.starts[start] for start in ("Tanh", "Sigmoid", "SiLU", "ReLU")},
    texts=LEAF.texts[:1],
    derivative=False,
)

FIGURES = (*PLAYGROUNDS, STARTS)

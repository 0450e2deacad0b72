"""Every activation of this package by name, with what is known of it. torch's own functions are torch's own code."""

import math
from dataclasses import replace
from typing import Any

import torch
from torch import nn

from .apalu import APALU, apalu, apalu_derivatives
from .leaf import AHAF, LEAF, ahaf, ahaf_derivatives, leaf, leaf_derivatives
from .pltanh import (
    ALReLU,
    PLTanh,
    SigmoReLU,
    alrelu,
    alrelu_derivatives,
    pltanh,
    pltanh_derivatives,
    sigmorelu,
    sigmorelu_derivatives,
)
from .registry import BUILT_IN, Facts, names, register
from .weighted_sum import WeightedSum, weighted_sum, weighted_sum_derivatives

INF = math.inf
SILU: dict[str, Any] = dict(range=(-0.2784645427610738, INF), monotone=False, at_zero=0.0, kinks=())
FROM_ZERO: dict[str, Any] = dict(range=(0.0, INF), monotone=False, at_zero=0.0)
RISING: dict[str, Any] = dict(range=(-INF, INF), monotone=True, at_zero=0.0)
LEAF_PAPER = "Bodyanskiy and Kostiuk 2023, doi 10.47839/ijc.22.3.3225"
AHAF_PAPER = "Bodyanskiy and Kostiuk 2022, doi 10.20535/srit.2308-8893.2022.1.07"
PLTANH_PAPER = "Mastromichalakis 2023, arXiv 2310.07720"
SIGMOID_FIXED_POINT = 0.6590460684074066


def silu_manual(x):
    """The SiLU, x * sigmoid(x), written out, as the LEAF paper's baselines use it.

    Parameters
    ----------
    x : torch.Tensor
        Any shape.

    Returns
    -------
    torch.Tensor
        The shape of `x`. Autograd keeps two tensors of its size, where `torch.nn.functional.silu` keeps one.

    References
    ----------
    Bodyanskiy and Kostiuk (2023), Fig. 4, doi 10.47839/ijc.22.3.3225.

    Examples
    --------
    >>> silu_manual(torch.tensor([-1.0, 0.0, 1.0]))
    tensor([-0.2689,  0.0000,  0.7311])
    """
    return x * torch.sigmoid(x)


def silu_manual_derivatives(x):
    """The closed form of the derivative of x * sigmoid(x)."""
    gate = torch.sigmoid(x)
    return (gate * (1 + x * (1 - gate)),)


def _torch(name, module, title, formula, *, granularities=None, **facts):
    known = {"monotone": True, "at_zero": 0.0, "kinks": (), "saved": 4, **facts}
    of = Facts(title=title, formula=formula, source=f"torch.nn.{module.__name__}", **known)
    register(name, granularities=granularities, facts=of)(module)


_torch("relu", nn.ReLU, "ReLU", r"\max(x, 0)", range=(0.0, INF), kinks=(0.0,))
_torch("leaky_relu", nn.LeakyReLU, "Leaky ReLU", r"\max(x, 0) + 0.01\min(x, 0)", range=(-INF, INF), kinks=(0.0,))
_torch(
    "prelu",
    nn.PReLU,
    "PReLU",
    r"\max(x, 0) + a\min(x, 0)",
    range=(-INF, INF),
    kinks=(0.0,),
    granularities=("channel", "layer"),  # all that torch's own takes
)
_torch("elu", nn.ELU, "ELU", r"\begin{cases} x & x > 0 \\ e^x - 1 & x \le 0 \end{cases}", range=(-1.0, INF))
_torch("gelu", nn.GELU, "GELU", r"x\,\Phi(x)", range=(-0.16997120747990369, INF), monotone=False)
_torch("silu", nn.SiLU, "SiLU, or Swish", r"x\,\sigma(x)", **{**SILU})
_torch("tanh", nn.Tanh, "tanh", r"\tanh x", range=(-1.0, 1.0))
_torch("sigmoid", nn.Sigmoid, "Sigmoid", r"\sigma(x) = 1 / (1 + e^{-x})", range=(0.0, 1.0), at_zero=0.5)
_torch("softplus", nn.Softplus, "Softplus", r"\ln(1 + e^x)", range=(0.0, INF), at_zero=math.log(2))
register(
    "sin",
    facts=Facts(
        "sin",
        r"\sin x",
        "torch.sin",
        range=(-1.0, 1.0),
        monotone=False,
        at_zero=0.0,
        kinks=(),
        saved=4,
        function=torch.sin,
        derivatives=lambda x: (torch.cos(x),),
    ),
)(torch.sin)
_torch("mish", nn.Mish, "Mish", r"x\,\tanh\ln(1 + e^x)", range=(-0.3088434123857483, INF), monotone=False)

register(
    "silu_manual",
    facts=Facts(
        "SiLU, written out",
        r"x \cdot \sigma(x)",
        LEAF_PAPER,
        **SILU,
        saved=8,
        function=silu_manual,
        derivatives=silu_manual_derivatives,
    ),
)(silu_manual)
register(
    "leaf",
    facts=Facts(
        "LEAF",
        r"(\rho_1 x + \rho_2)\,\sigma(\rho_3 x) + \rho_4",
        f"{LEAF_PAPER}, eq. 2",
        **SILU,
        saved=4,
        function=leaf,
        derivatives=leaf_derivatives,
    ),
)(LEAF)
register(
    "ahaf",
    facts=Facts("AHAF", r"\beta x\,\sigma(\gamma x)", AHAF_PAPER, **SILU, saved=4, function=ahaf, derivatives=ahaf_derivatives),
)(AHAF)
register(
    "trainable_swish",
    preset={"held": ("beta",)},
    facts=Facts(
        "Trainable Swish",
        r"x\,\sigma(\gamma x)",
        f"AHAF with beta held at 1; {AHAF_PAPER}",
        **SILU,
        saved=4,
        function=ahaf,
        derivatives=ahaf_derivatives,
    ),
)(AHAF)

_pltanh = Facts(
    "PLTanh",
    r"\max(\tanh x, \alpha|x|)",
    PLTANH_PAPER,
    **FROM_ZERO,
    kinks=(0.0, 100.0),  # tanh x = x / 100
    saved=4,
    function=pltanh,
    derivatives=pltanh_derivatives,
)
register("pltanh", granularities=(), facts=_pltanh)(PLTanh)
register("trainable_pltanh", preset={"trainable": True}, facts=replace(_pltanh, title="Trainable PLTanh"))(PLTanh)
register(
    "alrelu",
    granularities=(),
    facts=Facts(
        "ALReLU",
        r"\max(|\alpha x|, x)",
        PLTANH_PAPER,
        **FROM_ZERO,
        kinks=(0.0,),
        saved=4,
        function=alrelu,
        derivatives=alrelu_derivatives,
    ),
)(ALReLU)
register(
    "sigmorelu",
    facts=Facts(
        "SigmoReLU",
        r"\max(\mathrm{ReLU}(x), \sigma(x))",
        PLTANH_PAPER,
        range=(0.0, INF),
        monotone=True,
        at_zero=0.5,
        kinks=(SIGMOID_FIXED_POINT,),
        saved=4,
        function=sigmorelu,
        derivatives=sigmorelu_derivatives,
    ),
)(SigmoReLU)
register(
    "apalu",
    facts=Facts(
        "APALU",
        r"\begin{cases} a\,(x + x\,\sigma(1.702\,x)) & x \ge 0 \\ b\,(e^x - 1) & x < 0 \end{cases}",
        "Subramanian et al. 2024, arXiv 2402.08244",
        range=(-0.065, INF),
        monotone=True,
        at_zero=0.0,
        kinks=(0.0,),
        saved=4,
        function=apalu,
        derivatives=apalu_derivatives,
    ),
)(APALU)
register(
    "weighted_sum",
    granularities=("layer", "channel", "neuron"),  # one set a layer is the paper's
    facts=Facts(
        "Weighted sum",
        r"\alpha\,\mathrm{ReLU}(x) + \beta\tanh x + \gamma\sin x",
        "Bansal 2022, eq. 10, arXiv 2202.12065",
        range=(-2 / 3, INF),
        monotone=False,
        at_zero=0.0,
        kinks=(0.0,),
        saved=4,
        function=lambda x, *coefficients: weighted_sum(x, torch.stack(torch.broadcast_tensors(*coefficients))),
        derivatives=weighted_sum_derivatives,
    ),
)(WeightedSum)
BUILT_IN.update(names())

"""On which page of the book the evidence for each claim is."""

_CLAIMS = {
    "03-cost": ("leaf-cost", "imb-relu-flow", "imb-swish-cost"),
    "10-leaf-function": ("leaf-shapes", "leaf-vanishing"),
    "11-leaf-tables": (
        "leaf-tanh-gain",
        "leaf-tanh-everywhere",
        "leaf-sigmoid-small",
        "leaf-linear-level",
        "leaf-kerasnet",
        "leaf-dspt",
        "ahaf-gain",
    ),
    "13-leaf-silu": ("leaf-silu-error",),
    "14-leaf-procedures": ("leaf-p24si", "leaf-plateau"),
    "15-leaf-shapes": ("leaf-rho1", "leaf-rectify"),
    "17-leaf-recurrent": ("leaf-recurrent",),
    "18-leaf-errata": ("leaf-gradients",),
    "20-leaf-seeds": ("leaf-seeds",),
    "21-weighted-sum-function": ("ws-leaky", "ws-relu-dominates"),
    "22-weighted-sum-table": ("ws-coefficients",),
    "23-weighted-sum-choices": ("ws-first-relu", "ws-deeper-convergent"),
    "25-pltanh-function": ("pltanh-differentiable", "pltanh-bounded"),
    "26-pltanh-folds": ("pltanh-accuracy", "pltanh-f1", "pltanh-histopathology"),
    "27-pltanh-alpha": ("pltanh-alpha", "pltanh-cifar"),
    "28-pltanh-gradients": ("pltanh-alive", "pltanh-flow", "pltanh-alpha-fails"),
    "29-pltanh-cost": ("pltanh-overhead",),
    "34-apalu-function": ("apalu-differentiable",),
    "35-apalu-images": ("apalu-mnist", "apalu-mobilenet", "apalu-googlenet", "apalu-hyper"),
    "36-apalu-svdd": ("apalu-svdd",),
    "37-apalu-theory": ("apalu-vanishing", "apalu-approximation"),
    "39-apalu-defects": ("apalu-differnet", "apalu-distillation", "apalu-padim"),
    "40-apalu-sign": ("apalu-sign",),
    "41-apalu-regression": ("apalu-regression",),
    "43-imbalance-what-matters": ("imb-elu-speed", "imb-swish-depth", "imb-swish-costsens", "imb-reliable", "imb-depends"),
    "44-imbalance-mechanism": ("imb-gradient", "imb-dying", "imb-leaky", "imb-elu", "imb-elu-mean"),
    "45-imbalance-snippets": ("imb-prelu",),
}
PAGES = {claim: page for page, of in _CLAIMS.items() for claim in of}
VERDICTS_OF = {
    "leaf": "19-leaf-claims",
    "weighted_sum": "24-weighted-sum-claims",
    "pltanh": "33-pltanh-claims",
    "apalu": "38-apalu-claims",
    "imbalance": "46-imbalance-claims",
}  # by paper the page with all its verdicts
LEDGER = "60-ledger"  # the page with all verdicts of all papers

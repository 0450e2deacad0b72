"""What a Record tells besides its scores: learned shapes, and where it was made."""

import math
import os
import platform

import numpy as np
import torch

from .._version import __version__
from ..activations import Adaptive, was_compiled

QUANTILES = (0.0, 0.25, 0.5, 0.75, 1.0)
NEURONS = 5  # drawn from each site, as many as the LEAF paper's figures 5, 7 and 8 show


def worth_a_look(epoch, epochs):
    """Whether the parameters' quantiles are kept after this epoch: all of the first five, then ever fewer, and the last."""
    return epoch <= 5 or epoch in (10, 20, 35, 50, 75) or epoch % 100 == 0 or epoch == epochs


def sites(model):
    """What each activation of a model has learned: by site, then by name, the values that its formula takes."""
    marked = {name: module for name, module in model.named_modules() if getattr(module, "is_activation", False)}
    learned = {
        site: module.learned() if isinstance(module, Adaptive) else dict(module.named_parameters())
        for site, module in marked.items()
    }
    return {site: values for site, values in learned.items() if values}


def shape_quantiles(model, *, epoch):
    """Quantiles of each activation parameter over each site.

    Returns
    -------
    dict of str to dict of str to list
        By site and parameter: a row ``[epoch, minimum, 25 %, median, 75 %, maximum]``, in a list that later epochs extend.
    """
    return {
        site: {
            name: [[epoch, *_rounded(np.quantile(value.detach().cpu().double().numpy(), QUANTILES))]]
            for name, value in values.items()
        }
        for site, values in sites(model).items()
    }


def shape_sample(model, site):
    """Parameters of a few neurons of a site, the same neurons in every run.

    Returns
    -------
    dict of str to list
        ``index``, positions in the flattened parameters; then a list of values by parameter.
    """
    parameters = {name: value.detach().cpu().double().flatten() for name, value in sites(model)[site].items()}
    count = max(len(value) for value in parameters.values())
    index = np.sort(np.random.default_rng(128).choice(count, size=min(NEURONS, count), replace=False))
    # A function of one's own may share some parameters between all neurons and not others.
    values = {
        name: _rounded((value if len(value) == count else value[:1].expand(count))[index]) for name, value in parameters.items()
    }
    return {"index": index.tolist(), **values}


def environment(device):
    """The hardware and versions of this process, for a Record: no host or user name."""
    hardware = {"device": device.type, "cpu": _cpu_name(), "cores": os.cpu_count(), "threads": torch.get_num_threads()}
    if device.type == "cuda":
        hardware["gpu"] = torch.cuda.get_device_name(device)
    if was_compiled():
        hardware["activations"] = "compiled"
    versions = {"adaptact": __version__, "torch": torch.__version__, "python": platform.python_version()}
    return {"hardware": hardware, "versions": versions}


def _rounded(values):
    """Seven digits, what float32 resolves; None for what a diverged run left without a number."""
    return [float(f"{float(value):.7g}") if math.isfinite(value) else None for value in values]


def _cpu_name():
    try:
        with open("/proc/cpuinfo") as lines:
            return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()

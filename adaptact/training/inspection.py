"""What a Record tells besides its scores: learned shapes, and where it was made."""

import os
import platform

import numpy as np
import torch

from .._version import __version__
from ..activations import Adaptive

QUANTILES = (0.0, 0.25, 0.5, 0.75, 1.0)
NEURONS = 5  # drawn from each site, as many as the LEAF paper's figures 5, 7 and 8 show


def worth_a_look(epoch, epochs):
    """Whether the parameters' quantiles are kept after this epoch: all of the first five, then ever fewer, and the last."""
    return epoch <= 5 or epoch in (10, 20, 35, 50, 75) or epoch % 100 == 0 or epoch == epochs


def sites(model):
    """The trainable activations of a model by name."""
    return {name: module for name, module in model.named_modules() if isinstance(module, Adaptive)}


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
            for name, value in module.named_parameters()
        }
        for site, module in sites(model).items()
    }


def shape_sample(model, site):
    """Parameters of a few neurons of a site, the same neurons in every run.

    Returns
    -------
    dict of str to list
        ``index``, positions in the flattened parameters; then a list of values by parameter.
    """
    module = sites(model)[site]
    count = int(np.prod(module.num_parameters))
    index = np.sort(np.random.default_rng(128).choice(count, size=min(NEURONS, count), replace=False))
    values = {name: _rounded(value.detach().cpu().double().flatten()[index]) for name, value in module.named_parameters()}
    return {"index": index.tolist(), **values}


def environment(device):
    """The hardware and versions of this process, for a Record: no host or user name."""
    hardware = {"device": device.type, "cpu": _cpu_name(), "cores": os.cpu_count(), "threads": torch.get_num_threads()}
    if device.type == "cuda":
        hardware["gpu"] = torch.cuda.get_device_name(device)
    versions = {"adaptact": __version__, "torch": torch.__version__, "python": platform.python_version()}
    return {"hardware": hardware, "versions": versions}


def _rounded(values):
    return [float(f"{float(value):.7g}") for value in values]  # what float32 resolves


def _cpu_name():
    try:
        with open("/proc/cpuinfo") as lines:
            return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()

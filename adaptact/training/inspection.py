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
IMAGES = 1000  # of the test set, for the histograms of what comes in at these neurons
BINS = 40


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


def look(model, *, epoch):
    """What each site has learned by an epoch, for a `history`.

    Returns
    -------
    dict of str to dict
        By site: ``quantiles`` of each parameter over the site, rows ``[epoch, minimum, 25 %, median, 75 %, maximum]``, and
        the ``path`` of a few neurons, the same ones in every run, rows ``[epoch, value, ...]``; of one row each.
    """
    found = {}
    for site, values in sites(model).items():
        values = {name: value.detach().cpu().double().numpy() for name, value in values.items()}
        index = sampled(values)
        found[site] = {
            "quantiles": {name: [[epoch, *_rounded(np.quantile(value, QUANTILES))]] for name, value in values.items()},
            # A function of one's own may share some parameters between all neurons and not others.
            "path": {
                name: [[epoch, *_rounded(value.flat[index if value.size > 1 else 0 * index])]] for name, value in values.items()
            },
        }
    return found


def extend(history, looked):
    """Add the rows of a later `look` to those before."""
    for site, kinds in looked.items():
        for kind, parameters in kinds.items():
            for name, rows in parameters.items():
                history[site][kind][name] += rows


def sampled(values):
    """The positions, in the flattened parameters of a site, of the neurons that are followed."""
    count = max(value.size for value in values.values())
    return np.sort(np.random.default_rng(128).choice(count, size=min(NEURONS, count), replace=False))


@torch.inference_mode()
def input_histograms(model, batches):
    """What comes in at the neurons that are followed, once the model is trained.

    Parameters
    ----------
    model : torch.nn.Module
    batches : iterable of torch.Tensor
        Images.

    Returns
    -------
    dict of str to dict
        By site: ``index`` of the neurons; their ``range``, pairs of the lowest and highest input; and ``counts``, for each
        neuron those of `BINS` equal parts of its range. Where parameters are shared, of all inputs that share them. None in
        the place of a neuron whose inputs are not all finite.
    """
    modules, learned, seen, hooks = dict(model.named_modules()), sites(model), {}, []
    indices = {site: sampled({name: value.cpu().numpy() for name, value in values.items()}) for site, values in learned.items()}
    for site, values in learned.items():
        shape = max(values.values(), key=torch.Tensor.numel).shape

        def keep(_, inputs, site=site, shape=shape):
            chosen = _by_parameter(inputs[0], shape)[:, torch.as_tensor(indices[site], device=inputs[0].device)]
            seen.setdefault(site, []).append(chosen.float().cpu())

        hooks.append(modules[site].register_forward_pre_hook(keep))
    try:
        model.eval()
        for images in batches:
            model(images)
    finally:
        for hook in hooks:
            hook.remove()
    found = {}
    for site, kept in seen.items():
        columns = torch.cat(kept).T.double().numpy()
        histograms = [np.histogram(column, BINS) if np.isfinite(column).all() else None for column in columns]
        found[site] = {
            "index": indices[site].tolist(),
            "range": [h and _rounded(h[1][[0, -1]]) for h in histograms],
            "counts": [h and h[0].tolist() for h in histograms],
        }
    return found


def _by_parameter(x, shape):
    """The inputs of a site as ``(many, parameter sets)``, where parameters of a `shape` broadcast against them."""
    if shape.numel() == 1:
        return x.reshape(-1, 1)
    return x.flatten(1) if len(shape) > 1 else x.movedim(1, -1).reshape(-1, shape[0])


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

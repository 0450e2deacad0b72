"""What the chapters of the part Learn share: a small network, the training loop in full view, and a look inside."""

from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F

from . import data
from .activations import activation_parameters, make
from .experiments import PROFILES
from .models import build
from .training.batches import to_unit
from .training.units import slope


class Samples(NamedTuple):
    """Images to learn from and to be tested on, flattened and standardised, with their labels.

    Parameters
    ----------
    x : torch.Tensor
        float32, ``(N, features)``.
    y : torch.Tensor
        int64, ``(N,)``, classes from 0.
    test_x, test_y : torch.Tensor
        The same of those to be tested on.
    """

    x: torch.Tensor
    y: torch.Tensor
    test_x: torch.Tensor
    test_y: torch.Tensor


@dataclass(frozen=True)
class Site:
    """What one activation of a network did with one batch: tensors ``(samples, units)``.

    Parameters
    ----------
    inputs, outputs : torch.Tensor
        What came in, the pre-activations, and what went out.
    slopes : torch.Tensor
        The function's derivative at each input.
    gradient : torch.Tensor
        Of the loss with respect to each output. Times the slope it is the gradient with respect to the input.
    """

    inputs: torch.Tensor
    outputs: torch.Tensor
    slopes: torch.Tensor
    gradient: torch.Tensor


def seeds(settings, count=5):
    """The seeds a chapter trains: those that its parameter names, else the first `count` whole numbers; two at smoke.

    Parameters
    ----------
    settings : adaptact.notebook.Settings
    count : int, default 5

    Returns
    -------
    tuple of int
    """
    return settings.seeds or tuple(range(2 if settings.profile == "smoke" else count))


def samples(settings):
    """The data set that a chapter's parameter names, as a dense network takes it.

    Parameters
    ----------
    settings : adaptact.notebook.Settings
        With a `dataset` of images. As recorded and at laptop the first 10,000 training images are taken, at paper all; at smoke
        it is 256 digits whatever is named. The digits have 1,437.

    Returns
    -------
    Samples
        float32, each image a row, less the mean and over the deviation of all the training pixels; int64.

    Raises
    ------
    UserError
        If the data set is not to be had.
    """
    fields = PROFILES["laptop" if settings.profile == "recorded" else settings.profile].fields
    name = fields.get("dataset", settings.dataset)
    found = data.load(name, settings.data_folder, settings.device)
    count = fields.get("train_images", data.SOURCES[name].train_size)
    x, test_x = (to_unit(images).flatten(1) for images in (found.train_images[:count], found.test_images))
    mean, deviation = x.mean(), x.std()
    return Samples((x - mean) / deviation, found.train_labels[:count], (test_x - mean) / deviation, found.test_labels)


def network(activation, samples, *, depth=2, width=64, seed=0, **options):
    """A plain stack of dense layers, `adaptact.models.MLP`, for samples; its first weights depend on the seed alone.

    Parameters
    ----------
    activation : str or callable
        A registered activation, or what makes a module, given the shape ``(width,)``.
    samples : Samples
    depth, width : int, default 2 and 64
        Hidden layers, and the units of each.
    seed : int, default 0
    **options
        What the registered activation is made with, such as ``init="tanh"`` or ``granularity="layer"``.

    Returns
    -------
    torch.nn.Module

    Raises
    ------
    UserError
        If the name or an option of the activation is unknown.

    Examples
    --------
    >>> few = Samples(torch.zeros(4, 3), torch.tensor([0, 1, 0, 1]), torch.zeros(1, 3), torch.tensor([0]))
    >>> network("leaf", few, depth=1, width=5, init="tanh")
    MLP(
      (fc1): Linear(in_features=3, out_features=5, bias=True)
      (act1): LEAF(num_parameters=(5,), init='tanh', total=20)
      (fc2): Linear(in_features=5, out_features=2, bias=True)
    )
    """
    factory = activation if callable(activation) else lambda shape: make(activation, shape, **options)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = build("mlp", samples.x.shape[1:], factory, int(samples.y.max()) + 1, depth=depth, fc_width=width)
    for name, module in model.named_children():
        if name.startswith("act"):
            module.is_activation = True  # a module of a reader's own is one too
    return model.to(samples.x.device)


def fit(model, samples, *, epochs=10, lr=2e-3, activation_lr=None, batch_size=128, seed=0, optimizer=torch.optim.Adam, watch=None):
    """Train a classifier in place: the whole loop.

    Parameters
    ----------
    model : torch.nn.Module
    samples : Samples
    epochs : int, default 10
    lr : float, default 2e-3
        Of the weights.
    activation_lr : float, optional
        Of the activations' parameters; None for that of the weights.
    batch_size : int, default 128
    seed : int, default 0
        Of the order of the samples, the same for every model.
    optimizer : callable, default `torch.optim.Adam`
        Given parameter groups.
    watch : callable, optional
        Called as ``watch(epoch, model)``, with epoch 0 before the first step, and after each epoch.

    Returns
    -------
    list of float
        The loss of each step, before it.
    """
    own = list(activation_parameters(model).values())
    held = {id(parameter) for parameter in own}
    weights = [parameter for parameter in model.parameters() if id(parameter) not in held]
    groups = [{"params": weights, "lr": lr}]
    if own:
        groups.append({"params": own, "lr": lr if activation_lr is None else activation_lr})
    stepper, generator, losses = optimizer(groups), torch.Generator().manual_seed(seed), []
    if watch:
        watch(0, model)
    for epoch in range(1, epochs + 1):
        order = torch.randperm(len(samples.x), generator=generator).to(samples.x.device)
        for index in order.split(batch_size):
            loss = F.cross_entropy(model(samples.x[index]), samples.y[index])
            stepper.zero_grad()
            loss.backward()
            stepper.step()
            losses.append(loss.item())
        if watch:
            watch(epoch, model)
    return losses


@torch.no_grad()
def accuracy(model, x, y):
    """The share of samples that a model gets right, in percent.

    Parameters
    ----------
    model : torch.nn.Module
    x : torch.Tensor
        ``(N, features)``.
    y : torch.Tensor
        int64, ``(N,)``.

    Returns
    -------
    float
    """
    return 100 * (model(x).argmax(1) == y).double().mean().item()


def look_inside(model, x, y):
    """What each activation of a network does with one batch, forwards and backwards.

    Parameters
    ----------
    model : torch.nn.Module
        As `network` gives it. No gradient of its parameters is touched.
    x, y : torch.Tensor
        Samples, and labels for the loss.

    Returns
    -------
    dict of str to Site
        By the name of the activation, in the order of the network.
    """
    sites = {name: module for name, module in model.named_modules() if getattr(module, "is_activation", False)}
    visits = {}
    hooks = [
        module.register_forward_hook(lambda _, inputs, output, name=name: visits.update({name: (inputs[0].detach(), output)}))
        for name, module in sites.items()
    ]
    try:
        loss = F.cross_entropy(model(x), y)
    finally:
        for hook in hooks:
            hook.remove()
    gradients = torch.autograd.grad(loss, [output for _, output in visits.values()])
    return {
        name: Site(inputs, output.detach(), slope(sites[name], inputs), gradient)
        for (name, (inputs, output)), gradient in zip(visits.items(), gradients, strict=True)
    }


__all__ = ["Samples", "Site", "accuracy", "fit", "look_inside", "network", "samples", "seeds"]

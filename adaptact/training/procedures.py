"""Training procedures: which parameters take a step, in which order, with which optimiser and rate."""

import torch

from ..activations import activation_parameters


def parameter_groups(model, run):
    """A model's parameters by the learning rate that a Run gives them.

    Returns
    -------
    weights, activation_groups : list of dict
        In the form torch's optimisers take. The second is empty for fixed functions. With P24SI, rho2 and rho4 are a
        group of their own (LEAF paper, section V.C).
    """
    shaped = activation_parameters(model)
    weights = [p for name, p in model.named_parameters() if name not in shaped]
    slow = [p for name, p in shaped.items() if run.slow_rho24 is not None and name.rpartition(".")[2] in ("rho2", "rho4")]
    slow_ids = {id(p) for p in slow}
    regular = [p for p in shaped.values() if id(p) not in slow_ids]
    groups = [{"params": regular, "lr": run.activation_lr}, {"params": slow, "lr": run.slow_rho24}]
    return [{"params": weights, "lr": run.lr}], [group for group in groups if group["params"]]


def make_optimizer(groups, run):
    """ADAM, or RMSprop with the paper's alpha and epsilon; no weight decay, no schedule."""
    if run.optimizer == "adam":
        return torch.optim.Adam(groups)
    return torch.optim.RMSprop(groups, alpha=0.9, eps=1e-7)


def begins_cycle(run, epoch):
    """Whether a cycle of a Run begins with this epoch, counted from 1; without `cycles` the whole training is one."""
    return (epoch - 1) % (run.epochs // max(1, len(run.cycles))) == 0


def cycle(run, epoch):
    """What is trained in an epoch, counted from 1: ``weights``, ``activations``, or ``both``."""
    return run.cycles[(epoch - 1) * len(run.cycles) // run.epochs] if run.cycles else "both"


def stages(model, run, epoch=1):
    """The optimisers that take a step for each mini-batch of an epoch, in order, new ones with no memory.

    Parameters
    ----------
    model : torch.nn.Module
    run : Run
    epoch : int, default 1

    Returns
    -------
    list of torch.optim.Optimizer
        In a cycle of weights, or of activations: one over just these, so that all else stands still (weighted-sum paper,
        section 2). Classic training: one, over everything. DSPT, double-stage parameter tuning (LEAF paper, section III): one over
        the activation parameters, then one over the weights. Each takes its own forward pass over the same mini-batch
        and moves only what it holds, so the weights see the activations as just updated.

    References
    ----------
    Bodyanskiy and Kostiuk (2023), section III, eqs 6 to 12, doi 10.47839/ijc.22.3.3225; the order and the fresh forward
    pass are those of the released code. Bansal (2022), section 2, arXiv 2202.12065, for cycles.
    """
    weights, shaped = parameter_groups(model, run)
    trained = cycle(run, epoch)
    if trained != "both":
        return [make_optimizer(weights if trained == "weights" else shaped, run)]
    if run.dspt:
        return [make_optimizer(shaped, run), make_optimizer(weights, run)]
    return [make_optimizer(weights + shaped, run)]


def step(model, optimizer, images, labels, loss_function=torch.nn.functional.cross_entropy):
    """One forward pass, and one step of all the parameters that an optimiser holds, and of no others.

    Parameters
    ----------
    model : torch.nn.Module
    optimizer : torch.optim.Optimizer
    images : torch.Tensor
        ``(N, channels, rows, columns)``.
    labels : torch.Tensor
        int64, ``(N,)``.
    loss_function : callable, default cross entropy

    Returns
    -------
    torch.Tensor
        The loss before the step, detached.
    """
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    loss = loss_function(model(images), labels)
    # Asking for just these gradients spares the others' cost: DSPT's first stage computes none for the weights.
    for parameter, gradient in zip(parameters, torch.autograd.grad(loss, parameters, allow_unused=True), strict=True):
        parameter.grad = gradient
    optimizer.step()
    return loss.detach()

"""What all trainable activations share: named parameters, known starts, and how they broadcast."""

import math

import torch
from torch import nn

from ..errors import UserError, choose


class Adaptive(nn.Module):
    """Base of the activations whose shape is learned.

    A subclass gives `starts`, a table from the name of a known function to the parameter values at which the
    activation equals or approximates it, and a `forward` that calls the plain formula on `self.expanded(x)`.

    Parameters
    ----------
    num_parameters : int or tuple of int
        How many parameter sets there are: 1 (one for the layer), the number of channels C (one a channel, dimension 1
        of the input, as in `torch.nn.PReLU`), or the shape of one sample, such as ``(20, 24, 24)`` (one a neuron).
    init : str
        A key of `starts`.
    held : tuple of str, default ()
        Names of parameters that stay as they start: they become buffers, which no optimiser sees.
    device, dtype : optional
        As in every torch module.

    Raises
    ------
    UserError
        If `num_parameters` holds no positive integers, or `init` or a name in `held` is unknown.
    """

    is_activation = True  # its parameters are activation parameters, not weights: see `activation_parameters`
    starts: dict[str, dict[str, float]] = {}

    def __init__(self, num_parameters=1, *, init, held=(), device=None, dtype=None):
        super().__init__()
        shape = (num_parameters,) if isinstance(num_parameters, int) else tuple(num_parameters)
        if not shape or not all(isinstance(size, int) and size > 0 for size in shape):
            raise UserError(
                f"num_parameters is {num_parameters!r}: give 1 (per layer), the number of channels, "
                "or the shape of one sample such as (20, 24, 24)."
            )
        self.num_parameters = shape
        self.init = choose(f"start of {type(self).__name__}", init, self.starts)
        # Per-channel parameters stay one-dimensional in storage: optimisers exempt ndim <= 1 from weight decay.
        self.names = tuple(self.starts[init])
        held = (held,) if isinstance(held, str) else held
        self.held = tuple(choose(f"parameter of {type(self).__name__}", name, self.names) for name in held)
        for name in self.names:
            value = torch.empty(shape, device=device, dtype=dtype)
            if name in self.held:
                self.register_buffer(name, value)
            else:
                self.register_parameter(name, nn.Parameter(value))
        self.reset_parameters()

    def reset_parameters(self):
        """Set every parameter back to the value that `init` stands for."""
        with torch.no_grad():
            for name, value in self.starts[self.init].items():
                getattr(self, name).fill_(value)

    def expanded(self, x):
        """The parameters as views that broadcast against `x`, in the order of `starts`.

        Parameters
        ----------
        x : torch.Tensor
            The input of `forward`.

        Returns
        -------
        list of torch.Tensor

        Raises
        ------
        UserError
            If `x` does not have the channels or the sample shape that the parameters were made for.
        """
        shape = self.num_parameters
        if len(shape) > 1:
            fits, view = tuple(x.shape[-len(shape) :]) == shape, shape
        elif shape == (1,):
            fits, view = True, shape
        else:
            channel = min(1, x.dim() - 1)
            fits = x.dim() > 0 and x.shape[channel] == shape[0]
            view = shape + (1,) * (x.dim() - channel - 1)
        if not fits:
            wanted = f"{shape[0]} channels at dimension 1" if len(shape) == 1 else f"samples of shape {shape}"
            raise UserError(
                f"{type(self).__name__}(num_parameters={shape}) takes {wanted}, but the input has shape {tuple(x.shape)}."
            )
        return [getattr(self, name).view(view) for name in self.names]

    def values(self):
        """What the formula takes besides its input, by name.

        Returns
        -------
        dict of str to torch.Tensor
            Each of shape `num_parameters`; the parameters themselves, unless a subclass makes the values from them.
        """
        return {name: getattr(self, name) for name in self.names}

    def learned(self):
        """The `values` that are not held: what a record keeps of a trained shape.

        Returns
        -------
        dict of str to torch.Tensor
            Each of shape `num_parameters`.
        """
        return {name: value for name, value in self.values().items() if name not in self.held}

    def extra_repr(self):
        total = math.prod(self.num_parameters) * (len(self.names) - len(self.held))
        held = f", held={self.held}" if self.held else ""
        return f"num_parameters={self.num_parameters}, init={self.init!r}{held}, total={total}"


def positive(what, value):
    """A start that must be a positive number.

    Raises
    ------
    UserError
        If it is not.
    """
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not 0 < value < math.inf:
        raise UserError(f"{what} is {value!r}: give a positive number.")
    return float(value)


def activation_parameters(model):
    """The trainable parameters of a model's activations, as opposed to its weights.

    Parameters
    ----------
    model : torch.nn.Module
        Any model whose activations were made by `make` or are instances of `Adaptive`.

    Returns
    -------
    dict of str to torch.nn.Parameter
        By the name that ``model.named_parameters()`` gives them.
    """
    return {
        f"{site}.{name}" if site else name: parameter
        for site, module in model.named_modules()
        if getattr(module, "is_activation", False)
        for name, parameter in module.named_parameters()
    }

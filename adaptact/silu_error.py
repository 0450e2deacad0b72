"""How far torch's own SiLU is from x * sigmoid(x) written out (the LEAF paper's Fig. 4)."""

import torch
import torch.nn.functional as F

from .activations import silu_manual


def squared_error(dtype=torch.float32, device="cpu", low=-15.0, high=15.0, steps=100_000):
    """The squared difference of the two implementations; both are the same function, so it is rounding and nothing else.

    Parameters
    ----------
    dtype : torch.dtype, default torch.float32
        In which both are computed.
    device : str or torch.device, default "cpu"
    low, high : float, default -15 and 15
    steps : int, default 100,000
        Equidistant inputs, rounded to `dtype`.

    Returns
    -------
    x, error : torch.Tensor
        ``(steps,)``, float64, on the CPU: the difference is squared without further rounding.

    Examples
    --------
    >>> x, error = squared_error()
    >>> 0 < error.max() < 1e-11
    tensor(True)
    """
    x = torch.linspace(low, high, steps, dtype=torch.float64).to(device=device, dtype=dtype)
    difference = F.silu(x).cpu().double() - silu_manual(x).cpu().double()
    return x.cpu().double(), difference**2


__all__ = ["squared_error"]

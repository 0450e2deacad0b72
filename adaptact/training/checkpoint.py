"""Checkpoints: a training that is killed goes on from its last epoch, to the same numbers."""

import io
import warnings

import torch

from ..records import PROTOCOL, reason_of, write_atomically


def save(path, run, model, optimizers, state):
    """Write all that a training needs to go on after an epoch: parameters, the optimisers' moments, and its `state`."""
    buffer = io.BytesIO()
    held = {"protocol": PROTOCOL, "run": run.key, "model": model.state_dict(), "optimizers": [o.state_dict() for o in optimizers]}
    torch.save({**held, **state}, buffer)
    write_atomically(path, buffer.getvalue())


def resume(path, run, device, model, make_optimizers):
    """Load a checkpoint into a model; None if there is none that belongs to this run.

    Parameters
    ----------
    path : Path
    run : Run
    device : torch.device
    model : torch.nn.Module
    make_optimizers : callable
        ``make_optimizers(model, run, epoch)`` gives the optimisers of an epoch, which get back their moments.

    Returns
    -------
    dict or None
        The ``state`` that was saved, and the ``optimizers``.
    """
    try:
        saved = torch.load(path, map_location=device, weights_only=True)
        if saved.pop("protocol") != PROTOCOL or saved.pop("run") != run.key or "history" not in saved:
            return None
        held, wanted = ({name: value.shape for name, value in state.items()} for state in (saved["model"], model.state_dict()))
        if held != wanted:  # one's own activation has been changed under its name
            raise ValueError("it is of another network")
    except FileNotFoundError:
        return None
    except Exception as error:  # whatever an unpickler may meet in damaged bytes: the run starts over, and says so
        aside, reason = path.replace(path.with_name(path.name + ".damaged")), reason_of(error)
        warnings.warn(f"checkpoint {path} cannot be read ({reason}); set aside as {aside.name}, starting over.", stacklevel=4)
        return None
    model.load_state_dict(saved.pop("model"))
    states, saved["optimizers"] = saved["optimizers"], make_optimizers(model, run, max(saved["epoch"], 1))
    for optimizer, held in zip(saved["optimizers"], states, strict=True):
        optimizer.load_state_dict(held)
    return saved

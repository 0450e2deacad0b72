"""One battery of checks for every activation, of this package or of one's own: ``python -m adaptact check [NAME ...]``."""

import warnings

import torch

from ..activations import compiled, facts
from . import derivatives, machinery, memory, numbers
from .base import Failed, NotApplicable, Result
from .samples import measured, starts

CHECKS = {
    check.__name__.replace("_", " "): check
    for check in (
        derivatives.first_derivative,
        derivatives.second_derivative,
        derivatives.forward_mode_derivative,
        derivatives.closed_form,
        numbers.extreme_inputs,
        numbers.half_precision,
        numbers.starts_as,
        numbers.declared_properties,
        memory.saved_for_backward,
        memory.memory_formats,
        machinery.torch_compile,
        machinery.torch_export,
        machinery.torch_func,
        machinery.autocast,
        machinery.copies,
    )
}  # by title, in the order in which they are done; each takes the name of an activation


def check(name):
    """Run the whole battery over one registered activation, as it starts with its default options.

    Parameters
    ----------
    name : str

    Returns
    -------
    list of Result
        One a check, in the order of `CHECKS`.

    Raises
    ------
    UserError
        If the name is unknown.
    """
    facts(name)
    return [run_check(name, title) for title in CHECKS]


def run_check(name, title):
    """One check of the battery, by its title.

    Parameters
    ----------
    name : str
        A registered activation.
    title : str
        A key of `CHECKS`.

    Returns
    -------
    Result
    """
    try:
        with torch.random.fork_rng(devices=[]), compiled("never"), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch's own, on its way through vmap and export
            torch.manual_seed(0)
            return Result(title, "ok", CHECKS[title](name) or "")
    except NotApplicable as reason:
        return Result(title, "n/a", str(reason))
    except Exception as error:  # whatever a user's function raises is that check's finding
        words = str(error) if isinstance(error, Failed) else f"{type(error).__name__}: {error}"
        return Result(title, "failed", " ".join(words.split())[:200])


def summary(name, results, details=False):
    """Text on one activation's results: a line of counts, and a line for each check that failed, or for every check.

    Parameters
    ----------
    name : str
    results : list of Result
        From `check`.
    details : bool, default False
        Whether every check has a line.

    Returns
    -------
    str
    """
    counts = {status: sum(result.status == status for result in results) for status in ("ok", "failed", "n/a")}
    lines = [f"{name:18} {counts['ok']:2} ok, {counts['failed']} failed, {counts['n/a']} not applicable"]
    shown = [result for result in results if details or result.status == "failed"]
    return "\n".join(lines + [f"  {result.status:6}  {result.check:24} {result.detail}".rstrip() for result in shown])


__all__ = ["CHECKS", "Result", "check", "measured", "run_check", "starts", "summary"]

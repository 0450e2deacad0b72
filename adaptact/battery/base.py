"""What the checks of the battery share: what one can find, and how it says so."""

from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Result:
    """What one check found.

    Parameters
    ----------
    check : str
        The check's title.
    status : {"ok", "failed", "n/a"}
    detail : str
        What was seen, in a few words.
    """

    check: str
    status: str
    detail: str


class Failed(Exception):
    """A check found a fault; its message says what was seen."""


class NotApplicable(Exception):
    """There is nothing to check; the message says why."""


def close(got, wanted, what, tolerance=1e-12):
    """Raise an AssertionError that starts with `what` unless two tensors are equal within a tolerance."""
    torch.testing.assert_close(
        got, wanted, rtol=tolerance, atol=tolerance, equal_nan=True, msg=lambda text: f"{what}: {text.splitlines()[-1] or text}"
    )


def require(condition, words):
    """Raise `Failed` with these words unless a condition holds."""
    if not condition:
        raise Failed(words)

"""What goes wrong through a user's input, said in one line."""

import difflib


class UserError(ValueError):
    """Input that makes no sense. Its message is one line: what is wrong, and the valid choices or the mending command."""


def choose(what, value, choices):
    """Return `value` if it is one of `choices`; otherwise say so and name them all.

    Raises
    ------
    UserError
        With the valid choices, and the nearest one where a slip of the finger is likely.
    """
    if isinstance(value, str) and value in choices:
        return value
    choices = [str(choice) for choice in choices]
    near = difflib.get_close_matches(str(value), choices, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    listed = ("; " if any("," in choice for choice in choices) else ", ").join(choices)
    raise UserError(f"unknown {what} {str(value)!r}.{hint} Choose from: {listed}.")


def parse_seeds(value):
    """Seeds from what a command line or a notebook parameter gives: ``42``, ``"42,100"``, ``[42, 100]``.

    Raises
    ------
    UserError
        If one is no whole number of at least 0.
    """
    parts = value if isinstance(value, (list, tuple)) else str(value).split(",")
    try:
        seeds = tuple(dict.fromkeys(int(str(part)) for part in parts))
    except ValueError:
        seeds = ()
    if not seeds or min(seeds) < 0:
        raise UserError(f"seeds are {value!r}: give whole numbers of at least 0 with commas between them, such as 42,100.")
    return seeds

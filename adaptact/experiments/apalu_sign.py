"""The APALU paper's sign language: MOPGRU, each function in the place of its ELU, on a public set of hand movements.

The paper has 13 Indian signs, 30 videos of each; they are not public. LIBRAS Movement stands in: 15 movements of Brazilian sign
language, paths of one hand. Network sizes and training are not in the text available to us and are our choice, and so is
where the cell's softsign stands: on the state or on the outputs. Both are recorded with all functions; see
`adaptact.models.mopgru`.
"""

from dataclasses import replace

from ..data import SOURCES
from ..run import Run
from .apalu import FIVE
from .base import SEEDS, Cell, Experiment

DATASET = "libras"
STATE, OUTPUTS = "softsign on the state", "softsign on the outputs"
READINGS = {STATE: "mopgru", OUTPUTS: "mopgru_logits"}
PLAIN = "plain GRU"
EPOCHS, RATE, OTHER_RATE = 100, 3e-3, 1e-2
TRIED = ("APALU", "ELU")  # by which a choice is judged: the paper's function, and the cell's own


def base_run(**fields):
    """MOPGRU with ELU on all training sequences."""
    settings = {"train_images": SOURCES[DATASET].train_size, "model": "mopgru", "activation": "elu", "epochs": EPOCHS}
    settings |= {"seed": SEEDS[0], "lr": RATE, "activation_lr": RATE, "batch_size": 32, "shuffle": True, "augment": False}
    return Run(dataset=DATASET, **settings | fields)


def _cell(row, reading, run, base):
    # At a constant rate the first epochs of a training are a shorter one, so `laptop` is the same scale and shares the records.
    return Cell(row, reading, run, base, at={"laptop": {"epochs": run.epochs}})


def sign():
    """Five functions in both readings of the cell; `laptop` and `paper` are the same scale."""
    cells = [
        _cell(row, reading, base_run(model=model, **fields), None if row == "APALU" else "APALU")
        for reading, model in READINGS.items()
        for row, fields in FIVE.items()
    ]
    return Experiment("apalu/sign", "APALU paper: MOPGRU, on LIBRAS Movement", tuple(cells), SEEDS)


def choices():
    """A higher rate for both readings of the cell, with APALU and ELU; and a plain GRU, with its own tanh and with APALU."""
    cells = []
    for name in TRIED:
        for reading, model in READINGS.items():
            run = base_run(model=model, **FIVE[name])
            higher = replace(run, lr=OTHER_RATE, activation_lr=OTHER_RATE)
            cells += [_cell(name, reading, run, None), _cell(f"{name}, rate {OTHER_RATE:g}", reading, higher, name)]
    cells.append(_cell("tanh", PLAIN, base_run(model="gru", activation="tanh"), None))
    cells.append(_cell("APALU", PLAIN, base_run(model="gru", **FIVE["APALU"]), "tanh"))
    return Experiment("apalu/sign-choices", "MOPGRU at another rate, and a plain GRU", tuple(cells), SEEDS[:3])


def studies():
    """Both of the above.

    Returns
    -------
    list of Experiment
        Without published numbers: the paper's 100 % are of another set.
    """
    return [sign(), choices()]

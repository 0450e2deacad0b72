"""What the APALU paper says of regression and stock forecasting, as trainings: dense networks on tables, recurrent ones on prices.

Data sets, networks and settings of the paper are not in the text available to us; all of them are our choices.
"""

from ..data import SOURCES
from ..run import FOLDS, Run
from .apalu import FIVE
from .base import SEEDS, Cell, Experiment, Fields

TABLES = ("california", "boston", "auto_mpg", "wine_quality", "abalone")
SERIES = ("stock_price", "stock_change", "random_walk")
NETWORKS = {"gru": "GRU", "lstm": "LSTM"}
# Until the error of a fold moves little; at `laptop` fewer, and at most so many rows.
EPOCHS = {"california": 12, "boston": 80, "auto_mpg": 80, "wine_quality": 15, "abalone": 15}
LAPTOP_EPOCHS = {"california": 4, "boston": 40, "auto_mpg": 40, "wine_quality": 8, "abalone": 8}
LAPTOP_ROWS = 5_000
RATE, HIGHER_RATE = 1e-3, 3e-3
VARIED = ("boston", "auto_mpg", "abalone")  # what is trained at the higher rate too
FORECAST_EPOCHS, FORECAST_RATE = 30, 3e-3
TANH = {"activation": "tanh"}  # what stands there in both networks


def forecast_column(model, dataset):
    """The label of a network on a series."""
    return f"{NETWORKS[model]}, {SOURCES[dataset].title}"


def regression():
    """An MLP of two layers on five tables, in five folds."""
    return _folded("apalu/regression", "APALU: regression on five tables", _on_tables(TABLES, RATE))


def higher_rate():
    """Three of the tables at another learning rate."""
    return _folded("apalu/regression-rate", f"APALU: regression at a rate of {HIGHER_RATE:g}", _on_tables(VARIED, HIGHER_RATE))


def _on_tables(tables, rate):
    cells = []
    for dataset in tables:
        source = SOURCES[dataset]
        settings: Fields = {"dataset": dataset, "train_images": source.train_size, "model": "mlp", "epochs": EPOCHS[dataset]}
        settings |= {"batch_size": 64, "shuffle": True, "augment": False, "fold": 1, "seed": SEEDS[0]}
        laptop = {"epochs": LAPTOP_EPOCHS[dataset], "train_images": min(LAPTOP_ROWS, source.train_size)}
        for name, fields in FIVE.items():
            run = Run(**settings, **fields, lr=rate, activation_lr=rate)
            cells.append(Cell(name, source.title, run, _base(name), at={"laptop": laptop}))
    return cells


def forecasting():
    """A GRU and an LSTM, each function in the place of tanh, on five walk-forward blocks; `laptop` and `paper` are alike."""
    cells = []
    for model in NETWORKS:
        for dataset in SERIES:
            settings: Fields = {"dataset": dataset, "train_images": SOURCES[dataset].train_size, "model": model, "batch_size": 32}
            settings |= {"epochs": FORECAST_EPOCHS, "lr": FORECAST_RATE, "activation_lr": FORECAST_RATE}
            settings |= {"shuffle": True, "augment": False}
            for name, fields in {**FIVE, "tanh": TANH}.items():
                run = Run(**settings, **fields, fold=1, seed=SEEDS[0])
                at = {"laptop": {"epochs": FORECAST_EPOCHS}}
                cells.append(Cell(name, forecast_column(model, dataset), run, _base(name), at=at))
    return _folded("apalu/forecasting", "APALU: the next day's stock price, by recurrent networks", cells)


def _base(name):
    return None if name == "APALU" else "APALU"


def _folded(name, title, cells):
    return Experiment(name, title, tuple(cells), SEEDS[:2], folds=tuple(range(1, FOLDS + 1)))


def studies():
    """All of the above.

    Returns
    -------
    list of Experiment
        Without published numbers: none are in the text available to us.
    """
    return [regression(), higher_rate(), forecasting()]

"""The figures of learned forms and of curves, drawn from records that were really trained."""

from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch

from adaptact import Run, Store, learned, plotting, tables, train
from adaptact.experiments import get
from adaptact.functional import leaf
from adaptact.notebook import settings

RUN = Run(
    dataset="digits", train_images=64, model="kerasnet", activation="leaf", init="tanh", granularity="neuron", epochs=2, seed=42,
    activation_lr=0.05,
)  # fmt: skip


@pytest.fixture(scope="module")
def record():
    return train(RUN)


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def _lines(axis):
    return [line.get_ydata() for line in axis.get_lines()]


def test_forms_are_those_of_the_sample(record):
    figure = learned.draw_forms(record, leaf, torch.tanh)
    panels = [axis for axis in figure.axes if axis.get_title()]
    assert len(panels) == 25
    sample = record.shapes["act2"]["sample"]
    assert panels[6].get_title() == f"L2 F{sample['index'][1]}"
    start, end = (line for line in _lines(panels[6]) if len(line) == 281)
    u = torch.linspace(-10, 4, 281)
    assert np.allclose(start, torch.tanh(u))
    assert np.allclose(end, leaf(u, *(sample[f"rho{i}"][1] for i in (1, 2, 3, 4))))
    assert not np.allclose(start, end)


def test_forms_of_a_record_without_histograms(record):
    old = {site: {key: shape[key] for key in ("quantiles", "sample")} for site, shape in record.shapes.items()}
    figure = learned.draw_forms(replace(record, shapes=old), leaf, torch.tanh)
    assert len(figure.axes) == 25, "no panel of inputs behind any"


def test_quantiles_and_path_follow_the_epochs(record):
    figure = learned.draw_quantiles(record)
    assert len(figure.axes) == 4 * 5
    median = figure.axes[0].get_lines()[0]
    assert list(median.get_xdata()) == [0, 1, 2]
    rows = record.shapes["act1"]["quantiles"]["rho3"]
    changes = [row[3] - 2 for row in rows]
    assert figure.axes[10].get_lines()[0].get_ydata() == pytest.approx(changes), "rho3 of tanh starts at 2"

    figure = learned.draw_path(record, leaf, "act5")
    titles = [axis.get_title() for axis in figure.axes if axis.get_title()]
    assert titles == ["epoch 0", "epoch 1", "epoch 2"]
    last = next(axis for axis in figure.axes if axis.get_title() == "epoch 2")
    sample = record.shapes["act5"]["sample"]
    u = torch.linspace(*record.shapes["act5"]["inputs"]["range"][0], 161)
    assert np.allclose(_lines(last)[1], leaf(u, *(sample[f"rho{i}"][0] for i in (1, 2, 3, 4))))


def test_curves_are_means_over_the_seeds(tmp_path):
    experiment, store = get("leaf/figure-6"), Store(tmp_path)
    shown = settings({"profile": "smoke", "results": str(tmp_path), "device": "cpu"})
    profile, found = shown.found(experiment)
    assert profile == "smoke"
    assert len(found) == len(store.records()) == 8
    figure = plotting.draw_curves(experiment, found, "CIFAR-10")
    lines = figure.axes[0].get_lines()
    assert [line.get_label() for line in lines] == [cell.row for cell in experiment.cells]
    tanh = tables.collect(experiment, "smoke", store).query("row == 'Tanh'")["record"]
    assert lines[0].get_ydata() == pytest.approx([np.mean([record.curves["test_accuracy"][0] for record in tanh])])

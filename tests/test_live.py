"""Live figures: their formulas against the package's own functions, and what a notebook gets of them."""

import html
import importlib.util
import json
import math
import random
import re
import shutil
import subprocess
from functools import partial
from types import SimpleNamespace

import pytest
import torch
from conftest import ROOT
from scipy.optimize import brentq

from adaptact import LEAF, live, plotting

VEGA = ROOT / "book" / "_static" / "vega"
NODE = shutil.which("node")
NAMES = [figure.name for figure in live.PLAYGROUNDS]
every_figure = pytest.mark.parametrize("figure", live.FIGURES, ids=lambda figure: figure.name)


def settings_of(figure, count=40):
    """Positions of the sliders: each start, all ends, and some on the steps between."""
    yield from (figure.positions(start) for start in figure.starts)
    for end in ("low", "high"):
        yield {slider.name: getattr(slider, end) for slider in figure.sliders}
    draw = random.Random(0)
    for _ in range(count):
        steps = {slider: draw.randint(0, round((slider.high - slider.low) / slider.step)) for slider in figure.sliders}
        yield {slider.name: round(slider.low + step * slider.step, 6) for slider, step in steps.items()}


def choose(condition, then, otherwise):
    if torch.as_tensor(condition).dim() == 0:  # not of the input
        return then if condition else otherwise
    return torch.where(condition, *(torch.as_tensor(part, dtype=torch.float64) for part in (then, otherwise)))


def tensors(function):
    return lambda *args: function(*(torch.as_tensor(arg, dtype=torch.float64) for arg in args))


def shape(number, form):
    return "" if number is None else format(float(number), form)  # Python evaluates the branch that is not taken, too


# What Vega's expression language calls by these names.
LANGUAGE = {name: tensors(getattr(torch, name)) for name in ("exp", "abs", "sin", "cos", "pow")}
LANGUAGE |= {
    "min": tensors(torch.minimum),
    "max": tensors(torch.maximum),
    "choose": choose,
    "format": shape,
    "null": None,
}


def evaluate(expression, names):
    """The value of an expression of the specification, by Python."""
    for theirs, ours in (("===", "=="), ("!==", "!="), ("&&", "and"), ("||", "or"), ("if(", "choose("), ("true", "True")):
        expression = expression.replace(theirs, ours)
    return eval(expression, {**LANGUAGE, **names})


def computed(figure, positions, start):
    """The fields of a figure's curve and the lines of its text, from its specification alone, with the sliders somewhere."""
    spec = figure.spec()
    (starts,) = [signal["value"] for signal in spec["signals"] if signal["name"] == "starts"]
    names = {"starts": {label: SimpleNamespace(**at) for label, at in starts.items()}, f"{figure.name}_start": start, **positions}
    sliders = [signal["name"] for signal in spec["signals"] if "bind" in signal]
    assert sliders == [f"{figure.name}_start", *(slider.name for slider in figure.sliders if slider.shown)]
    for signal in spec["signals"]:
        if "update" in signal and signal["name"] not in ("panel", "high", "width", "height"):
            names[signal["name"]] = evaluate(signal["update"], names)
    grid, *formulas = spec["data"][0]["transform"]
    x = torch.arange(grid["start"], grid["stop"], grid["step"], dtype=torch.float64)
    datum = SimpleNamespace(x=x)
    for formula in formulas:
        if not formula["as"].startswith("smooth"):
            setattr(datum, formula["as"], evaluate(formula["expr"], {**names, "datum": datum}))
    return datum, [evaluate(text, names) for text in figure.texts], names


@every_figure
def test_the_formulas_are_those_of_the_package(figure):
    start = list(figure.starts)[-1]
    x = computed(figure, figure.positions(start), start)[0].x
    of_start = plotting.curve(partial(figure.function, **figure.positions(start)), x)
    for positions in settings_of(figure):
        datum, _, names = computed(figure, positions, start)
        assert len(datum.x) == 401
        kinks = [float(place) for kink in figure.kinks if (place := evaluate(kink, names)) is not None]
        off = torch.stack([(datum.x - kink).abs() > 1e-6 for kink in [*kinks, 0.0]]).all(0)  # autograd has its own answer at a kink
        value, slope = plotting.curve(partial(figure.function, **positions), datum.x)
        torch.testing.assert_close(datum.y, value, rtol=1e-12, atol=1e-12)
        torch.testing.assert_close((datum.dy + 0 * datum.x)[off], slope[off], rtol=1e-9, atol=1e-9)
        torch.testing.assert_close(datum.y_0, of_start[0], rtol=1e-12, atol=1e-12)
        torch.testing.assert_close(datum.dy_0[datum.x.abs() > 1e-6], of_start[1][datum.x.abs() > 1e-6], rtol=1e-9, atol=1e-9)


@every_figure
def test_the_starts_lie_on_the_sliders(figure):
    for start in figure.starts:
        for slider in figure.sliders:
            place = figure.positions(start)[slider.name]
            steps = (place - slider.low) / slider.step
            assert slider.low <= place <= slider.high
            assert abs(steps - round(steps)) < 1e-9, f"{start}: {slider.name} cannot stand at {place}"


def test_leafs_starts_are_those_of_the_package():
    for start, known in (("SiLU", "silu"), ("ReLU", "relu"), ("Tanh", "tanh"), ("Sigmoid", "sigmoid")):
        names = computed(live.LEAF, live.LEAF.positions(start), start)[2]
        assert [float(names[name]) for name in ("rho1", "rho2", "gate", "rho4")] == [*LEAF.starts[known].values()]


def test_what_is_printed_of_leaf():
    far = torch.tensor([-1e4, 0.0, 1e4], dtype=torch.float64)
    for positions in settings_of(live.LEAF):
        text = computed(live.LEAF, positions, "SiLU")[1][1]
        slopes = plotting.curve(partial(live.LEAF.function, **positions), far)[1].tolist()
        printed = [float(number) for number in re.findall(r"-?\d+\.\d+", text)]
        assert printed == pytest.approx(slopes, abs=0.0051)


def test_the_kinks_of_pltanh_are_where_tanh_meets_the_line():
    for step in range(1, 151):
        alpha = step / 100
        _, (_, text, _), names = computed(live.PLTANH, {"alpha": alpha}, "0.4")
        if alpha >= 1:
            assert names["kink"] is None
            assert text == "one kink, at 0"
        else:
            place = brentq(lambda x, alpha=alpha: math.tanh(x) - alpha * x, math.sqrt(1 - alpha), 1 / alpha + 1, xtol=1e-12)
            assert float(names["kink"]) == pytest.approx(place, rel=1e-7)
            assert text == f"kinks at 0 and at {place:.3f}"


@pytest.mark.parametrize(
    ("a", "b", "gap"), [(0.55, 0.065, "gap 0.760: a kink"), (0.55, 0.825, "gap 0.000: no kink"), (0.5, 2.0, "gap -1.250: a kink")]
)
def test_the_gap_of_apalu_is_printed(a, b, gap):
    _, (slopes, text), _ = computed(live.APALU, {"a": a, "b": b}, "Figure 1")
    assert slopes == f"slope at 0: left b = {b:.3f}, right 1.5a = {1.5 * a:.3f}"
    assert text == gap


def test_the_coefficients_stay_on_the_simplex():
    for positions in settings_of(live.WEIGHTED_SUM):
        names = computed(live.WEIGHTED_SUM, positions, "equal")[2]
        found = torch.stack([names[name] for name in ("alpha", "beta", "gamma")])
        torch.testing.assert_close(found, torch.softmax(torch.tensor([*positions.values()], dtype=torch.float64), 0))
        assert (found > 0).all()
    texts = computed(live.WEIGHTED_SUM, live.WEIGHTED_SUM.positions("equal"), "equal")[1]
    assert texts[:2] == ["ReLU 0.333, tanh 0.333, sin 0.333", "sum 1.000"]


@every_figure
def test_what_a_notebook_gets(figure):
    bundle = figure._repr_mimebundle_()
    # No HTML, which JupyterLab would show in place of the specification.
    assert list(bundle) == ["application/vnd.vega.v5+json", "image/png", "text/plain"]
    spec = bundle["application/vnd.vega.v5+json"]
    assert json.loads(json.dumps(spec)) == spec
    assert bundle["image/png"].startswith(b"\x89PNG")
    assert figure.still() == bundle["image/png"], "the same bytes on every run"


@every_figure
def test_the_page_is_made_of_what_the_notebook_keeps(figure):
    loaded = importlib.util.spec_from_file_location("live_figures", ROOT / "book" / "_ext" / "live_figures.py")
    extension = importlib.util.module_from_spec(loaded)
    loaded.loader.exec_module(extension)
    assert extension.VEGA in figure._repr_mimebundle_()
    data = {extension.VEGA: figure.spec(), "image/png": "iVBORw0=\n", "text/plain": ""}
    source = [json.dumps({"cells": [{"source": "markdown"}, {"outputs": [{"data": data}, {"text": "printed"}]}]})]
    extension._read(None, "page", source)
    after = json.loads(source[0])["cells"][1]["outputs"][0]["data"]
    assert list(after) == ["image/png", "text/plain", "text/html"]
    page = after["text/html"]
    assert re.findall(r'<img [^>]*alt="([^"]*)" src="([^"]*)"', page) == [
        (html.escape(figure.description), "data:image/png;base64,iVBORw0=")
    ]
    assert json.loads(re.search(r'<script type="application/json">(.*)</script>', page).group(1)) == figure.spec()
    assert set(re.findall(r"https?://[\w.]+", page)) == {"https://vega.github.io"}, "the schema's name, which nothing fetches"


def test_vega_is_whole_and_its_own():
    script, readme = (VEGA / "vega.min.js").read_text(), (VEGA / "README.md").read_text()
    (version,) = set(re.findall(r'version="([\d.]+)"', script))
    assert readme.count(version) == 3
    assert "Redistribution and use" in (VEGA / "LICENSE").read_text()
    assert set(re.findall(r"https?://([\w.]+)", script)) == {"www.w3.org"}, "names of XML, not addresses"


IN_NODE = """
const vega = require(process.argv[1]);
const asked = JSON.parse(require("fs").readFileSync(0));
const answer = asked.map(({ spec, settings, values }) => {
  const view = new vega.View(vega.parse(spec), { renderer: "none", logLevel: vega.Error }).run();
  return settings.map((positions) => {
    for (const [name, value] of Object.entries(positions)) view.signal(name, value);
    view.run();
    const curve = view.data("curve").map((row) => ({ ...row })); // the rows change under one's hands
    return { curve, values: Object.fromEntries(values.map((name) => [name, view.signal(name)])) };
  });
});
console.log(JSON.stringify(answer));
"""


@pytest.mark.skipif(NODE is None, reason="no Node.js here")
def test_vega_itself_computes_the_same():
    settings = [(figure, list(settings_of(figure, 8))) for figure in live.FIGURES]
    asked = [{"spec": figure.spec(), "settings": of, "values": list(figure.values)} for figure, of in settings]
    done = subprocess.run(
        [NODE, "-e", IN_NODE, VEGA / "vega.min.js"], input=json.dumps(asked), capture_output=True, text=True, check=True
    )
    for (figure, positions), answers in zip(settings, json.loads(done.stdout), strict=True):
        for at, answer in zip(positions, answers, strict=True):
            datum, _, names = computed(figure, at, next(iter(figure.starts)))
            for suffix in ("", "_0"):
                drawn = torch.tensor([row[f"smooth{suffix}"] for row in answer["curve"]])
                for name in (f"y{suffix}", f"dy{suffix}"):
                    found = torch.tensor([row[name] for row in answer["curve"]], dtype=torch.float64)
                    wanted = getattr(datum, name) + 0 * datum.x
                    torch.testing.assert_close(found[drawn], wanted[drawn], rtol=1e-9, atol=1e-9)
            for name, value in answer["values"].items():
                assert (names[name] is None and value is None) or float(names[name]) == pytest.approx(value, rel=1e-12, abs=1e-12)
            kinks = [float(place) for kink in figure.kinks if (place := evaluate(kink, names)) is not None]
            step = (figure.x[1] - figure.x[0]) / 400
            for row in answer["curve"]:
                assert row["smooth"] == all(abs(row["x"] - kink) > 0.51 * step for kink in kinks)

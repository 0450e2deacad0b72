"""The Vega specification of a live figure: its signals, its curve, and its two panels.

It is plain Vega, not Vega-Lite: there a choice among starts could not set the sliders, nor could the two panels stack on a phone.
"""

import re

from ..plotting import COLOURS

STEPS = 400  # of a curve
BLUE, ORANGE = COLOURS[:2]
GREY = "#808080"  # seen on white and on black
LINE = 18  # pixels, of a line of text
MARGIN = {"left": 40, "right": 12, "between": 44, "below": 40}


def specification(live):
    """The Vega specification of a live figure.

    Parameters
    ----------
    live : Live

    Returns
    -------
    dict
        Ready for JSON.
    """
    above = LINE * len(live.texts) + 40
    wide = "(room >= 560)"
    beside = wide if live.derivative else "false"
    below = f"({wide} ? 0 : high + {MARGIN['below'] + 22})" if live.derivative else "0"
    sides = MARGIN["left"] + MARGIN["right"]
    signals = [
        {"name": "room", "value": 640},  # the width; the page sets it to that of its column
        {"name": "panel", "update": f"{beside} ? (room - {sides + MARGIN['between']}) / 2 : room - {sides}"},
        {"name": "high", "update": f"{wide} ? 230 : 190"},
        {"name": "width", "update": "room"},
        {"name": "height", "update": f"{above + MARGIN['below']} + high + {below}"},
    ]
    first = {"x": f"{MARGIN['left']}", "y": f"{above}"}
    second = {"x": f"{MARGIN['left']} + ({wide} ? panel + {MARGIN['between']} : 0)", "y": f"{above} + {below}"}
    lines = [
        {"type": "text", "encode": {"update": {"x": {"value": 8}, "y": {"value": LINE * (index + 0.8)}, **_text(text)}}}
        for index, text in enumerate(live.texts)
    ]
    return {
        "$schema": "https://vega.github.io/schema/vega/v5.json",  # a name, never fetched
        "description": live.description,
        "autosize": "none",
        "padding": 0,
        "background": None,
        "usermeta": {"name": live.name, "embedOptions": {"actions": False, "renderer": "svg"}},
        "signals": signals + _signals(live),
        "data": [{"name": "curve", "transform": _curve(live)}],
        "scales": [
            {"name": "x", "domain": list(live.x), "range": [0, {"signal": "panel"}]},
            {"name": "y", "domain": list(live.y), "range": [{"signal": "high"}, 0]},
            {"name": "dy", "domain": list(live.dy), "range": [{"signal": "high"}, 0]},
        ],
        "marks": [
            *lines,
            _panel(live, "function", "y", first),
            *([_panel(live, "derivative", "dy", second)] if live.derivative else []),
        ],
    }


def _signals(live):
    start = f"{live.name}_start"
    table = {label: live.positions(label) for label in live.starts}
    # A click on the chosen button counts too: it brings the sliders back. The start itself stays on the figure, dashed.
    back = [{"signal": start}, {"source": "window", "type": "click", "filter": f"event.target.name === '{start}'"}]
    begin = live.positions(next(iter(live.starts)))
    choice = {"input": "radio", "name": "start", "options": list(live.starts)}
    signals = [{"name": "starts", "value": table}, {"name": start, "value": next(iter(live.starts)), "bind": choice}]
    for slider in live.sliders:
        bind = {"input": "range", "name": slider.label, "min": slider.low, "max": slider.high, "step": slider.step}
        comes = f"starts[{start}].{slider.name}"
        signals += [
            {"name": slider.name, "value": begin[slider.name], "on": [{"events": back, "update": comes}]}
            | ({"bind": bind} if slider.shown else {}),
            {"name": f"{slider.name}_0", "update": comes},
        ]
    for name, expression in live.values.items():
        signals += [{"name": name, "update": expression}, {"name": f"{name}_0", "update": _at_start(live, expression)}]
    return signals


def _at_start(live, expression):
    """The same expression of the start's parameters."""
    names = "|".join([*(slider.name for slider in live.sliders), *live.values])
    fields = "|".join(live.fields) or "$^"
    return re.sub(rf"\b(datum\.(?:{fields})|(?<!\.)(?:{names}))\b", r"\1_0", expression)


def _curve(live):
    low, high = live.x
    step = (high - low) / STEPS
    wanted = {**live.fields, "y": live.value, "dy": live.slope}
    # A place where the slope jumps is left out, so that no upright line is drawn through it.
    wanted["smooth"] = " && ".join(f"({kink} === null || abs(datum.x - {kink}) > {0.51 * step:g})" for kink in live.kinks) or "true"
    both = wanted | {f"{name}_0": _at_start(live, expression) for name, expression in wanted.items()}
    grid = {"type": "sequence", "start": low, "stop": high + step / 2, "step": step, "as": "x"}
    return [grid, *({"type": "formula", "as": name, "expr": expression} for name, expression in both.items())]


def _panel(live, title, scale, place):
    size = {"width": {"signal": "panel"}, "height": {"signal": "high"}}
    axis = {"gridColor": GREY, "gridOpacity": 0.25, "domain": False, "tickColor": GREY, "labelColor": GREY, "titleColor": GREY}
    axis |= {"titleFontWeight": "normal", "grid": True, "tickCount": 6, "labelFontSize": 11, "titleFontSize": 12}

    def line(suffix, style):
        defined = {"defined": {"signal": f"datum.smooth{suffix}"}} if scale == "dy" else {}
        at = {"x": {"scale": "x", "field": "x"}, "y": {"scale": scale, "field": f"{scale}{suffix}"}}
        return {
            "type": "line",
            "name": f"{scale}{suffix or '_now'}",
            "aria": False,
            "from": {"data": "curve"},
            "encode": {"update": at | defined | {name: {"value": value} for name, value in style.items()}},
        }

    def kink(expression):
        across = {
            "x": {"scale": "x", "signal": f"{expression} === null ? 0 : {expression}"},
            "y": {"value": 0},
            "y2": {"signal": "high"},
        }
        shown = f"{expression} !== null && inrange({expression}, [{live.x[0]}, {live.x[1]}]) ? 1 : 0"
        style = {"stroke": {"value": ORANGE}, "strokeDash": {"value": [2, 3]}, "opacity": {"signal": shown}}
        return {"type": "rule", "aria": False, "encode": {"update": across | style}}

    inside = [
        *(kink(expression) for expression in live.kinks),
        line("_0", {"stroke": GREY, "strokeWidth": 1.5, "strokeDash": [6, 4]}),
        line("", {"stroke": BLUE, "strokeWidth": 2.5}),
    ]
    return {
        "type": "group",
        "encode": {"update": {**{name: {"signal": at} for name, at in place.items()}, **size}},
        "axes": [
            {"scale": "x", "orient": "bottom", "title": f"input {live.variable}", "gridScale": scale, **axis},
            {"scale": scale, "orient": "left", "gridScale": "x", **axis},
        ],
        "marks": [
            {"type": "text", "encode": {"update": {"y": {"value": -9}, **_text(f"'{title}'")}}},
            {"type": "group", "clip": True, "encode": {"update": size}, "marks": inside},
        ],
    }


def _text(expression):
    return {"text": {"signal": expression}, "fill": {"value": GREY}, "fontSize": {"value": 13}}

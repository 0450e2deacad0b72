"""One function with its sliders, as a Vega specification and as a still picture.

JupyterLab draws the specification with the Vega that it has, and the static page with the copy in the book's static files.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from matplotlib import pyplot as plt

from .. import plotting
from .spec import specification

VEGA = "application/vnd.vega.v5+json"  # what JupyterLab draws without a network; Vega 6 reads the same specification


@dataclass(frozen=True)
class Slider:
    """A parameter that the reader moves.

    Parameters
    ----------
    name : str
        In the expressions and in the function's keywords.
    label : str
        What the reader sees.
    low, high, step : float
    shown : bool, default True
        False where only the choice of a start moves it.
    """

    name: str
    label: str
    low: float
    high: float
    step: float
    shown: bool = True


@dataclass(frozen=True)
class Live:
    """A function with sliders, and its derivative beside it if wanted.

    What is computed where it is shown is written in Vega's expression language, in which ``datum.x`` is the input and ``if`` a
    function of three arguments. Each expression sees the sliders and all `values`.

    Parameters
    ----------
    name : str
        A word, unique in a page: the radio buttons of a browser's page are told apart by it.
    description : str
        The text for those who do not see the figure.
    variable : str
        The letter of the input.
    function : callable
        The package's own, ``function(x, **sliders)``: it draws the still picture, and the tests hold the expressions to it.
    sliders : tuple of Slider
    starts : dict of str to tuple of float
        Positions of the sliders by the label of their button; the first is where the figure begins.
    value, slope : str
        Expressions of the function and its derivative.
    texts : tuple of str
        Expressions of the lines that are printed above the panels.
    x, y, dy : tuple of float
        The axes' limits, of the input, the function and the derivative. They stay, so that it is the curve that moves.
    values : dict of str to str
        Expressions that need no input, in an order in which each needs those before it only.
    fields : dict of str to str
        Expressions of the input that `value` and `slope` use as ``datum.name``.
    kinks : tuple of str
        Expressions of the places where the slope jumps; ``null`` where there is none.
    derivative : bool, default True
        Whether the derivative has a panel.
    """

    name: str
    description: str
    variable: str
    function: Callable
    sliders: tuple
    starts: dict
    value: str
    slope: str
    texts: tuple
    x: tuple
    y: tuple
    dy: tuple
    values: dict = field(default_factory=dict)
    fields: dict = field(default_factory=dict)
    kinks: tuple = ()
    derivative: bool = True

    def positions(self, start):
        """The sliders' positions at a start, by name.

        Parameters
        ----------
        start : str
            A key of `starts`.

        Returns
        -------
        dict of str to float
        """
        return dict(zip((slider.name for slider in self.sliders), self.starts[start], strict=True))

    def spec(self):
        """The Vega specification.

        Returns
        -------
        dict
            Ready for JSON.
        """
        return specification(self)

    def still(self):
        """The picture that stands where no script runs: what the panels show at each start, by the package's own code.

        Returns
        -------
        bytes
            PNG.
        """
        shapes = {label: partial(self.function, **self.positions(label)) for label in self.starts}
        low, high = self.x
        with plt.rc_context(plotting.STYLE):
            figure = plotting.draw_functions(shapes, low, high, derivatives=self.derivative)
            for axis, limits in zip(figure.axes, (self.y, self.dy), strict=False):
                axis.set(ylim=limits, xlabel=f"input ${self.variable}$")
            figure.axes[0].legend(fontsize=7)
            file = io.BytesIO()
            figure.savefig(file, format="png", dpi=90, metadata={"Software": None})
        plt.close(figure)
        return file.getvalue()

    def _repr_mimebundle_(self, include=None, exclude=None):
        # No text/html: JupyterLab would show that. The page's own is made of these two when the book is built.
        text = f"Live figure of {self.name}, with sliders {', '.join(slider.name for slider in self.sliders)}."
        return {VEGA: self.spec(), "image/png": self.still(), "text/plain": text}

"""The pages of live figures as they are built, in a browser without a network, and as they are printed."""

import http.server
import json
import re
import shutil
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path

import chromium
import edition
import pytest
from conftest import ROOT
from test_live import NAMES, computed

from adaptact import live


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    """The playground and the front page alone, built as the book is."""
    folder = tmp_path_factory.mktemp("book")
    shutil.copytree(ROOT / "book", folder / "book", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "_config.yml", folder)
    (folder / "notebooks").mkdir()
    shutil.copy(ROOT / "notebooks" / "05-playground.ipynb", folder / "notebooks")
    (folder / "book" / "_toc.yml").write_text(
        "format: jb-book\nroot: book/references\nparts:\n  - caption: Start\n    chapters:\n"
        "      - file: notebooks/05-playground\n      - file: book/intro\n"
    )
    command = [Path(sys.executable).with_name("jupyter-book"), "build", folder, "--toc", folder / "book" / "_toc.yml", "-q"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "mime" not in done.stdout + done.stderr, "the page takes no kind of output that it does not know"
    return folder / "_build" / "html"


def test_only_pages_with_live_figures_get_the_scripts(book):
    page, other = ((book / name).read_text() for name in ("notebooks/05-playground.html", "book/references.html"))
    assert re.findall(r'<script defer="defer" src="\.\./_static/(vega/vega\.min|live)\.js', page) == ["vega/vega.min", "live"]
    assert page.count('class="adaptact-live"') == len(NAMES) == page.count('class="live-still"')
    assert not re.search(r"vega|live\.js", other)


@pytest.fixture(scope="module")
def server(book):
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=book)) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()


class Shown:
    """A live figure as the browser shows it."""

    def __init__(self, tab, figure):
        self.tab, self.block = tab, f"document.querySelector('#live-{figure.name}')"

    def path(self, curve):
        """JavaScript of the points of a curve: ``y``, the function, or ``dy``."""
        return f"{self.block}.querySelector('.{curve}_now path').getAttribute('d')"

    def slider(self, name):
        return f"{self.block}.querySelector('input[name={name}]')"

    def places(self, figure):
        return [float(self.tab.value(f"{self.slider(slider.name)}.value")) for slider in figure.sliders]

    def curves(self):
        return [self.tab.value(self.path(curve)) for curve in ("y", "dy")]

    def texts(self, count):
        """The printed lines, with the minus sign that Python prints."""
        texts = self.tab.value(f"[...{self.block}.querySelectorAll('.mark-text text')].map(text => text.textContent)")
        return [text.replace("−", "-") for text in texts[:count]]


# All are drawn, and so are the page's formulas, which push things about.
READY = f"MathJax.startup.promise.then(() => document.querySelectorAll('.adaptact-live.is-live').length === {len(NAMES)})"
PAGE = "notebooks/05-playground.html"


@pytest.mark.parametrize("way", ["from disk", "from a server"])
def test_every_slider_moves_its_curve(book, tab, request, way):
    root = book.as_uri() if way == "from disk" else request.getfixturevalue("server")
    tab.open(f"{root}/{PAGE}")
    tab.wait(READY)
    assert tab.value("[...document.querySelectorAll('.live-still')].every(still => still.offsetWidth === 0)")
    for figure in live.PLAYGROUNDS:
        page = Shown(tab, figure)
        begin = page.curves()
        for index, slider in enumerate(figure.sliders):
            before, place = page.curves(), page.places(figure)[index]
            tab.value(f"{page.slider(slider.name)}.focus()")
            tab.press("ArrowRight", 3)
            assert page.places(figure)[index] == pytest.approx(place + 3 * slider.step)
            tab.wait(f"{page.path('y')} !== {json.dumps(before[0])}")
            # A shift alone leaves the derivative as it is.
            assert (page.curves()[1] == before[1]) == (slider.name == "rho4")
        # A click on the start that is chosen already brings all sliders back.
        tab.click(f"{page.block}.querySelector('input[type=radio]:checked')")
        tab.wait(f"{page.path('y')} === {json.dumps(begin[0])}")
        assert page.curves() == begin
        for index, start in enumerate(figure.starts):
            tab.click(f"{page.block}.querySelectorAll('input[type=radio]')[{index}]")
            lines = computed(figure, figure.positions(start), start)[1]
            tab.wait(f"{page.block}.querySelector('svg').textContent.replaceAll('−', '-').includes({json.dumps(lines[-1])})")
            assert page.places(figure) == pytest.approx(list(figure.starts[start]))
            assert page.texts(len(lines)) == lines
    assert tab.errors == []
    assert [address for address in tab.requests if not address.startswith((root, "data:"))] == []
    assert any("vega.min.js" in address for address in tab.requests), "requests are seen"


def test_on_a_phone_the_panels_are_stacked(book, tab):
    box = "document.querySelector('#live-leaf .{}_now').getBoundingClientRect()"
    right = f"{box.format('dy')}.x - {box.format('y')}.x"
    down = f"{box.format('dy')}.y - {box.format('y')}.y"
    for width, stacked in ((1200, False), (400, True)):
        tab.open(f"{book.as_uri()}/{PAGE}", width=width)
        tab.wait(READY)
        tab.wait(f"({right} < 60 && {down} > 100)" if stacked else f"({right} > 200)")
        assert tab.value("document.documentElement.scrollWidth") <= width, "nothing to scroll sideways"


@pytest.mark.parametrize("width", [1200, 390])
def test_the_front_page_has_one(book, tab, width):
    tab.open(f"{book.as_uri()}/book/intro.html", width=width)
    tab.wait("document.querySelector('.adaptact-live.is-live') !== null")
    page = Shown(tab, live.STARTS)
    for slider in ("rho1", "rho3"):
        before = tab.value(page.path("y"))
        tab.value(f"{page.slider(slider)}.focus()")
        tab.press("ArrowRight", 3)
        tab.wait(f"{page.path('y')} !== {json.dumps(before)}")
    assert tab.value(f"{page.block}.querySelectorAll('input[type=range]').length") == 2, "the others have no slider"
    assert tab.value("document.documentElement.scrollWidth") <= width
    assert tab.errors == []


def test_without_scripts_the_still_pictures_stand(book, tab):
    tab.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        tab.open(f"{book.as_uri()}/{PAGE}")
        for what in ("naturalWidth > 0", "offsetWidth > 0", "alt.length > 80"):
            seen = tab.value(f"[...document.querySelectorAll('.live-still')].map(still => still.{what})")
            assert seen == [True] * len(NAMES), what
        assert tab.value("document.querySelector('.live-chart svg') === null")
    finally:
        tab.call("Emulation.setScriptExecutionDisabled", value=False)


def test_the_edition_is_printed(book, tmp_path):
    if chromium.BINARY is None:
        pytest.skip("no Chromium here")
    edition.pdf(book, book.parents[1] / "book" / "_toc.yml", tmp_path / "book.pdf")
    printed = (tmp_path / "book.pdf").read_bytes()
    assert printed.startswith(b"%PDF")
    assert printed.count(b"/Type /Page\n") > 5
    for title in (b"Contents", b"Start", b"Play with the functions", b"How it works"):
        assert b"/Title (" + title in printed, "it is a bookmark"


def test_without_a_browser_nothing_is_printed(monkeypatch):
    monkeypatch.setattr(edition, "BINARY", None)
    with pytest.raises(SystemExit, match=r"^No Chromium here to print with: looked for .*\.$"):
        edition.chromium()

"""The built book, read from its files: whole, offline, and free of broken links."""

import importlib.util
import re
import subprocess
import sys
from html.parser import HTMLParser
from urllib.parse import unquote, urlparse

import nbformat
import pytest
import torch
import yaml
from conftest import ROOT

from adaptact import Facts, activations, battery

PAGES = ROOT / "_build" / "html"


class Page(HTMLParser):
    def __init__(self, path):
        super().__init__()
        self.path, self.links, self.assets, self.images, self.ids = path, [], [], [], set()
        self.feed(path.read_text())

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if "id" in attributes:
            self.ids.add(attributes["id"])
        if tag == "a" and attributes.get("href"):
            self.links.append(attributes["href"])
        if tag == "img":
            self.images.append(attributes)
        if tag in ("script", "img", "iframe", "source") and attributes.get("src"):
            self.assets.append(attributes["src"])
        if tag == "link" and attributes.get("rel") not in ("canonical", "next", "prev", "index", "search"):
            self.assets.append(attributes.get("href", ""))


@pytest.fixture(scope="module")
def pages():
    command = [sys.executable, ROOT / "book" / "build.py", "html", "--stored"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"Open {PAGES / 'index.html'}" in done.stdout
    return {path: Page(path) for path in PAGES.rglob("*.html") if "_static" not in path.parts}


def test_a_page_is_executed_for_the_book_as_it_is_committed(tmp_path, monkeypatch):
    """What `make book` does with each notebook: papermill, at the defaults, without a cell of its own."""
    monkeypatch.syspath_prepend(ROOT / "book")
    spec = importlib.util.spec_from_file_location("build", ROOT / "book" / "build.py")
    build = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(build)
    monkeypatch.setattr(build, "SOURCE", tmp_path)
    (tmp_path / "notebooks").mkdir()
    path = ROOT / "notebooks" / "24-weighted-sum-claims.ipynb"
    build.execute(path)
    stored, executed = (nbformat.read(of, as_version=4).cells for of in (path, tmp_path / "notebooks" / path.name))
    assert [cell.source for cell in executed] == [cell.source for cell in stored]
    assert [cell.get("outputs") for cell in executed] == [cell.get("outputs") for cell in stored]


def test_every_chapter_is_there(pages):
    for name in [
        "book/intro",
        "book/re-run",
        "book/own-activation",
        "book/references",
        *(path.relative_to(ROOT).with_suffix("") for path in (ROOT / "notebooks").rglob("[0-9]*.ipynb")),
    ]:
        assert PAGES / f"{name}.html" in pages


def in_toc(entry):
    """The pages of a table of contents, or of a part of it, in their order."""
    below = [*entry.get("parts", []), *entry.get("chapters", []), *entry.get("sections", [])]
    return [entry[key] for key in ("root", "file") if key in entry] + [name for part in below for name in in_toc(part)]


def test_the_map_leads_to_every_page():
    text = (ROOT / "book" / "map.md").read_text()
    named = {(ROOT / "book" / link).resolve() for link in re.findall(r"\]\(([\w./-]+)\)", text)}
    pages = in_toc(yaml.safe_load((ROOT / "book" / "_toc.yml").read_text()))
    assert len(pages) > 60
    paths = [next(ROOT.glob(f"{name}.*")) for name in pages if name not in ("book/intro", "book/map")]
    assert [path.name for path in paths if path not in named] == []


def test_every_reference_can_be_found_and_is_cited():
    entries = re.findall(r"^@\w+\{(\w+),(.*?)^\}", (ROOT / "book" / "references.bib").read_text(), re.MULTILINE | re.DOTALL)
    texts = [path.read_text() for path in [*(ROOT / "notebooks").rglob("*.ipynb"), *(ROOT / "book").glob("*.md")]]
    cited = {key.strip() for text in texts for keys in re.findall(r"\{cite[\w:]*\}`([^`]*)`", text) for key in keys.split(",")}
    assert cited == {key for key, _ in entries}
    # The article has no address that is known.
    assert [key for key, entry in entries if not re.search(r"^  (doi|eprint|url) = ", entry, re.MULTILINE)] == ["imbalance"]


def test_nothing_comes_from_another_host(pages):
    for page in pages.values():
        assert [asset for asset in page.assets if urlparse(asset).netloc] == [], page.path.name
    sheets = list(PAGES.rglob("*.css"))
    assert sheets
    for sheet in sheets:
        text = sheet.read_text()
        assert "@import url(http" not in text, sheet
        assert "url(http" not in text.replace("url(http://www.w3.org", ""), sheet


def test_no_link_is_broken(pages):
    for page in pages.values():
        for link in page.links + page.assets:
            parts = urlparse(link)
            if parts.scheme in ("http", "https", "mailto", "data", "javascript"):
                continue
            target = (page.path.parent / unquote(parts.path)).resolve() if parts.path else page.path
            assert target.is_file(), f"{page.path.name}: {link}"
            if parts.fragment and target in pages:
                assert unquote(parts.fragment) in pages[target].ids, f"{page.path.name}: {link}"


def test_every_picture_has_a_text(pages):
    for page in pages.values():
        for image in page.images:
            assert image.get("alt", "").strip(), f"{page.path.name}: {image.get('src')}"
            assert not image["alt"].startswith("../_images"), "that is a file's name, not a text"


def test_formulas_and_outputs_are_shown(pages):
    start = (PAGES / "notebooks" / "01-quick-start.html").read_text()
    assert "mathjax/tex-mml-chtml.js" in start
    assert "Traceback" not in start
    tables = (PAGES / "notebooks" / "11-leaf-tables.html").read_text()
    assert tables.count('class="dataframe"') >= 4
    assert "77.77 (99)" in tables, "the published numbers stand there"


def test_the_page_on_ones_own_activation_tells_the_truth(tmp_path, monkeypatch, capsys):
    """Its code blocks run, and its file passes the battery by the command that it gives."""
    from adaptact.__main__ import main
    from adaptact.activations import registry

    monkeypatch.setattr(registry, "_REGISTRY", dict(registry._REGISTRY))
    page = (ROOT / "book" / "own-activation.md").read_text()
    file, *others = re.findall(r"^```python\n(.*?)^```", page, flags=re.MULTILINE | re.DOTALL)
    (tmp_path / "mine_of_the_book.py").write_text(file)
    assert main(["check", str(tmp_path / "mine_of_the_book.py")]) == 0
    assert "scaled_tanh" in capsys.readouterr().out
    facts = re.search(r"Facts\(.*?\)\)", page).group()
    activations.register("declared_tanh", facts=eval(facts, {"Facts": Facts}))(torch.tanh)
    assert battery.run_check("declared_tanh", "declared properties").status == "ok"
    for code in others:
        exec(code, {})

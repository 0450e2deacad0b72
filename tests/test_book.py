"""The built book, read from its files: whole, offline, light, and free of broken links."""

import importlib.util
import json
import re
import sys
from html.parser import HTMLParser
from urllib.parse import unquote, urlparse

import nbformat
import pytest
import torch
import yaml
from conftest import ROOT
from test_api import ENTRIES

from adaptact import Facts, activations, battery

sys.path.insert(0, str(ROOT / "book"))
import edition

PAGE_KB = 340
PAGE_WITH_PICTURES_KB = 900


class Page(HTMLParser):
    """What a page refers to: `links` to follow, `assets` that a browser fetches by itself, and what it says of its pictures."""

    FETCHED = {"src", "srcset", "data", "poster", "background"}
    UNFETCHED = {"canonical", "next", "prev", "index", "search", "license", "author"}  # kinds of <link>

    def __init__(self, text):
        super().__init__()
        self.links, self.assets, self.pictures, self.ids, self.inline = [], [], [], set(), None
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        attributes = {name: value or "" for name, value in attributes}
        if "id" in attributes:
            self.ids.add(attributes["id"])
        if tag in ("a", "area") and attributes.get("href"):
            self.links.append(attributes["href"])
        elif attributes.get("href") and attributes.get("rel") not in self.UNFETCHED:
            self.assets.append(attributes["href"])
        for name in self.FETCHED & attributes.keys():
            parts = attributes[name].split(",") if name == "srcset" else [attributes[name]]
            self.assets += [part.split()[0] for part in parts if part.strip()]
        self.assets += addresses_in_css(attributes.get("style", ""))
        if tag == "img":
            self.pictures.append((attributes.get("src"), attributes.get("alt", "")))
        if tag == "svg" and attributes.get("aria-hidden") != "true":
            self.pictures.append((tag, attributes.get("aria-label", "") if attributes.get("role") == "img" else ""))
        self.inline = tag if tag in ("style", "script") else None

    def handle_data(self, data):
        if self.inline == "style":
            self.assets += addresses_in_css(data)
        elif self.inline == "script":
            self.assets += addresses_in_script(data)

    def handle_endtag(self, tag):
        self.inline = None


def addresses_in_css(text):
    return re.findall(r"""(?:@import\s+|url\(\s*)["']?((?:https?:)?//[^"')\s]+)""", text)


def addresses_in_script(text):
    """What a script names as it fetches it or puts it into a page."""
    return re.findall(
        r"""(?:\b(?:fetch|import|importScripts|open|Worker)\s*\(?|(?:\bsrc|\.href)\s*=)\s*["'`]((?:https?:)?//[^"'`]+)""", text
    )


def hosts(addresses):
    return {host for host in (urlparse(address).netloc for address in addresses) if host}


@pytest.fixture(scope="module")
def pages(book):
    return {path: Page(path.read_text()) for path in book.rglob("*.html") if "_static" not in path.parts}


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


def test_every_chapter_is_there(pages, book):
    written = [ROOT / "book" / f"{name}.md" for name in ("intro", "re-run", "own-activation", "references", "teaching")]
    for path in (*written, *(ROOT / "notebooks").rglob("[0-9]*.ipynb")):
        assert book / path.relative_to(ROOT).with_suffix(".html") in pages


def test_the_reference_has_its_entries(pages):
    reference = {path: page for path, page in pages.items() if path.parent.name == "api"}
    assert ENTRIES.keys() <= set().union(*(page.ids for page in reference.values()))
    texts = {path.name: path.read_text() for path in reference}
    assert [name for name, text in texts.items() if " at 0x" in text or "&lt;factory&gt;" in text] == []
    assert re.search(r'<a [^>]*href="#adaptact.tables.collect"[^>]*><code', texts["records.html"]), "names in docstrings are links"
    assert 'href="https://arxiv.org/abs/2402.08244"' in texts["activations.html"]


def in_toc(entry):
    """The pages of a table of contents, or of a part of it, in their order."""
    below = [*entry.get("parts", []), *entry.get("chapters", []), *entry.get("sections", [])]
    return [entry[key] for key in ("root", "file") if key in entry] + [name for part in below for name in in_toc(part)]


TOC = in_toc(yaml.safe_load((ROOT / "book" / "_toc.yml").read_text()))


def test_the_map_leads_to_every_page():
    text = (ROOT / "book" / "map.md").read_text()
    named = {(ROOT / "book" / link).resolve() for link in re.findall(r"\]\(([\w./-]+)\)", text)}
    assert len(TOC) > 60
    paths = [next(ROOT.glob(f"{name}.*")) for name in TOC if name not in ("book/intro", "book/map")]
    assert [path.name for path in paths if path not in named] == []


def test_every_reference_can_be_found_and_is_cited():
    entries = re.findall(r"^@\w+\{(\w+),(.*?)^\}", (ROOT / "book" / "references.bib").read_text(), re.MULTILINE | re.DOTALL)
    texts = [path.read_text() for path in [*(ROOT / "notebooks").rglob("*.ipynb"), *(ROOT / "book").glob("*.md")]]
    cited = {key.strip() for text in texts for keys in re.findall(r"\{cite[\w:]*\}`([^`]*)`", text) for key in keys.split(",")}
    assert cited == {key for key, _ in entries}
    # The article has no address that is known.
    assert [key for key, entry in entries if not re.search(r"^  (doi|eprint|url) = ", entry, re.MULTILINE)] == ["imbalance"]


@pytest.mark.parametrize(
    "way",
    [
        '<script src="https://a.b/x.js"></script>',
        '<script>fetch("https://a.b/x.json")</script>',
        '<script type="module">import "https://a.b/x.mjs"</script>',
        '<img srcset="x.png, //a.b/x.png 2x">',
        '<link rel="preload" as="font" href="https://a.b/x.woff2">',
        '<link rel="preconnect" href="https://a.b">',
        '<style>p { color: red } @import "https://a.b/x.css";</style>',
        '<p style="background: url(//a.b/x.png)">',
        '<svg><image href="https://a.b/x.png"/></svg>',
        '<object data="https://a.b/x.svg"></object>',
    ],
)
def test_whatever_asks_another_host_is_noticed(way):
    assert hosts(Page(way).assets) == {"a.b"}


def test_nothing_comes_from_another_host(pages, book):
    for path, page in pages.items():
        assert not hosts(page.assets), path.name
    static = {kind: list((book / "_static").rglob(f"*.{kind}")) for kind in ("css", "js", "html")}
    assert all(static.values())
    for path in static["css"]:
        assert not addresses_in_css(path.read_text()), path
    for path in static["js"]:
        assert not addresses_in_script(path.read_text()), path


def test_no_link_is_broken(pages):
    for path, page in pages.items():
        for link in page.links + page.assets:
            parts = urlparse(link)
            if parts.scheme in ("http", "https", "mailto", "data", "javascript"):
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            assert target.is_file(), f"{path.name}: {link}"
            if parts.fragment and target in pages:
                assert unquote(parts.fragment) in pages[target].ids, f"{path.name}: {link}"


def test_the_edition_is_one_file_whose_links_lead_to_each_other(book):
    text = edition.document(book, ROOT / "book" / "_toc.yml")
    ids = re.findall(r'\sid="([^"]+)"', text)
    assert len(ids) == len(set(ids))
    links = re.findall(r'<a [^>]*href="([^"]*)"', text)
    assert {link for link in links if not link.startswith(("http", "mailto"))} <= {f"#{name}" for name in ids}
    assert all(f'<section class="chapter" id="{name}"' in text for name in TOC[1:])
    assert not re.search(r"live-chart|<details|vega", text), "nothing is to be opened or moved"
    assert "### BEGIN SOLUTION" in text


def test_every_picture_has_a_text(pages):
    for path, page in pages.items():
        for picture, text in page.pictures:
            assert text.strip(), f"{path.name}: {picture}"
            assert "_images/" not in text, "that is a file's name, not a text"


def test_every_notebook_has_outputs_and_no_error(book):
    for path in (book / "notebooks").rglob("*.html"):
        text = path.read_text()
        assert 'class="cell_output' in text, path.name
        for trouble in ("Traceback (most recent call last)", "output stderr", "output traceback", "NBVAL"):
            assert trouble not in text, path.name


def test_no_page_is_heavy(pages):
    for path, page in pages.items():
        size = path.stat().st_size / 1000
        # What the page carries in itself, and with its pictures; scripts and styles are shared by all.
        pictures = {
            (path.parent / unquote(source)).resolve() for source, _ in page.pictures if source.endswith((".png", ".jpg", ".svg"))
        }
        assert size <= PAGE_KB, path.name
        assert size + sum(picture.stat().st_size / 1000 for picture in pictures) <= PAGE_WITH_PICTURES_KB, path.name


def test_the_search_knows_every_page_and_its_words(pages, book):
    index = json.loads(re.fullmatch(r"Search\.setIndex\((.*)\)", (book / "searchindex.js").read_text()).group(1))
    known = {book / f"{name}.html" for name in index["docnames"]}
    assert known == pages.keys() - {book / f"{name}.html" for name in ("index", "genindex", "search")}
    places = index["terms"]["granular"]
    assert "notebooks/61-arena" in {index["docnames"][place] for place in (places if isinstance(places, list) else [places])}


def test_formulas_and_tables_are_shown(book):
    assert "mathjax/tex-mml-chtml.js" in (book / "notebooks" / "01-quick-start.html").read_text()
    tables = (book / "notebooks" / "11-leaf-tables.html").read_text()
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

"""The built book as a browser shows it from disk, in both themes, wide and on a phone.

Faults of accessibility are found by axe-core, at the levels A and AA of WCAG; none of its rules is left out.
"""

import json
from html.parser import HTMLParser

import pytest
from conftest import ROOT

AXE = (ROOT / "tests" / "axe" / "axe.min.js").read_text()
PHONE = 390
THEMES = ("light", "dark")
TYPESET = "!window.MathJax?.startup || MathJax.startup.promise.then(() => true)"


class Kinds(HTMLParser):
    """What kinds of element a page has: of each the tag and the classes, within those of the element around it."""

    def __init__(self, text):
        super().__init__()
        self.kinds, self.open = set(), [None]
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        kind = tag, *sorted((dict(attributes).get("class") or "").split())
        self.kinds.add((self.open[-1], kind))
        if tag not in ("img", "br", "hr", "input", "link", "meta", "wbr", "col"):
            self.open.append(kind)

    def handle_endtag(self, tag):
        while len(self.open) > 1 and self.open.pop()[0] != tag:
            pass


def cover(pages):
    """A few pages that between them have every kind of element."""
    kinds = {path: Kinds(path.read_text()).kinds for path in pages}
    left, chosen = set().union(*kinds.values()), set()
    while left:
        best = max(kinds, key=lambda path: len(kinds[path] & left))
        chosen.add(best)
        left -= kinds[best]
    return chosen


def faults(tab, contrast):
    """What axe finds of serious and critical faults, a line each; contrast, which takes most of the time, apart from the rest."""
    rules = {"resultTypes": ["violations"], "preload": False, "runOnly": ["wcag2a", "wcag2aa"]}
    if contrast:
        rules["runOnly"] = {"type": "rule", "values": ["color-contrast"]}
    else:
        rules["rules"] = {"color-contrast": {"enabled": False}}
    lines = "r.violations.flatMap(v => v.nodes.map(n => [v.impact, v.id, n.target.join(' '), n.failureSummary]))"
    found = tab.value(f"axe.run(document, {json.dumps(rules)}).then(r => {lines})")
    return [" | ".join(line) for line in found if line[0] in ("serious", "critical")]


def theme(tab, name):
    tab.value(f"document.documentElement.dataset.mode = document.documentElement.dataset.theme = '{name}'")


@pytest.fixture(scope="module")
def seen(book, tab):
    """What was seen of each page: all of them are opened, once."""
    pages = sorted(path for path in book.rglob("*.html") if "_static" not in path.parts and path != book / "index.html")
    chosen, seen = cover(pages), {}
    for path in pages:
        tab.open(path.as_uri(), width=PHONE)
        tab.wait(TYPESET)
        tab.value(f"{AXE}; 0")
        width = tab.value("document.documentElement.scrollWidth")
        found = faults(tab, contrast=False)
        tab.size(1280)
        if path in chosen:  # with the sidebar, which a phone hides, and contrast: they depend on the kind of element alone
            found += faults(tab, contrast=False)
        for name in THEMES:
            theme(tab, name)
            if path in chosen:
                found += [f"{name}: {line}" for line in faults(tab, contrast=True)]
        away = [address for address in tab.requests if not address.startswith(("file:", "data:", "blob:"))]
        name = str(path.relative_to(book))
        seen[name] = {"faults": found, "errors": [*tab.errors], "other hosts": away, "too wide": [width] * (width > PHONE)}
    return seen


@pytest.mark.parametrize("what", ["errors", "other hosts", "too wide", "faults"])
def test_no_page_has(seen, what):
    assert {name: page[what] for name, page in seen.items() if page[what]} == {}


def test_faults_and_errors_are_noticed(tab, tmp_path):
    """A page with one fault of each sort."""
    page = tmp_path / "page.html"
    page.write_text(
        '<!DOCTYPE html><html lang="en"><title>a page</title><body style="width: 900px"><img src="x.png">'
        '<p style="color: #bbb">pale</p><script src="http://a.b/x.js"></script><script>console.error("no"); fail()</script>'
    )
    tab.open(page.as_uri(), width=PHONE)
    tab.value(f"{AXE}; 0")
    assert [line.split(" | ")[1] for line in faults(tab, contrast=False) + faults(tab, contrast=True)] == [
        "image-alt",
        "color-contrast",
    ]
    assert tab.value("document.documentElement.scrollWidth") > PHONE
    assert len(tab.errors) == 4  # of the picture, the host, the console, the exception
    assert "http://a.b/x.js" in tab.requests


def test_the_search_finds_pages_from_disk(book, tab):
    tab.open(f"{book.as_uri()}/search.html?q=granularity")
    tab.wait("document.querySelector('.search-summary')?.textContent.includes('found')")
    found = tab.value("[...document.querySelectorAll('#search-results ul.search a')].map(link => link.href)")
    pages = {address.partition("?")[0].partition("#")[0].removeprefix(f"{book.as_uri()}/") for address in found}
    assert "notebooks/61-arena.html" in pages
    assert all((book / page).is_file() for page in pages)


def test_on_paper_a_page_is_light_open_and_alone(book, tab):
    tab.open(f"{book.as_uri()}/notebooks/60-ledger.html", width=700)
    theme(tab, "dark")
    boxes = "[...document.querySelectorAll('main details:not(.hide)')].map(box => box.open)"
    before = tab.value(boxes)
    assert False in before
    tab.call("Emulation.setEmulatedMedia", media="print")
    try:
        tab.value("dispatchEvent(new Event('beforeprint'))")
        assert tab.value("document.documentElement.dataset.theme") == "light"
        assert all(tab.value(boxes))
        for gone in (".bd-sidebar-primary", ".bd-header-article", "footer", "details.hide > summary"):
            assert tab.value(f"[...document.querySelectorAll('{gone}')].every(part => part.offsetHeight === 0)"), gone
        assert tab.value("document.documentElement.scrollWidth") <= 700, "nothing is cut"
        tab.value("dispatchEvent(new Event('afterprint'))")
        assert tab.value(boxes) == before
        assert tab.value("document.documentElement.dataset.theme") == "dark"
    finally:
        tab.call("Emulation.setEmulatedMedia", media="")

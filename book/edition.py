"""The whole book as one PDF, made of the built pages: put one after another, and printed by Chromium.

On paper nothing opens. So hints and solutions stand open, in pages of exercises that come after all others, and code that a page
folds away, which draws its figures, is left out.
"""

import shutil
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import unquote, urlparse

import yaml
from bs4 import BeautifulSoup, SoupStrainer

from adaptact import __version__

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome", "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")
BINARY = next(filter(None, map(shutil.which, NAMES)), None)
SECONDS = 900  # for MathJax and for printing
NOTE = (
    f"Version {__version__}. Live figures stand still here. Code that a page folds away, mostly of figures, is left out; the"
    " notebooks have it. Hints and solutions are open; the chapters' exercises are the last part."
)
STYLE = """
@page { size: A4; margin: 18mm 16mm 20mm; @bottom-center { content: counter(page); font: 9pt sans-serif; color: #555; } }
@page :first { @bottom-center { content: none; } }
html, body { background: white; font-size: 10pt; }
.bd-article { max-width: none; padding: 0; }
.bd-article > * { max-width: none; }
.chapter, .part { break-before: page; } .part + .chapter { break-before: avoid; }
h1 { font-size: 26pt; } h2 { font-size: 19pt; } h3 { font-size: 14pt; } h4 { font-size: 12pt; } h5, h6 { font-size: 10.5pt; }
h1, h2, h3, h4, h5, h6 { break-after: avoid; margin-top: 1em; }
h1.part { color: #555; font-size: 14pt; border-bottom: 1px solid; }
.in-order { columns: 2; column-gap: 2em; font-size: 9pt; } .in-order li { list-style: none; } .in-order ul { padding-left: 0; }
.in-order > div { break-inside: avoid; padding-bottom: 0.5em; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; font-size: 7.5pt; break-inside: auto; orphans: 4; widows: 4; }
img, svg, table, figure { max-width: 100%; }
img, figure, tr, .admonition { break-inside: avoid; }
a, a.chip { text-decoration: none; }
/* What can scroll on a screen would be cut, or not broken between pages. */
pre, .text_html, .highlight, .cell_input, .cell_output, .pst-scrollable-table-container { overflow: visible !important; }
table { font-size: 8pt; } .cell_output table.dataframe { white-space: normal; font-size: 6.5pt; }
"""


def chromium():
    """The browser that prints, or one line that says that there is none."""
    if BINARY is None:
        raise SystemExit(f"No Chromium here to print with: looked for {', '.join(NAMES)}.")
    return BINARY


def contents(path):
    """The front page, and by their captions the pages of each part, the exercises in a last part of their own."""
    toc = yaml.safe_load(path.read_text())
    parts, exercises = {}, []
    for part in toc["parts"]:
        pages = [page["file"] for chapter in part["chapters"] for page in (chapter, *chapter.get("sections", []))]
        exercises += [name for name in pages if "/solutions/" in name]
        parts[part["caption"]] = [name for name in pages if name not in exercises]
    return toc["root"], parts | ({"Exercises, with solutions": exercises} if exercises else {})


def article(built, name, names):
    """A built page for paper, its ids and links made unique by its name.

    Parameters
    ----------
    built : Path
        The folder of the built pages.
    name : str
        Of the page.
    names : set of str
        Of all pages: what leads anywhere else on this disk is no link in a PDF.

    Returns
    -------
    bs4.element.Tag
    """
    path = built / f"{name}.html"
    page = BeautifulSoup(path.read_text(), "html.parser", parse_only=SoupStrainer("article")).article
    for tag in page.select("script, a.headerlink, .live-chart, .run-box, .toctree-wrapper"):
        tag.decompose()
    for fold in page.select("details"):
        fold.summary.decompose()
        solution = fold.find_parent(class_=["tag_solution", "tag_hide-cell"])
        for code in [] if solution else fold.select(".cell_input"):
            code.decompose()
        fold.name, fold.attrs = "div", {}
    for tag in page.find_all(class_="dropdown"):
        tag["class"].remove("dropdown")
    for tag in page.find_all(id=True):
        tag["id"] = f"{name}#{tag['id']}"
    for tag in page.find_all("a", href=True):
        parts = urlparse(tag["href"])
        if parts.scheme in ("http", "https", "mailto"):
            continue
        target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
        to = target.relative_to(built).with_suffix("").as_posix() if target.is_relative_to(built) else None
        if to in names:
            tag["href"] = f"#{to}" + (f"#{unquote(parts.fragment)}" if parts.fragment else "")
        else:
            del tag["href"]
    for tag in page.find_all("img", src=True):
        if not urlparse(tag["src"]).scheme:
            tag["src"] = (path.parent / unquote(tag["src"])).resolve().as_uri()
        tag["loading"] = "eager"
    for tag in page.find_all(["h1", "h2", "h3", "h4", "h5"]):  # parts are above chapters
        tag.name = f"h{int(tag.name[1]) + 1}"
    page.name, page["class"], page["id"] = "section", "chapter", name
    return page


def document(built, toc):
    """The book as one HTML file: a title, a table of contents, and all pages by part."""
    root, parts = contents(toc)
    names = {root, *(name for pages in parts.values() for name in pages)}
    head = BeautifulSoup((built / f"{root}.html").read_text(), "html.parser", parse_only=SoupStrainer("head"))
    keep = head.select("link[rel=stylesheet], script[src*=mathjax]") + [s for s in head.select("script") if "MathJax" in s.text]
    for tag in keep:
        for key in {"href", "src"} & tag.attrs.keys():
            tag[key] = (built / root).parent.joinpath(urlparse(tag[key]).path).resolve().as_uri()
    front = article(built, root, names)
    del front["class"]
    listed, body = [], []
    for caption, pages in parts.items():
        chapters = [article(built, name, names) for name in pages]
        items = "".join(f'<li><a href="#{page["id"]}">{page.select_one("h2").text}</a></li>' for page in chapters)
        listed.append(f"<div><strong>{caption}</strong><ul>{items}</ul></div>")
        body += [f'<h1 class="part">{caption}</h1>', *map(str, chapters)]
    return "\n".join(
        [
            '<!DOCTYPE html><html lang="en" data-theme="light" data-mode="light"><head><meta charset="utf-8">',
            "<title>Adaptive activations, put to the test</title>",
            *map(str, keep),
            f"<style>{STYLE}</style></head><body><main class='bd-content'><article class='bd-article'>",
            str(front),
            f'<h1 class="chapter">Contents</h1><p>{NOTE}</p><nav class="in-order">{"".join(listed)}</nav>',
            *body,
            "</article></main></body></html>",
        ]
    )


def pdf(built, toc, target):
    """Print the built book.

    Parameters
    ----------
    built : Path
        The folder of the built pages.
    toc : Path
        The table of contents.
    target : Path
    """
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "book.html"
        page.write_text(document(built, toc))
        command = [chromium(), "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder}/profile"]
        command += ["--no-pdf-header-footer", "--generate-pdf-document-outline", f"--virtual-time-budget={SECONDS * 1000}"]
        command += [f"--print-to-pdf={target}", page.as_uri()]
        subprocess.run(command, check=True, timeout=SECONDS, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

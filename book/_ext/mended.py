"""A Sphinx extension that mends what the theme and the tools leave on the built pages."""

import json
import re
from pathlib import Path

MARK = "# NBVAL_CHECK_OUTPUT\n"
# Browsers fetch no font ahead for a page that is opened from disk: an error on every page, and the icons are there without.
FONTS = re.compile(r'<link rel="preload" as="font"[^>]*>\n?')
# The arrows beside the chapters of the sidebar have no name that a screen reader could say.
ARROW = re.compile(r'(<a class="[^"]*reference internal" href="[^"]*">([^<]*)</a><details[^>]*><summary)>')


def _for_readers(app, docname, source):
    if not docname.startswith("notebooks/"):
        return
    notebook = json.loads(source[0])
    cells = []
    for cell in notebook["cells"]:
        # Marks tell nbval what to compare, and a reader nothing; nor do a page's imports, which stand folded.
        cell["source"] = "".join(cell["source"]).removeprefix(MARK)
        if cell["cell_type"] == "code" and "settings(globals()" in cell["source"]:
            cell["metadata"]["tags"] = ["hide-input"]
        cells.append(cell)
        # A stamp stands below its figure: as one of the cell's outputs it would be a figure too, of the same name.
        texts = {number: "".join(of.get("data", {}).get("text/markdown", "")) for number, of in enumerate(cell.get("outputs", []))}
        stamps = {number: text for number, text in texts.items() if 'class="stamp"' in text}
        for number in sorted(stamps, reverse=True):
            del cell["outputs"][number]
        if stamps:
            text = "\n\n".join(stamps.values())
            cells.append({"cell_type": "markdown", "id": f"{cell['id']}-stamp", "metadata": {}, "source": text})
    notebook["cells"] = cells
    source[0] = json.dumps(notebook)


def _is_thebe(file):
    return "thebe" in f"{getattr(file, 'filename', file)} {getattr(file, 'attributes', '')}".lower()


def _drop_thebe(app, pagename, templatename, context, doctree):
    # sphinx-thebe adds its scripts twice, even where thebe is off: a script error on every page.
    context["script_files"] = [file for file in context.get("script_files", []) if not _is_thebe(file)]


def mend(page):
    """A page's HTML as it should have been written."""
    page = ARROW.sub(r'\1 aria-label="Pages of: \2">', FONTS.sub("", page))
    return page.replace('role="doc-biblioentry"', 'role="listitem"')  # a role given up since: what a list contains are its items


def _mend(app, error):
    if error is None and app.builder.format == "html":
        for path in Path(app.outdir).rglob("*.html"):
            path.write_text(mend(path.read_text()))


def setup(app):
    """Called by Sphinx."""
    app.connect("source-read", _for_readers)
    app.connect("html-page-context", _drop_thebe, priority=900)
    app.connect("build-finished", _mend)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

"""A Sphinx extension that shows live figures in the pages, and gives those pages, and no others, the scripts that draw them.

A notebook keeps a live figure as a Vega specification, which JupyterLab draws by itself, and as a still picture. It keeps no HTML:
JupyterLab would prefer that. So the page's HTML is made here, where a notebook is read. A page of Markdown names one of
`adaptact.live.FIGURES` in a directive: ``{live} starts``.
"""

import base64
import html
import json

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from adaptact import live

VEGA = "application/vnd.vega.v5+json"


def block(spec, picture):
    """HTML of a live figure: the still picture, and the specification that ``live.js`` puts in its place.

    Parameters
    ----------
    spec : dict
        Of Vega. Its description is the picture's text.
    picture : str
        A PNG, in base64.

    Returns
    -------
    str
    """
    still = f'<img class="live-still" alt="{html.escape(spec["description"])}" src="data:image/png;base64,{picture.strip()}">'
    data = json.dumps(spec, sort_keys=True, ensure_ascii=False).replace("</", "<\\/")
    chart = f'<div class="live-chart" hidden></div><script type="application/json">{data}</script>'
    return f'<div class="adaptact-live" id="live-{spec["usermeta"]["name"]}">{still}{chart}</div>'


class LiveFigure(SphinxDirective):
    """The directive ``live``, of a figure's name."""

    required_arguments = 1

    def run(self):
        """The figure's HTML."""
        figures = {figure.name: figure for figure in live.FIGURES}
        if self.arguments[0] not in figures:
            raise self.error(f"'{self.arguments[0]}' is no live figure: {', '.join(figures)}.")
        figure = figures[self.arguments[0]]
        return [nodes.raw("", block(figure.spec(), base64.b64encode(figure.still()).decode()), format="html")]


def _read(app, docname, source):
    if VEGA not in source[0]:
        return
    notebook = json.loads(source[0])
    for output in (output for cell in notebook["cells"] for output in cell.get("outputs", [])):
        spec = output.get("data", {}).pop(VEGA, None)
        if spec:
            output["data"]["text/html"] = block(spec, "".join(output["data"]["image/png"]))
    source[0] = json.dumps(notebook)


def _add_scripts(app, pagename, templatename, context, doctree):
    if 'class="adaptact-live"' in context.get("body", ""):
        for script in ("vega/vega.min.js", "live.js"):
            app.add_js_file(script, loading_method="defer")


def setup(app):
    """Called by Sphinx."""
    app.add_directive("live", LiveFigure)
    app.connect("source-read", _read)
    app.connect("html-page-context", _add_scripts)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

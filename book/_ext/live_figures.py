"""A Sphinx extension that gives the pages with live figures, and no others, the scripts that draw them."""


def _add_scripts(app, pagename, templatename, context, doctree):
    if 'class="adaptact-live"' in context.get("body", ""):
        for script in ("vega/vega.min.js", "live.js"):
            app.add_js_file(script, loading_method="defer")


def setup(app):
    """Called by Sphinx."""
    app.connect("html-page-context", _add_scripts)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

"""A Sphinx extension that keeps the built pages whole without a network, and free of script errors."""


def _drop_thebe(app, pagename, templatename, context, doctree):
    # sphinx-thebe adds its script twice, even where thebe is off: a script error on every page.
    context["script_files"] = [
        file for file in context.get("script_files", []) if "thebe" not in str(getattr(file, "filename", file))
    ]


def setup(app):
    """Called by Sphinx."""
    app.connect("html-page-context", _drop_thebe, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

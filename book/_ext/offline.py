"""A Sphinx extension that keeps the built pages free of script errors."""


def _is_thebe(file):
    return "thebe" in f"{getattr(file, 'filename', file)} {getattr(file, 'attributes', '')}".lower()


def _drop_thebe(app, pagename, templatename, context, doctree):
    # sphinx-thebe adds its scripts twice, even where thebe is off: a script error on every page.
    context["script_files"] = [file for file in context.get("script_files", []) if not _is_thebe(file)]


def setup(app):
    """Called by Sphinx."""
    app.connect("html-page-context", _drop_thebe, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

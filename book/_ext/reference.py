"""A Sphinx extension for the reference: a list of public names becomes a table of summaries and the docstrings under it.

It also makes links: of DOIs and arXiv numbers in docstrings, and, on all pages, of what is written as code and is a name with an
entry in the reference. In a docstring a name may be as short as the code there could write it.
"""

import dataclasses
import importlib
import inspect
import re
from operator import attrgetter

from docutils import nodes
from docutils.statemachine import StringList
from sphinx import addnodes
from sphinx.util.docutils import SphinxDirective
from sphinx.util.nodes import make_refnode

PAPERS = {
    r"\barXiv (\d{4}\.\d{4,5})": r"`arXiv \1 <https://arxiv.org/abs/\1>`__",
    r"\bdoi (10\.\S+[^\s.,;:)])": r"`doi \1 <https://doi.org/\1>`__",
}


class Public(SphinxDirective):
    """``.. public:: adaptact.module``, and under it the names of that module, one a line."""

    required_arguments = 1
    has_content = True

    def run(self):
        module, names = importlib.import_module(self.arguments[0]), [line.strip() for line in self.content if line.strip()]
        table = ["   :nosignatures:", "", *(f"   ~{module.__name__}.{name}" for name in names)]
        entries = [line for name in names for line in self._entry(f"{module.__name__}.{name}", getattr(module, name))]
        found = nodes.container()
        self.state.nested_parse(StringList([".. autosummary::", *table, "", *entries], module.__name__), 0, found)
        for type_ in found.findall(nodes.classifier):
            type_["support_smartquotes"] = False  # its quotation marks are Python's
        return found.children

    @staticmethod
    def _entry(name, public):
        if not inspect.isclass(public):
            return [f".. autofunction:: {name}", ""]
        if issubclass(public, Exception):
            return [f".. autoexception:: {name}", ""]
        fields = ", ".join(getattr(public, "_fields", ()))  # a named tuple's are parameters already
        return [f".. autoclass:: {name}", "   :members:", f"   :exclude-members: {fields}" if fields else "", ""]


def _link_papers(app, what, name, of, options, lines):
    for pattern, link in PAPERS.items():
        lines[:] = [re.sub(pattern, link, line) for line in lines]


def _show_defaults(app, what, name, of, options, signature, returned):
    if what == "class" and dataclasses.is_dataclass(of):
        for field in dataclasses.fields(of):
            if field.default_factory is not dataclasses.MISSING:
                signature = signature.replace("<factory>", repr(field.default_factory()), 1)
    return signature, returned


def _get(scope, path):
    try:
        found = attrgetter(path)(scope)
    except AttributeError:
        return None
    return getattr(found, "__func__", found)  # a class method is another object each time


def _documented(env):
    """What has an entry: by the identity of the object, the name that it is listed by and where; and all by that name."""
    package = importlib.import_module("adaptact")
    named = {name: (name, at) for name, at in env.get_domain("py").objects.items() if not at.aliased}
    objects = {name: _get(package, name.removeprefix("adaptact.")) for name in named}
    return {id(of): named[name] for name, of in objects.items() if not isinstance(of, (str, int, float, type(None)))}, named


def _scopes(node):
    """Where Python would look up a name that the docstring around a node has: its class, module, and packages."""
    while node is not None and not isinstance(node, addnodes.desc):
        node = node.parent
    if node is None or node["domain"] != "py":
        return [], ()
    module, path = node[0]["module"], node[0]["fullname"]
    if not module:
        module, _, path = path.rpartition(".")
    public = _get(importlib.import_module(module), path)
    function = public.fget if isinstance(public, property) else public
    parameters = inspect.signature(function).parameters if callable(function) else ()
    package = getattr(function, "__module__", module).split(".")
    modules = [importlib.import_module(".".join(package[:count])) for count in range(len(package), 0, -1)]
    owner = _get(importlib.import_module(module), path.rpartition(".")[0]) if "." in path else public
    return [owner, *modules], parameters


def _link_names(app, doctree, docname):
    documented, named = _documented(app.env)
    classes = {name.rpartition(".")[2]: found for name, found in named.items() if found[1].objtype in ("class", "exception")}

    def reference(node, text, child):
        name = text.removesuffix("()")
        if name.startswith("adaptact."):
            absolute = named.get(name), documented.get(id(_get(importlib.import_module("adaptact"), name[9:])))
            found = next(filter(None, absolute), None)
        else:
            scopes, parameters = _scopes(node)
            near = (documented.get(id(_get(scope, name))) for scope in scopes if name not in parameters)
            found = next(filter(None, near), scopes and classes.get(name))
        return found and make_refnode(app.builder, docname, found[1].docname, found[1].node_id, child, found[0])

    for literal in list(doctree.findall(nodes.literal)):
        link = reference(literal, literal.astext(), literal.deepcopy())
        if link and not isinstance(literal.parent, nodes.reference):
            literal.replace_self(link)
    for kind in list(doctree.findall(lambda node: isinstance(node, (nodes.classifier, nodes.term)))):
        for text in list(kind.findall(nodes.Text)):
            if isinstance(kind, nodes.term) and isinstance(text.parent, nodes.strong):
                continue  # a parameter's name, not its type
            words = [(reference(kind, word, nodes.Text(word)), word) for word in re.split(r"(\b[A-Z]\w+)", text) if word]
            if any(link for link, _ in words):
                shown = [link or nodes.Text(word) for link, word in words]
                text.parent.replace(text, nodes.inline("", "", *shown))  # one thing, or the theme's flex box eats the space


def setup(app):
    """Called by Sphinx."""
    app.add_directive("public", Public)
    app.connect("autodoc-process-docstring", _link_papers, priority=900)  # after numpydoc
    app.connect("autodoc-process-signature", _show_defaults)
    app.connect("doctree-resolved", _link_names)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

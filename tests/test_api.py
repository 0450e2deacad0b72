"""The reference: every public name has one entry, a docstring of numpydoc's form, and examples that run."""

import ast
import doctest
import importlib
import inspect
import pkgutil
import re
import textwrap
from collections import Counter

import pytest
import torch
from conftest import ROOT
from numpydoc.docscrape import get_doc_object
from numpydoc.validate import validate

import adaptact
from adaptact import UserError

PAGES = sorted((ROOT / "book" / "api").glob("*.md"))
# numpydoc's, but for what the house style leaves out: a description where name and type say it all, and its capital letter.
FORM = {
    *("GL02", "GL03", "GL05", "GL06", "GL07", "GL08", "GL10"),  # there is one, laid out as it should be
    *("SS01", "SS02", "SS03", "SS04", "SS06"),  # a summary of one line, a sentence
    *("PR01", "PR02", "PR03", "PR04", "PR05", "PR06", "PR09", "PR10"),  # every parameter, no other, in order, with its type
    *("RT01", "RT05", "YD01"),  # what is returned
}
ENTRY_POINTS = ("make", "register", "convert", "train", "compiled", "experiments.get", "data.load", "models.build", "stats.paired")


def public():
    """Every name in an ``__all__``, with what it names."""
    modules = [importlib.import_module(info.name) for info in pkgutil.walk_packages(adaptact.__path__, "adaptact.")]
    for module in (adaptact, *modules):
        for name in getattr(module, "__all__", ()):
            named = getattr(module, name)
            if not inspect.ismodule(named) and not name.startswith("__"):
                yield f"{module.__name__}.{name}", named


def what(name, named):
    """One key for all names of a thing; equal numbers and texts are not one thing."""
    return name if isinstance(named, (str, int, float)) else id(named)


def listed():
    """The entries of the reference's pages, with the value that the page gives for it."""
    for page in PAGES:
        for module, names in re.findall(r"^\.\. public:: (\S+)\n\n((?:   \S+\n)+)", page.read_text(), flags=re.MULTILINE):
            yield from ((f"{module}.{name}", None) for name in names.split())
        for block in re.findall(r"^\.\. py:data:: (.*?)(?=\n\n)", page.read_text(), flags=re.MULTILINE | re.DOTALL):
            names, _, value = block.partition(":value: ")
            yield from ((name, value) for name in names.split())


def named(path):
    found = adaptact
    for part in path.split(".")[1:]:
        found = getattr(found, part)
    return found


NAMES = dict(public())
ENTRIES = dict(listed())
DOCUMENTED = {what(*pair): pair for pair in NAMES.items() if callable(pair[1])}


def test_every_public_name_has_one_entry():
    wanted = {what(*pair): pair[0] for pair in NAMES.items()}
    entries = Counter(what(name, named(name)) for name, _ in listed())
    assert [name for key, name in wanted.items() if entries[key] != 1] == []
    assert [name for name in ENTRIES if name not in NAMES] == []


def test_values_on_the_pages_are_those_of_the_code():
    stated = {name: value for name, value in ENTRIES.items() if value}
    assert len(stated) >= 5
    for name, value in stated.items():
        assert ast.literal_eval(value) == named(name), name


def test_the_pages_are_in_the_book():
    toc = (ROOT / "book" / "_toc.yml").read_text()
    assert [page.stem for page in PAGES if f"- file: book/api/{page.stem}\n" not in toc] == []


def parts(thing):
    """A function, or a class with its methods and properties; not what torch asks every module for."""
    yield "", thing
    if inspect.isclass(thing):
        torchs = dir(torch.nn.Module) if issubclass(thing, torch.nn.Module) else ()
        for name, member in vars(thing).items():
            method = member.fget if isinstance(member, property) else getattr(member, "__func__", member)
            if inspect.isfunction(method) and not name.startswith("_") and (method.__doc__ or name not in torchs):
                yield f".{name}", member if isinstance(member, property) else getattr(thing, name)


def raises_itself(thing):
    """Whether the body of a function, or of what makes an object of a class, raises a UserError."""
    (body,) = ast.parse(textwrap.dedent(inspect.getsource(inspect.unwrap(thing)))).body
    made = ("__init__", "__post_init__")
    bodies = [node for node in body.body if getattr(node, "name", None) in made] if inspect.isclass(thing) else [body]
    raised = [node.exc for of in bodies for node in ast.walk(of) if isinstance(node, ast.Raise) and node.exc]
    return any("UserError" in ast.unparse(exception) for exception in raised)


def faults(thing):
    """What is wrong with a docstring, in words."""
    doc = get_doc_object(thing)
    # "As for `collect`." has the types there; arguments that have no place have no order.
    elsewhere = {p.name for p in doc["Parameters"] if not p.type and " ".join(p.desc).startswith(("As for", "From"))}
    if isinstance(thing, property):
        thing = thing.fget
    error = inspect.isclass(thing) and issubclass(thing, Exception)  # whose parameters are its base's
    unordered = not error and all(p.kind is p.KEYWORD_ONLY for p in inspect.signature(thing).parameters.values())
    for code, said in validate(doc)["errors"]:
        excused = (code == "PR04" and any(f'"{name}"' in said for of in elsewhere for name in of.split(", "))) or (
            code == "PR03" and unordered
        )
        if code in FORM and not excused:
            yield f"{code} {said}"
    if raises_itself(thing) and "UserError" not in [raised.type for raised in doc["Raises"]]:
        yield "raises a UserError and does not say so"


@pytest.mark.parametrize("name", [name for name, _ in DOCUMENTED.values()])
def test_docstring(name):
    found = [f"{name}{part}: {fault}" for part, thing in parts(NAMES[name]) for fault in faults(thing)]
    assert found == []


def test_these_tests_see_a_fault():
    def good(x, y):
        """Add two numbers.

        Parameters
        ----------
        x, y : float

        Returns
        -------
        float

        Raises
        ------
        UserError
            If they are alike.
        """
        if x == y:
            raise UserError("they are alike.")
        return x + y

    def swapped(x, y):
        """Add two numbers

        Parameters
        ----------
        y, x : float
        """
        if x == y:
            raise UserError("they are alike.")
        return x + y

    assert list(faults(good)) == []
    assert [fault.split()[0] for fault in faults(swapped)] == ["SS03", "PR03", "RT01", "raises"]


def test_activations_and_entry_points_have_examples():
    modules = [thing for thing in vars(adaptact).values() if inspect.isclass(thing) and issubclass(thing, torch.nn.Module)]
    activations = [
        thing for thing in modules if thing.__module__.startswith("adaptact.activations") and thing is not adaptact.Adaptive
    ]
    formulas = [getattr(adaptact.functional, name) for name in adaptact.functional.__all__]
    points = [named(f"adaptact.{name}") for name in ENTRY_POINTS]
    assert len(activations) >= 7
    assert [thing.__name__ for thing in (*activations, *formulas, *points) if not get_doc_object(thing)["Examples"]] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_examples_of_a_page(page, monkeypatch):
    monkeypatch.chdir(ROOT)
    blocks = re.findall(r"^```python\n(.*?)^```", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    assert blocks
    parser, runner = doctest.DocTestParser(), doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    runner.run(parser.get_doctest("\n".join(blocks), {}, page.name, str(page), 0))
    assert runner.failures == 0

"""Compiled formulas: the same numbers as plain ones, for every layout; where there is no compiler, plain ones serve."""

import importlib
import shutil

import pytest
import torch

from adaptact import APALU, LEAF, WeightedSum, compiled, make
from adaptact.activations import was_compiled
from adaptact.functional import leaf

fused = importlib.import_module("adaptact.activations.fused")
needs_compiler = pytest.mark.skipif(
    not (shutil.which("c++") or shutil.which("g++") or shutil.which("clang++")), reason="no compiler"
)


def passes(module, x, mode):
    x = x.detach().clone(memory_format=torch.preserve_format).requires_grad_()
    with compiled(mode):
        y = module(x)
        gradients = torch.autograd.grad((y * torch.cos(x.detach())).sum(), (x, *module.parameters()))
        return (y.detach(), *gradients), was_compiled()


@needs_compiler
@pytest.mark.parametrize("shape", [1, 6, (6, 5, 4)])
def test_compiled_and_plain_numbers_agree(shape):
    for batch in (64, 20, 7, 1):  # in groups of eight rows, of four, of one
        module = LEAF(shape, init="tanh")
        with torch.no_grad():
            for parameter in module.parameters():
                parameter.add_(torch.rand_like(parameter))
        x = torch.randn(batch, 6, 5, 4)
        ours, used = passes(module, x, "always")
        plain, not_used = passes(module, x, "never")
        assert used
        assert not not_used
        for got, wanted in zip(ours, plain, strict=True):
            assert got.shape == wanted.shape
            # The tolerance that `compiled` states: 1e-5 of the largest value or gradient.
            assert (got - wanted).abs().max() <= 1e-5 * wanted.abs().max()


@needs_compiler
@pytest.mark.parametrize(
    ("name", "options"),
    [
        *((name, {}) for name in ("ahaf", "trainable_swish", "trainable_pltanh", "sigmorelu", "apalu", "weighted_sum")),
        ("weighted_sum", {"functions": ("relu", "tanh*sin")}),
    ],
)
def test_every_fused_formula_compiles(name, options):
    module, x = make(name, (6, 5), **options), torch.randn(16, 6, 5)
    ours, used = passes(module, x, "always")
    assert used
    for got, wanted in zip(ours, passes(module, x, "never")[0], strict=True):
        assert (got - wanted).abs().max() <= 1e-5 * wanted.abs().max()


@needs_compiler
def test_what_cannot_be_viewed_as_a_layout_stays_plain_and_right():
    module, x = LEAF(6), torch.randn(8, 6, 5, 4).to(memory_format=torch.channels_last)
    ours, used = passes(module, x, "always")
    assert not used
    for got, wanted in zip(ours, passes(module, x.contiguous(), "never")[0], strict=True):
        torch.testing.assert_close(got, wanted)


@needs_compiler
def test_second_derivative_where_the_first_is_compiled():
    module, x = LEAF((5,), init="tanh"), torch.randn(16, 5).requires_grad_()
    second = []
    for mode in ("always", "never"):
        with compiled(mode):
            (first,) = torch.autograd.grad(module(x).sum(), x, create_graph=True)
            second.append(torch.autograd.grad(first.square().sum(), (x, module.rho3)))
    for got, wanted in zip(*second, strict=True):
        torch.testing.assert_close(got, wanted, rtol=1e-5, atol=1e-6)


def test_no_compiler_is_no_trouble(monkeypatch, recwarn):
    def broken(*arguments, **options):
        raise RuntimeError("no C++ compiler")

    monkeypatch.setattr(fused, "kernel", lambda function, kind: broken)
    monkeypatch.setitem(fused._state, "works", True)
    module, x = LEAF((5,), init="tanh"), torch.randn(16, 5)
    ours, used = passes(module, x, "always")
    assert not used
    for got, wanted in zip(ours, passes(module, x, "never")[0], strict=True):
        assert torch.equal(got, wanted)
    assert not recwarn.list
    assert not fused._state["works"], "it is not tried again"


def test_auto_leaves_small_calls_alone():
    with compiled("auto"):
        LEAF((5,))(torch.randn(16, 5))
        assert not was_compiled()
        assert fused.WORTH_COMPILING == 2**16


def test_modes_nest_and_end():
    with compiled("never"):
        with compiled("always"):
            assert fused._state["mode"] == "always"
        assert fused._state["mode"] == "never"
    assert fused._state["mode"] == "auto"
    with pytest.raises(ValueError, match="Choose from: auto, always, never"), compiled("fast"):
        pass


@pytest.mark.parametrize("module", [LEAF((4, 3)), APALU(4), WeightedSum()])
def test_plain_backward_passes_of_fused_formulas_are_autograds_to_the_last_digit(module):
    """Records made before the formulas were fused stay what the same Run gives."""
    x = torch.randn(8, 4, 3)
    ours, _ = passes(module, x, "never")
    torch.compiler.is_compiling, held = lambda: True, torch.compiler.is_compiling  # then the formula is called as it is
    try:
        wanted, _ = passes(module, x, "never")
    finally:
        torch.compiler.is_compiling = held
    assert all(torch.equal(a, b) for a, b in zip(ours, wanted, strict=True))


def test_plain_numbers_among_the_parameters():
    x = torch.randn(5, requires_grad=True)
    leaf(x, 1.0, 0.0, torch.tensor(1.0), 0.0).sum().backward()
    torch.testing.assert_close(leaf(x, 1.0, 0.0, 1.0, 0.0), torch.nn.functional.silu(x))


def test_only_the_gradients_that_are_asked_for():
    module, x = LEAF((3,)), torch.randn(4, 3, requires_grad=True)
    module.rho2.requires_grad_(False)
    module(x).sum().backward()
    assert module.rho2.grad is None
    assert module.rho4.grad is not None
    module = LEAF((3,), held=("rho1", "rho4"))
    assert [name for name, _ in module.named_parameters()] == ["rho2", "rho3"]
    module(x.detach()).sum().backward()
    assert module.rho3.grad is not None

"""Give a model that exists other activations, with an object of its own for every place where one is used."""

import copy
import inspect
import random
from collections import Counter, defaultdict
from collections.abc import Callable
from functools import partial
from itertools import count

import torch
import torch.nn.functional as F
from torch import fx, nn
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves

from ..errors import UserError, choose
from .registry import make

_CLASSES = {
    "relu": nn.ReLU,
    "relu6": nn.ReLU6,
    "leaky_relu": nn.LeakyReLU,
    "rrelu": nn.RReLU,
    "elu": nn.ELU,
    "selu": nn.SELU,
    "celu": nn.CELU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "mish": nn.Mish,
    "softplus": nn.Softplus,
    "softsign": nn.Softsign,
    "sigmoid": nn.Sigmoid,
    "logsigmoid": nn.LogSigmoid,
    "tanh": nn.Tanh,
    "hardsigmoid": nn.Hardsigmoid,
    "hardswish": nn.Hardswish,
    "hardtanh": nn.Hardtanh,
}
# Each also goes by F.relu, F.relu_, torch.relu, torch.relu_, Tensor.relu, Tensor.relu_, as far as these exist.
_FUNCTIONS = {
    getattr(place, form): name
    for name in _CLASSES
    for place in (F, torch, torch.Tensor)
    for form in (name, f"{name}_")
    if hasattr(place, form)
}
_WAY_OUT = "Give every use of the activation a module of its own, such as nn.ReLU(), and convert again."


def convert(model, old, new, sample, *, granularity=None, **options):
    """A copy of any model in which every use of one activation is a fresh instance of another.

    A module that is called once gives its place to the new one. Where one module is called several times (``self.relu`` in
    a ResNet's block), or a function is called (``F.relu``), the module whose code does so is traced by `torch.fx` and
    replaced by a `Rewired`, with the same names of weights. What goes on inside one kernel, as in `torch.nn.RNN`, is no use.

    Parameters
    ----------
    model : torch.nn.Module
        Stays as it is.
    old : str, module class, or list of these
        A name such as ``"relu"`` or its class `torch.nn.ReLU` stand for the class and all functions and methods of that
        name; any other class stands for itself.
    new : str or callable
        A registered activation; or, given the shape of one sample at a site, what returns a fresh module for it.
    sample : torch.Tensor or tuple
        A batch, or all positional arguments of the model, to size the activations. With two or more samples in it
        BatchNorm runs in training mode too, where parts may be used that evaluation leaves out.
    granularity : {"neuron", "channel", "layer"}, optional
        As in `make`.
    **options
        As in `make`. A callable `new` takes none.

    Returns
    -------
    torch.nn.Module
        On the same devices, in the same mode, with the same weights frozen.

    Raises
    ------
    UserError
        If the model does not use `old`, if `sample` does not reach a use or reaches it in sizes that need different
        parameters, or if code cannot be traced.

    Examples
    --------
    >>> model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(144, 9), nn.ReLU())
    >>> model = convert(model, "relu", "leaf", torch.zeros(2, 1, 8, 8), granularity="neuron", init="relu")
    >>> model[1].num_parameters, model[4].num_parameters
    ((4, 6, 6), (9,))
    """
    if callable(new) and (granularity is not None or options):
        raise UserError("new is a callable, which knows how to make an activation: leave granularity and options away.")
    new_one: Callable = new if callable(new) else partial(make, new, granularity=granularity, **options)
    items = old if isinstance(old, (list, tuple, set)) else [old]
    wanted = {item if inspect.isclass(item) else _CLASSES[choose("activation", item, _CLASSES)] for item in items}
    names = {name for name, kind in _CLASSES.items() if kind in wanted}

    def matches(module):  # the nearest known ancestor decides: nn.ReLU6 is a Hardtanh by descent only
        return next((kind for kind in type(module).__mro__ if kind in wanted.union(_CLASSES.values())), None) in wanted

    shell = nn.Module()  # lets the model itself be replaced like any child
    shell.model = copy.deepcopy(model)
    for parent in list(shell.modules()):
        # One object in two places is two uses, and so is a function kept as an attribute: self.activation = F.relu.
        parent._modules.update({name: copy.deepcopy(child) for name, child in parent._modules.items() if matches(child)})
        for name, value in list(vars(parent).items()):
            if inspect.isroutine(value) and _FUNCTIONS.get(value) in names:
                delattr(parent, name)
                parent.add_module(name, _CLASSES[_FUNCTIONS[value]]().train(parent.training))

    run = partial(_Probe, shell, sample if isinstance(sample, tuple) else (sample,), matches)
    before = [run(training) for training in (False, True)]
    if before[0].failure:
        raise UserError(f"the model does not run on the sample: {before[0].failure}")
    modules = dict(shell.named_modules())
    owners, shared = _owners(modules, names, before)
    for path in owners:
        try:
            rewired = _rewire(modules[path], names, shared)
        except Exception as error:
            raise UserError(f"{_said(path)} uses an activation in code that cannot be traced: {_line(error)} {_WAY_OUT}") from error
        for parent in modules.values():  # a Rewired has the very dictionary of children of the module that it replaced
            parent._modules.update({name: rewired for name, child in parent._modules.items() if child is modules[path]})
    for parent in list(shell.modules()):
        for name, child in list(parent._modules.items()):
            if child in shared:
                del parent._modules[name]
            elif matches(child):
                parent._modules[name] = _Site(partial(child), child.training)
                if hasattr(parent, "activation_relu_or_gelu"):
                    parent.activation_relu_or_gelu = 0  # or nn.TransformerEncoderLayer evaluates in a kernel with the old one

    sites = {path: module for path, module in shell.named_modules() if isinstance(module, _Site)}
    if not sites:
        kinds = {type(module).__name__ for module in modules.values() if _is_activation(module)}
        used = ", ".join(sorted(kinds.union(*(probe.functions for probe in before)))) or "none that is known"
        asked = " or ".join(item.__name__ if inspect.isclass(item) else item for item in items)
        raise UserError(f"the model does not use {asked}. Activations that it does use: {used}.")
    after = [run(training) for training in (False, True)]
    for first, second in zip(before, after, strict=True):
        _compare(first, second, names)

    weight = next((p for p in shell.parameters() if p.is_floating_point()), torch.empty(0))
    for path, site in sites.items():
        seen = after[0].inputs[path] + after[1].inputs[path]
        # A site that the sample does not reach can be made if its parameters do not depend on the shape.
        shapes = list(dict.fromkeys(shape for shape, _, _ in seen)) or [(1,), (2,)]
        fresh = [new_one(shape) for shape in shapes]
        if len({tuple(value.shape for value in module.state_dict().values()) for module in fresh}) > 1:
            reached = f"meets samples of shapes {' and '.join(map(str, shapes))}"
            if not seen:
                failed = f" (which fails in training mode: {after[1].failure.rstrip('.')})" if after[1].failure else ""
                reached = f"is not reached by the sample{failed}"
            raise UserError(f'the activation {_said(path)} {reached}: give another sample, or granularity="layer".')
        _, device, dtype = seen[0] if seen else (None, weight.device, weight.dtype)
        parent, _, name = path.rpartition(".")
        fresh[0].to(device, dtype if dtype.is_floating_point else None).train(site.training)
        shell.get_submodule(parent)._modules[name] = fresh[0]
    return shell.model


class Rewired(nn.Module):
    """Takes the place of a module whose own code used an activation; runs that code as traced, with children instead.

    It has the children, weights, hooks, and attributes of that module, but not its methods: they would use the old
    activation. A trace freezes ``self.training``, so there is one graph for training (True) and one for evaluation.
    It can be copied, but not pickled: save its ``state_dict()``.
    """

    def __init__(self, owner, graphs):
        super().__init__()
        self.__dict__.update(vars(owner), graphs=graphs)
        self.code = {mode: type(fx.GraphModule(self, copy.deepcopy(graph))).forward for mode, graph in graphs.items()}

    @property
    def forward(self):  # a property, so that it shows the arguments of the traced code
        return partial(self.code[self.training], self)


class _Site(nn.Module):
    """Keeps the place of a new activation, and meanwhile runs the old one, but out of place as the new one will."""

    is_activation = True

    def __init__(self, old, training):
        super().__init__()
        self.old, self.training = old, training

    def forward(self, x):
        return self.old(x.clone())


class _Probe(TorchFunctionMode):
    """What a run of the sample shows: the inputs of each module, and whose code calls which activation."""

    def __init__(self, shell, sample, matches, training):
        super().__init__()
        self.matches, self.stack, self.output, self.failure = matches, [], None, ""
        self.inputs, self.functions = defaultdict(list), defaultdict(set)
        self.calls, self.entered = Counter(), Counter()
        shell = copy.deepcopy(shell).train(training)  # BatchNorm's statistics stay as they are
        for path, module in shell.named_modules():
            module.register_forward_pre_hook(partial(self._enter, path))
            module.register_forward_hook(self._leave, always_call=True)
        state = random.getstate()
        with torch.random.fork_rng(range(torch.cuda.device_count())), torch.no_grad(), self:
            torch.manual_seed(0)  # the same draws before and after
            random.seed(0)
            try:
                self.output = shell.model(*copy.deepcopy(sample))
            except Exception as error:
                self.failure = _line(error)
        random.setstate(state)

    def _enter(self, path, module, inputs):
        if self.matches(module):
            caller = self.stack[-1][0] if self.stack else ""
            self.calls[path, caller, self.entered[caller]] += 1
        self.entered[path] += 1
        self.stack.append((path, self.matches(module) or _is_activation(module)))
        if inputs and isinstance(inputs[0], torch.Tensor):
            self.inputs[path].append((tuple(inputs[0].shape[1:]), inputs[0].device, inputs[0].dtype))

    def _leave(self, *_):
        self.stack.pop()

    def __torch_function__(self, function, types, args=(), kwargs=None):
        name = _FUNCTIONS.get(function)
        if name and not any(inside for _, inside in self.stack):  # what an activation is made of is its own business
            self.functions[name].add(self.stack[-1][0])
        return function(*args, **(kwargs or {}))


class _Tracer(fx.Tracer):
    """Traces the code of one module: its children stay calls, its buffers stay buffers."""

    record_stack_traces = True
    proxy_buffer_attributes = True

    def is_leaf_module(self, module, path):
        return True


def _is_activation(module):
    return getattr(module, "is_activation", False) or isinstance(module, tuple(_CLASSES.values()))


def _owners(modules, names, probes):
    """The paths of modules whose own code has to change, and the activation modules that are called several times."""
    calls, callers = probes[0].calls | probes[1].calls, defaultdict(set)
    for path, caller, _ in calls:
        callers[path].add(caller)
    several = {path for (path, _, _), number in calls.items() if number > 1 or len(callers[path]) > 1}
    owners = set().union(*(callers[path] for path in several))
    owners.update(*(probe.functions.get(name, ()) for probe in probes for name in names))
    entered = probes[0].entered | probes[1].entered
    for path, module in modules.items():
        if path not in entered and not _is_activation(module):  # code that did not run is judged by the names in it
            code = getattr(getattr(module.forward, "func", module.forward), "__code__", None)
            owners.update([path] if code and names & {name.rstrip("_") for name in code.co_names} else [])
    return [path for path in modules if path in owners], {modules[path] for path in several}


def _rewire(owner, names, shared):
    """`owner` with its code traced, and a site in it for every use of an activation that is a function or in `shared`."""
    graphs, sites = {}, {}
    for training in (False, True):
        graph, turns = _trace(owner, training), Counter()
        for node in list(graph.nodes):
            if node.op == "call_module":
                use, title = owner.get_submodule(node.target), node.target.replace(".", "_")
                found = use in shared
            else:
                use = getattr(torch.Tensor, node.target, None) if node.op == "call_method" else node.target
                title = _FUNCTIONS.get(use)
                found = title in names
            if not found:
                continue
            turns[node.stack_trace] += 1
            place = node.stack_trace, turns[node.stack_trace]  # a line reached for the nth time is one site in both modes
            kwargs = dict(node.kwargs)
            x, *rest = node.args or [kwargs.pop("input")]
            if place not in sites:
                sites[place] = next(name for name in (f"{title}_{i}" for i in count(1)) if not hasattr(owner, name))
                old = partial(lambda use, rest, kwargs, x: use(x, *rest, **kwargs), use, rest, kwargs)
                owner.add_module(sites[place], _Site(old, owner.training))
            with graph.inserting_after(node):
                fresh = graph.call_module(sites[place], (x,))
            node.replace_all_uses_with(fresh)
            if getattr(use, "inplace", False) or kwargs.get("inplace") or getattr(use, "__name__", "").endswith("_"):
                # What reads x from here on has read the activation's output.
                x.replace_all_uses_with(fresh, lambda user, fresh=fresh: user > fresh)
            graph.erase_node(node)
        graphs[training] = graph
    return Rewired(owner, graphs) if sites else owner


def _trace(owner, training):
    if isinstance(owner, Rewired):
        return copy.deepcopy(owner.graphs[training])
    mode, owner.training = owner.training, training
    drawn = random.getstate(), torch.get_rng_state().tolist()
    try:
        graph = _Tracer().trace(owner)
    finally:
        owner.training = mode
    if drawn != (random.getstate(), torch.get_rng_state().tolist()):
        raise ValueError("it draws random numbers, which a trace would freeze.")
    return graph


def _compare(before, after, names):
    """See that the rewired model, which has its old activations still, computes what the model did."""
    if before.failure:
        return
    left = [path for name in names for path in after.functions.get(name, ())]
    if after.failure or left:
        reason = after.failure or f"an activation is left in {_said(left[0])}."
        raise UserError(f"the model does not bear being traced: {reason} {_WAY_OUT}")
    try:
        for first, second in zip(tree_leaves(before.output), tree_leaves(after.output), strict=True):
            if isinstance(first, torch.Tensor):
                torch.testing.assert_close(second, first, rtol=1e-2, atol=1e-2, equal_nan=True)
    except (AssertionError, ValueError):
        raise UserError(
            "the model's output changes if its activations leave their input as it is: something reads a tensor that one of "
            "them has overwritten. Build them with inplace=False."
        ) from None


def _said(path):
    return path.removeprefix("model").removeprefix(".") or "the model itself"


def _line(error):
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".") + "."

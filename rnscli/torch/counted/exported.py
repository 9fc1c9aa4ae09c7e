"""Workloads of programs that ``torch.export`` saved, as files ``.pt2``."""

import logging
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, fx
from torch.utils._pytree import tree_map

from rnscli.base import InputError, problem_of, said, shown
from rnscli.hardware import Workload
from rnscli.torch.counted.tracing import META, Counting, counting, is_recurrent

_WANTED = "it must be a program saved by torch.export.save"
# What tells archives of torch from one another, by what stands in the name of a member.
_PROGRAM = ("/models/", "serialized_exported_program.json")
_OTHERS = {
    "/constants.pkl": "was saved by torch.jit.save",
    "/data.pkl": "was saved by torch.save and has no program, only weights or a model",
}
# Regions that only change how their operators are run.
_REGIONS = ("wrap_with_set_grad_enabled", "wrap_with_autocast")
_CHECKS = ("_assert_tensor_metadata", "_assert_scalar", "_assert_async", "sym_constrain_range",
           "sym_constrain_range_for_size")  # fmt: skip
_MAX_NAMED = 3


def exported_workload(
    path: Path, inputs: Sequence[Tensor] = (), named: Mapping[str, Tensor] | None = None
) -> Workload:
    """The products and the vector work of an exported program, run on the meta device.

    As `traced_workload`; the file is opened as `torch.export.load` opens it, which reads its
    weights into memory. Inputs have the shapes that they were exported with, unless others are
    given, by place or by name: a program with dimensions that are open needs them.

    Raises
    ------
    InputError
        If it is no such file, an input is open or does not fit, or there are no products.
    """
    name = f"`workload` file {path}"
    if problem := problem_of(path):
        raise InputError(f"{name} {problem}; {_WANTED}")
    if not zipfile.is_zipfile(path):
        raise InputError(f"{name} is no archive; {_WANTED}")
    if (other := _other_archive(path)) is not None:
        raise InputError(f"{name} {other}; {_WANTED}")
    log = logging.getLogger("torch.export")
    level = log.level
    log.setLevel(logging.CRITICAL + 1)  # what is wrong is said below, in a sentence
    try:
        program = torch.export.load(path)
    except Exception as error:  # whatever its bytes lead to
        reason = _first(error).partition(" Please check the warnings")[0].rstrip(".")
        raise InputError(f"{name} cannot be opened: {reason}; {_WANTED}") from None
    finally:
        log.setLevel(level)
    return workload_of(program, path.name, inputs, named)


def _other_archive(path: Path) -> str | None:
    """What an archive is that is no program: torch only says that something went wrong."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (OSError, zipfile.BadZipFile, NotImplementedError):
        return "cannot be read as an archive"
    if any(part in name for name in names for part in _PROGRAM):
        return None
    known = (said for part, said in _OTHERS.items() if any(part in name for name in names))
    return next(known, "has no program in it")


def workload_of(
    program: torch.export.ExportedProgram,
    name: str,
    inputs: Sequence[Tensor] = (),
    named: Mapping[str, Tensor] | None = None,
) -> Workload:
    """As `exported_workload`, of a program that is there.

    Examples
    --------
    >>> import torch
    >>> program = torch.export.export(torch.nn.Linear(20, 30), (torch.ones(5, 20),))
    >>> made = workload_of(program, "net")
    >>> made.gemms[0].m, made.gemms[0].k, made.gemms[0].n, made.parameters
    (5, 20, 30, 630)
    """
    signature = program.graph_signature
    parameters = signature.inputs_to_parameters
    stored = parameters | signature.inputs_to_buffers | signature.inputs_to_lifted_tensor_constants
    nodes = [node for node in program.graph.nodes if node.op == "placeholder"]
    given = _given(name, nodes, set(stored), inputs, named or {})
    with counting(name) as made:
        values = []
        for node in nodes:
            if node.name in stored:
                value = _meta(node.meta["val"])
                made.store(value, stored[node.name], node.name in parameters)
            else:
                value = given[node.name]
            values.append(value)
        _Run(program.graph_module, made).run(*values)
    numbers = [program.state_dict[path] for path in set(parameters.values())]
    unique = {one.untyped_storage()._cdata: one.numel() for one in numbers}
    return made.tally.workload(sum(unique.values()))


def _given(
    name: str, nodes: list[fx.Node], stored: set[str], inputs: Sequence[Tensor],
    named: Mapping[str, Tensor],
) -> dict[str, Any]:  # fmt: skip
    """Values of the inputs, those that are given in their places."""
    free = [node for node in nodes if node.name not in stored]
    listed = ", ".join(node.name for node in free) or "none"
    if len(inputs) > len(free):
        raise InputError(
            f"`input_shape` is given for {len(inputs)} inputs, and `workload` {name} has "
            f"{len(free)}: {listed}"
        )
    for one in named:
        if one not in {node.name for node in free}:
            raise InputError(
                f"`input_shape` is of {shown(one)}, and the inputs of `workload` {name} are "
                f"{listed}"
            )
    found: dict[str, Any] = {}
    for at, node in enumerate(free):
        example = node.meta.get("val")
        if node.name in named or at < len(inputs):
            found[node.name] = named.get(node.name, inputs[at] if at < len(inputs) else None)
            _check(name, node, found[node.name])
        elif isinstance(example, Tensor):
            open_sizes = [str(one) for one in example.shape if not isinstance(one, int)]
            if open_sizes:
                raise InputError(
                    f"`workload` {name} leaves dimension {open_sizes[0]} of its input {node.name} "
                    f"open; give its shape with `input_shape` {node.name}="
                    f"{'x'.join(map(str, example.shape))}"
                )
            found[node.name] = _meta(example)
        else:
            found[node.name] = example
    return found


def _check(name: str, node: fx.Node, given: Any) -> None:
    example = node.meta.get("val")
    if not isinstance(example, Tensor):
        return
    sizes = zip(given.shape, example.shape, strict=False)
    if given.dim() != example.dim() or any(
        isinstance(fixed, int) and size != fixed for size, fixed in sizes
    ):
        raise InputError(
            f"`input_shape` of {node.name} is {'x'.join(map(str, given.shape))}; `workload` "
            f"{name} was exported for {'x'.join(map(str, example.shape))}; export it again for "
            "another size, or with open ones (dynamic_shapes)"
        )


def _meta(value: Any) -> Any:
    if not isinstance(value, Tensor):
        return value
    return torch.empty_strided(value.shape, value.stride(), dtype=value.dtype, device=META)


class _Run(fx.Interpreter):
    """Runs the graph of a program on the meta device."""

    def __init__(self, module: fx.GraphModule, made: Counting) -> None:
        super().__init__(module)
        self._made = made

    def run_node(self, n: fx.Node) -> Any:
        stack = n.meta.get("nn_module_stack")
        if stack:
            self._made.path = _path_of(list(stack.values())[-1][0])
        try:
            return super().run_node(n)
        except InputError:
            raise
        except Exception as error:
            raise InputError(
                f"`workload` {self._made.tally.name} cannot be followed at {shown(str(n.target))}"
                f": {_first(error)}"
            ) from error

    def call_function(self, target: Any, args: Any, kwargs: Any) -> Any:
        name = getattr(getattr(target, "overloadpacket", target), "__name__", str(target))
        if name in _CHECKS:
            return None
        args, kwargs = tree_map(_on_meta, (args, kwargs))
        if is_recurrent(name, args):
            return self._made.repeat(name, *args)
        if name in _REGIONS:
            at, inner = next(
                (at, one) for at, one in enumerate(args) if isinstance(one, fx.GraphModule)
            )
            return _Run(inner, self._made).run(*args[at + 1 :])
        return super().call_function(target, args, kwargs)

    def fetch_attr(self, target: str) -> Any:
        value = super().fetch_attr(target)
        return _meta(value) if isinstance(value, Tensor) else value


def _on_meta(value: Any) -> Any:
    return META if isinstance(value, torch.device) else value


def _path_of(path: str) -> str:
    """Of a module; without what stands for the model itself.

    Examples
    --------
    >>> _path_of("L['self'].encoder.attention"), _path_of("encoder.layers.0")
    ('encoder.attention', 'encoder.layers.0')
    """
    return path.removeprefix("L['self']").lstrip(".")


def _first(error: Exception) -> str:
    """What an error says, in a line."""
    lines = said(error).splitlines() or [type(error).__name__]
    return shown(lines[0][:200]) if len(lines[0]) < 60 else lines[0][:160]

"""Workloads in ONNX files; needs the extra ``rnscli[onnx]``."""

import math
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rnscli.base import InputError, install_command, said, shown
from rnscli.hardware.workloads import MAX_SIZE, Workload
from rnscli.hardware.workloads.formats.onnx_products import PRODUCTS, Node, Values
from rnscli.hardware.workloads.formats.onnx_shapes import Shapes
from rnscli.hardware.workloads.formats.onnx_wire import read_stripped
from rnscli.hardware.workloads.formats.tally import Operand, Tally
from rnscli.hardware.workloads.formats.vector_operators import (
    MOVING,
    OF_INPUTS,
    OF_RESULTS,
    OF_WINDOWS,
    interpolating,
)

# What a dimension may be called that is given as one of these.
_CALLED = {
    "batch": (("batch",), ("n",)),
    "sequence": (("seq",), ("l",)),
    "image_size": (("height", "width", "image"), ("h", "w")),
}  # what begins so, and what is it
# What passes stored weights on as they are, or written otherwise.
_PASSING = frozenset(
    (
        "Transpose", "DequantizeLinear", "QuantizeLinear", "Cast", "Identity", "Reshape",
        "Squeeze", "Unsqueeze", "Flatten", "Dropout",
    )
)  # fmt: skip
# What is done to each output channel of a product when its sum is scaled back.
_FOLDED = frozenset(("BatchNormalization", "Add", "Sub", "Mul", "Div"))
# Inputs that are no trained parameters: running means, scales, sizes.
_UNTRAINED = {
    "BatchNormalization": (3, 4), "QuantizeLinear": (1, 2), "DequantizeLinear": (1, 2),
    "QLinearConv": (1, 2, 4, 5, 6, 7), "QLinearMatMul": (1, 2, 4, 5, 6, 7),
    "MatMulInteger": (2, 3), "ConvInteger": (2, 3), "Resize": (1, 2), "Upsample": (1,),
    "Clip": (1, 2), "Pad": (2,),
}  # fmt: skip
_QUANTISED = {"QLinearConv": (3, 8), "QLinearMatMul": (3,), "MatMulInteger": (1,),
              "ConvInteger": (1,), "DequantizeLinear": (0,)}  # fmt: skip


def read_onnx(path: Path, sizes: Mapping[str, int] | None = None) -> Workload:
    """The products and the vector work of an ONNX model, by the shapes that it says or implies.

    Weights are not read, and need not be in the file. A product is of stored weights if one of its
    operands is an initialiser or follows from constants alone, and of two activations otherwise.
    Adding a bias, and a batch normalisation that directly follows a product, are part of how its
    sums are scaled back. What follows from constants alone is not counted.

    Parameters
    ----------
    path
        The file.
    sizes
        Of dimensions that the model leaves open, by their names, or as ``name[axis]`` of an input
        that has none; ``batch`` stands also for N and what begins with it, ``sequence`` for L and
        what begins with ``seq``, ``image_size`` for H, W, and what begins with ``height``,
        ``width`` or ``image``.

    Raises
    ------
    InputError
        If it is no ONNX file, onnx is not installed, a dimension is open, the shape of a product
        does not follow, or there is none.
    """
    try:
        import onnx
        from google.protobuf.message import DecodeError
    except ImportError:
        raise InputError(
            f"`workload` {path} needs the package onnx; install it with: "
            f"{install_command('rnscli[onnx]')}"
        ) from None
    stripped = read_stripped(path)
    try:
        model = onnx.ModelProto.FromString(stripped)
        if not model.graph.node:
            raise DecodeError
    except DecodeError:
        raise InputError(f"`workload` file {path} has no graph; it must be an ONNX file") from None
    if model.functions:
        import onnx.inliner

        model = onnx.inliner.inline_local_functions(model)
    known = {one.domain for one in model.opset_import} | {"", "ai.onnx"}
    for domain in sorted({node.domain for node in model.graph.node} - known):
        model.opset_import.append(onnx.helper.make_opsetid(domain, 1))  # operators stay unknown
    _close(model, sizes or {}, path)
    try:
        model = onnx.shape_inference.infer_shapes(model, data_prop=True)
    except Exception as error:  # of whatever a model says wrongly
        raise InputError(
            f"`workload` file {path} contradicts itself: {said(error)[:200]}; it must be a valid "
            "ONNX file"
        ) from None
    return _Reader(model, path).workload()


def _close(model: Any, sizes: Mapping[str, int], path: Path) -> None:
    """Write given sizes in the place of open dimensions of the inputs."""
    graph = model.graph
    stored = {one.name for one in graph.initializer}
    used, found = set[str](), dict[str, int]()
    for given in graph.input:
        if given.name in stored or not given.type.HasField("tensor_type"):
            continue
        if not given.type.tensor_type.HasField("shape"):
            raise InputError(
                f"`workload` {path.name} says no shape of its input {shown(given.name)}; export it "
                "with shapes"
            )
        for axis, dimension in enumerate(given.type.tensor_type.shape.dim):
            if dimension.HasField("dim_value") and dimension.dim_value > 0:
                continue
            name = dimension.dim_param or f"{given.name}[{axis}]"
            size = _given(name, sizes, used)
            if size is None:
                known = " or ".join(f"`{key}`" for key in _CALLED if _matches(name, key))
                way = known or f"`size` {name}=..."
                raise InputError(
                    f"`workload` {path.name} leaves dimension {shown(name)} of its input "
                    f"{shown(given.name)} open; give it with {way}"
                )
            found[name] = size
            dimension.dim_value = size
    unused = sorted(sizes.keys() - used)
    if unused:
        raise InputError(
            f"`workload` {path.name} has no open dimension {unused[0]}; it has "
            f"{', '.join(found) or 'none'}"
        )
    # What the exporter inferred with open dimensions is inferred again.
    del graph.value_info[:]
    for result in graph.output:
        result.type.tensor_type.ClearField("shape")


def _given(name: str, sizes: Mapping[str, int], used: set[str]) -> int | None:
    for key in (name, name.replace("-", "_"), *(key for key in _CALLED if _matches(name, key))):
        if key in sizes:
            used.add(key)
            return sizes[key]
    return None


def _matches(name: str, key: str) -> bool:
    starts, names = _CALLED[key]
    lower = name.casefold()
    return lower.startswith(starts) or lower in names


class _Reader(Values):
    """A graph whose shapes are known, node by node."""

    def __init__(self, model: Any, path: Path) -> None:
        self.tally = Tally(path.name)
        self._graph = model.graph
        self._shapes = Shapes(model)
        self._stored: dict[str, Operand] = {}
        self._parameters: dict[str, int] = {}  # those trained, by name
        self._fresh: dict[str, int] = {}  # sums of products, with their number of channels
        uses = (name for node in self._graph.node for name in node.input)
        self._uses = Counter((*uses, *(one.name for one in self._graph.output)))
        for tensor in self._graph.initializer:
            self._store(tensor.name, tensor)
        del self._graph.initializer[:]

    def _store(self, name: str, tensor: Any) -> None:
        import onnx

        shape = tuple(tensor.dims)
        # Exporters call what they have computed val_7, or onnx::MatMul_379.
        self._stored[name] = Operand(name, name if "weight" in name else "")
        floating = onnx.TensorProto.DataType.Name(tensor.data_type).startswith(
            ("FLOAT", "BFLOAT", "DOUBLE")
        )
        if floating and shape:
            self._parameters[name] = math.prod(shape)

    def workload(self) -> Workload:
        for made in self._graph.node:
            node = Node(made)
            self._shapes.follow(made)
            try:
                self._node(node)
            except InputError as error:
                raise InputError(
                    f"`workload` {self.tally.name}, operator {node.label}: {error}"
                ) from None
        return self.tally.workload(sum(self._parameters.values()))

    def _node(self, node: Node) -> None:
        for at in _UNTRAINED.get(node.kind, ()):
            self._parameters.pop(node.input(at), None)
        for at in _QUANTISED.get(node.kind, ()):
            name = node.input(at)
            if name in self._stored and self._stored[name].key == name:
                self._parameters[name] = math.prod(self.shape(name))
        given = [name for name in node.inputs if name]
        if node.kind in ("Constant", "Shape", "Size"):  # shapes are known
            self._constant(node)
        elif given and all(name in self._stored for name in given):
            self._follow(node, given)
        elif node.kind in PRODUCTS:
            self.tally_product(node)
        elif not self._folds(node):
            if node.kind == "Gather" and (table := self.stored(node.inputs[0])) is not None:
                self.tally.table(table, self.elements(node.inputs[0]))
            self._vectors(node)

    def tally_product(self, node: Node) -> None:
        stored = PRODUCTS[node.kind](self, node)
        if stored is not None:
            self._fresh[node.outputs[0]] = stored

    def _constant(self, node: Node) -> None:
        name = node.outputs[0]
        self._stored[name] = Operand(name, parameter=False)

    def _follow(self, node: Node, given: list[str]) -> None:
        """What is computed from constants is one."""
        first = self._stored[given[0]]
        for name in node.outputs:
            if node.kind in _PASSING:
                self._stored[name] = first
            else:
                self._stored[name] = Operand(
                    name, first.name, any(self._stored[one].parameter for one in given)
                )

    def _folds(self, node: Node) -> bool:
        """Whether it is part of how the sums of a product are scaled back."""
        if node.kind not in _FOLDED:
            return False
        sums = [name for name in node.inputs if name in self._fresh]
        if len(sums) != 1 or self._uses[sums[0]] != 1:
            return False
        channels = self._fresh[sums[0]]
        others = [name for name in node.inputs if name and name != sums[0]]
        if not all(
            name in self._stored and self.elements(name) in (1, channels) for name in others
        ):
            return False
        self._fresh[node.outputs[0]] = channels
        return True

    def _vectors(self, node: Node) -> None:
        kind = node.kind
        if kind in MOVING:
            return
        counted = [
            (OF_RESULTS, lambda: self.elements(node.outputs[0])),
            (OF_INPUTS, lambda: self.elements(node.inputs[0])),
            (OF_WINDOWS, lambda: self.elements(node.outputs[0]) * math.prod(node.kernel)),
        ]
        for table, number in counted:
            if kind in table:
                self._work(node, table[kind], number)
                return
        if kind in ("Resize", "Upsample"):
            mode = str(node.attribute("mode", "nearest"))
            made = interpolating(mode if mode in ("nearest", "cubic") else "linear")
            self._work(node, tuple(made), lambda: self.elements(node.outputs[0]))
        elif kind == "Pow":
            self._work(node, self._power(node), lambda: self.elements(node.outputs[0]))
        elif kind == "TopK":
            rounds = max(1, (self.elements(node.inputs[0])).bit_length())
            self._work(node, ("compare",), lambda: self.elements(node.inputs[0]) * rounds)
        elif kind == "Sum":
            others = max(0, len(node.inputs) - 1)
            self._work(node, ("add",), lambda: others * self.elements(node.outputs[0]))
        else:
            self.tally.unknown(node.label)

    def _power(self, node: Node) -> tuple[str, ...]:
        """A square, which models mostly take; the exponent is not read where it is an array."""
        exponent = node.input(1)
        if exponent in self._stored and self.elements(exponent) == 1:
            return ("multiply",)
        return ("logarithm", "multiply", "exp")

    def _work(self, node: Node, kinds: tuple[str, ...], number: Any) -> None:
        try:
            elements = number()
        except InputError:
            self.tally.unknown(f"{node.label} of unknown shape")
            return
        for kind in kinds:
            self.tally.vector(kind, elements)

    # What products ask

    def shape(self, name: str) -> tuple[int, ...]:
        sizes = self._shapes[name]
        if sizes is None:
            raise InputError(
                f"the shape of {shown(name) or 'an input'} does not follow from those of the "
                "inputs; export the model with fixed shapes"
            )
        if math.prod(sizes) > MAX_SIZE**2:
            raise InputError(f"{shown(name)} has more than 2^80 values, which no network has")
        return sizes

    def stored(self, name: str) -> Operand | None:
        found = self._stored.get(name)
        if found is not None and found.key not in self._parameters:
            return Operand(found.key, found.name, parameter=False)
        return found

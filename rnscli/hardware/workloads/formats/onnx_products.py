"""Operators of ONNX with matrix products."""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import cached_property, partial
from typing import Any

from rnscli.base import InputError, shown
from rnscli.hardware.workloads.formats.recurrence import WORK
from rnscli.hardware.workloads.formats.tally import Operand, Tally
from rnscli.hardware.workloads.formats.windows import Axis


class Node:
    """An operator of a graph, with its attributes by name."""

    def __init__(self, made: Any) -> None:
        self.kind: str = made.op_type
        self.inputs: Sequence[str] = made.input
        self.outputs: Sequence[str] = made.output
        self._made = made

    @property
    def label(self) -> str:
        domain = self._made.domain
        return self.kind if domain in ("", "ai.onnx") else f"{domain}.{self.kind}"

    @property
    def name(self) -> str:
        """Its own name, or that of what it computes."""
        named: str = self._made.name or self.outputs[0]
        return named

    @cached_property
    def _attributes(self) -> dict[str, Any]:
        import onnx

        return {one.name: onnx.helper.get_attribute_value(one) for one in self._made.attribute}

    def attribute(self, name: str, otherwise: Any = None) -> Any:
        value = self._attributes.get(name, otherwise)
        return value.decode(errors="replace") if isinstance(value, bytes) else value

    def input(self, at: int) -> str:
        return self.inputs[at] if at < len(self.inputs) else ""

    @property
    def kernel(self) -> Sequence[int]:
        kernel: Sequence[int] = self.attribute("kernel_shape", ())
        return kernel


class Values(ABC):
    """What is known of the values of a graph."""

    tally: Tally

    @abstractmethod
    def shape(self, name: str) -> tuple[int, ...]:
        """Sizes, or an InputError."""

    @abstractmethod
    def stored(self, name: str) -> Operand | None:
        """The stored weights that a value is, if it is any."""

    def elements(self, name: str) -> int:
        return math.prod(self.shape(name))


# Each returns how many output channels stored weights have, or None for two activations.
Product = Callable[[Values, Node], int | None]


def _convolution(values: Values, node: Node, weights: int = 1) -> int | None:
    name = node.input(weights)
    shape, image = values.shape(name), values.shape(node.inputs[0])
    result = values.shape(node.outputs[0])
    groups = int(node.attribute("group", 1))
    stored = values.stored(name)
    values.tally.convolution(
        node.name, image[0], image[1], shape[0], groups, _axes(node, image, shape, result), stored
    )
    return shape[0] if stored else None


def _axes(
    node: Node, image: Sequence[int], kernel: Sequence[int], result: Sequence[int]
) -> list[Axis]:
    number = len(image) - 2
    strides = node.attribute("strides", [1] * number)
    dilations = node.attribute("dilations", [1] * number)
    pads = node.attribute("pads", [0] * 2 * number)
    same = str(node.attribute("auto_pad", "NOTSET"))
    axes = []
    for at in range(number):
        size, window, outputs = image[2 + at], kernel[2 + at], result[2 + at]
        stride, dilation, padding = strides[at], dilations[at], pads[at]
        if same.startswith("SAME"):
            whole = max(0, (outputs - 1) * stride + (window - 1) * dilation + 1 - size)
            padding = whole // 2 if same == "SAME_UPPER" else -(-whole // 2)
        axes.append(Axis(size, window, outputs, stride, padding, dilation))
    return axes


def _transposed(values: Values, node: Node) -> int | None:
    shape, image = values.shape(node.inputs[1]), values.shape(node.inputs[0])
    groups = int(node.attribute("group", 1))
    stored = values.stored(node.inputs[1])
    values.tally.transposed(
        node.name, image[0], image[1], shape[1] * groups, groups, math.prod(image[2:]),
        math.prod(shape[2:]), values.elements(node.outputs[0]), stored,
    )  # fmt: skip
    return shape[1] * groups if stored else None


def _deformable(values: Values, node: Node) -> int | None:
    """Every window reads values at offsets of its own, which are interpolated."""
    shape, result = values.shape(node.inputs[1]), values.shape(node.outputs[0])
    groups = int(node.attribute("group", 1))
    taps = math.prod(shape[2:])
    pixels = result[0] * math.prod(result[2:])
    channels = shape[1] * groups
    values.tally.vector("sample", pixels * taps * channels)
    if node.input(4):
        values.tally.vector("multiply", pixels * taps * channels)
    stored = values.stored(node.inputs[1])
    values.tally.product(
        node.name, pixels, shape[1] * taps, shape[0] // groups, groups, None, stored
    )
    return shape[0] if stored else None


def _gemm(values: Values, node: Node) -> int | None:
    first, second = values.shape(node.inputs[0]), values.shape(node.inputs[1])
    if node.attribute("transA", 0):
        first = first[::-1]
    if node.attribute("transB", 0):
        second = second[::-1]
    return _multiplied(values, node, first, second, node.inputs[0], node.inputs[1])


def _matmul(values: Values, node: Node, other: int = 1) -> int | None:
    first, second = values.shape(node.inputs[0]), values.shape(node.inputs[other])
    return _multiplied(values, node, first, second, node.inputs[0], node.inputs[other])


def _multiplied(
    values: Values, node: Node, first: Sequence[int], second: Sequence[int], left: str, right: str
) -> int | None:
    if len(first) == 1:
        first = (1, *first)
    if len(second) == 1:
        second = (*second, 1)
    if min(len(first), len(second)) < 2 or first[-1] != second[-2]:
        raise InputError(f"shapes {tuple(first)} and {tuple(second)} do not fit together")
    kept, stored = values.stored(right), values.stored(left)
    rows, columns = first[-2], second[-1]
    ahead, behind = first[:-2], second[:-2]
    if kept is None and stored is not None:  # the weights are on the left
        rows, columns, ahead, behind, kept = columns, rows, behind, ahead, stored
    folded, count = _batches(ahead, behind)
    values.tally.product(node.name, folded * rows, first[-1], columns, count, None, kept)
    return columns * count if kept else None


def _batches(inputs: Sequence[int], weights: Sequence[int]) -> tuple[int, int]:
    """How many batches of inputs are with the same weights, and how many weights there are.

    Examples
    --------
    >>> _batches((8, 12), (12,)), _batches((8,), (1,)), _batches((), (4,))
    ((8, 12), (8, 1), (1, 4))
    """
    number = max(len(inputs), len(weights))
    ahead = (*(1,) * (number - len(inputs)), *inputs)
    behind = (*(1,) * (number - len(weights)), *weights)
    same = math.prod(one for one, other in zip(ahead, behind, strict=True) if other == 1)
    return same, math.prod(behind)


def _einsum(values: Values, node: Node) -> int | None:
    equation = str(node.attribute("equation", "")).replace(" ", "")
    terms, arrow, result = equation.partition("->")
    parts = terms.split(",")
    if len(parts) != 2 or not arrow or "." in equation or len(node.inputs) != 2:
        values.tally.unknown(f"Einsum {shown(equation)}")
        return None
    sizes: dict[str, int] = {}
    for part, name in zip(parts, node.inputs, strict=True):
        sizes |= dict(zip(part, values.shape(name), strict=True))
    first, second = map(set, parts)
    alone = (first ^ second) - set(result)
    if alone:
        values.tally.unknown(f"Einsum {shown(equation)}")
        return None
    contracted = (first & second) - set(result)
    if not contracted:
        values.tally.vector("multiply", math.prod(sizes[one] for one in result))
        return None
    kept, stored = values.stored(node.inputs[1]), values.stored(node.inputs[0])
    if kept is None and stored is not None:
        first, second, kept = second, first, stored
    many = partial(_sized, sizes)
    columns = many(second - first)
    count = many((first & second) - contracted)
    values.tally.product(
        node.name, many(first - second), many(contracted), columns, count, None, kept
    )
    return columns * count if kept else None


def _sized(sizes: dict[str, int], letters: set[str]) -> int:
    return math.prod(sizes[one] for one in letters)


def _recurrent(values: Values, node: Node, kind: str) -> None:
    """Products with the inputs of all steps, and of each step with the outputs of the last one."""
    given = values.shape(node.inputs[0])
    directions, columns, _ = values.shape(node.inputs[1])
    hidden = values.shape(node.inputs[2])[2]
    steps, batch = given[:2] if not node.attribute("layout", 0) else given[1::-1]
    rows = steps * batch
    for at, what, length, times in ((1, "input", given[2], 1), (2, "recurrent", hidden, steps)):
        stored = values.stored(node.inputs[at])
        named = None if stored is None else Operand(stored.key, "", stored.parameter)
        values.tally.product(
            f"{node.name} {what}", rows, length, columns, directions, None, named, times
        )
    for work, number in WORK[kind].of_outputs.items():
        values.tally.vector(work, number * rows * hidden * directions)


def _attention(values: Values, node: Node) -> None:
    """Scores and context of heads, in full: what a mask hides is computed and dropped."""
    shapes = [values.shape(name) for name in node.inputs[:3]]
    heads = [node.attribute("q_num_heads", 0), *[node.attribute("kv_num_heads", 0)] * 2]
    query, key, value = (
        shape if len(shape) == 4 else (shape[0], number, shape[1], shape[2] // number)
        for shape, number in zip(shapes, heads, strict=True)
    )
    past = values.shape(node.inputs[4])[2] if node.input(4) else 0
    length = key[2] + past
    batch, number, rows, size = query
    groups = number // key[1]  # heads of queries that share keys and values
    count = batch * key[1]
    values.tally.product(f"{node.name} scores", groups * rows, size, length, count)
    values.tally.vector("multiply", batch * number * rows * length)
    if node.input(3):
        values.tally.vector("add", batch * number * rows * length)
    values.tally.vector("softmax", batch * number * rows * length)
    values.tally.product(f"{node.name} context", groups * rows, length, value[3], count)


PRODUCTS: dict[str, Product] = {
    "Conv": _convolution,
    "ConvInteger": _convolution,
    "QLinearConv": partial(_convolution, weights=3),
    "ConvTranspose": _transposed,
    "DeformConv": _deformable,
    "Gemm": _gemm,
    "MatMul": _matmul,
    "MatMulInteger": _matmul,
    "QLinearMatMul": partial(_matmul, other=3),
    "Einsum": _einsum,
    "LSTM": partial(_recurrent, kind="lstm"),
    "GRU": partial(_recurrent, kind="gru"),
    "RNN": partial(_recurrent, kind="rnn_tanh"),
    "Attention": _attention,
}

"""A matrix product on a core as its definition says: loops over Python's numbers.

Nothing of `rnscli.matrix` is used, so that tests can compare with it byte by byte.
"""

import math
from collections.abc import Callable
from fractions import Fraction

import numpy as np

from rnscli.core.cores.core import Core
from rnscli.matrix.dataflow import Dataflow, ProductCounts
from rnscli.matrix.product import NumPyArrays, TiledProduct

# What a core makes of quantised operands of shape (pairs, h), as lists of integers.
Read = Callable[[list[list[int]], list[list[int]]], list[int]]


def python_sums(x: list[list[int]], w: list[list[int]]) -> list[int]:
    return [sum(a * b for a, b in zip(p, q, strict=True)) for p, q in zip(x, w, strict=True)]


def reading(
    core: Core, rng: np.random.Generator, off: list[tuple[int, bool]] | None = None
) -> Read:
    """Every pair of vectors through the core's own hardware, padded with zeros to its h.

    ``off`` gets how far each result of a code is off, and whether it is rejected.
    """
    size = core.dot_product.vector_size

    def read(x: list[list[int]], w: list[list[int]]) -> list[int]:
        padded = [np.array([row + [0] * (size - len(row)) for row in rows]) for rows in (x, w)]
        made = core.dot(*padded, rng)
        values: list[int] = made.values.tolist()
        if off is not None:
            exact = python_sums(x, w)
            errors = (value - right for value, right in zip(values, exact, strict=True))
            off.extend(zip(errors, made.rejected.tolist(), strict=True))
        return values

    return read


def together(granularity: str, size: int) -> Callable[[int, int], tuple[int, int]]:
    """A name for what shares a scale, by the row and the column of a number."""
    return {
        "vector": lambda i, j: (i, j // size),
        "tile": lambda i, j: (i // size, j // size),
        "channel": lambda i, j: (i, 0),
        "tensor": lambda i, j: (0, 0),
    }[granularity]


def scales_of(
    values: np.ndarray, granularity: str, size: int, of_zeros: int = 1
) -> list[list[np.floating]]:
    """The scale of each number of a matrix whose rows are multiplied, in the matrix's type."""
    name = together(granularity, size)
    largest: dict[tuple[int, int], np.floating] = {}
    rows, columns = values.shape
    for i in range(rows):
        for j in range(columns):
            largest[name(i, j)] = max(
                abs(values[i, j]), largest.get(name(i, j), abs(values[0, 0]) * 0)
            )
    one = values.dtype.type(of_zeros)
    return [[largest[name(i, j)] or one for j in range(columns)] for i in range(rows)]


def power_of_two(scale: np.floating, levels: int) -> Fraction:
    """The least power of two of which ``levels`` reach the scale."""
    exact = Fraction(float(scale))
    step = Fraction(2) ** (math.frexp(float(scale))[1] - levels.bit_length() - 3)
    while levels * step < exact:
        step *= 2
    return step


def whole(value: np.floating, scale: np.floating, levels: int) -> int:
    """``round(x q / s)``, ties to even, in the operand's type or, for many levels, in double."""
    if levels > 2**22:
        return round(float(value) * levels / float(scale))
    return round(float(value * levels / scale))


def powers_of(values: np.ndarray, granularity: str, size: int) -> np.ndarray | None:
    """What is taken out of the scales of each row while FP32 computes, if one is below 2**-60."""
    scales = np.array(scales_of(values, granularity, size, of_zeros=0))
    if not (scales[scales > 0] < 2.0**-60).any():
        return None
    return np.array([2.0 ** math.frexp(float(row.max()))[1] for row in scales])


def plain_product(
    x: np.ndarray,
    w: np.ndarray,
    core: Core,
    granularity: str = "vector",
    read: Read = python_sums,
    scales: str = "fp32",
) -> np.ndarray:
    """``x @ w`` of two matrices, float32; float64 where scales are tiny."""
    dot = core.dot_product
    size, columns = dot.vector_size, w.T
    wide = max(dot.max_sum, core.reach) >= 2**24
    kind = np.float64 if wide else np.float32
    scales_x, scales_w = (scales_of(m, granularity, size) for m in (x, columns))
    powers_x, powers_w = (powers_of(m, granularity, size) for m in (x, columns))

    def back(
        scale: np.floating, levels: int, powers: np.ndarray | None, index: int
    ) -> np.floating | float:
        if scales == "power-of-two":
            step = power_of_two(scale, levels)
            return float(step if powers is None else step / Fraction(powers[index]))
        one: np.floating = scale if powers is None else type(scale)(float(scale) / powers[index])
        return one / levels

    def number(value: np.floating, scale: np.floating, levels: int) -> int:
        if scales == "power-of-two":
            return round(Fraction(float(value)) / power_of_two(scale, levels))  # a tie to even
        return whole(value, scale, levels)

    out = np.zeros((len(x), len(columns)), dtype=np.float32)
    added = np.zeros(out.shape, dtype=kind)
    joint = granularity in ("channel", "tensor")  # all tiles have the same scales
    for start in range(0, x.shape[1], size):
        terms = range(start, min(start + size, x.shape[1]))
        rows_x, rows_w = (
            [[number(m[i, j], largest[i][j], levels) for j in terms] for i in range(len(m))]
            for m, largest, levels in (
                (x, scales_x, dot.max_input),
                (columns, scales_w, dot.max_weight),
            )
        )
        assert all(abs(a) <= dot.max_input for row in rows_x for a in row)
        assert all(abs(a) <= dot.max_weight for row in rows_w for a in row)
        pairs = [(i, j) for i in range(len(x)) for j in range(len(columns))]
        sums = read([rows_x[i] for i, _ in pairs], [rows_w[j] for _, j in pairs])
        for (i, j), total in zip(pairs, sums, strict=True):
            value = kind(total)
            assert int(value) == total
            if joint:  # whole numbers are added, and scaled in the end
                added[i, j] += value
                value = added[i, j]
            if not joint or start + size >= x.shape[1]:
                value = kind(value * back(scales_x[i][start], dot.max_input, powers_x, i))
                value = kind(value * back(scales_w[j][start], dot.max_weight, powers_w, j))
            add = start and not joint
            out[i, j] = np.float32(out[i, j] + value) if add else np.float32(value)
    if powers_x is not None:
        out = out.astype(np.float64) * powers_x[:, None]
    return out if powers_w is None else out.astype(np.float64) * powers_w


def multiply(
    flow: Dataflow, x: np.ndarray, w: np.ndarray, seed: int = 0
) -> tuple[np.ndarray, ProductCounts]:
    """What is tested."""
    product = TiledProduct(flow, NumPyArrays())
    rng = np.random.default_rng(seed)
    result, counts = product.multiply(x, product.quantise_weights(w), lambda: rng)
    return result, counts


def assert_same_bytes(found: np.ndarray, expected: np.ndarray) -> None:
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found, expected)
    assert found.tobytes() == expected.tobytes()  # even zeros have the same sign

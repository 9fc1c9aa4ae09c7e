"""Products of bytes are those of their numbers, however operands lie in memory."""

import itertools

import pytest
import torch
from torch import Tensor

import rnscli
import rnscli.torch
from rnscli.matrix import NumPyArrays
from rnscli.torch.arrays import TorchArrays, _adds_quotients, _row

ARRAYS = TorchArrays(torch.device("cpu"))


def laid_out(values: Tensor, strides: tuple[int, int]) -> Tensor:
    """The same matrix with other strides."""
    last = sum((size - 1) * stride for size, stride in zip(values.shape, strides, strict=True))
    found = torch.as_strided(torch.zeros(last + 1, dtype=values.dtype), values.shape, strides)
    return found.copy_(values)


def layouts(rows: int, columns: int) -> set[tuple[int, int]]:
    found = {(columns, 1), (1, rows), (columns + 3, 1), (1, rows + 3), (2 * columns, 2)}
    if rows == 1:
        found |= {(1, 1), (7, 1), (1, 7)}
    if columns == 1:
        found |= {(1, 1), (7, 1), (1, 7)}
    return found


def test_every_layout() -> None:
    torch.manual_seed(0)
    for m, k, n in itertools.product((1, 2, 5), (1, 2, 33), (1, 3, 96)):
        x, w = (torch.randint(-127, 128, size, dtype=torch.int8) for size in ((m, k), (k, n)))
        expected = x.double() @ w.double()
        for one, other in itertools.product(layouts(m, k), layouts(k, n)):
            found = ARRAYS.product(laid_out(x, one), laid_out(w, other))
            assert torch.equal(found.double(), expected), (m, k, n, one, other)


def _with_ties() -> Tensor:
    """Rows of 40 values of all sizes, of the first every other one between two steps."""
    torch.manual_seed(0)
    values = torch.randn(30, 5, 40) * 10.0 ** torch.randint(-20, 15, (30, 5, 1))
    values[0] = (torch.arange(200).view(5, 40) - 100) * 0.5 / 127
    values[0, :, 0] = 1.0
    values[1, 2], values[2, 0, :20] = 0.0, 1e-40  # and numbers below the smallest normal one
    return values


@pytest.mark.parametrize("order", [*itertools.permutations(range(3))])
@pytest.mark.parametrize("levels", [7, 127, 128])
def test_bytes_are_rounded_as_numbers_are(levels: int, order: tuple[int, ...]) -> None:
    """Each operation rounded by itself, ties to even, in NumPy; however they lie in memory."""
    values = _with_ties()
    back = [order.index(axis) for axis in range(3)]
    laid = values.permute(order).contiguous().permute(back)
    for axes in ((-1,), (0,), (0, 1, 2)):
        scales = values.abs().amax(axes, keepdim=True)
        scales[scales == 0] = 1.0
        if levels == 128:  # of powers of two, some of which are below the largest value
            scales = 2.0 ** torch.ceil(torch.log2(scales.double() * 128 / 127)).float()
        expected = NumPyArrays().nearest(values.numpy(), levels, scales.numpy())
        found = ARRAYS.nearest(laid, levels, scales)
        assert found.dtype == torch.int8
        assert torch.equal(found.float(), torch.from_numpy(expected))


@pytest.mark.parametrize("default", [torch.float64, torch.float16])
def test_whatever_the_default_type_is(default: torch.dtype) -> None:
    values = torch.linspace(-1.0, 1.0, 77, dtype=torch.float32)[None]
    scales = torch.ones(1, 1, dtype=torch.float32)
    expected = ARRAYS.nearest(values, 127, scales)
    _row.cache_clear()
    _adds_quotients.cache_clear()
    torch.set_default_dtype(default)
    try:
        assert torch.equal(ARRAYS.nearest(values, 127, scales), expected)
    finally:
        torch.set_default_dtype(torch.float32)


def test_a_chunk_of_one_row() -> None:
    """Chunks of `TorchArrays` leave one row of these, a row of strides (1, 1)."""
    torch.manual_seed(0)
    x, w = torch.randn(16, 10923).t(), torch.randn(16, 96)
    assert ARRAYS.chunk is not None and ARRAYS.chunk * ARRAYS.together == 10922 * 96 + 64
    found = rnscli.torch.analog_matmul(x, w, rnscli.analog_core("rns", bits=8))
    torch.testing.assert_close(found.double(), x.double() @ w.double(), atol=0.3, rtol=0)

import numpy as np
import pytest
from plain_product import scales_of

from rnscli.base.errors import InputError
from rnscli.matrix.dataflow import GRANULARITIES
from rnscli.matrix.product import NumPyArrays, RowScales


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("stack", [(), (2,), (2, 3)])
@pytest.mark.parametrize("granularity", GRANULARITIES)
def test_scales(granularity: str, stack: tuple[int, ...], dtype: type) -> None:
    size, rows, terms = 4, 10, 11
    values = np.random.default_rng(0).normal(size=(*stack, rows, terms)).astype(dtype)
    values[..., 4:8, 4:8] = 0  # a whole tile
    values[..., 9, :] = 0
    scales = RowScales("x", NumPyArrays(), values, granularity, size)
    for start in range(0, terms, size):
        found = scales.of(slice(start, min(start + size, terms)))
        assert found.dtype == dtype
        assert found.shape == (*stack, 1 if granularity == "tensor" else rows, 1)
        for index in np.ndindex(*stack):
            expected = [row[start] for row in scales_of(values[index], granularity, size)]
            np.testing.assert_array_equal(np.broadcast_to(found[index][:, 0], (rows,)), expected)


@pytest.mark.parametrize("granularity", GRANULARITIES)
@pytest.mark.parametrize(("value", "accepted"), [(-1e15, True), (1.0000001e15, False)])
def test_largest_magnitude(granularity: str, value: float, accepted: bool) -> None:
    values = np.ones((5, 5))
    values[4, 4] = value

    def last() -> np.ndarray:
        return RowScales("x", NumPyArrays(), values, granularity, 2).of(slice(4, 5))

    if accepted:
        assert last().max() == 1e15
    else:
        with pytest.raises(InputError, match=r"^`x` holds NaN or a magnitude above 1e\+15"):
            last()

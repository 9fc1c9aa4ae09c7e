"""A matrix on an analog core, in the place of a NumPy array."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from rnscli.base import InputError, check_int
from rnscli.core import Core
from rnscli.matrix.arrays import NumPyArrays
from rnscli.matrix.dataflow import Dataflow, ProductCounts
from rnscli.matrix.product import QuantisedWeights, TiledProduct, check_magnitudes

AnyArray = npt.NDArray[np.generic]


class AnalogMatrix:
    """A matrix whose products are computed on a core; ``matrix @ x`` and ``x @ matrix``.

    It stands where a NumPy matrix stood: with vectors, matrices and stacks of them, transposed,
    and as an operator of `scipy.sparse.linalg`. Its values are quantised once for each side, with
    ``weight_bits``; what it is multiplied with is quantised at each product, with ``input_bits``.

    Parameters
    ----------
    values
        The matrix, real, of two dimensions.
    flow
        How products are mapped to a core; or the core, for the defaults of `rnscli.Dataflow`.
    seed
        Of the noise and of stochastic rounding; each product draws on. Or a generator, which is
        drawn from.

    Attributes
    ----------
    counts
        What has been computed so far (`rnscli.ProductCounts`), by the transpose as well.

    Raises
    ------
    InputError
        If the values are no finite real matrix, or the seed is negative.

    Examples
    --------
    >>> import rnscli
    >>> core = rnscli.analog_core("rns", bits=8, vector_size=128)
    >>> values = np.linspace(-1, 1, 60).reshape(3, 20)
    >>> matrix, x = rnscli.AnalogMatrix(values, core), np.ones(20)
    >>> np.round(matrix @ x, 2).tolist(), np.round(values @ x, 2).tolist()
    ([-13.56, 0.0, 13.56], [-13.56, 0.0, 13.56])
    >>> matrix.counts.dot_products
    3
    """

    ndim = 2

    def __init__(
        self,
        values: npt.ArrayLike,
        flow: Dataflow | Core,
        seed: int | np.random.Generator = 0,
    ) -> None:
        """Quantise nothing yet: which side is multiplied decides what shares a scale."""
        # A copy: it must not change between the first product and the next, or the transpose.
        self._values = _real("values", values).copy(order="K")
        if self._values.ndim != 2:
            raise InputError(
                f"`values` has shape {self._values.shape}; an analog matrix has two dimensions"
            )
        arrays = NumPyArrays()
        if self._values.size:
            check_magnitudes("values", arrays, arrays.largest(self._values, (0, 1)))
        if not isinstance(seed, np.random.Generator):
            check_int("seed", seed, 0)
        self._flow = flow if isinstance(flow, Dataflow) else Dataflow(flow)
        _ = self._flow.input_constant  # refused now where it is not known
        self._state = _State(np.random.default_rng(seed))
        self._product = TiledProduct(self._flow, NumPyArrays(self._state.rng))
        self._transposed: AnalogMatrix | None = None

    @property
    def shape(self) -> tuple[int, int]:
        return self._values.shape[0], self._values.shape[1]

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """Type of the values, as NumPy would multiply them."""
        return self._values.dtype

    @property
    def flow(self) -> Dataflow:
        """The core and how products are mapped to it."""
        return self._flow

    @property
    def counts(self) -> ProductCounts:
        """What has been computed so far."""
        return self._state.counts

    @property
    def T(self) -> "AnalogMatrix":  # noqa: N802 - NumPy's name
        """The transpose, which shares noise and counts with this matrix."""
        if self._transposed is None:
            other = AnalogMatrix(self._values.T, self._flow)
            other._state, other._transposed = self._state, self
            other._product = self._product  # of the same dataflow and random numbers
            self._transposed = other
        return self._transposed

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> AnyArray:
        return np.array(self._values, dtype=dtype)

    # So NumPy leaves its products to this class, `x @ matrix` as well as its functions.

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        if ufunc is np.matmul and method == "__call__" and not options:
            return _product(*inputs)
        if ufunc.__name__ not in _DIGITAL_PRODUCTS:
            return NotImplemented
        plain = ufunc is np.matmul and method == "__call__"  # with options, as x @= matrix has
        raise InputError(
            f"numpy.{ufunc.__name__} of an analog matrix is not computed on its core"
            f"{' in place or with options' if plain else ''}; it may be multiplied with @, as in "
            "y = x @ matrix, and numpy.asarray gives its values"
        )

    def __array_function__(
        self, function: Any, types: Any, inputs: Any, options: Mapping[str, Any]
    ) -> Any:
        if function is np.dot and len(inputs) == 2 and not options:
            return _product(*inputs)
        if function.__name__ in _DIGITAL_PRODUCTS:
            return self.__array_ufunc__(function, "")

        def values(one: Any) -> Any:
            if isinstance(one, list | tuple):
                return type(one)(map(values, one))
            return np.asarray(one) if isinstance(one, AnalogMatrix) else one

        return function(*values(inputs), **{name: values(one) for name, one in options.items()})

    def __repr__(self) -> str:
        return f"AnalogMatrix(shape={self.shape}, core={self._flow.core.name!r})"

    def __rmatmul__(self, x: npt.ArrayLike) -> AnyArray:
        """``x @ matrix``: dot products over the last axis of x."""
        return self._multiply(self._operand(x, -1, self.shape[0]))

    def __matmul__(self, x: npt.ArrayLike) -> AnyArray:
        """``matrix @ x``: dot products over the last axis of x but one, or its only one."""
        array = self._operand(x, -2, self.shape[1])
        if array.ndim == 1:
            return self.T._multiply(array)
        rows: AnyArray = array.swapaxes(-1, -2)
        return self.T._multiply(rows).swapaxes(-1, -2)

    matvec = matmat = __matmul__

    def rmatvec(self, x: npt.ArrayLike) -> AnyArray:
        """``matrix.T @ x``, as SciPy's linear operators call it."""
        return self.T @ x

    rmatmat = rmatvec

    @cached_property
    def _weights(self) -> QuantisedWeights:
        return self._product.quantise_weights(self._values)

    def _operand(self, x: npt.ArrayLike, axis: int, terms: int) -> AnyArray:
        """An array, if an axis of it, or its only one, has as many entries as there are terms."""
        array = _real("x", x)
        if array.ndim == 0 or array.shape[axis if array.ndim > 1 else 0] != terms:
            entries = "entries" if array.ndim < 2 else "rows" if axis == -2 else "columns"
            raise InputError(
                f"`x` has shape {array.shape}; its product with an analog matrix of shape "
                f"{self.shape} needs {terms} {entries}"
            )
        return array

    def _multiply(self, x: AnyArray) -> AnyArray:
        rows = x.reshape(1, -1) if x.ndim == 1 else x
        found, counts = self._product.multiply(rows, self._weights, lambda: self._state.rng)
        self._state.counts += counts
        result: AnyArray = found.astype(np.result_type(x.dtype, self.dtype), copy=False)
        return result.reshape(-1) if x.ndim == 1 else result


_DIGITAL_PRODUCTS = (
    "dot", "vdot", "inner", "outer", "tensordot", "einsum", "kron", "multi_dot", "matrix_power",
    "matmul", "vecdot", "matvec", "vecmat", "convolve", "correlate",
)  # fmt: skip


def _product(first: Any, second: Any) -> AnyArray:
    """A product in which one is an analog matrix: the first, if both are."""
    found: AnyArray = (
        first @ second if isinstance(first, AnalogMatrix) else second.__rmatmul__(first)
    )
    return found


class _State:
    """What a matrix and its transpose share."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.counts = ProductCounts()


def _real(name: str, values: npt.ArrayLike) -> AnyArray:
    """An array of float32 or float64, as NumPy's own products with real numbers are."""
    array = np.asarray(values)
    if array.dtype.kind not in "fiub":
        raise InputError(f"`{name}` has dtype {array.dtype}; it must hold real numbers")
    # float32 for what it holds exactly, such as int8: times float32 that remains float32.
    narrow = np.result_type(array.dtype, np.float32) == np.float32
    return array.astype(np.float32 if narrow else np.float64, copy=False)

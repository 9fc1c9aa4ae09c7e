"""What `AnalogMatrix` refuses: one sentence that names the argument."""

import warnings

import numpy as np
import pytest
from scipy.sparse import csr_array

import rnscli
from rnscli.base.errors import InputError
from rnscli.matrix.analog_matrix import AnalogMatrix

CORE = rnscli.analog_core("rns", bits=6, vector_size=4)
MATRIX = AnalogMatrix(np.ones((3, 6)), CORE)

NO_NUMBERS = [
    np.ones(6, dtype=complex),
    np.array(["1"] * 6),
    np.array([b"1"] * 6),
    np.array([None] * 6),
    np.array([10**400] * 6, dtype=object),
    np.zeros(6, dtype="datetime64[s]"),
    "abc",
    None,
    {"a": 1},
]
NOT_FINITE = [np.nan, np.inf, -np.inf, 1.1e15, -(2**60)]


def assert_one_sentence(error: pytest.ExceptionInfo[InputError], argument: str) -> None:
    message = str(error.value)
    assert message.startswith(f"`{argument}` ")
    assert "\n" not in message
    assert 20 < len(message) < 150
    assert not message.endswith(".")


@pytest.mark.parametrize("x", NO_NUMBERS, ids=lambda x: str(getattr(x, "dtype", x)))
def test_refuses_what_holds_no_real_numbers(x: object) -> None:
    with pytest.raises(InputError, match=r"dtype .*; it must hold real numbers$") as error:
        MATRIX @ x
    assert_one_sentence(error, "x")
    if x is not None:
        with pytest.raises(InputError, match="dtype") as error:
            MATRIX.__rmatmul__(x)
        assert_one_sentence(error, "x")
    with pytest.raises(InputError, match="dtype") as error:
        AnalogMatrix(x, CORE)
    assert_one_sentence(error, "values")


def test_refuses_a_sparse_matrix() -> None:
    with pytest.raises(InputError, match="dtype object") as error:
        AnalogMatrix(csr_array(np.eye(3)), CORE)
    assert_one_sentence(error, "values")


@pytest.mark.parametrize("bad", NOT_FINITE)
def test_refuses_what_is_not_finite(bad: float) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for product in (lambda: MATRIX @ ([1] * 5 + [bad]), lambda: [1, bad, 0] @ MATRIX):
            with pytest.raises(InputError, match=r"above 1e\+15; it must be finite") as error:
                product()
            assert_one_sentence(error, "x")
        # At once, not at the first product.
        with pytest.raises(InputError, match=r"above 1e\+15; it must be finite") as error:
            AnalogMatrix([[1, bad]], CORE)
        assert_one_sentence(error, "values")


@pytest.mark.parametrize(
    ("shape", "needs"),
    [
        ((), "6 entries"),
        ((5,), "6 entries"),
        ((1,), "6 entries"),
        ((5, 6), "6 rows"),
        ((6, 6, 5), None),
        ((2, 5, 6), "6 rows"),
        ((0, 4), "6 rows"),
    ],
)
def test_refuses_shapes_as_numpy_does(shape: tuple[int, ...], needs: str | None) -> None:
    x = np.ones(shape)
    if needs is None:
        assert (MATRIX @ x).shape == (np.ones((3, 6)) @ x).shape
        return
    with pytest.raises(ValueError, match="matmul"):
        np.ones((3, 6)) @ x
    # The shape that was given, not that of a transpose.
    with pytest.raises(InputError) as error:
        MATRIX @ x
    assert_one_sentence(error, "x")
    assert str(error.value) == (
        f"`x` has shape {shape}; its product with an analog matrix of shape (3, 6) needs {needs}"
    )
    if shape:
        swapped = np.swapaxes(x, -1, -2) if x.ndim > 1 else x
        with pytest.raises(InputError) as error:
            swapped @ MATRIX.T
        assert f"{swapped.shape}; its product with an analog matrix of shape (6, 3)" in str(
            error.value
        )
        assert str(error.value).endswith(needs.replace("rows", "columns"))


@pytest.mark.parametrize("shape", [(), (3,), (2, 3, 4)])
def test_refuses_values_that_are_no_matrix(shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError) as error:
        AnalogMatrix(np.ones(shape), CORE)
    assert_one_sentence(error, "values")
    assert str(shape) in str(error.value)


@pytest.mark.parametrize("seed", [-1, 1.5, "0", None, True])
def test_refuses_seeds(seed: object) -> None:
    with pytest.raises(InputError, match=f"^`seed` is {seed}; it must be a whole number") as error:
        AnalogMatrix(np.ones((3, 6)), CORE, seed)
    assert_one_sentence(error, "seed")

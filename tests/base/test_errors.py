"""Errors: what they are about travels with them."""

import pickle

import pytest

from rnscli.base.errors import InputError, NoSolutionError, NotFiniteError, RnscliError


@pytest.mark.parametrize(
    ("message", "about", "arguments"),
    [
        ("`p` and `sigma` exclude each other", (), ("p", "sigma")),
        ("--adc-k1: '3' is not accepted; give --adc-k2", (), ("adc_k1", "adc_k2")),
        ("`bits` is 3, and --bits is too small", (), ("bits",)),
        ("moduli 63 and 60 are not coprime", ("moduli",), ("moduli",)),
        ("`bits` is 3", ("moduli", "bits"), ("bits", "moduli")),
        ("a file of the name a--b or x---y is not one", (), ()),
    ],
)
def test_what_an_error_is_about(
    message: str, about: tuple[str, ...], arguments: tuple[str, ...]
) -> None:
    assert RnscliError(message, *about).arguments == arguments
    assert str(RnscliError(message, *about)) == message


def test_an_error_of_one_argument() -> None:
    error = NotFiniteError.of("x", [1.0], "finite", "; so scale it", what="holds NaN")
    assert isinstance(error, NotFiniteError)
    assert str(error) == "`x` holds NaN; it must be finite; so scale it"
    assert (error.arguments, error.value, error.accepted) == (("x",), [1.0], "finite")


def test_an_error_comes_out_of_another_process_whole() -> None:
    error = pickle.loads(pickle.dumps(InputError.of("bits", 40, "at most 31")))
    assert (str(error), error.value) == ("`bits` is 40; it must be at most 31", 40)
    other = pickle.loads(pickle.dumps(NoSolutionError("no set", "bits")))
    assert (str(other), other.arguments) == ("no set", ("bits",))

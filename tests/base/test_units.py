import contextlib
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnscli.base.errors import InputError
from rnscli.base.units import (
    Uncertain,
    engineering,
    exact_quantity,
    parse_quantity,
    parse_uncertain,
)

QUICK = settings(max_examples=150, deadline=None, derandomize=True)


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (1.601024e-12, "J", "1.601 pJ"),
        (1e-13, "J", "100.0 fJ"),
        (0.0, "J", "0 J"),
        (1.0, "V", "1.000 V"),
        (999.94, "V", "999.9 V"),
        (999.96, "V", "1.000 kV"),
        (9.9999e-10, "J", "1.000 nJ"),
        (1e-6, "s", "1.000 us"),
        (1e3, "m", "1.000 km"),
        (-2.5e-3, "V", "-2.500 mV"),
        (1e-30, "J", "1.000 qJ"),
        (1.2345e15, "J", "1.234 PJ"),
    ],
)
def test_engineering(value: float, unit: str, expected: str) -> None:
    assert engineering(value, unit) == expected


def test_engineering_digits() -> None:
    assert engineering(123.456e-15, "J", digits=6) == "123.456 fJ"
    assert engineering(123.456e-15, "J", digits=2) == "120 fJ"


@QUICK
@given(st.floats(1e-30, 9.999e17), st.sampled_from(["J", "F", "V", "s"]))
def test_four_digits_survive_a_round_trip(value: float, unit: str) -> None:
    text = engineering(value, unit)
    assert parse_quantity(text, unit) == pytest.approx(value, rel=5.001e-4)
    number, suffix = text.split(" ")
    assert suffix.endswith(unit) and len(suffix) <= len(unit) + 1
    assert 1 <= float(number) < 1000
    assert len(number.replace(".", "")) == 4


@QUICK
@given(
    st.floats(allow_nan=False, allow_infinity=False), st.sampled_from(["J", "m2", "MAC/s", "/s"])
)
def test_every_digit_survives_a_round_trip(value: float, unit: str) -> None:
    text = exact_quantity(value, unit)
    assert parse_quantity(text, unit) == value
    assert text.endswith(unit) and " " not in text


@QUICK
@given(st.floats(1e-30, 1e15))
def test_engineering_is_odd(value: float) -> None:
    assert engineering(-value, "J") == f"-{engineering(value, 'J')}"


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        ("100fJ", "J", 1e-13),
        ("100 fJ", "J", 1e-13),
        ("  100   fJ  ", "J", 1e-13),
        ("100f", "J", 1e-13),
        ("1e-13", "J", 1e-13),
        ("1e-13J", "J", 1e-13),
        ("0.1e3 fJ", "J", 1e-13),
        ("1E-1pJ", "J", 1e-13),
        ("0.5fF", "F", 5e-16),
        (".5fF", "F", 5e-16),
        ("5.f", "F", 5e-15),
        ("1aJ", "J", 1e-18),
        ("800mV", "V", 0.8),
        ("+1V", "V", 1.0),
        ("-1V", "V", -1.0),
        ("0", "V", 0.0),
        ("3uJ", "J", 3e-6),
        ("3µJ", "J", 3e-6),  # the micro sign
        ("3μJ", "J", 3e-6),  # the Greek letter
        ("2kV", "V", 2000.0),
        ("1MJ", "J", 1e6),
    ],
)
def test_parse_quantity(text: str, unit: str, value: float) -> None:
    assert parse_quantity(text, unit) == value


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "J", "f", "fJ", "1V", "1fV", "1fF", "1Jf", "1 f J", "1JJ", "1ffJ", "1xJ", "1fj",
        "1FJ", "1KJ", "abc", "1,5fJ", "1e", "1e-J", "--1J", "1..2J", "1e400J", "1e308PJ", "nan",
        "inf", "infJ", "0x10J", "1_0J", "J100",
    ],
)  # fmt: skip
def test_what_is_not_a_quantity(text: str) -> None:
    with pytest.raises(InputError, match="J") as refused:
        parse_quantity(text, "J")
    assert repr(text) in str(refused.value)


@QUICK
@given(st.integers(-(10**6), 10**6), st.integers(-300, 300), st.sampled_from("qryzafpnum kMGTP"))
def test_a_prefix_shifts_the_decimal_point_without_rounding(
    number: int, exponent: int, prefix: str
) -> None:
    shift = 0 if prefix == " " else 3 * ("qryzafpnum kMGTP".index(prefix) - 10)
    expected = float(f"{number}e{exponent + shift}")
    if math.isinf(expected):
        with pytest.raises(InputError):
            parse_quantity(f"{number}e{exponent}{prefix}J", "J")
    else:
        assert parse_quantity(f"{number}e{exponent}{prefix}J", "J") == expected


@QUICK
@given(st.text("0123456789.eE+-fpmuJ µx", max_size=10))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(InputError):
        assert math.isfinite(parse_quantity(text, "J"))


# Uncertain quantities -----------------------------------------------------------------------------


@pytest.mark.parametrize("sign", ["±", "+-", "+/-"])
@pytest.mark.parametrize("space", ["", " "])
@pytest.mark.parametrize(
    ("value", "spread", "unit", "expected"),
    [
        ("100fJ", "30%", "J", Uncertain(1e-13, 7e-14, 1.3e-13)),
        ("100fJ", "20fJ", "J", Uncertain(1e-13, 8e-14, 1.2e-13)),
        ("100f", "20f", "J", Uncertain(1e-13, 8e-14, 1.2e-13)),
        ("100 fJ", "0.1 pJ", "J", Uncertain(1e-13, 0.0, 2e-13)),
        ("1e-13", "1e-14", "J", Uncertain(1e-13, 9e-14, 1.1e-13)),
        ("1e-13J", "12.5 %", "J", Uncertain(1e-13, 8.75e-14, 1.125e-13)),
        ("2V", "10%", "V", Uncertain(2.0, 1.8, 2.2)),
        ("2V", ".5%", "V", Uncertain(2.0, 1.99, 2.01)),
        ("2V", "100%", "V", Uncertain(2.0, 0.0, 4.0)),
        ("186.723", "2", "dB", Uncertain(186.723, 184.723, 188.723)),
        ("3V", "0V", "V", Uncertain(3.0, 3.0, 3.0)),
        ("-3V", "10%", "V", Uncertain(-3.0, -3.3, -2.7)),
    ],
)
def test_parse_uncertain(
    value: str, sign: str, space: str, spread: str, unit: str, expected: Uncertain
) -> None:
    assert parse_uncertain(f"{value}{space}{sign}{space}{spread}", unit) == expected


@pytest.mark.parametrize("text", ["100fJ", "1e-13", "1E+3fJ", "-1J", "1e-3"])
def test_without_a_spread_it_is_a_number(text: str) -> None:
    found = parse_uncertain(text, "J")
    assert isinstance(found, float)
    assert found == parse_quantity(text, "J")


@pytest.mark.parametrize(
    "text",
    [
        "±30%", "100fJ±", "100fJ±x", "100fJ±1V", "100fJ±-1fJ", "100fJ±-30%", "100fJ±1e1%",
        "100fJ±30%±10%", "100fJ±30%J", "100%±10fJ", "100fJ±nan", "100fJ±inf", "nan±1fJ",
        "100fV±10%", "100fJ±101fJ", "100fJ±100.1%", "0J±1fJ", "1e308J±100%", "100fJ±1e400J",
        "100fJ+20fJ", "100fJ-20fJ", "100fJ 20%", "1e+-3J", "",
    ],
)  # fmt: skip
def test_what_is_not_uncertain(text: str) -> None:
    with pytest.raises(InputError, match="J"):
        parse_uncertain(text, "J")


def test_a_unit_given_once_is_that_of_both() -> None:
    """100±20 fJ is how people write it; 100 J are not meant. Refusing it is as good."""
    for text in ("100±20fJ", "100 +- 20 fJ"):
        try:
            found = parse_uncertain(text, "J")
        except InputError:
            continue
        assert found == Uncertain(1e-13, 8e-14, 1.2e-13)


@QUICK
@given(st.floats(1e-300, 1e300), st.floats(0, 100), st.sampled_from(["±", "+-", "+/-"]))
def test_a_percentage_lies_around_its_value(value: float, share: float, sign: str) -> None:
    share = round(share, 6)
    found = parse_uncertain(f"{value!r}J{sign}{share:.6f}%", "J")
    assert isinstance(found, Uncertain)
    assert found.value == value
    assert 0 <= found.low <= value <= found.high
    assert found.high - value == pytest.approx(value * share / 100, rel=1e-4, abs=1e-11 * value)
    assert value - found.low == pytest.approx(value * share / 100, rel=1e-4, abs=1e-11 * value)


def test_uncertain_as_rows_show_it() -> None:
    assert str(Uncertain(1e-13, 7e-14, 1.3e-13)) == "1e-13 (7e-14 to 1.3e-13)"

"""Formulas of profiles, against values and units that their generator works out beside them."""

import math
import subprocess
import sys
from collections.abc import Callable
from fractions import Fraction

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from rnscli.base.errors import InputError
from rnscli.hardware.expression import (
    CONSTANTS,
    FUNCTIONS,
    MAX_LENGTH,
    NONE,
    UNITS,
    Dimension,
    Expression,
    decibels,
    dimension,
)

QUICK = settings(max_examples=150, deadline=None, derandomize=True)

# Of each variable: a value, and powers of m, kg, s, A, K.
VARIABLES: dict[str, tuple[Fraction, tuple[int, ...]]] = {
    "rows": (Fraction(7), (0, 0, 0, 0, 0)),
    "half": (Fraction(1, 2), (0, 0, 0, 0, 0)),
    "energy": (Fraction(3, 8), (2, 1, -2, 0, 0)),
    "step": (Fraction(1, 4), (0, 0, 1, 0, 0)),
    "length": (Fraction(2), (1, 0, 0, 0, 0)),
    "current": (Fraction(11, 2), (0, 0, 0, 1, 0)),
}
VALUES = {name: float(value) for name, (value, _) in VARIABLES.items()}
DIMENSIONS: dict[str, Dimension] = {
    "rows": NONE, "half": NONE, "energy": dimension("J"), "step": dimension("s"),
    "length": dimension("m"), "current": dimension("A"),
}  # fmt: skip


class WrongError(Exception):
    """What was put together has no unit, or no value that a double holds exactly."""


Made = tuple[str, Fraction, tuple[int, ...]]  # a text, what it is, and in what


def plain(text: str, value: Fraction) -> Made:
    return text, value, (0,) * 5


LEAVES: st.SearchStrategy[Made] = st.one_of(
    st.sampled_from([(name, *about) for name, about in VARIABLES.items()]),
    st.integers(0, 9).map(lambda n: plain(str(n), Fraction(n))),
    st.integers(0, 99).map(lambda n: plain(f"{n / 4}", Fraction(n, 4))),
)


def power_of_two(value: Fraction) -> bool:
    """By which division is exact."""
    sizes = (value.numerator, value.denominator)
    return all(size > 0 and size & (size - 1) == 0 for size in sizes)


def exact(made: Made) -> Made:
    if made[1] and (abs(made[1].numerator) >= 1 << 53 or made[1].denominator > 1 << 200):
        raise WrongError
    return made


def joined(one: Made, sign: str, other: Made) -> Made:
    (a, x, u), (b, y, v) = one, other
    text = f"({a} {sign} {b})"
    if sign in "+-":
        if u != v:
            raise WrongError
        return text, x + y if sign == "+" else x - y, u
    if sign == "*":
        return text, x * y, tuple(p + q for p, q in zip(u, v, strict=True))
    if not power_of_two(abs(y)):
        raise WrongError
    return text, x / y, tuple(p - q for p, q in zip(u, v, strict=True))


def raised(one: Made, power: int, sign: str) -> Made:
    text, value, unit = one
    return f"{text} {sign} {power}", value**power, tuple(power * p for p in unit)


def chosen(one: Made, other: Made, which: str) -> Made:
    (a, x, u), (b, y, v) = one, other
    if u != v:
        raise WrongError
    value = x if (x < y) == (which == "min") else y
    return f"{which}({a}, {b})", value, u


@st.composite
def formulas(draw: st.DrawFn, depth: int = 4) -> Made:
    if depth == 0 or draw(st.integers(0, 4)) == 0:
        return draw(LEAVES)
    kind = draw(st.sampled_from("+-*/^nm~cf"))
    one = draw(formulas(depth - 1))
    try:
        if kind in "+-*/":
            other = one if draw(st.booleans()) else draw(formulas(depth - 1))
            return exact(joined(one, kind, other))
        if kind == "^":
            wrapped = (f"({one[0]})", *one[1:])
            return exact(
                raised(wrapped, draw(st.integers(0, 3)), draw(st.sampled_from(["^", "**"])))
            )
        if kind in "nm":
            other = one if draw(st.booleans()) else draw(formulas(depth - 1))
            return exact(chosen(one, other, "min" if kind == "n" else "max"))
        if kind == "~":
            return f"(-{one[0]})", -one[1], one[2]
        if any(one[2]):
            return one
        if kind == "c":
            return plain(f"ceil({one[0]})", Fraction(math.ceil(one[1])))
        return plain(f"floor({one[0]})", Fraction(math.floor(one[1])))
    except WrongError:
        return one


@QUICK
@given(formulas())
def test_random_formulas(made: Made) -> None:
    """Fractions are the reference; all that is in between is exact in a double too."""
    text, value, unit = made
    assume(len(text) <= MAX_LENGTH)
    formula = Expression(text)
    assert formula(VALUES) == float(value) == value
    assert formula.dimension(DIMENSIONS) == unit
    assert formula.names == {name for name in VARIABLES if name in text}


@settings(QUICK, max_examples=100)
@given(formulas(), formulas())
def test_sums_of_what_does_not_fit(one: Made, other: Made) -> None:
    (a, _, u), (b, _, v) = one, other
    assume(u != v and len(a) + len(b) < 500)
    for text in (f"{a} + {b}", f"{a} - ({b})", f"min({a}, {b})", f"max({b}, {a})"):
        with pytest.raises(InputError, match="unit"):
            Expression(text).dimension(DIMENSIONS)
    for text, outer in ((f"({a}) * ({b})", 1), (f"({a}) / ({b})", -1)):
        wanted = tuple(p + outer * q for p, q in zip(u, v, strict=True))
        assert Expression(text).dimension(DIMENSIONS) == wanted


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1 + 2 * 3", 7),
        ("(1 + 2) * 3", 9),
        ("8 / 4 / 2", 1),
        ("8 - 4 - 2", 2),
        ("2 ^ 3 ^ 2", 512),  # from the right
        ("2 ^ 3 * 2", 16),
        ("-2 ^ 2", -4),
        ("2 ^ -2", 0.25),
        ("+3 - -4", 7),
        ("7 / 2", 3.5),
        ("1e3 + .5", 1000.5),
        ("  1\t+ 1 ", 2),
        ("min(3, 1, 2)", 1),
        ("max(3, 1, 2)", 3),
        ("ceil(2.1) + floor(2.9)", 5),
        ("ceil(-2.1) + floor(-2.9)", -5),
        ("sqrt(9)", 3),
        ("log2(1024) + log10(1000)", 13),
        ("log(exp(3))", 3),
        ("db(0) + db(10) + db(-10)", 11.1),
    ],
)
def test_by_hand(text: str, value: float) -> None:
    assert Expression(text)({}) == pytest.approx(value, rel=1e-14, abs=0)


@pytest.mark.parametrize("value", [-140.0, -3.0, 0.0, 0.33, 6.0, 20.0, 3000.0])
def test_decibels(value: float) -> None:
    assert decibels(value) == pytest.approx(math.exp(value * math.log(10) / 10), rel=1e-12, abs=0)


FUNCTION_VALUES: dict[str, Callable[..., float]] = {
    "sqrt": lambda x: x**0.5,
    "exp": lambda x: math.e**x,
    "log": lambda x: math.log2(x) / math.log2(math.e),
    "log2": lambda x: math.log(x) / math.log(2),
    "log10": lambda x: math.log(x) / math.log(10),
    "ceil": lambda x: -((-x) // 1),
    "floor": lambda x: x // 1,
    "db": lambda x: 10 ** (x / 10),
    "min": lambda x: x,
    "max": lambda x: x + 1,
}


def test_every_function_is_here() -> None:
    assert set(FUNCTIONS) == set(FUNCTION_VALUES)


@QUICK
@given(st.sampled_from(sorted(FUNCTION_VALUES)), st.floats(1e-3, 100))
def test_functions(name: str, value: float) -> None:
    arguments = "x, x + 1" if name in ("min", "max") else "x"
    found = Expression(f"{name}({arguments})")({"x": value})
    assert found == pytest.approx(FUNCTION_VALUES[name](value), rel=1e-12, abs=1e-13)


# Units --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("energy / step", "W"),
        ("sqrt(energy * energy)", "J"),
        ("sqrt(length^2)", "m"),
        ("length ^ 2", "m2"),
        ("length ^ 0.5 * length ^ 1.5", "m2"),
        ("current * step", "C"),
        ("energy / (current * step)", "V"),
        ("energy / current ^ 2 / step", "Ohm"),
        ("(current * step) ^ 2 / energy", "F"),
        ("rows ^ half", "1"),
        ("2 ^ (rows - 1)", "1"),
        ("log2(energy / energy)", "1"),
        ("ceil(step / step)", "1"),
        ("db(rows) * current", "A"),
        ("db(step)", "s"),  # of dB/Hz: a density
        ("-energy", "J"),
        ("min(energy, 2 * energy, energy)", "J"),
        ("5", "dB"),
        ("5", "rad"),
        ("5", "bit"),
    ],
)
def test_units_by_hand(text: str, unit: str) -> None:
    assert Expression(text).dimension(DIMENSIONS) == dimension(unit)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("energy + 1", "adds quantities of different units"),
        ("energy - step", "adds quantities of different units"),
        ("2 ^ energy", "an exponent has a unit"),
        ("energy ^ step", "an exponent has a unit"),
        ("energy ^ rows", "a number as its exponent only"),
        ("energy ^ (1 + 1)", "a number as its exponent only"),
        ("exp(energy)", "exp is of a number without a unit"),
        ("log(energy)", "log is of a number without a unit"),
        ("log2(step)", "log2 is of a number without a unit"),
        ("log10(step)", "log10 is of a number without a unit"),
        ("ceil(step)", "ceil is of a number without a unit"),
        ("floor(step)", "floor is of a number without a unit"),
        ("min(energy, step)", "min is of two or more quantities of one unit"),
        ("max(1, step, 1)", "max is of two or more quantities of one unit"),
        ("min(energy)", "min is of two or more quantities of one unit"),
        ("sqrt(1, 2)", "sqrt is of one quantity"),
        ("db(1, 2)", "db is of one quantity"),
        ("unknown", "unknown is no constant of the profile"),
        ("rows + colums", "colums is no constant of the profile"),
        ("min(1, max)", "max is no constant of the profile"),
    ],
)
def test_units_that_do_not_fit(text: str, problem: str) -> None:
    with pytest.raises(InputError, match=problem) as error:
        Expression(text).dimension(DIMENSIONS)
    assert text in str(error.value)


def test_units_as_products_of_base_units() -> None:
    """Of the definitions: W = J/s, V = W/A, F = C/V, Ohm = V/A, J = kg m^2/s^2."""

    def power(unit: str, **powers: int) -> None:
        wanted = tuple(powers.get(base, 0) for base in ("m", "kg", "s", "A", "K"))
        assert dimension(unit) == wanted, unit

    power("J", m=2, kg=1, s=-2)
    power("W", m=2, kg=1, s=-3)
    power("V", m=2, kg=1, s=-3, A=-1)
    power("F", m=-2, kg=-1, s=4, A=2)
    power("Ohm", m=2, kg=1, s=-3, A=-2)
    power("C", s=1, A=1)
    power("Hz", s=-1)
    for unit in ("1", "dB", "rad", "bit"):
        power(unit)
    power("F/m2", m=-4, kg=-1, s=4, A=2)
    power("m2/bit", m=2)
    power("W/m2", kg=1, s=-3)
    power("A2", A=2)
    power("V*m", m=3, kg=1, s=-3, A=-1)
    power("J/K", m=2, kg=1, s=-2, K=-1)
    assert all(len(dimension(unit)) == 5 for unit in UNITS)


def test_constants_of_nature() -> None:
    """The SI of 2019 fixes them."""
    assert CONSTANTS["elementary_charge"] == (1.602176634e-19, "C")
    assert CONSTANTS["boltzmann"] == (1.380649e-23, "J/K")


# What is refused ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "1 +", "(1", "1)", "a b", "1 2", "a = 1", "a := 1", "import os", "\0", "a\n+ 1",
        "# a", "'a'", '"a"', "b'a'", "f'{a}'", "1j", "True", "None", "...", "[1]", "(1, 2)",
        "{1}", "{1: 2}", "a[0]", "a.real", "(1).real", "().__class__", "a if b else c", "a < b",
        "a == b", "a and b", "not a", "~a", "a // b", "a % b", "a @ b", "a & b", "a | b", "a << b",
        "lambda: 1", "(lambda: 1)()", "[x for x in a]", "(x for x in a)", "yield", "await a",
        "abs(a)", "pow(a, b)", "int(a)", "open(a)", "eval(a)", "__import__(a)", "a()", "exp()",
        "min()", "sqrt(x=1)", "min(a, key=b)", "min(*a)", "exp(**a)", "exp(exp)(1)", "min.x(1)",
        "a ? b : c", "a!", "2a", "$a", "\x1b[31m", "\ud800",
    ],
)  # fmt: skip
def test_what_is_no_arithmetic(text: str) -> None:
    with pytest.raises(InputError, match="formula") as error:
        Expression(text)
    assert str(error.value).isprintable() and len(str(error.value)) < 200


@QUICK
@given(st.text() | st.text("0123456789.+-*/^() ,abcdlogexpsqrt_[]{}'\":=<>%"))
def test_any_text_is_a_formula_or_refused(text: str) -> None:
    try:
        formula = Expression(text)
        formula.dimension(dict.fromkeys(formula.names, NONE))
        assert math.isfinite(formula(dict.fromkeys(formula.names, 2.0)))
    except InputError as error:
        assert str(error).isprintable()


@pytest.mark.parametrize(
    "text",
    [
        "10 ^ 400", "10 ^ 10 ^ 10 ^ 10", "9 ^ 9 ^ 9 ^ 9 ^ 9", "2.0 ^ 1024", "1e308 * 10",
        "1e999", "9" * 900, "2 ^ " + "9" * 900, "exp(1000)", "db(1e5)", "1 / 0", "0 / 0", "0 ^ -1",
        "sqrt(-1)", "log(0)", "log(-1)", "log2(0)", "(-8) ^ 0.5", "1e308 + 1e308 - 1e308",
        "ceil(1e999)", "log10(-0.1)",
    ],
)  # fmt: skip
def test_what_has_no_finite_value(text: str) -> None:
    """At once: powers are of doubles, so that they overflow instead of filling the memory."""
    with pytest.raises(InputError, match="has no finite value"):
        Expression(text)({})


@pytest.mark.parametrize(("first", "second"), [("1e200", "1e200"), ("nan", "1"), ("inf", "0")])
def test_values_without_a_finite_product(first: str, second: str) -> None:
    with pytest.raises(InputError, match="has no finite value"):
        Expression("a * b")({"a": float(first), "b": float(second)})


def test_a_value_that_is_missing() -> None:
    with pytest.raises(KeyError, match="rows"):
        Expression("rows * 2")({"columns": 1.0})


def test_nothing_but_arithmetic_is_reachable_by_names() -> None:
    """Built-in functions are not among the names that a formula finds."""
    for name in ("open", "print", "__import__", "__name__"):
        with pytest.raises(KeyError, match=name):
            Expression(name)({})
    for name in ("min", "__builtins__"):  # known, but no numbers
        with pytest.raises(InputError, match="no finite value"):
            Expression(name)({})


@pytest.mark.parametrize("length", [MAX_LENGTH, MAX_LENGTH + 1])
def test_how_long_a_formula_may_be(length: int) -> None:
    text = "1" + " " * (length - 1)
    if length <= MAX_LENGTH:
        assert Expression(text)({}) == 1.0
    else:
        with pytest.raises(InputError, match="more than 1000 characters"):
            Expression(text)


NESTED = (
    lambda levels: "-" * levels + "1",
    lambda levels: "(" * levels + "1" + ")" * levels,
    lambda levels: "1" + "+1" * levels,
    lambda levels: "a" + "*a" * levels,
    lambda levels: "1" + "^1" * levels,
    lambda levels: "floor(" * levels + "a" + ")" * levels,
)


@pytest.mark.parametrize("nest", NESTED)
def test_deeply_nested_formulas(nest: Callable[[int], str]) -> None:
    """Each is refused, or has a value however deep the caller's own stack is."""
    for levels in range(0, 500, 7):
        text = nest(levels)
        try:
            formula = Expression(text)
        except InputError as error:
            assert "formula" in str(error)
            assert levels > 90 or len(text) > MAX_LENGTH
        else:
            assert formula.dimension({"a": NONE}) == NONE
            wanted = {"-": (-1.0) ** levels, "+": levels + 1.0}
            assert formula({"a": 1.0}) == next((wanted[s] for s in wanted if s in text), 1.0)


def test_a_deep_stack() -> None:
    """A formula of as many levels as are allowed, in a program with half of its stack in use."""
    code = (
        "from rnscli.hardware.expression import Expression\n"
        "def deep(n):\n"
        "    if n: return deep(n - 1)\n"
        "    f = Expression('1' + '+1' * 90)\n"
        "    return f({}), f.dimension({})\n"
        "assert deep(500) == (91.0, (0.0,) * 5)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_equal_formulas() -> None:
    assert Expression("a + b") == Expression("a + b") != Expression("b + a")
    assert hash(Expression("a")) == hash(Expression("a"))
    with pytest.raises(AttributeError):
        Expression("a").text = "b"  # type: ignore[misc]

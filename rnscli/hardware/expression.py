"""Formulas of a profile: arithmetic of named quantities, whose units are checked.

A part's energy is ``comparator_current * supply * step * 2^output_bits``: the reader of a profile
sees what is computed, and a formula whose result is no energy is refused when it is read.
"""

import ast
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from types import CodeType
from typing import Any

from rnscli.base import InputError, shown

Dimension = tuple[float, float, float, float, float]  # powers of m, kg, s, A and K
NONE: Dimension = (0.0, 0.0, 0.0, 0.0, 0.0)
_BASE: dict[str, Dimension] = {
    "m": (1, 0, 0, 0, 0), "s": (0, 0, 1, 0, 0), "A": (0, 0, 0, 1, 0), "K": (0, 0, 0, 0, 1),
    "Hz": (0, 0, -1, 0, 0), "J": (2, 1, -2, 0, 0), "W": (2, 1, -3, 0, 0), "V": (2, 1, -3, -1, 0),
    "F": (-2, -1, 4, 2, 0), "Ohm": (2, 1, -3, -2, 0), "C": (0, 0, 1, 1, 0),
    "dB": NONE, "rad": NONE, "1": NONE, "bit": NONE,
}  # fmt: skip
# Units that constants may have, base ones with prefixes in front: those below a stroke have none.
UNITS = (
    "m2", "F/m2", "F/m", "Ohm/m", "dB/m", "dB/Hz", "A/W", "J/bit", "J/m", "W/m", "W/Hz", "W/m2",
    "bit/m2", "m2/bit", "A2", "J/K", "V*m", "1/Hz", "1/m", "rad/V", *_BASE,
)  # fmt: skip
CONSTANTS = {  # of nature, which every formula may use
    "elementary_charge": (1.602176634e-19, "C"),
    "boltzmann": (1.380649e-23, "J/K"),
}
MAX_LENGTH = 1000
_MAX_DEPTH = 100  # of a tree, whose height is the number of terms of a sum or a product


@lru_cache(maxsize=256)
def dimension(unit: str) -> Dimension:
    """Powers of the base units of SI in a unit; of a ratio in decibels none.

    Examples
    --------
    >>> dimension("F/m") == dimension("A/W") == NONE
    False
    >>> dimension("dB/Hz") == dimension("1/Hz") == dimension("s")
    True
    """
    above, _, below = unit.partition("/")
    found = NONE
    for text, sign in ((above, 1), (below, -1)):
        for factor in filter(None, text.split("*")):
            name, power = (factor[:-1], 2) if factor[-1] == "2" else (factor, 1)
            found = _product(found, _BASE[name], sign * power)
    return found


def _product(one: Dimension, other: Dimension, power: float = 1) -> Dimension:
    first, second, third, fourth, fifth = (a + power * b for a, b in zip(one, other, strict=True))
    return first, second, third, fourth, fifth


def decibels(value: float) -> float:
    """The ratio of powers that some decibels are; ``db`` in formulas."""
    return math.pow(10.0, value / 10)


_FUNCTIONS: dict[str, Callable[..., float]] = {
    "min": min, "max": max, "sqrt": math.sqrt, "exp": math.exp, "log": math.log,
    "log2": math.log2, "log10": math.log10, "ceil": math.ceil, "floor": math.floor,
    "db": decibels,
}  # fmt: skip
FUNCTIONS = tuple(_FUNCTIONS)
_OPERATORS = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Pow)


@dataclass(frozen=True)
class Expression:
    """A formula of named quantities: ``+ - * / ^``, parentheses, and a few functions.

    Functions are ``min``, ``max``, ``sqrt``, ``exp``, ``log``, ``log2``, ``log10``, ``ceil``,
    ``floor`` and ``db(x)``, the ratio of powers that x decibels are.

    Parameters
    ----------
    text
        The formula.

    Raises
    ------
    InputError
        If it is no such formula.

    Examples
    --------
    >>> charge = Expression("rows * capacitance * voltage^2")
    >>> charge({"rows": 2.0, "capacitance": 3e-15, "voltage": 1.0})
    6e-15
    >>> charge.dimension({"rows": NONE, "capacitance": dimension("F"), "voltage": dimension("V")}
    ...     ) == dimension("J")
    True
    """

    text: str

    def __post_init__(self) -> None:
        _check(self._tree)

    def __getstate__(self) -> dict[str, str]:
        """The formula alone: code goes to no other process."""
        return {"text": self.text}

    @cached_property
    def _tree(self) -> ast.expr:
        if len(self.text) > MAX_LENGTH:
            raise InputError(f"a formula has more than {MAX_LENGTH} characters")
        try:
            return ast.parse(self.text.strip().replace("^", "**"), mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            raise InputError(f"{shown(self.text)} is no formula") from None

    @cached_property
    def names(self) -> frozenset[str]:
        """Quantities that it depends on."""
        called = {id(node.func) for node in ast.walk(self._tree) if isinstance(node, ast.Call)}
        return frozenset(
            node.id
            for node in ast.walk(self._tree)
            if isinstance(node, ast.Name) and id(node) not in called
        )

    @cached_property
    def _code(self) -> CodeType:
        return compile(ast.Expression(_as_floats(self._tree)), "<formula>", "eval")

    def __call__(self, values: Mapping[str, float]) -> float:
        """Its value; names that ``values`` lacks are a KeyError.

        Raises
        ------
        InputError
            If it is not a finite number.
        """
        try:
            # Nothing but what `_check` lets through is in the code: no attribute, no other call.
            result = float(eval(self._code, _GLOBALS, values))
        except NameError as error:
            raise KeyError(str(error)) from None
        except (ArithmeticError, ValueError, TypeError):
            result = math.nan
        if not math.isfinite(result):
            raise InputError(f"the formula {shown(self.text)} has no finite value here")
        return result

    def dimension(self, dimensions: Mapping[str, Dimension]) -> Dimension:
        """Dimension of its value.

        Raises
        ------
        InputError
            If it adds, or takes a function of, what does not fit, or names an unknown quantity.
        """
        return _Dimensions(self.text, dimensions).of(self._tree)


_GLOBALS: dict[str, Any] = {"__builtins__": {}, **_FUNCTIONS}


def _check(tree: ast.expr) -> None:
    """Refuse all but arithmetic, and what is nested so deeply that Python's own stack overflows."""
    level: list[ast.AST] = [tree]
    for _ in range(_MAX_DEPTH):
        level = [child for node in level for child in ast.iter_child_nodes(node)]
    if level:
        raise InputError(f"a formula has more than {_MAX_DEPTH} levels")
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            known = isinstance(node.func, ast.Name) and node.func.id in _FUNCTIONS
            if not known or node.keywords or not node.args:
                raise InputError(f"a formula may call {', '.join(_FUNCTIONS)} only")
        elif isinstance(node, ast.Constant):
            if type(node.value) not in (int, float):
                raise InputError("a formula has numbers, names and + - * / ^ only")
        elif isinstance(node, ast.BinOp):
            if not isinstance(node.op, _OPERATORS):
                raise InputError("a formula has + - * / ^ only")
        elif isinstance(node, ast.UnaryOp):
            if not isinstance(node.op, ast.USub | ast.UAdd):
                raise InputError("a formula has + - * / ^ only")
        elif not isinstance(node, ast.Name | ast.Load | ast.operator | ast.unaryop):
            raise InputError("a formula has numbers, names and + - * / ^ only")


class _AsFloats(ast.NodeTransformer):
    """Numbers as floats, so that powers overflow instead of growing without an end."""

    def visit_Constant(self, node: ast.Constant) -> ast.Constant:
        assert isinstance(node.value, int | float)
        value = float(node.value) if abs(node.value) < 1e300 else math.inf
        return ast.copy_location(ast.Constant(value), node)


def _as_floats(tree: ast.expr) -> ast.expr:
    made: ast.expr = _AsFloats().visit(tree)
    return made


class _Dimensions:
    """The dimensions of a formula and of its parts."""

    def __init__(self, text: str, known: Mapping[str, Dimension]) -> None:
        self._text, self._known = text, known

    def of(self, node: ast.expr) -> Dimension:
        if isinstance(node, ast.Constant):
            return NONE
        if isinstance(node, ast.UnaryOp):
            return self.of(node.operand)
        if isinstance(node, ast.Name):
            if node.id not in self._known:
                raise self._refused(f"{shown(node.id)} is no constant of the profile")
            return self._known[node.id]
        if isinstance(node, ast.Call):
            return self._called(node)
        assert isinstance(node, ast.BinOp)
        left, right = self.of(node.left), self.of(node.right)
        if isinstance(node.op, ast.Mult | ast.Div):
            return _product(left, right, 1 if isinstance(node.op, ast.Mult) else -1)
        if isinstance(node.op, ast.Pow):
            return self._power(node, left, right)
        if left != right:
            raise self._refused("it adds quantities of different units")
        return left

    def _power(self, node: ast.BinOp, left: Dimension, right: Dimension) -> Dimension:
        if right != NONE:
            raise self._refused("an exponent has a unit")
        if left == NONE:
            return NONE
        if not isinstance(node.right, ast.Constant):
            raise self._refused("a quantity with a unit may have a number as its exponent only")
        assert isinstance(node.right.value, int | float)
        return _product(NONE, left, node.right.value)

    def _called(self, node: ast.Call) -> Dimension:
        assert isinstance(node.func, ast.Name)
        name, arguments = node.func.id, [self.of(one) for one in node.args]
        first = arguments[0]
        if name in ("min", "max"):
            if len(arguments) < 2 or any(one != first for one in arguments):
                raise self._refused(f"{name} is of two or more quantities of one unit")
            return first
        if len(arguments) > 1:
            raise self._refused(f"{name} is of one quantity")
        if name == "db":  # of dB/Hz it is a density
            return first
        if name == "sqrt":
            return _product(NONE, first, 0.5)
        if first != NONE:
            raise self._refused(f"{name} is of a number without a unit")
        return NONE

    def _refused(self, why: str) -> InputError:
        return InputError(f"the formula {shown(self._text)}: {why}")

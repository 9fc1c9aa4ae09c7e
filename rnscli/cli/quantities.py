"""Option values that are physical quantities, which may be uncertain."""

from collections.abc import Sequence
from typing import Any

import click

from rnscli.cli.sweep import ParamType, Sweep, shown
from rnscli.core.errors import InputError
from rnscli.core.units import Uncertain, parse_quantity, parse_uncertain


class QuantitySweep(Sweep):
    """Physical quantities with an optional prefix and unit: ``100fJ``."""

    def __init__(self, unit: str, example: str) -> None:
        """Accept non-negative values in ``unit``."""
        super().__init__(f"a quantity in {unit} such as {example}, or a list of them", "QUANTITY")
        self.unit = unit

    def items(self, text: str) -> Sequence[float | Uncertain]:
        """One quantity."""
        value = parse_quantity(text, self.unit)
        if value < 0:
            raise ValueError
        return [value]


class UncertainSweep(QuantitySweep):
    """Quantities that may be uncertain: ``100fJ``, ``100fJ±30%``, ``100fJ+-20fJ``."""

    def __init__(self, unit: str, example: str) -> None:
        """Accept non-negative values in ``unit``."""
        super().__init__(unit, example)
        self.what = (
            f"a quantity in {unit} such as {example}, or a range such as {example}±30%, or a list "
            "of these"
        )

    def items(self, text: str) -> Sequence[float | Uncertain]:
        """One quantity or range."""
        value = parse_uncertain(text, self.unit)
        if (value.value if isinstance(value, Uncertain) else value) < 0:
            raise ValueError
        return [value]


class Quantity(ParamType):
    """One physical quantity: ``100fJ``."""

    name = "QUANTITY"

    def __init__(self, unit: str, example: str) -> None:
        """Accept positive values in ``unit``."""
        self.unit, self.example = unit, example

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """The value in base SI."""
        if isinstance(value, float):
            return value
        try:
            number = parse_quantity(str(value), self.unit)
        except InputError:
            number = 0.0
        if number <= 0:
            self.fail(
                f"{shown(value)} is not accepted; it must be a positive quantity in {self.unit} "
                f"such as {self.example}",
                param,
                ctx,
            )
        return number

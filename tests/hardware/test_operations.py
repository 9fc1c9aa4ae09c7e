"""Prices of digital operations: those that were published, and what lies between them."""

import math
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnscli.base.errors import InputError
from rnscli.core.cores.kind import Operation, Operations, add, multiply, times
from rnscli.hardware.operations import OperationPrices

QUICK = settings(max_examples=100, deadline=None, derandomize=True)

# Horowitz, ISSCC 2014, 45 nm: pJ. Dally, 2015: um^2.
PUBLISHED = [
    (add(8), 0.03, 36),
    (add(32), 0.1, 137),
    (multiply(8, 8), 0.2, 282),
    (multiply(32, 32), 3.1, 3495),
    ((Operation("fp-add", 32),), 0.9, 4184),
    ((Operation("fp-multiply", 32),), 3.7, 7700),
]


@pytest.mark.parametrize(("operation", "energy", "area"), PUBLISHED)
def test_published_prices(operation: Operations, energy: float, area: float) -> None:
    prices = OperationPrices()
    assert prices.energy(operation) == pytest.approx(energy * 1e-12, rel=1e-14, abs=0)
    assert prices.area(operation, 1) == pytest.approx(area * 1e-12, rel=1e-14, abs=0)


def test_half_way_between_them_is_the_geometric_mean() -> None:
    """16 is 8 x 2 and 32 / 2, so a power of the width gives sqrt(E(8) E(32))."""
    prices = OperationPrices()
    assert prices.energy(add(16)) == pytest.approx(math.sqrt(0.03 * 0.1) * 1e-12, rel=1e-14)
    assert prices.energy(multiply(16, 16)) == pytest.approx(math.sqrt(0.2 * 3.1) * 1e-12, rel=1e-14)
    assert prices.area(add(16), 1) == pytest.approx(math.sqrt(36 * 137) * 1e-12, rel=1e-14)
    assert prices.area(multiply(16, 16), 1) == pytest.approx(
        math.sqrt(282 * 3495) * 1e-12, rel=1e-14
    )


def test_beyond_them_it_is_the_same_power() -> None:
    """128 bits are to 32 as 32 to 8; 2 bits to 8 as 8 to 32."""
    prices = OperationPrices()
    assert prices.energy(add(128)) == pytest.approx(0.1 * 0.1 / 0.03 * 1e-12, rel=1e-14)
    assert prices.energy(multiply(2, 2)) == pytest.approx(0.2 * 0.2 / 3.1 * 1e-12, rel=1e-14)


@QUICK
@given(st.integers(1, 200), st.integers(1, 200))
def test_a_product_of_two_widths_costs_as_their_geometric_mean(first: int, second: int) -> None:
    prices = OperationPrices()
    both = prices.energy(multiply(first, second)) ** 2
    squares = prices.energy(multiply(first, first)) * prices.energy(multiply(second, second))
    assert both == pytest.approx(squares, rel=1e-12, abs=0)
    assert multiply(first, second) == multiply(second, first)


@pytest.mark.parametrize("operation", [add, lambda width: multiply(width, width)])
@QUICK
@given(width=st.integers(1, 500))
def test_wider_costs_more(operation: Callable[[int], Operations], width: int) -> None:
    prices = OperationPrices()
    assert prices.energy(operation(width + 1)) > prices.energy(operation(width)) > 0
    assert prices.area(operation(width + 1), 1) > prices.area(operation(width), 1) > 0


# Of the same operations in TPUv4i at 7 nm (Jouppi et al., ISCA 2021, table 2), in pJ.
AT_7_NM = [
    (add(32), 0.030),
    (multiply(8, 8), 0.070),
    ((Operation("fp-add", 32),), 0.38),
    ((Operation("fp-multiply", 32),), 1.31),
]


@pytest.mark.parametrize(("operations", "energy"), AT_7_NM)
def test_energies_go_through_two_published_tables(
    operations: tuple[Operation, ...], energy: float
) -> None:
    """In between by a power: at the geometric mean of both nodes it is that of both energies."""
    at_45 = OperationPrices().energy(operations)
    at_7 = OperationPrices(node=7e-9).energy(operations)
    between = OperationPrices(node=math.sqrt(7 * 45) * 1e-9).energy(operations)
    assert at_7 == pytest.approx(energy * 1e-12, rel=1e-12, abs=0)
    assert between == pytest.approx(math.sqrt(at_45 * at_7), rel=1e-12, abs=0)


@QUICK
@given(st.floats(7e-9, 130e-9), st.floats(7e-9, 130e-9))
def test_nodes(node: float, reference: float) -> None:
    """Smaller nodes take less of both; prices at the node that they are given for are those."""
    prices, here = (OperationPrices(node=at, reference_node=reference) for at in (node, reference))
    for operation, energy, area in PUBLISHED:
        assert here.energy(operation) == pytest.approx(energy * 1e-12, rel=1e-12, abs=0)
        assert here.area(operation, 1) == pytest.approx(area * 1e-12, rel=1e-12, abs=0)
        if node < 0.99 * reference:
            assert prices.energy(operation) < here.energy(operation)
            assert prices.area(operation, 1) < here.area(operation, 1)


@pytest.mark.parametrize(("node", "scale"), [(7, 0.059), (14, 0.17), (32, 0.46), (65, 1.5)])
def test_areas_of_nodes(node: int, scale: float) -> None:
    """Stillmaker and Baas, Integration 2017: areas over those at 45 nm."""
    prices = OperationPrices(node=node * 1e-9)
    assert prices.area(add(8), 1) == pytest.approx(scale * 36e-12, rel=1e-12, abs=0)


def test_a_factor_multiplies_energies_only() -> None:
    prices, twice = OperationPrices(), OperationPrices(factor=2.0)
    for operation, energy, area in PUBLISHED:
        assert twice.energy(operation) == pytest.approx(2 * energy * 1e-12, rel=1e-14, abs=0)
        assert twice.area(operation, 1) == pytest.approx(area * 1e-12, rel=1e-14, abs=0)
    assert OperationPrices(factor=0.0).energy(add(8)) == 0.0 < prices.energy(add(8))
    with pytest.raises(InputError, match="`factor` is"):
        OperationPrices(factor=-1.0)


def test_the_spread_is_that_of_two_other_sources() -> None:
    """Stillmaker and Baas: a V^2 + b V + c of 7 nm at 0.7 V over that of 45 nm at 0.9 V; of a
    multiplication of 8 bits the table of TPUv4i has 0.07 of 0.2 pJ. Aladdin: 12.68 pJ of 32 bits.
    """
    at_7 = 0.1776 * 0.7**2 - 0.09097 * 0.7 + 0.02447
    at_45 = 1.018 * 0.9**2 - 0.3107 * 0.9 + 0.1539
    spread = OperationPrices(node=14e-9, factor=1.0).spread
    assert spread is not None and spread.value == 1.0
    assert spread.low == pytest.approx(at_7 / at_45 / (0.07 / 0.2), rel=5e-3)
    assert 1 / 5.5 < spread.low < 1 / 4  # a fifth, as the documentation says
    at_32_bits = OperationPrices().energy(multiply(32, 32))
    assert spread.high * at_32_bits == pytest.approx(12.68e-12, rel=2e-3)
    # What else that library has is between: an addition of 0.21 pJ.
    assert 1 < 0.21e-12 / OperationPrices().energy(add(32)) < spread.high


def test_prices_of_ones_own_have_no_spread() -> None:
    for own in ({"add_8": 0.04e-12}, {"fp_add_32": 1e-12}, {"reference_node": 40e-9}):
        assert OperationPrices(**own).spread is None
    assert OperationPrices(add_8_area=40e-12, node=7e-9).spread is not None


def test_tables_end() -> None:
    assert OperationPrices(node=7e-9).outside() is OperationPrices(node=45e-9).outside() is None
    for node in (6.9e-9, 46e-9):
        assert "7 to 45 nm" in (OperationPrices(node=node).outside() or "")


def test_many_operations() -> None:
    """3 additions of 8 bits and half a product of 32: 90 fJ + 1.55 pJ."""
    operations = (*add(8, 3.0), *multiply(32, 32, 0.5))
    assert OperationPrices().energy(operations) == pytest.approx(1.64e-12, rel=1e-14, abs=0)
    assert OperationPrices().energy(times(operations, 3.0)) == pytest.approx(4.92e-12, rel=1e-14)
    assert OperationPrices().energy(()) == 0.0


def test_units_are_whole() -> None:
    """3 and 0.5 operations 2.1 times a cycle take 7 adders and 2 multipliers, not 6.3 and 1.05."""
    operations = (*add(8, 3.0), *multiply(32, 32, 0.5))
    assert OperationPrices().area(operations, 2.1) == pytest.approx(
        (7 * 36 + 2 * 3495) * 1e-12, rel=1e-14, abs=0
    )
    assert OperationPrices().area(operations, 1e-9) == pytest.approx(
        (36 + 3495) * 1e-12, rel=1e-14, abs=0
    )


def test_no_operation_is_none() -> None:
    assert add(8, 0.0) == multiply(8, 8, 0.0) == times(add(8), 0.0) == ()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("add_8", 0.0),
        ("add_8", -1e-15),
        ("add_32", math.nan),
        ("multiply_32", math.inf),
        ("fp_add_32", "much"),
        ("fp_multiply_32_area", 0.0),
        ("add_8_area", 2.0),
        ("add_32", 0.02e-12),  # below that of 8 bits
        ("multiply_32", 0.19e-12),
        ("multiply_8", 3.2e-12),
        ("add_32_area", 35e-12),
        ("multiply_8_area", 3496e-12),
        ("node", 0.5e-9),
        ("node", 2e-4),
        ("reference_node", 0.0),
    ],
)
def test_refused_prices(name: str, value: Any) -> None:
    named = name.replace("_8", "_(8|32)") if "_8" in name else name
    with pytest.raises(InputError, match=f"`{named}` is"):
        OperationPrices(**{name: value})


def test_the_same_price_at_both_widths_is_accepted() -> None:
    prices = OperationPrices(add_8=1e-13, add_32=1e-13)
    assert prices.energy(add(1)) == prices.energy(add(300)) == 1e-13


@pytest.mark.parametrize("kind", ["fp-add", "fp-multiply"])
def test_numbers_of_another_width_than_was_published_have_no_price(kind: str) -> None:
    operation = (Operation(kind, 16),)
    with pytest.raises(InputError, match=rf"{kind} of 16 bits has no price"):
        OperationPrices().energy(operation)
    with pytest.raises(InputError, match=rf"{kind} of 16 bits has no price"):
        OperationPrices().area(operation, 1)

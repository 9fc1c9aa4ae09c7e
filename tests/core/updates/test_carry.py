"""Periodic carry: weights stay exactly what they are, and digits are reset."""

from fractions import Fraction

import numpy as np
import pytest

from rnscli.core.updates.cells import Cells, CellUpdates
from rnscli.core.updates.exponential import Exponential
from rnscli.core.updates.linear import Linear

RNG = np.random.default_rng(2)


def exact(cells: Cells) -> list[Fraction]:
    """Sums of digits without any rounding."""
    signs = (1, -1)
    return [
        sum(
            (
                signs[side] * Fraction(float(cells.state[digit, side, place]))
                for digit in range(cells.state.shape[0])
                for side in range(cells.state.shape[1])
            ),
            Fraction(0),
        )
        for place in range(cells.state.shape[2])
    ]


@pytest.mark.parametrize("mapping", ["reference", "pair"])
@pytest.mark.parametrize("base", [2.0, 3.7, 5.0])
def test_an_exact_carry_keeps_every_weight_exactly(mapping: str, base: float) -> None:
    updates = CellUpdates(
        law=Exponential(2.0), noise=0.05, mapping=mapping, cells=3, cell_base=base, carry_every=4
    )
    cells = updates.program(RNG.uniform(-1.2, 1.2, 60), 1.0)
    carried = 0
    for step in range(1, 60):
        cells.change(RNG.normal(size=60) * 0.2 / base**2, RNG)
        before, state = exact(cells), cells.state.copy()
        assert cells.carry(step, RNG) is (step % 4 == 0)
        assert exact(cells) == before
        carried += int(np.any(cells.state != state))
    assert carried > 8
    reach = base ** -np.arange(3.0)
    assert (np.abs(cells.digits()) <= reach[:, np.newaxis]).all()


def test_digits_beyond_half_are_reset_and_others_stay() -> None:
    cells = CellUpdates(law=Linear(), cells=2, cell_base=5.0, carry_every=1).program(
        np.zeros(4), 2.0
    )
    cells.change(np.array([0.1, 0.3, -0.3, 0.0]), RNG)  # of a digit that reaches 0.4
    assert cells.carry(1, RNG)
    expected = [[0, 0.15, -0.15, 0], [0.05, 0, 0, 0]]
    np.testing.assert_allclose(cells.digits(), expected, atol=1e-14)
    np.testing.assert_allclose(cells.weights(), [0.1, 0.3, -0.3, 0.0], atol=1e-14)


def test_a_full_digit_takes_no_more() -> None:
    cells = CellUpdates(law=Linear(), cells=2, carry_every=1).program(np.array([0.95, -1.0]), 1.0)
    cells.change(np.array([0.15, -0.15]), RNG)
    cells.carry(1, RNG)
    np.testing.assert_allclose(cells.digits(), [[1.0, -1.0], [0.1, -0.15]], atol=1e-14)


@pytest.mark.parametrize(
    ("base", "digits", "times"),
    [
        (2.0, [0.25, 0.125, 0.0625], ({6, 12, 18, 24}, {12, 24})),
        # The carries 3, 5, 8, 10, .. of the digit below: the first after so many times 2.5.
        (2.5, [0.25, 0.09375, 0.0390625], ({9, 15, 24, 30, 39, 45, 54, 60}, {24, 39, 60})),
    ],
)
def test_when_digits_are_carried(
    base: float, digits: list[float], times: tuple[set[int], set[int]]
) -> None:
    """Every third step the lowest, at these the middle one, and at some of these the one after."""
    cells = CellUpdates(law=Linear(), cells=4, cell_base=base, carry_every=3).program(
        np.zeros(1), 1.0
    )
    middle, highest = times
    for step in range(1, max(highest) + 1):
        cells.state[:, 0, 0] = [0.0, *digits]
        cells.carry(step, RNG)
        moved = [step in highest, step in middle, step % 3 == 0]
        value = cells.digits()[:, 0]
        assert [value[0] > 0, value[2] == 0, value[3] == 0] == moved


def test_no_carry_is_lost_in_a_long_training() -> None:
    """500 of the lowest digit; of the others so many times less as the base says."""
    cells = CellUpdates(law=Linear(), cells=4, cell_base=2.5, carry_every=100).program(
        np.zeros(1), 1.0
    )
    counts = [0, 0, 0]
    for step in range(100, 50_001, 100):
        cells.state[:, 0, 0] = [0.0, 0.25, 0.09375, 0.0390625]
        cells.carry(step, RNG)
        value = cells.digits()[:, 0]
        counts = [
            n + one
            for n, one in zip(counts, (value[0] > 0, value[2] == 0, value[3] == 0), strict=True)
        ]
    assert counts == [80, 200, 500]


def test_a_noisy_carry_is_right_in_the_mean() -> None:
    """Variance s^2 m (R_1 + R_2) of a moved m; 20 000 samples within 5 sigma: 6e-7."""
    draws, s = 20_000, 0.02
    updates = CellUpdates(law=Linear(), noise=s, cells=2, carry_every=1, carry="noisy")
    cells = updates.program(np.zeros(draws), 1.0)
    cells.state[1, 0] = 0.15
    cells.carry(1, np.random.default_rng(1))
    variance = s**2 * 0.15 * 2 * (1 + 0.2)
    found = cells.weights()
    assert abs(found.mean() - 0.15) < 5 * np.sqrt(variance / draws)
    assert abs(found.var() / variance - 1) < 5 * np.sqrt(2 / draws)

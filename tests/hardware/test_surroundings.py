"""Memories of operands and scales of outputs: published numbers, by hand."""

import math
from dataclasses import replace

import pytest

from rnscli.analysis.energy import EnergyParameters
from rnscli.core import DotProduct
from rnscli.core.cores.kind import Operation
from rnscli.hardware.operations import OperationPrices
from rnscli.hardware.surroundings import DRAMS, INPUT_SCALES, MEMORIES, SCALES

# Horowitz, ISSCC 2014, 45 nm: pJ of 64 bits; of DRAM the middle of 1.3 to 2.6 nJ.
HOROWITZ = {"sram-8k": 10, "sram-32k": 20, "sram-1m": 100, "dram": (1300 + 2600) / 2}


def test_the_memories() -> None:
    assert set(MEMORIES) == {"none", "register", "hbm2", *HOROWITZ}
    for memory in MEMORIES.values():
        assert memory.summary and memory.source


@pytest.mark.parametrize("name", HOROWITZ)
def test_energy_of_a_bit(name: str) -> None:
    memory = MEMORIES[name]
    assert 64 * memory.at_node(45e-9) == pytest.approx(HOROWITZ[name] * 1e-12, rel=1e-12, abs=0)
    assert "Horowitz" in memory.source


@pytest.mark.parametrize("name", ["sram-8k", "sram-32k", "sram-1m"])
def test_memories_on_the_chip_follow_the_node(name: str) -> None:
    """In proportion to its length."""
    memory = MEMORIES[name]
    for node in (7e-9, 14e-9, 90e-9):
        ratio = memory.at_node(node) / memory.at_node(45e-9)
        assert ratio == pytest.approx(node / 45e-9, rel=1e-12)


def test_a_bank_has_the_bandwidth_and_the_area_of_its_blocks() -> None:
    """Of Marinella et al., tables II and III: 1 MB takes 775 000 um^2 and is read in 4 us."""
    bank = MEMORIES["sram-1m"]
    assert bank.held == 8 * 2**20
    assert bank.held * bank.bit_area_at(14e-9) == pytest.approx(775_000e-12, rel=1e-3)
    assert bank.held / bank.bandwidth == pytest.approx(4e-6, rel=0.03)
    assert bank.bit_area_at(28e-9) > bank.bit_area_at(14e-9)


def test_drams() -> None:
    """25.6 GB/s of a channel, 256 GB/s of a stack; a stack takes less for a bit."""
    assert {name: MEMORIES[name].bandwidth / 8e9 for name in DRAMS} == {
        "dram": pytest.approx(25.6), "hbm2": pytest.approx(256),
    }  # fmt: skip
    assert all(MEMORIES[name].bit_area_at(14e-9) == 0 for name in DRAMS)
    assert 64 * MEMORIES["hbm2"].energy == pytest.approx(350e-12)


def test_a_register() -> None:
    """Sun et al., ICCAD 2023: a flip-flop of 1.7 fJ in 28 nm, and 0.85 fJ in 14."""
    assert MEMORIES["register"].at_node(28e-9) == 1.7e-15
    assert MEMORIES["register"].at_node(14e-9) == pytest.approx(0.85e-15, rel=1e-12)


def test_what_is_off_the_chip_does_not_follow_it() -> None:
    dram, none = MEMORIES["dram"], MEMORIES["none"]
    assert dram.at_node(7e-9) == dram.at_node(90e-9) == dram.energy > 0
    assert none.at_node(7e-9) == none.at_node(90e-9) == 0.0


# By CACTI 7.0 at 22 nm, and by the table of TPUv4i at 7 nm, pJ of 64 bits.
OTHERS = {"sram-8k": (1.590, 7.5), "sram-32k": (3.786, 8.5), "sram-1m": (23.467, 14)}


@pytest.mark.parametrize("name", OTHERS)
def test_spreads_of_memories_on_the_chip(name: str) -> None:
    """They reach what two others have at their nodes, and what Horowitz has."""
    memory, (at_22, at_7) = MEMORIES[name], OTHERS[name]
    spread = memory.spread
    assert spread is not None
    ends = (
        at_22 / (HOROWITZ[name] * 22 / 45), max(1.0, at_7 / (HOROWITZ[name] * 7 / 45))
    )  # fmt: skip
    assert (spread.low, spread.high) == pytest.approx(ends, rel=2e-3)
    assert spread.low < at_7 / (HOROWITZ[name] * 7 / 45) <= spread.high * 1.001


def test_spreads_of_other_memories() -> None:
    """HBM2 takes 250 to 450 pJ of 64 bits; a flip-flop of Aladdin's library 9 fJ at 45 nm."""
    dram, register = MEMORIES["dram"].spread, MEMORIES["register"].spread
    assert dram is not None and register is not None
    assert (dram.low, dram.high) == pytest.approx((250 / 1950, 2600 / 1950), rel=2e-3)
    assert (register.low, register.high) == pytest.approx((1, 9 / (1.7 * 45 / 28)), rel=1e-3)
    assert MEMORIES["none"].spread is None
    for memory in MEMORIES.values():
        assert all(one.source for one in (memory.low, memory.high) if one is not None)


def test_larger_memories_take_more() -> None:
    order = ("none", "register", "sram-8k", "sram-32k", "sram-1m", "dram")
    energies = [MEMORIES[name].at_node(14e-9) for name in order]
    assert energies == sorted(set(energies))


def test_the_scales() -> None:
    assert set(SCALES) == {"fp32", "power-of-two", "none"}
    assert all(one.summary for one in SCALES.values())


@pytest.mark.parametrize("width", [8, 18, 40])
def test_scales_in_floating_point(width: int) -> None:
    """3 products, 2 + 0 additions in FP32 of which one is an integer's, and a comparison.

    Of Horowitz at 45 nm: 3 x 3.7 + 0.9 + 2 x 0.1 = 12.2 pJ, whatever the width.
    """
    operations = SCALES["fp32"].operations(width)
    assert OperationPrices().energy(operations) == pytest.approx(12.2e-12, rel=1e-12)
    assert sum(one.count for one in operations) == SCALES["fp32"].cycles == 6
    counts = {(one.kind, one.width): one.count for one in operations}
    assert counts == {("fp-multiply", 32): 3, ("fp-add", 32): 1, ("add", 32): 2}


@pytest.mark.parametrize("width", [8, 18, 40])
def test_powers_of_two(width: int) -> None:
    """Two shifts, each as two additions, and three additions: 7 of the width of an output."""
    scales = SCALES["power-of-two"]
    assert scales.operations(width) == (Operation("add", width, 7.0),)
    assert scales.cycles == 2 + 3
    of_32 = OperationPrices().energy(scales.operations(32))
    assert of_32 == pytest.approx(0.7e-12, rel=1e-12)


def test_a_shift_counts_as_two_additions() -> None:
    """Aladdin's library: 0.417 pJ of a shifter of 32 bits, 0.21 of an adder."""
    assert round(0.417 / 0.21) == 2


def test_no_scales() -> None:
    assert SCALES["none"].operations(32) == () and SCALES["none"].cycles == 0
    assert replace(SCALES["fp32"], cycles=0).operations(32) == ()


@pytest.mark.parametrize("width", [2, 8, 18, 32, 53])
def test_powers_of_two_take_less(width: int) -> None:
    prices = OperationPrices()
    floating, shifted = (
        prices.energy(SCALES[name].operations(width)) for name in ("fp32", "power-of-two")
    )
    assert math.isfinite(floating) and 0 < shifted < floating


def test_scales_that_are_known_before_need_no_search() -> None:
    """A comparison of the width of an output, and nothing else."""
    prices = OperationPrices()
    for name, width, of_comparison in (("fp32", 18, 32), ("power-of-two", 18, 18)):
        scales = SCALES[name]
        searched, known = (prices.energy(scales.operations(width, one)) for one in (True, False))
        comparison = prices.energy((Operation("add", of_comparison),))
        assert searched - known == pytest.approx(comparison, rel=1e-9)
        assert scales.waits(False) == scales.waits(True) - 1 == scales.cycles - 1
    assert SCALES["none"].operations(18, False) == () and SCALES["none"].waits(False) == 0


def test_a_design_with_static_scales_saves_the_comparison_of_every_output() -> None:
    dot, comparison = DotProduct(128, 6, 6), (Operation("add", 32),)
    dynamic, static = (
        EnergyParameters(core="fixed-lp", dot_product=dot, bits=6, input_scale=name)
        for name in INPUT_SCALES
    )
    prices = dynamic.design.technology.operations
    bills = [{item.part: item.total for item in one.design.items} for one in (dynamic, static)]
    changed = {name for name in bills[0] if bills[0][name] != bills[1][name]}
    assert changed == {"scaling and rounding"} and bills[0].keys() == bills[1].keys()
    saved = bills[0]["scaling and rounding"] - bills[1]["scaling and rounding"]
    assert saved == pytest.approx(128 * prices.energy(comparison), rel=1e-9)

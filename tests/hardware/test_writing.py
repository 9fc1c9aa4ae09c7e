"""What loading an array of weights takes, by hand."""

from typing import Any

import pytest

from rnscli import InputError
from rnscli.analysis import EnergyParameters
from rnscli.core import DotProduct
from rnscli.core.arithmetic import ModuliSet
from rnscli.hardware import load_technology, technology_names
from rnscli.hardware.technology import WRITE


def design(
    core: str, technology: str, bits: int = 8, h: int = 64, c: int = 32, **more: Any
) -> EnergyParameters:
    return EnergyParameters(
        core=core,
        dot_product=DotProduct(h, bits, bits),
        bits=bits,
        columns=c,
        technology=load_technology(technology),
        extrapolate=True,
        moduli=ModuliSet((31, 29, 28, 27)) if core == "rns" else None,
        **more,
    )


@pytest.mark.parametrize("name", technology_names())
def test_every_shipped_technology_says(name: str) -> None:
    assert load_technology(name).does(WRITE)


def test_cells_that_are_written_and_verified() -> None:
    """8.52 pulses of 1 us and 10.3 nA at 1.8 V, each read for 256 and 127 ns; 56 us for a row."""
    made = design("fixed-lp", "reram-analog").design.writing
    line = 200e-12 * 64e-9 + 35e-18
    pulse = 1e-6 * 10.3e-9 * 1.8 + line * 1.8**2
    read = 1.8 * (20e-6 * 256e-9 + 12e-6 * 127e-9)
    assert made.energy == pytest.approx(64 * 32 * 8.52 * (pulse + read), rel=1e-12)
    assert made.time == pytest.approx(64 * 56e-6, rel=1e-12)
    assert made.endurance == 1e6


def test_a_systolic_array_is_filled_row_by_row() -> None:
    """A weight of 8 bits passes 32.5 registers of 1.7 fJ at 28 nm, half of that at 14 nm."""
    made = design("digital-int8", "digital-logic").design.writing
    assert made.energy == pytest.approx(64 * 32 * 65 / 2 * 8 * 1.7e-15 / 2, rel=1e-12)
    assert made.time == pytest.approx(64e-9)
    assert made.endurance is None


def test_all_channels_of_residues() -> None:
    """Four arrays at the same time; 5 bits each of a latch and a quarter of C V^2.

    Residues of each number are formed before, as those of inputs are.
    """
    made = design("rns", "photonic-phase", bits=5, h=16).design
    assert made.arrays == 4 * made.segments
    cell = 5 * (1.7e-15 + 0.25 * 415e-15 * 4)
    formed = made.technology.operations.energy(made.logic.inputs)
    assert 0 < formed < cell
    assert made.writing.energy == pytest.approx(16 * 32 * (4 * cell + formed), rel=1e-12)
    assert made.writing.time == pytest.approx(16e-9 / made.segments, rel=1e-12)


def test_a_ring_settles() -> None:
    """To half a step of 8 bits: 9 halvings of a time constant of 1.4 us."""
    made = design("fixed-lp", "photonic-incoherent", h=16, max_link_sigma=20.0).design.writing
    assert made.time == pytest.approx(9 * 0.693 * 1.4e-6, rel=1e-12)
    assert made.energy == pytest.approx(16 * 32 * 2.8e-3 * made.time, rel=1e-12)


def test_slices_are_written_in_their_own_arrays() -> None:
    one = design("fixed-lp", "switched-capacitor").design.writing
    assert one.energy == pytest.approx(64 * 32 * 8 * 1.7e-15, rel=1e-12)


def test_a_technology_that_does_not_say() -> None:
    from dataclasses import replace

    known = load_technology("switched-capacitor")
    parts = tuple(part for part in known.parts if part.kernels != (WRITE,))
    made = replace(design("fixed-lp", "switched-capacitor"), technology=replace(known, parts=parts))
    with pytest.raises(InputError, match="does not say what writing weights takes"):
        _ = made.design.writing

"""The budget against arrays that are programmed, cell by cell, and read."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from rnscli.analysis.analog_core import analog_core
from rnscli.analysis.noise.budget import NoiseBudget, Reading
from rnscli.core import Core, Devices, FloatArray
from rnscli.core.cores.conventional_core import step_of

ROWS, CHIPS, PAIRS = 32, 24, 400
INL = ((-1.0, 0.0), (-0.5, 0.3), (0.2, -0.1), (1.0, 0.2))
STATES = ((0.0, 0.0, 1e-5), (0.5, 0.5001, 2e-4), (1.0, 0.9999, 1e-4))


def operands(largest: int, rng: np.random.Generator) -> FloatArray:
    values = rng.uniform(-1, 1, (PAIRS, ROWS))
    values *= largest / np.abs(values).max(axis=1, keepdims=True)
    found: FloatArray = np.rint(values)
    return found


def of_pairs(x: FloatArray, columns: FloatArray) -> FloatArray:
    found: FloatArray = np.einsum("ij,ji->i", x, columns)
    return found


@dataclass
class Seen:
    """Errors of readings in steps of the ADC, and of the output, of shape ``(chips, pairs)``."""

    readings: list[FloatArray]
    outputs: FloatArray | None


def simulated(core: Core) -> Seen:
    """Every pair of operands in a column of its own, on several chips."""
    rng = np.random.default_rng(7)
    errors: list[list[FloatArray]] = [[] for _ in core.arrays]
    outputs = []
    for _ in range(CHIPS):
        dot = core.dot_product
        x, w = operands(dot.max_input, rng), operands(dot.max_weight, rng)
        built = core.built(w.T, rng, rng)
        for one in built.conversions(core.applied(x), of_pairs):
            modulus = core.arrays[one.part].modulus
            if modulus:
                level = np.mod(one.levels(rng), modulus) - modulus / 2
                exact = np.mod(one.exact, modulus) - modulus / 2
                off = one.seen(level, 1.0, modulus / 2, None) - exact
                off -= modulus * np.rint(off / modulus)  # a level of 0 that is below it
            else:
                made: Any = core
                bits, step = step_of(made.full_bits, made.adc_bits, made.shares[one.part])
                half = 2.0 ** (bits - 1)
                codes = np.rint(one.seen(one.levels(rng), step, half, None)).clip(-half, half - 1)
                off = codes - one.exact / step
            errors[one.part].append(off)
        if core.code is None:
            sums = np.rint(np.einsum("ij,ij->i", x, w)).astype(np.int64)
            outputs.append(core.multiply(x, built, of_pairs, sums, rng).values - sums)
    return Seen([np.array(one) for one in errors], np.array(outputs) if outputs else None)


def agree(expected: float, found: FloatArray, slack: float) -> None:
    """A mean over chips lies within 4.5 of its standard errors, and a share for small terms."""
    values = found.mean(axis=1)
    error = values.std(ddof=1) / CHIPS**0.5
    assert abs(values.mean() - expected) <= 4.5 * error + slack * abs(expected) + 1e-12


CASES: list[tuple[str, dict[str, Any]]] = [
    ("rns", {"cell_error": 2e-5}),
    ("rns", {"cell_error": 8e-5, "residues": "symmetric"}),
    ("rns", {"cell_error_proportional": 6e-5, "on_off_ratio": 10}),
    ("rns", {"cell_error": 4e-5, "mapping": "offset", "on_off_ratio": 20}),
    ("rns", {"cell_error": 9e-5, "mapping": "offset", "residues": "symmetric"}),
    ("rns", {"read_noise": 2e-5, "read_noise_proportional": 3e-5}),
    ("rns", {"wire_resistance": 7e-8}),
    ("rns", {"wire_resistance": 1.2e-6, "residues": "symmetric", "on_off_ratio": 50}),
    ("rns", {"states": STATES, "residues": "symmetric"}),
    ("rns", {"dac_error": 1e-3}),
    ("rns", {"adc_offset_error": 0.15, "adc_gain_error": 8e-3}),
    ("rns", {"adc_inl": 0.3, "adc_offset_error": 0.12}),
    ("rns", {"adc_points": INL, "adc_offset_error": 0.15}),
    ("fixed-lp", {"cell_error": 0.1}),
    ("fixed-lp", {"cell_error": 0.05, "mapping": "offset", "adc_offset_error": 0.3}),
    ("fixed-hp", {"cell_error_proportional": 0.05, "dac_error": 0.1}),
    ("fixed-hp", {"wire_resistance": 1e-4, "read_noise": 0.02, "on_off_ratio": 30}),
    ("fixed-hp", {"stuck_on": 0.02, "stuck_off": 0.05, "on_off_ratio": 10}),
    ("fixed-lp", {"input_slice_bits": 2, "dac_error": 0.2, "read_noise": 0.1}),
    ("bit-sliced", {"cell_error": 0.05, "wire_resistance": 1e-3}),
    ("bit-sliced", {"adc_gain_error": 0.05, "adc_inl": 1.0, "dac_error": 0.2}),
]


@pytest.mark.parametrize(("name", "given"), CASES)
def test_readings(name: str, given: Mapping[str, Any]) -> None:
    """Mean and variance of each reading, the probability of a wrong residue, the output's error."""
    core = analog_core(
        name, bits=6, vector_size=ROWS, slice_bits=2, adc_bits=9, devices=Devices(**given)
    )
    budget, seen = NoiseBudget(core, ROWS), simulated(core)
    for reading, off in zip(budget.readings, seen.readings, strict=True):
        agree(reading.bias, off, 0.01)
        agree(reading.sigma**2, (off - reading.bias) ** 2, 0.02)
        if reading.modulus:
            assert 0.002 < reading.error_probability < 0.9
            agree(reading.error_probability, (np.abs(off) > 0.5) * 1.0, 0.05)
    if seen.outputs is not None:
        assert budget.output_error is not None
        agree(budget.output_error**2, np.square(seen.outputs), 0.03)


def test_few_stuck_cells() -> None:
    """Far from normal: most columns have none, and those that have one read anything."""
    core = analog_core(
        "rns", bits=6, vector_size=ROWS, devices=Devices(stuck_on=2e-4, stuck_off=3e-4)
    )
    for reading, off in zip(
        NoiseBudget(core, ROWS).readings, simulated(core).readings, strict=True
    ):
        assert reading.sigma > 10 and 0.005 < reading.error_probability < 0.03
        agree(reading.error_probability, (np.abs(off) > 0.5) * 1.0, 0.03)


def test_all_at_once() -> None:
    """Parts add up in squares as if each were alone."""
    given: dict[str, Any] = {
        "cell_error": 2e-5, "read_noise": 2e-5, "dac_error": 5e-4, "adc_offset_error": 0.05,
        "adc_gain_error": 2e-3, "adc_inl": 0.05, "residues": "symmetric", "on_off_ratio": 100,
        "wire_resistance": 1e-7,
    }  # fmt: skip
    core = analog_core("rns", bits=5, vector_size=ROWS, devices=Devices(**given))
    for reading, off in zip(
        NoiseBudget(core, ROWS).readings, simulated(core).readings, strict=True
    ):
        assert len(reading.parts) == 7
        agree(reading.sigma**2, (off - reading.bias) ** 2, 0.02)
        assert reading.sigma**2 == pytest.approx(reading.static**2 + reading.fresh**2)


def test_what_each_error_is_a_part_of() -> None:
    """And of no other: with it switched on alone."""
    parts = {
        "cell_error": "cells", "cell_error_proportional": "cells", "read_noise": "read",
        "read_noise_proportional": "read", "stuck_on": "stuck", "stuck_off": "stuck",
        "wire_resistance": "wires", "dac_error": "dac", "adc_offset_error": "adc_offset",
        "adc_gain_error": "adc_gain", "adc_inl": "adc_inl",
    }  # fmt: skip
    for name, part in parts.items():
        given: dict[str, Any] = {name: 1e-4}
        core = analog_core("rns", bits=4, vector_size=8, devices=Devices(**given))
        for reading in NoiseBudget(core, 8).readings:
            assert set(reading.parts) == {part}, name
    ideal = analog_core("rns", bits=4, vector_size=8)
    for reading in NoiseBudget(ideal, 8).readings:
        assert not reading.parts
        assert reading.error_probability == reading.sigma == reading.bias == 0


def test_conventional_cores_without_errors() -> None:
    """What is left is rounding: 1/12 of a square step, and nothing where no bit is lost."""
    for adc_bits, sigma in ((6, 12**-0.5), (17, 0.0)):
        core = analog_core("fixed-lp", bits=6, vector_size=64, adc_bits=adc_bits)
        (reading,) = NoiseBudget(core, 64).readings
        assert isinstance(reading, Reading) and reading.sigma == pytest.approx(sigma, abs=1e-9)


def test_clipping() -> None:
    """Sums of 32 products are normal enough for a range of an eighth."""
    core = analog_core("fixed-lp", bits=6, vector_size=ROWS, adc_bits=8, adc_range="1/16")
    (reading,), seen = NoiseBudget(core, ROWS).readings, simulated(core)
    assert reading.parts["clipping"] > 2 * reading.parts["quantisation"]
    agree(reading.sigma**2, np.square(seen.readings[0]), 0.03)

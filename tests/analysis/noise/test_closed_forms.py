"""Special cases of the budget in exact fractions, and laws against enumeration."""

import math
from collections.abc import Mapping
from fractions import Fraction
from itertools import pairwise, product
from typing import Any

import numpy as np
import pytest

from rnscli.analysis.analog_core import analog_core
from rnscli.analysis.noise.budget import NoiseBudget
from rnscli.analysis.noise.operand_law import residue_of_sums, uniform_law
from rnscli.analysis.noise.wrong_residue import Jumps, Levels, mixed_error, wrong_residues
from rnscli.base import InputError
from rnscli.core import Devices, Gaussian, ModuliSet
from rnscli.core.cores.conventional_core import mean_square

Law = Mapping[int, Fraction]


def law_of(bits: int, rows: int) -> dict[int, Fraction]:
    """One of h numbers is the largest; others are uniform, and rounded."""
    q = 2 ** (bits - 1) - 1
    found = {v: Fraction(rows - 1, rows) * Fraction(1, 2 * q) for v in range(-q, q + 1)}
    for end in (-q, q):
        found[end] = found[end] / 2 + Fraction(1, 2 * rows)
    assert sum(found.values()) == 1
    return found


def residues_of(law: Law, modulus: int, below: int = 0) -> dict[int, Fraction]:
    found: dict[int, Fraction] = {}
    for value, chance in law.items():
        residue = (value + below) % modulus - below
        found[residue] = found.get(residue, Fraction(0)) + chance
    return found


def mean(law: Law, power: int = 1) -> Fraction:
    return sum((chance * value**power for value, chance in law.items()), Fraction(0))


def variances(rows: int, modulus: int, given: Mapping[str, Any]) -> dict[str, float]:
    core = analog_core(
        "rns", bits=3, vector_size=rows, moduli=(7, 5, 3, 2), devices=Devices(**given)
    )
    place = core.channels.index(modulus)
    return {name: one**2 for name, one in NoiseBudget(core, rows).readings[place].parts.items()}


@pytest.mark.parametrize("modulus", [7, 5, 3])
@pytest.mark.parametrize("symmetric", [False, True])
def test_cells(modulus: int, symmetric: bool) -> None:
    """Pairs of cells have twice the variance of one, whatever is in them; full scale is W."""
    rows, below = 3, modulus // 2 if symmetric else 0
    x = residues_of(law_of(3, rows), modulus, below)
    scale = max(below, modulus - 1 - below)
    one = Fraction(1, 1000) ** 2 / 4 * scale**2
    kind = "symmetric" if symmetric else "plain"
    found = variances(rows, modulus, {"cell_error": 1e-3, "residues": kind})
    assert found == pytest.approx({"cells": float(rows * mean(x, 2) * 2 * one)}, rel=1e-12)
    # A ratio of 5 leaves 4/5 of the range to the weights.
    wide = variances(rows, modulus, {"cell_error": 1e-3, "residues": kind, "on_off_ratio": 5})
    assert wide["cells"] == pytest.approx(found["cells"] * (5 / 4) ** 2, rel=1e-12)
    # A single cell of plain residues has half of the variance.
    if not symmetric:
        single = variances(rows, modulus, {"cell_error": 1e-3, "mapping": "offset"})
        assert single["cells"] == pytest.approx(found["cells"] / 2, rel=1e-12)
    noise = variances(rows, modulus, {"read_noise": 1e-3, "residues": kind})
    assert noise == pytest.approx({"read": found["cells"]}, rel=1e-12)


@pytest.mark.parametrize("modulus", [7, 5])
def test_cells_in_proportion(modulus: int) -> None:
    """Of weights w the cell at g has a g, also the one that holds 0 where that is 1/4."""
    rows = 4
    law = residues_of(law_of(3, rows), modulus)
    quarter, full = Fraction(1, 4), modulus - 1
    squares = sum(
        chance * ((quarter + Fraction(3 * w, 4 * full)) ** 2 + quarter**2)
        for w, chance in law.items()
    )
    scale = Fraction(full) / (1 - quarter)
    expected = rows * mean(law, 2) * Fraction(1, 100) ** 2 * scale**2 * squares
    found = variances(rows, modulus, {"cell_error_proportional": 0.01, "on_off_ratio": 4})
    assert found == pytest.approx({"cells": float(expected)}, rel=1e-12)


@pytest.mark.parametrize("modulus", [7, 5, 3])
def test_dacs(modulus: int) -> None:
    """``h E[w^2] s^2``; offsets are multiplied, too."""
    rows = 3
    w = residues_of(law_of(3, rows), modulus)
    expected = rows * mean(w, 2) * Fraction(1, 100) ** 2
    found = variances(rows, modulus, {"dac_error": 0.01})
    if modulus == 3:  # residues of three levels need a switch
        assert found == {}
    else:
        assert found == pytest.approx({"dac": float(expected)}, rel=1e-12)


def test_adcs() -> None:
    """Of uniform residues: a gain has (m^2 + 2) / 12, a bow the sum of (1 - u^2)^2 over m."""
    rows, modulus, gain, height = 64, 7, Fraction(1, 50), Fraction(1, 4)
    given = {"adc_gain_error": 0.02, "adc_inl": 0.25, "adc_offset_error": 0.5}
    core = analog_core(
        "rns", bits=6, vector_size=rows, moduli=(61, 59, 53, 7), devices=Devices(**given)
    )
    found = {n: s**2 for n, s in NoiseBudget(core, rows).readings[-1].parts.items()}
    levels = [Fraction(2 * r - modulus, modulus) for r in range(modulus)]
    bow = sum((1 - u**2) ** 2 for u in levels) / modulus
    expected = {
        "adc_offset": Fraction(1, 4),
        "adc_gain": gain**2 * Fraction(modulus**2 + 2, 12),
        "adc_inl": height**2 * bow,
    }
    assert found == pytest.approx({n: float(one) for n, one in expected.items()}, rel=1e-6)
    assert float(bow) == pytest.approx(8 / 15, rel=0.01)


def test_a_measured_adc_is_a_bow() -> None:
    """A table that is one: its mean is a bias, and the rest is as that of heights without sign."""
    rows = 64
    table = tuple((float(u), 0.25 * (1 - u**2)) for u in np.linspace(-1, 1, 2001))
    core = analog_core("rns", bits=6, vector_size=rows, devices=Devices(adc_points=table))
    bowed = analog_core("rns", bits=6, vector_size=rows, devices=Devices(adc_inl=0.25))
    pairs = zip(NoiseBudget(core, rows).readings, NoiseBudget(bowed, rows).readings, strict=True)
    for one, other in pairs:
        square = one.parts["adc_inl"] ** 2 + one.bias**2
        assert square == pytest.approx(other.parts["adc_inl"] ** 2, rel=1e-4)
        assert one.bias == pytest.approx(0.25 * 2 / 3, rel=0.01) and other.bias == 0


def test_growth() -> None:
    """With the rows as their root, and in proportion to m^2 for cells and to m for DACs."""
    given = {"cell_error": 1e-4, "dac_error": 1e-3}
    sizes = (64, 256, 1024)
    found = []
    for rows in sizes:
        core = analog_core("rns", bits=8, vector_size=rows, devices=Devices(**given))
        found.append([one.parts for one in NoiseBudget(core, rows).readings])
    for name in given:
        part = name.removesuffix("_error").replace("cell", "cells")
        for few, more in pairwise(found):
            assert more[0][part] / few[0][part] == pytest.approx(2, rel=0.02)
    pair = [
        NoiseBudget(
            analog_core(
                "rns", bits=8, vector_size=64, moduli=(251, 241, 239, 61),
                devices=Devices(**given),
            ), 64,
        ).readings[k].parts
        for k in (0, 3)
    ]  # fmt: skip
    assert pair[0]["cells"] / pair[1]["cells"] == pytest.approx((250 / 60) ** 2, rel=0.05)
    assert pair[0]["dac"] / pair[1]["dac"] == pytest.approx(250 / 60, rel=0.05)


# Laws of operands ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("bits", "rows"), [(2, 1), (3, 4), (6, 128), (8, 9)])
def test_law_of_operands(bits: int, rows: int) -> None:
    law, exact = uniform_law(2 ** (bits - 1) - 1, rows), law_of(bits, rows)
    found = dict(zip(map(int, law.values), law.chances, strict=True))
    assert found == pytest.approx({v: float(one) for v, one in exact.items()}, rel=1e-12)
    assert law.mean(law.values**2) == pytest.approx(mean_square(2 ** (bits - 1) - 1, rows))
    with pytest.raises(InputError, match="magnitudes up to 8388607"):
        uniform_law(2**23 - 1, rows)


@pytest.mark.parametrize("modulus", [2, 5, 6])
def test_residues_of_sums(modulus: int) -> None:
    """Three products, all of them."""
    x, w = residues_of(law_of(3, 3), modulus), residues_of(law_of(2, 3), modulus)
    expected = [Fraction(0)] * modulus
    for held in product(x, w, x, w, x, w):
        chance = math.prod((x if k % 2 == 0 else w)[v] for k, v in enumerate(held))
        total = sum(held[k] * held[k + 1] for k in (0, 2, 4))
        expected[total % modulus] += chance
    laws = uniform_law(3, 3), uniform_law(1, 3)
    found = residue_of_sums(laws[0].values, laws[1].values, laws, 3, modulus)
    assert found == pytest.approx([float(one) for one in expected], rel=1e-9, abs=1e-15)


# Wrong residues -----------------------------------------------------------------------------------


@pytest.mark.parametrize("modulus", [2, 3, 7, 63, 1021])
def test_without_a_bias_it_is_the_law_of_the_noise(modulus: int) -> None:
    sigmas = np.array([1e-3, 0.03, 0.1, 0.2, 0.5, 1.0, 3.0, 20.0, 100.0])
    expected = [Gaussian(float(one)).error_probability(modulus) for one in sigmas]
    assert wrong_residues(sigmas, np.zeros(9), modulus) == pytest.approx(expected, rel=1e-9)


def normal(value: float) -> float:
    return 0.5 * math.erfc(-value / math.sqrt(2))


@pytest.mark.parametrize("modulus", [2, 5, 16])
@pytest.mark.parametrize("bias", [0.0, 0.3, -0.7, 2.5, -31.2])
@pytest.mark.parametrize("sigma", [0.05, 0.3, 2.0])
def test_with_a_bias(modulus: int, bias: float, sigma: float) -> None:
    right = sum(
        normal((k * modulus + 0.5 - bias) / sigma) - normal((k * modulus - 0.5 - bias) / sigma)
        for k in range(-40, 41)
    )
    (found,) = wrong_residues(np.array([sigma]), np.array([bias]), modulus)
    assert found == pytest.approx(1 - right, rel=1e-9, abs=1e-12)


def test_without_any_spread() -> None:
    found = wrong_residues(np.zeros(4), np.array([0.2, -0.6, 7.1, 3.0]), 7)
    assert found.tolist() == [0, 1, 0, 1]


def test_a_mixture_by_drawing() -> None:
    """Normal noise, an ADC that bows to either side, and a Poisson number of jumps."""
    rng, modulus, size = np.random.default_rng(3), 11, 400_000
    chances = np.array([0.5, 0.3, 0.2])
    levels = Levels(
        chances, np.array([0.0, 0.1, 0.2]), np.array([0.3, 0.2, 0.0]), np.array([0.1, 0.0, -0.1])
    )
    jumps = Jumps(0.2, 0.2 * 1.5, 0.2 * (1.5**2 + 0.4**2))  # each N(1.5, 0.4^2)
    place = rng.choice(3, size, p=chances)
    count = rng.poisson(0.2, size)
    off = 0.05 + levels.off[place] + levels.bow[place] * rng.choice((-1, 1), size)
    off += np.sqrt(0.1**2 + levels.spread[place] ** 2) * rng.standard_normal(size)
    off += 1.5 * count + 0.4 * np.sqrt(count) * rng.standard_normal(size)
    share = float((np.rint(off) % modulus != 0).mean())
    found = mixed_error(0.1**2, 0.05, modulus, levels, jumps)
    assert abs(found - share) < 4.5 * math.sqrt(share * (1 - share) / size)


def test_many_jumps_are_normal() -> None:
    jumps = Jumps(400.0, 0.1, 0.2**2)
    found = mixed_error(0.1**2, 0.05, 9, None, jumps)
    (expected,) = wrong_residues(np.array([math.hypot(0.1, 0.2)]), np.array([0.15]), 9)
    assert found == pytest.approx(expected, rel=1e-12)


def test_moduli_of_a_set_come_in_its_order() -> None:
    moduli = ModuliSet([63, 62, 61, 59])
    core = analog_core("rns", bits=6, moduli=moduli.moduli, devices=Devices(cell_error=1e-4))
    found = NoiseBudget(core, 128).readings
    assert [one.modulus for one in found] == list(moduli.moduli)

"""Energy and time of networks, against a loop over every tile and vector."""

import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prices_by_hand import addition, fp_addition
from simple_arrays import LIGHT, simple

from rnscli.analysis.energy.bill import energy
from rnscli.analysis.energy.parameters import EnergyParameters
from rnscli.analysis.energy.workload import TOTAL, WorkloadRow, workload_energy
from rnscli.base.errors import InputError
from rnscli.base.units import Uncertain
from rnscli.core.arithmetic.dot_product import DotProduct
from rnscli.core.arithmetic.moduli import ModuliSet
from rnscli.core.cores import CORES
from rnscli.hardware.profile import load_technology
from rnscli.hardware.workloads import Gemm, Workload

QUICK = settings(max_examples=40, deadline=None, derandomize=True)

NETWORK = Workload(
    "small",
    (
        Gemm("first", m=5, k=16, n=8),
        Gemm("second", m=3, k=17, n=9, count=2),
        Gemm("third", m=1, k=50, n=3),
    ),
)


def design(core: str = "rns", rows: int = 16, columns: int = 8, **changed: Any) -> EnergyParameters:
    return EnergyParameters(
        core=core,
        dot_product=DotProduct(rows, 6, 6),
        bits=6,
        moduli=ModuliSet((63, 62, 61, 59)),
        columns=columns,
        **changed,
    )


SUMS = {"digital-int4": 24, "digital-int8": 32}


def width_of_sums(core: str, rows: int, tiles: int) -> int:
    """Bits that the largest sum of all tiles needs: as many times that of one."""
    if core in SUMS:
        return SUMS[core]
    return DotProduct(rows, 6, 6).output_bits + math.ceil(math.log2(tiles))


def tile_by_tile(gemm: Gemm, parameters: EnergyParameters, core: str) -> dict[str, float]:
    """Every tile of every product, with every vector, one after the other."""
    one = energy(parameters)
    rows, columns = parameters.dot_product.vector_size, parameters.design.width
    passes, spent, useful, additions = 0, 0.0, 0, 0
    for _ in range(gemm.count):
        for _vector in range(gemm.m):
            written: set[int] = set()
            for top in range(0, gemm.k, rows):
                for left in range(0, gemm.n, columns):
                    passes += 1
                    spent += columns * one.energy_per_dot_product_j
                    for output in range(left, min(left + columns, gemm.n)):
                        useful += min(top + rows, gemm.k) - top
                        additions += output in written
                        written.add(output)
    width = width_of_sums(core, rows, math.ceil(gemm.k / rows))
    accumulation = additions * addition(width, 14e-9)
    if core == "digital-fp32":
        accumulation = additions * fp_addition(14e-9)
    return {
        "passes": passes,
        "utilisation": useful / (passes * rows * columns),
        "macs": useful,
        "accumulation_energy_j": accumulation,
        "energy_j": spent + accumulation,
        "energy_per_mac_j": (spent + accumulation) / useful,
        "converter_energy_j": passes * columns * one.converter_energy_j,
        "array_energy_j": passes
        * columns
        * math.fsum(
            getattr(one, f"{part}_energy_j") for part in ("array", "periphery", "light", "modulo")
        ),
        "digital_energy_j": passes
        * columns
        * math.fsum(
            getattr(one, f"{part}_energy_j")
            for part in (
                "forward",
                "reverse",
                "decoding",
                "shift_add",
                "accumulation",
                "scaling",
                "memory",
            )
        ),
    }


def assert_sums(rows: tuple[WorkloadRow, ...]) -> None:
    *layers, total = rows
    assert total.layer == TOTAL
    assert (total.m, total.k, total.n, total.times) == (None, None, None, None)
    for name in ("macs", "passes"):
        assert getattr(total, name) == sum(getattr(row, name) for row in layers)
    parts = ("converter", "array", "digital", "accumulation")
    for name in (*(f"{part}_energy_j" for part in parts), "energy_j"):
        expected = math.fsum(getattr(row, name) for row in layers)
        assert getattr(total, name) == pytest.approx(expected, rel=1e-13, abs=0)
    for row in rows:
        shares = math.fsum(getattr(row, f"{part}_energy_j") for part in parts)
        assert row.energy_j == pytest.approx(shares, rel=1e-13, abs=0)
        assert row.energy_per_mac_j * row.macs == pytest.approx(row.energy_j, rel=1e-13, abs=0)


@QUICK
@given(
    core=st.sampled_from(tuple(CORES)),
    rows=st.integers(1, 20),
    columns=st.integers(1, 12),
    shape=st.tuples(st.integers(1, 4), st.integers(1, 40), st.integers(1, 40), st.integers(1, 3)),
)
def test_tile_by_tile(core: str, rows: int, columns: int, shape: tuple[int, int, int, int]) -> None:
    parameters = design(core, rows, columns)
    gemm = Gemm("only", *shape)
    result = workload_energy(parameters, Workload("one", (gemm,)))
    for name, expected in tile_by_tile(gemm, parameters, core).items():
        for row in result:
            assert getattr(row, name) == pytest.approx(expected, rel=1e-11, abs=0), name
    assert_sums(result)


@pytest.mark.parametrize("core", tuple(CORES))
def test_a_network(core: str) -> None:
    """Three layers, the second of two products: each row is that of the layer alone."""
    parameters = design(core)
    result = workload_energy(parameters, NETWORK)
    assert [row.layer for row in result] == ["first", "second", "third", TOTAL]
    for gemm, row in zip(NETWORK.gemms, result, strict=False):
        assert (row.m, row.k, row.n, row.times) == (gemm.m, gemm.k, gemm.n, gemm.count)
        for name, expected in tile_by_tile(gemm, parameters, core).items():
            assert getattr(row, name) == pytest.approx(expected, rel=1e-11, abs=0), name
    assert_sums(result)
    total = result[-1]
    # 5 x 1 + 3 x 2 x 2 x 2 + 1 x 4 x 1 passes; 5 x 16 x 8 + 2 x 3 x 17 x 9 + 150 products.
    assert (total.passes, total.macs) == (33, 640 + 918 + 150)
    assert total.utilisation == pytest.approx(1708 / (33 * 128), rel=1e-14, abs=0)
    assert (total.workload, total.core, total.vector_size, total.columns) == ("small", core, 16, 8)


def test_accumulation_by_hand() -> None:
    """k = 50 on 16 rows: 4 tiles, 3 additions for each of 3 outputs.

    The sums of 16 terms of 6 by 6 bits have 6 + 6 + 4 - 1 = 15 bits, four of them 17.
    """
    third = workload_energy(design(), NETWORK)[2]
    assert third.accumulation_energy_j == pytest.approx(9 * addition(17, 14e-9), rel=1e-12, abs=0)
    whole = workload_energy(design(), Workload("fits", (Gemm("fits", 7, 16, 8),)))[0]
    assert (whole.accumulation_energy_j, whole.utilisation) == (0.0, 1.0)


def test_time_by_hand() -> None:
    """Photonic, 6 bits of rns: 1/12 ns in the array, 1 ns for the readout, 26 cycles of 1 ns.

    A cycle into residues. Out of them three levels of a subtraction and a product modulo m, which
    is the product and four operations by Barrett, 18; three products with a sum each, 6; the sign.
    A pass starts every nanosecond.
    """
    timing = design(technology=LIGHT, scales="none").design.timing
    assert timing.latency == pytest.approx(27.08333333333333e-9, rel=1e-12, abs=0)
    assert timing.interval == pytest.approx(1e-9, rel=1e-12, abs=0)
    rows = workload_energy(design(technology=LIGHT), NETWORK)
    assert [row.passes for row in rows[:3]] == [5, 24, 4]


def test_attempts_take_energy() -> None:
    """Every other pass is repeated."""
    shared = {"technology": LIGHT, "scales": "none"}
    once, more = (
        workload_energy(design(expected_attempts=1.2, pass_attempts=a, **shared), NETWORK)
        for a in (1.2, 1.5)
    )
    for row, other in zip(once, more, strict=True):
        assert 1.2 * other.converter_energy_j == pytest.approx(
            1.5 * row.converter_energy_j, rel=1e-12, abs=0
        )
        assert other.passes == row.passes
        assert (other.expected_attempts, other.pass_attempts) == (1.2, 1.5)


def test_bounds_of_constants_of_the_array() -> None:
    """Where only the array is uncertain, all else is the same at both ends."""
    parameters = design(technology=simple(cell_power=1e-9))
    constants = {
        "energy_per_mac": Uncertain(10e-15, 5e-15, 20e-15),
        "cell_power": Uncertain(1e-9, 0.5e-9, 2e-9),
    }
    result = workload_energy(parameters, NETWORK, constants)
    for row in result:
        rest = row.energy_j - row.array_energy_j
        assert row.energy_range_j == pytest.approx(
            (
                rest + row.array_energy_j / 2,
                rest + row.array_energy_j * 2,
            ),
            rel=1e-12,
        )
    assert all(row.energy_range_j is None for row in workload_energy(parameters, NETWORK))


@pytest.mark.parametrize("core", ["digital-int8", "digital-fp32"])
def test_bounds_of_an_uncertain_node_hold_for_the_sums_of_tiles_too(core: str) -> None:
    """The ends are the energies of two networks, each of another node."""
    array = replace(load_technology("digital-logic"), uncertain=())
    constants = {
        "node": Uncertain(14e-9, 7e-9, 28e-9),
        "register_energy": Uncertain(1.7e-15, 1e-15, 2e-15),
    }
    ranges = workload_energy(design(core), NETWORK, constants)
    corners = (
        {
            "node": node, "register_energy": register,
            "logic_energy_factor": logic, "memory_energy_factor": memory,
        }
        for node, register, logic, memory in (
            (7e-9, 1e-15, 0.195, 0.387), (28e-9, 2e-15, 4.09, 2.732)
        )
    )  # fmt: skip
    low, high = (
        workload_energy(design(core, technology=array.with_values(corner)), NETWORK)
        for corner in corners
    )
    for row, *ends in zip(ranges, low, high, strict=True):
        assert row.energy_range_j == pytest.approx(
            tuple(end.energy_j for end in ends), rel=1e-12, abs=0
        )


def test_refused_constants() -> None:
    with pytest.raises(InputError, match="`adc_k3` is no constant"):
        workload_energy(design(), NETWORK, {"adc_k3": Uncertain(1.0, 0.5, 1.5)})

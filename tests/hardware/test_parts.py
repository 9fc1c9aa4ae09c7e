"""Parts of arrays: how many there are, how they add up, and how they grow with an array."""

import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnscli.base.errors import InputError
from rnscli.hardware.expression import Expression
from rnscli.hardware.profile import load_technology, technology_names
from rnscli.hardware.technology import WRITE, Part, Parts, Pass, Technology, of_kernel

QUICK = settings(max_examples=150, deadline=None, derandomize=True)
KERNELS = ("vmm", "mvm", "update")


def part(name: str, per: str = "cell", group: str = "array", **about: object) -> Part:
    formulas = ("count", "energy", "power", "time", "delay", "area")
    given_ = {k: Expression(str(v)) if k in formulas else v for k, v in about.items()}
    return Part(name=name, per=per, group=group, **given_)  # type: ignore[arg-type]


def technology(*parts: Part, **about: object) -> Technology:
    usual = {"name": "made", "kind": "analog", "node": 14e-9, "rows": 4096, "columns": 4096}
    return Technology(**{**usual, **about}, parts=parts)  # type: ignore[arg-type]


def done(rows: int, columns: int, bits: int = 8, **about: float) -> Pass:
    return Pass(rows, columns, bits, bits, bits, **about)  # type: ignore[arg-type]


def names(parts: Parts) -> list[str]:
    return [one.part.name for one in parts]


# Made up ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (3, 5), (1024, 16)])
def test_how_many_there_are(rows: int, columns: int) -> None:
    array = technology(
        part("one"),
        part("two", "row"),
        part("three", "column", count="3 * rows"),
        part("four", "array", count="input_bits"),
    )
    found = [one.count for one in array.priced(done(rows, columns, 7))]
    assert found == [rows * columns, rows, columns * 3 * rows, 7]


def test_what_formulas_see() -> None:
    """Each variable where it should be, told apart by prime numbers."""
    seen = {
        "rows": 2, "columns": 3, "input_bits": 5, "output_bits": 7, "weight_bits": 11,
        "modulus": 13, "mac_energy": 17.0, "mac_area": 19.0, "sum_bits": 23, "node": 14e-9,
    }  # fmt: skip
    array = technology(*(part(name, energy=name) for name in seen))
    found = array.priced(Pass(2, 3, 5, 7, 11, 13, 17.0, 19.0, 23))
    assert {one.part.name: one.energy for one in found} == seen


def test_what_a_part_does_not_say_is_nothing() -> None:
    (one,) = technology(part("one")).priced(done(2, 3))
    assert (one.energy, one.power, one.time, one.delay, one.area) == (0, 0, 0, 0, 0)


def test_areas_side_by_side_and_over_them() -> None:
    """2 x 3 cells of 5 over 2 rows of 7 and an array of 11: the larger of 30 and 25."""
    cells = part("cells", area="5", over=True)
    array = technology(cells, part("rows", "row", area="7"), part("all", "array", area="11"))
    assert array.priced(done(2, 3)).area == 30
    assert array.priced(done(2, 2)).area == 25
    assert replace(array, parts=array.parts[1:]).priced(done(2, 3)).area == 25
    assert replace(array, parts=(cells,)).priced(done(2, 3)).area == 30
    assert Parts().area == 0


def test_a_wire_as_long_as_the_edge() -> None:
    array = technology(
        part("cells", area="4"), part("wire", "array", energy="sqrt(core_area)", time="core_area")
    )
    wire = array.priced(done(2, 2))[1]
    assert (wire.energy, wire.time) == (4, 16)


@pytest.mark.parametrize(
    ("key", "formula"), [("area", "core_area"), ("count", "core_area / mac_area")]
)
def test_an_area_of_itself(key: str, formula: str) -> None:
    array = technology(part("cells", **{key: formula}))
    with pytest.raises(InputError, match=f"{key} may not depend on core_area"):
        array.check_units()


def test_stages() -> None:
    """Those of one name at the same time; others one after the other, in their order."""
    array = technology(
        part("a", time="3"),
        part("b", time="5", stage="read"),
        part("c", time="0"),
        part("d", time="7", stage="read"),
        part("e", time="2"),
        part("f", time="6", stage="read"),
    )
    found = array.priced(done(1, 1))
    assert found.stages() == [3, 7, 2]
    assert Parts(found[:2]).stages() == [3, 5]


def test_delays_add_up() -> None:
    array = technology(part("a", delay="3"), part("b", delay="4", count="9"), part("c"))
    assert array.priced(done(1, 1)).delay == 7


def test_kernels() -> None:
    array = technology(
        part("all"),
        part("products", kernels=("vmm", "mvm")),
        part("write", kernels=("update",)),
    )
    found = array.priced(done(1, 1))
    assert names(found) == ["all", "products", "write"]
    assert names(of_kernel(found, "vmm")) == names(of_kernel(found, "mvm")) == ["all", "products"]
    assert names(of_kernel(found, "update")) == ["all", "write"]
    assert all(array.does(kernel) for kernel in (*KERNELS, "cycle"))
    products = replace(array, parts=array.parts[1:2])
    assert [products.does(kernel) for kernel in (*KERNELS, "cycle")] == [True, True, False, False]


def test_without_a_group() -> None:
    array = technology(
        part("cells", area="4"), part("ADC", "column", "adc", area="6"),
        part("wire", "array", energy="core_area"),
    )  # fmt: skip
    assert array.own_adc and not array.own_dac
    assert names(array.priced(done(1, 1), ["adc"])) == ["cells", "wire"]
    assert array.priced(done(1, 1), ["adc"])[1].energy == 4
    assert array.priced(done(1, 1))[2].energy == 10
    assert array.priced(done(1, 1), ["adc", "array"]) == ()


def test_readings() -> None:
    """As many as there are ADCs for each column."""
    plain = technology(part("cells"))
    assert plain.readings(done(4, 4)) == 1
    once = technology(part("ADC", "column", "adc"))
    assert once.readings(done(4, 4)) == 1
    twice = technology(part("cells", count="5"), part("ADC", "column", "adc", count="2"))
    assert twice.readings(done(4, 4)) == 2


def test_what_an_adc_reads() -> None:
    array = technology(part("ADC", "column", "adc"), output_bits=(3, 6))
    assert [bits for bits in range(1, 20) if array.reads(bits)] == [3, 4, 5, 6]
    assert not any(replace(array, parts=(part("cells"),)).reads(bits) for bits in range(1, 20))


# Shipped ------------------------------------------------------------------------------------------


SHIPPED = [load_technology(name) for name in technology_names()]
# Of digital memories: all of an array is read in so many steps, of whole blocks and words.
IN_STEPS = {"memory", "memory, drivers and sense amplifiers"}


def totals(array: Technology, of: Pass, kernel: str) -> dict[str, float]:
    used = of_kernel(array.priced(of), kernel)
    return {
        "energy": math.fsum(one.count * one.energy for one in used),
        "power": math.fsum(one.count * one.power for one in used),
        "time": math.fsum(used.stages()),
        "delay": used.delay,
        "area": array.priced(of).area,
    }


SIZES = st.builds(done, st.integers(1, 120), st.integers(1, 120), st.integers(2, 8))


@QUICK
@given(
    st.sampled_from(SHIPPED),
    SIZES,
    st.sampled_from(KERNELS),
    st.sampled_from(["rows", "columns", "bits"]),
)
def test_larger_arrays_take_more(array: Technology, of: Pass, kernel: str, what: str) -> None:
    """Energy, power and area of all parts, and every part's own; nothing shrinks.

    Blocks that are read at the same time make a memory of more blocks faster.
    """
    if what == "bits":
        bits = min(of.input_bits + 1, 8)
        larger = replace(of, input_bits=bits, output_bits=bits, weight_bits=bits)
    else:
        larger = replace(of, **{what: getattr(of, what) + 1})
    of, larger = (
        replace(one, mac_energy=1e-13, mac_area=1e-10, modulus=15) for one in (of, larger)
    )
    before, after = totals(array, of, kernel), totals(array, larger, kernel)
    for key in before:
        if (array.name, key) != ("sram-digital", "time"):
            assert after[key] >= before[key] * (1 - 1e-12), key
    if what != "bits":
        # Not the area: cells of ReRAM may lie over their drivers, with room left.
        assert after["energy"] > before["energy"]
    for one, other in zip(array.priced(of), array.priced(larger), strict=True):
        assert other.count >= one.count and other.area >= one.area
        assert other.count * other.energy >= one.count * one.energy


@QUICK
@given(st.sampled_from(SHIPPED), SIZES)
def test_parts_of_each_unit(array: Technology, of: Pass) -> None:
    """So many for a cell, a row, a column: counts have no other growth but of whole memories."""
    one, many = array.priced(replace(of, rows=1, columns=1)), array.priced(of)
    grown = {
        "cell": of.rows * of.columns, "row": of.rows, "column": of.columns, "array": 1,
    }  # fmt: skip
    for small, large in zip(one, many, strict=True):
        if small.part.name not in IN_STEPS:
            assert large.count == pytest.approx(small.count * grown[small.part.per], rel=1e-12)


@QUICK
@given(st.sampled_from(SHIPPED), SIZES)
def test_kernels_share_all_parts(array: Technology, of: Pass) -> None:
    """Each part is in a kernel, and of each kernel are those that say so."""
    found = array.priced(of)
    kernels = (*KERNELS, WRITE)
    union = {one.part.name for kernel in kernels for one in of_kernel(found, kernel)}
    assert union == set(names(found))
    assert array.priced(of) == found  # what is kept of it is the same


@QUICK
@given(st.sampled_from(SHIPPED), SIZES)
def test_other_bits_of_weights_change_nothing(array: Technology, of: Pass) -> None:
    """Cells are multi-level and capacitors of the input; only memories have cells of a bit."""
    other = replace(of, weight_bits=of.weight_bits + 1)
    memory = array.name in ("sram-digital", "reram-digital")
    first, second = (of_kernel(array.priced(one), "vmm") for one in (of, other))
    assert (first == second) == (not memory)

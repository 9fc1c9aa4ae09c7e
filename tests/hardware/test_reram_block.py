"""Parts of the ReRAM block and of its digital rivals, by hand at three sizes.

Equations and table I of Marinella et al., arXiv:1707.09952, in fJ, ns and um; what they say of the
published block, 1024 x 1024, is for the tests of the reproduction.
"""

import math

import pytest

from rnscli.hardware.profile import load_technology
from rnscli.hardware.technology import Pass, of_kernel

SIZES = [(128, 128, 8), (1024, 16, 4), (3, 500, 2)]
LINE = 0.2 * 0.064 + 0.035  # fF of a cell and its wire


def energies(name: str, kernel: str, size: tuple[int, int, int]) -> dict[str, float]:
    """In fJ, of all parts of a name together."""
    rows, columns, bits = size
    parts = load_technology(name).priced(Pass(rows, columns, bits, bits, 8))
    used = of_kernel(parts, kernel)
    return {one.part.name: one.count * one.energy * 1e15 for one in used if one.energy}


def stages(name: str, kernel: str, size: tuple[int, int, int]) -> list[float]:
    """In ns."""
    rows, columns, bits = size
    parts = load_technology(name).priced(Pass(rows, columns, bits, bits, 8))
    return [time * 1e9 for time in of_kernel(parts, kernel).stages()]


def area(name: str, size: tuple[int, int, int]) -> float:
    """In um2."""
    rows, columns, bits = size
    return load_technology(name).priced(Pass(rows, columns, bits, bits, 8)).area * 1e12


def pulses(bits: int) -> float:
    """Pulses of a read in ns: 127, and 7 at 4 and 2 bits."""
    return {8: 127.0, 4: 7.0, 2: 7.0}[bits]


def crossbar_area(size: tuple[int, int, int]) -> float:
    rows, columns, bits = size
    rails = {8: 9, 4: 3, 2: 3}[bits]
    beside = rows * (20 * 0.35 + 8.6 * bits / 8)
    beside += columns * ((12 * 1.19 + 4) * 0.35 + 5.7 + 8 * rails * 0.35 + 17 * bits / 8 + 8 * 0.35)
    return max(beside, 2 * rows * columns * 0.064**2)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kernel", ["vmm", "mvm"])
def test_reading_a_crossbar(kernel: str, size: tuple[int, int, int]) -> None:
    rows, columns, bits = size
    on = pulses(bits)
    wanted = {
        "array, charging lines": rows * bits * columns * LINE * 0.785**2,
        "array, current": rows * columns * 1.0 * 0.785 * on * 1e-3,  # nA V ns are 1e-3 fJ
        "row drivers": rows * bits * 15.0,
        "row logic": rows * 35e3 / 1024 * bits / 8,
        "integrators": columns * 12 * 1.8 * on,  # uA V ns are fJ
        "ramp ADC": columns * 20 * 1.8 * 2**bits,
        "wires across the core": (rows + columns) * 0.2 * math.sqrt(crossbar_area(size)) * 0.8**2,
    }
    assert energies("reram-analog", kernel, size) == pytest.approx(wanted, rel=1e-9, abs=0)
    assert stages("reram-analog", kernel, size) == pytest.approx([1 + on, 2.0**bits], rel=1e-12)


@pytest.mark.parametrize("size", SIZES)
def test_writing_a_crossbar(size: tuple[int, int, int]) -> None:
    rows, columns, bits = size
    on, edges = pulses(bits), bits - 2
    share = 3 / 9 + 1 / 2 + 1 / 18 + edges * (1 / 18 + 2 / 9)
    wanted = {
        "array, charging lines in a write": rows * columns * LINE * 1.8**2 * share,
        "array, current of a write": 0.5 * rows * columns * 10.3 * 1.8 * on * 1e-3,
        "row drivers in a write": 2 * rows * (bits * 15.0 + 35e3 / 1024 * bits / 8),
        "column drivers": columns * 4 * 15.0,
        "column logic": columns * 2 * 10e3 / 1024 * bits / 8,
        "wires across the core": (rows + columns) * 0.2 * math.sqrt(crossbar_area(size)) * 0.8**2,
    }
    assert energies("reram-analog", "update", size) == pytest.approx(wanted, rel=1e-9, abs=0)
    assert stages("reram-analog", "update", size) == pytest.approx([4 * (1 + on)], rel=1e-12)


@pytest.mark.parametrize("size", SIZES)
def test_area_of_a_crossbar(size: tuple[int, int, int]) -> None:
    assert area("reram-analog", size) == pytest.approx(crossbar_area(size), rel=1e-12)


def test_a_crossbar_over_few_drivers() -> None:
    """Of 1024 x 1024 cells at 2 bits drivers are larger by far; only a bare array is not."""
    for size in ((1024, 1024, 2), (1024, 1024, 8)):
        assert area("reram-analog", size) > 2 * 1024**2 * 0.064**2


# The digital rivals: 8 bits of a weight, 256 multipliers.


def adders(bits: int) -> float:
    """Full adders of a multiplication of 8 x b bits with its accumulator, of those at 8 x 8."""
    accumulator = {8: 22, 4: 18, 2: 18}[bits]
    return (8 * bits + accumulator) / (64 + 22)


def column_time(rows: int) -> float:
    """2.2 R C in ns: fF kOhm are 1e-3 ns."""
    parallel = 1000 * math.sqrt(10) / (1 + math.sqrt(10))  # kOhm
    return 2.2 * rows * LINE * (rows * 0.03 * 0.064 / 2 + parallel) * 1e-3


def digital_area(name: str, size: tuple[int, int, int]) -> float:
    rows, columns, bits = size
    around = 54_000 * adders(bits) + rows * 20 * bits * 0.04
    if name == "sram-digital":
        return around + 12_103 * math.ceil(rows * columns * 8 / 2**17)
    blocks = math.ceil(rows * columns / 2**20) * 8
    return around + blocks * (24 * 1024 * 0.35 + 60 * 256 * 0.04 + 200)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", ["reram-digital", "sram-digital"])
def test_area_of_memories(name: str, size: tuple[int, int, int]) -> None:
    """The cells are smaller than what is under them."""
    assert 8 * size[0] * size[1] * 0.064**2 < digital_area("reram-digital", size)
    assert area(name, size) == pytest.approx(digital_area(name, size), rel=1e-12)


@pytest.mark.parametrize("size", SIZES)
def test_a_memory_of_cells(size: tuple[int, int, int]) -> None:
    rows, columns, bits = size
    cells = rows * columns
    crossing = 8 * cells * 0.2 * math.sqrt(digital_area("reram-digital", size)) * 0.8**2
    read = 0.5 * rows * LINE * 0.954**2 + 98 * 0.55 * 0.954 * column_time(rows) * 1e-3 + 5
    used = {"multipliers": 1460 * cells * adders(bits), "wires across the core": crossing}
    reading = used | {"memory, read": 8 * cells * read}
    for kernel in ("vmm", "mvm"):
        assert energies("reram-digital", kernel, size) == pytest.approx(reading, rel=1e-9, abs=0)
    written = 0.5 * rows * LINE * 1.8**2 + 846 * 1.8 * 10 * 1e-3
    both = reading | {
        "memory, write": 8 * cells * written, "wires across the core, back": crossing
    }  # fmt: skip
    assert energies("reram-digital", "update", size) == pytest.approx(both, rel=1e-9, abs=0)
    multiplied = max(column_time(rows) * cells / 512, math.ceil(cells / 256))
    assert stages("reram-digital", "vmm", size) == pytest.approx([multiplied], rel=1e-9)
    assert stages("reram-digital", "update", size) == pytest.approx(
        [multiplied, 10 * cells / 64], rel=1e-9
    )


@pytest.mark.parametrize("size", SIZES)
def test_a_static_memory(size: tuple[int, int, int]) -> None:
    rows, columns, bits = size
    cells = rows * columns
    crossing = 8 * cells * 0.2 * math.sqrt(digital_area("sram-digital", size)) * 0.8**2
    used = {"multipliers": 1460 * cells * adders(bits), "wires across the core": crossing}
    vmm = used | {"memory, read": 8 * cells * 34}
    mvm = used | {"memory, transposed read": 8 * 8 * cells * 34}
    update = vmm | {"memory, write": 8 * cells * 46, "wires across the core, back": crossing}
    for kernel, wanted in {"vmm": vmm, "mvm": mvm, "update": update}.items():
        assert energies("sram-digital", kernel, size) == pytest.approx(wanted, rel=1e-9, abs=0)
    blocks = math.ceil(cells * 8 / 2**17)
    words, products = 2 * cells * 8 / 64 / blocks, math.ceil(cells / 256)
    assert stages("sram-digital", "vmm", size) == pytest.approx([max(words, products)], rel=1e-12)
    assert stages("sram-digital", "mvm", size) == pytest.approx(
        [max(8 * words, products)], rel=1e-12
    )
    assert stages("sram-digital", "update", size) == pytest.approx(
        [max(words, products), words], rel=1e-12
    )

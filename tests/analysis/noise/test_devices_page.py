"""Numbers that docs/devices.md works out by hand, or claims."""

import math
import re
from pathlib import Path

import pytest

import rnscli
from rnscli.analysis.noise.parameters import NoiseParameters
from rnscli.analysis.noise.rows import NOISE_PARTS
from rnscli.analysis.noise.solve import solved
from rnscli.core import Devices, DotProduct, ModuliSet
from rnscli.hardware import load_technology

PAGE = (Path(__file__).parents[3] / "docs" / "devices.md").read_text()


def cells(bits: int, residues: str, error: float = 0.0) -> NoiseParameters:
    moduli = {4: (15, 14, 13, 11), 6: (63, 62, 61)}[bits]
    return NoiseParameters(
        core="rns", dot_product=DotProduct(64, bits, bits), bits=bits, moduli=ModuliSet(moduli),
        devices=Devices(residues=residues, cell_error=error),
    )  # fmt: skip


def test_the_worked_number() -> None:
    square = (31**2 + 31) / 3
    assert math.isclose(square, sum(x * x for x in range(-31, 32)) / 63)
    sigma = math.sqrt(64 * square * 2) * 31 * 0.5e-4
    p = math.erfc(0.5 / (math.sqrt(2) * sigma))
    worked = PAGE[PAGE.index("**A worked number.**") :]
    found = dict.fromkeys(re.findall(r"330\.7|0\.3189|0\.117", worked[:600]))
    assert list(found) == [f"{square:.1f}", f"{sigma:.4f}", f"{p:.3f}"]
    reading = cells(6, "symmetric", 1e-4).budget.readings[0]
    assert math.isclose(reading.sigma, sigma, rel_tol=2e-3)  # one of 64 is the largest
    assert math.isclose(reading.error_probability, p, rel_tol=5e-3)


def test_how_far_cells_are_from_residues() -> None:
    published = load_technology("reram-analog").devices
    assert published is not None
    found = {
        (bits, kind): solved(cells(bits, kind), "cell-error", 1e-3).value
        for bits in (4, 6)
        for kind in ("plain", "symmetric")
    }
    assert (
        "6-bit residues need cells that are 2000 times as exact, and 4-bit ones 100 times"
        in PAGE.replace("\n", " ")
    )
    assert 1900 < published.cell_error / found[6, "symmetric"] < 2200
    assert 90 < published.cell_error / found[4, "symmetric"] < 110
    assert "Symmetric residues win a factor of 4" in PAGE.replace("\n", " ")
    assert 3.8 < found[6, "symmetric"] / found[6, "plain"] < 4.1
    assert published.cell_error == 2 * 2 / 40
    values = dict(load_technology("reram-analog").device_values)["cell_error"]
    assert (values.low, values.high) == (round(2 * 2.7 / 225, 3), round(2 * 3.87 / 40, 1))


def test_every_part_is_in_the_table() -> None:
    table = PAGE[PAGE.index("| part | kind |") : PAGE.index("**Cells.**")]
    named = set(re.findall(r"`(\w+)`", "".join(re.findall(r"^\| (.*?) \|", table, re.MULTILINE))))
    assert named == {*NOISE_PARTS} - {"detector"}


@pytest.mark.parametrize(("bits", "said"), [(8, "= 0.64"), (9, "have 1.286")])
def test_slices_that_fill_their_cells(bits: int, said: str) -> None:
    """Of weights of full scale: the signal over the noise of four slices, and of none."""
    dot = DotProduct(64, 6, bits)
    devices = Devices(cell_error=0.01)
    sigma = {}
    for core, slice_bits in (("fixed-hp", 1), ("bit-sliced", 2)):
        readings = NoiseParameters(
            core=core, dot_product=dot, bits=bits, slice_bits=slice_bits, adc_bits=20,
            devices=devices,
        ).budget.readings  # fmt: skip
        parts = [one.parts["cells"] * one.step * 4**place for place, one in enumerate(readings)]
        sigma[core] = math.hypot(*parts)
    ratio = sigma["fixed-hp"] / sigma["bit-sliced"]
    assert f"{ratio:.{len(said.split('.')[1])}f}" in said
    assert said in PAGE.replace("\n", " ")


def test_two_cells_against_an_offset() -> None:
    """The documented ratios of rms errors, of the documented command."""
    assert "`255 / (127 sqrt(2)) = 1.42`" in PAGE
    found: dict[tuple[str, str], float] = {}
    for law in ("proportional", "independent"):
        for operands in ("uniform", "relu-normal", "laplace"):
            rms = []
            for mapping in ("differential", "offset"):
                name = "cell_error_proportional" if law == "proportional" else "cell_error"
                row = rnscli.dot_error(
                    core="fixed-hp", bits=8, operands=operands, pairs=4000, mapping=mapping,
                    **{name: 0.1},
                )  # fmt: skip
                rms.append(row.rms_error)
            found[law, operands] = rms[1] / rms[0]
    said = " ".join(PAGE[PAGE.index("gives rms errors with an offset") :][:90].split())
    ratios = re.findall(r"\d\.\d\d", said)
    assert ratios == [f"{v:.2f}" for (law, _), v in found.items() if law == "proportional"]
    # Of errors in any state it is that of steps, whatever the operands: to 3 % of 4000 pairs.
    for (law, _), ratio in found.items():
        if law == "independent":
            assert ratio == pytest.approx(255 / (127 * math.sqrt(2)), rel=0.05)

"""Numbers that docs/devices.md works out by hand, or claims."""

import math
import re
from pathlib import Path

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
        "6-bit residues in cells need them 2000 times as exact, and 4-bit ones 100"
        in PAGE.replace("\n", " ")
    )
    assert 1900 < published.cell_error / found[6, "symmetric"] < 2200
    assert 90 < published.cell_error / found[4, "symmetric"] < 110
    assert "Symmetric residues win a factor of 4" in PAGE
    assert 3.8 < found[6, "symmetric"] / found[6, "plain"] < 4.1
    assert published.cell_error == 2 * 2 / 40
    values = dict(load_technology("reram-analog").device_values)["cell_error"]
    assert (values.low, values.high) == (round(2 * 2.7 / 225, 3), round(2 * 3.87 / 40, 1))


def test_every_part_is_in_the_table() -> None:
    table = PAGE[PAGE.index("| part | kind |") : PAGE.index("**Cells.**")]
    named = set(re.findall(r"`(\w+)`", "".join(re.findall(r"^\| (.*?) \|", table, re.MULTILINE))))
    assert named == {*NOISE_PARTS} - {"detector"}

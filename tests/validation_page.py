"""Makes docs/validation.md: what chips measure, and what the tool says of the like of them."""

import shlex
from pathlib import Path
from typing import NamedTuple

import rnscli

PATH = Path(__file__).parent.parent / "docs" / "validation.md"


class Chip(NamedTuple):
    """A chip that was measured: operations of 8 bits, a MAC being two."""

    name: str
    what: str
    tops_per_w: float
    tops_per_mm2: float | None
    source: str
    options: str  # of `rnscli energy`, for the like of it
    differs: str


CHIPS = (
    Chip(
        "Simba (RC18)", "digital, 16 nm", 9.5, 1.29,
        "VLSI 2019 and JSSC 2020, abstracts: 0.11 pJ an operation, 1.29 TOPS/mm2",
        "--core digital-int8 --node 16nm --vector-size 64 --memory sram-32k",
        "at its lowest supply and a slow clock; the area has all memories and a network",
    ),
    Chip(
        "TPU v1", "digital, 28 nm", 2.3, None,
        "as arXiv:1707.09952 quotes it, section II.B: 2.3 TOPS/W at the die",
        "--core digital-int8 --node 28nm --vector-size 256 --memory sram-1m",
        "a whole chip, with 28 MB of memory and its idle parts",
    ),
    Chip(
        "ISSCC 2022, 15.5", "digital in memory, 28 nm", 36.63, 1.198 / 0.9408,
        "ZigZag-IMC, validation data: 8 bits, 36.63 TOPS/W, 1.198 TOPS on 0.9408 mm2",
        "--core digital-int8 --node 28nm --vector-size 32 --memory none --scales none",
        "half of the bits of inputs and weights are zero; weights beside the adders",
    ),
    Chip(
        "HERMES core", "phase-change memory, 14 nm", 10.5, 1.59,
        "Khaddam-Aljameh et al., JSSC 2022: 256 x 256, 8 bits, 1.008 TOPS",
        "--core fixed-lp --technology reram-analog --vector-size 256 --memory none --scales none",
        "cells of 0.1 to 10 MOhm in place of 100; an oscillator with a counter for each column in "
        "place of a ramp for all",
    ),
    Chip(
        "VLSI 2022, C-2C", "capacitors in SRAM, 22 nm", 22.59, 2.858,
        "Wang et al., by CiMLoop's validation data: 64 rows, 16 outputs, 8 bits, 0.8 V",
        "--core fixed-lp --technology switched-capacitor --vector-size 64 --columns 16 "
        "--adc-model survey --memory none --scales none",
        "a ladder of capacitors instead of binary-weighted ones, with the SRAM of the weights",
    ),
)  # fmt: skip
# Conversions whose energy is stated, in J, with bits and rate.
CONVERSIONS = (
    ("CAP-RAM, 65 nm, 7 bits", 7.56e-3 / (32 * 70e6), 7, 70e6, "7.56 mW in 32 ADCs at 70 MHz"),
    ("Jia et al., 65 nm, 8 bits", 3.56e-12, 8, 5e6, "arXiv:1811.04047, figure 11, at 1.2 V"),
)

BEGIN = """\
# Against chips that were measured

How far off is the tool? Each row is a chip, what it measures, and what `rnscli energy` says of an
array like it, with the command. A factor above 1 is how much better the tool makes it look. Chips
from their own components are in [energy.md](energy.md#published-chips). This page is made from the
code by `make renew`.

"""
END = """\

An ADC alone:

{conversions}

So digital numbers are right within a factor of three for chips of ordinary arithmetic, and five
times too pessimistic for the densest macros, which also count on zeros. The ReRAM block is a
projection: it is four times better than a core of that size that was measured, as its cells of 100
MOhm have not been built into one. Areas of chips are five to twelve times what is computed, as they
have memories, control and wires that are not in the bill; ADCs in macros take four to five times
what `murmann` says of them. Residues on light cannot be tested like this: no chip of them has
published what it measures.
"""


def page() -> str:
    rows = [
        ("chip", "TOPS/W", "computed", "factor", "TOPS/mm2", "computed", "factor"),
        ("---",) * 7,
        *(_row(chip) for chip in CHIPS),
    ]
    text = BEGIN + "\n".join(f"| {' | '.join(row)} |" for row in rows) + "\n\n"
    for chip in CHIPS:
        text += f"* **{chip.name}** ({chip.what}): {chip.source}. What differs: {chip.differs}.\n"
        text += f"  `rnscli energy --bits 8 {chip.options}`\n"
    return text + END.format(conversions=_conversions())


def _row(chip: Chip) -> tuple[str, ...]:
    energy, density = computed(chip)
    compared = (*_compared(chip.tops_per_w, energy), *_compared(chip.tops_per_mm2, density))
    return (chip.name, *compared)


def computed(chip: Chip) -> tuple[float, float]:
    """TOPS/W and TOPS/mm2 by its command."""
    words = shlex.split(chip.options)
    options = {
        name.removeprefix("--").replace("-", "_"): value
        for name, value in zip(words[::2], words[1::2], strict=True)
    }
    row = rnscli.energy(bits="8", **options)
    return row.tops_per_w, row.tops_per_mm2


def _compared(measured: float | None, found: float) -> tuple[str, str, str]:
    if measured is None:
        return "-", f"{found:.3g}", "-"
    return f"{measured:.3g}", f"{found:.3g}", f"{found / measured:.2g}"


def _conversions() -> str:
    lines = ["| ADC | measured | `murmann` | factor |", "| --- | --- | --- | --- |"]
    for name, energy, bits, rate, source in CONVERSIONS:
        model = rnscli.MurmannAdc().energy(bits, rate)
        both = f"{energy * 1e12:.2f} pJ | {model * 1e12:.2f} pJ"
        lines.append(f"| {name} ({source}) | {both} | {energy / model:.2g} |")
    return "\n".join(lines)

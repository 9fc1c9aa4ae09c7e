"""The profiles that come with the package: their numbers, and where each is from."""

import re
import tomllib
from decimal import Decimal
from importlib import resources
from typing import Any

import pytest

from rnscli.hardware.constants import FACTORS
from rnscli.hardware.operations import OperationPrices
from rnscli.hardware.profile import TECHNOLOGIES, load_technology, technology_names
from rnscli.hardware.technology import Pass

NAMES = (
    "digital-logic",
    "photonic-incoherent",
    "photonic-phase",
    "reram-analog",
    "reram-digital",
    "sram-digital",
    "switched-capacitor",
)
KINDS = {
    "digital-logic": ("digital", "none"),
    "photonic-incoherent": ("analog", "none"),
    "photonic-phase": ("analog", "phase"),
    "reram-analog": ("analog", "none"),
    "reram-digital": ("digital", "none"),
    "sram-digital": ("digital", "none"),
    "switched-capacitor": ("analog", "none"),
}
FORMULAS = ("count", "energy", "power", "time", "delay", "area")


def document(name: str) -> dict[str, Any]:
    folder = resources.files("rnscli.hardware") / "technologies"
    return tomllib.loads((folder / f"{name}.toml").read_text(encoding="utf-8"))


def constants(name: str) -> dict[str, dict[str, Any]]:
    content = document(name)
    return {"node": content["node"], **content["constants"]}


def test_the_profiles() -> None:
    assert TECHNOLOGIES.own == NAMES
    assert set(NAMES) <= set(technology_names())


@pytest.mark.parametrize("name", NAMES)
def test_formulas_have_the_units_that_they_are_for(name: str) -> None:
    """They are not checked when these profiles are read, but here."""
    load_technology(name).check_units()


@pytest.mark.parametrize("name", NAMES)
def test_everything_has_a_source(name: str) -> None:
    technology, content = load_technology(name), document(name)
    assert technology.name == content["name"] == name
    assert (technology.kind, technology.modulo) == KINDS[name]
    assert len(content["description"]) >= 20
    for what, one in constants(name).items():
        assert len(one["source"]) >= 7, what
    for part in content["parts"]:
        assert len(part["source"]) >= 10, part["name"]
    assert len(content["limits"]["source"]) >= 10
    assert len(content.get("link", {}).get("source", "nothing at all")) >= 10
    assert all(value.source for _, value in technology.values)
    assert all(part.source for part in technology.parts)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_assumed_is_said(name: str) -> None:
    content = document(name)
    wanted = [one["assumption"] for one in (*content["constants"].values(), *content["parts"])
              if "assumption" in one]  # fmt: skip
    said = load_technology(name).assumptions
    assert len(said) == len(wanted)
    for text in wanted:
        assert any(sentence.endswith(text) for sentence in said)


PREFIXES = {"a": -18, "f": -15, "p": -12, "n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9}
QUANTITY = re.compile(
    r"(-?\d+(?:\.\d+)?)(?:([afpnumkMG]?)(Ohm/m|F/m2|F/m|dB/m|dB/Hz|A/W|Ohm|rad|dB|Hz|m2|[mJsVAWFK]))?"
)


def in_si(text: str) -> float:
    """A quantity as profiles write it, with its decimal point moved by hand."""
    found = QUANTITY.fullmatch(text)
    assert found is not None, text
    number, prefix, unit = found.groups()
    power = PREFIXES[prefix or ""] * (2 if unit == "m2" else 1)
    return float(Decimal(number).scaleb(power))


@pytest.mark.parametrize("name", NAMES)
def test_numbers_in_base_units(name: str) -> None:
    technology, content = load_technology(name), constants(name)
    everywhere = {"boltzmann", "elementary_charge", *FACTORS}
    assert technology.numbers.keys() - everywhere == content.keys()
    assert all(technology.value_of(name) == 1.0 for name in FACTORS)
    for what, one in content.items():
        assert technology.value_of(what) == in_si(one["value"]), what
    ranged = {what: one["range"] for what, one in content.items() if "range" in one}
    uncertain = dict(technology.uncertain)
    assert uncertain.keys() == ranged.keys()
    for what, ends in ranged.items():
        low, high = (in_si(end) for end in ends)
        found = uncertain[what]
        assert (found.value, found.low, found.high) == (technology.value_of(what), low, high)
        assert low <= found.value <= high and low < high
    assert technology.operations == OperationPrices(node=technology.node)
    limits = document(name)["limits"]
    assert (technology.rows, technology.columns) == (limits["rows"], limits["columns"])
    for key in ("input_bits", "output_bits"):
        assert getattr(technology, key) == tuple(limits.get(key, (1, 64)))


# Tables II to V of Marinella et al., arXiv:1707.09952: what the profiles are to compute.
TOTALS_UM2 = (
    75_000, 46_000, 41_000, 137_000, 114_000, 101_000, 836_000, 814_000, 800_000,
    76_000, 775_000, 8600, 7180, 8900, 26_000, 18_000, 6600, 5850, 2900, 7000,
)  # fmt: skip
TOTALS_NJ = (
    28, 7520, 12_010, 2.7, 5580, 10_150, 1.3, 4340, 8970, 12.8, 2140, 2850, 4855, 2.2, 3250, 4300,
    0.36, 0.13, 0.07, 1.66, 0.31, 0.22, 0.16, 2.81, 9.4, 0.59, 0.15, 0.08, 0.06,
    286, 2291, 385, 208, 676, 1500, 900, 520, 431, 394, 370, 1065, 1051, 1042,
)  # fmt: skip
TOTALS_US = (
    1.28, 692, 44, 0.08, 0.054, 0.384, 176, 340, 0.512, 0.256, 0.128, 0.016, 0.032, 4, 32, 8, 164,
)  # fmt: skip
CELLS = 1024 * 1024
PUBLISHED = {
    "m2": [one * 1e-12 for one in TOTALS_UM2],
    "J": [one * 1e-9 for one in TOTALS_NJ],
    "s": [one * 1e-6 for one in TOTALS_US],
}


@pytest.mark.parametrize("name", NAMES)
def test_no_number_is_a_published_total(name: str) -> None:
    """Neither as it is printed, nor of a line, a cell, or a cell in each of two arrays or kernels.

    They follow from the parts, and would be put in by another name.
    """
    for what, one in constants(name).items():
        unit = (QUANTITY.fullmatch(one["value"]) or [""] * 4)[3]
        for text in (one["value"], *one.get("range", ())):
            for total in PUBLISHED.get(unit, ()):
                for share in (1, 1024, CELLS, 2 * CELLS, 3 * CELLS):
                    assert in_si(text) != pytest.approx(total / share, rel=1e-3, abs=0), what


@pytest.mark.parametrize("name", NAMES)
def test_formulas_have_counts_of_their_own_only(name: str) -> None:
    """Measured numbers are constants, with a source and a unit; no formula hides one."""
    content = document(name)
    link = content.get("link", {})
    formulas = [part[key] for part in content["parts"] for key in FORMULAS if key in part]
    formulas += [link[key] for key in ("current", "noise_variance", "phase_error") if key in link]
    numbers = {
        text for formula in formulas for text in re.findall(r"(?<![\w.])[\d.][\w.]*", formula)
    }
    allowed = {*map(str, range(25)), "60", "256", "1024"}  # of transistors, and lines of the block
    # Halves of bits that switch, a transistor 19 % larger, 10 to 90 % of an RC step.
    assert numbers <= allowed | {"0.25", "0.5", "1.19", "2.2"}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("bits", [2, 3, 4, 5, 6, 7, 8])
@pytest.mark.parametrize("size", [(1, 1), (1, 128), (128, 1), (100, 30), (128, 128)])
def test_every_part_has_a_price_within_the_limits(
    name: str, bits: int, size: tuple[int, int]
) -> None:
    technology, (rows, columns) = load_technology(name), size
    done = Pass(rows, columns, bits, bits, bits, 2**bits - 1, 1e-13, 1e-9)
    parts = technology.priced(done)
    assert technology.outside(done) is None
    assert [one.part for one in parts] == list(technology.parts)
    assert parts.area > 0 and sum(parts.stages()) > 0
    assert sum(one.count * one.energy for one in parts) > 0
    for one in parts:
        assert one.count > 0
        assert min(one.energy, one.power, one.time, one.delay, one.area) >= 0
        # A part that costs nothing would be a line of a bill for nothing.
        assert one.energy + one.power + one.time + one.delay + one.area > 0
    readings = 2 if name == "photonic-phase" else 1
    assert technology.readings(done) == readings


@pytest.mark.parametrize("name", NAMES)
def test_outside_of_its_limits(name: str) -> None:
    technology = load_technology(name)
    rows, columns = technology.rows, technology.columns
    low, high = technology.input_bits

    def said(rows: int, columns: int, bits: int) -> str | None:
        return technology.outside(Pass(rows, columns, bits, 8, bits))

    assert said(rows, columns, low) is said(rows, columns, high) is None
    for sentence, limit, given in (
        (said(rows + 1, columns, low), f"{rows} rows", str(rows + 1)),
        (said(rows, columns + 1, low), f"{columns} columns", str(columns + 1)),
        (said(rows, columns, high + 1), f"{low} to {high} bits", str(high + 1)),
        (said(rows, columns, low - 1), f"{low} to {high} bits", str(low - 1)),
    ):
        assert sentence is not None
        assert name in sentence and limit in sentence and given in sentence


@pytest.mark.parametrize("name", NAMES)
def test_whose_converters_they_have(name: str) -> None:
    technology = load_technology(name)
    own = name in ("photonic-incoherent", "photonic-phase", "reram-analog")
    assert technology.own_adc == technology.own_dac == own
    for bits in range(1, 20):
        assert technology.reads(bits) == (own and 2 <= bits <= 8)


@pytest.mark.parametrize("name", NAMES)
def test_which_kernels_they_do(name: str) -> None:
    """Parts of no kernel in particular are for all of them."""
    technology = load_technology(name)
    for kernel in ("vmm", "mvm", "update"):
        used = [kernel in part.get("kernels", [kernel]) for part in document(name)["parts"]]
        assert technology.does(kernel) == any(used)
    assert technology.does("cycle")


@pytest.mark.parametrize("name", NAMES)
def test_one_of_its_ranges_at_a_time(name: str) -> None:
    """At both ends of each, everything still has a price."""
    technology = load_technology(name)
    done = Pass(16, 16, 6, 6, 6, 63, 1e-13, 1e-9)
    for what, one in technology.uncertain:
        for end in (one.low, one.high):
            made = technology.with_values({what: end})
            made.priced(done)
            made.link_sigma(done)
            assert made.value_of(what) == end

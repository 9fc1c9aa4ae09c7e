"""Profiles of technologies: those that come with the package, and a user's own."""

import re
import tomllib
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from rnscli.base.errors import InputError
from rnscli.base.units import Uncertain
from rnscli.core.cores.kind import add
from rnscli.hardware.technology import (
    OperationPrices,
    Technology,
    load_technology,
    technology_names,
)

NAMES = (
    "digital-logic",
    "photonic",
    "reram-analog",
    "reram-digital",
    "sram-digital",
    "switched-capacitor",
)
NUMBERS = ("energy_per_mac", "cycle_time", "cell_area", "leakage", "node")

PROFILE = """\
name = "mine"
kind = "analog"
description = "an array of my own"

[energy_per_mac]
value = "2fJ"
source = "measured"

[cycle_time]
value = "3ns"
source = "measured"

[cell_area]
value = "4e-14m2"
source = "measured"

[leakage]
value = "5pW"
source = "measured"

[node]
value = "22nm"
source = "the foundry"

[array]
rows = 256
columns = 512
cells_per_weight = 2

[scaling]
reference_bits = 6
energy = "4^bits"
cycle_time = "2^bits"

[operations]
add_8 = "7fJ"
multiply_32_area = "5e-9m2"
reference_node = "28nm"
"""

# Whose numbers do not grow with the bits, as those of logic and digital arrays.
CONSTANT = PROFILE.replace('"4^bits"', '"constant"').replace('cycle_time = "2^bits"\n', "")
DIGITAL = "\n[digital]\nparallel_macs = 16\n"

Profile = Callable[[str | bytes], Technology]


@pytest.fixture
def profile(tmp_path: Path) -> Profile:
    """Loads what it is given, as a file."""

    def load(content: str | bytes) -> Technology:
        path = tmp_path / "mine.toml"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return load_technology(str(path))

    return load


def changed(old: str, new: str) -> str:
    assert PROFILE.count(old) == 1
    return PROFILE.replace(old, new)


def without(table: str) -> str:
    """The profile without one of its tables."""
    parts = PROFILE.split("\n\n")
    kept = [part for part in parts if not part.startswith(f"[{table}]")]
    assert len(kept) == len(parts) - 1
    return "\n\n".join(kept)


# Those of the package -----------------------------------------------------------------------------


def document(name: str) -> dict[str, Any]:
    folder = resources.files("rnscli.hardware") / "technologies"
    return tomllib.loads((folder / f"{name}.toml").read_text())


def test_the_profiles() -> None:
    assert technology_names() == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_every_number_has_a_source(name: str) -> None:
    technology = load_technology(name)
    content = document(name)
    assert technology.name == content["name"] == name
    assert technology.kind == content["kind"]
    assert content["description"]
    numbers = {key for key in NUMBERS if key in content}
    assert set(NUMBERS) - numbers == ({"energy_per_mac", "cell_area"} if "logic" in name else set())
    for key in (*numbers, "array", "scaling", *({"digital", "operations"} & set(content))):
        assert len(content[key]["source"]) >= 5, key
    assert technology.uncertain == ()


# As the files say it, with the decimal points moved by hand.
IN_SI = {
    "digital-logic": (0.0, 1e-9, 0.0, 0.0, 14e-9),
    "photonic": (17e-15, 83.33333333333e-12, 1.0089e-7, 0.0, 45e-9),
    "reram-analog": (10.1235e-15, 425.6666666667e-9, 4.096e-15, 0.0, 14e-9),
    "reram-digital": (2.97e-12, 56.31510416667e-9, 4.096e-15, 0.0, 14e-9),
    "sram-digital": (4.73e-12, 3.580729166667e-9, 7e-14, 0.0, 14e-9),
    "switched-capacitor": (9.3e-15, 1e-9, 4.65e-12, 0.0, 40e-9),
}


@pytest.mark.parametrize("name", NAMES)
def test_numbers_in_base_units(name: str) -> None:
    technology = load_technology(name)
    found = [getattr(technology, key) for key in NUMBERS]
    assert found == pytest.approx(IN_SI[name], rel=1e-14, abs=0)
    assert technology.operations == OperationPrices(node=technology.node)


@pytest.mark.parametrize("name", ["reram-analog", "reram-digital", "sram-digital"])
def test_what_was_calibrated_says_so(name: str) -> None:
    content = document(name)
    assert all("calibrated" in content[key] for key in ("energy_per_mac", "cycle_time"))


def test_sources_that_can_be_worked_out() -> None:
    """Photonic cells of 285 x 354 um^2 at 12 GHz; 31 capacitors of 300 aF at 1 V, 2 fF/um^2."""
    photonic, capacitors = load_technology("photonic"), load_technology("switched-capacitor")
    assert photonic.cell_area == pytest.approx(285e-6 * 354e-6, rel=1e-4, abs=0)
    assert photonic.cycle_time == pytest.approx(1 / 12e9, rel=1e-12, abs=0)
    assert capacitors.energy_per_mac == pytest.approx(31 * 300e-18, rel=1e-14, abs=0)
    assert capacitors.cell_area == pytest.approx(31 * 300e-18 / 2e-3, rel=1e-14, abs=0)


@pytest.mark.parametrize(
    ("name", "factors"),
    [
        ("reram-analog", (2.0, 2.0, 1.0)),
        ("photonic", (4.0, 1.0, 1.0)),
        ("switched-capacitor", (2.0, 1.0, 2.0)),
    ],
)
def test_growth_for_a_bit_more(name: str, factors: tuple[float, ...]) -> None:
    array = load_technology(name)
    scalings = (array.energy_scaling, array.time_scaling, array.area_scaling)
    for scaling, factor in zip(scalings, factors, strict=True):
        assert array.growth(scaling, array.reference_bits) == 1.0
        assert array.growth(scaling, array.reference_bits + 1) == factor
        assert array.growth(scaling, array.reference_bits - 2) == factor**-2


def test_outside_of_the_array() -> None:
    array = load_technology("photonic")
    assert array.outside(128, 128) is None
    rows, columns = array.outside(129, 1), array.outside(1, 129)
    assert rows is not None and "128 rows" in rows and "129" in rows
    assert columns is not None and "128 columns" in columns and "129" in columns


# A user's own -------------------------------------------------------------------------------------


def test_a_profile_of_ones_own(profile: Profile) -> None:
    assert profile(PROFILE) == Technology(
        name="mine",
        description="an array of my own",
        kind="analog",
        energy_per_mac=2e-15,
        cycle_time=3e-9,
        cell_area=4e-14,
        cells_per_weight=2,
        leakage=5e-12,
        node=22e-9,
        rows=256,
        columns=512,
        reference_bits=6,
        energy_scaling="4^bits",
        time_scaling="2^bits",
        operations=OperationPrices(
            add_8=7e-15, multiply_32_area=5e-9, reference_node=28e-9, node=22e-9
        ),
    )


def test_prices_of_operations_are_taken_together(profile: Profile) -> None:
    """Both above the price that is usual at 32 bits: 0.2 and 0.5 pJ, not 0.03 and 0.1."""
    technology = profile(changed('add_8 = "7fJ"', 'add_8 = "0.2pJ"\nadd_32 = "0.5pJ"'))
    at_45_nm = technology.operations.energy(add(32)) * 28 / 22
    assert at_45_nm == pytest.approx(0.5e-12, rel=1e-12, abs=0)


def test_a_range_in_a_value(profile: Profile) -> None:
    technology = profile(changed('"2fJ"', '"2fJ±30%"').replace('"3ns"', '"3ns+-1ns"'))
    assert technology.energy_per_mac == 2e-15
    assert technology.cycle_time == 3e-9
    assert dict(technology.uncertain) == {
        "energy_per_mac": Uncertain(2e-15, 1.4e-15, 2.6e-15),
        "cycle_time": Uncertain(3e-9, 2e-9, 4e-9),
    }


def test_areas_are_squares(profile: Profile) -> None:
    """In SI a prefix belongs to the unit and is squared with it: 1 um2 is 1e-12 m2, not 1e-6."""
    try:
        technology = profile(changed('"4e-14m2"', '"0.04um2"'))
    except InputError:
        return  # asking for m2 without a prefix is as good
    assert technology.cell_area == pytest.approx(4e-14, rel=1e-12, abs=0)


def test_without_prices_those_of_the_package_hold(profile: Profile) -> None:
    assert profile(without("operations")).operations == OperationPrices(node=22e-9)


def test_logic_needs_no_energy_of_its_own(profile: Profile) -> None:
    text = CONSTANT.replace('kind = "analog"', 'kind = "logic"')
    for table in ("energy_per_mac", "cell_area"):
        begin = text.index(f"[{table}]")
        text = text[:begin] + text[text.index("\n\n", begin) + 2 :]
    technology = profile(text)
    assert (technology.energy_per_mac, technology.cell_area) == (0.0, 0.0)


def refused(load: Profile, content: str | bytes, *parts: str) -> None:
    with pytest.raises(InputError) as error:
        load(content)
    message = str(error.value)
    assert message.isprintable() and len(message) < 400 and not message.endswith(".")
    for part in ("mine.toml", *parts):
        assert part in message


@pytest.mark.parametrize("table", [*NUMBERS, "array", "scaling"])
def test_a_missing_table(profile: Profile, table: str) -> None:
    refused(profile, without(table), f"'{table}'")


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ('name = "mine"\n', "'name'"),
        ('kind = "analog"\n', "'kind'"),
        ('value = "2fJ"\n', "'energy_per_mac.value'"),
        ('value = "22nm"\n', "'node.value'"),
        ('source = "the foundry"\n', "'node.source'"),
        ("rows = 256\n", "'array.rows'"),
        ("cells_per_weight = 2\n", "'array.cells_per_weight'"),
        ("reference_bits = 6\n", "'scaling.reference_bits'"),
    ],
)
def test_a_missing_key(profile: Profile, line: str, named: str) -> None:
    refused(profile, changed(line, ""), named)


@pytest.mark.parametrize(
    ("old", "new", "parts"),
    [
        ('"2fJ"', '"2fW"', ("'energy_per_mac.value'", "2fW", "unit J")),
        ('"3ns"', '"3nm"', ("'cycle_time.value'", "3nm")),
        ('"22nm"', '"22"', ("'node.value'", "22")),  # metres
        ('"2fJ"', '"-2fJ"', ("'energy_per_mac.value'", "-2fJ", "negative")),
        ('"2fJ"', '"-2fJ±10%"', ("'energy_per_mac.value'", "-2fJ")),
        ('"2fJ"', '"2fJ±120%"', ("'energy_per_mac.value'", "120%")),
        ('"2fJ"', '"nan"', ("'energy_per_mac.value'", "nan")),
        ('"2fJ"', "nan", ("'energy_per_mac.value'", "nan")),
        ('"2fJ"', "2e-15", ("'energy_per_mac.value'", "text in quotes")),
        ('"2fJ"', '"little"', ("'energy_per_mac.value'", "little")),
        ('"2fJ"', '""', ("'energy_per_mac.value'",)),
        ('"3ns"', '"0ns"', ("'cycle_time'",)),
        ('"the foundry"', "5", ("'node.source'", "text in quotes")),
        ("rows = 256", "rows = 0", ("'array.rows'", "0")),
        ("rows = 256", "rows = -3", ("'array.rows'", "-3")),
        ("rows = 256", "rows = nan", ("'array.rows'", "nan")),
        ("rows = 256", 'rows = "many"', ("'array.rows'", "many")),
        ("rows = 256", "rows = true", ("'array.rows'", "True")),
        ("columns = 512", "columns = 1.5", ("'array.columns'", "1.5")),
        ("columns = 512", "colums = 512", ("'array.colums'", "unknown", "columns")),
        ('"4^bits"', '"3^bits"', ("'scaling.energy'", "3^bits", "2^bits, 4^bits")),
        ('"4^bits"', "4", ("'scaling.energy' is 4", "4^bits")),
        ('"2^bits"', '"bits"', ("'scaling.cycle_time' is bits",)),
        ('"2^bits"', '"2^bits"\ncell_area = "x"', ("'scaling.cell_area' is x",)),
        ("reference_bits = 6", "reference_bits = 0", ("'scaling.reference_bits' is 0", "64")),
        ("reference_bits = 6", "reference_bits = 65", ("'scaling.reference_bits' is 65",)),
        ("cells_per_weight = 2", "cells_per_weight = 0", ("'array.cells_per_weight' is 0",)),
        # Both ends of a range: a node of 1 nm to 100 um, a time of 1 fs and more, 1 J at most.
        ('"22nm"', '"22nm±100%"', ("'node' is 0",)),
        ('"22nm"', '"60um±50um"', ("'node' is 0.00011", "100 um")),
        ('"3ns"', '"3ns±3ns"', ("'cycle_time' is 0", "1 fs")),
        ('"2fJ"', '"0.9J±20%"', ("'energy_per_mac' is 1.08", "1 J")),
        ('"5pW"', '"0.6W±100%"', ("'leakage' is 1.2",)),
        ('kind = "analog"', 'kind = "optical"', ("'kind'", "optical", "digital")),
        ('name = "mine"', "name = 7", ("'name'", "7")),
        ('name = "mine"', 'name = " "', ("'name'",)),
        ('name = "mine"', f'name = "{41 * "m"}"', ("'name'", "up to 40 printable")),
        ('name = "mine"', 'name = "mi\\nne"', ("'name'", "up to 40 printable")),
        ('name = "mine"', 'name = "mi\\u001b[31mne"', ("'name'", "up to 40 printable")),
        ('name = "mine"', 'name = "mine"\ncolour = "red"', ("'colour'", "unknown")),
        ('value = "22nm"', 'value = "22nm"\nunit = "nm"', ("'node.unit'", "unknown")),
        ('add_8 = "7fJ"', 'add_9 = "7fJ"', ("'operations.add_9'", "unknown", "add_8")),
        ('add_8 = "7fJ"', "add_8 = 7", ("'operations.add_8'", "text in quotes")),
        ('add_8 = "7fJ"', 'add_8 = "-7fJ"', ("'operations.add_8'", "negative")),
        ('add_8 = "7fJ"', 'add_8 = "7fJ±1fJ"', ("'operations.add_8'", "range")),
        ('add_8 = "7fJ"', 'add_8 = "0J"', ("add_8", "above 0")),
        ('"5e-9m2"', '"5e-9J"', ("'operations.multiply_32_area'", "m2")),
        ('"28nm"', '"28s"', ("'operations.reference_node'", "28s")),
    ],
)
def test_refused_values(profile: Profile, old: str, new: str, parts: tuple[str, ...]) -> None:
    refused(profile, changed(old, new), *parts)


def test_a_profile_that_is_nested_too_deeply(profile: Profile) -> None:
    refused(profile, f"kind = {3000 * '['}{3000 * ']'}", "is not TOML: it is nested too deeply")


@pytest.mark.parametrize("name", NAMES)
def test_names_of_the_package_are_taken(profile: Profile, name: str) -> None:
    """Rows would not tell one's own numbers from the published ones."""
    refused(profile, changed('name = "mine"', f'name = "{name}"'), f"'name' is {name}", "another")


def test_the_longest_name(profile: Profile) -> None:
    name = 37 * "m" + " µ²"
    assert profile(changed('name = "mine"', f'name = "{name}"')).name == name


@pytest.mark.parametrize("kind", ["digital", "logic"])
@pytest.mark.parametrize("key", ["energy", "cycle_time", "cell_area"])
@pytest.mark.parametrize("scaling", ["2^bits", "4^bits"])
def test_only_analog_arrays_grow(profile: Profile, kind: str, key: str, scaling: str) -> None:
    text = CONSTANT.replace('kind = "analog"', f'kind = "{kind}"').replace(
        'energy = "constant"', f'{key} = "{scaling}"'
    )
    refused(profile, text, f"'kind' is {kind}", "scaling")


@pytest.mark.parametrize("kind", ["analog", "digital", "logic"])
def test_only_digital_arrays_multiply_a_few_at_a_time(profile: Profile, kind: str) -> None:
    text = CONSTANT.replace('kind = "analog"', f'kind = "{kind}"')
    assert profile(text).parallel_macs is None
    if kind == "digital":
        assert profile(text + DIGITAL).parallel_macs == 16
        refused(profile, text + DIGITAL.replace("16", "0"), "'digital.parallel_macs' is 0")
        refused(profile, text + "\n[digital]\n", "'digital.parallel_macs'")
    else:
        refused(profile, text + DIGITAL, f"'kind' is {kind}", "'digital.parallel_macs'")


@pytest.mark.parametrize("number", ["4e-14", "4e-12", "4e-12±10%"])
def test_a_number_without_its_unit(profile: Profile, number: str) -> None:
    """Whatever its last digit is, of which that of m2 is one."""
    refused(profile, changed('"4e-14m2"', f'"{number}"'), "'cell_area.value'", number, "unit m2")


def test_a_number_where_a_table_is_expected(profile: Profile) -> None:
    refused(profile, 'leakage = "0W"\n' + without("leakage"), "'leakage'", "table")


def test_what_is_not_toml_names_the_line(profile: Profile) -> None:
    refused(profile, changed('kind = "analog"', "kind analog"), "line 2")
    refused(profile, changed('value = "3ns"', 'value = "3ns'), "line 10")
    refused(profile, PROFILE + PROFILE, "line ")


def test_files_that_are_no_profiles(profile: Profile) -> None:
    refused(profile, "", "'kind'")
    refused(profile, b"\x89PNG\r\n\x1a\n\xff\xd8", "UTF-8")
    refused(profile, b"\x00\x01\x02", "line 1")
    refused(profile, "# long\n" * 200_000, "1 MB")


def test_paths_that_are_no_files(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "absent.toml", Path("reram-analogue")):
        with pytest.raises(InputError, match=r"is no profile; give one of .*reram-analog"):
            load_technology(str(path))
    for odd in ("", "\0", "a\nb", "x" * 5000):
        with pytest.raises(InputError, match="`technology`") as error:
            load_technology(odd)
        assert str(error.value).isprintable()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("kind", "optical"),
        ("energy_per_mac", -1e-15),
        ("energy_per_mac", float("nan")),
        ("cycle_time", 0.0),
        ("cell_area", 1.5),
        ("leakage", float("inf")),
        ("node", 0.0),
        ("rows", 0),
        ("columns", 2.0),
        ("cells_per_weight", 0),
        ("reference_bits", 65),
        ("energy_scaling", "8^bits"),
        ("parallel_macs", 0),
    ],
)
def test_refused_in_python(profile: Profile, name: str, value: object) -> None:
    accepted = profile(PROFILE)
    values = {key: getattr(accepted, key) for key in Technology.__dataclass_fields__}
    with pytest.raises(InputError, match=re.escape(f"`{name}` is {value}")):
        Technology(**{**values, name: value})

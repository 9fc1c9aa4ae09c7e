"""Profiles of technologies: a user's own, and every way in which one can be wrong."""

import copy
import datetime
import json
import re
import sys
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rnscli.base.errors import InputError
from rnscli.base.units import Uncertain
from rnscli.core.cores.kind import add
from rnscli.core.devices import Devices
from rnscli.hardware.constants import FACTORS
from rnscli.hardware.expression import Expression, dimension
from rnscli.hardware.operations import OperationPrices
from rnscli.hardware.profile import load_technology, technology_names
from rnscli.hardware.technology import Part, Pass, Technology, Value

PROFILE = """\
name = "mine"
kind = "analog"
description = "an array of my own"
modulo = "phase"
overlapped = true

[node]
value = "22nm"
source = "the foundry"

[limits]
rows = 256
columns = 512
input_bits = [2, 8]
output_bits = [3, 9]
source = "as it was built"

[constants]
cell_energy = { value = "2fJ", range = ["1fJ", "4fJ"], source = "measured", assumption = "cold" }
cell_area = { value = "0.04um2", source = "measured", fitted = "a photograph" }
step = { value = "3ns", source = "measured" }
loss = { value = "-2dB", source = "measured" }
turns = { value = "7.5", source = "counted" }

[[parts]]
name = "cells"
group = "array"
per = "cell"
kernels = ["vmm", "mvm"]
count = "2"
energy = "cell_energy * 4^input_bits"
power = "cell_energy / step"
area = "cell_area * (node / node)^2"
over = true
source = "measured"
assumption = "all alike"

[[parts]]
name = "lines"
group = "periphery"
per = "column"
time = "turns * step"
delay = "step"
stage = "reading"
source = "measured"

[link]
current = "db(loss) * turns * sqrt(cell_energy * cell_energy) / step / 1"
noise_variance = "(2 * current)^2"
phase_error = "turns / 1000"
sigma = "0.25"
source = "a book"

[operations]
add_8 = "7fJ"
multiply_32_area = "5e-9m2"
reference_node = "28nm"
"""
# The current is in A only where it is divided by a voltage.
PROFILE = PROFILE.replace("/ step / 1", "/ step / volt").replace(
    "turns = {", 'volt = { value = "2V", source = "measured" }\nturns = {'
)
WITHOUT_LINK = PROFILE[: PROFILE.index("[link]")] + PROFILE[PROFILE.index("[operations]") :]

Document = dict[str, Any]
Where = tuple[str | int, ...]
Profile = Callable[[str | bytes | Document], Technology]


def written(document: Document) -> str:
    """TOML of what `tomllib` reads; JSON's strings and lists are TOML's too."""

    def one(value: Any) -> str:
        if isinstance(value, dict):
            return "{" + ", ".join(f"{json.dumps(k)} = {one(v)}" for k, v in value.items()) + "}"
        if isinstance(value, list):
            return "[" + ", ".join(map(one, value)) + "]"
        if isinstance(value, str):
            return json.dumps(value)
        return str(value).lower()

    return "".join(f"{json.dumps(key)} = {one(value)}\n" for key, value in document.items())


@pytest.fixture
def profile(tmp_path: Path) -> Profile:
    """Loads what it is given, as a file."""

    def load(content: str | bytes | Document) -> Technology:
        path = tmp_path / "mine.toml"
        text = written(content) if isinstance(content, dict) else content
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return load_technology(str(path))

    return load


def changed(old: str, new: str, text: str = PROFILE) -> str:
    assert text.count(old) == 1, old
    return text.replace(old, new)


def named(where: Where) -> str:
    """As messages name a key: constants.loss.value, parts[1].time."""
    text = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in where)
    return text.removeprefix(".")


def put(where: Where, value: Any) -> Document:
    """The profile with another value somewhere."""
    document = copy.deepcopy(tomllib.loads(PROFILE))
    inside: Any = document
    for key in where[:-1]:
        inside = inside[key]
    inside[where[-1]] = value
    return document


def dropped(where: Where) -> Document:
    document = put(where, None)
    inside: Any = document
    for key in where[:-1]:
        inside = inside[key]
    del inside[where[-1]]
    return document


def places(inside: Any, where: Where = ()) -> Iterator[tuple[Where, Any]]:
    """Every key of the profile, with its value."""
    for key, value in inside.items() if isinstance(inside, dict) else enumerate(inside):
        yield (*where, key), value
        if isinstance(value, dict | list):
            yield from places(value, (*where, key))


PLACES = dict(places(tomllib.loads(PROFILE)))
OPTIONAL = {
    "description", "modulo", "overlapped", "operations", "link", "stage", "over", "kernels",
    "assumption", "fitted", "range", "input_bits", "output_bits",
    "count", "energy", "power", "time", "delay", "area",
    "add_8", "multiply_32_area", "reference_node",
}  # fmt: skip
TABLES = [where for where, value in PLACES.items() if isinstance(value, dict)]


def optional(where: Where) -> bool:
    """Constants and parts are wanted by formulas, or as the only one; their keys are not here."""
    return (
        where[-1] in OPTIONAL
        or isinstance(where[-1], int)
        or (where[-1] == "source" and where[0] in ("limits", "link"))
    )


def refused(load: Profile, content: str | bytes | Document, *parts: str) -> None:
    with pytest.raises(InputError) as error:
        load(content)
    message = str(error.value)
    assert message.isprintable() and len(message) < 450 and not message.endswith(".")
    for part in ("mine.toml", *parts):
        assert part in message, message


# One that is right --------------------------------------------------------------------------------


def test_a_profile_of_ones_own(profile: Profile) -> None:
    def value(number: float, unit: str, **more: Any) -> Value:
        about = {"source": "measured", "low": number, "high": number} | more
        return Value(number, unit, **about)

    wanted = Technology(
        name="mine",
        description="an array of my own",
        kind="analog",
        modulo="phase",
        overlapped=True,
        node=22e-9,
        rows=256,
        columns=512,
        input_bits=(2, 8),
        output_bits=(3, 9),
        values=(
            ("cell_energy", value(2e-15, "J", low=1e-15, high=4e-15, assumption="cold")),
            ("cell_area", value(4e-14, "m2", fitted="a photograph")),
            ("step", value(3e-9, "s")),
            ("loss", value(-2.0, "dB")),
            ("volt", value(2.0, "V")),
            ("turns", value(7.5, "1", source="counted")),
        ),
        parts=(
            Part(
                name="cells",
                group="array",
                per="cell",
                kernels=("vmm", "mvm"),
                count=Expression("2"),
                energy=Expression("cell_energy * 4^input_bits"),
                power=Expression("cell_energy / step"),
                area=Expression("cell_area * (node / node)^2"),
                over=True,
                source="measured",
                assumption="all alike",
            ),
            Part(
                name="lines",
                group="periphery",
                per="column",
                time=Expression("turns * step"),
                delay=Expression("step"),
                stage="reading",
                source="measured",
            ),
        ),
        link=(
            (
                "current",
                Expression("db(loss) * turns * sqrt(cell_energy * cell_energy) / step / volt"),
            ),
            ("noise_variance", Expression("(2 * current)^2")),
            ("phase_error", Expression("turns / 1000")),
        ),
        wanted_sigma=0.25,
        operations=OperationPrices(
            add_8=7e-15, multiply_32_area=5e-9, reference_node=28e-9, node=22e-9
        ),
        uncertain=(("cell_energy", Uncertain(2e-15, 1e-15, 4e-15)),),
    )
    assert profile(PROFILE) == wanted
    assert profile(tomllib.loads(PROFILE)) == wanted  # so what `written` makes of it is right


def test_a_profile_with_nothing_that_may_be_left_out(profile: Profile) -> None:
    document = tomllib.loads(PROFILE)
    for where in [where for where in PLACES if optional(where) and not isinstance(where[-1], int)]:
        inside: Any = document
        for key in where[:-1]:
            inside = inside.get(key, {}) if isinstance(inside, dict) else inside[key]
        inside.pop(where[-1], None)
    made = profile(document)
    assert (made.description, made.modulo, made.overlapped, made.link) == ("", "none", False, ())
    assert made.input_bits == made.output_bits == (1, 64)
    assert made.operations == OperationPrices(node=22e-9)
    assert made.wanted_sigma is None and made.uncertain == ()
    for one in made.priced(Pass(3, 4, 8, 8, 8)):
        assert (one.energy, one.power, one.time, one.delay, one.area) == (0.0,) * 5
        assert one.part.kernels == ("vmm", "mvm", "update")


def test_prices_of_operations_are_taken_together(profile: Profile) -> None:
    """Both above the price that is usual at 32 bits: 0.2 and 0.5 pJ, not 0.03 and 0.1."""
    technology = profile(changed('add_8 = "7fJ"', 'add_8 = "0.2pJ"\nadd_32 = "0.5pJ"'))
    at_28_nm = replace(technology.operations, node=28e-9)
    assert at_28_nm.energy(add(32)) == pytest.approx(0.5e-12, rel=1e-12, abs=0)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("3ns±50%", Uncertain(3e-9, 1.5e-9, 4.5e-9)),
        ("3ns+-1ns", Uncertain(3e-9, 2e-9, 4e-9)),
        ("3+/-1ns", Uncertain(3e-9, 2e-9, 4e-9)),
        ("3 ns ± 1 ns", Uncertain(3e-9, 2e-9, 4e-9)),
    ],
)
def test_a_range_in_a_value(profile: Profile, text: str, wanted: Uncertain) -> None:
    technology = profile(changed('"3ns"', f'"{text}"'))
    assert technology.value_of("step") == 3e-9
    assert dict(technology.uncertain)["step"] == wanted


def test_a_range_of_a_number_and_of_the_node(profile: Profile) -> None:
    technology = profile(changed('"7.5"', '"7.5±20%"', changed('"22nm"', '"22nm±2nm"')))
    assert dict(technology.uncertain) == {
        "node": Uncertain(22e-9, 20e-9, 24e-9),
        "cell_energy": Uncertain(2e-15, 1e-15, 4e-15),
        "turns": Uncertain(7.5, 6.0, 9.0),
    }


@pytest.mark.parametrize(
    ("text", "value", "unit"),
    [
        ("1.5mm2", 1.5e-6, "m2"),  # a prefix is squared with its unit
        ("1.5 mm^2", 1.5e-6, "m2"),
        ("1.5µm²", 1.5e-12, "m2"),
        ("2mF/m2", 2e-3, "F/m2"),
        ("200pF/m", 2e-10, "F/m"),
        ("0.3MOhm/m", 3e5, "Ohm/m"),
        ("3dB/m", 3.0, "dB/m"),
        ("-140dB/Hz", -140.0, "dB/Hz"),
        ("1.1A/W", 1.1, "A/W"),
        ("5GHz", 5e9, "Hz"),
        ("35nA", 35e-9, "A"),
        ("2kV", 2000.0, "V"),
        ("50Ohm", 50.0, "Ohm"),
        ("300K", 300.0, "K"),
        ("5mrad", 5e-3, "rad"),
        ("4bit", 4.0, "bit"),
        ("7m", 7.0, "m"),  # metres, not milli of nothing
        ("0.001", 1e-3, "1"),
        ("1e-3", 1e-3, "1"),
        ("0", 0.0, "1"),
    ],
)
def test_units_of_constants(profile: Profile, text: str, value: float, unit: str) -> None:
    line = f'more = {{ value = "{text}", source = "measured" }}\nloss = '
    found = dict(profile(changed("loss = ", line)).values)["more"]
    assert (found.value, found.unit) == (value, unit)
    assert (found.low, found.high) == (value, value)


def test_texts_of_several_lines(profile: Profile) -> None:
    text = changed(
        'description = "an array of my own"', 'description = """an array\n  of\tmy own"""'
    )
    assert profile(text) == profile(PROFILE)


def test_the_longest_name(profile: Profile) -> None:
    name = 37 * "m" + " µ²"
    assert profile(changed('name = "mine"', f'name = "{name}"')).name == name


# Those that are wrong -----------------------------------------------------------------------------


@pytest.mark.parametrize("where", [one for one in PLACES if not optional(one)], ids=named)
def test_a_missing_key(profile: Profile, where: Where) -> None:
    """Or a constant that some formula wants."""
    if where[0] == "constants" and len(where) < 3:
        first = where[-1] if len(where) == 2 else "cell_energy"
        refused(profile, dropped(where), f"{first} is no constant of the profile")
    else:
        refused(profile, dropped(where), f"'{named(where)}'")


@pytest.mark.parametrize("where", [(), *TABLES], ids=named)
def test_an_unknown_key(profile: Profile, where: Where) -> None:
    """Among constants every name is known; there it must be a table."""
    where = (*where, "colour")
    refused(profile, put(where, "red"), f"'{named(where)}'")


WRONG = [5, -3, 0, 1.5, True, [], ["x"], [[]], {}, {"x": 1}, datetime.date(2024, 1, 1), "", " "]


def accepted(where: Where, value: object) -> bool:
    """What of `WRONG` is right somewhere."""
    if where[0] == "limits" and (where[-1] in ("rows", "columns") or isinstance(where[-1], int)):
        return value == 5  # for all these limits
    if where[-1] in ("overlapped", "over"):
        return value is True
    return where in (("link",), ("operations",)) and value == {}


def blamed(where: Where) -> str:
    """The key that a message names; lists are named as wholes."""
    if "kernels" in where:
        return "kernels'"
    return named(where[:-1] if isinstance(where[-1], int) else where)


@pytest.mark.parametrize("where", PLACES, ids=named)
def test_a_wrong_type(profile: Profile, where: Where) -> None:
    for value in WRONG:
        if accepted(where, value):
            assert profile(put(where, value)).name == "mine"
        elif where == ("constants",) and value == {}:
            refused(profile, put(where, value), "cell_energy is no constant")
        else:
            refused(profile, put(where, value), blamed(where))


@pytest.mark.parametrize(
    ("old", "new", "parts"),
    [
        # Values and their units.
        ('"2fJ"', '"2fX"', ("'constants.cell_energy.value' is 2fX", "a unit of")),
        ('"2fJ"', '"2 m2J"', ("'constants.cell_energy.value' is 2 m2J",)),
        ('"2fJ"', '"-2fJ"', ("'constants.cell_energy.value' is -2fJ", "negative")),
        ('"2fJ"', '"2fJ±120%"', ("'constants.cell_energy.value' is 2fJ±120%",)),
        ('"2fJ"', '"little"', ("'constants.cell_energy.value' is little",)),
        ('"2fJ"', '"nanJ"', ("'constants.cell_energy.value' is nanJ",)),
        ('"2fJ"', '"infJ"', ("'constants.cell_energy.value' is infJ",)),
        ('"2fJ"', '"1e999J"', ("'constants.cell_energy.value' is 1e999J",)),
        ('"7.5"', '"nan"', ("'constants.turns.value' is nan",)),
        ('"7.5"', '"inf"', ("'constants.turns.value' is inf",)),
        ('"7.5"', '"-inf"', ("'constants.turns.value' is -inf",)),
        ('"7.5"', '"1e999"', ("'constants.turns.value' is 1e999",)),
        ('"7.5"', '"-5"', ("'constants.turns.value' is -5", "negative")),
        ('"7.5"', '"-1"', ("'constants.turns.value' is -1", "negative")),
        ('"7.5"', '"1_0"', ("'constants.turns.value' is 1_0",)),
        ('"7.5"', '"7n"', ("'constants.turns.value' is 7n",)),
        ('"7.5"', f'"{200_000 * "1"} x y"', ("'constants.turns.value' is 111",)),
        ('"2fJ"', "nan", ("'constants.cell_energy.value' is nan", "text in quotes")),
        ('"22nm"', '"22"', ("'node.value' is 22", "unit m")),
        ('"22nm"', '"22ns"', ("'node.value'", "s, without its unit m")),
        ('"22nm"', '"0.5nm"', ("'node' is 5e-10", "1 nm")),
        ("loss = {", "rate = { value = '5', source = 'x' }\nloss = {", ("'constants.rate.value'",)),
        (
            "loss = {",
            "laser_power = { value = '5mJ', source = 'x' }\nloss = {",
            ("'constants.laser_power.value'", "unit W"),
        ),
        # Ranges.
        ('["1fJ", "4fJ"]', '["3fJ", "4fJ"]', ("'constants.cell_energy.range'", "its value 2fJ")),
        ('["1fJ", "4fJ"]', '["4fJ", "1fJ"]', ("'constants.cell_energy.range'", "its value 2fJ")),
        ('["1fJ", "4fJ"]', '["1fJ", "4fs"]', ("'constants.cell_energy.range' is 4fs", "unit J")),
        ('["1fJ", "4fJ"]', '["1fJ", "nan"]', ("'constants.cell_energy.range' is nan",)),
        ('["1fJ", "4fJ"]', '["1fJ", "4fJ±1fJ"]', ("'constants.cell_energy.range'",)),
        ('["1fJ", "4fJ"]', '["1fJ"]', ("'constants.cell_energy.range'", "the largest")),
        ('["1fJ", "4fJ"]', '["1fJ", "3fJ", "4fJ"]', ("'constants.cell_energy.range'",)),
        # Names of constants.
        ("loss = {", "node = { value = '1nm', source = 'x' }\nloss = {", ("'constants.node'",)),
        ("loss = {", "rows = { value = '1', source = 'x' }\nloss = {", ("'constants.rows'",)),
        ("loss = {", "sqrt = { value = '1', source = 'x' }\nloss = {", ("'constants.sqrt'",)),
        ("loss = {", "boltzmann = { value = '1', source = 'x' }\nloss = {", ("boltzmann'",)),
        ("loss = {", "'a b' = { value = '1', source = 'x' }\nloss = {", ("'constants.a b'",)),
        ("loss = {", "'é' = { value = '1', source = 'x' }\nloss = {", ("'constants.é'",)),
        ("loss = {", "'a\\\\u001b' = { value = '1', source = 'x' }\nloss = {", ("constants",)),
        # Formulas.
        ('"turns * step"', '"turns * "', ("'parts[1].time'", "turns * is no formula")),
        ('"turns * step"', '"turns step"', ("'parts[1].time'", "is no formula")),
        ('"turns * step"', '"turn * step"', ("part lines: time", "turn is no constant")),
        ('"turns * step"', '"turns"', ("part lines: time turns is not in s",)),
        ('"turns * step"', '"cell_energy"', ("part lines: time cell_energy is not in s",)),
        ('"turns * step"', '"turns + step"', ("part lines: time", "different units")),
        ('"turns * step"', '"step^turns"', ("part lines: time", "exponent")),
        ('"turns * step"', '"2^step * step"', ("part lines: time", "exponent has a unit")),
        ('"turns * step"', '"exp(step) * step"', ("part lines: time", "exp is of a number")),
        ('"turns * step"', '"min(turns, step)"', ("part lines: time", "of one unit")),
        ('"turns * step"', '"turns.real * step"', ("'parts[1].time'", "numbers, names")),
        ('"turns * step"', '"open(1) * step"', ("'parts[1].time'", "may call min, max")),
        ('"turns * step"', '"(lambda: step)()"', ("'parts[1].time'", "may call min, max")),
        ('"turns * step"', "\"'step'\"", ("'parts[1].time'", "numbers, names")),
        ('"turns * step"', '"[step][0]"', ("'parts[1].time'", "numbers, names")),
        ('"turns * step"', '"step if turns else step"', ("'parts[1].time'", "numbers, names")),
        ('"turns * step"', '"step // 1"', ("'parts[1].time'", "+ - * / ^ only")),
        ('"turns * step"', f'"{600 * "1 *"} step"', ("'parts[1].time'", "1000 characters")),
        ('"turns * step"', f'"{300 * "-"} step"', ("'parts[1].time'", "levels")),
        ('"turns * step"', f'"{300 * "("}step"', ("'parts[1].time'", "is no formula")),
        ('"2"\nenergy', '"core_area / cell_area"\nenergy', ("part cells: count", "core_area")),
        ('"cell_area * (node / node)^2"', '"core_area"', ("part cells: area", "core_area")),
        ('"(2 * current)^2"', '"2 * current"', ("link: noise_variance", "not in A2")),
        ('"turns / 1000"', '"current"', ("link: phase_error", "current is no constant")),
        ('"turns / 1000"', '"x("', ("'link.phase_error'", "is no formula")),
        ('"turns / 1000"', '"turns / 1000"\nshot = "2 * current"', ("link: shot", "not in A2/Hz")),
        ('"turns / 1000"', '"turns"\nthermal = "shot"', ("link: thermal", "shot is no constant")),
        ('"(2 * current)^2"', '"shot"', ("link: noise_variance", "shot is no constant")),
        ('sigma = "0.25"', 'sigma = "0.25s"', ("'link.sigma' is 0.25s",)),
        ('sigma = "0.25"', 'sigma = "nan"', ("'link.sigma' is nan",)),
        # Choices and limits.
        ('kind = "analog"', 'kind = "optical"', ("'kind' is optical", "analog, digital")),
        ('modulo = "phase"', 'modulo = "wrap"', ("'modulo' is wrap", "phase, circuit, none")),
        ('group = "array"', 'group = "cells"', ("part cells: 'group' is cells", "periphery")),
        ('per = "cell"', 'per = "bit"', ("part cells: 'per' is bit", "row, column, array")),
        ('["vmm", "mvm"]', '["vmm", "opu"]', ("part cells: 'kernels' is opu", "update")),
        ("rows = 256", "rows = 0", ("'limits.rows' is 0",)),
        ("rows = 256", "rows = 2199023255552", ("'limits.rows'", "2^40")),
        ("rows = 256", f"rows = {4000 * '9'}", ("'limits.rows' is a number of 13288 bits",)),
        ("input_bits = [2, 8]", "input_bits = [8, 2]", ("'limits.input_bits' is 2",)),
        ("output_bits = [3, 9]", "output_bits = [0, 9]", ("'limits.output_bits' is 0",)),
        ("output_bits = [3, 9]", "output_bits = [3, 257]", ("'limits.output_bits' is 257",)),
        # Texts.
        ('name = "mine"', f'name = "{41 * "m"}"', ("'name'", "up to 40 printable")),
        ('name = "mine"', 'name = "mi\\nne"', ("'name'", "up to 40 printable")),
        ('name = "mine"', 'name = "mi\\u001b[31mne"', ("'name'", "printable")),
        ('"lines"', '"li\\u001b[31mnes"', ("'parts[1].name'", "printable")),
        ('"all alike"', '"\\u001b[31m"', ("'parts[0].assumption'", "printable")),
        ('"cold"', '"\\u009b31m"', ("'constants.cell_energy.assumption'", "printable")),
        # Prices of operations.
        ('add_8 = "7fJ"', 'add_8 = "-7fJ"', ("'operations.add_8'", "negative")),
        ('add_8 = "7fJ"', 'add_8 = "7fJ±1fJ"', ("'operations.add_8'",)),
        ('add_8 = "7fJ"', 'add_8 = "0J"', ("add_8", "above 0")),
        ('"5e-9m2"', '"5e-9J"', ("'operations.multiply_32_area'", "m2")),
        ('"28nm"', '"28s"', ("'operations.reference_node'", "28s")),
    ],
)  # fmt: skip
def test_refused_values(profile: Profile, old: str, new: str, parts: tuple[str, ...]) -> None:
    refused(profile, changed(old, new), *parts)


TEXTS = st.text(st.sampled_from("0123456789.e+-*/^() ,±%nfumkGJsmVWAHzdB2steprow_sqrt'\"[]"))


@settings(
    max_examples=200,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.sampled_from([w for w in PLACES if not isinstance(PLACES[w], dict)]), TEXTS | st.text())
def test_whatever_text_is_anywhere(profile: Profile, where: Where, text: str) -> None:
    """A profile is read, or refused in a sentence that names its file."""
    content = written(put(where, text)).encode(errors="surrogatepass")
    try:
        made = profile(content)
    except InputError as error:
        assert str(error).isprintable() and "mine.toml" in str(error)
    else:
        made.check_units()


@pytest.mark.parametrize("name", technology_names())
def test_names_of_the_package_are_taken(profile: Profile, name: str) -> None:
    """Rows would not tell one's own numbers from the published ones."""
    refused(profile, changed('name = "mine"', f'name = "{name}"'), f"'name' is {name}", "another")


OLD = """\
name = "mine"
kind = "analog"

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
"""


@pytest.mark.parametrize(
    "text", [OLD, OLD.replace('kind = "analog"', 'kind = "digital"\ndigital.parallel_macs = 16')]
)
def test_a_profile_of_the_former_kind(profile: Profile, text: str) -> None:
    """It says what to make of it, and that is a profile."""
    refused(profile, text, "'energy_per_mac'", "[[parts]]", "[constants]", "docs/energy.md")
    with pytest.raises(InputError) as error:
        profile(text)
    said = re.findall(r'(name|group|per|energy|area|time) = "([\w ]+)"', str(error.value))
    array, clock = dict(said[:5]), dict(said[5:])
    assert array == {
        "name": "array",
        "group": "array",
        "per": "cell",
        "energy": "energy_per_mac",
        "area": "cell_area",
    }
    assert clock == {"per": "array", "time": "cycle_time"}
    made = profile({
        "name": "mine",
        "kind": "analog",
        "node": {"value": "22nm", "source": "the foundry"},
        "limits": {"rows": 256, "columns": 512},
        "constants": {
            name: {"value": value, "source": "measured"}
            for name, value in
            (("energy_per_mac", "2fJ"), ("cell_area", "4e-14m2"), ("cycle_time", "3ns"))
        },
        "parts": [
            {**array, "source": "measured"},
            {"name": "clock", "group": "array", "source": "measured", **clock},
        ],
    })  # fmt: skip
    cells, cycle = made.priced(Pass(10, 20, 8, 8, 8))
    assert (cells.count, cells.energy, cells.area) == (200, 2e-15, 4e-14)
    assert (cycle.count, cycle.time) == (1, 3e-9)


# Files --------------------------------------------------------------------------------------------


def test_what_is_not_toml_names_the_line(profile: Profile) -> None:
    refused(profile, changed('kind = "analog"', "kind analog"), "line 2")
    refused(profile, changed('value = "22nm"', 'value = "22nm'), "line 8")
    refused(profile, PROFILE + PROFILE, "line ")
    refused(profile, f"kind = {3000 * '['}{3000 * ']'}", "is not TOML: it is nested too deeply")
    long = changed("rows = 256", f"rows = {5000 * '9'}")
    digits = sys.get_int_max_str_digits()
    for most, part in ((4300, "is not TOML"), (10**4, "from 1 to 2^40")):
        sys.set_int_max_str_digits(most)
        try:
            refused(profile, long, part)
        finally:
            sys.set_int_max_str_digits(digits)


def test_files_that_are_no_profiles(profile: Profile) -> None:
    refused(profile, "", "'name'")
    refused(profile, b"\x89PNG\r\n\x1a\n\xff\xd8", "UTF-8")
    refused(profile, PROFILE.encode("utf-16"), "UTF-8")
    refused(profile, PROFILE.encode().replace(b"mine", b"mi\xe9ne"), "UTF-8")
    refused(profile, b"\x00\x01\x02", "line 1")


def test_how_long_a_profile_may_be(profile: Profile) -> None:
    comment = "#" + "x" * ((1 << 20) - len(PROFILE) - 2) + "\n"
    assert len(comment + PROFILE) == 1 << 20
    assert profile(comment + PROFILE).name == "mine"
    refused(profile, f"#{comment}{PROFILE}", "1 MB")


def test_paths_that_are_no_files(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "absent.toml", Path("reram-analogue")):
        with pytest.raises(InputError, match=r"is no profile; give one of .*reram-analog"):
            load_technology(str(path))
    for odd in ("", "\0", "a\nb", "x" * 5000):
        with pytest.raises(InputError, match="`technology`") as error:
            load_technology(odd)
        assert str(error.value).isprintable()


# In Python ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("kind", "optical"),
        ("kind", "logic"),
        ("modulo", "wrap"),
        ("node", 0.0),
        ("node", float("nan")),
        ("node", "22nm"),
        ("rows", 0),
        ("columns", 2.0),
        ("columns", True),
    ],
)
def test_refused_in_python(profile: Profile, name: str, value: object) -> None:
    accepted = profile(PROFILE)
    values = {key: getattr(accepted, key) for key in Technology.__dataclass_fields__}
    with pytest.raises(InputError, match=re.escape(f"`{name}` is {value}")):
        Technology(**{**values, name: value})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"group": "cells"}, "`group` is cells"),
        ({"per": "bit"}, "`per` is bit"),
        ({"kernels": ("vmm", "opu")}, "`kernels` is opu"),
    ],
)
def test_parts_refused_in_python(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Part(**{"name": "cells", "group": "array", "per": "cell", **changes})


@pytest.mark.parametrize(
    ("formula", "rows", "problem"),
    [
        ("step * (rows - 10)", 9, "is negative here"),
        ("step / (rows - 5)", 5, "has no finite value here"),
        ("step * 2^(2000 / rows)", 1, "has no finite value here"),
        ("step * sqrt(rows - 6)", 5, "has no finite value here"),
        ("step * log(rows - 5)", 5, "has no finite value here"),
    ],
)
def test_what_only_shows_in_a_pass(profile: Profile, formula: str, rows: int, problem: str) -> None:
    made = profile(changed('"turns * step"', f'"{formula}"'))
    assert made.priced(Pass(12, 4, 8, 8, 8))[1].time > 0
    with pytest.raises(InputError, match=problem) as error:
        made.priced(Pass(rows, 4, 8, 8, 8))
    for part in ("mine", "lines", "time", formula):
        assert part in str(error.value)


def test_other_values_of_constants(profile: Profile) -> None:
    made = profile(PROFILE)
    other = made.with_values({"step": 5e-9, "node": 7e-9})
    assert (other.value_of("step"), other.node, other.operations.node) == (5e-9, 7e-9, 7e-9)
    assert other.uncertain == made.uncertain
    lines = other.priced(Pass(1, 1, 8, 8, 8))[1]
    assert (lines.time, lines.delay) == (7.5 * 5e-9, 5e-9)
    assert set(other.constants) == {"node", "cell_energy", "cell_area", "step", "loss", "volt",
                                    "turns", *FACTORS}  # fmt: skip
    assert made.assumptions == ("cells: all alike", "cell energy: cold")


def test_dimensions_by_hand() -> None:
    """kg m^2 / s^2 and its kin."""
    joule = (2, 1, -2, 0, 0)
    for unit, wanted in {
        "J": joule, "m2": (2, 0, 0, 0, 0), "F/m": (-3, -1, 4, 2, 0), "J/bit": joule,
        "V*m": (3, 1, -3, -1, 0), "A2": (0, 0, 0, 2, 0), "W/Hz": joule, "J/K": (2, 1, -2, 0, -1),
        "Ohm/m": (1, 1, -3, -2, 0), "dB/m": (-1, 0, 0, 0, 0), "bit/m2": (-2, 0, 0, 0, 0),
        "1/Hz": (0, 0, 1, 0, 0), "rad/V": (-2, -1, 3, 1, 0), "A/W": (-2, -1, 3, 1, 0),
    }.items():  # fmt: skip
        assert dimension(unit) == wanted, unit


# Devices ------------------------------------------------------------------------------------------

DEVICES = """
[devices]
on_off_ratio = { value = "50", range = ["20", "100"], source = "measured" }
cell_error = { value = "0.02", source = "measured", assumption = "the first day" }
"""


def test_devices_of_ones_own(profile: Profile) -> None:
    technology = profile(PROFILE + DEVICES)
    assert technology.devices == Devices(on_off_ratio=50.0, cell_error=0.02)
    ratio, error = (one for _, one in technology.device_values)
    assert (ratio.low, ratio.high, ratio.source) == (20.0, 100.0, "measured")
    assert technology.device_assumptions == ("cell error: the first day",)
    assert error.low == error.high == 0.02
    assert not any("first day" in text for text in technology.assumptions)
    plain = profile(PROFILE)
    assert plain.devices is None and plain.device_assumptions == ()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"0.02"', '"2"', ("'devices.cell_error.value' is 2", "from 0 to 1")),
        ('"0.02"', '"20mV"', ("'devices.cell_error.value' is 0.02 V",)),
        ("cell_error =", "mapping =", ("'devices.mapping' is unknown", "cell_error")),
        ("cell_error =", "cells =", ("'devices.cells' is unknown", "wire_resistance")),
        ('value = "50"', 'value = "0.5"', ("range",)),
        ('{ value = "0.02"', '{ value = "0.02", unit = "1"', ("'devices.cell_error.unit'",)),
        ('value = "0.02", source = "measured",', 'value = "0.02",', ("devices.cell_error.source",)),
        ("[devices]", "[devices]\nread_noise = 0.1", ("'devices.read_noise' must be a table",)),
    ],
)
def test_what_is_wrong_with_devices(
    profile: Profile, old: str, new: str, said: tuple[str, ...]
) -> None:
    assert old in DEVICES
    refused(profile, PROFILE + DEVICES.replace(old, new), *said)

"""``--moduli 61,59,55,53+63,62``: a set that says itself which of its moduli are redundant."""

import json
from collections.abc import Callable
from typing import Any

import click
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnscli.cli.main import cli
from rnscli.cli.options.types import ModuliType, SplitSet

Run = Callable[..., Any]
Rows = Callable[..., list[dict[str, Any]]]
Refusal = Callable[..., str]
QUICK = settings(max_examples=100, deadline=None, derandomize=True)

COMMANDS = ("moduli", "error-sim", "fault-prob", "energy")
SIZES = {"error-sim": ("--pairs", 200, "--p", 1e-3)}


def test_these_are_all_commands_with_moduli() -> None:
    context = click.Context(cli)
    found = {
        name
        for name in cli.list_commands(context)
        if (command := cli.get_command(context, name)) is not None
        and any(parameter.name == "moduli" for parameter in command.params)
    }
    assert found >= set(COMMANDS)


def convert(text: str) -> Any:
    return ModuliType().convert(text, None, None)


@pytest.mark.parametrize(
    ("text", "information", "redundant"),
    [
        ("61,59,55,53+63,62", (61, 59, 55, 53), (63, 62)),
        (" 61, 59 + 63 ", (61, 59), (63,)),
        ("59,61+62,63", (59, 61), (62, 63)),
        ("7+8", (7,), (8,)),
        ("61 59+63", (61, 59), (63,)),
    ],
)
def test_accepted(text: str, information: tuple[int, ...], redundant: tuple[int, ...]) -> None:
    assert convert(text) == SplitSet(information, redundant)


@QUICK
@given(st.sets(st.integers(2, 10**6), min_size=2, max_size=9), st.data())
def test_it_is_read_as_it_is_written(members: set[int], data: st.DataObject) -> None:
    ordered = sorted(members)
    count = data.draw(st.integers(1, len(ordered) - 1))
    shuffled = [data.draw(st.permutations(part)) for part in (ordered[:count], ordered[count:])]
    found = convert("+".join(",".join(map(str, part)) for part in shuffled))
    assert (found.information, found.redundant) == tuple(map(tuple, shuffled))
    assert convert(str(found)) == found
    assert ModuliType().convert(found, None, None) is found


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("63,62+61,59", "the largest"),
        ("61,62+63,59", "the largest"),
        ("61,59+63+64", "the largest"),
        ("61,59+", "'' is not accepted"),
        ("+61,59", "'' is not accepted"),
        ("+", "'' is not accepted"),
        ("61,x+63", "'61,x' is not accepted"),
        ("61,59+6x", "'6x' is not accepted"),
        ("61,59+1e3", "'1e3' is not accepted"),
        ("61,59++63", "--moduli"),
        ("61,59-63", "--moduli"),
        ("61,60,59,53+62,63", "63 and 60 are not coprime"),
        ("61,59,55,53+61", "61"),
        ("9" * 3000 + "+" + "8" * 3000, "--moduli"),
    ],
)
def test_refused(command: str, text: str, said: str, refusal: Refusal) -> None:
    sentence = refusal(command, "--moduli", text, "--vector-size", 16)
    assert said in sentence and "moduli" in sentence.replace("modulus", "moduli")
    assert len(sentence) < 400


@pytest.mark.parametrize("command", COMMANDS)
def test_redundant_beside_it_is_a_contradiction(
    command: str, refusal: Refusal, rnscli: Run
) -> None:
    for count in (0, 1, 2, "0..2"):
        sentence = refusal(command, "--moduli", "61,59,55,53+63,62", "--redundant", count)
        assert "--moduli" in sentence and "--redundant" in sentence and "61,59,55,53" in sentence
    both = ("--moduli", "63,62,61,59,55", "--moduli", "61,59,55,53+63", "--redundant", 1)
    ran = rnscli(command, *both, *SIZES.get(command, ()))
    assert ran.code == 2  # with the rows of the other set
    assert "--moduli 61,59,55,53+63 says itself which are redundant" in ran.err


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("order", ["61,59,55,53+63,62", "53,55,61,59+62,63"])
def test_rows_are_those_of_redundant(command: str, order: str, rows: Rows) -> None:
    more = SIZES.get(command, ())
    split = rows(command, "--moduli", order, *more)
    assert split == rows(command, "--moduli", "63,62,61,59,55,53", "--redundant", 2, *more)
    assert any(row["moduli"] == [61, 59, 55, 53] for row in split)
    assert any(row["redundant_moduli"] == [63, 62] for row in split)


@pytest.mark.parametrize("command", COMMANDS)
def test_several_sets_with_redundancies_of_their_own(command: str, rows: Rows) -> None:
    more = ("--vector-size", 16, *SIZES.get(command, ()), *ONLY_RNS.get(command, ()))
    sets = ("63,62,61", "61,59,55+63", "61,59,55,53+63,62")
    together = rows(command, *(w for one in sets for w in ("--moduli", one)), *more)
    apart = [row for one in sets for row in rows(command, "--moduli", one, *more)]
    for row in (*together, *apart):  # relative to the first row of its kind
        for name in [name for name in row if name.startswith("relative")]:
            del row[name]
    assert together == apart


ONLY_RNS = {"error-sim": ("--core", "rns"), "energy": ("--core", "rns")}


@pytest.mark.parametrize("command", COMMANDS)
def test_parameters_of_the_document(command: str, rnscli: Run) -> None:
    more = ("--vector-size", 16, *SIZES.get(command, ()), "--format", "json")
    for given_sets, said in (
        (["61,59,55+63"], "61,59,55+63"),
        (["63,62,61", "61, 59,55+63"], [[63, 62, 61], "61,59,55+63"]),
    ):
        ran = rnscli(command, *(w for one in given_sets for w in ("--moduli", one)), *more)
        assert (ran.code, ran.err) == (0, "")
        parameters = json.loads(ran.out)["parameters"]
        assert parameters["moduli"] == said
        assert parameters["redundant"] is None


@pytest.mark.parametrize("style", ["table", "csv", "markdown", "latex"])
def test_in_every_format(style: str, rnscli: Run) -> None:
    split = rnscli("fault-prob", "--moduli", "61,59,55,53+63", "--format", style)
    said = rnscli("fault-prob", "--moduli", "63,61,59,55,53", "--redundant", 1, "--format", style)
    assert split == said and split.code == 0


def test_requirements_name_the_set(rnscli: Run) -> None:
    split, said = (
        rnscli("energy", "--core", "rns", *words, "--require", "adc_bits <= 2", "--format", "csv")
        for words in (
            ("--moduli", "61,59,55,53+63"),
            ("--moduli", "63,61,59,55,53", "--redundant", 1),
        )
    )
    assert split == said and split.code == 1

"""Sweeps: what a value may stand for, the order of rows, and points without an answer."""

import itertools
import json
import math
from collections.abc import Callable
from typing import Any

import click
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnscli.base.errors import InputError
from rnscli.base.units import Uncertain
from rnscli.cli.options import sweeps as file_values
from rnscli.cli.options import sweeps as quantities
from rnscli.cli.options import sweeps as sweep
from rnscli.cli.options.shared import points

Run = Callable[..., Any]
Rows = Callable[..., list[dict[str, Any]]]
QUICK = settings(max_examples=50, deadline=None, derandomize=True)

WHOLE = sweep.IntSweep(0, 10**6)
PROBABILITY = sweep.FloatSweep(0.0, 1.0, "a probability from 0 to 1")


def values(kind: sweep.Sweep, text: str) -> tuple[Any, ...]:
    return kind.convert(text, None, None)


# What a value stands for


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("6", (6,)),
        ("4,6,5", (4, 6, 5)),
        ("4..8", (4, 5, 6, 7, 8)),
        ("4..4", (4,)),
        ("1,4..6,2", (1, 4, 5, 6, 2)),
        ("1e3", (1000,)),
        ("1e3..1002", (1000, 1001, 1002)),
        (" 4 , 5", (4, 5)),
        ("4.0", (4,)),
        ("0,0", (0, 0)),
    ],
)
def test_whole_numbers(text: str, expected: tuple[int, ...]) -> None:
    found = values(WHOLE, text)
    assert found == expected
    assert all(type(value) is int for value in found)


@QUICK
@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 50)), min_size=1, max_size=5))
def test_lists_of_ranges(spans: list[tuple[int, int]]) -> None:
    spans = [(low, min(low + more, 10**6)) for low, more in spans]
    text = ",".join(f"{low}..{high}" for low, high in spans)
    assert values(WHOLE, text) == tuple(
        itertools.chain(*(range(low, high + 1) for low, high in spans))
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", (0.0,)),
        ("1e-3,0.5", (1e-3, 0.5)),
        ("1e-6..1e-1:6", (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1)),
        ("1e-3..1e-1:2,0", (1e-3, 1e-1, 0.0)),
        ("0.25..1:3", (0.25, 0.5, 1.0)),
    ],
)
def test_numbers_and_grids(text: str, expected: tuple[float, ...]) -> None:
    assert values(PROBABILITY, text) == expected


@QUICK
@given(
    st.floats(1e-300, 0.5, exclude_max=True),
    st.floats(1.001, 1e6),
    st.integers(2, 60),
)
def test_grids_are_logarithmic(low: float, factor: float, count: int) -> None:
    high = min(1.0, low * factor)
    grid = values(PROBABILITY, f"{low!r}..{high!r}:{count}")
    assert len(grid) == count
    assert (grid[0], grid[-1]) == (low, high)
    for index, value in enumerate(grid):
        expected = math.log(low) + math.log(high / low) * index / (count - 1)
        assert math.log(value) == pytest.approx(expected, rel=1e-9, abs=1e-9)
    assert list(grid) == sorted(grid)


def test_grids_of_decibels_are_even(rows: Rows) -> None:
    ratio = sweep.DecibelSweep(-40.0, 400.0, "a ratio from -40 to 400 dB")
    assert values(ratio, "30..60:4") == (30.0, 40.0, 50.0, 60.0)
    assert values(ratio, "-10..10dB:3,30dB, 7 dB") == (-10.0, 0.0, 10.0, 30.0, 7.0)
    for text in ("30dBm", "dB", "60..30:4", "30..60", "500dB"):
        with pytest.raises(click.BadParameter, match=r"an even grid such as 30\.\.60:7"):
            values(ratio, text)
    swept = rows("fault-prob", "--redundant", 0, "--attempts", 1, "--snr-db", "30..60dB:3")
    assert [row["snr_db"] for row in swept] == [30.0, 45.0, 60.0]


def test_attempts_and_quantities_and_names() -> None:
    assert values(sweep.AttemptsSweep(), "1,2,inf") == (1, 2, math.inf)
    assert values(sweep.AttemptsSweep(), "inf") == (math.inf,)
    energy = quantities.UncertainSweep("J", "100fJ")
    assert values(energy, "100fJ,80 fJ,1e-18,0") == (100e-15, 80e-15, 1e-18, 0.0)
    assert values(energy, "100fJ±30%,80fJ+-20fJ, 1fJ+/-0.5fJ,0") == (
        Uncertain(100e-15, 70e-15, 130e-15),
        Uncertain(80e-15, 60e-15, 100e-15),
        Uncertain(1e-15, 0.5e-15, 1.5e-15),
        0.0,
    )
    anything = file_values.NameSweep("a name", "NAME")
    assert values(anything, "b, /tmp/a b.toml,b") == ("b", "/tmp/a b.toml", "b")
    names = sweep.ChoiceSweep(("a", "b"))
    assert values(names, "b,a,b") == ("b", "a", "b")
    assert values(sweep.LegitimateRangeSweep(), "product,operands,100") == (
        "product",
        "operands",
        100,
    )


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (WHOLE, "True"),
        (WHOLE, "0b11"),
        (PROBABILITY, "infinity"),
        (PROBABILITY, "1e-3j"),
        (sweep.AttemptsSweep(), "nan"),
        (sweep.LegitimateRangeSweep(), "1e-3"),
        (file_values.NameSweep("a name", "NAME"), "a,,b"),
        (quantities.UncertainSweep("J", "1fJ"), "1fJ±101%"),
        (quantities.UncertainSweep("J", "1fJ"), "1fJ±1V"),
        (quantities.UncertainSweep("J", "1fJ"), "-1fJ±10%"),
        (quantities.UncertainSweep("J", "1fJ"), "1fJ±-10%"),
        (quantities.UncertainSweep("J", "1fJ"), "1fJ±nan%"),
    ],
)
def test_what_only_python_calls_a_number(kind: sweep.Sweep, text: str) -> None:
    with pytest.raises(click.BadParameter):
        values(kind, text)


@QUICK
@given(st.text("0123456789.,:e+- ainf_±%V", max_size=12))
def test_any_text_is_read_or_refused(text: str) -> None:
    for kind in (WHOLE, PROBABILITY, sweep.AttemptsSweep(), quantities.UncertainSweep("V", "1V")):
        try:
            found = values(kind, text)
        except click.BadParameter:
            continue
        assert found
        for value in found:
            assert (value.low if isinstance(value, Uncertain) else value) >= 0


# The product


def test_points_are_the_product_with_the_last_axis_fastest() -> None:
    axes = {"a": (1, 2), "b": (), "c": None, "d": ("x", "y", "z"), "unused": (1, 2, 3)}
    found = list(points(axes, ("a", "b", "c", "d")))
    assert found == [
        {"a": a, "b": None, "c": None, "d": d} for a, d in itertools.product((1, 2), "xyz")
    ]


def test_too_many_points() -> None:
    axes = {"a": tuple(range(1000)), "b": tuple(range(101))}
    with pytest.raises(InputError, match="101000"):
        next(points(axes, ("a", "b")))
    assert len(list(points({"a": tuple(range(100_000))}, ("a",)))) == 100_000


# The rows of a command


def test_rows_keep_the_order_that_was_given(rows: Rows) -> None:
    assert [row["bits"] for row in rows("moduli", "--bits", "6,4,8")] == [6, 4, 8]
    assert [row["bits"] for row in rows("moduli", "--bits", "4..8")] == [4, 5, 6, 7, 8]
    assert [row["core"] for row in rows("energy", "--bits", 6, "--core", "fixed-hp,rns")] == [
        "fixed-hp",
        "rns",
    ]


def test_moduli_sweep_a_product(rows: Rows) -> None:
    found = rows("moduli", "--vector-size", "16,128", "--bits", "5..6", "--redundant", "0,1")
    assert [(row["bits"], row["vector_size"], len(row["redundant_moduli"])) for row in found] == [
        (bits, size, redundant) for bits in (5, 6) for size in (16, 128) for redundant in (0, 1)
    ]


def test_operand_bits_are_swept(rows: Rows) -> None:
    found = rows("moduli", "--bits", 8, "--input-bits", "2..4", "--weight-bits", "4,6")
    assert [(row["input_bits"], row["weight_bits"]) for row in found] == [
        (2, 4), (2, 6), (3, 4), (3, 6), (4, 4), (4, 6),
    ]  # fmt: skip


def test_fault_prob_sweeps_a_product(rows: Rows) -> None:
    found = rows(
        "fault-prob", "--p", "1e-4..1e-2:3", "--redundant", "1,2", "--attempts", "1,inf",
        "--decoder", "detect,bounded-distance",
    )  # fmt: skip
    assert [(row["redundant"], row["decoder"], row["attempts"], row["p"]) for row in found] == list(
        itertools.product((1, 2), ("detect", "bounded-distance"), (1, "inf"), (1e-4, 1e-3, 1e-2))
    )


def test_error_sim_sweeps_a_product_of_cores(rows: Rows) -> None:
    found = rows(
        "error-sim", "--pairs", "20,30", "--bits", "4,6", "--core", "fixed-lp,rns",
        "--operands", "normal,uniform",
    )  # fmt: skip
    assert [(row["operands"], row["bits"], row["pairs"], row["core"]) for row in found] == list(
        itertools.product(("normal", "uniform"), (4, 6), (20, 30), ("fixed-lp", "fixed-lp", "rns"))
    )


def test_energy_sweeps_a_product(rows: Rows) -> None:
    found = rows("energy", "--bits", "4,5", "--columns", "64,128", "--core", "rns,bit-sliced")
    assert [(row["bits"], row["columns"], row["core"]) for row in found] == list(
        itertools.product((4, 5), (64, 128), ("rns", "bit-sliced"))
    )
    prices = rows("energy", "--bits", 4, "--core", "rns", "--adc-model", "murmann", "--adc-k1",
                  "100fJ,50fJ")  # fmt: skip
    assert prices[0]["adc_energy_j"] > prices[1]["adc_energy_j"]


def test_several_sets_of_moduli(rows: Rows) -> None:
    found = rows("fault-prob", "--moduli", "15,14,13", "--moduli", "31,29", "--attempts", "1")
    assert [row["moduli"] for row in found] == [[15, 14, 13], [31, 29]]


# Points without an answer

PARTIAL = {
    "moduli": ("moduli", "--bits", "4", "--redundant", "0..3"),
    "error-sim": ("error-sim", "--bits", "4", "--redundant", "0..3", "--pairs", "50"),
    "fault-prob": ("fault-prob", "--bits", "4", "--redundant", "0..3", "--attempts", "1"),
    "energy": ("energy", "--bits", "4", "--redundant", "0..3", "--core", "rns"),
}


@pytest.mark.parametrize("command", list(PARTIAL))
@pytest.mark.parametrize("style", ["table", "json", "csv", "markdown", "latex"])
def test_a_partial_sweep_prints_the_rows_that_exist(command: str, style: str, rnscli: Run) -> None:
    whole = [*PARTIAL[command], "--format", style]
    whole[whole.index("0..3")] = "0..1"
    expected = rnscli(*whole)
    assert (expected.code, expected.err) == (0, "")
    ran = rnscli(*PARTIAL[command], "--format", style)
    assert ran.code == 2
    if style != "json":  # where the parameters say what was asked
        assert ran.out == expected.out
    lines = ran.err.splitlines()
    assert len(lines) == 2
    for line, redundant in zip(lines, (2, 3), strict=True):
        assert line.startswith("rnscli: ") and f"{redundant} redundant" in line


def test_the_rows_of_a_partial_sweep_are_those_of_its_parts(rows: Rows, rnscli: Run) -> None:
    ran = rnscli("moduli", "--bits", "3..5", "--redundant", "1", "--format", "json")
    assert ran.code == 2
    found = json.loads(ran.out)["rows"]
    assert found == rows("moduli", "--bits", "4..5", "--redundant", "1")
    assert len(ran.err.splitlines()) == 1


def test_other_cores_need_no_moduli(rnscli: Run) -> None:
    ran = rnscli("error-sim", "--bits", 4, "--redundant", 2, "--core", "fixed-lp", "--pairs", 50)
    assert (ran.code, ran.err) == (0, "")
    for core in ("fixed-lp", "digital-int8"):
        ran = rnscli("energy", "--bits", 4, "--redundant", 2, "--core", core)
        assert (ran.code, ran.err) == (0, "")


def test_a_missing_point_outweighs_a_requirement(rnscli: Run) -> None:
    ran = rnscli(*PARTIAL["moduli"], "--require", "count >= 6")
    assert ran.code == 2
    assert any("row 1: count" in line for line in ran.err.splitlines())


def test_what_only_a_default_names_is_left_out_and_told(rnscli: Run) -> None:
    """The first core of a default is what the command is about: the others are company."""
    light = ("--max-link-sigma", 0.5)  # which 8 bits take
    ran = rnscli("energy", "--bits", 8, *light, "--adc-model", "survey", "--format", "csv")
    assert ran.code == 0
    cores = [line.split(",")[0] for line in ran.out.splitlines()[1:]]
    assert cores == ["rns", "fixed-lp", "digital-int8"]
    assert ran.err.startswith("rnscli: left out for core fixed-hp: --adc-model survey holds")
    named = ("--core", "rns,fixed-hp")
    assert rnscli("energy", "--bits", 8, *light, "--adc-model", "survey", *named).code == 2
    assert rnscli("energy", "--bits", 4, "--redundant", 2).code == 2  # there is no row of rns
    for whole in (("moduli", "--redundant", 2), ("fault-prob", "--bits", 4, "--attempts", 1)):
        ran = rnscli(*whole)
        assert ran.code == 0 and ran.out and ran.err.startswith("rnscli: left out for ")


def test_a_core_that_is_asked_for_and_has_no_row_at_any_default(rnscli: Run) -> None:
    beyond = ("energy", "--adc-model", "murmann", "--adc-rate", "2GHz", "--core",
              "fixed-lp,digital-int8")  # fmt: skip
    ran = rnscli(*beyond, "--format", "csv")
    assert ran.code == 2 and ran.out.count("digital-int8") == 5
    assert len(ran.err.splitlines()) == 5 and "core fixed-lp" in ran.err


def test_what_is_named_twice_is_computed_once(rows: Rows) -> None:
    for option, twice in (
        ("--noise", "uniform,uniform"), ("--bits", "5,6,5"), ("--p", "0.01,1e-2"),
        ("--attempts", "1..2,1"), ("--decoder", "detect,detect"),
    ):  # fmt: skip
        once = ",".join(dict.fromkeys(twice.split(",")))
        asked = ("fault-prob", "--redundant", 1, "--attempts", 1, "--p", 1e-3)
        assert rows(*asked, option, twice) == rows(*asked, option, once.replace(",1e-2", ""))
    found = rows("energy", "--bits", 6, "--core", "rns,fixed-lp,rns")
    assert [row["core"] for row in found] == ["rns", "fixed-lp"]


def test_a_level_that_is_given_is_that_of_the_row(rows: Rows) -> None:
    for p in (1e-3, 0.01, 3e-7, 0.2):
        (row,) = rows(
            "fault-prob", "--redundant", 1, "--attempts", 1, "--noise", "gaussian", "--p", p
        )
        assert row["p"] == p


def test_a_table_shows_the_range_of_what_residues_do_not_share(rnscli: Run, rows: Rows) -> None:
    asked = ("fault-prob", "--redundant", 1, "--attempts", "1,2", "--snr-db", 45)
    first, *_, last = rows(*asked)[0]["residue_sigma"]
    assert f"sigma = {last:.4g} .. {first:.4g}" in rnscli(*asked).out
    simulated = rnscli("error-sim", "--bits", 6, "--pairs", 50, "--snr-db", 50).out
    assert "0.1866 .. 0.1992  rns" in simulated

"""Whatever is wrong: exit code 2, one sentence on stderr, nothing else, nowhere a traceback."""

import math
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest
from schemas import command_named

from rnscli.cli.command import AnswerCommand
from rnscli.cli.main import ANSWERING
from rnscli.cli.options import sweeps, types

Run = Callable[..., Any]
Refusal = Callable[..., str]

HUGE = "9" * 5000
NOT_NUMBERS = ("abc", "nan", "-inf", "", " ", ",", "4,,5", "4,x", "²", "0x10", "1e400")
NOT_WHOLE = ("1.5", "-1", "1e30", "1e-3", "8..4", "4..", "..4", "4..x", "1..2..3", "2..4:3", HUGE)
NO_GRID = ("1e-3..", "..1e-3", "1e-1..1e-3:4", "1e-3..1e-1", "1e-3..1e-1:", "1e-3..1e-1:1",
           "0..1e-1:4", "1e-3..1e-1:x", "1e-3..1e-1:1e9", "1e-3:4")  # fmt: skip
NO_EVEN_GRID = tuple(text for text in NO_GRID if text != "0..1e-1:4")

NAMES = ("abc", "", "1", "rns,,fixed-lp", "nan", HUGE)
FILES = ("abc", "", " ", "nan", "-1", "/", "/dev/null/a", HUGE)
NUMBERS = ("abc", "", "1.5", "nan", HUGE)
ANY_NAME = ()  # of a file that is written, or read when a network is at hand

# By the type of an option, the first that it is of; those types that take any text are below.
BY_TYPE: dict[type, Callable[[Any], tuple[str, ...]]] = {
    sweeps.AttemptsSweep: lambda kind: (*NOT_NUMBERS, *NOT_WHOLE, "Inf..2", *beyond(kind)),
    sweeps.IntSweep: lambda kind: (*NOT_NUMBERS, *NOT_WHOLE, "inf", *beyond(kind)),
    types.WholeNumber: lambda kind: (*NOT_NUMBERS, *NOT_WHOLE, "inf", "4..8", *beyond(kind)),
    types.Number: lambda kind: (*NOT_NUMBERS, *NO_GRID, "inf", "4,5", HUGE, *beyond(kind)),
    sweeps.DecibelSweep: lambda kind: (*NOT_NUMBERS, *NO_EVEN_GRID, "inf", HUGE, *beyond(kind)),
    sweeps.FloatSweep: lambda kind: (*NOT_NUMBERS, *NO_GRID, "inf", HUGE, *beyond(kind)),
    sweeps.UncertainSweep: lambda kind: (*quantities(kind.unit), *ranges(kind.unit)),
    sweeps.QuantitySweep: lambda kind: (*quantities(kind.unit), *ranges(kind.unit), "1±30%"),
    types.Assignment: lambda kind: (
        "abc",
        "",
        " ",
        "=",
        "nothing=1",
        "shifter_loss=",
        "=1dB",
        HUGE,
    ),
    types.ShapeType: lambda kind: (
        "abc",
        "",
        " ",
        "x",
        "1x",
        "0x3",
        "1x3:complex",
        "=1x3",
        "a b=3",
        "-1",
        "1.5",
        HUGE,
    ),
    types.Quantity: lambda kind: (*quantities(kind.unit), "0", "1 furlong"),
    sweeps.ChoiceSweep: lambda kind: NAMES,
    sweeps.FractionSweep: lambda kind: (*NOT_NUMBERS, "0", "-1", "2", "1/0", "3/2", "inf", HUGE),
    sweeps.LegitimateRangeSweep: lambda kind: (*NOT_NUMBERS, *NOT_WHOLE, "inf", "0", "any"),
    types.ModuliType: lambda kind: (*NUMBERS, "3,x", "0", "-7,5", "1,3"),
    types.IntSetType: lambda kind: (*NUMBERS, "0,x", "-7,0", "99"),
}
# By the option, where its type takes any text and its reader refuses some.
BY_NAME = {
    "--technology": FILES,
    "--workload": FILES,
    "--adc-table": FILES,
    "--device-table": FILES,
    "--adc-inl-table": FILES,
    "--data": FILES,
    "--layers": FILES,
    "--layer-noise": FILES,
    "--layers-to": ANY_NAME,
    "--weights": ANY_NAME,
    "--torchvision": ANY_NAME,
    "--hf": ANY_NAME,
    "--checkpoint": ANY_NAME,
    "--save": ANY_NAME,
    "--store": ANY_NAME,
    "--operands": NAMES,
    "--values": NAMES,
    "--only": NAMES,
    "--update": NAMES,
    "--model": ("abc", "", "1", "digits-cnn,,digits-cnn", "no.such:thing", "a b:c", "os:nothing",
                "os:getcwd", "::", HUGE),
    "--torch": ("abc", "", "1", "digits-cnn,,digits-cnn", "no.such:thing", "a b:c", "os:nothing",
                "os:getcwd", "::", HUGE),
    "--scheduler": ("abc", "", "localhost:8786", "http://localhost:8786", "tcp://localhost", HUGE),
}  # fmt: skip


def beyond(kind: Any) -> tuple[str, ...]:
    """Just below the least number and just above the largest one, and far from both."""
    if isinstance(kind.low, int):
        return str(kind.low - 1), str(kind.high + 1), *(["0"] if kind.low > 0 else [])
    ends = math.nextafter(kind.low, -math.inf), math.nextafter(kind.high, math.inf)
    far = ("-1e30", "-1", "-0.1", "0", "1", "1.5", "1e7", "1e9", "1e30", "1e305")
    return *map(str, ends), *(text for text in far if not kind.low <= float(text) <= kind.high)


def quantities(unit: str) -> tuple[str, ...]:
    return (*NOT_NUMBERS, "inf", "-1", "-1f", f"5{other_than(unit)}", "5 x", "5kk", HUGE)


def ranges(unit: str) -> tuple[str, ...]:
    shares = ("1±", "±30%", "1±101%", "1±nan%", "1±-3%", "1±30%±1%", "1+-")
    return *shares, *(f"1G{unit}±{much}" for much in ("", "101%", "200%")), f"1±1{other_than(unit)}"


def other_than(unit: str) -> str:
    return "J" if unit == "Hz" else "Hz"


def bad_values(option: click.Parameter) -> tuple[str, ...]:
    """What an option refuses; a KeyError for one that is neither of a known type nor named."""
    for kind, values in BY_TYPE.items():
        if isinstance(option.type, kind):
            return values(option.type)
    return BY_NAME[option.opts[0]]


OUTPUT = {
    "--format", "--output", "--plot", "--require", "--baseline", "--allow", "--help", "--show",
    "--sort",
}  # fmt: skip
OWN_TESTS = {"batch", "store", "compare"}
COMMANDS = {
    name: found
    for name in ANSWERING
    if isinstance(found := command_named(name), AnswerCommand) and name not in OWN_TESTS
}
OPTIONS = {
    name: {option.opts[0]: bad_values(option) for option in valued}
    for name, command in COMMANDS.items()
    if (
        valued := [
            option
            for option in command.params
            if isinstance(option, click.Option)
            and option.opts[0] not in OUTPUT
            and not option.is_flag
        ]
    )
}
# The first command that has an option, with the same bounds.
FIRST: dict[tuple[str, tuple[str, ...]], str] = {}
for _name, _options in OPTIONS.items():
    for _option, _values in _options.items():
        FIRST.setdefault((_option, _values), _name)
WITH_BITS = [command for command, options in OPTIONS.items() if "--bits" in options]
SEVERAL_CORES = (
    "energy",
    "chip",
    "accuracy",
    "design",
    "noise",
)  # of which some have an answer without moduli


def test_options_of_every_command_are_tried() -> None:
    assert set(OPTIONS) == set(ANSWERING) - OWN_TESTS
    assert sum(map(len, OPTIONS.values())) > 150


@pytest.mark.parametrize(
    ("command", "option"),
    [(command, option) for command, options in OPTIONS.items() for option in options],
)
def test_values_are_refused_with_the_option_and_the_value(
    command: str, option: str, refusal: Refusal
) -> None:
    values = OPTIONS[command][option]
    if values and FIRST[option, values] != command:  # which tries all of them
        values = (values[0], values[len(values) // 2], values[-1])
    for value in values:
        sentence = refusal(command, option, value)
        assert option in sentence, value
        if value != HUGE:  # some checks name its size
            assert value.strip()[:10].split(",")[0] in sentence


@pytest.mark.parametrize("command", list(OPTIONS))
def test_huge_values_are_not_repeated_in_full(command: str, refusal: Refusal) -> None:
    options = [option for option, values in OPTIONS[command].items() if values]
    lengths = {option: len(refusal(command, option, HUGE)) for option in options}
    assert {option for option, length in lengths.items() if length > 500} == set()


@pytest.mark.parametrize(
    ("command", "option", "accepted"),
    [
        ("moduli", "--bits", "2 to 256"),
        ("moduli", "--top", "1000"),
        ("error-sim", "--jobs", "1024"),
        ("fault-prob", "--p", "from 0 to 1"),
        ("fault-prob", "--attempts", "inf"),
        ("fault-prob", "--decoder", "bounded-distance, majority, plurality, detect"),
        ("energy", "--core", "bit-sliced"),
        ("energy", "--adc-k1", "100fJ"),
        ("energy", "--supply-voltage", "1V"),
        ("energy", "--adc-k1", "100fJ±30%"),
        ("energy", "--schreier-fom", "186.723dB"),
        ("energy", "--node", "14nm"),
        ("energy", "--adc-model", "murmann, walden, schreier, survey, table"),
        ("energy", "--technology", "digital-logic, photonic-incoherent, photonic-phase, reram-"),
        ("energy", "--technology", ".toml"),
        ("energy", "--workload", "resnet50, bert-large, opt-125m, mnist-cnn"),
        ("energy", "--workload", "layer, M, K, N"),
        ("energy", "--adc-table", "enob, energy_j, area_m2, rate_hz"),
        ("energy", "--reverse", "mixed-radix, crt"),
        ("moduli", "--moduli", "63,62,61,59"),
        ("error-sim", "--operands", "npz"),
        (
            "accuracy",
            "--model",
            "digits-cnn, digits-resnet, digits-transformer, mnist-cnn, text-mlp, text-bert, "
            "text-opt, package.module",
        ),
        ("accuracy", "--data", ".npz"),
        ("accuracy", "--granularity", "vector, tile, channel, tensor"),
        ("accuracy", "--scales", "fp32, power-of-two"),
        ("train", "--epochs", "1 to 1000000"),
        ("train", "--learning-rate", "above 0"),
    ],
)
def test_the_sentence_says_what_would_be_accepted(
    command: str, option: str, accepted: str, refusal: Refusal
) -> None:
    assert accepted in refusal(command, option, "abc")


def test_the_largest_number_that_is_said_is_accepted(refusal: Refusal) -> None:
    sentence = refusal("error-sim", "--pairs", 10**12 + 1)
    assert "2^40" not in sentence  # which is 10 % more than what is accepted


# The moduli

WITH_MODULI = [command for command, options in OPTIONS.items() if "--moduli" in options]


@pytest.mark.parametrize("command", WITH_MODULI)
@pytest.mark.parametrize(
    ("moduli", "pair", "factor"),
    [("63,62,60", "63 and 60", 3), ("15,14,13,35", "35 and 15", 5), ("7,11,7", "7 and 7", 7)],
)
def test_moduli_that_share_a_factor(
    command: str, moduli: str, pair: str, factor: int, refusal: Refusal
) -> None:
    sentence = refusal(command, "--moduli", moduli)
    assert pair in sentence and f"multiples of {factor}; " in sentence
    assert sentence.rstrip().endswith("for moduli that share factors give a --factor of 1")


@pytest.mark.parametrize("command", WITH_MODULI)
def test_moduli_that_do_not_cover_the_range(command: str, refusal: Refusal) -> None:
    sentence = refusal(command, "--moduli", "63,62,61", "--bits", 6, "--vector-size", 128)
    assert "238266" in sentence and "246017" in sentence
    sentence = refusal(command, "--moduli", "16,15,13", "--input-bits", 4, "--vector-size", 128)
    assert "3120" in sentence


@pytest.mark.parametrize("command", WITH_MODULI)
def test_all_moduli_redundant(command: str, refusal: Refusal) -> None:
    sentence = refusal(command, "--moduli", "63,62,61", "--redundant", 3)
    assert "--redundant" in sentence and "3" in sentence and "2" in sentence


@pytest.mark.parametrize("command", WITH_MODULI)
def test_moduli_wider_than_the_converters(command: str, refusal: Refusal) -> None:
    sentence = refusal(command, "--moduli", "255,254,253", "--bits", 7)
    assert "255" in sentence and "--bits" in sentence and "8" in sentence
    sentence = refusal(command, "--bits", 6, "--max-modulus", 65)
    assert "--max-modulus" in sentence and "64" in sentence


def test_huge_moduli_are_counted_or_refused_without_a_traceback(rnscli: Run) -> None:
    members: list[int] = []
    candidate, product = 2**256, 1
    while len(members) < 60:
        candidate -= 1
        if math.gcd(candidate, product) == 1:
            members.append(candidate)
            product *= candidate
    listed = ",".join(map(str, members))
    for style in ("json", "csv", "table", "markdown"):  # the product has 4624 digits
        ran = rnscli("moduli", "--moduli", listed, "--format", style)
        assert (ran.code, ran.err) == (0, "") or (ran.code, ran.out) == (2, "")


# No solution


@pytest.mark.parametrize("command", WITH_BITS)
def test_no_solution_names_the_bits_that_have_one(command: str, refusal: Refusal) -> None:
    only_rns = ("--core", "rns") if command in SEVERAL_CORES else ()
    sentence = refusal(command, "--bits", 4, "--redundant", 2, *only_rns)
    assert "12545" in sentence and "15" in sentence
    assert "smallest bits" in sentence and " 5 " in sentence


# Contradictions


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ("error-sim --p 1e-3 --sigma 0.1", "--p --sigma"),
        ("error-sim --p 0 --sigma 0", "--p --sigma"),
        ("moduli --precision-bits 20 --vector-size 128", "--precision-bits --vector-size"),
        ("moduli --precision-bits 20 --input-bits 4", "--precision-bits --input-bits"),
        ("moduli --precision-bits 20 --weight-bits 4", "--precision-bits --weight-bits"),
        ("moduli --precision-bits 20 --rule bits", "--precision-bits --rule"),
        ("moduli --moduli 15,14,13 --count 3", "--moduli --count"),
        ("moduli --moduli 15,14,13 --family special", "--moduli --family"),
        ("moduli --moduli 15,14,13 --top 2", "--moduli --top"),
        ("moduli --moduli 15,14,13 --max-modulus 15", "--moduli --max-modulus"),
        ("fault-prob --moduli 15,14,13 --max-modulus 15", "--moduli --max-modulus"),
        ("moduli --family special --redundant 1", "--family --redundant"),
        ("moduli --family special --count 4", "--family --count"),
        ("energy --core bit-sliced --bits 4 --slice-bits 4", "--slice-bits 4 3"),
        ("energy --core rns --adc-k1 1e30J", "--adc-k1 1e+30 1 J"),
        ("fault-prob --legitimate-range 99999999999999", "--legitimate-range 99999999999999"),
        ("error-sim --bits 6 --pairs 9 --legitimate-range 5", "--legitimate-range 5"),
    ],
)
def test_contradictions_name_the_options(arguments: str, named: str, refusal: Refusal) -> None:
    sentence = refusal(*arguments.split())
    for name in named.split():
        assert name in sentence


def test_only_options_of_the_command_are_named(refusal: Refusal) -> None:
    never = ("--p", 1, "--decoder", "detect", "--legitimate-range", 1, "--redundant", 1)
    sentence = refusal("energy", "--bits", 4, "--core", "rns", *never)
    assert "--expected-attempts" not in sentence


@pytest.mark.parametrize("command", WITH_BITS)
def test_a_sweep_that_is_too_large(command: str, refusal: Refusal) -> None:
    sentence = refusal(command, "--bits", "2..20", "--vector-size", "1..20000")
    assert "100000" in sentence
    assert "--vector-size" in refusal(command, "--vector-size", "1..1000000")


def test_an_enormous_range_is_refused_without_being_made(refusal: Refusal) -> None:
    assert "--vector-size" in refusal("moduli", "--vector-size", "1..1000000000000")
    assert "--pairs" in refusal("error-sim", "--pairs", "2..1000000000000")
    assert "--max-modulus" in refusal("moduli", "--bits", 256, "--max-modulus", f"2..{2**256}")


# Requirements


@pytest.mark.parametrize("command", list(OPTIONS))
def test_malformed_requirements(command: str, refusal: Refusal) -> None:
    for text in ("", "a", "a <=", "a <= x", "a <= nan", "a => 3", "<= 3", "a <= 3 4", "1 2 3"):
        sentence = refusal(command, "--require", text)
        assert text in sentence and "<=" in sentence
        assert "--require" in sentence


@pytest.mark.parametrize("command", WITH_BITS)
def test_requirements_on_columns_that_cannot_be_compared(command: str, refusal: Refusal) -> None:
    for column in ("nothing", "moduli", "redundant_moduli"):
        sentence = refusal(command, "--require", f"{column} <= 1")
        assert "--require" in sentence and column in sentence
        # The columns that could be, or the one that is nearest.
        assert "redundant" in sentence or "bits" in sentence or "did you mean" in sentence


@pytest.mark.parametrize(
    ("command", "column"),
    [("error-sim", "core"), ("error-sim", "mean_abs_error_ci95"), ("fault-prob", "decoder"),
     ("fault-prob", "noise"), ("energy", "core")],
)  # fmt: skip
def test_requirements_on_text(command: str, column: str, refusal: Refusal) -> None:
    assert column in refusal(command, "--require", f"{column} <= 1")


# Files


@pytest.mark.parametrize("command", WITH_BITS)
def test_outputs_that_cannot_be_written(command: str, refusal: Refusal, tmp_path: Path) -> None:
    (tmp_path / "folder.json").mkdir()
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "file").write_text("kept")
    for name in ("missing/result.json", "folder.json", "result.xyz", "result", "file/result.json"):
        sentence = refusal(command, "--output", tmp_path / name)
        assert "--output" in sentence and name in sentence
    for name in ("missing/picture.png", "folder.png", "picture.bmp", "picture", "file/a.png"):
        sentence = refusal(command, "--plot", tmp_path / name)
        assert "--plot" in sentence and name in sentence
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "file",
        "folder.json",
        "folder.png",
        "refused",
    ]


def test_a_name_that_is_too_long(refusal: Refusal, tmp_path: Path) -> None:
    sentence = refusal("moduli", "--output", tmp_path / ("a" * 300 + ".json"))
    assert "too long" in sentence


@pytest.mark.parametrize(
    ("name", "style"),
    [("a.json", "csv"), ("a.csv", "json"), ("a.md", "latex"), ("a.tex", "markdown"),
     ("a.txt", "json"), ("a.json", "table")],
)  # fmt: skip
def test_a_format_that_contradicts_the_suffix(
    name: str, style: str, refusal: Refusal, tmp_path: Path
) -> None:
    sentence = refusal("moduli", "--output", tmp_path / name, "--format", style)
    assert "--format" in sentence and "--output" in sentence
    assert name in sentence and style in sentence
    assert not (tmp_path / name).exists()


def operands(path: Path, **arrays: Any) -> Path:
    np.savez(path, **arrays)
    return path


ONES = np.ones((4, 8))


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"x": ONES}, "w"),
        ({"w": ONES}, "x"),
        ({}, "x"),
        ({"x": ONES, "w": np.ones((4, 7))}, "(4, 7)"),
        ({"x": np.ones(8), "w": np.ones(8)}, "(8,)"),
        ({"x": np.ones((0, 8)), "w": np.ones((0, 8))}, "(0, 8)"),
        ({"x": ONES * np.nan, "w": ONES}, "NaN"),
        ({"x": ONES, "w": ONES * np.inf}, "infinity"),
        ({"x": ONES, "w": ONES * 1j}, "complex"),
        ({"x": ONES, "w": np.full((4, 8), "a")}, "real numbers"),
        ({"x": ONES, "w": np.full((4, 8), None)}, "bad.npz"),
        ({"x": np.ones((1, 8)), "w": np.ones((1, 8))}, "one pair"),
    ],
)
def test_operands_that_cannot_be_multiplied(
    arrays: dict[str, Any], said: str, refusal: Refusal, tmp_path: Path
) -> None:
    path = operands(tmp_path / "bad.npz", **arrays)
    assert said in refusal("error-sim", "--bits", 6, "--operands", path)


@pytest.mark.parametrize("kind", ["empty", "text", "truncated", "npy", "zip of text", "folder"])
def test_files_that_hold_no_operands(kind: str, refusal: Refusal, tmp_path: Path) -> None:
    path = tmp_path / "bad.npz"
    good = operands(tmp_path / "good.npz", x=ONES, w=ONES).read_bytes()
    if kind == "folder":
        path.mkdir()
    elif kind == "npy":
        with path.open("wb") as file:
            np.save(file, ONES)
    elif kind == "zip of text":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("x", "hello")
            archive.writestr("w", "hello")
    else:
        path.write_bytes({"empty": b"", "text": b"hello", "truncated": good[:200]}[kind])
    sentence = refusal("error-sim", "--bits", 6, "--operands", path)
    assert "operands" in sentence and "bad.npz" in sentence


def test_operands_files_that_are_missing_or_damaged(refusal: Refusal, tmp_path: Path) -> None:
    assert "missing.npz" in refusal("error-sim", "--operands", tmp_path / "missing.npz")
    assert "uniform.csv" in refusal("error-sim", "--operands", "uniform.csv")
    damaged = bytearray(operands(tmp_path / "bad.npz", x=ONES, w=ONES).read_bytes())
    damaged[250] ^= 255  # in the data of x: its checksum no longer holds
    (tmp_path / "bad.npz").write_bytes(damaged)
    assert "bad.npz" in refusal("error-sim", "--bits", 6, "--operands", tmp_path / "bad.npz")


def test_operands_of_one_pair_have_no_interval(refusal: Refusal, tmp_path: Path) -> None:
    path = operands(tmp_path / "one.npz", x=ONES[:1], w=ONES[:1])
    for more in ((), ("--rel-precision", 0.1)):
        sentence = refusal("error-sim", "--bits", 6, "--operands", path, *more)
        assert "one.npz has one pair" in sentence and "--pairs" not in sentence


def test_operands_that_are_called_otherwise(refusal: Refusal) -> None:
    assert "did you mean normal?" in refusal("error-sim", "--operands", "gaussian")
    assert "did you mean uniform?" in refusal("error-sim", "--operands", "unifrom")


def test_operands_and_sizes_must_agree(refusal: Refusal, tmp_path: Path) -> None:
    path = operands(tmp_path / "ones.npz", x=ONES, w=ONES)
    simulation = ("error-sim", "--bits", 6, "--operands", path)
    assert "--vector-size" in refusal(*simulation, "--vector-size", 9)
    assert "--pairs" in refusal(*simulation, "--pairs", 5)


# The command line itself


def test_unknown_commands_and_options(refusal: Refusal) -> None:
    for command in OPTIONS:
        assert "--nope" in refusal(command, "--nope", 1)
        assert "extra" in refusal(command, "extra")
        assert "--bits" in refusal(command, "--output", "a.json", "--bits")
        assert "xml" in refusal(command, "--format", "xml")
    assert "simulate" in refusal("simulate", "--output", "a.json")
    assert "--nope" in refusal("--nope", "--output", "a.json")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("moduli --require", "--require has no value; it must be 'COLUMN <= NUMBER'"),
        ("moduli --bits", "--bits has no value; it must be a whole number from 2 to 256"),
        ("energy --extrapolate=3", "--extrapolate takes no value; leave that out"),
        ("moduli --red 2", "rnscli moduli has no option --red; did you mean --redundant?"),
        ("energy --bist 4", "rnscli energy has no option --bist; did you mean --bits?"),
        ("moduli --require N<=4", "column N does not exist; did you mean count?"),
        ("energy --require total<=1", "did you mean energy_per_dot_product_j?"),
        ("energy --require total<=1pJ", "did you mean energy_per_dot_product_j?"),
        ("version", "did you mean --version?"),
        ("hlep", "did you mean help?"),
        ("err", "did you mean error-sim?"),
    ],
)
def test_what_was_probably_meant(arguments: str, said: str, rnscli: Run) -> None:
    ran = rnscli(*arguments.split())
    assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1)
    assert said in ran.err


@pytest.mark.parametrize("command", list(OPTIONS))
def test_no_sentence_about_a_requirement_fills_a_screen(command: str, refusal: Refusal) -> None:
    assert len(refusal(command, "--require", "nothing <= 1")) < 400


@pytest.mark.parametrize(
    ("command", "option", "value", "reason"),
    [
        ("moduli", "--max-modulus", "1e30", "a number above 2^53 must be written in digits"),
        ("fault-prob", "--legitimate-range", "1e99", "a number above 2^53 must be written"),
        ("fault-prob", "--legitimate-range", str(2**4096 + 1), "from 1 to 2^4096"),
        ("error-sim", "--rel-precision", "0", "above 0 and below 1, at least 1e-09"),
        ("design", "--seed", str(2**63 + 1), "a whole number from 0 to 2^63"),
        ("error-sim", "--seed", str(2**63 + 1), "a whole number from 0 to 2^63,"),
        ("train", "--seed", str(2**63), "a whole number from 0 to 2^63 - 1,"),
        ("design", "--seed", "1e18", "a number above 2^53 must be written in digits"),
        ("train", "--learning-rate", "1e30", "a number above 0, at least 1e-12, at most 1e+06"),
        ("train", "--learning-rate", "0", "a number above 0, at least 1e-12, at most 1e+06"),
        ("design", "--max-error", "1e301", "a number of at least 0, at most 1e+300"),
        ("fault-prob", "--p", "1e-400", "a number is 0 or at least 5e-324"),
        ("fault-prob", "--p", "0.1,[0.1,1e-400]", "a number is 0 or at least 5e-324"),
        ("fault-prob", "--sigma", "1e-400..1e-3:4", "a number is 0 or at least 5e-324"),
        ("energy", "--adc-k1", "1e-400J", "a number is 0 or at least 5e-324"),
        ("energy", "--adc-k1", "1e-400±10%", "a number is 0 or at least 5e-324"),
        ("design", "--max-energy", "1e-330 fJ", "a number is 0 or at least 5e-324"),
        ("fault-prob", "--p", "0.1,levels.txt", "there is no file 'levels.txt'"),
        ("fault-prob", "--sigma", "/no/levels", "there is no file '/no/levels'"),
        ("fault-prob", "--p", "0.1,./", "'./' is a directory"),
        ("fault-prob", "--p", "/dev/null", "'/dev/null' is not a regular file"),
    ],
)
def test_the_sentence_says_what_the_accepted_range_does_not(
    command: str, option: str, value: str, reason: str, refusal: Refusal
) -> None:
    sentence = refusal(command, option, value)
    assert reason in sentence and "it must be" in sentence


def test_what_is_no_number_is_no_file_either(refusal: Refusal) -> None:
    for text in ("nan", "abc", "1e-6..1e-1:abc"):
        assert f"{text}' is not accepted; it must be" in refusal("fault-prob", "--p", text)


def test_zero_is_zero_however_it_is_written(rnscli: Run) -> None:
    texts = ("0e-400", "-0.000", "0.0e5")
    expected = rnscli("fault-prob", "--p", "0", "--format", "csv")
    assert expected.code == 0
    assert all(rnscli("fault-prob", "--p", text, "--format", "csv") == expected for text in texts)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("0.1 half", "'half' in this file is no such number"),
        ("0.1,2", "'2' in this file is no such number"),
        ("0.1\n1e-400", "a number is 0 or at least 5e-324"),
        (" \n", "the file has no numbers"),
    ],
)
def test_a_file_of_levels_is_refused_by_what_it_holds(
    content: str, reason: str, refusal: Refusal, tmp_path: Path
) -> None:
    path = tmp_path / "levels.txt"
    path.write_text(content)
    assert reason in refusal("fault-prob", "--p", path)


# What is repeated

EVERYWHERE = [
    *(("moduli", option) for option in ("--output", "--plot", "--require", "--bits", "--format")),
    ("energy", "--technology"),
    ("error-sim", "--operands"),
    ("batch",),
    ("store",),
    ("schema",),
    ("moduli",),
    (),
]


@pytest.mark.parametrize("before", EVERYWHERE, ids=" ".join)
def test_no_escape_sequence_reaches_the_terminal(
    before: tuple[str, ...], rnscli: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for text in ("\x1b]0;title\x07", "no-\x9b31mred", "a/\x1b[2J"):
        ran = rnscli(*before, text)
        assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1)
        assert ran.err.rstrip("\n").isprintable() and ascii(text)[1:-1] in ran.err


@pytest.mark.parametrize("before", EVERYWHERE, ids=" ".join)
@pytest.mark.parametrize("part", ["x", "x y ", "--x"])
def test_what_is_very_long_is_not_repeated_in_full(
    part: str, before: tuple[str, ...], rnscli: Run
) -> None:
    ran = rnscli(*before, part * 30_000)
    assert ran.code == 2 and "x" in ran.err and len(ran.err) < 2100


def test_a_folder_that_has_been_removed(
    rnscli: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = tmp_path / "removed"
    here.mkdir()
    monkeypatch.chdir(here)
    here.rmdir()
    for option in ("--output", "--plot"):
        ran = rnscli("moduli", "--bits", 6, option, "a.svg", "--format", "csv")
        assert ran.err == ("rnscli: the current folder has been removed; change to another one\n")

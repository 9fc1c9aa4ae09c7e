"""The commands that ``rnscli design`` prints: run, they give the numbers of the chosen design."""

import json
import math
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from simple_technology import SIMPLE

from rnscli.analysis.statistics import proportion_interval

Run = Callable[..., Any]
Row = dict[str, Any]

CONFIDENCE = 0.999
QUICK = ("--pairs", "500", "--seed", "4")
TABLE = "enob,energy_j,area_m2,rate_hz\n3,1e-13,1e-9,1e9\n8,5e-13,2e-9,1e9\n20,1e-8,1e-8,1e9\n"


@pytest.fixture
def reproduced(rnscli: Run) -> Callable[..., Row]:
    """The chosen design of a search, every number of which its commands have given again."""

    def call(
        *arguments: object, ran: Run = rnscli, answers: Run = rnscli, pairs: str = "2e5"
    ) -> Row:
        found = ran("design", *QUICK, *arguments, "--format", "json")
        assert found.code == 0, found.err
        rows = json.loads(found.out)["rows"]
        chosen: Row = rows[0]
        assert [row["role"] for row in rows].count("chosen") == 1
        assert chosen["role"] == "chosen"
        assert all(row["commands"] is None for row in rows[1:])
        given: dict[str, list[Row]] = {}
        for line in chosen["commands"]:
            program, *words = shlex.split(line)
            assert program == "rnscli"
            for many in {"1e5", "1e6"} & {*words}:  # as are wanted of what is rare, and here is not
                assert words.count(many) == 1
                words[words.index(many)] = pairs
            answered = answers(*words, "--format", "json")
            assert (answered.code, answered.out != "") == (0, True), (line, answered.err)
            given.setdefault(words[0], []).extend(json.loads(answered.out)["rows"])
        check(chosen, given, float(pairs))
        return chosen

    return call


def same(value: Any, other: Any) -> bool:
    if isinstance(other, float | int) and not isinstance(other, bool):
        return bool(value == pytest.approx(other, rel=1e-12, abs=0))
    return bool(value == other)


def check(chosen: Row, given: dict[str, list[Row]], pairs: float) -> None:
    costs, *others = given["energy"]  # a row for each model of ADCs
    dearest = max(given["energy"], key=lambda row: row["energy_per_mac_j"])
    for name in ("energy_per_mac_j", "latency_s", "area_m2", "throughput_macs_per_s", "core",
                 "bits", "vector_size", "technology", "adc_model", "columns"):  # fmt: skip
        assert same(dearest[name], chosen[name]), (name, dearest[name], chosen[name])
    if dearest["adc_model"] not in (None, "own"):
        for name in ("adc_rate_hz", "columns_per_adc"):
            assert same(dearest[name], chosen[name]), (name, dearest[name], chosen[name])
    ends = [pick(row["energy_per_mac_j"] for row in given["energy"]) for pick in (min, max)]
    found = chosen["energy_per_mac_range_j"]
    assert found is None if not others else all(map(same, found, ends))
    error, *noisy = given["error-sim"]
    assert same(error["mean_abs_error"], chosen["mean_abs_error"])
    if chosen["core"] == "rns":
        (moduli,) = given["moduli"]
        for row in (moduli, costs):
            assert row["moduli"] == chosen["moduli"]
            assert row["redundant_moduli"] == chosen["redundant_moduli"]
        assert same(costs["expected_attempts"], chosen["expected_attempts"])
        assert noisy == []
    else:
        assert chosen["moduli"] is None
        assert chosen["expected_attempts"] == 1
        assert "moduli" not in given
    if "fault-prob" in given:
        (faults,) = given["fault-prob"]
        assert same(faults["p_err"], chosen["p_err"])
        assert same(faults["expected_attempts"], chosen["expected_attempts"])
    elif noisy:
        (row,) = noisy
        assert row["pairs"] == pairs
        wrong = round(row["output_error_rate"] * row["pairs"])
        low, high = proportion_interval(wrong, row["pairs"], CONFIDENCE)
        assert low <= chosen["p_err"] <= high, (low, chosen["p_err"], high)
    else:
        assert chosen["p_err"] == 0


ALWAYS = [
    "--core rns",
    "--core rns --bits 6 --redundant 2 --reverse crt",
    "--core fixed-lp --bits 3",
    "--core fixed-hp --columns-per-adc 8",
    "--core bit-sliced --bits 6 --slice-bits 2 --adc-bits 9",
    "--core bit-sliced --bits 5",
    "--core digital-int8",
    "--core digital-int4 --constant logic_energy_factor=2",
    "--core digital-int8 --technology sram-digital",
    "--bits 5 --technology photonic-phase --vector-size 64",
    "--bits 4..6 --vector-size 64,128 --max-error 0.1",
    "--core rns --input-bits 4 --weight-bits 6 --bits 6",
    "--core fixed-lp --input-bits 4 --weight-bits 6 --bits 6",
    "--core digital-int8 --input-bits 4 --weight-bits 6",
    "--core rns --rule bits --bits 6 --columns 32",
    "--core rns --max-modulus 29 --bits 5 --vector-size 64",
    "--core rns --adc-model survey --extrapolate --vector-size 2000 --bits 6",
    "--core rns --adc-k1 80fJ --adc-k2 2aJ --node 7nm --bits 6",
    "--core rns --constant shifter_loss=0.2dB --constant efficiency=0.3 --bits 6",
    "--core rns,fixed-lp --constant shifter_loss=0.2dB --constant cell_capacitance=1fF --bits 5",
    "--core rns --laser-power 30mW --rate 10GHz --max-link-sigma 0.2 --bits 6",
    "--core rns --memory dram --scales power-of-two --bits 6",
    "--core fixed-lp --memory none --scales none --bits 6",
    "--core rns --technology reram-analog --modulo-energy 1pJ --bits 6",
    "--core rns,fixed-lp --modulo-energy 1pJ --bits 6 --minimise error",
    "--core rns --supply-voltage 0.8V --dac-unit-capacitance 1fF --adc-rate 2e8 --clock 3.3GHz",
    "--core rns --adc-model walden --walden-fom 3fJ --bits 6",
    "--core rns --adc-model schreier --schreier-fom 180dB --bits 6",
    "--core digital-int8 --technology sram-digital --node 7nm --memory register",
]
NOISY = [
    "--core rns --p 1e-3 --max-p-err 1e-9",
    "--core rns --p 0.123456789 --minimise p-err --redundant 0..3",
    "--core rns --p 0 --redundant 1",
    "--core rns --sigma 0.15 --max-p-err 1e-6 --bits 4..6",
    "--core rns --snr-db 35 --redundant 1,2 --bits 5",
    "--core rns --sigma 0.2 --noise uniform --redundant 2 --bits 6 --attempts 1,2,5",
    "--core rns --p 0.01 --noise gaussian --redundant 1 --bits 5 --legitimate-range 57601",
    "--core rns --p 0.02 --attempts 1000000 --redundant 1 --decoder detect",
    "--core rns --p 0.02 --decoder majority --redundant 2 --bits 6 --rule bits",
    "--core digital-int8 --p 0.01",
    "--core fixed-lp --bits 5 --p 0.01",
    "--core fixed-lp --bits 8 --sigma 0.1",
    "--core fixed-hp --bits 4 --vector-size 16 --sigma 0.003",
    "--core bit-sliced --bits 4 --vector-size 16 --adc-bits 9 --sigma 0.005",
    "--core fixed-lp --bits 8 --snr-db 50",
    "--core fixed-hp --bits 4 --p 0.01 --noise gaussian --vector-size 4",
]
# What the light of a technology makes of residues, and of what an ADC reads.
OF_DEVICES = [
    "--noise device --core rns --vector-size 16 --bits 5 --laser-power 3mW,10mW --max-p-err 1e-3",
    "--noise device --core rns --vector-size 12 --bits 5 --rate 2GHz --redundant 2 --attempts 2",
    "--noise device --core fixed-lp --technology photonic-incoherent --vector-size 8 --bits 4",
]
# Where the remainder of a sum is not uniform over a step of the ADC, or errors are rare.
MANY = [
    "--core bit-sliced --bits 6 --p 1e-4",
    "--core fixed-lp --bits 4 --sigma 0.1",
    "--core bit-sliced --bits 4 --sigma 0.1",
]


@pytest.mark.parametrize(
    "arguments",
    [
        *ALWAYS,
        *NOISY,
        *OF_DEVICES,
        *(pytest.param(one, marks=pytest.mark.thorough) for one in MANY),
    ],
)
def test_commands_reproduce_every_number(arguments: str, reproduced: Callable[..., Row]) -> None:
    chosen = reproduced(*arguments.split(), pairs="1e6" if arguments in MANY else "2e5")
    if "--core" in arguments:
        named = arguments.split()[1 + arguments.split().index("--core")]
        assert chosen["core"] in named.split(",")


def test_technology_of_a_file(reproduced: Callable[..., Row], tmp_path: Path) -> None:
    folder = tmp_path / "my profiles"  # a name that a shell would split
    folder.mkdir()
    for kind, core in (("analog", "rns"), ("digital", "digital-int8")):
        path = folder / f"{kind}.toml"
        path.write_text(SIMPLE.format(kind=kind))
        chosen = reproduced("--core", core, "--technology", path, "--constant", "cell_area=1um2")
        assert chosen["technology"] == "simple"
        assert any("--constant cell_area=1um2" in line for line in chosen["commands"])
        assert any(str(path) in line for line in chosen["commands"])


def test_converters_of_a_table(reproduced: Callable[..., Row], tmp_path: Path) -> None:
    path = tmp_path / "my converters.csv"
    path.write_text(TABLE)
    chosen = reproduced("--core", "rns", "--bits", 6, "--adc-table", path)
    assert chosen["adc_model"] == "table"
    assert reproduced("--core", "fixed-hp", "--adc-table", path)["adc_model"] == "table"
    assert reproduced("--core", "digital-int8", "--adc-table", path)["adc_model"] is None


# Options that concern some designs only


@pytest.mark.parametrize("model", ["murmann", "table"])
def test_a_table_beside_a_model(model: str, reproduced: Callable[..., Row], tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    # What the table says is more than Murmann says, or less.
    path.write_text(TABLE.replace("e-13", "e-16" if model == "murmann" else "e-10"))
    both = ("--adc-table", path, "--adc-model", "table,murmann")
    chosen = reproduced("--core", "rns", "--bits", 6, *both)
    # Neither is better because it promises more.
    assert chosen["adc_model"] == model
    low, high = chosen["energy_per_mac_range_j"]
    assert low < high == chosen["energy_per_mac_j"]
    assert reproduced("--core", "rns", "--bits", 6, *both[:2], "--adc-model", "table")[
        "energy_per_mac_j"
    ] == (high if model == "table" else low)


@pytest.mark.parametrize(
    "constant", ["--adc-k1 1pJ", "--adc-k2 1fJ", "--walden-fom 1aJ", "--schreier-fom 100dB"]
)
def test_a_constant_of_a_model_that_is_not_chosen(
    constant: str, reproduced: Callable[..., Row]
) -> None:
    models = ("--adc-model", "survey,murmann,walden,schreier")
    for minimise in ("energy", "area"):
        chosen = reproduced(
            "--core", "rns", "--bits", 6, *models, *constant.split(), "--minimise", minimise
        )
        assert chosen["adc_model"] is not None


@pytest.mark.parametrize("constant", ["--walden-fom 1fJ", "--schreier-fom 180dB"])
def test_a_constant_of_converters_and_a_digital_core(constant: str, rnscli: Run) -> None:
    model = constant.split("-")[2]
    chosen = ("--core", "digital-int8", "--adc-model", model, *constant.split())
    ran = rnscli("design", *chosen)
    assert (ran.code, ran.out) == (2, "")
    assert constant.split()[0] in ran.err and "none of these rows" in ran.err


@pytest.mark.parametrize("constant", ["--node 7nm", "--memory dram", "--scales power-of-two"])
@pytest.mark.parametrize("cores", ["--core digital-int8", "--core rns", "--minimise error"])
def test_constants_hold_for_technologies_that_are_not_named(
    cores: str, constant: str, reproduced: Callable[..., Row]
) -> None:
    reproduced("--bits", 5, *cores.split(), *constant.split())


@pytest.mark.parametrize("p", [0.01, 0.05, 0.2])
def test_a_mean_number_of_attempts_is_at_least_one(
    p: float, reproduced: Callable[..., Row]
) -> None:
    """Without redundancy nothing is detected, and rounding makes no attempts of less than one."""
    chosen = reproduced(
        "--core", "rns", "--bits", 6, "--redundant", 0, "--attempts", "inf", "--p", p
    )
    assert chosen["expected_attempts"] == pytest.approx(1.0, rel=1e-12)
    assert not math.isnan(chosen["energy_per_mac_j"])

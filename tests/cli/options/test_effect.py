"""Options that change nothing beside the others: the user is told, and gets the rows."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rnscli.cli.options.effect import without_effect
from rnscli.core.cores import CORES

Run = Callable[..., Any]


@pytest.fixture
def tiny(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Options of a network that takes no time, for commands that need one."""
    if "{}" not in str(getattr(request.node, "callspec", "{}")):
        return ""
    pytest.importorskip("torch")
    import tiny_networks

    file = tiny_networks.write_signs(tmp_path / "signs.npz", samples=128)
    return f"--model {tiny_networks.SIGNS} --data {file} --bits 6"


@pytest.mark.parametrize(
    ("arguments", "idle"),
    [
        ("error-sim --bits 4 --pairs 9 --core fixed-hp --adc-bits 6", "--adc-bits"),
        ("error-sim --bits 4 --pairs 9 --slice-bits 2 --adc-bits 5", "--slice-bits"),
        ("error-sim --bits 4 --pairs 9 --core rns --adc-range 1/8", "--adc-range"),
        ("error-sim --bits 4 --pairs 9 --attempts 2 --decoder detect", "--attempts --decoder"),
        ("error-sim --bits 4 --pairs 9 --legitimate-range operands", "--legitimate-range"),
        ("energy --bits 6 --core rns,digital-int8 --adc-bits 5", "--adc-bits"),
        ("energy --bits 6 --core rns --attempts 2", "--attempts"),
        ("energy --bits 6 --core fixed-lp --workload mnist-cnn --p 1e-3", "--p"),
        ("energy --bits 6 --core fixed-lp --workload mnist-cnn --reverse crt", "--reverse"),
        ("energy --bits 6 --core digital-int8 --workload mnist-cnn --adc-model survey",
         "--adc-model"),
        ("energy --bits 6 --core fixed-lp --workload mnist-cnn --max-modulus 60", "--max-modulus"),
        ("design --bits 4 --pairs 9 --core fixed-lp --redundant 1 --rule exact",
         "--redundant --rule"),
        ("design --bits 4 --pairs 9 --core rns --redundant 1 --attempts 2", "--attempts"),
        ("accuracy {} --core rns --calibration-samples 9", "--calibration-samples"),
        ("accuracy {} --core rns --calibration max", "--calibration"),
        ("accuracy {} --core rns --per-layer --metric snr --technology photonic-phase",
         "--metric --technology"),
        ("accuracy {} --core rns --seed 1,2", "--seed"),
        ("train {} --core rns --epochs 1 --momentum 0.5,0.8 --optimiser sgd", "--momentum"),
        ("train {} --core rns --epochs 1 --gradient-rounding stochastic --input-gradient-bits fp32 "
         "--weight-gradient-bits fp32", "--gradient-rounding"),
        ("train {} --core rns --epochs 1 --warm-up 500", "--warm-up"),
    ],
)  # fmt: skip
def test_an_option_without_effect_is_told(
    arguments: str, idle: str, rnscli: Run, tiny: str
) -> None:
    ran = rnscli(*arguments.format(tiny).split())
    assert ran.code == 0 and ran.out
    lines = ran.err.splitlines()
    assert sorted(line.split()[1] for line in lines) == sorted(idle.split())
    assert all("changes nothing" in line or "is more than the 4 steps" in line for line in lines)


@pytest.mark.parametrize(
    "arguments",
    [
        "error-sim --bits 4 --pairs 9 --core bit-sliced,rns --adc-bits 6 --slice-bits 2",
        "error-sim --bits 4 --pairs 9 --p 1e-2 --attempts 2 --decoder detect",
        "energy --bits 6 --core fixed-lp --p 1e-3 --attempts 2 --redundant 1 --reverse crt",
        "energy --bits 6 --core digital-int8 --adc-model survey --columns-per-adc 8",
        "energy --bits 6 --core rns --workload mnist-cnn --p 1e-3 --redundant 1",
        "fault-prob --redundant 1 --seed 3",  # which a plan gives to all of its runs
        "design --bits 4 --pairs 9 --core rns --redundant 1 --attempts 2 --p 1e-3",
        "accuracy {} --core rns --input-scale static --calibration max --calibration-samples 9",
        "accuracy {} --core rns --rounding stochastic --seed 1,2",
        "train {} --core rns --epochs 1 --gradient-rounding stochastic --input-gradient-bits fp32",
        "train {} --core rns --epochs 1 --warm-up 4",
    ],
)
def test_an_option_with_an_effect_is_not(arguments: str, rnscli: Run, tiny: str) -> None:
    """Rows that are compared with rns depend on what concerns that."""
    ran = rnscli(*arguments.format(tiny).split())
    assert (ran.code, ran.err) == (0, "")


def test_a_sweep_without_effect_has_one_row(rnscli: Run, tiny: str) -> None:
    asked = f"accuracy {tiny} --core rns --seed 1,2 --p 0,1e-3 --format json"
    found = json.loads(rnscli(*asked.split()).out)["rows"]
    assert len(found) == 4  # a level of noise that is zero is noise
    asked = f"accuracy {tiny} --core rns --seed 1,2 --rounding nearest,stochastic --format json"
    found = json.loads(rnscli(*asked.split()).out)["rows"]
    assert [(row["rounding"], row["seed"]) for row in found] == [
        ("nearest", 1), ("stochastic", 1), ("stochastic", 2)
    ]  # fmt: skip
    asked = f"train {tiny} --core rns --epochs 1 --momentum 0.5,0.8 --optimiser sgd,momentum"
    found = json.loads(rnscli(*asked.split(), "--format", "json").out)["rows"]
    assert {(row["optimiser"], row["momentum"]) for row in found} == {
        ("sgd", None), ("momentum", 0.5), ("momentum", 0.8)
    }  # fmt: skip
    assert len(found) == 6


@pytest.mark.parametrize("core", list(CORES))
def test_what_concerns_a_core_is_what_it_says(core: str) -> None:
    every = dict.fromkeys(axis for kind in CORES.values() for axis in kind.axes)
    told = without_effect({"core": (core,)}, list(every), {}, compared=False)
    named = {sentence.split("`")[1] for sentence in told}
    assert named == {*every} - {*CORES[core].axes, "bits"}


def test_a_core_is_named_once(rnscli: Run) -> None:
    ran = rnscli("energy", "--bits", 4, "--core", "rns", "--slice-bits", 2)
    assert "--slice-bits changes nothing of rns; it is about the core bit-sliced" in ran.err

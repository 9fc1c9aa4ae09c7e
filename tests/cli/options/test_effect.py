"""Options that change nothing beside the others: the user is told, and gets the rows."""

from collections.abc import Callable
from typing import Any

import pytest

from rnscli.cli.options.effect import without_effect
from rnscli.core.cores import CORES

Run = Callable[..., Any]


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
    ],
)  # fmt: skip
def test_an_option_without_effect_is_told(arguments: str, idle: str, rnscli: Run) -> None:
    ran = rnscli(*arguments.split())
    assert ran.code == 0 and ran.out
    lines = ran.err.splitlines()
    assert sorted(line.split()[1] for line in lines) == sorted(idle.split())
    assert all("changes nothing" in line for line in lines)


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
    ],
)
def test_an_option_with_an_effect_is_not(arguments: str, rnscli: Run) -> None:
    """Rows that are compared with rns depend on what concerns that."""
    ran = rnscli(*arguments.split())
    assert (ran.code, ran.err) == (0, "")


@pytest.mark.parametrize("core", list(CORES))
def test_what_concerns_a_core_is_what_it_says(core: str) -> None:
    every = dict.fromkeys(axis for kind in CORES.values() for axis in kind.axes)
    told = without_effect({"core": (core,)}, list(every), {}, compared=False)
    named = {sentence.split("`")[1] for sentence in told}
    assert named == {*every} - {*CORES[core].axes, "bits"}


def test_a_core_is_named_once(rnscli: Run) -> None:
    ran = rnscli("energy", "--bits", 4, "--core", "rns", "--slice-bits", 2)
    assert "--slice-bits changes nothing of rns; it is about the core bit-sliced" in ran.err

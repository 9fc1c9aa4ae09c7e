"""What tells rows of a sweep apart is in their table, and nothing is said of rows it is not of."""

from collections.abc import Callable
from typing import Any

import pytest

Run = Callable[..., Any]
TWO = "[1e-3,2e-3,3e-3,4e-3],[4e-3,3e-3,2e-3,1e-3]"


@pytest.mark.parametrize(
    "command",
    [
        "fault-prob --redundant 0 --attempts 1",
        "error-sim --bits 6 --core rns --pairs 100",
        "energy --bits 6 --core rns --extrapolate",
    ],
)
def test_levels_of_each_modulus_are_in_the_table(command: str, rnscli: Run) -> None:
    said = rnscli(*command.split(), "--p", TWO)
    assert said.code == 0
    lines = said.out.splitlines()
    for levels in ("0.001 0.002 0.003 0.004", "0.004 0.003 0.002 0.001"):
        assert any(line.startswith(levels) for line in lines)


def test_a_sigma_of_some_rows_is_not_said_of_all(rnscli: Run) -> None:
    sigmas = "[0.2,0.2,0.2,0.2],[0.4,0.1,0.1,0.1]"
    for options in (("--sigma", sigmas), ("--noise", "uniform,gaussian", "--p", "1e-3")):
        said = rnscli("fault-prob", "--redundant", 0, "--attempts", 1, *options)
        caption, _, table = said.out.partition("\n\n")
        assert "sigma" not in caption
        assert "sigma" in table


@pytest.mark.parametrize("command", ["error-sim --pairs 100", "energy --extrapolate"])
def test_what_is_swept_stays_in_a_table_that_is_too_wide(command: str, rnscli: Run) -> None:
    said = rnscli(
        *command.split(),
        *["--bits", "6", "--core", "bit-sliced,rns", "--slice-bits", "1,2", "--adc-bits", "6,8"],
    )
    title = next(line for line in said.out.splitlines() if "slice bits" in line)
    assert "ADC bits" in title
    assert max(map(len, said.out.splitlines())) <= 100


def test_one_level_has_no_column_of_each(rnscli: Run) -> None:
    assert "residue" not in rnscli("fault-prob", "--p", "1e-3,1e-4", "--redundant", 0).out

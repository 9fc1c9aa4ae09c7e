"""Options are declared once: what the shell takes is what command lines are written from."""

import math
import shlex

import click
import pytest

from rnscli.analysis import CodeOptions, ModuliOptions
from rnscli.base import InputError, RnscliError, command_line, options_of
from rnscli.base.option import written
from rnscli.cli.main import cli
from rnscli.reproduction.cases import EVERY_RESULT, STUDY, cases_of

LINES = [case.columns["command"] for case in cases_of(EVERY_RESULT, STUDY)]


@pytest.mark.parametrize("line", LINES)
def test_the_shell_takes_every_line_of_the_report(line: str) -> None:
    program, name, *words = shlex.split(line)
    assert program == "rnscli"
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    command.make_context(name, words)


def test_a_bound_is_the_same_in_the_library_and_the_shell() -> None:
    redundant = ModuliOptions.redundant
    assert redundant.check(64) == 64
    with pytest.raises(InputError, match=r"`redundant` is 65; it must be .* from 0 to 64"):
        redundant.check(65)
    command = cli.get_command(click.Context(cli), "moduli")
    assert command is not None
    with pytest.raises(click.BadParameter, match="from 0 to 64"):
        command.make_context("moduli", ["--redundant", "65"])


@pytest.mark.parametrize("value", [0.1, 1 / 3, 5e-324, 1e300, math.inf, math.pi * 1e-13])
def test_written_floats_are_read_back(value: float) -> None:
    assert float(written(value)) == value


def test_what_is_no_option_or_no_word_is_refused() -> None:
    options = options_of(CodeOptions)
    with pytest.raises(RnscliError, match="has no option"):
        command_line("fault-prob", options, {"retries": 2})
    with pytest.raises(RnscliError, match="cannot be written"):
        command_line("fault-prob", options, {"decoder": "it's"})
    with pytest.raises(RnscliError, match=r"^a\\x1b cannot be written"):
        command_line("fault-prob", options, {"decoder": "a\x1b"})
    values = {"decoder": None, "attempts": math.inf}
    assert command_line("fault-prob", options, values) == "rnscli fault-prob --attempts inf"

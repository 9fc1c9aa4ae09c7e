"""``rnscli man``: the page is of all commands, is committed, and roff reads it without a word."""

import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest

from rnscli.cli.commands import man as roff
from rnscli.cli.main import COMMANDS, cli

Run = Callable[..., Any]

ROOT = Path(__file__).parents[3]
COMMITTED = ROOT / "docs" / "rnscli.1"


@pytest.fixture
def page(rnscli: Run) -> str:
    ran = rnscli("man")
    assert (ran.code, ran.err) == (0, "")
    text: str = ran.out
    return text


def test_the_committed_page_is_that_of_the_commands(page: str) -> None:
    renew = "docs/rnscli.1 is out of date; write it anew: make renew"
    assert COMMITTED.read_text() == page, renew


def test_it_does_not_depend_on_the_terminal(
    page: str, rnscli: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "50")
    assert rnscli("man").out == page


def test_it_is_installed_where_man_looks() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert wheel["shared-data"]["docs/rnscli.1"] == "share/man/man1/rnscli.1"


@pytest.mark.parametrize("name", list(COMMANDS))
def test_every_option_is_there(name: str, page: str) -> None:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    _, _, part = page.partition(f"\n.SS {roff.escaped(f'rnscli {name} ')}")
    part, _, _ = part.partition("\n.S")
    for param in command.params:
        if isinstance(param, click.Option):
            assert f"\n.TP\n{roff.bold(', '.join(param.opts))}" in part
    assert "\nExamples:\n" in part


def test_sections(page: str) -> None:
    found = [line.removeprefix(".SH ") for line in page.splitlines() if line.startswith(".SH ")]
    assert found == [
        "NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "COMMANDS", "EXIT STATUS", "ENVIRONMENT",
        "SEE ALSO",
    ]  # fmt: skip


def test_it_is_plain_ascii(page: str) -> None:
    assert page.isascii()
    assert "100fJ\\(+-30%" in page


# The language


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("--bits 2^b", r"\-\-bits 2\(hab"),
        (".json and\n.csv", "\\&.json and\n\\&.csv"),
        ("'p_err <= 1e-9'", r"\(aqp_err <= 1e\-9\(aq"),
        ("a\\b", r"a\(rsb"),
        ("~/.bashrc `x` \"$y\"", r"\(ti/.bashrc \(gax\(ga \(dq$y\(dq"),
        ("30 % ± µ", r"30 % \(+- \[u00B5]"),
    ],
)  # fmt: skip
def test_what_is_written_is_what_is_read(text: str, written: str) -> None:
    assert roff.escaped(text) == written


@pytest.mark.parametrize("device", ["utf8", "ascii"])
def test_groff_has_nothing_to_say(device: str, page: str) -> None:
    if shutil.which("groff") is None:
        pytest.skip("needs groff")
    ran = subprocess.run(
        ["groff", "-man", f"-T{device}", "-ww", "-P-cbou"],
        input=page,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    sign = "±" if device == "utf8" else "+-"
    example = r"rnscli energy --bits 6 --core fixed-lp --adc-model murmann \\\n +--adc-k1 100fJ"
    assert re.search(f"{example}{re.escape(sign)}30% --sensitivity\n", ran.stdout)
    assert 'eval "$(rnscli completion bash)"' in ran.stdout
    assert max(map(len, ran.stdout.splitlines())) <= 80


def test_without_docstrings_there_is_no_page() -> None:
    ran = subprocess.run(
        [sys.executable, "-OO", "-m", "rnscli", "man"], capture_output=True, text=True, timeout=60
    )
    assert (ran.returncode, ran.stdout, ran.stderr.count("\n")) == (2, "", 1)
    assert "docstrings" in ran.stderr

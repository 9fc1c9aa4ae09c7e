"""What a person sees on a terminal, and how that is asked for."""

import csv
import io
import re
import sys
from collections.abc import Callable
from typing import Any

import pytest
from plans import write_plan

from rnscli.base import columns_of
from rnscli.cli.answer import Answer
from rnscli.cli.command import AnswerCommand
from rnscli.cli.main import ANSWERING, command_named, run
from rnscli.cli.output import write_result
from rnscli.cli.result import Result
from rnscli.report.batch import DRY_LAYOUT, DryRow
from rnscli.report.layout import View

Run = Callable[..., Any]
Screen = Callable[..., tuple[str, str]]
FAULTS = ("fault-prob", "--bits", "5..6", "--p", "1e-4", "--attempts", "1,2")
REDUNDANT = "moduli       redundant"


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Screen:
    """Standard output and error of a command on a terminal."""

    def call(*arguments: object, columns: int = 80) -> tuple[str, str]:
        monkeypatch.setenv("COLUMNS", str(columns))
        monkeypatch.setenv("TERM", "xterm-256color")
        out, err = _Terminal(), _Terminal()
        with monkeypatch.context() as patched:
            patched.setattr(sys, "stdout", out)
            patched.setattr(sys, "stderr", err)
            run([str(one) for one in arguments])
        return out.getvalue(), err.getvalue()

    monkeypatch.delenv("NO_COLOR", raising=False)
    return call


def plain(text: str) -> list[str]:
    return [line.rstrip() for line in re.sub(r"\x1b\[[0-9;]*m", "", text).splitlines()]


def test_tables_are_as_wide_as_the_terminal(screen: Screen, rnscli: Run) -> None:
    titles = {}
    for columns in (80, 100, 160):
        lines = plain(screen(*FAULTS, "--quiet", columns=columns)[0])
        assert max(map(len, lines)) <= columns
        titles[columns] = lines[1]
        assert REDUNDANT in lines[1] and "p_err" in lines[1]  # the answer is never left out
    assert len(titles[80].split()) < len(titles[100].split()) < len(titles[160].split())
    assert "mean |e|" not in titles[100] and "mean |e|" in titles[160]
    piped = rnscli(*FAULTS).out.splitlines()
    assert piped[2].split() == titles[100].split()


def test_colours_of_failures_and_verdicts(
    screen: Screen, rnscli: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    required = (*FAULTS, "--require", "p_err <= 2e-7")
    out, err = screen(*required)
    red = re.findall(r"\x1b\[1;38;5;196m(.*?)\x1b", out)
    shown = [line for line in plain(out) if re.match(r" +\d", line)]
    assert red and all(float(value) > 2e-7 for value in red) and len(red) < len(shown)
    assert err.startswith("\x1b[1;38;5;196mrnscli:\x1b[0m row 1: ")
    assert "\x1b[38;5;64m" in screen("reproduce", "--only", "adc-energy")[0]
    # Never in a pipe, nor where it is not wanted.
    monkeypatch.setenv("FORCE_COLOR", "1")
    piped = rnscli(*required)
    assert piped.err and "\x1b" not in piped.out + piped.err
    monkeypatch.delenv("FORCE_COLOR")
    monkeypatch.setenv("NO_COLOR", "1")
    out, err = screen(*required)
    assert not re.search(r"\x1b\[[0-9;]*(3[0-7]|38)[;m]", out + err) and plain(out)


@pytest.mark.parametrize(
    ("asked", "titles"),
    [
        (
            "fault-prob --bits 4,5 --p 1e-4,1e-3 --redundant 1 --attempts 1,2 --validate 1000",
            "bits moduli p R p_err simulated",
        ),
        (
            "fault-prob --bits 4,5 --p 1e-4,1e-3 --tolerance 2 --redundant 0",
            "bits moduli p R p_err p_gross",
        ),
        ("fault-prob --snr-db 30,40 --redundant 0", "SNR R p_err"),
        ("error-sim --bits 5,6 --pairs 20 --p 0.1 --tolerance 2 --attempts 1,2", "gross rate"),
        pytest.param(
            "design --core fixed-lp --pairs 500 --max-power 1W --minimise latency",
            "latency power",
            marks=pytest.mark.thorough,
        ),
    ],
)
def test_what_an_option_asks_for_is_in_the_narrowest_table(
    asked: str, titles: str, screen: Screen
) -> None:
    lines = plain(screen(*asked.split(), "--quiet")[0])
    header = lines[next(place for place, line in enumerate(lines) if set(line) == {"─"}) - 1]
    assert re.search(" .*".join(map(re.escape, titles.split())), header), header


def test_what_options_ask_for_are_columns() -> None:
    for name in ANSWERING:
        command = command_named(name)
        if not isinstance(command, AnswerCommand):
            continue
        every = {key for columns in command.columns_by_type.values() for key in columns}
        assert set(command.answers) <= {one.name for one in command.params}
        assert {key for keys in command.answers.values() for key in keys} <= every


def test_what_is_fixed_stands_above_the_table(rnscli: Run) -> None:
    simulated = ("error-sim", "--bits", "4,5", "--pairs", 20, "--core", "fixed-lp", "--snr-db")
    assert "SNR (dB) = 30" in rnscli(*simulated, 30).out.split("\n\n")[0]
    assert "SNR" not in rnscli(*simulated, "30,40").out.split("\n\n")[0]
    assert rnscli(*FAULTS).out.startswith("h = 128, noise = uniform, p = 1.000e-04\n")


def test_columns_and_rows_that_were_asked_for(rnscli: Run) -> None:
    keys = ("bits", "attempts", "p_err", "moduli")
    asked = (*FAULTS, "--redundant", 1, "--show", ",".join(keys), "--sort", "-p_err,bits")
    found = list(csv.reader(rnscli(*asked, "--format", "csv").out.splitlines()))
    assert tuple(found[0]) == keys
    values = [float(row[2]) for row in found[1:]]
    assert values == sorted(values, reverse=True) and len(values) == 4
    lines = rnscli(*asked, "--keys").out.splitlines()
    assert lines[0].startswith("vector_size = 128, ") and tuple(lines[2].split()) == keys
    assert [line.split()[0] for line in lines[4:]] == [row[0] for row in found[1:]]
    assert rnscli(*asked[:-4], "--columns", "p_err").out == (
        rnscli(*asked[:-4], "--show", "p_err").out
    )


def test_every_column(rnscli: Run, screen: Screen) -> None:
    energy = ("energy", "--bits", "5,6", "--core", "rns")
    narrow, wide = rnscli(*energy).out, rnscli(*energy, "--wide").out
    assert "also there, with --wide or --show: " in narrow and "also there" not in wide
    assert "TOPS/mm2 range" in wide and max(map(len, wide.splitlines())) > 200
    header = next(line for line in plain(screen(*energy, "--wide")[0]) if "moduli" in line)
    assert header.split() == next(line for line in wide.splitlines() if "moduli" in line).split()


def test_views_of_the_summary_of_a_batch(rnscli: Run, tmp_path: Any) -> None:
    plan = write_plan(tmp_path, "[run.b]\ncommand = 'moduli'\n[run.a]\ncommand = 'moduli'\n")
    ran = rnscli("batch", plan, "--dry-run", "--sort", "run", "--show", "run", "--format", "csv")
    assert ran.out == "run\na\nb\n"
    ran = rnscli("batch", plan, "--show", "verdct")
    assert (ran.code, ran.err) == (
        2, "rnscli: --show: column verdct does not exist; did you mean verdict?\n"
    )  # fmt: skip
    assert not list(tmp_path.glob("*-results"))


def test_one_row_is_a_list_or_a_table(rnscli: Run) -> None:
    one = ("moduli", "--bits", 6)
    listed, table = rnscli(*one).out, rnscli(*one, "--format", "table").out
    assert rnscli(*one, "--format", "list").out == listed
    assert listed.splitlines()[0].split() == ["vector", "size", "128"]
    titles, _, values = table.splitlines()
    assert "moduli" in titles and "63 62 61 59" in values


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--show", "p_er"), "--show: column p_er does not exist; did you mean p_err?"),
        (("--show", "L"), "--show: column L does not exist; did you mean legitimate_range?"),
        (("--sort", "-nothing"), "--sort: column nothing does not exist; --keys shows those of "),
        (("--show", "bits,bits"), "--show names a column twice"),
        (("--show", ","), "--show: must be keys of columns"),
        (("--show", "p_err", "--format", "json"), "--show is about tables and csv; leave it out"),
        (("--wide", "--output", "x.csv"), "--wide is about tables; leave it out with --format csv"),
    ],
)
def test_refusals(arguments: tuple[str, ...], said: str, rnscli: Run) -> None:
    ran = rnscli(*FAULTS, *arguments)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith(f"rnscli: {said}") and ran.err.count("\n") == 1


def test_columns_of_an_array_are_not_those_of_the_table(rnscli: Run) -> None:
    ran = rnscli("energy", "--columns", "p_err")
    assert ran.code == 2 and ran.err.endswith("; --show chooses those of the table\n")


def test_wide_terminals_have_more_of_a_help_in_sight(screen: Screen) -> None:
    for asked in (("help", "energy"), ("energy", "--help"), ("examples",), ("glossary",)):
        narrow, wide = (plain(screen(*asked, columns=columns)[0]) for columns in (100, 160))
        assert len(wide) < len(narrow)
        assert max(map(len, wide)) <= 160
    first = plain(screen("glossary", "lsb", columns=160)[0])[0]
    assert first.startswith("LSB (") and "one step of a converter" in first


def test_rows_are_sorted_before_a_table_is_cut(rnscli: Run, capsys: Any) -> None:
    layers = ("energy", "--workload", "bert-large,resnet50", "--core", "fixed-lp", "--bits", "4..6")
    sort = ("--sort", "-macs,bits", "--show", "macs,bits")
    every = list(csv.reader(rnscli(*layers, *sort, "--format", "csv").out.splitlines()))[1:]
    _, table, *_ = rnscli(*layers, *sort).out.split("\n\n")
    lines = [line.split() for line in table.splitlines() if line[-1].isdigit()]
    sentence = table.splitlines()[-1]
    assert lines == every[: len(lines)] != every
    left = len(every) - len(lines)
    assert sentence.startswith(f"{left} of {len(every)} rows are left out (all in ")
    # Of a search too, where what does not belong to the table stays out.
    found = [{"run": str(n), "state": "x" * (n % 7), "command_line": ""} for n in range(9)]
    answer = Answer([], listed=8, shown=3)
    columns = columns_of(DryRow)
    write_result(
        Result("batch", {}, columns, found, DRY_LAYOUT, answer), None, view=View(sort=("-run",))
    )
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()[2:]] == ["7", "6", "5"]

"""The tables of ``rnscli energy``: 100 columns, and nothing lost without a word."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from schemas import check_document, command_named

from rnscli.cli.command import AnswerCommand
from rnscli.cli.output import write_result
from rnscli.cli.plan import check
from rnscli.cli.terminal import no_bar
from rnscli.report.arranged import arranged
from rnscli.report.layout import View

Run = Callable[..., Any]
Rows = Callable[..., list[dict[str, Any]]]

MODES = {
    "bill": "",
    "sensitivity": "--sensitivity",
    "breakdown": "--breakdown",
    "network": "--workload mnist-cnn",
    "networks": "--workload mnist-cnn,bert-large",
}
SWEEPS = (
    "",
    "--core rns,fixed-lp",
    "--adc-model survey",
    "--constant shifter_loss=0.2dB±20% --constant efficiency=0.1",
    "--redundant 1,2 --p 5e-2",
    "--columns 64,128",
    "--technology photonic-phase,reram-analog --modulo-energy 1pJ",
    "--adc-k1 100fJ±30%,50fJ --core fixed-hp,digital-int8",
    "--laser-power 10mW,30mW --max-link-sigma 0.1,0.2 --core rns,bit-sliced,digital-fp32",
    "--input-bits 4 --weight-bits 5",
    "--clock 1GHz,2GHz",
    "--reverse crt,mixed-radix",
    "--max-modulus 62,63",
    "--redundant 2 --p 5e-2 --core rns,bit-sliced --adc-model murmann --adc-k1 1fJ±30%",
    "--kernel vmm,mvm,update,cycle --core fixed-lp,digital-int8",
    "--memory none,dram --scales none,power-of-two,fp32 --core rns,fixed-lp",
    "--vector-size 2048 --extrapolate",
    "--columns 64,128 --clock 1GHz,2GHz --redundant 1,2 --p 5e-2 --adc-model survey,walden "
    "--core bit-sliced,rns --technology photonic-phase,switched-capacitor",
)
CASES = [
    (mode, sweep)
    for mode in MODES
    for sweep in SWEEPS
    if not (mode == "sensitivity" and ("max-modulus" in sweep or "kernel" in sweep))
    # As with one of them, for longer, but for what tells networks apart.
    if not (mode == "networks" and sweep.count("--") > 2)
]


def arguments_of(mode: str, sweep: str) -> list[str]:
    bits = "6" if "max-modulus" in sweep else "5,6"
    return ["--bits", bits, *sweep.split(), *MODES[mode].split()]


@pytest.mark.filterwarnings("ignore:technology .* holds for arrays:RuntimeWarning")
@pytest.mark.parametrize(
    ("mode", "sweep"),
    [
        # Of tables that are much alike every third is enough, and every sixth for every day.
        pytest.param(*case, marks=[] if index % 6 == 0 else [pytest.mark.thorough])
        for index, case in enumerate(CASES)
        if index % 3 == 0
    ],
)
def test_tables_fit_100_columns_and_name_what_is_left_out(
    mode: str, sweep: str, capsys: pytest.CaptureFixture[str]
) -> None:
    command = command_named("energy")
    assert isinstance(command, AnswerCommand)
    result = command.compute(
        check(command, arguments_of(mode, sweep), drawn=False).question, no_bar
    )
    assert not result.answer.problems
    check_document(json.loads(result.json))

    def printed(style: str) -> str:
        capsys.readouterr()
        write_result(result, style, view=View(wide=style == "markdown"))
        return capsys.readouterr().out

    table = printed("table")
    assert max(map(len, table.splitlines())) <= 100
    body, _, note = table.partition("also there, with --wide or --show:")
    parts = arranged(result.rows, result.columns, result.layout, 100, form="table")
    dropped = list(dict.fromkeys(key for part in parts for key in part.dropped))
    # Below it stands what is not counted.
    named = note.partition("\n\n")[0].replace("\n", " ").replace(",", " ").split(" and ")[0].split()
    assert named == dropped[: len(named)] and len(named) >= min(10, len(dropped))
    paper = printed("markdown").replace("\n", " ")
    found = result.rows
    assert len(found) > 1
    asked = {name: name in MODES[mode] for name in ("workload", "sensitivity", "breakdown")}
    row_type, layout = command.rows(asked)
    columns = command.columns_by_type[row_type]
    swept = [key for key in found[0] if len({str(row[key]) for row in found}) > 1]
    for key in (*layout.keys, *swept):
        # What is not a column of the paper's table says nothing: it is usual or repeats another,
        # such as the memory, whose energy has the same title.
        title, usual = columns[key].title, columns[key].usual
        if not title or f" {title} " not in f" {paper} ":
            continue
        if usual is not None and all(row[key] in (usual, None) for row in found):
            continue
        assert key in dropped or title in body, key


def test_wide_sweeps_come_as_two_tables(rnscli: Run) -> None:
    lines = rnscli("energy", "--bits", "5,6").out.splitlines()
    headers = [line for line in lines if line.startswith("bits ")]
    assert len(headers) == 2
    assert "total" in headers[0] and "latency" in headers[1]
    for header in headers:  # each can be read on its own
        assert "core" in header and "technology" in header
    rules = [index for index, line in enumerate(lines) if line.startswith("----")]
    first, second = (lines[start + 1 : start + 9] for start in rules)
    names = [line.split()[:3] for line in first]
    assert names == [line.split()[:3] for line in second] and len(names) == 8


def test_papers_have_one_table_of_everything_where_they_may_be_wide(rnscli: Run) -> None:
    for style, rule in (("markdown", "|--"), ("latex", "\\midrule")):
        text = rnscli("energy", "--bits", "5,6", "--format", style, "--wide").out
        header = [line for line in text.splitlines() if "latency" in line]
        assert len(header) == 1 and rule in text
        assert "also there" not in text
        cells = header[0].replace("&", "|").replace("$^2$", "2").split("|")
        titles = [title.strip(" \\") for title in cells]
        for title in ("DACs/dot", "converters", "MAC/s", "TOPS/mm2", "latency", "total"):
            assert titles.count(title) == 1


def test_a_single_design_says_nothing_empty(rnscli: Run) -> None:
    lines = rnscli("energy", "--bits", 6, "--core", "rns").out.splitlines()
    # Below it stands what is not counted.
    lines = lines[: lines.index("")]
    assert len(lines) > 25
    for line in lines:
        assert len(line.split("  ", 1)) == 2 and line.split("  ", 1)[1].strip(), line

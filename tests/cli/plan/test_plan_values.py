"""What the runs of a plan get of it: options with defaults, and their order."""

import shlex
from pathlib import Path

import pytest
from plans import sentences, write_plan

from rnscli.base.errors import InputError
from rnscli.cli.plan.plan import Plan, read_plan

GOOD = '[run.a]\ncommand = "moduli"\n'


def read(folder: Path, text: str) -> Plan:
    return read_plan(write_plan(folder, text))


def words(folder: Path, text: str, name: str = "a") -> list[str]:
    """The options of a run of a plan."""
    (run,) = (run for run in read(folder, text).runs if run.name == name)
    return run.arguments({})


# What a run gets


def test_defaults_give_way(tmp_path: Path) -> None:
    text = """\
        [defaults]
        bits = 4
        vector-size = 16
        pairs = 100         # of no use to moduli
        [defaults.moduli]
        bits = 5
        redundant = 1
        [defaults.energy]
        bits = 7
        [run.a]
        command = "moduli"
        bits = [6, 8]
        [run.b]
        command = "moduli"
        vector_size = 32
        [run.c]
        command = "fault-prob"
        """
    plan = read(tmp_path, text)
    found = {run.name: run.command_line(run.arguments({})) for run in plan.runs}
    assert found == {
        "a": "rnscli moduli --bits 6,8 --vector-size 16 --redundant 1",
        "b": "rnscli moduli --bits 5 --vector-size 32 --redundant 1",
        "c": "rnscli fault-prob --bits 4 --vector-size 16",
    }


def test_requirements_of_defaults_give_way_as_a_whole(tmp_path: Path) -> None:
    plan = read(
        tmp_path,
        """\
        [defaults.moduli]
        require = ["count <= 4", "count<=4", "bits >= 2"]
        plot = ["svg", "png", "svg"]
        [run.a]
        command = "moduli"
        [run.b]
        command = "moduli"
        require = "count <= 5"
        plot = "pdf"
        """,
    )
    a, b = plan.runs
    assert [str(one) for one in a.requirements] == ["count <= 4", "bits >= 2"]
    assert (a.plots, b.plots) == (("svg", "png"), ("pdf",))
    assert [str(one) for one in b.requirements] == ["count <= 5"]
    line = b.command_line(b.arguments({}))
    assert shlex.split(line) == ["rnscli", "moduli", "--require", "count <= 5"]


@pytest.mark.parametrize(
    ("command", "given", "expected"),
    [
        ("moduli", "bits = 6", "--bits 6"),
        ("moduli", "bits = 0x10", "--bits 16"),
        ("moduli", "bits = 1_6", "--bits 16"),
        ("moduli", "bits = 6.0", "--bits 6.0"),
        ("moduli", "bits = '4..8,10'", "--bits 4..8,10"),
        ("moduli", "bits = [4, '6..8']", "--bits 4,6..8"),
        ("moduli", "moduli = [7, 5, 3]", "--moduli 7,5,3"),
        ("moduli", "moduli = [[7, 5, 3], [5, 3, 2]]", "--moduli 7,5,3 --moduli 5,3,2"),
        ("moduli", "moduli = ['7,5,3', [5, 3, 2]]", "--moduli 7,5,3 --moduli 5,3,2"),
        ("moduli", "moduli = '5,3+7'", "--moduli 5,3+7"),
        ("moduli", "moduli = ['5,3+7', '3,2']", "--moduli 5,3+7 --moduli 3,2"),
        ("fault-prob", "p = 1e-3", "--p 0.001"),
        ("fault-prob", "p = [1e-3, '1e-2..1e-1:3']", "--p 0.001,1e-2..1e-1:3"),
        ("fault-prob", "p = '[0.1,0.2]'", "--p [0.1,0.2]"),
        ("fault-prob", "p = [[0.1, 0.2], 0.3]", "--p [0.1,0.2],0.3"),
        ("fault-prob", "attempts = inf", "--attempts inf"),
        ("fault-prob", "attempts = [1, inf]", "--attempts 1,inf"),
        ("fault-prob", "erased = [0, 1]", "--erased 0,1"),
        ("fault-prob", "erased = [[0, 1], [2]]", "--erased 0,1 --erased 2"),
        ("fault-prob", "legitimate-range = ['product', 1000]", "--legitimate-range product,1000"),
        ("energy", "sensitivity = true", "--sensitivity"),
        ("energy", "sensitivity = false", ""),
        ("energy", "adc-k1 = '100fJ±30%'", "--adc-k1 100fJ±30%"),
        ("error-sim", "operands = 'my file.npz'", "--operands my\tfile.npz"),
        ("moduli", "plot = 'svg'", ""),
    ],
)
def test_values(command: str, given: str, expected: str, tmp_path: Path) -> None:
    found = words(tmp_path, f"[run.a]\ncommand = '{command}'\n{given}")
    assert found == [word.replace("\t", " ") for word in expected.split()] or (
        found == expected.replace("\t", " ").split(" ", 1)
    )


def test_options_are_in_the_order_of_the_help(tmp_path: Path) -> None:
    first = words(tmp_path, GOOD + "redundant = 1\ntop = 2\nbits = 6\nvector-size = 8")
    assert first == words(tmp_path, GOOD + "vector_size = 8\nbits = 6\ntop = 2\nredundant = 1")
    assert first[::2] == ["--bits", "--vector-size", "--redundant", "--top"]


def test_a_value_that_looks_like_an_option_stays_a_value(tmp_path: Path) -> None:
    (sentence,) = sentences(write_plan(tmp_path, GOOD + "bits = '--help'"))
    assert sentence.startswith("line 3: run a: --bits: '--help' is not accepted")
    (sentence,) = sentences(write_plan(tmp_path, GOOD + "seed = -1".replace("seed", "top")))
    assert sentence.startswith("line 3: run a: --top: '-1' is not accepted")


def test_no_value_reaches_a_shell_bare(tmp_path: Path) -> None:
    nasty = 'a\'b; $(rm x) "c" `d`.npz'
    text = f"[run.a]\ncommand = 'error-sim'\noperands = '''{nasty}'''"
    (run,) = read(tmp_path, text).runs
    assert shlex.split(run.command_line(run.arguments({})))[2:] == ["--operands", nasty]


# The order of runs, and selections of them

CHAIN = "".join(
    f'[run.{name}]\ncommand = "energy"\nmoduli = {needs}\n'
    for name, needs in (
        ("d", '["@b.moduli", "@c.moduli"]'),
        ("b", '"@a.moduli"'),
        ("e", '"7,5,3"'),
        ("c", '"@a.moduli"'),
        ("a", '"7,5,3"'),
    )
)


def test_runs_come_after_those_that_they_refer_to(tmp_path: Path) -> None:
    plan = read(tmp_path, CHAIN)
    assert [run.name for run in plan.runs] == ["d", "b", "e", "c", "a"]
    assert [run.name for run in plan.ordered()] == ["a", "b", "c", "d", "e"]


def test_long_chains(tmp_path: Path) -> None:
    text = "".join(
        f'[run.r{number}]\ncommand = "energy"\nmoduli = "@r{number + 1}.moduli"\n'
        for number in range(1200)
    )
    plan = read(tmp_path, text + '[run.r1200]\ncommand = "moduli"\n')
    assert [run.name for run in plan.ordered()] == [f"r{number}" for number in range(1200, -1, -1)]


def test_selections_have_what_they_need(tmp_path: Path) -> None:
    plan = read(tmp_path, CHAIN)
    assert plan.with_needs(["e"]) == {"e"}
    assert plan.with_needs(["b", "e"]) == {"a", "b", "e"}
    assert plan.with_needs(["d"]) == {"a", "b", "c", "d"}
    with pytest.raises(InputError, match=r"has no run 'x'; it has d, b, e, c, a"):
        plan.with_needs(["x"])

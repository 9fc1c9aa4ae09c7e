"""What is offered where a value is typed, asked as the shells ask."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.shell_completion import CompletionItem, ShellComplete

from rnscli.cli.main import COMMANDS, COMPLETE, cli
from rnscli.hardware.profile import technology_names
from rnscli.hardware.workloads.networks import WORKLOADS

Offered = Callable[[str], list[str]]


def items(line: str) -> list[CompletionItem]:
    """Candidates for the last word of a line, which may be empty."""
    *words, incomplete = line.split(" ")
    return ShellComplete(cli, {}, "rnscli", COMPLETE).get_completions(words, incomplete)


def values(line: str) -> list[str]:
    found = items(line)
    assert {item.type for item in found} <= {"plain"}
    return [item.value for item in found]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current one, with files."""
    monkeypatch.chdir(tmp_path)
    for name in ("mine.toml", "net.csv", "notes.txt", "x.npy", ".hidden.toml", "pair/a.toml"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    (tmp_path / "pair" / "b.toml").touch()
    (tmp_path / "deep" / "deeper").mkdir(parents=True)
    (tmp_path / "deep" / "deeper" / "only.toml").touch()
    return tmp_path


# Commands and options


def test_commands_with_their_help() -> None:
    assert [(item.value, item.help) for item in items("")] == [
        (name, text) for name, text in COMMANDS.items()
    ]
    assert values("e") == ["error-sim", "energy", "examples"]
    assert values("--v") == ["--version"]


@pytest.mark.parametrize("command", list(COMMANDS))
def test_options_with_their_help(command: str) -> None:
    found = {item.value: item.help for item in items(f"{command} --")}
    assert "--help" in found
    assert all(found.values())


def test_what_help_and_the_like_take() -> None:
    assert values("help fault") == values("examples fault") == ["fault-prob"]
    assert values("help energy n") == ["network", "noise"]
    assert values("help energy noise --adc-r") == ["--adc-range", "--adc-rate"]
    assert values("help --he") == ["--help"] and values("help nope n") == []
    assert values("glossary p_") == ["p_correct", "p_detected", "p_err", "p_gross", "p_undetected"]
    assert values("glossary residue fixed") == ["fixed-lp", "fixed-hp"]
    assert values("error-sim --jobs ") == ["auto"]
    assert values("cite --format b") == ["bibtex"]


def test_an_option_is_not_offered_again_unless_it_is_repeatable() -> None:
    assert "--bits" not in values("moduli --bits 6 --")
    assert "--moduli" in values("moduli --moduli 7,5,3 --")


def test_what_is_wrong_before_does_not_matter() -> None:
    assert values("energy --bits x --nope 3 extra --adc-m") == ["--adc-model"]


# Names in lists


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("energy --core r", ["rns"]),
        ("energy --core rns,fi", ["rns,fixed-lp", "rns,fixed-hp"]),
        ("energy --core fixed-lp,fi", ["fixed-lp,fixed-hp"]),
        ("energy --core rns,rn", []),
        ("energy --core=rns,bi", ["rns,bit-sliced"]),
        ("energy --core = bi", []),
        ("moduli --rule ", ["exact", "bits"]),
        ("moduli --rule exact,", ["exact,bits"]),
        ("fault-prob --decoder m", ["majority"]),
        ("fault-prob --legitimate-range ", ["product", "operands"]),
        ("fault-prob --legitimate-range 12545,p", ["12545,product"]),
        ("fault-prob --attempts 1,2,", ["1,2,inf"]),
        ("design --minimise l", ["latency"]),
        ("moduli --bits ", []),
        ("energy --adc-k1 ", []),
        ("moduli --format m", ["markdown"]),
        ("completion ", ["bash", "zsh", "fish"]),
        ("man ", []),
    ],
)
def test_names(line: str, offered: list[str]) -> None:
    assert values(line) == offered


# Names and files


def test_names_come_before_files() -> None:
    assert values("energy --technology ") == [*technology_names(), "deep/", "mine.toml", "pair/"]
    assert values("energy --workload ") == [*WORKLOADS, "deep/", "net.csv", "pair/"]
    assert values("error-sim --operands x") == ["x.npy"]
    assert values("error-sim --operands uniform,n") == ["uniform,normal"]


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("energy --technology m", ["mine.toml"]),
        ("energy --technology photonic-phase,./m", ["photonic-phase,./mine.toml"]),
        ("energy --technology pa", ["pair/a.toml", "pair/b.toml"]),
        ("energy --technology pair/b", ["pair/b.toml"]),
        ("energy --technology photonic-phase,de", ["photonic-phase,deep/deeper/only.toml"]),
        ("energy --technology .h", [".hidden.toml"]),
        ("energy --technology nowhere/", []),
        ("energy --technology mine.toml/", []),
        ("energy --technology ~nobody-of-this-name/", []),
        ("fault-prob --p no", ["notes.txt"]),
        ("fault-prob --sigma 0.1,no", ["0.1,notes.txt"]),
    ],
)
def test_files(line: str, offered: list[str]) -> None:
    assert values(line) == offered


def test_files_from_elsewhere(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert values(f"energy --technology {folder}/m") == [f"{folder}/mine.toml"]
    monkeypatch.setenv("HOME", str(folder))
    assert values("energy --technology ~/m") == ["~/mine.toml"]


@pytest.mark.parametrize(
    "line",
    ["moduli --output ", "moduli --plot ", "energy --adc-table ", "error-sim --store ", "store "],
)
def test_the_shell_lists_files_that_stand_alone(line: str) -> None:
    assert [(item.type, item.value) for item in items(line + "no")] == [("file", "no")]


# Requirements


def test_requirements_are_about_columns() -> None:
    assert values("fault-prob --require p_e") == ["p_err", "p_err_low"]
    assert "moduli" not in values("fault-prob --require ")  # which is no number


def test_columns_are_those_of_the_rows_that_are_asked_for() -> None:
    assert values("energy --require macs") == []
    assert values("energy --workload resnet50 --require macs") == ["macs"]
    assert values("store runs.db --blocks --require blo") == ["block"]

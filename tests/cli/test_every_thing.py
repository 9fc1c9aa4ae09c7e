"""Every thing that is registered, through every command that takes it."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import tiny_networks
from click.shell_completion import ShellComplete
from reference_page import REGISTRIES
from schemas import command_named

from rnscli.cli.commands.schema import document_schema
from rnscli.cli.main import ANSWERING, COMPLETE, cli
from rnscli.core.arithmetic.decoders import DECODERS
from rnscli.core.cores import CORES, analog_cores
from rnscli.hardware.profile import load_technology

Run = Callable[..., Any]
Document = Callable[..., dict[str, Any]]
Rows = Callable[..., list[dict[str, Any]]]

NETWORK = f"--model {tiny_networks.SIGNS} --data signs.npz --bits 4"
SMALL = {
    "moduli": "--bits 4 --vector-size 8 --redundant 1 --code",
    "error-sim": "--bits 4 --vector-size 8 --pairs 20 --redundant 1 --p 1e-2 --core rns",
    "fault-prob": "--moduli 9,8,7,5 --redundant 1 --attempts 1 --p 1e-2",
    "noise": "--bits 4 --vector-size 16 --adc-offset-error 0.1 --core rns",
    "energy": "--bits 4 --vector-size 16 --redundant 1 --attempts 2 --p 1e-2 --core rns",
    "chip": "--workload mnist-cnn --bits 4 --vector-size 16 --redundant 1 --attempts 2 --p 1e-2 "
    "--core rns",
    "accuracy": f"{NETWORK} --redundant 1 --p 1e-2 --core rns",
    "train": f"{NETWORK} --epochs 1 --redundant 1 --p 1e-2 --core rns",
    "design": "--bits 4 --vector-size 16 --pairs 20 --redundant 1 --attempts 2 --p 1e-2 --core rns "
    "--columns-per-adc 1 --extrapolate",
}
MORE = {  # what some things need besides
    "--adc-model": "--adc-table table.csv --extrapolate",
    "--update": "--optimiser=sgd --weight-decay=0 --update-nonlinearity=1",
}
# Commands to which a technology only gives its noise.
OF_NOISE = ("error-sim", "fault-prob", "train")
# Options of which a command takes one value.
SINGLE = [("design", "--noise"), ("design", "--workload")]
LARGE = "larger than a die can be"  # which is said of chips, that of some things are


def taken(command: str, option: str) -> tuple[str, ...]:
    """The things that a command takes."""
    found = next(one for one in command_named(command).params if option in one.opts)
    names = getattr(found.type, "names", ())
    return tuple(name for name in REGISTRIES[option] if not names or name in names)


def pairs() -> Iterator[tuple[str, str]]:
    for command in ANSWERING:
        options = {name for one in command_named(command).params for name in one.opts}
        yield from ((command, option) for option in REGISTRIES if option in options)


each_pair = pytest.mark.parametrize(("command", "option"), list(pairs()))


def test_every_thing_has_a_command_and_every_command_a_small_run() -> None:
    assert {option for _, option in pairs()} == set(REGISTRIES)
    assert {command for command, _ in pairs()} == set(SMALL)
    assert taken("energy", "--core") == tuple(CORES)
    for command in ("error-sim", "accuracy", "train"):
        assert taken(command, "--core") == analog_cores()
    for command, option in pairs():
        if option != "--core":
            assert taken(command, option) == tuple(REGISTRIES[option])


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny_networks.write_signs(tmp_path / "signs.npz")
    table = "enob,energy_j,area_m2,rate_hz\n4,1e-12,1e-9,1e9\n12,1e-11,1e-9,1e9\n"
    (tmp_path / "table.csv").write_text(table)
    monkeypatch.chdir(tmp_path)


def remarks(ran: Any) -> list[str]:
    """What is said on stderr, but that chips are large."""
    return [line for line in ran.err.splitlines() if LARGE not in line]


@pytest.fixture
def rows(document: Document, rnscli: Run) -> Rows:
    """The rows of a command that says nothing else, but that chips are large."""

    def call(command: str, *arguments: object) -> list[dict[str, Any]]:
        if command != "chip":
            return document(command, *arguments)["rows"]
        ran = rnscli(command, *arguments, "--format", "json")
        assert (ran.code, remarks(ran)) == (0, [])
        return json.loads(ran.out)["rows"]

    return call


def line_of(command: str, option: str, *values: str) -> tuple[str, ...]:
    words = SMALL[command].split()
    if option in words:
        place = words.index(option)
        del words[place : place + 2]
    more = [word for word in MORE.get(option, "").split() if word not in words]
    return (command, *words, *more, option, ",".join(values))


@each_pair
def test_each_is_computed(command: str, option: str, rows: Rows, rnscli: Run) -> None:
    names, key = taken(command, option), option.removeprefix("--").replace("-", "_")
    if option == "--model":
        pytest.skip("the tests of networks train them")
    if option == "--technology" and command in OF_NOISE:
        checked = [check_noise(command, name, rnscli) for name in names]
        assert sum(checked) >= 1
    elif option == "--technology":
        for name in names:
            line = line_of(command, option, name)
            for core in running_on(name, command):
                ran = rnscli(*line, "--core", core, "--format", "json")
                if ran.code:  # an ADC of all bits of a sum is too fine for some light
                    assert core == "fixed-hp" and "the light of" in ran.err
                    continue
                # Cores without converters are told what is not about them.
                told = ("changes nothing", "the light of", "has 2 to 8 bits")
                assert all(any(one in line for one in told) for line in remarks(ran))
                assert {row.get(key, name) for row in json.loads(ran.out)["rows"]} == {name}
    elif (command, option) == ("design", "--adc-model"):
        # The one that says the most of several, which are a range and not an axis.
        found = rows(*line_of(command, option, *names))
        assert {row[key] for row in found} - {None} <= set(names)
        assert found[0]["energy_per_mac_range_j"] is not None
    elif (command, option) in SINGLE:
        for name in names:
            assert {row[key] for row in rows(*line_of(command, option, name))} == {name}
    elif option == "--decoder":
        for name in names:
            line = " ".join(line_of(command, option, name))
            if DECODERS[name].takes_common_factor:
                line = line.replace("9,8,7,5", "18,16,14,10").replace("--bits 4", "--bits 6")
                line += " --factor 2"
            assert {row[key] for row in rows(*line.split())} - {None} == {name}
    else:
        found = [row[key] for row in rows(*line_of(command, option, *names))]
        assert set(found) - {None, "fp32"} == set(names)


def check_noise(command: str, technology: str, rnscli: Run) -> int:
    """How many cores a technology gives a noise, in a command that takes it."""
    line = (*line_of(command, "--p", "")[:-2], "--noise", "device", "--technology", technology)
    given, found = load_technology(technology), 0
    for core in running_on(technology, command):
        of_core = ("--core", core) if command != "fault-prob" else ("--bits", 4, "--vector-size", 2)
        ran = rnscli(*line, *of_core, "--format", "json")
        if given.link or (given.devices is not None and command != "fault-prob"):
            assert ran.code == 0
            # A training in FP32, beside those on cores, is on digital logic.
            rows = [row for row in json.loads(ran.out)["rows"] if row.get("core") != "fp32"]
            assert {row["technology"] for row in rows} == {technology}
            found += 1
        else:
            assert ran.code == 2 and f"--technology {technology}" in ran.err
    return found


def running_on(technology: str, command: str) -> list[str]:
    """The cores of a command that run on a technology; the only one of some."""
    one = load_technology(technology)
    if command == "fault-prob":
        return ["rns"] if CORES["rns"].runs_on(one) else []
    return [name for name in taken(command, "--core") if CORES[name].runs_on(one)]


@pytest.mark.parametrize("command", list(SMALL))
def test_each_is_drawn(command: str, rnscli: Run, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    path = tmp_path / "picture.svg"
    for option in ("--core", "--noise"):
        if (command, option) in pairs() and (command, option) not in SINGLE:
            names = taken(command, option)
            ran = rnscli(*line_of(command, option, *names), "--plot", path, "--format", "csv")
            assert (ran.code, remarks(ran)) == (0, [])
            picture = path.read_text()
            if command == "design":  # whose choice is a star of its own
                drawn = re.findall(r"^(?:front|neighbour),\w*,([^,]+)", ran.out, re.MULTILINE)
                names = tuple(set(drawn))
                assert len(names) > 3
            assert [name for name in names if name not in picture] == []


@each_pair
def test_each_is_in_the_help(command: str, option: str, rnscli: Run) -> None:
    text = " ".join(rnscli(command, "--help").out.split()).replace("- ", "-")
    assert [name for name in taken(command, option) if name not in text] == []


@each_pair
def test_each_is_completed_with_what_it_is(command: str, option: str) -> None:
    shell = ShellComplete(cli, {}, "rnscli", COMPLETE)
    offered = {item.value: item.help for item in shell.get_completions([command, option], "")}
    for name in taken(command, option):
        assert name in offered
        assert offered[name] or option == "--technology"  # whose profiles would have to be read


@each_pair
def test_each_is_in_the_schema(command: str, option: str) -> None:
    schema = document_schema(command_named(command))["$defs"]
    accepted = schema.get(option.removeprefix("--").replace("-", "_"), {})
    # Which are no models and no laws, but the technology's.
    own = {"--adc-model": {"own"}, "--noise": {"device"}}.get(option, set())
    assert set(accepted.get("enum", taken(command, option))) - own == set(taken(command, option))


def test_each_core_and_law_in_a_plan(rnscli: Run, tmp_path: Path) -> None:
    runs = [
        f'[run.{command}-{option[2:]}]\ncommand = "{command}"\n'
        + "".join(
            f'{key.removeprefix("--")} = "{value}"\n'
            for key, value in zip(words[1::2], words[2::2], strict=True)
        )
        for command, option in pairs()
        if option in ("--core", "--noise")
        and (command, option) not in SINGLE
        and command not in ("accuracy", "train", "design")  # with paths of their own, or flags
        for words in [line_of(command, option, *taken(command, option))]
    ]
    (tmp_path / "plan.toml").write_text("".join(runs))
    ran = rnscli("batch", "plan.toml", "--output", tmp_path / "results")
    assert (ran.code, remarks(ran)) == (0, [])
    assert len(list((tmp_path / "results").glob("*.json"))) >= len(runs) == 8

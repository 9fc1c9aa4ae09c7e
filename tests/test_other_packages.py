"""What another package registers, through every consumer; and what it registers wrongly.

The package is `example_package`, installed as pip does it: its modules and a ``dist-info`` with
its entry points in a folder on the path.
"""

import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

EXAMPLE = Path(__file__).parent / "example_package"
NAME = {  # what the package adds, by the option that takes it
    "--adc-model": "linear",
    "--decoder": "single",
    "--technology": "made-up-array",
    "--workload": "made-up-layers",
    "--model": "made-up-network",
    "--operands": "triangular",
}
COMMANDS = {
    "--adc-model": ("energy", "design"),
    "--decoder": ("fault-prob", "energy", "design", "accuracy", "train"),
    "--technology": ("energy", "design"),
    "--workload": ("energy",),
    "--model": ("accuracy", "train"),
    "--operands": ("error-sim",),
}
MODULI = "63,62,61,59,55,53"
EVERYWHERE = [(option, command) for option, named in COMMANDS.items() for command in named]


class Ran(NamedTuple):
    code: int
    out: str
    err: str


# Several commands in one process, which takes less time.
_RUNNER = """
import contextlib, io, json, sys
from rnscli.cli.main import run
answers = []
for arguments in json.load(sys.stdin):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run(arguments)
    answers.append((code, out.getvalue(), err.getvalue()))
json.dump(answers, sys.stdout)
"""
_COMPLETER = """
import json, sys
from click.shell_completion import ShellComplete
from rnscli.cli.main import cli
shell = ShellComplete(cli, {}, "rnscli", "")
items = [shell.get_completions(words[:-1], words[-1]) for words in json.load(sys.stdin)]
json.dump([[(item.value, item.help) for item in of_one] for of_one in items], sys.stdout)
"""


def install(folder: Path, entry_points: str) -> None:
    """The example package with its entry points, or others."""
    shutil.copytree(EXAMPLE / "made_up", folder / "made_up")
    information = folder / "made_up-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: made-up\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text(entry_points)


def environment(folder: Path) -> dict[str, str]:
    path = os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])
    return os.environ | {"PYTHONPATH": path}


def answers_of(program: str, folder: Path, questions: Sequence[Sequence[str]]) -> Any:
    ran = subprocess.run(
        [sys.executable, "-c", program],
        input=json.dumps(questions),
        capture_output=True,
        text=True,
        timeout=120,
        env=environment(folder),
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    return json.loads(ran.stdout)


def run_all(folder: Path, *lines: str) -> list[Ran]:
    """What each line prints, without ``rnscli`` before it."""
    return [Ran(*one) for one in answers_of(_RUNNER, folder, [*map(shlex.split, lines)])]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("installed")
    install(folder, (EXAMPLE / "entry_points.txt").read_text())
    return folder


@pytest.fixture(scope="module")
def helps(installed: Path) -> dict[str, str]:
    commands = sorted({command for named in COMMANDS.values() for command in named})
    answers = run_all(installed, *(f"{command} --help" for command in commands))
    assert {one.code for one in answers} == {0}
    return {
        command: " ".join(one.out.split()) for command, one in zip(commands, answers, strict=True)
    }


@pytest.mark.parametrize(("option", "command"), EVERYWHERE)
def test_the_help_names_it(helps: dict[str, str], option: str, command: str) -> None:
    assert NAME[option] in helps[command].replace("- ", "-")


def test_completion_offers_it(installed: Path) -> None:
    lines = [[command, option, NAME[option][:3]] for option, command in EVERYWHERE]
    offered = answers_of(_COMPLETER, installed, lines)
    for (option, command), items in zip(EVERYWHERE, offered, strict=True):
        assert NAME[option] in dict(items), command
        if option != "--technology":  # whose profiles would have to be read
            assert dict(items)[NAME[option]], command


def test_the_schema_accepts_it(installed: Path) -> None:
    options = ("--adc-model", "--decoder")  # the others may also be files
    asked = [one for one in EVERYWHERE if one[0] in options]
    answers = run_all(installed, *(f"schema {command}" for _, command in asked))
    for (option, command), answer in zip(asked, answers, strict=True):
        accepted = json.loads(answer.out)["$defs"][option.removeprefix("--").replace("-", "_")]
        assert NAME[option] in accepted["enum"], command


def rows_of(answer: Ran) -> list[dict[str, Any]]:
    assert (answer.code, answer.err) == (0, "")
    rows: list[dict[str, Any]] = json.loads(answer.out)["rows"]
    return rows


def test_commands_use_it(installed: Path) -> None:
    fault = f"fault-prob --moduli {MODULI} --redundant 2 --attempts 1 --p 1e-3 --format json"
    one = "energy --bits 6 --core rns --format json"
    answers = run_all(
        installed,
        f"{one} --adc-model linear,murmann",
        f"{one} --adc-model linear --linear-energy 2pJ±10%",
        f"{one} --technology made-up-array",
        "energy --bits 6 --core rns --workload made-up-layers --format json",
        f"{fault} --decoder single,bounded-distance,detect",
        "error-sim --bits 6 --core rns --operands triangular,uniform --pairs 2000 --format json",
        "design --bits 6 --core rns,fixed-hp --technology made-up-array --adc-model linear "
        "--decoder single --redundant 0..2 --p 1e-6 --max-p-err 1e-6 --format json",
    )
    adcs, ranges, technology, workload, faults, errors, designs = map(rows_of, answers)
    by_model = {row["adc_model"]: row["adc_energy_j"] for row in adcs}
    # 6 bits at 1 pJ each, where Murmann's model has 6 x 100 fJ + 4^6 aJ.
    assert by_model["linear"] / by_model["murmann"] == pytest.approx(6e-12 / 604.096e-15)
    low, high = ranges[0]["energy_range_j"]
    assert low < ranges[0]["energy_per_dot_product_j"] < high
    assert technology[0]["technology"] == "made-up-array"
    assert {row["layer"] for row in workload} == {"first", "second", "total"}
    corrected = {row["decoder"]: row["p_correct"] for row in faults}
    assert corrected["single"] == corrected["bounded-distance"] > corrected["detect"]
    # Narrower than uniform operands of the same largest magnitude.
    error = {row["operands"]: row["mean_abs_error"] for row in errors}
    assert 0 < error["triangular"] < error["uniform"]
    assert {row["technology"] for row in designs} == {"made-up-array"}
    assert {row["adc_model"] for row in designs} == {"linear"}


def test_a_plan_may_use_it(installed: Path, tmp_path: Path) -> None:
    plan = tmp_path / "plan.toml"
    plan.write_text(
        f'[run.one]\ncommand = "fault-prob"\nmoduli = "{MODULI}"\nredundant = 2\n'
        'attempts = 1\np = 1e-3\ndecoder = "single"\n'
    )
    out = tmp_path / "results"
    (answer,) = run_all(installed, f"batch {plan} --output {out}")
    assert (answer.code, answer.err) == (0, "")
    (row,) = json.loads((out / "one.json").read_text())["rows"]
    assert row["decoder"] == "single"


def test_a_network_is_trained_and_tested(installed: Path) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("sklearn")
    (answer,) = run_all(
        installed,
        "accuracy --model made-up-network --core rns --bits 6 --samples 64 --format json",
    )
    (row,) = rows_of(answer)
    assert row["model"] == "made-up-network"
    assert 0.2 < row["fp32_accuracy"] <= 1  # of an epoch, which is more than to guess


def test_defaults_are_those_of_the_package(helps: dict[str, str]) -> None:
    """Whatever else is installed, what was not asked for is not computed."""
    stated = helps["accuracy"].replace("- ", "-")
    assert "[default: digits-cnn,digits-resnet,digits-transformer]" in stated


@pytest.mark.parametrize(
    ("entry", "command", "reason"),
    [
        ("[rnscli.decoders]\nx = nowhere:X", "fault-prob", "No module named 'nowhere'"),
        ("[rnscli.decoders]\nx = made_up.decoder:X", "fault-prob", "has no attribute 'X'"),
        ("[rnscli.decoders]\nx = made_up.adc:LinearAdc", "fault-prob", "is no Decoder"),
        (
            "[rnscli.decoders]\nx = made_up.decoder:SINGLE\ny = made_up.decoder:SINGLE",
            "accuracy",
            "there is a Decoder of the name single already",
        ),
        ("[rnscli.adc_models]\nx = made_up.decoder:SINGLE", "energy", "is no AdcModel"),
        ("[rnscli.technologies]\nx = made_up.workload:LAYERS", "design", "is no Profile"),
        ("[rnscli.workloads]\nx = made_up.network:NETWORK", "energy", "is no NamedWorkload"),
        ("[rnscli.networks]\nx = made_up.workload:LAYERS", "train", "is no ShippedNetwork"),
    ],
)
def test_what_cannot_be_used_is_said(tmp_path: Path, entry: str, command: str, reason: str) -> None:
    install(tmp_path, entry + "\n")
    (answer,) = run_all(tmp_path, f"{command} --help")
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.count("\n") == 1
    named = entry.splitlines()[-1]
    for part in ("rnscli: made-up registers", named, entry[1 : entry.index("]")], reason):
        assert part in answer.err
    assert "Traceback" not in answer.err

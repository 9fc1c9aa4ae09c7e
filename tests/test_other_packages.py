"""What another package registers, through every consumer; and what it registers wrongly.

The package is `example_package`, installed as pip does it: its modules and a ``dist-info`` with
its entry points in a folder on the path.
"""

import ast
import itertools
import json
import math
import os
import shlex
import shutil
import subprocess
import sys
import types
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import tiny_networks
from schemas import command_named

from rnscli.base import Registry
from rnscli.cli.main import ANSWERING
from rnscli.core.arithmetic.decoders import Decoder
from rnscli.core.cores.kind import CoreKind
from rnscli.core.noise.law import NoiseLaw
from rnscli.hardware.adc import AdcModel

EXAMPLE = Path(__file__).parent / "example_package"


NAME = {  # what the package adds, by the option that takes it
    "--core": "truncating",
    "--noise": "upwards",
    "--adc-model": "linear",
    "--decoder": "single",
    "--technology": "made-up-array",
    "--workload": "made-up-layers",
    "--model": "made-up-network",
    "--operands": "triangular",
}
COMMANDS = {  # which have that option
    option: [
        command
        for command in ANSWERING
        if any(option in one.opts for one in command_named(command).params)
    ]
    for option in NAME
}
EVERYWHERE = [(option, command) for option, named in COMMANDS.items() for command in named]
MODULI = "63,62,61,59,55,53"


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
    tests = str(Path(__file__).parent)  # with `tiny_networks`
    path = os.pathsep.join([str(folder), tests, os.environ.get("PYTHONPATH", "")])
    return os.environ | {"PYTHONPATH": path}


def printed_by(program: str, folder: Path, given: str = "") -> str:
    """What a program prints in a process of its own, where the package is installed."""
    ran = subprocess.run(
        [sys.executable, "-c", program],
        input=given,
        capture_output=True,
        text=True,
        timeout=120,
        env=environment(folder),
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    return ran.stdout


def answers_of(program: str, folder: Path, questions: Sequence[Sequence[str]]) -> Any:
    return json.loads(printed_by(program, folder, json.dumps(questions)))


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


@pytest.mark.parametrize(
    "module", sorted(path.stem for path in (EXAMPLE / "made_up").glob("[!_]*.py"))
)
def test_it_is_imported_before_rnscli(installed: Path, module: str) -> None:
    program = f"""
import made_up.{module}
from rnscli.analysis.error.operands import DISTRIBUTIONS
from rnscli.core import CORES, NOISE_LAWS
from rnscli.core.arithmetic.decoders import DECODERS
from rnscli.hardware import ADC_MODELS, WORKLOADS, technology_names
for names in (
    DISTRIBUTIONS, CORES, NOISE_LAWS, DECODERS, ADC_MODELS, WORKLOADS, technology_names()
):
    print(*names)
"""
    printed = printed_by(program, installed)
    assert all(name in printed for option, name in NAME.items() if option != "--model")


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
    options = ("--core", "--noise", "--adc-model", "--decoder")  # the others may also be files
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


ERROR = "--bits 6 --pairs 20000 --seed 3 --format json"


def _fits(row: dict[str, Any]) -> bool:
    return row["adc_range"] == "calibrated"


def test_a_core_has_its_own_error_everywhere(installed: Path) -> None:
    """Not that of a core of this package that loses nothing, which is 33 times smaller."""
    simulated, exact, designs = map(
        rows_of,
        run_all(
            installed,
            f"error-sim --core truncating,fixed-lp,fixed-hp {ERROR}",
            f"error-sim --core fixed-hp {ERROR} --bits 3",
            f"design --core truncating,fixed-lp,rns,digital-int3,digital-int8 {ERROR}",
        ),
    )
    error = {row["core"]: row["mean_abs_error"] for row in simulated if not _fits(row)}
    fitting = {row["core"]: row["mean_abs_error"] for row in simulated if _fits(row)}
    assert list(fitting) == ["fixed-lp"]  # the others have no range to choose
    assert error["truncating"] / error["fixed-lp"] == pytest.approx(2, rel=0.05)
    assert error["truncating"] > 30 * error["fixed-hp"]
    expected = error | {
        "rns": error["fixed-hp"],
        "digital-int3": exact[0]["mean_abs_error"],
    }
    assert {row["core"] for row in designs} == {*expected, "digital-int8"} - {"fixed-hp"}
    for row in designs:
        if row["core"] != "digital-int8":
            here = fitting if _fits(row) else expected
            assert row["mean_abs_error"] == here[row["core"]], row["core"]
        else:  # with more bits
            assert row["mean_abs_error"] < exact[0]["mean_abs_error"] / 8


def test_a_lossy_core_is_not_chosen_where_the_error_matters(installed: Path) -> None:
    (answer,) = run_all(installed, f"design --core truncating,rns --max-error 0.5 {ERROR}")
    chosen, *others = rows_of(answer)
    assert (chosen["role"], chosen["core"]) == ("chosen", "rns")
    (lossy,) = (row for row in others if row["core"] == "truncating")
    assert lossy["role"] == "neighbour" and "breaks the limit of 0.5" in lossy["reason"]


@pytest.mark.thorough
def test_the_command_lines_of_a_design_give_its_numbers(installed: Path) -> None:
    (answer,) = run_all(
        installed, f"design --core truncating --noise upwards --p 1e-2 --columns-per-adc 1 {ERROR}"
    )
    (chosen,) = rows_of(answer)
    clean, noisy, energy = (f"{line} --format json" for line in chosen["commands"])
    (simulated,), (wrong,), (bill,) = map(
        rows_of,
        run_all(*(installed, *(line.removeprefix("rnscli ") for line in (clean, noisy, energy)))),
    )
    assert simulated["mean_abs_error"] == chosen["mean_abs_error"]
    low, high = wrong["output_error_rate_ci95"]
    assert low < chosen["p_err"] < high and chosen["p_err"] == pytest.approx(1e-2)
    assert bill["energy_per_mac_j"] == pytest.approx(chosen["energy_per_mac_j"], rel=1e-12)


def test_defaults_of_a_design_name_no_core_of_another_package(installed: Path) -> None:
    (answer,) = run_all(installed, "design --help")
    help_text = " ".join(answer.out.split()).replace("- ", "-")
    assert "[default: rns,fixed-lp,fixed-hp,bit-sliced,digital-int8,digital-int4]" in help_text


@pytest.mark.thorough
def test_a_law_in_every_command(installed: Path) -> None:
    law = "--noise upwards --p 1e-2 --format json"
    code = "--moduli 9,8,7,5 --redundant 1 --decoder detect --attempts 1"
    faults, designs, energies, errors, sure = run_all(
        installed,
        f"fault-prob {code} --validate 20000 {law}",
        f"design --bits 6 --core rns,fixed-lp --redundant 1 --attempts 2 --decoder detect {law}",
        f"energy --bits 6 --core rns --redundant 1 --attempts 2 --decoder detect {law}",
        f"error-sim --bits 6 --core rns,truncating --pairs 20000 {law}",
        "error-sim --bits 6 --core truncating --noise upwards --p 0,1 --format json",
    )
    (fault,) = rows_of(faults)
    assert fault["noise"] == "upwards"
    assert fault["p_undetected"] == pytest.approx(undetected_upwards((9, 8, 7, 5), 1, 1e-2))
    design = {row["core"]: row for row in rows_of(designs)}
    (energy,) = rows_of(energies)
    assert design["fixed-lp"]["p_err"] == pytest.approx(1e-2)
    assert design["rns"]["expected_attempts"] == pytest.approx(energy["expected_attempts"])
    rns, truncating = rows_of(errors)
    for row, wrong in ((rns, 1 - 0.99 ** len(rns["moduli"])), (truncating, 1e-2)):
        low, high = row["output_error_rate_ci95"]
        assert (row["noise"], row["p"]) == ("upwards", 1e-2)
        assert low - 1e-3 < wrong < high + 1e-3, row["core"]
    # A code more than what is truncated lies as far above as that below.
    never, always = rows_of(sure)
    assert (never["output_error_rate"], always["output_error_rate"]) == (0, 1)
    assert always["mean_error"] == pytest.approx(-never["mean_error"], rel=0.02)


@pytest.mark.thorough
def test_constants_of_a_law_in_every_command(installed: Path) -> None:
    law = "--noise upwards --p 1e-2 --steps 2 --format json"
    code = "--moduli 9,8,7,5 --redundant 1 --decoder detect --attempts 1"
    small = "--bits 6 --core rns --redundant 1 --attempts 2 --decoder detect"
    faults, swept, energies, errors, designs = run_all(
        installed,
        f"fault-prob {code} {law}",
        f"fault-prob {code} --noise uniform,upwards --p 1e-2,1e-3 --steps 1,4 --format json",
        f"energy {small} {law}",
        "error-sim --bits 6 --core truncating --noise upwards --p 1 --steps 1..3 --format json",
        f"design {small} --pairs 200 {law}",
    )
    (fault,) = rows_of(faults)
    assert fault["steps"] == 2
    assert fault["p_undetected"] == pytest.approx(undetected_upwards((9, 8, 7, 5), 1, 1e-2, 2))
    # A constant is no axis for a law that does not have it.
    assert [(row["noise"], row["p"], row["steps"]) for row in rows_of(swept)] == [
        ("uniform", 1e-2, None), ("uniform", 1e-3, None),
        ("upwards", 1e-2, 1), ("upwards", 1e-2, 4), ("upwards", 1e-3, 1), ("upwards", 1e-3, 4),
    ]  # fmt: skip
    (energy,) = rows_of(energies)
    assert energy["steps"] == 2 and energy["expected_attempts"] > 1
    # What is truncated is half a code on average, and the noise takes that back once a step.
    one, two, three = (row["mean_error"] for row in rows_of(errors))
    assert two == pytest.approx(3 * one, rel=0.02) and three == pytest.approx(5 * one, rel=0.02)
    chosen, *_ = rows_of(designs)
    assert chosen["steps"] == 2
    _, _, probability, costs = chosen["commands"]
    assert all("--steps 2" in line for line in (probability, costs))
    lines = (f"{one.removeprefix('rnscli ')} --format json" for one in (probability, costs))
    again, bill = map(rows_of, run_all(installed, *lines))
    assert again[0]["p_err"] == chosen["p_err"]
    assert bill[0]["energy_per_mac_j"] == pytest.approx(chosen["energy_per_mac_j"], rel=1e-12)


@pytest.mark.parametrize(
    ("line", "refusal"),
    [
        ("--p 1e-2 --steps 2", "--steps is a constant of the noise upwards; give --noise upwards"),
        (
            "--noise upwards --p 0.1 --steps 9",
            "--steps: '9' is not accepted; it must be a whole number from 1 to 8",
        ),
        (
            "--noise upwards --p 0.1 --steps x",
            "--steps: 'x' is not accepted; it must be a whole number",
        ),
        ("--noise upwards --steps 2", "--noise has no level; give --p, --sigma or --snr-db, too"),
    ],
)
def test_constants_of_other_laws_are_refused(installed: Path, line: str, refusal: str) -> None:
    (answer,) = run_all(installed, f"energy --bits 6 {line}")
    assert answer.code == 2 and refusal in answer.err


def test_constants_of_a_law_from_python(installed: Path) -> None:
    program = """
import rnscli
code = dict(moduli=[9, 8, 7, 5], redundant=1, decoder="detect", attempts=1, p=1e-2)
rows = rnscli.fault_probability(**code, noise="upwards", steps=[1, 2])
setting = rnscli.NoiseSetting(noise="upwards", p=1e-2, constants=(("steps", 2),))
one = rnscli.fault_probability(
    rnscli.FaultParameters(moduli=rnscli.ModuliSet([9, 8, 7, 5], 1), noise=setting,
                           decoder="detect")
)
assert one.p_undetected == rows["p_undetected"][1] != rows["p_undetected"][0]
core = rnscli.analog_core("fixed-lp", bits=6, noise=setting)
assert [law.steps for law in core.laws] == [2]
for constants, refusal in (
    ((("stepz", 2),), "`stepz` is no constant of the noise upwards, which has steps; leave it out"),
    ((("steps", 9),), "`steps` is 9; it must be a whole number from 1 to 8"),
):
    try:
        rnscli.NoiseSetting(noise="upwards", p=1e-2, constants=constants)
    except rnscli.InputError as error:
        assert str(error) == refusal
    else:
        raise AssertionError(refusal)
"""
    assert printed_by(program, installed) == ""


def undetected_upwards(moduli: tuple[int, ...], redundant: int, p: float, steps: int = 1) -> float:
    """Of a code that only detects, by all errors of all legitimate values."""
    size = math.prod(sorted(moduli)[: len(moduli) - redundant])
    words = {tuple(value % m for m in moduli) for value in range(size)}
    chance = 0.0
    for word in words:
        for hit in itertools.product((0, 1), repeat=len(moduli)):
            moved = tuple((r + steps * e) % m for r, e, m in zip(word, hit, moduli, strict=True))
            if any(hit) and moved in words:
                chance += p ** sum(hit) * (1 - p) ** (len(moduli) - sum(hit))
    return chance / size


@pytest.mark.thorough
def test_networks_on_a_core_under_a_law(installed: Path, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    data = tiny_networks.write_signs(tmp_path / "signs.npz")
    network = f"--model {tiny_networks.SIGNS} --data {data} --format json"
    noise = "--noise upwards --p 1 --steps 3"
    tested, unlike, trained = map(
        rows_of,
        run_all(
            installed,
            f"accuracy --core truncating,fixed-lp --bits 2,6 --adc-range full {network}",
            f"accuracy --core truncating,fixed-lp --bits 6 --adc-range full {noise} {network}",
            f"train --core truncating --bits 6 --epochs 1 {noise} {network}",
        ),
    )
    assert [row["core"] for row in tested] == ["truncating", "fixed-lp"] * 2
    assert {row["adc_bits"] for row in tested} == {2, 6}
    for row in unlike:
        assert (row["noise"], row["p"], row["output_error_rate"]) == ("upwards", 1, 1)
        assert row["steps"] == 3
    assert {row["steps"] for row in tested} == {None}
    reference, row = trained
    assert (reference["core"], row["core"]) == ("fp32", "truncating")
    assert (row["noise"], row["p"], row["steps"]) == ("upwards", 1, 3)
    assert row["test_loss"] != reference["test_loss"]


PICTURES = {
    "error-sim": "--bits 6 --pairs 200 --core rns,truncating --noise upwards,uniform --p 1e-2",
    "fault-prob": "--bits 6 --redundant 1 --noise upwards,uniform --p 1e-3,1e-2",
    "energy": "--bits 6 --core rns,truncating --redundant 1 --noise upwards,uniform --p 1e-2",
    "design": "--bits 6 --pairs 200 --noise upwards --p 1e-2 "
    "--core rns,fixed-lp,fixed-hp,bit-sliced,digital-int8,digital-int3,truncating",
    "accuracy": "{network} --bits 4,6 --core rns,truncating --noise upwards,uniform --p 1e-2",
    "train": "{network} --bits 6 --epochs 1 --core rns,truncating --noise upwards --p 1e-2",
}


@pytest.mark.thorough
def test_pictures_name_it(installed: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    pytest.importorskip("torch")
    data = tiny_networks.write_signs(tmp_path / "signs.npz")
    network = f"--model {tiny_networks.SIGNS} --data {data}"
    lines = [
        f"{command} {options.format(network=network)} --plot {tmp_path / command}.svg --format csv"
        for command, options in PICTURES.items()
    ]
    answers = run_all(installed, *lines)
    for (command, options), answer in zip(PICTURES.items(), answers, strict=True):
        assert (answer.code, answer.err) == (0, ""), command
        picture = (tmp_path / f"{command}.svg").read_text()
        for name in ("truncating", "upwards", "uniform"):
            assert (name in picture) == (name in options), command


# What a thing leaves out


class Part(NamedTuple):
    """A class of the example package, and where it is registered."""

    module: str
    made: str
    kind: type
    takes_object: bool


PARTS = [
    Part("core", "Truncating", CoreKind, True),
    Part("core", "DigitalInt3", CoreKind, True),
    Part("law", "Upwards", NoiseLaw, False),
    Part("decoder", "Single", Decoder, True),
    Part("adc", "LinearAdc", AdcModel, False),
]


def members(part: Part) -> list[str]:
    """What the body of the class states, but fields that only its objects have."""
    body = class_of(ast.parse((EXAMPLE / "made_up" / f"{part.module}.py").read_text()), part).body
    return [name for node in body for name in [stated(node)] if name not in (None, *FIELDS)]


FIELDS = ("p", "steps", "linear_energy")


def class_of(tree: ast.Module, part: Part) -> ast.ClassDef:
    (found,) = (n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == part.made)
    return found


def stated(node: ast.stmt) -> str | None:
    if isinstance(node, ast.FunctionDef):
        return node.name
    target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
    return target.id if isinstance(target, ast.Name) else None


@pytest.mark.parametrize(
    ("part", "left_out"),
    [(part, name) for part in PARTS for name in (None, *members(part))],
    ids=lambda value: value.made if isinstance(value, Part) else str(value),
)
def test_what_leaves_something_out_is_refused(
    part: Part, left_out: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = ast.parse((EXAMPLE / "made_up" / f"{part.module}.py").read_text())
    body = class_of(tree, part).body
    body[:] = [node for node in body if left_out is None or stated(node) != left_out]
    tree.body = [node for node in tree.body if not isinstance(node, ast.Assign)]  # of objects
    module = types.ModuleType("incomplete")
    monkeypatch.setitem(sys.modules, "incomplete", module)
    exec(compile(tree, "incomplete.py", "exec"), vars(module))
    made = getattr(module, part.made)

    def register() -> None:
        thing = made() if part.takes_object else made
        Registry("thing", "things", part.kind, [thing])

    if left_out is None:
        register()
    else:
        with pytest.raises(TypeError, match=left_out):
            register()


@pytest.mark.thorough
def test_a_plan_may_use_it(installed: Path, tmp_path: Path) -> None:
    plan = tmp_path / "plan.toml"
    plan.write_text(
        f'[run.one]\ncommand = "fault-prob"\nmoduli = "{MODULI}"\nredundant = 2\n'
        'attempts = 1\np = 1e-3\nnoise = "upwards"\ndecoder = "single"\n'
        '[run.two]\ncommand = "error-sim"\ncore = ["truncating", "rns"]\nbits = 6\npairs = 200\n'
        'require = "mean_abs_error < 1"\n'
        '[run.three]\ncommand = "design"\ncore = "truncating"\nbits = 6\npairs = 200\n'
    )
    out = tmp_path / "results"
    (answer,) = run_all(installed, f"batch {plan} --output {out}")
    assert answer.code == 1 and "mean_abs_error < 1" in answer.err  # of the lossy one
    (row,), errors, (design, *_) = (
        json.loads((out / f"{name}.json").read_text())["rows"] for name in ("one", "two", "three")
    )
    assert (row["decoder"], row["noise"]) == ("single", "upwards")
    assert [one["core"] for one in errors] == ["truncating", "rns"]
    assert design["mean_abs_error"] == errors[0]["mean_abs_error"] > 1 > errors[1]["mean_abs_error"]


@pytest.mark.thorough
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
        ("[rnscli.cores]\nx = made_up.core:Truncating", "error-sim", "registered as an object"),
        ("[rnscli.cores]\nx = made_up.decoder:SINGLE", "design", "is no CoreKind"),
        ("[rnscli.noise]\nx = made_up.core:TRUNCATING", "fault-prob", "is no NoiseLaw"),
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


@pytest.mark.parametrize(
    ("constant", "default", "laws", "refusal"),
    [
        ("bits", "1", "clash", "rnscli fault-prob has two options --bits; rename one"),
        (
            "steps",
            "1",
            "clash upwards",
            "upwards has a constant steps, which another one has, too",
        ),
        ("sigma", "1", "clash", "--noise clash has a constant sigma, which another one has, too"),
        ("plain", "", "clash", "--noise clash has a constant plain without a default"),
    ],
)
def test_constants_that_are_no_options_of_their_own_are_refused(
    tmp_path: Path, constant: str, default: str, laws: str, refusal: str
) -> None:
    entries = {"clash": "made_up.clash:Clash", "upwards": "made_up.law:Upwards"}
    named = "".join(f"{law} = {entries[law]}\n" for law in laws.split())
    install(tmp_path, f"[rnscli.noise]\n{named}")
    (tmp_path / "made_up" / "clash.py").write_text(
        "from made_up.law import Upwards\n\nclass Clash(Upwards):\n"
        f"    name = 'clash'\n    constants = {{'{constant}': Upwards.constants['steps']}}\n"
        + (f"    {constant} = {default}\n" if default else "")
    )
    (answer,) = run_all(tmp_path, "fault-prob --help")
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.count("\n") == 1 and refusal in answer.err


def test_what_cannot_be_used_is_no_matter_for_what_does_not_need_it(tmp_path: Path) -> None:
    """A core of this package needs no other one, and a store that is sound is not damaged."""
    install(tmp_path, "[rnscli.cores]\nx = nowhere:X\n[rnscli.operands]\nx = nowhere:X\n")
    program = f"""
import rnscli
assert rnscli.analog_core("rns", bits=6).name == "rns"
point = rnscli.DotErrorParameters(
    dot_product=rnscli.DotProduct(4, 4, 4), bits=4, cores=("fixed-lp",), pairs=8,
    operands=rnscli.UniformOperands(),
)
with rnscli.runner(store={str(tmp_path / "runs.db")!r}) as kept:
    rnscli.dot_error(point, kept)
"""
    assert printed_by(program, tmp_path) == ""
    (answer,) = run_all(tmp_path, f"store {tmp_path / 'runs.db'}")
    assert answer.code == 2 and "made-up registers x = nowhere:X" in answer.err
    assert "damaged" not in answer.err

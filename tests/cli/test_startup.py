"""How the package and the command line start, and how they end."""

import ast
import os
import re
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import pytest

import rnscli as package
from rnscli.analysis.moduli import moduli_table
from rnscli.cli import main as main_module
from rnscli.cli.command import AnswerCommand

Run = Callable[..., Any]

HOME = Path(package.__file__).parent
HEAVY = {"numpy", "scipy", "matplotlib", "rich", "tabulate", "jinja2", "torch", "sklearn"}


def python(*arguments: str, **more: Any) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, timeout=60, **more
    )


def loaded_after(code: str) -> set[str]:
    """Packages that are loaded once a program has run."""
    ran = python("-c", f"{code}\nimport sys\nprint()\nprint(*sys.modules)")
    assert (ran.returncode, ran.stderr) == (0, "")
    return {name.partition(".")[0] for name in ran.stdout.splitlines()[-1].split()}


# What is loaded


def test_importing_the_package_loads_nothing() -> None:
    assert not loaded_after("import rnscli") & (HEAVY | {"click", "rnscli.cli"})


def test_help_and_version_load_nothing_heavy() -> None:
    for arguments in (["--help"], ["--version"], [], ["nope"]):
        code = f"from rnscli.cli.main import run; run({arguments})"
        if arguments == ["nope"]:
            code = f"import sys; sys.stderr = open('{os.devnull}', 'w')\n{code}\n"
            code += "sys.stderr = sys.__stderr__"
        found = loaded_after(code)
        assert "click" in found
        assert not found & HEAVY, arguments


@pytest.mark.parametrize(
    "arguments",
    [
        ["energy", "--help"],
        ["energy", "--bits", "6", "--format", "json"],
        ["energy", "--bits", "6", "--workload", "mnist-cnn", "--format", "csv"],
        ["energy", "--bits", "6", "--adc-k1", "100fJ+-30%", "--sensitivity", "--format", "csv"],
        ["schema", "energy"],
    ],
    ids=" ".join,
)
def test_energy_without_noise_loads_nothing_numerical(arguments: list[str]) -> None:
    found = loaded_after(f"from rnscli.cli.main import run; run({arguments})")
    assert "click" in found
    assert not found & HEAVY


def test_row_types_load_nothing_numerical() -> None:
    modules = [
        ".".join(source.relative_to(HOME.parent).with_suffix("").parts)
        for source in (*HOME.glob("analysis/*/rows.py"), HOME / "analysis" / "store.py")
    ]
    assert len(modules) >= 6
    code = f"import {', '.join(modules)}, rnscli.analysis.moduli, rnscli.report.batch"
    assert not loaded_after(code) & (HEAVY | {"click"})


@pytest.mark.parametrize("command", ["accuracy", "train"])
def test_options_of_networks_are_checked_without_torch(command: str) -> None:
    code = f"from rnscli.cli.main import run; import sys; sys.stderr = open('{os.devnull}', 'w')\n"
    for arguments in (["--help"], ["--p", "1", "--sigma", "1"], ["--p", "x"]):
        code += f"run({[command, *arguments]})\n"
    code += "sys.stderr = sys.__stderr__"
    assert not loaded_after(code) & {"torch", "sklearn", "matplotlib"}


def test_no_command_and_no_report_loads_torch_before_it_computes() -> None:
    modules = [
        ".".join(source.relative_to(HOME.parent).with_suffix("").parts)
        for source in SOURCES
        if source.relative_to(HOME).parts[0] in ("cli", "report")
    ]
    found = loaded_after(f"import {', '.join(modules)}")
    assert not found & {"torch", "sklearn", "matplotlib"}


def test_energy_with_noise_does() -> None:  # or the test above would say nothing
    arguments = ["energy", "--bits", "6", "--redundant", "1", "--p", "1e-3", "--format", "json"]
    assert "numpy" in loaded_after(f"from rnscli.cli.main import run; run({arguments})")


def test_a_script_never_loads_click_or_rich() -> None:
    everything = "import rnscli; [getattr(rnscli, name) for name in rnscli.__all__]"
    assert not loaded_after(everything) & {"click", "rich", "matplotlib", "tabulate", "jinja2"}


@pytest.mark.parametrize("arguments", [["moduli"], ["reproduce", "--only", "reram-block"]])
def test_machine_formats_load_no_tables(arguments: list[str]) -> None:
    code = f"from rnscli.cli.main import run; run({[*arguments, '--format', 'json']})"
    assert not loaded_after(code) & {"rich", "tabulate", "matplotlib", "jinja2"}


# The names of the package


def test_every_name_resolves() -> None:
    for name in package.__all__:
        assert getattr(package, name) is not None
    assert len(set(package.__all__)) == len(package.__all__)
    assert sorted(package.__all__) == sorted(dir(package))


def test_every_name_is_stated_once() -> None:
    stub = ast.parse((HOME / "__init__.pyi").read_text())
    names = [
        alias.name for node in stub.body if isinstance(node, ast.ImportFrom) for alias in node.names
    ]
    assert len(set(names)) == len(names)
    assert set(names) == set(package.__all__)


def test_other_names_do_not_exist() -> None:
    with pytest.raises(AttributeError, match="nothing"):
        _ = package.nothing
    assert not hasattr(package, "click")


def test_the_package_is_typed() -> None:
    assert (HOME / "py.typed").exists()


# Imports point down

# Rooms from the ground up: a room may import those above it in this list.
ROOMS = (
    ("base",),
    ("core",),
    ("hardware", "runtime"),
    ("matrix", "networks"),
    ("torch",),
    ("analysis",),
    ("report",),
    ("reproduction",),
    ("cli",),
)
FORBIDDEN = {
    room: {other for row in ROOMS[level:] for other in row} - {room}
    for level, rooms in enumerate(ROOMS)
    for room in rooms
}
THIRD_PARTY = {
    "click": {"cli"},
    "rich": {"cli", "report"},
    "tabulate": {"cli", "report"},
    "matplotlib": {"cli", "report"},
    "jinja2": {"report", "reproduction"},
    "markupsafe": {"report", "reproduction"},
    "torch": {"torch", "networks", "analysis"},
    "sklearn": {"networks"},
}
SOURCES = sorted(HOME.rglob("*.py"))


def imports(source: Path) -> Iterator[str]:
    """Full names of the modules that a file imports, anywhere in it."""
    package_parts = source.relative_to(HOME.parent).with_suffix("").parts[:-1]
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package_parts[: len(package_parts) + 1 - node.level] if node.level else ()
            module = ".".join([*base, *filter(None, [node.module])])
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)


def test_the_files_are_found() -> None:
    names = {str(source.relative_to(HOME)) for source in SOURCES}
    assert {"cli/main.py", "core/arithmetic/moduli.py", "__init__.py"} <= names
    floors = {source.relative_to(HOME).parts[0] for source in SOURCES if source.parent != HOME}
    assert floors == set(FORBIDDEN)


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: str(source.relative_to(HOME)))
def test_imports_point_down(source: Path) -> None:
    place = source.relative_to(HOME).parts
    floor = place[0] if len(place) > 1 else ""
    for name in imports(source):
        root, *below = name.split(".")
        if root == "rnscli" and below and floor:
            assert below[0] not in FORBIDDEN[floor], name
        if root in THIRD_PARTY:
            assert floor in THIRD_PARTY[root], name


# How it starts


def test_python_dash_m() -> None:
    ran = python("-m", "rnscli", "--version")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert package.__version__ in ran.stdout


def test_the_console_script() -> None:
    script = Path(sys.executable).parent / "rnscli"
    if not script.exists():
        pytest.skip("the package is not installed beside this Python")
    ran = subprocess.run([script, "-V"], capture_output=True, text=True, timeout=60)
    assert (ran.returncode, ran.stdout) == (0, f"rnscli, version {package.__version__}\n")


def test_help(rnscli: Run) -> None:
    ran = rnscli("--help")
    assert (ran.code, ran.err) == (0, "")
    for command, text in main_module.COMMANDS.items():
        assert re.search(rf"^  {command} +{re.escape(text)}$", ran.out, re.MULTILINE)
    assert rnscli().out == rnscli("-h").out == ran.out
    for command in main_module.COMMANDS:
        ran = rnscli(command, "--help")
        assert (ran.code, ran.err) == (0, "")
        found = main_module.cli.get_command(click.Context(main_module.cli), command)
        if isinstance(found, AnswerCommand):
            special = () if command in ("reproduce", "store") else ("--bits", "--plot")
            for option in ("--format", "--output", "--require", *special):
                assert option in ran.out
        assert f"rnscli {command} " in ran.out  # an example
        assert max(map(len, ran.out.splitlines())) <= 100


# How it ends


@pytest.mark.parametrize(
    ("arguments", "code"),
    [("--bits 6", 0), ("--bits 6 --require count<4", 1), ("--bits x", 2)],
)
def test_it_exits_with_the_code(arguments: str, code: int) -> None:
    """In a process of its own: it sets how signals are handled, for good."""
    assert python("-m", "rnscli", "moduli", *arguments.split()).returncode == code


def raising(error: BaseException) -> Callable[..., None]:
    def fail(*arguments: object, **more: object) -> None:
        raise error

    return fail


def test_an_interrupt(rnscli: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rnscli.analysis.moduli_table", raising(KeyboardInterrupt()))
    ran = rnscli("moduli", "--bits", 6)
    assert (ran.code, ran.out) == (130, "")
    assert ran.err.strip() == "rnscli: interrupted"


def test_an_interrupt_while_workers_compute(rnscli: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rnscli.analysis.dot_errors", raising(KeyboardInterrupt()))
    ran = rnscli("error-sim", "--bits", 6, "--pairs", 10, "--jobs", 2)
    assert (ran.code, ran.out) == (130, "")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (MemoryError(), "memory"),
        (OSError(28, "No space left on device"), "No space left on device"),
        (PermissionError(13, "Permission denied", "result.json"), "result.json"),
    ],
)
def test_errors_of_the_machine(
    error: Exception, said: str, rnscli: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rnscli.analysis.moduli_table", raising(error))
    ran = rnscli("moduli", "--bits", 6)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("rnscli: ") and ran.err.count("\n") == 1
    assert said in ran.err


def test_a_file_that_cannot_be_written_after_all(
    rnscli: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.replace", raising(OSError(5, "Input/output error")))
    ran = rnscli("moduli", "--bits", 6, "--output", tmp_path / "result.json")
    assert (ran.code, ran.out) == (2, "")
    assert "Input/output error" in ran.err and ran.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_warning_is_one_line(rnscli: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def warning(*arguments: Any) -> Any:
        warnings.warn("beware of the test", RuntimeWarning, stacklevel=2)
        return moduli_table(*arguments)

    monkeypatch.setattr("rnscli.analysis.moduli_table", warning)
    ran = rnscli("moduli", "--bits", 6)
    assert ran.code == 0
    assert ran.err == "rnscli: warning: beware of the test\n"
    assert "63 62 61 59" in ran.out


@pytest.mark.parametrize("sizes", ["128", "1..300"])
def test_a_reader_that_has_gone(sizes: str) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as pipe:
        ran = subprocess.run(
            [sys.executable, "-m", "rnscli", "moduli", "--vector-size", sizes, "--bits", "8"],
            stdout=pipe,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
        )
    assert ran.stderr == ""
    assert ran.returncode not in (1, 2)  # 1 would say that a requirement does not hold


def test_only_the_first_line_is_read() -> None:
    command = f"'{sys.executable}' -m rnscli moduli --format csv --bits 2..40 --vector-size 4"
    ran = subprocess.run(
        f"{command} | head -n 1", shell=True, capture_output=True, text=True, timeout=60
    )
    assert ran.stdout.startswith("bits,") and ran.stdout.count("\n") == 1
    assert all(line.startswith("rnscli: ") for line in ran.stderr.splitlines())


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_device() -> None:
    with Path("/dev/full").open("w") as full:
        ran = subprocess.run(
            [sys.executable, "-m", "rnscli", "moduli"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
        )
    assert ran.returncode == 2
    assert ran.stderr.splitlines() == ["rnscli: No space left on device: standard output"]


@pytest.mark.skipif(os.name != "posix", reason="needs a shell")
def test_no_standard_output_at_all() -> None:
    ran = subprocess.run(
        f"'{sys.executable}' -m rnscli moduli >&-",
        shell=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "Traceback" not in ran.stderr
    assert ran.returncode == 2


def test_a_terminal_that_knows_only_ascii() -> None:
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}
    ran = python("-m", "rnscli", "error-sim", "--bits", "4", "--pairs", "50", env=environment)
    assert "Traceback" not in ran.stderr
    assert ran.returncode == 0

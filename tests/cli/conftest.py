import json
import os
import shutil
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import pytest
from schemas import check_document
from simple_technology import SIMPLE

from rnscli.cli.main import run


class Ran(NamedTuple):
    """What a run of the command line left behind."""

    code: int
    out: str
    err: str

    @property
    def said(self) -> list[str]:
        """Lines of standard error but for one: small arrays make large chips of networks."""
        large = ": links between several dies are not counted"
        return [line for line in self.err.splitlines() if not line.endswith(large)]


def strict(text: str) -> Any:
    """JSON as a strict reader sees it: no NaN, no Infinity, no key twice."""

    def refuse(literal: str) -> NoReturn:
        raise AssertionError(f"{literal} is not JSON")

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        assert len({key for key, _ in pairs}) == len(pairs)
        return dict(pairs)

    return json.loads(text, parse_constant=refuse, object_pairs_hook=unique)


@pytest.fixture
def rnscli(capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[..., Ran]]:
    """``rnscli("moduli", "--bits", 6)`` runs the command in this process.

    Every JSON document that it prints is compared with the schema of the command.
    """

    def call(*arguments: object) -> Ran:
        capsys.readouterr()
        code = run([str(argument) for argument in arguments])
        ran = Ran(code, *capsys.readouterr())
        if ran.out.startswith('{\n  "schema": '):
            check_document(json.loads(ran.out))
        return ran

    with warnings.catch_warnings():  # `run` sets how warnings are shown
        yield call


@pytest.fixture
def document(rnscli: Callable[..., Ran]) -> Callable[..., dict[str, Any]]:
    """The JSON document of a command that succeeds and says nothing else."""

    def call(*arguments: object) -> dict[str, Any]:
        ran = rnscli(*arguments, "--format", "json")
        said = ran.said if arguments[0] == "chip" else ran.err.splitlines()
        assert (ran.code, said) == (0, [])
        parsed: dict[str, Any] = strict(ran.out)
        return parsed

    return call


@pytest.fixture
def rows(document: Callable[..., dict[str, Any]]) -> Callable[..., list[dict[str, Any]]]:
    """The rows of that document."""
    return lambda *arguments: document(*arguments)["rows"]


@pytest.fixture
def simple(tmp_path: Path) -> Path:
    """The profile of an analog technology of one energy, area and time, on which all cores run."""
    path = tmp_path / "simple.toml"
    path.write_text(SIMPLE.format(kind="analog"))
    return path


@pytest.fixture
def refusal(rnscli: Callable[..., Ran], tmp_path: Path) -> Callable[..., str]:
    """The sentence that refuses a command: code 2, one line on stderr, nothing else anywhere."""
    folder = tmp_path / "refused"
    folder.mkdir()

    def call(*arguments: object) -> str:
        if "--output" not in arguments:
            arguments = (*arguments, "--output", folder / "result.json")
        ran = rnscli(*arguments)
        assert (ran.code, ran.out) == (2, "")
        assert ran.err.startswith("rnscli: ")
        assert ran.err.endswith("\n") and ran.err.count("\n") == 1
        assert "Traceback" not in ran.err and "`" not in ran.err
        assert list(folder.iterdir()) == []
        return ran.err

    return call


@pytest.fixture
def shell_environment(tmp_path: Path) -> dict[str, str]:
    """Variables of a shell that finds `rnscli`, and a home of its own."""
    home, programs = tmp_path / "home", tmp_path / "programs"
    home.mkdir()
    programs.mkdir()
    script = programs / "rnscli"
    script.write_text(f"#!/bin/sh\nexec '{sys.executable}' -m rnscli \"$@\"\n")
    script.chmod(0o755)
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"
    return os.environ | {"PATH": path, "HOME": str(home), "ZDOTDIR": str(home)}


@pytest.fixture
def shell() -> Callable[[str], str]:
    """The program of a shell; skips where there is none, but CI must have bash."""

    def find(name: str) -> str:
        found = shutil.which(name)
        if found is None:
            if name == "bash" and os.environ.get("CI") == "true":
                pytest.fail("CI is to test the completion of bash, which is not there")
            pytest.skip(f"needs {name}")
        return found

    return find

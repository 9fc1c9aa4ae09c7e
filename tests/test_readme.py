"""What the README and docs/ show is what the tool prints."""

import re
import shlex
from pathlib import Path

import pytest

from rnscli.cli.main import run

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
CONSOLE = [
    block
    for page in (README, *(path.read_text() for path in sorted((ROOT / "docs").glob("*.md"))))
    for block in re.findall(r"```console\n\$ rnscli (.*?)\n(.*?)```", page, re.DOTALL)
]
SHELL = [
    line.removeprefix("rnscli ").split(" | ")[0]
    for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
    for line in block.splitlines()
    if line.startswith("rnscli ")
]


@pytest.mark.parametrize(("command", "output"), CONSOLE)
def test_console_blocks(command: str, output: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(shlex.split(command)) == 0
    assert capsys.readouterr().out == output


@pytest.mark.parametrize("command", SHELL)
def test_shell_examples(command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(shlex.split(command)) == 0


def test_python_example(capsys: pytest.CaptureFixture[str]) -> None:
    source = re.search(r"```python\n(.*?)```", README, re.DOTALL)
    assert source is not None
    exec(source[1], {})
    assert capsys.readouterr().out == "9.15730191352244e-07\n[-123456       7]\n"


def test_every_kind_of_example_was_found() -> None:
    assert len(CONSOLE) == 8
    assert len(SHELL) == 3

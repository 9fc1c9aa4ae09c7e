"""What docs/networks.md shows works as it stands there."""

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
import torch

from rnscli.cli.main import run

PAGE = (Path(__file__).parent.parent / "docs" / "networks.md").read_text()
MINE, FROM_PYTHON = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.usefixtures("fresh_mine")
def test_your_own_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.py").write_text(MINE)
    names: dict[str, object] = {}
    exec(MINE, names)
    make = names["make"]
    assert callable(make)
    torch.save(make().state_dict(), "mine.pt")
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((60, 16)), rng.integers(0, 4, 60)
    np.savez("mine.npz", x=x[:20], y=y[:20], x_train=x[20:], y_train=y[20:])
    commands = re.findall(r"^rnscli (.*mine:make.*)$", PAGE, re.MULTILINE)
    assert len(commands) == 2
    for command in commands:
        assert run(shlex.split(command)) == 0
        assert "mine:make" in capsys.readouterr().out


def test_from_python(capsys: pytest.CaptureFixture[str]) -> None:
    exec(FROM_PYTHON, {})
    assert capsys.readouterr().out == "5 28352\n(64,)\n"

"""What docs/networks.md shows works as it stands there."""

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
import torch

import rnscli
import rnscli.torch
from rnscli.cli.main import run
from rnscli.cli.options.layers import LAYER_OPTIONS

PAGE = (Path(__file__).parent.parent / "docs" / "networks.md").read_text()
SQUAD, MINE, FROM_PYTHON, CHOOSING = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


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
    assert len(commands) == 3
    (layers,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    Path("layers.toml").write_text(layers)
    for command in commands:
        assert run(shlex.split(command)) == 0
        assert "mine:make" in capsys.readouterr().out


def test_the_options_of_layers_are_listed() -> None:
    (listed,) = re.findall(r"A layer may have (.*?) of its own", PAGE, re.DOTALL)
    names = re.sub(r"\(.*?\)", "", listed, flags=re.DOTALL)
    assert re.findall(r"`(.*?)`", names) == [one.replace("_", "-") for one in LAYER_OPTIONS]


def test_squad_is_python() -> None:
    """It needs transformers and data: no more than that it can be read is tested here."""
    compile(SQUAD, "squad.py", "exec")


def test_from_python(capsys: pytest.CaptureFixture[str]) -> None:
    exec(FROM_PYTHON, {})
    assert capsys.readouterr().out == "5 28352\n(64,)\n"


def test_layers_are_chosen() -> None:
    core, fine = (rnscli.analog_core("rns", bits=bits) for bits in (5, 8))
    model = torch.nn.ModuleDict({
        "layers": torch.nn.ModuleList([torch.nn.ModuleDict({"head": torch.nn.Linear(4, 4)})]),
        "rotary": torch.nn.ModuleDict({"rotary_emb": torch.nn.Linear(4, 4)}),
        "lm_head": torch.nn.Linear(4, 4),
        "embedding": torch.nn.Embedding(4, 4),
    })  # fmt: skip
    names = {"rnscli": rnscli, "torch": torch, "model": model, "core": core}
    names |= {"fine": fine, "coarse": core}
    exec(CHOOSING, names)
    assert rnscli.torch.conversion(names["analog"]).analog == ("layers.0.head",)
    assert not rnscli.torch.conversion(names["plain"]).analog

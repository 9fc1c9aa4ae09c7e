"""Networks of libraries, most of them made up here: no such library need be installed."""

import importlib
import json
import os
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from refusals import assert_one_sentence
from torch import nn

from rnscli.base.errors import InputError
from rnscli.cli.main import run
from rnscli.networks.user_model import make_model

WEIGHTS = nn.Linear(3, 2).state_dict()


def library(monkeypatch: pytest.MonkeyPatch, name: str, **members: Any) -> None:
    module = ModuleType(name)
    vars(module).update(members)
    monkeypatch.setitem(sys.modules, name, module)


@pytest.fixture
def torchvision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two models, and the folder where it keeps weights."""

    def weights_of(name: str) -> Any:
        return SimpleNamespace(DEFAULT=SimpleNamespace(url=f"https://nowhere/{name}-12ab.pth"))

    library(monkeypatch, "torchvision")
    library(
        monkeypatch,
        "torchvision.models",
        list_models=lambda: ["line", "resnet"],
        get_model=lambda name, weights: nn.Linear(3, 2),
        get_model_weights=weights_of,
    )
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    (tmp_path / "checkpoints").mkdir()
    return tmp_path / "checkpoints"


def test_torchvision(torchvision: Path) -> None:
    first, again, other = (make_model("torchvision:line", seed=seed) for seed in (0, 0, 1))
    weights = [model.get_parameter("weight") for model in (first, again, other)]
    assert torch.equal(weights[0], weights[1])  # drawn from the seed
    assert not torch.equal(weights[0], weights[2])
    torch.save(WEIGHTS, torchvision / "line-12ab.pth")
    kept = make_model("torchvision:line", seed=1).get_parameter("weight")
    assert torch.equal(kept, WEIGHTS["weight"])
    refused("torchvision:lin", "has no model lin, among 2; did you mean line?")


def test_the_library_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With images through the whole command, with weights drawn and with those of a file."""
    models = installed("torchvision.models")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    np.savez("images.npz", x=np.random.default_rng(0).standard_normal((2, 3, 48, 48)))
    command = "accuracy --torchvision squeezenet1_1 --data images.npz --core rns --bits 8"

    def row(name: str) -> dict[str, Any]:
        told = ["--metric", "snr", "--format", "json", "--output", name]
        assert run([*command.split(), *told]) == 0
        (found,) = json.loads(Path(name).read_text())["rows"]
        return dict(found)

    drawn = row("drawn.json")
    assert (drawn["weights"], drawn["model"]) == ("drawn", "torchvision:squeezenet1_1")
    assert 25 < drawn["value"] < 60
    torch.manual_seed(3)
    kept, url = models.squeezenet1_1(), models.get_model_weights("squeezenet1_1").DEFAULT.url
    Path("checkpoints").mkdir()
    torch.save(kept.state_dict(), Path("checkpoints", url.rpartition("/")[2]))
    same = make_model("torchvision:squeezenet1_1", seed=9)
    images = torch.ones(1, 3, 48, 48)
    assert torch.equal(same.eval()(images), kept.eval()(images))
    given = row("given.json")
    assert (given["weights"], given["value"] != drawn["value"]) == ("own", True)


def installed(name: str) -> Any:
    """A module; the test is skipped where it is not there, or is for another PyTorch."""
    try:
        return importlib.import_module(name)
    except (ImportError, OSError, RuntimeError) as error:
        pytest.skip(f"{name}: {error}")


class Model(nn.Linear):
    """With weights of a folder, in half precision as many are kept."""

    @classmethod
    def from_pretrained(cls, which: str, local_files_only: bool, weights_only: bool) -> "Model":
        assert local_files_only and weights_only
        model = cls(3, 2)
        model.load_state_dict(torch.load(Path(which) / "weights.pt", weights_only=weights_only))
        return model.half()


class Config:
    architectures = ("ModelForSigns",)

    @classmethod
    def from_pretrained(cls, which: str, local_files_only: bool) -> "Config":
        if not Path(which, "config.json").exists():
            raise OSError(f"{which} has no config.json\nand is no name")
        return cls()


def test_transformers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library(monkeypatch, "transformers", AutoConfig=Config, AutoModel=None, ModelForSigns=Model)
    refused(f"hf:{tmp_path}", "cannot be opened: OSError")
    (tmp_path / "config.json").write_text("{}")
    torch.save(WEIGHTS, tmp_path / "weights.pt")
    model = make_model(f"hf:{tmp_path}")
    weight = model.get_parameter("weight")
    assert (weight.dtype, type(model)) == (torch.float32, Model)
    assert torch.equal(weight, WEIGHTS["weight"].half().float())
    torch.save({**WEIGHTS, "code": Code(tmp_path / "ran")}, tmp_path / "weights.pt")
    refused(f"hf:{tmp_path}", "a pickle that holds more than tensors, which is never run")
    assert not (tmp_path / "ran").exists()


class Code:
    """Makes a folder where it is unpickled."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.folder),)


def refused(name: str, says: str) -> None:
    with pytest.raises(InputError) as caught:
        make_model(name)
    assert_one_sentence(caught.value, f"`model` {name}")
    assert says in str(caught.value)


def test_a_library_that_is_not_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    for name, package in (("torchvision", "torchvision"), ("hf", "transformers")):
        monkeypatch.delitem(sys.modules, package, raising=False)
        monkeypatch.setitem(sys.modules, package, None)
        refused(f"{name}:one", f"pip install {package}")
        monkeypatch.delitem(sys.modules, package)
        (tmp_path / f"{package}.py").write_text("raise RuntimeError('another PyTorch')\n")
        refused(f"{name}:one", f"the package {package} cannot be imported: RuntimeError: another")

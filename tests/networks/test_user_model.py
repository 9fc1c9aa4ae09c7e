"""Networks of a user: imported and made, or refused in one sentence."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from refusals import assert_one_sentence
from torch import nn

from rnscli.base.errors import InputError
from rnscli.networks.user_model import load_model

SOURCE = """
from torch import nn

import my_helper_of_networks

print("a module that talks")

def make():
    print("a function that talks")
    return nn.Linear(my_helper_of_networks.WIDTH, 2)

class Net(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Flatten(), nn.Linear(3, 2))

class Nested:
    @staticmethod
    def make():
        return Net()

def with_arguments(width):
    return nn.Linear(width, 2)

def fails():
    raise OSError("no weights here\\nand no hope")

def fails_with_a_type_error():
    return nn.Linear(3, 2)(None, None)

def exits():
    raise SystemExit(3)

def nothing():
    pass

def whole():
    return 3

ready = Net()
number = 3
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    (tmp_path / "my_networks.py").write_text(SOURCE)
    (tmp_path / "my_helper_of_networks.py").write_text("WIDTH = 3\n")
    (tmp_path / "my_package").mkdir()
    (tmp_path / "my_package" / "__init__.py").write_text("")
    (tmp_path / "my_package" / "inner.py").write_text("from torch.nn import Flatten as make\n")
    for name, source in {
        "needs": "import a_module_that_is_nowhere\n",
        "syntax": "def make(:\n",
        "raises": "raise RuntimeError('not on Mondays')\n",
        "leaves": "import sys; sys.exit('bye')\n",
    }.items():
        (tmp_path / f"my_{name}.py").write_text(source)
    monkeypatch.chdir(tmp_path)
    path, modules = list(sys.path), set(sys.modules)
    yield tmp_path
    assert sys.path == path  # others find what they would have found
    for name in set(sys.modules) - modules:
        if name.startswith("my_"):
            del sys.modules[name]


@pytest.mark.parametrize(
    ("where", "kind"),
    [
        ("my_networks:make", nn.Linear),
        ("my_networks:Net", nn.Sequential),
        ("my_networks:Nested.make", nn.Sequential),
        ("my_package.inner:make", nn.Flatten),
        ("rnscli.networks.models.cnn:make", nn.Module),
    ],
)
def test_models(where: str, kind: type[nn.Module], capsys: pytest.CaptureFixture[str]) -> None:
    assert isinstance(load_model(where), kind)
    assert capsys.readouterr().out == ""  # where only the result goes


def test_weights_are_the_same_in_every_run() -> None:
    torch.manual_seed(1)
    first = load_model("my_networks:make")
    drawn = torch.rand(2)
    second = load_model("my_networks:make")
    assert torch.equal(*(model.get_parameter("weight") for model in (first, second)))
    torch.manual_seed(1)
    assert torch.equal(torch.rand(2), drawn)


@pytest.mark.parametrize(
    ("where", "says"),
    [
        ("", "is empty; it must be the name of a function"),
        ("my_networks", "package.module:function"),
        ("my_networks:", "package.module:function"),
        (":make", "package.module:function"),
        ("my_networks.py:make", "no module my_networks.py"),
        ("./my_networks:make", "package.module:function"),
        ("..my_networks:make", "package.module:function"),
        ("my_networks:make()", "package.module:function"),
        ("my_networks:make:again", "package.module:function"),
        ("my_nothing:make", "no module my_nothing, neither installed nor in the current directory"),
        ("my_package.other:make", "no module my_package.other"),
        ("my_needs:make", "cannot be imported: ModuleNotFoundError: No module named 'a_module_"),
        ("my_syntax:make", "cannot be imported: SyntaxError"),
        ("my_raises:make", "cannot be imported: RuntimeError: not on Mondays"),
        ("my_leaves:make", "cannot be imported: SystemExit: bye"),
        ("my_networks:mak", "my_networks.py has no mak; name a function"),
        ("my_networks:Nested.build", "has no Nested.build"),
        ("my_networks:number", "is an int; name a function"),
        ("my_networks:ready", "is a Net that is made already"),
        ("my_networks:with_arguments", "cannot be called without arguments: TypeError"),
        (
            "my_networks:fails",
            "raises OSError: no weights here (my_networks.py:25); it must return",
        ),
        ("my_networks:fails_with_a_type_error", "raises TypeError"),
        ("my_networks:exits", "raises SystemExit: 3"),
        ("my_networks:whole", "returns an int; it must return a torch.nn.Module"),
        ("my_networks:nothing", "returns a NoneType; it must return a torch.nn.Module"),
    ],
)
def test_refused(where: str, says: str) -> None:
    with pytest.raises(InputError) as caught:
        load_model(where)
    assert_one_sentence(caught.value, "`model`")
    assert where in str(caught.value)
    assert says in str(caught.value)

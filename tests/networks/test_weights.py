"""Weights of a user: loaded, or refused in one sentence, and never run."""

import json
import os
import pickle
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from refusals import assert_one_sentence
from torch import nn

from rnscli.base.errors import InputError
from rnscli.networks.weights import load_weights

OWN = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))
STATE = OWN.state_dict()
# As rnscli train keeps them.
KEPT = {"key": "0", "state": {"model": STATE, "data": "1"}}


def fresh() -> nn.Module:
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))


def test_a_state_dict(tmp_path: Path) -> None:
    contents = (
        STATE,
        dict(STATE),
        {"state_dict": STATE, "epoch": 3, "lr": [0.1]},
        {"model_state_dict": STATE, "optimizer_state_dict": {"state": {}}},
        {"model": {"state_dict": STATE}},
        {f"module._orig_mod.{name}": one for name, one in STATE.items()},
        {"state_dict": {f"model.{name}": one for name, one in STATE.items()}},
        KEPT,
    )
    for content in contents:
        torch.save(content, tmp_path / "mine.pt")
        model = fresh()
        load_weights(model, tmp_path / "mine.pt")
        assert all(torch.equal(tensor, STATE[name]) for name, tensor in model.state_dict().items())


def test_half_precision_and_old_files(tmp_path: Path) -> None:
    half = {name: one.half() if one.is_floating_point() else one for name, one in STATE.items()}
    torch.save(half, tmp_path / "mine.pt", _use_new_zipfile_serialization=False)
    model = fresh()
    load_weights(model, str(tmp_path / "mine.pt"))
    assert model.get_parameter("0.weight").dtype == torch.float32
    assert torch.allclose(model.get_parameter("0.weight"), STATE["0.weight"], atol=1e-3)


def test_a_prefix_that_the_model_has_stays(tmp_path: Path) -> None:
    inner = nn.Linear(3, 2)
    outer = nn.ModuleDict({"model": inner})
    torch.save(nn.ModuleDict({"model": nn.Linear(3, 2)}).state_dict(), tmp_path / "mine.pt")
    load_weights(outer, tmp_path / "mine.pt")
    stored = torch.load(tmp_path / "mine.pt")
    assert torch.equal(inner.weight, stored["model.weight"])


class Versioned(nn.Linear):
    """A layer that looks at the version of what it loads, as layers of PyTorch do."""

    _version = 3
    seen: ClassVar[list[Any]] = []

    def _load_from_state_dict(self, state: Any, prefix: str, metadata: Any, *rest: Any) -> None:
        self.seen.append(metadata.get("version"))
        super()._load_from_state_dict(state, prefix, metadata, *rest)


def test_versions_of_modules_stay_where_prefixes_go(tmp_path: Path) -> None:
    wrapped = nn.ModuleDict({"module": nn.Sequential(Versioned(3, 2))})
    torch.save(wrapped.state_dict(), tmp_path / "mine.pt")
    load_weights(nn.Sequential(Versioned(3, 2)), tmp_path / "mine.pt")
    assert Versioned.seen == [3]


def test_safetensors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is written byte by byte: length of the header, header, values."""
    arrays = {f"module.{name}": one.numpy() for name, one in STATE.items()}
    kinds, place, header, values = {"f": "F32", "i": "I64"}, 0, {}, b""
    for name, array in arrays.items():
        end = place + array.nbytes
        kind = kinds[array.dtype.kind]
        header[name] = {"dtype": kind, "shape": array.shape, "data_offsets": (place, end)}
        values, place = values + array.tobytes(), end
    text = json.dumps(header).encode()
    content = struct.pack("<Q", len(text)) + text + values
    for file in ("mine.safetensors", "mine.bin"):
        (tmp_path / file).write_bytes(content)
        model = fresh()
        load_weights(model, tmp_path / file)
        assert all(torch.equal(one, STATE[name]) for name, one in model.state_dict().items())
    (tmp_path / "mine.bin").write_bytes(content[:-4])
    with pytest.raises(InputError, match="damaged or no file of safetensors"):
        load_weights(fresh(), tmp_path / "mine.bin")
    monkeypatch.setitem(sys.modules, "safetensors.torch", None)
    with pytest.raises(InputError, match="pip install safetensors"):
        load_weights(fresh(), tmp_path / "mine.bin")


def test_sizes_that_the_file_decides(tmp_path: Path) -> None:
    torch.save(nn.Linear(3, 4).state_dict(), tmp_path / "mine.pt")
    model = nn.LazyLinear(4)
    load_weights(model, tmp_path / "mine.pt")
    assert model.weight.shape == (4, 3)


class Code:
    """Makes a folder when it is unpickled."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.folder),)


Save = Callable[[Path], Any]


def saved(content: Any, **more: Any) -> Save:
    return lambda path: torch.save(content, path, **more)


def changed(name: str, value: Any) -> Save:
    return saved({**STATE, name: value})


def without(*names: str, **more: Any) -> Save:
    return saved({name: one for name, one in STATE.items() if name not in names} | more)


def truncated(path: Path) -> None:
    torch.save(STATE, path)
    path.write_bytes(path.read_bytes()[:-100])


def script(path: Path) -> None:
    torch.jit.save(torch.jit.trace(nn.Linear(3, 2), torch.zeros(1, 3)), path)  # type: ignore


SPOILT = STATE["2.weight"].clone()
SPOILT[1, 2] = torch.nan


@pytest.mark.filterwarnings("ignore:`torch.jit")
@pytest.mark.parametrize(
    ("save", "says"),
    [
        (lambda path: None, "does not exist"),
        (Path.mkdir, "is a directory"),
        (os.mkfifo, "is not a regular file"),
        (Path.touch, "damaged or of another kind"),
        (lambda path: path.write_text("x,y\n1,2\n"), "damaged or of another kind"),
        (lambda path: path.write_bytes(os.urandom(100)), "damaged or of another kind"),
        (lambda path: np.savez(path.open("wb"), x=np.zeros(3)), "damaged or of another kind"),
        (lambda path: path.write_bytes(pickle.dumps({"a": 1.0})), "; it must be a file of torch"),
        (truncated, "damaged or of another kind"),
        (script, "holds code (a program)"),
        (saved(OWN), "holds code (torch.nn.modules.container.Sequential)"),
        (saved(OWN, _use_new_zipfile_serialization=False), "which is never run; save model.state"),
        (saved({"state_dict": STATE, "acc": np.float64(1)}), "multiarray.scalar) beside weights"),
        (saved(3), "holds an int; it must be"),
        (saved([STATE]), "holds a list"),
        (saved({"net": STATE}), "in which net is an OrderedDict"),
        (saved({"model": [1]}), "in which model is a list"),
        (saved({"model.a": SPOILT, "model.b": SPOILT}), "misses 0.weight and 8 more and has, "),
        (lambda path: path.write_bytes(b"\x20" + bytes(7) + b'{"a' + bytes(40)), "safetensors"),
        (saved({0: torch.zeros(3)}), "in which 0 is a Tensor"),
        (saved({}), "misses 0.weight and 8 more"),
        (without("2.bias"), "the file misses 2.bias; every"),
        (
            without("2.bias", extra=torch.zeros(3)),
            "misses 2.bias and has, unknown to the model, ex",
        ),
        (changed("module.0", torch.zeros(1)), "the file has, unknown to the model, module.0; ever"),
        (changed("2.weight", torch.zeros(2, 5)), "2.weight has shape (2, 5), and that of the mode"),
        (changed("2.weight", SPOILT), "2.weight holds NaN"),
        (changed("1.running_var", STATE["1.running_var"] / 0), "1.running_var holds NaN or infi"),
        (changed("2.weight", STATE["2.weight"].to_sparse()), "2.weight is quantised or sparse"),
    ],
)
def test_refused(save: Save, says: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.pt"
    save(path)
    model = fresh()
    before = [tensor.clone() for tensor in model.state_dict().values()]
    with pytest.raises(InputError) as caught:
        load_weights(model, path)
    assert_one_sentence(caught.value, f"`weights` {path}")
    assert says in str(caught.value)
    after = model.state_dict().values()
    assert all(torch.equal(old, new) for old, new in zip(before, after, strict=True))


def pickled(content: Any, path: Path) -> None:
    path.write_bytes(pickle.dumps(content))


@pytest.mark.parametrize("write", [torch.save, pickled])
def test_code_in_a_file_is_not_run(write: Callable[[Any, Path], Any], tmp_path: Path) -> None:
    path = tmp_path / "mine.pt"
    write({**STATE, "0.bias": Code(tmp_path / "made")}, path)
    with pytest.raises(InputError):
        load_weights(fresh(), path)
    assert not (tmp_path / "made").exists()


def test_a_model_that_loads_in_its_own_way(tmp_path: Path) -> None:
    class Picky(nn.Linear):
        def _load_from_state_dict(self, *arguments: Any) -> None:
            raise KeyError("not me")

    torch.save(nn.Linear(3, 2).state_dict(), tmp_path / "mine.pt")
    with pytest.raises(InputError, match="cannot be loaded: KeyError: 'not me'"):
        load_weights(Picky(3, 2), tmp_path / "mine.pt")

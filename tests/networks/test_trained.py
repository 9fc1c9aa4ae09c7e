"""Trained weights: found again, never half, and trained anew whenever something has changed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from rnscli.base.errors import InputError
from rnscli.networks import training as trained_module
from rnscli.networks.evaluation import score
from rnscli.networks.recipe import Recipe
from rnscli.networks.shipped import DIGITS_NETWORKS, NETWORKS
from rnscli.networks.training import Cache, TrainedNetwork, trained
from rnscli.networks.weights import load_weights

TINY = Recipe(epochs=1, batch_size=250)


def bits(model: nn.Module) -> list[bytes]:
    return [tensor.numpy().tobytes() for tensor in model.state_dict().values()]


@pytest.mark.thorough
@pytest.mark.parametrize("name", DIGITS_NETWORKS)
def test_the_accuracy_of_the_shipped_networks(
    name: str, shipped_network: Callable[[str], TrainedNetwork]
) -> None:
    network = shipped_network(name)
    found = score(network.model, network.data.test)
    assert found.samples == 797
    assert found.accuracy >= 0.98
    assert network.results[-1].test_accuracy == found.accuracy
    assert network.cached
    assert not network.model.training


def test_weights_are_trained_once(tmp_path: Path) -> None:
    calls: list[tuple[int, int]] = []

    def network() -> TrainedNetwork:
        def progress(epoch: int, epochs: int) -> None:
            calls.append((epoch, epochs))

        return trained("digits-cnn", TINY, progress=progress, cache=Cache(tmp_path))

    first = network()
    assert (first.from_cache, first.cached, calls) == (False, True, [(0, 1), (1, 1)])
    second = network()
    assert (second.from_cache, second.cached, calls) == (True, True, [(0, 1), (1, 1)])
    assert bits(first.model) == bits(second.model)
    assert first.results == second.results
    assert first.model is not second.model
    (file,) = tmp_path.iterdir()
    assert file.name.startswith("digits-cnn-")


def test_the_cache_of_the_user(network_cache: Path) -> None:
    before = set(network_cache.iterdir())
    recipe = Recipe(epochs=1, batch_size=200)
    assert not trained("digits-cnn", recipe).from_cache
    assert trained("digits-cnn", recipe).from_cache
    assert len(set(network_cache.iterdir()) - before) >= 1


def test_a_file_of_the_cache_holds_weights_for_anyone(tmp_path: Path) -> None:
    network = trained("digits-cnn", TINY, cache=Cache(tmp_path))
    (file,) = tmp_path.iterdir()
    model = NETWORKS["digits-cnn"].make()
    load_weights(model, file)
    assert bits(model) == bits(network.model)


def test_whatever_the_weights_depend_on_is_in_the_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = Cache(tmp_path)
    assert trained("digits-cnn", TINY, cache=cache).cached

    def anew() -> bool:
        return not trained("digits-cnn", TINY, cache=cache).from_cache

    assert not anew()
    assert not trained("digits-cnn", Recipe(epochs=1, batch_size=300), cache=cache).from_cache
    with monkeypatch.context() as patched:
        patched.setattr(torch, "__version__", "3.0")
        assert anew()
    source = trained_module.inspect.getsource
    for changed in ("cnn", "training", "recipe"):
        with monkeypatch.context() as patched:

            def edited(module: object, changed: str = changed) -> str:
                mark = "# edited" if getattr(module, "__name__", "").endswith(changed) else ""
                return source(module) + mark  # type: ignore[arg-type]

            patched.setattr(trained_module.inspect, "getsource", edited)
            assert anew()
    assert not anew()


@pytest.mark.parametrize("damage", ["empty", "truncated", "rubbish", "weight", "other", "folder"])
def test_a_damaged_file_is_replaced(damage: str, tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    first = trained("digits-cnn", TINY, cache=cache)
    (file,) = tmp_path.iterdir()
    content = file.read_bytes()
    if damage == "weight":  # a bit of a number: the archive is sound
        place = content.index(bits(first.model)[0])
        content = content[: place + 3] + bytes([content[place + 3] ^ 1]) + content[place + 4 :]
        file.write_bytes(content)
    elif damage == "other":
        torch.save({"key": "another", "state_dict": {}}, file)
    elif damage == "folder":  # it cannot be replaced
        file.unlink()
        file.mkdir()
    else:
        damaged = {"empty": b"", "truncated": content[:-500], "rubbish": os.urandom(1000)}[damage]
        file.write_bytes(damaged)
    second = trained("digits-cnn", TINY, cache=cache)
    assert not second.from_cache
    assert bits(second.model) == bits(first.model)
    assert second.cached == (damage != "folder")
    assert trained("digits-cnn", TINY, cache=cache).from_cache == second.cached


@pytest.mark.filterwarnings("error")
def test_without_a_cache(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for cache in (Cache(tmp_path / "file" / "cache"), Cache(None)):
        network = trained("digits-cnn", TINY, cache=cache)
        assert (network.from_cache, network.cached) == (False, False)
        assert len(network.results) == 1


PROGRAM = """
import sys
from pathlib import Path
from rnscli.networks.training import Cache
from rnscli.networks.recipe import Recipe
from rnscli.networks.training import trained
recipe = Recipe(epochs=int(sys.argv[2]), batch_size=250)
network = trained("digits-cnn", recipe, cache=Cache(Path(sys.argv[1])),
                  progress=lambda epoch, epochs: print(epoch, flush=True))
print(network.cached, network.results[-1].test_loss)
"""


def start(folder: Path, epochs: int) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(folder), str(epochs)],
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.mark.thorough
def test_two_processes_train_at_the_same_time(tmp_path: Path) -> None:
    processes = [start(tmp_path, 1) for _ in range(2)]
    said = [process.communicate(timeout=120)[0].splitlines()[-1] for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert said[0] == said[1]
    assert said[0].startswith("True ")
    assert len(list(tmp_path.iterdir())) == 1
    network = trained("digits-cnn", TINY, cache=Cache(tmp_path))
    assert network.from_cache
    assert f"True {network.results[-1].test_loss}" == said[0]


@pytest.mark.thorough
def test_a_process_that_is_killed_leaves_no_file(tmp_path: Path) -> None:
    process = start(tmp_path, 10_000)
    assert process.stdout is not None
    assert process.stdout.readline() == "0\n"
    time.sleep(0.2)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    assert not list(tmp_path.iterdir())


def test_another_name(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="digits-cnn"):
        trained("vgg", cache=Cache(tmp_path))

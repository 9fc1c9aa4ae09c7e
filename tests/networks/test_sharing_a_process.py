"""Runs of a batch are threads of one process: what they share must not change results."""

import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tiny_networks
import torch

from rnscli.networks.evaluation import RandomStream, evaluate, one_thread
from rnscli.networks.portable import open_network, open_untrained
from rnscli.networks.recipe import Recipe
from rnscli.networks.training import Trainer


def at_once(*works: Callable[[], Any]) -> list[Any]:
    """Results of functions in threads that switch all the time."""
    found: list[Any] = [None] * len(works)

    def run(index: int) -> None:
        found[index] = works[index]()

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=run, args=(index,)) for index in range(len(works))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    finally:
        sys.setswitchinterval(before)
    return found


def test_trainings_with_dropout(tmp_path: Path) -> None:
    """Dropout draws from the random numbers of the process, between any two steps."""
    opened = open_untrained(
        "tiny_networks:dropping", tiny_networks.write_images(tmp_path / "images.npz", samples=60)
    )

    def losses(seed: int) -> list[float]:
        recipe = Recipe(epochs=8, batch_size=4, seed=seed)
        trainer = Trainer(opened.network.made(seed), opened.data, recipe)
        return [epoch.train_loss for epoch in trainer.run()]

    alone = [losses(seed) for seed in range(4)]
    assert at_once(*(lambda seed=seed: losses(seed) for seed in range(4))) == alone


def test_networks_of_a_user_are_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their modules are looked for here, and what these print is no result."""
    monkeypatch.chdir(tmp_path)
    images = tiny_networks.write_images(tmp_path / "images.npz", samples=30)
    names = [f"net_of_thread_{index}" for index in range(6)]
    source = "import torch\nfor _ in range(200):\n    print(end='')\ndef make():\n"
    source += "    print('talks')\n    return torch.nn.Sequential(torch.nn.Flatten(), "
    source += "torch.nn.Linear(16, 3))\n"
    for name in names:
        (tmp_path / f"{name}.py").write_text(source)
    path, output = list(sys.path), sys.stdout

    def logits(name: str) -> bytes:
        opened = open_network(f"{name}:make", images)
        return evaluate(opened.network.model(), opened.data.test.inputs).tobytes()

    found = at_once(*(lambda name=name: logits(name) for name in names))
    assert len(set(found)) == 1 and found[0]
    assert (sys.path, sys.stdout) == (path, output)


def test_what_belongs_to_the_process_comes_back() -> None:
    torch.manual_seed(3)
    state, threads = torch.get_rng_state(), torch.get_num_threads()

    def use(seed: int) -> list[float]:
        stream, found = RandomStream(seed), []
        for _ in range(200):
            with one_thread(), stream.in_use():
                found.append(float(torch.rand(())))
                assert torch.get_num_threads() == 1
        return found

    assert at_once(*(lambda seed=seed: use(seed) for seed in range(4))) == [
        use(seed) for seed in range(4)
    ]
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.get_num_threads() == threads

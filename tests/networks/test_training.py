"""Training: deterministic, resumable, and ended when it diverges."""

import io
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from refusals import assert_one_sentence
from torch import Tensor, nn

import rnscli
from rnscli.base.errors import DivergenceError, InputError, RnscliError
from rnscli.networks.data import Dataset, LabelledData, digits
from rnscli.networks.models import cnn, residual_cnn, transformer
from rnscli.networks.recipe import Recipe
from rnscli.networks.training import EpochResult, Trainer
from rnscli.torch import convert

RECIPE = Recipe(epochs=4)


def few(train: int = 90, test: int = 40) -> Dataset:
    """Some of the digits."""
    data = digits()
    assert data.train is not None
    return Dataset(
        "few",
        LabelledData(data.test.inputs[:test], data.test.labels[:test]),
        LabelledData(data.train.inputs[:train], data.train.labels[:train]),
    )


class Noisy(nn.Module):
    """A stand-in for a converted network: noise from the global generator, buffers, a frozen part.

    It keeps a count that is in no tensor, as a converted module may.
    """

    def __init__(self) -> None:
        super().__init__()
        self.body = residual_cnn.make()
        self.body.stem.requires_grad_(False)
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))
        self.calls = 0

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        self.steps += 1
        y: Tensor = self.body(x)
        return y + 0.01 * (self.calls % 3) * torch.randn(y.shape)

    def get_extra_state(self) -> int:
        return self.calls

    def set_extra_state(self, state: int) -> None:
        self.calls = state


def bits(trainer: Trainer) -> tuple[tuple[EpochResult, ...], dict[str, Any]]:
    """All that two trainings that are the same have in common, to the last bit."""
    weights = {
        name: value.numpy().tobytes() if isinstance(value, Tensor) else value
        for name, value in trainer.model.state_dict().items()
    }
    return trainer.results, weights


def finished(model: nn.Module, recipe: Recipe = RECIPE) -> Trainer:
    trainer = Trainer(model, few(), recipe)
    for _ in trainer.run():
        pass
    return trainer


def reread(state: dict[str, Any]) -> dict[str, Any]:
    """Through a file that may hold no code."""
    stream = io.BytesIO()
    torch.save(state, stream)
    stream.seek(0)
    found: dict[str, Any] = torch.load(stream, weights_only=True)
    return found


@pytest.mark.parametrize("kind", [cnn.make, residual_cnn.make, transformer.make, Noisy])
@pytest.mark.parametrize("optimiser", ["adamw", "nesterov"])
def test_a_training_that_is_resumed_is_the_same_to_the_last_bit(kind: Any, optimiser: str) -> None:
    recipe = replace(RECIPE, optimiser=optimiser, epochs=3, batch_size=40)
    torch.manual_seed(1)
    whole = finished(kind(), recipe)
    for done in (0, 2):
        torch.manual_seed(done)  # whatever is drawn by others has no influence
        first = Trainer(kind(), few(), recipe)
        for _ in range(done):
            first.advance()
        state = reread(first.state())
        first.advance()  # what has happened since is in no state
        torch.manual_seed(99)
        model = kind()
        for parameter in model.parameters():
            parameter.data += 1.0
        second = Trainer(model, few(), recipe)
        second.restore(state)
        assert len(second.results) == done
        for _ in second.run():
            torch.rand(5)
        assert bits(second) == bits(whole)


@pytest.mark.parametrize("kind", [cnn.make, residual_cnn.make, transformer.make])
def test_bytes_do_not_depend_on_the_number_of_threads(kind: Any) -> None:
    before = torch.get_num_threads()
    found = []
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            found.append(bits(finished(kind(), replace(RECIPE, epochs=1))))
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    assert found[0] == found[1]


def test_a_training_draws_nothing_from_the_callers_random_numbers() -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    finished(transformer.make(), replace(RECIPE, epochs=1))  # with dropout
    assert torch.equal(torch.rand(3), expected)


def test_the_seed_decides() -> None:
    first, again, other = (
        bits(finished(transformer.make(), replace(RECIPE, epochs=1, seed=seed)))
        for seed in (1, 1, 2)
    )
    assert first == again != other


def test_it_learns() -> None:
    trainer = Trainer(cnn.make(), digits(), Recipe(epochs=3))
    results = list(trainer.run())
    assert [result.epoch for result in results] == [1, 2, 3]
    losses = [result.train_loss for result in results]
    assert losses == sorted(losses, reverse=True)
    assert results[-1].test_accuracy > 0.9
    assert trainer.finished
    assert trainer.results == tuple(results)


def test_the_training_loss_is_the_mean_of_all_samples() -> None:
    """At a rate of 0 the weights stay as they are, so every batch is taken by the same network."""
    data, model = few(), cnn.make()
    assert data.train is not None
    with torch.no_grad():
        logits = model(torch.from_numpy(data.train.inputs)).double()
    expected = nn.functional.cross_entropy(logits, torch.from_numpy(data.train.labels)).item()
    for batch_size in (7, 32, 1000):
        recipe = Recipe(epochs=1, learning_rate=0.0, batch_size=batch_size)
        result = Trainer(model, data, recipe).advance()
        assert result.train_loss == pytest.approx(expected, rel=1e-5)


def test_no_sample_is_left_over_alone() -> None:
    """33 samples in batches of 32: batch normalisation has no variance of one of them."""
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 10), nn.BatchNorm1d(10))
    trainer = Trainer(model, few(train=33), Recipe(epochs=1, batch_size=32))
    assert math.isfinite(trainer.advance().train_loss)


def test_every_sample_is_seen_once_in_an_epoch_and_in_another_order_in_the_next() -> None:
    seen: list[list[float]] = [[]]

    class Model(nn.Linear):
        def forward(self, x: Tensor) -> Tensor:
            if self.training:
                seen[-1] += x[:, 0].tolist()
            return super().forward(x)

    numbers = np.arange(10.0)[:, None]
    part = LabelledData(numbers, np.zeros(10, int))
    trainer = Trainer(Model(1, 2), Dataset("numbers", part, part), Recipe(epochs=2, batch_size=3))
    trainer.advance()
    seen.append([])
    trainer.advance()
    assert sorted(seen[0]) == sorted(seen[1]) == list(range(10))
    assert seen[0] != seen[1]


@pytest.mark.parametrize("poison", [math.nan, math.inf])
def test_a_loss_that_is_not_finite_ends_the_training(poison: float) -> None:
    class Model(nn.Linear):
        steps = 0

        def forward(self, x: Tensor) -> Tensor:
            self.steps += self.training
            y = super().forward(x.flatten(1))
            return y * poison if self.steps == 4 and self.training else y

    model = Model(64, 10)
    trainer = Trainer(model, few(), Recipe(epochs=5, batch_size=45))
    trainer.advance()
    with pytest.raises(DivergenceError) as caught:
        trainer.advance()
    assert "training loss is nan in epoch 2 of 5" in str(caught.value)
    assert "`learning_rate` of 0.002" in str(caught.value)
    assert isinstance(caught.value, RnscliError)
    assert torch.isfinite(model.weight).all()
    with pytest.raises(RuntimeError, match="restore"):  # the epoch is torn
        trainer.state()


@pytest.mark.filterwarnings("error")
def test_a_rate_that_is_far_too_high() -> None:
    recipe = Recipe(epochs=20, optimiser="nesterov", learning_rate=1e6, schedule="constant")
    with pytest.raises(DivergenceError, match="smaller"):
        finished(cnn.make(), recipe)


@pytest.mark.filterwarnings("error")
def test_a_rate_that_is_far_too_high_for_a_core() -> None:
    """A core refuses its operands before there is a loss: the cause is the rate all the same."""
    model = convert(cnn.make(), rnscli.analog_core("rns", bits=7))
    recipe = Recipe(epochs=3, batch_size=45, optimiser="nesterov", learning_rate=1e6, warm_up=0.0)
    with pytest.raises(DivergenceError) as caught:
        Trainer(model, few(), recipe).advance()
    assert str(caught.value) == (
        "training has diverged in epoch 1 of 3: in conv1 (forward), w holds NaN or a magnitude "
        "above 1e+15, with a `learning_rate` of 1e+06; a smaller one may keep it finite"
    )
    assert caught.value.arguments == ("learning_rate",)  # neither x nor w, which nobody gave


def test_a_test_loss_that_is_not_finite() -> None:
    class Model(nn.Linear):
        def forward(self, x: Tensor) -> Tensor:
            y = super().forward(x.flatten(1))
            return y if self.training else y + math.nan

    with pytest.raises(DivergenceError, match="test loss is nan in epoch 1"):
        Trainer(Model(64, 10), few(), RECIPE).advance()


def test_an_epoch_that_is_interrupted() -> None:
    class Model(nn.Linear):
        fails = False

        def forward(self, x: Tensor) -> Tensor:
            if self.fails:
                raise KeyboardInterrupt
            return super().forward(x.flatten(1))

    def model() -> Model:
        torch.manual_seed(0)
        return Model(64, 10)

    stopped = model()
    trainer = Trainer(stopped, few(), RECIPE)
    trainer.advance()
    state = trainer.state()
    stopped.fails = True
    with pytest.raises(KeyboardInterrupt):
        trainer.advance()
    stopped.fails = False
    for torn in (trainer.advance, trainer.state):
        with pytest.raises(RuntimeError, match="restore a state"):
            torn()
    trainer.restore(state)
    for _ in trainer.run():
        pass
    assert bits(trainer) == bits(finished(model()))


def test_biases_do_not_decay() -> None:
    trainer = Trainer(cnn.make(), few(), replace(RECIPE, weight_decay=0.3))
    decays = {
        group["weight_decay"]: {parameter.dim() for parameter in group["params"]}
        for group in trainer._optimizer.param_groups
    }
    assert decays == {0.3: {2, 4}, 0.0: {1}}


# What is refused


def test_data_without_a_part_to_train_with() -> None:
    with pytest.raises(InputError, match="x_train") as caught:
        Trainer(cnn.make(), Dataset("mine.npz", few().test), RECIPE)
    assert_one_sentence(caught.value, "`data` mine.npz")


def test_a_model_without_parameters() -> None:
    with pytest.raises(InputError, match="nothing to train"):
        Trainer(nn.Flatten(), few(), RECIPE)


def test_states_of_other_trainings() -> None:
    state = Trainer(cnn.make(), few(), RECIPE).state()
    for trainer, says in (
        (
            Trainer(cnn.make(), few(), replace(RECIPE, seed=1)),
            "with a `seed` of 0, and this one has 1",
        ),
        (Trainer(cnn.make(), few(80), RECIPE), "other data than `data` few"),
        (Trainer(transformer.make(), few(), RECIPE), "training of another model"),
    ):
        with pytest.raises(InputError, match=says):
            trainer.restore(state)

"""Interception begins and ends with the models that are called, in each thread by itself."""

import threading
from collections.abc import Callable

import pytest
import torch
from comparison import COARSE, FINE, Calls, assert_near, normal
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode, _get_current_function_mode_stack

from rnscli.torch import convert, recording

X, W = normal(5, 40), normal(40, 6)
Product = Callable[[Tensor, Tensor], Tensor]


def test_products_outside_of_a_model_are_digital() -> None:
    model = convert(Calls(torch.matmul), COARSE)
    assert not torch.equal(model(X, W), X @ W)
    with recording() as made:
        X @ W
    assert not made.kinds


class Fails(nn.Module):
    """Computes, and then does not."""

    def forward(self, x: Tensor) -> Tensor:
        raise KeyError(str((x @ W).shape))


def test_an_exception_leaves_nothing_behind() -> None:
    model = convert(nn.Sequential(nn.Identity(), Fails()), COARSE)
    for _ in range(2):
        with pytest.raises(KeyError):
            model(X)
        assert _get_current_function_mode_stack() == []
        with recording() as made:
            X @ W
        assert not made.kinds


def test_an_exception_that_the_model_handles_leaves_its_place() -> None:
    class Tries(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = Fails()

        def forward(self, x: Tensor) -> Tensor:
            try:
                self.inner(x)
            except KeyError:
                return x @ W
            raise AssertionError

    with recording() as made:
        convert(Tries(), COARSE)(X)
    assert [kind.layer for kind in made.kinds] == ["inner", "Tries"]


def test_a_converted_model_within_another_keeps_its_core() -> None:
    class Holds(nn.Module):
        def __init__(self, inner: nn.Module) -> None:
            super().__init__()
            self.inner = inner

        def forward(self, x: Tensor) -> Tensor:
            found = self.inner(x, W)
            assert isinstance(found, Tensor)
            return found

    inner = convert(Calls(torch.matmul), COARSE)
    assert torch.equal(Holds(inner)(X), inner(X, W))
    # ... until all of it is converted.
    assert_near(convert(Holds(inner), FINE)(X), X @ W)
    assert torch.equal(convert(Holds(inner), FINE, exclude=["inner"])(X), inner(X, W))


def test_a_converted_model_that_another_one_calls_keeps_its_core() -> None:
    inner = convert(Calls(torch.matmul), COARSE)
    outer = convert(Calls(lambda x: inner(x, W) + x @ W), FINE)
    assert_near(outer(X), inner(X, W) + X @ W)


def test_submodules_may_be_called_directly() -> None:
    torch.manual_seed(0)
    model = nn.ModuleDict({"product": Calls(torch.matmul), "layer": nn.Linear(40, 3)})
    analog = convert(model, COARSE)
    with recording() as made:
        analog["product"](X, W)
        analog["layer"](X)
        analog["layer"].forward(X)
    assert [(kind.layer, entry.rows) for kind, entry in made.kinds.items()] == [
        ("product", 5), ("layer", 10),
    ]  # fmt: skip


@pytest.mark.parametrize("grad", [torch.no_grad, torch.inference_mode])
def test_without_gradients(grad: type) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(40, 8), nn.ReLU(), nn.Linear(8, 3))
    analog = convert(model, COARSE)
    expected = analog(X)
    with grad():
        found = analog(X)
    assert torch.equal(found, expected)
    assert not found.requires_grad
    assert found.is_inference() == (grad is torch.inference_mode)


def test_threads_do_not_see_each_other() -> None:
    """Two models on two cores, and a thread without any, at the same time."""
    cores = {"coarse": COARSE, "fine": FINE}
    models = {name: convert(Calls(torch.matmul), core) for name, core in cores.items()}
    expected = {name: model(X, W) for name, model in models.items()}
    expected["digital"] = X @ W
    wrong: list[str] = []
    begin = threading.Barrier(len(expected))

    def work(name: str) -> None:
        begin.wait()
        for _ in range(100):
            with recording() as made:
                found = models[name](X, W) if name in models else X @ W
            if not torch.equal(found, expected[name]) or made.counts.products != (name in models):
                wrong.append(name)

    threads = [threading.Thread(target=work, args=(name,)) for name in expected]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_threads_share_one_model() -> None:
    torch.manual_seed(0)
    model = convert(nn.Sequential(Calls(lambda x: x @ W), nn.Linear(6, 3)), COARSE)
    inputs = [normal(5, 40, seed=seed) for seed in range(4)]
    expected = [model(x) for x in inputs]
    found: dict[int, list[Tensor]] = {}

    def work(index: int) -> None:
        found[index] = [model(inputs[index]) for _ in range(50)]

    threads = [threading.Thread(target=work, args=(index,)) for index in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for index, results in found.items():
        assert all(torch.equal(one, expected[index]) for one in results)


class Counts(TorchFunctionMode):
    """A mode of a user: how often a function is called."""

    def __init__(self, function: object) -> None:
        super().__init__()
        self.function, self.calls = function, 0

    def __torch_function__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
        self.calls += func is self.function
        return func(*args, **(kwargs or {}))


def test_modes_of_others_stay_as_they_are() -> None:
    model = convert(Calls(lambda x, w: torch.relu(x) @ w), COARSE)
    expected = model(X, W)
    with Counts(torch.relu) as counts:
        assert torch.equal(model(X, W), expected)
        assert _get_current_function_mode_stack() == [counts]
    assert counts.calls == 1
    within = Counts(torch.relu)

    def enters(x: Tensor, w: Tensor) -> Tensor:
        with within:
            return torch.relu(x) @ w

    assert torch.equal(convert(Calls(enters), COARSE)(X, W), expected)
    assert within.calls == 1

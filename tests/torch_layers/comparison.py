"""Cores, models of one function, and how close a core must come to FP32."""

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

import rnscli
from rnscli.torch import convert

# 2047 levels. Rounding to steps of s/2047 has a standard deviation of s/(2047 sqrt 12); values are
# a third of their scale s or so, so that a product is off by 1.2/2047 of its size, and the worst
# of some thousands by five times that. A handful of products on end stay within 12 steps.
FINE = rnscli.analog_core("rns", bits=12, vector_size=32)
NEAR = 12 / 2047
# So coarse that nobody could take it for FP32.
COARSE = rnscli.analog_core("rns", bits=4, vector_size=16)


class Calls(nn.Module):
    """A model that computes a function of its inputs, and has a parameter of that function."""

    def __init__(self, function: Callable[..., Any], weight: Tensor | None = None) -> None:
        super().__init__()
        self.function = function
        self.weight = None if weight is None else nn.Parameter(weight)

    def forward(self, *inputs: Any) -> Any:
        return (
            self.function(*inputs) if self.weight is None else self.function(*inputs, self.weight)
        )


def normal(*shape: int, seed: int = 0) -> Tensor:
    """Normal numbers."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def assert_near(found: Tensor, expected: Tensor, share: float = NEAR, what: str = "") -> None:
    """Within a share of the largest value, and of the same shape and type."""
    assert found.shape == expected.shape, what
    assert found.dtype == expected.dtype, what
    if expected.numel():
        scale = float(expected.detach().abs().max())
        # What is zero but for rounding, as the gradient of a softmax with one choice, is
        # as good as zero.
        off = float((found - expected).detach().abs().max())
        assert off <= share * max(scale, 1e-2), f"{what} is off by {off / scale:.2e} of its scale"


def assert_same_as_digital(
    model: nn.Module, *inputs: Any, share: float = NEAR, core: Any = FINE, **options: Any
) -> None:
    """A model and its conversion agree: results, gradients of inputs, gradients of parameters."""
    analog = convert(model, core)
    found, expected = (_all(one, inputs, options) for one in (analog, model))
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        assert_near(found[name], value, share, name)
    # ... and it was the core that computed: rounding shows.
    if any(value.any() for value in expected.values()):
        assert any(not torch.equal(found[name], value) for name, value in expected.items())


def _all(model: nn.Module, inputs: tuple[Any, ...], options: dict[str, Any]) -> dict[str, Tensor]:
    given = [
        x.clone(memory_format=torch.preserve_format).requires_grad_()
        if isinstance(x, Tensor) and x.is_floating_point()
        else x
        for x in inputs
    ]
    model = copy.deepcopy(model)
    torch.manual_seed(1)
    results = model(*given, **options)
    results = [x for x in (results if isinstance(results, tuple) else (results,)) if x is not None]
    told = {f"result {index}": x.detach() for index, x in enumerate(results)}
    total = sum((x * normal(*x.shape, seed=2).to(x)).sum() for x in results)
    total.backward()
    told |= {
        f"gradient of input {index}": x.grad
        for index, x in enumerate(given)
        if isinstance(x, Tensor) and x.requires_grad and x.grad is not None
    }
    return told | {
        f"gradient of {name}": p.grad for name, p in model.named_parameters() if p.grad is not None
    }


def numpy_product(x: Tensor, w: Tensor, core: Any) -> Tensor:
    """``x @ w`` by `rnscli.AnalogMatrix`."""
    matrix = rnscli.AnalogMatrix(w.detach().numpy(), core)
    return torch.from_numpy(np.ascontiguousarray(x.detach().numpy() @ matrix))

"""Products outside of the simulation are found, told, and refused by ``strict``."""

import warnings
from collections.abc import Callable
from typing import Any

import pytest
import torch
from comparison import COARSE, Calls, normal
from refusals import assert_one_sentence
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode, _get_current_dispatch_mode
from torch.utils.checkpoint import checkpoint

import rnscli
from rnscli.torch import conversion, convert, recording

X, W = normal(5, 6), normal(6, 4)


def hidden(x: Tensor) -> Tensor:
    with torch._C.DisableTorchFunction():
        return x @ W


class OwnGradient(torch.autograd.Function):
    """A function of a user, who multiplies without PyTorch's gradients."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, w: Tensor) -> Tensor:
        ctx.save_for_backward(x, w)
        return x @ w

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        return grad @ ctx.saved_tensors[1].t(), None


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (lambda x: torch.cdist(x, x), "cdist"),
        (lambda x: torch.ops.aten.mm(x, W), "mm"),
        (lambda x: torch._int_mm(torch.ones(32, 32).char(), torch.ones(32, 32).char()), "_int_mm"),
        (hidden, "mm"),
        (lambda x: (x * 9).long() @ (W * 9).long(), "matmul"),
        (lambda x: torch.ops.aten.convolution(
            x[None], W[:, None], None, [1], [0], [1], False, [0], 1), "convolution"),
    ],
)  # fmt: skip
def test_strict_refuses_at_the_first_call(function: Callable[[Tensor], Tensor], name: str) -> None:
    x = normal(1, 5) if name == "convolution" else X
    function(x)
    model = convert(nn.ModuleDict({"inner": Calls(function)}), COARSE, strict=True)
    with pytest.raises(rnscli.InputError) as told:
        model["inner"](x)
    assert str(told.value) == (
        f"in inner: the product {name} is computed by no core, which `strict` refuses"
    )
    assert_one_sentence(told.value, name)
    assert _get_current_dispatch_mode() is None
    # ... but what was left out by wish.
    model = nn.ModuleDict({"inner": Calls(function)})
    assert torch.equal(
        convert(model, COARSE, exclude=["inner"], strict=True)["inner"](x), function(x)
    )


def test_strict_refuses_scripted_functions() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        traced = torch.jit.trace(lambda x: x @ W, (X,))
    model = convert(Calls(lambda x: traced(x)), COARSE, strict=True)
    with pytest.raises(rnscli.InputError, match=r"^in Calls: the product (matmul|mm) is"):
        model(X)


def test_strict_lets_all_products_on_the_core_pass() -> None:
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(6, 2, 8, dropout=0.0, batch_first=True)
    model = nn.Sequential(layer, nn.GRU(6, 5)).eval()
    expected = convert(model, COARSE)(X[None])[0]
    assert torch.equal(convert(model, COARSE, strict=True)(X[None])[0], expected)
    trained = convert(model.train(), COARSE, strict=True)
    with recording() as made:
        trained(X[None])[0].sum().backward()
    assert not made.unmapped


def test_strict_says_that_it_cannot_look_into_classes_of_tensors() -> None:
    from torch.nn.attention.bias import causal_lower_right  # a second of imports

    def function(x: Tensor) -> Tensor:
        return torch.nn.functional.scaled_dot_product_attention(
            x[None], x[None], x[None], attn_mask=causal_lower_right(5, 5)
        )

    convert(Calls(function), COARSE)(X)
    with pytest.raises(rnscli.InputError, match="a class of its own is made there") as told:
        convert(Calls(function), COARSE, strict=True)(X)
    assert_one_sentence(told.value, "strict")


def test_nobody_watches_where_nobody_asks() -> None:
    seen = []
    model = convert(Calls(lambda x: seen.append(_get_current_dispatch_mode()) or x), COARSE)
    model(X)
    assert seen == [None]


def test_gradients_that_are_computed_elsewhere_are_told() -> None:
    model = convert(Calls(lambda x: OwnGradient.apply(torch.relu(x), W)), COARSE)
    for compute in (
        lambda found, x: found.sum().backward(),
        lambda found, x: torch.autograd.grad(found.sum(), x),
        lambda found, x: torch.autograd.backward([found.sum()]),
    ):
        x = X.clone().requires_grad_()
        with recording() as made:
            found = model(x)
        assert not made.unmapped
        compute(found, x)
        assert list(made.unmapped) == ["Calls: mm (backward)"]
    assert _get_current_dispatch_mode() is None


def test_what_is_computed_again_is_told() -> None:
    class Again(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(4, 4)

        def forward(self, x: Tensor) -> Any:
            part = lambda x: torch.relu(self.layer(torch.relu(x @ W)))  # noqa: E731
            return checkpoint(part, x, use_reentrant=True)

    model = convert(Again(), COARSE)
    with recording() as made:
        model(X.clone().requires_grad_()).sum().backward()
    assert list(made.unmapped) == ["Again: mm (backward)"]


def test_gradients_of_others_are_not_told() -> None:
    """A loss with a product, a layer that was left out, and one of which enough was said."""
    model = nn.Sequential(nn.Linear(6, 4), Calls(lambda x: torch.ops.aten.mm(x, W.t())))
    analog = convert(model, COARSE, exclude=["0"])
    with recording() as made:
        (analog(X.clone().requires_grad_()) @ W).sum().backward()
    assert list(made.unmapped) == ["1: mm"]
    with recording() as made:
        convert(model, COARSE, exclude=[""])(X.clone().requires_grad_()).sum().backward()
    assert not made.unmapped


def test_a_backward_pass_that_fails_leaves_no_watch() -> None:
    model = convert(Calls(lambda x: OwnGradient.apply(x, W)), COARSE, strict=True)
    x = X.clone().requires_grad_()
    with recording():
        found = model(x)
    with pytest.raises(rnscli.InputError, match=r"in Calls: the product mm \(backward\) is"):
        found.sum().backward()
    assert _get_current_dispatch_mode() is None


class Modest(TorchDispatchMode):
    """A mode of a user."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
        return func(*args, **(kwargs or {}))


def test_the_simulation_is_not_told_within_modes_of_others() -> None:
    def function(x: Tensor) -> Tensor:
        with Modest():
            return x @ W

    for strict in (False, True):
        model = convert(Calls(function), COARSE, strict=strict)
        with recording() as made:
            model(X)
        assert made.kinds
        assert not made.unmapped


def test_layers_that_only_call_functions_are_listed() -> None:
    model = nn.Sequential(Calls(torch.relu), nn.Linear(6, 4), nn.Sequential(nn.ReLU()))
    assert conversion(model).functions == ()
    assert conversion(convert(model, COARSE)).functions == ("0",)
    assert conversion(convert(model, COARSE, exclude=["0"])).functions == ()

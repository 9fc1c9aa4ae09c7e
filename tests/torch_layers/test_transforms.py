"""What PyTorch does to whole models is right, or refused in a sentence."""

import subprocess
import sys
import warnings
from collections.abc import Callable
from typing import Any

import pytest
import torch
from comparison import COARSE, FINE, Calls, assert_near, normal
from refusals import assert_one_sentence
from torch import Tensor, nn
from torch.func import functional_call, grad, jacrev, jvp, vmap

import rnscli
from rnscli.torch import convert, recording

X = normal(2, 5, 6)


def network() -> nn.Sequential:
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(6, 2, 8, dropout=0.0, batch_first=True)
    return nn.Sequential(nn.Linear(6, 6), layer, Calls(lambda x: x @ x.mT), nn.Linear(5, 3))


def refused(function: Callable[[], Any], words: str) -> None:
    with pytest.raises(rnscli.InputError) as told:
        function()
    assert_one_sentence(told.value, words)


@pytest.mark.parametrize("model", [nn.Linear(6, 3), Calls(lambda x: x @ torch.ones(6, 3))])
def test_transforms_of_functions_are_refused(model: nn.Module) -> None:
    analog = convert(model, COARSE)
    for function in (
        lambda: vmap(analog)(X),
        lambda: grad(lambda x: analog(x).sum())(X),
        lambda: jacrev(analog)(X),
        lambda: jvp(analog, (X,), (X,)),
    ):
        refused(function, "torch.func")

    def forward_mode() -> None:
        with torch.autograd.forward_ad.dual_level():
            analog(torch.autograd.forward_ad.make_dual(X, X))

    refused(forward_mode, "forward mode")
    analog(X)


def test_calls_with_other_parameters() -> None:
    model = nn.Linear(6, 3)
    other = {name: 2 * value for name, value in model.named_parameters()}
    found = functional_call(convert(model, FINE), other, (X,))
    assert_near(found, functional_call(model, other, (X,)))


def test_second_derivatives() -> None:
    for model in (nn.Linear(6, 3), nn.GRUCell(6, 3), nn.Bilinear(6, 6, 3)):
        found = []
        inputs = 2 if isinstance(model, nn.Bilinear) else 1
        for one in (model.double(), convert(model.double(), FINE)):

            def cubed(x: Tensor, one: nn.Module = one, inputs: int = inputs) -> Any:
                return one(*[x[None]] * inputs).pow(3).sum()

            found.append(torch.autograd.functional.hessian(cubed, X[0, 0].double()))
        assert found[0].any()
        assert_near(found[1], found[0], share=0.05)


def test_nested_tensors_are_refused() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        parts = [normal(3, 6), normal(2, 6)]
        for layout in (torch.strided, torch.jagged):
            nested = torch.nested.nested_tensor(parts, layout=layout)
            analog = convert(nn.Linear(6, 3), COARSE)
            refused(lambda nested=nested, analog=analog: analog(nested), "a nested tensor")


def test_exports_and_traces_are_refused() -> None:
    model = convert(network(), COARSE)
    refused(lambda: torch.export.export(model, (X,), strict=False), "to_digital")
    refused(lambda: torch.jit.trace(model, (X,)), "to_digital")
    refused(lambda: torch.jit.trace(convert(nn.Linear(6, 3), COARSE), (X,)), "to_digital")
    torch.export.export(rnscli.torch.to_digital(model), (X,))


@pytest.mark.parametrize("root", [network, lambda: nn.Linear(6, 3), lambda: nn.LSTM(6, 3)])
def test_compiled_models_are_those_that_are_not(root: Callable[[], nn.Module]) -> None:
    """The simulation is not compiled, which takes half a minute for a network like this."""
    analog = convert(root(), COARSE)
    compiled = torch.compile(analog, backend="eager")
    found = []
    for one in (analog, compiled, compiled):
        x = X.clone().requires_grad_()
        with recording() as made:
            result = one(x)
            (result[0] if isinstance(result, tuple) else result).pow(2).sum().backward()
        found.append((x.grad, {kind: entry.rows for kind, entry in made.kinds.items()}))
    for gradient, rows in found[1:]:
        assert torch.equal(gradient, found[0][0])
        assert rows == found[0][1]
    inner = nn.Sequential(torch.compile(nn.Linear(6, 3), backend="eager"))
    with recording() as made:
        convert(inner, COARSE)(X)
    assert made.counts.products == 1


@pytest.mark.thorough
def test_nobody_waits_for_the_compiler_who_does_not_compile() -> None:
    script = (
        "import sys, torch, rnscli, rnscli.torch as t\n"
        "model = t.convert(torch.nn.Sequential(torch.nn.Linear(2, 2)), "
        "rnscli.analog_core('rns', bits=6), strict=True)\n"
        "with t.recording(): model(torch.ones(2, 2)).sum().backward()\n"
        "print('torch._dynamo' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout == "False\n"


def test_autocast_gives_the_types_of_pytorch() -> None:
    torch.manual_seed(0)
    layers = [
        (nn.Conv1d(5, 4, 3), X), (nn.ConvTranspose1d(5, 4, 3), X),
        (nn.Conv3d(2, 1, 2), X[None, :, :, :, None].expand(1, 2, 5, 6, 2)),
        (nn.GRU(6, 3), X), (nn.RNN(6, 3), X), (nn.GRUCell(6, 3), X[0]),
        (Calls(lambda x: nn.functional.bilinear(x, x, torch.ones(2, 6, 6))), X),
        (Calls(lambda x: torch.einsum("bij,bkj,kl->bil", x, x, torch.ones(5, 2))), X),
        (Calls(lambda x: torch.tensordot(x, x, ([0, 2], [0, 2]))), X),
    ]  # fmt: skip
    for layer, x in layers:
        with torch.autocast("cpu", torch.bfloat16):
            found, expected = (one(x) for one in (convert(layer, FINE), layer))
        if isinstance(found, tuple):
            found, expected = found[0], expected[0]
        assert_near(found, expected, share=0.05)


def test_results_are_changed_in_place_with_the_right_gradients() -> None:
    torch.manual_seed(0)
    for layer, x in (
        (nn.Linear(6, 3), X), (nn.Conv1d(5, 4, 3), X), (nn.ConvTranspose1d(5, 4, 3), X),
        (nn.GRUCell(6, 3), X[0]), (Calls(lambda x: torch.einsum("bij,bkj->bik", x, x)), X),
    ):  # fmt: skip
        gradients = []
        for one in (layer, convert(layer, FINE)):
            given = x.clone().requires_grad_()
            found = one(given)
            found.add_(1)
            found.mul_(2)
            found.relu_()
            found.pow(2).sum().backward()
            gradients.append(given.grad)
        assert_near(gradients[1], gradients[0], share=0.03)


def test_masks_of_any_shape_and_class() -> None:
    from torch.nn.attention.bias import causal_lower_right, causal_upper_left

    q, k, v = normal(2, 3, 4, 8), normal(2, 3, 5, 8, seed=1), normal(2, 3, 5, 8, seed=2)
    attend = nn.functional.scaled_dot_product_attention
    masks = [
        normal(4, 5), normal(1, 5), normal(4, 1), normal(2, 1, 4, 5), normal(1, 3, 1, 5),
        normal(2, 3, 4, 5) > 0, normal(4, 5) > -9,
        causal_lower_right(4, 5), causal_upper_left(4, 5),
    ]  # fmt: skip
    for mask in masks:
        model = Calls(lambda q, k, v, mask=mask: attend(q, k, v, attn_mask=mask))
        assert_near(convert(model, FINE)(q, k, v), model(q, k, v))
    layer = nn.MultiheadAttention(6, 2, batch_first=True)
    for mask, padding in (
        (normal(5, 5), None), (normal(4, 5, 5), None), (normal(5, 5) > 1, normal(2, 5) > 1),
        (None, normal(2, 5)), (normal(5, 5), normal(2, 5)),
    ):  # fmt: skip
        options = {"attn_mask": mask, "key_padding_mask": padding, "need_weights": False}
        found, expected = (one(X, X, X, **options)[0] for one in (convert(layer, FINE), layer))
        assert_near(found, expected)

"""What is refused, in a sentence that says what it is about."""

import math
import threading
from typing import Any

import pytest
import torch
from comparison import COARSE, Calls, normal
from refusals import assert_one_sentence
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode

import rnscli
from rnscli.torch import AnalogConv2d, AnalogLinear, analog_matmul, convert, requantise


def refusal(function: Any, *arguments: Any, names: str, **options: Any) -> str:
    with pytest.raises(rnscli.InputError) as told:
        function(*arguments, **options)
    assert_one_sentence(told.value, names)
    return str(told.value)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, 1e30])
def test_activations_and_weights_that_are_no_numbers(bad: float) -> None:
    layer, x = AnalogLinear(4, 3, core=COARSE), normal(2, 4)
    x[1, 2] = bad
    assert refusal(layer, x, names="`x`") == (
        "in linear (forward): `x` holds NaN or a magnitude above 1e+15; it must be finite"
    )
    with torch.no_grad():
        layer.weight[0, 0] = bad
    refusal(layer, normal(2, 4), names="`w`")
    convolution = AnalogConv2d(1, 1, 2, core=COARSE)
    refusal(convolution, torch.full((1, 1, 3, 3), bad), names="`x`")
    refusal(convert(Calls(torch.bmm), COARSE), torch.full((2, 3, 3), bad), normal(2, 3, 3),
            names="`x`")  # fmt: skip


def test_gradients_that_are_no_numbers() -> None:
    layer = AnalogLinear(4, 3, core=COARSE)
    y = layer(normal(2, 4).requires_grad_())
    refusal((y * math.nan).sum().backward, names="in linear (input-gradient): `x`")
    assert layer.weight.grad is None


def test_the_sentence_names_the_layer() -> None:
    model = convert(nn.Sequential(nn.Linear(4, 3), nn.Sequential(nn.Linear(3, 2))), COARSE)
    with torch.no_grad():
        model[1][0].weight.fill_(math.nan)
    refusal(model, normal(2, 4), names="in 1.0 (forward): `w` holds NaN")


def test_a_layer_works_on_after_a_refusal() -> None:
    layer = AnalogLinear(4, 3, core=COARSE)
    expected = layer(normal(2, 4))
    refusal(layer, torch.full((2, 4), math.nan), names="`x`")
    assert torch.equal(layer(normal(2, 4)), expected)
    product = convert(Calls(torch.matmul), COARSE)
    refusal(product, torch.full((2, 4), math.nan), normal(4, 3), names="`x`")
    assert not torch.equal(product(normal(2, 4), normal(4, 3)), normal(2, 4) @ normal(4, 3))


def test_a_model_that_is_none() -> None:
    text = refusal(convert, normal(3), COARSE, names="`model`")
    assert text == "`model` is of type Tensor; it must be a torch.nn.Module"
    refusal(convert, nn.Linear, COARSE, names="`model`")


@pytest.mark.parametrize("core", ["rns", None, 6, nn.Linear(2, 2)])
def test_a_core_that_is_none(core: Any) -> None:
    refusal(convert, nn.Linear(4, 3), core, names="`core`")
    refusal(AnalogLinear, 4, 3, core=core, names="`core`")
    refusal(AnalogConv2d, 4, 3, 1, core=core, names="`core`")


def test_names_that_are_excluded_and_not_there() -> None:
    model = nn.ModuleDict({"classifier": nn.Linear(4, 3)})
    text = refusal(convert, model, COARSE, exclude=["clasifier"], names="clasifier")
    assert text.endswith("; did you mean classifier?")
    refusal(convert, model, COARSE, exclude=["head"], names="head")
    refusal(convert, model, COARSE, exclude="classifier", names="`exclude`")
    refusal(convert, model, COARSE, exclude=["classifier."], names="classifier.")


def test_operands_that_are_no_floating_point_numbers() -> None:
    whole = torch.ones(3, 3, dtype=torch.int64)
    refusal(analog_matmul, whole, whole, COARSE, names="torch.int64")
    refusal(analog_matmul, normal(3, 3), normal(3, 3).cfloat(), COARSE, names="torch.complex64")
    refusal(AnalogLinear(3, 3, core=COARSE), whole, names="torch.int64")


def test_tensors_that_stand_for_others() -> None:
    """What they hold is not what they are: read as plain ones, products would be wrong."""
    from torch.nn.attention.bias import causal_lower_right  # a second of imports

    with FakeTensorMode():
        fake = torch.ones(2, 4)
    layers = (AnalogLinear(4, 3, core=COARSE), AnalogConv2d(1, 1, 1, core=COARSE))
    for layer, x in zip(layers, (fake, fake.view(1, 1, 2, 4)), strict=True):
        refusal(layer, x, names="of type FakeTensor")
    refusal(analog_matmul, fake, normal(4, 3), COARSE, names="in matmul: ")
    attention = convert(nn.MultiheadAttention(4, 2), COARSE)
    x = normal(3, 4)
    refusal(attention, x, x, x, attn_mask=causal_lower_right(3, 3), names="of type CausalBias")
    masked = convert(Calls(lambda mask: mask @ torch.ones(3, 2)), COARSE)
    refusal(masked, causal_lower_right(3, 3), names="of type CausalBias")


def test_names_that_are_none() -> None:
    text = refusal(convert, nn.Linear(4, 3), COARSE, exclude=[6], names="`exclude`")
    assert text == (
        "`exclude` holds 6; it must be a list of names or patterns of submodules, classes and "
        "functions"
    )
    refusal(convert, nn.Linear(4, 3), COARSE, exclude=6, names="`exclude`")
    model = nn.ModuleDict({"head": nn.Linear(4, 3)})
    refusal(convert, model, COARSE, exclude=["tail.*"], names="tail.*")
    refusal(convert, model, {"heat": COARSE}, names="did you mean head")


def test_choices_that_choose_nothing() -> None:
    model = nn.ModuleDict({"head": nn.Linear(4, 3)})
    refusal(convert, model, {}, names="`core` is an empty mapping")
    text = refusal(convert, model, COARSE, exclude=[nn.Conv2d], names="`exclude`")
    assert text == "`exclude` has the class Conv2d, and the model has none of it"
    refusal(convert, model, {"*": COARSE, "head": COARSE}, names="`core` has head behind *")
    refusal(requantise, 3, names="`model` is of type int")
    refusal(convert, model, {"head": 6}, names="`core`")
    refusal(convert, model, {6: COARSE}, names="`core` has the key 6")
    refusal(convert, model, lambda name, module: "rns", names="`core`")


def test_a_model_that_cannot_be_copied() -> None:
    model = nn.Sequential(nn.Linear(4, 3))
    model.lock = threading.Lock()
    refusal(convert, model, COARSE, names="`model` cannot be copied (TypeError")
    assert convert(model, COARSE, inplace=True) is model

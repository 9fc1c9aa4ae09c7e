"""What `convert` makes of a model, and what it leaves alone."""

import inspect
import warnings
from typing import Any

import pytest
import torch
from comparison import COARSE, FINE, Calls, assert_near, assert_same_as_digital, normal
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import parametrizations

import rnscli
from rnscli.torch import (
    AnalogConv2d,
    AnalogLinear,
    AnalogMultiheadAttention,
    conversion,
    convert,
    recording,
)


class Network(nn.Module):
    """Layers and functions, one of each."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.convolution = nn.Conv2d(1, 4, 3)
        self.norm = nn.BatchNorm2d(4)
        self.attention = nn.MultiheadAttention(4, 2, batch_first=True)
        self.head = nn.Sequential(nn.Linear(4, 8), nn.GELU(), nn.Linear(8, 3))
        self.mixing = nn.Parameter(torch.randn(4, 4))

    def forward(self, images: Tensor) -> Tensor:
        x = self.norm(self.convolution(images)).flatten(2).transpose(1, 2)
        x = self.attention(x, x, x)[0] @ self.mixing
        found = self.head(x.mean(1))
        assert isinstance(found, Tensor)
        return found


IMAGES = normal(3, 1, 6, 6)


def test_every_layer_with_products_becomes_analog() -> None:
    model = Network()
    analog = convert(model, FINE)
    assert type(analog) is Network
    assert conversion(analog).analog == (
        "convolution", "attention", "attention.out_proj", "head.0", "head.2",
    )  # fmt: skip
    assert conversion(analog).digital == ()
    types = AnalogConv2d, AnalogMultiheadAttention, AnalogLinear
    layers = analog.convolution, analog.attention, analog.head[0]
    assert all(isinstance(layer, its) for layer, its in zip(layers, types, strict=True))
    assert isinstance(layers[0], nn.Conv2d)
    assert type(analog.norm) is nn.BatchNorm2d
    assert_same_as_digital(model, IMAGES, share=0.05)
    with recording() as made:
        analog(IMAGES)
    assert "Network" in {kind.layer for kind in made.kinds}  # x @ mixing


def test_the_original_stays_what_it_was() -> None:
    model = Network().eval()
    expected = model(IMAGES)
    analog = convert(model, COARSE)
    assert torch.equal(model(IMAGES), expected)
    assert not torch.equal(analog(IMAGES), expected)
    assert conversion(model).analog == ()
    assert len(conversion(model).digital) == 5
    with torch.no_grad():
        analog.mixing.zero_()
    assert model.mixing.any()


def test_in_place_it_is_the_same_object_with_the_same_parameters() -> None:
    model = Network()
    parameters = list(model.parameters())
    optimiser = torch.optim.SGD(parameters, 0.1)
    analog = convert(model, COARSE, inplace=True)
    assert analog is model
    assert all(a is b for a, b in zip(analog.parameters(), parameters, strict=True))
    before = model.head[0].weight.detach().clone()
    analog(IMAGES).sum().backward()
    optimiser.step()
    assert not torch.equal(model.head[0].weight, before)


def test_a_refused_conversion_in_place_changes_nothing() -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.LazyLinear(4))
    with pytest.raises(rnscli.InputError):
        convert(model, COARSE, inplace=True, strict=True)
    assert conversion(model).analog == ()


@pytest.mark.parametrize("root", [nn.Linear(4, 3), nn.Conv2d(1, 2, 3)])
def test_a_layer_may_be_the_model(root: nn.Module) -> None:
    analog = convert(root, COARSE)
    assert conversion(analog).analog == (type(analog).__name__,)
    assert type(analog).__name__ == f"Analog{type(root).__name__}"


def test_another_core_takes_the_place_of_the_first() -> None:
    model = Network().eval()
    twice = convert(convert(model, COARSE), FINE)
    assert torch.equal(twice(IMAGES), convert(model, FINE)(IMAGES))
    assert conversion(twice) == conversion(convert(model, FINE))


def test_layers_on_different_cores() -> None:
    """What is excluded from a second conversion stays on the core of the first."""
    model = Network().eval()
    mixed = convert(convert(model, COARSE), FINE, exclude=["head"])
    assert mixed.head[0].place.flow.core == COARSE
    assert mixed.convolution.place.flow.core == FINE
    assert conversion(mixed).digital == ()
    x = normal(2, 4)
    assert torch.equal(mixed.head(x), convert(model.head, COARSE)(x))


def test_tied_weights_stay_tied() -> None:
    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(0)
            self.embedding = nn.Embedding(11, 8)
            self.out = nn.Linear(8, 11, bias=False)
            self.out.weight = self.embedding.weight

        def forward(self, tokens: Tensor) -> Tensor:
            found = self.out(self.embedding(tokens))
            assert isinstance(found, Tensor)
            return found

    analog = convert(Tied(), FINE)
    assert analog.out.weight is analog.embedding.weight
    assert_same_as_digital(Tied(), torch.arange(7))


def test_a_layer_of_two_names_is_one_layer() -> None:
    layer = nn.Linear(4, 4)
    model = convert(nn.ModuleDict({"a": layer, "b": layer}), COARSE)
    assert model["a"] is model["b"]
    assert conversion(model).analog == ("a",)
    for name in ("a", "b"):
        left = convert(nn.ModuleDict({"a": layer, "b": layer}), COARSE, exclude=[name])
        assert conversion(left).analog == ()


def test_hooks_of_all_kinds_are_called() -> None:
    model = Network()
    called = []
    model.head[0].register_forward_hook(lambda *_: called.append("layer"))
    model.head.register_forward_pre_hook(lambda *_: called.append("before"))
    model.register_forward_hook(lambda *_: called.append("model"))
    model.convolution.register_full_backward_hook(lambda *_: called.append("backward"))
    convert(model, COARSE, inplace=True)(IMAGES.clone().requires_grad_()).sum().backward()
    assert called == ["before", "layer", "model", "backward"]


def test_a_forward_that_a_library_has_put_on_a_module_is_called() -> None:
    """As libraries do that move weights to where they are needed."""
    for layer in (nn.Linear(20, 4), Calls(functional.linear, normal(4, 20))):
        wrapped, seen = layer.forward, []

        def forward(x: Tensor, wrapped: Any = wrapped, seen: list[Tensor] = seen) -> Any:
            seen.append(x)
            return wrapped(x) + 100

        layer.forward = forward  # type: ignore[method-assign]
        x = normal(3, 20)
        expected = layer(x)
        for _ in range(2):
            convert(layer, FINE, inplace=True)
        found = layer(x)
        assert len(seen) == 2
        assert not torch.equal(found, expected)
        assert_near(found - 100, expected - 100)
        assert conversion(layer).digital == ()


def test_the_signature_of_a_model_is_its_own() -> None:
    assert str(inspect.signature(convert(Network(), COARSE).forward)) == (
        "(images: torch.Tensor) -> torch.Tensor"
    )


class Scaled(nn.Linear):
    """A layer of a user, on top of PyTorch's."""

    def forward(self, input: Tensor) -> Tensor:
        return 2 * functional.linear(input, self.weight, self.bias)


def test_subclasses_compute_what_they_compute() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(40, 5), Scaled(5, 6))
    assert_same_as_digital(model, normal(7, 40))
    analog = convert(model, COARSE)
    assert type(analog[1]) is Scaled
    assert conversion(analog).analog == ("0", "1")
    assert conversion(convert(model, COARSE, exclude=["1"])).digital == (("1", "Scaled"),)


@pytest.mark.parametrize("name", ["weight_norm", "spectral_norm", "orthogonal"])
def test_parametrized_layers(name: str) -> None:
    """The weight is made in FP32; only its product with the input is for the core."""
    torch.manual_seed(0)
    layer = getattr(parametrizations, name)(nn.Linear(40, 7)).eval()
    model = nn.Sequential(layer)
    assert_same_as_digital(model, normal(5, 40))
    analog = convert(model, COARSE)
    with recording() as made:
        analog(normal(5, 40))
    assert [kind.layer for kind in made.kinds] == ["0"]
    assert not made.unmapped
    assert conversion(analog).analog == ("0",)
    assert analog.state_dict().keys() == model.state_dict().keys()


def test_layers_with_the_older_weight_norm() -> None:
    torch.manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        model = nn.Sequential(nn.utils.weight_norm(nn.Linear(40, 7)))
    expected = model(normal(5, 40))
    analog = convert(model, FINE, inplace=True)  # PyTorch cannot copy it
    assert conversion(analog).analog == ("0",)
    assert_near(analog(normal(5, 40)), expected)


def test_training_and_evaluation_are_kept() -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.5)).eval()
    model[1].train()
    analog = convert(model, COARSE)
    assert [module.training for module in analog.modules()] == [False, False, True]
    assert all(module.training for module in analog.train().modules())


def test_what_has_no_products_is_not_touched() -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.BatchNorm1d(4), nn.Softmax(-1))
    analog = convert(model, COARSE)
    assert not any("forward" in vars(module) for module in analog[1:])


def test_no_parameter_is_added_or_moved() -> None:
    model = Network()
    analog = convert(model, COARSE)
    for mine, its in (
        (analog.named_parameters(), model.named_parameters()),
        (analog.named_buffers(), model.named_buffers()),
    ):
        assert [name for name, _ in mine] == [name for name, _ in its]
    assert [name for name, _ in analog.named_modules()] == [n for n, _ in model.named_modules()]

"""Which layers go to which core, and back."""

import copy
from typing import Any

import pytest
import torch
from comparison import COARSE, FINE, Calls, assert_near, normal
from torch import Tensor, nn

import rnscli
from rnscli.torch import AnalogLinear, AnalogMultiheadAttention, conversion, convert, to_digital


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Linear(6, 6)
        self.head = nn.Linear(6, 6)
        self.weight = nn.Parameter(normal(6, 6))

    def forward(self, x: Tensor) -> Any:
        return self.head(torch.relu(self.body(x))) @ self.weight


def network() -> nn.ModuleDict:
    torch.manual_seed(0)
    return nn.ModuleDict(
        {"layers": nn.Sequential(Block(), Block()), "rnn": nn.GRU(6, 6), "out": nn.Linear(6, 2)}
    )


@pytest.mark.parametrize(
    ("exclude", "left"),
    [
        (["layers.*.head"], {"layers.0.head", "layers.1.head"}),
        (["layers.[1]", "o?t"], {"layers.1.body", "layers.1.head", "out"}),
        ([nn.GRU, Block], {"layers.0.body", "layers.0.head", "layers.1.body", "layers.1.head",
                           "rnn"}),
        ([lambda name, module: name.endswith("0.body")], {"layers.0.body"}),
        ({"rnn": None}, {"rnn"}),
    ],
)  # fmt: skip
def test_what_is_left_out(exclude: Any, left: set[str]) -> None:
    analog = convert(network(), COARSE, exclude=exclude)
    every = {"layers.0.body", "layers.0.head", "layers.1.body", "layers.1.head", "rnn", "out"}
    assert set(conversion(analog).analog) == every - left
    assert {name for name, _ in conversion(analog).digital} == left


def cores(model: nn.Module) -> dict[str, Any]:
    return {
        name: module.place.flow.core
        for name, module in model.named_modules()
        if hasattr(module, "place")
    }


def test_cores_by_patterns_the_first_that_fits() -> None:
    other = rnscli.Dataflow(rnscli.analog_core("fixed-hp", bits=8))
    patterns = {"layers.*.head": COARSE, "layers.0": None, "layers": FINE, "out": other}
    analog = convert(network(), patterns)
    assert cores(analog) == {
        "layers.0.head": COARSE, "layers.1.head": COARSE, "layers.1.body": FINE, "out": other.core,
    }  # fmt: skip
    assert conversion(analog).digital == (("layers.0.body", "Linear"), ("rnn", "GRU"))
    # The function of a block is on the core of the block.
    x, model = normal(3, 6), network()
    first = convert(model.layers[0].head, COARSE)(torch.relu(model.layers[0].body(x)))
    assert torch.equal(analog["layers"][0](x), first @ model.layers[0].weight)
    assert convert(network(), {"*": FINE})["rnn"].place.flow.core == FINE


def test_cores_by_a_function() -> None:
    names = []

    def choose(name: str, module: nn.Module) -> Any:
        names.append(name)
        return FINE if isinstance(module, nn.Linear) and "layers" in name else None

    analog = convert(network(), choose, exclude=["layers.1"])
    assert cores(analog) == {"layers.0.body": FINE, "layers.0.head": FINE}
    assert "layers.1" not in names
    assert "" in names
    # What is left stays on the core of an earlier conversion.
    again = convert(analog, lambda name, module: COARSE if name == "rnn" else None)
    assert cores(again) == {"layers.0.body": FINE, "layers.0.head": FINE, "rnn": COARSE}


def kinds(model: nn.Module) -> list[Any]:
    return [
        (type(module), {name for name in vars(module) if name in ("forward", "place", "plain")})
        for module in model.modules()
    ]


def everything() -> nn.ModuleDict:
    model = network()
    model["attention"] = nn.MultiheadAttention(6, 2)
    model["others"] = nn.ModuleList(
        [
            nn.Conv1d(2, 2, 2), nn.Conv2d(2, 2, 2), nn.Conv3d(1, 1, 1), nn.Bilinear(2, 2, 2),
            nn.ConvTranspose1d(1, 1, 1), nn.ConvTranspose2d(1, 1, 1), nn.ConvTranspose3d(1, 1, 1),
            nn.RNN(2, 2), nn.LSTM(2, 2), nn.RNNCell(2, 2), nn.LSTMCell(2, 2), nn.GRUCell(2, 2),
            nn.LazyLinear(3), nn.ReLU(), Calls(torch.matmul),
        ]
    )  # fmt: skip
    return model


@pytest.mark.filterwarnings("ignore:layers that stay digital")
def test_the_way_back() -> None:
    model = everything()
    called: list[str] = []
    model["out"].register_forward_hook(lambda *_: called.append("out"))
    analog = convert(convert(model, COARSE), FINE, exclude=["layers.1"])
    back = to_digital(analog)
    assert kinds(back) == kinds(model)
    assert back.state_dict().keys() == model.state_dict().keys()
    assert all(
        torch.equal(a, b)
        for a, b in zip(back["layers"].parameters(), model["layers"].parameters(), strict=True)
    )
    x = normal(3, 6)
    assert torch.equal(back["out"](back["layers"](x)), model["out"](model["layers"](x)))
    assert called == ["out", "out"]
    assert type(analog["out"]) is AnalogLinear  # a copy was changed
    assert to_digital(analog, inplace=True) is analog
    assert kinds(analog) == kinds(model)
    assert kinds(to_digital(model)) == kinds(model)


def test_the_way_back_of_a_forward_that_a_library_put_there() -> None:
    layer = nn.Linear(6, 2)
    own = layer.forward
    layer.forward = lambda x: own(x) + 1  # type: ignore[method-assign]
    wrapped = layer.forward
    analog = convert(layer, COARSE, inplace=True)
    assert to_digital(analog, inplace=True).forward is wrapped


def test_the_way_back_of_layers_that_were_made_analog() -> None:
    layer = AnalogMultiheadAttention(6, 2, core=COARSE)
    assert kinds(to_digital(layer)) == kinds(nn.MultiheadAttention(6, 2))

    class Mine(AnalogLinear):
        pass

    with pytest.raises(rnscli.InputError, match="`model` has the layer 0 of the class Mine"):
        to_digital(nn.Sequential(Mine(2, 2, core=COARSE)))
    with pytest.raises(rnscli.InputError, match="`model` is of type int"):
        to_digital(6)  # type: ignore[type-var]


def test_models_that_cannot_be_copied_are_converted_in_place() -> None:
    class Keeps(nn.Module):
        """A result of its last call, which is no leaf."""

        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(6, 2)

        def forward(self, x: Tensor) -> Tensor:
            self.kept = self.layer(x)
            return self.kept

    model = Keeps()
    x = normal(3, 6)
    expected = model(x)
    with pytest.raises(rnscli.InputError, match=r"cannot be copied .* `inplace`$") as told:
        convert(model, FINE)
    assert "\n" not in str(told.value)
    assert_near(convert(model, FINE, inplace=True)(x), expected)
    with pytest.raises(rnscli.InputError, match="cannot be copied"):
        to_digital(model)
    assert torch.equal(to_digital(model, inplace=True)(x), expected)
    copy.deepcopy(to_digital(network()))

"""Weights that are quantised once: every change of a parameter is seen."""

import gc
from collections.abc import Callable

import pytest
import torch
from torch import nn
from torch.utils.weak import WeakIdKeyDictionary

import rnscli
import rnscli.torch
from rnscli.core import BuiltArray
from rnscli.matrix import QuantisedWeights, TiledProduct
from rnscli.torch import stored
from rnscli.torch.arrays import TorchArrays, multiplies_bytes

CORE = rnscli.analog_core("rns", bits=8, vector_size=32)

CHANGES: dict[str, Callable[[nn.Linear], object]] = {
    "in place": lambda layer: layer.weight.mul_(2),
    "one value": lambda layer: layer.weight[0, 3].fill_(9.0),
    "load_state_dict": lambda layer: layer.load_state_dict(
        {"weight": layer.weight + 1, "bias": layer.bias}
    ),
    "an optimiser": lambda layer: _step(layer),
    "data": lambda layer: layer.weight.data.mul_(1.5),
    "other data": lambda layer: setattr(layer.weight, "data", layer.weight * 3),
}


def _step(layer: nn.Linear) -> None:
    layer.weight.grad = torch.ones_like(layer.weight)
    torch.optim.SGD(layer.parameters(), lr=0.5).step()


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_seen(change: str) -> None:
    torch.manual_seed(0)
    layer = rnscli.torch.AnalogLinear(70, 50, core=CORE)
    x = torch.randn(6, 70)
    with torch.no_grad():
        before = layer(x)
        assert torch.equal(layer(x), before)
        CHANGES[change](layer)
        # Of new memory, for which nothing is kept.
        expected = rnscli.torch.analog_matmul(x, layer.weight.t().clone(), CORE) + layer.bias
        assert torch.equal(layer(x), expected)
        assert not torch.equal(layer(x), before)


def test_weights_are_quantised_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    quantise = TiledProduct.quantise_weights

    def counted(self: TiledProduct, w: torch.Tensor, *place: int) -> QuantisedWeights:
        made.append(w.numel())
        return quantise(self, w, *place)

    monkeypatch.setattr(TiledProduct, "quantise_weights", counted)
    layer = rnscli.torch.AnalogLinear(64, 50, core=CORE)
    with torch.no_grad():
        for _ in range(2):
            layer(torch.ones(1, 64))
    assert made == [50 * 64]


def test_views_of_one_parameter_are_kept_apart() -> None:
    torch.manual_seed(0)
    model = rnscli.torch.convert(nn.MultiheadAttention(8, 2), CORE)  # three in one parameter
    x = torch.randn(3, 1, 8)
    expected, _ = model(x, x, x)  # with gradients, nothing is kept
    with torch.no_grad():
        for _ in range(2):
            assert torch.equal(model(x, x, x)[0], expected)
        half, single = model.half(), nn.MultiheadAttention(8, 2)
        single.load_state_dict(half.state_dict())
        expected, _ = rnscli.torch.convert(single, CORE)(*[x.half().float()] * 3)
        torch.testing.assert_close(half(*[x.half()] * 3)[0].float(), expected, atol=2e-3, rtol=0)


def test_another_core_has_weights_of_its_own() -> None:
    model = nn.Linear(40, 3)
    x = torch.randn(2, 40)
    coarse = rnscli.torch.convert(model, rnscli.analog_core("rns", bits=4))
    with torch.no_grad():
        first = coarse(x)
        fine = rnscli.torch.convert(coarse, rnscli.analog_core("rns", bits=8), inplace=True)
        assert not torch.equal(fine(x), first)


def test_products_of_bytes_are_exact() -> None:
    if not multiplies_bytes():
        pytest.skip("this CPU adds pairs of products in 16 bits")
    torch.manual_seed(0)
    for shape in ((1, 4099, 7), (130, 128, 65), (9, 1, 3)):
        rows, terms, columns = shape
        x = torch.randint(-127, 128, (rows, terms)).float()
        w = torch.randint(-127, 128, (terms, columns)).float()
        x[0], w[:, 0] = 127, -127
        product = TorchArrays(torch.device("cpu")).product
        for one in (x, x.t().contiguous().t()):  # in either order in memory
            for other in (w.char(), w.t().contiguous().t().char()):
                assert torch.equal(product(one.char(), other).double(), x.double() @ w.double())


@pytest.mark.parametrize("granularity", ["vector", "tensor"])
@pytest.mark.parametrize("size", [128, 2000])
@pytest.mark.parametrize("stack", [(), (3,)])
def test_sums_beyond_float32_are_exact(size: int, granularity: str, stack: tuple[int, ...]) -> None:
    """Of operands at the ends of 8 bits, whose sums pass 2^24: no product may be in float32."""
    x = torch.full((*stack, 2, 2000), 127.0)
    x[..., 1, ::2] = 126.0
    w = torch.full((*stack, 2000, 2), 127.0)
    w[..., 7, 1] = 1.0
    core = rnscli.analog_core("rns", bits=8, vector_size=size)
    with torch.no_grad():
        found = rnscli.torch.analog_matmul(x, w, rnscli.Dataflow(core, granularity))
    expected = (x.double() @ w.double()).float()
    # Sums of tiles are added in FP32, a rounding each.
    tiles = -(-2000 // size)
    torch.testing.assert_close(found, expected, rtol=tiles * 2.0**-24, atol=0.0)


def test_arrays_with_errors_are_kept_while_there_is_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two layers of 16 x 16 weights, as they are meant and as they are, in float64."""
    core = rnscli.analog_core(
        "fixed-lp", bits=4, vector_size=16, devices=rnscli.Devices(cell_error=0.1)
    )
    gc.collect()
    monkeypatch.setattr(stored, "_all", WeakIdKeyDictionary())
    monkeypatch.setattr(stored, "_MOST_BUILT", 3 * 16 * 16 * 8)
    built = []
    building = BuiltArray.__init__

    def counted(self: BuiltArray, *arguments: object) -> None:
        building(self, *arguments)  # type: ignore[arg-type]
        built.append(self.size)

    monkeypatch.setattr(BuiltArray, "__init__", counted)
    layers = [rnscli.torch.AnalogLinear(16, 16, core=core) for _ in range(2)]
    x = torch.randn(3, 16)
    with torch.no_grad():
        first = [layer(x) for layer in layers]
        assert built == [2 * 16 * 16 * 8] * 2
        assert all(torch.equal(layer(x), one) for layer, one in zip(layers, first, strict=True))
        assert len(built) == 3  # the second one again
        del layers[0]
        gc.collect()
        assert torch.equal(layers[0](x), first[1])
        assert torch.equal(layers[0](x), first[1])
    assert len(built) == 4  # now it has room

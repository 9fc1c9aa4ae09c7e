"""Products are those of `rnscli.AnalogMatrix` to the last bit, whatever PyTorch is set to."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn

import pytest
import torch
from comparison import COARSE, FINE, Calls, assert_near, normal, numpy_product
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

import rnscli
from rnscli.matrix.product import Levels, NumPyArrays
from rnscli.torch import convert
from rnscli.torch.product import TorchArrays

X, W = normal(7, 50), normal(50, 9, seed=1)
CORES = {
    "rns": rnscli.analog_core("rns", bits=6, vector_size=16),
    "rns, wide": rnscli.analog_core("rns", bits=12, vector_size=16),
    "fixed-lp": rnscli.analog_core("fixed-lp", bits=6, vector_size=16),
    "fixed-hp": rnscli.analog_core("fixed-hp", bits=8, vector_size=128),
    "bit-sliced": rnscli.analog_core("bit-sliced", bits=6, vector_size=16, adc_bits=7),
}


@pytest.mark.parametrize("scales", ["fp32", "power-of-two"])
@pytest.mark.parametrize("granularity", ["vector", "tile", "channel", "tensor"])
@pytest.mark.parametrize("path", ["homomorphic", "channels"])
@pytest.mark.parametrize("name", CORES)
def test_as_with_numpy(name: str, path: str, granularity: str, scales: str) -> None:
    flow = rnscli.Dataflow(CORES[name], granularity=granularity, path=path, scales=scales)
    for size in (1.0, 2.0**-100):  # of which the last needs more than FP32 has
        found = convert(Calls(torch.matmul), flow)(X * size, W)
        assert torch.equal(found, numpy_product(X * size, W, flow).float())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("bits", [2, 6, 8, 26, 31])
def test_powers_of_two_as_with_numpy(bits: int, dtype: torch.dtype) -> None:
    """Around q of every power of two, down to denormal numbers."""
    q = 2 ** (bits - 1) - 1
    exact = (q * 2.0 ** torch.arange(-1000, 50 - bits, dtype=torch.float64)).to(dtype)
    ends = [torch.nextafter(exact, torch.full_like(exact, end)) for end in (0.0, 1e30)]
    largest = torch.cat([exact, *ends])
    largest = largest[largest > 0]
    levels = Levels(q, floating=False)
    found = levels.scales(TorchArrays(torch.device("cpu")), largest)
    assert found.dtype == dtype
    expected = levels.scales(NumPyArrays(), largest.numpy())
    assert torch.equal(found, torch.from_numpy(expected))


@pytest.mark.parametrize("name", CORES)
def test_a_layer_as_with_numpy(name: str) -> None:
    torch.manual_seed(0)
    layer = nn.Linear(50, 9)
    product = numpy_product(X, layer.weight.t(), CORES[name])
    assert torch.equal(convert(layer, CORES[name])(X), product + layer.bias)


def test_chunks_and_stacks_make_no_difference() -> None:
    """More values than are worked on at a time."""
    x, w = normal(3, 700, 130), normal(3, 130, 20)
    core = CORES["rns"]
    stacked = convert(Calls(torch.matmul), core)(x, w)
    for one, left, right in zip(stacked, x, w, strict=True):
        assert torch.equal(one, numpy_product(left, right, core))
    rows = convert(Calls(torch.matmul), core)(x, w[0])
    assert torch.equal(rows, numpy_product(x.reshape(-1, 130), w[0], core).view(3, 700, 20))


def test_values_of_more_precision_are_quantised_as_they_are() -> None:
    found = convert(Calls(torch.matmul), COARSE)(X.double(), W.double())
    assert found.dtype == torch.float64
    assert torch.equal(found, numpy_product(X.double(), W.double(), COARSE))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_values_of_less_precision_are_quantised_as_they_are(dtype: torch.dtype) -> None:
    found = convert(Calls(torch.matmul), COARSE)(X.to(dtype), W.to(dtype))
    exact = numpy_product(X.to(dtype).float(), W.to(dtype).float(), COARSE)
    assert torch.equal(found, exact.to(dtype))


@contextmanager
def precision(setting: str) -> Iterator[None]:
    """Leave to PyTorch how products in float32 are computed."""
    try:
        torch.set_float32_matmul_precision(setting)
        yield
    finally:
        torch.set_float32_matmul_precision("highest")


class Types(TorchFunctionMode):
    """Of what products are computed."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[torch.dtype] = []

    def __torch_function__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
        if func is torch.Tensor.matmul:
            self.seen.append(args[0].dtype)
        return func(*args, **(kwargs or {}))


def test_whole_numbers_are_multiplied_in_a_type_that_pytorch_does_not_shorten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whatever the processor of this machine makes of a setting."""
    x, w = torch.tensor([[257.0]]), torch.tensor([[1023.0]])
    arrays = TorchArrays(x.device)
    with Types() as types:
        found = [arrays.product(x, w)]
        for setting in ("high", "medium"):
            with precision(setting):
                found.append(arrays.product(x, w))
        monkeypatch.setattr(torch, "get_float32_matmul_precision", cannot_tell)
        found.append(arrays.product(x, w))
    assert types.seen == [torch.float32, *[torch.float64] * 3]
    assert all(one.dtype == torch.float32 and one.item() == 257 * 1023 for one in found)


def cannot_tell() -> NoReturn:
    """As PyTorch after its newer settings."""
    raise RuntimeError


@pytest.mark.parametrize("setting", ["high", "medium"])
def test_products_in_float32_are_exact_where_pytorch_may_be_faster(setting: str) -> None:
    """10 bits are more than bfloat16 has; sums of 32 terms need 23 bits."""
    core = rnscli.analog_core("rns", bits=10, vector_size=32)
    x, w = normal(64, 512), normal(512, 64)
    expected = numpy_product(x, w, core)
    with precision(setting):
        assert torch.equal(convert(Calls(torch.matmul), core)(x, w), expected)


NEWER = """
import torch, rnscli
from rnscli.torch import AnalogLinear
core = rnscli.analog_core("rns", bits=10, vector_size=32)
torch.manual_seed(0)
layer, x = AnalogLinear(512, 64, core=core), torch.randn(64, 512)
expected = layer(x)
torch.backends.mkldnn.matmul.fp32_precision = "bf16"
assert torch.equal(layer(x), expected)
"""


@pytest.mark.thorough
def test_precision_may_be_set_in_the_newer_way(
    in_a_process_of_its_own: Callable[..., str],
) -> None:
    """After which PyTorch refuses to say what it is in the older way."""
    if not hasattr(torch.backends.mkldnn, "matmul"):
        pytest.skip("this PyTorch has only the older way")
    in_a_process_of_its_own(NEWER)


def autocasts() -> torch.autocast:
    return torch.autocast("cpu", dtype=torch.bfloat16)


def test_autocast_does_not_reach_the_core() -> None:
    torch.manual_seed(0)
    core = rnscli.analog_core("rns", bits=10, vector_size=32)
    model = convert(nn.Sequential(nn.Linear(50, 9, bias=False), nn.ReLU()), core)
    found = []
    for inside in (False, True):
        model.zero_grad()
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=inside):
            y = model(X)
            if inside:
                y.sum().backward()  # not recommended, and still no reason for wrong products
        if not inside:
            y.sum().backward()
        found.append([y.detach(), *(p.grad for p in model.parameters())])
    (plain, gradient), (cast, of_cast) = found
    # Rounded after the product, not before.
    assert torch.equal(plain.bfloat16(), cast)
    assert torch.equal(gradient, of_cast)


@pytest.mark.parametrize(
    ("function", "shapes"),
    [
        (functional.linear, ((3, 8), (4, 8), (4,))),
        (torch.conv2d, ((1, 2, 5, 5), (3, 2, 3, 3), (3,))),
        (torch.mm, ((3, 8), (8, 4))),
        (torch.mv, ((3, 8), (8,))),
        (torch.bmm, ((2, 3, 8), (2, 8, 4))),
        (torch.addmm, ((3, 4), (3, 8), (8, 4))),
        (torch.addmv, ((3,), (3, 8), (8,))),
        (torch.baddbmm, ((2, 3, 4), (2, 3, 8), (2, 8, 4))),
        (functional.scaled_dot_product_attention, ((1, 3, 8), (1, 4, 8), (1, 4, 8))),
        (lambda x, w: torch.einsum("ij,kj->ik", x, w), ((3, 8), (4, 8))),
    ],
)
def test_autocast_gives_the_types_of_pytorch(
    function: Callable[..., Tensor], shapes: tuple[tuple[int, ...], ...]
) -> None:
    operands = [normal(*shape, seed=index) for index, shape in enumerate(shapes)]
    with autocasts():
        expected = function(*operands)
        assert_near(convert(Calls(function), FINE)(*operands), expected, share=1e-2)
        layers = (nn.Linear(8, 4), nn.MultiheadAttention(8, 2))
        x = normal(3, 8)
        assert convert(layers[0], FINE)(x).dtype == layers[0](x).dtype
        assert convert(layers[1], FINE)(x, x, x)[0].dtype == layers[1](x, x, x)[0].dtype


def test_autocast_of_digital_layers_around_it() -> None:
    torch.manual_seed(0)
    model = convert(nn.Sequential(nn.Linear(50, 40), nn.Linear(40, 9)), COARSE, exclude=["0"])
    with autocasts():
        half = model[0](X)
        found = model(X)
    assert half.dtype == torch.bfloat16
    weight, bias = model[1].weight, model[1].bias
    product = numpy_product(half.float(), weight.t(), COARSE).bfloat16()
    assert torch.equal(found, product + bias.bfloat16())

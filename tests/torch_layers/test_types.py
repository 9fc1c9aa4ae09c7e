"""Types and devices behave as those of any module."""

import pytest
import torch
from comparison import COARSE, FINE, assert_near, normal
from torch import nn

from rnscli.torch import AnalogConv2d, AnalogLinear, convert


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(2, 4, 3, padding=1, groups=2),
        nn.Flatten(2),
        nn.TransformerEncoderLayer(25, 5, 8, dropout=0.0, batch_first=True),
        nn.Flatten(),
        nn.Linear(100, 3),
    )


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
@pytest.mark.parametrize("before", [False, True])
def test_a_model_of_another_type(dtype: torch.dtype, before: bool) -> None:
    model, images = network(), normal(2, 2, 5, 5)
    analog = convert(model.to(dtype), FINE) if before else convert(model, FINE).to(dtype)
    model = model.to(dtype)
    found = analog(images.to(dtype))
    assert found.dtype == dtype
    # bfloat16 has 8 bits.
    assert_near(found, model(images.to(dtype)), share=0.1)
    found.sum().backward()
    assert {parameter.grad.dtype for parameter in analog.parameters()} == {dtype}


def test_a_type_and_back() -> None:
    analog, images = convert(network(), COARSE), normal(2, 2, 5, 5)
    expected = analog(images)
    assert torch.equal(analog.double().float()(images), expected)


def test_doubles_lose_nothing_before_they_are_quantised() -> None:
    """A difference that float32 does not have decides how a value is rounded."""
    layer = AnalogLinear(2, 1, bias=False, dtype=torch.float64, core=COARSE)
    layer.load_state_dict({"weight": torch.tensor([[0.0, 1.0]])})
    tie = 0.5 / 7
    above, below = (torch.tensor([1.0, tie + d], dtype=torch.float64) for d in (1e-12, -1e-12))
    assert above.float().equal(below.float())
    assert layer(above).item() == pytest.approx(1 / 7)
    assert layer(below).item() == 0


def test_a_model_is_moved_as_any_other() -> None:
    analog = convert(network(), COARSE)
    assert {p.device.type for p in analog.to("meta").parameters()} == {"meta"}
    assert analog(torch.empty(2, 2, 5, 5, device="meta")).shape == (2, 3)
    back = analog.to_empty(device="cpu")
    back.load_state_dict(network().state_dict())
    images = normal(2, 2, 5, 5)
    assert torch.equal(back(images), convert(network(), COARSE)(images))


def test_layers_are_made_where_they_are_asked_for() -> None:
    linear = AnalogLinear(4, 3, device="meta", dtype=torch.float16, core=COARSE)
    convolution = AnalogConv2d(4, 3, 3, device="meta", core=COARSE)
    assert (linear.weight.device.type, linear.weight.dtype) == ("meta", torch.float16)
    assert convolution.weight.device.type == "meta"
    assert linear(torch.empty(2, 4, device="meta", dtype=torch.float16)).dtype == torch.float16


def test_a_model_converted_on_meta_gets_its_values_later() -> None:
    with torch.device("meta"):
        model = network()
    analog = convert(model, COARSE)
    analog.load_state_dict(network().state_dict(), assign=True)
    images = normal(2, 2, 5, 5)
    assert torch.equal(analog(images), convert(network(), COARSE)(images))


def test_memory_formats_make_no_difference() -> None:
    analog, images = convert(network(), COARSE), normal(2, 2, 5, 5)
    expected = analog(images)
    analog = analog.to(memory_format=torch.channels_last)
    found = analog(images.to(memory_format=torch.channels_last))
    assert torch.equal(found, expected)

"""Depthwise convolutions by shifts of whole images, beside those of patches in one product."""

import pytest
import torch
from torch import Tensor, nn

import rnscli
import rnscli.torch
from rnscli.torch.mapped import convolution, depthwise

CORES = {
    "rns": rnscli.analog_core("rns", bits=8),
    "fixed-lp": rnscli.analog_core("fixed-lp", bits=6, vector_size=32, adc_range="0.3"),
    "bit-sliced": rnscli.analog_core("bit-sliced", bits=4, slice_bits=2, vector_size=32),
}
LAYERS = {
    "padded": {"padding": 1},
    "strides": {"stride": (1, 3), "dilation": (2, 1)},
    "several outputs": {"out_channels": 12, "stride": 2, "padding": 1},
    "large": {"kernel_size": 5, "stride": 2},
    "one pixel": {"kernel_size": 1, "stride": 2},
}
FLOWS = {"vector": {}, "channel": {"scales": "power-of-two"}, "tensor": {}, "static": {}}


def made(flow: rnscli.Dataflow, **options: object) -> nn.Module:
    torch.manual_seed(0)
    settings = {"in_channels": 6, "out_channels": 6, "kernel_size": 3, "groups": 6, **options}
    return rnscli.torch.convert(nn.Conv2d(**settings), flow)  # type: ignore[arg-type]


def both(
    model: nn.Module, images: Tensor, monkeypatch: pytest.MonkeyPatch
) -> tuple[Tensor, Tensor, int]:
    """The result, that of one product for each group, and how many convolutions were shifted."""
    shifted = []

    def counted(*arguments: object) -> Tensor | None:
        found = depthwise.by_shifts(*arguments)  # type: ignore[arg-type]
        shifted.extend([] if found is None else [found])
        return found

    with torch.no_grad(), monkeypatch.context() as patched:
        patched.setattr(convolution, "by_shifts", counted)
        found = model(images)
        patched.setattr(convolution.Convolution, "fits", lambda *_: False)
        return found, model(images), len(shifted)


@pytest.mark.parametrize("flow", FLOWS)
@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("core", CORES)
def test_as_by_patches(core: str, layer: str, flow: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(depthwise, "_VALUES", 1 << 9)  # some planes at a time
    static = {"input_scale": 1.5} if flow == "static" else {"granularity": flow}
    model = made(rnscli.Dataflow(CORES[core], **static, **FLOWS[flow]), **LAYERS[layer])
    images = torch.randn(3, 6, 13, 11)
    images[1] *= torch.rand(13, 11) < 0.2  # patches of zeros, and nearly so
    images[2, :, :8] = 0
    found, expected, shifted = both(model, images, monkeypatch)
    assert torch.equal(found, expected)
    assert shifted == 1


def test_tiny_scales_are_left_to_patches(monkeypatch: pytest.MonkeyPatch) -> None:
    images = torch.randn(2, 6, 8, 8)
    images[:, 2, 3:7, 3:7] *= 1e-25
    images[:, 4] *= 1e-30
    found, expected, shifted = both(made(rnscli.Dataflow(CORES["rns"])), images, monkeypatch)
    assert torch.equal(found, expected)
    assert found[:, 4].any()
    assert not shifted


def test_only_what_is_in_a_patch_must_be_finite(monkeypatch: pytest.MonkeyPatch) -> None:
    images = torch.randn(2, 6, 8, 8)
    images[..., 7] = torch.nan  # with strides of 2, beyond the last patch
    model = made(rnscli.Dataflow(CORES["rns"]), stride=2)
    found, expected, _ = both(model, images, monkeypatch)
    assert torch.equal(found, expected)
    assert found.isfinite().all()
    images[0, 0, 2, 2] = torch.nan
    with pytest.raises(rnscli.InputError, match="holds NaN"):
        model(images)

"""Convolutions are computed a block of patches at a time, with the bytes of one product."""

import itertools
import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

import rnscli
import rnscli.torch
from rnscli.torch.arrays import TorchArrays
from rnscli.torch.mapped import convolution, patches
from rnscli.torch.mapped.patches import Cut, blocks, spans

CORES = {
    "rns": rnscli.analog_core("rns", bits=8, vector_size=32),
    "fixed-lp": rnscli.analog_core("fixed-lp", bits=6, vector_size=32),
    "bit-sliced": rnscli.analog_core("bit-sliced", bits=4, vector_size=32),
}
LAYERS = {
    "plain": {},
    "strides": {"stride": (2, 1), "padding": (1, 2)},
    "holes": {"dilation": 2, "padding": 2, "bias": False},
    "groups": {"groups": 2, "padding": 1},
    "depthwise": {"groups": 6, "stride": 2},
}


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patches, "_BLOCK", 1 << 11)
    monkeypatch.setattr(patches, "_MOST", 1 << 14)
    monkeypatch.setattr(patches, "_TILES", 1 << 13)
    monkeypatch.setattr(patches, "_FEW", 16)


@pytest.mark.parametrize("granularity", ["vector", "channel", "tensor"])
@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("core", CORES)
def test_as_by_one_product(
    core: str, layer: str, granularity: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(0)
    made = nn.Conv2d(6, 12, 3, **LAYERS[layer])
    model = rnscli.torch.convert(made, rnscli.Dataflow(CORES[core], granularity))
    images = torch.randn(5, 6, 9, 11, requires_grad=True)

    def run() -> tuple[Tensor, ...]:
        with rnscli.torch.recording() as seen:
            result = model(images)
            weights = torch.linspace(-1, 2, result.numel()).view_as(result)
            parameters = [images, model.weight]
            grads = torch.autograd.grad((result * weights).sum(), parameters)
        counts.append((seen.counts, [*seen.kinds.items()]))
        return result, *grads

    counts: list[object] = []
    found = run()
    monkeypatch.setattr(convolution.Convolution, "fits", lambda *_: False)
    for one, other in zip(found, run(), strict=True):
        assert torch.equal(one, other)
    assert counts[0] == counts[1]


def test_blocks_are_all_positions_once() -> None:
    for count, channels, height, stride in itertools.product((1, 7), (1, 40), (3, 30), (1, 2)):
        images = torch.zeros(count, channels, height, 9)
        cut = Cut((3, 3), (stride, 1), (1, 1))
        size = cut.positions((height, 9))
        seen = torch.zeros(count, *size)
        for positions in blocks(images, cut):
            assert positions.start % size[1] == 0  # whole rows
            for part, block in spans(positions, size):
                seen[block] += 1
                assert seen[block].shape == block.shape
                assert part.stop - part.start == math.prod(block.shape)
        assert (seen == 1).all()


def test_rectangles_are_positions_in_order() -> None:
    size, order = (3, 4), torch.arange(5 * 12).view(5, 3, 4)
    for start, stop in itertools.combinations(range(60), 2):
        every = [order[block].flatten() for _, block in spans(slice(start, stop), size)]
        assert torch.equal(torch.cat(every), torch.arange(start, stop))
        assert len(every) <= 5  # ends of rows, rows, images, rows, and the beginning of one


NOISE = {
    "rns": (rnscli.analog_core("rns", bits=6, vector_size=32, p=1e-3, redundant=2), "nearest"),
    "fixed-lp": (rnscli.analog_core("fixed-lp", bits=6, vector_size=32, sigma=0.2), "nearest"),
    "cells": (
        rnscli.analog_core(
            "fixed-lp", bits=6, vector_size=32, devices=rnscli.Devices(cell_error=0.02)
        ),
        "nearest",
    ),
    "stochastic": (rnscli.analog_core("rns", bits=6, vector_size=32), "stochastic"),
}


@pytest.mark.parametrize("granularity", ["vector", "channel", "tensor"])
@pytest.mark.parametrize("core", NOISE)
def test_noise_is_that_of_one_product(
    core: str, granularity: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Blocks are what noise is drawn for at a time; those of gradients of weights are not."""
    monkeypatch.setattr(patches, "_MOST", 1 << 30)
    built, rounding = NOISE[core]
    flow = rnscli.Dataflow(built, granularity, rounding=rounding)
    for options in ({}, {"groups": 6, "stride": 2}):
        torch.manual_seed(0)
        model = rnscli.torch.convert(nn.Conv2d(6, 12, 3, **options), flow)
        images = torch.randn(5, 6, 9, 11, requires_grad=True)
        found = []
        for chunk in (2**11, 2**19):
            monkeypatch.setattr(TorchArrays, "__init__", _with_chunk(chunk))
            for fits in (convolution.Convolution.fits, lambda *_: False):
                with monkeypatch.context() as patched, rnscli.torch.recording() as seen:
                    patched.setattr(convolution.Convolution, "fits", fits)
                    torch.manual_seed(1)
                    result = model(images)
                    result.square().sum().backward()
                found.append((result, images.grad, model.weight.grad, seen.counts))
                images.grad = model.weight.grad = None
        for (*some, counts), (*others, same) in (found[:2], found[2:]):
            assert counts == same
            assert all(torch.equal(one, other) for one, other in zip(some, others, strict=True))


def _with_chunk(chunk: int) -> Callable[[TorchArrays, torch.device], None]:
    def made(self: TorchArrays, device: torch.device) -> None:
        self.chunk, self.bytes = chunk, False

    return made


@pytest.mark.parametrize("granularity", ["vector", "channel"])
@pytest.mark.parametrize("groups", [1, 6])
def test_errors_of_cells_do_not_depend_on_blocks(
    groups: int, granularity: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are drawn once for each array, also where gradients of weights come in blocks."""
    found = []
    for most in (1 << 12, 1 << 30):
        monkeypatch.setattr(patches, "_MOST", most)
        torch.manual_seed(0)
        made = nn.Conv2d(6, 12, 3, groups=groups)
        model = rnscli.torch.convert(made, rnscli.Dataflow(NOISE["cells"][0], granularity))
        model(torch.randn(5, 6, 9, 11)).square().sum().backward()
        found.append(model.weight.grad)
    assert torch.equal(*found)


def test_second_derivatives_are_those_of_one_product() -> None:
    model = rnscli.torch.convert(nn.Conv2d(2, 3, 3), CORES["rns"])
    images = torch.randn(2, 2, 6, 6, requires_grad=True)
    (first,) = torch.autograd.grad(model(images).square().sum(), images, create_graph=True)
    first.square().sum().backward()
    assert images.grad is not None and model.weight.grad is not None
    plain = nn.Conv2d(2, 3, 3)
    plain.load_state_dict(model.state_dict())
    again = images.detach().clone().requires_grad_()
    (first,) = torch.autograd.grad(plain(again).square().sum(), again, create_graph=True)
    first.square().sum().backward()
    scale = again.grad.abs().max()
    assert (images.grad - again.grad).abs().max() < 0.1 * scale  # 8 bits, four products deep


def test_patches_are_not_all_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    largest = [0]
    fresh = Tensor.new_empty

    def measured(self: Tensor, *size: object, **options: object) -> Tensor:
        found: Tensor = fresh(self, *size, **options)
        largest[0] = max(largest[0], found.numel())
        return found

    monkeypatch.setattr(Tensor, "new_empty", measured)
    model = rnscli.torch.convert(nn.Conv2d(16, 16, 5, padding=2), CORES["rns"])
    images = torch.randn(8, 16, 64, 64)
    with torch.no_grad():
        model(images)
    assert largest[0] <= 2 * images.numel()  # of 25 times as many in all patches


@pytest.mark.parametrize("size", [7, 16, 72, 128, 1000])
@pytest.mark.parametrize(
    "cut",
    [
        patches.Cut((3, 3), (1, 1), (1, 1)),
        patches.Cut((1, 1), (2, 2), (1, 1)),
        patches.Cut((2, 4), (2, 1), (3, 2)),
        patches.Cut((3, 1), (1, 3), (1, 1)),
    ],
)
def test_largest_magnitudes_are_those_of_patches(
    cut: patches.Cut, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of each tile, also where its ends are within a channel, or both in the same one."""
    monkeypatch.setattr(patches, "_FEW_BETWEEN", 0)
    torch.manual_seed(0)
    images = torch.randn(3, 2, 20, 9, 11)
    every = patches.patches(images.flatten(1, 2), cut, patches.all_positions(images[:, 0], cut))
    terms = every.view(2, -1, every.shape[-1])
    expected = [tile.abs().amax(1) for tile in terms.split(size, dim=1)]
    found = patches.largest_of_tiles(images, cut, size)
    assert found is not None
    assert torch.equal(found, torch.stack(expected, dim=1))
    images[1, 0, 3, 4, 6] = float("nan")
    found = patches.largest_of_tiles(images, cut, size)
    assert found is not None
    assert found.isnan().any()


def test_largest_magnitudes_are_found_in_patches_if_many_channels_are_in_two_tiles() -> None:
    cut = patches.Cut((3, 3), (1, 1), (1, 1))
    assert patches.largest_of_tiles(torch.randn(1, 1, 64, 5, 5), cut, 32) is None

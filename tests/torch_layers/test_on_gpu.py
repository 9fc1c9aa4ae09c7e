"""The same bytes on a GPU as on a CPU, and no waiting for each tile; where there is a GPU."""

import copy
import warnings

import pytest
import torch
from torch import nn

import rnscli
import rnscli.torch

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU here")


@pytest.mark.parametrize("granularity", ["vector", "tile", "channel", "tensor"])
@pytest.mark.parametrize("core", ["rns", "fixed-lp", "bit-sliced"])
def test_as_on_a_cpu(core: str, granularity: str) -> None:
    torch.manual_seed(0)
    flow = rnscli.Dataflow(rnscli.analog_core(core, bits=6, vector_size=32), granularity)
    for layer, shape in (
        (nn.Linear(100, 30), (50, 100)),
        (nn.Conv2d(8, 16, 3, padding=1), (3, 8, 12, 12)),
        (nn.Conv2d(8, 8, 3, groups=8), (3, 8, 12, 12)),
    ):
        model = rnscli.torch.convert(layer, flow)
        there = copy.deepcopy(model).cuda()
        x = torch.randn(shape)
        here = x.clone().requires_grad_()
        far = x.cuda().requires_grad_()
        found, expected = there(far), model(here)
        assert torch.equal(found.cpu(), expected)
        for result in (found, expected):
            result.square().sum().backward()
        torch.testing.assert_close(far.grad.cpu(), here.grad, rtol=1e-4, atol=1e-4)


def test_waits_do_not_grow_with_the_tiles() -> None:
    counts = []
    for size in (16, 256):
        core = rnscli.analog_core("rns", bits=6, vector_size=size)
        layer = rnscli.torch.convert(nn.Linear(1024, 64), core).cuda()
        x = torch.randn(32, 1024, device="cuda")
        with torch.no_grad():
            layer(x)
            torch.cuda.set_sync_debug_mode("warn")
            try:
                with warnings.catch_warnings(record=True) as seen:
                    warnings.simplefilter("always")
                    layer(x)
            finally:
                torch.cuda.set_sync_debug_mode("default")
        counts.append(len(seen))
    assert counts[0] == counts[1] <= 6

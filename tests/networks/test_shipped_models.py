"""The networks that are shipped, untrained."""

import inspect
from types import ModuleType

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from rnscli.networks.models import cnn, letters, residual_cnn, transformer
from rnscli.networks.models.transformer import SelfAttention
from rnscli.networks.shipped import DIGITS_NETWORKS, NETWORKS

MODULES = (cnn, letters, residual_cnn, transformer)


def bits(model: nn.Module) -> list[bytes]:
    return [tensor.numpy().tobytes() for tensor in model.state_dict().values()]


@pytest.mark.parametrize("name", DIGITS_NETWORKS)
def test_logits(name: str) -> None:
    model = NETWORKS[name].make().eval()
    images = torch.randn(5, 1, 8, 8, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        together, alone = model(images), model(images[3:4])
    assert together.shape == (5, 10)
    assert torch.allclose(together[3:4], alone, atol=1e-5)


@pytest.mark.parametrize("name", DIGITS_NETWORKS)
def test_some_dot_products_are_long(name: str) -> None:
    model = NETWORKS[name].make()
    kernels = [m for m in model.modules() if isinstance(m, nn.Linear | nn.Conv2d)]
    lengths = [kernel.weight[0].numel() for kernel in kernels]
    assert max(lengths) >= 256
    assert sum(length >= 64 for length in lengths) >= 2


@pytest.mark.parametrize("module", MODULES)
def test_weights_depend_on_the_seed_alone(module: ModuleType) -> None:
    torch.manual_seed(11)
    first = bits(module.make())
    drawn = torch.rand(3)
    torch.manual_seed(11)
    assert torch.equal(drawn, torch.rand(3))  # making a network has drawn nothing
    assert bits(module.make()) == bits(module.make(seed=0)) == first
    assert bits(module.make(seed=1)) != first


def test_attention_is_what_torch_has() -> None:
    torch.manual_seed(3)
    tokens = torch.randn(2, 5, 12)
    mine = SelfAttention(width=12, heads=3)
    theirs = nn.MultiheadAttention(12, 3, batch_first=True)
    parts = (mine.query, mine.key, mine.value)
    with torch.no_grad():
        theirs.in_proj_weight.copy_(torch.cat([part.weight for part in parts]))
        theirs.in_proj_bias.copy_(torch.cat([part.bias for part in parts]))
        theirs.out_proj.load_state_dict(mine.output.state_dict())
        expected: Tensor = theirs(tokens, tokens, tokens, need_weights=False)[0]
        assert torch.allclose(mine(tokens), expected, atol=1e-6)


def test_attention_is_written_out() -> None:
    """Its products are to be found by those who convert a network."""
    source = inspect.getsource(SelfAttention.forward)
    assert source.count("torch.matmul(") == 2
    model = NETWORKS["digits-transformer"].make()
    assert not any(isinstance(module, nn.MultiheadAttention) for module in model.modules())


def test_positions_count() -> None:
    model = transformer.make().eval()
    image = torch.from_numpy(np.random.default_rng(1).normal(size=(1, 1, 8, 8)).astype("f4"))
    with torch.no_grad():
        assert not torch.allclose(model(image), model(image.flip(2)))

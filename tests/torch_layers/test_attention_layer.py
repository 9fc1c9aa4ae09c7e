"""`AnalogMultiheadAttention` beside `torch.nn.MultiheadAttention`."""

import math
from typing import Any

import pytest
import torch
from comparison import COARSE, FINE, assert_near, assert_same_as_digital, normal
from torch import nn

import rnscli
from rnscli.torch import AnalogMultiheadAttention, conversion, convert, recording

HIDDEN = torch.tensor([[False] * 5 + [True], [False] * 4 + [True] * 2])
LATER = torch.ones(5, 6).triu(1).bool()
NONE_LATER = torch.zeros(5, 6).masked_fill(LATER, -math.inf)


def attention(**options: Any) -> nn.MultiheadAttention:
    torch.manual_seed(0)
    return nn.MultiheadAttention(8, 2, **options)


def sequences(batch_first: bool, key: int = 8, value: int = 8) -> list[torch.Tensor]:
    given = [normal(2, 5, 8), normal(2, 6, key, seed=1), normal(2, 6, value, seed=2)]
    return given if batch_first else [x.transpose(0, 1) for x in given]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"batch_first": True},
        {"bias": False},
        {"add_bias_kv": True},
        {"add_zero_attn": True},
        {"add_bias_kv": True, "add_zero_attn": True, "bias": False, "batch_first": True},
        {"kdim": 6, "vdim": 7},
        {"kdim": 6, "add_bias_kv": True, "batch_first": True},
    ],
    ids=lambda options: ",".join(options),
)
@pytest.mark.parametrize(
    "call",
    [
        {},
        {"need_weights": False},
        {"average_attn_weights": False},
        {"key_padding_mask": HIDDEN},
        {"attn_mask": LATER},
        {"attn_mask": NONE_LATER, "need_weights": False},
        {"attn_mask": LATER, "is_causal": True, "need_weights": False},
        {"attn_mask": LATER.expand(4, 5, 6), "key_padding_mask": HIDDEN},
        {"key_padding_mask": torch.zeros(2, 6).masked_fill(HIDDEN, -math.inf),
         "attn_mask": normal(5, 6)},
    ],
    ids=lambda call: ",".join(call),
)  # fmt: skip
def test_options(options: dict[str, Any], call: dict[str, Any]) -> None:
    if "is_causal" in call and ("add_bias_kv" in options or "add_zero_attn" in options):
        pytest.skip("PyTorch then masks what it has appended to the keys; here the mask holds")
    layer = attention(**options)
    given = sequences(
        options.get("batch_first", False), options.get("kdim", 8), options.get("vdim", 8)
    )
    # A gradient of some terms is zero but for rounding: that of the bias of the keys.
    assert_same_as_digital(layer, *given, **call, share=0.02)


@pytest.mark.parametrize("call", [{}, {"average_attn_weights": False}, {"need_weights": False}])
def test_one_sequence_without_a_batch(call: dict[str, Any]) -> None:
    given = normal(5, 8), normal(6, 8, seed=1), normal(6, 8, seed=2)
    assert_same_as_digital(attention(), *given, **call, share=0.02)
    masks = {"attn_mask": LATER.expand(2, 5, 6), "key_padding_mask": HIDDEN[1]}
    assert_same_as_digital(attention(), *given, **masks, **call, share=0.02)


@pytest.mark.parametrize("need_weights", [True, False])
def test_dropout(need_weights: bool) -> None:
    """The weights that are told are those that were used."""
    layer = attention(dropout=0.5, batch_first=True)
    analog = convert(layer, rnscli.analog_core("fixed-hp", bits=14))
    given = sequences(batch_first=True)
    found, expected = [], []
    for model, into in ((analog, found), (layer, expected)):
        torch.manual_seed(3)
        into.extend(model(*given, need_weights=True, average_attn_weights=False))
    # The same generator drops the same weights.
    assert_near(found[0], expected[0])
    assert_near(found[1], expected[1])
    assert bool((found[1] == 0).any())
    assert torch.equal(analog.eval()(*given)[0], analog(*given)[0])


def test_self_attention_without_gradients_does_not_take_the_fast_path() -> None:
    layer = attention(batch_first=True).eval()
    x = normal(2, 5, 8)
    analog = convert(layer, COARSE)
    with recording() as made, torch.no_grad():
        found, _ = analog(x, x, x, need_weights=False)
    layers = [kind.layer.rpartition(".")[2] for kind in made.kinds]
    assert layers == ["query", "key", "value", "scores", "context", "out_proj"]
    assert not torch.equal(found, layer(x, x, x, need_weights=False)[0])
    assert_near(convert(layer, FINE)(x, x, x)[0], layer(x, x, x)[0], share=0.02)


def test_a_query_that_may_look_at_nothing_gets_zero() -> None:
    layer = attention(batch_first=True, bias=False)
    hidden = torch.tensor([[False] * 6, [True] * 6])
    for need_weights in (True, False):
        found, _ = convert(layer, FINE)(
            *sequences(batch_first=True), key_padding_mask=hidden, need_weights=need_weights
        )
        assert not found[1].any()
        assert bool(found[0].all())


def test_a_causal_hint_without_its_mask_is_refused() -> None:
    for layer in (attention(), convert(attention(), FINE)):
        with pytest.raises(RuntimeError, match="attn_mask"):
            layer(*sequences(batch_first=False), is_causal=True)


def test_made_without_a_model() -> None:
    torch.manual_seed(0)
    layer = AnalogMultiheadAttention(8, 2, batch_first=True, core=FINE)
    given = sequences(batch_first=True)
    assert_near(layer(*given)[0], attention(batch_first=True)(*given)[0], share=0.02)
    assert layer.state_dict().keys() == attention().state_dict().keys()
    assert conversion(layer) == conversion(convert(attention(), FINE))
    assert "core=rns" in repr(layer)


def test_a_projection_that_is_excluded_stays_digital() -> None:
    layer = convert(attention(), COARSE, exclude=["out_proj"])
    with recording() as made:
        layer(*sequences(batch_first=False))
    assert not any("out_proj" in kind.layer for kind in made.kinds)
    assert conversion(layer).digital == (("out_proj", "NonDynamicallyQuantizableLinear"),)

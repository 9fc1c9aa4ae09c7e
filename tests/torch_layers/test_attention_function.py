"""`torch.nn.functional.scaled_dot_product_attention` in a forward."""

import math
from typing import Any

import pytest
import torch
from comparison import COARSE, FINE, Calls, assert_near, assert_same_as_digital, normal
from torch import Tensor
from torch.nn import functional

from rnscli.torch import convert, recording

QUERY, KEY, VALUE = normal(2, 4, 5, 8), normal(2, 4, 6, 8, seed=1), normal(2, 4, 6, 3, seed=2)
SEEN = normal(5, 6, seed=3) > -0.5
attention = functional.scaled_dot_product_attention


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"attn_mask": SEEN},
        {"attn_mask": SEEN.expand(2, 1, 5, 6)},
        {"attn_mask": normal(2, 4, 5, 6, seed=4)},
        {"attn_mask": torch.zeros(5, 6).masked_fill(~SEEN, -math.inf)},
        {"is_causal": True},
        {"scale": 0.1},
        {"dropout_p": 1.0},
    ],
    ids=lambda options: ",".join(options),
)
def test_options(options: dict[str, Any]) -> None:
    model = Calls(lambda *given: attention(*given, **options))
    if options.get("dropout_p") == 1:  # nothing is left that could be rounded
        assert not convert(model, FINE)(QUERY, KEY, VALUE).any()
    else:
        assert_same_as_digital(model, QUERY, KEY, VALUE)


@pytest.mark.parametrize("name", ["causal_lower_right", "causal_upper_left"])
@pytest.mark.parametrize("queries", [5, 6])
def test_a_causal_bias(name: str, queries: int) -> None:
    """A tensor by its class, which holds no mask."""
    from torch.nn.attention import bias  # a second of imports

    made = getattr(bias, name)
    model = Calls(lambda *given: attention(*given, attn_mask=made(queries, 6)))
    query = normal(2, 4, queries, 8)
    assert_same_as_digital(model, query, KEY, VALUE)
    with recording() as seen:
        convert(model, FINE)(query, KEY, VALUE)
    assert (len(seen.kinds), list(seen.unmapped)) == (2, [])


def test_a_mask_by_position() -> None:
    with recording() as made:
        convert(Calls(attention), FINE)(QUERY, KEY, VALUE, SEEN)
    assert not made.unmapped
    assert len(made.kinds) == 2


def test_dropout_drops_the_share_and_scales_the_rest() -> None:
    """What is left of 4800 equal weights: within 5 standard deviations, wrong once in 1.7e6."""
    model = convert(Calls(lambda q, k, v: attention(q, k, v, dropout_p=0.25)), FINE)
    torch.manual_seed(0)
    found = model(torch.zeros(1, 40, 8), torch.zeros(1, 120, 8), torch.eye(120).unsqueeze(0))
    kept = found > 0.5 / 120
    assert float(kept.float().mean()) == pytest.approx(0.75, abs=5 * math.sqrt(0.1875 / 4800))
    assert float(found[kept].mean()) == pytest.approx(1 / 120 / 0.75, rel=2e-3)


def test_grouped_queries() -> None:
    key, value = normal(2, 2, 6, 8), normal(2, 2, 6, 3)
    assert_same_as_digital(
        Calls(lambda *given: attention(*given, enable_gqa=True)), QUERY, key, value
    )


def test_without_a_stack() -> None:
    assert_same_as_digital(Calls(attention), normal(5, 8), normal(6, 8), normal(6, 3))
    assert_same_as_digital(Calls(attention), normal(3, 5, 8), normal(3, 6, 8), normal(3, 6, 3))


def test_a_query_that_may_look_at_nothing_gets_zero() -> None:
    seen = SEEN.clone()
    seen[2] = False
    model = Calls(lambda *given: attention(*given, attn_mask=seen))
    assert not convert(model, FINE)(QUERY, KEY, VALUE)[:, :, 2].any()
    assert_same_as_digital(model, QUERY, KEY, VALUE)  # gradients are no NaN, either


def test_two_masks_are_refused() -> None:
    def both(*given: Tensor) -> Tensor:
        return attention(*given, attn_mask=SEEN, is_causal=True)

    for model in (Calls(both), convert(Calls(both), FINE)):
        with pytest.raises(RuntimeError):
            model(QUERY, KEY, VALUE)


def test_both_products_are_computed_on_the_core() -> None:
    model = convert(Calls(attention), COARSE)
    query = QUERY.clone().requires_grad_()
    with recording() as made:
        model(query, KEY.clone().requires_grad_(), VALUE).sum().backward()
    told = [(kind.layer, kind.role, kind.rows, kind.k, kind.n) for kind in made.kinds]
    assert told == [
        ("Calls.scores", "forward", 5, 8, 6),
        ("Calls.context", "forward", 5, 6, 3),
        ("Calls.context", "input-gradient", 5, 3, 6),
        ("Calls.scores", "input-gradient", 5, 6, 8),
        ("Calls.scores", "weight-gradient", 8, 5, 6),
    ]
    assert {made.kinds[kind].matrices for kind in made.kinds} == {8}
    assert not any(kind.stationary for kind in made.kinds)


def test_types_stay() -> None:
    for dtype in (torch.float16, torch.bfloat16, torch.float64):
        found = convert(Calls(attention), FINE)(*(x.to(dtype) for x in (QUERY, KEY, VALUE)))
        assert found.dtype == dtype
        assert_near(found.float(), attention(QUERY, KEY, VALUE), share=2e-2)

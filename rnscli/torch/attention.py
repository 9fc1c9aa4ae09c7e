"""Attention on a core: scaled dot products, and `torch.nn.MultiheadAttention`."""

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from rnscli.core import Core
from rnscli.matrix import Dataflow
from rnscli.torch.layers import AnalogLayer, AnalogLinear, analog_linear, described, placed
from rnscli.torch.product import Place, placed_matmul


def analog_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
    *,
    place: Place,
) -> Tensor:
    """`torch.nn.functional.scaled_dot_product_attention` with both products on a core.

    As there, a query that may look at nothing gets 0.
    """
    if enable_gqa:
        repeats = query.shape[-3] // key.shape[-3]
        key = key.repeat_interleave(repeats, -3)
        value = value.repeat_interleave(repeats, -3)
    if is_causal:
        if attn_mask is not None:
            raise RuntimeError("is_causal makes a mask of its own; leave attn_mask out")
        shape = query.shape[-2], key.shape[-2]
        attn_mask = torch.ones(shape, dtype=torch.bool, device=query.device).tril()
    scale = 1 / math.sqrt(query.shape[-1]) if scale is None else scale
    weights = _weights(query, key, _additive(attn_mask, query, kept=True), scale, place)
    return _context(functional.dropout(weights, dropout_p), value, place)


def _weights(query: Tensor, key: Tensor, mask: Tensor | None, scale: float, place: Place) -> Tensor:
    scores = placed_matmul(query, key.transpose(-1, -2), _part(place, "scores")) * scale
    if mask is None:
        return functional.softmax(scores, dim=-1)
    scores = scores + mask
    # In this order, so that neither weights nor gradients of a masked row are NaN.
    nothing = (scores == -math.inf).all(-1, keepdim=True)
    return functional.softmax(scores.masked_fill(nothing, 0), dim=-1).masked_fill(nothing, 0)


def _context(weights: Tensor, value: Tensor, place: Place) -> Tensor:
    return placed_matmul(weights, value, _part(place, "context"))


def _part(place: Place, name: str) -> Place:
    return Place(place.flow, f"{place.layer}.{name}")


def _additive(mask: Tensor | None, like: Tensor, kept: bool) -> Tensor | None:
    """A mask as numbers to be added; where it is Boolean, ``kept`` is what stays."""
    if mask is None or mask.dtype != torch.bool:
        return mask
    dropped = ~mask if kept else mask
    zeros = torch.zeros(mask.shape, dtype=like.dtype, device=like.device)
    return zeros.masked_fill(dropped, -math.inf)


class AnalogMultiheadAttention(AnalogLayer, nn.MultiheadAttention):
    """`torch.nn.MultiheadAttention` with projections and both products of attention on a core.

    Parameters and ``state_dict`` are those of the original. A query that may look at nothing gets
    0, which the original only does without ``need_weights``.

    Parameters
    ----------
    *arguments, **options
        As of `torch.nn.MultiheadAttention`.
    core
        The core, or a `rnscli.Dataflow` on it.

    Examples
    --------
    >>> import rnscli
    >>> core = rnscli.analog_core("rns", bits=6)
    >>> layer = AnalogMultiheadAttention(8, 2, batch_first=True, core=core)
    >>> x = torch.ones(1, 3, 8)
    >>> [found.shape for found in layer(x, x, x)]
    [torch.Size([1, 3, 8]), torch.Size([1, 3, 3])]
    """

    def __init__(self, *arguments: Any, core: Core | Dataflow, **options: Any) -> None:
        """As `torch.nn.MultiheadAttention`."""
        super().__init__(*arguments, **options)
        self.place = placed(core, "attention")
        projection: nn.Module = self.out_proj
        projection.__class__ = AnalogLinear
        projection.place = _part(self.place, "out_proj")  # type: ignore[assignment]

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        key_padding_mask: Tensor | None = None,
        need_weights: bool = True,
        attn_mask: Tensor | None = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        """As the original."""
        if is_causal and attn_mask is None:
            raise RuntimeError("is_causal is a hint about attn_mask; give that, too")
        single = query.dim() == 2
        if single:
            query, key, value = (part.unsqueeze(0) for part in (query, key, value))
        elif not self.batch_first:
            query, key, value = (part.transpose(0, 1) for part in (query, key, value))
        query, key, value = self._projected(query, key, value)
        batch, length = query.shape[:2]
        mask = self._mask(attn_mask, key_padding_mask, query, key.shape[1])
        if self.bias_k is not None and self.bias_v is not None:
            key = torch.cat([key, self.bias_k.expand(batch, 1, -1)], 1)
            value = torch.cat([value, self.bias_v.expand(batch, 1, -1)], 1)
        query, key, value = (
            part.view(batch, -1, self.num_heads, self.head_dim).transpose(1, 2)
            for part in (query, key, value)
        )
        if self.add_zero_attn:
            key, value = (functional.pad(part, (0, 0, 0, 1)) for part in (key, value))
        if mask is not None:
            mask = functional.pad(mask, (0, key.shape[-2] - mask.shape[-1]))
        scale = 1 / math.sqrt(self.head_dim)
        weights = _weights(query, key, mask, scale, self.place)
        weights = functional.dropout(weights, self.dropout, self.training)
        context = _context(weights, value, self.place).transpose(1, 2)
        found = self.out_proj(context.reshape(batch, length, self.embed_dim))
        told = weights.mean(1) if average_attn_weights else weights
        if single:
            found, told = found.squeeze(0), told.squeeze(0)
        elif not self.batch_first:
            found = found.transpose(0, 1)
        return found, told if need_weights else None

    def _projected(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        if self.in_proj_weight is not None:
            weights: tuple[Tensor, ...] = self.in_proj_weight.chunk(3)
        else:
            weights = (self.q_proj_weight, self.k_proj_weight, self.v_proj_weight)
        biases = (None,) * 3 if self.in_proj_bias is None else self.in_proj_bias.chunk(3)
        return tuple(
            analog_linear(part, weight, bias, _part(self.place, name))
            for part, weight, bias, name in zip(
                inputs, weights, biases, ("query", "key", "value"), strict=True
            )
        )

    def _mask(
        self, attn_mask: Tensor | None, padding: Tensor | None, query: Tensor, keys: int
    ) -> Tensor | None:
        """Both masks as one of shape ``(batch or 1, heads or 1, length, keys)``."""
        mask = _additive(attn_mask, query, kept=False)
        if mask is not None and mask.dim() == 3:
            mask = mask.view(-1, self.num_heads, *mask.shape[1:])
        elif mask is not None:
            mask = mask.view(1, 1, *mask.shape)
        padded = _additive(padding, query, kept=False)
        if padded is None:
            return mask
        padded = padded.view(-1, 1, 1, keys)
        return padded if mask is None else mask + padded

    def extra_repr(self) -> str:
        """With the core."""
        return described(self.place)

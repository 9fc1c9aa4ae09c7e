"""The layers of PyTorch whose products are computed on a core, and what they have in common."""

import math
from collections.abc import Callable
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from rnscli.torch.compiling import apart
from rnscli.torch.interception import called
from rnscli.torch.mapped.convolution import convolve
from rnscli.torch.mapped.patches import Cut, Sizes, around, each, padded
from rnscli.torch.product import (
    CoreOrFlow,
    Place,
    check_plain,
    flow_of,
    placed_matmul,
    stored_matmul,
)


class AnalogLayer(nn.Module):
    """A layer whose products are computed at a place: a dataflow, and its name in records."""

    place: Place

    def extra_repr(self) -> str:
        core, own = self.place.flow.core, super().extra_repr()
        text = f"{own}, " if own else ""
        text += f"core={core.name}, vector_size={core.dot_product.vector_size}"
        if core.code is not None:
            text += f", moduli={core.code.moduli.moduli}"
            if core.code.moduli.redundant:
                text += f", redundant={core.code.moduli.redundant}"
        if core.noisy:
            text += f", noise={core.laws if len(set(core.laws)) > 1 else core.laws[0]}"
        return text


class AnalogConvolution(AnalogLayer):
    """A convolution, which has the arguments of that of PyTorch, and a core.

    Attributes
    ----------
    function
        The function of PyTorch that it is, and its name in records outside of a model.
    """

    function: ClassVar[str]

    def __init__(self, *arguments: Any, core: CoreOrFlow, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.place = Place(flow_of(core), self.function)


class AnalogLinear(AnalogLayer, nn.Linear):
    """A linear layer whose product is computed on a core; the bias is added in FP32.

    Parameters, ``state_dict`` and the random initialisation are those of `torch.nn.Linear`.

    Parameters
    ----------
    in_features, out_features, bias, device, dtype
        As of `torch.nn.Linear`.
    core
        The core, or a `rnscli.Dataflow` on it.

    Examples
    --------
    >>> import rnscli
    >>> layer = AnalogLinear(64, 10, core=rnscli.analog_core("rns", bits=6, vector_size=64))
    >>> layer(torch.ones(2, 64)).shape, sorted(layer.state_dict())
    (torch.Size([2, 10]), ['bias', 'weight'])
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        *,
        core: CoreOrFlow,
    ) -> None:
        super().__init__(in_features, out_features, bias, device, dtype)
        self.place = Place(flow_of(core), "linear")

    @apart
    def forward(self, input: Tensor) -> Tensor:
        found: Tensor = called(
            self.place, functional.linear, analog_linear, input, self.weight, self.bias
        )
        return found


# The functions below have the place first, as all that takes the place of a function of PyTorch.


def analog_linear(
    place: Place, input: Tensor, weight: Tensor, bias: Tensor | None = None
) -> Tensor:
    """`torch.nn.functional.linear` on a core."""
    if weight.dim() == 1:
        result = placed_matmul(input, weight, place)
    elif input.dim() == 1:
        result = stored_matmul(input.unsqueeze(0), weight.t(), place).squeeze(0)
    else:
        result = stored_matmul(input, weight.t(), place)
    return _biased(result, bias)


def _biased(result: Tensor, bias: Tensor | None) -> Tensor:
    """In the type of the product, which autocast may have chosen."""
    return result if bias is None else result + bias.to(result.dtype)


class AnalogConv2d(AnalogConvolution, nn.Conv2d):
    """A convolution whose product is computed on a core; the bias is added in FP32.

    Patches of the image become rows of inputs (im2col), with dot products over the input channels
    and the area of the kernel; each group is a separate product. Parameters and ``state_dict``
    are those of `torch.nn.Conv2d`.

    Parameters
    ----------
    *arguments, **options
        As of `torch.nn.Conv2d`.
    core
        The core, or a `rnscli.Dataflow` on it.

    Examples
    --------
    >>> import rnscli, torch
    >>> layer = AnalogConv2d(3, 8, 3, padding=1, core=rnscli.analog_core("rns", bits=6))
    >>> layer(torch.ones(2, 3, 5, 5)).shape, sorted(layer.state_dict())
    (torch.Size([2, 8, 5, 5]), ['bias', 'weight'])
    """

    function = "conv2d"

    @apart
    def forward(self, input: Tensor) -> Tensor:
        return convolved(self, input, torch.conv2d, analog_conv2d)


def convolved(
    layer: Any, input: Tensor, function: Callable[..., Any], analog: Callable[..., Any]
) -> Tensor:
    """What a layer of PyTorch makes of its input by a function, on the core."""
    # As PyTorch keeps the padding for modes other than zeros, and for the padding "same".
    border, mode = layer._reversed_padding_repeated_twice, layer.padding_mode
    images = padded(input, border, "constant" if mode == "zeros" else mode)
    operands = images, layer.weight, layer.bias, layer.stride, 0, layer.dilation, layer.groups
    found: Tensor = called(layer.place, function, analog, *operands)
    return found


def analog_conv2d(
    place: Place,
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Sizes = 1,
    padding: str | Sizes = 0,
    dilation: Sizes = 1,
    groups: int = 1,
) -> Tensor:
    """`torch.nn.functional.conv2d` on a core."""
    if input.dim() == 3:
        batch = input.unsqueeze(0)
        found = analog_conv2d(place, batch, weight, bias, stride, padding, dilation, groups)
        return found.squeeze(0)
    channels, kernel = weight.shape[1], (weight.shape[2], weight.shape[3])
    (down, right), (below, beside) = each(stride, 2), each(dilation, 2)
    cut = Cut(kernel, (down, right), (below, beside))
    input = padded(input, around(padding, kernel, cut.dilation))
    if input.dim() != 4 or input.shape[1] != channels * groups:
        raise RuntimeError(
            f"a convolution of {channels * groups} channels got an input of shape "
            f"{tuple(input.shape)}"
        )
    if min(cut.positions(input.shape[2:])) < 1:
        raise RuntimeError(
            f"a kernel of {tuple(kernel)} does not fit in padded images of {tuple(input.shape[2:])}"
        )
    result = convolve(place, input, weight, cut, groups)
    return _biased(result, None if bias is None else bias.view(-1, 1, 1))


def analog_attention(
    place: Place,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    """`torch.nn.functional.scaled_dot_product_attention` with both products on a core.

    As there, a query that may look at nothing gets 0.
    """
    if enable_gqa:
        repeats = query.shape[-3] // key.shape[-3]
        key = key.repeat_interleave(repeats, -3)
        value = value.repeat_interleave(repeats, -3)
    if is_causal and attn_mask is not None:
        raise RuntimeError("is_causal makes its own mask; leave attn_mask out")
    # That of a `CausalBias`, which holds no mask; its module takes a second to import.
    variant = getattr(attn_mask, "variant", None)
    if is_causal or variant is not None:
        queries, keys = query.shape[-2], key.shape[-2]
        last = keys - queries if variant is not None and variant.name == "LOWER_RIGHT" else 0
        every = torch.ones(queries, keys, dtype=torch.bool, device=query.device)
        attn_mask = every.tril(last)
    scale = 1 / math.sqrt(query.shape[-1]) if scale is None else scale
    weights = _weights(query, key, _additive(attn_mask, query, kept=True), scale, place)
    return placed_matmul(functional.dropout(weights, dropout_p), value, place.part("context"))


def _weights(query: Tensor, key: Tensor, mask: Tensor | None, scale: float, place: Place) -> Tensor:
    scores = placed_matmul(query, key.transpose(-1, -2), place.part("scores")) * scale
    if mask is None:
        return functional.softmax(scores, dim=-1)
    scores = scores + mask
    # In this order, so that neither weights nor gradients of a masked row are NaN.
    nothing = (scores == -math.inf).all(-1, keepdim=True)
    return functional.softmax(scores.masked_fill(nothing, 0), dim=-1).masked_fill(nothing, 0)


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

    def __init__(self, *arguments: Any, core: CoreOrFlow, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.place = Place(flow_of(core), "attention")
        projection: nn.Module = self.out_proj
        vars(projection)["plain"] = type(projection)  # what it is without a core
        projection.__class__ = AnalogLinear
        projection.place = self.place.part("out_proj")  # type: ignore[assignment]

    @apart
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
        if is_causal and attn_mask is None:
            raise RuntimeError("is_causal is a hint about attn_mask; give that, too")
        check_plain(self.place, query, key, value, key_padding_mask, attn_mask)
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
        context = placed_matmul(weights, value, self.place.part("context")).transpose(1, 2)
        found = self.out_proj(context.reshape(batch, length, self.embed_dim))
        shown_weights = weights.mean(1) if average_attn_weights else weights
        if single:
            found, shown_weights = found.squeeze(0), shown_weights.squeeze(0)
        elif not self.batch_first:
            found = found.transpose(0, 1)
        return found, shown_weights if need_weights else None

    def _projected(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        if self.in_proj_weight is not None:
            weights: tuple[Tensor, ...] = self.in_proj_weight.chunk(3)
        else:
            weights = (self.q_proj_weight, self.k_proj_weight, self.v_proj_weight)
        biases = (None,) * 3 if self.in_proj_bias is None else self.in_proj_bias.chunk(3)
        return tuple(
            analog_linear(self.place.part(name), part, weight, bias)
            for part, weight, bias, name in zip(
                inputs, weights, biases, ("query", "key", "value"), strict=True
            )
        )

    def _mask(
        self, attn_mask: Tensor | None, padding: Tensor | None, query: Tensor, keys: int
    ) -> Tensor | None:
        """Both masks as one of shape ``(batch or 1, heads or 1, length, keys)``."""
        mask = _additive(attn_mask, query, kept=False)
        if mask is not None:
            heads = (-1, self.num_heads) if mask.dim() == 3 else (1, 1)
            mask = mask.view(*heads, *mask.shape[-2:])
        padded = _additive(padding, query, kept=False)
        if padded is None:
            return mask
        padded = padded.view(-1, 1, 1, keys)
        return padded if mask is None else mask + padded

"""Operators of ATen that compute value by value, and those that only move values."""

import math
from collections.abc import Callable, Iterator
from typing import Any

from torch import Tensor

from rnscli.hardware.workloads.formats.vector_operators import (
    OF_INPUTS,
    OF_RESULTS,
    OF_WINDOWS,
    interpolating,
)
from rnscli.hardware.workloads.formats.windows import adaptive

# By the names that ONNX has for the same work.
_RESULTS = {
    "add": "Add", "sub": "Sub", "rsub": "Sub", "mul": "Mul", "div": "Div", "true_divide": "Div",
    "relu": "Relu", "relu6": "Relu", "hardtanh": "Clip", "clamp": "Clip", "clamp_min": "Clip",
    "clamp_max": "Clip", "threshold": "ThresholdedRelu", "maximum": "Max", "minimum": "Min",
    "leaky_relu": "LeakyRelu", "_prelu_kernel": "PRelu", "prelu": "PRelu", "elu": "Elu",
    "celu": "Celu", "selu": "Selu", "hardswish": "HardSwish", "hardsigmoid": "HardSigmoid",
    "sigmoid": "Sigmoid", "tanh": "Tanh", "silu": "Swish", "gelu": "Gelu", "mish": "Mish",
    "softplus": "Softplus", "exp": "Exp", "exp2": "Exp", "expm1": "Exp", "log": "Log",
    "log2": "Log", "log1p": "Log", "erf": "Erf", "sqrt": "Sqrt", "rsqrt": "Sqrt",
    "reciprocal": "Reciprocal", "sin": "Sin", "cos": "Cos", "abs": "Abs", "neg": "Neg",
    "sign": "Sign", "where": "Where", "eq": "Equal", "ne": "Equal", "gt": "Greater",
    "ge": "GreaterOrEqual", "lt": "Less", "le": "LessOrEqual", "logical_not": "Not",
    "logical_and": "And", "logical_or": "Or", "logical_xor": "Xor", "bitwise_not": "Not",
    "bitwise_and": "And", "bitwise_or": "Or", "floor": "Floor", "ceil": "Ceil", "round": "Round",
    "isnan": "IsNaN", "isinf": "IsInf", "remainder": "Mod", "fmod": "Mod", "masked_fill": "Where",
    "embedding": "Gather", "index_select": "Gather", "gather": "GatherElements",
    "index": "GatherND", "_unsafe_index": "GatherND", "scatter": "ScatterElements",
    "index_put": "ScatterND", "index_copy": "ScatterND", "scatter_add": "Add", "index_add": "Add",
    "cumsum": "CumSum", "grid_sampler_2d": "GridSample", "grid_sampler_3d": "GridSample",
}  # fmt: skip
_INPUTS = {
    "_softmax": "Softmax", "_safe_softmax": "Softmax", "_log_softmax": "LogSoftmax",
    "native_layer_norm": "LayerNormalization", "native_group_norm": "GroupNormalization",
    "_fused_rms_norm": "RMSNormalization", "mean": "ReduceMean", "sum": "ReduceSum",
    "amax": "ReduceMax", "amin": "ReduceMin", "max": "ReduceMax", "min": "ReduceMin",
    "prod": "ReduceProd", "argmax": "ArgMax", "argmin": "ArgMin", "var": "ReduceSumSquare",
    "var_mean": "ReduceSumSquare", "std": "ReduceSumSquare", "linalg_vector_norm": "ReduceL2",
    "norm": "ReduceL2", "logsumexp": "ReduceLogSumExp", "any": "ReduceMax", "all": "ReduceMin",
    "adaptive_max_pool2d": "GlobalMaxPool",
}  # fmt: skip
_WINDOWS = {
    "max_pool1d_with_indices": "MaxPool", "max_pool2d_with_indices": "MaxPool",
    "max_pool3d_with_indices": "MaxPool", "max_pool2d": "MaxPool", "max_pool3d": "MaxPool",
    "avg_pool1d": "AveragePool", "avg_pool2d": "AveragePool", "avg_pool3d": "AveragePool",
}  # fmt: skip
_ADAPTIVE = ("_adaptive_avg_pool2d", "_adaptive_avg_pool3d", "adaptive_avg_pool1d")
_NEAREST = ("upsample_nearest", "_upsample_nearest_exact")
NORMALISING = (
    "native_batch_norm", "_native_batch_norm_legit_no_training", "_native_batch_norm_legit",
    "cudnn_batch_norm", "batch_norm", "_batch_norm_no_update",
)  # fmt: skip
# What multiplies, or adds to, the sums of a product as they are scaled back.
SCALING = ("add", "sub", "mul", "div", *NORMALISING)

# What is no view, and computes nothing either.
MOVING = frozenset(
    (
        "_unsafe_view", "_reshape_copy", "clone", "copy", "_to_copy", "contiguous", "cat", "stack",
        "repeat", "repeat_interleave", "constant_pad_nd", "reflection_pad1d", "reflection_pad2d",
        "replication_pad2d", "pixel_shuffle", "pixel_unshuffle", "channel_shuffle", "roll",
        "flip", "unsafe_split", "unsafe_chunk", "split_with_sizes_copy", "empty_like",
        "zeros_like", "ones_like", "full_like", "new_zeros", "new_ones", "new_empty", "new_full",
        "new_empty_strided", "fill", "zero", "native_dropout", "tril", "triu", "slice_scatter",
        "select_scatter", "lift_fresh", "lift_fresh_copy", "_reshape_alias", "im2col",
        "_assert_async", "_assert_tensor_metadata", "_local_scalar_dense", "bernoulli",
        "resize", "set", "one_hot", "expand_copy", "permute_copy", "native_channel_shuffle",
        "_fused_sdp_choice", "_nested_tensor_from_mask_left_aligned", "scalar_tensor",
    )
)  # fmt: skip


def work_of(name: str, args: tuple[Any, ...], result: Tensor) -> Iterator[tuple[str, int]] | None:
    """Kinds of work of an operator, each with the number of its elements.

    None for operators that are not known.
    """
    found = _counted(name, args, result)
    if found is None:
        return None
    kinds, elements = found
    return ((kind, elements) for kind in kinds)


def _counted(
    name: str, args: tuple[Any, ...], result: Tensor
) -> tuple[tuple[str, ...], int] | None:
    given = args[0] if args and isinstance(args[0], Tensor) else result
    if name == "div" and len(args) > 1 and not isinstance(args[1], Tensor):
        return ("multiply",), result.numel()  # by a number that is known
    if name in _RESULTS:
        return OF_RESULTS[_RESULTS[name]], result.numel()
    if name in ("max", "min") and len(args) > 1 and isinstance(args[1], Tensor):
        return OF_RESULTS["Max"], result.numel()
    if name in _INPUTS:
        return OF_INPUTS[_INPUTS[name]], given.numel()
    if name in _WINDOWS:
        axes = int(next(one for one in name if one.isdigit()))
        kernel = args[1] if isinstance(args[1], list | tuple) else [args[1]]
        taps = math.prod(kernel) if len(kernel) > 1 else kernel[0] ** axes
        return OF_WINDOWS[_WINDOWS[name]], result.numel() * taps
    if name in _ADAPTIVE:
        axes = 1 if name.endswith("1d") else int(name[-2])
        sizes = zip(given.shape[-axes:], result.shape[-axes:], strict=True)
        values = math.prod(adaptive(size, outputs) for size, outputs in sizes)
        return OF_WINDOWS["AveragePool"], values * math.prod(result.shape[:-axes])
    if name.startswith(_NEAREST):
        return (), 0
    if "upsample_" in name:
        mode = "cubic" if "bicubic" in name else "linear"
        return tuple(interpolating(mode)), result.numel()
    if name in NORMALISING:
        return OF_RESULTS["BatchNormalization"], result.numel()
    special = _SPECIAL.get(name)
    return None if special is None else special(args, given, result)


def _power(args: Any, given: Tensor, result: Tensor) -> tuple[tuple[str, ...], int]:
    exponent = args[1] if len(args) > 1 else None
    if isinstance(exponent, int | float) and float(exponent).is_integer() and 0 < exponent <= 8:
        return ("multiply",) * int(exponent - 1), result.numel()
    if isinstance(exponent, int | float) and exponent in (0.5, -0.5):  # a tensor may be any
        return ("root",), result.numel()
    return ("logarithm", "multiply", "exp"), result.numel()


def _sorted(args: Any, given: Tensor, result: Tensor) -> tuple[tuple[str, ...], int]:
    """As many comparisons as a sort by merging takes."""
    return ("compare",), given.numel() * max(
        1, given.shape[-1] - 1 if given.dim() else 0
    ).bit_length()


def _multiplied_added(args: Any, given: Tensor, result: Tensor) -> tuple[tuple[str, ...], int]:
    return ("multiply", "add"), result.numel()


def _halved(args: Any, given: Tensor, result: Tensor) -> tuple[tuple[str, ...], int]:
    """A gate: one half times the sigmoid of the other."""
    return ("sigmoid", "multiply"), result.numel()


_SPECIAL: dict[str, Callable[[Any, Tensor, Tensor], tuple[tuple[str, ...], int]]] = {
    "pow": _power,
    "square": lambda args, given, result: (("multiply",), result.numel()),
    "topk": _sorted,
    "sort": _sorted,
    "addcmul": _multiplied_added,
    "addcdiv": lambda args, given, result: (("divide", "multiply", "add"), result.numel()),
    "lerp": _multiplied_added,
    "glu": _halved,
    "hypot": lambda args, given, result: (("multiply", "multiply", "add", "root"), result.numel()),
}

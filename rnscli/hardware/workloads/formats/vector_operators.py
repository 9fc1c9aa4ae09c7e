"""What operators compute value by value, in the names that ONNX has for them."""

from collections.abc import Iterable

_RELU = ("relu",)
_COMPARE = ("compare",)

# Kinds of `VectorWork` for each value of the result.
OF_RESULTS: dict[str, tuple[str, ...]] = {
    "Add": ("add",), "Sub": ("add",), "Mul": ("multiply",), "Div": ("divide",),
    "Relu": _RELU, "Clip": _RELU, "ThresholdedRelu": _RELU, "Max": _RELU, "Min": _RELU,
    "LeakyRelu": ("relu", "multiply"), "PRelu": ("relu", "multiply"),
    "Elu": ("exp", "relu", "multiply"), "Celu": ("exp", "relu", "multiply"),
    "Selu": ("exp", "relu", "multiply"), "HardSwish": ("hard-swish",),
    "HardSigmoid": ("add", "relu", "multiply"), "Sigmoid": ("sigmoid",), "Tanh": ("sigmoid",),
    "Swish": ("silu",), "Gelu": ("gelu",), "QuickGelu": ("silu", "multiply"),
    "FastGelu": ("gelu",), "BiasGelu": ("gelu", "add"),
    "Mish": ("exp", "logarithm", "sigmoid", "multiply"), "Softplus": ("exp", "logarithm"),
    "Softsign": ("compare", "add", "divide"), "Exp": ("exp",), "Log": ("logarithm",),
    "Erf": ("erf",), "Sqrt": ("root",), "Reciprocal": ("divide",),
    "Sin": ("sine",), "Cos": ("sine",), "Abs": _COMPARE, "Neg": _COMPARE,
    "Sign": _COMPARE, "Where": _COMPARE, "Equal": _COMPARE, "Greater": _COMPARE,
    "GreaterOrEqual": _COMPARE, "Less": _COMPARE, "LessOrEqual": _COMPARE, "Not": _COMPARE,
    "And": _COMPARE, "Or": _COMPARE, "Xor": _COMPARE, "Floor": _COMPARE, "Ceil": _COMPARE,
    "Round": _COMPARE, "IsNaN": _COMPARE, "IsInf": _COMPARE, "Mod": ("divide",),
    "BatchNormalization": ("batch-norm",), "Gather": ("gather",), "GatherElements": ("gather",),
    "GatherND": ("gather",), "ScatterElements": ("gather",), "ScatterND": ("gather",),
    "QuantizeLinear": ("multiply", "compare"), "DequantizeLinear": ("multiply",),
    "DynamicQuantizeLinear": ("multiply", "compare", "compare"), "CumSum": ("add",),
    "GridSample": ("sample",), "RotaryEmbedding": ("rotate",),
}  # fmt: skip

# And for each value of what is read.
OF_INPUTS: dict[str, tuple[str, ...]] = {
    "Softmax": ("softmax",), "LogSoftmax": ("softmax",), "LayerNormalization": ("layer-norm",),
    "GroupNormalization": ("layer-norm",), "InstanceNormalization": ("layer-norm",),
    "MeanVarianceNormalization": ("layer-norm",), "SkipLayerNormalization": ("layer-norm", "add"),
    "RMSNormalization": ("rms-norm",), "SimplifiedLayerNormalization": ("rms-norm",),
    "SkipSimplifiedLayerNormalization": ("rms-norm", "add"),
    "LpNormalization": ("rms-norm",), "LRN": ("rms-norm",),
    "ReduceMean": ("average-pool",), "ReduceSum": ("add",), "ReduceMax": ("max-pool",),
    "ReduceMin": ("max-pool",), "ReduceProd": ("multiply",), "ArgMax": ("max-pool",),
    "ArgMin": ("max-pool",), "ReduceL2": ("multiply", "add"), "ReduceL1": ("compare", "add"),
    "ReduceSumSquare": ("multiply", "add"), "ReduceLogSumExp": ("exp", "add"),
    "GlobalAveragePool": ("average-pool",), "GlobalMaxPool": ("max-pool",),
    "Hardmax": ("max-pool",),
}  # fmt: skip

# And for each value of all windows.
OF_WINDOWS: dict[str, tuple[str, ...]] = {
    "MaxPool": ("max-pool",), "AveragePool": ("average-pool",),
    "LpPool": ("multiply", "average-pool"),
}  # fmt: skip

# What only moves, names or makes values.
MOVING = frozenset(
    (
        "Reshape", "Transpose", "Squeeze", "Unsqueeze", "Flatten", "Concat", "Split", "Slice",
        "Identity", "Cast", "CastLike", "Shape", "Size", "Constant", "ConstantOfShape", "Expand",
        "Tile", "Pad", "Dropout", "Range", "DepthToSpace", "SpaceToDepth", "EyeLike", "OneHot",
        "Trilu", "ReverseSequence", "Compress", "NonZero", "BitShift",
    )
)  # fmt: skip


def interpolating(mode: str) -> Iterable[str]:
    """Kinds of a change of size; the nearest value is only moved."""
    # Four neighbours are weighted once; a cubic has four times four.
    return {"nearest": (), "linear": ("interpolate",), "cubic": ("interpolate",) * 4}[mode]

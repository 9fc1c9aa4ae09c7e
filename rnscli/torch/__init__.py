"""PyTorch models on analog cores; needs the extra ``rnscli[torch]``.

* `convert`, `conversion`: a model on a core, and which of its layers are;
* `AnalogLinear`, `AnalogConv2d`, `AnalogMultiheadAttention`: its layers;
* `analog_matmul`: one product;
* `recording`: what a model computed.
"""

from rnscli.base import InputError

try:
    import torch as _  # noqa: F401
except ImportError:
    raise InputError(
        "rnscli.torch needs PyTorch; install it with: pip install 'rnscli[torch]'"
    ) from None

from rnscli.torch.convert import Conversion, conversion, convert
from rnscli.torch.layers import AnalogConv2d, AnalogLinear, AnalogMultiheadAttention
from rnscli.torch.product import Place, analog_matmul
from rnscli.torch.record import ProductKind, Recorded, Recording, recording

__all__ = [
    "AnalogConv2d",
    "AnalogLinear",
    "AnalogMultiheadAttention",
    "Conversion",
    "Place",
    "ProductKind",
    "Recorded",
    "Recording",
    "analog_matmul",
    "conversion",
    "convert",
    "recording",
]

"""PyTorch models on analog cores; needs the extra ``rnscli[torch]``.

* `convert`, `conversion`: a model on a core, and which of its layers are;
* `AnalogLinear`, `AnalogConv2d`, `AnalogMultiheadAttention`: its layers;
* `calibrate`, `calibration`, `apply_calibration`: ranges and scales that it needs to know before;
* `analog_matmul`: one product;
* `agreement`: how far a converted model is from FP32, layer by layer;
* `recording`: what a model computed;
* `traced_workload`, `exported_workload`: what any model, or an exported program, would compute.
"""

from rnscli._facade import facade
from rnscli.base import InputError, install_command

try:
    import torch as _  # noqa: F401
except ImportError:
    raise InputError(
        f"rnscli.torch needs PyTorch; install it with: {install_command('rnscli[torch]')}"
    ) from None

__getattr__, __dir__ = facade(__name__, __file__)

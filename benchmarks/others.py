"""Layers, and a matrix product, beside fake quantisation and other simulators, on one thread.

    python -m benchmarks.others

CrossSim (https://github.com/sandialabs/cross-sim, no package of PyPI) is measured where its module
``simulator`` can be imported, such as with a clone on PYTHONPATH; AIHWKit where it is installed
(``pip install --no-deps aihwkit``). Of what is not there is said so. All operands have 8 bits, an
array 128 rows, and ADCs 8 bits; what a simulator gives is compared with FP32 first, as a time of
something else would be none.
"""

import contextlib
import copy
import importlib.util
import io
import json
import math
import os
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

import rnscli
import rnscli.torch
from benchmarks.measure import Record, best_of

BITS, ROWS = 8, 128
REPETITIONS = 5
LEAST_DB = 15.0  # that a simulator has with 8 bits if it computes the layer
Measured = list[tuple[str, float, str]]


class BertLayer(nn.Module):
    """A layer of BERT-large (arXiv:1810.04805) with six linear layers, which all tools convert."""

    def __init__(self, width: int = 1024, heads: int = 16, hidden: int = 4096) -> None:
        super().__init__()
        self.heads = heads
        self.q, self.k, self.v, self.o = (nn.Linear(width, width) for _ in range(4))
        self.up, self.down = nn.Linear(width, hidden), nn.Linear(hidden, width)
        self.first, self.second = nn.LayerNorm(width), nn.LayerNorm(width)

    def forward(self, x: Tensor) -> Tensor:
        parts = [one(x).unflatten(-1, (self.heads, -1)).transpose(1, 2)
                 for one in (self.q, self.k, self.v)]  # fmt: skip
        seen = nn.functional.scaled_dot_product_attention(*parts).transpose(1, 2).flatten(2)
        x = self.first(x + self.o(seen))
        found: Tensor = self.second(x + self.down(nn.functional.gelu(self.up(x))))
        return found


LAYERS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "3x3 convolution 256-256, 14 x 14, batch 8":
        (lambda: nn.Conv2d(256, 256, 3, padding=1, bias=False), (8, 256, 14, 14)),
    "3x3 convolution 64-64, 56 x 56, batch 8":
        (lambda: nn.Conv2d(64, 64, 3, padding=1, bias=False), (8, 64, 56, 56)),
    "BERT-large layer, batch 8, 128 tokens": (BertLayer, (8, 128, 1024)),
}  # fmt: skip


def _products(model: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    for name, one in model.named_modules():
        if isinstance(one, nn.Linear | nn.Conv2d):
            yield name, one


def fake_quantised(model: nn.Module, x: Tensor) -> nn.Module:
    """Operands rounded by PyTorch's own functions, products in FP32: weights once and for all, a
    scale for each output; inputs in every call, one scale."""
    largest = 2 ** (BITS - 1) - 1
    found = copy.deepcopy(model)
    zero = torch.zeros(1, dtype=torch.int32)

    def rounded(module: nn.Module, given: tuple[Tensor, ...]) -> tuple[Tensor]:
        scale = given[0].abs().max()[None] / largest
        return (torch.fake_quantize_per_tensor_affine(given[0], scale, zero, -largest, largest),)

    for _, one in _products(found):
        weight = one.get_parameter("weight")
        scales = weight.detach().flatten(1).abs().amax(1) / largest
        zeros = torch.zeros(len(scales), dtype=torch.int32)
        with torch.no_grad():
            weight.copy_(
                torch.fake_quantize_per_channel_affine(weight, scales, zeros, 0, -largest, largest)
            )
        one.register_forward_pre_hook(rounded)
    return found


def cross_sim(model: nn.Module, x: Tensor) -> nn.Module:
    """CrossSim with balanced cells without errors; ADCs have the range of four deviations."""
    from simulator import CrossSimParameters  # type: ignore[import-not-found]
    from simulator.algorithms.dnn.torch.convert import from_torch  # type: ignore[import-not-found]

    inputs: dict[str, Tensor] = {}
    hooks = [
        one.register_forward_pre_hook(lambda _, given, name=name: inputs.update({name: given[0]}))
        for name, one in _products(model)
    ]
    model(x)
    for hook in hooks:
        hook.remove()
    every = []
    for name, one in _products(model):
        weight, given = one.get_parameter("weight"), inputs[name]
        most = float(given.abs().max())
        shares = given.square().mean().sqrt() / most * weight.square().mean().sqrt()
        most_sum = 4 * float(shares / weight.abs().max()) * math.sqrt(ROWS)
        every.append(_cross_sim_parameters(CrossSimParameters, most, most_sum))
    found: nn.Module = from_torch(model, every if list(model.children()) else every[0])
    return found


def _cross_sim_parameters(kind: Any, most: float, most_sum: float, bits: int = BITS) -> Any:
    found = kind()
    found.core.rows_max, found.core.weight_bits = ROWS, bits
    found.core.mapping.inputs.mvm.min, found.core.mapping.inputs.mvm.max = -most, most
    found.xbar.dac.mvm.model, found.xbar.dac.mvm.bits = "SignMagnitudeDAC", bits
    found.xbar.adc.mvm.model, found.xbar.adc.mvm.bits = "SignMagnitudeADC", bits
    found.xbar.adc.mvm.calibrated_range = [-most_sum, most_sum]
    return found


def aihwkit(model: nn.Module, x: Tensor) -> nn.Module:
    """AIHWKit, its tiles in PyTorch and as its preset has them, but for noise.

    Its tiles in C++ need the PyTorch that it was built for. With the noise of the preset outputs
    are 3 to 9 dB from FP32; it is left out, as the other tools have none.
    """
    from aihwkit.nn.conversion import convert_to_analog  # type: ignore[import-not-found]
    from aihwkit.simulator.configs import (  # type: ignore[import-not-found]
        TorchInferenceRPUConfig,
    )

    settings = TorchInferenceRPUConfig()
    settings.mapping.max_input_size = settings.mapping.max_output_size = ROWS
    settings.mapping.weight_scaling_omega = 1.0
    settings.forward.inp_res = settings.forward.out_res = 1 / (2**BITS - 2)
    settings.forward.out_noise = 0.0
    found: nn.Module = convert_to_analog(model, settings)
    return found


def residues(granularity: str) -> Callable[[nn.Module, Tensor], nn.Module]:
    def made(model: nn.Module, x: Tensor) -> nn.Module:
        core = rnscli.analog_core("rns", bits=BITS, vector_size=ROWS)
        return rnscli.torch.convert(model, rnscli.Dataflow(core, granularity))

    return made


def conventional(model: nn.Module, x: Tensor) -> nn.Module:
    """The core that the others simulate: an ADC reads every sum of 128 rows."""
    core = rnscli.analog_core("fixed-lp", bits=BITS, vector_size=ROWS, adc_range="calibrated")
    found = rnscli.torch.convert(model, rnscli.Dataflow(core, "channel"))
    rnscli.torch.calibrate(found, [x])
    return found


# Name, the module that it needs, and what makes the layer.
TOOLS: tuple[tuple[str, str, Callable[[nn.Module, Tensor], nn.Module]], ...] = (
    ("rns, a scale by vector", "rnscli", residues("vector")),
    ("rns, a scale by channel", "rnscli", residues("channel")),
    ("rns, a scale by tensor", "rnscli", residues("tensor")),
    ("fixed-lp, calibrated, by channel", "rnscli", conventional),
    ("fake quantisation of PyTorch", "torch", fake_quantised),
    ("CrossSim", "simulator", cross_sim),
    ("AIHWKit", "aihwkit", aihwkit),
)


def _is_there(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


def _check(what: str, right: Tensor, found: Tensor) -> float:
    """SNR in dB of what a tool gives, which is refused where it cannot be the layer."""
    decibels = float(10 * torch.log10(right.square().sum() / (found - right).square().sum()))
    if not decibels >= LEAST_DB:
        raise RuntimeError(f"{what} is {decibels:.1f} dB from FP32")
    return decibels


def layers() -> Measured:
    """Times of inference over that of FP32."""
    found: Measured = []
    for what, (make, shape) in LAYERS.items():
        torch.manual_seed(0)
        model, x = make().eval().requires_grad_(False), torch.randn(*shape)
        right = model(x)
        made = {"FP32": model}
        for name, module, tool in TOOLS:
            if not _is_there(module):
                continue
            with contextlib.redirect_stdout(io.StringIO()):
                one = tool(model, x).eval()
            decibels = _check(f"{name}, {what},", right, one(x))
            made[f"{name} ({decibels:.0f} dB)"] = one
        calls = [lambda one=one, x=x: one(x) for one in made.values()]
        fp32, *others = best_of(REPETITIONS, *calls, clock=time.process_time)
        found.append((f"{what}: FP32", fp32 * 1e3, "ms"))
        found += [
            (f"  {name}", seconds / fp32, "x")
            for name, seconds in zip([*made][1:], others, strict=True)
        ]
    return found


def matrix() -> Measured:
    """A 6-bit core of 128 x 128 on 4096 vectors, in NumPy, over NumPy's product in FP32."""
    random = np.random.default_rng(0)
    x = random.standard_normal((4096, ROWS)).astype(np.float32)
    w = random.standard_normal((ROWS, ROWS)).astype(np.float32)
    rns = rnscli.analog_core("rns", bits=6)
    conventional = rnscli.analog_core("fixed-lp", bits=6, adc_range="1/16")
    flows = {
        "rns, homomorphic, a scale by vector": rnscli.Dataflow(rns),
        "rns, homomorphic, a scale by tensor": rnscli.Dataflow(rns, "tensor"),
        "rns, by channel, four moduli": rnscli.Dataflow(rns, path="channels"),
        "fixed-lp, 1/16 of the range, a scale by vector": rnscli.Dataflow(conventional),
        "fixed-lp, 1/16 of the range, a scale by tensor": rnscli.Dataflow(conventional, "tensor"),
    }
    matrices: dict[str, Any] = {name: rnscli.AnalogMatrix(w, flow) for name, flow in flows.items()}
    if _is_there("simulator"):
        from simulator import AnalogCore, CrossSimParameters

        most = float(np.abs(x).max())
        most_sum = 4 * math.sqrt(ROWS) / most / float(np.abs(w).max())
        settings = _cross_sim_parameters(CrossSimParameters, most, most_sum, bits=6)
        matrices["CrossSim, one conventional core"] = AnalogCore(w, settings)
    right = torch.from_numpy(x @ w)
    for name, one in matrices.items():
        _check(name, right, torch.from_numpy(np.asarray(x @ one, dtype=np.float32)))
    calls = [lambda one=one: x @ one for one in (w, *matrices.values())]
    fp32, *others = best_of(2 * REPETITIONS, *calls, clock=time.process_time)
    found = [("matrix product, 128 x 128 times 4096: NumPy, FP32", fp32 * 1e3, "ms")]
    return found + [
        (f"  {name}", seconds / fp32, "x") for name, seconds in zip(matrices, others, strict=True)
    ]


def speed(record: Record) -> None:
    """Everything, in a process of its own: BLAS counts its threads when it is loaded."""
    for name, module, _ in TOOLS:
        if not _is_there(module):
            print(f"{name} is not installed: not measured")
    one = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL", "VECLIB")}
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.others", "--json"],
        env={**os.environ, **one},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    for what, value, unit in json.loads(done.stdout.splitlines()[-1]):
        record.add(what, value, unit)


if __name__ == "__main__":
    if "--json" in sys.argv:
        warnings.simplefilter("ignore")
        torch.set_num_threads(1)
        with torch.no_grad():
            print(json.dumps([*matrix(), *layers()]))
    else:
        speed(Record())

"""Layers and a network of usual sizes on a core against FP32, on one thread.

Times are those of the processor for this process, so that neighbours on a shared machine do not
count; ratios are of functions that take turns.
"""

import time
from collections.abc import Callable

import torch
from torch import Tensor, nn

import rnscli
import rnscli.torch
from benchmarks.measure import Record, best_of
from rnscli.networks.evaluation import one_thread

REPETITIONS = 7
GRANULARITIES = ("vector", "channel", "tensor")


class Bottleneck(nn.Module):
    """The residual block of ResNet-50 (He et al., arXiv:1512.03385, figure 5 right)."""

    def __init__(self, inputs: int, width: int, stride: int) -> None:
        super().__init__()
        outputs = 4 * width
        self.layers = nn.Sequential(
            nn.Conv2d(inputs, width, 1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.Conv2d(width, width, 3, stride, 1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.Conv2d(width, outputs, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        self.shortcut: nn.Module = nn.Identity()
        if stride > 1 or inputs != outputs:
            self.shortcut = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
            )

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = torch.relu(self.layers(x) + self.shortcut(x))
        return found


def resnet50() -> nn.Module:
    """ResNet-50 with random weights (the same, table 1)."""
    layers: list[nn.Module] = [
        nn.Conv2d(3, 64, 7, 2, 3, bias=False),
        nn.BatchNorm2d(64),
        nn.ReLU(),
        nn.MaxPool2d(3, 2, 1),
    ]
    inputs = 64
    for width, blocks, stride in ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2)):
        for index in range(blocks):
            layers.append(Bottleneck(inputs, width, stride if index == 0 else 1))
            inputs = 4 * width
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inputs, 1000))


def _convolution(channels: int) -> nn.Module:
    return nn.Conv2d(channels, channels, 3, padding=1, bias=False)


# Name, what makes it, its input, and the goal of each granularity.
INFERENCE: tuple[tuple[str, Callable[[], nn.Module], tuple[int, ...], tuple[float, ...]], ...] = (
    ("3x3 convolution 256-256, 14 x 14, batch 8", lambda: _convolution(256), (8, 256, 14, 14),
     (2.5, 1.8, 1.8)),
    ("3x3 convolution 64-64, 56 x 56, batch 8", lambda: _convolution(64), (8, 64, 56, 56),
     (2.5, 1.8, 1.8)),
    ("3x3 depthwise convolution 256, 14 x 14, batch 8",
     lambda: nn.Conv2d(256, 256, 3, padding=1, groups=256, bias=False), (8, 256, 14, 14), ()),
    ("ResNet-50, 224 x 224, batch 4", resnet50, (4, 3, 224, 224), (2.0, 2.0, 2.0)),
    ("linear 4096-4096, batch 1", lambda: nn.Linear(4096, 4096), (1, 4096), (3.0, 3.0, 3.0)),
    ("BERT-large layer, batch 8, 128 tokens",
     lambda: nn.TransformerEncoderLayer(1024, 16, 4096, batch_first=True, activation="gelu"),
     (8, 128, 1024), (1.7, 1.7, 1.7)),
)  # fmt: skip


def inference(record: Record) -> None:
    """Time over FP32 of layers with 8 bits, by what shares a scale."""
    for name, make, shape, goals in INFERENCE:
        torch.manual_seed(0)
        x = torch.randn(*shape)
        model = make().eval()
        flows = [rnscli.Dataflow(rnscli.analog_core("rns", bits=8), one) for one in GRANULARITIES]
        models = [model, *(rnscli.torch.convert(model, flow) for flow in flows)]
        with one_thread(), torch.no_grad():
            fp32, *others = best_of(
                REPETITIONS, *(_call(one, x) for one in models), clock=time.process_time
            )
        record.add(f"{name}: FP32", fp32 * 1e3, "ms")
        for index, (granularity, seconds) in enumerate(zip(GRANULARITIES, others, strict=True)):
            goal = f"<= {goals[index]}" if goals else ""
            record.add(f"  rns, b=8, a scale by {granularity}", seconds / fp32, "x", goal)


def training(record: Record) -> None:
    """Time over FP32 of a step, forward and backward, of the convolutions."""
    for name, make, shape, _ in INFERENCE[:2]:
        torch.manual_seed(0)
        x = torch.randn(*shape, requires_grad=True)
        model = make()
        flows = [rnscli.Dataflow(rnscli.analog_core("rns", bits=8), one) for one in GRANULARITIES]
        models = [model, *(rnscli.torch.convert(model, flow) for flow in flows)]
        with one_thread():
            fp32, *others = best_of(
                REPETITIONS, *(_step(one, x) for one in models), clock=time.process_time
            )
        record.add(f"{name}: a training step in FP32", fp32 * 1e3, "ms")
        for granularity, seconds in zip(GRANULARITIES, others, strict=True):
            record.add(f"  rns, b=8, a scale by {granularity}", seconds / fp32, "x", "<= 2.2")


def options(record: Record) -> None:
    """What noise, lossy ADCs and errors of devices cost, on one convolution."""
    torch.manual_seed(0)
    x, model = torch.randn(8, 64, 14, 14), _convolution(64).eval()
    cores = {
        "rns": rnscli.analog_core("rns", bits=6),
        "rns, p 1e-3, k = 2": rnscli.analog_core("rns", bits=6, p=1e-3, redundant=2, attempts=2),
        "fixed-lp, full range": rnscli.analog_core("fixed-lp", bits=6),
        "fixed-lp, 1/8 of the range": rnscli.analog_core("fixed-lp", bits=6, adc_range="1/8"),
        "fixed-lp, sigma 0.2": rnscli.analog_core("fixed-lp", bits=6, sigma=0.2),
        "fixed-lp, cells 2 % off": rnscli.analog_core(
            "fixed-lp", bits=6, devices=rnscli.Devices(cell_error=0.02)
        ),
        "bit-sliced": rnscli.analog_core("bit-sliced", bits=6),
    }
    models = [model, *(rnscli.torch.convert(model, core) for core in cores.values())]
    with one_thread(), torch.no_grad():
        fp32, *others = best_of(3, *(_call(one, x) for one in models), clock=time.process_time)
    record.add("3x3 convolution 64-64, 14 x 14, batch 8: FP32", fp32 * 1e3, "ms")
    for name, seconds in zip(cores, others, strict=True):
        record.add(f"  {name}", seconds / fp32, "x")


def _call(model: nn.Module, x: Tensor) -> Callable[[], object]:
    return lambda: model(x)


def _step(model: nn.Module, x: Tensor) -> Callable[[], object]:
    def step() -> None:
        torch.autograd.backward(model(x).square().mean())

    return step

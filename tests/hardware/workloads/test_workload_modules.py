"""Shipped workloads against real modules on the meta device: shapes, MACs, parameters."""

from collections import Counter
from collections.abc import Callable

import networks_by_module as by_module
import pytest
import torch
from networks_by_module import Ran, meta, tokens
from torch import Tensor, nn

from rnscli.hardware.workloads import Workload
from rnscli.hardware.workloads.networks import WORKLOADS
from rnscli.hardware.workloads.training import training

# Operations of PyTorch that leave as many values as vector work of a kind has elements.
VALUES = {"relu": "relu", "gelu": "gelu", "silu": "silu", "_softmax": "softmax",
          "native_layer_norm": "layer-norm", "native_batch_norm": "folded-batch-norm",
          "_native_batch_norm_legit_no_training": "folded-batch-norm"}  # fmt: skip

# Rows of the tables of DLRM as MLPerf's main.py lists them for 40 million.
CRITEO = (39884406, 39043, 17289, 7420, 20263, 3, 7120, 1543, 63, 38532951, 2953546, 403346, 10,
          2208, 11938, 155, 4, 976, 14, 39979771, 25641295, 39664984, 585935, 12972, 108,
          36)  # fmt: skip


def _llama(cache: int = 0, *sizes: int) -> nn.Module:
    model = by_module.Llama(*sizes)
    model.cache = cache
    return model


# A module of each, its inputs, and sizes with which it is compared, where the defaults take long.
MODULES: dict[str, tuple[Callable[[], nn.Module], Callable[[], tuple[Tensor, ...]], dict[str, int]]]
MODULES = {
    "resnet50": (by_module.resnet50, lambda: (meta(2, 3, 200, 200),),
                 {"batch": 2, "image_size": 200}),
    "mnist-cnn": (by_module.mnist_cnn, lambda: (meta(3, 1, 28, 28),), {"batch": 3}),
    "mobilenet-v2": (by_module.mobilenet_v2, lambda: (meta(1, 3, 224, 224),), {}),
    "ssd-resnet34": (by_module.Ssd, lambda: (meta(1, 3, 1200, 1200),), {}),
    "resnet50-dcnv2": (by_module.resnet50_dcnv2, lambda: (meta(1, 3, 320, 320),),
                       {"image_size": 320}),
    "3d-unet": (by_module.Unet3d, lambda: (meta(1, 1, 128, 128, 128),), {}),
    "bert-large": (by_module.Bert, lambda: (tokens(2, 384),), {"batch": 2, "sequence": 384}),
    "bert-large-pretraining": (lambda: by_module.Bert(True), lambda: (tokens(32, 128),), {}),
    "opt-125m": (by_module.Opt, lambda: (tokens(1, 2048),), {}),
    "vit-b16": (by_module.Vit, lambda: (meta(1, 3, 224, 224),), {}),
    "rnn-t": (by_module.RnnT, lambda: (meta(6, 2, 240), tokens(5, 2)),
              {"batch": 2, "frames": 6, "symbols": 4}),
    "dlrm": (lambda: by_module.Dlrm(CRITEO), lambda: (meta(7, 13), tokens(26, 7)), {"batch": 7}),
    "llama-2-7b": (lambda: _llama(0, 8, 32000, 4096, 11008, 32, 32), lambda: (tokens(1, 512),),
                   {"layers": 8}),
    "llama-2-13b": (lambda: _llama(0, 4, 32000, 5120, 13824, 40, 40), lambda: (tokens(2, 64),),
                    {"batch": 2, "sequence": 64, "layers": 4}),
    "llama-3-8b": (lambda: _llama(100, 4, 128256, 4096, 14336, 32, 8), lambda: (tokens(3, 20),),
                   {"batch": 3, "sequence": 20, "cache": 100, "layers": 4}),
    "llama-3-8b-decode": (lambda: _llama(2047, 4, 128256, 4096, 14336, 32, 8),
                          lambda: (tokens(1, 1),), {"layers": 4}),
    "mixtral-8x7b": (lambda: _llama(0, 4, 32000, 4096, 14336, 32, 8, 8), lambda: (tokens(1, 510),),
                     {"sequence": 510, "layers": 4}),
    "mixtral-8x7b-decode": (lambda: _llama(2047, 4, 32000, 4096, 14336, 32, 8, 8),
                            lambda: (tokens(1, 1),), {"layers": 4}),
    "gcn-ppi": (lambda: by_module.Gcn(50, 121, 5, 2048, True), lambda: (meta(56944, 50),), {}),
    "gcn-reddit": (lambda: by_module.Gcn(602, 41, 4, 512, False), lambda: (meta(232965, 602),), {}),
    "gcn-amazon2m": (lambda: by_module.Gcn(100, 47, 3, 400, False), lambda: (meta(2449029, 100),),
                     {}),
}  # fmt: skip


def stored(workload: Workload) -> by_module.Shapes:
    """Shapes of the products with stored weights; those of a depthwise convolution are one."""
    shapes: by_module.Shapes = Counter()
    for gemm in workload.gemms:
        if gemm.stationary and gemm.n == 1 and gemm.count > 1:
            shapes[gemm.m, gemm.k, gemm.n, gemm.count] += 1
        elif gemm.stationary:
            shapes[gemm.m, gemm.k, gemm.n, 1] += gemm.count
    return shapes


def by_step(workload: Workload) -> by_module.Shapes:
    """The same, with the products of recurrent layers one step at a time."""
    shapes: by_module.Shapes = Counter()
    for gemm in workload.gemms:
        waits = "prediction" not in gemm.layer or "recurrent" in gemm.layer
        steps = gemm.steps if waits else 1
        shapes[gemm.m // steps, gemm.k, gemm.n, 1] += steps
    return shapes


def test_every_workload_has_a_module() -> None:
    assert MODULES.keys() == WORKLOADS.keys()


# Kinds of vector work whose elements are told by the operations of PyTorch.
KINDS = {
    "resnet50": {"relu", "folded-batch-norm"},
    "mnist-cnn": {"relu"},
    "mobilenet-v2": {"relu", "folded-batch-norm"},
    "ssd-resnet34": {"relu", "folded-batch-norm"},
    "resnet50-dcnv2": {"relu", "folded-batch-norm"},
    "3d-unet": {"relu"},
    "bert-large": {"gelu", "layer-norm"},
    "bert-large-pretraining": {"gelu", "layer-norm"},
    "opt-125m": {"layer-norm"},
    "vit-b16": {"gelu", "layer-norm"},
    "llama-2-7b": {"silu", "softmax"},
    "llama-2-13b": {"silu", "softmax"},
    "llama-3-8b": {"silu", "softmax"},
    "llama-3-8b-decode": {"silu", "softmax"},
    "mixtral-8x7b": {"silu"},
    "mixtral-8x7b-decode": {"silu"},
    "gcn-ppi": {"relu", "layer-norm"},
    "gcn-reddit": {"relu"},
    "gcn-amazon2m": {"relu"},
}


@pytest.mark.parametrize("name", MODULES)
def test_a_workload_is_what_its_module_does(name: str) -> None:
    make, inputs, sizes = MODULES[name]
    with torch.device("meta"):
        ran = Ran(make(), *inputs())
    workload = WORKLOADS[name].with_sizes(sizes)
    assert workload.name == name
    assert workload.parameters == ran.parameters
    assert workload.macs == ran.macs
    assert (by_step if name == "rnn-t" else stored)(workload) == ran.shapes
    kinds = KINDS.get(name, set())
    found, elements = Counter[str](), Counter[str]()
    for operation, values in ran.values.items():
        found[VALUES.get(operation, "")] += values
    for work in workload.vectors:
        elements[work.kind] += work.elements
    assert {kind: elements[kind] for kind in kinds} == {kind: found[kind] for kind in kinds}


# Not of depthwise convolutions, of whose gradients PyTorch counts what a dense one would take.
SLOW = pytest.mark.thorough


@pytest.mark.parametrize(
    "name",
    ["mnist-cnn", "3d-unet", "llama-3-8b", "dlrm", "gcn-ppi",
     *(pytest.param(name, marks=SLOW)
       for name in ("resnet50", "ssd-resnet34", "resnet50-dcnv2", "opt-125m", "vit-b16"))],
)  # fmt: skip
def test_macs_of_training_are_those_that_autograd_does(name: str) -> None:
    make, inputs, sizes = MODULES[name]
    with torch.device("meta"):
        ran = Ran(make(), *inputs(), backward=True)
    workload = WORKLOADS[name].with_sizes(sizes)
    step = training(workload, "adam")
    assert step.macs == ran.macs
    assert step.parameters == workload.parameters == ran.parameters


def test_boxes_of_the_detector() -> None:
    # The published ONNX file gives 15 130 boxes of an image of 1200 x 1200 pixels.
    (work,) = (w for w in WORKLOADS["ssd-resnet34"].make().vectors if w.kind == "softmax")
    assert work.elements == 81 * 15_130

"""Networks on a core against the same networks in FP32, on one thread."""

import copy
from functools import partial

import torch

import rnscli
import rnscli.torch
from benchmarks.measure import Record, best_of
from rnscli.networks.data import digits
from rnscli.networks.evaluation import evaluate, one_thread
from rnscli.networks.shipped import DIGITS_NETWORKS, NETWORKS

SAMPLES = 256
REPETITIONS = 5


def inference(record: Record) -> None:
    """Time over FP32, of each network and of each option on one of them."""
    inputs = digits().test.inputs[:SAMPLES]
    for name in DIGITS_NETWORKS:
        model = NETWORKS[name].make()
        analog = rnscli.torch.convert(model, rnscli.analog_core("rns", bits=6))
        fp32, rns = best_of(
            REPETITIONS, partial(evaluate, model, inputs), partial(evaluate, analog, inputs)
        )
        record.add(f"{name}: {SAMPLES} samples in FP32", fp32 * 1e3, "ms")
        record.add("  rns, b=6, over FP32", rns / fp32, "x")
    model = NETWORKS["digits-cnn"].make()
    variants = {
        "rns": rnscli.Dataflow(rnscli.analog_core("rns", bits=6)),
        "  by channel": rnscli.Dataflow(rnscli.analog_core("rns", bits=6), path="channels"),
        "  --p 1e-3 --redundant 2": rnscli.Dataflow(
            rnscli.analog_core("rns", bits=6, p=1e-3, redundant=2, attempts=2)
        ),
        "  --p 1e-1 --redundant 2": rnscli.Dataflow(
            rnscli.analog_core("rns", bits=6, p=1e-1, redundant=2, attempts=2)
        ),
        "  --vector-size 16": rnscli.Dataflow(rnscli.analog_core("rns", bits=6, vector_size=16)),
        "  --granularity tile": rnscli.Dataflow(rnscli.analog_core("rns", bits=6), "tile"),
        "  --granularity tensor": rnscli.Dataflow(rnscli.analog_core("rns", bits=6), "tensor"),
        "  --bits 12": rnscli.Dataflow(rnscli.analog_core("rns", bits=12)),
        "fixed-lp": rnscli.Dataflow(rnscli.analog_core("fixed-lp", bits=6)),
        "  --sigma 0.2": rnscli.Dataflow(rnscli.analog_core("fixed-lp", bits=6, sigma=0.2)),
        "bit-sliced": rnscli.Dataflow(rnscli.analog_core("bit-sliced", bits=6)),
    }
    models = [rnscli.torch.convert(model, flow) for flow in variants.values()]
    fp32, *others = best_of(
        REPETITIONS, *(partial(evaluate, one, inputs) for one in (model, *models))
    )
    for name, seconds in zip(variants, others, strict=True):
        record.add(f"digits-cnn over FP32: {name}", seconds / fp32, "x")


def training(record: Record) -> None:
    """Time of a step, forward and backward, over FP32."""
    data = digits().train
    assert data is not None
    inputs, labels = torch.from_numpy(data.inputs[:32]), torch.from_numpy(data.labels[:32])

    def step(model: torch.nn.Module) -> None:
        loss = torch.nn.functional.cross_entropy(model(inputs), labels)
        torch.autograd.backward(loss)

    for name in DIGITS_NETWORKS:
        model = NETWORKS[name].make()
        analog = rnscli.torch.convert(copy.deepcopy(model), rnscli.analog_core("rns", bits=7))
        with one_thread():
            fp32, rns = best_of(REPETITIONS, partial(step, model), partial(step, analog))
        record.add(f"{name}: a training step of 32 samples, rns over FP32", rns / fp32, "x")

"""Networks that are calibrated on samples of the data that they are trained with."""

import json
import math
from dataclasses import replace
from functools import lru_cache

import torch
from torch import nn

from rnscli import networks
from rnscli.analysis.networks.plan import CalibrationPlan
from rnscli.base import InputError
from rnscli.core import ADC_RANGES, ConventionalCore
from rnscli.matrix import Dataflow, needs_calibration
from rnscli.torch import apply_calibration, calibrate, calibration, converted

_BATCH = 128
_STREAM = 0xCA11B  # random numbers of dropout, which are not those of the training


# One for all layers, or one for each pattern of names, or none where these stay in FP32.
Flows = Dataflow | tuple[tuple[str, Dataflow | None], ...]


def every_flow(flows: Flows) -> tuple[Dataflow, ...]:
    """All of them, but what another one of the same pattern stands before."""
    named = _by_name(flows)
    if isinstance(named, Dataflow):
        return (named,)
    return tuple(flow for flow in named.values() if flow is not None)


def record_of(opened: networks.OpenedNetwork, flows: Flows, plan: CalibrationPlan) -> str | None:
    """The calibration of a network on its cores as JSON; ``None`` where it needs none."""
    if not any(map(needs_calibration, every_flow(flows))):
        return None
    return _record(opened.network, flows, plan, opened.data)


def _by_name(flows: Flows) -> Dataflow | dict[str, Dataflow | None]:
    if isinstance(flows, Dataflow):
        return flows
    found: dict[str, Dataflow | None] = {}
    for name, flow in flows:
        found.setdefault(name, flow)
    return found


def check_clipping(opened: networks.OpenedNetwork, flow: Dataflow, samples: int) -> None:
    """Refuse a fraction of the range that clips more than half of the sums in every layer.

    They are those of samples to train with, if there are any.

    Raises
    ------
    InputError
        If it does.
    """
    core = flow.core
    if not isinstance(core, ConventionalCore) or core.adc_range in ADC_RANGES:
        return
    if opened.data.train is None:
        return
    # A range that covers the inner half, and no more, tells whether another one does.
    half = replace(flow, core=core.with_shares((1.0,) * core.part_count))
    plan = CalibrationPlan("percentile", math.nextafter(50.0, 51.0), samples)
    record = json.loads(record_of(opened, half, plan) or "{}")
    shares = [max(site["shares"]) for site in record["sites"].values() if site.get("shares")]
    if shares and max(core.shares) < min(shares):
        raise InputError(
            f"`adc_range` is {core.adc_range}, which clips more than half of the sums in every "
            f"layer of {opened.network.name}: give a larger fraction, or calibrated"
        )


@lru_cache(maxsize=256)
def _record(
    network: networks.PortableNetwork, flows: Flows, plan: CalibrationPlan, data: networks.Dataset
) -> str:
    model = converted(network.made().eval(), _by_name(flows))
    running = networks.running(network.name, "cannot be calibrated")
    with running, networks.one_thread(), networks.RandomStream(0).in_use():
        inputs = torch.from_numpy(plan.samples_of(data).inputs)
        batches = inputs.tensor_split(math.ceil(len(inputs) / _BATCH))
        calibrate(model, batches, method=plan.method, percentile=plan.percentile)
    return json.dumps(calibration(model))


@lru_cache(maxsize=4)
def on_core(network: networks.PortableNetwork, flows: Flows, record: str | None) -> nn.Module:
    """The network on its cores, in eval mode, calibrated by a record if there is one."""
    model = converted(
        network.made().eval(), _by_name(flows)
    )  # not a copy, which not every model allows
    return model if record is None else apply_calibration(model, json.loads(record))


def calibrate_epoch(
    model: nn.Module, data: networks.Dataset, recipe: networks.Recipe, plan: CalibrationPlan
) -> None:
    """Calibrate products and gradients of a model in training, as it is before an epoch.

    Its samples come in the batches of the recipe, as gradients depend on their size.
    """
    samples = plan.samples_of(data)
    count = math.ceil(len(samples) / recipe.batch_size)
    inputs, labels = map(torch.from_numpy, (samples.inputs, samples.labels))
    model.train()
    with networks.one_thread(), networks.RandomStream(recipe.seed ^ _STREAM).in_use():
        calibrate(
            model,
            zip(inputs.tensor_split(count), labels.tensor_split(count), strict=True),
            method=plan.method,
            percentile=plan.percentile,
            loss=networks.training_loss,
        )

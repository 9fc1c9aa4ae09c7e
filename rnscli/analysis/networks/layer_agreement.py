"""Networks on cores beside FP32, layer by layer; labels of the data do not matter."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch

from rnscli import networks
from rnscli.analysis.networks.accuracy import (
    AccuracyParameters,
    Inference,
    cores_of,
    description,
    inferences,
    row_columns,
    work_of,
)
from rnscli.analysis.networks.calibrating import every_flow, on_core
from rnscli.analysis.networks.layer_cores import core_columns_of, place_of
from rnscli.analysis.networks.layer_rows import LOGITS, OUTPUTS, LayerRow
from rnscli.analysis.networks.plan import plan_columns
from rnscli.analysis.statistics import check_counts, check_reals
from rnscli.runtime import Progress, Runner
from rnscli.torch import Agreement, Deviation, LayerAgreement, agreement

ALGORITHM = 2  # to be counted up whenever the same parameters would give other results

_PART = "agreement"
_BATCH = 32


@dataclass(frozen=True)
class AgreementStatistics:
    """The agreement with FP32 on some samples."""

    found: Agreement

    def __add__(self, other: "AgreementStatistics") -> "AgreementStatistics":
        return AgreementStatistics(self.found + other.found)

    def record(self) -> dict[str, Any]:
        found = asdict(self.found)
        for one in (found["outputs"], *_deviations(found["layers"])):
            # In JSON there is no infinity, which is an error that is not finite.
            one["error"] = None if math.isinf(one["error"]) else one["error"]
        return found

    @classmethod
    def of_record(cls, record: Mapping[str, Any]) -> "AgreementStatistics":
        layers = []
        for one in record["layers"]:
            check_counts(one["macs"], one["calls"], one["unmatched"])
            made: dict[str, Any] = {key: str(one[key]) for key in ("name", "kind", "shape")}
            made |= {key: one[key] for key in ("macs", "calls", "unmatched")}
            made |= {key: _deviation(one[key]) for key in _READINGS}
            layers.append(LayerAgreement(**made))
        decisions, same = record["decisions"], record["same"]
        check_counts(decisions, same)
        if same > decisions or not layers:
            raise ValueError("its numbers contradict each other")
        return cls(Agreement(tuple(layers), _deviation(record["outputs"]), decisions, same))


_READINGS = ("in_place", "accumulated")


def _deviations(layers: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for one in layers:
        yield from (one[reading] for reading in _READINGS)


def _deviation(record: Mapping[str, Any]) -> Deviation:
    signal, error = record["signal"], record["error"]
    check_reals(signal, *(() if error is None else (error,)))
    return Deviation(float(signal), math.inf if error is None else float(error))


def agreement_block(
    point: AccuracyParameters, block: int, parts: tuple[str, ...]
) -> dict[str, AgreementStatistics]:
    """Statistics of one block of samples; a pure function of its arguments."""
    network, inputs = point.opened.network, torch.from_numpy(point.opened.data.test.inputs)
    running = networks.running(network.name, "cannot be computed on a core")
    with running, networks.one_thread(), point.noise(block).in_use():
        model, converted = network.model(), on_core(network, point.flows, point.record)
        found = agreement(model, converted, inputs.tensor_split(math.ceil(len(inputs) / _BATCH)))
    return dict.fromkeys(parts, AgreementStatistics(found))


def layer_agreements(
    points: Sequence[AccuracyParameters],
    runner: Runner | None = None,
    progress: Callable[[Progress[AgreementStatistics]], None] | None = None,
) -> Iterator[tuple[LayerRow, ...]]:
    """Compare networks on cores with FP32 on their test samples, layer by layer.

    Parameters
    ----------
    points
        What to compare, as of `accuracies`.
    runner
        Where blocks of samples are computed and recorded (`rnscli.runner`); it does not change the
        result. In this process if not given.
    progress
        Called after each block.

    Yields
    ------
    tuple of LayerRow
        For each point, in order: its layers in the order in which they are called, and its outputs.

    Raises
    ------
    InputError
        If a network has no products for a core or, by ``strict``, some that stay digital.

    Examples
    --------
    >>> from rnscli.analysis.analog_core import analog_core
    >>> from rnscli.matrix.dataflow import Dataflow
    >>> from rnscli.networks.portable import open_network
    >>> opened = open_network("rnscli.networks.models.cnn:make")  # not trained
    >>> flow = Dataflow(analog_core("rns", bits=6))
    >>> point = AccuracyParameters(opened=opened, flow=flow, bits=6, samples=32)
    >>> (rows,) = layer_agreements([point])
    >>> [(row.layer, row.kind, row.macs) for row in rows[:2]]
    [('conv1', 'Conv2d', 18432), ('conv2', 'Conv2d', 589824)]
    >>> [(row.layer, row.kind, row.macs) for row in rows[2:]]
    [('head', 'Linear', 5120), ('outputs', 'logits', None)]
    """
    made = inferences(points)
    works = [
        work_of(point, agreement_block, AgreementStatistics, _PART, _description)
        for point in points
    ]
    for update in (runner or Runner()).run(works):
        if progress is not None:
            progress(update)
        if update.finished:
            yield _rows(points[update.index], update.total[_PART].found, made[update.index])


def _description(parameters: AccuracyParameters) -> dict[str, Any]:
    """All that the agreement of a point depends on: what its accuracy does, but for the metric."""
    found = description(parameters) | {"what": _PART, "algorithm": ALGORITHM}
    del found["metric"]
    return found


def _rows(
    parameters: AccuracyParameters, found: Agreement, inference: Inference
) -> tuple[LayerRow, ...]:
    same = {
        "model": parameters.opened.network.name,
        "samples": parameters.count,
        "weights": parameters.opened.weights,
        **plan_columns(parameters.plan, every_flow(parameters.flows), parameters.opened.data),
    }
    cores = parameters.cores
    decides = len(inference.outputs) == 2  # one class for each sample, of scores (N, classes)
    layers = (
        LayerRow(
            layer=one.name,
            kind=one.kind,
            shape=one.shape or None,
            macs=round(one.macs / parameters.count) or None,
            macs_share=found.macs_share(one),
            snr_in_place_db=one.in_place.snr_db,
            snr_accumulated_db=one.accumulated.snr_db,
            is_zero=one.is_silent,
            unmatched=one.unmatched / one.calls,
            top_class=None,
            top_class_ci95=None,
            digital=None,
            **same,
            **core_columns_of([cores[place_of(parameters.layers, one.name)]]),
        )
        for one in found.layers
    )
    outputs = LayerRow(
        layer=OUTPUTS,
        kind=LOGITS,
        shape=None,
        macs=None,
        macs_share=None,
        snr_in_place_db=None,
        snr_accumulated_db=found.outputs.snr_db,
        is_zero=not found.outputs.signal,
        unmatched=None,
        top_class=found.top_class if decides else None,
        top_class_ci95=found.top_class_ci95 if decides else None,
        digital="; ".join(inference.digital) or None,
        **same,
        **row_columns(parameters, cores_of(parameters, inference.workload)),
    )
    return (*layers, outputs)

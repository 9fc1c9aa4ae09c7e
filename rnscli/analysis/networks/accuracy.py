"""Accuracy of networks whose matrix products are computed on analog cores."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, astuple, dataclass, field, replace
from functools import cache, lru_cache, partial
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from rnscli import analysis, networks
from rnscli.analysis.networks.calibrating import (
    Flows,
    check_clipping,
    every_flow,
    on_core,
    record_of,
)
from rnscli.analysis.networks.layer_cores import (
    LayerCore,
    check_layers,
    core_columns_of,
    digital_products,
    place_of,
    probe,
)
from rnscli.analysis.networks.metric_statistics import Comparison, MetricStatistics
from rnscli.analysis.networks.metrics import METRICS, usual_metric
from rnscli.analysis.networks.network_energy import network_energy
from rnscli.analysis.networks.plan import CalibrationPlan, described_plan, plan_columns
from rnscli.analysis.networks.rows import AccuracyRow, NetworkOptions
from rnscli.analysis.statistics import check_counts
from rnscli.base import InputError, NotFiniteError, columns_of
from rnscli.hardware import Technology, Workload
from rnscli.matrix import Dataflow, ProductCounts, needs_calibration
from rnscli.runtime import Progress, Runner, Work, versions
from rnscli.torch import converted, recording

ALGORITHM = 5  # to be counted up whenever the same parameters would give other results

_BLOCK_SAMPLES = 128
_PART = "accuracy"
_TOKEN_SAMPLES = 16
# Columns of a metric under its own name, which rows have of the one that is looked at most.
_OWN = ("{}", "{}_ci95", "fp32_{}", "relative_{}", "relative_{}_ci95")
_SIZES = (
    "tolerance", "gross_error_rate", "gross_error_rate_ci95", "mean_abs_output_error",
    "rms_output_error",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class AccuracyParameters:
    """One point: a network, and the core on which its products are computed.

    Parameters
    ----------
    opened
        The network and its data (`rnscli.networks.portable.open_network`).
    flow
        The core, and how products are mapped to it.
    bits
        Bits b of the converters, for the energy.
    samples
        Test samples, the first ones; all if not given.
    strict
        Refuse a network with products that stay digital.
    technology
        Of the array, for the energy; that which its core is shown on if not given.
    seed
        Of the noise.
    metric
        By what outputs are judged, a name in `METRICS`; the first that the task has if not given.
    plan
        How the network is calibrated, on samples of the data to train with, where the core or the
        dataflow needs it.
    layers
        Cores of layers that have one of their own, or stay in FP32; the first that fits.
    record
        Its calibration (`rnscli.torch.calibration`) as JSON; of the plan if not given.

    Raises
    ------
    InputError
        If a value is out of range, or there are no samples to calibrate with.
    """

    opened: networks.OpenedNetwork
    flow: Dataflow
    bits: int
    samples: int | None = None
    strict: bool = False
    technology: Technology | None = None
    seed: int = 0
    metric: str | None = None
    plan: CalibrationPlan = field(default_factory=CalibrationPlan)
    layers: tuple[LayerCore, ...] = ()
    record: str | None = None

    def __post_init__(self) -> None:
        analysis.ModuliOptions.bits.check(self.bits)
        analysis.SimulationOptions.seed.check(self.seed)
        if self.metric is not None:
            METRICS.named(self.metric)
        there = len(self.opened.data.test)
        if self.samples is not None and NetworkOptions.samples.check(self.samples) > there:
            raise InputError(
                f"`samples` is {self.samples}, but `data` {self.opened.data.name} has {there} "
                "samples to test with"
            )
        if any(map(needs_calibration, every_flow(self.flows))) and self.record is None:
            self.plan.count_of(self.opened.data)

    @property
    def flows(self) -> Flows:
        """That of all layers, or those of all patterns; what fits none has the usual one."""
        if not self.layers:
            return self.flow
        return (*((one.pattern, one.flow) for one in self.layers), ("*", self.flow))

    @property
    def cores(self) -> tuple[LayerCore, ...]:
        """Those of layers, and last that of all others."""
        return (*self.layers, LayerCore("*", self.flow, self.bits, self.technology))

    def check_clipping(self) -> None:
        """Refuse a range that clips more than half of the sums in every layer.

        Raises
        ------
        InputError
            If it does.
        """
        for flow in every_flow(self.flows):
            check_clipping(self.opened, flow, self.plan.samples)

    @property
    def count(self) -> int:
        return len(self.opened.data.test) if self.samples is None else self.samples

    @property
    def blocks(self) -> int:
        return -(-self.count // _BLOCK_SAMPLES)

    def samples_of(self, block: int) -> int:
        return min(_BLOCK_SAMPLES, self.count - block * _BLOCK_SAMPLES)

    def noise(self, block: int) -> networks.RandomStream:
        """The random numbers of a block."""
        seeds = np.random.SeedSequence(self.seed, spawn_key=(block,))
        return networks.RandomStream(int(seeds.generate_state(1, np.uint64)[0] >> np.uint64(1)))

    def for_block(self, block: int, shared: bool) -> "AccuracyParameters":
        """This point with only the samples of a block."""
        start, data = block * _BLOCK_SAMPLES, self.opened.data
        part = slice(start, start + self.samples_of(block))
        opened = networks.OpenedNetwork(
            self.opened.network, networks.Dataset(data.name, data.test[part])
        )
        record = self.record or record_of(self.opened, self.flows, self.plan)
        return replace(self, opened=opened, samples=None, record=record)


@dataclass(frozen=True)
class AccuracyStatistics:
    """Of some samples: what the metric keeps of them, and the products."""

    metric: str
    found: MetricStatistics
    of_cores: tuple[ProductCounts, ...]  # of those of layers, and last of that of all others

    def __add__(self, other: "AccuracyStatistics") -> "AccuracyStatistics":
        both = zip(self.of_cores, other.of_cores, strict=True)
        counts = tuple(one + another for one, another in both)
        return AccuracyStatistics(self.metric, self.found + other.found, counts)

    @property
    def products(self) -> ProductCounts:
        """All of them."""
        return sum(self.of_cores, ProductCounts())

    @property
    def comparison(self) -> Comparison:
        """The metric of these samples."""
        return METRICS[self.metric].compared(self.found)

    def record(self) -> dict[str, Any]:
        return {
            "metric": self.metric,
            "found": self.found.record(),
            "products": [asdict(one) for one in self.of_cores],
        }

    @classmethod
    def of_record(cls, record: Mapping[str, Any]) -> "AccuracyStatistics":
        counts = tuple(ProductCounts(**one) for one in record["products"])
        for one in counts:
            check_counts(*asdict(one).values())
            if not one.gross <= one.wrong <= one.dot_products <= one.computed:
                raise ValueError("its numbers contradict each other")
        found = METRICS[record["metric"]].of_record(record["found"])
        return cls(record["metric"], found, counts)


def accuracy_block(
    point: AccuracyParameters, block: int, parts: tuple[str, ...]
) -> dict[str, AccuracyStatistics]:
    """Statistics of one block of samples; a pure function of its arguments."""
    network, data = point.opened.network, point.opened.data.test
    metric = METRICS[str(point.metric)]
    noise = point.noise(block)
    total: MetricStatistics | None = None
    # Logits of tokens may be more than memory holds.
    size = _TOKEN_SAMPLES if data.whole else len(data)
    with recording() as made:
        for start in range(0, len(data), size):
            some = data[start : start + size]
            with networks.running(network.name, "cannot be computed in FP32"):
                in_fp32 = networks.evaluate(network.model(), some.inputs)
            if not np.isfinite(in_fp32).all():
                raise networks.not_finite(network.name, network.model(), some.inputs)
            task = task_of(point.opened, some, in_fp32.shape)
            running = networks.running(network.name, "cannot be computed on a core")
            with running, noise.in_use():
                model = on_core(network, point.flows, point.record)
                outputs = _outputs(model, some.inputs, in_fp32.shape)
            labels = networks.labels_of(task, some.labels, some.inputs)
            found = metric.statistics(task, outputs, in_fp32, labels)
            total = found if total is None else total + found
    assert total is not None
    counts = [ProductCounts()] * (len(point.layers) + 1)
    for kind, one in made.kinds.items():
        counts[place_of(point.layers, kind.layer)] += one.counts
    return dict.fromkeys(parts, AccuracyStatistics(metric.name, total, tuple(counts)))


def task_of(
    opened: networks.OpenedNetwork, data: networks.LabelledData, outputs: tuple[int, ...]
) -> networks.Task:
    """The task of some samples and outputs of a shape; refused if they do not go together."""
    task = networks.task_of(data.labels, outputs, data.inputs)
    if task is None:
        raise InputError(
            f"`model` {opened.network.name} gives outputs of shape {outputs}; for the labels of "
            f"`data` {opened.data.name} it must give {networks.wanted_of(data.labels)}"
        )
    return task


def _outputs(
    model: nn.Module, inputs: networks.Inputs, shape: tuple[int, ...]
) -> npt.NDArray[np.float32]:
    """Outputs on a core; NaN for a sample that noise drives beyond what a core computes with.

    That the core refuses it must decide neither over the samples beside it nor over the run.
    """
    try:
        return networks.evaluate(model, inputs)
    except NotFiniteError:
        if len(inputs) == 1:
            return np.full((1, *shape[1:]), np.nan, np.float32)
        half = len(inputs) // 2
        parts = (slice(None, half), slice(half, None))
        return np.concatenate([_outputs(model, inputs[part], shape) for part in parts])


@dataclass(frozen=True)
class Inference:
    """The products of one inference, those that stay digital, and what the network is asked."""

    workload: Workload
    digital: tuple[str, ...]
    task: networks.Task
    outputs: tuple[int, ...]


def recorded_inference(
    opened: networks.OpenedNetwork, strict: bool, in_fp32: tuple[tuple[str, bool], ...] = ()
) -> Inference:
    """Recorded by computing one.

    ``in_fp32`` are patterns of layers, each with whether these stay in FP32, which is no reason to
    refuse them.
    """
    flow = probe()
    layers = [LayerCore(name, None if stays else flow) for name, stays in in_fp32]
    cores = {one.pattern: one.flow for one in layers}
    cores.setdefault("*", flow)
    model = converted(opened.network.made().eval(), cores if layers else flow)
    running = networks.running(opened.network.name, "cannot be computed on a core")
    with running, networks.RandomStream(0).in_use(), recording() as made:
        shape = networks.evaluate(model, opened.data.test.inputs[:1]).shape
    named = digital_products(model, made)
    every = [*layers, LayerCore("*", flow)]
    unasked = [one for one, at in named.items() if every[place_of(layers, at)].flow is not None]
    digital = tuple(named)
    name = opened.network.name
    if not made.kinds:
        raise InputError(f"`model` {name} has no products that a core could compute")
    if unasked and strict:
        raise InputError(
            f"`model` {name} has products that no core computes, which --strict refuses: "
            f"{', '.join(unasked)}"
        )
    task = task_of(opened, opened.data.test[:1], shape)
    return Inference(made.workload(name), digital, task, shape)


def accuracies(
    points: Sequence[AccuracyParameters],
    runner: Runner | None = None,
    progress: Callable[[Progress[AccuracyStatistics]], None] | None = None,
) -> Iterator[AccuracyRow]:
    """Test networks on cores, and in FP32 on the same samples.

    Linear layers, convolutions and products of attention are computed on the core as
    `rnscli.torch.convert` says; everything else is in FP32.

    Parameters
    ----------
    points
        What to test.
    runner
        Where blocks of samples are computed and recorded (`rnscli.runner`); it does not change the
        result. In this process if not given.
    progress
        Called after each block.

    Yields
    ------
    AccuracyRow
        One for each point, in order.

    Raises
    ------
    InputError
        If a network has no products for a core or, by ``strict``, some that stay digital; or if,
        with unlimited attempts, errors do not cease.

    Examples
    --------
    >>> from rnscli.analysis.analog_core import analog_core
    >>> from rnscli.matrix.dataflow import Dataflow
    >>> from rnscli.networks.portable import open_network
    >>> opened = open_network("rnscli.networks.models.cnn:make")  # not trained
    >>> flow = Dataflow(analog_core("rns", bits=6))
    >>> point = AccuracyParameters(opened=opened, flow=flow, bits=6, samples=32)
    >>> (row,) = accuracies([point])
    >>> row.samples, row.gemms, row.macs
    (32, 3, 613376)
    """
    found = inferences(points)
    points = [
        point if point.metric is not None else replace(point, metric=usual_metric(one.task).name)
        for point, one in zip(points, found, strict=True)
    ]
    for point, one in zip(points, found, strict=True):
        METRICS[str(point.metric)].check(one.task, one.outputs)
    works = [
        work_of(point, accuracy_block, AccuracyStatistics, _PART, description) for point in points
    ]
    for update in (runner or Runner()).run(works):
        if progress is not None:
            progress(update)
        if update.finished:
            yield _row(points[update.index], found[update.index], update.total[_PART])


def inferences(points: Sequence[AccuracyParameters]) -> list[Inference]:
    """That of each point, whose layers must be some of the network."""
    inference_of = cache(recorded_inference)
    for layers, opened in dict.fromkeys((point.layers, point.opened) for point in points):
        check_layers(layers, opened)
    return [
        inference_of(
            point.opened,
            point.strict,
            tuple((one.pattern, one.flow is None) for one in point.layers),
        )
        for point in points
    ]


def work_of(
    parameters: AccuracyParameters,
    function: Callable[..., Any],
    result: Any,
    part: str,
    describe: Callable[[AccuracyParameters], dict[str, Any]],
) -> Work[Any]:
    """A point in blocks of samples, and all that its results depend on."""
    return Work(
        function=function,
        argument=parameters.for_block,
        blocks=parameters.blocks,
        samples=parameters.samples_of,
        parts={part: partial(describe, parameters)},
        result=result,
    )


def description(parameters: AccuracyParameters) -> dict[str, Any]:
    """All that the accuracy of a point depends on."""
    opened = parameters.opened
    return {
        "what": "accuracy",
        "algorithm": ALGORITHM,
        "versions": {**versions(), "torch": str(torch.__version__)},
        "model": opened.network.name,
        "network": opened.network.digest(),
        "data": _data_digest(opened),
        "seed": parameters.seed,
        "metric": parameters.metric,
        **analysis.described_flow(parameters.flow),
        "tolerance": parameters.flow.tolerance,
        "layers": [[one.pattern, analysis.described_flow(one.flow)] for one in parameters.layers],
        "calibration": parameters.record
        or described_plan(parameters.plan, every_flow(parameters.flows), opened.data),
        "block_samples": _BLOCK_SAMPLES,
    }


@lru_cache(maxsize=64)
def _data_digest(opened: networks.OpenedNetwork) -> str:
    return opened.data.test.digest()


def _row(
    parameters: AccuracyParameters, inference: Inference, statistics: AccuracyStatistics
) -> AccuracyRow:
    found, made, workload = statistics.comparison, statistics.products, inference.workload
    samples, metric = parameters.count, METRICS[str(parameters.metric)]
    cores = cores_of(parameters, workload)
    noisy = any(one.flow is not None and one.flow.core.noisy for one in cores)
    energy = network_energy(workload, parameters.cores, statistics.of_cores)
    return AccuracyRow(
        model=parameters.opened.network.name,
        samples=samples,
        weights=parameters.opened.weights,
        task=inference.task.name,
        metric=metric.name,
        better="larger" if metric.larger_is_better else "smaller",
        **_own_columns(metric.name, found),
        value=found.value,
        value_ci95=found.interval,
        fp32_value=found.fp32,
        relative_value=found.relative,
        relative_value_ci95=found.relative_interval,
        output_error_rate=made.output_error_rate if noisy else None,
        output_error_rate_ci95=(
            analysis.proportion_interval(made.wrong, made.dot_products) if noisy else None
        ),
        **_sizes(parameters, statistics.of_cores),
        expected_attempts=made.mean_attempts if noisy else None,
        gemms=sum(gemm.count for gemm in workload.gemms),
        macs=workload.macs,
        technology=", ".join(energy.technologies),
        energy_per_inference_j=energy.energy_j,
        energy_j=None if energy.energy_j is None else energy.energy_j * samples,
        unpriced=energy.unpriced,
        extrapolated=energy.extrapolated,
        digital="; ".join(inference.digital) or None,
        **plan_columns(parameters.plan, every_flow(parameters.flows), parameters.opened.data),
        **row_columns(parameters, cores),
    )


def _own_columns(metric: str, found: Comparison) -> dict[str, Any]:
    """What rows have of a metric under its own name; of the others nothing."""
    every = {
        form.format(name): value if name == metric else None
        for name in METRICS
        for form, value in zip(_OWN, astuple(found), strict=True)
    }
    return {key: value for key, value in every.items() if key in columns_of(AccuracyRow)}


def cores_of(parameters: AccuracyParameters, workload: Workload) -> list[LayerCore]:
    """The cores that compute products of a network."""
    layers, cores = parameters.layers, parameters.cores
    places = sorted({place_of(layers, gemm.layer) for gemm in workload.gemms})
    return [cores[place] for place in places]


def row_columns(parameters: AccuracyParameters, used: Sequence[LayerCore]) -> dict[str, Any]:
    """Columns of the core of all layers without one of their own, if there are any."""
    main = parameters.cores[-1]
    return core_columns_of([main] if main in used else used)


def _sizes(parameters: AccuracyParameters, counts: Sequence[ProductCounts]) -> dict[str, Any]:
    """How far outputs of codes are off under noise."""
    both = zip(parameters.cores, counts, strict=True)
    flows = [(one.flow, found) for one, found in both if one.flow is not None]
    coded = [found for flow, found in flows if flow.core.code is not None and flow.core.noisy]
    made = sum(coded, ProductCounts())
    number = made.dot_products
    if not number:
        return dict.fromkeys(_SIZES)
    interval = analysis.proportion_interval(made.gross, number)
    means = made.absolute / number, math.sqrt(made.square / number)
    found = (parameters.flow.tolerance, made.gross / number, interval, *means)
    return dict(zip(_SIZES, found, strict=True))

"""Accuracy of networks whose matrix products are computed on analog cores."""

import copy
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache, partial
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import nn

from rnscli.analysis.analog_core import analog_core, core_columns, described_flow
from rnscli.analysis.energy import EnergyParameters, WorkloadRow, workload_energy
from rnscli.analysis.networks.paired_ratio import PairedCounts
from rnscli.analysis.networks.parameters import (
    BLOCK_SAMPLES,
    AccuracyParameters,
    AccuracyStatistics,
)
from rnscli.analysis.networks.rows import AccuracyRow
from rnscli.analysis.statistics import proportion_interval
from rnscli.base import InputError, NotFiniteError
from rnscli.core import wrong_word
from rnscli.hardware import Workload
from rnscli.matrix import Dataflow
from rnscli.networks import (
    Inputs,
    LabelledData,
    Labels,
    OpenedNetwork,
    PortableNetwork,
    RandomStream,
    evaluate,
)
from rnscli.runtime import Progress, Runner, Work, versions
from rnscli.torch import conversion, converted, recording

ALGORITHM = 1  # to be counted up whenever the same parameters would give other results


@dataclass(frozen=True, eq=False)
class AccuracyBlock:
    """All that a block needs, wherever it is computed."""

    network: PortableNetwork
    flow: Dataflow
    data: LabelledData
    seed: int


def accuracy_block(
    argument: AccuracyBlock, block: int, parts: tuple[str, ...]
) -> dict[str, AccuracyStatistics]:
    """Statistics of one block of samples; a pure function of its arguments."""
    inputs, labels = argument.data.inputs, argument.data.labels
    in_fp32 = _right(argument.network.model(), inputs, labels)
    seeds = np.random.SeedSequence(argument.seed, spawn_key=(block,))
    noise = RandomStream(int(seeds.generate_state(1, np.uint64)[0] >> np.uint64(1)))
    with noise.in_use(), recording() as made:
        on_core = _right(_converted(argument.network, argument.flow), inputs, labels)
    right = PairedCounts(
        samples=len(labels),
        both=int(np.count_nonzero(on_core & in_fp32)),
        first=int(np.count_nonzero(on_core & ~in_fp32)),
        second=int(np.count_nonzero(in_fp32 & ~on_core)),
    )
    statistics = AccuracyStatistics(right, made.counts)
    return dict.fromkeys(parts, statistics)


def _right(model: nn.Module, inputs: Inputs, labels: Labels) -> npt.NDArray[np.bool_]:
    """Which samples are right; logits that are not finite never are.

    Nor is a sample that noise drives beyond what a core computes with; that the core refuses it
    must decide neither over the samples beside it nor over the run.
    """
    try:
        logits = evaluate(model, inputs)
    except NotFiniteError:
        if len(labels) == 1:
            return np.zeros(1, np.bool_)
        half = len(labels) // 2
        parts = (slice(None, half), slice(half, None))
        return np.concatenate([_right(model, inputs[part], labels[part]) for part in parts])
    right: npt.NDArray[np.bool_] = np.isfinite(logits).all(axis=1) & (
        logits.argmax(axis=1) == labels
    )
    return right


@lru_cache(maxsize=4)
def _converted(network: PortableNetwork, flow: Dataflow) -> nn.Module:
    return converted(copy.deepcopy(network.model()), flow)


@dataclass(frozen=True)
class NetworkProducts:
    """The products of one inference, and those that stay digital, in words."""

    workload: Workload
    digital: tuple[str, ...]

    @property
    def count(self) -> int:
        return sum(gemm.count for gemm in self.workload.gemms)


def network_products(opened: OpenedNetwork, strict: bool = False) -> NetworkProducts:
    """The matrix products of one inference, recorded by computing one.

    Raises
    ------
    InputError
        If there are none; by ``strict``, if some stay digital.
    """
    # Which core it is makes no difference; this one is fast and loses little.
    core = analog_core("fixed-hp", bits=8)
    model = converted(copy.deepcopy(opened.network.model()), Dataflow(core))
    with RandomStream(0).in_use(), recording() as made:
        evaluate(model, opened.data.test.inputs[:1])
    layers = dict(conversion(model).digital)
    # A layer is identified by its name; functions of other packages by theirs.
    functions = (one for one in made.unmapped if one.partition(":")[0] not in layers)
    digital = (*(f"{name} ({kind})" for name, kind in layers.items()), *functions)
    name = opened.network.name
    if not made.kinds:
        raise InputError(f"`model` {name} has no products that a core could compute")
    if digital and strict:
        raise InputError(
            f"`model` {name} has products that no core computes, which --strict refuses: "
            f"{', '.join(digital)}"
        )
    return NetworkProducts(made.workload(name), digital)


_PART = "accuracy"
# What the energy of a core depends on, besides its dot product.
_PRICED = ("moduli", "legitimate_range", "radius", "slice_bits", "adc_bits")


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
    products_of = cache(network_products)
    products = [products_of(point.opened, point.strict) for point in points]
    for update in (runner or Runner()).run([_work(point) for point in points]):
        if progress is not None:
            progress(update)
        if update.finished:
            yield _row(points[update.index], products[update.index], update.total[_PART])


def _work(parameters: AccuracyParameters) -> Work[AccuracyStatistics]:
    """A point in blocks of samples, and all that its results depend on."""
    return Work(
        function=accuracy_block,
        argument=partial(_argument, parameters),
        blocks=parameters.blocks,
        samples=parameters.samples_of,
        parts={_PART: partial(_description, parameters)},
        result=AccuracyStatistics,
    )


def _argument(parameters: AccuracyParameters, block: int, shared: bool) -> AccuracyBlock:
    del shared
    network = parameters.opened.network
    return AccuracyBlock(network, parameters.flow, parameters.data_of(block), parameters.seed)


def _description(parameters: AccuracyParameters) -> dict[str, Any]:
    import torch

    opened = parameters.opened
    return {
        "what": "accuracy",
        "algorithm": ALGORITHM,
        "versions": {**versions(), "torch": str(torch.__version__)},
        "model": opened.network.name,
        "network": opened.network.digest(),
        "data": _data_digest(opened),
        "seed": parameters.seed,
        **described_flow(parameters.flow),
        "block_samples": BLOCK_SAMPLES,
    }


@cache
def _data_digest(opened: OpenedNetwork) -> str:
    return opened.data.test.digest()


def _row(
    parameters: AccuracyParameters, products: NetworkProducts, statistics: AccuracyStatistics
) -> AccuracyRow:
    right, made = statistics.right, statistics.products
    noisy = parameters.flow.core.noisy
    total = _energy(parameters, products, made.mean_attempts)
    accurate = right.both + right.first
    return AccuracyRow(
        model=parameters.opened.network.name,
        samples=right.samples,
        accuracy=accurate / right.samples,
        accuracy_ci95=proportion_interval(accurate, right.samples),
        fp32_accuracy=(right.both + right.second) / right.samples,
        relative_accuracy=right.ratio,
        relative_accuracy_ci95=right.ratio_interval(),
        output_error_rate=made.output_error_rate if noisy else None,
        output_error_rate_ci95=(
            proportion_interval(made.wrong, made.dot_products) if noisy else None
        ),
        expected_attempts=made.mean_attempts if noisy else None,
        gemms=products.count,
        macs=products.workload.macs,
        technology=total.technology,
        energy_per_inference_j=total.energy_j,
        energy_j=total.energy_j * right.samples,
        extrapolated=total.extrapolated,
        digital="; ".join(products.digital) or None,
        **core_columns(parameters.flow, parameters.bits),
    )


def _energy(
    parameters: AccuracyParameters, products: NetworkProducts, attempts: float
) -> WorkloadRow:
    """The energy of one inference, with the attempts that were measured."""
    core = parameters.flow.core
    chances = core.error_probabilities
    with warnings.catch_warnings():
        # Rows say whether they are extrapolated.
        warnings.simplefilter("ignore", RuntimeWarning)
        design = EnergyParameters(
            core=core.name,
            dot_product=core.dot_product,
            bits=parameters.bits,
            technology=parameters.technology,
            extrapolate=True,
            expected_attempts=attempts,
            word_error_probability=wrong_word(chances) if chances else 0.0,
            **{name: value for name, value in core.settings.items() if name in _PRICED},
        )
        return workload_energy(design, products.workload)[-1]

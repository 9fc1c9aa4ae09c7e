"""Accuracy of networks whose matrix products are computed on analog cores."""

import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import cache, partial
from typing import Any

from rnscli.analysis.accuracy_block import ALGORITHM, AccuracyBlock, accuracy_block
from rnscli.analysis.accuracy_parameters import BLOCK_SAMPLES, AccuracyParameters
from rnscli.analysis.accuracy_rows import AccuracyRow
from rnscli.analysis.accuracy_statistics import AccuracyStatistics
from rnscli.analysis.core_columns import core_columns, described_flow
from rnscli.analysis.energy_parameters import EnergyParameters
from rnscli.analysis.network_products import NetworkProducts, network_products
from rnscli.analysis.statistics import proportion_interval
from rnscli.analysis.workload_energy import WorkloadRow, workload_energy
from rnscli.core.bit_sliced import BitSlicedCore
from rnscli.core.decoders import radius_of
from rnscli.core.rns_core import RnsCore
from rnscli.networks.portable import OpenedNetwork
from rnscli.runtime.describe import versions
from rnscli.runtime.runner import Progress, Runner
from rnscli.runtime.work import Work

_PART = "accuracy"


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
    >>> opened = open_network("rnscli.networks.cnn:make")  # not trained
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
    noisy = parameters.flow.core.noise is not None
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
        mean_attempts=made.mean_attempts if noisy else None,
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
    known: dict[str, Any] = {}
    if isinstance(core, RnsCore):
        moduli = core.code.moduli
        known = {
            "moduli": moduli,
            "legitimate_range": core.code.size,
            "expected_attempts": attempts,
            "radius": radius_of(core.code.decoder, moduli),
            "word_error_probability": _word_error_probability(core),
        }
    elif isinstance(core, BitSlicedCore):
        known = {"slice_bits": core.slice_bits, "adc_bits": core.adc_bits}
    with warnings.catch_warnings():
        # Rows say whether they are extrapolated.
        warnings.simplefilter("ignore", RuntimeWarning)
        design = EnergyParameters(
            core=core.name,
            dot_product=core.dot_product,
            bits=parameters.bits,
            technology=parameters.technology,
            extrapolate=True,
            **known,
        )
        return workload_energy(design, products.workload)[-1]


def _word_error_probability(core: RnsCore) -> float:
    noise = core.noise
    if noise is None:
        return 0.0
    # As logarithms, so that small probabilities keep their precision.
    chances = [noise.error_probability(m) for m in core.code.moduli.moduli]
    if max(chances) == 1:
        return 1.0
    return -math.expm1(math.fsum(math.log1p(-p) for p in chances))

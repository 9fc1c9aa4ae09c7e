"""Energy and time of a whole network, tiled on arrays of a fixed size."""

import math
from collections.abc import Mapping
from dataclasses import replace

from rnscli.analysis.energy.bill import Timing, timing_of
from rnscli.analysis.energy.parameters import EnergyParameters
from rnscli.analysis.energy.rows import EnergyRow, WorkloadRow
from rnscli.analysis.energy.uncertainty import at_values, ranges_of, uncertain_energy
from rnscli.base import Flags, NamesOrFiles, Option, Uncertain, WholeNumbers
from rnscli.core import Operations, times
from rnscli.hardware import WORKLOADS, Gemm, OperationPrices, Tiling, Workload, tiles


class WorkloadOptions:
    """What a user chooses to see instead of the bill of a dot product."""

    workload = Option(
        NamesOrFiles(WORKLOADS, (".csv",), "a network, a file .csv, or a list of these"),
        "Instead of one dot product a network: {names}, or a CSV file with layer, M, K, N and "
        "count; a row for each layer and the total.",
    )
    arrays = Option(
        WholeNumbers(1, 2**40), "With --workload: arrays that share its passes.", usual="1"
    )
    sensitivity = Option(
        Flags(),
        "Instead of the bill a row for each uncertain constant, such as --adc-k1 100fJ±30%, with "
        "the energy at its ends; --plot draws a tornado.",
    )


TOTAL = "total"


def workload_energy(
    parameters: EnergyParameters,
    workload: Workload,
    constants: Mapping[str, Uncertain] | None = None,
    arrays: int = 1,
) -> tuple[WorkloadRow, ...]:
    """Energy and time of every layer of a workload, and of all of them.

    A K x N matrix of weights is cut in tiles of h x c, the last ones padded with zeros, which
    cost as much as any other number. Every tile is multiplied with all M vectors of inputs; the
    partial sums of the ceil(K / h) tiles below each other are added digitally. The weights are in
    the arrays from the start: writing them is not counted.

    Parameters
    ----------
    parameters
        The design; its vector size and columns are the h x c of the array.
    workload
        The network.
    constants
        Uncertain constants, as in `rnscli.analysis.energy.uncertainty.uncertain_energy`.
    arrays
        Arrays (of all channels of a core each) that share the passes of a layer.

    Returns
    -------
    tuple of WorkloadRow
        One for each layer, and the total at the end.

    Examples
    --------
    >>> from rnscli.core.arithmetic.dot_product import DotProduct
    >>> from rnscli.hardware.workloads import Gemm
    >>> design = EnergyParameters(core="fixed-lp", dot_product=DotProduct(128, 8, 8), bits=8)
    >>> layer, total = workload_energy(design, Workload("one", (Gemm("fc", 1, 200, 100),)))
    >>> layer.passes, f"{layer.utilisation:.3f}", total.macs
    (2, '0.610', 20000)
    """
    WorkloadOptions.arrays.check(arrays)
    constants = ranges_of(parameters, constants or {})
    parameters = at_values(parameters, constants)
    row, timing = uncertain_energy(parameters, constants), timing_of(parameters.design)
    layers = [
        _layer(parameters, constants, row, timing, workload.name, gemm, arrays)
        for gemm in workload.gemms
    ]
    return (*layers, _total(layers, parameters))


def _layer(
    parameters: EnergyParameters,
    constants: Mapping[str, Uncertain],
    row: EnergyRow,
    timing: Timing,
    workload: str,
    gemm: Gemm,
    arrays: int,
) -> WorkloadRow:
    tiling = tiles(gemm, parameters.dot_product.vector_size, parameters.design.width)
    outputs = tiling.passes * parameters.design.width
    additions = _accumulation(parameters, tiling)
    accumulation = parameters.design.technology.operations.energy(additions)
    energy = outputs * row.energy_per_dot_product_j + accumulation
    digital = math.fsum(
        (
            row.forward_energy_j,
            row.reverse_energy_j,
            row.decoding_energy_j,
            row.shift_add_energy_j,
        )
    )
    bounds = None
    if row.energy_range_j is not None:
        low, high = (
            outputs * end + prices.energy(additions)
            for end, prices in zip(row.energy_range_j, _prices(parameters, constants), strict=True)
        )
        bounds = (low, high)
    return WorkloadRow(
        workload=workload,
        layer=gemm.layer,
        core=row.core,
        bits=row.bits,
        vector_size=row.vector_size,
        columns=row.columns,
        technology=row.technology,
        adc_model=row.adc_model,
        m=gemm.m,
        k=gemm.k,
        n=gemm.n,
        times=gemm.count,
        stationary=gemm.stationary,
        macs=gemm.macs,
        passes=tiling.passes,
        utilisation=tiling.utilisation,
        converter_energy_j=outputs * row.converter_energy_j,
        array_energy_j=outputs * (row.array_energy_j + row.leakage_energy_j),
        digital_energy_j=outputs * digital,
        accumulation_energy_j=accumulation,
        energy_j=energy,
        energy_per_mac_j=energy / gemm.macs,
        time_s=(-(-tiling.passes // arrays) - 1) * timing.interval + timing.latency,
        energy_range_j=bounds,
        expected_attempts=row.expected_attempts,
        extrapolated=row.extrapolated,
        input_bits=row.input_bits,
        weight_bits=row.weight_bits,
        moduli=row.moduli,
        redundant_moduli=row.redundant_moduli,
        arrays=arrays,
    )


def _prices(
    parameters: EnergyParameters, constants: Mapping[str, Uncertain]
) -> tuple[OperationPrices, OperationPrices]:
    """Prices of operations at both ends of the technology node, with which they rise."""
    prices = parameters.design.technology.operations
    node = constants.get("node")
    if node is None:
        return prices, prices
    return replace(prices, node=node.low), replace(prices, node=node.high)


def _accumulation(parameters: EnergyParameters, tiling: Tiling) -> Operations:
    """Additions that join the partial sums of tiles."""
    one = parameters.design.kind.accumulation(parameters.dot_product, tiling.row_tiles)
    return times(one, float(tiling.additions))


def _total(layers: list[WorkloadRow], parameters: EnergyParameters) -> WorkloadRow:
    first = layers[0]
    macs, passes = sum(row.macs for row in layers), sum(row.passes for row in layers)
    padded = passes * parameters.dot_product.vector_size * parameters.design.width
    energy = math.fsum(row.energy_j for row in layers)
    ranges = [row.energy_range_j for row in layers if row.energy_range_j is not None]
    bounds = None
    if ranges:
        bounds = (math.fsum(low for low, _ in ranges), math.fsum(high for _, high in ranges))
    # The design is that of any layer.
    return replace(
        first,
        layer=TOTAL,
        m=None,
        k=None,
        n=None,
        times=None,
        stationary=None,
        macs=macs,
        passes=passes,
        utilisation=macs / padded,
        converter_energy_j=math.fsum(row.converter_energy_j for row in layers),
        array_energy_j=math.fsum(row.array_energy_j for row in layers),
        digital_energy_j=math.fsum(row.digital_energy_j for row in layers),
        accumulation_energy_j=math.fsum(row.accumulation_energy_j for row in layers),
        energy_j=energy,
        energy_per_mac_j=energy / macs,
        time_s=math.fsum(row.time_s for row in layers),
        energy_range_j=bounds,
    )

"""Energy of the matrix products of a whole network, tiled on arrays of a fixed size."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Annotated, Any

from rnscli.analysis import columns as c
from rnscli.analysis.energy.bill import Constants, at_values, design_columns, uncertain_energy
from rnscli.analysis.energy.parameters import EnergyParameters
from rnscli.analysis.energy.product_energy import product_energy
from rnscli.analysis.energy.rows import ConverterEnergy, EnergyRow, energy_of, part
from rnscli.base import Column, ResultRow, Uncertain, joules, percent
from rnscli.core import times
from rnscli.hardware import LOGIC_FACTOR, TOTAL, Gemm, Workload
from rnscli.hardware.operations import OperationPrices

# What layers add up to, besides their MACs and passes.
_SUMMED = (
    "converter_energy_j", "array_energy_j", "digital_energy_j", "accumulation_energy_j",
    "energy_j",
)  # fmt: skip
_REPORTED = 500  # layers between two words on the progress
_OF_A_LAYER = ("m", "k", "n", "times", "stationary")


# fmt: off
@dataclass(frozen=True, repr=False)
class WorkloadRow(ResultRow):
    """A layer of a workload, or all of them (``layer`` is then ``total``); base SI units.

    ``passes`` are operations of the array, each with one vector of inputs; ``utilisation`` is the
    share of the multiplications in them that is not padding. A layer is done ``times`` times;
    where it is not ``stationary`` it multiplies two activations, whose writing into the array
    would have to be added. ``digital_energy_j`` joins forward
    and reverse conversion, decoding and the additions of slices; ``accumulation_energy_j`` is of
    the additions that join the partial sums of tiles. ``energy_per_mac_j`` is the energy over the
    MACs that are needed.
    """

    workload: Annotated[str, Column("The network.", identity=True)]
    layer: Annotated[str, Column("The layer, or total for all of them.", identity=True)]
    core: c.Core
    bits: c.Bits
    vector_size: c.VectorSize
    columns: c.ArrayColumns
    technology: c.Technology
    adc_model: c.AdcModel | None
    m: Annotated[
        int | None, Column("Rows M of the inputs: dot products for each weight column.", low=1)
    ]
    k: Annotated[int | None, Column("Length K of the layer's dot products.", low=1)]
    n: Annotated[int | None, Column("Weight columns N: outputs for each row of inputs.", low=1)]
    times: Annotated[int | None, Column("How often the layer is done.", low=1)]
    stationary: Annotated[
        bool | None, Column("Whether the weights are stored parameters, and not activations.")
    ]
    macs: Annotated[int, Column("Multiplications that are needed, each with its addition.", low=1)]
    passes: Annotated[
        int, Column("Operations of the array, each with one vector of inputs.", low=1)
    ]
    utilisation: Annotated[float, Column(
        "Share of the multiplications in these passes that is no padding.", "used", percent(1),
        high=1
    )]
    converter_energy_j: ConverterEnergy
    array_energy_j: Annotated[float, Column(
        "Energy of the array, in J, with its periphery, light and circuits of the modulo.", "array",
        joules
    )]
    digital_energy_j: Annotated[
        float, part("of conversion, decoding, adding, scaling and memory", "digital")
    ]
    accumulation_energy_j: Annotated[
        float, part("of adding the partial sums of tiles", "accumulation")
    ]
    energy_j: Annotated[float, energy_of("of the layer or network", "total")]
    energy_per_mac_j: Annotated[
        c.EnergyPerMac, energy_of("over the MACs that are needed", "per MAC")
    ]
    energy_range_j: c.EnergyRange | None
    expected_attempts: c.ExpectedAttempts
    pass_attempts: c.PassAttempts
    extrapolated: c.Extrapolated
    input_bits: c.InputBits | None
    weight_bits: c.WeightBits | None
    moduli: c.Moduli | None
    redundant_moduli: c.RedundantModuli | None

# fmt: on


def workload_energy(
    parameters: EnergyParameters,
    workload: Workload,
    constants: Constants | None = None,
    progress: Callable[[int], object] = lambda layers: None,
) -> tuple[WorkloadRow, ...]:
    """Energy of the products of every layer of a workload, and of all of them.

    A K x N matrix of weights is cut in tiles of h x c, the last ones padded with zeros, which
    cost as much as any other number. Every tile is multiplied with all M vectors of inputs; the
    partial sums of the ceil(K / h) tiles below each other are added digitally. The weights are in
    the arrays from the start: writing them is not counted. How many arrays there are, what is
    loaded, and how long it takes, is another question: `rnscli.analysis.chip.chip_run`.

    Parameters
    ----------
    parameters
        The design; its vector size and columns are the h x c of the array.
    workload
        The network.
    constants
        Uncertain constants, as in `uncertain_energy`.
    progress
        Called now and then with the number of layers that are done since it was last called.

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
    parameters, constants = at_values(parameters, constants or {})
    row = uncertain_energy(parameters, constants)
    ends = None if row.energy_range_j is None else _at_ends(parameters, constants)
    layers = []
    for done, gemm in enumerate(workload.gemms, 1):
        layers.append(_layer(parameters, ends, row, workload.name, gemm))
        if not done % _REPORTED:
            progress(_REPORTED)
    progress(len(layers) % _REPORTED)
    return (*layers, _total(layers, parameters))


def _at_ends(
    parameters: EnergyParameters, constants: Constants
) -> tuple[OperationPrices, OperationPrices]:
    """Prices of additions where they are least, and most: they rise with the node, and a factor."""
    prices = parameters.design.technology.operations
    nodes = _ends(constants.get("node"), prices.node)
    factors = _ends(constants.get(LOGIC_FACTOR), prices.factor)
    low, high = (
        replace(prices, node=at, factor=factor) for at, factor in zip(nodes, factors, strict=True)
    )
    return low, high


def _layer(
    parameters: EnergyParameters,
    ends: tuple[OperationPrices, OperationPrices] | None,
    row: EnergyRow,
    workload: str,
    gemm: Gemm,
) -> WorkloadRow:
    design = parameters.design
    made = product_energy(design, gemm)
    tiling = made.tiling
    bounds = None
    if row.energy_range_j is not None and ends is not None:
        outputs = tiling.passes * design.width
        addition = design.kind.accumulation(design.dot_product, tiling.row_tiles)
        additions = times(addition, float(tiling.additions))
        low, high = (
            outputs * end + prices.energy(additions)
            for end, prices in zip(row.energy_range_j, ends, strict=True)
        )
        bounds = (low, high)
    return WorkloadRow(
        **design_columns(parameters),
        workload=workload,
        layer=gemm.layer,
        m=gemm.m,
        k=gemm.k,
        n=gemm.n,
        times=gemm.count,
        stationary=gemm.stationary,
        macs=gemm.macs,
        passes=tiling.passes,
        utilisation=tiling.utilisation,
        converter_energy_j=made.converter,
        array_energy_j=made.array,
        digital_energy_j=made.digital,
        accumulation_energy_j=made.accumulation,
        energy_j=made.total,
        energy_per_mac_j=made.total / gemm.macs,
        energy_range_j=bounds,
        expected_attempts=row.expected_attempts,
        pass_attempts=row.pass_attempts,
        extrapolated=row.extrapolated,
    )


def _ends(constant: Uncertain | None, value: float) -> tuple[float, float]:
    return (constant.low, constant.high) if constant else (value, value)


def _total(layers: list[WorkloadRow], parameters: EnergyParameters) -> WorkloadRow:
    macs, passes = sum(row.macs for row in layers), sum(row.passes for row in layers)
    # What passes would compute if nothing were padding.
    padded = passes * parameters.dot_product.vector_size * parameters.design.width
    sums: dict[str, Any] = {n: math.fsum(getattr(row, n) for row in layers) for n in _SUMMED}
    ranges = [row.energy_range_j for row in layers if row.energy_range_j is not None]
    bounds = None
    if ranges:
        bounds = (math.fsum(low for low, _ in ranges), math.fsum(high for _, high in ranges))
    # The design is that of any layer.
    return replace(
        layers[0],
        layer=TOTAL,
        macs=macs,
        passes=passes,
        utilisation=macs / padded,
        energy_per_mac_j=sums["energy_j"] / macs,
        energy_range_j=bounds,
        **sums | dict.fromkeys(_OF_A_LAYER),
    )

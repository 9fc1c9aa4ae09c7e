"""Energy of a whole matrix product on arrays of a fixed size."""

import math
from typing import NamedTuple

from rnscli.analysis.energy.energy_design import EnergyDesign
from rnscli.core import times
from rnscli.hardware import Gemm, Tiling, tiles


class ProductEnergy(NamedTuple):
    """What a product takes, in J, without loading its weights.

    ``converter`` is of DACs and ADCs, ``array`` of the array with its periphery, light and modulo,
    ``digital`` of conversion, decoding, adding, scaling and the memory of operands beside the
    array, ``accumulation`` of joining the partial sums of tiles.
    """

    tiling: Tiling
    converter: float
    array: float
    digital: float
    accumulation: float
    total: float


def product_energy(design: EnergyDesign, gemm: Gemm) -> ProductEnergy:
    """Energy of a product: each of its M vectors passes each tile of h x c weights once.

    Parameters
    ----------
    design
        The array, whose h and c are the size of a tile, or c and h where it is read transposed.
    gemm
        The product.
    """
    rows, columns = design.dot_product.vector_size, design.width
    if design.kernel == "mvm":  # driven where else it is read
        rows, columns = columns, rows
    tiling = tiles(gemm, rows, columns)
    outputs = tiling.passes * design.width
    addition = design.kind.accumulation(design.dot_product, tiling.row_tiles)
    additions = times(addition, float(tiling.additions))
    accumulation = design.technology.operations.energy(additions)
    made = design.energies
    array = math.fsum((made.array, made.periphery, made.light, made.modulo))
    digital = math.fsum(
        (
            made.forward, made.reverse, made.decoding, made.shift_add, made.accumulation,
            made.scaling, made.memory,
        )
    )  # fmt: skip
    return ProductEnergy(
        tiling,
        outputs * (made.dac + made.adc),
        outputs * array,
        outputs * digital,
        accumulation,
        outputs * made.total + accumulation,
    )

"""What a layer of a network asks of each part of a chip, in one run."""

import math
from dataclasses import dataclass
from functools import cached_property

from rnscli.analysis.chip.chip_parameters import ACTIVATION_PRODUCTS, ChipParameters
from rnscli.analysis.chip.mapping import Stage
from rnscli.analysis.energy.energy_design import EnergyDesign
from rnscli.analysis.energy.product_energy import ProductEnergy, product_energy
from rnscli.core import DigitalKind, Operations
from rnscli.hardware import Gemm, VectorWork, Workload

HELD, WRITTEN, DIGITAL_UNITS = "arrays", "written arrays", "digital units"


@dataclass(frozen=True, eq=False)
class LayerDemand:
    """A product, with the vector work that follows it.

    Parameters
    ----------
    gemm, vectors
        What is computed.
    design
        Of the array, or digital unit, that computes it.
    runs_on
        On arrays that hold its weights, on arrays that are written, or on digital units.
    shared
        Whether it uses the tiles of another layer, as they are or transposed.
    input_bits, weight_bits
        Bits of a value of either operand, in a memory.
    """

    gemm: Gemm
    vectors: tuple[VectorWork, ...]
    design: EnergyDesign
    runs_on: str
    shared: bool
    input_bits: int
    weight_bits: int

    @cached_property
    def product(self) -> ProductEnergy:
        return product_energy(self.design, self.gemm)

    @property
    def on_arrays(self) -> bool:
        return self.runs_on != DIGITAL_UNITS

    @property
    def _tiles_of_a_matrix(self) -> int:
        return self.product.tiling.tiles

    @property
    def tiles(self) -> int:
        """Tiles of its second operand, of all matrices, idle ones included."""
        return self._tiles_of_a_matrix * (self.gemm.count + self.gemm.idle)

    @cached_property
    def stage(self) -> Stage:
        gemm, timing = self.gemm, self.design.timing
        return Stage(
            tiles=self.tiles,
            waves=-(-gemm.m // gemm.steps),
            time=timing.interval,
            steps=gemm.steps,
            depth=gemm.depth,
            wait=max(0.0, timing.latency - timing.interval),
            idle=self._tiles_of_a_matrix * gemm.idle,
        )

    @property
    def loaded_bits(self) -> float:
        """Bits of the values of one tile, on average: what pads it comes from nowhere."""
        used = self._tiles_of_a_matrix * self.gemm.count
        return (self.stored_bits + self.operand_bits) / used

    @property
    def loaded_from_buffer(self) -> bool:
        """Whether what is written into arrays is in the buffer, or in the DRAM."""
        return self.runs_on == WRITTEN and not self.gemm.cached

    @property
    def unit_time(self) -> float:
        """Time in s in which one unit does all of its passes, and is written for each tile."""
        tiling = self.product.tiling
        written = self.tiles * self.design.writing.time
        return tiling.passes * self.design.timing.interval + written

    @property
    def unit_writing(self) -> float:
        """Energy in J of writing each of its tiles into a unit, once."""
        return self.tiles * self.design.writing.energy

    @property
    def operand_bits(self) -> float:
        """Bits of the second operand where that is not stored as weights."""
        if self.gemm.stationary:
            return 0.0
        return float(self.gemm.k * self.gemm.n * self.gemm.count * self.weight_bits)

    @property
    def stored_bits(self) -> float:
        """Bits of those of its weights that are used, which the DRAM holds."""
        gemm = self.gemm
        return float(gemm.k * gemm.n * gemm.count * self.weight_bits) if gemm.stationary else 0.0

    @property
    def in_bits(self) -> float:
        return float(self.gemm.input_values * self.input_bits)

    @property
    def out_bits(self) -> float:
        return float(self.gemm.m * self.gemm.n * self.gemm.count * self.input_bits)

    @property
    def fresh_operand_bits(self) -> float:
        """Bits of a second operand that another layer leaves in the buffer."""
        return 0.0 if self.gemm.cached else self.operand_bits

    @property
    def buffer_bits(self) -> float:
        """Bits that are read from the buffer, and written to it."""
        return self.in_bits + self.out_bits + self.fresh_operand_bits

    @property
    def moved_bits(self) -> float:
        """Bits that travel over the chip: those of the buffer, and partial sums between tiles."""
        kind = self.design.kind
        width = (
            kind.sum_bits if isinstance(kind, DigitalKind) else self.design.dot_product.output_bits
        )
        sums = self.product.tiling.additions * width
        return self.in_bits + self.out_bits + self.operand_bits + sums

    @cached_property
    def operations(self) -> Operations:
        """Operations of the vector work."""
        return tuple(one for work in self.vectors for one in work.operations)

    @property
    def operation_count(self) -> float:
        return math.fsum(one.count for one in self.operations)

    @property
    def dram_bits(self) -> float:
        """Bits to and from the DRAM, however the layer is mapped."""
        cached = self.operand_bits if self.gemm.cached else 0.0
        return cached + math.fsum(work.dram_bits for work in self.vectors)


def layer_demands(parameters: ChipParameters, workload: Workload) -> tuple[LayerDemand, ...]:
    """What each layer of a workload asks of a chip."""
    after: dict[str, list[VectorWork]] = {}
    for work in workload.vectors:
        after.setdefault(work.layer, []).append(work)
    dot_product = parameters.array.dot_product
    analog = parameters.unit.converters is not None
    bits = parameters.unit.channels[0].input_bits
    input_bits = dot_product.input_bits if analog else bits
    weight_bits = dot_product.weight_bits if analog else bits
    written = ACTIVATION_PRODUCTS[parameters.activation_products].written
    made = []
    for gemm in workload.gemms:
        design, runs_on, shared = parameters.unit, HELD, False
        if not gemm.stationary:
            design, runs_on = (design, WRITTEN) if written else (parameters.digital, DIGITAL_UNITS)
        elif gemm.shares is not None:
            # What cannot be read transposed has tiles of its own.
            wanted = parameters.transposed if gemm.transposed else parameters.unit
            if wanted is not None:
                design, shared = wanted, True
        # Of layers of one name the work is that of the first.
        vectors = tuple(after.pop(gemm.layer, ()))
        made.append(LayerDemand(gemm, vectors, design, runs_on, shared, input_bits, weight_bits))
    return tuple(made)

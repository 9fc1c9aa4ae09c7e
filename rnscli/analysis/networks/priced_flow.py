"""Energy of the matrix products of a dataflow, and of writing their operands into arrays."""

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from rnscli import analysis
from rnscli.base import NoSolutionError
from rnscli.core import CORES, DotProduct, Operation, Operations, times
from rnscli.hardware import MEMORIES, Gemm, Technology, Workload, load_technology
from rnscli.matrix import Dataflow

_FP32_CORE = "digital-fp32"
_ANY = Gemm("any", 1, 1, 1)  # whose price is as little known as that of any other product
FP32_SIZE = 128  # rows and columns of the array of multipliers that stands for FP32
# What the energy of a core depends on, besides its dot product.
_PRICED = ("moduli", "legitimate_range", "decoder", "slice_bits", "adc_bits", "adc_range")
# A weight is compared in the search for the largest, multiplied by its scale and rounded, as an
# output is that becomes an input (`rnscli.hardware.Scales`).
_ROUNDED: Operations = (
    Operation("fp-multiply", 32), Operation("fp-add", 32), Operation("add", 32)
)  # fmt: skip


@dataclass(frozen=True)
class PricedFlow:
    """A dataflow and what its arrays are made of.

    Parameters
    ----------
    flow
        The core, and how products are mapped to it; ``None`` for FP32, which is priced as the core
        ``digital-fp32`` on arrays of `FP32_SIZE`.
    bits
        Bits b of the converters; those of the inputs if not given.
    technology
        Of the arrays; the one that the core is shown on if not given, as always of FP32.
    """

    flow: Dataflow | None
    bits: int | None = None
    technology: Technology | None = None

    @cached_property
    def name(self) -> str:
        """The core that is priced."""
        return _FP32_CORE if self.flow is None else self.flow.core.name

    @cached_property
    def array(self) -> Technology:
        """The technology that is priced."""
        if self.technology is not None and self.flow is not None:
            return self.technology
        return load_technology(CORES[self.name].default_technology)

    @property
    def transposes(self) -> bool:
        """Whether an array is read along its rows, too: its technology says what that takes."""
        return self.array.tells(kernel="mvm") and not CORES[self.name].coded

    @property
    def programs(self) -> bool:
        """Whether the technology says what changing the weights in an array takes."""
        return self.array.tells(kernel="update") and not CORES[self.name].coded

    @cached_property
    def unpriced(self) -> str:
        """Why no energy is known, in words; else empty."""
        if self.flow is None:
            return ""
        core = self.flow.core
        try:
            _bill(self, (_ANY,), 1.0, "vmm")
        except NoSolutionError as error:  # the light of a technology has its limits
            # In a column, so without marks of arguments; what to give instead is for `energy`.
            return str(error).partition(";")[0].replace("`", "")
        if core.settings.get("attempts", 1) > 2 and any(law.has_static_errors for law in core.laws):
            return (
                "more than two attempts at what is wrong in the same way each time are not "
                "independent, as a price of them would take them to be"
            )
        return ""

    def products(
        self, gemms: Sequence[Gemm], attempts: float = 1.0, kernel: str = "vmm"
    ) -> "analysis.WorkloadRow | None":
        """Bill of some products, with the mean number of attempts of a dot product.

        ``None`` if `unpriced` says why.
        """
        if self.unpriced:
            return None
        try:
            return _bill(self, tuple(gemms), attempts, kernel)
        except NoSolutionError:  # of a kernel other than the usual one
            return None

    def writing(self, gemms: Sequence[Gemm], rounded: bool = False) -> float | None:
        """Energy in J of writing the K x N matrices of some products, each once.

        ``None`` if `unpriced` says why. Where the technology has parts for it alone, rows are
        written one after the other, with the drivers and cells of one row and all columns of a pass
        of its kernel ``update``. Else it is that of writing numbers of so many bits, of all
        channels, into the memory of the operands. Residues are formed from each; ``rounded`` adds
        what rounds a number of FP32.
        """
        if not gemms:
            return 0.0
        if self.unpriced:
            return None
        row, value = _written(self)
        values = math.fsum(one.k * one.n * one.count for one in gemms)
        size = self.dot_product.vector_size
        rows = math.fsum(one.k * -(-one.n // size) * one.count for one in gemms)
        operations = _ROUNDED if rounded and self.flow is not None else ()
        return rows * row + values * (value + self.array.operations.energy(operations))

    def outer_product(self, gemms: Sequence[Gemm]) -> float | None:
        """Energy in J of adding M rank-one matrices to each K x N matrix, in its arrays.

        ``None`` where the technology does not say what that takes, or the core does no such thing.
        """
        if not self.programs:
            return None
        design = self.parameters(kernel="update").design
        size = design.dot_product.vector_size
        passes = math.fsum(m.m * -(-m.k // size) * -(-m.n // size) * m.count for m in gemms)
        return passes * design.width * design.energies.total

    @property
    def dot_product(self) -> DotProduct:
        return DotProduct(FP32_SIZE, 8, 8) if self.flow is None else self.flow.core.dot_product

    def parameters(self, attempts: float = 1.0, kernel: str = "vmm") -> "analysis.EnergyParameters":
        """The design that is priced."""
        if self.flow is None:
            return analysis.EnergyParameters(
                core=_FP32_CORE, dot_product=self.dot_product, bits=8, technology=self.array,
                kernel=kernel,
            )  # fmt: skip
        core = self.flow.core
        most, code, searched = core.settings.get("attempts", 1), core.code, 0.0
        if code is not None and core.laws:
            searched = analysis.search_probability(code.decoder, code.moduli, core.laws)
        rejected = analysis.rejected_of(attempts, most) if attempts > 1 else 0.0
        in_pass = analysis.attempts_of_pass(rejected, most, core.dot_product.vector_size)
        priced: dict[str, Any] = {n: one for n, one in core.settings.items() if n in _PRICED}
        with warnings.catch_warnings():
            # Rows say whether they are extrapolated.
            warnings.simplefilter("ignore", RuntimeWarning)
            return analysis.EnergyParameters(
                core=core.name,
                dot_product=core.dot_product,
                bits=self.bits or core.dot_product.input_bits,
                technology=self.array,
                extrapolate=True,
                expected_attempts=attempts,
                pass_attempts=max(attempts, in_pass),
                search_probability=searched,
                scales=self.flow.scales,
                devices=core.devices,
                input_scale=self.flow.scale_name,
                kernel=kernel,
                **priced,
            )


@lru_cache(maxsize=1024)  # every epoch has the same products
def _bill(
    priced: PricedFlow, gemms: tuple[Gemm, ...], attempts: float, kernel: str
) -> "analysis.WorkloadRow":
    with warnings.catch_warnings():
        # Rows say whether they are extrapolated.
        warnings.simplefilter("ignore", RuntimeWarning)
        made = priced.parameters(attempts, kernel)
        return analysis.workload_energy(made, Workload("products", gemms))[-1]


@lru_cache(maxsize=256)
def _written(priced: PricedFlow) -> tuple[float, float]:
    """Energy in J of writing a row of an array, and of each number in it."""
    if priced.programs:
        design = priced.parameters(kernel="update").design
        whole = ("row", "cell")  # an array has h times as many as a row
        shares = (one.total / (design.rows if one.per in whole else 1) for one in design.items)
        return math.fsum(shares), 0.0
    design = priced.parameters().design
    coded, analog = design.kind.coded, design.converters is not None
    bits = design.dot_product.weight_bits
    if coded or not analog:
        bits = sum(channel.count * channel.input_bits for channel in design.channels)
    array = design.technology
    memory = design.memory.at_node(array.node) * array.memory_energy_factor
    return 0.0, bits * memory + array.operations.energy(design.logic.inputs)


def changes_energy(array: Technology, operations: Operations, words: float, count: float) -> float:
    """Energy in J of so many changes of a number of FP32: operations, and words of a memory."""
    memory = MEMORIES[analysis.EnergyParameters.memory]
    bit = memory.at_node(array.node) * array.memory_energy_factor
    return array.operations.energy(times(operations, count)) + 32 * words * count * bit

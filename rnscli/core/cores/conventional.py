"""The cores that residues are compared with: arrays of ordinary numbers, and digital ones."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rnscli.core.cores.kind import (
    CONVERTER_AXES,
    FULL,
    ConventionalKind,
    Converters,
    CoreSettings,
    DigitalKind,
    Laws,
    Logic,
    Operation,
    Operations,
    add,
    applied_bits,
    check_slice_bits,
    full_bits,
    multiply,
    range_bits,
    single_law,
    slices_of,
)

if TYPE_CHECKING:  # what is simulated loads NumPy
    from rnscli.core.arithmetic import DotProduct, RedundantCode
    from rnscli.core.cores.conventional_core import BitSlicedCore, FixedPointCore


class FixedPoint(ConventionalKind):
    """A core with one array and one ADC for each column."""

    axes: tuple[str, ...] = CONVERTER_AXES

    @abstractmethod
    def adc_bits(self, settings: CoreSettings) -> int:
        """Bits of the ADC."""

    def adc_range(self, settings: CoreSettings) -> str:
        """Share of the full range that the ADC has."""
        return settings.adc_range

    def converters(self, settings: CoreSettings) -> Converters:
        return Converters(settings.dot_product.input_bits, self.adc_bits(settings), 1)

    def build(
        self, settings: CoreSettings, code: RedundantCode | None, noise: Laws, attempts: float
    ) -> FixedPointCore:
        from rnscli.core.cores.conventional_core import FixedPointCore

        adc_bits, law = self.adc_bits(settings), single_law(self, noise)
        within = self.adc_range(settings)
        return FixedPointCore(
            self.name, settings.dot_product, settings.bits, adc_bits, law, within, settings.devices
        )

    def logic(self, settings: CoreSettings) -> Logic:
        """Nothing: what the ADC says is the result."""
        return Logic()

    def conversions(self, settings: CoreSettings) -> Sequence[tuple[int, float]]:
        from rnscli.core.cores.conventional_core import mean_square

        dot = settings.dot_product
        bits = range_bits(dot.output_bits, self.adc_range(settings))
        return [(bits, mean_square(dot.max_weight, dot.vector_size))]


class FixedLp(FixedPoint):
    """The ADC has b bits if not told otherwise, so that it is compared at equal converters."""

    name = "fixed-lp"
    summary = "one array; an ADC of b bits keeps the top b of the b_out bits of a result"
    axes = (*CONVERTER_AXES, "adc_bits", "adc_range")
    exact = False

    def adc_bits(self, settings: CoreSettings) -> int:
        # An ADC with more bits than its range has would convert nothing but noise.
        chosen = settings.bits if settings.adc_bits is None else settings.adc_bits
        full = full_bits(settings.dot_product, settings.devices)
        return min(chosen, range_bits(full, settings.adc_range))


class FixedHp(FixedPoint):
    """The ADC has as many bits as the result."""

    name = "fixed-hp"
    summary = "one array; an ADC of all b_out bits of a result, which loses nothing"
    exact = True

    def adc_bits(self, settings: CoreSettings) -> int:
        return full_bits(settings.dot_product, settings.devices)

    def adc_range(self, settings: CoreSettings) -> str:
        return FULL


class BitSliced(ConventionalKind):
    """What designers do today: a weight is spread over several low-precision devices."""

    name = "bit-sliced"
    summary = "an array for each slice of the weights; readings are shifted and added digitally"
    axes = (*CONVERTER_AXES, "slice_bits", "adc_bits", "adc_range")
    exact = False

    def converters(self, settings: CoreSettings) -> Converters:
        dot, slice_bits = settings.dot_product, settings.slice_bits
        check_slice_bits(slice_bits, dot)
        # An ADC with more bits than the range of a slice has would convert nothing but noise.
        chosen = settings.bits if settings.adc_bits is None else settings.adc_bits
        full = dot.slice_output_bits(slice_bits) - dot.input_bits
        full += applied_bits(dot, settings.devices)
        adc_bits = min(chosen, range_bits(full, settings.adc_range))
        return Converters(dot.input_bits, adc_bits, slices_of(dot, slice_bits, settings.devices))

    def build(
        self, settings: CoreSettings, code: RedundantCode | None, noise: Laws, attempts: float
    ) -> BitSlicedCore:
        from rnscli.core.cores.conventional_core import BitSlicedCore

        dot, bits, slice_bits = settings.dot_product, settings.bits, settings.slice_bits
        adc_bits, law = self.converters(settings).adc_bits, single_law(self, noise)
        return BitSlicedCore(
            dot, bits, slice_bits, adc_bits, law, settings.adc_range, settings.devices
        )

    def logic(self, settings: CoreSettings) -> Logic:
        """The readings of the slices are added at the width of the result, in a tree."""
        dot = settings.dot_product
        slices = slices_of(dot, settings.slice_bits, settings.devices)
        return Logic(
            shift_add=add(dot.output_bits, float(slices - 1)),
            cycles_after=(slices - 1).bit_length(),
        )

    def conversions(self, settings: CoreSettings) -> Sequence[tuple[int, float]]:
        from rnscli.core.cores.conventional_core import mean_square

        dot, slice_bits = settings.dot_product, settings.slice_bits
        bits = range_bits(dot.slice_output_bits(slice_bits), settings.adc_range)
        return [
            (bits, mean_square(dot.max_weight, dot.vector_size, slice_bits, index))
            for index in range(dot.slices(slice_bits))
        ]


class _Accumulating(DigitalKind):
    """A digital core: it has no converters and loses nothing.

    Sums have the width of those in a MAC, whatever is added.
    """

    def accumulation(self, dot: DotProduct, tiles: int) -> Operations:
        return self.mac[-1:]  # its addition


class DigitalInt8(_Accumulating):
    """Products of 8 bits, added at 32."""

    name = "digital-int8"
    summary = "digital, 8-bit operands and 32-bit sums"
    operand_bits = 8
    simulated_bits = 8
    max_terms = (2**31 - 1) // 127**2
    mac = (*multiply(8, 8), *add(32))


class DigitalInt4(_Accumulating):
    """Products of 4 bits, added at 24, as in the chip of Keller et al. (VLSI 2022, 5 nm).

    "24b partial sums are temporally accumulated in a 16-entry latch array" (read in a quotation):
    that chip has them for operands of 4 and of 8 bits.
    """

    name = "digital-int4"
    summary = "digital, 4-bit operands and 24-bit sums"
    operand_bits = 4
    simulated_bits = 4
    max_terms = (2**23 - 1) // 7**2
    mac = (*multiply(4, 4), *add(24))


class DigitalFp32(_Accumulating):
    """Single precision."""

    name = "digital-fp32"
    summary = "digital, single precision"
    operand_bits = 32
    simulated_bits = None
    max_terms = None
    quantised = False
    mac = (Operation("fp-multiply", 32), Operation("fp-add", 32))

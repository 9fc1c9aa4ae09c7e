"""The cores that residues are compared with: arrays of ordinary numbers, and digital ones."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from rnscli.core.cores.kind import (
    CALIBRATED,
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
    log2_range,
    multiply,
    range_bits,
    range_share,
    single_law,
    slices_of,
)
from rnscli.core.devices import PLAIN

if TYPE_CHECKING:  # what is simulated loads NumPy
    from rnscli.core.arithmetic import DotProduct, RedundantCode
    from rnscli.core.cores.conventional_core import BitSlicedCore, FixedPointCore
    from rnscli.core.noise import NoiseLaw


# Of a core whose ADCs have bits and a range that are a choice.
_CHOSEN = ("adc_bits", "adc_range", "calibration", "percentile", "input_slice_bits")


class RangedKind(ConventionalKind):
    """A core whose ADCs have a share of the full range, all of it unless that is one of its axes.

    A calibrated share is that for uniform operands.
    """

    @abstractmethod
    def full_bits(self, settings: CoreSettings) -> int:
        """Bits of the full range of an ADC."""

    @abstractmethod
    def adc_bits(self, settings: CoreSettings) -> int:
        """Bits of the widest ADC."""

    @abstractmethod
    def built(
        self, settings: CoreSettings, adc_bits: int, law: NoiseLaw | None
    ) -> FixedPointCore | BitSlicedCore:
        """The core with a range that is not calibrated."""

    def adc_range(self, settings: CoreSettings) -> str:
        """The range that it has of those that could be chosen."""
        return settings.adc_range if "adc_range" in self.axes else FULL

    def shares(self, settings: CoreSettings) -> tuple[float, ...]:
        """Shares of the full range: one for each part of the weights, or one that all have."""
        within = self.adc_range(settings)
        if within != CALIBRATED:
            return (range_share(within),)
        from rnscli.core.cores.uniform_operands import uniform_shares

        return uniform_shares(self, settings)

    def chosen_bits(self, settings: CoreSettings) -> int:
        """The bits that are asked for, b if none are.

        An ADC with more bits than its range has would convert nothing but noise.
        """
        chosen = settings.bits if settings.adc_bits is None else settings.adc_bits
        return min(chosen, range_bits(self.full_bits(settings), max(self.shares(settings))))

    def build(
        self, settings: CoreSettings, code: RedundantCode | None, noise: Laws, attempts: float
    ) -> FixedPointCore | BitSlicedCore:
        law, within = single_law(self, noise), self.adc_range(settings)
        full = replace(settings, adc_range=FULL if within == CALIBRATED else within)
        made = self.built(full, self.adc_bits(full), law)
        return made if within != CALIBRATED else made.with_shares(self.shares(settings))


class FixedPoint(RangedKind):
    """A core with one array and one ADC for each column."""

    axes: tuple[str, ...] = (*CONVERTER_AXES, "input_slice_bits")

    def full_bits(self, settings: CoreSettings) -> int:
        return full_bits(settings.dot_product, settings.devices)

    def converters(self, settings: CoreSettings) -> Converters:
        return Converters(settings.dot_product.input_bits, self.adc_bits(settings), 1)

    def built(self, settings: CoreSettings, adc_bits: int, law: NoiseLaw | None) -> FixedPointCore:
        from rnscli.core.cores.conventional_core import FixedPointCore

        dot, within = settings.dot_product, self.adc_range(settings)
        devices = replace(settings.devices, residues=PLAIN)
        return FixedPointCore(self.name, dot, settings.bits, adc_bits, law, within, devices=devices)

    def logic(self, settings: CoreSettings) -> Logic:
        """Nothing: what the ADC says is the result."""
        return Logic()

    def conversions(self, settings: CoreSettings) -> Sequence[tuple[float, float]]:
        from rnscli.core.cores.conventional_core import mean_square

        dot, (share,) = settings.dot_product, self.shares(settings)
        bits = log2_range(self.full_bits(settings), share)
        return [(bits, mean_square(dot.max_weight, dot.vector_size))]


class FixedLp(FixedPoint):
    """The ADC has b bits if not told otherwise, so that it is compared at equal converters."""

    name = "fixed-lp"
    summary = "one array; an ADC of b bits keeps the top b of the b_out bits of a result"
    axes = (*CONVERTER_AXES, *_CHOSEN)
    exact = False

    def adc_bits(self, settings: CoreSettings) -> int:
        return self.chosen_bits(settings)


class FixedHp(FixedPoint):
    """The ADC has as many bits as the result."""

    name = "fixed-hp"
    summary = "one array; an ADC of all b_out bits of a result, which loses nothing"
    exact = True

    def adc_bits(self, settings: CoreSettings) -> int:
        return self.full_bits(settings)


class BitSliced(RangedKind):
    """What designers do today: a weight is spread over several low-precision devices."""

    name = "bit-sliced"
    summary = "an array for each slice of the weights; readings are shifted and added digitally"
    axes = (*CONVERTER_AXES, "slice_bits", *_CHOSEN)
    exact = False

    def full_bits(self, settings: CoreSettings) -> int:
        dot = settings.dot_product
        full = dot.slice_output_bits(settings.slice_bits)
        return full - dot.input_bits + applied_bits(dot, settings.devices)

    def adc_bits(self, settings: CoreSettings) -> int:
        check_slice_bits(settings.slice_bits, settings.dot_product)
        return self.chosen_bits(settings)

    def converters(self, settings: CoreSettings) -> Converters:
        adc_bits, dot = self.adc_bits(settings), settings.dot_product
        slices = slices_of(dot, settings.slice_bits, settings.devices)
        return Converters(dot.input_bits, adc_bits, slices)

    def built(self, settings: CoreSettings, adc_bits: int, law: NoiseLaw | None) -> BitSlicedCore:
        from rnscli.core.cores.conventional_core import BitSlicedCore

        dot, bits, slice_bits = settings.dot_product, settings.bits, settings.slice_bits
        devices = replace(settings.devices, residues=PLAIN)
        return BitSlicedCore(
            dot, bits, slice_bits, adc_bits, law, self.adc_range(settings), devices=devices
        )

    def logic(self, settings: CoreSettings) -> Logic:
        """The readings of the slices are added at the width of the result, in a tree.

        Where their steps differ by powers of two, more than by their places, they are shifted by
        as much more or less.
        """
        dot = settings.dot_product
        slices = slices_of(dot, settings.slice_bits, settings.devices)
        return Logic(
            shift_add=add(dot.output_bits, float(slices - 1)),
            cycles_after=(slices - 1).bit_length(),
        )

    def conversions(self, settings: CoreSettings) -> Sequence[tuple[float, float]]:
        from rnscli.core.cores.conventional_core import mean_square

        dot, slice_bits = settings.dot_product, settings.slice_bits
        slices = slices_of(dot, slice_bits, settings.devices)
        shares = self.shares(settings)
        full = self.full_bits(settings)
        return [
            (log2_range(full, share), mean_square(dot.max_weight, dot.vector_size, slice_bits, i))
            for i, share in enumerate(shares if len(shares) == slices else shares * slices)
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

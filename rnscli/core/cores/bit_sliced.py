"""The bit-sliced core: weights in slices of few bits, a converter for each slice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rnscli.core.cores.kind import (
    CONVERTER_AXES,
    SLICE_AXES,
    ConventionalKind,
    Converters,
    CoreSettings,
    Logic,
    check_slice_bits,
    single_law,
)
from rnscli.core.cores.operations import add

if TYPE_CHECKING:
    from rnscli.core.arithmetic import RedundantCode
    from rnscli.core.cores.core import Core
    from rnscli.core.noise import NoiseLaw


class BitSliced(ConventionalKind):
    """What designers do today: a weight is spread over several low-precision devices."""

    name = "bit-sliced"
    summary = "an array for each slice of the weights; readings are shifted and added digitally"
    axes = (*CONVERTER_AXES, *SLICE_AXES)
    exact = False

    def converters(self, settings: CoreSettings) -> Converters:
        dot, slice_bits = settings.dot_product, settings.slice_bits
        check_slice_bits(slice_bits, dot)
        # An ADC with more bits than the sum of a slice has would convert nothing but noise.
        chosen = settings.bits if settings.adc_bits is None else settings.adc_bits
        adc_bits = min(chosen, dot.slice_output_bits(slice_bits))
        return Converters(dot.input_bits, adc_bits, dot.slices(slice_bits))

    def build(
        self,
        settings: CoreSettings,
        code: RedundantCode | None,
        noise: NoiseLaw | tuple[NoiseLaw, ...] | None,
        attempts: float,
    ) -> Core:
        from rnscli.core.cores.bit_sliced_core import BitSlicedCore

        adc_bits = self.converters(settings).adc_bits
        return BitSlicedCore(
            settings.dot_product,
            settings.bits,
            settings.slice_bits,
            adc_bits,
            single_law(self, noise),
        )

    def logic(self, settings: CoreSettings) -> Logic:
        """The readings of the slices are added at the width of the result, in a tree."""
        dot = settings.dot_product
        slices = dot.slices(settings.slice_bits)
        return Logic(
            shift_add=add(dot.output_bits, float(slices - 1)),
            cycles_after=(slices - 1).bit_length(),
        )

    def conversions(self, settings: CoreSettings) -> Sequence[tuple[int, float]]:
        from rnscli.core.cores.conversion import mean_square

        dot, slice_bits = settings.dot_product, settings.slice_bits
        bits = dot.slice_output_bits(slice_bits)
        return [
            (bits, mean_square(dot.max_weight, dot.vector_size, slice_bits, index))
            for index in range(dot.slices(slice_bits))
        ]

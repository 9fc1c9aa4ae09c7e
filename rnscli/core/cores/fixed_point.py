"""The conventional cores: one ADC for each dot product, of b bits or of as many as it takes."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rnscli.core.cores.kind import (
    CONVERTER_AXES,
    ConventionalKind,
    Converters,
    CoreSettings,
    Logic,
    single_law,
)

if TYPE_CHECKING:
    from rnscli.core.arithmetic import RedundantCode
    from rnscli.core.cores.core import Core
    from rnscli.core.noise import NoiseLaw


class FixedPoint(ConventionalKind):
    """A core with one array and one ADC for each column."""

    axes = CONVERTER_AXES

    @abstractmethod
    def adc_bits(self, settings: CoreSettings) -> int:
        """Bits of the ADC."""

    def converters(self, settings: CoreSettings) -> Converters:
        return Converters(settings.dot_product.input_bits, self.adc_bits(settings), 1)

    def build(
        self,
        settings: CoreSettings,
        code: RedundantCode | None,
        noise: NoiseLaw | tuple[NoiseLaw, ...] | None,
        attempts: float,
    ) -> Core:
        from rnscli.core.cores.fixed_point_core import FixedPointCore

        adc_bits = self.adc_bits(settings)
        law = single_law(self, noise)
        return FixedPointCore(self.name, settings.dot_product, settings.bits, adc_bits, law)

    def logic(self, settings: CoreSettings) -> Logic:
        """Nothing: what the ADC says is the result."""
        return Logic()

    def conversions(self, settings: CoreSettings) -> Sequence[tuple[int, float]]:
        from rnscli.core.cores.conversion import mean_square

        dot = settings.dot_product
        return [(dot.output_bits, mean_square(dot.max_weight, dot.vector_size))]


class FixedLp(FixedPoint):
    """The ADC has b bits, so that it is compared at equal converters."""

    name = "fixed-lp"
    summary = "one array; an ADC of b bits keeps the top b of the b_out bits of a result"
    exact = False

    def adc_bits(self, settings: CoreSettings) -> int:
        # An ADC with more bits than the result has would convert nothing but noise.
        return min(settings.bits, settings.dot_product.output_bits)


class FixedHp(FixedPoint):
    """The ADC has as many bits as the result."""

    name = "fixed-hp"
    summary = "one array; an ADC of all b_out bits of a result, which loses nothing"
    exact = True

    def adc_bits(self, settings: CoreSettings) -> int:
        return settings.dot_product.output_bits

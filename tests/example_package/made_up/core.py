from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rnscli.core.cores.kind import (
    CONVERTER_AXES,
    ConventionalKind,
    Converters,
    CoreSettings,
    DigitalKind,
    Logic,
    Operations,
    add,
    multiply,
    single_law,
)

if TYPE_CHECKING:
    from rnscli.core.arithmetic import DotProduct, RedundantCode
    from rnscli.core.cores.core import Core
    from rnscli.core.noise import NoiseLaw


class Truncating(ConventionalKind):
    """One ADC of b bits, which rounds towards minus infinity."""

    name = "truncating"
    summary = "an ADC of b bits that truncates"
    axes = CONVERTER_AXES
    exact = False

    def converters(self, settings: CoreSettings) -> Converters:
        dot = settings.dot_product
        return Converters(dot.input_bits, min(settings.bits, dot.output_bits), 1)

    def build(
        self,
        settings: CoreSettings,
        code: RedundantCode | None,
        noise: NoiseLaw | tuple[NoiseLaw, ...] | None,
        attempts: float,
    ) -> Core:
        from made_up.truncating_core import TruncatingCore

        adc_bits = self.converters(settings).adc_bits
        law = single_law(self, noise)
        return TruncatingCore(self.name, settings.dot_product, settings.bits, adc_bits, law)

    def logic(self, settings: CoreSettings) -> Logic:
        return Logic()

    def conversions(self, settings: CoreSettings) -> Sequence[tuple[int, float]]:
        from rnscli.core.cores.conventional_core import mean_square

        dot = settings.dot_product
        return [(dot.output_bits, mean_square(dot.max_weight, dot.vector_size))]


class DigitalInt3(DigitalKind):
    name = "digital-int3"
    summary = "digital, 3-bit operands and 24-bit sums"
    operand_bits = 3
    simulated_bits = 3
    max_terms = (2**23 - 1) // 3**2

    @property
    def mac(self) -> Operations:
        return (*multiply(3, 3), *add(24))

    def accumulation(self, dot: DotProduct, tiles: int) -> Operations:
        return add(24)


TRUNCATING = Truncating()
INT3 = DigitalInt3()

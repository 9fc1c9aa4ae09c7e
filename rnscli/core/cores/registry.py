"""The analog cores, compared on the same operands behind one interface.

Reduction modulo m is a ring homomorphism: the residues of the exact sum S are what the channels
compute. `Core.read` starts from the exact sums and is fast; `Core.dot` runs every channel. Noise
acts on the residues in both, in the same order of draws, so the two agree bit for bit.
"""

from collections.abc import Callable
from dataclasses import dataclass

from rnscli.base.errors import InputError
from rnscli.core.arithmetic.code import RedundantCode
from rnscli.core.arithmetic.dot_product import DotProduct
from rnscli.core.cores.bit_sliced import BitSlicedCore
from rnscli.core.cores.converters import ConverterChoice, converters_of
from rnscli.core.cores.core import Core
from rnscli.core.cores.fixed_point import FixedPointCore
from rnscli.core.cores.rns import RnsCore
from rnscli.core.noise.law import NoiseLaw


@dataclass(frozen=True)
class CoreSpecification:
    """Everything a core may need to be built; each takes what concerns it.

    ``code`` is ``None`` where no moduli set was asked for; ``adc_bits`` are those of the core
    ``bit-sliced``, b if not given, so that it is compared at equal converters.
    """

    dot_product: DotProduct
    bits: int
    code: RedundantCode | None = None
    noise: NoiseLaw | None = None
    attempts: float = 1
    slice_bits: int = 1
    adc_bits: int | None = None

    def adc_bits_of(self, core: str) -> int:
        """Bits of a conventional core's ADC."""
        choice = ConverterChoice(
            self.dot_product, self.bits, slice_bits=self.slice_bits, adc_bits=self.adc_bits
        )
        return converters_of(core, choice).adc_bits


def _fixed_lp(spec: CoreSpecification) -> Core:
    adc_bits = spec.adc_bits_of("fixed-lp")
    return FixedPointCore("fixed-lp", spec.dot_product, spec.bits, adc_bits, spec.noise)


def _fixed_hp(spec: CoreSpecification) -> Core:
    adc_bits = spec.adc_bits_of("fixed-hp")
    return FixedPointCore("fixed-hp", spec.dot_product, spec.bits, adc_bits, spec.noise)


def _rns(spec: CoreSpecification) -> Core:
    if spec.code is None:
        raise InputError("core rns needs a moduli set, and none was given")
    return RnsCore(spec.dot_product, spec.code, spec.noise, spec.attempts)


def _bit_sliced(spec: CoreSpecification) -> Core:
    adc_bits = spec.adc_bits_of("bit-sliced")
    return BitSlicedCore(spec.dot_product, spec.bits, spec.slice_bits, adc_bits, spec.noise)


CORES: dict[str, Callable[[CoreSpecification], Core]] = {
    "rns": _rns,
    "fixed-lp": _fixed_lp,
    "fixed-hp": _fixed_hp,
    "bit-sliced": _bit_sliced,
}

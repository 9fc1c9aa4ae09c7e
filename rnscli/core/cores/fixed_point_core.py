"""The conventional core: one converter for each dot product."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rnscli.core.arithmetic import DotProduct, FloatArray, IntArray
from rnscli.core.cores.conversion import check_output_bits, convert_clean, convert_sums
from rnscli.core.cores.core import Changes, Core, Readout
from rnscli.core.noise import NoiseLaw


@dataclass(frozen=True)
class FixedPointCore(Core):
    """A conventional core: one ADC keeps the top ``adc_bits`` bits of the b_out of a result.

    ``S`` is rounded to a multiple of ``2**(b_out - adc_bits)`` (ties to even) and clipped to the
    two's complement range. With ``adc_bits = b_out`` nothing is lost.

    Parameters
    ----------
    name
        ``fixed-lp`` or ``fixed-hp``.
    dot_product
        Shape of the operands.
    bits
        Bits b of the converters that noise is stated for.
    adc_bits
        Bits of this core's ADC.
    noise
        Noise at the ADC, or none.

    Raises
    ------
    InputError
        If results exceed 2**62.

    Examples
    --------
    >>> core = FixedPointCore("fixed-lp", DotProduct(2, 4, 4), bits=4, adc_bits=4)
    >>> core.read(np.array([98, 13, 3]), np.random.default_rng(0)).values.tolist()
    [96, 16, 0]
    """

    name: str
    dot_product: DotProduct
    bits: int
    adc_bits: int
    noise: NoiseLaw | None = None
    code = None

    def __post_init__(self) -> None:
        """Refuse results that int64 does not hold with room for a rounding."""
        check_output_bits(self.dot_product.output_bits)

    @property
    def reach(self) -> int:
        """Half of the two's complement range."""
        return int(2 ** (self.dot_product.output_bits - 1))

    @property
    def laws(self) -> tuple[NoiseLaw, ...]:
        return () if self.noise is None else (self.noise,)

    @property
    def channels(self) -> tuple[int, ...]:
        """As of a converter of b bits, for which noise is stated."""
        return (2**self.bits,)

    @property
    def settings(self) -> Mapping[str, Any]:
        return {"adc_bits": self.adc_bits}

    def dot(self, x: IntArray, w: IntArray, rng: np.random.Generator) -> Readout:
        """Dot products of quantised operands."""
        return self.read(np.einsum("...j,...j->...", x, w, dtype=np.int64), rng)

    def partial_sums(self, x: FloatArray, w: FloatArray, sums: IntArray) -> IntArray:
        """The dot products themselves."""
        del x, w
        return sums

    def read(self, sums: IntArray, rng: np.random.Generator) -> Readout:
        """What the ADC makes of exact dot products."""
        output_bits = self.dot_product.output_bits
        values, ideal = convert_sums(sums, output_bits, self.adc_bits, self.bits, self.noise, rng)
        return Readout(values, values != ideal, (sums.size,))

    def parts(self, w: Any) -> tuple[Any, ...]:
        """The weights."""
        return (w,)

    def ideal(self, sums: Sequence[Any]) -> Any:
        """Rounded and clipped."""
        return convert_clean(sums[0], self.dot_product.output_bits, self.adc_bits)

    def changes(
        self,
        size: int,
        sums_of: Callable[[IntArray | None], IntArray],
        rng: np.random.Generator,
        words_of: Callable[[IntArray], IntArray] | None = None,
    ) -> Changes:
        """By reading all of them."""
        return Changes.of(self.read(sums_of(None).reshape(size), rng))

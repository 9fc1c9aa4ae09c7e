"""The bit-sliced core: weights in slices of few bits, a converter for each slice."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rnscli.core.arithmetic import DotProduct, FloatArray, IntArray, exact_dot
from rnscli.core.cores.conversion import check_output_bits, convert_clean, convert_sums
from rnscli.core.cores.core import Changes, Core, Readout
from rnscli.core.cores.kind import CoreOptions, check_slice_bits
from rnscli.core.noise import NoiseLaw


@dataclass(frozen=True)
class BitSlicedCore(Core):
    """What designers do today: a weight is spread over several low-precision devices.

    The magnitude of ``W_j`` is cut in digits ``d_ij`` of s bits, ``|W_j| = sum_i 2**(s i) d_ij``.
    Each slice forms ``P_i = sum_j X_j sign(W_j) d_ij`` in the array, an ADC of ``adc_bits`` bits
    reads it, and the readings are shifted and added digitally, ``S = sum_i 2**(s i) P_i``.

    Weights are signed by differential pairs: a positive and a negative device for each digit, on
    two lines whose difference is converted. The other way, an offset added to every weight and
    subtracted digitally, makes ``P_i`` grow with the sum of the inputs, which takes half of the
    ADC's range and is large where the weights are all zero; with pairs, small sums stay small.

    Parameters
    ----------
    dot_product
        Shape of the operands.
    bits
        Bits b of the converters that noise is stated for.
    slice_bits
        Bits s of a slice, at most those of a magnitude.
    adc_bits
        Bits a of the ADCs, which are alike: their full scale is that of an exact sum of s-bit
        digits, also where the highest slice has fewer bits.
    noise
        Noise at each conversion, or none.

    Raises
    ------
    InputError
        If a number of bits is out of range, or results exceed 2**62.

    References
    ----------
    Xiao et al., "On the accuracy of analog neural network inference accelerators", IEEE Circuits
    and Systems Magazine 2022, arXiv:2109.01262, on differential pairs against offsets.

    Examples
    --------
    >>> core = BitSlicedCore(DotProduct(2, 4, 4), bits=4, slice_bits=2, adc_bits=5)
    >>> x, w = np.array([[7, -3]]), np.array([[6, 5]])
    >>> core.dot(x, w, np.random.default_rng(0)).values.tolist(), int((x * w).sum())
    ([28], 27)
    """

    dot_product: DotProduct
    bits: int
    slice_bits: int
    adc_bits: int
    noise: NoiseLaw | None = None
    name = "bit-sliced"
    code = None

    def __post_init__(self) -> None:
        """Refuse slices that are none, and results that int64 does not hold."""
        check_slice_bits(self.slice_bits, self.dot_product)
        CoreOptions.adc_bits.check(self.adc_bits)
        check_output_bits(self._reached_bits)

    @property
    def _reached_bits(self) -> int:
        # Noise may put any code in the place of the highest slice's.
        output_bits = self.dot_product.slice_output_bits(self.slice_bits)
        return output_bits + self.slice_bits * (self.slices - 1)

    @property
    def reach(self) -> int:
        """All slices at the lowest code."""
        return int(2**self._reached_bits)

    @property
    def laws(self) -> tuple[NoiseLaw, ...]:
        return () if self.noise is None else (self.noise,)

    @property
    def channels(self) -> tuple[int, ...]:
        """As of a converter of b bits, for which noise is stated."""
        return (2**self.bits,)

    @property
    def settings(self) -> Mapping[str, Any]:
        return {"slice_bits": self.slice_bits, "adc_bits": self.adc_bits}

    @property
    def slices(self) -> int:
        """Number of slices of a weight."""
        return self.dot_product.slices(self.slice_bits)

    def dot(self, x: IntArray, w: IntArray, rng: np.random.Generator) -> Readout:
        """Dot products of quantised operands."""
        partial = [
            np.einsum("...j,...j->...", x, digits, dtype=np.int64) for digits in self._digits(w)
        ]
        return self.read(np.stack(partial), rng)

    def partial_sums(self, x: FloatArray, w: FloatArray, sums: IntArray) -> IntArray:
        """Exact sums of the slices, of shape ``(slices, pairs)``, the lowest first.

        Without their i lowest digits the weights are ``T_i = trunc(W / 2**(s i))``, so that
        ``P_i = X T_i - 2**s X T_(i+1)``: that takes fewer operations than the digits.
        """
        whole = [sums]
        shortened = w
        for _ in range(1, self.slices):
            shortened = np.multiply(shortened, 2.0**-self.slice_bits)
            np.trunc(shortened, out=shortened)
            whole.append(exact_dot(x, shortened, self.dot_product.max_sum))
        above = [*whole[1:], np.zeros_like(sums)]
        return np.stack(whole) - (np.stack(above) << self.slice_bits)

    def _digits(self, w: IntArray) -> list[IntArray]:
        """Signed digits of the weights, the lowest first."""
        magnitude, sign = np.abs(w), np.sign(w)
        mask = 2**self.slice_bits - 1
        return [
            sign * ((magnitude >> (self.slice_bits * index)) & mask) for index in range(self.slices)
        ]

    def parts(self, w: Any) -> tuple[Any, ...]:
        """The digits of weights in floats of any array library, the lowest first."""
        positive, negative = w.clip(min=0), (-w).clip(min=0)
        return tuple(
            (positive // place) % self._base - (negative // place) % self._base
            for place in self._places
        )

    def ideal(self, sums: Sequence[Any]) -> Any:
        """Each slice rounded and clipped, shifted and added."""
        output_bits = self.dot_product.slice_output_bits(self.slice_bits)
        adc_bits = min(self.adc_bits, output_bits)
        total, *more = (
            convert_clean(partial, output_bits, adc_bits) * place
            for partial, place in zip(sums, self._places, strict=True)
        )
        for term in more:
            total += term
        return total

    @property
    def _base(self) -> float:
        return 2.0**self.slice_bits

    @property
    def _places(self) -> tuple[float, ...]:
        """Weight of each slice's unit."""
        return tuple(self._base**index for index in range(self.slices))

    def changes(
        self,
        size: int,
        sums_of: Callable[[IntArray | None], IntArray],
        rng: np.random.Generator,
        words_of: Callable[[IntArray], IntArray] | None = None,
    ) -> Changes:
        """By reading all of them."""
        return Changes.of(self.read(sums_of(None).reshape(self.slices, size), rng))

    def read(self, sums: IntArray, rng: np.random.Generator) -> Readout:
        """Convert the sum of each slice, shift and add."""
        output_bits = self.dot_product.slice_output_bits(self.slice_bits)
        adc_bits = min(self.adc_bits, output_bits)
        values = np.zeros(sums.shape[1:], dtype=np.int64)
        ideal = np.zeros_like(values)
        for index, partial in enumerate(sums):
            read, exact = convert_sums(partial, output_bits, adc_bits, self.bits, self.noise, rng)
            values += read << (self.slice_bits * index)
            ideal += exact << (self.slice_bits * index)
        return Readout(values, values != ideal, (values.size,))

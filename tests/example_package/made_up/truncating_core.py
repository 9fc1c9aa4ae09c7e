from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rnscli.core.arithmetic import IntArray
from rnscli.core.cores.conventional_core import FixedPointCore, adc_of
from rnscli.core.cores.core import Readout


@dataclass(frozen=True)
class TruncatingCore(FixedPointCore):
    @property
    def lost(self) -> int:
        return self.dot_product.output_bits - self.adc_bits

    def read(self, sums: IntArray, rng: np.random.Generator) -> Readout:
        lost, adc = self.lost, adc_of(self.adc_bits, self.bits)
        codes = sums >> lost
        ideal = np.clip(codes, adc.low, adc.high) << lost
        if self.noise is None:
            return Readout(ideal, np.zeros(sums.shape, dtype=bool), (sums.size,))
        # From the middle of its code.
        remainders = (sums - (codes << lost)) / 2**lost - 0.5 if lost else 0.0
        values = self.noise.convert(rng, codes, remainders, adc) << lost
        return Readout(values, values != ideal, (sums.size,))

    def ideal(self, sums: Sequence[Any]) -> Any:
        adc = adc_of(self.adc_bits, self.bits)
        codes = sums[0] * 2.0**-self.lost
        return (codes - codes % 1).clip(adc.low, adc.high) * 2.0**self.lost

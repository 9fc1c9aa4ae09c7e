"""Errors of data converters that are drawn once for a chip."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from rnscli.core.arithmetic import FloatArray, IntArray
from rnscli.core.devices.devices import Devices

MAX_DAC_LEVELS = 2**12


class AdcErrors(NamedTuple):
    """Errors of ADCs; arrays have a value for each reading, or for each column to be spread."""

    gain: FloatArray | None
    offset: FloatArray | None
    bow: FloatArray | None
    points: FloatArray | None  # (level of the range, deviation)

    @classmethod
    def drawn(
        cls, devices: Devices, shape: tuple[int, ...], rng: np.random.Generator
    ) -> AdcErrors | None:
        """Those of ADCs of some shape; ``None`` if they have none."""
        gain = offset = bow = points = None
        if devices.adc_gain_error:
            gain = devices.adc_gain_error * rng.standard_normal(shape)
        if devices.adc_offset_error:
            offset = devices.adc_offset_error * rng.standard_normal(shape)
        if devices.adc_inl:
            bow = devices.adc_inl * rng.choice((-1.0, 1.0), shape)
        if devices.adc_points:
            points = np.array(devices.adc_points)
        if gain is None and offset is None and bow is None and points is None:
            return None
        return cls(gain, offset, bow, points)

    def spread(self, shape: tuple[int, ...]) -> AdcErrors:
        """One value for each reading of an array of some shape, flat."""
        columns = shape if len(shape) == 1 else (*shape[:-2], 1, shape[-1])
        gain, offset, bow = (
            None if one is None else np.broadcast_to(one.reshape(columns), shape).reshape(-1)
            for one in self[:3]
        )
        return AdcErrors(gain, offset, bow, self.points)

    def of(self, index: IntArray | slice) -> AdcErrors:
        """Those at some positions."""
        gain, offset, bow = (None if one is None else one[index] for one in self[:3])
        return AdcErrors(gain, offset, bow, self.points)

    def distort(self, levels: FloatArray, half: float) -> FloatArray:
        """What ADCs see of levels in their steps, of a range from ``-half`` to ``half``."""
        found = levels.copy()
        if self.gain is not None:
            found += self.gain * levels
        if self.offset is not None:
            found += self.offset
        if self.bow is not None:
            found += self.bow * (1 - (levels / half).clip(-1, 1) ** 2)
        if self.points is not None:
            found += np.interp(levels / half, self.points[:, 0], self.points[:, 1])
        return found


def dac_errors(
    devices: Devices, rows: int, levels: int, rng: np.random.Generator
) -> FloatArray | None:
    """Deviations of each level of the DAC of each row, in steps; ``None`` if there are none."""
    if not devices.dac_error:
        return None
    return devices.dac_error * rng.standard_normal((rows, levels))

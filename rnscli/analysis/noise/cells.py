"""What is wrong with a weight in cells, by its value; and what a bit line makes of a column."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from rnscli.analysis.noise.operand_law import OperandLaw
from rnscli.core import OFFSET, Channel, Devices, FloatArray, line_factors

_SAMPLED_CELLS = 2**20
_FEWEST, _MOST = 16, 256  # columns in a sample


class WeightErrors(NamedTuple):
    """Errors of stored weights, in steps of a weight, for each of their values.

    Attributes
    ----------
    programmed_bias, programmed_variance
        Mean and variance of the error of cells that are programmed.
    bias, variance
        With those that are stuck, too.
    read_variance
        Of the noise of a reading.
    """

    programmed_bias: FloatArray
    programmed_variance: FloatArray
    bias: FloatArray
    variance: FloatArray
    read_variance: FloatArray


def targets(
    devices: Devices, channel: Channel, stored: FloatArray
) -> tuple[list[tuple[float, FloatArray]], float]:
    """Cells of weights: sign and target, 0 to 1, of each; and steps of a weight per conductance."""
    low, high = channel.low, channel.high
    if devices.mapping == OFFSET:
        span = float(high - low)
        cells = [(1.0, (stored - low) / span)]
    else:
        span = float(max(-low, high))
        cells = [(1.0, stored.clip(min=0) / span), (-1.0, (-stored).clip(min=0) / span)]
    return cells, span / (1 - devices.lowest)


def weight_errors(devices: Devices, channel: Channel, stored: FloatArray) -> WeightErrors:
    """Errors of weights that are stored, each as it is alone.

    A cell of conductance g has the error of `Devices.programmed`; with probability p_on it is at 1
    instead, and with p_off at the least conductance. The pair of a differential weight has the
    variances of both.
    """
    cells, scale = targets(devices, channel, stored)
    sums = [np.zeros(stored.shape) for _ in WeightErrors._fields]
    loose = 1 - devices.stuck_on - devices.stuck_off
    for sign, target in cells:
        wanted = devices.lowest + target * (1 - devices.lowest)
        means, deviations = _programmed(devices, wanted)
        actual = loose * means + devices.stuck_on + devices.stuck_off * devices.lowest
        square = loose * (means**2 + deviations**2) + devices.stuck_on
        square = square + devices.stuck_off * devices.lowest**2
        read = (devices.read_noise / 2) ** 2 + devices.read_noise_proportional**2 * square
        off, all_off = sign * (means - wanted), sign * (actual - wanted)
        of_cell = (off, deviations**2, all_off, square - actual**2, read)
        for total, one in zip(sums, of_cell, strict=True):
            total += one
    bias, variance, *stuck, read = sums
    return WeightErrors(
        bias * scale, variance * scale**2, stuck[0] * scale, stuck[1] * scale**2, read * scale**2
    )


def _programmed(devices: Devices, wanted: FloatArray) -> tuple[FloatArray, FloatArray]:
    """`Devices.programmed` of many conductances."""
    if devices.states:
        known = np.array(devices.states)
        means, deviations = (np.interp(wanted, known[:, 0], known[:, i]) for i in (1, 2))
        return means, deviations
    both = np.hypot(devices.cell_error / 2, devices.cell_error_proportional * wanted)
    return wanted, both


class Sampled(NamedTuple):
    """Columns of weights that are drawn, of shape ``(h, columns)``: places in a law's values."""

    drawn: np.ndarray[tuple[int, int], np.dtype[np.int64]]

    @classmethod
    def of(cls, law: OperandLaw, rows: int) -> Sampled:
        """As many columns as are quick, always the same."""
        columns = min(_MOST, max(_FEWEST, _SAMPLED_CELLS // rows))
        shares = np.random.default_rng(0).random((rows, columns))
        steps = np.cumsum(law.chances)
        return cls(np.searchsorted(steps / steps[-1], shares, side="right"))


def wire_errors(
    devices: Devices, channel: Channel, stored: FloatArray, sample: Sampled
) -> FloatArray:
    """What wires take away from each weight of some columns, in steps of a weight.

    A cell of conductance g adds ``g t`` at the end of its bit line instead of g
    (`rnscli.core.line_factors`); each line of a differential pair is one by itself.
    """
    cells, scale = targets(devices, channel, stored)
    total = np.zeros(sample.drawn.shape)
    for sign, target in cells:
        held = (devices.lowest + target * (1 - devices.lowest))[sample.drawn]
        total += sign * scale * held * (line_factors(held, devices.wire_resistance) - 1)
    return total

"""Weights in cells: conductances as they are programmed, and what the bit lines make of them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from rnscli.core.arithmetic import FloatArray
from rnscli.core.devices.devices import DIFFERENTIAL, Devices


class Cells(NamedTuple):
    """What the cells of an array amount to, of shape ``(..., h, N)``, in steps of a weight.

    Attributes
    ----------
    weights
        What a row adds to each column, per step of its input.
    variance
        Variance of the noise of a reading, per square of such a step: of each cell, or one number
        where all have the same; ``None`` without noise.
    """

    weights: FloatArray
    variance: FloatArray | float | None


def programmed(
    devices: Devices, stored: FloatArray, low: int, high: int, rng: np.random.Generator
) -> Cells:
    """Program an array whose columns are bit lines, the last row nearest to the ADC.

    Parameters
    ----------
    devices
        What the cells are, and how a weight is mapped to them.
    stored
        Whole numbers of shape ``(..., h, N)``.
    low, high
        Bounds of these, which are full scale: of differential cells the larger magnitude is the
        largest conductance; of single ones ``low`` is the smallest and ``high`` the largest.
    rng
        From which all is drawn that is drawn once.

    Examples
    --------
    >>> rng, weights = np.random.default_rng(0), np.array([[3.0], [-2.0]])
    >>> programmed(Devices(on_off_ratio=8), weights, -3, 3, rng).weights.ravel().round(9).tolist()
    [3.0, -2.0]
    >>> lossy = programmed(Devices(wire_resistance=1e-2), weights, -3, 3, rng).weights
    >>> np.round(lossy.ravel(), 3).tolist()
    [2.941, -1.987]
    """
    lowest = devices.lowest
    if devices.mapping == DIFFERENTIAL:
        scale, constant = float(max(-low, high)), 0.0
        targets = stored / scale
        negative, other = _cells(devices, (-targets).clip(min=0), rng)
        positive, noise = _cells(devices, targets.clip(min=0, out=targets), rng)
        positive -= negative
        weights = positive
        variance = None if noise is None or other is None else noise + other
    else:
        scale, constant = float(high - low), low - lowest * (high - low) / (1 - lowest)
        targets = stored - low
        targets /= scale
        weights, variance = _cells(devices, targets, rng)
    scale /= 1 - lowest
    if devices.static_cells:
        weights *= scale
        weights += constant
    else:
        weights = stored  # to the last digit: a sum may be half-way between two codes
    return Cells(weights, None if variance is None else variance * scale**2)


def _cells(
    devices: Devices, targets: FloatArray, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray | float | None]:
    """Conductances for targets of 0 to 1, as they act at the end of the line; and their noise.

    The targets are written over.
    """
    lowest, found = devices.lowest, targets
    if lowest:
        found *= 1 - lowest
        found += lowest
    if devices.states:
        known = np.array(devices.states)
        means, deviations = (np.interp(found, known[:, 0], known[:, i]) for i in (1, 2))
        found = means + deviations * rng.standard_normal(found.shape)
    elif devices.cell_error or devices.cell_error_proportional:
        # One normal number for both errors, whose squares add.
        errors = rng.standard_normal(found.shape)
        errors *= _deviations(devices.cell_error, devices.cell_error_proportional, found)
        found += errors
    if devices.stuck_on or devices.stuck_off:
        draws = rng.random(found.shape)
        found[draws < devices.stuck_on] = 1.0
        found[draws >= 1 - devices.stuck_off] = lowest
    noise: FloatArray | float | None = None
    if devices.noisy_reading:
        noise = _deviations(devices.read_noise, devices.read_noise_proportional, found) ** 2
    if devices.wire_resistance:
        reached = line_factors(found, devices.wire_resistance)
        found *= reached
        if noise is not None:
            noise = noise * reached**2
    return found, noise


def _deviations(independent: float, proportional: float, states: FloatArray) -> FloatArray | float:
    """Standard deviations of errors of both kinds; hypot would be slower."""
    if not proportional:
        return independent / 2
    found = proportional * states
    if not independent:
        return found
    found **= 2
    found += (independent / 2) ** 2
    return np.sqrt(found, out=found)


def line_factors(conductances: FloatArray, resistance: float) -> FloatArray:
    r"""The share of each cell's current that the end of its bit line sees.

    A line of h cells has a resistance r between two cells and before the ADC, which holds its end
    at 0. The network is linear and reciprocal, so that a cell of conductance g at the voltage V
    adds ``g t V``: t is the voltage at its node for 1 at the end of the line. From the far end
    on, ``t_i = c_i t_(i+1)`` with ``1 / c_i = 1 + r g_i + (1 - c_(i-1))`` and, beyond the last
    cell, 1. Formed with ``d = 1 - c``, nothing cancels where r is small.

    Parameters
    ----------
    conductances
        Of shape ``(..., h, N)``, shares of the largest; the last of h is nearest to the ADC.
    resistance
        r times the largest conductance.

    Examples
    --------
    >>> line_factors(np.ones((2, 1)), 1.0).ravel().tolist()
    [0.2, 0.4]
    """
    # Rows one after the other in memory, which become c and then t.
    steps = np.multiply(np.moveaxis(conductances, -2, 0), resistance, order="C")
    before, inverse = np.zeros(steps.shape[1:]), np.empty(steps.shape[1:])
    for step in steps:
        step += before
        np.add(step, 1, out=inverse)
        np.divide(step, inverse, out=before)
        np.reciprocal(inverse, out=step)
    for row in range(len(steps) - 2, -1, -1):
        steps[row] *= steps[row + 1]
    found: FloatArray = np.moveaxis(steps, 0, -2)
    return found

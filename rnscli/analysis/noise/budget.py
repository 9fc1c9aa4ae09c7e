"""The noise of what the ADCs of a core read: a budget of its parts."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import cast

import numpy as np

from rnscli.analysis.noise.cells import Sampled, targets, weight_errors, wire_errors
from rnscli.analysis.noise.operand_law import OperandLaw, residue_of_sums, uniform_law
from rnscli.analysis.noise.rows import FRESH, NOISE_PARTS, STATIC
from rnscli.analysis.noise.wrong_residue import Jumps, Levels, mixed_error
from rnscli.base import InputError
from rnscli.core import (
    OFFSET,
    Channel,
    ConventionalCore,
    Core,
    Devices,
    FloatArray,
    digits_of,
    input_slice,
    levels_of,
    step_of,
)

_OF_ADC = ("quantisation", "clipping")  # what an ADC without errors makes of levels without noise
_ROUNDING = 1e-9  # shares that are sums of numbers that cancel
_REACH = 39  # standard deviations, beyond which a double has no smaller probability


@dataclass(frozen=True, eq=False)
class Reading:
    """Noise of one reading of an ADC, in its steps.

    Parameters
    ----------
    parts
        Standard deviation of each part that there is, by its name in ``NOISE_PARTS``.
    bias
        Mean error, of wires, stuck cells and measured tables.
    step
        What a step is, in units of the sum.
    modulus
        That of a residue; 0 of a reading that does not wrap.
    levels, jumps
        What its ADC does at each level, and stuck cells, where errors are not normal: of residues.
    """

    parts: Mapping[str, float]
    bias: float
    step: float
    modulus: int
    levels: Levels | None = None
    jumps: Jumps | None = None

    def _of(self, names: Iterable[str]) -> float:
        return math.hypot(*(self.parts.get(name, 0.0) for name in names))

    @property
    def sigma(self) -> float:
        """Standard deviation of all."""
        return self._of(NOISE_PARTS)

    @property
    def static(self) -> float:
        """Of what is fixed for a chip, or for its operands."""
        return self._of(STATIC)

    @property
    def fresh(self) -> float:
        """Of what is drawn anew."""
        return self._of(FRESH)

    @property
    def added(self) -> float:
        """Of all but what an ADC rounds away, and clips, whatever the noise."""
        # Whole numbers lose nothing but by noise.
        left = _OF_ADC if self.step > 1 else ("clipping",)
        return self._of(name for name in NOISE_PARTS if name not in left)

    @cached_property
    def error_probability(self) -> float:
        """Probability that a residue is wrong, averaged over chips and operands."""
        apart = ("stuck", *(() if self.levels is None else ("adc_gain", "adc_inl")))
        variance = self._of(name for name in NOISE_PARTS if name not in apart) ** 2
        jumps = self.jumps
        bias = self.bias - (0.0 if jumps is None else jumps.bias)
        if self.levels is not None:
            bias -= float(self.levels.chances @ self.levels.off)
        return mixed_error(variance, bias, self.modulus, self.levels, jumps)

    @property
    def fresh_error_probability(self) -> float:
        """The same with what is drawn anew alone, as if all else were calibrated away."""
        return mixed_error(self.fresh**2, 0.0, self.modulus, None, None)


@dataclass(frozen=True, eq=False)
class NoiseBudget:
    """The noise of a core that multiplies h quantised operands.

    Parts are independent of one another, each as small as if it were alone: what one does to
    another is left out.

    Parameters
    ----------
    core
        The core, whose devices count.
    rows
        Number h of products of a sum.
    light
        Of each array the parts of the noise of its light, in units of its sums.
    laws
        Of both operands; uniform ones if not given.

    Raises
    ------
    InputError
        If its inputs are applied in slices that are read apart.
    """

    core: Core
    rows: int
    light: tuple[Mapping[str, float], ...] = ()
    laws: tuple[OperandLaw, OperandLaw] | None = None

    def __post_init__(self) -> None:
        devices = self.core.devices
        if devices.mapping == OFFSET and any(
            input_slice(devices, channel) is not None for channel in self.core.arrays
        ):
            raise InputError(
                f"`input_slice_bits` is {devices.input_slice_bits} with `mapping` {OFFSET}, whose "
                "slices are read apart; noise is computed for inputs that are read as a whole"
            )

    @cached_property
    def _operands(self) -> tuple[OperandLaw, OperandLaw]:
        if self.laws is not None:
            return self.laws
        dot = self.core.dot_product
        return uniform_law(dot.max_input, self.rows), uniform_law(dot.max_weight, self.rows)

    @cached_property
    def _arrays(self) -> tuple[_Array, ...]:
        inputs, weights = self._operands
        applied, stored = self.core.applied(inputs.values), self.core.stored(weights.values)
        devices = self.core.devices
        sample = Sampled.of(weights, self.rows) if devices.wire_resistance else None
        lights = self.light or ({},) * len(stored)
        return tuple(
            _Array(devices, channel, self.rows, self._operands, x, w, sample, light)
            for channel, x, w, light in zip(self.core.arrays, applied, stored, lights, strict=True)
        )

    @cached_property
    def readings(self) -> tuple[Reading, ...]:
        """The noise of each array's ADCs: of each modulus, or of each slice of the weights."""
        return tuple(array.reading(*self._range(index)) for index, array in enumerate(self._arrays))

    def _range(self, index: int) -> tuple[float, float]:
        """Step of an ADC in units of the sum, and half of its range in these steps."""
        modulus = self.core.arrays[index].modulus
        if modulus:
            return 1.0, modulus / 2
        core = cast(ConventionalCore, self.core)
        _, step = step_of(core.full_bits, core.adc_bits, core.shares[index])
        return step, 2.0 ** (self.adc_bits[index] - 1)

    @property
    def adc_bits(self) -> tuple[int, ...]:
        """Bits that the ADC of each part uses, of a core without residues."""
        core = cast(ConventionalCore, self.core)
        return tuple(step_of(core.full_bits, core.adc_bits, one)[0] for one in core.shares)

    @cached_property
    def output_error(self) -> float | None:
        """Root mean square of the error of the sum S, all slices joined; ``None`` of residues.

        Slices share the weights of a row, so that what is wrong with each of them by its value
        adds up; the rest of their errors is independent.
        """
        if any(channel.modulus for channel in self.core.arrays):
            return None
        return self._joined_error([reading.sigma for reading in self.readings])

    @cached_property
    def added_error(self) -> float | None:
        """The same without what ADCs round away, and clip, whatever the noise."""
        if any(channel.modulus for channel in self.core.arrays):
            return None
        return self._joined_error([reading.added for reading in self.readings])

    def _joined_error(self, sigmas: Sequence[float]) -> float:
        """Of readings with these standard deviations, in their steps."""
        places = cast(ConventionalCore, self.core).places
        variance = bias = 0.0
        every = zip(places, self.readings, sigmas, self._arrays, strict=True)
        for place, reading, sigma, array in every:
            alone = (sigma * reading.step) ** 2 - array.shared_variance
            variance += place**2 * max(0.0, alone)
            bias += place * reading.step * reading.bias
        first = self._arrays[0]
        variance += first.spread(_joined(places, [array.bias for array in self._arrays]))
        wires = [array.wires for array in self._arrays if array.wires is not None]
        if wires:
            variance += first.wire_moments(_joined(places, wires))[1]
        return math.sqrt(variance + bias**2)

    @cached_property
    def output_rms(self) -> float:
        """Root mean square of the sum S."""
        first, second = self._operands
        squares = first.mean(first.values**2) * second.mean(second.values**2)
        means = first.mean(first.values) * second.mean(second.values)
        return math.sqrt(self.rows * (squares + (self.rows - 1) * means**2))


def _joined(places: Sequence[int], errors: Sequence[FloatArray]) -> FloatArray:
    """Errors of a weight of which those of its slices are parts."""
    found: FloatArray = np.sum([p * one for p, one in zip(places, errors, strict=True)], axis=0)
    return found


class _Array:
    """The errors of one array, in units of its sums."""

    def __init__(
        self,
        devices: Devices,
        channel: Channel,
        rows: int,
        operands: tuple[OperandLaw, OperandLaw],
        applied: FloatArray,
        stored: FloatArray,
        sample: Sampled | None,
        light: Mapping[str, float],
    ) -> None:
        self._devices, self._channel, self._rows = devices, channel, rows
        self._operands, self._applied, self._stored = operands, applied, stored
        self._light = light
        self._mean = operands[0].mean(applied)
        self._square = operands[0].mean(applied**2)
        self._errors = weight_errors(devices, channel, stored)
        self.wires = None if sample is None else wire_errors(devices, channel, stored, sample)

    @property
    def bias(self) -> FloatArray:
        """Mean error of each value of a weight."""
        return self._errors.bias

    def spread(self, errors: FloatArray) -> float:
        """Variance of the sum of inputs times what is wrong with a weight by its value.

        ``h (E[x^2] E[e^2] - E[x]^2 E[e]^2)``.
        """
        law = self._operands[1]
        found = self._square * law.mean(errors**2) - (self._mean * law.mean(errors)) ** 2
        return self._rows * max(0.0, found)

    def wire_moments(self, errors: FloatArray) -> tuple[float, float]:
        """Mean and variance of the sum of inputs times the errors of sampled columns.

        Over the inputs exact, ``Var[x] sum(e^2) + E[x]^2 sum(e)^2`` for a column.
        """
        sums, squares = errors.sum(axis=0), (errors**2).sum(axis=0)
        spread = self._square - self._mean**2
        mean = self._mean * float(sums.mean())
        square = spread * float(squares.mean()) + self._mean**2 * float((sums**2).mean())
        return mean, max(0.0, square - mean**2)

    @cached_property
    def shared_variance(self) -> float:
        """Variance of what a value of a weight, and its place in a column, always have."""
        wires = 0.0 if self.wires is None else self.wire_moments(self.wires)[1]
        return wires + self.spread(self._errors.bias)

    def reading(self, step: float, half: float) -> Reading:
        """What its ADC, with a range of ``-half`` to ``half`` steps, reads wrong."""
        variances, bias = self._analog()
        modulus, levels = self._channel.modulus, self._levels(step, half)
        scaled = {name: one / step**2 for name, one in variances.items()}
        scaled["adc_offset"] = self._devices.adc_offset_error**2
        bias /= step
        if levels is not None:
            chances, mean = levels.chances, float(levels.chances @ levels.off)
            scaled["adc_gain"] = float(chances @ levels.spread**2)
            scaled["adc_inl"] = float(chances @ (levels.bow**2 + (levels.off - mean) ** 2))
            bias += mean
        if not modulus:
            noise = math.fsum(scaled.values())
            scaled["quantisation"] = 1 / 12 if step > 1 else _of_rounding(noise)
            scaled["clipping"] = self._clipped(step, half)
        parts = {name: math.sqrt(one) for name, one in scaled.items() if one}
        if abs(bias) < _ROUNDING * math.hypot(*parts.values()):
            bias = 0.0
        if not modulus:
            return Reading(parts, bias, step, modulus)
        return Reading(parts, bias, step, modulus, levels, self._jumps(variances["stuck"]))

    def _jumps(self, variance: float) -> Jumps | None:
        """Stuck cells of a column: as many as are not where they should be, of inputs not zero."""
        devices, law = self._devices, self._operands[1]
        if not variance:
            return None
        cells, _ = targets(devices, self._channel, self._stored)
        rate = math.fsum(
            devices.stuck_on * law.mean(np.where(target < 1, 1.0, 0.0))
            + devices.stuck_off * law.mean(np.where(target > 0, 1.0, 0.0))
            for _, target in cells
        )
        driven = self._operands[0].mean(np.where(self._applied == 0, 0.0, 1.0))
        errors = self._errors
        loose = 1 - devices.stuck_on - devices.stuck_off
        bias = errors.bias - loose * errors.programmed_bias
        return Jumps(self._rows * rate * driven, self._rows * self._mean * law.mean(bias), variance)

    def _analog(self) -> tuple[dict[str, float], float]:
        """Variances before the ADC, and the mean error."""
        rows, devices, law, errors = self._rows, self._devices, self._operands[1], self._errors
        loose = 1 - devices.stuck_on - devices.stuck_off
        total = rows * self._square * law.mean(errors.variance) + self.spread(errors.bias)
        programmed = rows * self._square * law.mean(errors.programmed_variance)
        cells = min(total, loose * programmed + loose**2 * self.spread(errors.programmed_bias))
        bias = rows * self._mean * law.mean(errors.bias)
        found = {name: sigma**2 for name, sigma in self._light.items()}
        stuck = total - cells if devices.stuck_on or devices.stuck_off else 0.0
        wires = 0.0
        if self.wires is not None:
            lost, wires = self.wire_moments(self.wires)
            bias += lost
        of_inputs, of_levels = self._slices()
        found |= {
            "read": rows * of_inputs * law.mean(errors.read_variance),
            "cells": cells,
            "stuck": stuck,
            "wires": wires,
            "dac": rows * of_levels * devices.dac_error**2 * law.mean(self._stored**2),
        }
        return found, bias

    def _slices(self) -> tuple[float, float]:
        """What the noise of a cell, and errors of DACs, are multiplied by in squares.

        Slices of an input are added in the array, each with noise of its own; where two of them
        are the same level of the DAC, its error is the same.
        """
        devices, channel, law = self._devices, self._channel, self._operands[0]
        slices = list(digits_of(devices, channel, self._applied))
        noise = law.mean(np.sum([place**2 * part**2 for place, part in slices], axis=0))
        if levels_of(devices, channel) <= 3:  # a switch, which needs no DAC
            return noise, 0.0
        together = np.zeros(self._applied.shape)
        for place, part in slices:
            for other, level in slices:
                together += place * other * (part == level)
        return noise, law.mean(together)

    def _levels(self, step: float, half: float) -> Levels | None:
        """What its ADC does at the levels that it reads, if that differs from one to the other.

        Sums that do not wrap are taken to be normal.
        """
        devices, m = self._devices, self._channel.modulus
        if not (devices.adc_gain_error or devices.adc_inl or devices.adc_points):
            return None
        if m:
            held = self._applied, self._stored
            chances: FloatArray = residue_of_sums(*held, self._operands, self._rows, m)
            levels: FloatArray = np.linspace(-m / 2, m / 2 - 1, m)
        else:
            levels = np.linspace(-8, 8, 4001)
            chances = _densities(levels)
            levels *= self._deviation / step
        share = (levels / half).clip(-1, 1)
        off = np.zeros(share.shape)
        if devices.adc_points:
            known = np.array(devices.adc_points)
            off = np.interp(share, known[:, 0], known[:, 1])
        spread, bow = devices.adc_gain_error * np.abs(levels), devices.adc_inl * (1 - share**2)
        return Levels(chances, spread, bow, off)

    @property
    def _deviation(self) -> float:
        """Standard deviation of the sums, of inputs whose mean is 0."""
        return math.sqrt(self._rows * self._square * self._operands[1].mean(self._stored**2))

    def _clipped(self, step: float, half: float) -> float:
        """Mean square of what of a normal sum is beyond the range, in steps."""
        from scipy.special import ndtr

        sigma = self._deviation / step
        end = half / sigma
        density = math.exp(-(end**2) / 2) / math.sqrt(2 * math.pi)
        beyond = (1 + end**2) * float(ndtr(-end)) - end * density
        return 2 * sigma**2 * max(0.0, beyond) if end < _REACH else 0.0


def _densities(values: FloatArray) -> FloatArray:
    """Normal probabilities of values that are evenly spaced."""
    found: FloatArray = np.exp(-(values**2) / 2)
    found /= found.sum()
    return found


def _of_rounding(variance: float) -> float:
    """What rounding to whole numbers adds to the variance of noise about one; 1/12 if it is large.

    Of little noise rounding leaves less than there was, which is not counted.
    """
    if not variance:
        return 0.0
    if variance > 4:
        return 1 / 12
    from scipy.special import ndtr

    sizes = np.arange(1, 1 + math.ceil(10 * math.sqrt(variance) + 1))
    ends = np.append(sizes - 0.5, sizes[-1] + 0.5) / math.sqrt(variance)
    chances = 2 * -np.diff(ndtr(-ends))
    return max(0.0, float(chances @ sizes**2) - variance)

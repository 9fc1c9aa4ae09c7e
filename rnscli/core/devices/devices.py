"""The devices of an array as they are given: cells, wires, converters, and how weights are mapped.

NumPy is loaded where arrays are programmed.
"""

from __future__ import annotations

import math
import operator
from bisect import bisect_right
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from itertools import pairwise
from typing import Any

from rnscli.base import Files, InputError, Names, Numbers, Option, OptionGroup, WholeNumbers

DIFFERENTIAL, OFFSET = "differential", "offset"
PLAIN, SYMMETRIC = "plain", "symmetric"
MAPPINGS, RESIDUES = (DIFFERENTIAL, OFFSET), (PLAIN, SYMMETRIC)

Points = tuple[tuple[float, float], ...]  # (level, value), by rising levels
States = tuple[tuple[float, float, float], ...]  # (target, mean, deviation), by rising targets


def _share(help: str) -> Option:
    return Option(Numbers(0.0, 1.0, "a share from 0 to 1"), help, usual="0")


def _steps(help: str) -> Option:
    accepted = "a number of steps of the converter from 0 to 1000"
    return Option(Numbers(0.0, 1e3, accepted), help, usual="0")


class DeviceOptions:
    """What a user chooses of the devices, the same in every command; without any they are ideal."""

    group = OptionGroup.DEVICES
    mapping = Option(
        Names(MAPPINGS),
        "Cells of a weight: differential, one for each sign, subtracted before the ADC; offset, "
        "one for the weight plus an offset, which is subtracted after it.",
        default=DIFFERENTIAL,
    )
    residues = Option(
        Names(RESIDUES),
        "Residues in cells and as inputs: plain, 0 to m - 1; symmetric, around 0.",
        default=PLAIN,
    )
    input_slice_bits = Option(
        WholeNumbers(1, 64),
        "Bits of an input that a conventional core applies at a time; the readings of offset "
        "cells are shifted and added digitally, those of differential ones in the array.",
        usual="all",
    )
    cell_error = _share(
        "Error of a programmed cell in any state: its standard deviation is half of this times "
        "the largest conductance."
    )
    cell_error_proportional = _share(
        "Error of a programmed cell in proportion to its conductance: the standard deviation as "
        "a share of it."
    )
    read_noise = _share("The same as --cell-error, drawn anew at each reading.")
    read_noise_proportional = _share(
        "The same as --cell-error-proportional, drawn anew at each reading."
    )
    on_off_ratio = Option(
        Numbers(1.0 + 1e-9, 1e12, "a number above 1, at most 1e+12"),
        "Largest over smallest conductance of a cell.",
        usual="without bounds",
    )
    stuck_on = _share("Share of the cells that stay at the largest conductance.")
    stuck_off = _share("Share of the cells that stay at the smallest conductance.")
    wire_resistance = _share(
        "Resistance of the bit line between two cells, over the lowest resistance of a cell."
    )
    adc_gain_error = _share("Standard deviation of the gain of an ADC, as a share of it.")
    adc_offset_error = _steps("Standard deviation of the offset of an ADC, in its steps.")
    adc_inl = _steps(
        "Integral nonlinearity of an ADC, in its steps: a bow of this height, up or down."
    )
    dac_error = _steps("Standard deviation of the levels of a DAC, in its steps.")
    device_table = Option(
        Files(),
        "CSV file of a measured cell instead of --cell-error: columns target, mean, "
        "deviation, as shares of the largest conductance.",
    )
    adc_inl_table = Option(
        Files(),
        "CSV file of a measured ADC: columns level, from -1 to 1 of its range, and deviation, in "
        "its steps.",
    )
    chip_seed = Option(
        WholeNumbers(0, 2**63),
        "Seed of what is drawn once for a chip: all errors but noise of readings.",
        default="0",
    )


@dataclass(frozen=True, kw_only=True)
class Devices:
    r"""What differs between an array as it is built and the arithmetic that it stands for.

    Conductances g are shares of the largest one; 0 stands for ``g = 1 / on_off_ratio``.

    Parameters
    ----------
    mapping
        ``differential``: a weight w of magnitude up to W is in two cells, ``max(w, 0) / W`` and
        ``max(-w, 0) / W``, whose difference is read. ``offset``: it is in one, as
        ``(w + W + 1) / (2 W + 1)``, and ``W + 1`` times the sum of the inputs is subtracted from
        what was read; a residue is in one as it is.
    residues
        Of a residue core, in cells and as inputs: ``plain``, 0 to m - 1, or ``symmetric``, from
        ``-(m // 2)`` on.
    input_slice_bits
        Bits of an input's magnitude that are applied at a time; ``None`` for all at once.
    cell_error, cell_error_proportional
        a_i and a_p: a programmed cell has a normal error of variance
        ``(a_i / 2)^2 + (a_p g)^2``, drawn once.
    read_noise, read_noise_proportional
        The same of noise that is drawn anew for each reading.
    on_off_ratio
        Largest over smallest conductance.
    stuck_on, stuck_off
        Probabilities that a cell stays at the largest, or the smallest, conductance.
    wire_resistance
        Resistance of the bit line between two cells, times the largest conductance.
    adc_gain_error, adc_offset_error
        Standard deviations of an ADC's gain, and of its offset in its steps, drawn once for each.
    adc_inl
        Height of an ADC's bow in its steps, ``inl (1 - u^2)`` at the level u of -1 to 1 of its
        range; its sign is drawn once for each.
    dac_error
        Standard deviation of each level of each DAC, in its steps, drawn once.
    states
        A measured device in the place of the cell errors: ``(target, mean, deviation)`` by rising
        targets from 0 to 1, all as shares of the largest conductance; between them it is linear.
    adc_points
        A measured converter: ``(level, deviation)`` with levels of its range from -1 to 1 and
        deviations in its steps, linear between them; the same for all ADCs.
    chip_seed
        Seed of all that is drawn once.

    Raises
    ------
    InputError
        If a value is out of range, or a table is not one.

    References
    ----------
    Xiao et al., "On the accuracy of analog neural network inference accelerators", IEEE Circuits
    and Systems Magazine 2022, arXiv:2109.01262: mappings, both laws of errors, wires.

    Examples
    --------
    >>> Devices(cell_error=0.02, cell_error_proportional=0.05).static, Devices().ideal
    (True, True)
    >>> Devices(on_off_ratio=1)
    Traceback (most recent call last):
        ...
    rnscli.base.errors.InputError: `on_off_ratio` is 1; it must be a number above 1, at most 1e+12
    """

    mapping: str = DIFFERENTIAL
    residues: str = PLAIN
    input_slice_bits: int | None = None
    cell_error: float = 0.0
    cell_error_proportional: float = 0.0
    read_noise: float = 0.0
    read_noise_proportional: float = 0.0
    on_off_ratio: float = math.inf
    stuck_on: float = 0.0
    stuck_off: float = 0.0
    wire_resistance: float = 0.0
    adc_gain_error: float = 0.0
    adc_offset_error: float = 0.0
    adc_inl: float = 0.0
    dac_error: float = 0.0
    states: States = ()
    adc_points: Points = ()
    chip_seed: int = 0

    def __post_init__(self) -> None:
        for one in fields(self):
            option, value = getattr(DeviceOptions, one.name, None), getattr(self, one.name)
            if option is not None and value is not None and value != one.default:
                object.__setattr__(self, one.name, option.check(value))
        if self.stuck_on + self.stuck_off > 1:
            raise InputError(
                f"`stuck_on` {self.stuck_on:g} and `stuck_off` {self.stuck_off:g} are more than "
                "all cells together"
            )
        object.__setattr__(self, "states", check_states(self.states))
        object.__setattr__(self, "adc_points", check_points(self.adc_points))
        if self.states and (self.cell_error or self.cell_error_proportional):
            raise InputError(
                "`states` say what the errors of cells are; leave out `cell_error` and "
                "`cell_error_proportional`"
            )

    @property
    def lowest(self) -> float:
        """The smallest conductance, as a share of the largest."""
        return 1.0 / self.on_off_ratio

    @property
    def noisy_reading(self) -> bool:
        """Whether cells have noise that is drawn anew."""
        return bool(self.read_noise or self.read_noise_proportional)

    @property
    def static_cells(self) -> bool:
        """Whether cells and wires are other than they should be, once and for all."""
        return bool(
            self.cell_error
            or self.cell_error_proportional
            or self.stuck_on
            or self.stuck_off
            or self.wire_resistance
            or self.states
        )

    @property
    def static(self) -> bool:
        """Whether something is wrong that is drawn once."""
        return self.static_cells or bool(
            self.adc_gain_error
            or self.adc_offset_error
            or self.adc_inl
            or self.dac_error
            or self.adc_points
        )

    @property
    def ideal(self) -> bool:
        """Whether arrays are what they stand for, however weights are mapped."""
        return not (self.static or self.noisy_reading)

    def programmed(self, target: float) -> tuple[float, float]:
        """Mean and standard deviation of a cell that is programmed to a conductance.

        Examples
        --------
        >>> Devices(cell_error=0.02).programmed(0.3)
        (0.3, 0.01)
        >>> Devices(states=((0, 0.01, 0), (1, 0.97, 0.02))).programmed(0.5)
        (0.49, 0.01)
        """
        if not self.states:
            deviation = math.hypot(self.cell_error / 2, self.cell_error_proportional * target)
            return target, deviation
        targets = [state[0] for state in self.states]
        above = min(max(1, bisect_right(targets, target)), len(targets) - 1)
        (low, *first), (high, *second) = self.states[above - 1], self.states[above]
        share = (target - low) / (high - low)
        mean, deviation = (a + share * (b - a) for a, b in zip(first, second, strict=True))
        return mean, deviation


def check_states(states: Any, name: str = "`states`") -> States:
    """A table of states of a cell, called ``name`` where it is refused.

    Raises
    ------
    InputError
        If it has fewer than two rows, targets do not rise from 0 to 1, means fall, or a number is
        none or negative.
    """
    rows = tuple(tuple(map(float, row)) for row in states)
    if not rows:
        return ()
    for row in rows:
        if len(row) != 3 or not all(math.isfinite(value) and value >= 0 for value in row):
            raise InputError(
                f"{name} has the row {_written(row)}; each must be a target, a mean and a "
                "deviation, none of them negative"
            )
    targets, means, _ = zip(*rows, strict=True)
    if len(rows) < 2 or targets[0] != 0 or targets[-1] != 1:
        raise InputError(
            f"{name} has targets from {targets[0]:g} to {targets[-1]:g}; they must be from 0 to "
            "1, as shares of the largest conductance"
        )
    _check_rising(f"{name} has targets", targets, operator.lt)
    _check_rising(f"{name} has means", means, operator.le)
    return tuple((target, mean, deviation) for target, mean, deviation in rows)


def check_points(points: Any, name: str = "`adc_points`") -> Points:
    """A table of a converter's nonlinearity, called ``name`` where it is refused.

    Raises
    ------
    InputError
        If it has fewer than two rows, levels do not rise from -1 to 1, or a number is none.
    """
    rows = tuple(tuple(map(float, row)) for row in points)
    if not rows:
        return ()
    for row in rows:
        if len(row) != 2 or not all(map(math.isfinite, row)):
            raise InputError(
                f"{name} has the row {_written(row)}; each must be a level and a deviation"
            )
    levels = [row[0] for row in rows]
    if levels[0] != -1 or levels[-1] != 1:
        raise InputError(
            f"{name} has levels from {levels[0]:g} to {levels[-1]:g}; they must be from -1 "
            "to 1, the ends of the range"
        )
    _check_rising(f"{name} has levels", levels, operator.lt)
    return tuple((level, deviation) for level, deviation in rows)


def _check_rising(
    who: str, values: Iterable[float], in_order: Callable[[float, float], bool]
) -> None:
    for one, two in pairwise(values):
        if not in_order(one, two):
            raise InputError(f"{who} of {one:g} and then {two:g}; they must rise")


def _written(row: tuple[float, ...]) -> str:
    return ",".join(f"{value:g}" for value in row)


IDEAL = Devices()

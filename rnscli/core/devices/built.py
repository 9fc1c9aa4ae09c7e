"""Arrays as they are built: programmed once, then multiplied with inputs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from rnscli.core.arithmetic import FloatArray, IntArray
from rnscli.core.devices.cells import Cells, programmed
from rnscli.core.devices.converters import AdcErrors, dac_errors
from rnscli.core.devices.devices import OFFSET, Devices

# Of inputs ``(..., M, h)`` and weights ``(..., h, N)``, or of rows ``(N, h)`` and columns.
Product = Callable[[FloatArray, FloatArray], FloatArray]


class Channel(NamedTuple):
    """What the cells and the DACs of an array hold: whole numbers of these ranges.

    ``modulus`` is that of its readings, 0 if they do not wrap. The weights are raised by
    ``offset``, of which the sum of the inputs has to be subtracted from what is read.
    """

    low: int
    high: int
    input_low: int
    input_high: int
    modulus: int = 0
    offset: int = 0


class Conversion(NamedTuple):
    """What ADCs read: levels before their own errors, flat, in steps of the product.

    Attributes
    ----------
    part
        Which array it is of.
    place
        What a step of it is worth.
    means
        With all errors that are drawn once.
    deviations
        Of the noise that is drawn anew; ``None`` without.
    exact
        Without errors.
    excess
        What is to be subtracted from what is read, digitally; ``None`` if nothing is.
    adc
        Errors of the ADC of each reading; ``None`` without.
    """

    part: int
    place: int
    means: FloatArray
    deviations: FloatArray | None
    exact: FloatArray
    excess: FloatArray | None
    adc: AdcErrors | None

    def levels(self, rng: np.random.Generator, index: IntArray | None = None) -> FloatArray:
        """Levels of a reading at some flat positions, or at all."""
        means = self.means if index is None else self.means[index]
        if self.deviations is None:
            return means
        deviations = self.deviations if index is None else self.deviations[index]
        return means + deviations * rng.standard_normal(means.shape)

    def seen(
        self, levels: FloatArray, step: float, half: float, index: IntArray | None
    ) -> FloatArray:
        """What the ADC makes of levels, in its steps, before it rounds."""
        steps = levels / step
        if self.adc is None:
            return steps
        return (self.adc if index is None else self.adc.of(index)).distort(steps, half)


class BuiltArray:
    """The arrays of a core with some weights in them.

    Parameters
    ----------
    devices
        What they are made of.
    channels
        The array of each part of the weights.
    stored
        Whole numbers of each part, of shape ``(..., h, N)``.
    cells, dacs
        From which all is drawn that is drawn once: of the cells and ADCs of these weights, and of
        the DACs.
    """

    def __init__(
        self,
        devices: Devices,
        channels: Sequence[Channel],
        stored: Sequence[FloatArray],
        cells: np.random.Generator,
        dacs: np.random.Generator,
    ) -> None:
        self._devices, self._channels, self._stored = devices, tuple(channels), tuple(stored)
        rows, columns = self._stored[0].shape[-2:]
        held, adcs, levelled = [], [], []
        for channel, whole in zip(self._channels, self._stored, strict=True):
            held.append(programmed(devices, whole, channel.low, channel.high, cells))
            adcs.append(AdcErrors.drawn(devices, (*whole.shape[:-2], 1, columns), cells))
            levels = levels_of(devices, channel)
            # What a switch applies needs no DAC.
            levelled.append(dac_errors(devices, rows, levels, dacs) if levels > 3 else None)
        self._cells: tuple[Cells, ...] = tuple(held)
        self._adcs, self._dacs = tuple(adcs), tuple(levelled)

    @property
    def size(self) -> int:
        """Bytes that it takes."""
        of_each = [*self._cells, *(one for one in self._adcs if one is not None)]
        drawn = [values for some in of_each for values in some]
        held = {
            id(one): one.nbytes
            for one in (*self._stored, *self._dacs, *drawn)
            if one is not None and not isinstance(one, float)
        }
        return sum(held.values())

    def part(self, rows: slice) -> BuiltArray:
        """The arrays of a part of a stack."""
        if self._stored[0].ndim < 3:
            return self
        made = object.__new__(BuiltArray)
        made._devices, made._channels, made._dacs = self._devices, self._channels, self._dacs
        made._stored = tuple(one[rows] for one in self._stored)
        made._cells = tuple(
            Cells(w[rows], v if v is None or isinstance(v, float) else v[rows])
            for w, v in self._cells
        )
        made._adcs = tuple(None if one is None else one.of(rows) for one in self._adcs)
        return made

    def conversions(self, inputs: Sequence[FloatArray], product: Product) -> Iterator[Conversion]:
        """What the ADCs of each channel read, one after the other.

        ``inputs`` are whole numbers of shape ``(..., M, h)``, or ``(N, h)`` where each is
        multiplied with a column of its own.
        """
        digital = self._devices.mapping == OFFSET
        for index, channel in enumerate(self._channels):
            slices = list(digits_of(self._devices, channel, inputs[index]))
            groups = [[one] for one in slices] if digital else [slices]
            for group in groups:
                yield self._conversion(index, group, product)

    def _conversion(
        self, index: int, slices: Sequence[tuple[int, FloatArray]], product: Product
    ) -> Conversion:
        """The reading of inputs whose slices are added in the array; of one slice, in its unit."""
        channel, stored = self._channels[index], self._stored[index]
        (weights, variance), adc, dac = self._cells[index], self._adcs[index], self._dacs[index]
        unit = slices[0][0] if len(slices) == 1 else 1
        whole = slices[0][1] if len(slices) == 1 else _joined(slices)
        exact = product(whole, stored)
        applied = whole
        if dac is not None:
            least = self._least(channel)
            applied = _joined(
                [(place // unit, _applied(part, dac, least)) for place, part in slices]
            )
        means = product(applied, weights)
        deviations = None
        if variance is not None:
            squares = _joined([((place // unit) ** 2, part**2) for place, part in slices])
            deviations = np.sqrt(_weighted(squares, variance, product, means.shape))
        excess = None
        if channel.offset:
            totals = channel.offset * whole.sum(axis=-1)
            spread_totals = totals if totals.ndim == exact.ndim else totals[..., np.newaxis]
            excess = np.broadcast_to(spread_totals, exact.shape).reshape(-1)
        spread = None if adc is None else adc.spread(means.shape)
        return Conversion(
            index, unit, means.reshape(-1), deviations, exact.reshape(-1), excess, spread
        )

    def _least(self, channel: Channel) -> int:
        """The first level of a DAC."""
        bits = input_slice(self._devices, channel)
        return channel.input_low if bits is None else 1 - 2**bits


def input_slice(devices: Devices, channel: Channel) -> int | None:
    """Bits of an input's magnitude that are applied at a time; ``None`` where all are."""
    bits, width = devices.input_slice_bits, _width(channel)
    return None if bits is None or bits >= width else bits


def _weighted(
    squares: FloatArray, variance: FloatArray | float, product: Product, shape: tuple[int, ...]
) -> FloatArray:
    """Squares of inputs times the variance of each cell, flat; its sum where all have the same."""
    if not isinstance(variance, float):
        return product(squares, variance).reshape(-1)
    totals = variance * squares.sum(axis=-1)
    spread = totals if totals.ndim == len(shape) else totals[..., np.newaxis]
    found: FloatArray = np.broadcast_to(spread, shape).reshape(-1)
    return found


def levels_of(devices: Devices, channel: Channel) -> int:
    """Levels of a DAC."""
    bits = input_slice(devices, channel)
    if bits is None:
        return channel.input_high - channel.input_low + 1
    return int(2 * 2**bits - 1)


def _width(channel: Channel) -> int:
    return max(-channel.input_low, channel.input_high).bit_length()


def digits_of(
    devices: Devices, channel: Channel, inputs: FloatArray
) -> Iterator[tuple[int, FloatArray]]:
    """Signed digits of the inputs with what they are worth, the lowest first."""
    bits = input_slice(devices, channel)
    if bits is None:
        yield 1, inputs
        return
    rest = inputs
    for place in range(0, _width(channel), bits):
        above = np.trunc(rest / 2**bits)
        yield 2**place, rest - above * 2**bits
        rest = above


def _joined(slices: Sequence[tuple[int, FloatArray]]) -> FloatArray:
    (place, part), *more = slices
    total: FloatArray = place * part
    for place, part in more:
        total += place * part
    return total


def _applied(inputs: FloatArray, errors: FloatArray, least: int) -> FloatArray:
    """What DACs make of whole numbers of which the least is their first level."""
    levels = (inputs - least).astype(np.int64)
    found: FloatArray = inputs + errors[np.arange(errors.shape[0]), levels]
    return found

"""Ranges and scales of a product that is seen on samples before: what is kept of them, and found.

Scales of inputs and the ranges of ADCs that are constants must be known before a product is
computed. They follow from what comes on some samples: magnitudes of operands, and exact partial
sums of all tiles. Of either a sample of bounded size is kept.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from rnscli.base import InputError
from rnscli.core import (
    CALIBRATED,
    OFFSET,
    ConventionalCore,
    FloatArray,
    IntArray,
    calibrated_shares,
    digits_of,
)
from rnscli.hardware import DYNAMIC
from rnscli.matrix.arrays import Array, NumPyArrays
from rnscli.matrix.dataflow import Dataflow, ProductCounts
from rnscli.matrix.product import Levels, TiledProduct, words_of

# Values of a site that are kept: 26 of them are beyond the inner 99.98 %.
CAPACITY = 2**17
_FOR_SQUARES = 2**14  # of these, a search for the least squares takes so many


class Sample:
    """At most ``capacity`` of the values that come, any as likely as any other.

    Every value draws a key from a generator of a fixed seed, and those with the least keys are
    kept, so that the same values in the same order leave the same sample. Values have several
    parts, such as the slices of a weight, which stay together.

    Attributes
    ----------
    seen
        How many have come.
    largest
        The largest magnitude of all that have come; 0 if none have.

    Examples
    --------
    >>> sample = Sample(capacity=1000)
    >>> for _ in range(5):
    ...     sample.add(np.arange(700)[np.newaxis])
    >>> sample.seen, sample.values.shape, int(sample.largest)
    (3500, (1, 1000), 699)
    """

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._rng = np.random.Generator(np.random.PCG64(0))
        self._keys: list[FloatArray] = []
        self._values: list[npt.NDArray[Any]] = []
        self._kept, self._below = 0, 1.0  # no key from there on can be among the least
        self.seen, self.largest = 0, 0.0

    def add(self, values: npt.NDArray[Any]) -> None:
        """Values of shape (parts, n)."""
        if not values.size:
            return
        self.add_of(values.shape[1], float(np.abs(values).max()), lambda index: values[:, index])

    def add_of(
        self, size: int, largest: float, values_at: Callable[[IntArray], npt.NDArray[Any]]
    ) -> None:
        """So many values, which a function gives at some positions."""
        self.seen += size
        self.largest = max(self.largest, largest)
        keys = self._rng.random(size)
        index = np.flatnonzero(keys < self._below)
        self._keys.append(keys[index])
        self._values.append(values_at(index))
        self._kept += index.size
        if self._kept > 2 * self._capacity:
            self._cut()

    def _cut(self) -> None:
        keys, values = np.concatenate(self._keys), np.concatenate(self._values, axis=1)
        if keys.size > self._capacity:
            least = np.argpartition(keys, self._capacity)[: self._capacity]
            least.sort()  # in the order in which they came
            keys, values = keys[least], values[:, least]
            self._below = float(keys.max())
        self._keys, self._values, self._kept = [keys], [values], keys.size

    @property
    def values(self) -> npt.NDArray[Any]:
        """What is kept, of shape (parts, n)."""
        if not self._values:
            return np.zeros((1, 0))
        self._cut()
        return self._values[0]


def largest_kept(values: FloatArray, levels: Levels, percentile: float) -> float:
    """The inner share of the magnitudes is within it, ``percentile`` in percent."""
    return float(np.percentile(values, percentile))


def least_squares(values: FloatArray, levels: Levels, percentile: float) -> float:
    """The scale of the least mean square of ``x - X d``, X the whole number of steps d of x.

    Of the largest magnitude and what is below it by factors of ``2**(1/8)``, down to a 1024th:
    smaller scales clip more, and round more finely.
    """
    few = values[:: -(-values.size // _FOR_SQUARES)]
    arrays, top = NumPyArrays(), values.max()
    candidates = top * 2.0 ** (-np.arange(81) / 8)
    errors = []
    for scale in levels.scales(arrays, candidates):
        step = scale / levels.levels
        errors.append(np.mean((few - step * np.clip(np.rint(few / step), 0, levels.largest)) ** 2))
    return float(candidates[int(np.argmin(errors))])


_SCALES: Mapping[str, Callable[[FloatArray, Levels, float], float]] = MappingProxyType({
    "percentile": largest_kept,
    "max": lambda values, levels, percentile: float(values.max()),
    "least-squares": least_squares,
})  # fmt: skip


def calibrated_scale(magnitudes: Sample, levels: Levels, method: str, percentile: float) -> float:
    """The scale of operands with these magnitudes, before a power of two is made of it.

    Examples
    --------
    >>> sample, levels = Sample(), Levels(7, floating=True)
    >>> sample.add(np.append(np.linspace(0, 1, 9999), 4.0)[np.newaxis])
    >>> [round(calibrated_scale(sample, levels, method, 99.98), 2) for method in _SCALES]
    [1.0, 4.0, 0.92]
    """
    values = np.append(magnitudes.values[0].astype(np.float64), magnitudes.largest)
    if magnitudes.seen <= values.size - 1:
        values = values[:-1]  # which has the largest
    if not magnitudes.largest:
        return 1.0  # as of zeros anywhere
    found = _SCALES[method](values, levels, percentile)
    return found or magnitudes.largest  # where nearly all are zeros


@dataclass(frozen=True)
class SiteRanges:
    """What is known before of the products of a site; ``None`` where it is searched, or full.

    Parameters
    ----------
    shares
        Of the full range, those that the ADCs of its core have, one for each part of the weights.
    input_scale, weight_scale
        Scales of the operands, as of `rnscli.Dataflow`.
    """

    shares: tuple[float, ...] | None = None
    input_scale: float | None = None
    weight_scale: float | None = None

    def applied(self, flow: Dataflow) -> Dataflow:
        """The dataflow with what is known.

        Raises
        ------
        InputError
            If the core has other parts, or a value is out of range.
        """
        core = flow.core
        if self.shares is not None:
            if not isinstance(core, ConventionalCore):
                raise InputError(f"core {core.name} has no ADCs whose range is a choice")
            core = core.with_shares(self.shares)
        constant = flow.input_scale if self.input_scale is None else self.input_scale
        other = flow.weight_scale if self.weight_scale is None else self.weight_scale
        return replace(flow, core=core, input_scale=constant, weight_scale=other)


def has_calibrated_range(flow: Dataflow) -> bool:
    """Whether the ADCs of the core have a range that is found on samples."""
    return bool(flow.core.settings.get("adc_range") == CALIBRATED)


def needs_calibration(flow: Dataflow) -> bool:
    """Whether something must be known before."""
    return has_calibrated_range(flow) or flow.seeks_scale


class Observed:
    """What has come at a site: magnitudes of its operands, and the partial sums of its tiles."""

    def __init__(self, flow: Dataflow) -> None:
        self.flow = flow
        self.inputs, self.weights, self.sums = Sample(), Sample(), Sample()

    def ranges(self, method: str, percentile: float) -> SiteRanges:
        """What follows from it."""
        dot = self.flow.core.dot_product
        scales = [
            calibrated_scale(one, self._levels(bits), method, percentile) if one.seen else None
            for one, bits in ((self.inputs, dot.input_bits), (self.weights, dot.weight_bits))
        ]
        core = self.flow.core
        if not self.sums.seen or not isinstance(core, ConventionalCore):
            return SiteRanges(None, *scales)
        sums = self.sums.values
        if self.sums.seen > sums.shape[1]:
            # So that a method that asks for the largest one has it.
            sums = np.append(sums, np.full((len(sums), 1), int(self.sums.largest)), axis=1)
        shares = calibrated_shares(core, sums, method=method, percentile=percentile)
        return SiteRanges(tuple(map(float, shares)), *scales)

    def _levels(self, bits: int) -> Levels:
        return Levels.of(bits, self.flow)


class ExactProduct(TiledProduct):
    """Products without what converters lose and noise spoils; a sample gets all partial sums."""

    builds = False

    def __init__(self, flow: Dataflow, arrays: NumPyArrays, sums: Sample | None = None) -> None:
        super().__init__(replace(flow, path="homomorphic"), arrays)
        self._sample = sums

    def exact(self, x: Array, w: Array) -> tuple[Array, ProductCounts]:
        """The product with weights that are quantised for it alone, and what it took."""
        return self.multiply(x, self.quantise_weights(w), _no_noise)

    def _parts(self, whole: Array) -> tuple[Array, ...]:
        return whole, *self.flow.core.parts(whole)

    def _clean(self, x: Array, parts: Sequence[Array]) -> Array:
        arrays = self.arrays
        whole, *sums = self._sums(x, parts if len(parts) > 2 else parts[:1])
        if self._sample is not None and self.flow.core.devices.mapping == OFFSET:
            self._add_offset(self._sample, arrays.plain(x), arrays.plain(parts[0]))
        elif self._sample is not None:
            sums = sums or [whole]
            flat = [one.reshape(1, -1) for one in sums]
            largest = max(float(arrays.largest(one, (-1,)).max()) for one in flat)
            size = int(np.prod(whole.shape))
            self._sample.add_of(size, largest, words_of(arrays, sums))
        return arrays.exact(whole, self.flow.wide_results)

    def _add_offset(self, into: Sample, x: FloatArray, w: FloatArray) -> None:
        """What ADCs read of weights with an offset: of slices of inputs one after the other."""
        core, found = self.flow.core, []
        for stored, channel in zip(core.stored(w), core.arrays, strict=True):
            slices = (part for _, part in digits_of(core.devices, channel, x))
            found.append(np.concatenate([(one @ stored).reshape(-1) for one in slices]))
        into.add(np.stack(found))


def _no_noise() -> Any:
    """In the place of a generator: nothing is drawn, and none is made."""


def observe_operands(
    observed: Observed, arrays: NumPyArrays, x: Array, w: Array, stationary: bool
) -> None:
    """Magnitudes of what has no scale that is known: of stored weights it is."""
    for sample, values in ((observed.inputs, x), (observed.weights, w)):
        if (stationary and values is w) or not int(np.prod(values.shape)):
            continue
        largest = float(arrays.largest(values.reshape(1, -1), (-1,)).max())
        if not np.isfinite(largest):
            raise InputError("an operand is not finite, so that no scale can be found")
        reals = arrays.reals(values)
        sample.add_of(int(np.prod(values.shape)), largest, reals)


def uncalibrated(flow: Dataflow) -> Dataflow:
    """The dataflow with scales that are searched where they are not known yet."""
    return replace(flow, input_scale=DYNAMIC) if flow.seeks_scale else flow

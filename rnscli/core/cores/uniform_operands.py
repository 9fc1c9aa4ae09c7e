"""What the converters of a conventional core read of uniform operands."""

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from rnscli.base import InputError
from rnscli.core.arithmetic import FloatArray, exact_dot
from rnscli.core.cores.calibration import calibrated_shares, sample_size
from rnscli.core.cores.conventional_core import (
    ConventionalCore,
    adc_of,
    mean_square,
    step_of,
)
from rnscli.core.cores.kind import ConventionalKind, CoreOptions, CoreSettings
from rnscli.core.devices import Devices
from rnscli.core.noise import Adc, NoiseLaw, wrong_word
from rnscli.core.noise.levels import Levels

Laws = NoiseLaw | Sequence[NoiseLaw]  # of all converters, or one for each part of the weights

_FEWEST_NORMAL = 10  # products in a sum that is taken to be normal
_MOST_VALUES = 1 << 17  # of a sum over the values of an operand, or of a result


def reading_error(kind: ConventionalKind, settings: CoreSettings, law: Laws) -> float:
    """Probability that a code of some converter changes, for uniform operands.

    A sum of h products is close to normal from some ten terms on, with the variance
    ``h E[X^2] E[W^2]``; the law says how often it changes the code of one that is rounded to
    a multiple of ``2**lost``. Sums of fewer terms, and how those of several slices go together,
    which share their inputs, are those of a sample.
    """
    dot, adc_bits = settings.dot_product, kind.converters(settings).adc_bits
    inputs = dot.vector_size * mean_square(dot.max_input, dot.vector_size)
    read = kind.conversions(settings)
    adcs = [_adc(settings, adc_bits, bits) for bits, _ in read]
    laws = _of_each(law, len(read))
    alone = wrong_word(
        [
            _changed_of_normal(one, *adc, (inputs * square) ** 0.5)
            for one, adc, (_, square) in zip(laws, adcs, read, strict=True)
        ]
    )
    normal = dot.vector_size >= _FEWEST_NORMAL
    if all(one.equiprobable for one in laws) or (normal and len(read) == 1):
        return alone  # errors have nothing to do with what is read, or with other converters
    together, apart = _changed_in_sample(laws, adcs, sampled_sums(kind, settings))
    if not normal:
        return together
    return alone * together / apart if apart else alone


def _of_each(law: Laws, count: int) -> Sequence[NoiseLaw]:
    """The law of the converter of each part."""
    return (law,) * count if isinstance(law, NoiseLaw) else law


def noise_square(kind: ConventionalKind, settings: CoreSettings, law: Laws) -> float:
    """Mean square of what noise adds to the error of a sum S of uniform operands.

    Sums are taken to be normal, and noise of an ADC counts with its place and its step.
    """
    core = kind.build(settings, None, None, 1)
    if not isinstance(core, ConventionalCore):
        raise InputError(f"core {kind.name} says nothing of what its converters read")
    laws = _of_each(law, len(core.places))
    dot, found = settings.dot_product, []
    inputs = dot.vector_size * mean_square(dot.max_input, dot.vector_size)
    read = kind.conversions(settings)
    for place, share, one, (_, square) in zip(core.places, core.shares, laws, read, strict=True):
        bits, step = step_of(core.full_bits, core.adc_bits, share)
        levels = Levels((inputs * square) ** 0.5 / step, whole=step == 1)
        added = one.square_of(adc_of(bits, settings.bits), levels)
        found.append((place * step) ** 2 * added)
    return math.fsum(found)


def _adc(settings: CoreSettings, adc_bits: int, log2_range: float) -> tuple[Adc, float]:
    """An ADC with a range of so many bits, and its step."""
    used = min(adc_bits, math.ceil(log2_range))
    return adc_of(used, settings.bits), max(1.0, 2.0 ** (log2_range - used))


def _changed_of_normal(law: NoiseLaw, adc: Adc, unit: float, deviation: float) -> float:
    """How often noise changes the code of normal sums that are rounded to multiples of a step.

    It may be seldom where nearly all sums are rounded to zero.
    """
    if unit == 1.0 or not deviation:
        return float(np.mean(law.changed(np.zeros(1), 0.0, adc)))
    reach = math.ceil(8 * deviation)
    step = max(1.0, 2 * reach / _MOST_VALUES)  # a grid is as good as all of them
    sums = np.arange(-(reach // step), reach // step + 1) * step
    density = np.exp(-0.5 * (sums / deviation) ** 2)
    changed = law.changed(*_levels(sums, unit), adc)
    if np.ndim(changed) == 0:  # whatever is read
        return float(changed)
    return min(1.0, float(density @ changed / density.sum()))


def _changed_in_sample(
    laws: Sequence[NoiseLaw], adcs: Sequence[tuple[Adc, float]], sums: FloatArray
) -> tuple[float, float]:
    """How often noise changes some code of a sample, and would if codes were independent."""
    changed = np.array(
        [
            np.broadcast_to(law.changed(*_levels(part, step), adc), part.shape)
            for law, part, (adc, step) in zip(laws, sums, adcs, strict=True)
        ]
    )
    with np.errstate(divide="ignore"):  # of a chance of 1
        together = -np.expm1(np.log1p(-changed).sum(axis=0)).mean()
    return float(together), wrong_word(changed.mean(axis=1).tolist())


def _levels(sums: FloatArray, step: float) -> tuple[FloatArray, FloatArray]:
    """Codes of sums, and what is rounded away, in steps."""
    codes = sums / step
    rounded = np.rint(codes)
    return rounded, codes - rounded


def sampled_sums(kind: ConventionalKind, settings: CoreSettings) -> FloatArray:
    """What the converters of a core read of uniform operands, one row for each part.

    Dot products of a sample that is the same in every process: see `sample_size`.
    """
    return _sampled_sums(
        kind,
        CoreSettings(
            dot_product=settings.dot_product,
            bits=2,
            slice_bits=settings.slice_bits,
            devices=_mapped(settings),
        ),
    )


def _mapped(settings: CoreSettings) -> Devices:
    """Devices without errors on which weights and inputs are as on those of a core."""
    devices = settings.devices
    return Devices(mapping=devices.mapping, input_slice_bits=devices.input_slice_bits)


@lru_cache(maxsize=16)
def _sampled_sums(kind: ConventionalKind, settings: CoreSettings) -> FloatArray:
    dot = settings.dot_product
    rng = np.random.default_rng(0)
    core = kind.build(settings, None, None, 1)
    count = sample_size(dot.vector_size)
    rows, size = [], max(1, _MOST_VALUES // dot.vector_size)
    for begin in range(0, count, size):
        x, w = rng.uniform(-1.0, 1.0, (2, size, dot.vector_size))[:, : count - begin]
        for values, largest in ((x, dot.max_input), (w, dot.max_weight)):
            values *= largest / np.abs(values).max(axis=1, keepdims=True)
            np.rint(values, out=values)
        sums = exact_dot(x, w, dot.max_sum)
        rows.append(np.atleast_2d(core.partial_sums(x, w, sums)))
    found: FloatArray = np.concatenate(rows, axis=1).astype(np.float64)
    return found


def uniform_shares(kind: ConventionalKind, settings: CoreSettings) -> tuple[float, ...]:
    """The calibrated shares of a core for uniform operands."""
    concerned = CoreSettings(
        dot_product=settings.dot_product,
        bits=settings.bits,
        slice_bits=settings.slice_bits,
        adc_bits=settings.adc_bits,
        calibration=CoreOptions.calibration.check(settings.calibration),
        percentile=CoreOptions.percentile.check(settings.percentile),
        devices=_mapped(settings),
    )
    return _uniform_shares(kind, concerned)


@lru_cache(maxsize=256)
def _uniform_shares(kind: ConventionalKind, settings: CoreSettings) -> tuple[float, ...]:
    core = kind.build(settings, None, None, 1)
    if not isinstance(core, ConventionalCore):
        raise InputError(f"core {kind.name} has no range that could be calibrated")
    sums = sampled_sums(kind, settings)
    return calibrated_shares(core, sums, settings.calibration, settings.percentile)

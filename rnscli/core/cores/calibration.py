"""Ranges of ADCs that are calibrated: from a sample of what they read to shares of the full range.

Few of the sums that could occur do: a range that covers those that do has finer steps, and what is
beyond it is clipped.
"""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from rnscli.base import InputError
from rnscli.core.arithmetic import FloatArray
from rnscli.core.cores.conventional_core import ConventionalCore, convert_clean, step_of
from rnscli.core.cores.kind import CALIBRATIONS, FULL, PERCENTILE, CoreOptions

_SAMPLE = 1 << 14
_SMALLEST_SAMPLE = 1 << 10
_SAMPLE_VALUES = 1 << 28  # of operands of a sample, x or w

MOST_CLIPPED = 0.9  # of the outputs, beyond which a range is taken for a mistake

_FINEST = 4.0  # parts of the root mean square down to which a range may pay
_COARSE, _FINE = 2.0 ** (-1 / 8), 2.0 ** (-1 / 64)  # steps of a search, of 9 % and of 1 %


def sample_size(vector_size: int) -> int:
    """Dot products in a sample that ranges are calibrated on: fewer where they are very long.

    Examples
    --------
    >>> sample_size(128), sample_size(2**20)
    (16384, 1024)
    """
    return min(_SAMPLE, max(_SMALLEST_SAMPLE, _SAMPLE_VALUES // vector_size))


def calibrated_shares(
    core: ConventionalCore,
    sums: npt.ArrayLike,
    method: str = CALIBRATIONS[0],
    percentile: float = PERCENTILE,
) -> tuple[float, ...]:
    """Shares of the full range that the ADCs of a core need for sums like those of a sample.

    A range has the ``2 M + 1`` whole numbers from ``-M`` to ``M``, which is a share
    ``(2 M + 1) / 2**full_bits`` of the full one, with

    * ``percentile``: M the larger magnitude of the two ends of the inner share of the sums, so that
      of 99.98 % not more than 0.01 % are left out on each side (with linear interpolation between
      the sums of the sample; where that is below 1, the largest magnitude);
    * ``max``: M the largest magnitude;
    * ``least-squares``: the M with the least mean square of the error that rounding and clipping
      by an ADC of the core's bits makes, found to about 1 %.

    The highest code of an ADC is one step below the end of the range. Ranges of several parts, the
    slices of weights, differ by powers of two, so that shifts and additions still put readings
    together: the largest one is as above, and any other this one, halved as often as it still
    covers what the method asks for. With ``least-squares`` the results then decide between these,
    those of ``max`` and the full range.

    Of a part whose sums are all zero nothing is known: it gets the range of the largest one, and
    if all are zero, the full one.

    Parameters
    ----------
    core
        The core, whatever its range.
    sums
        Exact sums as they come to its ADCs, of shape ``(parts, n)`` with n at least 1; those of
        one part may be of shape ``(n,)``.
    method
        One of `rnscli.core.CALIBRATIONS`.
    percentile
        The inner share of ``percentile`` in per cent, above 50 and at most 100.

    Returns
    -------
    tuple
        The shares, for `ConventionalCore.with_shares`.

    Raises
    ------
    InputError
        If there are no sums, or of another number of parts, or an argument is out of range.

    References
    ----------
    Xiao et al., "On the accuracy of analog neural network inference accelerators", IEEE Circuits
    and Systems Magazine 2022, arXiv:2109.01262: 99.98 %, and powers of two between slices.

    Examples
    --------
    >>> from rnscli.analysis.analog_core import analog_core
    >>> core = analog_core("fixed-lp", bits=6)  # of 18 bits
    >>> sums = np.arange(-8000, 8001)  # 16 001 of 2^18 numbers
    >>> (most,), (inner,) = calibrated_shares(core, sums, "max"), calibrated_shares(core, sums)
    >>> f"{most:.6f} {inner:.6f}"
    '0.061039 0.061027'
    """
    CoreOptions.calibration.check(method)
    percentile = CoreOptions.percentile.check(percentile)
    sample = _sample(core, sums)
    if method == "least-squares":
        return _least_squares(core, sample)
    share = percentile if method == "percentile" else 100.0
    return _by_powers(core, [_magnitude(part, share) for part in sample])


def clipped_share(core: ConventionalCore, sums: npt.ArrayLike) -> float:
    """How many of the dot products of a sample have a part that is beyond the range of its ADC.

    Beyond is what is further from the nearest code than half a step.

    Examples
    --------
    >>> from rnscli.analysis.analog_core import analog_core
    >>> clipped_share(analog_core("fixed-lp", bits=6, adc_range="1/1024"), np.arange(-1000, 1000))
    0.872
    """
    beyond: Any = False
    for part, share in zip(_sample(core, sums), core.shares, strict=True):
        bits, step = step_of(core.full_bits, core.adc_bits, share)
        codes, half = np.rint(part / step), 2 ** (bits - 1)
        beyond = beyond | (codes < -half) | (codes > half - 1)
    return float(np.mean(beyond))


def check_clipping(core: ConventionalCore, sums: npt.ArrayLike) -> float:
    """The `clipped_share` of a sample; refused where the core reads next to nothing of it.

    Raises
    ------
    InputError
        If more than 90 % of the outputs are clipped.
    """
    clipped = clipped_share(core, sums)
    if clipped > MOST_CLIPPED:
        raise InputError(
            f"`adc_range` is {core.adc_range}, which clips {clipped:.1%} of the outputs of core "
            f"{core.name}; it must clip at most {MOST_CLIPPED:.0%}: give a larger fraction, or "
            "calibrated"
        )
    return clipped


def _sample(core: ConventionalCore, sums: npt.ArrayLike) -> FloatArray:
    """The sums as floats, of shape ``(parts, n)``."""
    found = np.asarray(sums, dtype=np.float64)
    if found.ndim == 1:
        found = found[np.newaxis]
    if found.ndim != 2 or found.shape[0] != core.part_count or not found.size:
        raise InputError(
            f"`sums` has the shape {np.shape(sums)}; core {core.name} is calibrated on sums of "
            f"the shape ({core.part_count}, n), with n at least 1"
        )
    return found


def _magnitude(part: FloatArray, percentile: float) -> float:
    """The larger magnitude of the ends of what the inner ``percentile`` of sums cover."""
    beyond = (100.0 - percentile) / 2
    ends = np.percentile(part, [beyond, 100.0 - beyond])
    found = float(np.abs(ends).max())
    return found if found >= 1.0 else float(np.abs(part).max())  # or only zeros would be read


def _share(core: ConventionalCore, magnitude: float) -> float:
    """The share of a range up to a magnitude, on both sides of zero."""
    return min(1.0, math.ldexp(2.0 * magnitude + 1.0, -core.full_bits))


def _by_powers(core: ConventionalCore, magnitudes: list[float]) -> tuple[float, ...]:
    """Shares for these magnitudes, smaller than that for the largest one by powers of two.

    Not so small that steps would have to be finer than 1, while others are no powers of two.
    """
    largest = max(magnitudes)
    if not largest:
        return (1.0,) * len(magnitudes)
    share = _share(core, largest)
    coarser = math.ldexp(share, core.full_bits - core.adc_bits)  # than 1
    most = math.floor(math.log2(coarser)) if coarser > 1.0 else math.inf
    ratios = (share / _share(core, one) if one else 1.0 for one in magnitudes)
    return tuple(math.ldexp(share, -int(min(most, math.floor(math.log2(one))))) for one in ratios)


def _least_squares(core: ConventionalCore, sample: FloatArray) -> tuple[float, ...]:
    """The best choice for the results: the best range of each part, that of all, or the full."""
    largest = [_magnitude(part, 100.0) for part in sample]
    best = [_best(core, part, one) for part, one in zip(sample, largest, strict=True)]
    choices = [_by_powers(core, best), _by_powers(core, largest), (1.0,) * len(sample)]
    if not max(largest):
        return choices[-1]

    one: Any = core  # a dataclass
    exact = replace(one, adc_bits=core.full_bits, adc_range=FULL, calibrated=())

    def left(shares: tuple[float, ...]) -> float:
        read, wanted = (made.ideal([*sample.copy()]) for made in (core.with_shares(shares), exact))
        return float(np.mean((read - wanted) ** 2))

    return min(choices, key=left)


def _best(core: ConventionalCore, part: FloatArray, largest: float) -> float:
    """The magnitude of the range with the least mean square error of the sums of a part."""
    if not largest:
        return 0.0

    def left(magnitude: float) -> float:
        share = _share(core, magnitude)
        read: FloatArray = convert_clean(part, core.full_bits, core.adc_bits, share)
        return float(np.mean((read - part) ** 2))

    least = math.sqrt(float(np.mean(part**2))) / _FINEST
    count = math.ceil(math.log(least / largest, _COARSE)) + 1
    coarse = [largest * _COARSE**k for k in range(count)]
    near = _least(left, coarse)
    around = [near / _COARSE * _FINE**k for k in range(2 * round(math.log(_COARSE, _FINE)) + 1)]
    return _least(left, [near, *(one for one in around if one <= largest)])


def _least(left: Callable[[float], float], choices: list[float]) -> float:
    return min(choices, key=left)

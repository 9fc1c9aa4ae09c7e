"""How often a residue is wrong whose level is off."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from rnscli.core import FloatArray

_REACH = 39  # standard deviations, beyond which a double has no smaller probability
_FLAT = 2  # moduli of noise that leaves nothing of a residue
_NORMAL = 50.0  # stuck cells in a column whose errors are normal together


def wrong_residues(sigma: FloatArray, bias: FloatArray, modulus: int) -> FloatArray:
    """Probabilities that residues are wrong whose levels are off by N(bias, sigma^2) steps.

    One is right where its level is off by less than half a step, or by that about a multiple of m.

    Examples
    --------
    >>> from rnscli.core import Gaussian
    >>> sigmas = np.array([0.1, 0.2, math.inf])
    >>> found = wrong_residues(sigmas, np.zeros(3), 63)
    >>> round(float(found[1] / Gaussian(0.2).error_probability(63)), 12), float(found[2])
    (1.0, 0.9841269841269842)
    """
    from scipy.special import ndtr

    flat = sigma >= _FLAT * modulus
    off = np.abs(np.where(flat, 0.0, bias - modulus * np.rint(bias / modulus)))
    scale = np.where(flat | (sigma == 0), 1.0, sigma)
    # In the tails, which keep the precision of small numbers.
    wrong = ndtr((off - 0.5) / scale) + ndtr((-off - 0.5) / scale)
    turns = math.ceil((_REACH * float(scale.max(initial=0.0)) + modulus) / modulus)
    for turn in (k for k in range(-turns, turns + 1) if k):
        away = np.abs(turn * modulus - off)
        wrong -= ndtr((0.5 - away) / scale) - ndtr((-0.5 - away) / scale)
    wrong = np.where(sigma == 0, off > 0.5, wrong)
    found: FloatArray = np.where(flat, 1 - 1 / modulus, wrong).clip(min=0.0)
    return found


class Levels(NamedTuple):
    """What an ADC does at each level that it reads, in its steps.

    Attributes
    ----------
    chances
        Probabilities of the levels.
    spread
        Standard deviation of what its gain makes wrong there.
    bow
        What its nonlinearity adds there, or takes away.
    off
        What a measured one adds.
    """

    chances: FloatArray
    spread: FloatArray
    bow: FloatArray
    off: FloatArray


class Jumps(NamedTuple):
    """Errors of cells that are stuck, which few columns have.

    Attributes
    ----------
    rate
        Mean number of those in a column that make a difference.
    bias, variance
        Mean and variance of their sum.
    """

    rate: float
    bias: float
    variance: float


def mixed_error(
    variance: float, bias: float, modulus: int, levels: Levels | None, jumps: Jumps | None
) -> float:
    """Probability that a residue is wrong, averaged over chips and operands.

    Normal errors of a ``variance`` and a ``bias`` come on top of those of an ADC, which depend on
    the level, and of stuck cells: of these a column has a number that is Poisson's, each of them
    normal.
    """
    counts, chances = np.zeros(1), np.ones(1)
    if jumps is not None and jumps.rate < _NORMAL:
        from scipy.special import gammaln

        counts = np.arange(math.ceil(jumps.rate + 10 * math.sqrt(jumps.rate)) + 10.0)
        chances = np.exp(counts * math.log(jumps.rate) - jumps.rate - gammaln(counts + 1))
        each = jumps.bias / jumps.rate
        variances = variance + counts * max(0.0, jumps.variance / jumps.rate - each**2)
        biases = bias + counts * each
    else:
        all_stuck = jumps or Jumps(0.0, 0.0, 0.0)
        variances, biases = counts + variance + all_stuck.variance, counts + bias + all_stuck.bias
    if levels is None:
        wrong = wrong_residues(np.sqrt(variances), biases, modulus)
        return min(1.0, float(chances @ wrong))
    total = 0.0
    sigmas = np.sqrt(variances[:, np.newaxis] + levels.spread**2)
    for sign in (-1, 1):
        shifted = biases[:, np.newaxis] + levels.off + sign * levels.bow
        found = wrong_residues(sigmas, shifted, modulus) @ levels.chances
        total += float(chances @ found) / 2
    return min(1.0, total)

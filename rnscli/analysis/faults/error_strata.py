"""Errors of a word in strata of known probability, and errors drawn within one of them.

By the number of wrong residues, or, for decoders that look at the size of errors, by the sum of the
squares of their circular distances: what is rare lies in strata of small probability, within which
it is not, so that probabilities far below one over the number of words are simulated.
"""

from collections.abc import Sequence
from functools import lru_cache
from itertools import combinations
from typing import NamedTuple

import numpy as np

from rnscli.core import FloatArray, IntArray, NoiseLaw, error_probabilities

COSTS = 48  # from which on sums of squares are in one stratum


def weight_distribution(wrong: Sequence[float]) -> FloatArray:
    """Probabilities of 0 .. N wrong residues, from that of each."""
    chances = np.ones(1)
    for p in wrong:
        longer = np.zeros(chances.size + 1)
        longer[:-1] = chances * (1.0 - p)
        longer[1:] += chances * p
        chances = longer
    return chances


def errors_of_weight(
    laws: tuple[NoiseLaw, ...],
    moduli: tuple[int, ...],
    wrong: int,
    rng: np.random.Generator,
    size: int,
) -> IntArray:
    """Errors ``(N, size)``, given that so many residues are wrong."""
    patterns, weights = _patterns_of(laws, moduli, wrong)
    errors = np.zeros((len(moduli), size), dtype=np.int64)
    hit = patterns[rng.choice(len(patterns), size=size, p=weights)]
    for channel, (law, modulus) in enumerate(zip(laws, moduli, strict=True)):
        index = np.flatnonzero(hit[:, channel])
        errors[channel, index] = law.draw_errors(rng, modulus, index.size)
    return errors


def _patterns_of(
    laws: tuple[NoiseLaw, ...], moduli: tuple[int, ...], wrong: int
) -> tuple[IntArray, FloatArray]:
    """Sets of wrong residues, as rows of flags, and their chances given their number."""
    p = np.array(error_probabilities(laws, moduli))
    sets = combinations(range(p.size), wrong)
    flags = np.array([[i in one for i in range(p.size)] for one in sets], dtype=np.int64)
    # Scaled by the largest, so that the chances of rare sets do not underflow.
    scale = p.max() or 1.0
    chances = np.where(flags == 1, p / scale, 1.0 - p).prod(axis=1)
    total = chances.sum()
    return flags, chances / total if total else chances


class _Residue(NamedTuple):
    """Distances of the errors of a residue, their chances, and that of the upward one."""

    distances: IntArray
    chances: FloatArray
    upward: FloatArray


class _Costs(NamedTuple):
    """The residues, and of those from each on the chances of a cost, and of at least a cost."""

    residues: tuple[_Residue, ...]
    exactly: tuple[FloatArray, ...]
    at_least: tuple[FloatArray, ...]


def cost_distribution(laws: tuple[NoiseLaw, ...], moduli: tuple[int, ...]) -> FloatArray:
    """Probabilities of sums of squares 0, 1, .. of the errors, and of `COSTS` or more.

    Examples
    --------
    >>> from rnscli.core import Gaussian
    >>> cost_distribution((Gaussian(0.3),) * 2, (9, 8))[:3].round(5).tolist()
    [0.81797, 0.17289, 0.00914]
    """
    costs = _costs(laws, moduli)
    return np.append(costs.exactly[0], costs.at_least[0][COSTS])


@lru_cache(maxsize=64)
def _costs(laws: tuple[NoiseLaw, ...], moduli: tuple[int, ...]) -> _Costs:
    residues: list[_Residue] = []
    exactly, at_least = [np.zeros(COSTS)], [np.zeros(COSTS + 1)]
    exactly[0][0] = at_least[0][0] = 1.0
    for law, modulus in reversed(list(zip(laws, moduli, strict=True))):
        chances = law.error_distribution(modulus)
        distances = np.arange(modulus // 2 + 1)
        up, down = chances[distances], chances[-distances % modulus]
        alone = (distances == 0) | (2 * distances == modulus)
        both = np.where(alone, up, up + down)
        some = both > 0
        upward = np.where(alone, 1.0, up / np.where(some, both, 1.0))
        one = _Residue(distances[some], both[some], upward[some])
        here, tail = np.zeros(COSTS), np.zeros(COSTS + 1)
        for distance, chance in zip(one.distances.tolist(), one.chances.tolist(), strict=True):
            square = min(distance**2, COSTS)
            here[square:] += chance * exactly[0][: COSTS - square]
            tail[square:] += chance * at_least[0][: COSTS + 1 - square]
            tail[:square] += chance
        residues.insert(0, one)
        exactly.insert(0, here)
        at_least.insert(0, tail)
    return _Costs(tuple(residues), tuple(exactly), tuple(at_least))


def errors_of_cost(
    laws: tuple[NoiseLaw, ...],
    moduli: tuple[int, ...],
    cost: int,
    rng: np.random.Generator,
    size: int,
) -> IntArray:
    """Errors ``(N, size)`` of which the squares add up to a cost, or to `COSTS` at least.

    One residue after the other, each in proportion to what those after it may still add.
    """
    made = _costs(laws, moduli)
    ahead = made.exactly if cost < COSTS else made.at_least
    left = np.full(size, cost)
    errors = np.zeros((len(moduli), size), dtype=np.int64)
    for channel, residue in enumerate(made.residues):
        following, squares = ahead[channel + 1], residue.distances**2
        for need in np.unique(left).tolist():
            which = np.flatnonzero(left == need)
            rest = need - squares
            chances = residue.chances * following[np.clip(rest, 0, following.size - 1)]
            if cost < COSTS:
                chances = np.where(rest < 0, 0.0, chances)
            picked = rng.choice(chances.size, size=which.size, p=chances / chances.sum())
            upward = rng.random(which.size) < residue.upward[picked]
            errors[channel, which] = np.where(upward, 1, -1) * residue.distances[picked]
            left[which] = np.maximum(rest[picked], 0)
    return errors

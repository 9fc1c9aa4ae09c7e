"""Errors of residues, drawn: which residues are hit, and by how much.

Errors are rare where a design is any good, so they are drawn sparsely: first the positions that
are hit, by geometric gaps, then an error for each of these.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rnscli.base import InputError
from rnscli.core.arithmetic import FloatArray, IntArray


def check_distribution(name: str, probabilities: Sequence[float]) -> FloatArray:
    """Return probabilities as an array if they are a distribution.

    Raises
    ------
    InputError
        If one is negative or not a number, or they do not sum to 1.

    Examples
    --------
    >>> check_distribution("q", [0.9, 0.05])
    Traceback (most recent call last):
        ...
    rnscli.base.errors.InputError: `q` sums to 0.95; probabilities must sum to 1
    """
    vector = np.asarray(probabilities, dtype=np.float64)
    if vector.ndim != 1 or not vector.size:
        raise InputError(f"`{name}` has shape {vector.shape}; it must be a list of probabilities")
    refused = np.flatnonzero(~(vector >= 0))  # NaN is refused, too
    if refused.size:
        raise InputError(
            f"`{name}` holds {vector[refused[0]]} as entry {refused[0]}; none may be negative"
        )
    total = math.fsum(vector.tolist())
    if not abs(total - 1) <= 1e-9:
        raise InputError(f"`{name}` sums to {total:.12g}; probabilities must sum to 1")
    return vector


@dataclass(frozen=True, eq=False)
class ErrorTable:
    """Wrong values and their weights, to draw from; ``probability`` is the sum of the weights."""

    errors: IntArray
    weights: FloatArray
    cumulative: FloatArray
    probability: float

    @classmethod
    def of(cls, errors: IntArray, weights: FloatArray) -> "ErrorTable":
        probability = min(1.0, math.fsum(weights.tolist()))
        return cls(errors, weights, np.cumsum(weights), probability)

    def draw(self, rng: np.random.Generator, size: int) -> IntArray:
        if not size:
            return self.errors[:0]
        picks = np.searchsorted(
            self.cumulative, rng.random(size) * self.cumulative[-1], side="right"
        )
        drawn: IntArray = self.errors[np.minimum(picks, self.errors.size - 1)]
        return drawn


def draw_positions(rng: np.random.Generator, probability: float, size: int) -> IntArray:
    """Which of ``size`` independent trials succeed, ascending.

    Gaps between successes are geometric, so the cost is that of the successes and not of the
    trials.

    Examples
    --------
    >>> draw_positions(np.random.default_rng(0), 1.0, 3).tolist()
    [0, 1, 2]
    """
    if probability <= 0 or not size:
        return np.empty(0, dtype=np.int64)
    if probability > 0.25:
        return np.flatnonzero(rng.random(size) < probability)
    expected = size * probability
    batch = int(expected + 4 * math.sqrt(expected)) + 8
    log_miss = math.log1p(-probability)
    parts: list[IntArray] = []
    last = -1
    while last < size:
        with np.errstate(over="ignore"):  # of a tiny probability; the gap is cut below
            failures = np.floor(np.log1p(-rng.random(batch)) / log_miss)
        steps = np.minimum(failures, size).astype(np.int64) + 1
        positions = last + np.cumsum(steps)
        parts.append(positions)
        last = int(positions[-1])
    found = np.concatenate(parts)
    return found[: np.searchsorted(found, size)]

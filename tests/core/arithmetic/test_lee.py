"""Decoding by the size of errors, against a search over all legitimate values."""

import itertools

import numpy as np
import pytest

from rnscli.base.errors import InputError
from rnscli.core.arithmetic.code import CORRECTED, DETECTED, VALID, RedundantCode
from rnscli.core.arithmetic.lee import LeeReader, error_ball
from rnscli.core.arithmetic.moduli import ModuliSet

CODES = [
    (ModuliSet([3, 2]), 6),
    (ModuliSet([5, 4, 3], 1), 12),
    (ModuliSet([5, 4, 3], 1), 7),
    (ModuliSet([7, 5, 3], 2), 3),
    (ModuliSet([7, 5, 4, 3], 1), 60),
    (ModuliSet([7, 5, 4, 3], 2), 12),
    (ModuliSet([8, 7, 5, 3], 2), 10),
    (ModuliSet([9, 8, 7, 5], 1), 200),
    (ModuliSet([9, 8, 7, 5], 3), 5),
    (ModuliSet([11, 9, 8, 7], 2), 56),
    (ModuliSet([11, 7, 5, 3, 2], 2), 30),
    (ModuliSet([13, 11, 7], 1), 77),
]
WEIGHTS = [None, (1.0, 2.5, 0.3, 1.0, 7.0)]


def costs_of(
    code_values: np.ndarray, words: np.ndarray, moduli: tuple[int, ...], weights: tuple[float, ...]
) -> np.ndarray:
    """Of each value, at each word."""
    total = np.zeros((code_values.size, words.shape[1]))
    for modulus, weight, row in zip(moduli, weights, words, strict=True):
        away = np.abs(code_values[:, np.newaxis] % modulus - row)
        total += weight * np.minimum(away, modulus - away) ** 2
    return total


@pytest.mark.parametrize("weights", WEIGHTS, ids=["alike", "weighted"])
@pytest.mark.parametrize(("moduli", "size"), CODES)
def test_every_word_is_decoded_to_the_nearest_value(
    moduli: ModuliSet, size: int, weights: tuple[float, ...] | None
) -> None:
    used = (1.0,) * moduli.count if weights is None else weights[: moduli.count]
    reader = LeeReader(moduli, size, None if weights is None else used)
    words = np.array(list(itertools.product(*map(range, moduli.moduli)))).T
    values, status = reader.decode(words)
    legitimate = np.arange(size) - size // 2
    costs = costs_of(legitimate, words, moduli.moduli, used)
    assert values.min() >= legitimate[0] and values.max() <= legitimate[-1]
    own = costs[values + size // 2, np.arange(words.shape[1])]
    assert np.allclose(own, costs.min(axis=0))
    assert np.array_equal(status == VALID, own == 0)
    assert not (status == DETECTED).any() and reader.reach == np.inf


@pytest.mark.parametrize(("moduli", "size"), CODES[3:])
def test_what_is_too_far_is_rejected(moduli: ModuliSet, size: int) -> None:
    words = np.array(list(itertools.product(*map(range, moduli.moduli)))).T
    nearest, _ = LeeReader(moduli, size).decode(words)
    for limit in (0.0, 1.0, 2.5, 6.0):
        values, status = LeeReader(moduli, size, retry_above=limit).decode(words)
        legitimate = np.arange(size) - size // 2
        costs = costs_of(legitimate, words, moduli.moduli, (1.0,) * moduli.count)
        assert np.array_equal(status == DETECTED, costs.min(axis=0) > limit)
        assert np.array_equal(values, nearest)


@pytest.mark.thorough
@pytest.mark.parametrize("redundant", [1, 2, 3])
def test_words_of_a_large_code(redundant: int) -> None:
    """Against the nearest of the values that a few wrong residues lead to."""
    moduli = ModuliSet([255, 254, 253, 251, 247, 241], redundant)
    code = RedundantCode(moduli, decoder="lee")
    rng = np.random.default_rng(redundant)
    values = rng.integers(code.lowest, code.highest + 1, 3000)
    errors = np.rint(rng.normal(0, 0.6, (6, values.size))).astype(int)
    words = (code.encode(values) + errors) % np.array(moduli.moduli)[:, np.newaxis]
    decoded = code.decode(words)
    cost = (errors**2).sum(axis=0)
    used = (1.0,) * 6
    found = np.diag(costs_of(decoded.values, words, moduli.moduli, used))
    assert np.all(found <= cost)
    assert np.all((decoded.values == values) | (found <= cost))
    # No value in the list of all errors of a smaller cost is legitimate.
    smaller = error_ball(moduli, used, 20_000)
    assert smaller.reach >= 9
    for word, own in list(zip(words.T, found, strict=True))[:200]:
        near = (word[:, np.newaxis] - smaller.errors[:, smaller.costs < own]) % np.array(
            moduli.moduli
        )[:, np.newaxis]
        if near.shape[1]:
            assert not code.is_codeword(near).any()
    assert (decoded.values == values).mean() > (0.65 if redundant == 1 else 0.85)
    assert set(decoded.status.tolist()) <= {VALID, CORRECTED}


def test_a_ball_has_all_errors_of_a_cost() -> None:
    moduli = ModuliSet([7, 5, 4])
    weights = (1.0, 0.5, 3.0)
    every = np.array(list(itertools.product(range(-3, 4), range(-2, 3), range(-1, 3)))).T
    costs = (np.array(weights)[:, np.newaxis] * every**2).sum(axis=0)
    for most in (5, 20, 60, 1000):
        ball = error_ball(moduli, weights, most)
        assert ball.complete == (ball.costs.size == every.shape[1])
        assert sorted(ball.costs.tolist()) == sorted(costs[costs <= ball.reach + 1e-9].tolist())
        assert np.all(np.diff(ball.shifts) > 0)
        residues = ball.errors % np.array([[7], [5], [4]])
        assert np.array_equal(
            np.array([ball.shifts % 7, ball.shifts % 5, ball.shifts % 4]), residues
        )


def test_far_words_of_much_redundancy() -> None:
    """A list of errors reaches so far; what is farther is rejected, and no guess is made."""
    moduli = ModuliSet([255, 254, 253, 251, 247, 241, 239], 5)
    reader = LeeReader(moduli, moduli.dynamic_range)
    rng = np.random.default_rng(3)
    words = np.array([rng.integers(0, m, 50) for m in moduli.moduli])
    values, status = reader.decode(words)
    assert (status == DETECTED).all() and np.isfinite(reader.reach)
    lowest = -(moduli.dynamic_range // 2)
    assert np.all((values >= lowest) & (values < lowest + moduli.dynamic_range))


def test_refused() -> None:
    primes = ModuliSet([2**13 - 1, 2**17 - 1, 2**19 - 1, 2**31 - 1], 2)
    with pytest.raises(InputError, match="product of 80 bits; the `decoder` lee takes at most"):
        RedundantCode(primes, decoder="lee")
    with pytest.raises(InputError, match="common factor 8; use robust"):
        RedundantCode(ModuliSet([248, 232], factor=8), decoder="lee")

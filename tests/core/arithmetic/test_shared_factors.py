"""Decoding of moduli of which some share factors, against all words of small codes."""

import itertools
import math
from typing import Any

import numpy as np
import pytest

from rnscli.base.errors import InputError
from rnscli.core.arithmetic.code import CORRECTED, DETECTED, VALID, RedundantCode
from rnscli.core.arithmetic.decoders import Robust, decoder_for
from rnscli.core.arithmetic.moduli import ModuliSet
from rnscli.core.arithmetic.residues import to_residues
from rnscli.core.arithmetic.robust import RobustReader, mean_on_circle
from rnscli.core.arithmetic.shared_factors import (
    SharedReader,
    borne,
    guard_of,
    joined,
    table_of,
)

# Of pairs, chains and stars of factors, with equal members and such that divide others.
SETS = [
    ModuliSet([12, 10, 8], factor=2),
    ModuliSet([15, 10, 6], factor=1),
    ModuliSet([16, 12, 6], factor=2),
    ModuliSet([9, 6, 4], factor=1),
    ModuliSet([14, 10, 8, 6], factor=2),
    ModuliSet([20, 15, 12], factor=1),
    ModuliSet([12, 9, 8], factor=1),
    ModuliSet([7, 7, 5], factor=1),
    ModuliSet([10, 10, 6], factor=2),
    ModuliSet([12, 6, 5], factor=1),
    ModuliSet([18, 12, 10], factor=2),
    ModuliSet([30, 28, 24], factor=2),
    ModuliSet([30, 24, 18], factor=6),
    ModuliSet([32, 30, 25, 24], factor=1),
]
COMMON = [ModuliSet([6, 4], factor=2), ModuliSet([20, 15], factor=5)]
WEIGHTED = [
    (ModuliSet([12, 10, 8], factor=2), (1.0, 3.0, 0.5)),
    (ModuliSet([20, 15, 12], factor=1), (0.37, 1.0, 2.9)),
    (ModuliSet([14, 10, 8, 6], factor=2), (5.0, 1.0, 1.0, 0.2)),
]
CASES = [(one, (1.0,) * one.count) for one in SETS + COMMON] + WEIGHTED


def words_of(moduli: ModuliSet, most: int) -> np.ndarray:
    """All words, or some of them."""
    count = math.prod(moduli.moduli)
    if count <= most:
        return np.array(list(itertools.product(*map(range, moduli.moduli)))).T
    rng = np.random.default_rng(count)
    return np.array([rng.integers(0, m, most) for m in moduli.moduli])


def costs_of(moduli: ModuliSet, words: np.ndarray, weights: tuple[float, ...]) -> np.ndarray:
    """Of each value at each word the least cost with a mean that is rounded to that value."""
    members = np.array(moduli.moduli)[:, np.newaxis, np.newaxis]
    off = (words[:, np.newaxis] - np.arange(moduli.dynamic_range)[:, np.newaxis]) % members
    scaled = np.array(weights)
    least = np.full(off.shape[1:], math.inf)
    for turns in itertools.product((-1, 0), repeat=moduli.count):
        errors = off + np.array(turns)[:, np.newaxis, np.newaxis] * members
        mean = np.tensordot(scaled, errors, 1) / scaled.sum()
        cost = np.tensordot(scaled, (errors - mean) ** 2, 1)
        here = np.floor(mean + 0.5 + 1e-12) == 0
        least = np.where(here & (cost < least), cost, least)
    return least


@pytest.mark.parametrize(("moduli", "weights"), CASES, ids=str)
def test_every_word_is_decoded_to_a_value_of_least_cost(
    moduli: ModuliSet, weights: tuple[float, ...]
) -> None:
    """All words, or many, with all values, and all ways round the circles of the residues."""
    words = words_of(moduli, 4000 if moduli.dynamic_range < 500 else 1000)
    reader = SharedReader(moduli, moduli.dynamic_range, weights=weights)
    values, status = reader.decode(words)
    for some in np.array_split(np.arange(words.shape[1]), 20):
        costs = costs_of(moduli, words[:, some], weights)
        own = costs[values[some] % moduli.dynamic_range, np.arange(some.size)]
        assert np.allclose(own, costs.min(axis=0), rtol=0, atol=1e-9)
        _, syndromes = joined(moduli, words[:, some])
        assert np.allclose(table_of(moduli, weights).costs[syndromes], own, rtol=0, atol=1e-9)
    clean = (words == to_residues(values, moduli)).all(axis=0)
    assert not (status == DETECTED).any()
    # Of a word whose errors are all alike there is a value that is exactly right.
    assert np.array_equal(status == VALID, clean) and np.count_nonzero(status == CORRECTED)


def guard_by_hand(moduli: ModuliSet) -> int:
    """The least spread of all residues of all numbers, any number of times round their circles."""
    numbers, spreads = np.arange(moduli.dynamic_range), []
    for turns in itertools.product((-1, 0, 1), repeat=moduli.count):
        errors = np.array([numbers % m + t * m for m, t in zip(moduli.moduli, turns, strict=True)])
        spread = errors.max(axis=0) - errors.min(axis=0)
        spreads.append(spread[spread > 0].min())
    return int(min(spreads))


@pytest.mark.parametrize("moduli", SETS + COMMON, ids=str)
def test_the_guard_is_the_least_spread_between_values(moduli: ModuliSet) -> None:
    assert guard_of(moduli) == guard_by_hand(moduli)
    if not moduli.shared:
        assert guard_of(moduli) == moduli.factor
        # And as it is found without saying so.
        assert SharedReader(moduli, moduli.dynamic_range)._guard == moduli.factor


LIMITED = [
    (ModuliSet([12, 10, 8], factor=2), 100),
    (ModuliSet([15, 10, 6], factor=1), 22),
    (ModuliSet([63, 56, 8], factor=1), 480),
    (ModuliSet([21, 15, 14, 10], factor=1), 190),
    (ModuliSet([30, 24, 18], factor=6), 301),
]


@pytest.mark.parametrize(("moduli", "size"), LIMITED, ids=str)
def test_errors_that_lead_beyond_an_end_belong_to_it(moduli: ModuliSet, size: int) -> None:
    """By less than half of the guard; other words are rejected."""
    code = RedundantCode(moduli, size)
    assert code.decoder == "robust"
    words = words_of(moduli, 2000)
    decoded = code.decode(words)
    costs = costs_of(moduli, words, (1.0,) * moduli.count)
    total, guard = moduli.dynamic_range, guard_by_hand(moduli)
    accepted = 0
    for place, (value, status) in enumerate(
        zip(decoded.values.tolist(), decoded.status.tolist(), strict=True)
    ):
        answers: set[Any] = set()
        for best in np.flatnonzero(costs[:, place] < costs[:, place].min() + 1e-9).tolist():
            about = [best + turn * total for turn in (-1, 0, 1)]
            ends = [(abs(v - min(max(v, code.lowest), code.highest)), v) for v in about]
            away, near = min(ends)
            low = min(max(near, code.lowest), code.highest)
            answers.add(low if 2 * away < guard else None)
        assert (None if status == DETECTED else value) in answers
        assert code.lowest <= value <= code.highest
        accepted += status != DETECTED
    assert 0 < accepted < words.shape[1]


@pytest.mark.parametrize(
    "moduli",
    [
        ModuliSet([248, 232, 224, 216], factor=8),
        ModuliSet([64, 60, 52, 44, 28], factor=4),
        ModuliSet([35, 30, 25], factor=5),
        ModuliSet([33, 27, 24, 15], factor=3),
    ],
    ids=str,
)
@pytest.mark.parametrize("weights", [None, (1.0, 2.0, 5.0, 1.0, 3.0)], ids=["alike", "weighted"])
def test_a_common_factor_alone_is_decoded_as_on_the_circle(
    moduli: ModuliSet, weights: tuple[float, ...] | None
) -> None:
    """The same costs, values and states, though nothing of the computation is the same."""
    used = (1.0,) * moduli.count if weights is None else weights[: moduli.count]
    for size in (moduli.dynamic_range, moduli.dynamic_range // 3):
        circle = RobustReader(moduli, size, 0, used)
        by_table = SharedReader(moduli, size, 0, used)
        words = words_of(moduli, 20_000)
        _, _, costs = mean_on_circle(words % moduli.factor, moduli.factor, np.array(used))
        assert np.allclose(table_of(moduli, used).costs[joined(moduli, words)[1]], costs)
        for found, wanted in zip(by_table.decode(words), circle.decode(words), strict=True):
            assert np.array_equal(found, wanted)


@pytest.mark.parametrize("moduli", [*SETS, ModuliSet([63, 56, 8], factor=1)], ids=str)
def test_errors_that_are_borne(moduli: ModuliSet) -> None:
    """All of so many steps move a value by their mean, and some of one more by far more."""
    most = borne(moduli)
    assert decoder_for(moduli).borne(moduli) == most
    members = np.array(moduli.moduli)[:, np.newaxis]
    code = RedundantCode(moduli)
    for steps in (most, most + 1):
        every = list(itertools.product(range(-steps, steps + 1), repeat=moduli.count))
        errors = np.array(every).T
        mean = np.floor(errors.mean(axis=0) + 0.5).astype(int)
        found = code.decode(errors % members).values
        right = (found - mean) % moduli.dynamic_range == 0
        tied = table_of(moduli, (1.0,) * moduli.count).tied[joined(moduli, errors)[1]]
        assert (right & ~tied).all() == (steps == most)


@pytest.mark.parametrize(("count", "factor"), [(2, 4), (2, 9), (3, 5), (4, 8), (4, 7), (5, 12)])
def test_of_a_common_factor_a_quarter_is_borne(count: int, factor: int) -> None:
    moduli = ModuliSet([factor * m for m in (2, 3, 5, 7, 11)[:count]], factor=factor)
    assert borne(moduli) == Robust().borne(moduli) == (factor - 1) // 4


MANY = ModuliSet([*(p for p in range(2, 48) if all(p % q for q in range(2, p))), 6, 10], factor=1)


def test_many_residues_bear_what_is_proven() -> None:
    """A bound in the place of all corners, of 17 residues."""
    assert (MANY.count, MANY.shared, borne(MANY)) == (17, True, 0)


def test_unsure_words_are_rejected() -> None:
    moduli = ModuliSet([63, 60, 55, 54, 49], factor=1)
    words = words_of(moduli, 5000)
    costs = table_of(moduli, (1.0,) * 5).costs[joined(moduli, words)[1]]
    anyway = RedundantCode(moduli).decode(words)
    for above in (0.0, 0.8, 4.0):
        decoded = RedundantCode(moduli, retry_above=above).decode(words)
        assert np.array_equal(decoded.status == DETECTED, costs > above + 1e-6)
        assert np.array_equal(decoded.values, anyway.values)
    assert (costs > 4).any() and (costs < 0.8).any()


def test_what_cannot_be_decoded() -> None:
    shared = ModuliSet([64, 62, 60], factor=2)
    assert decoder_for(shared).name == "robust"
    with pytest.raises(InputError, match=r"is for coprime moduli.*share factors; use robust"):
        RedundantCode(shared, decoder="lee")
    with pytest.raises(InputError, match=r"have 2\^2[0-9.]* syndromes"):
        RedundantCode(ModuliSet([2**12 * 9, 2**12 * 7, 2**12 * 15], factor=2**12))
    with pytest.raises(InputError, match=r"at most 2\^62 can be decoded"):
        RedundantCode(ModuliSet([2**31, 2**31 - 1, 2**30, 3**19], factor=1), 1000)
    with pytest.raises(InputError, match="errors would have to be compared"):
        RedundantCode(ModuliSet([2**24, 2**10 * 3, 3 * 1009, 1013 * 7, 7 * 10007], factor=1))
    with pytest.raises(InputError, match=r"at most 2\^62 can be decoded"):
        borne(ModuliSet([*MANY.moduli, 53], factor=1))

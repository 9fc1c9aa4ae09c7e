"""Robust reconstruction of sets with a common factor, against all words of small codes."""

import itertools
from fractions import Fraction
from math import floor

import numpy as np
import pytest

from rnscli.base.errors import InputError
from rnscli.core.arithmetic.code import CORRECTED, DETECTED, VALID, RedundantCode
from rnscli.core.arithmetic.decoders import decoder_for
from rnscli.core.arithmetic.moduli import ModuliSet
from rnscli.core.arithmetic.residues import from_residues, to_residues
from rnscli.core.arithmetic.robust import mean_on_circle

# Cofactors, how many of them are redundant, common factor, and the legitimate range, if smaller.
CODES = [
    ([2, 3], 0, 4, None),
    ([2, 3], 0, 5, 22),
    ([3, 4], 0, 8, None),
    ([2, 3, 5], 0, 5, None),
    ([3, 4, 5], 0, 4, 200),
    ([2, 3, 5], 1, 6, None),
    ([3, 4, 5], 1, 5, 50),
    ([3, 4, 5], 2, 5, 10),
    ([2, 3, 5, 7], 2, 5, 28),
    ([3, 4, 5, 7], 2, 5, 55),
    ([2, 3, 5, 7, 11], 3, 5, 25),
    ([3, 4], 0, 7, 81),
]


def code_of(cofactors: list[int], redundant: int, factor: int, size: int | None) -> RedundantCode:
    return RedundantCode(ModuliSet([factor * m for m in cofactors], redundant, factor), size)


def inner(code: RedundantCode) -> np.ndarray:
    """Values that small errors do not lead beyond the ends, of which there may be a few only."""
    away = code.moduli.factor // 4 + 1
    return np.arange(code.lowest + away, code.highest + 1 - away)


def errors_up_to(most: int, count: int) -> np.ndarray:
    return np.array(list(itertools.product(range(-most, most + 1), repeat=count))).T


@pytest.mark.parametrize(("cofactors", "redundant", "factor", "size"), CODES)
def test_small_errors_in_all_residues_move_a_value_by_their_mean(
    cofactors: list[int], redundant: int, factor: int, size: int | None
) -> None:
    """Of less than a quarter of G: every value, and every such error."""
    code = code_of(cofactors, redundant, factor, size)
    moduli = np.array(code.moduli.moduli)[:, np.newaxis, np.newaxis]
    errors = errors_up_to(-(-factor // 4) - 1, code.moduli.count)
    values = inner(code)
    words = (code.encode(values)[:, :, np.newaxis] + errors[:, np.newaxis]) % moduli
    decoded = code.decode(words)
    moved = np.floor(errors.mean(axis=0) + 0.5).astype(int)
    assert np.array_equal(decoded.values, values[:, np.newaxis] + moved)
    same = (errors == errors[0]).all(axis=0)
    assert np.array_equal(decoded.status == VALID, np.broadcast_to(same, decoded.status.shape))
    assert not (decoded.status == DETECTED).any()


@pytest.mark.parametrize(
    ("cofactors", "redundant", "factor", "size"), [one for one in CODES if one[1] >= 2]
)
def test_some_residues_may_be_wrong_by_any_amount(
    cofactors: list[int], redundant: int, factor: int, size: int | None
) -> None:
    """Besides small errors in all others: every place and amount of every value.

    Ranges of these codes are smaller by G than they may be, as small errors lead beyond their ends.
    """
    code = code_of(cofactors, redundant, factor, size)
    moduli = np.array(code.moduli.moduli)[:, np.newaxis, np.newaxis]
    assert code.radius == redundant // 2 == 1
    most = -(-factor // 4) - 1
    small, values = errors_up_to(most, code.moduli.count), inner(code)
    for place, modulus in enumerate(code.moduli.moduli):
        for amount in range(modulus):
            errors = small.copy()
            errors[place] = amount
            errors = np.unique(errors, axis=1)
            words = (code.encode(values)[:, :, np.newaxis] + errors[:, np.newaxis]) % moduli
            decoded = code.decode(words)
            assert not (decoded.status == DETECTED).any()
            # Any one of these residues may itself be less than G / 2 off the value that is taken.
            assert np.abs(decoded.values - values[:, np.newaxis]).max() < 3 * factor / 4


def reference(code: RedundantCode, word: tuple[int, ...]) -> set[int | None]:
    """The value of a word of a code that corrects nothing, in plain fractions; ``None`` if none.

    There are several where the common remainder is in between.
    """
    moduli, factor, size = code.moduli, code.moduli.factor, code.size
    shifted = [(r - code.lowest) % m for r, m in zip(word, moduli.moduli, strict=True)]
    parts = [one % factor for one in shifted]
    found = []
    for cut in set(parts):
        points = [one + factor * (one < cut) for one in parts]
        mean = Fraction(sum(points), len(points))
        quotients = [(s - p) // factor for s, p in zip(shifted, points, strict=True)]
        found.append((sum((one - mean) ** 2 for one in points), mean, quotients))
    least = min(cost for cost, *_ in found)
    answers: set[int | None] = set()
    for _, mean, quotients in (one for one in found if one[0] == least):
        pairs = list(zip(quotients, moduli.cofactors, strict=True))
        values = [
            quotient * factor + floor(mean + Fraction(1, 2))
            for quotient in range(-2, moduli.total_range // factor + 1)
            if all((quotient - q) % m == 0 for q, m in pairs)
        ]
        near = [min(max(one, 0), size - 1) for one in values]
        nearest = [n for n, v in zip(near, values, strict=True) if 2 * abs(n - v) < factor]
        answers |= set(nearest) or {None}
    return answers


@pytest.mark.parametrize(
    ("cofactors", "redundant", "factor", "size"),
    [one for one in CODES if one[1] < 2 and len(one[0]) < 4],
)
def test_every_word_has_the_nearest_common_remainder(
    cofactors: list[int], redundant: int, factor: int, size: int | None
) -> None:
    """All received words: the value, or that there is none."""
    code = code_of(cofactors, redundant, factor, size)
    every = list(itertools.product(*map(range, code.moduli.moduli)))
    words = every[:: max(1, len(every) // 4000)]
    decoded = code.decode(np.array(words).T)
    accepted = 0
    for word, value, status in zip(
        words, decoded.values.tolist(), decoded.status.tolist(), strict=True
    ):
        told = None if status == DETECTED else value - code.lowest
        assert told in reference(code, word)
        assert code.lowest <= value <= code.highest
        accepted += told is not None
    assert accepted


def test_a_mean_on_a_circle_is_the_nearest_to_its_points() -> None:
    rng = np.random.default_rng(2)
    for factor, count in itertools.product((2, 3, 8, 13), (2, 3, 4, 5)):
        parts = rng.integers(0, factor, (count, 300))
        weights = rng.integers(1, 4, count).astype(float)
        mean, passed, cost = mean_on_circle(parts, factor, weights)
        moved = parts + factor * passed
        assert np.allclose(mean, weights @ moved / weights.sum())
        grid = np.arange(0, factor, 1 / (4 * count))[:, np.newaxis, np.newaxis]
        away = np.abs(parts - grid)
        least = (weights[:, np.newaxis] * np.minimum(away, factor - away) ** 2).sum(axis=1).min(0)
        assert np.allclose(weights @ (moved - mean) ** 2, cost, atol=1e-9)
        assert np.all(cost <= least + 1e-9)


@pytest.mark.parametrize("sigma", [0.2, 0.3, 0.5])
def test_four_channels_of_8_bits(sigma: float) -> None:
    """What is published of them, within 4 standard errors: a false alarm in 16 000."""
    published = {0.2: 2.5e-4, 0.3: 1.2e-2, 0.5: 0.10}[sigma]
    code = code_of([31, 29, 28, 27], 0, 8, None)
    rng = np.random.default_rng(5)
    values = rng.integers(code.lowest + 8, code.highest - 8, 200_000)
    words = code.encode(values) + np.rint(rng.normal(0, sigma, (4, values.size))).astype(int)
    found = code.decode(words % np.array(code.moduli.moduli)[:, np.newaxis])
    off = np.abs(found.values - values)
    wrong = np.count_nonzero(off) / values.size
    # Published to two digits.
    assert abs(wrong - published) < 0.12 * published + 4 * (published / values.size) ** 0.5
    assert off.max() < 4


@pytest.mark.parametrize(
    "moduli",
    [
        ModuliSet([2**20 * one for one in (2047, 2039, 2033, 2029)], 1, 2**20),
        ModuliSet([2**28, 2**7 * 3**4 * 10007, 3**4 * 1009], factor=1),
    ],
    ids=str,
)
def test_words_without_errors(moduli: ModuliSet) -> None:
    assert 2**50 < moduli.dynamic_range < 2**62
    code = RedundantCode(moduli)
    values = np.random.default_rng(1).integers(code.lowest, code.highest, 1000)
    words = code.encode(values)
    decoded = code.decode(words)
    assert np.array_equal(decoded.values, values) and not decoded.status.any()
    assert code.is_codeword(words).all()
    assert np.array_equal(from_residues(words, moduli), values)
    words[2, 5] = (words[2, 5] + 1) % moduli.moduli[2]
    assert np.flatnonzero(~code.is_codeword(words)).tolist() == [5]
    assert (code.decode(to_residues(values, moduli)).status != CORRECTED).all()


def test_what_does_not_decode_a_set() -> None:
    common = ModuliSet([248, 232, 224, 216], factor=8)
    assert decoder_for(common).name == "robust"
    with pytest.raises(InputError, match=r"for coprime moduli.*common factor 8; use robust"):
        RedundantCode(common, decoder="bounded-distance")
    with pytest.raises(InputError, match="`decoder` robust is for moduli with a common factor"):
        RedundantCode(ModuliSet([15, 14, 13]), decoder="robust")
    assert RedundantCode(ModuliSet([15, 14, 13])).decoder == "bounded-distance"

import math
from fractions import Fraction
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnscli.analysis.faults.undetected import MAX_COUNT, code_spectrum
from rnscli.base.errors import InputError
from rnscli.core.arithmetic.moduli import ModuliSet

QUICK = settings(max_examples=60, deadline=None, derandomize=True)

FIRST_PRIMES = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67)

TINY = [
    ((3, 2), 0, 6, 0),
    ((5, 4, 3), 0, 17, 0),
    ((5, 4, 3), 1, 12, 0),
    ((5, 4, 3), 1, 7, 0),
    ((7, 5, 3), 2, 3, 1),
    ((7, 5, 3), 2, 3, 0),
    ((5, 4, 3), 2, 2, 1),
    ((7, 5, 3, 2), 2, 6, 1),
    ((7, 5, 3, 2), 2, 5, 1),
    ((7, 5, 3, 2), 3, 2, 1),
    ((7, 5, 3, 2), 1, 1, 0),
]


def counted(moduli: tuple[int, ...], size: int, radius: int) -> dict[str, list[Fraction]]:
    """Outcomes by weight, one word after the other: every value, every received word."""
    count = len(moduli)
    book = [tuple(x % m for m in moduli) for x in range(size)]
    shares = {
        outcome: [Fraction(0)] * (count + 1) for outcome in ("correct", "detected", "undetected")
    }
    for sent in book:
        for word in product(*map(range, moduli)):
            wrong = [m for m, r, s in zip(moduli, word, sent, strict=True) if r != s]
            near = [
                other
                for other in book
                if sum(r != s for r, s in zip(word, other, strict=True)) <= radius
            ]
            outcome = {(): "detected", (sent,): "correct"}.get(tuple(near), "undetected")
            chance = Fraction(1, size * math.prod(m - 1 for m in wrong))
            shares[outcome][len(wrong)] += chance
    return shares


@pytest.mark.parametrize(("moduli", "redundant", "size", "radius"), TINY)
def test_against_a_count_of_every_word(
    moduli: tuple[int, ...], redundant: int, size: int, radius: int
) -> None:
    spectrum = code_spectrum(ModuliSet(moduli, redundant), size, radius)
    for outcome, shares in counted(moduli, size, radius).items():
        assert getattr(spectrum, outcome) == pytest.approx(
            list(map(float, shares)), rel=1e-14, abs=0
        )


@st.composite
def codes(draw: st.DrawFn) -> tuple[ModuliSet, int, int]:
    members = draw(
        st.lists(st.sampled_from((4, 9, 5, 7, 11, 13, 17)), min_size=1, max_size=6, unique=True)
    )
    redundant = draw(st.integers(0, len(members) - 1))
    moduli = ModuliSet(members, redundant)
    size = draw(st.integers(1, moduli.dynamic_range))
    return moduli, size, draw(st.integers(0, redundant // 2))


@QUICK
@given(codes())
def test_the_outcomes_of_each_weight_add_up(code: tuple[ModuliSet, int, int]) -> None:
    moduli, size, radius = code
    spectrum = code_spectrum(moduli, size, radius)
    for w in range(moduli.count + 1):
        outcomes = spectrum.correct[w], spectrum.detected[w], spectrum.undetected[w]
        assert min(outcomes) >= 0
        assert sum(outcomes) == pytest.approx(math.comb(moduli.count, w), rel=1e-13, abs=0)


@QUICK
@given(codes())
def test_no_error_below_the_minimum_distance_goes_undetected(
    code: tuple[ModuliSet, int, int],
) -> None:
    """Codewords differ in at least k + 1 residues, so k - t wrong ones never reach a sphere."""
    moduli, size, radius = code
    spectrum = code_spectrum(moduli, size, radius)
    assert not any(spectrum.undetected[: moduli.redundant - radius + 1])
    assert all(spectrum.correct[w] == math.comb(moduli.count, w) for w in range(radius + 1))
    assert not any(spectrum.correct[radius + 1 :])


def test_without_redundancy_every_word_is_legitimate() -> None:
    spectrum = code_spectrum(ModuliSet((13, 11, 9, 8)), 13 * 11 * 9 * 8, 0)
    assert spectrum.detected == (0.0, 0.0, 0.0, 0.0, 0.0)
    assert spectrum.undetected == (0.0, 4.0, 6.0, 4.0, 1.0)


def test_one_codeword_leaves_nothing_to_mistake_it_for() -> None:
    spectrum = code_spectrum(ModuliSet((13, 11, 9, 8), 2), 1, 1)
    assert spectrum.undetected == (0.0, 0.0, 0.0, 0.0, 0.0)
    assert spectrum.detected == (0.0, 0.0, 6.0, 4.0, 1.0)


def test_the_largest_set_and_one_more() -> None:
    assert MAX_COUNT == 18
    largest = ModuliSet(FIRST_PRIMES[:18], 2)
    spectrum = code_spectrum(largest, largest.dynamic_range, 0)
    assert spectrum.detected[2] + spectrum.undetected[2] == pytest.approx(math.comb(18, 2), abs=0)
    with pytest.raises(InputError, match=r"19 moduli.*at most 18"):
        code_spectrum(ModuliSet(FIRST_PRIMES[:19]), 10, 0)

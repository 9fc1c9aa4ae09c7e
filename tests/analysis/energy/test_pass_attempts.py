"""How often a pass is done: exact sums, a simulation, and the far ends of its arguments."""

import math
from fractions import Fraction
from itertools import product

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnscli.analysis.energy import pass_attempts
from rnscli.analysis.energy.pass_attempts import attempts_of_pass

QUICK = settings(max_examples=100, deadline=None, derandomize=True)
# Every simulation has a fixed seed, and would fail with this probability if it were drawn anew.
FALSE_ALARM = 1e-6
MOST_TERMS = 10_000


def exact(rejected: Fraction, attempts: int, columns: int) -> Fraction:
    """The mean of the largest of c numbers: each is i with p^(i-1) (1 - p), or R at last."""
    mean, below = Fraction(0), Fraction(0)
    for i in range(1, attempts + 1):
        up_to = (1 - rejected**i) ** columns if i < attempts else Fraction(1)
        mean += i * (up_to - below)
        below = up_to
    return mean


@pytest.mark.parametrize("attempts", [1, 2, 3, 7, 12])
@pytest.mark.parametrize("columns", [1, 2, 3, 16])
@pytest.mark.parametrize("rejected", ["1e-18", "1e-9", "1/100", "1/3", "1/2", "9/10", "999/1000"])
def test_exact_sums(rejected: str, attempts: int, columns: int) -> None:
    wanted = exact(Fraction(rejected), attempts, columns)
    found = attempts_of_pass(float(Fraction(rejected)), attempts, columns)
    assert found == pytest.approx(float(wanted), rel=1e-13, abs=0)


@QUICK
@given(st.fractions(0, 1, max_denominator=50), st.integers(1, 20), st.integers(1, 40))
def test_exact_sums_of_any_chances(rejected: Fraction, attempts: int, columns: int) -> None:
    found = attempts_of_pass(float(rejected), attempts, columns)
    assert found == pytest.approx(float(exact(rejected, attempts, columns)), rel=1e-12, abs=0)


@pytest.mark.parametrize("columns", [1, 2, 5, 20])
@pytest.mark.parametrize("rejected", ["1/1000", "1/4", "1/2", "9/10", "99/100"])
def test_without_an_end(rejected: str, columns: int) -> None:
    """The mean of the largest of c geometric numbers, by inclusion and exclusion: exact."""
    p = Fraction(rejected)
    wanted = sum(
        (-1) ** (k + 1) * math.comb(columns, k) / (1 - p**k) for k in range(1, columns + 1)
    )
    found = attempts_of_pass(float(p), math.inf, columns)
    assert found == pytest.approx(float(wanted), rel=1e-12, abs=0)


@pytest.mark.parametrize("rejected", [1e-18, 1e-3, 0.5, 0.99, 0.9999])
def test_one_column_without_an_end(rejected: float) -> None:
    found = attempts_of_pass(rejected, math.inf, 1)
    assert found == pytest.approx(1 / (1 - rejected), rel=1e-9, abs=0)


@pytest.mark.parametrize("columns", [1, 16, 2**20, 2**40])
@pytest.mark.parametrize("rejected", [0.0, 1e-18, 0.3, 1 - 1e-9, 1.0])
def test_one_attempt(rejected: float, columns: int) -> None:
    assert attempts_of_pass(rejected, 1, columns) == 1.0


@pytest.mark.parametrize("columns", [1, 16, 2**20, 2**40])
@pytest.mark.parametrize("rejected", [1e-18, 1e-9, 0.3, 0.999, 1 - 1e-9])
def test_two_attempts(rejected: float, columns: int) -> None:
    """A second one unless all are accepted at once."""
    with mpmath.workdps(50):
        wanted = float(2 - (1 - mpmath.mpf(rejected)) ** columns)
    assert attempts_of_pass(rejected, 2, columns) == pytest.approx(wanted, rel=1e-14, abs=0)


@pytest.mark.parametrize("attempts", [1, 2, 100, 10**6, math.inf])
@pytest.mark.parametrize("columns", [1, 2**40])
def test_certain_ends(attempts: float, columns: int) -> None:
    assert attempts_of_pass(0.0, attempts, columns) == 1.0
    assert attempts_of_pass(1.0, attempts, columns) == attempts


@pytest.mark.parametrize(
    ("rejected", "attempts", "columns"),
    [(0.05, 3, 16), (0.5, 4, 128), (0.9, 1000, 64), (0.99, 50, 8), (0.3, 10**6, 1), (0.8, 6, 1)],
)
def test_simulated(rejected: float, attempts: int, columns: int) -> None:
    """Columns draw their attempts one by one; bounds are those of Bernstein, for any law.

    With numbers from 1 to R' of variance s^2, the mean of n is further than t from its own with a
    probability of at most 2 exp(-n t^2 / (2 s^2 + 2 R' t / 3)), R' beyond which nothing was drawn.
    """
    passes, rng = 40_000, np.random.default_rng(20240801)
    drawn = np.zeros((passes, columns), dtype=int)
    waiting = np.ones((passes, columns), dtype=bool)
    done = 0
    while waiting.any() and done < attempts:
        done += 1
        drawn[waiting] = done
        waiting[waiting] = rng.random(np.count_nonzero(waiting)) < rejected
    largest = drawn.max(axis=1)
    variance, most, bound = largest.var(), largest.max(), -math.log(FALSE_ALARM / 2)
    # The t of that bound, of a quadratic equation.
    half = bound * most / (3 * passes)
    limit = half + math.sqrt(half**2 + 2 * bound * variance / passes)
    assert attempts_of_pass(rejected, attempts, columns) == pytest.approx(largest.mean(), abs=limit)
    assert limit < 0.05 * largest.mean()


def direct(rejected: float, attempts: float, columns: int) -> float:
    """Term by term with NumPy, up to where terms no longer count, in long doubles."""
    rate = -np.log(np.longdouble(rejected))
    last = int(min(attempts, math.ceil((math.log(columns) + 45) / float(rate)) + 1))
    total = np.longdouble(1.0)
    for begin in range(1, last, 1_000_000):
        index = np.arange(begin, min(last, begin + 1_000_000), dtype=np.longdouble)
        powers = np.exp(-rate * index)
        total += np.sum(-np.expm1(columns * np.log1p(-powers)))
    return float(total)


CLOSE_TO_ONE = [0.99, 0.995, 0.999, 0.9995, 1 - 1e-4]
# Around 10 000 terms, where the sum gives way to Euler's and Maclaurin's formula.
ATTEMPTS = [9_999, 10_000, 10_001, 10_002, 20_000, 123_456, math.inf]


@pytest.mark.parametrize("columns", [1, 2, 16, 1024, 10**5, 10**5 + 1, 2**20, 2**40])
@pytest.mark.parametrize("rejected", CLOSE_TO_ONE)
def test_the_switch_to_an_integral(rejected: float, columns: int) -> None:
    for attempts in ATTEMPTS:
        found = attempts_of_pass(rejected, attempts, columns)
        wanted = direct(rejected, attempts, columns)
        assert found == pytest.approx(wanted, rel=1e-9, abs=0), attempts


@pytest.mark.parametrize("columns", [1, 2, 128, 10**5, 10**5 + 1, 2**40])
@pytest.mark.parametrize("rejected", [0.9, 0.99, 0.999, 0.9999])
def test_sum_and_integral_of_the_same(
    rejected: float, columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The integral where the sum is usual, and the sum where the integral is."""
    for attempts in (1_000, 9_000, math.inf):
        found = []
        for terms in (10**7, MOST_TERMS):
            monkeypatch.setattr(pass_attempts, "_MOST_TERMS", terms)
            found.append(attempts_of_pass(rejected, attempts, columns))
        assert found[0] == pytest.approx(found[1], rel=1e-9, abs=0)


@pytest.mark.parametrize("rejected", [1 - 1e-6, 1 - 1e-7, 1 - 1e-9])
@pytest.mark.parametrize("attempts", [10_001, 10**6, 10**9, math.inf])
@pytest.mark.parametrize("columns", [1, 2, 30])
def test_hardly_anything_is_accepted(rejected: float, attempts: float, columns: int) -> None:
    """By inclusion and exclusion in 60 digits: sum of (-1)^(k+1) C(c, k) (1 - p^kR) / (1 - p^k)."""
    with mpmath.workdps(60):
        p = mpmath.mpf(rejected)
        wanted = mpmath.mpf(0)
        for k in range(1, columns + 1):
            ended = mpmath.mpf(0) if math.isinf(attempts) else p ** (k * int(attempts))
            wanted += (-1) ** (k + 1) * mpmath.binomial(columns, k) * (1 - ended) / (1 - p**k)
    assert attempts_of_pass(rejected, attempts, columns) == pytest.approx(float(wanted), rel=1e-9)


@pytest.mark.parametrize("columns", [2**20, 2**30, 2**40])
@pytest.mark.parametrize("rejected", [1 - 1e-6, 1 - 1e-9])
def test_many_columns_and_hardly_anything_accepted(rejected: float, columns: int) -> None:
    """H_c / lambda + 1/2: the largest of c exponential numbers, rounded up, by mpmath."""
    with mpmath.workdps(40):
        rate = -mpmath.log(mpmath.mpf(rejected))
        wanted = float(mpmath.harmonic(columns) / rate + mpmath.mpf(1) / 2)
    found = attempts_of_pass(rejected, math.inf, columns)
    assert found == pytest.approx(wanted, rel=1e-9, abs=0)


@pytest.mark.parametrize("rejected", [1e-18, 1e-12, 1e-6])
@pytest.mark.parametrize("columns", [1, 128, 2**20, 2**40])
def test_hardly_anything_is_rejected(rejected: float, columns: int) -> None:
    """1 + c p where that is small, which 1 minus nearly 1 would lose."""
    with mpmath.workdps(60):
        p = mpmath.mpf(rejected)
        wanted = float(mpmath.nsum(lambda i: 1 - (1 - p**i) ** columns, [0, 30]))
    assert attempts_of_pass(rejected, math.inf, columns) == pytest.approx(wanted, rel=1e-13, abs=0)
    if columns * rejected < 1e-7:
        excess = attempts_of_pass(rejected, math.inf, columns) - 1
        assert excess == pytest.approx(columns * rejected, abs=3e-16 + (columns * rejected) ** 2)


CHANCES = st.floats(1e-18, 1 - 1e-9)


@QUICK
@given(CHANCES, st.integers(1, 10**7) | st.just(math.inf), st.integers(1, 2**40))
def test_what_holds_for_all(rejected: float, attempts: float, columns: int) -> None:
    """From the mean of a single column to all attempts, and no more than c single columns take."""
    found = attempts_of_pass(rejected, attempts, columns)
    single = attempts_of_pass(rejected, attempts, 1)
    slack = 1 + 1e-9
    assert 1 <= single <= found * slack
    # Of 1 and what comes on top, doubles keep the latter to 2e-16.
    assert found <= min(attempts, 1 + columns * (single - 1 + 3e-16)) * slack


@QUICK
@given(CHANCES, CHANCES, st.integers(1, 10**6), st.integers(1, 10**4))
def test_what_makes_it_more(one: float, other: float, attempts: int, columns: int) -> None:
    low, high = sorted((one, other))
    slack = 1 + 1e-9
    found = attempts_of_pass(low, attempts, columns)
    assert found <= attempts_of_pass(high, attempts, columns) * slack
    assert found <= attempts_of_pass(low, attempts + 1, columns) * slack
    assert found <= attempts_of_pass(low, attempts, columns + 1) * slack
    assert found <= attempts_of_pass(low, math.inf, columns) * slack


def test_the_example_of_the_docstring() -> None:
    """128 columns of 1 % each: 1 + (1 - 0.99^128) + (1 - 0.9999^128) + ..."""
    wanted = 1 + sum(1 - (1 - 0.01**i) ** 128 for i in range(1, 9))
    assert attempts_of_pass(0.01, math.inf, 128) == pytest.approx(wanted, rel=1e-12)
    assert round(wanted, 4) == 1.7366


@pytest.mark.thorough
def test_nothing_jumps() -> None:
    """Along p and R, through every switch between its ways."""
    for columns, attempts in product((1, 100, 10**5, 10**5 + 1), (5_000, 20_000, math.inf)):
        before = None
        for step in range(100):
            rejected = 1 - 0.01 * 200 ** (-step / 100)  # accepted 5 % less often each time
            found = attempts_of_pass(rejected, attempts, columns)
            if before is not None:
                assert before * (1 - 1e-9) <= found <= before * 1.056
            before = found

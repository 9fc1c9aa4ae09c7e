"""Exact probabilities against counts of every word and exact rational sums."""

import math
from fractions import Fraction
from functools import lru_cache
from itertools import combinations, pairwise, permutations
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from rnscli.analysis.faults.fault_probability import (
    FaultParameters,
    fault_probability,
)
from rnscli.analysis.faults.retries import after_attempts
from rnscli.analysis.faults.rows import FaultProbability
from rnscli.base.errors import InputError
from rnscli.core.arithmetic.moduli import ModuliSet
from rnscli.core.noise import NoiseSetting

DECODERS = ("bounded-distance", "majority", "detect")
Members = tuple[int, ...]


def computed(
    moduli: Members,
    redundant: int,
    size: int | None,
    p: float,
    attempts: float = 1,
    decoder: str = "bounded-distance",
) -> FaultProbability:
    return fault_probability(
        FaultParameters(
            moduli=ModuliSet(moduli, redundant),
            p=p,
            attempts=attempts,
            decoder=decoder,
            legitimate_range=size,
        )
    )


def close(value: float, exact: Fraction, relative: float) -> bool:
    """Compared as rational numbers: nothing is lost in the comparison itself."""
    return abs(Fraction(value) - exact) <= Fraction(relative) * exact


# Every codeword and every received word ----------------------------------------------------------

SMALL: list[tuple[Members, int, int]] = [
    ((5, 4, 3), 0, 60),
    ((5, 4, 3), 0, 41),
    ((13, 11, 9), 0, 1287),
    ((13, 11, 9), 0, 100),
    ((7, 5, 3, 2), 1, 30),
    ((7, 5, 3, 2), 1, 23),
    ((11, 9, 8, 7), 1, 504),
    ((11, 9, 8, 7), 1, 97),
    ((13, 11, 9, 8), 1, 400),
    ((7, 5, 3), 2, 3),
    ((7, 5, 4, 3), 2, 12),
    ((11, 9, 8, 7), 2, 56),
    ((11, 9, 8, 7), 2, 20),
    ((11, 7, 5, 3, 2), 2, 30),
    ((11, 7, 5, 3, 2), 2, 13),
    ((9, 7, 5, 4), 3, 4),
    ((11, 9, 8, 7), 3, 7),
    ((11, 7, 5, 3, 2), 3, 6),
    ((13, 11, 7, 5, 2), 3, 10),
    ((13, 11, 7, 5, 2), 3, 1),
]


def within_distance(moduli: Members, redundant: int, size: int, radius: int) -> np.ndarray:
    """For each word, the codeword at Hamming distance of at most ``radius``, or -1."""
    bits = np.array([mask.bit_count() for mask in range(2 ** len(moduli))])
    near = bits[wrong_residues(moduli, size)] <= radius
    assert near.sum(axis=0).max() <= 1
    return np.where(near.any(axis=0), near.argmax(axis=0), -1)


def vote(moduli: Members, redundant: int, size: int) -> np.ndarray:
    """For each word, what more than half of its groups of n residues say, or -1."""
    words = np.indices(moduli).reshape(len(moduli), -1)
    groups = list(combinations(range(len(moduli)), len(moduli) - redundant))
    opinions = []
    for group in groups:
        members = tuple(moduli[i] for i in group)
        table = np.full(members, -1)
        for value in range(size):
            table[tuple(value % m for m in members)] = value
        opinions.append(table[tuple(words[i] for i in group)])
    decoded = np.full(words.shape[1], -1)
    for opinion in opinions:
        votes = sum((other == opinion).astype(int) for other in opinions)
        elected = (opinion >= 0) & (2 * votes > len(groups))
        decoded[elected] = opinion[elected]
    return decoded


@lru_cache(maxsize=2)
def wrong_residues(moduli: Members, size: int) -> np.ndarray:
    """Which residues differ, as a bit mask, for each codeword (row) and each word (column)."""
    words = np.indices(moduli).reshape(len(moduli), -1)
    mask = np.zeros((size, words.shape[1]), dtype=np.uint8)
    for bit, modulus in enumerate(moduli):
        sent = np.arange(size) % modulus
        mask |= (sent[:, None] != words[bit]).astype(np.uint8) << bit
    return mask


def counts(moduli: Members, redundant: int, size: int, decoder: str) -> dict[str, list[int]]:
    """How many pairs of codeword and received word end in each outcome, by error mask."""
    if decoder == "majority":
        decoded = vote(moduli, redundant, size)
    else:
        radius = redundant // 2 if decoder == "bounded-distance" else 0
        decoded = within_distance(moduli, redundant, size, radius)
    right = decoded == np.arange(size)[:, None]
    rejected = np.broadcast_to(decoded == -1, right.shape)
    masks = wrong_residues(moduli, size)
    chosen = {"correct": right, "detected": rejected, "undetected": ~right & ~rejected}
    return {
        outcome: np.bincount(masks[where], minlength=2 ** len(moduli)).tolist()
        for outcome, where in chosen.items()
    }


def chance(moduli: Members, mask: int, p: Fraction) -> Fraction:
    """Probability of one given word whose residues in the mask are wrong."""
    return math.prod(
        (p / (m - 1) if mask >> bit & 1 else 1 - p for bit, m in enumerate(moduli)),
        start=Fraction(1),
    )


@pytest.mark.parametrize(("moduli", "redundant", "size"), SMALL)
@pytest.mark.parametrize("decoder", DECODERS)
def test_one_attempt_against_a_count_of_every_word(
    moduli: Members, redundant: int, size: int, decoder: str
) -> None:
    counted = counts(moduli, redundant, size, decoder)
    for p in (0.0, 1e-9, 1e-3, 0.03, 0.25, 0.7, 0.999, 1.0):
        chances = [chance(moduli, mask, Fraction(p)) for mask in range(2 ** len(moduli))]
        result = computed(moduli, redundant, size, p, decoder=decoder)
        for outcome, pairs in counted.items():
            exact = sum(n * c for n, c in zip(pairs, chances, strict=True)) / size
            got = getattr(result, f"p_{outcome}")
            assert close(got, exact, 1e-12), (outcome, p, got, float(exact))
        assert result.p_err == pytest.approx(
            result.p_detected + result.p_undetected, rel=1e-14, abs=0
        )


def test_the_decoders_differ_where_they_should() -> None:
    """Guards the test above: were two decoders always the same, it would compare too little."""
    code = ((11, 7, 5, 3, 2), 2, 30)
    assert counts(*code, "bounded-distance") != counts(*code, "majority")
    assert counts(*code, "detect") == counts(*code, "majority")
    code = ((11, 9, 8, 7), 3, 7)
    assert counts(*code, "bounded-distance") == counts(*code, "majority")
    assert counts(*code, "detect") != counts(*code, "majority")


# The closed form of the design, in exact rational arithmetic -------------------------------------


@lru_cache
def differing(moduli: Members, size: int) -> list[int]:
    """``L A_S`` for each S, a bit mask, by inclusion and exclusion of ``L B(P)``."""
    everything = 2 ** len(moduli) - 1
    agreeing = []
    for mask in range(everything + 1):
        modulus = math.prod(m for bit, m in enumerate(moduli) if mask >> bit & 1)
        steps = (size - 1) // modulus
        agreeing.append(2 * steps * size - modulus * steps * (steps + 1))
    mean = []
    for mask in range(everything + 1):
        total, part = 0, mask
        while True:
            term = agreeing[everything ^ mask | part]
            total += -term if part.bit_count() % 2 else term
            if not part:
                break
            part = (part - 1) & mask
        mean.append(total)
    return mean


def times(polynomial: list[int], factor: tuple[int, int], radius: int) -> list[int]:
    """Product with ``factor[0] + factor[1] z``, cut after ``z^radius``."""
    shifted = [0, *(c * factor[1] for c in polynomial)]
    kept = [*(c * factor[0] for c in polynomial), 0]
    return [a + b for a, b in zip(kept, shifted, strict=True)][: radius + 1]


def outcome(moduli: Members, size: int, radius: int, p: float) -> tuple[Fraction, ...]:
    """p_c, p_d and p_u exactly: sums of A_S G_S(t) over a common denominator."""
    wrong, one = Fraction(p).as_integer_ratio()
    spheres = [[1]]
    for m in moduli:
        outside = (m - 1) * (one - wrong), (m - 1) * wrong
        inside = wrong, (m - 1) * one - wrong
        spheres = [times(q, f, radius) for f in (outside, inside) for q in spheres]
    means = differing(moduli, size)
    total = sum(a * sum(g) for a, g in list(zip(means, spheres, strict=True))[1:])
    everything = size * math.prod(m - 1 for m in moduli) * one ** len(moduli)
    undetected = Fraction(total, everything)
    right = Fraction(
        sum(
            math.comb(len(moduli), w) * wrong**w * (one - wrong) ** (len(moduli) - w)
            for w in range(radius + 1)
        ),
        one ** len(moduli),
    )
    return right, 1 - right - undetected, undetected


def after(p_c: Fraction, p_d: Fraction, p_u: Fraction, attempts: float) -> tuple[mpmath.mpf, ...]:
    """p_err and the expected attempts by their definitions, with digits for the cancellation."""
    with mpmath.workdps(800):
        c, d, u = (mpmath.mpf(q.numerator) / q.denominator for q in (p_c, p_d, p_u))
        if math.isinf(attempts):
            if not c + u:
                return mpmath.mpf(1), mpmath.inf
            return u / (u + c), 1 / (u + c)
        # The sum over j < R of d^j.
        tries = (1 - d ** int(attempts)) / (1 - d) if d != 1 else mpmath.mpf(attempts)
        return 1 - c * tries, tries


def at_least(p_c: Fraction, p_d: Fraction, p_u: Fraction, attempts: float) -> mpmath.mpf:
    """p_err if no more were undetected of any value than are of all attempts spoilt."""
    with mpmath.workdps(800):
        c, spoilt, u = (mpmath.mpf(q.numerator) / q.denominator for q in (p_c, p_d + p_u, p_u))
        if c == 0:
            return mpmath.mpf(1)
        always = mpmath.mpf(0) if math.isinf(attempts) else spoilt ** int(attempts)
        share = always / spoilt if spoilt else mpmath.mpf(0)
        return always + u * (1 - share)


def majority_radius(information: int, count: int) -> int:
    return max(
        e
        for e in range(count)
        if 2 * math.comb(count - e, information) > math.comb(count, information)
    )


PRECISE: list[tuple[Members, int, int | None]] = [
    ((3, 2), 1, None),
    ((5, 3, 2), 1, 1),
    ((7, 5, 3), 2, None),
    ((16, 15, 13, 11), 3, None),
    ((15, 14, 13, 11), 0, 12545),
    ((13, 11, 9, 8, 7, 5), 1, 12545),
    ((63, 62, 61, 59, 55, 53), 2, None),
    ((63, 62, 61, 59, 55, 53), 2, 246017),
    ((62, 61, 59, 57, 55, 53, 49), 3, 246017),
    ((31, 29, 27, 25, 23, 19, 17, 16), 3, None),
    ((37, 31, 29, 27, 25, 23, 19, 17, 16, 13), 4, None),
]
WIDEST = ((64, 63, 61, 59, 55, 53, 47, 43, 41, 37, 31, 29, 23, 19), 4)
PROBABILITIES = (1e-18, 1e-12, 1e-6, 1e-3, 0.1, 0.5, 0.9, 1 - 1e-6, math.nextafter(1, 0), 1.0)


def check_precision(
    moduli: Members, redundant: int, size: int | None, decoder: str, p: float
) -> None:
    information = len(moduli) - redundant
    legitimate = math.prod(moduli[redundant:]) if size is None else size
    radius = {
        "bounded-distance": redundant // 2,
        "majority": majority_radius(information, len(moduli)),
        "detect": 0,
    }[decoder]
    exact = outcome(moduli, legitimate, radius, p)
    for attempts in (1, 2, 3, 1000, math.inf):
        result = computed(moduli, redundant, size, p, attempts, decoder)
        for name, value in zip(("correct", "detected", "undetected"), exact, strict=True):
            assert close(getattr(result, f"p_{name}"), value, 1e-10), (name, p)
        p_err, tries = after(*exact, attempts)
        with mpmath.workdps(60):
            if p_err < 1e-308:  # one codeword, many attempts: below what a double holds
                assert 0 <= result.p_err < 1e-307
            elif attempts <= 2 or result.is_bound:
                assert abs(result.p_err - p_err) <= 1e-10 * p_err, (p, attempts)
            else:  # a mean over the values of what is concave in p_u of each
                low = at_least(*exact, attempts)
                assert low * (1 - 1e-10) <= result.p_err <= p_err * (1 + 1e-10), (p, attempts)
            if math.isinf(result.expected_attempts):
                assert tries == mpmath.inf
            elif attempts <= 2 or result.is_bound:
                assert abs(result.expected_attempts - tries) <= 1e-10 * tries, (p, attempts)
            else:
                assert result.expected_attempts >= tries * (1 - 1e-10), (p, attempts)


@pytest.mark.parametrize("decoder", DECODERS)
@pytest.mark.parametrize(("moduli", "redundant", "size"), PRECISE)
def test_relative_precision(
    moduli: Members, redundant: int, size: int | None, decoder: str
) -> None:
    for p in PROBABILITIES:
        check_precision(moduli, redundant, size, decoder, p)


@pytest.mark.parametrize("p", [1e-18, 1e-3, 0.5, math.nextafter(1, 0)])
def test_relative_precision_of_fourteen_moduli(p: float) -> None:
    check_precision(*WIDEST, None, "bounded-distance", p)


def test_published_example() -> None:
    exact = outcome((63, 62, 61, 59, 55, 53), 59 * 61 * 55 * 53, 1, 1e-3)
    p_err, _ = after(*exact, 2)
    assert mpmath.nstr(p_err, 4) == "9.157e-7"
    result = computed((63, 62, 61, 59, 55, 53), 2, None, 1e-3, attempts=2)
    assert result.p_err == pytest.approx(9.157e-7, rel=1e-4, abs=0)


# What must hold for every code -------------------------------------------------------------------


@st.composite
def parameters(draw: st.DrawFn) -> FaultParameters:
    members = draw(
        st.lists(st.sampled_from((4, 9, 5, 7, 11, 13, 17, 19)), min_size=1, max_size=7, unique=True)
    )
    moduli = ModuliSet(members, draw(st.integers(0, len(members) - 1)))
    return FaultParameters(
        moduli=moduli,
        p=draw(st.floats(1e-15, 1) | st.sampled_from((0.0, 0.5, 1.0))),
        attempts=draw(st.integers(1, 2000) | st.just(math.inf)),
        decoder=draw(st.sampled_from(DECODERS)),
        legitimate_range=draw(st.integers(1, moduli.dynamic_range)),
    )


QUICK = settings(max_examples=100, deadline=None, derandomize=True)


@QUICK
@given(parameters())
def test_the_outcomes_add_up(given_code: FaultParameters) -> None:
    result = fault_probability(given_code)
    outcomes = result.p_correct, result.p_detected, result.p_undetected
    assert all(0 <= value <= 1 for value in outcomes)
    assert sum(outcomes) == pytest.approx(1, abs=1e-13)
    assert 0 <= result.p_err <= 1


@QUICK
@given(parameters())
def test_correct_is_the_binomial_distribution(given_code: FaultParameters) -> None:
    """At most t of N residues wrong, whatever the legitimate range."""
    n, k = given_code.moduli.information_count, given_code.moduli.redundant
    radius = {
        "bounded-distance": k // 2,
        "majority": majority_radius(n, n + k),
        "detect": 0,
    }[given_code.decoder]
    expected = stats.binom.cdf(radius, n + k, given_code.p)
    assert fault_probability(given_code).p_correct == pytest.approx(expected, rel=1e-11, abs=1e-300)


@QUICK
@given(parameters(), st.integers(1, 50))
def test_more_attempts_never_hurt(given_code: FaultParameters, more: int) -> None:
    moduli, first = given_code.moduli, given_code.attempts
    results = [
        computed(
            moduli.moduli,
            moduli.redundant,
            given_code.legitimate_range,
            given_code.p,
            attempts,
            given_code.decoder,
        )
        for attempts in (1, first, first + more, math.inf)
    ]
    for fewer, more_of_them in pairwise(results):
        assert more_of_them.p_err <= fewer.p_err * (1 + 1e-12)
        assert more_of_them.expected_attempts >= fewer.expected_attempts * (1 - 1e-12)
    for result in results:
        assert 1 - 1e-12 <= result.expected_attempts <= result.attempts * (1 + 1e-12)


@pytest.mark.parametrize("p", [1e-9, 1e-3, 0.3, 1.0])
def test_without_redundancy_over_the_full_product_nothing_is_detected(p: float) -> None:
    result = computed((15, 14, 13, 11), 0, None, p, attempts=1000)
    assert (result.p_detected, result.expected_attempts) == (0.0, 1.0)
    assert result.p_err == pytest.approx(
        -math.expm1(4 * math.log1p(-p)) if p < 1 else 1, rel=1e-13, abs=0
    )


@pytest.mark.parametrize("attempts", [1, 2, 1000, math.inf])
def test_no_noise(attempts: float) -> None:
    result = computed((13, 11, 9, 8, 7, 5), 1, 12545, 0.0, attempts)
    assert (result.p_correct, result.p_detected, result.p_undetected) == (1.0, 0.0, 0.0)
    assert (result.p_err, result.expected_attempts) == (0.0, 1.0)


@pytest.mark.parametrize("attempts", [1, 2, 7, math.inf])
def test_every_residue_wrong(attempts: float) -> None:
    """At p = 1 nothing is correct, so the output is wrong or rejected, for certain."""
    result = computed((7, 5, 4, 3), 2, None, 1.0, attempts)
    assert result.p_correct == 0
    assert 0 < result.p_undetected < 1
    assert result.p_err == pytest.approx(1, rel=1e-14, abs=0)


@pytest.mark.parametrize("attempts", [1, 2, 1000, math.inf])
def test_a_word_that_is_always_detected(attempts: float) -> None:
    """One codeword, no correction, every residue wrong: no attempt ever gives an output."""
    result = computed((7, 5, 3), 1, 1, 1.0, attempts)
    assert (result.p_correct, result.p_detected, result.p_undetected) == (0.0, 1.0, 0.0)
    assert (result.p_err, result.expected_attempts) == (1.0, attempts)


def test_many_attempts_at_words_almost_always_detected() -> None:
    """p_d = 1 - 2^-53 per attempt: after 2^53 of them a share 1/e is still rejected."""
    p_err, expected = after_attempts(2.0**-53, 1.0, 0.0, 2**53)
    assert p_err == pytest.approx(math.exp(-1), rel=1e-12, abs=0)
    assert expected == pytest.approx(2**53 * -math.expm1(-1), rel=1e-12, abs=0)


def test_many_attempts_are_like_unlimited_ones() -> None:
    many = computed((7, 5, 4, 3), 2, None, 0.1, attempts=10**15)
    unlimited = computed((7, 5, 4, 3), 2, None, 0.1, attempts=math.inf)
    assert many.p_err == pytest.approx(unlimited.p_err, rel=1e-12, abs=0)
    assert many.expected_attempts == pytest.approx(unlimited.expected_attempts, rel=1e-12, abs=0)


def test_more_attempts_than_that_are_refused() -> None:
    with pytest.raises(InputError, match="from 1 to 1e15, or inf"):
        computed((7, 5, 4, 3), 2, None, 0.1, attempts=10**400)


def test_a_probability_below_the_floats_is_announced() -> None:
    with pytest.warns(RuntimeWarning, match=r"below 2\.2e-308"):
        result = computed((7, 5, 4, 3), 2, None, 1e-200)
    assert (result.p_correct, result.p_undetected) == (1.0, 0.0)


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"p": -0.1}, "`p` is -0.1"),
        ({"p": 1.5}, "`p` is 1.5"),
        ({"p": math.nan}, "`p` is nan"),
        ({"attempts": 0}, "`attempts` is 0"),
        ({"attempts": 1.5}, "`attempts` is 1.5"),
        ({"attempts": -math.inf}, "`attempts` is -inf"),
        ({"decoder": "guess"}, "`decoder` is guess"),
        ({"legitimate_range": 0}, "`legitimate_range` is 0"),
        ({"legitimate_range": 31}, "31 is more than .* at most 30"),
    ],
)
def test_refusals(changed: dict[str, Any], named: str) -> None:
    accepted: dict[str, Any] = {"moduli": ModuliSet((7, 5, 3, 2), 1), "p": 0.1}
    with pytest.raises(InputError, match=named):
        FaultParameters(**{**accepted, **changed})


def test_nineteen_moduli_are_refused() -> None:
    primes = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67)
    with pytest.raises(InputError, match="at most 18"):
        computed(primes, 2, None, 0.1)


def test_without_detection_nothing_is_repeated() -> None:
    """Whatever the order of the chances, whose sum rounding may make less than 1."""
    for p in permutations((1e-3, 2e-3, 3e-3, 4e-3)):
        moduli = ModuliSet((63, 62, 61, 59))
        noise = NoiseSetting(p=p)
        result = fault_probability(FaultParameters(moduli=moduli, noise=noise, attempts=math.inf))
        assert (result.p_detected, result.expected_attempts) == (0.0, 1.0)
        assert result.p_err == result.p_undetected


def test_ranges_whose_squares_no_double_holds() -> None:
    wide = [(1 << 61) - step for step in (1, 3, 19, 31, 45, 49, 55, 75)]
    few = fault_probability(FaultParameters(moduli=ModuliSet(wide), p=1e-3))
    assert 1e140 < few.mean_abs_output_error < few.rms_output_error < 1e150
    more = fault_probability(FaultParameters(moduli=ModuliSet([*wide, 1 << 61]), p=1e-3))
    assert more.mean_abs_output_error is more.rms_output_error is None
    assert more.p_gross == pytest.approx(more.p_err, rel=1e-12)
    assert more.p_err == pytest.approx(-math.expm1(9 * math.log1p(-1e-3)), rel=1e-12)

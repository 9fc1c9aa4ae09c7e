import math
from collections import defaultdict
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_cores import made
from scipy import stats

from rnscli.base.errors import InputError
from rnscli.core.arithmetic.dot_product import DotProduct
from rnscli.core.cores.conventional_core import BitSlicedCore, convert_sums
from rnscli.core.noise import Gaussian, NoiseLaw, Uniform

QUICK = settings(max_examples=100, deadline=None, derandomize=True)

# Every statistical test has a fixed seed, and would fail with this probability if it were drawn
# anew for code that is right.
FALSE_ALARM = 1e-6

Vectors = list[list[int]]


def rng_of(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def digits_of(weight: int, slice_bits: int, slices: int) -> list[int]:
    """Digits of the magnitude in base ``2**slice_bits``, the lowest first, with the sign."""
    digits, rest = [], abs(weight)
    for _ in range(slices):
        rest, digit = divmod(rest, 2**slice_bits)
        digits.append(-digit if weight < 0 else digit)
    assert not rest
    return digits


def slice_sums(x: list[int], w: list[int], slice_bits: int, slices: int) -> list[int]:
    digits = [digits_of(weight, slice_bits, slices) for weight in w]
    return [
        sum(a * digit[place] for a, digit in zip(x, digits, strict=True)) for place in range(slices)
    ]


def code_of(total: int, output_bits: int, adc_bits: int) -> int:
    """Rounded to a step of the ADC, ties to even, and clipped."""
    half = 2 ** (adc_bits - 1)
    return max(-half, min(half - 1, round(Fraction(total, 2 ** (output_bits - adc_bits)))))


def exact_bits(dot: DotProduct, slice_bits: int) -> int:
    return dot.input_bits + slice_bits + math.ceil(math.log2(dot.vector_size))


def plain_dot(core: BitSlicedCore, x: list[int], w: list[int]) -> int:
    dot, s = core.dot_product, core.slice_bits
    output = exact_bits(dot, s)
    adc = min(core.adc_bits, output)
    sums = slice_sums(x, w, s, math.ceil((dot.weight_bits - 1) / s))
    return sum(
        code_of(total, output, adc) * 2 ** (output - adc + s * place)
        for place, total in enumerate(sums)
    )


@st.composite
def cases(draw: st.DrawFn, exact: bool = False) -> tuple[BitSlicedCore, Vectors, Vectors]:
    """A core and operands, many of them at the ends of their range, where sums are clipped."""
    dot = DotProduct(draw(st.integers(1, 6)), draw(st.integers(2, 7)), draw(st.integers(2, 9)))
    slice_bits = draw(st.integers(1, dot.weight_bits - 1))
    output = exact_bits(dot, slice_bits)
    adc_bits = draw(st.integers(output, 64) if exact else st.integers(1, output + 2))
    core = BitSlicedCore(dot, draw(st.integers(2, 8)), slice_bits, adc_bits)
    pairs = draw(st.integers(1, 4))
    vectors = [
        draw(
            st.lists(
                st.lists(
                    st.integers(-largest, largest) | st.sampled_from((-largest, largest)),
                    min_size=dot.vector_size,
                    max_size=dot.vector_size,
                ),
                min_size=pairs,
                max_size=pairs,
            )
        )
        for largest in (dot.max_input, dot.max_weight)
    ]
    return core, vectors[0], vectors[1]


def read_of(core: BitSlicedCore, x: np.ndarray, w: np.ndarray) -> np.ndarray:
    """Partial sums from whole-numbered floats, as the simulation has them."""
    return core.partial_sums(x.astype(np.float64), w.astype(np.float64), (x * w).sum(axis=-1))


# Without noise -----------------------------------------------------------------------------------


@QUICK
@given(cases())
def test_dot_against_plain_python(case: tuple[BitSlicedCore, Vectors, Vectors]) -> None:
    core, x, w = case
    result = core.dot(np.array(x), np.array(w), rng_of(0))
    assert result.values.tolist() == [plain_dot(core, a, b) for a, b in zip(x, w, strict=True)]
    assert result.values.dtype == np.int64
    assert not result.wrong.any()
    assert result.attempts == (len(x),)


@QUICK
@given(cases(exact=True))
def test_enough_bits_lose_nothing(case: tuple[BitSlicedCore, Vectors, Vectors]) -> None:
    core, x, w = case
    totals = [
        sum(a * b for a, b in zip(one, other, strict=True)) for one, other in zip(x, w, strict=True)
    ]
    assert core.dot(np.array(x), np.array(w), rng_of(0)).values.tolist() == totals


def test_by_hand() -> None:
    """2 terms of 4 bits in slices of 2: sums of 7 bits, of which 5 are kept, in steps of 4.

    6 = 1 * 4 + 2 and 5 = 1 * 4 + 1, so the slices sum to 7 * 2 - 3 * 1 = 11 and 7 - 3 = 4, which
    are read as 12 and 4.
    """
    core = BitSlicedCore(DotProduct(2, 4, 4), bits=4, slice_bits=2, adc_bits=5)
    x, w = np.array([[7, -3]]), np.array([[6, 5]])
    assert core.slices == 2
    assert read_of(core, x, w).tolist() == [[11], [4]]
    assert core.dot(x, w, rng_of(0)).values.tolist() == [12 + 4 * 4]


def test_small_sums_stay_small() -> None:
    """A weight of zero has no device on, so it contributes nothing, whatever the inputs are."""
    core = BitSlicedCore(DotProduct(128, 8, 8), bits=8, slice_bits=1, adc_bits=8)
    x = np.full((1, 128), 127)
    assert not read_of(core, x, np.zeros_like(x)).any()
    assert core.dot(x, np.zeros_like(x), rng_of(0)).values.tolist() == [0]


@pytest.mark.parametrize("slice_bits", [1, 2, 4, 5])
def test_more_converter_bits_lose_less(slice_bits: int) -> None:
    dot = DotProduct(64, 6, 6)
    rng = rng_of(2)
    x, w = rng.integers(-31, 32, (2, 2000, 64))
    exact = (x * w).sum(axis=1)
    lost = []
    for adc_bits in range(4, dot.slice_output_bits(slice_bits) + 1, 3):
        core = BitSlicedCore(dot, 6, slice_bits, adc_bits)
        lost.append(np.abs(core.dot(x, w, rng).values - exact).mean())
    assert lost == sorted(lost, reverse=True)
    assert lost[0] > 4 * lost[-1]


def test_the_adc_has_the_bits_of_the_converters_unless_it_is_given() -> None:
    for given_bits, adc_bits in ((None, 5), (9, 9)):
        core = made("bit-sliced", DotProduct(4, 6, 6), 5, slice_bits=2, adc_bits=given_bits)
        assert core == BitSlicedCore(DotProduct(4, 6, 6), 5, 2, adc_bits)


# With noise --------------------------------------------------------------------------------------

NOISES = [None, Uniform(0.0), Uniform(0.3), Uniform(1.0), Gaussian(0.0), Gaussian(0.7)]


@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize("slice_bits", [1, 3, 6, 7])
@pytest.mark.parametrize("adc_bits", [1, 5, 16])
def test_partial_sums_and_dot_agree(noise: NoiseLaw | None, slice_bits: int, adc_bits: int) -> None:
    core = BitSlicedCore(DotProduct(9, 6, 8), 6, slice_bits, adc_bits, noise)
    rng = rng_of(4)
    x, w = rng.integers(-31, 32, (300, 9)), rng.integers(-127, 128, (300, 9))
    slow, fast = rng_of(3), rng_of(3)
    by_slice = core.dot(x, w, slow)
    by_sum = core.read(read_of(core, x, w), fast)
    np.testing.assert_array_equal(by_slice.values, by_sum.values)
    np.testing.assert_array_equal(by_slice.wrong, by_sum.wrong)
    assert by_slice.attempts == by_sum.attempts == (300,)
    assert slow.bit_generator.state == fast.bit_generator.state
    clean = BitSlicedCore(DotProduct(9, 6, 8), 6, slice_bits, adc_bits).dot(x, w, rng).values
    np.testing.assert_array_equal(by_slice.wrong, by_slice.values != clean)
    # Noise that cannot strike, and noise that is certain to: neither leaves a doubt.
    if noise in (None, Uniform(0.0), Gaussian(0.0)):
        assert not by_slice.wrong.any()
    if noise == Uniform(1.0) and core.slices == 1:
        assert by_slice.wrong.all()


Law = dict[int, float]


def uniform_law(code: int, adc_bits: int, p: float) -> Law:
    """Probability of every code that an ADC may return."""
    codes = range(-(2 ** (adc_bits - 1)), 2 ** (adc_bits - 1))
    return {c: 1 - p if c == code else p / (len(codes) - 1) for c in codes}


def gaussian_law(level: float, adc_bits: int, sigma: float) -> Law:
    """Probability of every code, with noise of so many of the ADC's own steps."""
    low, high = -(2 ** (adc_bits - 1)), 2 ** (adc_bits - 1) - 1
    edges = stats.norm.cdf((np.arange(low, high) + 0.5 - level) / sigma)
    return dict(zip(range(low, high + 1), np.diff([0.0, *edges, 1.0]).tolist(), strict=True))


def law_of_sum(laws: list[Law], steps: list[int]) -> Law:
    """Law of the sum of independent codes, each times its step."""
    total: Law = {0: 1.0}
    for law, step in zip(laws, steps, strict=True):
        further: Law = defaultdict(float)
        for value, chance in total.items():
            for code, probability in law.items():
                further[value + code * step] += chance * probability
        total = further
    return total


# 3 slices of 2 bits: sums of 4 + 2 + 2 = 8 bits, of which 4 are kept, in steps of 16.
NOISY_DOT = DotProduct(4, 4, 7)
X, W = [7, -5, 6, 3], [63, -44, 27, -3]
STEPS = [16, 16 * 4, 16 * 16]
TRIALS = 100_000


def repeated(noise: NoiseLaw, bits: int = 4) -> tuple[np.ndarray, np.ndarray, list[int]]:
    """Values and flags of many readings of the same operands, and the sums of its slices."""
    core = BitSlicedCore(NOISY_DOT, bits, slice_bits=2, adc_bits=4, noise=noise)
    sums = slice_sums(X, W, 2, 3)
    result = core.read(np.tile(np.array(sums)[:, np.newaxis], TRIALS), rng_of(11))
    return result.values, result.wrong, sums


def assert_binomial(count: int, probability: float, share: float = 1.0) -> None:
    tail = FALSE_ALARM * share / 2
    low, high = stats.binom.ppf([tail, 1 - tail], TRIALS, min(1.0, probability))
    assert low <= count <= high


def assert_law(values: np.ndarray, law: Law) -> None:
    """Every value as often as it should be; all of these together raise a false alarm."""
    assert math.fsum(law.values()) == pytest.approx(1, rel=1e-9)
    found, counts = np.unique(values, return_counts=True)
    seen = dict(zip(found.tolist(), counts.tolist(), strict=True))
    assert seen.keys() <= law.keys()
    for value, probability in law.items():
        assert_binomial(seen.get(value, 0), probability, 1 / len(law))


@pytest.mark.parametrize("p", [0.01, 0.2])
def test_uniform_noise_strikes_each_slice(p: float) -> None:
    values, wrong, sums = repeated(Uniform(p))
    codes = [code_of(total, 8, 4) for total in sums]
    clean = sum(code * step for code, step in zip(codes, STEPS, strict=True))
    law = law_of_sum([uniform_law(code, 4, p) for code in codes], STEPS)
    np.testing.assert_array_equal(wrong, values != clean)
    # Any slice is hit; two that are may cancel, which the law accounts for.
    assert 0 <= 1 - (1 - p) ** 3 - (1 - law[clean]) <= 3 * p**2 / 15
    assert_binomial(int(wrong.sum()), 1 - law[clean])
    assert_law(values, law)


@pytest.mark.parametrize(("bits", "sigma"), [(4, 0.4), (4, 2.0), (6, 1.5)])
def test_gaussian_noise_is_a_fraction_of_the_full_scale(bits: int, sigma: float) -> None:
    """Of a converter of b bits with the full scale of a slice: the ADC's 4 may be fewer."""
    values, wrong, sums = repeated(Gaussian(sigma), bits)
    laws = [gaussian_law(total / 16, 4, sigma * 2.0 ** (4 - bits)) for total in sums]
    law = law_of_sum(laws, STEPS)
    clean = plain_dot(BitSlicedCore(NOISY_DOT, bits, 2, 4), X, W)
    np.testing.assert_array_equal(wrong, values != clean)
    assert_binomial(int(wrong.sum()), 1 - law[clean])
    assert_law(values, law)


# Limits ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("slice_bits", "adc_bits", "named"),
    [
        (0, 4, "`slice_bits` is 0; it must be a whole number from 1 to 5"),
        (6, 4, "`slice_bits` is 6; it must be a whole number from 1 to 5"),
        (1.5, 4, "`slice_bits` is 1.5"),
        (True, 4, "`slice_bits` is True"),
        (2, 0, "`adc_bits` is 0; it must be a whole number from 1 to 64"),
        (2, 65, "`adc_bits` is 65"),
        (2, 4.0, "`adc_bits` is 4.0"),
    ],
)
def test_refusals(slice_bits: int, adc_bits: int, named: str) -> None:
    with pytest.raises(InputError, match=named):
        BitSlicedCore(DotProduct(8, 6, 6), 6, slice_bits, adc_bits)


@pytest.mark.parametrize("slice_bits", [1, 2, 15, 30])
def test_62_bits_are_the_limit(slice_bits: int) -> None:
    """The sum of the highest slice, shifted: b_in + s + ceil(log2 h) + s (slices - 1) bits."""
    fits = DotProduct(2, 31, 31)
    core = BitSlicedCore(fits, 31, slice_bits, 64, Uniform(1.0))
    assert core.slices * slice_bits + 31 + (fits.vector_size - 1).bit_length() == 62
    with pytest.raises(InputError, match="63 output bits; at most 62"):
        BitSlicedCore(DotProduct(2 * fits.vector_size, 31, 31), 31, slice_bits, 64)
    # The largest sums are exact, and the widest codes that noise can make do not wrap.
    x = np.full((200, fits.vector_size), fits.max_input)
    w = np.where(np.arange(200)[:, np.newaxis] % 2, 1, -1) * np.full_like(x, fits.max_weight)
    quiet = BitSlicedCore(fits, 31, slice_bits, 64)
    assert quiet.dot(x, w, rng_of(0)).values.tolist() == [
        (1 if pair % 2 else -1) * fits.max_sum for pair in range(200)
    ]
    sums = read_of(core, x, w)
    assert sums[:, 0].tolist() == slice_sums(
        *x[:1].tolist(), *w[:1].tolist(), slice_bits, core.slices
    )
    rng = rng_of(6)
    output = exact_bits(fits, slice_bits)
    totals = [0] * 200
    for place, partial in enumerate(sums):
        read, _ = convert_sums(partial, output, output, 31, Uniform(1.0), rng)
        totals = [
            total + (code << (slice_bits * place))
            for total, code in zip(totals, read.tolist(), strict=True)
        ]
    assert core.read(sums, rng_of(6)).values.tolist() == totals
    assert max(map(abs, totals)) > 2**60

import math
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_cores import ANALOG, CONVENTIONAL, made
from scipy import stats

from rnscli.base.errors import InputError
from rnscli.core.arithmetic.code import RedundantCode
from rnscli.core.arithmetic.dot_product import MAX_VECTOR_SIZE, DotProduct
from rnscli.core.arithmetic.moduli import ModuliSet
from rnscli.core.cores.conventional_core import FixedPointCore
from rnscli.core.cores.core import Core
from rnscli.core.cores.rns_core import RnsCore
from rnscli.core.noise import Gaussian, NoiseLaw, Uniform

QUICK = settings(max_examples=100, deadline=None, derandomize=True)

# Every statistical test has a fixed seed, and would fail with this probability if it were drawn
# anew for code that is right.
FALSE_ALARM = 1e-6

# h = 8 and 4 bits need 785 values; these information moduli hold 1287.
DOT = DotProduct(8, 4, 4)
MEMBERS = {0: [9, 11, 13], 1: [9, 11, 13, 14], 2: [9, 11, 13, 14, 17], 3: [9, 11, 13, 14, 17, 19]}
NOISES = [None, Uniform(0.0), Uniform(0.2), Gaussian(0.0), Gaussian(0.4), Gaussian(20.0)]


def rng_of(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def operands(dot: DotProduct, pairs: int) -> tuple[np.ndarray, np.ndarray]:
    rng = rng_of(17)
    x = rng.integers(-dot.max_input, dot.max_input + 1, (pairs, dot.vector_size))
    w = rng.integers(-dot.max_weight, dot.max_weight + 1, (pairs, dot.vector_size))
    # The extremes of S, and zero.
    x[0], w[0] = dot.max_input, dot.max_weight
    x[1], w[1] = dot.max_input, -dot.max_weight
    x[2] = 0
    return x, w


def python_sums(x: np.ndarray, w: np.ndarray) -> list[int]:
    return [
        sum(int(a) * int(b) for a, b in zip(p, q, strict=True)) for p, q in zip(x, w, strict=True)
    ]


def assert_paths_agree(core: Core, x: np.ndarray, w: np.ndarray) -> None:
    """Operands through the channels, and exact sums, with the same random numbers."""
    slow, fast = rng_of(3), rng_of(3)
    by_channel = core.dot(x, w, slow)
    sums = np.array(python_sums(x, w))
    by_sum = core.read(core.partial_sums(x.astype(float), w.astype(float), sums), fast)
    np.testing.assert_array_equal(by_channel.values, by_sum.values)
    np.testing.assert_array_equal(by_channel.wrong, by_sum.wrong)
    assert by_channel.values.dtype == by_sum.values.dtype == np.int64
    assert by_channel.attempts == by_sum.attempts
    assert slow.bit_generator.state == fast.bit_generator.state


@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize("attempts", [1, 2, math.inf])
@pytest.mark.parametrize("redundant", MEMBERS)
@pytest.mark.parametrize("size", [None, DOT.dynamic_range])
def test_rns_read_and_dot_agree(
    redundant: int, attempts: float, noise: NoiseLaw | None, size: int | None
) -> None:
    code = RedundantCode(ModuliSet(MEMBERS[redundant], redundant), size)
    if math.isinf(attempts) and noise == Gaussian(20.0):
        noise = Gaussian(2.0)
    assert_paths_agree(RnsCore(DOT, code, noise, attempts), *operands(DOT, 300))


@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize("name", CONVENTIONAL)
def test_conventional_read_and_dot_agree(name: str, noise: NoiseLaw | None) -> None:
    core = made(name, DOT, 4, noise=noise)
    assert_paths_agree(core, *operands(DOT, 300))


@pytest.mark.parametrize(
    ("dot", "members", "redundant"),
    [
        (DOT, MEMBERS[0], 0),
        (DOT, MEMBERS[3], 3),
        (DotProduct(128, 6, 6), [63, 62, 61, 59], 0),
        (DotProduct(128, 8, 3), [255, 254, 253, 251], 1),
        (DotProduct(4, 31, 29), [2**31, 2**31 - 1], 0),  # D just below 2**61
        (DotProduct(4, 31, 29), [2**31, 2**31 - 1, 2**31 - 3, 2**31 - 9], 1),
    ],
)
def test_rns_without_noise_is_exact(dot: DotProduct, members: list[int], redundant: int) -> None:
    size = dot.dynamic_range if math.prod(members) > 2**62 else None
    core = RnsCore(dot, RedundantCode(ModuliSet(members, redundant), size))
    x, w = operands(dot, 50)
    for result in (
        core.dot(x, w, rng_of(0)),
        core.read(np.array(python_sums(x, w)), rng_of(0)),
    ):
        assert result.values.tolist() == python_sums(x, w)
        assert not result.wrong.any()
        assert result.attempts == (50,)


@pytest.mark.parametrize(
    ("members", "redundant", "size"),
    [([9, 11, 7], 0, None), ([9, 11, 13], 0, 784), ([9, 11, 13], 1, None)],
)
def test_rns_refuses_a_code_that_loses_results(
    members: list[int], redundant: int, size: int | None
) -> None:
    code = RedundantCode(ModuliSet(members, redundant), size)
    with pytest.raises(InputError, match=f" {code.size}[; ].* needs 785"):
        RnsCore(DOT, code)
    assert RnsCore(DOT, RedundantCode(ModuliSet([9, 11, 13]), 785)).code.size == 785


@pytest.mark.parametrize("attempts", [0, -1, 1.5, math.nan, -math.inf, "2", True, None])
def test_rns_refuses_attempts(attempts: object) -> None:
    code = RedundantCode(ModuliSet(MEMBERS[1], 1))
    with pytest.raises(InputError, match=f"^`attempts` is {attempts}; .*from 1 to .*or inf"):
        RnsCore(DOT, code, None, attempts)


def adc_reference(total: int, output_bits: int, adc_bits: int) -> int:
    """Round to a multiple of the ADC's step, ties to even, and clip."""
    step = 2 ** (output_bits - adc_bits)
    half = 2 ** (adc_bits - 1)
    return step * max(-half, min(half - 1, round(Fraction(total, step))))


@st.composite
def conversions(draw: st.DrawFn, max_output_bits: int) -> tuple[DotProduct, int, list[int]]:
    """A dot product, the ADC's bits, and sums, most of them at or next to a rounding boundary."""
    bits = draw(st.integers(2, 31))
    weight_bits = draw(st.integers(2, min(31, max_output_bits - bits)))
    log = draw(st.integers(0, max_output_bits - bits - weight_bits))
    size = max(1, min(MAX_VECTOR_SIZE, 2**log + draw(st.integers(-1, 1))))
    dot = DotProduct(size, bits, weight_bits)
    # Usually the bits of the operands; with fewer, the largest sums are clipped.
    adc_bits = min(draw(st.one_of(st.just(bits), st.integers(2, bits))), dot.output_bits)
    step = 2 ** (dot.output_bits - adc_bits)
    edges = st.builds(
        lambda k, d: (2 * k + 1) * step // 2 + d,
        st.integers(-(2 ** (adc_bits - 1)), 2 ** (adc_bits - 1)),
        st.integers(-1, 1),
    )
    sums = draw(st.lists(st.one_of(edges, st.integers(-dot.max_sum, dot.max_sum)), min_size=1))
    clipped = [max(-dot.max_sum, min(dot.max_sum, s)) for s in sums]
    return dot, adc_bits, [*clipped, dot.max_sum, -dot.max_sum, 0]


def check_low_precision(dot: DotProduct, bits: int, sums: list[int]) -> None:
    core = made("fixed-lp", dot, bits)
    result = core.read(np.array(sums), rng_of(0))
    assert result.values.tolist() == [adc_reference(s, dot.output_bits, bits) for s in sums]
    assert not result.wrong.any()
    assert result.attempts == (len(sums),)


@QUICK
@given(conversions(53))
def test_fixed_lp_rounds_and_clips(case: tuple[DotProduct, int, list[int]]) -> None:
    check_low_precision(*case)


@QUICK
@given(conversions(62))
def test_fixed_lp_rounds_and_clips_wide_sums(case: tuple[DotProduct, int, list[int]]) -> None:
    check_low_precision(*case)


def test_fixed_lp_just_above_a_tie_in_a_wide_sum() -> None:
    dot = DotProduct(2**12, 25, 25)
    step = 2 ** (dot.output_bits - 25)
    check_low_precision(dot, 25, [4 * step + step // 2 + d for d in (-1, 0, 1)])
    level = 2**22  # 2**58 in all: a double holds it to 2**6
    check_low_precision(dot, 25, [level * step + step // 2 + d for d in (-1, 0, 1)])


@pytest.mark.parametrize("size", [1, 2, 3, 128])
@pytest.mark.parametrize(("bits", "adc_bits"), [(2, 2), (3, 3), (4, 4), (4, 3), (4, 2)])
def test_fixed_lp_on_every_sum(size: int, bits: int, adc_bits: int) -> None:
    dot = DotProduct(size, bits, bits)
    check_low_precision(dot, adc_bits, [*range(-dot.max_sum, dot.max_sum + 1)])


def test_fixed_lp_clips_at_the_top_only() -> None:
    # h q q = 8 * 7 * 7 of 2**9: in steps of 2**8 that rounds to 2 of -2..1, and to -2.
    core = made("fixed-lp", DOT, 2)
    assert core.read(np.array([392, -392]), rng_of(0)).values.tolist() == [256, -512]


def test_fixed_lp_with_more_bits_than_the_result_has_loses_nothing() -> None:
    core = made("fixed-lp", DotProduct(1, 2, 2), 8)
    assert isinstance(core, FixedPointCore)
    assert core.adc_bits == core.dot_product.output_bits
    assert core.read(np.array([-1, 0, 1]), rng_of(0)).values.tolist() == [-1, 0, 1]


@QUICK
@given(st.integers(2, 31), st.integers(2, 31), st.integers(0, 30), st.data())
def test_fixed_hp_is_exact(
    input_bits: int, weight_bits: int, log: int, data: st.DataObject
) -> None:
    log = min(log, 63 - input_bits - weight_bits)
    dot = DotProduct(2**log, input_bits, weight_bits) if log >= 0 else DotProduct(1, 31, 31)
    sums = data.draw(st.lists(st.integers(-dot.max_sum, dot.max_sum)))
    sums += [dot.max_sum, dot.max_sum - 1, -dot.max_sum]
    for noise in (None, Uniform(0.0), Gaussian(0.0)):
        core = made("fixed-hp", dot, 8, noise=noise)
        result = core.read(np.array(sums), rng_of(0))
        assert result.values.tolist() == sums
        assert not result.wrong.any()


@pytest.mark.parametrize("name", ["fixed-lp", "fixed-hp"])
def test_fixed_refuses_results_beyond_62_bits(name: str) -> None:
    made(name, DotProduct(2, 31, 31), 31)
    with pytest.raises(InputError, match="63 output bits; at most 62"):
        made(name, DotProduct(4, 31, 31), 31)


@pytest.mark.parametrize("bits", [4, 6, 8])
@pytest.mark.parametrize("sigma", [0.3, 1.0])
def test_gaussian_noise_is_the_same_fraction_of_full_scale(bits: int, sigma: float) -> None:
    dot = DotProduct(128, bits, bits)
    sums = rng_of(1).integers(-dot.max_sum // 4, dot.max_sum // 4, 50_000)
    step = 2 ** (dot.output_bits - bits)
    low, high = (
        made(name, dot, bits, noise=Gaussian(sigma)).read(sums, rng_of(2)).values
        for name in ("fixed-lp", "fixed-hp")
    )
    # The same draws: the fine converter's result, rounded to the coarse step, is the other's.
    assert np.abs(low - high).max() <= step / 2 + 0.5
    # A sample variance of normal noise is chi-square, rounding adds 1/12 of a fine step.
    variance = ((high - sums) ** 2).mean() / ((sigma * step) ** 2 + 1 / 12)
    low_end, high_end = (
        stats.chi2.ppf([FALSE_ALARM / 2, 1 - FALSE_ALARM / 2], sums.size) / sums.size
    )
    assert low_end <= variance <= high_end


def test_noise_is_small_where_the_converter_has_bits_to_spare() -> None:
    # One step of 8 bits is a 32nd of a step of the 3-bit result.
    sums = np.tile([-1, 0, 1], 10_000)
    for name in ("fixed-lp", "fixed-hp"):
        core = made(name, DotProduct(1, 2, 2), 8, noise=Gaussian(1.0))
        assert not core.read(sums, rng_of(0)).wrong.any()


@pytest.mark.parametrize("name", ["fixed-lp", "fixed-hp"])
def test_fixed_cores_are_wrong_with_probability_p(name: str) -> None:
    core = made(name, DOT, 4, noise=Uniform(0.03))
    clean = made(name, DOT, 4)
    sums = rng_of(4).integers(-DOT.max_sum, DOT.max_sum + 1, 100_000)
    result = core.read(sums, rng_of(5))
    np.testing.assert_array_equal(result.wrong, result.values != clean.read(sums, rng_of(0)).values)
    assert_binomial(int(result.wrong.sum()), sums.size, 0.03)


def assert_binomial(count: int, trials: int, probability: float) -> None:
    low, high = stats.binom.ppf([FALSE_ALARM / 2, 1 - FALSE_ALARM / 2], trials, probability)
    assert low <= count <= high


# h = 2 and 3 bits need 37 values; 5 * 8 holds 40.
SMALL_DOT = DotProduct(2, 3, 3)
SMALL_MEMBERS = {0: [5, 8], 1: [5, 8, 9], 2: [5, 8, 9, 11], 3: [5, 8, 9, 11, 13]}


def error_law(noise: NoiseLaw, modulus: int) -> np.ndarray:
    """Probability of each error of a residue, from the definition of the noise."""
    if isinstance(noise, Uniform):
        law = np.full(modulus, noise.p / (modulus - 1))
        law[0] = 1 - noise.p
        return law
    assert isinstance(noise, Gaussian)
    edges = stats.norm.cdf((np.arange(-200, 202) - 0.5) / noise.sigma)
    return np.bincount(np.arange(-200, 201) % modulus, weights=np.diff(edges))


def outcome(
    members: list[int], size: int, radius: int, noise: NoiseLaw, sent: int
) -> tuple[float, float, float]:
    """Probabilities of correct, detected and undetected, summed over every received word."""
    values = np.arange(size) - size // 2
    moduli = np.array(members)[:, None]
    words = np.indices(members).reshape(len(members), -1)
    laws = [error_law(noise, m) for m in members]
    chance = np.prod([law[(words[i] - sent) % members[i]] for i, law in enumerate(laws)], axis=0)
    distance = (words[:, :, None] != (values % moduli)[:, None, :]).sum(axis=0)
    near = distance.min(axis=1) <= radius
    right = near & (values[distance.argmin(axis=1)] == sent)
    return (
        float(chance[right].sum()),
        float(chance[~near].sum()),
        float(chance[near & ~right].sum()),
    )


@pytest.mark.parametrize("noise", [Uniform(0.15), Gaussian(0.35)])
@pytest.mark.parametrize("redundant", SMALL_MEMBERS)
@pytest.mark.parametrize(("size", "sent"), [(40, -18), (40, 7), (37, 18)])
def test_rns_output_error_rate(redundant: int, noise: NoiseLaw, size: int, sent: int) -> None:
    members = SMALL_MEMBERS[redundant]
    correct, detected, undetected = outcome(members, size, redundant // 2, noise, sent)
    assert correct + detected + undetected == pytest.approx(1, abs=1e-12)
    code = RedundantCode(ModuliSet(members, redundant), size)
    trials = 20_000
    for attempts in (1, 2, math.inf):
        result = RnsCore(SMALL_DOT, code, noise, attempts).read(np.full(trials, sent), rng_of(6))
        share = 1 / (1 - detected) if math.isinf(attempts) else 1 + detected * (attempts - 1)
        last = 0.0 if math.isinf(attempts) else detected**attempts
        assert_binomial(int(result.wrong.sum()), trials, undetected * share + last)
        assert np.all(result.wrong[result.values != sent])
        # Further computations: none, one for each detected word, or geometrically many.
        first, *again = result.attempts
        ends = [FALSE_ALARM / 2, 1 - FALSE_ALARM / 2]
        assert first == trials
        if attempts == 1:
            assert not again
        elif attempts == 2:
            assert len(again) <= 1
            assert_binomial(sum(again), trials, detected)
        else:
            low, high = stats.nbinom.ppf(ends, trials, 1 - detected)
            assert low <= sum(again) <= high
            assert 0 not in again
            for before, after in pairwise(result.attempts):
                assert_binomial(after, before, detected)
            np.testing.assert_array_equal(result.wrong, result.values != sent)


@pytest.mark.parametrize("attempts", [60, math.inf])
def test_every_word_is_computed_again_from_its_own_sum(attempts: float) -> None:
    # Of ten words three have one error, which is corrected, and six have more, which are
    # detected: to look like another value, two of the wide residues must be wrong to match it,
    # (0.3 / 65520)**2 each time. A few thousand attempts then fail by chance once in 10**6 runs.
    code = RedundantCode(ModuliSet([65521, 65519, 65497, 13, 11, 9], 3), 785)
    core = RnsCore(DOT, code, Uniform(0.3), attempts)
    x, w = operands(DOT, 2_000)
    for result in (core.dot(x, w, rng_of(8)), core.read(np.array(python_sums(x, w)), rng_of(8))):
        assert result.values.tolist() == python_sums(x, w)
        assert not result.wrong.any()
        assert sum(result.attempts) > 2 * len(x)
        assert result.attempts[0] == len(x)


def test_detected_to_the_end_is_wrong() -> None:
    # With p = 1 every residue is wrong; a word of 3 values in wide moduli is never legitimate.
    dot = DotProduct(1, 2, 2)
    code = RedundantCode(ModuliSet([65521, 65519, 65497], 1), dot.dynamic_range, "detect")
    sums = np.tile([-1, 0, 1], 100)
    result = RnsCore(dot, code, Uniform(1.0), 5).read(sums, rng_of(7))
    assert result.wrong.all()
    assert result.attempts == (sums.size,) * 5
    assert set(result.values.tolist()) <= {-1, 0, 1}
    with pytest.raises(InputError, match=r"^`attempts` is inf, but .* more than 200 attempts"):
        RnsCore(dot, code, Uniform(1.0), math.inf).read(np.array([0]), rng_of(7))


@pytest.mark.parametrize("name", ANALOG)
@pytest.mark.parametrize("noise", [None, Uniform(0.5), Gaussian(1.0)])
def test_no_pairs(name: str, noise: NoiseLaw | None) -> None:
    code = RedundantCode(ModuliSet(MEMBERS[2], 2))
    core = made(name, DOT, 4, code, noise, 3)
    empty = np.empty((0, DOT.vector_size), np.int64)
    partial = core.partial_sums(empty.astype(float), empty.astype(float), empty[:, 0])
    for result in (core.dot(empty, empty, rng_of(0)), core.read(partial, rng_of(0))):
        assert result.values.shape == result.wrong.shape == (0,)
        assert result.attempts == (0,)


@pytest.mark.parametrize("name", ANALOG)
def test_noise_leaves_the_operands_alone(name: str) -> None:
    code = RedundantCode(ModuliSet(MEMBERS[2], 2))
    core = made(name, DOT, 4, code, Uniform(0.5), 3)
    x, w = operands(DOT, 50)
    real = x.astype(float), w.astype(float)
    sums = np.array(python_sums(x, w))
    partial = core.partial_sums(*real, sums)
    arrays = x, w, *real, sums, partial
    copies = [array.copy() for array in arrays]
    core.dot(x, w, rng_of(0))
    core.partial_sums(*real, sums)
    core.read(partial, rng_of(0))
    for array, copy in zip(arrays, copies, strict=True):
        np.testing.assert_array_equal(array, copy)


def test_registry() -> None:
    code = RedundantCode(ModuliSet(MEMBERS[0]))
    for name in ANALOG:
        assert made(name, DOT, 4, code).name == name
    with pytest.raises(InputError, match="rns needs a moduli set"):
        made("rns", DOT, 4)

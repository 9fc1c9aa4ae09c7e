import math

import mpmath
import numpy as np
import pytest
from scipy import stats

from rnscli.base.errors import InputError
from rnscli.core.noise import Adc, Gaussian, Uniform
from rnscli.core.noise.draws import draw_positions

# Every statistical test has a fixed seed, and would fail with this probability if it were drawn
# anew for code that is right.
FALSE_ALARM = 1e-6


def assert_binomial(count: int, trials: int, probability: float) -> None:
    low, high = stats.binom.ppf([FALSE_ALARM / 2, 1 - FALSE_ALARM / 2], trials, probability)
    assert low <= count <= high


def assert_distributed(counts: np.ndarray, probabilities: np.ndarray) -> None:
    """Chi-square test, cells of fewer than 10 expected counts taken together."""
    expected = counts.sum() * np.asarray(probabilities)
    assert expected.sum() == pytest.approx(counts.sum(), rel=1e-9)
    assert not counts[expected == 0].any()
    rare = expected < 10
    counts = np.append(counts[~rare], counts[rare].sum())
    expected = np.append(expected[~rare], expected[rare].sum())
    used = expected > 0
    if used.sum() == 1:  # nothing is left to chance
        return
    statistic = ((counts[used] - expected[used]) ** 2 / expected[used]).sum()
    assert stats.chi2.sf(statistic, used.sum() - 1) > FALSE_ALARM


@pytest.mark.parametrize("size", [0, 1, 2, 7, 1000])
def test_positions_at_the_ends_of_probability(size: int) -> None:
    rng = np.random.default_rng(0)
    for probability in (0.0, 1e-18, 1e-30):
        assert draw_positions(rng, probability, size).tolist() == []
    for probability in (1.0, 1 - 1e-16):
        assert draw_positions(rng, probability, size).tolist() == [*range(size)]


@pytest.mark.parametrize("probability", [1e-5, 1e-3, 0.03, 0.2, 0.25, 0.26, 0.5, 0.97])
def test_number_of_positions(probability: float) -> None:
    rng = np.random.default_rng(1)
    positions = draw_positions(rng, probability, 400_000)
    assert positions.dtype == np.int64
    assert np.all(np.diff(positions) > 0)
    assert positions[0] >= 0
    assert positions[-1] < 400_000
    assert_binomial(positions.size, 400_000, probability)


@pytest.mark.parametrize("probability", [0.04, 0.25, 0.3])
@pytest.mark.parametrize("size", [1, 2, 30])
def test_every_position_is_as_likely(probability: float, size: int) -> None:
    rng = np.random.default_rng(2)
    repeats = 5_000
    drawn = [draw_positions(rng, probability, size) for _ in range(repeats)]
    counts = np.bincount(np.concatenate(drawn), minlength=size)
    assert counts.size == size
    variance = repeats * probability * (1 - probability)
    statistic = ((counts - repeats * probability) ** 2 / variance).sum()
    assert stats.chi2.sf(statistic, size) > FALSE_ALARM
    sizes = np.bincount([d.size for d in drawn], minlength=size + 1)
    assert_distributed(sizes, stats.binom.pmf(np.arange(size + 1), size, probability))


@pytest.mark.parametrize("probability", [0.01, 0.1, 0.4])
def test_gaps_are_geometric_and_independent(probability: float) -> None:
    positions = draw_positions(np.random.default_rng(3), probability, 400_000)
    gaps = np.diff(positions)
    longest = int(8 / probability)
    counts = np.bincount(np.minimum(gaps, longest), minlength=longest + 1)[1:]
    law = stats.geom.pmf(np.arange(1, longest + 1), probability)
    law[-1] = stats.geom.sf(longest - 1, probability)
    assert_distributed(counts, law)
    # A short gap follows a short or a long one equally often.
    short = gaps <= math.log(2) / probability
    share = float(stats.geom.cdf(math.floor(math.log(2) / probability), probability))
    after_short = short[1:][short[:-1]]
    assert_binomial(int(after_short.sum()), after_short.size, share)


def test_positions_continue_where_a_batch_of_gaps_ends() -> None:
    class AlwaysAtOnce:
        def random(self, size: int) -> np.ndarray:
            return np.zeros(size)  # every gap is the shortest

    assert draw_positions(AlwaysAtOnce(), 0.01, 500).tolist() == [*range(500)]


@pytest.mark.parametrize("modulus", [2, 3, 15, 64])
def test_uniform_errors(modulus: int) -> None:
    law = Uniform(0.01)
    assert law.error_probability(modulus) == 0.01
    errors = law.draw_errors(np.random.default_rng(4), modulus, 50_000)
    assert errors.shape == (50_000,)
    chances = np.full(modulus, 1 / (modulus - 1))
    chances[0] = 0
    assert_distributed(np.bincount(errors, minlength=modulus), chances)


def wrong_probability(sigma: float, modulus: int) -> mpmath.mpf:
    """1 - P(0) with 160 digits: all mass that rounds to a multiple of m is right."""
    with mpmath.workdps(160):
        scale = mpmath.mpf(sigma) * mpmath.sqrt(2)
        right = mpmath.mpf(0)
        for turn in range(int(40 * sigma / modulus) + 2):
            centre = turn * modulus
            low, high = (centre - mpmath.mpf("0.5")) / scale, (centre + mpmath.mpf("0.5")) / scale
            mass = (mpmath.erfc(low) - mpmath.erfc(high)) / 2
            right += mass if turn == 0 else 2 * mass
        return 1 - right


@pytest.mark.parametrize("sigma", [0.02, 0.03, 0.05, 0.1, 0.2, 0.35, 0.5, 1.0, 2.0, 3.3, 5.0])
@pytest.mark.parametrize("modulus", [2, 3, 4, 5, 16, 63, 255])
def test_gaussian_error_probability(sigma: float, modulus: int) -> None:
    expected = wrong_probability(sigma, modulus)
    got = Gaussian(sigma).error_probability(modulus)
    assert abs(got / expected - 1) < 1e-12


def test_gaussian_error_probability_is_near_erfc() -> None:
    for sigma in (0.02, 0.1, 0.3):
        expected = mpmath.erfc(1 / (2 * mpmath.sqrt(2) * mpmath.mpf(sigma)))
        assert abs(Gaussian(sigma).error_probability(255) / expected - 1) < 1e-12


@pytest.mark.parametrize("modulus", [2, 7, 63])
def test_gaussian_noise_of_many_turns_says_nothing(modulus: int) -> None:
    for sigma in (1000.0, 1e4):
        expected = 1 - 1 / modulus
        assert Gaussian(sigma).error_probability(modulus) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("sigma", [0.0, 1e-300, 1e-3, 0.01])
def test_gaussian_noise_too_small_to_matter(sigma: float) -> None:
    probability = Gaussian(sigma).error_probability(5)
    assert probability == 0 or sigma == 0.01
    assert probability < 1e-300


@pytest.mark.parametrize(("sigma", "modulus"), [(0.3, 5), (0.8, 2), (0.8, 3), (3.0, 4), (3.0, 63)])
def test_gaussian_errors(sigma: float, modulus: int) -> None:
    errors = Gaussian(sigma).draw_errors(np.random.default_rng(5), modulus, 100_000)
    steps = np.arange(-200, 201)
    mass = stats.norm.cdf((steps + 0.5) / sigma) - stats.norm.cdf((steps - 0.5) / sigma)
    chances = np.bincount(steps % modulus, weights=mass, minlength=modulus)
    chances[0] = 0
    assert_distributed(np.bincount(errors, minlength=modulus), chances / chances.sum())


@pytest.mark.parametrize("law", [Uniform(0.0), Uniform(0.5), Gaussian(0.0), Gaussian(0.5)])
def test_no_errors_can_be_drawn(law: Uniform | Gaussian) -> None:
    assert law.draw_errors(np.random.default_rng(0), 7, 0).tolist() == []


@pytest.mark.parametrize("p", [-0.1, 1.1, math.nan, math.inf, "x", None, True])
def test_uniform_takes_a_probability(p: object) -> None:
    with pytest.raises(InputError, match=f"^`p` is {p}; .*probability from 0 to 1"):
        Uniform(p)


@pytest.mark.parametrize("sigma", [-0.1, 10_001, math.nan, math.inf, "x", None, True])
def test_gaussian_takes_a_standard_deviation(sigma: object) -> None:
    with pytest.raises(InputError, match=f"^`sigma` is {sigma}; .*from 0 to 10000"):
        Gaussian(sigma)


FOUR_BITS = Adc(low=-8, high=7, full_scale_ratio=1.0)


def convert(
    law: Uniform | Gaussian, rng: np.random.Generator, levels: np.ndarray, adc: Adc
) -> np.ndarray:
    """A law's codes for levels that need not be whole."""
    if levels.dtype == np.int64:
        return law.convert(rng, levels, 0.0, adc)
    codes = np.rint(levels).astype(np.int64)
    return law.convert(rng, codes, levels - codes, adc)


@pytest.mark.parametrize("law", [Uniform(0.0), Gaussian(0.0)])
@pytest.mark.parametrize("dtype", [np.float64, np.int64])
def test_without_noise_an_adc_rounds_and_clips(law: Uniform | Gaussian, dtype: type) -> None:
    levels: np.ndarray = np.array([-1000, -9, -8, -1, 0, 6, 7, 8, 10**15], dtype=dtype)
    codes = convert(law, np.random.default_rng(0), levels, FOUR_BITS)
    assert codes.dtype == np.int64
    assert codes.tolist() == [-8, -8, -8, -1, 0, 6, 7, 7, 7]
    if dtype is np.float64:
        halves = np.array([-1.5, -0.5, 0.5, 1.5, 2.5, 6.75])
        codes = convert(law, np.random.default_rng(0), halves, FOUR_BITS)
        assert codes.tolist() == [-2, 0, 0, 2, 2, 7]


@pytest.mark.parametrize("law", [Uniform(0.3), Gaussian(1.5)])
@pytest.mark.parametrize("dtype", [np.float64, np.int64])
def test_conversion_leaves_its_input_alone(law: Uniform | Gaussian, dtype: type) -> None:
    levels: np.ndarray = np.arange(-8, 8).astype(dtype)
    convert(law, np.random.default_rng(0), levels, FOUR_BITS)
    assert levels.tolist() == [*range(-8, 8)]


@pytest.mark.parametrize("level", [-8, 0, 5, 7, 1000])
def test_uniform_noise_replaces_codes(level: int) -> None:
    rng = np.random.default_rng(6)
    codes = convert(Uniform(0.2), rng, np.full(100_000, level), FOUR_BITS)
    chances = np.full(16, 0.2 / 15)
    chances[min(level, 7) + 8] = 0.8
    assert_distributed(np.bincount(codes + 8, minlength=16), chances)


def test_uniform_noise_in_a_wide_adc() -> None:
    adc = Adc(low=-(2**61), high=2**61 - 1, full_scale_ratio=1.0)
    levels = np.array([adc.low, adc.high, 0, 12345] * 500)
    codes = convert(Uniform(1.0), np.random.default_rng(7), levels, adc)
    assert np.all(codes != levels)
    assert codes.min() >= adc.low
    assert codes.max() <= adc.high
    # Half of the codes are negative, whatever the level.
    assert_binomial(int((codes < 0).sum()), codes.size, 0.5)


@pytest.mark.parametrize(
    ("level", "ratio", "sigma"),
    [
        (0.0, 1.0, 0.4),
        (0.3, 1.0, 1.0),
        (6.5, 1.0, 2.0),
        (-40.0, 1.0, 9.0),
        (2, 4.0, 0.5),
        (7, 8, 1),
    ],
)
def test_gaussian_noise_before_an_adc(level: float, ratio: float, sigma: float) -> None:
    # A whole level takes the path for integers, any other the one for reals: same law.
    adc = Adc(low=-8, high=7, full_scale_ratio=ratio)
    codes = convert(Gaussian(sigma), np.random.default_rng(8), np.full(100_000, level), adc)
    edges = np.concatenate(([-np.inf], np.arange(-7.5, 7), [np.inf]))
    chances = np.diff(stats.norm.cdf((edges - level) / (sigma * ratio)))
    assert_distributed(np.bincount(codes + 8, minlength=16), chances)


def test_wide_codes_keep_every_bit_under_gaussian_noise() -> None:
    adc = Adc(low=-(2**61), high=2**61 - 1, full_scale_ratio=2.0**10)
    levels = np.full(2_000, 2**60 + 1)
    noise = convert(Gaussian(0.01), np.random.default_rng(9), levels, adc) - levels
    # The noise has a standard deviation of 10.24 steps, so odd and even occur alike.
    assert np.abs(noise).max() < 100
    assert_binomial(int((noise % 2).sum()), noise.size, 0.5)
    saturated = convert(
        Gaussian(1e4), np.random.default_rng(9), levels, Adc(-(2**61), 2**61 - 1, 2.0**58)
    )
    # Noise that is far wider than the converter: either end, equally often.
    assert_binomial(int((saturated == adc.low).sum()), saturated.size, 0.5)
    assert_binomial(int((saturated == adc.high).sum()), saturated.size, 0.5)


@pytest.mark.parametrize("p", [1e-12, 1e-3, 0.3, 0.49])
@pytest.mark.parametrize("modulus", [2, 3, 61, 1000])
def test_a_probability_is_that_of_the_residue(p: float, modulus: int) -> None:
    """Also where noise wraps round, so that some of it does no harm."""
    law = Gaussian.of_level("p", p, modulus, {})
    assert law.error_probability(modulus) == pytest.approx(p, rel=1e-11, abs=0)


def test_a_large_modulus_is_nearly_always_wrong() -> None:
    law = Gaussian.of_level("p", 0.98, 61, {})
    assert law.error_probability(61) == pytest.approx(0.98, rel=1e-12)
    with pytest.raises(InputError, match=r"`p` is 0.995; .* modulo 61 .* below 0.9836"):
        Gaussian.of_level("p", 0.995, 61, {})

"""Calibrated ranges, and fractions that are no powers of two."""

import math
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtr, ndtri

from rnscli.analysis.analog_core import analog_core
from rnscli.base import InputError, fraction
from rnscli.core import (
    CALIBRATIONS,
    ConventionalCore,
    CoreSettings,
    DotProduct,
    calibrated_shares,
    check_clipping,
    clipped_share,
)
from rnscli.core.cores import CORES
from rnscli.core.cores.conventional_core import BitSlicedCore, FixedPointCore, step_of
from rnscli.core.noise import Gaussian, Uniform

DOT = DotProduct(4096, 8, 8)  # of 27 bits, so that no step is near 1
SIGMA = 2.0**18
# Every sum as likely as the others, so that shares of them are shares of a normal distribution.
NORMAL = np.rint(SIGMA * ndtri((np.arange(2**16) + 0.5) / 2**16))


def fixed(adc_bits: int, dot: DotProduct = DOT) -> FixedPointCore:
    return FixedPointCore("fixed-lp", dot, bits=adc_bits, adc_bits=adc_bits)


def in_deviations(share: float) -> float:
    """Half of the range, in deviations of the normal sums."""
    return share * 2.0 ** (DOT.output_bits - 1) / SIGMA


# What an ADC reads, against fractions


def _asked(full_bits: int, share: Fraction) -> int:
    """Least bits of so many numbers."""
    bits = 1
    while share * 2**full_bits > 2**bits:
        bits += 1
    return bits


@settings(max_examples=100, deadline=None, derandomize=True)
@given(
    above=st.integers(1, 60), below=st.integers(60, 999), adc_bits=st.integers(1, 14),
    bits=st.integers(2, 8), size=st.integers(1, 200), data=st.data(),
)  # fmt: skip
def test_any_fraction_of_the_range(
    above: int, below: int, adc_bits: int, bits: int, size: int, data: st.DataObject
) -> None:
    dot = DotProduct(size, bits, bits)
    sums = data.draw(st.lists(st.integers(-dot.max_sum, dot.max_sum), min_size=1, max_size=9))
    made: Any = analog_core(
        "fixed-lp", bits=bits, vector_size=size, adc_bits=adc_bits, adc_range=f"{above}/{below}"
    )
    read = made.read(np.array(sums), np.random.default_rng(0)).values
    clean = made.ideal([np.array(sums, dtype=np.float64)])
    assert read.tolist() == clean.tolist()
    full, share = dot.output_bits, Fraction(above, below)
    codes = min(adc_bits, _asked(full, share))
    assert made.adc_bits == codes
    step = max(Fraction(1), share * 2**full / 2**codes)
    half = 2 ** (codes - 1)
    for value, found in zip(sums, read.tolist(), strict=True):
        quotient = value / step
        # Floats may not tell what is as close to a tie as this, and none is.
        assert quotient.denominator == 2 or abs(quotient % 1 - Fraction(1, 2)) > Fraction(1, 10**9)
        expected = step * max(-half, min(half - 1, round(quotient)))
        assert found == pytest.approx(float(expected), rel=1e-14)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    share=st.floats(0.01, 1.0), halvings=st.lists(st.integers(0, 3), min_size=3, max_size=3),
    adc_bits=st.integers(2, 9), seed=st.integers(0, 2**32),
)  # fmt: skip
def test_slices_of_different_ranges(
    share: float, halvings: list[int], adc_bits: int, seed: int
) -> None:
    """Each slice by its own step, then shifted and added; by fractions."""
    rng = np.random.default_rng(seed)
    x, w = rng.integers(-31, 32, (2, 20, 100))
    dot = DotProduct(100, 6, 6)
    halvings[0] = 0
    shares = [share / 2**one for one in halvings]
    made = BitSlicedCore(dot, 6, 2, adc_bits).with_shares(shares)
    read = made.dot(x, w, rng).values
    sums = made.partial_sums(x.astype(float), w.astype(float), (x * w).sum(axis=1))
    np.testing.assert_array_equal(made.ideal([*sums.astype(float)]), read)
    for column, found in zip(sums.T.tolist(), read.tolist(), strict=True):
        total = Fraction(0)
        for index, (value, one) in enumerate(zip(column, shares, strict=True)):
            codes = min(made.adc_bits, _asked(made.full_bits, Fraction(one)))
            step = max(Fraction(1), Fraction(one) * 2**made.full_bits / 2**codes)
            half = 2 ** (codes - 1)
            total += max(-half, min(half - 1, round(value / step))) * step * 4**index
        assert found == pytest.approx(float(total), rel=1e-13, abs=1e-9)


@pytest.mark.parametrize("text", ["1/8", "0.125", ".125", "125e-3", "1.25e-1"])
def test_powers_of_two_stay_integers(text: str) -> None:
    sums = np.arange(-4000, 4000)
    found: Any = analog_core("fixed-lp", bits=6, adc_range=text)
    values = found.read(sums, np.random.default_rng(0)).values
    assert values.dtype == np.int64
    same: Any = analog_core("fixed-lp", bits=6, adc_range="1/8")
    np.testing.assert_array_equal(values, same.read(sums, np.random.default_rng(0)).values)


def test_no_step_is_finer_than_a_number() -> None:
    """More bits than a range has numbers lose nothing but what is beyond it."""
    made = fixed(20, DotProduct(128, 6, 6)).with_shares([0.1])
    sums = np.arange(-20_000, 20_000)
    read = made.read(sums, np.random.default_rng(0)).values
    assert made.adc_bits == 15 == math.ceil(math.log2(0.1 * 2**18))
    np.testing.assert_array_equal(read, sums.clip(-(2**14), 2**14 - 1))
    assert step_of(18, 20, 0.1) == (15, 1.0)


@pytest.mark.parametrize("law", [Gaussian(0.4), Uniform(0.1)])
def test_noise_is_of_the_steps_of_the_range(law: Any) -> None:
    """Whatever the range: the same noise makes the same changes, in steps."""
    codes = np.random.default_rng(0).integers(-20, 20, 5000)
    moved = []
    for share in (0.5, 0.375, 0.3):
        made: Any = replace(fixed(6).with_shares([share]), noise=law)
        _, step = step_of(made.full_bits, 6, share)
        readout = made.read(np.rint(codes * step).astype(int), np.random.default_rng(1))
        moved.append(np.rint(readout.values / step - codes).astype(int))
        assert 0 < np.count_nonzero(readout.wrong) == np.count_nonzero(moved[-1]) < 2500
    np.testing.assert_array_equal(moved[0], moved[1])
    np.testing.assert_array_equal(moved[0], moved[2])


# Calibration


def test_the_percentile_of_a_normal_distribution() -> None:
    """99.98 % lie within 3.719 deviations, and 95 % within 1.96."""
    for percentile, deviations in ((99.98, 3.719), (95.0, 1.960), (68.268949, 1.0)):
        (share,) = calibrated_shares(fixed(6), NORMAL, percentile=percentile)
        assert in_deviations(share) == pytest.approx(deviations, rel=6e-3)
        assert 2 * ndtr(deviations) - 1 == pytest.approx(percentile / 100, abs=1e-4)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    percentile=st.floats(50.1, 100.0), seed=st.integers(0, 2**32), size=st.integers(1, 400),
    skew=st.floats(-3, 3),
)  # fmt: skip
def test_percentiles_are_those_of_numpy(
    percentile: float, seed: int, size: int, skew: float
) -> None:
    sums = np.rint(np.random.default_rng(seed).normal(skew, 1.0, size) * 1e5) + 1
    (share,) = calibrated_shares(fixed(6), sums, percentile=percentile)
    low, high = np.percentile(sums, [50 - percentile / 2, 50 + percentile / 2])
    most = max(abs(low), abs(high))
    if most >= 1:
        assert share == pytest.approx((2 * most + 1) / 2**27, rel=1e-12)
    (whole,) = calibrated_shares(fixed(6), sums, "max")
    assert whole == (2 * np.abs(sums).max() + 1) / 2**27


# Steps of the uniform quantiser with the least mean square for a normal law of deviation 1, from
# J. Max, "Quantizing for minimum distortion", IRE Trans. Information Theory 1960, table II, as it
# is quoted. His levels are half a step off these, which matters little from 4 bits on.
@pytest.mark.parametrize(
    ("bits", "step"), [(4, 0.3352), (5, 0.1881), (6, 0.1041), (7, 0.0568), (8, 0.0308)]
)
def test_least_squares_of_a_normal_distribution(bits: int, step: float) -> None:
    (share,) = calibrated_shares(fixed(bits), NORMAL, "least-squares")
    assert in_deviations(share) / 2 ** (bits - 1) == pytest.approx(step, rel=0.02)


@pytest.mark.parametrize("bits", [1, 2, 3, 5])
def test_least_squares_against_a_fine_grid(bits: int) -> None:
    """By the integral of the squared error, over a grid of ranges 0.2 % apart."""
    places = np.linspace(-7, 7, 4001)
    density = np.exp(-(places**2) / 2)
    density /= density.sum()
    half = 2 ** (bits - 1)

    def left(magnitude: float) -> float:
        step = magnitude / half
        read = np.clip(np.rint(places / step), -half, half - 1) * step
        return float(density @ (read - places) ** 2)

    grid = np.exp(np.arange(math.log(0.5), math.log(6.0), 2e-3))
    best = min(map(left, grid))
    (share,) = calibrated_shares(fixed(bits), NORMAL, "least-squares")
    assert left(in_deviations(share)) <= best * 1.0005


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 2**32), bits=st.integers(2, 7), adc_bits=st.integers(1, 9),
    slice_bits=st.integers(0, 3), tails=st.sampled_from([0.3, 1.0, 3.0]),
)  # fmt: skip
def test_least_squares_is_never_worse(
    seed: int, bits: int, adc_bits: int, slice_bits: int, tails: float
) -> None:
    """Than all that occurs and all that could, on the sample itself."""
    rng = np.random.default_rng(seed)
    most = 2 ** (bits - 1) - 1
    drawn = np.abs(rng.normal(size=(2, 300, 24))) ** tails * rng.choice([-1, 1], (2, 300, 24))
    x, w = np.rint(drawn / np.abs(drawn).max(axis=2, keepdims=True) * most).astype(int)
    dot, exact = DotProduct(24, bits, bits), (x * w).sum(axis=1)
    core: Any = fixed(adc_bits, dot)
    if slice_bits:
        core = BitSlicedCore(dot, bits, min(slice_bits, bits - 1), adc_bits)
    sums = core.partial_sums(x.astype(float), w.astype(float), exact).reshape(core.part_count, -1)
    left = {}
    for method in (*CALIBRATIONS, "full"):
        shares = (1.0,) * core.part_count
        if method != "full":
            shares = calibrated_shares(core, sums, method)
        made = core.with_shares(shares)
        readout = made.read(sums if slice_bits else sums[0], rng)
        left[method] = np.mean((readout.values - exact) ** 2)
        assert all(0 < one <= 1 for one in shares)
        assert all(math.frexp(one / max(shares))[0] == 0.5 for one in shares)
    assert left["least-squares"] <= min(left["max"], left["full"]) * (1 + 1e-12)


def test_slices_are_halved_as_long_as_they_cover() -> None:
    core = BitSlicedCore(DotProduct(4096, 8, 8), 8, slice_bits=3, adc_bits=6)
    tops = np.array([900.0, 61_000.0, 7_000.0])  # of slices: 3, 3 and 1 bits
    sums = tops[:, np.newaxis] * np.array([[-1.0, 0.0, 0.5]])
    whole = 122_001 / 2.0**core.full_bits
    # 900 fits in 61 000 / 2^6, and 7 000 in 61 000 / 2^3. A slice of zeros says nothing.
    assert calibrated_shares(core, sums, "max") == (whole / 2**6, whole, whole / 2**3)
    sums[0] = 0
    assert calibrated_shares(core, sums, "max") == (whole, whole, whole / 2**3)


def test_steps_of_slices_stay_above_one_number() -> None:
    """The least halving is left out where it would take more bits than there are numbers."""
    core = BitSlicedCore(DotProduct(128, 6, 6), 6, slice_bits=1, adc_bits=10)
    sums = np.array([[3.0], [3.0], [3.0], [3.0], [900.0]])
    shares = calibrated_shares(core, sums, "max")
    steps = [step_of(core.full_bits, 10, one) for one in shares]
    assert set(shares) == {1801 / 2**core.full_bits}
    assert {step for _, step in steps} == {1801 / 2**10}


def test_a_sample_of_zeros() -> None:
    for method in CALIBRATIONS:
        assert calibrated_shares(fixed(6), np.zeros(9), method) == (1.0,)
    # Zeros but for one sum in ten thousand: these are 99.98 %, and no range.
    sums = np.zeros(10_001)
    sums[7] = -5000
    assert calibrated_shares(fixed(6), sums) == (10_001 / 2**27,)


@pytest.mark.parametrize("method", CALIBRATIONS)
@pytest.mark.parametrize("most", [1, 2, 7, 8, 1000])
def test_an_adc_of_enough_bits_reads_all_that_occurs(most: int, method: str) -> None:
    """From -M to M: at 2^n just one bit more than one below that takes."""
    sums = np.arange(-most, most + 1)
    core = fixed(20)
    made = core.with_shares(calibrated_shares(core, sums, method, 100.0))
    assert made.read(sums, np.random.default_rng(0)).values.tolist() == sums.tolist()
    assert made.adc_bits == (2 * most).bit_length() or method == "least-squares"


@pytest.mark.parametrize(
    ("sums", "method", "percentile", "said"),
    [
        ([], "max", 99.0, "`sums` has the shape"),
        ([[1.0], [2.0]], "max", 99.0, "`sums` has the shape"),
        (5.0, "max", 99.0, "`sums` has the shape"),
        ([1.0], "median", 99.0, "`calibration` is median"),
        ([1.0], "max", 50.0, "`percentile` is 50"),
        ([1.0], "max", 100.1, "`percentile` is 100.1"),
        ([1.0], "max", math.nan, "`percentile` is nan"),
    ],
)
def test_what_cannot_be_calibrated(sums: Any, method: str, percentile: float, said: str) -> None:
    with pytest.raises(InputError, match=said):
        calibrated_shares(fixed(6), sums, method, percentile)


@pytest.mark.parametrize("shares", [(), (0.0,), (1.5,), (-0.1,), (math.nan,), (0.1, 0.2)])
def test_shares_that_are_none(shares: tuple[float, ...]) -> None:
    with pytest.raises(InputError, match=r"`shares`|`adc_range`"):
        fixed(6).with_shares(shares)


def test_other_cores_than_calibrated_ones_have_no_shares() -> None:
    with pytest.raises(InputError, match="calibrated"):
        FixedPointCore("fixed-lp", DOT, 6, 6, None, "calibrated")
    with pytest.raises(InputError, match="calibrated"):
        FixedPointCore("fixed-lp", DOT, 6, 6, None, "full", (0.5,))
    with pytest.raises(InputError, match="powers of two"):
        BitSlicedCore(DotProduct(8, 6, 6), 6, 2, 6).with_shares((0.5, 0.3, 0.5))


def test_a_calibrated_core_says_so() -> None:
    made = fixed(6).with_shares([0.25])
    assert made.settings == {"adc_bits": 6, "adc_range": "calibrated", "adc_share": 0.25}
    assert made.shares == (0.25,) and fixed(6).shares == (1.0,)
    # With as few numbers in the range as this, fewer bits do.
    assert fixed(6, DotProduct(4, 4, 4)).with_shares([0.02]).settings["adc_bits"] == 4
    sliced: Any = analog_core("bit-sliced", bits=6, adc_range="calibrated", calibration="max")
    assert sliced.settings["adc_share"] == max(sliced.shares)


@pytest.mark.parametrize("core", ["fixed-lp", "bit-sliced"])
@pytest.mark.parametrize("method", CALIBRATIONS)
def test_a_core_alone_is_calibrated_on_uniform_operands(core: str, method: str) -> None:
    """Its range is that of 128 uniform products of another sample, within what these differ."""
    made = analog_core(core, bits=6, adc_range="calibrated", calibration=method)
    assert isinstance(made, ConventionalCore)
    rng = np.random.default_rng(99)
    x, w = rng.uniform(-1, 1, (2, 20_000, 128))
    x, w = (np.rint(one / np.abs(one).max(axis=1, keepdims=True) * 31) for one in (x, w))
    sums = made.partial_sums(x, w, (x * w).sum(axis=1).astype(int))
    (*others,) = calibrated_shares(made, sums.reshape(made.part_count, -1), method)
    assert made.shares == pytest.approx(others, rel=0.3 if method == "max" else 0.12)
    # A sum of 128 products has the deviation sqrt(128) 31^2 / 3.
    if core == "fixed-lp" and method == "percentile":
        expected = 3.719 * math.sqrt(128) * 31**2 / 3 / 2**17
        assert made.shares[0] == pytest.approx(expected, rel=0.06)


def test_converters_and_reading_errors_are_those_of_the_calibrated_core() -> None:
    dot = DotProduct(16, 6, 6)
    for name in ("fixed-lp", "bit-sliced"):
        kind: Any = CORES[name]
        chosen = CoreSettings(dot_product=dot, bits=6, adc_bits=14, adc_range="calibrated")
        core = kind.build(chosen, None, None, 1)
        assert (
            kind.converters(chosen).adc_bits
            == core.adc_bits
            < kind.converters(replace(chosen, adc_range="full")).adc_bits + 1
        )
    wide = CoreSettings(dot_product=DotProduct(128, 6, 6), bits=6)
    errors = [
        CORES["fixed-lp"].reading_error(replace(wide, adc_range=one), Gaussian(0.3))  # type: ignore[attr-defined]
        for one in ("full", "calibrated")
    ]
    assert errors == pytest.approx([_crossed(0.3)] * 2, rel=0.01)


def _crossed(sigma: float) -> float:
    """How often noise takes a level, uniform between two codes, to another code."""
    places = (np.arange(2000) + 0.5) / 2000 - 0.5
    return float(np.mean(ndtr((-0.5 - places) / sigma) + ndtr((places - 0.5) / sigma)))


# Clipping


def test_how_much_is_clipped() -> None:
    """Beyond half a step from the outer codes, -8 and 7."""
    made = fixed(4).with_shares([1 / 64])
    step = 2**27 // 64 // 16
    sums = np.arange(-20, 20) * step
    assert clipped_share(made, sums) == pytest.approx((12 + 12) / 40)
    assert clipped_share(fixed(4), sums) == 0.0
    for name, share in (("1/3000", 0.9), ("1/100", 0.5)):
        small: Any = analog_core("fixed-lp", bits=4, vector_size=128, adc_range=name)
        sums = np.random.default_rng(0).normal(scale=128**0.5 * 49 / 3, size=5000)
        if share > 0.5:
            with pytest.raises(InputError, match="`adc_range` is 1/3000, which clips 9"):
                check_clipping(small, np.rint(sums))
        else:
            assert 0.5 < check_clipping(small, np.rint(sums)) < 0.9


def test_fractions() -> None:
    assert [fraction(one) for one in ("1/8", "3/100", "1e-3", "1", "1.0", "7/7")] == [
        0.125, 0.03, 0.001, 1.0, 1.0, 1.0,
    ]  # fmt: skip
    for text in ("0", "0/5", "1/0", "1.01", "-0.5", "nan", "1_0/20", "1e9", "1/2/3", "½", " 1/2"):
        with pytest.raises(ValueError, match="fraction"):
            fraction(text)

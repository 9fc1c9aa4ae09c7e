"""A block of a simulation against plain NumPy."""

import dataclasses
import math
from typing import ClassVar

import numpy as np
import pytest
from dot_error_points import point
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from rnscli.analysis.error.dot_error import (
    DotErrorParameters,
    ErrorStatistics,
    dot_error,
    simulate_block,
)
from rnscli.analysis.error.operands import GivenOperands
from rnscli.analysis.statistics import Moments
from rnscli.core.arithmetic.code import RedundantCode
from rnscli.core.arithmetic.dot_product import DotProduct
from rnscli.core.arithmetic.moduli import ModuliSet
from rnscli.core.arithmetic.residues import quantise

QUICK = settings(max_examples=80, deadline=None, derandomize=True)


def plain_errors(
    x: np.ndarray, w: np.ndarray, dot: DotProduct, kept_bits: int | None
) -> np.ndarray:
    """Quantise, multiply as integers, let an ADC keep the top bits, scale back, compare."""
    q_x, q_w = 2 ** (dot.input_bits - 1) - 1, 2 ** (dot.weight_bits - 1) - 1
    errors = []
    for row_x, row_w in zip(x, w, strict=True):
        s_x, s_w = np.abs(row_x).max() or 1.0, np.abs(row_w).max() or 1.0
        total = sum(
            round(a * q_x / s_x) * round(b * q_w / s_w) for a, b in zip(row_x, row_w, strict=True)
        )
        if kept_bits is not None:
            output = dot.input_bits + dot.weight_bits + math.ceil(math.log2(len(row_x))) - 1
            step = 2 ** max(0, output - kept_bits)
            top = 2 ** (min(kept_bits, output) - 1)
            total = min(max(round(total / step), -top), top - 1) * step
        errors.append(s_x * s_w / (q_x * q_w) * total - math.fsum(row_x * row_w))
    return np.array(errors)


@pytest.mark.parametrize("core", ["rns", "fixed-lp", "fixed-hp"])
@pytest.mark.parametrize(
    ("bits", "input_bits", "weight_bits", "size"),
    [(6, 6, 6, 24), (6, 5, 7, 16), (8, 4, 4, 3), (5, 8, 3, 1)],
)
def test_errors_against_plain_numpy(
    core: str, bits: int, input_bits: int, weight_bits: int, size: int
) -> None:
    rng = np.random.default_rng(11)
    x, w = rng.normal(size=(400, size)), rng.laplace(scale=3.0, size=(400, size))
    x[7], w[9] = 0.0, 0.0
    w[:40] = np.sign(x[:40]) + (x[:40] == 0)  # sums near the end of the range, as clipping needs
    dot = DotProduct(size, input_bits, weight_bits)
    code = RedundantCode(ModuliSet((63, 62, 61, 59)))
    parameters = DotErrorParameters(
        dot_product=dot,
        bits=bits,
        cores=(core,),
        pairs=400,
        code=code,
        operands=GivenOperands(x, w),
    )
    (row,) = dot_error(parameters).rows
    errors = plain_errors(x, w, dot, bits if core == "fixed-lp" else None)
    size_of_error = np.abs(errors)
    close = {"rel": 1e-9, "abs": 1e-14}
    assert row.mean_abs_error == pytest.approx(size_of_error.mean(), **close)
    assert row.mean_error == pytest.approx(errors.mean(), **close)
    assert row.rms_error == pytest.approx(math.sqrt(np.mean(errors**2)), **close)
    assert row.max_abs_error == pytest.approx(size_of_error.max(), **close)
    interval = stats.ttest_1samp(size_of_error, 0.0).confidence_interval(0.95)
    assert row.mean_abs_error_ci95 == pytest.approx((interval.low, interval.high), **close)
    assert row.std_abs_error == pytest.approx(size_of_error.std(ddof=1), **close)
    assert row.std_error == pytest.approx(errors.std(ddof=1), **close)
    assert row.min_abs_error == pytest.approx(size_of_error.min(), **close)
    assert (row.min_error, row.max_error) == pytest.approx((errors.min(), errors.max()), **close)
    interval = stats.ttest_1samp(errors, 0.0).confidence_interval(0.95)
    assert row.mean_error_ci95 == pytest.approx((interval.low, interval.high), **close)
    for share in (5, 50, 95):
        exact = np.quantile(errors, share / 100, method="inverted_cdf")
        assert getattr(row, f"p{share}_error") == pytest.approx(exact, rel=0.004, abs=1e-14)
    for share in (50, 95, 99):
        exact = np.quantile(size_of_error, share / 100, method="inverted_cdf")
        got = getattr(row, f"p{share}_abs_error")
        assert got == pytest.approx(exact, rel=0.004, abs=1e-14)
        assert got <= row.max_abs_error


def test_given_operands_over_many_blocks() -> None:
    """2^18 terms: 4 pairs a block, so 5 blocks, the last of 3 pairs; whole numbers, so exact."""
    rng = np.random.default_rng(12)
    x, w = rng.integers(-127, 128, size=(2, 20, 2**18), dtype=np.int8)
    parameters = DotErrorParameters(
        dot_product=DotProduct(2**18, 4, 4),
        bits=8,
        cores=("fixed-hp",),
        pairs=19,
        operands=GivenOperands(x, w),
    )
    assert parameters.point.blocks == 5
    done: list[int] = []
    (row,) = dot_error(parameters, progress=lambda update: done.append(update.samples)).rows
    assert done == [4, 8, 12, 16, 19]
    errors = []
    for row_x, row_w in zip(x[:19].astype(np.int64), w[:19].astype(np.int64), strict=True):
        s_x, s_w = np.abs(row_x).max(), np.abs(row_w).max()
        total = (np.rint(row_x * 7 / s_x) * np.rint(row_w * 7 / s_w)).sum()
        errors.append(s_x * s_w / 49 * total - (row_x * row_w).sum())
    assert row.mean_error == pytest.approx(np.mean(errors), rel=1e-9, abs=0)
    assert row.mean_abs_error == pytest.approx(np.mean(np.abs(errors)), rel=1e-9, abs=0)
    assert row.max_abs_error == pytest.approx(np.max(np.abs(errors)), rel=1e-9, abs=0)


def test_zero_vectors_have_no_error() -> None:
    zeros = np.zeros((5, 16))
    parameters = point(6, 16, pairs=5, operands=GivenOperands(zeros, zeros))
    for row in dot_error(parameters).rows:
        assert (row.mean_abs_error, row.rms_error, row.max_abs_error) == (0.0, 0.0, 0.0)
        assert row.mean_abs_error_ci95 == (0.0, 0.0)
        assert (row.p50_abs_error, row.p95_abs_error, row.p99_abs_error) == (0.0, 0.0, 0.0)
        assert row.relative_to_rns is None


def test_one_zero_vector_beside_others() -> None:
    x = np.ones((3, 16))
    x[1] = 0.0
    row = dot_error(point(6, 16, pairs=3, operands=GivenOperands(x, x))).rows[0]
    assert row.max_abs_error == pytest.approx(0.0, abs=1e-13)


@pytest.mark.parametrize("exponent", [-230, -100, 100, 230])
@pytest.mark.filterwarnings("error")
def test_errors_scale_with_the_operands(exponent: int) -> None:
    """Nearly from 1e-70 to 1e70, which is accepted; a power of two changes no digit."""
    rng = np.random.default_rng(13)
    x, w = rng.uniform(-1, 1, size=(2, 60, 16))
    plain, scaled = (
        dot_error(point(6, 16, pairs=60, operands=GivenOperands(np.ldexp(x, e), np.ldexp(w, e))))
        for e in (0, exponent)
    )
    for small, large in zip(plain.rows, scaled.rows, strict=True):
        for name in ("mean_abs_error", "mean_error", "rms_error", "max_abs_error"):
            unscaled = math.ldexp(getattr(large, name), -2 * exponent)
            assert unscaled == pytest.approx(getattr(small, name), rel=1e-12, abs=0), name
        unscaled_ends = [math.ldexp(end, -2 * exponent) for end in large.mean_abs_error_ci95]
        assert unscaled_ends == pytest.approx(small.mean_abs_error_ci95, rel=1e-12, abs=0)
        assert math.ldexp(large.p95_abs_error, -2 * exponent) == small.p95_abs_error


# Tiles -------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class NumberedOperands:
    """Drawn operands that are a function of the number of the pair alone, in a unit of 1/4."""

    name: ClassVar[str] = "numbered"
    unit: ClassVar[float] = 0.25
    drawn: ClassVar[bool] = True

    def rows(self, start: int, count: int) -> "NumberedOperands":
        return self

    def fill(self, rng: np.random.Generator, start: int, tile: np.ndarray) -> None:
        _, pairs, size = tile.shape
        number = np.arange(start, start + pairs)[:, np.newaxis] * 7919 + np.arange(size)
        tile[0], tile[1] = TABLE[number % TABLE.size], TABLE[(number * 31 + 5) % TABLE.size]


TABLE = np.random.default_rng(21).normal(size=100_003)


def assert_statistics(statistics: ErrorStatistics, errors: np.ndarray) -> None:
    """Those of errors that were computed in another order of additions."""
    close = {"rel": 1e-9, "abs": 1e-14}
    assert statistics.signed.count == statistics.absolute.count == errors.size
    assert statistics.signed.mean == pytest.approx(errors.mean(), **close)
    assert statistics.signed.variance == pytest.approx(errors.var(ddof=1), **close)
    assert statistics.absolute.mean == pytest.approx(np.abs(errors).mean(), **close)
    assert statistics.lowest == pytest.approx(errors.min(), **close)
    assert statistics.highest == pytest.approx(errors.max(), **close)
    assert statistics.smallest == pytest.approx(np.abs(errors).min(), rel=1e-6, abs=1e-14)
    for share in (0.01, 0.3, 0.5, 0.95):
        exact = np.quantile(errors, share, method="inverted_cdf")
        assert statistics.quantile(share) == pytest.approx(exact, rel=0.004, abs=1e-14)


@pytest.mark.parametrize(
    ("size", "pairs"),
    [(3, 65_536), (24, 6000), (1024, 300), (1025, 300), (5000, 60)],
    ids=lambda value: f"{value}",
)
def test_every_tile_of_drawn_operands(size: int, pairs: int) -> None:
    """More than one tile each; up to 1024 terms the pairs are contiguous, beyond the vectors."""
    dot = DotProduct(size, 5, 6)
    cores = ("fixed-hp", "fixed-lp", "bit-sliced")
    parameters = DotErrorParameters(
        dot_product=dot, bits=6, cores=cores, pairs=pairs, slice_bits=2, adc_bits=7,
        operands=NumberedOperands(),
    )  # fmt: skip
    statistics = simulate_block(parameters.point, 0, cores)
    tile = np.empty((2, pairs, size))
    NumberedOperands().fill(np.random.default_rng(0), 0, tile)
    x, w = tile / 4
    s_x, s_w = np.abs(x).max(axis=1), np.abs(w).max(axis=1)
    whole_x = np.rint(x * (15 / s_x[:, np.newaxis])).astype(np.int64)
    whole_w = np.rint(w * (31 / s_w[:, np.newaxis])).astype(np.int64)
    sums = (whole_x * whole_w).sum(axis=1)
    exact = np.array([math.fsum(products) for products in x * w])
    step = 2 ** max(0, dot.output_bits - 7)
    coarse = np.clip(np.rint(sums / step), -64, 63) * step
    assert_statistics(statistics["fixed-hp"], s_x * s_w / (15 * 31) * sums - exact)
    assert_statistics(statistics["fixed-lp"], s_x * s_w / (15 * 31) * coarse - exact)
    # 5 bits of a magnitude in 3 slices of 2; 7 of the 5 + 2 + log2(h) bits of a slice's sum.
    step = 2 ** max(0, dot.output_bits - 3 - 7)
    sliced = 0
    for place in (1, 4, 16):
        digits = np.sign(whole_w) * (np.abs(whole_w) // place % 4)
        read = np.clip(np.rint((whole_x * digits).sum(axis=1) / step), -64, 63) * step
        sliced = sliced + place * read
    assert_statistics(statistics["bit-sliced"], s_x * s_w / (15 * 31) * sliced - exact)


def test_a_later_block_begins_where_the_one_before_ended() -> None:
    parameters = DotErrorParameters(
        dot_product=DotProduct(2**20, 5, 5), bits=6, cores=("fixed-hp",), pairs=10,
        operands=NumberedOperands(),
    )  # fmt: skip
    assert [parameters.point.pairs_of(block) for block in range(2)] == [8, 2]
    tile = np.empty((2, 2, 2**20))
    NumberedOperands().fill(np.random.default_rng(0), 8, tile)
    given = DotErrorParameters(
        dot_product=DotProduct(2**20, 5, 5), bits=6, cores=("fixed-hp",), pairs=2,
        operands=GivenOperands(*tile / 4),
    )  # fmt: skip
    parts = [
        simulate_block(given.point, block, ("fixed-hp",))["fixed-hp"]
        for block in range(given.point.blocks)
    ]
    assert len(parts) == 2
    expected = np.array([part.signed.mean for part in parts])
    assert_statistics(simulate_block(parameters.point, 1, ("fixed-hp",))["fixed-hp"], expected)


@QUICK
@given(st.data(), st.integers(2, 9), st.integers(2, 9), st.sampled_from((0, 1100)))
def test_ties_of_whole_numbers_are_rounded_as_by_quantise(
    data: st.DataObject, input_bits: int, weight_bits: int, padding: int
) -> None:
    """Of a largest magnitude 2 q k, odd multiples of k lie half-way between two levels.

    With a rounded factor q / s = 1 / (2 k) they would not: 3 * 49 / 98 is not 3 * 49 * (1 / 98).
    """
    size = data.draw(st.integers(2, 6))
    vectors = []
    for bits in (input_bits, weight_bits):
        levels = 2 ** (bits - 1) - 1
        step = data.draw(st.integers(1, 200))
        multiples = st.integers(-2 * levels, 2 * levels)
        rest = data.draw(st.lists(multiples, min_size=size - 1, max_size=size - 1))
        vectors.append(step * np.array([2 * levels, *rest, *[0] * padding]))
    x, w = (np.stack([vector, vector[::-1], -vector]) for vector in vectors)
    dot = DotProduct(size + padding, input_bits, weight_bits)
    parameters = DotErrorParameters(
        dot_product=dot, bits=8, cores=("fixed-hp",), pairs=3, operands=GivenOperands(x, w)
    )
    statistics = simulate_block(parameters.point, 0, ("fixed-hp",))["fixed-hp"]
    one, other = quantise(x, input_bits), quantise(w, weight_bits)
    sums = (one.integers * other.integers).sum(axis=1)
    scales = (one.scale / one.levels * (other.scale / other.levels))[:, 0]
    errors = sums * scales - (x * w).sum(axis=1)
    assert (statistics.lowest, statistics.highest) == (errors.min(), errors.max())
    assert statistics.signed == Moments.of(errors)


@pytest.mark.parametrize("padding", [0, 1100])
@pytest.mark.parametrize("step", [1, 49])
@pytest.mark.parametrize("odd", [-13, -5, -1, 1, 3, 7])
def test_a_tie_goes_to_the_even_level(odd: int, step: int, padding: int) -> None:
    """4 bits: q = 7, and 14 steps are the largest, so ``odd`` lies half-way between two levels."""
    x = step * np.array([[14, odd, *[0] * padding]] * 2)
    w = np.array([[0, 1, *[0] * padding]] * 2)
    parameters = DotErrorParameters(
        dot_product=DotProduct(2 + padding, 4, 4), bits=8, cores=("fixed-hp",), pairs=2,
        operands=GivenOperands(x, w),
    )  # fmt: skip
    (row,) = dot_error(parameters).rows
    assert row.mean_error == pytest.approx(step * (2 * round(odd / 2) - odd), rel=1e-12, abs=0)

"""Simulated errors against plain NumPy, exact probabilities, and themselves cut differently."""

import dataclasses
import math
from typing import Any

import numpy as np
import pytest
from rnscli.runtime.blocks import block_mapper
from scipy import stats

from rnscli.analysis.dot_error import (
    DotErrorParameters,
    DotErrorResult,
    DotErrorRow,
    ErrorStatistics,
    dot_error,
    simulate_block,
)
from rnscli.analysis.fault_probability import FaultParameters, fault_probability
from rnscli.analysis.moduli_choice import ModuliRequest
from rnscli.analysis.operands import DISTRIBUTIONS, GivenOperands
from rnscli.core.code import RedundantCode
from rnscli.core.dot_product import DotProduct
from rnscli.core.errors import InputError
from rnscli.core.moduli import ModuliSet
from rnscli.core.noise import Gaussian, Uniform

# Probability that an interval below misses the true value; the seeds are fixed.
FALSE_ALARM = 1e-6


def point(
    bits: int = 6, vector_size: int = 128, redundant: int = 0, **changed: Any
) -> DotErrorParameters:
    """Parameters with the moduli that the search chooses."""
    request = ModuliRequest(bits=bits, vector_size=vector_size, redundant=redundant)
    accepted = {
        "dot_product": request.dot_product,
        "bits": bits,
        "code": RedundantCode(request.choose()[0]),
    }
    return DotErrorParameters(**{**accepted, **changed})


def errors_of(row: DotErrorRow) -> dict[str, Any]:
    """What a row says of errors, without what it says of the core."""
    keys = [f.name for f in dataclasses.fields(row) if "error" in f.name or "attempts" in f.name]
    return {key: getattr(row, key) for key in keys}


def same_statistics(one: ErrorStatistics, other: ErrorStatistics) -> bool:
    """Bit for bit."""
    return (
        (one.signed, one.absolute, one.largest, one.wrong, one.attempts)
        == (other.signed, other.absolute, other.largest, other.wrong, other.attempts)
        and np.array_equal(one.histogram.bins, other.histogram.bins)
        and np.array_equal(one.histogram.counts, other.histogram.counts)
    )


def same_result(one: DotErrorResult, other: DotErrorResult) -> bool:
    return (
        one.rows == other.rows
        and list(one.statistics) == list(other.statistics)
        and all(same_statistics(one.statistics[n], other.statistics[n]) for n in one.statistics)
    )


def clopper_pearson(successes: int, trials: int) -> tuple[float, float]:
    interval = stats.binomtest(successes, trials).proportion_ci(1 - FALSE_ALARM, method="exact")
    return float(interval.low), float(interval.high)


# Published and exact relations -------------------------------------------------------------------


@pytest.mark.parametrize("bits", [4, 5, 6, 7, 8])
def test_published_ratio_of_errors(bits: int) -> None:
    result = dot_error(point(bits))
    rns, low, _ = result.rows
    assert rns.relative_to_rns == 1.0
    assert low.relative_to_rns == low.mean_abs_error / rns.mean_abs_error
    assert 9 <= low.relative_to_rns <= 16.5


@pytest.mark.parametrize("operands", sorted(DISTRIBUTIONS))
@pytest.mark.parametrize("bits", [4, 8])
def test_rns_without_noise_is_the_exact_core(bits: int, operands: str) -> None:
    parameters = point(bits, pairs=1000, operands=DISTRIBUTIONS[operands])
    rns, _, high = dot_error(parameters).rows
    assert errors_of(rns) == errors_of(high)
    assert rns.p99_abs_error == high.p99_abs_error
    assert rns.operands == operands


def test_columns_of_noise_are_empty_without_it() -> None:
    for row in dot_error(point(pairs=10)).rows:
        assert row.output_error_rate is row.mean_attempts is row.output_error_rate_ci95 is None
        assert row.residue_error_probability is row.sigma is row.attempts is None


def test_without_a_moduli_set_there_is_no_reference() -> None:
    rows = dot_error(point(pairs=10, cores=("fixed-lp", "fixed-hp"), code=None)).rows
    assert [(r.core, r.relative_to_rns, r.moduli) for r in rows] == [
        ("fixed-lp", None, None),
        ("fixed-hp", None, None),
    ]


def test_rows_come_in_the_order_asked_for() -> None:
    cores = ("fixed-hp", "rns", "fixed-lp")
    assert tuple(r.core for r in dot_error(point(pairs=10, cores=cores)).rows) == cores
    (only,) = dot_error(point(pairs=10, cores=("fixed-lp",))).rows
    assert only.relative_to_rns is not None


# Against plain NumPy -----------------------------------------------------------------------------


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
    for share in (50, 95, 99):
        exact = np.quantile(size_of_error, share / 100, method="inverted_cdf")
        got = getattr(row, f"p{share}_abs_error")
        assert got == pytest.approx(exact, rel=0.004, abs=1e-14)
        assert got <= row.max_abs_error


def test_given_operands_over_many_blocks() -> None:
    """2^18 terms: 8 pairs a block, so 3 blocks, the last of 3 pairs; whole numbers, so exact."""
    rng = np.random.default_rng(12)
    x, w = rng.integers(-127, 128, size=(2, 20, 2**18), dtype=np.int8)
    parameters = DotErrorParameters(
        dot_product=DotProduct(2**18, 4, 4),
        bits=8,
        cores=("fixed-hp",),
        pairs=19,
        operands=GivenOperands(x, w),
    )
    assert parameters.blocks == 3
    done: list[int] = []
    (row,) = dot_error(parameters, progress=done.append).rows
    assert done == [8, 16, 19]
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


# Cutting and spreading ---------------------------------------------------------------------------


@pytest.mark.parametrize("noise", [Uniform(0.2), Gaussian(0.4)])
def test_the_number_of_processes_changes_nothing(noise: Uniform | Gaussian) -> None:
    parameters = point(8, 2**18, 2, pairs=18, noise=noise, attempts=2, seed=7)
    assert parameters.blocks == 3
    with block_mapper(1) as one, block_mapper(2) as two:
        results = [dot_error(parameters), *(dot_error(parameters, m) for m in (one, two))]
    assert all(same_result(results[0], other) for other in results[1:])
    assert results[0].statistics["rns"].attempts > 18


def test_blocks_add_up() -> None:
    parameters = point(8, 2**17, 1, pairs=40, noise=Uniform(0.1))
    parts = [simulate_block(parameters, block) for block in range(parameters.blocks)]
    assert [p["rns"].signed.count for p in parts] == [16, 16, 8]
    (row, *_) = dot_error(parameters).rows
    wrong = sum(p["rns"].wrong for p in parts)
    assert row.output_error_rate == wrong / 40
    assert row.max_abs_error == max(p["rns"].largest for p in parts)
    means = [(p["rns"].absolute.count, p["rns"].absolute.mean) for p in parts]
    assert row.mean_abs_error == pytest.approx(sum(n * m for n, m in means) / 40, rel=1e-13, abs=0)


def test_blocks_draw_different_operands() -> None:
    parameters = point(8, 2**18, pairs=24)
    means = [simulate_block(parameters, b)["fixed-hp"].signed.mean for b in range(3)]
    assert len(set(means)) == 3


def test_longer_runs_begin_like_shorter_ones() -> None:
    """A block is the same whatever comes after it."""
    short, long = point(8, 2**18, pairs=8), point(8, 2**18, pairs=16)
    assert same_statistics(simulate_block(short, 0)["rns"], simulate_block(long, 0)["rns"])


@pytest.mark.parametrize("pairs", [2, 3, 511, 512, 513, 1030])
def test_pairs_smaller_and_larger_than_a_block(pairs: int) -> None:
    parameters = point(6, 4096, pairs=pairs, cores=("fixed-hp",))
    assert parameters.blocks == math.ceil(pairs / 512)
    result = dot_error(parameters)
    core = result.statistics["fixed-hp"]
    counts = core.signed.count, core.absolute.count, core.histogram.counts.sum(), core.attempts
    assert counts == (pairs,) * 4
    assert result.rows[0].pairs == pairs


def test_the_same_seed_gives_the_same_result_and_another_one_another() -> None:
    settings = {"pairs": 500, "noise": Uniform(0.05), "redundant": 1}
    assert same_result(dot_error(point(seed=3, **settings)), dot_error(point(seed=3, **settings)))
    first, second = (dot_error(point(seed=s, **settings)).rows[0] for s in (3, 4))
    assert first.mean_abs_error != second.mean_abs_error


@pytest.mark.parametrize("noise", [None, Uniform(0.1), Gaussian(0.5)])
def test_a_core_does_not_depend_on_those_beside_it(noise: Uniform | Gaussian | None) -> None:
    every = ("rns", "fixed-lp", "fixed-hp")
    together = dot_error(point(pairs=300, redundant=2, noise=noise, cores=every))
    for core in every:
        alone = dot_error(point(pairs=300, redundant=2, noise=noise, cores=(core,)))
        assert same_statistics(alone.statistics[core], together.statistics[core])
        assert alone.rows[0] == together.rows[every.index(core)]
    without = point(pairs=300, noise=noise, cores=("fixed-hp", "fixed-lp"), code=None)
    for core, statistics in dot_error(without).statistics.items():
        assert same_statistics(statistics, together.statistics[core])


# Noise -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("redundant", [1, 2, 3])
@pytest.mark.parametrize("attempts", [1, 2])
@pytest.mark.parametrize("p", [0.01, 0.03, 0.1])
def test_output_error_rate_agrees_with_the_exact_probability(
    redundant: int, attempts: int, p: float
) -> None:
    """Dot products are not uniform over the legitimate range; at these p it does not show."""
    pairs = 30_000
    parameters = point(
        6, 16, redundant, cores=("rns",), pairs=pairs, noise=Uniform(p), attempts=attempts
    )
    (row,) = dot_error(parameters).rows
    exact = fault_probability(
        FaultParameters(moduli=parameters.code.moduli, p=p, attempts=attempts)
    )
    assert row.output_error_rate is not None
    low, high = clopper_pearson(round(row.output_error_rate * pairs), pairs)
    assert low <= exact.p_err <= high
    # With two attempts at most, the second ones are binomial.
    assert row.mean_attempts is not None
    low, high = clopper_pearson(round((row.mean_attempts - 1) * pairs), pairs)
    assert 1 + low <= exact.expected_attempts <= 1 + high
    assert (row.redundant, row.attempts) == (redundant, attempts)


@pytest.mark.parametrize("p", [1e-3, 0.1, 0.3])
@pytest.mark.parametrize("redundant", [0, 1, 2, 3])
def test_the_probability_asked_for_is_reported_to_the_digit(redundant: int, p: float) -> None:
    """A requirement such as `residue_error_probability <= 0.1` must hold at 0.1."""
    (row,) = dot_error(point(6, 16, redundant, cores=("rns",), pairs=2, noise=Uniform(p))).rows
    assert row.residue_error_probability == p


def test_more_attempts_than_are_ever_needed() -> None:
    parameters = point(6, 16, 2, cores=("rns",), pairs=100, noise=Uniform(0.1))
    many, unlimited = (
        dot_error(dataclasses.replace(parameters, attempts=attempts)).rows[0]
        for attempts in (10**15, math.inf)
    )
    assert many.output_error_rate == unlimited.output_error_rate


def test_gaussian_noise_without_redundancy() -> None:
    """An output is right only if every residue is; a step of half a residue makes an error."""
    pairs, sigma = 30_000, 0.25
    parameters = point(6, 16, pairs=pairs, noise=Gaussian(sigma))
    rns, low_precision, high_precision = dot_error(parameters).rows
    wrong = math.erfc(0.5 / (math.sqrt(2) * sigma))  # the moduli are far wider than 40 sigma
    assert rns.residue_error_probability == pytest.approx(wrong, rel=1e-9, abs=0)
    assert rns.sigma == low_precision.sigma == sigma
    count = parameters.code.moduli.count
    low, high = clopper_pearson(round(rns.output_error_rate * pairs), pairs)
    assert low <= 1 - (1 - wrong) ** count <= high
    # 6 + 6 + 4 - 1 - 6 = 9 bits more: 512 times the noise in steps of the exact converter.
    fine = math.erfc(0.5 / (math.sqrt(2) * sigma * 512))
    low, high = clopper_pearson(round(high_precision.output_error_rate * pairs), pairs)
    assert low <= fine <= high


@pytest.mark.parametrize("core", ["fixed-lp", "fixed-hp"])
@pytest.mark.parametrize("p", [0.01, 0.4])
def test_conventional_cores_are_wrong_as_often_as_their_converter(core: str, p: float) -> None:
    pairs = 30_000
    parameters = point(6, 16, 1, cores=(core,), pairs=pairs, noise=Uniform(p), attempts=3)
    (row,) = dot_error(parameters).rows
    low, high = clopper_pearson(round(row.output_error_rate * pairs), pairs)
    assert low <= p <= high
    assert (row.mean_attempts, row.attempts, row.decoder) == (1.0, None, None)
    exact = stats.binomtest(round(row.output_error_rate * pairs), pairs)
    interval = exact.proportion_ci(0.95, method="exact")
    assert row.output_error_rate_ci95 == pytest.approx(
        (interval.low, interval.high), rel=1e-6, abs=0
    )


def test_noise_that_never_strikes_changes_nothing() -> None:
    quiet, none = (dot_error(point(pairs=500, noise=n)) for n in (Uniform(0.0), None))
    for name, statistics in none.statistics.items():
        assert same_statistics(statistics, quiet.statistics[name])
    assert quiet.rows[0].output_error_rate == 0.0


def test_errors_that_do_not_cease_are_refused() -> None:
    code = RedundantCode(ModuliSet((255, 254, 253, 251, 247), 4), 3, "detect")
    parameters = DotErrorParameters(
        dot_product=DotProduct(1, 2, 2),
        bits=8,
        cores=("rns",),
        pairs=2,
        code=code,
        noise=Uniform(1.0),
        attempts=math.inf,
    )
    with pytest.raises(InputError, match="`attempts` is inf"):
        dot_error(parameters)


# Intervals ---------------------------------------------------------------------------------------


def test_the_interval_of_the_mean_covers_it() -> None:
    """600 short runs; between 0.94 and 0.955 is what 30 values of this law give at best."""
    settings = {"bits": 6, "vector_size": 8, "cores": ("fixed-lp",)}
    (long,) = dot_error(point(**settings, pairs=400_000, seed=10**6)).rows
    runs, covered = 600, 0
    for seed in range(runs):
        (row,) = dot_error(point(**settings, pairs=30, seed=seed)).rows
        low, high = row.mean_abs_error_ci95
        assert low < row.mean_abs_error < high
        covered += low <= long.mean_abs_error <= high
    least = stats.binom.ppf(FALSE_ALARM / 2, runs, 0.94)
    most = stats.binom.isf(FALSE_ALARM / 2, runs, 0.955)
    assert least <= covered <= most < runs


# Refusals ----------------------------------------------------------------------------------------

MINE = GivenOperands(np.ones((9, 4)), np.ones((9, 4)), "mine.npz")


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"bits": 1}, "`bits` is 1"),
        ({"bits": 32}, "`bits` is 32"),
        ({"pairs": 1}, "`pairs` is 1"),
        ({"pairs": 10.0}, "`pairs` is 10.0"),
        ({"seed": -1}, "`seed` is -1"),
        ({"attempts": 0}, "`attempts` is 0"),
        ({"attempts": math.nan}, "`attempts` is nan"),
        ({"cores": ()}, "`cores` is empty"),
        ({"cores": ("rns", "digital")}, "`core` is digital; it must be one of rns"),
        ({"cores": ("rns",), "code": None}, "core rns needs a moduli set"),
        ({"dot_product": DotProduct(2**20 + 1, 6, 6)}, "`vector_size` is 1048577"),
        ({"dot_product": DotProduct(4, 32, 6)}, "`input_bits` is 32"),
        ({"dot_product": DotProduct(4, 6, 32)}, "`weight_bits` is 32"),
        ({"code": RedundantCode(ModuliSet((63, 62)))}, "63,62 hold 3906 .* needs 7689"),
        ({"operands": MINE, "pairs": 10}, "`pairs` is 10, but the operands mine.npz have 9 rows"),
        (
            {"operands": MINE, "pairs": 9, "dot_product": DotProduct(5, 6, 6)},
            "`vector_size` is 5, but the operands mine.npz have 4 columns",
        ),
    ],
)
def test_refusals(changed: dict[str, Any], named: str) -> None:
    accepted = {
        "dot_product": DotProduct(4, 6, 6),
        "bits": 6,
        "code": RedundantCode(ModuliSet((63, 62, 61))),
    }
    with pytest.raises(InputError, match=named):
        DotErrorParameters(**{**accepted, **changed})


def test_a_block_of_given_operands_carries_only_its_rows() -> None:
    rng = np.random.default_rng(3)
    x, w = rng.normal(size=(2, 5, 2**20))
    parameters = point(6, 2**20, pairs=5, operands=GivenOperands(x, w))
    assert parameters.blocks == 3
    narrowed = [parameters.for_block(block) for block in range(3)]
    sent = [p.operands for p in narrowed]
    assert [o.x.shape[0] for o in sent if isinstance(o, GivenOperands)] == [2, 2, 1]
    with block_mapper(2) as two:
        assert dot_error(parameters, two).rows == dot_error(parameters).rows

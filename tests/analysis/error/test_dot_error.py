"""Simulated errors against published results, exact probabilities, and themselves cut otherwise."""

import dataclasses
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from dot_error_points import FALSE_ALARM, clopper_pearson, point, same_result, same_statistics
from made_cores import ANALOG
from scipy import stats

from rnscli.analysis.error.dot_error import (
    DotErrorParameters,
    dot_error,
    dot_errors,
    simulate_block,
)
from rnscli.analysis.error.operands import DISTRIBUTIONS
from rnscli.analysis.error.rows import DotErrorRow
from rnscli.analysis.faults.fault_probability import FaultParameters, fault_probability
from rnscli.analysis.faults.value_law import normal_values
from rnscli.base.errors import InputError
from rnscli.core.arithmetic.code import RedundantCode
from rnscli.core.arithmetic.dot_product import DotProduct
from rnscli.core.arithmetic.moduli import ModuliSet
from rnscli.core.cores.core import Errors, Readout
from rnscli.core.noise import Gaussian, Uniform
from rnscli.runtime.runner import Runner, runner

EVERY_CORE = ANALOG


def errors_of(row: DotErrorRow) -> dict[str, Any]:
    """What a row says of errors, without what it says of the core."""
    keys = [f.name for f in dataclasses.fields(row) if "error" in f.name or "attempts" in f.name]
    return {key: getattr(row, key) for key in keys}


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
    for row in dot_error(point(pairs=10, cores=EVERY_CORE)).rows:
        assert row.output_error_rate is row.expected_attempts is row.output_error_rate_ci95 is None
        assert row.p is row.sigma is row.attempts is None
        assert row.expected_attempts_ci95 is row.std_attempts is None
        assert row.max_attempts is row.p99_attempts is None


def test_columns_of_a_core_say_how_it_is_built() -> None:
    rows = dot_error(point(pairs=10, cores=EVERY_CORE, slice_bits=2, adc_bits=7)).rows
    said = {row.core: (row.slice_bits, row.adc_bits) for row in rows}
    assert said == {
        "rns": (None, None),
        "fixed-lp": (None, 7),
        "fixed-hp": (None, 18),
        "bit-sliced": (2, 7),
    }


def test_bit_sliced_with_wide_converters_is_the_exact_core() -> None:
    cores = ("fixed-hp", "bit-sliced")
    exact, sliced = dot_error(point(pairs=500, cores=cores, slice_bits=2, adc_bits=64)).rows
    assert errors_of(sliced) == errors_of(exact)
    narrow = dot_error(point(pairs=500, cores=("bit-sliced",), slice_bits=2)).rows[0]
    assert narrow.mean_abs_error > 2 * exact.mean_abs_error


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


# Cutting and spreading ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def two_jobs() -> Iterator[Runner]:
    with runner(jobs=2) as made:
        yield made


@pytest.mark.parametrize("noise", [Uniform(0.2), Gaussian(0.4)])
def test_the_number_of_processes_changes_nothing(
    two_jobs: Runner, noise: Uniform | Gaussian
) -> None:
    """2^20 terms: 8 pairs a block."""
    parameters = point(8, 2**20, 2, pairs=18, noise=noise, attempts=2, seed=7)
    assert parameters.point.blocks == 3
    alone, spread = dot_error(parameters), dot_error(parameters, two_jobs)
    assert same_result(alone, spread)
    first, second = alone.statistics["rns"].attempts.counts
    assert first == 18 > second > 0


def test_several_points_at_once(two_jobs: Runner) -> None:
    """Small ones share the processes, and each is what it would be alone, in order."""
    points = [point(bits, 2**16, pairs=pairs) for bits, pairs in ((6, 200), (8, 3), (7, 129))]
    together = list(dot_errors(points, two_jobs))
    assert len(together) == 3
    for parameters, result in zip(points, together, strict=True):
        assert same_result(dot_error(parameters), result)


def test_blocks_add_up() -> None:
    parameters = point(8, 2**20, 1, pairs=20, noise=Uniform(0.1))
    parts = [
        simulate_block(parameters.point, block, ("rns",))
        for block in range(parameters.point.blocks)
    ]
    assert [p["rns"].signed.count for p in parts] == [8, 8, 4]
    samples: list[int] = []
    (row, *_) = dot_error(parameters, progress=lambda update: samples.append(update.samples)).rows
    assert samples == [8, 16, 20]
    wrong = sum(p["rns"].wrong for p in parts)
    assert row.output_error_rate == wrong / 20
    assert row.max_abs_error == max(p["rns"].largest for p in parts)
    assert row.min_error == min(p["rns"].lowest for p in parts)
    assert row.max_error == max(p["rns"].highest for p in parts)
    assert row.min_abs_error == min(p["rns"].smallest for p in parts)
    means = [(p["rns"].absolute.count, p["rns"].absolute.mean) for p in parts]
    assert row.mean_abs_error == pytest.approx(sum(n * m for n, m in means) / 20, rel=1e-13, abs=0)


def test_blocks_draw_different_operands() -> None:
    parameters = point(8, 2**20, pairs=24)
    means = [
        simulate_block(parameters.point, b, ("fixed-hp",))["fixed-hp"].signed.mean for b in range(3)
    ]
    assert len(set(means)) == 3


def test_longer_runs_begin_like_shorter_ones() -> None:
    """A block is the same whatever comes after it."""
    short, long = point(8, 2**20, pairs=8), point(8, 2**20, pairs=16)
    blocks = [simulate_block(parameters.point, 0, ("rns",))["rns"] for parameters in (short, long)]
    assert same_statistics(*blocks)


@pytest.mark.parametrize("pairs", [2, 3, 127, 128, 129, 258])
def test_pairs_smaller_and_larger_than_a_block(pairs: int) -> None:
    parameters = point(6, 2**16, pairs=pairs, cores=("fixed-hp",))
    assert parameters.point.blocks == math.ceil(pairs / 128)
    result = dot_error(parameters)
    core = result.statistics["fixed-hp"]
    assert core.signed.count == core.absolute.count == core.histogram.counts.sum() == pairs
    assert core.attempts.counts == (pairs,)
    assert result.rows[0].pairs == pairs


def test_the_same_seed_gives_the_same_result_and_another_one_another() -> None:
    settings = {"pairs": 500, "noise": Uniform(0.05), "redundant": 1}
    assert same_result(dot_error(point(seed=3, **settings)), dot_error(point(seed=3, **settings)))
    first, second = (dot_error(point(seed=s, **settings)).rows[0] for s in (3, 4))
    assert first.mean_abs_error != second.mean_abs_error


@pytest.mark.parametrize("noise", [None, Uniform(0.1), Gaussian(0.5)])
def test_a_core_does_not_depend_on_those_beside_it(noise: Uniform | Gaussian | None) -> None:
    settings = {"pairs": 300, "noise": noise, "slice_bits": 2}
    together = dot_error(point(redundant=2, cores=EVERY_CORE, **settings))
    for core in EVERY_CORE:
        alone = dot_error(point(redundant=2, cores=(core,), **settings))
        assert same_statistics(alone.statistics[core], together.statistics[core])
        assert alone.rows[0] == together.rows[EVERY_CORE.index(core)]
    others = tuple(reversed([core for core in EVERY_CORE if core != "rns"]))
    without = dot_error(point(cores=others, code=None, **settings))
    assert tuple(without.statistics) == others
    for core, statistics in without.statistics.items():
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
    assert row.expected_attempts is not None
    low, high = clopper_pearson(round((row.expected_attempts - 1) * pairs), pairs)
    assert 1 + low <= exact.expected_attempts <= 1 + high
    assert (row.redundant, row.attempts) == (redundant, attempts)


@pytest.mark.parametrize(
    ("moduli", "decoder", "noise", "attempts"),
    [
        (ModuliSet([63, 62, 61, 59, 55], 1), "detect", Uniform(0.05), 1),
        (ModuliSet([63, 62, 61, 59, 55], 1), "detect", Gaussian(0.3), 3),
        (ModuliSet([60, 52, 44, 28], 0, factor=4), "robust", Gaussian(0.75), 1),
        (ModuliSet([63, 62, 61, 59], 1), "lee", Gaussian(0.35), 1),
    ],
    ids=str,
)
def test_how_often_outputs_are_grossly_wrong(
    moduli: ModuliSet, decoder: str, noise: Any, attempts: int
) -> None:
    """Within intervals of 1e-6 of the exact probability, of the words that dot products are."""
    pairs = 30_000
    dot = DotProduct(16, 6, 6)
    code = RedundantCode(moduli, dot.dynamic_range, decoder)
    for tolerance in (0, 2, 8):
        row = dot_error(
            DotErrorParameters(
                dot_product=dot, bits=6, cores=("rns",), pairs=pairs, code=code, noise=noise,
                attempts=attempts, tolerance=tolerance,
            )
        ).rows[0]  # fmt: skip
        exact = fault_probability(
            FaultParameters(
                moduli=moduli, noise=noise, attempts=attempts, decoder=decoder,
                legitimate_range=code.size, tolerance=tolerance, values=normal_values(dot),
            )
        )  # fmt: skip
        low, high = clopper_pearson(round(row.gross_error_rate * pairs), pairs)
        assert low <= exact.p_gross <= high
        assert row.gross_error_rate <= row.output_error_rate and row.tolerance == tolerance
        if tolerance == 0:
            assert row.gross_error_rate == row.output_error_rate
        low, high = row.gross_error_rate_ci95
        assert low <= row.gross_error_rate <= high


def test_what_is_rejected_to_the_last_is_grossly_wrong() -> None:
    """However near the value of the information residues is, and also where it is right."""
    rejected = np.array([False, True, False, True, False])
    values, exact = np.array([5, 5, 14, 99, -4]), np.array([5, 5, 5, 5, 5])
    readout = Readout(values, (values != exact) | rejected, (5,), rejected)
    errors = readout.errors(exact)
    assert [errors.sizes(tolerance).gross for tolerance in (0, 8, 9, 100)] == [4, 4, 2, 2]
    assert errors.sizes(0)[1:] == (9 + 9, 81 + 81)  # of those that are accepted
    assert Readout.joined([readout, readout]).errors(np.tile(exact, 2)).sizes(8) == (8, 36, 324)
    plain = Readout(values, values != exact, (5,))
    assert Readout.joined([plain, plain]).errors(np.tile(exact, 2)).sizes(8).gross == 6


def test_sums_of_squares_are_exact() -> None:
    off = np.array([2**52 - 1, -(2**51) - 3, 1, 0])
    none = np.zeros(4, dtype=np.bool_)
    expected = (2, sum(abs(int(e)) for e in off), sum(int(e) ** 2 for e in off))
    assert Errors(off, none).sizes(8) == expected
    assert Errors(off, ~none).sizes(8) == (4, 0, 0)
    assert Errors(off[:0], none[:0]).sizes(8) == (0, 0, 0)


@pytest.mark.parametrize("core", ["fixed-lp", "fixed-hp", "bit-sliced"])
def test_only_codes_are_grossly_wrong(core: str) -> None:
    (row,) = dot_error(point(6, 16, 1, cores=(core,), pairs=100, noise=Uniform(0.1))).rows
    assert row.gross_error_rate is row.gross_error_rate_ci95 is row.tolerance is None


@pytest.mark.parametrize("p", [1e-3, 0.1, 0.3])
@pytest.mark.parametrize("redundant", [0, 1, 2, 3])
def test_the_probability_asked_for_is_reported_to_the_digit(redundant: int, p: float) -> None:
    """A requirement such as `p <= 0.1` must hold at 0.1."""
    (row,) = dot_error(point(6, 16, redundant, cores=("rns",), pairs=2, noise=Uniform(p))).rows
    assert row.p == p


def test_more_attempts_than_are_ever_needed() -> None:
    parameters = point(6, 16, 2, cores=("rns",), pairs=100, noise=Uniform(0.1))
    many, unlimited = (
        dot_error(dataclasses.replace(parameters, attempts=attempts)).rows[0]
        for attempts in (10**15, math.inf)
    )
    assert many.output_error_rate == unlimited.output_error_rate


def test_attempts_are_geometric() -> None:
    """Each word is detected with the exact probability, and then computed again."""
    pairs, p = 30_000, 0.1
    parameters = point(6, 16, 2, cores=("rns",), pairs=pairs, noise=Uniform(p), attempts=math.inf)
    result = dot_error(parameters)
    (row,) = result.rows
    detected = fault_probability(FaultParameters(moduli=parameters.code.moduli, p=p)).p_detected
    law = stats.geom(1 - detected)
    first, second, *_ = counts = result.statistics["rns"].attempts.counts
    assert first == pairs
    low, high = clopper_pearson(second, pairs)
    assert low <= detected <= high
    low, high = row.expected_attempts_ci95
    assert low < row.expected_attempts == sum(counts) / pairs < high
    # An interval of 95 % times 2.5 is one of 1 - 1e-6, and more.
    assert abs(row.expected_attempts - law.mean()) < 2.5 * (high - low) / 2
    assert (high - low) / 2 == pytest.approx(1.96 * law.std() / math.sqrt(pairs), rel=0.1)
    assert row.std_attempts == pytest.approx(law.std(), rel=0.1)
    assert row.p99_attempts == law.ppf(0.99)
    assert row.max_attempts == len(counts) > row.p99_attempts


def test_gaussian_noise_without_redundancy() -> None:
    """An output is right only if every residue is; a step of half a residue makes an error."""
    pairs, sigma = 30_000, 0.25
    parameters = point(6, 16, pairs=pairs, noise=Gaussian(sigma))
    rns, low_precision, high_precision = dot_error(parameters).rows
    wrong = math.erfc(0.5 / (math.sqrt(2) * sigma))  # the moduli are far wider than 40 sigma
    assert rns.p == pytest.approx(wrong, rel=1e-9, abs=0)
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
    assert (row.expected_attempts, row.attempts, row.decoder) == (1.0, None, None)
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

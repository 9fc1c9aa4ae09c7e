"""Runs that stop when they are precise enough."""

import dataclasses
from typing import Any

import numpy as np
import pytest
from dot_error_points import FALSE_ALARM, point, same_result, same_statistics
from scipy import stats

from rnscli.analysis.error import dot_error as dot_error_module
from rnscli.analysis.error.dot_error import (
    DotErrorParameters,
    DotErrorResult,
    ErrorStatistics,
    dot_error,
    simulate_block,
)
from rnscli.analysis.moduli import ModuliRequest
from rnscli.core.arithmetic.code import RedundantCode
from rnscli.core.noise import Gaussian, Uniform
from rnscli.runtime.runner import Progress, runner

CORES = ("rns", "fixed-lp")


def followed(parameters: DotErrorParameters) -> tuple[DotErrorResult, list[int]]:
    """A run, and how many pairs were done after each of its blocks."""
    done: list[int] = []

    def note(progress: Progress[ErrorStatistics]) -> None:
        done.append(progress.samples)

    return dot_error(parameters, progress=note), done


def reached(total: dict[str, ErrorStatistics], parameters: DotErrorParameters) -> float:
    """The precision of the core that is least precise."""
    shares = [
        total[core].precision(parameters.precision_of, parameters.noise is not None)
        for core in parameters.cores
    ]
    return max(np.inf if share is None else share for share in shares)


def totals(parameters: DotErrorParameters, blocks: int) -> list[dict[str, ErrorStatistics]]:
    """Statistics after each block, added by hand."""
    found: list[dict[str, ErrorStatistics]] = []
    for block in range(blocks):
        part = simulate_block(parameters.point, block, parameters.cores)
        found.append({core: found[-1][core] + part[core] for core in part} if found else part)
    return found


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of 2048 values, 256 pairs of 8 terms, so that many runs take little time."""
    monkeypatch.setattr(dot_error_module, "_BLOCK_VALUES", 2048)


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize(
    ("precision_of", "precision", "noise"),
    [
        ("mean_abs_error", 0.012, None),
        ("mean_abs_error", 0.04, Uniform(0.3)),
        ("output_error_rate", 0.2, Uniform(0.02)),
    ],
)
def test_the_first_block_that_is_precise_enough_is_the_last(
    precision_of: str, precision: float, noise: Uniform | None
) -> None:
    parameters = point(
        6, 8, cores=CORES, pairs=40_000, noise=noise, rel_precision=precision,
        precision_of=precision_of,
    )  # fmt: skip
    result, done = followed(parameters)
    assert done == [256 * (block + 1) for block in range(len(done))]
    assert 1024 < done[-1] < 40_000
    every = totals(parameters, len(done))
    shares = [reached(total, parameters) for total in every]
    assert shares[-1] <= precision < min(shares[3:-1])
    for core, row in zip(CORES, result.rows, strict=True):
        assert same_statistics(result.statistics[core], every[-1][core])
        assert row.pairs == done[-1]
        assert row.precision_reached is not None
        assert row.precision_reached <= precision


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize(("vector_size", "pairs"), [(8, 1024), (16, 1024), (3, 1364)])
def test_never_before_a_thousand_pairs(vector_size: int, pairs: int) -> None:
    """However precise it is by then: blocks of 256, 128 and 682 pairs."""
    result, done = followed(point(6, vector_size, pairs=40_000, rel_precision=0.9))
    assert reached(result.statistics, point(6, vector_size)) < 0.1
    assert done[-1] == result.rows[0].pairs == pairs


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("pairs", [2, 900, 3000])
def test_never_more_than_the_pairs_asked_for(pairs: int) -> None:
    parameters = point(6, 8, pairs=pairs, noise=Uniform(0.02), rel_precision=1e-6)
    result, done = followed(parameters)
    assert done[-1] == result.rows[0].pairs == pairs
    without = dot_error(dataclasses.replace(parameters, rel_precision=None))
    assert same_result(result, without)


@pytest.mark.usefixtures("small_blocks")
def test_only_the_cores_that_are_reported_count() -> None:
    """Noise of a quarter step hardly moves `fixed-lp`, and throws results of `rns` far off."""
    alone = point(6, 8, cores=("fixed-lp",), pairs=40_000, noise=Gaussian(0.25), rel_precision=0.1)
    both = dataclasses.replace(alone, cores=("rns", "fixed-lp"))
    lengths = []
    for parameters in (alone, both):
        result, done = followed(parameters)
        every = totals(both, len(done))
        shares = [reached(total, parameters) for total in every]
        assert "rns" in result.statistics
        assert shares[-1] <= 0.1 < min(shares[3:-1], default=1.0)
        lengths.append(done[-1])
    assert lengths[0] < lengths[1] < 40_000


@pytest.mark.usefixtures("small_blocks")
def test_while_nothing_is_wrong_there_is_no_estimate() -> None:
    quiet = point(
        6, 8, cores=("rns",), pairs=5000, noise=Uniform(1e-9), rel_precision=0.5,
        precision_of="output_error_rate",
    )  # fmt: skip
    (row,) = dot_error(quiet).rows
    assert (row.pairs, row.output_error_rate, row.precision_reached) == (5000, 0.0, None)


def test_jobs_stop_at_the_same_block() -> None:
    """2^16 terms: 128 pairs a block; processes that run ahead change nothing."""
    parameters = point(6, 2**16, cores=("fixed-lp",), pairs=10_000, rel_precision=0.042, seed=1)
    alone, done = followed(parameters)
    assert len(done) > 8
    assert done[-1] < 5000
    with runner(jobs=2) as two:
        assert same_result(alone, dot_error(parameters, two))


# Coverage ----------------------------------------------------------------------------------------

RUNS = 600


def covered(truth: float, interval: str, **settings: Any) -> tuple[int, set[int]]:
    """How many intervals of runs that stopped by themselves hold the truth, and where they did."""
    count, pairs = 0, set()
    for seed in range(RUNS):
        (row,) = dot_error(point(6, 8, seed=seed, **settings)).rows
        low, high = getattr(row, interval)
        count += low <= truth <= high
        pairs.add(row.pairs)
    return count, pairs


def assert_covered(count: int, least: float, most: float) -> None:
    """As often as with some probability between these two, but for a false alarm."""
    assert stats.binom.ppf(FALSE_ALARM / 2, RUNS, least) <= count
    assert count <= stats.binom.isf(FALSE_ALARM / 2, RUNS, most) < RUNS


@pytest.fixture(scope="module")
def mean_error() -> float:
    """The mean absolute error of `fixed-lp`, of four million pairs."""
    (row,) = dot_error(point(6, 8, cores=("fixed-lp",), pairs=2**22, seed=10**6)).rows
    return row.mean_abs_error


@pytest.mark.thorough
@pytest.mark.usefixtures("small_blocks")
def test_the_interval_covers_the_mean_after_stopping(mean_error: float) -> None:
    """Stopping favours samples that look narrow; with 1000 pairs or more it costs little.

    Between 0.93 and 0.97 in truth; the mean that is compared with is 50 times as precise.
    """
    settings = {"cores": ("fixed-lp",), "rel_precision": 0.0317}
    count, pairs = covered(mean_error, "mean_abs_error_ci95", pairs=20_000, **settings)
    assert len(pairs) >= 2
    assert max(pairs) < 20_000
    assert_covered(count, 0.93, 0.97)


@pytest.mark.thorough
@pytest.mark.usefixtures("small_blocks")
def test_the_interval_covers_the_error_rate_after_stopping() -> None:
    """Clopper and Pearson's interval is wide, and stopping after many errors makes it miss some.

    Between 0.93 and 0.97 in truth. An ADC is wrong with the probability that was asked for.
    """
    settings = {"cores": ("fixed-lp",), "rel_precision": 0.17, "noise": Uniform(0.1)}
    count, pairs = covered(
        0.1, "output_error_rate_ci95", pairs=20_000, precision_of="output_error_rate", **settings
    )
    assert len(pairs) >= 3
    assert max(pairs) < 20_000
    assert_covered(count, 0.93, 0.97)


# Rare errors, which are large -------------------------------------------------------------------


def rare(p: float, pairs: int, seed: int, **more: Any) -> DotErrorParameters:
    request = ModuliRequest(bits=6, vector_size=16, redundant=more.pop("redundant", 0))
    return DotErrorParameters(
        dot_product=request.dot_product,
        bits=6,
        cores=("rns",),
        pairs=pairs,
        code=RedundantCode(request.choose()[0]),
        noise=Uniform(p),
        seed=seed,
        **more,
    )


def test_a_run_does_not_end_before_rare_errors_are_seen() -> None:
    """Without them the mean would be known to 1 % after some 4000 pairs."""
    row = dot_error(rare(1e-6, 200_000, seed=0, rel_precision=0.01)).rows[0]
    assert row.pairs == 200_000
    assert row.mean_abs_error_ci95 is row.mean_error_ci95 is row.precision_reached is None
    assert row.output_error_rate_ci95[1] > 4e-6


def test_without_a_chance_of_an_error_the_interval_is_known() -> None:
    row = dot_error(rare(0.0, 2000, seed=0)).rows[0]
    assert row.mean_abs_error_ci95 is not None


@pytest.mark.parametrize(
    ("p", "pairs", "more"),
    [(0.05, 100, {"redundant": 1, "attempts": 3}), (1e-3, 5000, {}), (1e-3, 25_000, {})],
)
def test_intervals_that_are_given_cover_the_mean(
    p: float, pairs: int, more: dict[str, Any]
) -> None:
    """Of 200 intervals at least 90 %; with a chance of 95 % each that fails once in 700 times.

    The mean is that of all runs together, 200 times as many pairs.
    """
    rows = [dot_error(rare(p, pairs, seed, **more)).rows[0] for seed in range(200)]
    mean = float(np.mean([row.mean_abs_error for row in rows]))
    given_ = [row.mean_abs_error_ci95 for row in rows if row.mean_abs_error_ci95 is not None]
    assert sum(low <= mean <= high for low, high in given_) >= 0.9 * len(given_)
    assert (len(given_) == 0) == (pairs < 10_000)

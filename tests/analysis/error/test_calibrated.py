"""Ranges that a simulation calibrates on operands like its own."""

import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from dot_error_points import point, same_statistics

from rnscli.analysis.error.calibrated import calibrated
from rnscli.analysis.error.dot_error import DotErrorParameters, dot_error, dot_errors
from rnscli.analysis.error.operands import GivenOperands, NormalOperands, UniformOperands
from rnscli.analysis.error.tiles import stream
from rnscli.base import InputError
from rnscli.core import CALIBRATIONS, ConventionalCore, DotProduct
from rnscli.core.cores.conventional_core import FixedPointCore
from rnscli.core.noise import Gaussian
from rnscli.runtime import Runner, local_engine

Run = Callable[..., Any]
BOTH = ("full", "calibrated")
PAGE = Path(__file__).parents[3] / "docs" / "monte-carlo.md"


def share_of(parameters: DotErrorParameters, label: str = "fixed-lp calibrated") -> float:
    made = parameters.point.cores[label]
    assert isinstance(made, ConventionalCore)
    return max(made.shares)


def test_the_numbers_of_the_page() -> None:
    """The share that a normal distribution has, the simulated one, and what the error is then."""
    text = " ".join(PAGE.read_text().split())
    said = re.search(
        r"31\^2 sqrt\(128\) / 3 = (\d+).* reach out to ([\d.]+) standard "
        r"deviations, r = .* = ([\d.]+), and steps are (\d+) times "
        r"finer.* no longer ([\d.]+) times that of `rns`, but ([\d.]+) times",
        text,
    )
    assert said is not None
    deviation, deviations, share, finer, full, fitting = map(float, said.groups())
    assert deviation == round(31**2 * math.sqrt(128) / 3)
    from scipy.stats import norm

    assert deviations == pytest.approx(norm.isf(1e-4), abs=5e-4)
    assert share == pytest.approx(2 * deviations * deviation / 2**18, abs=5e-4)
    assert finer == round(1 / share)
    made = point(6, pairs=20_000, cores=("fixed-lp",), adc_range=BOTH)
    first, second = dot_error(made).rows
    assert first.relative_to_rns == pytest.approx(full, rel=0.02)
    assert second.relative_to_rns == pytest.approx(fitting, rel=0.02)
    # 1.6 sums of the sample are beyond either end, so that it is known to some per cent.
    assert second.adc_share == share_of(made) == pytest.approx(share, rel=0.06)
    assert first.adc_share == 1.0


def test_each_core_has_a_row_for_each_range_it_can_have() -> None:
    made = point(
        6, pairs=50, cores=("fixed-hp", "fixed-lp", "rns", "bit-sliced"),
        adc_range=("calibrated", "full", "1/8"),
    )  # fmt: skip
    rows = dot_error(made).rows
    assert [(row.core, row.adc_range) for row in rows] == [
        ("fixed-hp", "full"),
        ("fixed-lp", "calibrated"), ("fixed-lp", "full"), ("fixed-lp", "1/8"),
        ("rns", None),
        ("bit-sliced", "calibrated"), ("bit-sliced", "full"), ("bit-sliced", "1/8"),
    ]  # fmt: skip
    assert len(made.labels) == 8 and len(set(made.labels)) == 8
    assert all(row.relative_to_rns is not None for row in rows)


@pytest.mark.parametrize("jobs", [1, pytest.param(2, marks=pytest.mark.thorough)])
def test_a_range_does_not_depend_on_the_others(jobs: int) -> None:
    """Nor on the number of pairs, of processes or of other cores."""
    shared: dict[str, Any] = {
        "bits": 5,
        "pairs": 40_000,
        "vector_size": 256,
        "noise": Gaussian(0.3),
    }
    together = dot_error(point(cores=("rns", "bit-sliced", "fixed-lp"), adc_range=BOTH, **shared))
    points = [
        point(cores=(core,), adc_range=within, **shared)
        for core in ("bit-sliced", "fixed-lp")
        for within in BOTH
    ]
    with local_engine(jobs) as engine:
        for alone in dot_errors(points, Runner(engine)):
            (label,) = alone.parameters.labels
            assert same_statistics(alone.statistics[label], together.statistics[label])
    few = point(cores=("fixed-lp",), adc_range="calibrated", **(shared | {"pairs": 2}))
    assert share_of(few) == share_of(together.parameters)


def test_the_sample_is_not_of_the_pairs() -> None:
    first = stream(0, 0, "calibration").random(1000)
    assert not np.isin(first, stream(0, 0, "operands").random(1000)).any()
    seeds = {share_of(point(cores=("fixed-lp",), adc_range=BOTH, seed=s)) for s in (0, 0, 1)}
    assert len(seeds) == 2


def test_a_range_is_that_of_the_operands() -> None:
    """Normal operands, quantised by the largest of 128, fill a third of what uniform ones do."""
    drawn = {
        operands.name: share_of(point(cores=("fixed-lp",), adc_range=BOTH, operands=operands))
        for operands in (UniformOperands(), NormalOperands())
    }
    # The mean square is a third of the largest, and 1 of the square of some 2.7 deviations.
    assert drawn["normal"] / drawn["uniform"] == pytest.approx(3 / 2.7**2, rel=0.15)


@pytest.mark.parametrize("method", CALIBRATIONS)
def test_rows_of_ones_own_are_their_sample(method: str) -> None:
    rng = np.random.default_rng(3)
    x, w = rng.integers(-31, 32, (2, 500, 16))
    x[:, 0] = w[:, 0] = 31  # so that scales are those of the integers
    made = DotErrorParameters(
        dot_product=DotProduct(16, 6, 6), bits=6, cores=("fixed-lp",), pairs=20,
        adc_range="calibrated", calibration=method, operands=GivenOperands(x, w),
    )  # fmt: skip
    sums = (x * w).sum(axis=1)
    share = share_of(made)
    if method == "max":
        assert share == (2 * abs(sums).max() + 1) / 2**15
    elif method == "percentile":
        ends = np.percentile(sums, [0.01, 99.99])
        assert share == pytest.approx((2 * abs(ends).max() + 1) / 2**15, rel=1e-12)
    # Of many rows some are taken, from the first to the last.
    many = GivenOperands(np.tile(x, (40, 1)), np.tile(w, (40, 1)))
    core = FixedPointCore("fixed-lp", DotProduct(16, 6, 6), 6, 6)
    found: Any = calibrated({"one": core}, many, 0, method, 99.98)["one"]
    assert found.shares[0] == pytest.approx(share, rel=0.02)


def test_a_range_that_clips_everything_is_refused() -> None:
    """Of 128 uniform products a 1000th of the range has a 30th of a deviation on each side."""
    with pytest.raises(InputError, match=r"`adc_range` is 1/1000, which clips 9\d.\d% of the outp"):
        point(6, cores=("rns", "fixed-lp"), adc_range=("full", "1/1000"))
    made = point(6, cores=("rns", "fixed-lp"), adc_range=("full", "1/64"))
    assert made.clipped["fixed-lp 1/64"] == pytest.approx(0.58, abs=0.03)
    assert not point(6, cores=("rns", "fixed-hp"), adc_range="1/1000").clipped


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"adc_range": ()}, "`adc_range` is empty"),
        ({"adc_range": ("full", "9/8")}, "`adc_range` is 9/8; it must be one of full, calibr"),
        ({"adc_range": 0}, "`adc_range` is 0"),
        ({"calibration": "mean"}, "`calibration` is mean"),
        ({"percentile": 50}, "`percentile` is 50; it must be a number above 50"),
    ],
)  # fmt: skip
def test_bad_input(changed: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError) as error:
        point(6, cores=("fixed-lp",), **changed)
    assert str(error.value).startswith(said)


def test_a_number_is_a_fraction_too() -> None:
    made = point(6, cores=("fixed-lp",), pairs=20, adc_range=0.125)
    (row,) = dot_error(made).rows
    assert (row.adc_range, row.adc_share) == ("0.125", 0.125)

"""ADCs whose range is a share of what could occur."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnscli.analysis.analog_core import analog_core
from rnscli.analysis.error.dot_error import DotErrorParameters, dot_error
from rnscli.base.errors import InputError
from rnscli.core.arithmetic.dot_product import DotProduct
from rnscli.core.cores import CORES
from rnscli.core.cores.kind import FULL, CoreSettings, range_bits
from rnscli.core.noise import Gaussian

POWERS = (FULL, *(f"1/{2**halvings}" for halvings in range(1, 11)))
RANGES = st.sampled_from(POWERS)


def converted(value: int, full_bits: int, halvings: int, adc_bits: int) -> int:
    """Of a range of 2^(full - r) values 2^a steps; ties to even; clipped to two's complement."""
    bits = max(1, full_bits - halvings)
    step = 2 ** max(0, bits - adc_bits)
    code = round(value / step)  # exact: the value is small
    half = 2 ** (adc_bits - 1)
    return step * max(-half, min(half - 1, code))


@settings(max_examples=80, deadline=None, derandomize=True)
@given(
    adc_range=RANGES, adc_bits=st.integers(1, 20), bits=st.integers(2, 8),
    size=st.integers(1, 200), data=st.data(),
)  # fmt: skip
def test_one_adc(adc_range: str, adc_bits: int, bits: int, size: int, data: st.DataObject) -> None:
    dot = DotProduct(size, bits, bits)
    most = dot.max_sum
    sums = data.draw(st.lists(st.integers(-most, most), min_size=1, max_size=9))
    made = analog_core(
        "fixed-lp", bits=bits, vector_size=size, adc_bits=adc_bits, adc_range=adc_range
    )
    halvings = int(math.log2(1 / _share(adc_range)))
    used = min(adc_bits, max(1, dot.output_bits - halvings))
    assert made.adc_bits == used
    expected = [converted(one, dot.output_bits, halvings, used) for one in sums]
    read = made.read(np.array(sums), np.random.default_rng(0)).values.tolist()
    assert read == expected
    assert made.ideal([np.array(sums, dtype=np.float64)]).tolist() == expected


def _share(adc_range: str) -> float:
    return 1.0 if adc_range == FULL else 1 / int(adc_range.removeprefix("1/"))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    adc_range=RANGES, adc_bits=st.integers(1, 16), slice_bits=st.integers(1, 5),
    seed=st.integers(0, 2**32),
)  # fmt: skip
def test_slices(adc_range: str, adc_bits: int, slice_bits: int, seed: int) -> None:
    """Each slice by itself, then shifted and added."""
    rng = np.random.default_rng(seed)
    x, w = rng.integers(-31, 32, (2, 7, 40))
    made = analog_core(
        "bit-sliced", bits=6, vector_size=40, slice_bits=slice_bits, adc_bits=adc_bits,
        adc_range=adc_range,
    )  # fmt: skip
    full = 6 + slice_bits + 6  # bits of inputs, of a slice, of 40 terms
    halvings = int(math.log2(1 / _share(adc_range)))
    used = min(adc_bits, max(1, full - halvings))
    expected = []
    for one, other in zip(x.tolist(), w.tolist(), strict=True):
        total = 0
        for index in range(math.ceil(5 / slice_bits)):
            digits = [
                (abs(b) >> (slice_bits * index)) % 2**slice_bits * (1 if b > 0 else -1)
                for b in other
            ]
            partial = sum(a * d for a, d in zip(one, digits, strict=True))
            total += converted(partial, full, halvings, used) << (slice_bits * index)
        expected.append(total)
    assert made.dot(x, w, rng).values.tolist() == expected


def test_the_full_range_is_what_it_was() -> None:
    for name in ("fixed-lp", "fixed-hp", "bit-sliced"):
        assert analog_core(name, bits=6, adc_range=FULL) == analog_core(name, bits=6)
    # What loses nothing has no other range.
    assert analog_core("fixed-hp", bits=6, adc_range="1/8") == analog_core("fixed-hp", bits=6)


@pytest.mark.parametrize(
    "adc_range",
    ["0", "2", "-1/8", "1/0", "9/8", "nan", "inf", "1e999", "", " ", "half", "1/8/2", None, 0, 1.5,
     True, math.nan],
)  # fmt: skip
def test_other_ranges_are_refused(adc_range: Any) -> None:
    for make in (
        lambda: analog_core("fixed-lp", bits=6, adc_range=adc_range),
        lambda: DotErrorParameters(
            dot_product=DotProduct(8, 6, 6), bits=6, cores=("fixed-lp",), adc_range=adc_range
        ),
    ):
        with pytest.raises(InputError, match="`adc_range`"):
            make()


def test_range_bits() -> None:
    assert [range_bits(18, one) for one in (1, 1 / 2, 1 / 1024)] == [18, 17, 8]
    assert range_bits(4, 1 / 1024) == 1
    for share in (0.3, 0.7, 0.9999, 1e-9):
        assert range_bits(40, share) == max(1, math.ceil(math.log2(share * 2**40)))
    assert range_bits(40, math.nextafter(0.25, 1)) == 39


def test_a_smaller_range_is_finer_until_it_clips() -> None:
    """128 uniform products have a deviation of 1 / (3 sqrt(128)) of the largest sum."""
    found = {}
    for adc_range in POWERS[:7]:
        made = DotErrorParameters(
            dot_product=DotProduct(128, 8, 8), bits=8, cores=("fixed-lp",), pairs=4000,
            adc_range=adc_range,
        )  # fmt: skip
        (row,) = dot_error(made).rows
        found[adc_range] = row.mean_abs_error
        assert (row.adc_bits, row.adc_range) == (8, adc_range)
    full, half, quarter, eighth, *rest = found.values()
    # The error is a rounding, of half of the step each time, beside that of the operands.
    assert half == pytest.approx(full / 2, rel=0.03)
    assert quarter == pytest.approx(full / 4, rel=0.05)
    assert min(found.values()) == eighth < full / 6
    assert rest == sorted(rest)


@pytest.mark.parametrize("adc_range", [FULL, "1/4", "1/16"])
@pytest.mark.parametrize("core", ["fixed-lp", "bit-sliced"])
def test_reading_errors_are_those_of_a_simulation(core: str, adc_range: str) -> None:
    """At 40 000 pairs, within five standard deviations: a false alarm in two million."""
    law, pairs = Gaussian(0.3), 40_000
    shared: dict[str, Any] = {"dot_product": DotProduct(128, 6, 6), "bits": 6}
    made = DotErrorParameters(**shared, cores=(core,), noise=law, pairs=pairs, adc_range=adc_range)
    (row,) = dot_error(made).rows
    exact = CORES[core].reading_error(CoreSettings(**shared, adc_range=adc_range), law)  # type: ignore[attr-defined]
    deviation = math.sqrt(exact * (1 - exact) / pairs)
    # The sums are taken to be normal, which adds a little.
    assert abs(row.output_error_rate - exact) < 5 * deviation + 0.01 * exact

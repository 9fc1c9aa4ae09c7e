"""What is published of ADCs: the table by brute force, and what must hold of any such table."""

import csv
import io
import math
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.adc_survey import COLUMNS, RATES, Converter, cells, converters
from rnscli.hardware.adc import survey
from rnscli.hardware.adc.survey import Published, fastest, published, unpublished
from rnscli.hardware.adc.surveyed import MurmannAdc

QUICK = settings(max_examples=100, deadline=None, derandomize=True)

CELLS = [
    cell for bits in range(3, 20) for rate in RATES if (cell := published(bits, rate)) is not None
]


# The table that is there --------------------------------------------------------------------------


def test_there_is_a_cell_wherever_a_converter_gets() -> None:
    assert len(CELLS) == 284
    assert len(set(CELLS)) == 284
    assert max(cell.converters for cell in CELLS) == 723


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: f"{cell.bits} bits, {cell.rate:g} Hz")
def test_statistics_of_a_cell_are_consistent(cell: Published) -> None:
    assert 0 < cell.best <= (cell.recent_best or math.inf)
    assert cell.near <= cell.recent <= cell.converters
    assert cell.rate <= cell.fastest <= survey.FASTEST
    assert (cell.median is None) == (cell.near < 3)
    assert (cell.recent_best is None) == (cell.recent == 0)
    if cell.median is not None and cell.recent_best is not None:
        assert cell.best <= cell.recent_best <= cell.median
    assert cell.area is None or 1e-10 < cell.area < 1e-4


def test_more_bits_or_a_higher_rate_leave_fewer_and_dearer_ones() -> None:
    by_place = {(cell.bits, cell.rate): cell for cell in CELLS}
    compared = 0
    for (bits, rate), cell in by_place.items():
        beside = RATES.index(rate) + 1
        for more in ((bits + 1, rate), (bits, RATES[beside] if beside < len(RATES) else math.inf)):
            if (other := by_place.get(more)) is None:
                continue
            compared += 1
            assert other.converters <= cell.converters
            assert other.best >= cell.best
            assert other.fastest <= cell.fastest
            assert (other.area or math.inf) >= (cell.area or 0.0)
    assert compared > 450


def test_beside_what_the_survey_says_in_print() -> None:
    """Two of its papers: 0.19 pJ (VLSI 2019 7.4) and 2.0 pJ at 200 GS/s (ISSCC 2024 18.4)."""
    least = published(9, 2e5)
    assert least is not None and least.best == pytest.approx(0.19e-12, rel=1e-3)
    swiftest = published(5, 2e11)
    assert swiftest is not None
    assert (swiftest.converters, swiftest.best) == (1, pytest.approx(2e-12, rel=1e-3))


@pytest.mark.parametrize(("bits", "rate"), [(7, 1e11), (9, 1e10), (12, 1e9), (13, 1e8), (20, 1.0)])
def test_nothing_is_published(bits: float, rate: float) -> None:
    assert published(bits, rate) is None
    sentence = unpublished(bits, rate)
    assert sentence is not None and survey.DATE in sentence
    assert published(bits - 1, rate / 10) is not None
    assert unpublished(bits - 1, rate / 10) is None


def test_the_frontier_is_where_the_fastest_are() -> None:
    for bits in range(3, 20):
        reached = fastest(bits)
        assert reached is not None
        assert published(bits, reached) is not None
        assert published(bits, math.nextafter(reached, math.inf)) is None
    assert fastest(6) == fastest(6.9) == 105e9
    assert published(survey.MOST_BITS, 1.0) is not None
    assert published(math.nextafter(survey.MOST_BITS, 20), 1.0) is None
    assert fastest(1) == survey.FASTEST


@QUICK
@given(st.floats(0.1, 19.7), st.floats(0.1, 2e11))
def test_between_cells_it_is_that_of_less(bits: float, rate: float) -> None:
    """So that nothing with these bits and this rate takes less than the best."""
    found = published(bits, rate)
    if found is None:
        assert rate > (fastest(bits) or 0.0)
        return
    assert found.bits == max(3, int(bits))
    assert found.rate == max((one for one in RATES if one <= rate), default=1.0)


def test_the_default_model_is_below_what_is_published_at_1_gs() -> None:
    """100 fJ ENOB + 1 aJ 4^ENOB: why rows say how optimistic it is."""
    for bits in range(3, 12):
        found = published(bits, 1e9)
        assert found is not None and MurmannAdc().energy(bits, 1e9) < found.best


def test_reading_it_takes_no_numpy() -> None:
    code = (
        "import sys; from rnscli.hardware.adc.survey import published; published(8, 1e9); "
        "sys.exit('numpy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# How it is computed -------------------------------------------------------------------------------


SHEET = """\
YEAR,TITLE,AREA [mm^2],SNDR_plot [dB],P [W],fsnyq [Hz]
2000,"old, and
good",0.5,49.92,1e-3,1e9
2016,a, ,49.92,2e-3,1e9
2017,b,0.01,52.93,4e-3,1e9
2018,c,0.02,55.94,9e-3,3e9
2019,too fine,0.03,61.96,1e-2,1e9
2020,too fast,0.04,49.92,5e-2,1e10
2021,placeholder,0.05,1,1,1e9
2022,no power,0.05,60, ,1e9
"""


def test_a_sheet_by_hand() -> None:
    """At 8 bits and 1 GS/s: 1, 2, 4 and 3 pJ, 10 and 5; near and recent are 2, 4 and 3.

    49.92 dB are 8 bits, 52.93 dB 8.5 and 55.94 dB 9; 61.96 dB are 10, more than 1.5 too many.
    """
    found = list(converters(io.StringIO(SHEET)))
    assert [one.bits for one in found] == pytest.approx([8, 8, 8.5, 9, 10, 8], rel=1e-12)
    rows = {(row["bits"], row["rate_hz"]): row for row in csv.DictReader([COLUMNS, *cells(found)])}
    assert rows["8", "1e+09"] == {
        "bits": "8", "rate_hz": "1e+09", "converters": "6", "best_j": "1e-12",
        "least_area_m2": "1e-08", "fastest_hz": "1e+10", "recent": "5", "recent_best_j": "2e-12",
        "near": "3", "median_j": "3e-12",
    }  # fmt: skip
    assert rows["10", "1e+09"]["near"] == "1" and rows["10", "1e+09"]["median_j"] == ""
    assert ("11", "1") not in rows and ("10", "2e+09") not in rows


SOME = st.builds(
    Converter,
    year=st.integers(2010, 2020),
    bits=st.sampled_from([2.0, 3.0, 5.5, 6.0, 6.999, 7.0, 7.5, 19.7]),
    rate=st.sampled_from([1.0, 5e5, 1e6, 9.9e6, 1e7, 2e11]),
    energy=st.sampled_from([1e-13, 2e-13, 3e-12, 4e-9]),
    area=st.sampled_from([None, 1e-9, 2e-8]),
)


def every_cell(some: list[Converter]) -> Iterator[tuple[int, float, dict[str, str]]]:
    for row in csv.DictReader([COLUMNS, *cells(some)]):
        yield int(row["bits"]), float(row["rate_hz"]), row


@QUICK
@given(st.lists(SOME, max_size=12))
def test_statistics_by_brute_force(some: list[Converter]) -> None:
    seen = set()
    for bits, rate, row in every_cell(some):
        seen.add((bits, rate))
        count = recent = 0
        best = math.inf
        near: list[float] = []
        for one in some:
            if one.bits < bits or one.rate < rate:
                continue
            count += 1
            best = min(best, one.energy)
            if one.year < 2015:
                continue
            recent += 1
            if one.bits - bits < 1.5 and one.rate / rate < 10:
                near.append(one.energy)
        assert (int(row["converters"]), int(row["recent"])) == (count, recent)
        assert float(row["best_j"]) == best
        assert int(row["near"]) == len(near)
        assert (row["median_j"] == "") == (len(near) < 3)
        if len(near) >= 3:
            near.sort()
            middle = (near[(len(near) - 1) // 2] + near[len(near) // 2]) / 2
            assert float(row["median_j"]) == pytest.approx(middle, rel=1e-3, abs=0)
    for one in some:
        for bits in range(3, int(one.bits) + 1):
            assert (bits, max(rate for rate in RATES if rate <= one.rate)) in seen


def test_the_file_says_where_it_is_from() -> None:
    text = Path(survey.__file__).with_suffix(".csv").read_text()
    for part in ("Murmann", "ddf3c1b", survey.DATE, "BSD", "(c) 2022", "median"):
        assert part in text

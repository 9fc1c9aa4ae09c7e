"""ADCs out of a table: the choice by brute force, and mistakes in the file."""

import math
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnscli.base.errors import InputError
from rnscli.hardware.adc.table import ListedAdc, TableAdc, load_adc_table

QUICK = settings(max_examples=100, deadline=None, derandomize=True)

LISTED = st.builds(
    ListedAdc,
    enob=st.sampled_from([4.0, 6.0, 7.5, 8.0, 9.0]),
    energy=st.sampled_from([0.0, 1e-13, 2e-13, 5e-13]),
    area=st.sampled_from([1e-9, 2e-9]),
    rate=st.sampled_from([1e6, 1e8, 1e9]),
)
TABLES = st.lists(LISTED, min_size=1, max_size=8)


@QUICK
@given(TABLES, st.sampled_from([3, 6, 7, 8, 9]), st.sampled_from([1e5, 1e8, 1e9]))
def test_the_cheapest_adequate_converter(table: list[ListedAdc], bits: int, rate: float) -> None:
    model = TableAdc(tuple(table))
    least = math.inf
    areas: set[float] = set()
    for one in table:
        if one.enob < bits or one.rate < rate:
            continue
        if one.energy < least:
            least, areas = one.energy, set()
        if one.energy == least:
            areas.add(one.area)
    if not areas:
        assert model.outside(bits, rate) is not None
        return
    assert model.outside(bits, rate) is None
    assert model.energy(bits, rate) == least
    assert model.area(bits, rate) == min(areas)


@QUICK
@given(TABLES, st.integers(3, 10), st.sampled_from([1e5, 1e8, 1e9]))
def test_a_bit_more_never_costs_less(table: list[ListedAdc], bits: int, rate: float) -> None:
    """As long as the table has what is asked for."""
    model = TableAdc(tuple(table))
    if model.outside(bits + 1, rate) is None:
        assert model.energy(bits + 1, rate) >= model.energy(bits, rate)


def test_missing_bits_take_four_times_the_energy_each() -> None:
    """From 8.5 to 10 bits 4^1.5 = 8 times: 7.2 pJ; of those with the most bits the fastest."""
    model = TableAdc(
        (
            ListedAdc(8.5, 0.1e-12, 1e-9, 1e6),
            ListedAdc(8.5, 0.9e-12, 3e-9, 1e9),
            ListedAdc(6.0, 0.1e-12, 2e-9, 2e9),
        ),
        source="mine.csv",
    )
    assert model.energy(10, 1e6) == pytest.approx(7.2e-12, rel=1e-14, abs=0)
    assert model.area(10, 1e6) == 3e-9
    sentence = model.outside(10, 1e6)
    assert sentence is not None
    for part in ("mine.csv", "10 bits", "8.5 bits", "1e+09 Hz"):
        assert part in sentence


def test_too_slow_a_converter_is_taken_as_it_is() -> None:
    model = TableAdc((ListedAdc(9.0, 3e-13, 1e-9, 1e6), ListedAdc(8.0, 4e-13, 2e-9, 1e8)))
    assert model.outside(8, 1e9) is not None
    assert model.energy(8, 1e9) == 4e-13


def test_at_its_bits_and_rate_a_converter_is_adequate() -> None:
    model = TableAdc((ListedAdc(8.0, 3e-13, 1e-9, 1e6),))
    assert model.outside(8.0, 1e6) is None
    assert model.outside(math.nextafter(8.0, 9), 1e6) is not None
    assert model.outside(8.0, math.nextafter(1e6, 1e7)) is not None


def test_an_empty_table_is_refused() -> None:
    with pytest.raises(InputError, match=r"mine\.csv has no converters"):
        TableAdc((), source="mine.csv")


def loaded(folder: Path, text: str) -> TableAdc:
    path = folder / "mine.csv"
    path.write_text(text)
    return load_adc_table(path)


def test_a_file_is_read(tmp_path: Path) -> None:
    """Columns in any order; blank lines and comments do not count."""
    model = loaded(
        tmp_path,
        "# survey\nrate_hz, enob, energy_j, area_m2\n1e9,8.1,9e-13,3e-9\n\n5e8,6.2,5e-13,1e-9\n",
    )
    assert model.converters == (
        ListedAdc(8.1, 9e-13, 3e-9, 1e9),
        ListedAdc(6.2, 5e-13, 1e-9, 5e8),
    )
    assert model.source == "mine.csv"


HEADER = "enob,energy_j,area_m2,rate_hz\n"


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (HEADER + "8,1e-12,1e-9,1e9\n8,-1e-12,1e-9,1e9\n", ("line 3", "energy_j", "-1e-12")),
        (HEADER + "8,1e-12,wide,1e9\n", ("line 2", "area_m2", "wide")),
        (HEADER + "\n0.4,1e-12,1e-9,1e9\n", ("line 3", "enob", "0.4")),
        (HEADER + "8,1e-12,1e-9,nan\n", ("line 2", "rate_hz", "nan")),
        (HEADER + "8,1e-12,1e-9,0\n", ("line 2", "rate_hz", "is 0")),
        (HEADER + "8,,1e-9,1e9\n", ("no row with", "energy")),
        (HEADER + "8,1e-12,1e-9\n", ("line 2", "rate_hz")),
        ("enob,energy_j,area_m2\n8,1e-12,1e-9\n", ("line 1", "rate_hz")),
        ("enob,energy_j,area_m2,rate_hz,enob\n8,1e-12,1e-9,1e9,8\n", ("line 1", "enob twice")),
        (HEADER, ("no rows",)),
        ("", ("empty", "rate_hz")),
    ],
)
def test_mistakes_name_row_and_column(tmp_path: Path, text: str, parts: tuple[str, ...]) -> None:
    with pytest.raises(InputError, match=r"mine\.csv") as refused:
        loaded(tmp_path, text)
    for part in parts:
        assert part in str(refused.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"absent\.csv does not exist"):
        load_adc_table(tmp_path / "absent.csv")

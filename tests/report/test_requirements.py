import math
import operator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnscli.base.errors import InputError
from rnscli.report.requirements import Requirement, failures, in_short

QUICK = settings(max_examples=100, deadline=None, derandomize=True)
COMPARISONS = {
    "<=": operator.le, ">=": operator.ge, "==": operator.eq, "!=": operator.ne,
    "<": operator.lt, ">": operator.gt,
}  # fmt: skip

columns = st.from_regex(r"[a-z][a-z0-9_]*", fullmatch=True)
comparisons = st.sampled_from(list(COMPARISONS))
spaces = st.text(" \t", max_size=2)


@QUICK
@given(columns, comparisons, st.floats(allow_nan=False), spaces, spaces)
def test_parse(column: str, comparison: str, bound: float, before: str, after: str) -> None:
    text = f"{before}{column}{after}{comparison}{before}{bound!r}{after}"
    assert Requirement.parse(text) == Requirement(column, comparison, bound)


@QUICK
@given(comparisons, st.floats(allow_nan=False), st.floats(allow_nan=False))
def test_holds(comparison: str, value: float, bound: float) -> None:
    requirement = Requirement("p_err", comparison, bound)
    assert requirement.holds({"p_err": value}) == COMPARISONS[comparison](value, bound)


@QUICK
@given(columns, comparisons, st.integers(-999, 999))
def test_what_is_written_can_be_read(column: str, comparison: str, bound: int) -> None:
    requirement = Requirement(column, comparison, float(bound))
    assert Requirement.parse(str(requirement)) == requirement


SOME_ROWS: list[dict[str, Any]] = [
    {"core": "rns", "k": 1, "p": 0.5, "is_zero": False, "moduli": (7, 5)},
    {"core": "rns", "k": 2, "p": 0.1, "is_zero": True, "moduli": None},
    {"core": "fp", "k": 2, "p": None, "is_zero": False, "moduli": None},
]


@pytest.mark.parametrize(
    ("text", "broken"),
    [
        ("p <= 0.3 where core == rns", [1]),
        ("p <= 0.3 where core == rns and k == 2", []),
        ("p <= 0.3 where k != 1", [3]),  # which has no value
        ("p <= 0.3 where k == 2.0", [3]),
        ("p <= 0.3 where is_zero == yes", []),
        ("p <= 0.3 where moduli == 7,5", [1]),
        ("p <= 0.3 where moduli != 7,5", [3]),
        ("p <= 0.3", [1, 3]),
    ],
)
def test_rows_that_a_requirement_is_about(text: str, broken: list[int]) -> None:
    one = Requirement.parse(text)
    assert Requirement.parse(str(one)) == one
    lines = [line for line in failures([one], SOME_ROWS, ["core"]) if line.startswith("row ")]
    assert [int(line.split()[1].rstrip(":")) for line in lines] == broken


def test_a_requirement_about_no_row_fails() -> None:
    one = Requirement.parse("p <= 0.3 where core == rn")
    assert failures([one], SOME_ROWS, ["core"])[0] == f"{one} is about none of the rows"


def test_a_row_without_a_value_tells_of_conditions() -> None:
    (line,) = failures([Requirement.parse("p <= 0.6")], SOME_ROWS, ["core"])
    assert line.endswith("such as: where core == rns")


@pytest.mark.parametrize("text", ["p <= 1 where", "p <= 1 where core", "p <= 1 where core <= rns",
                                  "where core == rns", "p <= 1 where core == a b"])  # fmt: skip
def test_conditions_that_are_none(text: str) -> None:
    with pytest.raises(InputError, match="where core == rns"):
        Requirement.parse(text)
    with pytest.raises(InputError, match=r"column cor does not exist; did you mean core\?"):
        Requirement.parse("p <= 1 where cor == rns").check_column({"p": True, "core": False})


@QUICK
@given(st.text("ab_ <>=!1e-.9infa", max_size=14))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        requirement = Requirement.parse(text)
    except InputError as refused:
        assert repr(text) in str(refused) and "\n" not in str(refused)
    else:
        assert requirement.comparison in COMPARISONS and not math.isnan(requirement.bound)
        assert text.split(requirement.comparison)[0].strip() == requirement.column


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("p_err <= 1e-9", ("p_err", "<=", 1e-9)),
        ("p_err<=1e-9", ("p_err", "<=", 1e-9)),
        ("  count==4 ", ("count", "==", 4.0)),
        ("mean_error > -0.5", ("mean_error", ">", -0.5)),
        ("attempts < inf", ("attempts", "<", math.inf)),
        ("attempts!=inf", ("attempts", "!=", math.inf)),
    ],
)
def test_examples(text: str, expected: tuple[str, str, float]) -> None:
    assert Requirement.parse(text) == Requirement(*expected)


@pytest.mark.parametrize("sign", ["", "+", "-"])
def test_whole_numbers_are_exact_however_large(sign: str) -> None:
    """Beyond 2^53 doubles miss every other one; dynamic ranges have hundreds of bits."""
    for bound in (2**53 + 1, 10**40 + 1):
        requirement = Requirement.parse(f"dynamic_range >= {sign}{bound}")
        exact = -bound if sign == "-" else bound
        assert requirement.holds({"dynamic_range": exact})
        assert not requirement.holds({"dynamic_range": exact - 1})
        equal = Requirement.parse(f"dynamic_range == {sign}{bound}")
        assert [equal.holds({"dynamic_range": exact + step}) for step in (-1, 0, 1)] == [
            False, True, False,
        ]  # fmt: skip
        assert str(requirement) == f"dynamic_range >= {exact}"


@pytest.mark.parametrize(
    "text",
    ["", " ", "p_err", "p_err <=", "<= 1", "p_err <= x", "p_err <= nan", "p_err = 1", "p_err => 1",
     "p_err =< 1", "p_err <= 1 2", "p err <= 1", "p_err <= 1 and count < 3", "1 <= p_err",
     "p-err <= 1", "p_err <= 1e-9x", "p_err <<= 1", "p_err <= <= 1"],
)  # fmt: skip
def test_what_is_not_a_requirement(text: str) -> None:
    with pytest.raises(InputError, match="requirement"):
        Requirement.parse(text)


def test_a_row_without_a_value_does_not_meet_it() -> None:
    for comparison in COMPARISONS:
        assert not Requirement("sigma", comparison, 1.0).holds({"sigma": None})


def test_columns_that_cannot_be_compared() -> None:
    kinds = {"p_err": True, "moduli": False}
    Requirement.parse("p_err <= 1").check_column(kinds)
    with pytest.raises(InputError, match=r"moduli .*no number.* p_err"):
        Requirement.parse("moduli <= 1").check_column(kinds)
    with pytest.raises(InputError, match=r"sigma .*not exist.* p_err"):
        Requirement.parse("sigma <= 1").check_column(kinds)


def test_few_columns_are_named_and_headings_are_hints() -> None:
    kinds = {f"column_{place}": True for place in "abcdefghijkl"} | {"text": False}
    with pytest.raises(InputError, match=r"column_h, \.\. \(rnscli schema COMMAND has all\)$"):
        Requirement.parse("R <= 1").check_column(kinds)
    with pytest.raises(InputError, match=r"R does not exist; did you mean column_c\?"):
        Requirement.parse("R <= 1").check_column(kinds, {"R": "column_c"})
    with pytest.raises(InputError, match="column_a, column_b"):
        Requirement.parse("R <= 1").check_column(kinds, {"R": "text"})


IDENTITY = ("core", "bits", "p", "moduli")
ROWS: list[dict[str, Any]] = [
    {"core": "rns", "bits": 6, "p": 0.001, "p_err": 1e-6, "moduli": (63, 62)},
    {"core": "rns", "bits": 8, "p": 0.001, "p_err": 1e-3, "moduli": (255, 254)},
    {"core": "fixed-lp", "bits": 8, "p": 0.001, "p_err": None, "moduli": None},
]


def test_failures_name_the_row_and_the_value() -> None:
    lines = failures(
        [Requirement.parse("p_err <= 1e-4"), Requirement.parse("bits>=6")], ROWS, IDENTITY
    )
    assert len(lines) == 2
    for text in ("row 2", "p_err <= 0.0001", "0.001", "bits 8", "255,254"):
        assert text in lines[0]
    for text in ("row 3", "no value", "fixed-lp"):
        assert text in lines[1]


def test_nothing_to_say() -> None:
    assert failures([], ROWS, IDENTITY) == []
    assert failures([Requirement.parse("bits > 5")], ROWS, IDENTITY) == []
    assert failures([Requirement.parse("bits > 5")], [], IDENTITY) == []


def test_every_requirement_of_every_row() -> None:
    strict = [Requirement.parse("bits < 0"), Requirement.parse("p > 1")]
    lines = failures(strict, ROWS, IDENTITY)
    assert [line.split(":")[0] for line in lines] == [
        "row 1", "row 1", "row 2", "row 2", "row 3", "row 3",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "column", "bound"),
    [
        ("area_m2 <= 2mm2", "area_m2", 2e-6),
        ("area<=2 mm2", "area_m2", 2e-6),
        ("energy_per_mac <= 1.5 pJ", "energy_per_mac_j", 1.5e-12),
        ("energy_per_mac_j <= 1.5p", "energy_per_mac_j", 1.5e-12),
        ("throughput >= 1TMAC/s", "throughput_macs_per_s", 1e12),
        ("snr_db >= 30dB", "snr_db", 30.0),
        ("latency_s_high < 2ms", "latency_s_high", 2e-3),
        ("relative_accuracy >= 99%", "relative_accuracy", 0.99),
        ("latency_s < inf", "latency_s", math.inf),
    ],
)
def test_units(text: str, column: str, bound: float) -> None:
    one = Requirement.parse(text)
    assert (one.column, one.bound) == (column, bound)
    assert Requirement.parse(str(one)) == one
    one.check_column({column: True})


def test_a_unit_that_the_column_has_not() -> None:
    with pytest.raises(InputError, match="column p_err is not in J; leave the unit out"):
        Requirement.parse("p_err <= 1pJ").check_column({"p_err": True})
    with pytest.raises(InputError, match="is not a requirement"):
        Requirement.parse("area_m2 <= 2pJ")


def test_a_failure_is_told_in_the_unit_of_the_requirement() -> None:
    rows = [{"area_m2": 2.5e-6, "bits": bits} for bits in (4, 6)]
    one = Requirement.parse("area <= 2mm2 where bits > 4")
    assert failures([one], rows, ["bits"]) == [
        "row 2: area_m2 <= 2mm2 where bits > 4 does not hold, it is 2.5mm2 (bits 6)"
    ]


def test_ten_failures_and_how_many_there_are() -> None:
    rows = [{"p": place / 100, "q": 0.0} for place in range(100)]
    both = [Requirement.parse("p <= 0.4"), Requirement.parse("q >= 1 where p >= 0.95")]
    lines = failures(both, rows, [])
    assert len(lines) == 59 + 5
    assert in_short(lines, both, rows) == [
        *lines[:10],
        "p <= 0.4 does not hold in 59 of 100 rows, of which the first 10 are above",
        "q >= 1 where p >= 0.95 does not hold in 5 of 5 rows",
    ]
    assert in_short(lines[:10], both, rows) == lines[:10]

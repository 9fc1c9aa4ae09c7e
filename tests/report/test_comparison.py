"""Which values of two results have changed, by an oracle of a few lines, and by examples."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnscli.base.columns import Column
from rnscli.base.errors import InputError
from rnscli.report.comparison import ComparedColumns, Comparison, Tolerance, compare
from rnscli.report.saved import SavedResult, saved_of

QUICK = settings(max_examples=60, deadline=None, derandomize=True)
KNOWN = ComparedColumns(
    {
        "core": Column("Core.", identity=True, key="core", hint=str),
        "bits": Column("Bits.", identity=True, key="bits", hint=int),
        "moduli": Column("Moduli.", identity=True, key="moduli", hint=tuple[int, ...]),
        "range": Column("Ends.", key="range", hint=tuple[float, float]),
    },
    {"core": "core", "bits": "bits", "moduli": "moduli", "clock_hz": "clock"},
)


def result(rows: list[dict[str, Any]], name: str = "a.json", **parameters: Any) -> SavedResult:
    stated = {"core": None, "bits": [4, 6], "moduli": None} | parameters
    return SavedResult(Path(name), 2, "energy", "0.1", stated, tuple(rows))


def compared(old: Any, new: Any, *allowed: str, **parameters: Any) -> Comparison:
    tolerances = [Tolerance.parse(one) for one in allowed]
    return compare(
        result(old, **parameters), result(new, "b.json", **parameters), KNOWN, tolerances
    )


def told(comparison: Comparison) -> list[tuple[Any, ...]]:
    return [(one.row, one.column, one.verdict) for one in comparison.rows]


numbers = st.floats(-1e6, 1e6) | st.sampled_from([0.0, math.inf, -math.inf])


@QUICK
@given(
    st.dictionaries(st.integers(1, 6), numbers, min_size=1),
    st.dictionaries(st.integers(1, 6), numbers, min_size=1),
    st.sampled_from([("", 1), ("+", 1), ("-", -1)]),
    st.sampled_from([0.0, 0.05, 0.5]),
    st.randoms(),
)
def test_rows_are_matched_and_judged_as_by_hand(
    old: dict[int, float], new: dict[int, float], sign: Any, share: float, random: Any
) -> None:
    order = list(new)
    random.shuffle(order)
    found = compared(
        [{"bits": bits, "value": value} for bits, value in old.items()],
        [{"bits": bits, "value": new[bits]} for bits in order],
        f"value={sign[0]}{share * 100}%",
    )
    expected = {(bits, "only in OLD") for bits in old.keys() - new}
    expected |= {(bits, "only in NEW") for bits in new.keys() - old}
    for bits in old.keys() & new:
        before, after = old[bits], new[bits]
        if before == after:
            continue
        finite = math.isfinite(before) and math.isfinite(after)
        if finite and abs(after - before) <= share * abs(before):
            continue
        worse = (after - before) * sign[1] > 0
        expected.add((bits, "changed" if not sign[0] else "worse" if worse else "better"))
    places = {
        (order[one.new_row - 1] if one.new_row else [*old][(one.old_row or 0) - 1], one.verdict)
        for one in found.rows
    }
    assert places == expected
    assert found.matched == len(old.keys() & new)
    assert bool(found.broken) == any(verdict != "better" for _, verdict in expected)


def test_what_the_command_has_found_is_compared_and_not_matched_by() -> None:
    old = [{"bits": 4, "moduli": (7, 5)}, {"bits": 6, "moduli": (9, 8)}]
    new = [{"bits": 6, "moduli": (9, 8)}, {"bits": 4, "moduli": (7, 6)}]
    assert told(compared(old, new)) == [("bits 4", "moduli", "changed")]
    given = compared(old, new, moduli=[[7, 5], [9, 8]])  # rows are of these
    assert told(given) == [
        ("bits 4, moduli 7,5", None, "only in OLD"),
        ("bits 4, moduli 7,6", None, "only in NEW"),
    ]


def test_what_was_swept_tells_rows_apart() -> None:
    rows = [{"bits": 4, "clock_hz": clock, "value": clock} for clock in (1.0, 2.0)]
    swept = compared(rows, rows[::-1], clock=[1.0, 2.0])
    assert swept.rows == () and swept.matched == 2
    assert len(told(compared(rows, rows[::-1], clock=None))) > 0


def test_rows_that_nothing_tells_apart_are_matched_in_their_order() -> None:
    rows = [{"bits": 4, "value": value} for value in (1.0, 2.0)]
    assert compared(rows, rows).rows == ()
    assert told(compared(rows, rows[:1])) == [("row 2", None, "only in OLD")]


def test_intervals_say_what_a_value_may_be_off_by() -> None:
    """1.5 sqrt(0.3^2 + 0.4^2) = 0.75."""
    old = [{"bits": 4, "value": 10.0, "value_ci95": (9.7, 10.3)}]
    near, far = ([{"bits": 4, "value": v, "value_ci95": (v - 0.4, v + 0.4)}] for v in (10.7, 10.8))
    assert told(compared(old, near)) == []
    assert told(compared(old, far)) == [("row 1", "value", "changed")]
    assert told(compared(old, near, "value=1%")) == [("row 1", "value", "changed")]
    lost = [{"bits": 4, "value": 10.001, "value_ci95": None}]
    assert told(compared(old, lost)) == [("row 1", "value", "changed")]


def test_ends_texts_lists_and_nothing() -> None:
    old = {"bits": 4, "range": (1.0, 2.0), "text": "a", "list": (1.0, 2.0), "none": None}
    new = {"bits": 4, "range": (1.0, 2.1), "text": "b", "list": (1.0, 2.1), "none": 3}
    found = compared([old], [new])
    assert [one.column for one in found.rows] == ["range_high", "text", "list", "none"]
    assert [(one.old, one.new) for one in found.rows][-2:] == [("1.0,2.0", "1.0,2.1"), (None, 3)]
    wide = compared([old], [new], "10%")  # texts are the same or not
    assert [one.column for one in wide.rows] == ["text", "none"]
    assert compared([old], [new], "10%", "text=any", "no*=any").rows == ()


def test_a_list_is_changed_by_any_of_its_members() -> None:
    """Also by a second one that is only better, beside a first that is as it was."""
    old, new = [{"bits": 4, "list": (1.0, 2.0)}], [{"bits": 4, "list": (1.0, 1.0)}]
    both = [
        compared(old, new, "list=+5%"),
        compared(old, [{"bits": 4, "list": (0.5, 2.0)}], "list=+5%"),
    ]
    assert len({tuple(one.verdict for one in found.rows) for found in both}) == 1
    assert both[0].rows


def test_the_last_tolerance_counts() -> None:
    old, new = [{"bits": 4, "x_j": 1.0}], [{"bits": 4, "x_j": 1.2}]
    assert compared(old, new, "x_j=1%", "30%").rows == ()
    assert [one.allowed for one in compared(old, new, "30%", "x_j=100mJ").rows] == [
        "at most ±0.1 J"
    ]


@pytest.mark.parametrize(
    "text",
    ["", "x", "x=", "x=nan", "x=-inf", "x=5%%", "x==1", "=5%", "x=+any", "x=-", "x=2mm2", "x y=1"],
)
def test_what_is_no_tolerance(text: str) -> None:
    with pytest.raises(InputError, match="is not a tolerance"):
        Tolerance.parse(text)


def test_a_tolerance_of_no_column() -> None:
    rows = [{"bits": 4, "value": 1.0}]
    with pytest.raises(InputError, match=r"column valu does not exist; did you mean value\?"):
        compared(rows, rows, "valu=1%")


def test_what_a_screen_has_is_the_largest_change_of_each_column() -> None:
    old = [{"bits": bits, "x": 1.0, "y": 1.0} for bits in range(50)]
    new = [{"bits": bits, "x": 1 + bits / 100, "y": 2.0} for bits in range(50)]
    found = compared(old, new)
    places, sentence = found.excerpt()
    assert [told(found)[place][:2] for place in places] == [("bits 0", "y"), ("bits 49", "x")]
    assert "97 more" in sentence
    lines = found.lines()
    assert len(lines) == 3 and "99 values are changed, in 50 rows" in lines[-1]


def document(**more: Any) -> str:
    whole = {"schema": 2, "command": "moduli", "version": "0", "parameters": {}, "rows": [{"a": 1}]}
    return json.dumps(whole | more)


def test_values_of_a_document() -> None:
    row = {"a": ["inf", 1], "b": {"value": 1.0, "low": 0.5, "high": 2}, "c": None, "d": "-inf"}
    (read,) = saved_of(document(rows=[row])).rows
    assert read["a"] == (math.inf, 1) and read["b"].high == 2 and read["d"] == -math.inf


@pytest.mark.parametrize(
    "text",
    [
        "", "[]", "null", "{}", "[" * 100_000, '{"schema": 2', document(rows=[]),
        document(rows=[1]), document(rows={}), document(rows=[{"a": {"b": 1}}]),
        document(rows=[{"a": 1}, {"b": 1}]), document(schema="2"), document(schema=True),
        document(command=1), document(parameters=[]), document(given=["x"]), document(given=3),
        document().replace("1", "NaN"), document().replace("1", "1e999"),
    ],
)  # fmt: skip
def test_what_is_no_document(text: str) -> None:
    with pytest.raises(InputError) as refused:
        saved_of(text, name="a.json")
    assert "a.json" in str(refused.value) and "\n" not in str(refused.value)

import math
import re
from typing import Annotated, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnscli.analysis.energy.rows import EnergyRow
from rnscli.analysis.error.rows import DotErrorRow
from rnscli.analysis.faults.rows import FaultProbability
from rnscli.analysis.moduli import ModuliRow
from rnscli.base.columns import Column, column_of, columns_of, prefixed
from rnscli.report.arranged import Arranged
from rnscli.report.layout import Layout, Row, View
from rnscli.report.table import WIDTH, _body, print_table, table_text

QUICK = settings(max_examples=60, deadline=None, derandomize=True)
LAYOUT = Layout(parameters=("core", "size"), results=("alpha", "beta"))
COLUMNS = {
    key: column
    for row_type in (EnergyRow, FaultProbability, ModuliRow, DotErrorRow)
    for key, column in columns_of(row_type).items()
}


def columns(layout: Layout) -> dict[str, Column]:
    """Columns of rows, and of keys that the tests make up."""

    def made_up(key: str) -> Column:
        column = Column("Made up.", key.replace("_", " "), str)
        return column_of(Annotated[object, column], key)

    return {key: COLUMNS.get(key) or made_up(key) for key in layout.keys}


def text_of(rows: list[Row], layout: Layout, style: str) -> str:
    return table_text(rows, columns(layout), layout, style)


def printed(rows: list[Row], layout: Layout = LAYOUT) -> None:
    print_table(rows, columns(layout), layout)


def row(**values: Any) -> Row:
    return {"core": "rns", "size": 1, "alpha": 1, "beta": 2} | values


def plain(rows: list[Row], layout: Layout = LAYOUT) -> list[str]:
    return text_of(rows, layout, "plain").splitlines()


# What is shown where


def test_common_parameters_stand_above_the_table() -> None:
    lines = plain([row(size=1), row(size=2)])
    assert lines[:2] == ["core = rns", ""]
    assert lines[2].split() == ["size", "alpha", "beta"]
    assert [line.split() for line in lines[4:]] == [["1", "1", "2"], ["2", "1", "2"]]


def test_common_results_stay_in_the_table() -> None:
    assert plain([row(core="a"), row(core="b")])[0] == "size = 1"
    assert plain([row(core="a"), row(core="b")])[2].split() == ["core", "alpha", "beta"]


def test_without_common_parameters_there_is_no_caption() -> None:
    lines = plain([row(core="a", size=1), row(core="b", size=2)])
    assert lines[0].split() == ["core", "size", "alpha", "beta"]


def test_a_single_row_is_a_list() -> None:
    lines = plain([row(alpha=(1, 2))])
    assert [line.split() for line in lines] == [
        ["core", "rns"],
        ["size", "1"],
        ["alpha", "(1,", "2)"],
        ["beta", "2"],
    ]
    assert len({line.index(line.split()[1]) for line in lines}) == 1  # one below the other


def test_a_single_row_says_units_once() -> None:
    layout = Layout((), ("clock_hz", "energy_per_mac_j", "tops_per_w", "snr_db"))
    values: Row = {"clock_hz": 1e9, "energy_per_mac_j": 5e-12, "tops_per_w": 0.4, "snr_db": 20.0}
    clock = Column("Clock.", form=prefixed("Hz"))
    more = {"clock_hz": column_of(Annotated[float, clock], "clock_hz")}
    text = table_text([values], columns(layout) | more, layout, "plain")
    assert [re.split("  +", line) for line in text.splitlines()] == [
        ["clock", "1.000 GHz"],
        ["energy per mac", "5.000 pJ"],
        ["TOPS/W", "0.4"],
        ["snr (dB)", "20.0"],
    ]


def test_a_single_row_is_still_a_table_in_a_paper() -> None:
    assert "|" in text_of([row()], LAYOUT, "markdown").splitlines()[0]
    assert "\\begin{tabular}" in text_of([row()], LAYOUT, "latex")


def test_none_is_a_dash_and_columns_of_nothing_are_left_out() -> None:
    lines = plain([row(size=1, alpha=None, beta=None), row(size=2, alpha=3, beta=None)])
    assert lines[2].split() == ["size", "alpha"]
    assert [line.split() for line in lines[4:]] == [["1", "-"], ["2", "3"]]


def test_columns_that_repeat_another_are_left_out() -> None:
    layout = Layout(parameters=("bits", "input_bits"), results=("alpha",))
    same: list[Row] = [{"bits": b, "input_bits": b, "alpha": 1} for b in (4, 5)]
    assert plain(same, layout)[0].split() == ["bits", "alpha"]
    other: list[Row] = [{"bits": b, "input_bits": 4, "alpha": 1} for b in (4, 5)]
    assert plain(other, layout)[0] == "input bits = 4"


def test_keys_that_are_not_in_the_layout_are_left_out() -> None:
    assert "secret" not in text_of([row(secret="secret"), row(size=2)], LAYOUT, "plain")


def test_text_is_left_and_numbers_are_right() -> None:
    lines = plain([row(core="a", alpha=1), row(core="bbbb", alpha=22222)])
    assert lines[4].startswith("a ") and lines[5].startswith("bbbb ")
    start = lines[2].index("alpha")
    assert lines[4][start : start + 5] == "    1"
    assert lines[5][start : start + 5] == "22222"


# Width

WIDE = Layout(
    parameters=("name",),
    results=tuple(f"result_{letter}" for letter in "abcdefghijkl"),
    optional=("result_c", "result_a", "result_b", "result_d"),
)


def wide_rows(content: str) -> list[Row]:
    return [{"name": name, **dict.fromkeys(WIDE.results, content)} for name in "xy"]


def test_a_table_that_fits_drops_nothing() -> None:
    lines = plain(wide_rows("1")[:2], Layout(WIDE.parameters, WIDE.results[:8], WIDE.optional))
    assert len(lines[0].split("  ")) >= 9
    assert not lines[-1].startswith("also there")


def test_optional_columns_are_dropped_in_their_order_and_named() -> None:
    lines = plain(wide_rows("1"), WIDE)
    assert max(map(len, lines)) <= WIDTH
    assert "result c" not in lines[0] and "result e" in lines[0]
    dropped = lines[-1].partition(": ")[2].split(", ")
    assert dropped == list(WIDE.optional[: len(dropped)])
    assert "--wide" in lines[-1]
    # No more than needed: the last one dropped would not have fitted.
    kept = len(WIDE.results) - len(dropped)
    assert len("name") + (kept + 1) * len("  result x") > WIDTH - 2


def test_columns_that_are_not_optional_stay() -> None:
    lines = plain(wide_rows("1234567"), WIDE)
    for letter in "efghijkl":
        assert f"result {letter}" in lines[0]


@pytest.mark.parametrize("style", ["markdown", "latex"])
def test_papers_have_the_columns_of_plain_text(style: str) -> None:
    layout = Layout(WIDE.parameters, WIDE.results, WIDE.optional)
    shown = plain(wide_rows("12345678"), layout)
    text = text_of(wide_rows("12345678"), layout, style).replace("$", "")
    for letter in "abcdefghijkl":
        assert (f"result {letter}" in text) == (f"result {letter}" in shown[0])
    wide = table_text(wide_rows("1"), columns(layout), layout, style, View(wide=True))
    wide = wide.replace("$", "")
    assert all(f"result {letter}" in wide for letter in "abcdefghijkl")
    assert "also there" in text and "also there" not in wide


def test_a_long_cell_is_wrapped() -> None:
    moduli = tuple(range(1000, 1060))
    rows: list[Row] = [{"bits": bits, "moduli": moduli, "count": 60} for bits in (10, 11)]
    lines = plain(rows, Layout(("bits",), ("moduli", "count")))
    assert max(map(len, lines)) <= WIDTH
    shown = [word for line in lines[2:] for word in line.split()]
    assert sorted(shown) == sorted([*map(str, moduli * 2), "10", "11", "60", "60"])


def test_a_single_row_is_wrapped_too() -> None:
    moduli = tuple(range(1000, 1060))
    lines = plain([{"bits": 10, "moduli": moduli}], Layout(("bits",), ("moduli",)))
    assert max(map(len, lines)) <= WIDTH
    assert [word for line in lines for word in line.split()][3:] == [*map(str, moduli)]


def test_long_captions_are_wrapped() -> None:
    layout = Layout(tuple(f"parameter_{letter}" for letter in "abcdefgh"), ("alpha",))
    rows: list[Row] = [
        {**dict.fromkeys(layout.parameters, "0123456789"), "alpha": 1} for _ in range(2)
    ]
    lines = plain(rows, layout)
    assert max(map(len, lines)) <= WIDTH
    assert " ".join(lines).count("= 0123456789") == 8


@QUICK
@given(st.data())
def test_tables_keep_to_their_width(data: st.DataObject) -> None:
    keys = tuple(f"key_{letter * data.draw(st.integers(1, 12))}" for letter in "abcdefghij")
    layout = Layout(keys[:2], keys[2:], optional=keys[3:])
    cell = st.one_of(st.text("abc", min_size=1, max_size=20), st.none())
    rows: list[Row] = [
        {key: data.draw(cell) if key != keys[2] else index for key in keys} for index in range(3)
    ]
    assert max(map(len, plain(rows, layout))) <= WIDTH


# Papers


def test_markdown_keeps_bars_inside_cells() -> None:
    layout = Layout(("bits",), ("mean_abs_error", "core"))
    rows: list[Row] = [{"bits": b, "mean_abs_error": 0.5, "core": "a|b"} for b in (4, 5)]
    lines = text_of(rows, layout, "markdown").splitlines()
    assert len({line.replace(r"\|", "").count("|") for line in lines}) == 1


def test_markdown_has_texts_as_they_are() -> None:
    layout = Layout(("core", "operands"), ("alpha",))
    rows: list[Row] = [{"core": r"a\|b", "operands": "x*y<z`", "alpha": n} for n in (1, 2)]
    rows[1] = rows[1] | {"core": r"a|b\\"}
    text = text_of(rows, layout, "markdown")
    assert r"| a\\\|b " in text and r"| a\|b\\\\ " in text
    assert r"= x\*y\<z\`" in text


def test_latex_has_letters_that_its_fonts_have() -> None:
    columns = {"alpha": "mean |e|", "beta": "± 0.5", "core": "a-1"}
    rows: list[Row] = [columns | {"name": f"-{n}.5e-07"} for n in (1, 2)]
    text = text_of(rows, Layout((), ("alpha", "beta", "core", "name")), "latex")
    body = text.partition("\\midrule")[2]
    assert r"mean \textbar{}e\textbar{}" in body and r"$\pm 0.5$" in body
    assert r"$-1.5 \times 10^{-7}$" in body and "a-1" in body
    assert not set("|±") & set(text)


def test_latex_escapes_what_it_must() -> None:
    layout = Layout(("operands",), ("alpha", "beta"))
    rows: list[Row] = [
        {"operands": "my_file_100%&$#.npz", "alpha": "a_b&c", "beta": n} for n in (1, 2)
    ]
    text = text_of(rows, layout, "latex")
    assert r"a\_b\&c" in text
    assert r"% operands = my\_file\_100\%" in text  # to be copied from there


def test_the_caption_of_a_paper_is_apart_from_the_table() -> None:
    markdown = text_of([row(size=1), row(size=2)], LAYOUT, "markdown").splitlines()
    assert markdown[:2] == ["core = rns", ""]  # without the empty line it is no table
    assert markdown[2].startswith("|")
    latex = text_of([row(size=1), row(size=2)], LAYOUT, "latex").splitlines()
    assert latex[:2] == [r"% needs \usepackage{booktabs}", "% core = rns"]


@pytest.mark.parametrize("style", ["plain", "markdown", "latex"])
def test_text_ends_with_one_newline(style: str) -> None:
    for rows in ([row()], [row(size=1), row(size=2)]):
        text = text_of(rows, LAYOUT, style)
        assert text.endswith("\n") and not text.endswith("\n\n")
        if style != "latex":
            assert all(line == line.rstrip() or line.strip() for line in text.splitlines())


# In a terminal


@pytest.mark.parametrize("width", [40, 60, 80, 200])
def test_a_terminal_of_any_width(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    rows: list[Row] = [
        {"name": name, **{key: f"{key[-1]}{name}" for key in WIDE.results}} for name in "xy"
    ]
    layout = Layout(WIDE.parameters, WIDE.results[:6], WIDE.results[1:6])
    printed(rows, layout)
    lines = capsys.readouterr().out.splitlines()
    assert max(len(line.rstrip()) for line in lines) <= width
    shown = " ".join(lines)
    assert "ax" in shown and "ay" in shown
    assert ("also there" in shown) == (width < 75)


def test_brackets_are_no_markup(capsys: pytest.CaptureFixture[str]) -> None:
    printed([row(core="[bold]a[/bold]"), row(core="[red]")])
    shown = capsys.readouterr().out
    assert "[bold]a[/bold]" in shown and "[red]" in shown


def test_a_single_row_in_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    printed([row()])
    lines = [line.split() for line in capsys.readouterr().out.splitlines() if line.strip()]
    assert lines == [["core", "rns"], ["size", "1"], ["alpha", "1"], ["beta", "2"]]


# Values


@pytest.mark.parametrize(
    ("key", "value", "shown"),
    [
        ("dynamic_range", 14057694, "14057694"),
        ("dynamic_range", 10**15 - 1, "999999999999999"),
        ("vector_size", None, "-"),
        ("relative_to_rns", 1.0, "1"),
        ("relative_to_rns", 6775065.4, "6.775e+06"),
        ("relative_to_rns", 28439.7, "28440"),
        ("mean_abs_error", 0.0, "0"),
        ("mean_abs_error", 0.067561, "0.06756"),
        ("mean_abs_error", 1.5e-7, "1.500e-07"),
        ("attempts", math.inf, "inf"),
        ("attempts", 2, "2"),
        ("p_err", 0.0, "0"),
        ("p_err", 1.0, "1"),
        ("p_err", 0.00399400, "0.003994"),
        ("p_err", 9.1573e-07, "9.157e-07"),
        ("p_correct", 1 - 1.5e-5, "1 - 1.50e-05"),
        ("p_correct", 0.996, "0.996"),
        ("moduli", (63, 62, 61), "63 62 61"),
        ("redundant_moduli", (), "-"),
        ("adc_energy_j", 1.601024e-12, "1.601 pJ"),
        ("dac_energy_j", 0.0, "0 J"),
        ("mean_abs_error_ci95", (0.9, 1.1), "± 0.1"),
        ("output_error_rate_ci95", (0.0, 0.25), "0 .. 0.25"),
        ("core", "rns", "rns"),
    ],
)
def test_show_value(key: str, value: object, shown: str) -> None:
    assert COLUMNS[key].shown(value) == shown


@pytest.mark.parametrize(
    ("value", "half_width", "shown"),
    [
        (0.0675612, 0.00041, "0.06756"),  # 4.1e-4: down to 1e-5
        (0.0675612, 0.0041, "0.0676"),
        (0.0675612, 0.041, "0.068"),
        (1.2345678, 0.101, "1.23"),
        (1.2345678, 0.0999, "1.235"),
        (1.2345678, 0.99, "1.23"),
        (12.345678, 1.01, "12.3"),
        (123.45678, 9.9, "123.5"),
        (123.45678, 10.1, "123"),
        (123456.78, 345.0, "123457"),  # never more than a unit
        (0.0675612, 0.1, "0.06756"),  # nothing is known of it: four digits, as of any number
        (0.0675612, 0.0, "0.06756"),
        (1.2345678, 5e-7, "1.235"),  # nobody reads seven digits
    ],
)
def test_a_value_has_as_many_digits_as_its_interval_tells(
    value: float, half_width: float, shown: str
) -> None:
    """Down to the second digit of half its width."""
    interval = (value - half_width, value + half_width)
    row = {"mean_abs_error": value, "mean_abs_error_ci95": interval}
    assert columns_of(DotErrorRow)["mean_abs_error"].shown(value, row) == shown


@QUICK
@given(st.integers(0, 2**5000))
def test_integers_of_any_size_have_a_short_form(value: int) -> None:
    assert len(COLUMNS["dynamic_range"].shown(value)) <= 16


@QUICK
@given(st.floats(0, 1))
def test_probabilities_are_short_and_near(p: float) -> None:
    shown = COLUMNS["p_err"].shown(p)
    assert len(shown) <= 12
    complement, minus, rest = shown.partition("1 - ")
    found = 1 - float(rest) if minus else float(complement)
    assert found == pytest.approx(p, rel=5.001e-4)


@QUICK
@given(st.floats(-1e300, 1e300))
def test_numbers_are_short_and_near(value: float) -> None:
    shown = COLUMNS["mean_error"].shown(value)
    assert len(shown) <= 11
    assert float(shown) == pytest.approx(value, rel=5.001e-4)


def test_a_table_that_just_fits_is_not_wrapped() -> None:
    """Two columns of 49 letters, with two spaces between them."""
    words = " ".join("x" * 25)
    table = Arranged([], ["a", "b"], [[words, words]], [True, True], [], [])
    assert _body(table, False, WIDTH).splitlines()[-1] == f"{words}  {words}"
    wider = Arranged([], ["a", "b"], [[words, f"{words}x"]], [True, True], [], [])
    assert max(map(len, _body(wider, False, WIDTH).splitlines())) < WIDTH

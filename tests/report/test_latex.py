"""Tables for LaTeX, read by a strict reader, and compiled where there is a LaTeX."""

from pathlib import Path

import latex_tables
import pytest
from captured import output_of
from hypothesis import given, settings
from hypothesis import strategies as st

from rnscli.report.latex import _cell, _title

ASKED = (
    "energy --bits 4,6",  # two tables, units that differ
    "energy --bits 6 --core rns --breakdown",
    "error-sim --bits 4 --snr-db 30 --pairs 50 --core rns,fixed-lp --wide",
    "fault-prob --bits 5 --redundant 0,1 --p 1e-4 --attempts 1 --keys",
    "energy --bits 5 --core rns,fixed-lp --adc-k1 100fJ±30% --show core,energy_range_j,area_m2",
)


@pytest.mark.parametrize(
    ("shown", "cell"),
    [
        ("-1.5", "$-1.5$"),
        ("3.999e-04", r"$3.999 \times 10^{-4}$"),
        ("1 - 1.50e-05", r"$1 - 1.50 \times 10^{-5}$"),
        ("17.76 pJ", r"$17.76$\,pJ"),
        ("1.100 uJ", r"$1.100$\,$\mu$J"),
        ("356.5 mm2", r"$356.5$\,mm$^2$"),
        ("28.7%", r"$28.7$\,\%"),
        ("± 14", r"$\pm 14$"),
        ("0.25 .. inf", r"$0.25$ \ldots\ $\infty$"),
        ("31 29 28", "$31, 29, 28$"),
        ("-", "--"),
        ("fixed-lp_2", r"fixed-lp\_2"),
    ],
)
def test_values(shown: str, cell: str) -> None:
    assert _cell(shown, siunitx=False) == cell


def test_values_of_siunitx() -> None:
    assert _cell("1.100 uJ", siunitx=True) == r"\qty{1.100}{\micro\joule}"
    assert _cell("356.5 mm2", siunitx=True) == r"\qty{356.5}{\milli\metre\squared}"
    assert _cell("-1.5e-07", siunitx=True) == r"\num{-1.5e-07}"
    assert _cell("5.000 TMAC/s", siunitx=True) == r"\num{5.000}\,TMAC/s"


@pytest.mark.parametrize(
    ("heading", "title"),
    [
        ("mean |e|", "mean $|e|$"),
        ("x rns", r"$\times$ rns"),
        ("p_err at least", r"$p_\mathrm{err}$ at least"),
        ("K x N", r"$K$ $\times$ $N$"),
        ("TOPS/mm2", "TOPS/mm$^2$"),
        ("log2", r"$\log_2$"),
        ("mean_abs_error", r"\texttt{mean\_abs\_error}"),
    ],
)
def test_headings(heading: str, title: str) -> None:
    assert _title(heading) == title


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.text(st.characters(codec="ascii", exclude_categories=["C"]), max_size=12), st.booleans())
def test_any_text_is_what_latex_takes(text: str, siunitx: bool) -> None:
    latex_tables.check(_cell(text, siunitx))
    latex_tables.check(_title(text))


@pytest.fixture(scope="module")
def tables() -> dict[str, str]:
    """What commands write."""
    return {
        f"{line} {style}": output_of(f"{line} --format {style}")
        for line in ASKED
        for style in ("latex", "siunitx")
    }


def test_tables_have_the_cells_of_plain_text(tables: dict[str, str]) -> None:
    for line, text in tables.items():
        found = latex_tables.latex_tables(text)
        name = line.rpartition(" ")[0]
        plain = output_of(f"{name} --format table")
        rules = [one.split() for one in plain.splitlines() if one.startswith("---")]
        assert [len(table[0]) for table in found] == list(map(len, rules))


@pytest.mark.thorough
def test_they_compile(tables: dict[str, str], tmp_path: Path) -> None:
    said = latex_tables.compiled(list(tables.values()), tmp_path)
    if said is None:
        pytest.skip("no pdflatex or tectonic here")
    assert said == ""


@pytest.mark.parametrize(
    "wrong", ["a_b", "50 %", "a & b", "$x", "{a", r"\foo", "a|b", r"\num 3", "a}b{", r"x\pm"]
)
def test_the_reader_refuses(wrong: str) -> None:
    with pytest.raises(AssertionError):
        latex_tables.check(wrong)

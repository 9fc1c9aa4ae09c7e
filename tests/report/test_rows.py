"""Rows in Python: what a notebook shows of them, their pictures, and the progress of calls."""

import pickle
import re
import subprocess
import sys
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Annotated, Any

import click
import numpy as np
import pytest

import rnscli
from rnscli.base import Column, Described, ResultRow, columns_of
from rnscli.cli import bars
from rnscli.cli.main import COMMANDS, cli, run
from rnscli.report.rows import MAX_SHOWN, Rows

SET = rnscli.ModuliSet([63, 62, 61, 59, 55, 53], redundant=2)


class Page(HTMLParser):
    """The cells of the tables, and the other texts, of HTML whose elements are all closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.rows: list[list[str]] = []
        self.texts: dict[str, str] = {}
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        assert all(value is not None for _, value in attrs)
        self.open.append(tag)
        if tag == "tr":
            self.rows.append([])

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in ("th", "td"):
            self.rows[-1].append(data.strip())
        elif self.open:
            self.texts[self.open[-1]] = data


@pytest.mark.parametrize(
    ("line", "function", "options"),
    [
        ("moduli --bits 4..8", rnscli.moduli, {"bits": range(4, 9)}),
        (
            "fault-prob --redundant 0..2 --p 1e-3,1e-2 --attempts 2",
            rnscli.fault_probability,
            {"redundant": range(3), "p": [1e-3, 1e-2], "attempts": 2},
        ),
    ],
)
def test_a_notebook_has_the_cells_of_the_shell(
    line: str,
    function: Callable[..., Any],
    options: Mapping[str, Any],
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run([*line.split(), "--format", "markdown"]) == 0
    above, *lines = capsys.readouterr().out.splitlines()
    table = [one.strip("|").split("|") for one in lines if one.startswith("|")]
    del table[1]  # the line below the titles
    page = Page(function(**options)._repr_html_())
    titles, *cells = [[cell.strip() for cell in one] for one in table]
    # There is room for more columns.
    places = [page.rows[0].index(title) for title in titles]
    assert [[one[place] for place in places] for one in page.rows[1:]] == cells
    assert page.texts["caption"] == above


def test_a_row_is_the_list_of_the_shell(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["energy", "--bits", "6", "--core", "rns"]) == 0
    text = capsys.readouterr().out
    row = rnscli.energy(bits=6, core="rns")
    same = text.replace("--breakdown", "`breakdown`").rstrip("\n")
    assert repr(row) == f"EnergyRow\n{same}" == str(row)
    page = Page(row._repr_html_())
    assert page.texts["caption"] == "EnergyRow"
    lines = text.partition("\n\n")[0].splitlines()
    assert page.rows == [re.split(r" {2,}", line, maxsplit=1) for line in lines]
    assert "not counted: writing weights" in page.texts["pre"]
    # One among others has the options of the call, too.
    among = rnscli.energy(bits=[4, 6], core="rns", adc_k1="1fJ")[0]
    assert "adc k1" in repr(among) and "not counted" not in repr(among)
    assert pickle.loads(pickle.dumps(among)) == among


def test_a_row_of_a_parameter_object_has_all_that_it_holds() -> None:
    row = rnscli.fault_probability(rnscli.FaultParameters(moduli=SET, p=1e-3, attempts=2))
    shown = dict(line.split("  ", 1) for line in repr(row).splitlines()[1:])
    assert shown["p err"].strip() == "9.157e-07" and shown["redundant moduli"].strip() == "63 62"
    assert "sigma" not in shown  # which it has not
    assert [cells[0] for cells in Page(row._repr_html_()).rows] == list(shown)
    with pytest.raises(rnscli.InputError, match="only rows of a call with options"):
        row.plot()
    several = Rows.of(row for _ in range(2))
    assert several["p_err"] == [row.p_err] * 2 and "9.157e-07" in repr(several)
    for wrong in ([], [1], [row, rnscli.moduli()[0]]):
        with pytest.raises(rnscli.InputError, match="rows of one type"):
            Rows.of(wrong)


def test_what_is_shown_is_escaped() -> None:
    @dataclass(frozen=True, repr=False)
    class Named(ResultRow):
        name: Annotated[str, Column("Name.", "<b>&", identity=True)]
        value: Annotated[int, Column("Value.", tones={1: "bad"})]

    texts = ["</td><script>alert(1)</script>", "\"&amp;'"]
    page = Page(Rows.of([Named(text, n) for n, text in enumerate(texts)])._repr_html_())
    assert page.rows == [["<b>&", "value"], [texts[0], "0"], [texts[1], "1"]]
    assert Page(Named(texts[0], 1)._repr_html_()).rows == [["name", texts[0]], ["value", "1"]]
    assert Page(Rows.of([Named("<a>", n) for n in (1, 2)])._repr_html_()).texts["caption"] == (
        "<b>& = <a>"
    )
    assert len(Page(Rows.of([Named("a", 1)] * 2)._repr_html_()).rows) == 3


def test_long_rows_are_cut_and_warnings_stay() -> None:
    rows = rnscli.moduli(bits=6, vector_size=range(1, MAX_SHOWN + 5))
    page = Page(rows._repr_html_())
    assert len(page.rows) == MAX_SHOWN + 1
    assert f"... {len(rows)} rows in all" in page.texts["pre"]
    with pytest.warns(RuntimeWarning, match="no answer for bits 2"):
        rows = rnscli.moduli(bits=[2, 5, 6])
    assert "warning: no answer for bits 2" in Page(rows._repr_html_()).texts["pre"]
    assert rows[:0]._repr_html_() == "<p>no rows</p>"


def test_some_of_the_rows() -> None:
    rows = rnscli.moduli(bits=[5, 6], redundant=[0, 1])
    assert rows.where(bits=6, redundant=[0, 1])["redundant"] == [0, 1]
    assert list(rows.where(bits=np.array([6]))) == list(rows[2:])
    assert len(rows.where(bits=7)) == 0
    with pytest.raises(rnscli.InputError, match="no rows to draw"):
        rows.where(bits=7).plot()
    with pytest.raises(rnscli.InputError, match="no column 'bit'; did you mean bits"):
        rows.where(bit=6)


def test_sets_and_codes_say_what_they_are() -> None:
    assert eval(repr(SET), vars(rnscli)) == SET
    code = rnscli.RedundantCode(SET)
    assert eval(repr(code), vars(rnscli)) == code
    facts = {one[0]: one[1] for one in Page(code._repr_html_()).rows}
    assert facts["moduli"] == "61 59 55 53" and facts["redundant moduli"] == "63 62"
    assert facts["legitimate range L"] == "10491085 values, 23.32 bits: -5245542 .. 5245542"
    assert facts["corrects"] == "any 1 wrong residue"
    detecting = dict(rnscli.RedundantCode(SET, 1000, "detect").facts())
    assert (detecting["corrects"], detecting["detects"]) == ("nothing", "any 2 wrong residues")
    shared = rnscli.ModuliSet([60, 62, 64], factor=2)
    assert eval(repr(shared), vars(rnscli)) == shared
    assert dict(shared.facts())["common factor G"] == "2"


def test_every_row_of_a_command_shows_itself() -> None:
    context = click.Context(cli)
    for name in COMMANDS:
        for kind in getattr(cli.get_command(context, name), "row_types", {}).values():
            if kind.__module__.startswith("rnscli.analysis") and name != "store":
                assert issubclass(kind, ResultRow), kind
                assert kind.__repr__ is Described.__repr__, kind
                assert columns_of(kind)


# Pictures


@pytest.mark.thorough
def test_a_picture_is_that_of_the_shell(tmp_path: Path) -> None:
    options = ["--bits", "6", "--core", "rns,fixed-lp", "--pairs", "500"]
    assert run(["error-sim", *options, "--plot", f"{tmp_path / 'shell.svg'}"]) == 0
    rows = rnscli.dot_error(bits=6, core=["rns", "fixed-lp"], pairs=500)
    picture = rows.plot(tmp_path / "rows.svg")
    drawn = (tmp_path / "shell.svg").read_bytes()
    assert (tmp_path / "rows.svg").read_bytes() == drawn
    assert picture._repr_svg_().encode() == drawn
    with pytest.raises(rnscli.InputError, match=r"x\.gif has no known suffix"):
        picture.save("x.gif")
    with pytest.raises(rnscli.InputError, match="there is only one"):
        rows.plot(picture="layers")


@pytest.mark.thorough
def test_other_pictures(tmp_path: Path) -> None:
    chip = {"workload": "mnist-cnn", "core": "fixed-lp", "arrays": 600}
    words = ["--workload", "mnist-cnn", "--core", "fixed-lp", "--arrays", "600"]
    file = tmp_path / "shell.svg"
    assert run(["chip", *words, "--picture", "roofline", "--plot", str(file)]) == 0
    row = rnscli.chip(**chip)
    assert row.plot(picture="roofline")._repr_svg_().encode() == file.read_bytes()
    assert rnscli.chip(**chip, picture="roofline").plot()._repr_svg_().encode() == file.read_bytes()
    with pytest.raises(rnscli.InputError, match="did you mean roofline"):
        row.plot(picture="rofline")
    # Parts are drawn where rows are all that a picture takes.
    bills = rnscli.energy(bits=[4, 6], core="rns")
    assert run(["energy", "--bits", "6", "--core", "rns", "--plot", str(file)]) == 0
    assert bills[1].plot()._repr_svg_().encode() == file.read_bytes()
    assert rnscli.dot_error(bits=6, core="rns", pairs=100).plot()
    assert rnscli.dot_error(bits=[5, 6], core="rns", pairs=100)[0].plot()
    distributions = rnscli.dot_error(bits=[5, 6], core="rns", pairs=100, picture="distribution")
    assert distributions.plot()
    with pytest.raises(rnscli.InputError, match="of all rows"):
        distributions[0].plot()
    with pytest.raises(rnscli.InputError, match="leave `breakdown` out"):
        rnscli.energy(bits=6, breakdown=True).plot()
    with pytest.raises(rnscli.InputError, match="no picture of these rows"):
        Rows.of(list(bills)).plot()


# Progress


@pytest.fixture
def notebook(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What a notebook is told to show, one after the other in one place."""
    told: list[str] = []

    def display(seen: Mapping[str, str], raw: bool, display_id: bool) -> types.SimpleNamespace:
        told.append(seen["text/html"])
        return types.SimpleNamespace(update=lambda seen, raw: told.append(seen["text/html"]))

    fakes = {"IPython": types.ModuleType("IPython"), "IPython.display": types.ModuleType("display")}
    shell = types.SimpleNamespace(kernel=object())
    monkeypatch.setattr(fakes["IPython"], "get_ipython", lambda: shell, raising=False)
    monkeypatch.setattr(fakes["IPython.display"], "display", display, raising=False)
    for name, fake in fakes.items():
        monkeypatch.setitem(sys.modules, name, fake)
    monkeypatch.setattr(bars, "PATIENCE", -1.0)
    return told


def test_a_notebook_shows_how_far_a_call_has_come(notebook: list[str]) -> None:
    rnscli.dot_error(bits=[5, 6], core="rns", pairs=100)
    assert "of 200 pairs" in notebook[-2] and Page(notebook[-2]) and notebook[-1] == ""
    told = len(notebook)
    rnscli.dot_error(bits=[5, 6], core="rns", pairs=100, progress=False)
    assert len(notebook) == told
    code = rnscli.RedundantCode(rnscli.ModuliSet([63, 62, 61, 59]))
    size = rnscli.DotProduct(128, 6, 6)
    parameters = rnscli.DotErrorParameters(dot_product=size, bits=6, pairs=100, code=code)
    rnscli.dot_error(parameters, progress=True)
    assert "of 100 pairs" in notebook[-2]
    told, blocks = len(notebook), []
    rnscli.dot_error(parameters, progress=blocks.append)
    assert len(notebook) == told and blocks[-1].finished


def test_a_call_in_a_pipe_is_silent() -> None:
    code = (
        "import rnscli, sys; from rnscli.cli import bars, terminal\n"
        "bars.PATIENCE = terminal.PATIENCE = -1.0\n"
        "for progress in (None, False, True):\n"
        "    print(progress, file=sys.stderr)\n"
        "    rnscli.chip(workload='mnist-cnn', arrays=[600, 700], progress=progress)\n"
        "print(*{'IPython', 'rich', 'matplotlib'} & {*sys.modules})\n"
    )
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True
    )
    assert (ran.returncode, ran.stdout) == (0, "\n")
    silent, _, lines = ran.stderr.partition("True\n")
    assert silent == "None\nFalse\n"
    assert re.search(r"rnscli: \d of 6 chips", lines)


def test_parts_in_any_order_and_by_any_values() -> None:
    rows = rnscli.energy(bits=[4, 6], core="rns,fixed-lp")
    assert rows[::-1]["bits"] == rows["bits"][::-1] != rows["bits"]
    assert rows[:]["bits"] == rows["bits"]
    assert len(rows.where(bits=(4, 6))) == len(rows) == 4
    for nonsense in (iter([4]), lambda row: True):
        with pytest.raises(rnscli.InputError, match="`bits` is a value"):
            rows.where(bits=nonsense)


def test_more_rows_than_a_picture_has_room_for() -> None:
    """They are rows all the same, and only their picture is refused."""
    rows = rnscli.energy(bits=6, vector_size=range(1, 63), core="fixed-lp")
    assert len(rows) > 60
    with pytest.raises(rnscli.InputError, match="bars"):
        rows.plot().bytes("svg")
    assert rows[:3].plot().bytes("svg")
    assert len(rnscli.energy(bits=[4, 5, 6], sensitivity=True)) > 6


def test_pictures_of_parts_of_a_network() -> None:
    layers = rnscli.energy(workload="mnist-cnn", bits=6, core="rns,fixed-lp")
    for part in (layers[:1], layers[:2], layers[-1:], layers.where(layer="total")):
        assert part.plot().bytes("svg")

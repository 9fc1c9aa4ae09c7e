"""Where the rows of a command go, and their form there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rnscli import base, report
from rnscli.cli.result import PAGE, Result
from rnscli.cli.terminal import complain, hanging, is_terminal, say, write_standard_output

if TYPE_CHECKING:
    from rnscli.cli.comparing import Baseline

FORMATS = ("table", "list", "json", "csv", "markdown", "latex", "siunitx")
_TABLES = {  # what `report.table_text` calls them; no format is a table, or a list of one row
    None: "plain", "table": "table", "list": "list", "markdown": "markdown", "latex": "latex",
    "siunitx": "siunitx",
}  # fmt: skip
_ALSO = {"table": ("list",), "latex": ("siunitx",)}  # formats with the same suffix
_SUFFIXES = {".json": "json", ".csv": "csv", ".md": "markdown", ".tex": "latex", ".txt": "table"}


@dataclass(frozen=True, eq=False, repr=False)
class Output:
    """Where the rows of a command go; made, and so checked, before anything is computed.

    ``keys`` are what a requirement may name, each with whether it holds numbers, and ``titles``
    what tables call them. ``folder`` is one that the command writes besides, ``force`` whether it
    may replace it, and ``own`` what is in it, as `check_folder` takes it. ``has_page`` says whether
    the command makes a page of a run, and ``no_page`` is an option with which there is none.
    """

    keys: Mapping[str, bool]
    titles: Mapping[str, str]
    format: str | None
    output: Path | None
    plot: Path | None
    require: tuple[report.Requirement, ...]
    view: report.View
    folder: Path | None = None
    force: bool = False
    own: tuple[str, ...] = ()
    has_page: bool = False
    baseline: "Baseline | None" = None
    no_page: str | None = None

    def __post_init__(self) -> None:
        if self.output is not None:
            by_suffix = self._suffixes.get(self.output.suffix.lower())
            if self.format is None and by_suffix is None:
                raise base.InputError(
                    f"--output {self.output} has no known suffix; use one of "
                    f"{', '.join(self._suffixes)}, or give --format"
                )
            alike = (
                (None, self.format) if by_suffix is None else (by_suffix, *_ALSO.get(by_suffix, ()))
            )
            if self.format is not None and self.format not in alike:
                raise base.InputError(
                    f"--format {self.format} contradicts --output {self.output}, whose suffix "
                    f"means {by_suffix}; change one of them"
                )
            base.check_writable(self.output, "--output")
        if self.style == PAGE:
            if self.no_page is not None:
                ways = ", ".join(_SUFFIXES)
                raise base.InputError(
                    f"there is no page with {self.no_page}; its rows can be written as {ways}, and "
                    "drawn with --plot"
                )
            report.check_available("a page", ("matplotlib", "jinja2"))
        if self.plot is not None:
            kind = report.check_picture(self.plot, "--plot")
            if self.output is not None and self.output.resolve() == self.plot.resolve():
                raise base.InputError(
                    f"--output and --plot are both {self.plot}; give them different names"
                )
            report.check_available("--plot", report.PICTURES[kind])
        if self.folder is not None:
            self._check_folder(self.folder)
        elif self.force:
            raise base.InputError("--force is about --output; give that, too, or leave it out")
        for requirement in self.require:
            requirement.check_column(self.keys, self.titles)
        self.view.check(self.keys, self.titles)
        every = ("show", "wide", "keys")
        useless = {"json": every, PAGE: every, "csv": ("wide", "keys")}
        for option in useless.get(self.style or "", ()):
            if getattr(self.view, option):
                others = " and csv" if option == "show" else ""
                under = "" if self.style == PAGE else " under its key"
                raise base.InputError(
                    f"--{option} is about tables{others}; leave it out with --format {self.style}, "
                    f"which has every column{under}"
                )

    @property
    def _suffixes(self) -> Mapping[str, str]:
        return {**_SUFFIXES, ".html": PAGE} if self.has_page else _SUFFIXES

    @property
    def style(self) -> str | None:
        """The form of the rows; ``None`` is a table, or a list of one row."""
        suffix = "" if self.output is None else self.output.suffix.lower()
        by_suffix = self._suffixes.get(suffix)
        return self.format or (None if by_suffix == "table" else by_suffix)

    @property
    def draws(self) -> bool:
        """Whether pictures are drawn."""
        return self.plot is not None or self.folder is not None or self.style == PAGE

    def _check_folder(self, folder: Path) -> None:
        ways = "give another name, or --force to replace it"
        base.check_folder(folder, "--output", self.force, ways, self.own)

    def keep_apart(self, option: str, *paths: Path | None) -> None:
        """Refuse to write over files that the command reads, or records in."""
        for path in filter(None, paths):
            place = path.resolve()
            for written in filter(None, (self.output, self.plot)):
                if written.resolve() == place:
                    raise base.InputError(
                        f"{written} would be written over, but is {option}; give another name"
                    )
            if self.folder is not None and self.folder.resolve() in (place, *place.parents):
                raise base.InputError(
                    f"--output {self.folder} would be written over, but {option} is there; give "
                    "another name"
                )

    def finish(self, result: Result) -> None:
        """Write rows and plot, say which points had no answer, and exit with the verdict."""
        answer = result.answer
        say(answer.remarks, "more such remarks")
        picture = None
        if self.plot is not None and result.draw is not None:
            picture = result.draw(self.plot.suffix.lower()[1:])
        if self.folder is not None and answer.folder is not None:
            files = answer.folder(result)
            self._check_folder(self.folder)  # it may have come, or got other files, meanwhile
            base.write_folder(self.folder, files)
        write_result(result, self.style, self.output, self.view, self.require)
        if self.plot is not None and picture is not None:
            base.write_atomically(self.plot, picture)
        say([f"no answer {problem}" for problem in answer.problems], "more have no answer", "bad")
        # In the order in which they are shown, as sentences have the places of rows.
        required = self.view.arranged(result.rows[: answer.required])
        failures = report.failures(self.require, required, result.identity)
        failures = report.in_short(failures, self.require, required)
        changed = self._changed(result)
        broken = [*(answer.disagreements or ()), *failures, *changed]
        for line in broken:
            complain(line, "bad")
        if answer.problems:
            raise click.exceptions.Exit(2)
        if broken:
            raise click.exceptions.Exit(1)

    def _changed(self, result: Result) -> list[str]:
        """What differs from the baseline, in a few sentences."""
        if self.baseline is None:
            return []
        comparison = self.baseline.compared(result.json)
        say(comparison.remarks, "more things differ")
        return comparison.lines("the baseline", "this result")


def write_result(
    result: Result,
    style: str | None,
    path: Path | None = None,
    view: report.View | None = None,
    require: Sequence[report.Requirement] = (),
) -> None:
    """Write the rows in one of `FORMATS`, or as a page, to a file or to standard output.

    Tables have the columns of requirements, and those that rows are sorted by; a terminal marks
    what fails requirements.
    """
    view = view or report.View()
    if style not in _TABLES:
        ordered = replace(result, rows=view.arranged(result.rows))
        if style == PAGE:
            assert result.answer.page is not None
            text = result.answer.page(ordered)
        else:
            text = ordered.json if style == "json" else ordered.csv_of(view.show)
        write_text(text, path)
        return
    answer, is_text = result.answer, style in (None, "table", "list")
    rows, lines = view.arranged(result.rows[: answer.listed])[: answer.shown], answer.footer
    if answer.excerpt is not None and is_text:
        rows, sentence = answer.excerpt.of(result.rows, view)
        lines = [*hanging("", sentence), *lines]
    footer = "".join(f"{line}\n" for line in lines) if is_text else ""
    sorted_by = [one.removeprefix("-") for one in view.sort]
    required = [one.column for one in require]
    layout = result.layout.with_essential(_whole([*required, *sorted_by], result.columns))
    if is_text and path is None and is_terminal():
        judged = {id(row) for row in result.rows[: answer.required]}
        marked = {
            (place, key)
            for one in require
            for key in _whole([one.column], result.columns)
            for place, row in enumerate(rows)
            if id(row) in judged and one.concerns(row) and not one.holds(row)
        }
        report.print_table(rows, result.columns, layout, _TABLES[style], view, marked)
        write_standard_output(footer)
        return
    text = report.table_text(rows, result.columns, layout, _TABLES[style], view) + footer
    write_text(text, path)


def _whole(keys: Sequence[str], columns: Mapping[str, base.Column]) -> tuple[str, ...]:
    """Keys of columns; an end of an interval is not one."""
    whole = [key if key in columns else key.rpartition("_")[0] for key in keys]
    return tuple(dict.fromkeys(whole))


def write_text(text: str, path: Path | None = None) -> None:
    """Write a text to a file, or to standard output."""
    if path is None:
        write_standard_output(text)
    else:
        base.write_atomically(path, text.encode())

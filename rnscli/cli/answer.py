"""What a command computes once its options are checked, its answer, and where that is written."""

import re
import textwrap
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self, TypeVar

import click

from rnscli import base, report
from rnscli.cli.options import Point
from rnscli.cli.terminal import (
    Advance,
    complain,
    hanging,
    is_terminal,
    say,
    write_standard_output,
)

if TYPE_CHECKING:
    from rnscli.cli.comparing import Baseline
    from rnscli.runtime import Progress, Runner

Given = TypeVar("Given")
Made = TypeVar("Made")


class Bar(Protocol):
    """Draws how far a command has come, or does not."""

    def __call__(self, total: float, what: str) -> AbstractContextManager[Advance]: ...


def watch_blocks(
    advance: Advance,
    note: "Callable[[Progress[Any]], str]",
    total: "Callable[[float, Progress[Any]], float | None]" = lambda before, update: None,
) -> "Callable[[Progress[Any]], None]":
    """Tells a bar how far works have come that run one after the other.

    ``note`` is a line about the work at hand; ``total`` estimates how much there is in all, from
    what was done before that work.
    """
    before = recorded = 0

    def watch(update: "Progress[Any]") -> None:
        nonlocal before, recorded
        done, kept = before + update.samples, recorded + update.samples - update.computed
        advance(done, total(before, update), note=partial(note, update), recorded=kept)
        if update.finished:
            before, recorded = done, kept

    return watch


class Problem(str):
    """A sentence about a point without an answer."""

    point: Point

    def __new__(cls, sentence: str, point: Point) -> Self:
        made = super().__new__(cls, sentence)
        made.point = point
        return made


@dataclass(frozen=True, eq=False, repr=False)
class Excerpt:
    """Places of the rows that a person is shown of very many, and a sentence about the others."""

    places: Sequence[int]
    sentence: str

    def of(self, rows: Sequence[report.Row], view: report.View) -> tuple[Sequence[report.Row], str]:
        """What is shown of all rows, and the sentence: as many as sorted first, if they are."""
        if not view.sort:
            return [rows[place] for place in self.places], self.sentence
        count = len(self.places)
        return view.arranged(rows)[:count], (
            f"{len(rows) - count} of {len(rows)} rows are left out (all in --format csv and json): "
            f"the first {count} as sorted are shown"
        )


@dataclass(frozen=True, eq=False, repr=False)
class Answer:
    """The rows of a command, each with its point of the sweep, and sentences about them.

    A point has what the columns hold that options make: the values of the options, or better, what
    holds for the row; ``None`` where an option does not concern it.

    ``plot`` draws the rows on a canvas, and ``pictures`` what else there is to be
    seen of them, by name; ``page`` makes the web page of the run,
    where a command has one; ``folder`` makes the files of a folder, by
    relative path, where a command writes one. ``problems`` are points without an answer;
    ``disagreements`` fail like requirements (``None`` if nothing was compared); ``remarks`` only
    inform. A table is of the first ``listed`` rows and has the first ``shown`` of these, as they
    are sorted, or as plain text those of an ``excerpt``, and the lines of ``footer`` below;
    requirements are about the first ``required`` rows.
    """

    results: Sequence[tuple[Point, Any]]
    plot: report.Plot | None = None
    problems: Sequence[str] = ()
    disagreements: Sequence[str] | None = None
    remarks: Sequence[str] = ()
    listed: int | None = None
    shown: int | None = None
    excerpt: Excerpt | None = None
    footer: Sequence[str] = ()
    required: int | None = None
    layout: report.Layout | None = None  # in place of that of the command
    page: "Callable[[Result], str] | None" = None
    folder: "Callable[[Result], Mapping[str, bytes]] | None" = None
    pictures: Mapping[str, report.Plot] = field(default_factory=dict)

    def without_defaults(self, options: Mapping[str, Any], given: Collection[str]) -> Self:
        """With problems of what nobody asked for as remarks.

        A default may be more than there is an answer for: such a point is left out where another
        one with the same values of what is ``given`` has an answer. Of a default of several cores
        the first is what the command is about, and the others are there to be compared with it.
        """
        swept = [n for n in given if isinstance(options.get(n), tuple) and len(options[n]) > 1]
        default_core = None if "core" in given else (options.get("core") or (None,))[0]

        def asked(point: Point) -> tuple[object, ...]:
            first = default_core is not None and point.get("core") == default_core
            return first, *(point.get(name) for name in swept)

        known = {asked(point) for point, _ in self.results}
        points = {one: one.point for one in self.problems if isinstance(one, Problem)}
        spare = {one: None for one, point in points.items() if asked(point) in known}
        return replace(
            self,
            problems=[one for one in self.problems if one not in spare],
            remarks=[*self.remarks, *(f"left out {one}" for one in spare)],
        )


@dataclass(frozen=True, eq=False, repr=False)
class Question:
    """Checked options of a command, and the function that computes its answer from them.

    ``options`` are those that the JSON document states, defaults filled in. ``reads`` are the
    files that must not be written over, by what names them, and ``files`` those that options name.
    ``in_blocks`` says that most of the
    work is blocks for the runner. A batch computes one that ``is_quick`` before all others if they
    refer to its rows, so that these can be checked; and keeps rows only where they are
    ``is_lasting``, and do not change with what others record.
    """

    options: Mapping[str, Any]
    compute: Callable[["Runner | None", Bar], Answer]
    reads: Mapping[str, list[Path]] = field(default_factory=dict)
    in_blocks: bool = False
    is_quick: bool = False
    is_lasting: bool = True
    files: Sequence[report.NamedFile] = ()
    given: Collection[str] = ()  # names of the options that are not left to their defaults
    # Draws rows of before, where the picture takes no more than them.
    picture: report.Plot | None = None


def prepared(
    points: Iterable[Point],
    prepare: Callable[[Point], Made],
    axes: Collection[str] | None = None,
) -> tuple[list[tuple[Point, Made]], list[str]]:
    """Each point with its parameter object, and a sentence for each point that has no answer.

    All objects are made before anything is computed, so that a value that every point refuses is
    refused at once. ``axes`` are what a sentence may name of a point; all that differs if not
    given. If no point has an answer, that is an error.
    """
    return answered([(point, point) for point in points], prepare, axes)


def answered(
    pairs: Sequence[tuple[Point, Given]],
    answer: Callable[[Given], Made],
    axes: Collection[str] | None = None,
    advance: Advance | None = None,
) -> tuple[list[tuple[Point, Made]], list[str]]:
    """As `prepared`, for points with their parameter objects; a bar is told of each."""
    ready: list[tuple[Point, Made]] = []
    missing: list[tuple[Point, base.RnscliError]] = []
    for done, (point, given) in enumerate(pairs, 1):
        try:
            ready.append((point, answer(given)))
        except base.RnscliError as error:
            missing.append((point, error))
        if advance is not None:
            advance(done)
    if not ready:
        first, *others = dict.fromkeys(str(error) for _, error in missing)
        more = f" (and {len(others)} more points without an answer)" if others else ""
        raise base.NoSolutionError(first + more, *missing[0][1].arguments)
    begin = pairs[0][0]
    swept = [
        name
        for name in (begin if axes is None else axes)
        if any(point[name] != begin[name] for point, _ in pairs)
    ]
    return ready, [
        Problem(f"for {', '.join(f'{n} {_in_words(point[n])}' for n in swept)}: {error}", point)
        for point, error in missing
    ]


def _in_words(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


@dataclass(frozen=True, eq=False, repr=False)
class Result:
    """Rows of a command with the parameters that they were computed with.

    ``given`` are names of the options that are not left to their defaults, ``files`` what they
    name, and ``command_line`` is what was typed, where the command was run in a shell; ``summary``
    says what the command is for.
    """

    command: str
    parameters: Mapping[str, object]
    columns: Mapping[str, base.Column]
    rows: Sequence[report.Row]
    layout: report.Layout
    answer: Answer
    given: Sequence[str] | None = None
    files: Sequence[report.NamedFile] = ()
    command_line: str = ""
    summary: str = ""

    @property
    def json(self) -> str:
        return report.json_text(self.command, self.parameters, self.rows, self.given, self.files)

    @property
    def csv(self) -> str:
        """The rows as CSV, with two columns for each interval."""
        return self.csv_of(())

    def csv_of(self, keys: Sequence[str]) -> str:
        """The rows as CSV with these columns only, or with all; an interval stands for its ends."""
        rows = [base.flat_row(self.columns.values(), row) for row in self.rows]
        flat = [one for key in keys or self.columns for one in self._flat(key)]
        return report.csv_text(flat, [{key: row[key] for key in flat} for row in rows])

    def _flat(self, key: str) -> tuple[str, ...]:
        return self.columns[key].flat_keys if key in self.columns else (key,)

    @property
    def identity(self) -> tuple[str, ...]:
        """Keys of the values that tell a row from others, lists last."""
        marked = [column for column in self.columns.values() if column.identity]
        return tuple(column.key for column in sorted(marked, key=lambda one: one.is_list))

    @property
    def draw(self) -> Callable[[str], bytes] | None:
        """Draws the rows in one of `PICTURES`; ``None`` where there is no picture."""
        return (
            None if self.answer.plot is None else partial(self.drawn, self.answer.plot, self.rows)
        )

    def drawn(self, plot: report.Plot, rows: Sequence[report.Row], kind: str) -> bytes:
        """A picture of rows of the result, in one of `PICTURES`."""
        fixed = report.fixed(rows, self.columns, self.layout)
        canvas = report.Canvas(kind, fixed, self.columns, self.swept)
        if kind == PAGE:
            return report.page_html(self._page_of_picture(plot, rows, canvas)).encode()
        return plot(rows, canvas)

    def _page_of_picture(
        self, plot: report.Plot, rows: Sequence[report.Row], canvas: report.Canvas
    ) -> report.RunPage:
        def draw(on_page: report.Canvas) -> bytes:
            return plot(rows, replace(on_page, columns=canvas.columns, swept=canvas.swept))

        part = replace(self, rows=rows)
        # What is the same in all rows stands below the picture.
        shown = report.differing(rows, self.columns, self.layout)
        return report.RunPage(
            title=f"rnscli {self.command}",
            lead=self.summary,
            command=self.command_line,
            options=self.stated,
            tables=[report.PageTable("Rows", rows, self.columns, shown)],
            pictures=[report.PagePicture("picture", "Picture", canvas.fixed, draw)],
            notes={
                "Below the table": _sentences(self.answer.footer),
                "Remarks": self.answer.remarks,
                "No answer": self.answer.problems,
            },
            documents={f"{self.command}.json": part.json, f"{self.command}.csv": part.csv},
            picture_first=True,
        )

    @property
    def stated(self) -> list[tuple[str, str, bool]]:
        """Options that have a value, by their flags, and whether they were given; these first."""
        found = []
        for name, value in self.parameters.items():
            if value is None or value is False or value == ():
                continue
            values = value if isinstance(value, tuple | list) else (value,)
            shown = "yes" if value is True else _listed(values)
            flag = f"--{name.replace('_', '-')}"
            found.append((flag, textwrap.shorten(shown, 400), name in (self.given or ())))
        return sorted(found, key=lambda one: not one[2])

    @property
    def swept(self) -> tuple[str, ...]:
        """Names of the options with several values."""
        several = self.parameters.items()
        return tuple(n for n, one in several if isinstance(one, tuple | list) and len(one) > 1)


_MOST = 8  # values of an option that are listed


def _listed(values: Sequence[object]) -> str:
    """Values of an option, of which a person reads the first and the last where there are many."""
    texts = [f"{one:.6g}" if isinstance(one, float) else str(one) for one in values]
    if len(texts) > _MOST:
        texts = [*texts[:3], "..", f"{texts[-1]} ({len(texts)} values)"]
    return ", ".join(texts)


def _sentences(lines: Sequence[str]) -> list[str]:
    """The paragraphs of a footer, whose lines are as long as a terminal's."""
    made: list[list[str]] = [[]]
    for line in lines:
        begins = re.match(r"\S+(?: \S+)?: ", line) is not None
        if not line.strip() or begins:
            made.append([])
        if line.strip():
            made[-1].append(line.strip())
    return [" ".join(one) for one in made if one]


FORMATS = ("table", "list", "json", "csv", "markdown", "latex", "siunitx")
PAGE = "html"  # of commands that make a page of a run
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

"""What a command computes once its options are checked, and its answer."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self, TypeVar

from rnscli import base, report
from rnscli.cli.options import Point
from rnscli.cli.terminal import Advance

if TYPE_CHECKING:
    from rnscli.cli.result import Result
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

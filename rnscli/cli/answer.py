"""What a command asks once its options are checked, and what it answers with."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from rnscli.base import Column, NoSolutionError, RnscliError, flat_row
from rnscli.cli.options import Point, SplitSet
from rnscli.cli.terminal import Advance
from rnscli.report import Layout, Requirement, Row, csv_text, failures, json_text

if TYPE_CHECKING:
    from rnscli.runtime import Runner

Given = TypeVar("Given")
Made = TypeVar("Made")


class Bar(Protocol):
    """Draws how far a command has come, or does not."""

    def __call__(self, total: float, what: str) -> AbstractContextManager[Advance]:
        """For ``total`` of something."""
        ...


@dataclass(frozen=True)
class Answer:
    """The rows that a command found, each with its point of the sweep, and what is said of them.

    A point has what the columns hold that options make: the values of the options, or better, what
    holds for the row; ``None`` where an option does not concern it.

    ``plot`` draws the rows in a format: png, svg or pdf; ``folder`` makes the files of a folder, by
    relative path, where a command writes one. ``problems`` are points without an
    answer; ``disagreements`` fail like requirements (``None`` if nothing was compared); ``remarks``
    only inform. A table has the
    first ``shown`` rows and the lines of ``footer`` below; requirements are about the first
    ``required`` rows.
    """

    results: Sequence[tuple[Point, Any]]
    plot: Callable[[Sequence[Row], str], bytes] | None = None
    problems: Sequence[str] = ()
    disagreements: Sequence[str] | None = None
    remarks: Sequence[str] = ()
    shown: int | None = None
    footer: Sequence[str] = ()
    required: int | None = None
    layout: Layout | None = None  # in place of that of the command
    folder: "Callable[[Result], Mapping[str, bytes]] | None" = None


@dataclass(frozen=True)
class Question:
    """Checked options of a command, and the function that computes its answer from them.

    ``options`` are those that the JSON document states, defaults filled in. ``reads`` are the
    files that must not be written over, by what names them. ``in_blocks`` says that most of the
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


def prepared(
    points: Iterable[Point],
    prepare: Callable[[Point], Made],
    axes: Collection[str] | None = None,
) -> tuple[list[tuple[Point, Made]], list[str]]:
    """Each point with its parameter object, and a sentence for each point that has no answer.

    All objects are made before anything is computed, so that what no point accepts is refused at
    once. ``axes`` are what a sentence may name of a point; all that differs if not given.

    Raises
    ------
    RnscliError
        If no point has an answer.
    """
    return answered([(point, point) for point in points], prepare, axes)


def answered(
    pairs: Sequence[tuple[Point, Given]],
    answer: Callable[[Given], Made],
    axes: Collection[str] | None = None,
) -> tuple[list[tuple[Point, Made]], list[str]]:
    """As `prepared`, for points with their parameter objects.

    Raises
    ------
    RnscliError
        If no point has an answer.
    """
    ready: list[tuple[Point, Made]] = []
    missing: list[tuple[Point, RnscliError]] = []
    for point, given in pairs:
        try:
            ready.append((point, answer(given)))
        except RnscliError as error:
            missing.append((point, error))
    if not ready:
        first, *others = dict.fromkeys(str(error) for _, error in missing)
        more = f" (and {len(others)} more points without an answer)" if others else ""
        raise NoSolutionError(first + more, *missing[0][1].arguments)
    begin = pairs[0][0]
    swept = [
        name
        for name in (begin if axes is None else axes)
        if any(point[name] != begin[name] for point, _ in pairs)
    ]
    return ready, [
        f"for {', '.join(f'{name} {_in_words(point[name])}' for name in swept)}: {error}"
        for point, error in missing
    ]


def _in_words(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


@dataclass(frozen=True)
class Result:
    """Rows of a command with the parameters that they were computed with, and the verdicts."""

    command: str
    parameters: Mapping[str, object]
    columns: Mapping[str, Column]
    rows: Sequence[Row]
    layout: Layout
    answer: Answer

    @classmethod
    def of(
        cls,
        command: str,
        columns: Mapping[str, Column],
        axes: Mapping[str, Column],
        layout: Layout,
        stated: Sequence[str],
        question: Question,
        answer: Answer,
    ) -> "Result":
        """The rows of an answer.

        ``columns`` are all columns by their keys, ``axes`` those of them that options make, by the
        option, and ``stated`` the options in the order of the help: all whatever the order on the
        command line. A table shows what is swept, also where the layout does not name it.
        """
        options = question.options
        rows: list[Row] = [
            asdict(result) | {one.key: _plain(point[name]) for name, one in axes.items()}
            for point, result in answer.results
        ]
        parameters = {name: _said(options[name]) for name in stated if name in options}
        shown = answer.layout or layout
        keys = {name: name for name in columns} | {name: one.key for name, one in axes.items()}
        several = {name: key for name, key in keys.items() if isinstance(options.get(name), tuple)}
        swept = {key for name, key in several.items() if len(options[name]) > 1}
        for name, key in several.items():
            each = columns[key].of_each
            if each is not None and any(isinstance(value, tuple) for value in options[name]):
                swept.add(each)
        more = [key for key in columns if key in swept and key not in shown.keys]
        shown = replace(
            shown,
            parameters=(*more, *shown.parameters),
            optional=tuple(key for key in shown.optional if key not in swept),
            essential=(*shown.essential, *swept),
        )
        return cls(command, parameters, columns, rows, shown, answer)

    @property
    def json(self) -> str:
        """The JSON document."""
        return json_text(self.command, self.parameters, self.rows)

    @property
    def csv(self) -> str:
        """The rows as CSV, with two columns for each interval."""
        rows = [flat_row(self.columns.values(), row) for row in self.rows]
        return csv_text(list(rows[0]), rows)

    @property
    def identity(self) -> tuple[str, ...]:
        """Keys of the values that tell a row from others, lists last."""
        marked = [column for column in self.columns.values() if column.identity]
        return tuple(column.key for column in sorted(marked, key=lambda one: one.is_list))

    def failures(self, requirements: Sequence[Requirement]) -> list[str]:
        """A line for each row and requirement that it does not meet."""
        return failures(requirements, self.rows[: self.answer.required], self.identity)

    @property
    def draw(self) -> Callable[[str], bytes] | None:
        """Draws the rows in a format: png, svg or pdf; ``None`` where there is no picture."""
        plot = self.answer.plot
        return None if plot is None else lambda file_format: plot(self.rows, file_format)


def _said(value: Any) -> Any:
    """An option as the JSON document states it: a sweep of one value is that value."""
    if isinstance(value, tuple):
        said = tuple(map(_plain, value))
        return said[0] if len(said) == 1 else said or None
    return _plain(value)


def _plain(value: Any) -> Any:
    """What is a text in a document, as one."""
    return str(value) if isinstance(value, Path | SplitSet) else value

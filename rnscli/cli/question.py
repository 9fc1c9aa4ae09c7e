"""What a command asks, once its options are checked, and what it finds."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from rnscli.cli.progress import Advance
from rnscli.cli.sweep import Point
from rnscli.core.errors import NoSolutionError, RnscliError
from rnscli.report.table import Layout, Row

if TYPE_CHECKING:
    from rnscli.cli.result import Result
    from rnscli.runtime.runner import Runner

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
    work is blocks for the runner.
    """

    options: Mapping[str, Any]
    compute: Callable[["Runner | None", Bar], Answer]
    reads: Mapping[str, list[Path]] = field(default_factory=dict)
    in_blocks: bool = False


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
    missing: list[tuple[Point, str]] = []
    for point, given in pairs:
        try:
            ready.append((point, answer(given)))
        except RnscliError as error:
            missing.append((point, str(error)))
    if not ready:
        first, *others = dict.fromkeys(message for _, message in missing)
        more = f" (and {len(others)} more points without an answer)" if others else ""
        raise NoSolutionError(first + more)
    begin = pairs[0][0]
    swept = [
        name
        for name in (begin if axes is None else axes)
        if any(point[name] != begin[name] for point, _ in pairs)
    ]
    return ready, [
        f"for {', '.join(f'{name} {_plain(point[name])}' for name in swept)}: {message}"
        for point, message in missing
    ]


def _plain(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)

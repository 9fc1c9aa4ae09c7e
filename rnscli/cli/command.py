"""Commands that answer with rows: the options that they share, and how they run."""

from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import click

from rnscli.base import Column, RegistrationError, columns_of, numeric_keys, option_columns
from rnscli.cli.answer import Answer, Question, Result
from rnscli.cli.examples import WithExamples
from rnscli.cli.options import Candidates, ParamType, files_read, of_names
from rnscli.cli.output import FORMATS, Output
from rnscli.cli.terminal import progress_bar
from rnscli.report import Layout, Requirement

OUTPUT_OPTIONS = ("format", "output", "plot", "require")
_REPLACE = "force"  # beside an output that is a folder
RUN_OPTIONS = ("jobs", "scheduler", "store", "quiet")  # which do not change the result


class AnswerCommand(WithExamples):
    """A command whose function checks its options and returns a `Question`.

    ``--format --output --plot --require`` are added to its own options.

    Parameters
    ----------
    callback
        Of all options but those four, and whether a picture will be drawn or a folder written.
    row_type, layout
        Of the rows, and how a table shows them.
    plot
        What the picture shows, in words; without it there is none.
    instead
        Rows of another type, with their layout, by the name of the option that asks for them.
    axes
        Options that become columns of rows which have none of that name, with the type hints and
        `Column` of these; a column is there whatever is swept, and empty where its option does not
        concern a row.
    folder
        What it writes, in words, where ``--output`` is a folder besides the result on standard
        output; ``--force`` is added then, for folders that have only these ``own`` entries.
    """

    def __init__(
        self,
        *,
        callback: Callable[[dict[str, Any], bool], Question],
        params: list[click.Parameter],
        row_type: type,
        layout: Layout,
        plot: str | None,
        instead: Mapping[str, tuple[type, Layout]] | None = None,
        axes: Mapping[str, Any] | None = None,
        folder: str | None = None,
        own: tuple[str, ...] = (),
        **attributes: Any,
    ) -> None:
        """Take the function that prepares, and say what its rows are."""
        super().__init__(params=[*params, *_output_options(plot, folder)], **attributes)
        self.prepare = callback
        counted = Counter(option.name for option in self.params)
        for name in (name for name, count in counted.items() if count > 1):
            # Constants of what other packages register are options, too.
            raise RegistrationError(f"rnscli {self.name} has two options `{name}`; rename one")
        self._writes_folder, self._own = folder is not None, own
        self._rows = row_type, layout
        self._instead = instead or {}
        self._axes = option_columns(axes or {})
        # A field without a column is an error here, when the command is imported.
        self.columns_by_type = {one: self._of_rows(one) for one in self.row_types.values()}

    @property
    def row_types(self) -> dict[str | None, type]:
        """Type of the rows, and those that an option asks for, by its name."""
        row_types: dict[str | None, type] = {None: self._rows[0]}
        return row_types | {option: row_type for option, (row_type, _) in self._instead.items()}

    @property
    def stated(self) -> list[click.Parameter]:
        """The options that the JSON document states, in the order of the help."""
        left_out = (*OUTPUT_OPTIONS, *RUN_OPTIONS, _REPLACE)
        return [option for option in self.params if option.name not in left_out]

    def rows(self, options: Mapping[str, Any]) -> tuple[type, Layout]:
        """Type of the rows that these options ask for, and their layout."""
        asked = (rows for option, rows in self._instead.items() if options.get(option))
        return next(asked, self._rows)

    def axes(self, row_type: type) -> dict[str, Column]:
        """Columns that options add to rows of a type, by the option."""
        # What asks for rows of another type is a column of these.
        others = {*self._instead, *columns_of(row_type)}
        return {name: column for name, column in self._axes.items() if name not in others}

    def _of_rows(self, row_type: type) -> dict[str, Column]:
        added = {column.key: column for column in self.axes(row_type).values()}
        return {**columns_of(row_type), **added}

    def columns(self, options: Mapping[str, Any]) -> dict[str, Column]:
        """Columns of the rows that these options ask for, by their keys."""
        return self.columns_by_type[self.rows(options)[0]]

    def result(self, question: Question, answer: Answer) -> Result:
        """The rows of an answer, with the parameters in the order of the help."""
        assert self.name is not None
        row_type, layout = self.rows(question.options)
        names = [option.name for option in self.stated if option.name is not None]
        columns, axes = self.columns_by_type[row_type], self.axes(row_type)
        return Result.of(self.name, columns, axes, layout, names, question, answer)

    def invoke(self, ctx: click.Context) -> None:
        """Check, compute, write; all that can be refused is refused before it is computed."""
        options = dict(ctx.params)
        ways = {name: options.pop(name, None) for name in OUTPUT_OPTIONS}
        if self._writes_folder:
            ways |= {"folder": ways["output"], "output": None}
            ways |= {"force": options.pop(_REPLACE), "own": self._own}
        output = Output(keys=numeric_keys(self.columns(options).values()), **ways)
        for option, paths in files_read().items():
            output.keep_apart(option, *paths)
        output.keep_apart("--store", options.get("store"))
        drawn = output.plot is not None or output.folder is not None
        question = self.prepare(options, drawn)
        for option, paths in question.reads.items():
            output.keep_apart(option, *paths)
        with ExitStack() as stack:
            runner = None
            if "jobs" in options:
                from rnscli.cli.options import runner_of

                runner = stack.enter_context(runner_of(options))
            bar = partial(progress_bar, quiet=bool(options.get("quiet")))
            answer = question.compute(runner, bar)
        output.finish(self.result(question, answer))


class SummaryCommand(WithExamples):
    """A command that answers with rows about what other commands did.

    Parameters
    ----------
    row_types
        Type of the rows by the name of the option that asks for it, ``None`` for no such option.
    parameters
        What its JSON document states, with the meaning of each; all of them are texts.
    """

    def __init__(
        self,
        *,
        row_types: Mapping[str | None, type],
        parameters: Mapping[str, str],
        **attributes: Any,
    ) -> None:
        """Keep what its documents hold."""
        super().__init__(**attributes)
        self.row_types, self.parameters = row_types, parameters
        # A field without a column is an error here, when the command is imported.
        self.columns_by_type = {one: columns_of(one) for one in row_types.values()}


class _RequirementType(ParamType):
    name = "'COLUMN <= NUMBER'"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Requirement:
        return value if isinstance(value, Requirement) else Requirement.parse(value)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> Candidates:
        """The columns that hold numbers."""
        assert isinstance(ctx.command, AnswerCommand)
        kinds = numeric_keys(ctx.command.columns(ctx.params).values())
        return of_names(incomplete, [name for name, is_number in kinds.items() if is_number])


def _output_options(plot: str | None, folder: str | None) -> list[click.Parameter]:
    """``--format --output --plot --require``; ``plot`` says what the picture shows."""
    options: list[click.Parameter] = [
        click.Option(
            ["--format"],
            type=click.Choice(FORMATS),
            help="Form of the result.  [default: table]",
        ),
        *(_file_options() if folder is None else _folder_options(folder)),
    ]
    if plot is not None:
        options.append(
            click.Option(
                ["--plot"],
                type=click.Path(path_type=Path),
                metavar="FILE",
                help=f"Draw {plot} as .png, .svg or .pdf (needs the extra rnscli[plot]).",
            )
        )
    options.append(
        click.Option(
            ["--require"],
            type=_RequirementType(),
            multiple=True,
            help="Exit with code 1 unless this holds in every row; any column, repeatable.",
        )
    )
    return options


def _file_options() -> list[click.Parameter]:
    return [
        click.Option(
            ["--output"],
            type=click.Path(path_type=Path),
            metavar="FILE",
            help="Write the result there; the suffix .json, .csv, .md, .tex or .txt chooses the "
            "format.",
        )
    ]


def _folder_options(what: str) -> list[click.Parameter]:
    return [
        click.Option(
            ["--output"],
            type=click.Path(path_type=Path),
            metavar="DIR",
            help=f"Write {what} in this folder, all or nothing.",
        ),
        click.Option(["--force"], is_flag=True, help="Replace the folder if it exists."),
    ]

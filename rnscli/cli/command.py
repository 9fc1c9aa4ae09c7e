"""Commands that answer with rows: the options that they share, and how they run."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import click

from rnscli.cli.output import FORMATS, Output
from rnscli.cli.progress import progress_bar
from rnscli.cli.question import Question
from rnscli.cli.result import Result
from rnscli.cli.sweep import ParamType, files_read
from rnscli.report.requirements import Requirement
from rnscli.report.table import Layout

OUTPUT_OPTIONS = ("format", "output", "plot", "require")
RUN_OPTIONS = ("jobs", "scheduler", "store", "quiet")  # which do not change the result


class AnswerCommand(click.Command):
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
        May choose rows of another type by the options.
    folder
        What it writes, in words, where ``--output`` is a folder besides the result on standard
        output; ``--force`` is added then.
    """

    def __init__(
        self,
        *,
        callback: Callable[[dict[str, Any], bool], Question],
        params: list[click.Parameter],
        row_type: type,
        layout: Layout,
        plot: str | None,
        instead: Callable[[Mapping[str, Any]], tuple[type, Layout] | None] = lambda options: None,
        folder: str | None = None,
        **attributes: Any,
    ) -> None:
        """Take the function that prepares, and say what its rows are."""
        super().__init__(params=[*params, *_output_options(plot, folder)], **attributes)
        self.prepare = callback
        self._writes_folder = folder is not None
        self._rows = row_type, layout
        self._instead = instead

    def rows(self, options: Mapping[str, Any]) -> tuple[type, Layout]:
        """Type of the rows that these options ask for, and their layout."""
        return self._instead(options) or self._rows

    def result(self, question: Question, answer: Any) -> Result:
        """The rows of an answer, with the parameters in the order of the help."""
        assert self.name is not None
        declared = [p.name for p in self.params if p.name and p.name not in RUN_OPTIONS]
        return Result.of(self.name, *self.rows(question.options), declared, question, answer)

    def invoke(self, ctx: click.Context) -> None:
        """Check, compute, write; all that can be refused is refused before it is computed."""
        options = dict(ctx.params)
        ways = {name: options.pop(name, None) for name in OUTPUT_OPTIONS}
        if self._writes_folder:
            ways |= {"folder": ways["output"], "output": None, "force": options.pop("force")}
        row_type, _ = self.rows(options)
        output = Output(row_type=row_type, **ways)
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
                from rnscli.cli.running import runner_of

                runner = stack.enter_context(runner_of(options))
            bar = partial(progress_bar, quiet=bool(options.get("quiet")))
            answer = question.compute(runner, bar)
        output.finish(self.result(question, answer))


class _RequirementType(ParamType):
    name = "'COLUMN <= NUMBER'"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Requirement:
        return value if isinstance(value, Requirement) else Requirement.parse(value)


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

"""From a result to standard output or a file, in every command the same way."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import click

from rnscli.base import InputError, check_folder, check_writable, write_atomically, write_folder
from rnscli.cli.answer import Result
from rnscli.cli.terminal import complain, is_terminal, say, write_standard_output
from rnscli.report import Requirement, print_table, table_text

FORMATS = ("table", "json", "csv", "markdown", "latex")
_SUFFIXES = {".json": "json", ".csv": "csv", ".md": "markdown", ".tex": "latex", ".txt": "table"}
_PLOT_SUFFIXES = (".png", ".svg", ".pdf")


@dataclass(frozen=True)
class Output:
    """Where the rows of a command go; made, and so checked, before anything is computed.

    ``keys`` are what a requirement may name, each with whether it holds numbers. ``folder`` is one
    that the command writes besides, ``force`` whether it may replace it, and ``own`` what is in it,
    as `check_folder` takes it.
    """

    keys: Mapping[str, bool]
    format: str | None
    output: Path | None
    plot: Path | None
    require: tuple[Requirement, ...]
    folder: Path | None = None
    force: bool = False
    own: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what could not be written or decided later."""
        if self.output is not None:
            by_suffix = _SUFFIXES.get(self.output.suffix.lower())
            if self.format is None and by_suffix is None:
                raise InputError(
                    f"--output {self.output} has no known suffix; use one of "
                    f"{', '.join(_SUFFIXES)}, or give --format"
                )
            if self.format is not None and by_suffix not in (None, self.format):
                raise InputError(
                    f"--format {self.format} contradicts --output {self.output}, whose suffix "
                    f"means {by_suffix}; change one of them"
                )
            check_writable(self.output, "--output")
        if self.plot is not None:
            if self.plot.suffix.lower() not in _PLOT_SUFFIXES:
                raise InputError(
                    f"--plot {self.plot} has no known suffix; use one of "
                    f"{', '.join(_PLOT_SUFFIXES)}"
                )
            if self.output is not None and self.output.resolve() == self.plot.resolve():
                raise InputError(
                    f"--output and --plot are both {self.plot}; give them different names"
                )
            check_writable(self.plot, "--plot")
            from rnscli.report import check_available

            check_available()
        if self.folder is not None:
            self._check_folder(self.folder)
        elif self.force:
            raise InputError("--force is about --output; give that, too, or leave it out")
        for requirement in self.require:
            requirement.check_column(self.keys)

    def _check_folder(self, folder: Path) -> None:
        ways = "give another name, or --force to replace it"
        check_folder(folder, "--output", self.force, ways, self.own)

    def keep_apart(self, option: str, *paths: Path | None) -> None:
        """Refuse to write over files that the command reads, or records in."""
        for written in (self.output, self.plot):
            if written is not None and written.resolve() in [p.resolve() for p in paths if p]:
                raise InputError(
                    f"{written} would be written over, but is {option}; give another name"
                )
        for path in filter(None, paths):
            place = path.resolve()
            if self.folder is not None and self.folder.resolve() in (place, *place.parents):
                raise InputError(
                    f"--output {self.folder} would be written over, but {option} is there; give "
                    "another name"
                )

    @property
    def chosen_format(self) -> str:
        """The format asked for, by name or suffix; a table if there is neither."""
        if self.format is not None:
            return self.format
        return _SUFFIXES[self.output.suffix.lower()] if self.output is not None else "table"

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
            write_folder(self.folder, files)
        write_result(result, self.chosen_format, self.output)
        if self.plot is not None and picture is not None:
            write_atomically(self.plot, picture)
        say([f"no answer {problem}" for problem in answer.problems], "more have no answer")
        broken = [*(answer.disagreements or ()), *result.failures(self.require)]
        for line in broken:
            complain(line)
        if answer.problems:
            raise click.exceptions.Exit(2)
        if broken:
            raise click.exceptions.Exit(1)


def write_result(result: Result, style: str, path: Path | None = None) -> None:
    """Write the rows in one of `FORMATS` to a file, or to standard output."""
    rows = result.rows[: result.answer.shown]
    footer = "".join(f"{line}\n" for line in result.answer.footer)
    if style == "table" and path is None and is_terminal():
        print_table(rows, result.columns, result.layout)
        write_standard_output(footer)
        return
    if style == "json":
        text = result.json
    elif style == "csv":
        text = result.csv
    else:
        form = "plain" if style == "table" else style
        text = table_text(rows, result.columns, result.layout, form)
        if style == "table":
            text += footer
    if path is None:
        write_standard_output(text)
    else:
        write_atomically(path, text.encode())

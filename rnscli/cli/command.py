"""Commands that answer with rows: the options that they share, and how they run."""

import shlex
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import fields, replace
from functools import partial
from pathlib import Path
from typing import Any

import click

from rnscli import base, report
from rnscli.cli import options
from rnscli.cli.answer import Answer, Bar, Question
from rnscli.cli.comparing import Baseline, ToleranceType
from rnscli.cli.help_page import GroupedOption, WithExamples
from rnscli.cli.output import FORMATS, Output
from rnscli.cli.result import PAGE, Result
from rnscli.cli.terminal import progress_bar

VIEW_OPTIONS = tuple(one.name for one in fields(report.View))
OUTPUT_OPTIONS = ("format", "output", "plot", "require", "baseline", "allow", *VIEW_OPTIONS)
_TYPED = f"{__name__}.typed"
_REPLACE = "force"  # beside an output that is a folder
RUN_OPTIONS = ("jobs", "scheduler", "store", "quiet")  # which do not change the result


class AnswerCommand(WithExamples):
    """A command whose function checks its options and returns a `Question`.

    ``--quiet``, `OUTPUT_OPTIONS` and those of a `View` are added to its own; ``callback`` takes
    none of these but the first, and whether a picture will be drawn or a folder written. ``plot``
    says what the picture shows; without it there is none. ``instead`` gives rows of another type,
    with their layout, by the name of the option that asks for them; what is not asked for is not
    loaded.

    ``axes`` are options that become columns of rows which have none of that name, with the type
    hints and `Column` of these; a column is there whatever is swept, and empty where its option
    does not concern a row.

    ``answers`` are columns that an option asks for: a table leaves others out before them.

    ``needs`` are options that change nothing without one of others, or of cores: the user is told.

    ``page`` says that its answers make a web page, which ``--output`` then writes, and of what;
    ``without_page`` are options with which there is none.

    ``folder`` says what it writes where ``--output`` is a folder besides the result on standard
    output; ``--force`` is added then, for folders that have only these ``own`` entries.
    """

    def __init__(
        self,
        *,
        callback: Callable[[dict[str, Any], bool], Question],
        params: list[click.Parameter],
        row_type: type,
        layout: report.Layout,
        plot: str | None,
        instead: Mapping[str, Callable[[], tuple[type, report.Layout]]] | None = None,
        axes: Mapping[str, Any] | None = None,
        folder: str | None = None,
        own: tuple[str, ...] = (),
        needs: Mapping[str, Sequence[str]] | None = None,
        answers: Mapping[str, Sequence[str]] | None = None,
        page: str | None = None,
        without_page: tuple[str, ...] = (),
        **attributes: Any,
    ) -> None:
        quiet = GroupedOption(["--quiet"], **{n: v for n, v in options.QUIET.items() if n != "cls"})
        taken = {option for one in params for option in one.opts}
        every = [*params, quiet, *_output_options(plot, folder, page), *_view_options(taken)]
        super().__init__(params=every, **attributes)
        self._has_page, self._without_page = page is not None, without_page
        self._callback, self._needs, self.answers = callback, needs or {}, answers or {}
        counted = Counter(option.name for option in self.params)
        for name in (name for name, count in counted.items() if count > 1):
            # Constants of what other packages register are options, too.
            raise base.RegistrationError(f"rnscli {self.name} has two options `{name}`; rename one")
        self._writes_folder, self._own = folder is not None, own
        self._rows, self._instead = (row_type, layout), instead or {}
        self._axes = base.option_columns(axes or {})

    def prepare(self, chosen: dict[str, Any], drawn: bool) -> Question:
        """The question of the running command, all of whose options are checked.

        What is named twice in a sweep is computed once; two inputs may have one shape.
        """
        source, default = click.get_current_context(), click.core.ParameterSource.DEFAULT
        given = [name for name in chosen if source.get_parameter_source(name) is not default]
        swept = (
            one.name
            for one in self.params
            if options.is_swept(one) and not isinstance(one.type, options.ShapeType)
        )
        once = {name: tuple(dict.fromkeys(chosen[name])) for name in swept if chosen.get(name)}
        chosen = chosen | once
        question = self._callback(chosen, drawn)
        # A technology, too, goes by the name of its file: by its own none would find it again. Of a
        # file of numbers the numbers are stated.
        read = {**options.files_read(), **question.reads}
        named = {
            str(one.name): [path for path in paths if _names(chosen[one.name], path)]
            for one in self.params
            if one.name and (paths := read.get(one.opts[0]))
        }
        stated = {name: chosen[name] for name in named if named[name] and name in question.options}
        files = [
            report.NamedFile(option=name, path=str(path), sha256=hashed)
            for name, paths in named.items()
            for path in dict.fromkeys(paths)
            if (hashed := base.content_hash(path)) is not None
        ]
        return replace(question, options={**question.options, **stated}, files=files, given=given)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.meta[_TYPED] = tuple(args)  # for the page of a run
        try:
            return super().parse_args(ctx, args)
        except click.BadParameter as error:
            # An array has columns, too, and where that is an option, it is not about the table.
            if error.param is None or error.param.name != "columns":
                raise
            said = f"{error.message}; --show chooses those of the table"
            raise click.BadParameter(said, error.ctx, error.param) from None

    @property
    def row_types(self) -> dict[str | None, type]:
        """Type of the rows, and those that an option asks for, by the first name of one."""
        found: dict[str | None, type] = {None: self._rows[0]}
        for name, made in self._instead.items():
            if (kind := made()[0]) not in found.values():
                found[name] = kind
        return found

    @property
    def columns_by_type(self) -> dict[type, dict[str, base.Column]]:
        """Columns of each type of rows, by their keys."""
        return {one: self._columns(one) for one in self.row_types.values()}

    @property
    def stated(self) -> list[click.Parameter]:
        """The options that the JSON document states, in the order of the help."""
        left_out = (*OUTPUT_OPTIONS, *RUN_OPTIONS, _REPLACE)
        return [option for option in self.params if option.name not in left_out]

    def rows(self, given: Mapping[str, Any]) -> tuple[type, report.Layout]:
        """Type of the rows that these options ask for, and their layout."""
        asked = (made() for option, made in self._instead.items() if given.get(option))
        return next(asked, self._rows)

    def axes(self, row_type: type) -> dict[str, base.Column]:
        """Columns that options add to rows of a type, by the option."""
        # What asks for rows of another type is a column of these.
        others = {*self._instead, *base.columns_of(row_type)}
        return {name: column for name, column in self._axes.items() if name not in others}

    def columns(self, given: Mapping[str, Any]) -> dict[str, base.Column]:
        """Columns of the rows that these options ask for, by their keys."""
        return self._columns(self.rows(given)[0])

    def _columns(self, row_type: type) -> dict[str, base.Column]:
        axes = {axis.key: axis for axis in self.axes(row_type).values()}
        return {**base.columns_of(row_type), **axes}

    def parameters(self, question: Question) -> dict[str, Any]:
        """The options of a question as the JSON document states them, in the order of the help."""
        names = [one.name for one in self.stated if one.name in question.options]
        return {name: _stated(question.options[name]) for name in names if name is not None}

    def result(self, question: Question, answer: Answer) -> Result:
        """The rows of an answer, with the parameters in the order of the help.

        A table shows what is swept, also where the layout does not name it, and above it says what
        else was given.
        """
        assert self.name is not None
        given = question.options
        row_type, layout = self.rows(given)
        columns, axes = self._columns(row_type), self.axes(row_type)
        of_points: dict[int, report.Row] = {}  # many rows have one point
        for point, _ in answer.results:
            if id(point) not in of_points:
                of_points[id(point)] = {one.key: _plain(point[name]) for name, one in axes.items()}
        fields = tuple(base.columns_of(row_type))
        rows: list[report.Row] = [
            {key: getattr(row, key) for key in fields} | of_points[id(point)]
            for point, row in answer.results
        ]
        parameters = self.parameters(question)
        keys = {name: name for name in columns} | {name: one.key for name, one in axes.items()}
        several = {name: key for name, key in keys.items() if isinstance(given.get(name), tuple)}
        swept = {key for name, key in several.items() if len(given[name]) > 1}
        for name, key in several.items():
            each = columns[key].of_each
            if each is not None and any(isinstance(value, tuple) for value in given[name]):
                swept.add(each)
        shown = answer.layout or layout
        more = [key for key in columns if key in swept and key not in shown.keys]
        # What the command chose may be left out where others tell it, as the core its technology.
        own = {one.name for one in self.stated if one.default is not None} | {*question.given}
        chosen = (key for name, key in several.items() if name not in own)
        told = {key for key in chosen if _follows(rows, key, swept - {key})}
        single = (key for name, key in keys.items() if name in question.given)
        fixed = tuple(key for key in single if key not in (*more, *shown.keys))
        shown = replace(
            shown,
            parameters=(*more, *shown.parameters),
            fixed=fixed,
            optional=tuple(key for key in shown.optional if key not in swept - told),
            essential=(*shown.essential, *swept),
        )
        asked_for = (key for name in question.given for key in self.answers.get(name, ()))
        shown = shown.with_essential([key for key in asked_for if key in columns])
        compared = "relative_to_rns" in columns
        idle = options.without_effect(given, question.given, self._needs, compared)
        answer = answer.without_defaults(given, question.given)
        answer = replace(answer, remarks=[*answer.remarks, *idle])
        asked = [
            str(one.name)
            for one in self.stated
            if one.name in question.given and parameters[one.name] != _default(one)
        ]
        summary = self.get_short_help_str(200)
        return Result(
            self.name, parameters, columns, rows, shown, answer, asked, question.files,
            summary=summary,
        )  # fmt: skip

    def compute(self, question: Question, bar: Bar) -> Result:
        """The result of a question, computed and recorded where its options say."""
        with ExitStack() as stack:
            runner = None
            if "jobs" in question.options:
                runner = stack.enter_context(options.runner_of(question.options))
            return self.result(question, question.compute(runner, bar))

    def with_output(self, params: Mapping[str, Any]) -> tuple[dict[str, Any], Output]:
        """The options of a question, and where its answer goes."""
        given = dict(params)
        view = report.View(**{name: given.pop(name) for name in VIEW_OPTIONS})
        ways = {n: given.pop(n, None) for n in OUTPUT_OPTIONS if n not in VIEW_OPTIONS}
        if self._writes_folder:
            ways |= {"folder": ways["output"], "output": None}
            ways |= {"force": given.pop(_REPLACE), "own": self._own}
        # Made first: an output that cannot be written is refused before files are read.
        columns = self.columns(given).values()
        titles = {column.title: column.key for column in columns}
        kinds = base.numeric_keys(columns)
        ways["baseline"] = Baseline.of(str(self.name), ways["baseline"], ways.pop("allow"), kinds)
        asked = (f"`{name}`" for name in self._without_page if given.get(name))
        ways |= {"has_page": self._has_page, "no_page": next(asked, None)}
        output = Output(keys=kinds, titles=titles, view=view, **ways)
        output.keep_apart("--store", given.get("store"))
        if output.baseline is not None:
            output.keep_apart("--baseline", output.baseline.saved.path)
        return given, output

    def asked(self, params: Mapping[str, Any]) -> tuple[dict[str, Any], Output, Question]:
        """Options with their output and question; refused if a file would be written over."""
        given, output = self.with_output(params)
        for option, paths in options.files_read().items():
            output.keep_apart(option, *paths)
        question = self.prepare(given, output.draws)
        for option, paths in question.reads.items():
            output.keep_apart(option, *paths)
        return given, output, question

    def invoke(self, ctx: click.Context) -> None:
        """Check, compute, write; all that can be refused is refused before it is computed."""
        given, output, question = self.asked(ctx.params)
        bar = partial(progress_bar, quiet=bool(given.get("quiet")))
        typed = shlex.join(("rnscli", str(self.name), *ctx.meta[_TYPED]))
        output.finish(replace(self.compute(question, bar), command_line=typed))


def _names(value: Any, path: Path) -> bool:
    """Whether the value of an option names a file."""
    several = value if isinstance(value, tuple) else (value,)
    texts = (text.strip() for one in several for text in str(one).split(","))
    return any(Path(text) == path for text in texts)


def _follows(rows: Sequence[report.Row], key: str, others: Collection[str]) -> bool:
    """Whether a column has one value only for each combination of the others."""
    every = {tuple(str(row[one]) for one in (key, *others)) for row in rows}
    return len(every) == len({values[1:] for values in every})


def _default(option: click.Parameter) -> Any:
    """The default that a help states, as the JSON document states it; ``None`` if in words."""
    usual = getattr(option, "usual", "") or option.default
    if not isinstance(usual, str):
        return usual if isinstance(usual, bool) else None
    try:
        return _stated(option.type.convert(usual, option, None))
    except click.ClickException:
        return None


def _stated(value: Any) -> Any:
    """An option as the JSON document states it: a sweep of one value is that value."""
    if isinstance(value, tuple):
        values = tuple(map(_plain, value))
        return values[0] if len(values) == 1 else values or None
    return _plain(value)


def _plain(value: Any) -> Any:
    """A value that is a text in a document, as that text."""
    return str(value) if isinstance(value, Path | options.SplitSet) else value


_OUTPUT = (
    "Write the result there, or to standard output as -; the suffix .json, .csv, .md, .tex or .txt "
    "chooses the format."
)


class SummaryCommand(WithExamples):
    """A command that answers with rows about what other commands did.

    ``row_types`` are by the name of the option that asks for them, ``None`` for no such option;
    ``parameters`` what its JSON document states, with the meaning of each: all of them are texts.
    There may be no rows where it ``may_be_empty``. `VIEW_OPTIONS` are added to its own options.
    """

    FORM = (
        options.in_group(
            "--format",
            base.OptionGroup.OUTPUT,
            type=click.Choice(FORMATS),
            help="Form of the result.  [default: table]",
        ),
        options.in_group(
            "--output",
            base.OptionGroup.OUTPUT,
            type=options.OutputPath("a file", is_text=True),
            metavar="FILE",
            help=_OUTPUT,
        ),
    )

    def __init__(
        self,
        *,
        row_types: Mapping[str | None, type],
        parameters: Mapping[str, str],
        params: Sequence[click.Parameter] = (),
        may_be_empty: bool = False,
        **attributes: Any,
    ) -> None:
        taken = {option for one in params for option in one.opts}
        super().__init__(params=[*params, *_view_options(taken)], **attributes)
        self.row_types, self.parameters = row_types, parameters
        self.may_be_empty = may_be_empty
        # A field without a column is an error here, when the command is imported.
        self.columns_by_type = {one: base.columns_of(one) for one in row_types.values()}

    def columns(self, given: Mapping[str, Any]) -> Mapping[str, base.Column]:
        """Columns of the rows that these options ask for, by their keys."""
        asked = (kind for option, kind in self.row_types.items() if option and given.get(option))
        return self.columns_by_type[next(asked, self.row_types[None])]

    def output(self, given: Mapping[str, Any], path: Path | None) -> Output:
        """Where the rows go, and how they are to be seen, as `FORM` and `VIEW_OPTIONS` say."""
        columns = self.columns(given).values()
        return Output(
            keys=base.numeric_keys(columns),
            titles={column.title: column.key for column in columns},
            format=given["format"],
            output=path,
            plot=None,
            require=(),
            view=report.View(**{name: given[name] for name in VIEW_OPTIONS}),
        )


ALLOWED = (
    "By how much a column may differ from the baseline: 5%, an amount such as 2mm2, +5% if it may "
    "rise by as much and fall by any, or any. COLUMN may be a pattern; repeatable.  [default: 1e-9 "
    "of a number, and what the intervals of statistics allow]"
)


class _RequirementType(options.ParamType):
    name = "'COLUMN <= NUMBER'"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> report.Requirement:
        return value if isinstance(value, report.Requirement) else report.Requirement.parse(value)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> options.Candidates:
        """The columns that hold numbers."""
        assert isinstance(ctx.command, AnswerCommand)
        kinds = base.numeric_keys(ctx.command.columns(ctx.params).values())
        return options.of_names(
            incomplete, [name for name, is_number in kinds.items() if is_number]
        )


class _Keys(options.ParamType):
    """Keys of columns, with commas between them; which there are depends on other options."""

    name = "KEY[,..]"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        if isinstance(value, tuple):
            return value
        keys = tuple(one.strip() for one in value.split(","))
        if not all(keys):
            self.fail("must be keys of columns with commas between them", param, ctx)
        return keys

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> options.Candidates:
        assert isinstance(ctx.command, AnswerCommand | SummaryCommand)
        keys = base.numeric_keys(ctx.command.columns(ctx.params).values())
        is_minus = param.name == "sort" and incomplete.rpartition(",")[2].startswith("-")
        return options.of_list(incomplete, [f"-{key}" for key in keys] if is_minus else [*keys])


def _view_options(taken: Collection[str]) -> list[click.Parameter]:
    """``--show --sort --wide --keys``; ``taken`` are options of the command itself."""
    shown = "Columns of the table or of csv, by their keys in csv and json, in this order."
    ordered = "Sort the rows by these columns; -KEY puts the largest first."
    whole = "Leave no column out, however wide it gets."
    named = "Keys of csv and json as headings."
    # An array has columns, too.
    kept: dict[str, Any] = {"group": base.OptionGroup.OUTPUT}
    names = ["--show", *({"--columns"} - {*taken})]
    kinds: dict[str, Any] = {"type": _Keys(), "default": (), "metavar": "KEY[,..]"}
    return [
        GroupedOption(names, **kinds, help=shown, **kept),
        GroupedOption(["--sort"], **kinds | {"metavar": "[-]KEY[,..]"}, help=ordered, **kept),
        GroupedOption(["--wide"], is_flag=True, help=whole, **kept),
        GroupedOption(["--keys"], is_flag=True, help=named, **kept),
    ]


def _output_options(
    plot: str | None, folder: str | None, page: str | None
) -> list[click.Parameter]:
    """``--format --output --plot --require``; ``plot`` and ``folder`` say what they show."""
    forms = "Form of the result.  [default: table]"
    output = _OUTPUT
    if page:
        output = output.replace(" or .txt", ", .txt or .html")
        output += f" The last is a page {page} (needs the extra rnscli[plot])."
    replaced = "Replace the folder if it exists."
    drawn = (
        f"Draw {plot} as .png, .svg, .pdf, or as an .html page whose points say their values "
        "(needs the extra rnscli[plot])."
    )
    held = "Exit with code 1 unless this holds in every row, or in those 'where COLUMN == VALUE'; "
    held += "any column, repeatable."
    choices = click.Choice((*FORMATS, PAGE) if page else FORMATS)
    kept: dict[str, Any] = {"group": base.OptionGroup.OUTPUT}
    made: list[click.Parameter] = []
    made.append(GroupedOption(["--format"], type=choices, help=forms, **kept))
    if folder is None:
        file = options.OutputPath("a file", is_text=True)
        made.append(GroupedOption(["--output"], type=file, metavar="FILE", help=output, **kept))
    else:
        output = f"Write {folder} in this folder, all or nothing."
        place = options.OutputPath("a folder")
        made.append(GroupedOption(["--output"], type=place, metavar="DIR", help=output, **kept))
        made.append(GroupedOption([f"--{_REPLACE}"], is_flag=True, help=replaced, **kept))
    if plot is not None:
        picture = options.OutputPath("a file")
        made.append(GroupedOption(["--plot"], type=picture, metavar="FILE", help=drawn, **kept))
    held_by = _RequirementType()
    made.append(GroupedOption(["--require"], type=held_by, multiple=True, help=held, **kept))
    earlier = (
        "Compare with this result of before, JSON that --output has written, and exit with code "
        "1 if a value has changed or a row is missing (rnscli compare shows two files)."
    )
    file_of: dict[str, Any] = {"type": options.PathName(), "metavar": "FILE.json", "help": earlier}
    made.append(GroupedOption(["--baseline"], **file_of, **kept))
    allowed: dict[str, Any] = {"type": ToleranceType(), "multiple": True, "help": ALLOWED}
    made.append(GroupedOption(["--allow"], **allowed, **kept))
    return made

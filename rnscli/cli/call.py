"""A command called from Python: keyword arguments for its options, and rows for its output.

Values take the way of those of a plan, so that Python, a plan and a shell accept the same, with the
same defaults, and refuse the rest in the same words.
"""

import re
import warnings
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from rnscli.base import InputError, ResultRow, RnscliError, nearest
from rnscli.cli import OUTPUT_OPTIONS, AnswerCommand, Question
from rnscli.cli.bars import bar_for
from rnscli.cli.options import MAX_POINTS, concerns_cores
from rnscli.cli.plan import check, command_of, texts_of, words_of
from rnscli.core import ModuliSet
from rnscli.report import Drawing, Rows

# What Python has in the place of options of the shell.
_INSTEAD = {
    "plot": "what it returns has a method for that: rows.plot('a.svg')",
    "output": "rows.to_pandas() and rows.to_dicts() have what can be written",
    "show": "rows['bits'] is a column, and rows.to_pandas() has all",
    "sort": "rows.to_pandas().sort_values('bits') does that",
    "quiet": "progress=False shows no bar",
}


def call(function: str, command_name: str, given: Mapping[str, Any]) -> Any:
    """The row of a command, or its rows where an option has several values.

    ``function`` is what a message calls it. Errors and warnings have arguments in the place of
    options; combinations without an answer, and whatever the command remarks, are warnings.
    """
    try:
        return _called(function, command_name, given)
    except RnscliError as error:
        error.args = (_with_arguments(str(error)),)
        raise


def _called(function: str, command_name: str, given: Mapping[str, Any]) -> Any:
    command = command_of(command_name)
    given = dict(given)
    bar = bar_for(given.pop("progress", None))
    left_out = (*OUTPUT_OPTIONS, "quiet")
    options = {one.name: one for one in command.params if one.name and one.name not in left_out}
    words: list[str] = []
    listed = False
    for name, value in given.items():
        if name not in options:
            hint = nearest(name, options) or f"it has those of rnscli {command_name}"
            hint = _INSTEAD.get(name, hint).removeprefix("; ")
            raise InputError(f"{function} has no option {name}; {hint}")
        if value is None:
            continue
        plain = _plain(name, value)
        try:
            texts = texts_of(plain, options[name])
        except ValueError as error:
            raise InputError(f"`{name}`: {error}") from None
        if texts is not None:
            words += words_of(options[name], texts)
        one_set = options[name].multiple and isinstance(plain, list) and type(plain[0]) is int
        listed |= isinstance(plain, list) and not one_set
    question, problem = _question(command, words)
    result = command.compute(question, bar)
    answer = result.answer
    remarks = [
        _with_arguments(one)
        for one in (*(f"no answer {one}" for one in answer.problems), *answer.remarks)
    ]
    for sentence in remarks:
        warnings.warn(sentence, RuntimeWarning, stacklevel=5)
    if problem is None:
        plot = question.picture or answer.plot
        drawing = Drawing(
            None if plot is None else partial(result.drawn, plot),
            {name: partial(result.drawn, one) for name, one in answer.pictures.items()},
            enough=question.picture is not None,
        )
    else:
        drawing = Drawing(problem=problem)
    objects: list[Any] = []
    rows: Rows[Any] = Rows(
        objects, result.rows, result.columns, result.layout,
        answer.listed if answer.shown is None else answer.shown,
        footer=list(map(_in_python, answer.footer)), remarks=remarks, drawing=drawing,
    )  # fmt: skip
    for place, (_, row) in enumerate(answer.results):
        objects.append(row.among(rows, place) if isinstance(row, ResultRow) else row)
    swept = (
        isinstance(value, tuple) and len(value) > 1 and concerns_cores(question.options, name)
        for name, value in question.options.items()
    )
    return rows[0] if len(rows) == 1 and not listed and not any(swept) else rows


def _question(command: AnswerCommand, words: Sequence[str]) -> tuple[Question, InputError | None]:
    """The question with what a picture takes; or without, and why there can be no picture."""
    try:
        return check(command, words, drawn=True).question, None
    except InputError as error:
        # Another error is raised again.
        question = check(command, words, drawn=False).question
        error.args = (_with_arguments(str(error)),)
        return question, error


def _plain(name: str, value: Any) -> Any:
    """A value as a plan has it: lists, numbers and texts."""
    if isinstance(value, ModuliSet):
        parts = (value.information, value.redundant_moduli)
        return "+".join(",".join(map(str, part)) for part in parts if part)
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, range) and len(value) > MAX_POINTS:
        raise InputError(f"`{name}` has more than {MAX_POINTS} values")
    if hasattr(value, "tolist"):  # of NumPy, pandas, PyTorch
        value = value.tolist()
    if isinstance(value, list | tuple | range):
        return [_plain(name, item) for item in value]
    return value


def _with_arguments(message: str) -> str:
    """A message with arguments in the place of options."""
    return re.sub(
        r"(?<![\w-])--([a-z][a-z0-9-]*)", lambda one: f"`{one[1].replace('-', '_')}`", message
    )


def _in_python(line: str) -> str:
    """A line below a table with arguments in the place of options, unless it is for a shell."""
    return line if "rnscli " in line else _with_arguments(line)

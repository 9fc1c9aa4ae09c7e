"""The command line that asks again what a JSON document answers."""

import json
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from rnscli import report
from rnscli.base import InputError, RnscliError, content_hash
from rnscli.cli.command import AnswerCommand
from rnscli.cli.plan import check, texts_of, words_of
from rnscli.cli.terminal import complain


def words_again(
    command: AnswerCommand, saved: report.SavedResult, changed: Collection[str] = ()
) -> tuple[list[str], list[str]]:
    """Options and arguments with which a command states what a document does.

    Those that were given have their values from the document; ``changed`` ones have others this
    time, and are left to the caller.

    Raises
    ------
    InputError
        If a document has not all that it takes, or other defaults, as may be of another version.
    """
    if saved.given is None:
        raise InputError(
            f"{saved.path}, which rnscli {saved.version} has written, does not say which options "
            "were given; compute it with its command line again"
        )
    names = [name for name in saved.given if name not in changed]
    line, arguments = _words(command, saved, names)
    if changed:
        return line, arguments
    differing = _differing(command, saved, [*line, *_behind(arguments)])
    # What is a default by itself may be none beside others.
    names += [name for name in differing if name not in names]
    if differing:
        line, arguments = _words(command, saved, names)
        differing = _differing(command, saved, [*line, *_behind(arguments)])
    for name, stated in differing.items():
        raise InputError(
            f"{saved.path}, which rnscli {saved.version} has written, cannot be computed again as "
            f"it was: --{_dashed(name)} would be {_short(stated)}, and was "
            f"{_short(saved.parameters[name])}; give the one that is wanted"
        )
    return line, arguments


def check_files(saved: report.SavedResult, changed: Collection[str]) -> None:
    """Refuse a result of files that are gone; say which are not what they were.

    Those of ``changed`` options are other files this time.
    """
    for one in saved.files:
        if one["option"] in changed:
            continue
        path, now = one["path"], content_hash(Path(one["path"]))
        if now is None:
            raise InputError(
                f"{saved.path} cannot be computed again: {path}, which it was computed with, "
                "cannot be read here; a relative name is that from the folder of that run"
            )
        if now != one["sha256"]:
            complain(
                f"warning: {path} is not what it was when {saved.path} was computed; numbers may "
                "differ",
                "doubtful",
            )


def _behind(arguments: Sequence[str]) -> list[str]:
    return ["--", *arguments] if arguments else []


def _words(
    command: AnswerCommand, saved: report.SavedResult, names: Sequence[str]
) -> tuple[list[str], list[str]]:
    """Options of these names on a command line, and what stands behind them."""
    options = {str(one.name): one for one in command.stated}
    words: list[str] = []
    behind: list[str] = []
    for name in names:
        value = saved.parameters.get(name)
        if name not in options:
            raise InputError(
                f"{saved.path}, which rnscli {saved.version} has written, has the option "
                f"--{_dashed(name)}, which {command.name} does not have"
            )
        if value is None:  # the command has set it aside, as another option says it
            continue
        # A number for each modulus looks like a sweep; rows tell which it is.
        if isinstance(value, list) and saved.rows[0].get(f"residue_{name}") is not None:
            value = value if isinstance(value[0], list) else [value]
        try:
            texts = texts_of(_written(value), options[name])
        except ValueError as error:
            raise InputError(
                f"{saved.path} cannot be computed again: --{_dashed(name)}: {error}"
            ) from None
        if isinstance(options[name], click.Argument):
            behind += texts or ()
        elif texts is not None:
            words += words_of(options[name], texts)
    return words, behind


def _differing(
    command: AnswerCommand, saved: report.SavedResult, line: Sequence[str]
) -> dict[str, Any]:
    """What a line states otherwise than the document."""
    try:
        stated = _plain(command.parameters(check(command, line, drawn=False).question))
    except RnscliError as error:
        raise InputError(f"{saved.path} cannot be computed again: {error}") from None
    return {
        name: stated[name]
        for name, value in saved.parameters.items()
        if name in stated and not _same(stated[name], value)
    }


def _dashed(name: str) -> str:
    return name.replace("_", "-")


def _written(value: Any) -> Any:
    """A value as a plan has it: with its uncertainty in a text."""
    if isinstance(value, list):
        return list(map(_written, value))
    if isinstance(value, dict) and value.keys() == {"value", "low", "high"}:
        return f"{value['value']!r}±{(value['high'] - value['low']) / 2:.12g}"
    return value


def _same(one: Any, other: Any) -> bool:
    """Whether two values of a document are the same, to the rounding of a spread."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, float) and isinstance(other, float):
        return abs(one - other) <= 1e-12 * abs(other)
    return bool(one == other)


def _plain(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters as a document has them."""
    text = report.json_text("", parameters, [])
    found: dict[str, Any] = json.loads(text)["parameters"]
    return found


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."

"""Option values that may be files, which are remembered so that nothing is written over them."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from rnscli.cli import candidates
from rnscli.cli.sweep import FloatSweep, ParamType, Sweep


class _FileReader(Sweep):
    """A sweep whose items may be files, which are remembered so that they are not written over."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[Any, ...]:
        """All values of the sweep, in the order given."""
        if isinstance(value, str) and param is not None and ctx is not None:
            items = (item.strip() for item in value.split(","))
            _remember(ctx, param, [Path(item) for item in items if is_file(item)])
        return super().convert(value, param, ctx)


class InputFile(ParamType):
    """A file that is read, and so not written over."""

    name = "FILE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """Its path; whether it can be read is for its reader to say."""
        path = Path(value)
        if param is not None and ctx is not None:
            _remember(ctx, param, [path])
        return path

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> candidates.Candidates:
        """Files."""
        return candidates.of_files(incomplete)


_FILES = "rnscli.files"


def _remember(context: click.Context, param: click.Parameter, paths: list[Path]) -> None:
    context.meta.setdefault(_FILES, {})[param.opts[0]] = paths


def files_read() -> dict[str, list[Path]]:
    """The files that options of the running command name, by the option."""
    context = click.get_current_context(silent=True)
    found: dict[str, list[Path]] = context.meta.get(_FILES, {}) if context is not None else {}
    return found


class PerModulusSweep(_FileReader, FloatSweep):
    """Numbers, or one for each modulus: ``0.1``, ``[0.1,0.2,0.1]``, or a text file of them."""

    def __init__(self, low: float, high: float, what: str) -> None:
        """Accept numbers from ``low`` to ``high``."""
        super().__init__(low, high, what)
        self.what += "; or one for each modulus, as [0.1,0.2,..] or a file of numbers"
        self.name = "FLOAT[,..]|[FLOAT,..]|FILE"
        self.suffixes = ("",)  # of any kind

    def values(self, text: str) -> list[Any]:
        """Values of the sweep; a tuple for what has one for each modulus."""
        values: list[Any] = []
        for item in re.split(r",(?![^\[]*\])", text):  # at the commas outside brackets
            item = item.strip()
            if item.startswith("[") and item.endswith("]"):
                values.append(tuple(super().values(item[1:-1])))
            elif is_file(item):
                content = Path(item).read_text(errors="replace").replace(",", " ")
                values.append(tuple(super().values(",".join(content.split()))))
            else:
                values.extend(super().values(item))
        return values


def is_file(text: str) -> bool:
    """Whether a text is the name of a file; one that cannot be a name is not."""
    try:
        return Path(text).is_file()
    except (OSError, ValueError):  # too long for a name, or a NUL in it
        return False


class NameSweep(_FileReader):
    """Names, or files; any text is accepted, and what it names is looked up later."""

    def items(self, text: str) -> Sequence[str]:
        """One name."""
        if not text:
            raise ValueError
        return [text]

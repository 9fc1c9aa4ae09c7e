"""Options of commands that compute for long: where, recorded where, and what is said meanwhile."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import click

from rnscli.base import InputError
from rnscli.cli.options import types
from rnscli.cli.options.shared import stacked
from rnscli.runtime import Engine, Runner, Store, dask_engine, local_engine


class _Address(types.TextType):
    name = "address"
    what = "an address such as tcp://localhost:8786"

    def parse(self, text: str) -> str:
        found = re.fullmatch(r"(tcp|tls)://[^\s/]+:(\d{1,5})", text)
        if not found or not 0 < int(found[2]) < 2**16:
            raise ValueError
        return text


class _StoreFile(types.TextType):
    name = "FILE"

    def parse(self, text: str) -> Path:
        path = Path(text)
        try:
            path.exists()
        except (OSError, ValueError) as error:
            why = error.args[-1]
            raise click.BadParameter(f"{types.shown(text)} cannot be a file: {why}") from None
        return path

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> types.Candidates:
        return types.of_files(incomplete)


run_options = stacked(
    click.option(
        "--jobs",
        type=types.WholeNumber(1, 1024),
        help="Number of processes; the result is the same for any.  [default: 1]",
    ),
    click.option(
        "--scheduler",
        type=_Address(),
        metavar="tcp://HOST:PORT",
        help="Compute on the workers of this Dask scheduler instead (needs the extra "
        "rnscli[distributed]); the result is the same.",
    ),
    click.option(
        "--store",
        type=_StoreFile(),
        help="Record every finished block in this SQLite file, and compute only those that it "
        "does not hold; several commands may share it (rnscli store FILE lists it).",
    ),
    click.option("--quiet", is_flag=True, help="No progress on standard error."),
)


@contextmanager
def engine_of(options: Mapping[str, Any]) -> Iterator[Engine]:
    """Where blocks are computed, as the options say."""
    _check_place(options)
    with (
        local_engine(options["jobs"] or 1)
        if options["scheduler"] is None
        else dask_engine(options["scheduler"])
    ) as engine:
        yield engine


@contextmanager
def runner_of(options: Mapping[str, Any]) -> Iterator[Runner]:
    """Where blocks are computed and recorded, as the options say."""
    _check_place(options)  # before a store is made
    store = nullcontext() if options["store"] is None else Store(options["store"])
    with store as opened, engine_of(options) as engine:
        yield Runner(engine, opened)


def _check_place(options: Mapping[str, Any]) -> None:
    if options["scheduler"] is not None and options["jobs"] is not None:
        raise InputError("`jobs` and `scheduler` are two places to compute; leave one of them out")

"""Options of commands that compute for long: where, recorded where, and what is said meanwhile."""

import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import click

from rnscli.base import InputError
from rnscli.cli.options import types
from rnscli.cli.options.shared import stacked
from rnscli.cli.options.types import ParamType, WholeNumber, shown
from rnscli.runtime import Engine, Runner, Store, dask_engine, local_engine


class _Address(ParamType):
    name = "address"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        found = re.fullmatch(r"(tcp|tls)://[^\s/]+:(\d{1,5})", str(value))
        if not found or not 0 < int(found[2]) < 2**16:
            self.fail(
                f"{shown(value)} is not accepted; it must be an address such as "
                "tcp://localhost:8786",
                param,
                ctx,
            )
        return str(value)


class _StoreFile(ParamType):
    name = "FILE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        path = Path(value)
        try:
            path.exists()
        except (OSError, ValueError) as error:
            self.fail(f"{shown(value)} cannot be a file: {error.args[-1]}", param, ctx)
        return path

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> types.Candidates:
        """Files."""
        return types.of_files(incomplete)


run_options = stacked(
    click.option(
        "--jobs",
        type=WholeNumber(1, 1024),
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
    """Where blocks are computed, as the options say.

    Raises
    ------
    InputError
        If options contradict each other, or the scheduler cannot be used.
    """
    _check_place(options)
    with (
        local_engine(options["jobs"] or 1)
        if options["scheduler"] is None
        else dask_engine(options["scheduler"])
    ) as engine:
        yield engine


@contextmanager
def runner_of(options: Mapping[str, Any]) -> Iterator[Runner]:
    """Where blocks are computed and recorded, as the options say.

    Raises
    ------
    InputError
        If options contradict each other, or the store or the scheduler cannot be used.
    """
    _check_place(options)  # before a store is made
    with ExitStack() as stack:
        store = None
        if options["store"] is not None:
            store = stack.enter_context(Store(options["store"]))
        yield Runner(stack.enter_context(engine_of(options)), store)


def _check_place(options: Mapping[str, Any]) -> None:
    if options["scheduler"] is not None and options["jobs"] is not None:
        raise InputError("`jobs` and `scheduler` are two places to compute; leave one of them out")

"""Options of the noise on residues: its law and its level, the same in every command."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any

from rnscli.analysis import Noise, P, Sigma, SnrDb
from rnscli.base import Column, InputError, in_words, written
from rnscli.cli.options import shared
from rnscli.cli.options.shared import Point, points
from rnscli.core import (
    DEVICE,
    LEVELS,
    NOISE_LAWS,
    NoiseOptions,
    NoiseSetting,
    law_constants,
)

CONSTANTS = {
    name: replace(option, name=name, group=NoiseOptions.group)
    for name, option in law_constants().items()
}
_OWNERS = {name: law for law in NOISE_LAWS.values() for name in law.constants}
NOISE_AXES = ("noise", *LEVELS, *CONSTANTS)
# What they are in rows that have fields of the law, and of p and sigma as they hold; in all rows.
MORE_NOISE_COLUMNS: dict[str, Any] = {
    "snr_db": SnrDb,
    **{
        name: Annotated[
            float, Column(option.help, in_words(name), str, usual=getattr(_OWNERS[name], name))
        ]
        for name, option in CONSTANTS.items()
    },
}
NOISE_COLUMNS = {"noise": Noise, "p": P, "sigma": Sigma, **MORE_NOISE_COLUMNS}


def noise_options(default: str) -> shared.Decorator[Any]:
    """``--noise --p --sigma --snr-db`` and the constants of laws.

    ``default`` is what the command takes without any level.
    """
    of = NoiseOptions
    constants: Iterator[shared.Decorator[Any]] = (
        shared.take(one, usual=written(getattr(_OWNERS[name], name)))
        for name, one in CONSTANTS.items()
    )
    return shared.stacked(
        of.noise, shared.take(of.p, usual=default), of.sigma, of.snr_db, *constants
    )


def is_of_devices(options: Mapping[str, Any]) -> bool:
    """Whether the noise is what technologies say, and not given."""
    return DEVICE in (options["noise"] or ())


def check_one_level(options: Mapping[str, Any]) -> None:
    """Refuse two kinds of level at once, a law without one, or constants of other laws.

    Raises
    ------
    InputError
        Naming the options.
    """
    if is_of_devices(options):
        given = [name for name in (*LEVELS, *CONSTANTS) if options[name] is not None]
        if given or len(options["noise"]) > 1:
            other = f"`{given[0]}`" if given else "another law"
            raise InputError(
                f"--noise {DEVICE} is the noise of a technology, with its level; leave {other} out"
            )
        return
    first = {name: options[name] and options[name][0] for name in ("noise", *LEVELS)}
    noise = NoiseSetting.of(first)
    named = options["noise"] or (() if noise is None else (noise.law.name,))
    for name in CONSTANTS:
        owner = _OWNERS[name].name
        if options[name] is not None and owner not in named:
            raise InputError(
                f"`{name}` is a constant of the noise {owner}; give --noise {owner}, or leave it "
                "out"
            )


def noise_points(options: Mapping[str, Any], names: Sequence[str]) -> Iterator[Point]:
    """Every combination of the named options, with the constants that the law at each has."""
    if not CONSTANTS:
        yield from points(options, names)
        return
    for point in points(options, names):
        noise = noise_of(point)
        of_law = noise.law.constants if noise is not None else {}
        held = noise.columns if noise is not None else {}
        others = [name for name in CONSTANTS if name not in of_law]
        # A sweep of a constant is none for the laws that do not have it.
        if all(point[name] == (options[name] or (None,))[0] for name in others):
            yield point | {name: held.get(name) for name in CONSTANTS}


def noise_of(point: Point) -> NoiseSetting | None:
    """The noise at a point of a sweep; ``None`` without a level, or where devices have it."""
    if point["noise"] == DEVICE:
        return None
    return NoiseSetting.of(point)

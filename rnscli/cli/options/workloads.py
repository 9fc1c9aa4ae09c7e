"""Networks whose energy is asked for, with their sizes, and whether they are trained."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any

from rnscli.base import Column, InputError, shown
from rnscli.cli.options.shared import Point
from rnscli.hardware import INFERENCE, OPTIMISERS, TRAINING, Workload, load_workload, training

# Sizes that are options of their own, and axes of a sweep; all others are NAME=VALUE of --size.
SIZE_AXES = ("batch", "sequence", "image_size")
WORKLOAD_AXES = ("workload", *SIZE_AXES, "pass", "optimiser")
WORKLOAD_COLUMNS = {
    "batch": Annotated[
        int, Column("Inputs of a network that are computed together, where given.", low=1)
    ],
    "sequence": Annotated[int, Column("Tokens of a text, where given.", low=1)],
    "image_size": Annotated[int, Column("Pixels of a side of an image, where given.", low=1)],
    "pass": Annotated[str, Column("What a network does: inference, or training.", usual=INFERENCE)],
    "optimiser": Annotated[str, Column("What updates the weights, in training.")],
}


def check_workload_options(options: Mapping[str, Any], names: Sequence[str]) -> None:
    """Refuse options of a network where there is none."""
    for name in names:
        if options[name] and not options["workload"]:
            raise InputError(f"`{name}` is about --workload; give that, too, or leave it out")


def workload_points(points: Iterable[Point]) -> list[Point]:
    """The points with what they leave open, each once: only a training has an optimiser."""
    kept: dict[tuple[Any, ...], Point] = {}
    for point in points:
        optimiser = (point["optimiser"] or OPTIMISERS[0]) if point["pass"] == TRAINING else None
        done = {**point, "optimiser": optimiser}
        if point["workload"] is not None and point["pass"] is None:
            done["pass"] = INFERENCE
        kept.setdefault(tuple(done.values()), done)
    return list(kept.values())


class Workloads:
    """The networks of the points of a sweep, each of which is made once.

    Raises
    ------
    InputError
        If one cannot be made: a file that is none, a size that it does not have or that is out of
        its range; or if two files have one name, by which rows could not be told apart.
    """

    def __init__(self, options: Mapping[str, Any], points: Iterable[Point]) -> None:
        sizes = _sizes(options["size"])
        self._made: dict[tuple[Any, ...], Workload] = {}
        named: dict[str, str] = {}
        for point in points:
            key = self._key(point)
            if point["workload"] is None or key in self._made:
                continue
            self._made[key] = made = _made(point, sizes)
            if named.setdefault(made.name, point["workload"]) != point["workload"]:
                raise InputError("--workload has two files of the same name; rename one of them")

    def of(self, point: Point) -> Workload:
        return self._made[self._key(point)]

    @staticmethod
    def _key(point: Point) -> tuple[Any, ...]:
        return tuple(point[name] for name in WORKLOAD_AXES)


def _made(point: Point, sizes: Mapping[str, int]) -> Workload:
    given = {name: point[name] for name in SIZE_AXES if point[name] is not None}
    try:
        made = load_workload(point["workload"], {**given, **sizes})
    except InputError as error:
        # Sizes that are no options are said as they are given.
        options = ("workload", *SIZE_AXES)
        text = re.sub(
            r"`(\w+)`", lambda m: m[0] if m[1] in options else f"--size {m[1]}", str(error)
        )
        raise InputError(text, *error.arguments) from None
    if point["pass"] != TRAINING:
        return made
    return training(made, point["optimiser"])


def _sizes(given: Sequence[str]) -> dict[str, int]:
    """The sizes that are given as NAME=VALUE."""
    sizes: dict[str, int] = {}
    for text in given:
        name, _, value = text.partition("=")
        name = name.replace("-", "_")
        if not re.fullmatch("[a-z][a-z_]*", name) or not re.fullmatch("[0-9]{1,20}", value):
            accepted = "NAME=VALUE with a whole number, such as cache=2047"
            raise InputError.of("size", shown(text), accepted)
        if name in SIZE_AXES:
            flag = name.replace("_", "-")
            raise InputError(f"`size` is {shown(text)}; give --{flag} {value} instead")
        if name in sizes:
            raise InputError(f"`size` has {name} several times; give it once")
        sizes[name] = int(value)
    return sizes

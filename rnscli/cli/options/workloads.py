"""Networks whose energy is asked for, with their sizes, and whether they are trained."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any

from rnscli.analysis import WorkloadOptions, open_workload, workload_of_code
from rnscli.base import Column, InputError, InputShape, input_shape, shown
from rnscli.cli.options.shared import Point
from rnscli.hardware import INFERENCE, OPTIMISERS, TRAINING, WORKLOADS, Workload, training

# Sizes that are options of their own, and axes of a sweep; all others are NAME=VALUE of --size.
SIZE_AXES = ("batch", "sequence", "image_size")
# Besides ``workload``, which is said in other words by each command.
WORKLOAD_OPTIONS = (
    WorkloadOptions.torch,
    WorkloadOptions.input_shape,
    WorkloadOptions.batch,
    WorkloadOptions.sequence,
    WorkloadOptions.image_size,
    WorkloadOptions.size,
    WorkloadOptions.passed,
    WorkloadOptions.optimiser,
)
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

# Of a size: a word, or what an ONNX model calls a dimension.
_NAME = r"[A-Za-z_][\w.:/\[\] +*]{0,99}"


def check_workload_options(options: Mapping[str, Any], names: Sequence[str]) -> None:
    """Refuse options of a network where there is none."""
    for name in names:
        if options[name] and not options["workload"]:
            given = shown(",".join(map(str, options[name])))
            raise InputError(
                f"`{name}` {given} is about --workload; give that, too, or leave it out"
            )


def with_code(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options with the networks of ``torch`` among those of ``workload``."""
    if not options["torch"]:
        return dict(options)
    named, coded = options["workload"] or (), options["torch"]
    both = next((name for name in coded if name in named), None)
    if both is not None:
        raise InputError(f"`torch` and `workload` both name {shown(both)}; leave one out")
    return {**options, "workload": (*named, *coded)}


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
        self._coded = frozenset(options["torch"] or ())
        self._inputs = tuple(map(input_shape, options["input_shape"] or ()))
        self._made: dict[tuple[Any, ...], Workload] = {}
        named: dict[str, str] = {}
        for point in points:
            key = self._key(point)
            if point["workload"] is None or key in self._made:
                continue
            self._made[key] = made = self._load(point, sizes)
            if named.setdefault(made.name, point["workload"]) != point["workload"]:
                raise InputError("--workload has two files of the same name; rename one of them")

    def of(self, point: Point) -> Workload:
        return self._made[self._key(point)]

    @property
    def made(self) -> tuple[Workload, ...]:
        """All of them, in the order in which they are named."""
        return tuple(self._made.values())

    @property
    def remarks(self) -> tuple[str, ...]:
        """What is not counted in them, each sentence once."""
        said = (one for made in self._made.values() for one in made.remarks)
        return tuple(dict.fromkeys(said))

    def _load(self, point: Point, sizes: Mapping[str, int]) -> Workload:
        given = {name: point[name] for name in SIZE_AXES if point[name] is not None} | dict(sizes)
        name = point["workload"]
        if name in self._coded:
            if given:
                raise InputError(
                    f"`{next(iter(given))}` is of a network that has a name or is in an ONNX file; "
                    f"give the sizes of {name} with `input_shape`"
                )
            made = workload_of_code(name, self._inputs)
        else:
            # Shapes are of what has none of its own; names beside it do without.
            inputs = () if self._coded and name in WORKLOADS else self._inputs
            made = _opened(name, given, inputs)
            if point["batch"] is not None:
                made = replace(made, batch=point["batch"])
        return training(made, point["optimiser"]) if point["pass"] == TRAINING else made

    @staticmethod
    def _key(point: Point) -> tuple[Any, ...]:
        return tuple(point[name] for name in WORKLOAD_AXES)


def _opened(name: str, sizes: Mapping[str, int], inputs: Sequence[InputShape]) -> Workload:
    try:
        return open_workload(name, sizes, inputs)
    except InputError as error:
        # Sizes that are no options are said as they are given.
        options = ("workload", "torch", "input_shape", "size", *SIZE_AXES)
        sentence = str(error)

        def said(found: re.Match[str]) -> str:
            one = found[1]
            if one in options:
                return found[0]
            unknown = f"has no {found[0]}" in sentence and one in sizes
            return f"--size {one}={sizes[one]}" if unknown else f"--size {one}"

        text = re.sub(r"`(\w+)`", said, sentence)
        raise InputError(text, *error.arguments) from None


def _sizes(given: Sequence[str]) -> dict[str, int]:
    """The sizes that are given as NAME=VALUE."""
    sizes: dict[str, int] = {}
    for text in given:
        name, _, value = text.partition("=")
        name = name.replace("-", "_")
        if not re.fullmatch(_NAME, name) or not re.fullmatch("[0-9]{1,20}", value):
            accepted = "NAME=VALUE with a whole number, such as cache=2047"
            raise InputError.of("size", shown(text), accepted)
        if name in SIZE_AXES:
            flag = name.replace("_", "-")
            raise InputError(f"`size` is {shown(text)}; give --{flag} {value} instead")
        if name in sizes:
            raise InputError(f"`size` has {name} several times; give it once")
        sizes[name] = int(value)
    return sizes

"""Options that several commands have: one name, one type, one help text; and points of a sweep."""

import itertools
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any, TypeVar

import click

from rnscli import runtime
from rnscli.analysis import (
    Calibration,
    CodeOptions,
    Factor,
    Family,
    MaxModulus,
    ModuliOptions,
    ModuliRequest,
    Percentile,
    RetryAbove,
    Rule,
)
from rnscli.base import (
    Flags,
    InputError,
    Names,
    Option,
    OptionGroup,
    RegistrationError,
    WholeNumbers,
)
from rnscli.cli.help_page import GroupedOption
from rnscli.cli.options import sweeps, types
from rnscli.core import CALIBRATED, CALIBRATIONS, CORES, CoreOptions, DotProductOptions

Command = TypeVar("Command", bound=Callable[..., Any])
Decorator = Callable[[Command], Command]
Point = dict[str, Any]  # of a sweep: a value of each of its options

# Axes that fix a moduli set, in the order in which a sweep varies them, the last one fastest.
MODULI_AXES = (
    "moduli", "bits", "input_bits", "weight_bits", "vector_size", "rule", "max_modulus",
    "family", "factor", "redundant",
)  # fmt: skip
# What they are in rows that have no such fields of their own.
MODULI_COLUMNS = {
    "rule": Rule, "max_modulus": MaxModulus, "family": Family, "factor": Factor
}  # fmt: skip
# Axes of a decoder, and what they are in such rows.
DECODER_AXES = ("decoder", "retry_above")
DECODER_COLUMNS = {"retry_above": RetryAbove}
# Options that stand together in the help of every command that has them.
OPERANDS = (
    DotProductOptions.input_bits,
    DotProductOptions.weight_bits,
    DotProductOptions.vector_size,
)
DECODING = (
    CodeOptions.decoder,
    CodeOptions.retry_above,
    CodeOptions.legitimate_range,
    DotProductOptions.rule,
    ModuliOptions.max_modulus,
    ModuliOptions.family,
    ModuliOptions.factor,
)
# Options of a calibrated range, and without what they change nothing.
CALIBRATION = (CoreOptions.calibration, CoreOptions.percentile)
CALIBRATION_COLUMNS = {"calibration": Calibration, "percentile": Percentile}
CALIBRATION_NEEDS = {
    "calibration": (f"adc_range={CALIBRATED}",),
    "percentile": (f"calibration={CALIBRATIONS[0]}",),
}


class DeclaredOption(GroupedOption):
    """An option of the shell with its declaration, from which command lines are written."""

    def __init__(self, *names: Any, declared: Option, usual: str, **attributes: Any) -> None:
        """``usual`` is what holds if it is not given, where click knows no default."""
        if declared.group is None:
            raise RegistrationError(f"the option {declared.flag} is in no group; give it one")
        super().__init__(*names, group=declared.group, **attributes)
        self.declared, self.usual = declared, usual

    @property
    def explained(self) -> Mapping[str, Any]:
        values = self.declared.values
        if not self.declared.explained or not isinstance(values, Names):
            return {}
        names: Any = values.names  # a mapping, as what is explained is an object
        return dict(names)


def hint_of(option: Option) -> Any:
    """The type of one value of an option, which the column of it has."""
    kinds = {WholeNumbers: int, Names: str}
    return next(
        (kind for values, kind in kinds.items() if isinstance(option.values, values)), float
    )


def take(
    option: Option,
    default: str | None = None,
    *,
    usual: str = "",
    besides: str = "",
    help: str = "",
    more: str = "",
    swept: bool = True,
    kind: types.ParamType | None = None,
) -> Decorator[Command]:
    """The shell's option of a declaration, but for what is different in this command.

    ``default`` is its value if none is given; or ``usual``, in words or as it is written, if that
    depends on other options, and ``besides`` what holds with these. ``more`` ends the help.
    ``swept`` options accept a list of values; ``kind`` is their type, where the declaration leaves
    it open.
    """
    if default is None and not usual:
        default, usual = option.default or None, option.usual
    shown = usual or default
    stated = f"  [default: {shown}{besides}]" if shown else ""
    is_flag = isinstance(option.values, Flags)
    accepted = kind or sweeps.type_of(option.values, swept)
    text = help or option.text
    if isinstance(accepted, sweeps.ChoiceSweep) and not accepted.shows_names:
        # Where there are too many to stand in the place of a value.
        left_out = [name for name in accepted.names if name not in text]
        text += f" One or several of {', '.join(accepted.names)}." if left_out else ""
    return click.option(
        option.flag,
        cls=DeclaredOption,
        declared=option,
        usual=usual,
        type=accepted,
        is_flag=is_flag,
        multiple=option.repeated,
        default=False if is_flag else default,
        help=text + more + stated,
    )


def bits(default: str, option: Option = ModuliOptions.bits) -> Decorator[Command]:
    """``--bits``, where moduli may be given."""
    more = " With --moduli: the bits of the widest residue."
    return take(option, usual=default, more=more)


def cores(
    names: Sequence[str] | Mapping[str, Any], what: str, default: str = "rns,fixed-lp,fixed-hp"
) -> Decorator[Command]:
    """``--core``; the three of the paper unless others are named."""
    listed = {name: CORES[name] for name in names}
    return take(CoreOptions.core.within(listed=listed), default, help=what)


def redundancy(default: str) -> Decorator[Command]:
    """``--redundant``; moduli that are given have no redundant ones unless it is given, too."""
    besides = "" if default == "0" else "; with --moduli: 0"
    return take(ModuliOptions.redundant, usual=default, besides=besides)


def stacked(*options: Option | Callable[[Any], Any]) -> Callable[[Command], Command]:
    """Several options as one decorator, in the order in which the help lists them."""

    def decorate(command: Command) -> Command:
        for one in reversed(options):
            command = (take(one) if isinstance(one, Option) else one)(command)
        return command

    return decorate


def with_usual(options: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """The options of the running command, with what its help states where these are not given.

    They are no defaults that click knows, as others hold with ``--moduli`` or ``--target``.
    """
    params = click.get_current_context().command.params
    declared = [one for one in params if isinstance(one, DeclaredOption) and one.name in names]
    usual = {one.name: one.type.convert(one.usual, one, None) for one in declared}
    return {**options, **{name: options[name] or usual[name] for name in names}}


def with_defaults(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options with the defaults that hold unless ``--moduli`` or a precision is given."""
    if not options["moduli"]:
        sizes = () if options.get("precision_bits") else ("vector_size",)
        return with_usual(options, "bits", *sizes, "redundant")
    splits = any(isinstance(one, types.SplitSet) for one in options["moduli"])
    return {**options, "redundant": options["redundant"] or ((None,) if splits else (0,))}


def points(options: Mapping[str, Any], names: Sequence[str]) -> Iterator[Point]:
    """Every combination of the named options, the last one varying fastest.

    An option that was not given stands for ``None``.
    """
    axes = [options[name] if options[name] else (None,) for name in names]
    total = math.prod(len(axis) for axis in axes)
    if total > types.MAX_POINTS:
        raise InputError(
            f"the sweep has {total} combinations; at most {types.MAX_POINTS} are computed at once"
        )
    for combination in itertools.product(*axes):
        yield dict(zip(names, combination, strict=True))


def of_range(point: Point, adc_range: str | None) -> Point:
    """A point as it is for a row of a range: how it was calibrated, if it was."""
    if adc_range != CALIBRATED:
        return {**point, **dict.fromkeys(("calibration", "percentile"))}
    concerned = point["calibration"] == CALIBRATIONS[0]
    return {**point, "percentile": point["percentile"] if concerned else None}


def moduli_request(point: Mapping[str, Any], **more: Any) -> ModuliRequest:
    """The request that a point of a sweep stands for."""
    values = {name: point[name] for name in MODULI_AXES} | more
    given = point["moduli"]
    if isinstance(given, types.SplitSet):
        if point["redundant"] is not None:
            raise InputError(
                f"`moduli` {given} says itself which are redundant; leave out `redundant`"
            )
        values["moduli"] = (*given.information, *given.redundant)
        values["redundant"] = len(given.redundant)
    values["redundant"] = values["redundant"] or 0
    return ModuliRequest(**values)


# Commands that compute for long: where, recorded where, and what is printed meanwhile


class _Address(types.TextType):
    name = "address"
    what = "an address such as tcp://localhost:8786"

    def parse(self, text: str) -> str:
        found = re.fullmatch(r"(tcp|tls)://[^\s/]+:(\d{1,5})", text)
        if not found or not 0 < int(found[2]) < 2**16:
            raise ValueError
        return text


class _Jobs(types.WholeNumber):
    """A number of processes, or what stands for all cores."""

    name = "INT|auto"
    _EVERY = "auto"

    def __init__(self, high: int) -> None:
        super().__init__(0, high)
        self.what += f", or {self._EVERY}, where 0 and {self._EVERY} are all cores"

    def parse(self, text: str) -> int:
        number = 0 if text == self._EVERY else super().parse(text)
        return number or min(runtime.available_cores(), self.high)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> types.Candidates:
        return types.of_names(incomplete, [self._EVERY])


def in_group(flag: str, group: OptionGroup, **attributes: Any) -> Any:
    """An option of one command, in the group of its help."""
    return click.option(flag, cls=GroupedOption, group=group, **attributes)


# Of every command that answers with rows, which adds it itself, and of a batch.
QUIET: Mapping[str, Any] = {
    "cls": GroupedOption,
    "group": OptionGroup.RUN,
    "is_flag": True,
    "help": "No progress on standard error.",
}
run_options = stacked(
    in_group(
        "--jobs",
        OptionGroup.RUN,
        type=_Jobs(1024),
        help="Number of processes, or 0 or auto: as many as there are cores; the result is the "
        "same for any.  [default: 1]",
    ),
    in_group(
        "--scheduler",
        OptionGroup.RUN,
        type=_Address(),
        metavar="tcp://HOST:PORT",
        help="Compute on the workers of this Dask scheduler instead (needs the extra "
        "rnscli[distributed]); the result is the same.",
    ),
    in_group(
        "--store",
        OptionGroup.RUN,
        type=types.OutputPath("a file"),
        help="Record every finished block in this SQLite file, and compute only those that it "
        "does not hold; several commands may share it (rnscli store FILE lists it).",
    ),
)


@contextmanager
def engine_of(options: Mapping[str, Any]) -> "Iterator[runtime.Engine]":
    """Where blocks are computed, as the options say."""
    _check_place(options)
    with (
        runtime.local_engine(options["jobs"] or 1)
        if options["scheduler"] is None
        else runtime.dask_engine(options["scheduler"])
    ) as engine:
        yield engine


@contextmanager
def runner_of(options: Mapping[str, Any]) -> "Iterator[runtime.Runner]":
    """Where blocks are computed and recorded, as the options say."""
    _check_place(options)  # before a store is made
    store = nullcontext() if options["store"] is None else runtime.Store(options["store"])
    with store as opened, engine_of(options) as engine:
        yield runtime.Runner(engine, opened)


def _check_place(options: Mapping[str, Any]) -> None:
    if options["scheduler"] is not None and options["jobs"] is not None:
        raise InputError("`jobs` and `scheduler` are two places to compute; leave one of them out")


def picture_of(given: Mapping[str, Any], drawn: bool) -> str | None:
    """The value of ``--picture``, which belongs to a picture that is drawn."""
    if given["picture"] is None:
        return None
    if len(given["picture"]) > 1:
        raise InputError("`picture` is what --plot draws; give one value")
    (name,) = given["picture"]
    if not drawn:
        raise InputError(f"`picture` {name} is what --plot draws; give that, too, or leave it out")
    return str(name)

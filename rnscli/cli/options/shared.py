"""Options that several commands have: one name, one type, one help text."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import click

from rnscli.analysis import (
    DEFAULT_VECTOR_SIZE,
    CodeOptions,
    MaxModulus,
    ModuliOptions,
    ModuliRequest,
    Rule,
)
from rnscli.base import Flags, InputError, Option
from rnscli.cli.options.types import ParamType, SplitSet, type_of
from rnscli.core import CORES, CoreOptions, DotProductOptions

Command = TypeVar("Command", bound=Callable[..., Any])
Decorator = Callable[[Command], Command]

# Axes that fix a moduli set, in the order in which a sweep varies them, the last one fastest.
MODULI_AXES = (
    "moduli", "bits", "input_bits", "weight_bits", "vector_size", "rule", "max_modulus",
    "redundant",
)  # fmt: skip
# What they are in rows that have no such fields of their own.
MODULI_COLUMNS = {"rule": Rule, "max_modulus": MaxModulus}
# Options that stand together in the help of every command that has them.
OPERANDS = (
    DotProductOptions.input_bits,
    DotProductOptions.weight_bits,
    DotProductOptions.vector_size,
)
DECODING = (
    CodeOptions.decoder,
    CodeOptions.legitimate_range,
    DotProductOptions.rule,
    ModuliOptions.max_modulus,
)


class DeclaredOption(click.Option):
    """An option of the shell, which is made of a declaration."""

    def __init__(self, *names: Any, declared: Option, **attributes: Any) -> None:
        """Keep the declaration, from which command lines are written."""
        super().__init__(*names, **attributes)
        self.declared = declared


def take(
    option: Option,
    default: str | None = None,
    *,
    usual: str = "",
    help: str = "",
    more: str = "",
    swept: bool = True,
    kind: ParamType | None = None,
) -> Decorator[Command]:
    """The shell's option of a declaration.

    Parameters
    ----------
    option
        The declaration.
    default, usual, help
        Of this command, where they differ from those declared: the value if none is given, what
        else holds then, in words, and what it is.
    more
        What this command adds to the help.
    swept
        Whether a list of values is accepted.
    kind
        Type of its values, where the declaration leaves that open.
    """
    if default is None and not usual:
        default, usual = option.default or None, option.usual
    shown = usual or default
    stated = f"  [default: {shown}]" if shown else ""
    return click.option(
        option.flag,
        cls=DeclaredOption,
        declared=option,
        type=kind or type_of(option.values, swept),
        is_flag=isinstance(option.values, Flags),
        multiple=option.repeated,
        default=False if isinstance(option.values, Flags) else default,
        help=(help or option.text) + more + stated,
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
    """``--redundant``; a set of one's own has none unless it is said."""
    stated = default if default == "0" else f"{default}; with --moduli: 0"
    return take(ModuliOptions.redundant, usual=stated)


def stacked(*options: Option | Callable[[Any], Any]) -> Callable[[Command], Command]:
    """Several options as one decorator, in the order in which the help lists them."""

    def decorate(command: Command) -> Command:
        for one in reversed(options):
            command = (take(one) if isinstance(one, Option) else one)(command)
        return command

    return decorate


def with_defaults(
    options: Mapping[str, Any], bits: tuple[int, ...], redundant: tuple[int, ...] = (0,)
) -> dict[str, Any]:
    """The options with the defaults that hold unless ``--moduli`` or a precision is given."""
    filled = with_bits(options, bits)
    if not filled["moduli"]:
        filled["redundant"] = filled["redundant"] or redundant
    stated = any(isinstance(one, SplitSet) for one in filled["moduli"])
    filled["redundant"] = filled["redundant"] or ((None,) if stated else (0,))
    return filled


def with_bits(options: Mapping[str, Any], bits: tuple[int, ...]) -> dict[str, Any]:
    """The options with the defaults of ``--bits`` and ``--vector-size``."""
    filled = dict(options)
    if not filled["moduli"]:
        filled["bits"] = filled["bits"] or bits
        if not filled.get("precision_bits"):
            filled["vector_size"] = filled["vector_size"] or (DEFAULT_VECTOR_SIZE,)
    return filled


def moduli_request(point: Mapping[str, Any], **more: Any) -> ModuliRequest:
    """The request that a point of a sweep stands for."""
    values = {name: point[name] for name in MODULI_AXES} | more
    given = point["moduli"]
    if isinstance(given, SplitSet):
        if point["redundant"] is not None:
            raise InputError(
                f"`moduli` {given} says itself which are redundant; leave out `redundant`"
            )
        values["moduli"] = (*given.information, *given.redundant)
        values["redundant"] = len(given.redundant)
    values["redundant"] = values["redundant"] or 0
    return ModuliRequest(**values)

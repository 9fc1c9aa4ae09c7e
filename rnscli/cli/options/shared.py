"""Options that several commands have: one name, one type, one help text."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

import click

from rnscli.analysis import DEFAULT_VECTOR_SIZE, MAX_BITS, MaxModulus, ModuliRequest, Rule
from rnscli.base import InputError
from rnscli.cli.options.types import (
    AttemptsSweep,
    ChoiceSweep,
    FloatSweep,
    IntSweep,
    LegitimateRangeSweep,
    ModuliType,
    SplitSet,
)
from rnscli.core import CORES, DECODERS, MAX_OPERAND_BITS, MAX_VECTOR_SIZE, RULES

Command = TypeVar("Command", bound=Callable[..., Any])
Decorator = Callable[[Command], Command]

# Axes that fix a moduli set, in the order in which a sweep varies them, the last one fastest.
MODULI_AXES = (
    "moduli", "bits", "input_bits", "weight_bits", "vector_size", "rule", "max_modulus",
    "redundant",
)  # fmt: skip


# What they are in rows that have no such fields of their own.
MODULI_COLUMNS = {"rule": Rule, "max_modulus": MaxModulus}


def bits(default: str, highest: int = MAX_BITS, with_moduli: bool = True) -> Decorator[Command]:
    """``--bits``; where moduli are given, those of the widest residue."""
    return click.option(
        "--bits",
        type=IntSweep(2, highest),
        help="Bits b of the converters; moduli are at most 2^b - 1."
        + (" With --moduli: the bits of the widest residue." if with_moduli else "")
        + f"  [default: {default}]",
    )


input_bits = click.option(
    "--input-bits", type=IntSweep(2, MAX_OPERAND_BITS), help="Bits of the inputs.  [default: b]"
)
weight_bits = click.option(
    "--weight-bits", type=IntSweep(2, MAX_OPERAND_BITS), help="Bits of the weights.  [default: b]"
)
vector_size = click.option(
    "--vector-size",
    type=IntSweep(1, MAX_VECTOR_SIZE),
    help="Length h of the dot product.  [default: 128]",
)
moduli = click.option(
    "--moduli",
    type=ModuliType(),
    multiple=True,
    help="A moduli set of your own instead of the best one, such as 63,62,61,59; repeat it for "
    "several sets. With --redundant k the k largest are redundant; 61,59,55,53+63,62 says so "
    "itself.",
)
rule = click.option(
    "--rule",
    type=ChoiceSweep(RULES),
    default="exact",
    show_default=True,
    help="Range that the moduli cover: the values of the dot product, or all of its b_out bits.",
)
max_modulus = click.option(
    "--max-modulus", type=IntSweep(2, 2**MAX_BITS), help="Largest modulus.  [default: 2^b - 1]"
)


def decoder_with(default: str) -> Decorator[Command]:
    """``--decoder``."""
    return click.option(
        "--decoder",
        type=ChoiceSweep(DECODERS),
        default=default,
        show_default=True,
        help="How the redundant code is decoded.",
    )


def legitimate_range_with(default: str) -> Decorator[Command]:
    """``--legitimate-range``."""
    return click.option(
        "--legitimate-range",
        type=LegitimateRangeSweep(),
        default=default,
        show_default=True,
        help="Which values are legitimate: as many as the product of the information moduli, those "
        "of the dot product, or a number of them.",
    )


decoder: Decorator[Any] = decoder_with("bounded-distance")
legitimate_range: Decorator[Any] = legitimate_range_with("product")


slice_bits = click.option(
    "--slice-bits",
    type=IntSweep(1, 64),
    default="1",
    show_default=True,
    help="Bits of a weight slice in the core bit-sliced.",
)
adc_bits = click.option(
    "--adc-bits",
    type=IntSweep(1, 64),
    help="ADC bits of the core bit-sliced.  [default: b, the same converters as rns]",
)


def cores(
    names: Iterable[str], what: str, default: str = "rns,fixed-lp,fixed-hp"
) -> Decorator[Command]:
    """``--core``; the three of the paper unless others are named."""
    return click.option(
        "--core",
        type=ChoiceSweep({name: CORES[name] for name in names}),
        default=default,
        show_default=True,
        help=what,
    )


def redundancy(default: str, with_moduli: bool = True) -> Decorator[Command]:
    """``--redundant``; a set of one's own has none unless it is said."""
    stated = default if default == "0" or not with_moduli else f"{default}; with --moduli: 0"
    return click.option(
        "--redundant",
        type=IntSweep(0, 64),
        help=f"Number k of redundant moduli.  [default: {stated}]",
    )


def attempts(default: str | None, stated: str | None = None) -> Decorator[Command]:
    """``--attempts``; ``stated`` is what the help says of a default that the command fills in."""
    return click.option(
        "--attempts",
        type=AttemptsSweep(),
        default=default,
        help="Largest number R of attempts, the first included, or inf.  "
        f"[default: {stated or default}]",
    )


def rel_precision(what: str) -> Decorator[Command]:
    """``--rel-precision``; ``what`` says whose interval is meant."""
    return click.option(
        "--rel-precision",
        type=FloatSweep(1e-9, 0.999, "a number above 0 and below 1"),
        help=what,
    )


def stacked(*decorators: Callable[[Any], Any]) -> Callable[[Command], Command]:
    """Several options as one decorator, in the order in which the help lists them."""

    def decorate(command: Command) -> Command:
        for decorator in reversed(decorators):
            command = decorator(command)
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

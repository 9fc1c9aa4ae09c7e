"""Options that several commands have: one name, one type, one help text."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

from rnscli.analysis.moduli_choice import MAX_BITS, RULES, ModuliRequest
from rnscli.cli.sweep import (
    AttemptsSweep,
    ChoiceSweep,
    FloatSweep,
    IntSweep,
    LegitimateRangeSweep,
    ModuliSetType,
)
from rnscli.core.decoders import DECODERS
from rnscli.core.dot_product import MAX_OPERAND_BITS, MAX_VECTOR_SIZE

Command = TypeVar("Command", bound=Callable[..., Any])
Decorator = Callable[[Command], Command]

# Axes that fix a moduli set, in the order in which a sweep varies them, the last one fastest.
MODULI_AXES = (
    "moduli", "bits", "input_bits", "weight_bits", "vector_size", "rule", "max_modulus",
    "redundant",
)  # fmt: skip


def bits(default: str) -> Decorator[Command]:
    """``--bits``; where moduli are given, those of the widest residue."""
    return click.option(
        "--bits",
        type=IntSweep(2, MAX_BITS),
        help="Bits b of the converters; moduli are at most 2^b - 1. With --moduli: the bits of "
        "the widest residue.",
        show_default=default,
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
    help="Length h of the dot product.",
    show_default="128",
)
moduli = click.option(
    "--moduli",
    type=ModuliSetType(),
    multiple=True,
    help="A moduli set of your own instead of the best one, such as 63,62,61,59; repeat it for "
    "several sets. With --redundant k the k largest are redundant.",
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
decoder = click.option(
    "--decoder",
    type=ChoiceSweep(tuple(DECODERS)),
    default="bounded-distance",
    show_default=True,
    help="How the redundant code is decoded.",
)
legitimate_range = click.option(
    "--legitimate-range",
    type=LegitimateRangeSweep(),
    default="product",
    show_default=True,
    help="Which values are legitimate: as many as the product of the information moduli, those of "
    "the dot product, or a number of them.",
)


def redundancy(default: str) -> Decorator[Command]:
    """``--redundant`` with another default."""
    return click.option(
        "--redundant",
        type=IntSweep(0, 64),
        default=default,
        show_default=True,
        help="Number k of redundant moduli.",
    )


def attempts(default: str) -> Decorator[Command]:
    """``--attempts``."""
    return click.option(
        "--attempts",
        type=AttemptsSweep(),
        default=default,
        show_default=True,
        help="Largest number R of attempts, the first included, or inf.",
    )


def error_probability(default: str | None) -> Decorator[Command]:
    """``--p``."""
    return click.option(
        "--p",
        type=FloatSweep(0.0, 1.0, "a probability from 0 to 1"),
        default=default,
        show_default=default is not None,
        help="Probability that a residue is wrong, uniformly over its other values.",
    )


def stacked(*decorators: Callable[[Any], Any]) -> Callable[[Command], Command]:
    """Several options as one decorator, in the order in which the help lists them."""

    def decorate(command: Command) -> Command:
        for decorator in reversed(decorators):
            command = decorator(command)
        return command

    return decorate


def with_default_bits(options: Mapping[str, Any], default: tuple[int, ...]) -> dict[str, Any]:
    """The options, with the default of ``--bits`` where neither it nor ``--moduli`` is given."""
    filled = dict(options)
    if not filled["bits"] and not filled["moduli"]:
        filled["bits"] = default
    return filled


def moduli_request(point: Mapping[str, Any], **more: Any) -> ModuliRequest:
    """The request that a point of a sweep stands for."""
    return ModuliRequest(**{name: point[name] for name in MODULI_AXES}, **more)

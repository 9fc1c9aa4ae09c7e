"""JSON Schemas of options, as the documents of a command state them."""

from collections.abc import Sequence
from functools import singledispatch

import click

from rnscli.cli.options.types import (
    AttemptsSweep,
    ChoiceSweep,
    FloatSweep,
    IntSetType,
    IntSweep,
    LegitimateRangeSweep,
    ModuliType,
    ParamType,
    PerModulusSweep,
    Quantity,
    QuantitySweep,
    Sweep,
    UncertainSweep,
    WholeNumber,
)
from rnscli.report import Schema, any_of, number_schema, uncertain_schema

_DEFAULT = "[default: "


def described(option: click.Parameter) -> tuple[str, str]:
    """Help of an option without its default, and its default in words; empty if it has none.

    Arguments have no help in click: they are explained in that of their command.

    Examples
    --------
    >>> described(click.Option(["--bits"], help="Bits b of the converters.  [default: 4..8]"))
    ('Bits b of the converters.', '4..8')
    """
    if not isinstance(option, click.Option):
        return f"The argument {option.human_readable_name}.", ""
    text, _, stated = " ".join((option.help or "").split()).partition(_DEFAULT)
    if not stated and option.show_default:
        stated = str(option.default)
    return text.strip(), stated.removesuffix("]")


NULL: Schema = {"type": "null"}
_TEXT: Schema = {"type": "string"}
_AMOUNT = number_schema("number", low=0)
_RANGE = uncertain_schema(_AMOUNT)


def option_schema(option: click.Parameter, one: Schema) -> Schema:
    """Schema of an option: of ``one`` value, and of the list of a sweep, or of none.

    Examples
    --------
    >>> bits = click.Option(["--bits"], type=IntSweep(2, 64), help="Bits b.")
    >>> option_schema(bits, value_schema(bits.type))["anyOf"]
    ... # doctest: +NORMALIZE_WHITESPACE
    [{'type': 'integer', 'minimum': 2, 'maximum': 64},
     {'type': 'array', 'items': {'type': 'integer', 'minimum': 2, 'maximum': 64}, 'minItems': 2},
     {'type': 'null'}]
    """
    text, _ = described(option)
    values = [one]
    if is_swept(option):
        values.append({"type": "array", "items": one, "minItems": 2})
    # Whatever click's release keeps there while no default is given.
    if not option.required and option.to_info_dict().get("default") is None:
        values.append(NULL)
    return {"description": text} | any_of(*values)


def is_swept(option: click.Parameter) -> bool:
    """Whether an option takes several values, one after the other."""
    return isinstance(option.type, Sweep) or option.multiple


def names_of(option: click.Parameter) -> Sequence[str]:
    """Texts that an option accepts, if these are known."""
    if isinstance(option.type, ChoiceSweep | LegitimateRangeSweep):
        return tuple(option.type.names)
    return ()


@singledispatch
def value_schema(kind: ParamType) -> Schema:
    """Schema of one value of a type of options; of any that is not known here, a text."""
    del kind
    return _TEXT


@value_schema.register
def _(kind: IntSweep) -> Schema:
    return number_schema("integer", kind.low, kind.high)


@value_schema.register
def _(kind: WholeNumber) -> Schema:
    return number_schema("integer", kind.low, kind.high)


@value_schema.register
def _(kind: AttemptsSweep) -> Schema:
    return number_schema("integer", kind.low, kind.high, infinite=True)


@value_schema.register
def _(kind: FloatSweep) -> Schema:
    return number_schema("number", kind.low, kind.high)


@value_schema.register
def _(kind: PerModulusSweep) -> Schema:
    one = number_schema("number", kind.low, kind.high)
    return any_of(one, {"type": "array", "items": one, "minItems": 1})


@value_schema.register
def _(kind: QuantitySweep) -> Schema:
    return _AMOUNT


@value_schema.register
def _(kind: UncertainSweep) -> Schema:
    return any_of(_AMOUNT, _RANGE)


@value_schema.register
def _(kind: Quantity) -> Schema:
    return {"type": "number", "exclusiveMinimum": 0}


@value_schema.register
def _(kind: ChoiceSweep) -> Schema:
    return {"enum": list(kind.names)}


@value_schema.register
def _(kind: LegitimateRangeSweep) -> Schema:
    return any_of({"enum": list(kind.names)}, number_schema("integer", low=1))


@value_schema.register
def _(kind: IntSetType) -> Schema:
    return {"type": "array", "items": number_schema("integer", low=0), "minItems": 1}


@value_schema.register
def _(kind: ModuliType) -> Schema:
    return any_of({"type": "array", "items": number_schema("integer", low=2), "minItems": 1}, _TEXT)


@value_schema.register
def _(kind: click.types.BoolParamType) -> Schema:
    return {"type": "boolean"}

"""Cores of single layers, from a file."""

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from rnscli.base import InputError, read_nested
from rnscli.core import CORES

# What a layer may have otherwise than the others; noise is common to all.
LAYER_OPTIONS = (
    "core", "bits", "input_bits", "weight_bits", "vector_size", "granularity", "scales", "rounding",
    "moduli", "redundant", "rule", "max_modulus", "decoder", "attempts", "slice_bits", "adc_bits",
    "adc_range",
)  # fmt: skip
Layers = Mapping[str, Mapping[str, Any]]  # values of options, by patterns of names


def read_layers(path: str | Path | None) -> Layers:
    """The patterns of a file in TOML or JSON, each with its options; none without a file.

    Raises
    ------
    InputError
        If it cannot be read, or an option or its value is not accepted.
    """
    if path is None:
        return {}
    file, source = Path(path), f"--layers {path}"
    try:
        text = file.read_text("utf-8")
        parse = json.loads if file.suffix.lower() == ".json" else tomllib.loads
        found = read_nested(parse, text)
    except OSError as error:
        raise InputError(f"{source} cannot be read: {error.strerror}") from None
    except ValueError as error:  # also of what is no UTF-8, JSON or TOML
        raise InputError(f"{source} is neither TOML nor JSON: {error}") from None
    if not isinstance(found, dict) or not found:
        raise InputError(f"{source} must name layers, as in [head] with core and bits below it")
    return {name: _options(f"{source}: {name}", given) for name, given in found.items()}


def _options(where: str, given: Any) -> dict[str, Any]:
    if not isinstance(given, dict):
        raise InputError(f"{where} must be a table of options, such as core and bits")
    context = click.get_current_context()
    parameters = {one.name: one for one in context.command.params}
    values = {}
    for key, value in given.items():
        name = key.replace("-", "_")
        if name not in LAYER_OPTIONS:
            keys = [one.replace("_", "-") for one in LAYER_OPTIONS]
            raise InputError(f"{where} has the option {key}; it must be one of {', '.join(keys)}")
        text = ",".join(map(str, value)) if isinstance(value, list) else str(value)
        try:
            option = parameters[name]
            found = option.type_cast_value(context, (text,) if option.multiple else text)
        except click.BadParameter as error:
            raise InputError(f"{where}: {key} {error.message}") from None
        if isinstance(found, tuple | list):
            if len(found) != 1:
                raise InputError(f"{where}: {key} is {text}; a layer has one value of it")
            (found,) = found
        values[name] = found  # as a point of a sweep has it
    return values


def chooses_range(layers: Layers) -> bool:
    """Whether a layer is on a core whose range is a choice, which it does not make itself."""
    return any(
        "adc_range" in CORES[given["core"]].axes and "adc_range" not in given
        for given in layers.values()
        if "core" in given
    )

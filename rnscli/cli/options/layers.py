"""Cores of single layers, from a file."""

import json
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from rnscli.base import InputError, read_nested
from rnscli.core import CORES
from rnscli.matrix import DIGITAL

# What a layer may have otherwise than the others; noise is common to all.
LAYER_OPTIONS = (
    "core", "bits", "input_bits", "weight_bits", "vector_size", "granularity", "scales", "rounding",
    "moduli", "redundant", "rule", "max_modulus", "decoder", "attempts", "slice_bits", "adc_bits",
    "adc_range", "technology",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class LayersFile:
    """Options of layers, by names or patterns of names; ``None`` where these stay in FP32."""

    path: str
    layers: Mapping[str, Mapping[str, Any] | None]

    @property
    def technologies(self) -> tuple[str, ...]:
        """Names of those that layers have."""
        named = (given["technology"] for given in self.given if "technology" in given)
        return tuple(dict.fromkeys(named))

    @property
    def given(self) -> list[Mapping[str, Any]]:
        """The options of each layer that has any."""
        return [one for one in self.layers.values() if one is not None]

    @property
    def chooses_range(self) -> bool:
        """Whether a layer is on a core whose range is a choice, which it does not make itself."""
        return any(
            "adc_range" in CORES[one["core"]].axes and "adc_range" not in one
            for one in self.given
            if "core" in one
        )

    def leaves(self, layer: str) -> bool:
        """Whether it says that a layer, or a product of one such as ``head[2]``, stays in FP32."""
        from rnscli.torch import fits_within

        name = layer.partition("[")[0]
        found = (given for pattern, given in self.layers.items() if fits_within(pattern, name))
        return next(found, {}) is None

    @contextmanager
    def about(self, layer: str) -> Iterator[None]:
        """Says of what is refused meanwhile where it stands."""
        try:
            yield
        except InputError as error:
            raise type(error)(f"--layers {self.path}: {layer}: {error}", "layers") from error


def said_of_digital(rows: Iterable[Any], layers: LayersFile | None) -> tuple[str, ...]:
    """What stays digital in networks, each sentence once; without what a file of layers leaves."""
    said: dict[str, None] = {}
    for row in rows:
        every = row.digital.split("; ") if row.digital else []
        # A layer with its kind, or a function of another package with its reason.
        others = [
            one
            for one in every
            if layers is None or not layers.leaves(one.partition(":")[0].partition(" (")[0])
        ]
        if others:
            said[f"{row.model} has products that stay digital: {'; '.join(others)}"] = None
    return tuple(said)


def read_layers(path: str | Path | None) -> LayersFile | None:
    """The patterns of a file in TOML or JSON, each with its options; ``None`` without a file.

    Raises
    ------
    InputError
        If it cannot be read, says nothing, or says something twice, or an option or its value is
        not accepted.
    """
    if path is None:
        return None
    file, source = Path(path), f"--layers {path}"
    try:
        text = file.read_text("utf-8")
        parse = _json if file.suffix.lower() == ".json" else tomllib.loads
        found = read_nested(parse, text)
    except OSError as error:
        raise InputError(f"{source} cannot be read: {error.strerror}") from None
    except _TwiceError as twice:
        raise InputError(f"{source} has {twice} twice; leave one out") from None
    except ValueError as error:  # also of what is no UTF-8, JSON or TOML
        raise InputError(f"{source} is neither TOML nor JSON: {error}") from None
    if not isinstance(found, dict) or not found:
        raise InputError(f"{source} must name layers, as in [head] with core and bits below it")
    layers = {name: _options(f"{source}: {name}", given) for name, given in found.items()}
    return LayersFile(str(path), layers)


class _TwiceError(Exception):
    """A key that an object of JSON has twice."""


def _json(text: str) -> Any:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in pairs:
            if key in found:
                raise _TwiceError(key)
            found[key] = value
        return found

    return json.loads(text, object_pairs_hook=unique)


def _options(where: str, given: Any) -> dict[str, Any] | None:
    if not isinstance(given, dict):
        raise InputError(f"{where} must be a table of options, such as core and bits")
    if not given:
        raise InputError(
            f"{where} has no options; give some, such as core and bits, or leave it out"
        )
    if given.get("core") == DIGITAL:
        if len(given) > 1:
            others = ", ".join(key for key in given if key != "core")
            raise InputError(f"{where} stays in {DIGITAL}, which has no {others}; leave that out")
        return None
    context = click.get_current_context()
    parameters = {one.name: one for one in context.command.params}
    values: dict[str, Any] = {}
    for key, value in given.items():
        name = key.replace("-", "_")
        if isinstance(value, dict):
            raise InputError(
                f"{where} has the table {key}; a name with dots stands in quotes, as in "
                '["block.0.head"]'
            )
        if name not in LAYER_OPTIONS:
            keys = [one.replace("_", "-") for one in LAYER_OPTIONS]
            raise InputError(f"{where} has the option {key}; it must be one of {', '.join(keys)}")
        if name in values:
            raise InputError(f"{where} has {key} twice, once with - and once with _")
        text = ",".join(map(str, value)) if isinstance(value, list) else str(value)
        try:
            option = parameters[name]
            found = option.type_cast_value(context, (text,) if option.multiple else text)
        except click.BadParameter as error:
            besides = f", or {DIGITAL} for none" if name == "core" else ""
            raise InputError(f"{where}: {key} {error.message}{besides}") from None
        if isinstance(found, tuple | list):
            if len(found) != 1:
                raise InputError(f"{where}: {key} is {text}; a layer has one value of it")
            (found,) = found
        values[name] = found  # as a point of a sweep has it
    return values

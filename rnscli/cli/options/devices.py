"""Options of what arrays are built of, the same in every command that simulates them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from rnscli.base import Column, Names, Option, WholeNumbers, in_words, options_of
from rnscli.cli.options import shared
from rnscli.core import DeviceOptions, Devices

_TABLES = {"device_table": "states", "adc_inl_table": "adc_points"}
_ALL = options_of(DeviceOptions)
DEVICE_AXES = tuple(name for name in _ALL if name not in _TABLES)
# Without any of which devices are ideal; and what matters for none that are.
DEVICE_ERRORS = tuple(
    name for name in _ALL if name not in ("mapping", "residues", "input_slice_bits", "chip_seed")
)
DEVICE_NEEDS = dict.fromkeys(("residues", "chip_seed"), DEVICE_ERRORS)


def _column(option: Option) -> Any:
    kind: Any = float
    if isinstance(option.values, WholeNumbers):
        kind = int
    elif isinstance(option.values, Names):
        kind = str
    return Annotated[kind, Column(option.help, in_words(option.name), str)]


DEVICE_COLUMNS = {name: _column(_ALL[name]) for name in DEVICE_AXES}

device_options: shared.Decorator[Any] = shared.stacked(*_ALL.values())


def device_tables(options: Mapping[str, Any]) -> dict[str, Any]:
    """What files of measured devices say, as arguments of `rnscli.core.Devices`."""
    from rnscli.core.devices.tables import load_adc_points, load_states

    readers = {"device_table": load_states, "adc_inl_table": load_adc_points}
    return {
        field: readers[name](Path(options[name]))
        for name, field in _TABLES.items()
        if options[name] is not None
    }


def devices_of(point: shared.Point, tables: Mapping[str, Any]) -> Devices:
    """What arrays are built of at a point of a sweep."""
    given = {name: point[name] for name in DEVICE_AXES if point[name] is not None}
    return Devices(**given, **tables)

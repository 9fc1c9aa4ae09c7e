"""Devices of analog arrays: cells, wires and converters as they are built."""

from rnscli.core.devices.devices import (
    DIFFERENTIAL,
    IDEAL,
    OFFSET,
    PLAIN,
    SYMMETRIC,
    DeviceOptions,
    Devices,
)

__all__ = ["DIFFERENTIAL", "IDEAL", "OFFSET", "PLAIN", "SYMMETRIC", "DeviceOptions", "Devices"]

"""Devices of analog arrays: cells, wires and converters as they are built."""

from rnscli.core.devices.devices import (
    DIFFERENTIAL,
    OFFSET,
    PLAIN,
    SYMMETRIC,
    DeviceOptions,
    Devices,
)

__all__ = ["DIFFERENTIAL", "OFFSET", "PLAIN", "SYMMETRIC", "DeviceOptions", "Devices"]

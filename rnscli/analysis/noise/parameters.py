"""A design whose noise is computed: what a user requests, and the budget that follows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

from rnscli.analysis.energy.parameters import EnergyOptions, check_runs_on
from rnscli.analysis.moduli import ModuliOptions
from rnscli.base import InputError
from rnscli.core import (
    CALIBRATED,
    FULL,
    PERCENTILE,
    AnalogKind,
    CoreSettings,
    Devices,
    DotProduct,
    ModuliSet,
    analog_core_named,
    residue_width,
)
from rnscli.hardware import Pass, Technology

if TYPE_CHECKING:  # which load NumPy
    from rnscli.analysis.error.operands import Operands
    from rnscli.analysis.noise.budget import NoiseBudget
    from rnscli.core import Channel, Core

# What phases have not, whose weights are digital: cells, and wires that carry currents.
_OF_CELLS = (
    "mapping", "cell_error", "cell_error_proportional", "read_noise", "read_noise_proportional",
    "on_off_ratio", "stuck_on", "stuck_off", "wire_resistance", "states",
)  # fmt: skip

_OF_TABLES = {"states": "device_table"}  # the option whose file fills a field


def devices_of(technology: Technology | None, given: Mapping[str, Any]) -> Devices:
    """Devices of a technology, with some of their fields as they are given.

    Raises
    ------
    InputError
        If a value is out of range, or is of cells, and the technology has phases.

    Examples
    --------
    >>> from rnscli.hardware import load_technology
    >>> devices = devices_of(load_technology("reram-analog"), {"cell_error": 0.01})
    >>> devices.cell_error, devices.on_off_ratio
    (0.01, 10.0)
    """
    own = (None if technology is None else technology.devices) or Devices()
    if "states" in given:  # which are in the place of these
        own = replace(own, cell_error=0.0, cell_error_proportional=0.0)
    made = replace(own, **given)
    if technology is not None and technology.modulo == "phase":
        for one in fields(made):
            if one.name in _OF_CELLS and getattr(made, one.name) != one.default:
                name = _OF_TABLES.get(one.name, one.name)
                raise InputError(
                    f"`{name}` is of cells, and `technology` {technology.name} has phases; "
                    "give another technology, or leave it out"
                )
    return made


@dataclass(frozen=True, kw_only=True)
class NoiseParameters:
    """One array of each channel of a core, with all of the rows of a dot product.

    Parameters
    ----------
    core
        Name of an analog core in `rnscli.core.cores.CORES`.
    dot_product
        Length h, which is the number of rows, and operand bits.
    bits
        Bits b of the converters.
    moduli
        Set of a core that computes in residues.
    technology
        Whose light counts; ``None`` for arrays that are known by their devices only.
    devices
        What its arrays are built of; those of the technology if not given.
    columns
        Number c of columns of an array; h if not given.
    slice_bits, adc_bits, adc_range, calibration, percentile
        Of conventional cores, as in `rnscli.core.CoreSettings`.
    operands
        Source of both operands, as in `rnscli.DotErrorParameters`; uniform ones if not given.
    rows
        Rows of the arrays, if a longer or shorter sum than that of the dot product is looked at.

    Raises
    ------
    InputError
        If a value is out of range, the core has no moduli, or does not run on the technology.

    Examples
    --------
    >>> parameters = NoiseParameters(
    ...     core="rns", dot_product=DotProduct(64, 6, 6), bits=6,
    ...     moduli=ModuliSet([63, 62, 61, 59]),
    ...     devices=Devices(residues="symmetric", cell_error=1e-4))
    >>> reading = parameters.budget.readings[0]
    >>> f"{reading.sigma:.4f} {reading.error_probability:.4f}"
    '0.3188 0.1168'
    """

    core: str
    dot_product: DotProduct
    bits: int
    moduli: ModuliSet | None = None
    technology: Technology | None = None
    devices: Devices | None = None
    columns: int | None = None
    slice_bits: int = 1
    adc_bits: int | None = None
    adc_range: str = FULL
    calibration: str = "percentile"
    percentile: float = PERCENTILE
    operands: Operands | None = None
    rows: int | None = None

    def __post_init__(self) -> None:
        ModuliOptions.bits.check(self.bits)
        if self.columns is not None:
            EnergyOptions.columns.check(self.columns)
        if self.technology is not None:
            # Residues on an array that does not wrap: with a circuit that makes no errors.
            check_runs_on(self.kind, self.technology, 0.0)

    @classmethod
    def of(
        cls,
        kind: AnalogKind,
        settings: CoreSettings,
        technology: Technology | None,
        devices: Devices | None = None,
        columns: int | None = None,
    ) -> Self:
        """Of a core with settings, whose own ``devices`` do not count."""
        return cls(
            core=kind.name,
            dot_product=settings.dot_product,
            bits=settings.bits,
            moduli=settings.moduli if kind.coded else None,
            technology=technology,
            devices=devices,
            columns=columns,
            slice_bits=settings.slice_bits,
            adc_bits=settings.adc_bits,
            adc_range=settings.adc_range,
            calibration=settings.calibration,
            percentile=settings.percentile,
        )

    @property
    def kind(self) -> AnalogKind:
        return analog_core_named(self.core)

    @cached_property
    def held_devices(self) -> Devices:
        """What its arrays are built of."""
        return devices_of(self.technology, {}) if self.devices is None else self.devices

    @property
    def size(self) -> int:
        """Number h of products of a sum."""
        return self.rows or self.dot_product.vector_size

    @property
    def assumes_circuit(self) -> bool:
        """Whether residues are of a circuit that wraps sums, as nothing else does."""
        wraps = self.technology is not None and self.technology.modulo != "none"
        return self.kind.coded and not wraps

    @cached_property
    def budget(self) -> NoiseBudget:
        """The noise of what its ADCs read."""
        from rnscli.analysis.error.calibrated import calibrated
        from rnscli.analysis.noise.budget import NoiseBudget
        from rnscli.analysis.noise.operand_law import sampled_laws
        from rnscli.core import ConventionalCore, RedundantCode

        code = None if self.moduli is None else RedundantCode(self.moduli)
        settings = CoreSettings(
            dot_product=self.dot_product,
            bits=self.bits,
            moduli=self.moduli,
            slice_bits=self.slice_bits,
            adc_bits=self.adc_bits,
            adc_range=self.adc_range,
            calibration=self.calibration,
            percentile=self.percentile,
            devices=self.held_devices,
        )
        core: Core = self.kind.build(settings, code, None, 1)
        laws = None
        if self.operands is not None:
            laws = sampled_laws(self.operands, self.dot_product, self.size)
            if isinstance(core, ConventionalCore) and core.adc_range == CALIBRATED:
                method = self.calibration, self.percentile
                (core,) = calibrated({self.core: core}, self.operands, 0, *method).values()
        if self.technology is None or not self.technology.link:
            return NoiseBudget(core, self.size, laws=laws)
        light = tuple(self._light(self.technology, channel, core) for channel in core.arrays)
        return NoiseBudget(core, self.size, light, laws)

    def _light(self, technology: Technology, channel: Channel, core: Any) -> dict[str, float]:
        """Parts of the noise of light at an array, in units of its sums.

        A phase has m of them in a turn. A power is known up to a share of the largest one, which
        is that of the largest sum, also where a circuit reduces it.
        """
        dot, modulus = self.dot_product, channel.modulus
        width = residue_width(modulus) if modulus else None
        done = Pass(
            rows=self.size,
            columns=self.columns or self.size,
            input_bits=width or dot.input_bits,
            output_bits=width or core.full_bits,
            weight_bits=width or dot.weight_bits,
            modulus=modulus,
        )
        parts = technology.link_parts(done)
        if not modulus or technology.modulo == "phase":
            return parts
        products = [
            one * two
            for one in (channel.low, channel.high)
            for two in (channel.input_low, channel.input_high)
        ]
        units = self.size * (max(products) - min(products)) / 2.0**done.output_bits
        return {name: sigma * units for name, sigma in parts.items()}

    @property
    def outside(self) -> str | None:
        """What of it is beyond what its technology is known for, in words."""
        if self.technology is None:
            return None
        dot, size = self.dot_product, self.size
        bits = max(map(residue_width, self.moduli.moduli)) if self.moduli else dot.input_bits
        done = Pass(size, self.columns or size, bits, bits, bits)
        return self.technology.outside(done)

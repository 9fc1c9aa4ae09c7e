"""Digital-to-analog converters: switched capacitors, binary weighted."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from rnscli.hardware.constants import Constant, check_constants


@dataclass(frozen=True)
class CapacitiveDac:
    """``ENOB^2 C_u V_dd^2`` J per conversion, and the area of its ``2^ENOB`` unit capacitors.

    Parameters
    ----------
    dac_unit_capacitance
        C_u in F.
    supply_voltage
        V_dd in V.
    capacitor_density
        Capacitance per area in F/m^2; 2 fF/um^2 is usual for metal fringe capacitors.

    Raises
    ------
    InputError
        If a constant is negative, NaN or infinite.

    References
    ----------
    arXiv:2309.10759, energy of data converters.

    Examples
    --------
    >>> f"{CapacitiveDac().energy(6):.4e} J, {CapacitiveDac().area(6) * 1e12:.0f} um^2"
    '1.8000e-14 J, 16 um^2'
    """

    dac_unit_capacitance: float = 0.5e-15
    supply_voltage: float = 1.0
    capacitor_density: float = 2e-3

    source: ClassVar[str] = "arXiv:2309.10759, energy of data converters"
    constants: ClassVar[Mapping[str, Constant]] = {
        "dac_unit_capacitance": Constant(
            "F", 0.0, 1.0, "a capacitance from 0 to 1 F", "0.5fF",
            "C_u of the DAC: ENOB^2 C_u V_dd^2.",
        ),
        "supply_voltage": Constant(
            "V", 0.0, 1e4, "a voltage from 0 to 10 kV", "1V",
            "V_dd of the DAC: ENOB^2 C_u V_dd^2.",
        ),
        "capacitor_density": Constant(
            "F/m2", 1e-9, 1e9, "a capacitance per area from 1 nF/m2 to 1 GF/m2", "2mF/m2",
            "Capacitance of the DAC per area.",
        ),
    }  # fmt: skip

    def __post_init__(self) -> None:
        check_constants(self, self.constants)

    def energy(self, bits: float) -> float:
        return bits**2 * self.dac_unit_capacitance * self.supply_voltage**2

    def area(self, bits: float) -> float:
        return float(2.0**bits * self.dac_unit_capacitance / self.capacitor_density)

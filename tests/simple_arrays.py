"""Technologies of two parts, whose bills can be worked out by hand."""

from typing import Any

from rnscli.base.units import Uncertain
from rnscli.hardware.expression import Expression
from rnscli.hardware.operations import OperationPrices
from rnscli.hardware.technology import Part, Technology, Value

# Constants with their units, and what they are where a test does not say.
USUAL = {
    "energy_per_mac": ("J", 10e-15),
    "cycle_time": ("s", 10e-9),
    "cell_area": ("m2", 1e-14),
    "cell_power": ("W", 0.0),
}


# Prices of logic and of memory that are known, without the spread that is published of them.
KNOWN_PRICES = {
    name: Uncertain(1.0, 1.0, 1.0) for name in ("logic_energy_factor", "memory_energy_factor")
}


def simple(
    name: str = "simple",
    kind: str = "analog",
    modulo: str = "circuit",
    *,
    node: float = 45e-9,
    growth: str = "1",
    slower: str = "1",
    larger: str = "1",
    operations: OperationPrices | None = None,
    uncertain: dict[str, Uncertain] | None = None,
    **changed: Any,
) -> Technology:
    """Cells with an energy, a power and an area, and a clock; no ADC and no DAC of its own.

    ``growth``, ``slower`` and ``larger`` are formulas, mostly of ``input_bits``, by which energy,
    time and area of a cell grow. Only what is in ``uncertain`` is.
    """
    numbers = {key: changed.pop(key, usual) for key, (_, usual) in USUAL.items()}
    values = tuple(
        (key, Value(number, USUAL[key][0], "made up", number, number))
        for key, number in numbers.items()
    )
    cells = Part(
        name="cells",
        group="array",
        per="cell",
        energy=Expression(f"energy_per_mac * ({growth})"),
        power=Expression("cell_power"),
        area=Expression(f"cell_area * ({larger})"),
    )
    clock = Part(
        name="clock", group="array", per="array", time=Expression(f"cycle_time * ({slower})")
    )
    technology = Technology(
        name=name,
        kind=kind,
        modulo=modulo if kind == "analog" else "none",
        node=node,
        **{"rows": 1024, "columns": 1024, "overlapped": True, "parts": (cells, clock), **changed},
        values=values,
        operations=operations or OperationPrices(),
        uncertain=tuple((KNOWN_PRICES | (uncertain or {})).items()),
    )
    technology.check_units()
    return technology


# As a crossbar of ReRAM, light and capacitors were published, each as one number per MAC.
CROSSBAR = simple(
    "crossbar", node=14e-9, energy_per_mac=10.1235e-15, growth="2^(input_bits - 8)",
    cycle_time=425.6666666667e-9, slower="2^(input_bits - 8)", cell_area=2 * 4.096e-15,
)  # fmt: skip
LIGHT = simple(
    "light", modulo="circuit", node=45e-9, energy_per_mac=17e-15, growth="4^(input_bits - 5)",
    cycle_time=83.33333333333e-12, cell_area=1.0089e-7, rows=128, columns=128,
)  # fmt: skip
CAPACITORS = simple(
    "capacitors", node=40e-9, energy_per_mac=9.3e-15, growth="2^(input_bits - 6)",
    cycle_time=1e-9, cell_area=4.65e-12, larger="2^(input_bits - 6)",
)  # fmt: skip

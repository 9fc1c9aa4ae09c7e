"""The numbers of ``chips.toml``: what is printed of accelerators, and how each is computed."""

import math
import tomllib
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from rnscli import analysis
from rnscli.base import parse_quantity
from rnscli.core import Devices, DotProduct
from rnscli.hardware import Gemm, Workload, load_technology, load_workload
from rnscli.reproduction.block import significant

_HERE = Path(__file__)
_FILE: dict[str, Any] = tomllib.loads(_HERE.with_suffix(".toml").read_text(encoding="utf-8"))
_PROFILES = _HERE.with_name("chip-profiles")
# What a chip has besides the arguments of `rnscli.analysis.EnergyParameters`.
_OWN = ("name", "paper", "technology", "units", "values", "rows", "like", "buffer_banks")
_OF_DOT_PRODUCT = ("vector_size", "input_bits", "weight_bits")
_OF_DEVICES = ("input_slice_bits", "mapping")
_PREFIXES = "numGT"
# Without what surrounds the array, which papers do not count, unless a chip says so.
_USUAL = {"memory": "none", "scales": "none"}


@dataclass(frozen=True)
class Chip:
    """So many units of a design; a unit is the arrays that hold all slices of their weights."""

    parameters: analysis.EnergyParameters
    units: int
    buffer_banks: int | None = None

    @property
    def interval(self) -> float:
        """Time in s from one input to the next."""
        return self.parameters.design.timing.interval

    @property
    def ops(self) -> float:
        """Operations in a second where all units are busy; a MAC is two."""
        design = self.parameters.design
        return 2.0 * design.dot_product.vector_size * design.width * self.units / self.interval

    @property
    def power(self) -> float:
        """Power in W at this throughput."""
        design = self.parameters.design
        return self.units * design.energies.total * design.width / self.interval

    @property
    def area(self) -> float:
        """Area in m^2."""
        return self.units * self.parameters.design.area

    def share(self, of: str, parts: list[str]) -> float:
        """Share of some parts in the ``energy`` or the ``area`` of a unit."""
        found: dict[str, float] = {}
        for one in self.parameters.design.items:
            amount = one.total if of == "energy" else one.units * one.area
            found[one.part] = found.get(one.part, 0.0) + amount
        return math.fsum(found[name] for name in parts) / math.fsum(found.values())

    def run(self, network: Workload) -> analysis.ChipRow:
        """The network on these units, in total."""
        arrays = self.units * self.parameters.design.arrays
        chip = analysis.ChipParameters(
            array=self.parameters, arrays=arrays, buffer_banks=self.buffer_banks
        )
        return analysis.chip_run(chip, network)[-1]

    def tiles(self, network: Workload) -> int:
        """Units that hold all of its weights once."""
        chip = analysis.ChipParameters(array=self.parameters)
        return analysis.chip_run(chip, network)[-1].tiles


@dataclass(frozen=True, kw_only=True)
class ChipNumber:
    """A printed number, and from what it is computed; the file explains its keys."""

    name: str
    case: str
    unit: str
    published: dict[str, Any]
    on: str
    quantity: str
    parts: list[str]
    network: str
    over: str
    remark: str

    def computed(self) -> tuple[float, str]:
        """The number in its unit without a prefix, with a remark."""
        amount = self._amount(self.on)
        return amount / self._amount(self.over) if self.over else amount, self.remark

    def _amount(self, chip: str) -> float:
        return _QUANTITIES[self.quantity](chip_of(chip), self)


def _network(name: str) -> Workload:
    layers = _FILE["network"].get(name)
    if layers is None:
        return load_workload(name)
    return Workload(name, tuple(Gemm(*layer) for layer in layers))


def _of_run(key: str) -> Callable[[Chip, ChipNumber], float]:
    return lambda chip, one: float(getattr(chip.run(_network(one.network)), key))


def _pipelining(chip: Chip, one: ChipNumber) -> float:
    row = chip.run(_network(one.network))
    assert row.latency_s is not None
    return row.latency_s / row.time_s


_QUANTITIES: dict[str, Callable[[Chip, ChipNumber], float]] = {
    "ops": lambda chip, one: chip.ops,
    "ops_per_w": lambda chip, one: chip.ops / chip.power,
    "ops_per_mm2": lambda chip, one: chip.ops / (chip.area * 1e6),
    "power": lambda chip, one: chip.power,
    "area": lambda chip, one: chip.area,
    "time": lambda chip, one: chip.interval,
    "energy_share": lambda chip, one: chip.share("energy", one.parts),
    "area_share": lambda chip, one: chip.share("area", one.parts),
    "conversions": lambda chip, one: (
        chip.parameters.design.conversions[1] / chip.parameters.dot_product.vector_size
    ),
    "tiles": lambda chip, one: float(chip.tiles(_network(one.network))),
    "chips": lambda chip, one: chip.tiles(_network(one.network)) / chip.units,
    "waves": lambda chip, one: float(_network(one.network).gemms[0].m),
    "pipelining": _pipelining,
    "utilisation": _of_run("utilisation"),
    "energy": _of_run("energy_j"),
    "latency": _of_run("latency_s"),
    "throughput": _of_run("throughput_per_s"),
    "chip_power": _of_run("power_w"),
    "chip_area": _of_run("area_m2"),
}


def _described(name: str) -> dict[str, Any]:
    """What a chip has, with what it takes from one that it is like."""
    own: dict[str, Any] = _FILE["chip"][name]
    return (_described(own["like"]) if "like" in own else {}) | own


@cache
def chip_of(name: str) -> Chip:
    """A chip of the file."""
    described = _described(name)
    technology = load_technology(str(_PROFILES / f"{described['technology']}.toml"))
    values = described.get("values", {})
    if values:
        units = {key: technology.constants[key].unit for key in values}
        technology = technology.with_values(
            {key: parse_quantity(text, _unit(units[key])) for key, text in values.items()}
        )
    more: dict[str, Any] = _USUAL | {k: v for k, v in described.items() if k not in _OWN}
    dot_product = DotProduct(*(more.pop(key) for key in _OF_DOT_PRODUCT))
    devices = Devices(**{key: more.pop(key) for key in _OF_DEVICES if key in more})
    bits = dot_product.input_bits
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # of those that extrapolate, which the file gives a reason for
        parameters = analysis.EnergyParameters(
            dot_product=dot_product, devices=devices, bits=bits, technology=technology, **more
        )
    return Chip(parameters, described["units"], described.get("buffer_banks"))


def _unit(unit: str) -> str:
    return "" if unit == "1" else unit


def _rows() -> Iterator[ChipNumber]:
    for chip, described in _FILE["chip"].items():
        for key, line in described.get("rows", {}).items():
            unit = line.get("unit", "")
            yield ChipNumber(
                name=f"chips-{chip}-{key}",
                case=f"{described['name']}: {line['case']}",
                unit=_base(unit),
                published=_published(line.get("paper", described["paper"]), line, unit),
                on=line.get("on", chip),
                quantity=line["quantity"],
                parts=line.get("parts", []),
                network=line.get("network", ""),
                over=line.get("over", ""),
                remark=line.get("remark", ""),
            )


def _base(unit: str) -> str:
    """A unit without its prefix."""
    return unit[1:] if unit[:1] in _PREFIXES and unit[1:] else unit


def _published(paper: str, line: Mapping[str, Any], unit: str) -> dict[str, Any]:
    found = {"paper": paper, "where": line["where"], "tolerance": _FILE["tolerance"]}
    if "low" in line:
        ends = {end: float(line[end]) for end in ("low", "high")}
        return found | {"kind": "range", "text": line["text"]} | ends
    printed = line["printed"]
    factor = Decimal(str(parse_quantity(f"1{unit}", _base(unit)))) if unit else Decimal(1)
    return found | {
        "kind": "factor",
        "text": f"{printed} {unit}".strip(),
        "value": str(significant(printed) * factor),
        "explained": line.get("explained", 0.0),
    }


CHIPS = tuple(_rows())

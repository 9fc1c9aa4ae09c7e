"""Chips of the designs of a space: how large they are, and which networks they run."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from rnscli.analysis.chip.chip_parameters import ChipParameters
from rnscli.analysis.chip.chip_run import chip_figures
from rnscli.analysis.chip_design.chip_metrics import (
    OBJECTIVES_OF_CHIPS,
    SUM,
    TOGETHER,
    NetworkFigures,
)
from rnscli.analysis.design.limits import NOISE_OBJECTIVES
from rnscli.analysis.design.space import DesignSpace
from rnscli.analysis.energy import EnergyParameters
from rnscli.base import InputError, NoSolutionError
from rnscli.base import area as area_of
from rnscli.hardware import NETWORK_ON_CHIP, Workload

SIZES = ("arrays", "chip_area", "chip_power")  # in any of which the size of a chip is given


@dataclass(frozen=True, kw_only=True)
class ChipSpace:
    """Designs of arrays, the sizes of chips of them, and the networks that all chips run.

    Parameters
    ----------
    designs
        The designs.
    workloads
        The networks. Of several the chip is the same for all: it has the most digital units, lanes
        and buffer that any of them alone would have, and arrays as given or as fit beside these.
    size
        What the size of a chip is given by: ``arrays``, ``chip_area`` in m^2 or ``chip_power``
        in W, as in `ChipParameters`; ``None`` for one copy of every tile.
    sizes
        Values of that.
    together
        How numbers of several networks become one: ``sum`` or ``worst``.
    settings
        What else all chips have: ``schedule``, ``activation_products``, ``digital_units``,
        ``vector_lanes``, ``buffer_banks`` and ``dram`` of `ChipParameters`, and ``chip_power``
        beside a given area.

    Raises
    ------
    InputError
        If there is no network, or the size of a chip is given by a power for several.
    """

    designs: DesignSpace
    workloads: tuple[Workload, ...]
    size: str | None = None
    sizes: tuple[float | None, ...] = (None,)
    together: str = SUM
    settings: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.workloads:
            raise InputError("`workloads` is empty; give at least one network")
        if self.together not in TOGETHER:
            raise InputError.of("together", self.together, f"one of {', '.join(TOGETHER)}")
        if not self.sizes or (self.size is None) != (self.sizes == (None,)):
            raise InputError("`size` and `sizes` are given together; give both or neither")
        if self.size is not None and self.size not in SIZES:
            raise InputError.of("size", self.size, f"one of {', '.join(SIZES)}")
        powered = self.size == "chip_power" or self.settings.get("chip_power") is not None
        if powered and len(self.workloads) > 1:
            raise InputError(
                "`chip_power` depends on the network, and there are several; give `chip_area` or "
                "`arrays`, and `max_power`"
            )

    @property
    def count(self) -> int:
        """Designs, each with each size of a chip."""
        return self.designs.size * len(self.sizes)

    @property
    def objectives(self) -> dict[str, str]:
        """What chips on the front are not beaten in; where an area is given, it counts."""
        noisy = {} if self.designs.noise is None else NOISE_OBJECTIVES
        every = OBJECTIVES_OF_CHIPS | noisy
        return every | {"area": "given_area_m2"} if self.size == "chip_area" else every

    def chip(self, array: EnergyParameters, size: float | None) -> ChipParameters:
        """A chip of one size, as it is requested."""
        sized: dict[str, Any] = {} if self.size is None else {self.size: size}
        return ChipParameters(array=array, **sized, **self.settings)

    def networks(
        self, array: EnergyParameters, size: float | None
    ) -> tuple[ChipParameters, tuple[NetworkFigures, ...]]:
        """All networks on a chip of one size, and that chip."""
        chip = self.chip(array, size)
        own = tuple(self._on(chip))
        if len(own) == 1:
            return chip, own
        chip = self._common(chip, own)
        return chip, tuple(self._on(chip))

    def _on(self, chip: ChipParameters) -> Iterator[NetworkFigures]:
        for workload in self.workloads:
            yield NetworkFigures(workload, chip_figures(chip, workload))

    def _common(self, chip: ChipParameters, own: tuple[NetworkFigures, ...]) -> ChipParameters:
        """One chip for several networks, with nothing left open."""
        every = [one.figures for one in own]
        units = chip.digital_units or max(one.digital_units for one in every) or None
        made = replace(
            chip,
            chip_area=None,
            arrays=chip.arrays or max(one.arrays for one in every),
            digital_units=units,
            vector_lanes=max(one.lanes for one in every),
            buffer_banks=max(one.banks for one in every),
        )
        if chip.chip_area is None:
            return made
        # The area rises by the same with each unit, whatever runs on it.
        least = replace(made, arrays=made.unit.arrays)
        area = max(one.figures.area for one in self._on(least))
        each = made.unit.area + NETWORK_ON_CHIP.router_area(made.unit.technology.node)
        more = math.floor((chip.chip_area - area) / each)
        if more < 0:
            raise NoSolutionError(
                f"`chip_area` {area_of(chip.chip_area)} is less than one tile takes, with what all "
                "networks need beside it"
            )
        return replace(made, arrays=(1 + more) * made.unit.arrays)

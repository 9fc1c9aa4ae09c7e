"""A network on a chip of so many arrays: its memories, its times, energies and area."""

import math
from collections.abc import Collection
from dataclasses import dataclass, field
from functools import cached_property

from rnscli.analysis.chip.chip_parameters import BANK, ChipParameters
from rnscli.analysis.chip.layer_demand import DIGITAL_UNITS, HELD, LayerDemand
from rnscli.analysis.chip.placement import Occupancy, Placement
from rnscli.analysis.chip.rows import CHIP_BUSY_PARTS, CHIP_ENERGY_PARTS, POWER
from rnscli.analysis.chip.streaming import Share
from rnscli.analysis.energy.energy_design import EnergyDesign
from rnscli.hardware import MEMORIES, NETWORK_ON_CHIP, VectorUnit, Workload

# A buffer that is not given holds all activations up to this many banks of 1 MB.
MAX_USUAL_BANKS = 32
# Parts that layers share also where they work at the same time.
_SHARED = ("digital units", "vector lanes", "buffer", "dram")


@dataclass(frozen=True, eq=False)
class BuiltChip:
    """A workload on a chip of so many arrays; by default of one copy of each tile.

    ``bound`` is what a search was held back by, which the total then names as its limit. What
    `replace` makes of a chip shares its ``placements``, which do not depend on digital units and
    lanes.
    """

    parameters: ChipParameters
    workload: Workload
    demands: tuple[LayerDemand, ...]
    given: int | None
    bound: str | None = None
    placements: dict[tuple[object, ...], Placement] = field(default_factory=dict, repr=False)

    @cached_property
    def occupancy(self) -> Occupancy:
        return Occupancy(self.parameters, self.demands, self.workload.trains, self.given)

    @cached_property
    def placement(self) -> Placement:
        key = (self.given, self.pipelined, self.banks)
        if key not in self.placements:
            self.placements[key] = Placement(self.occupancy, self.buffer_rate, self.dram_rate)
        return self.placements[key]

    @property
    def pipelined(self) -> bool:
        return self.occupancy.pipelined

    @property
    def units(self) -> int:
        return self.occupancy.units

    @property
    def shares(self) -> tuple[Share | None, ...]:
        return self.placement.shares

    # Memories

    @cached_property
    def _kept(self) -> float:
        """Bits of what all layers keep at the same time."""
        ones = self.demands
        if self.pipelined:  # each layer reads one input while the next one is written
            return math.fsum(2 * one.in_bits + one.fresh_operand_bits for one in ones)
        if not self.workload.trains:
            return 0.0
        # Inputs are kept for the gradients of the weights.
        return math.fsum(
            one.in_bits for one in ones if one.gemm.stationary and one.gemm.shares is None
        )

    @cached_property
    def _working(self) -> tuple[float, ...]:
        """Bits that each layer needs while it runs, one of its depth, where layers take turns."""
        if self.pipelined:
            return (0.0,) * len(self.demands)
        return tuple(one.buffer_bits / one.gemm.depth for one in self.demands)

    @cached_property
    def banks(self) -> int:
        if self.parameters.buffer_banks is not None:
            return self.parameters.buffer_banks
        needed = math.ceil((self._kept + max(self._working)) / MEMORIES[BANK].held)
        return min(max(1, needed), MAX_USUAL_BANKS)

    @cached_property
    def _spilled(self) -> tuple[float, ...]:
        """Bits that each layer moves to and from the DRAM, as the buffer does not hold them."""
        room = self.banks * MEMORIES[BANK].held
        # What a layer needs now goes before what is kept for later; each bit is moved twice.
        spilled = [
            2 * max(0.0, bits - room) * one.gemm.depth
            for bits, one in zip(self._working, self.demands, strict=True)
        ]
        short = self._kept - max(0.0, room - max(self._working))
        # The largest first: the fewest layers then wait for the DRAM.
        for index in sorted(range(len(spilled)), key=lambda i: -self.demands[i].in_bits):
            if short <= 0:
                break
            one = self.demands[index]
            spilled[index] += 2 * min(one.in_bits, short)
            short -= one.in_bits * (2 if self.pipelined else 1)
        return tuple(spilled)

    def _loaded_bits(self, index: int) -> float:
        """Bits of weights that a layer takes from the DRAM."""
        one, share = self.demands[index], self.shares[index]
        if share is None or one.runs_on != HELD:
            return 0.0
        return share.loads * one.stored_bits

    def dram_bits(self, index: int) -> float:
        """Bits that a layer moves to and from the DRAM in a run."""
        return self.demands[index].dram_bits + self._spilled[index] + self._loaded_bits(index)

    # Digital units and lanes: as many as take no longer than the arrays, unless given

    @cached_property
    def digital_units(self) -> int:
        if not self.digital_time:
            return 0
        return self.parameters.digital_units or self._keeping_up(self.digital_time)

    @cached_property
    def lanes(self) -> int:
        return self.parameters.vector_lanes or self._keeping_up(self.vector_time)

    @cached_property
    def digital_time(self) -> float:
        """Time in s in which one digital unit does all that is for such units."""
        return math.fsum(one.unit_time for one in self.demands if one.runs_on == DIGITAL_UNITS)

    @cached_property
    def vector_time(self) -> float:
        """Time in s in which one lane does all vector work."""
        count = math.fsum(one.operation_count for one in self.demands)
        return count / self.parameters.array.clock

    def _keeping_up(self, busy: float) -> int:
        interval = self.placement.interval
        return max(1, math.ceil(busy / interval)) if interval else 1

    @cached_property
    def _vector_unit(self) -> VectorUnit:
        prices = self.parameters.unit.technology.operations
        return VectorUnit(self.lanes, self.parameters.array.clock, prices)

    # Time

    @cached_property
    def _busy(self) -> tuple[dict[str, float], ...]:
        """Time in s that each layer keeps each part of the chip busy; keys are `LIMITS`."""
        found = []
        for index, one in enumerate(self.demands):
            share = self.shares[index]
            times = {
                "digital units": 0.0,
                "vector lanes": self._vector_unit.time(one.operations),
                "buffer": one.buffer_bits / self.buffer_rate,
                "dram": self.dram_bits(index) / self.dram_rate,
            }
            if share is None:
                times["digital units"] = one.unit_time / self.digital_units
            else:
                name = "converters" if one.design.converters_decide else "array"
                times[name], times["writing"] = share.compute, share.write
            found.append(times)
        return tuple(found)

    def _own(self, index: int) -> tuple[float, str]:
        """Time in s that the arrays of a layer take, one of its depth by one, and what takes it."""
        busy, share = self._busy[index], self.shares[index]
        own = {name: time for name, time in busy.items() if name not in _SHARED}
        if share is None:
            return 0.0, ""
        limit = max(own, key=own.__getitem__)
        if limit == "writing" and share.fetch >= share.write * (1 - 1e-9):
            # Values come no faster than they are written.
            limit = "buffer" if self.demands[index].loaded_from_buffer else "dram"
        return math.fsum(own.values()), limit  # arrays wait while they are written

    def _shared(self, index: int) -> tuple[float, str]:
        """The longest time in s for which a layer needs a part that others need as well."""
        busy = self._busy[index]
        slowest = max(_SHARED, key=busy.__getitem__)
        return busy[slowest], slowest

    def time_of(self, index: int) -> tuple[float, str]:
        """Time in s for which a layer keeps its slowest part busy in a run, and which that is.

        Of layers that work at the same time it is until the next input may enter.
        """
        own, limit = self._own(index)
        if self.pipelined and index in self.occupancy.placed:
            own = self.placement.own_time(index)
        return max((own, limit), self._shared(index), key=lambda one: one[0])

    def busy_times(self, index: int) -> dict[str, float]:
        """Time in s that a layer keeps each part busy in a run, by its keys in rows.

        Arrays do not compute while they are written, so that of these two it is the sum that
        `time_of` compares with the others. Of layers that work at the same time arrays are those
        of one of its depth, as they are where that says until when the next input may enter.
        """
        busy, share = self._busy[index], self.shares[index]
        compute = write = 0.0
        if share is not None:
            compute, write = share.compute, share.write
            if self.pipelined and index in self.occupancy.placed:
                write /= self.demands[index].gemm.depth
                compute = self.placement.own_time(index) - write
        times = (compute, write, *(busy[name] for name in _SHARED))
        return dict(zip(CHIP_BUSY_PARTS, times, strict=True))

    @cached_property
    def latency(self) -> float:
        """Time in s from the first input of a run to its last output: of one layer by one."""
        layers = range(len(self.demands))
        return math.fsum(max(self._own(i)[0], self._shared(i)[0]) for i in layers)

    @cached_property
    def full_time(self) -> tuple[float, str]:
        """Time in s between two runs that do not wait, and what takes it."""
        layers = [self.time_of(index) for index in range(len(self.demands))]
        if self.pipelined:
            return max([*((time, name) for name, time in self._together.items()), *layers])
        by_limit: dict[str, float] = {}
        for time, limit in layers:
            by_limit[limit] = by_limit.get(limit, 0.0) + time
        return math.fsum(by_limit.values()), max(by_limit, key=by_limit.__getitem__)

    @cached_property
    def _together(self) -> dict[str, float]:
        """Time in s for which all layers keep each of the parts busy that they share."""
        return {name: math.fsum(busy[name] for busy in self._busy) for name in _SHARED}

    def least_time(self, chosen: Collection[str]) -> float:
        """Time in s that more arrays, and parts that are chosen, do not shorten."""
        return max(time for name, time in self._together.items() if name not in chosen)

    def fixed_limit(self, chosen: Collection[str]) -> str:
        """What takes the time, of what is not chosen."""
        layers = [self.time_of(index) for index in self.occupancy.placed]
        shared = [(time, name) for name, time in self._together.items()]
        return max(one for one in (*shared, *layers) if one[1] not in chosen)[1]

    @property
    def full_power(self) -> float:
        """Power in W where no run waits for another."""
        return self.energy / self.full_time[0]

    @cached_property
    def total_time(self) -> tuple[float, str]:
        """Time in s between two runs, and what takes it: a chip may rest to keep a power."""
        power = self.parameters.chip_power
        if power is not None and self.full_power > power:
            return self.energy / power, POWER
        time, limit = self.full_time
        return time, self.bound or limit

    # What no layer exceeds

    def mac_rate(self, units: int) -> float:
        """MACs in a second that so many units do where every cell is used at every interval."""
        return _mac_rate(self.parameters.unit, units)

    @property
    def digital_mac_rate(self) -> float | None:
        """The same of the digital units."""
        return (
            _mac_rate(self.parameters.digital, self.digital_units) if self.digital_units else None
        )

    @property
    def buffer_rate(self) -> float:
        """Bits in a second to and from the buffer."""
        return self.banks * MEMORIES[BANK].bandwidth

    @property
    def dram_rate(self) -> float:
        return MEMORIES[self.parameters.dram].bandwidth

    # Energy and area

    @cached_property
    def areas(self) -> dict[str, float]:
        """Area in m^2 of each part of the chip, by its keys in rows."""
        bank, made = MEMORIES[BANK], self.parameters
        return {
            "arrays_area_m2": self.units * made.unit.area,
            "digital_area_m2": (
                self.digital_units * made.digital.area if self.digital_units else 0.0
            ),
            "vector_area_m2": self._vector_unit.area,
            "buffer_area_m2": self.banks * bank.held * bank.bit_area_at(self._node),
            "router_area_m2": (self.units + self.digital_units) * made.router_area,
        }

    @cached_property
    def area(self) -> float:
        """Area in m^2 of all that is on the chip."""
        return math.fsum(self.areas.values())

    @property
    def _node(self) -> float:
        return self.parameters.unit.technology.node

    @cached_property
    def energies(self) -> tuple[dict[str, float], ...]:
        """Energy in J of each layer in a run, by its keys in rows."""
        factor = self.parameters.unit.technology.memory_energy_factor
        bank, dram = MEMORIES[BANK], MEMORIES[self.parameters.dram]
        # From anywhere to anywhere on a square: two thirds of its side.
        distance = 2 / 3 * math.sqrt(self.area)
        found = []
        for index, one in enumerate(self.demands):
            share, made = self.shares[index], one.product
            energies = dict.fromkeys(CHIP_ENERGY_PARTS, 0.0)
            if share is None:
                energies["digital_energy_j"] = made.total
                energies["write_energy_j"] = one.unit_writing
            else:
                energies["converter_energy_j"] = made.converter
                energies["array_energy_j"] = made.array
                energies["logic_energy_j"] = made.digital + made.accumulation
                if share.writes:
                    writing = self.parameters.unit.writing.energy
                    energies["write_energy_j"] = share.writes * writing
            energies["vector_energy_j"] = self._vector_unit.energy(one.operations)
            energies["buffer_energy_j"] = one.buffer_bits * bank.at_node(self._node) * factor
            energies["network_energy_j"] = NETWORK_ON_CHIP.energy(
                one.moved_bits + self._loaded_bits(index), distance, self._node
            )
            energies["dram_energy_j"] = self.dram_bits(index) * dram.at_node(self._node) * factor
            found.append(energies)
        return tuple(found)

    @cached_property
    def energy(self) -> float:
        return math.fsum(one for energies in self.energies for one in energies.values())

    @property
    def lifetime(self) -> float | None:
        """Time in s until cells have worn out, where writes are spread over what is written.

        Layers that take turns are loaded into the same units; what stays, and what works at the
        same time, has its own.
        """
        written = [share for share in self.shares if share is not None and share.writes]
        if not written or self.parameters.unit.writing.endurance is None:
            return None
        own = [share for share in written if share.resident or self.pipelined]
        worst = max((share.writes / share.units for share in own), default=0.0)
        turns = [share for share in written if not (share.resident or self.pipelined)]
        if turns:
            pool = max(share.units for share in turns)
            worst = max(worst, sum(share.writes for share in turns) / pool)
        return self.parameters.unit.writing.endurance / worst * self.total_time[0]


def _mac_rate(design: EnergyDesign, units: int) -> float:
    return units * design.dot_product.vector_size * design.width / design.timing.interval

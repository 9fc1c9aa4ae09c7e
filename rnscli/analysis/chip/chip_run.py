"""A network on a chip: what each of its layers takes, and all of them together."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from rnscli.analysis.chip.chip_parameters import BANK, SCHEDULES, SEQUENTIAL, ChipParameters, most
from rnscli.analysis.chip.layer_demand import (
    DIGITAL_UNITS,
    HELD,
    WRITTEN,
    LayerDemand,
    layer_demands,
)
from rnscli.analysis.chip.mapping import Stage, balanced_copies, spread_copies
from rnscli.analysis.chip.rows import CHIP_ENERGY_PARTS, POWER, ChipRow
from rnscli.analysis.chip.streaming import (
    Loading,
    Share,
    resident_share,
    sequential_shares,
    streamed_share,
)
from rnscli.analysis.energy.bill import design_columns
from rnscli.base import InputError, NoSolutionError
from rnscli.hardware import MEMORIES, NETWORK_ON_CHIP, TOTAL, VectorUnit, Workload

CHIP_NOT_COUNTED = (
    "control",
    "clock distribution",
    "leakage",
    "what rests",
    "conflicts in memories and network",
    "processors of a host",
)
CHIP_ASSUMPTIONS = (
    "a layer begins when the one before it has ended; of pipelined layers each keeps the input "
    "that it reads, and the next one, in the buffer",
    "activations have the bits of the inputs, weights in the DRAM those of the weights",
    "arrays do not compute while they are written, and all of a unit are written at once",
    "a bit that is read from the buffer travels two thirds of the side of the chip",
)
# A buffer that is not given holds all activations up to this many banks of 1 MB.
MAX_USUAL_BANKS = 32
_FREE = Loading(0.0, 0.0)


def chip_run(parameters: ChipParameters, workload: Workload) -> tuple[ChipRow, ...]:
    """Time, energy and area of a network on a chip, layer by layer and in total.

    Every layer is cut in tiles of h x c; a *unit* is the arrays that hold one tile, of all channels
    and slices of the core. Where one copy of each tile fits, layers work at the same time, and the
    numbers of copies are those with which the slowest layer is fastest (`balanced_copies`); what is
    left shortens the others. Where it does not, or if wanted, layers follow one another and tiles
    are loaded (`sequential_shares`). Products of two activations are computed on digital units, or
    on arrays that are written; what is no product on vector lanes.

    A layer takes as long as what it keeps busy longest: its arrays, their loading, digital units,
    lanes, buffer or DRAM. Of layers that work at the same time those parts that they share are
    busy with all of them.

    Parameters
    ----------
    parameters
        The chip.
    workload
        The network.

    Returns
    -------
    tuple of ChipRow
        One for each layer, and the total at the end.

    Raises
    ------
    InputError
        If a schedule is not possible, or weights must be written on a technology that does not say
        what that takes.
    NoSolutionError
        If not even one unit fits in the area, or keeps within the power.
    """
    demands = layer_demands(parameters, workload)
    if parameters.chip_area is None and parameters.chip_power is None:
        return _Run(parameters, workload, demands, parameters.arrays).rows
    return _within(parameters, workload, demands).rows


def _within(
    parameters: ChipParameters, workload: Workload, demands: tuple[LayerDemand, ...]
) -> "_Run":
    """The fastest chip within an area, a power, or both.

    If layers work at the same time, the time between two runs decides how many copies, digital
    units and lanes there must be, and with these the area: the least time that fits is found by
    bisection. If that is not possible, layers follow one another on as many arrays as fit. A chip
    that takes too much power however small it is rests between two runs.
    """
    made = _fastest(parameters, workload, demands, parameters.chip_power)
    if made is None and parameters.chip_power is not None:
        made = _fastest(parameters, workload, demands, None)
    if made is None:
        each, area = parameters.unit.arrays, parameters.chip_area
        raise NoSolutionError(
            f"`chip_area` {area:g} is less than the {each} arrays of one tile take, with what is "
            "beside them"
            if not SCHEDULES[parameters.schedule].pipelined
            else f"`chip_area` {area:g} is too little for one copy of each tile, with what is "
            "beside them"
        )
    return made


def _fastest(
    parameters: ChipParameters,
    workload: Workload,
    demands: tuple[LayerDemand, ...],
    power: float | None,
) -> "_Run | None":
    """The fastest chip within the area, and a power; ``None`` if there is none."""
    area = parameters.chip_area
    each = parameters.unit.arrays

    def fits(run: "_Run") -> bool:
        return (area is None or run.area <= area) and (power is None or run.full_power <= power)

    whole = _Run(parameters, workload, demands, None)
    if whole.may_be_pipelined:
        low, high = 0.0, whole.longest_time
        best = whole.keeping(high)
        if best is not None and fits(best):
            while high - low > 1e-3 * high:
                middle = (low + high) / 2
                made = whole.keeping(middle)
                if made is not None and fits(made):
                    best, high = made, middle
                else:
                    low = middle
            return best
    if SCHEDULES[parameters.schedule].pipelined:
        return None

    def made_of(units: int) -> "_Run":
        return _Run(replace(parameters, schedule=SEQUENTIAL), workload, demands, units * each)

    # Beyond a copy for each vector of each layer more units do nothing.
    useful = sum(one.stage.tiles * one.stage.waves for one in demands if one.on_arrays)
    units = most(lambda units: fits(made_of(units)), high=max(1, useful))
    return None if units is None else made_of(units)


@dataclass(frozen=True, eq=False)
class _Run:
    """A workload on a chip of so many arrays; by default of one copy of each tile."""

    parameters: ChipParameters
    workload: Workload
    demands: tuple[LayerDemand, ...]
    given: int | None

    @cached_property
    def units(self) -> int:
        """Tiles that the arrays hold at a time."""
        each = self.parameters.unit.arrays
        if self.given is None:
            return max(1, self._needed)
        units = self.given // each
        if not units:
            raise InputError(
                f"`arrays` is {self.given}; one tile of this core takes {each}, so that many are "
                "the least"
            )
        return units

    @cached_property
    def _held(self) -> list[int]:
        """Layers whose weights arrays hold, each of its own."""
        return [
            index
            for index, one in enumerate(self.demands)
            if one.runs_on == HELD and not self._reads_another(one)
        ]

    def _reads_another(self, one: LayerDemand) -> bool:
        """Whether it uses tiles that hold another layer's weights."""
        return one.shared

    @cached_property
    def _needed(self) -> int:
        """Units for one copy of each tile, and one for each layer that is written."""
        held = sum(self.demands[index].tiles for index in self._held)
        return held + sum(one.gemm.depth for one in self.demands if one.runs_on == WRITTEN)

    @cached_property
    def pipelined(self) -> bool:
        wanted = SCHEDULES[self.parameters.schedule].pipelined
        fits = self._needed <= self.units
        if wanted is None:
            return fits and not self.workload.trains
        if wanted and self.workload.trains:
            raise InputError(
                "`schedule` pipelined is not for training, which writes all weights after each "
                "run; give sequential"
            )
        if wanted and not fits:
            raise InputError(
                f"`schedule` pipelined needs {self._needed * self.parameters.unit.arrays} arrays, "
                f"one copy of each tile, and there are {self.units * self.parameters.unit.arrays}"
            )
        return wanted

    @property
    def may_be_pipelined(self) -> bool:
        """Whether layers may work at the same time, if the arrays hold them."""
        wanted = SCHEDULES[self.parameters.schedule].pipelined
        return wanted is not False and not self.workload.trains

    @property
    def longest_time(self) -> float:
        """Time in s between two runs with one copy of each tile, one unit, and one lane."""
        slowest = max((self._stage(i).duration(1) for i in self._on_arrays), default=0.0)
        lanes = self._vector_operations / self.parameters.array.clock
        return max(slowest, self._digital_time, lanes)

    def keeping(self, time: float) -> "_Run | None":
        """The smallest chip of one copy of each tile at least that keeps a time between runs."""
        units = 0
        for index in self._on_arrays:
            stage = self._stage(index)
            copies = stage.copies_within(time)
            if copies is None:
                return None
            units += copies * stage.tiles
        parameters = self.parameters
        chosen = replace(
            parameters,
            digital_units=parameters.digital_units or max(1, math.ceil(self._digital_time / time)),
            vector_lanes=parameters.vector_lanes
            or max(1, math.ceil(self._vector_operations / parameters.array.clock / time)),
        )
        return replace(self, parameters=chosen, given=max(1, units) * parameters.unit.arrays)

    # Memories

    @cached_property
    def _buffer_needed(self) -> float:
        """Bits of all activations that are there at a time."""
        ones = self.demands
        if self.pipelined:  # each layer reads one input while the next one is written
            return 2 * math.fsum(one.in_bits for one in ones)
        largest = max(one.buffer_bits for one in ones)
        # Inputs of all layers are kept for the gradients of their weights.
        kept = [one.in_bits for one in ones if one.gemm.stationary and one.gemm.shares is None]
        return largest + (math.fsum(kept) if self.workload.trains else 0.0)

    @cached_property
    def banks(self) -> int:
        if self.parameters.buffer_banks is not None:
            return self.parameters.buffer_banks
        needed = math.ceil(self._buffer_needed / MEMORIES[BANK].held)
        return min(max(1, needed), MAX_USUAL_BANKS)

    @cached_property
    def _spilled(self) -> tuple[float, ...]:
        """Bits that each layer moves to and from the DRAM, as the buffer does not hold them."""
        short = self._buffer_needed - self.banks * MEMORIES[BANK].held
        spilled = [0.0] * len(self.demands)
        # The largest first: the fewest layers then wait for the DRAM.
        order = sorted(range(len(spilled)), key=lambda i: -self.demands[i].in_bits)
        for index in order:
            if short <= 0:
                break
            one = self.demands[index]
            held = one.in_bits * (2 if self.pipelined else 1)
            # Each is written once and read once.
            spilled[index] = 2 * min(one.in_bits, short)
            short -= held
        return tuple(spilled)

    # Arrays

    @cached_property
    def _loadings(self) -> tuple[Loading, ...]:
        """What writing a tile of each layer takes: values come from DRAM, or from the buffer."""
        dram = MEMORIES[self.parameters.dram].bandwidth
        buffer = self.banks * MEMORIES[BANK].bandwidth
        unit = self.parameters.unit
        found = []
        for one in self.demands:
            bits = unit.dot_product.vector_size * unit.width * one.weight_bits
            source = buffer if one.runs_on == WRITTEN and not one.gemm.cached else dram
            found.append(Loading(unit.writing.time, bits / source))
        return tuple(found)

    @cached_property
    def shares(self) -> tuple[Share | None, ...]:
        """What each layer gets of the units; ``None`` of those on digital units."""
        found = self._pipelined_shares() if self.pipelined else self._sequential_shares()
        held = {self.demands[i].gemm.layer: found[i] for i in self._held}
        for index, one in enumerate(self.demands):
            if self._reads_another(one):
                base = held[str(one.gemm.shares)]
                found[index] = self._shared(index, base)
        return tuple(found)

    def _shared(self, index: int, base: Share | None) -> Share:
        """The share of a layer that reads the tiles of another one, transposed."""
        assert base is not None
        stage = self.demands[index].stage
        if base.resident:
            return resident_share(stage, base.copies)._replace(units=base.units)
        return streamed_share(stage, self.units, self._loadings[index])

    @cached_property
    def _on_arrays(self) -> list[int]:
        """Layers that need units of their own."""
        return [
            index
            for index, one in enumerate(self.demands)
            if one.on_arrays and not self._reads_another(one)
        ]

    def _stage(self, index: int) -> Stage:
        """A layer as it is mapped where all layers work at the same time."""
        one = self.demands[index]
        if one.runs_on == HELD:
            readers = [r for r in self.demands if self._reads_another(r)]
            readers = [r for r in readers if r.gemm.shares == one.gemm.layer]
            waves = sum(r.stage.waves * r.gemm.steps for r in readers)
            return replace(one.stage, waves=one.stage.waves + -(-waves // one.gemm.steps))
        # Each of its units is written and used in turn, for one tile after the other.
        each = self._loadings[index].time(1) + one.stage.duration(1)
        depth = one.gemm.depth
        return Stage(depth, -(-one.tiles // depth), each, 1, depth)

    def _pipelined_shares(self) -> list[Share | None]:
        arrays = self._on_arrays
        stages = [self._stage(index) for index in arrays]
        copies = balanced_copies(stages, self.units)
        copies = spread_copies(stages, self.units, copies)
        found: list[Share | None] = [None] * len(self.demands)
        for index, stage, many in zip(arrays, stages, copies, strict=True):
            share = resident_share(stage, many)
            if self.demands[index].runs_on == WRITTEN:
                write = self._loadings[index].time(1) * stage.rounds(many) * stage.depth
                share = share._replace(
                    writes=self.demands[index].tiles,
                    compute=share.compute - write,
                    write=write,
                    resident=False,
                )
            found[index] = share
        return found

    def _sequential_shares(self) -> list[Share | None]:
        arrays = [
            i
            for i, one in enumerate(self.demands)
            if one.on_arrays and not self._reads_another(one)
        ]
        ones = [self.demands[i] for i in arrays]
        written = [one.runs_on == WRITTEN for one in ones]
        fits = self._needed <= self.units and not any(written)
        loadings = [_FREE if fits else self._loadings[i] for i in arrays]
        shares = sequential_shares([one.stage for one in ones], self.units, loadings, written)
        found: list[Share | None] = [None] * len(self.demands)
        for index, share in zip(arrays, shares, strict=True):
            found[index] = share
            if share.resident and self.workload.trains:
                # All of its copies are written with the new weights, once in a run.
                tiles = self.demands[index].tiles
                write = self._loadings[index].time(tiles)
                found[index] = share._replace(writes=tiles * share.copies, write=write)
        return found

    @property
    def _array_time(self) -> float:
        """Time in s that the arrays need for a run, whatever the rest does."""
        shares = [share for share in self.shares if share is not None]
        if self.pipelined:
            return max((self._stage_time(share, i) for i, share in self._placed), default=0.0)
        return math.fsum(share.duration for share in shares)

    @property
    def _placed(self) -> list[tuple[int, Share]]:
        return [(i, share) for i, share in enumerate(self.shares) if share is not None]

    def _stage_time(self, share: Share, index: int) -> float:
        """Time in s of one of the layers of a depth."""
        return share.duration / self.demands[index].gemm.depth

    # Digital units and lanes: as many as keep up with the arrays, unless given

    @cached_property
    def digital_units(self) -> int:
        ones = [one for one in self.demands if one.runs_on == DIGITAL_UNITS]
        if not ones:
            return 0
        return self.parameters.digital_units or self._keeping_up(self._digital_time)

    @cached_property
    def lanes(self) -> int:
        busy = self._vector_operations / self.parameters.array.clock
        return self.parameters.vector_lanes or self._keeping_up(busy)

    @cached_property
    def _digital_time(self) -> float:
        """Time in s in which one digital unit does all that is for such units."""
        return math.fsum(one.unit_time for one in self.demands if one.runs_on == DIGITAL_UNITS)

    @cached_property
    def _vector_operations(self) -> float:
        return math.fsum(one.operation_count for one in self.demands)

    def _keeping_up(self, busy: float) -> int:
        return max(1, math.ceil(busy / self._array_time)) if self._array_time else 1

    @cached_property
    def _vector_unit(self) -> VectorUnit:
        prices = self.parameters.unit.technology.operations
        return VectorUnit(self.lanes, self.parameters.array.clock, prices)

    # Time

    @cached_property
    def busy(self) -> tuple[dict[str, float], ...]:
        """Time in s that each layer keeps each part of the chip busy; keys are `LIMITS`."""
        bank, dram = MEMORIES[BANK], MEMORIES[self.parameters.dram]
        found = []
        for index, one in enumerate(self.demands):
            share = self.shares[index]
            times = {
                "digital units": 0.0,
                "vector lanes": self._vector_unit.time(one.operations),
                "buffer": one.buffer_bits / (self.banks * bank.bandwidth),
                "dram": self._dram_bits(index) / dram.bandwidth,
            }
            if share is None:
                times["digital units"] = one.unit_time / self.digital_units
            else:
                name = "converters" if one.design.converters_decide else "array"
                times[name], times["writing"] = share.compute, share.write
            found.append(times)
        return tuple(found)

    def _dram_bits(self, index: int) -> float:
        one, share = self.demands[index], self.shares[index]
        moved = share is not None and share.writes and one.runs_on == HELD
        return one.dram_bits + self._spilled[index] + (one.stored_bits if moved else 0.0)

    @cached_property
    def times(self) -> tuple[tuple[float, str], ...]:
        """Time in s of each layer, and what it is busy with for so long."""
        found = []
        for index, busy in enumerate(self.busy):
            share = self.shares[index]
            depth = self.demands[index].gemm.depth if self.pipelined else 1
            together = {name: time for name, time in busy.items() if name in _SHARED}
            own = {name: time / depth for name, time in busy.items() if name not in _SHARED}
            slowest = max(together, key=together.__getitem__)
            arrays = math.fsum(own.values())  # which wait while they are written
            if share is not None and arrays >= together[slowest]:
                found.append((arrays, max(own, key=own.__getitem__)))
            else:
                found.append((together[slowest], slowest))
        return tuple(found)

    @cached_property
    def total_time(self) -> tuple[float, str]:
        """Time in s between two runs, and what takes it."""
        power = self.parameters.chip_power
        if power is not None and self.full_power > power:
            return self.energy / power, POWER
        return self._full_time

    @property
    def full_power(self) -> float:
        """Power in W where no run waits for another."""
        return self.energy / self._full_time[0]

    @cached_property
    def _full_time(self) -> tuple[float, str]:
        """Time in s between two runs that do not wait, and what takes it."""
        if not self.pipelined:
            by_limit: dict[str, float] = {}
            for time, limit in self.times:
                by_limit[limit] = by_limit.get(limit, 0.0) + time
            total = math.fsum((*by_limit.values(), *(one.wait for one in self.demands)))
            return total, max(by_limit, key=by_limit.__getitem__)
        shared = [(math.fsum(busy[name] for busy in self.busy), name) for name in _SHARED]
        return max([*shared, *self.times])

    @property
    def latency(self) -> float:
        if not self.pipelined:
            return self._full_time[0]
        waits = math.fsum(one.wait for one in self.demands)
        depths = (one.gemm.depth for one in self.demands)
        spent = (
            max(time * depth, *(busy[name] for name in _SHARED))
            for (time, _), depth, busy in zip(self.times, depths, self.busy, strict=True)
        )
        return math.fsum(spent) + waits

    # Energy and area

    @cached_property
    def area(self) -> float:
        """Area in m^2 of all that is on the chip."""
        bank = MEMORIES[BANK]
        digital = self.digital_units * self.parameters.digital.area if self.digital_units else 0.0
        routers = (self.units + self.digital_units) * NETWORK_ON_CHIP.router_area(self._node)
        buffer = self.banks * bank.held * bank.bit_area_at(self._node)
        return math.fsum((self.arrays_area, digital, self._vector_unit.area, buffer, routers))

    @property
    def _node(self) -> float:
        return self.parameters.unit.technology.node

    @property
    def arrays_area(self) -> float:
        return self.units * self.parameters.unit.area

    @cached_property
    def energies(self) -> tuple[dict[str, float], ...]:
        """Energy in J of each layer in a run, by its keys in rows."""
        parameters, unit = self.parameters, self.parameters.unit
        factor = unit.technology.memory_energy_factor
        bank, dram = MEMORIES[BANK], MEMORIES[parameters.dram]
        # From anywhere to anywhere on a square: two thirds of its side.
        distance = 2 / 3 * math.sqrt(self.area)
        found = []
        for index, one in enumerate(self.demands):
            share, made = self.shares[index], one.product
            energies = dict.fromkeys(CHIP_ENERGY_PARTS, 0.0)
            if share is None:
                energies["digital_energy_j"] = made.total
            else:
                energies["converter_energy_j"] = made.converter
                energies["array_energy_j"] = made.array
                energies["logic_energy_j"] = made.digital + made.accumulation
            if share is not None and share.writes:
                energies["write_energy_j"] = share.writes * unit.writing.energy
            energies["vector_energy_j"] = self._vector_unit.energy(one.operations)
            energies["buffer_energy_j"] = one.buffer_bits * bank.at_node(self._node) * factor
            energies["network_energy_j"] = NETWORK_ON_CHIP.energy(
                one.moved_bits, distance, self._node
            )
            energies["dram_energy_j"] = self._dram_bits(index) * dram.at_node(self._node) * factor
            found.append(energies)
        return tuple(found)

    @cached_property
    def energy(self) -> float:
        return math.fsum(one for energies in self.energies for one in energies.values())

    @property
    def power(self) -> float:
        return self.energy / self.total_time[0]

    @property
    def lifetime(self) -> float | None:
        """Time in s until cells have worn out, where writes are spread over what is written."""
        written = [(i, share) for i, share in self._placed if share.writes]
        if not written:
            return None
        endurance = self.parameters.unit.writing.endurance
        if endurance is None:
            return None
        # Tiles that are loaded share their units; what stays is written in its own.
        resident = [share for _, share in written if share.resident]
        worst = max((share.writes / share.units for share in resident), default=0.0)
        moved = [share for _, share in written if not share.resident]
        if moved:
            pool = max(share.units for share in moved)
            worst = max(worst, sum(share.writes for share in moved) / pool)
        return endurance / worst * self.total_time[0]

    # Rows

    @property
    def rows(self) -> tuple[ChipRow, ...]:
        layers = [self._layer(index) for index in range(len(self.demands))]
        return (*layers, self._total(layers))

    def _layer(self, index: int) -> ChipRow:
        one, share, unit = self.demands[index], self.shares[index], self.parameters.unit
        gemm, energies, (time, limit) = one.gemm, self.energies[index], self.times[index]
        units = 0 if share is None else share.units
        total = math.fsum(energies.values())
        parts: dict[str, Any] = dict(energies)
        return ChipRow(
            **design_columns(self.parameters.array),
            workload=self.workload.name,
            layer=gemm.layer,
            schedule="pipelined" if self.pipelined else "sequential",
            m=gemm.m,
            k=gemm.k,
            n=gemm.n,
            times=gemm.count,
            macs=gemm.macs,
            runs_on=one.runs_on,
            tiles=one.tiles if one.on_arrays else 0,
            copies=None if share is None else share.copies,
            arrays=units * unit.arrays,
            written_tiles=0 if share is None else share.writes,
            utilisation=self._utilisation(gemm.macs, units),
            time_s=time,
            limited_by=limit,
            **parts,
            energy_j=total,
            energy_share=total / self.energy,
            expected_attempts=unit.expected_attempts,
            pass_attempts=unit.attempts,
            extrapolated=bool(unit.beyond),
        )

    def _utilisation(self, macs: int, units: int) -> float:
        """MACs over those that units could do between two runs."""
        unit = self.parameters.unit
        each = unit.dot_product.vector_size * unit.width
        could = units * each * self.total_time[0] / unit.timing.interval
        return macs / could if could else 0.0

    def _total(self, layers: Sequence[ChipRow]) -> ChipRow:
        time, limit = self.total_time
        macs = self.workload.macs
        on_arrays = sum(one.gemm.macs for one in self.demands if one.on_arrays)
        tops = 2e-12 * macs / time
        batch, tokens = self.workload.batch, self.workload.tokens
        changed: dict[str, Any] = dict.fromkeys(("m", "k", "n", "times", "runs_on", "copies"))
        for name in CHIP_ENERGY_PARTS:
            changed[name] = math.fsum(getattr(row, name) for row in layers)
        return replace(
            layers[0],
            layer=TOTAL,
            **changed,
            macs=macs,
            tiles=sum(self.demands[index].tiles for index in self._held),
            arrays=self.units * self.parameters.unit.arrays,
            written_tiles=sum(row.written_tiles for row in layers),
            utilisation=self._utilisation(on_arrays, self.units),
            time_s=time,
            limited_by=limit,
            energy_j=self.energy,
            energy_share=1.0,
            batch=batch,
            latency_s=self.latency,
            throughput_per_s=batch / time,
            tokens_per_s=None if tokens is None else tokens / time,
            energy_per_inference_j=self.energy / batch,
            power_w=self.power,
            area_m2=self.area,
            arrays_area_m2=self.arrays_area,
            tops=tops,
            tops_per_w=2e-12 * macs / self.energy,
            tops_per_mm2=tops / (self.area * 1e6),
            digital_units=self.digital_units,
            vector_lanes=self.lanes,
            buffer_bytes=self.banks * MEMORIES[BANK].held / 8,
            lifetime_s=self.lifetime,
        )


# Parts that layers share also where they work at the same time.
_SHARED = ("digital units", "vector lanes", "buffer", "dram")

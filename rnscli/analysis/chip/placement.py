"""Which units each layer of a network gets on a chip, and what loading takes."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from rnscli.analysis.chip.chip_parameters import SCHEDULES, ChipParameters
from rnscli.analysis.chip.layer_demand import HELD, WRITTEN, LayerDemand
from rnscli.analysis.chip.mapping import Stage, balanced_copies, spread_copies
from rnscli.analysis.chip.streaming import (
    Loading,
    Share,
    resident_share,
    sequential_shares,
    streamed_share,
)
from rnscli.base import InputError

_FREE = Loading(0.0, 0.0)


@dataclass(frozen=True, eq=False)
class Occupancy:
    """How many units a chip has, what of a network needs them, and whether it fits.

    Parameters
    ----------
    parameters
        The chip.
    demands
        The layers.
    trains
        Whether all weights change after a run.
    given
        Arrays of the chip; ``None`` for one copy of each tile.
    """

    parameters: ChipParameters
    demands: tuple[LayerDemand, ...]
    trains: bool
    given: int | None

    @cached_property
    def units(self) -> int:
        """Tiles that the arrays hold at a time."""
        each = self.parameters.unit.arrays
        if self.given is None:
            return max(1, self.needed)
        units = self.given // each
        if not units:
            raise InputError(
                f"`arrays` is {self.given}; one tile of this core takes {each}, so that many are "
                "the least"
            )
        return units

    @cached_property
    def held(self) -> list[int]:
        """Layers whose weights arrays hold, each of its own."""
        return [i for i in self.placed if self.demands[i].runs_on == HELD]

    @cached_property
    def placed(self) -> list[int]:
        """Layers that need units of their own."""
        return [i for i, one in enumerate(self.demands) if one.on_arrays and not one.shared]

    @cached_property
    def needed(self) -> int:
        """Units for one copy of each tile, and one for each layer that is written."""
        held = sum(self.demands[index].tiles for index in self.held)
        return held + sum(one.gemm.depth for one in self.demands if one.runs_on == WRITTEN)

    @property
    def may_be_pipelined(self) -> bool:
        """Whether layers may work at the same time, if the arrays hold them."""
        wanted = SCHEDULES[self.parameters.schedule].pipelined
        return wanted is not False and not self.trains

    @cached_property
    def pipelined(self) -> bool:
        wanted = SCHEDULES[self.parameters.schedule].pipelined
        fits = self.needed <= self.units
        if wanted is None:
            return fits and not self.trains
        if wanted and self.trains:
            raise InputError(
                "`schedule` pipelined is not for training, which writes all weights after each "
                "run; give sequential"
            )
        if wanted and not fits:
            each = self.parameters.unit.arrays
            raise InputError(
                f"`schedule` pipelined needs {self.needed * each} arrays, one copy of each tile, "
                f"and there are {self.units * each}"
            )
        return wanted


@dataclass(frozen=True, eq=False)
class Placement:
    """Layers on the units of a chip.

    Parameters
    ----------
    occupancy
        The units, and what needs them.
    buffer, dram
        Bits in a second that these memories give.
    """

    occupancy: Occupancy
    buffer: float
    dram: float

    @property
    def demands(self) -> tuple[LayerDemand, ...]:
        return self.occupancy.demands

    @cached_property
    def stages(self) -> tuple[Stage, ...]:
        """The layers of ``placed``, where all layers work at the same time."""
        return tuple(self._stage(index) for index in self.occupancy.placed)

    @cached_property
    def _readers(self) -> dict[tuple[str, int, int], int]:
        """Vectors that tiles are given by layers that read the weights of others."""
        waves: dict[tuple[str, int, int], int] = {}
        for one in self.demands:
            if one.shared:
                base = one.gemm.holding
                waves[base] = waves.get(base, 0) + one.stage.waves * one.gemm.steps
        return waves

    def _stage(self, index: int) -> Stage:
        one = self.demands[index]
        if one.runs_on == HELD:
            waves = -(-self._readers.get(one.gemm.holding, 0) // one.gemm.steps)
            return replace(one.stage, waves=one.stage.waves + waves)
        # Each of its units is written and used in turn, for one tile after the other.
        each = self._loading(one).time(1) + one.stage.latency(1)
        depth = one.gemm.depth
        return Stage(depth, -(-one.tiles // depth), each, 1, depth)

    def _loading(self, one: LayerDemand) -> Loading:
        """What writing a tile of a layer takes: values come from the DRAM, or from the buffer."""
        source = self.buffer if one.loaded_from_buffer else self.dram
        return Loading(self.occupancy.parameters.unit.writing.time, one.loaded_bits / source)

    @cached_property
    def shares(self) -> tuple[Share | None, ...]:
        """What each layer gets of the units; ``None`` of those on digital units."""
        found = self._pipelined() if self.occupancy.pipelined else self._sequential()
        bases = {self.demands[i].gemm.holding: found[i] for i in reversed(self.occupancy.held)}
        staying = sum(share.units for share in found if share is not None and share.resident)
        for index, one in enumerate(self.demands):
            if not one.shared:
                continue
            base = bases[one.gemm.holding]
            assert base is not None
            if base.resident:
                found[index] = resident_share(one.stage, base.copies)._replace(units=base.units)
            else:
                pool = max(1, self.occupancy.units - staying)
                found[index] = streamed_share(one.stage, pool, self._loading(one))
        return tuple(found)

    def _pipelined(self) -> list[Share | None]:
        copies = balanced_copies(self.stages, self.occupancy.units)
        copies = spread_copies(self.stages, self.occupancy.units, copies)
        found: list[Share | None] = [None] * len(self.demands)
        for index, stage, many in zip(self.occupancy.placed, self.stages, copies, strict=True):
            one = self.demands[index]
            if one.runs_on == HELD:  # without what its tiles do for others
                found[index] = resident_share(one.stage, many)
                continue
            loading, rounds = self._loading(one), stage.rounds(many) * stage.depth
            whole = resident_share(stage, many)
            write = loading.time(1) * rounds
            found[index] = whole._replace(
                writes=one.tiles,
                loads=1,
                compute=whole.compute - write,
                write=write,
                fetch=loading.tile * rounds,
                resident=False,
            )
        return found

    def _sequential(self) -> list[Share | None]:
        ones = [self.demands[i] for i in self.occupancy.placed]
        written = [one.runs_on == WRITTEN for one in ones]
        fits = self.occupancy.needed <= self.occupancy.units and not any(written)
        loadings = [_FREE if fits else self._loading(one) for one in ones]
        shares = sequential_shares(
            [one.stage for one in ones], self.occupancy.units, loadings, written
        )
        found: list[Share | None] = [None] * len(self.demands)
        for index, share in zip(self.occupancy.placed, shares, strict=True):
            found[index] = share
            if share.resident and self.occupancy.trains:
                # All of its copies are written with the new weights, once in a run.
                one = self.demands[index]
                loading = self._loading(one)
                found[index] = share._replace(
                    writes=one.tiles * share.copies,
                    loads=1,
                    write=loading.time(one.tiles),
                    fetch=one.tiles * loading.tile,
                )
        return found

    @cached_property
    def interval(self) -> float:
        """Time in s that the arrays need for a run, whatever the rest does."""
        shares: Sequence[Share | None] = self.shares
        if not self.occupancy.pipelined:
            return math.fsum(share.duration for share in shares if share is not None)
        return max((self.own_time(index) for index in self.occupancy.placed), default=0.0)

    def own_time(self, index: int) -> float:
        """Time in s until the arrays of a pipelined layer of its own take the next input."""
        share, stage = self.shares[index], self.stages[self.occupancy.placed.index(index)]
        assert share is not None
        return stage.duration(share.copies)

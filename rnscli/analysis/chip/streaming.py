"""Networks that a chip does not hold: which layers stay, and how often the others are loaded."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from rnscli.analysis.chip.mapping import Stage, spread_copies


@dataclass(frozen=True)
class Loading:
    """What it takes to write tiles into units.

    Units are written at the same time, and do not compute meanwhile; values of tiles come one
    after the other, and are handed to all copies at once.

    Parameters
    ----------
    unit
        Time in s in which a unit is written.
    tile
        Time in s in which the values of a tile come from the memory.
    """

    unit: float
    tile: float

    def time(self, tiles: int) -> float:
        """Time in s in which as many different tiles are written."""
        return max(self.unit, tiles * self.tile)


class Share(NamedTuple):
    """What a layer gets of the units, and what that takes for one run of the network.

    Parameters
    ----------
    units
        Units that work for it.
    copies
        Copies of each of its tiles among them; of tiles that do not fit at once, those of the last.
    writes
        Tiles that are written, copies counted.
    loads
        How often all of its values come from where they are stored.
    compute, write
        Time in s that its units compute, and that they are written; one after the other.
    fetch
        Time in s of these writes in which the values come.
    resident
        Whether its tiles stay.
    """

    units: int
    copies: int
    writes: int
    loads: int
    compute: float
    write: float
    fetch: float
    resident: bool

    @property
    def duration(self) -> float:
        return self.compute + self.write


def resident_share(stage: Stage, copies: int) -> Share:
    """The share of a layer that stays, all of its ``depth`` one after the other."""
    time = stage.depth * stage.latency(copies)
    return Share(stage.tiles * copies, copies, 0, 0, time, 0.0, 0.0, resident=True)


def streamed_share(stage: Stage, pool: int, loading: Loading) -> Share:
    """The share of a layer whose tiles are loaded into ``pool`` units, as many as fit at a time.

    Where tiles are left out of a whole pool, the last ones, or all of a small layer, have as many
    copies as fit: they share the vectors. Tiles that compute nothing are not loaded. A layer that
    waits for its own outputs needs all of its tiles in every step.

    Examples
    --------
    >>> layer = Stage(tiles=5, waves=10, time=1.0)
    >>> share = streamed_share(layer, pool=2, loading=Loading(unit=100.0, tile=1.0))
    >>> share.units, share.copies, share.writes, share.compute, share.write
    (2, 2, 6, 25.0, 300.0)
    """
    tiles = -(-(stage.tiles - stage.idle) // stage.depth)
    rounds, rest = divmod(tiles, pool)
    often = stage.steps if rounds + bool(rest) > 1 else 1
    compute = rounds * stage.latency(1)
    write, fetch = rounds * loading.time(pool), rounds * pool * loading.tile
    writes, copies = rounds * pool, 1
    if rest:
        # No more than are faster: writing them takes energy.
        most = min(pool // rest, stage.waves)
        copies = -(-stage.waves // -(-stage.waves // most))
        compute += stage.latency(copies)
        write += loading.time(rest)
        fetch += rest * loading.tile
        writes += rest * copies
    units = pool if rounds else rest * copies
    loaded = stage.depth * often
    return Share(
        units=units,
        copies=copies,
        writes=loaded * writes,
        loads=often,
        compute=stage.depth * compute,
        write=loaded * write,
        fetch=loaded * fetch,
        resident=False,
    )


# Shares of the units that may be kept for what stays.
_PARTS = 16


def sequential_shares(
    stages: Sequence[Stage], units: int, loadings: Sequence[Loading], written: Sequence[bool]
) -> tuple[Share, ...]:
    """Shares of layers that are done one after the other, on all units.

    If all tiles fit, none is loaded, even where loading some and copying others were faster, and
    copies are those of `spread_copies`. If not, some layers
    stay and the others share the remaining units: those stay that save most time for each unit, and
    how many units are for them is the best of sixteen shares, among them none. That is a choice,
    and no optimum.

    Parameters
    ----------
    stages
        The layers.
    units
        Units of the chip.
    loadings
        What writing takes, of each layer.
    written
        For each layer whether its tiles must be written for each input, as those of attention.
    """
    stays = [i for i, one in enumerate(written) if not one]
    moves = [i for i, one in enumerate(written) if one]
    needed = sum(stages[i].tiles for i in stays)
    found: list[tuple[Share, ...]] = []
    if needed + bool(moves) <= units:
        # What must be written needs a unit at least; it has what others leave.
        for part in range(1 if moves else _PARTS, _PARTS + 1):
            held = max(needed, units * part // _PARTS - (part == _PARTS and bool(moves)))
            copies = spread_copies([stages[i] for i in stays], held) if stays else ()
            shares = {
                i: resident_share(stages[i], many) for i, many in zip(stays, copies, strict=True)
            }
            pool = units - sum(one.units for one in shares.values())
            shares |= {i: streamed_share(stages[i], pool, loadings[i]) for i in moves}
            found.append(tuple(shares[i] for i in range(len(stages))))
    else:
        once = [resident_share(one, 1) for one in stages]
        parts = (units * part // _PARTS for part in range(_PARTS))
        found.extend(_partly(stages, units, held, loadings, stays, once) for held in parts)
    return min(found, key=lambda shares: math.fsum(one.duration for one in shares))


def _partly(
    stages: Sequence[Stage],
    units: int,
    held: int,
    loadings: Sequence[Loading],
    stays: Sequence[int],
    once: Sequence[Share],
) -> tuple[Share, ...]:
    """Shares where ``held`` units are for layers that may stay, of each one copy (``once``)."""
    pool = max(1, units - held)
    shares = [streamed_share(one, pool, load) for one, load in zip(stages, loadings, strict=True)]
    saved = {i: (shares[i].duration - once[i].duration) / stages[i].tiles for i in stays}
    left = units - pool
    for index in sorted(stays, key=saved.__getitem__, reverse=True):
        if saved[index] <= 0:
            break
        if stages[index].tiles <= left:
            shares[index] = once[index]
            left -= stages[index].tiles
    if left:  # which the others share as well
        pool += left
        for index, (stage, loading) in enumerate(zip(stages, loadings, strict=True)):
            if not shares[index].resident:
                shares[index] = streamed_share(stage, pool, loading)
    return tuple(shares)

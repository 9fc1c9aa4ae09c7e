"""A network on a chip: what each of its layers takes, and all of them together."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from rnscli.analysis.chip.built_chip import BuiltChip
from rnscli.analysis.chip.chip_parameters import BANK, ChipParameters
from rnscli.analysis.chip.layer_demand import WRITTEN, layer_demands
from rnscli.analysis.chip.rows import CHIP_BUSY_PARTS, CHIP_ENERGY_PARTS, ChipRow
from rnscli.analysis.chip.within_limits import fastest_within
from rnscli.analysis.energy.bill import design_columns
from rnscli.hardware import MEMORIES, TOTAL, Workload

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
    "weights that arrays do not hold come from the DRAM in every run, however large the buffer is",
    "digital units for activations are written for each tile, and do not compute meanwhile",
    "activations have the bits of the inputs, weights in the DRAM those of the weights",
    "arrays do not compute while they are written, and all of a unit are written at once",
    "a bit that is read from the buffer travels two thirds of the side of the chip",
)
_TRAFFIC = ("buffer_traffic_bytes", "dram_traffic_bytes")


def chip_run(parameters: ChipParameters, workload: Workload) -> tuple[ChipRow, ...]:
    """Time, energy and area of a network on a chip, layer by layer and in total.

    Every layer is cut in tiles of h x c; a *unit* is the arrays that hold one tile, of all channels
    and slices of the core. Where one copy of each tile fits, layers work at the same time unless
    taking turns is faster, and the numbers of copies are those with which the slowest layer is
    fastest (`balanced_copies`); what is left shortens the others. Where it does not, or if wanted,
    layers follow one another and tiles are loaded (`sequential_shares`). Products of two
    activations are computed on digital units, or on arrays that are written; what is no product on
    vector lanes.

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
    chip = _run(parameters, workload)
    layers = [_layer(chip, index) for index in range(len(chip.demands))]
    return (*layers, _total(chip, layers))


class ChipFigures(NamedTuple):
    """A network on a chip in a few numbers: those of the total of `chip_run`, without its rows.

    ``time`` in s is that between two runs, ``energy`` in J that of a run; ``limit`` takes the time.
    """

    time: float
    latency: float
    energy: float
    area: float
    arrays: int
    digital_units: int
    lanes: int
    banks: int
    pipelined: bool
    limit: str


def chip_figures(parameters: ChipParameters, workload: Workload) -> ChipFigures:
    """The numbers of `chip_run` that a search compares; raises what that raises."""
    run = _run(parameters, workload)
    time, limit = run.total_time
    return ChipFigures(
        time,
        run.latency,
        run.energy,
        run.area,
        run.units * run.parameters.unit.arrays,
        run.digital_units,
        run.lanes,
        run.banks,
        run.pipelined,
        limit,
    )


def _run(parameters: ChipParameters, workload: Workload) -> BuiltChip:
    demands = layer_demands(parameters, workload)
    return fastest_within(BuiltChip(parameters, workload, demands, parameters.arrays))


def _layer(chip: BuiltChip, index: int) -> ChipRow:
    one, share, unit = chip.demands[index], chip.shares[index], chip.parameters.unit
    gemm, energies, (time, limit) = one.gemm, chip.energies[index], chip.time_of(index)
    units = 0 if share is None else share.units
    in_turn = chip.pipelined and one.runs_on == WRITTEN
    total = math.fsum(energies.values())
    parts: dict[str, Any] = energies | chip.busy_times(index)
    shared = one.on_arrays and one.shared
    return ChipRow(
        **design_columns(chip.parameters.array),
        workload=chip.workload.name,
        layer=gemm.layer,
        schedule="pipelined" if chip.pipelined else "sequential",
        m=gemm.m,
        k=gemm.k,
        n=gemm.n,
        times=gemm.count,
        macs=gemm.macs,
        runs_on=one.runs_on,
        tiles=one.tiles if one.on_arrays else 0,
        # Units of what is written while it runs hold other tiles in turn.
        copies=None if share is None or in_turn else share.copies,
        arrays=units * unit.arrays,
        written_tiles=0 if share is None else share.writes,
        utilisation=_utilisation(chip, gemm.macs, units),
        time_s=time,
        limited_by=limit,
        **parts,
        energy_j=total,
        energy_share=total / chip.energy,
        buffer_traffic_bytes=one.buffer_bits / 8,
        dram_traffic_bytes=chip.dram_bits(index) / 8,
        stays=None if share is None else share.resident,
        tiles_of=gemm.shares if shared else None,
        expected_attempts=unit.expected_attempts,
        pass_attempts=unit.attempts,
        extrapolated=bool(unit.beyond),
        arrays_area_m2=units * unit.area,
        **_rates(chip, gemm.macs, total, units * unit.area),
    )


def _rates(chip: BuiltChip, macs: int, energy: float, area: float) -> dict[str, Any]:
    """Power and operations in a second, which those of all layers add up to, and their ratios."""
    time = chip.total_time[0]
    tops = 2e-12 * macs / time
    return {
        "power_w": energy / time,
        "tops": tops,
        "tops_per_w": 2e-12 * macs / energy,
        "tops_per_mm2": tops / (area * 1e6) if area else None,
    }


def _utilisation(chip: BuiltChip, macs: int, units: int) -> float:
    """MACs over those that units could do between two runs."""
    could = chip.mac_rate(units) * chip.total_time[0]
    return macs / could if could else 0.0


def _total(chip: BuiltChip, layers: Sequence[ChipRow]) -> ChipRow:
    time, limit = chip.total_time
    macs = chip.workload.macs
    on_arrays = sum(one.gemm.macs for one in chip.demands if one.on_arrays)
    batch, tokens = chip.workload.batch, chip.workload.tokens
    changed: dict[str, Any] = dict.fromkeys(("m", "k", "n", "times", "runs_on", "copies"))
    changed |= dict.fromkeys(("stays", "tiles_of")) | chip.areas
    changed |= _rates(chip, macs, chip.energy, chip.area)
    for name in (*CHIP_ENERGY_PARTS, *CHIP_BUSY_PARTS, *_TRAFFIC):
        changed[name] = math.fsum(getattr(row, name) for row in layers)
    if chip.pipelined:  # each layer has arrays of its own
        changed |= dict.fromkeys(("compute_time_s", "write_time_s"))
    return replace(
        layers[0],
        layer=TOTAL,
        **changed,
        macs=macs,
        tiles=sum(chip.demands[index].tiles for index in chip.occupancy.held),
        arrays=chip.units * chip.parameters.unit.arrays,
        written_tiles=sum(row.written_tiles for row in layers),
        utilisation=_utilisation(chip, on_arrays, chip.units),
        time_s=time,
        limited_by=limit,
        energy_j=chip.energy,
        energy_share=1.0,
        batch=batch,
        latency_s=chip.latency,
        throughput_per_s=batch / time,
        tokens_per_s=None if tokens is None else tokens / time,
        energy_per_inference_j=chip.energy / batch,
        area_m2=chip.area,
        peak_macs_per_s=chip.mac_rate(chip.units),
        digital_peak_macs_per_s=chip.digital_mac_rate,
        buffer_bytes_per_s=chip.buffer_rate / 8,
        dram_bytes_per_s=chip.dram_rate / 8,
        digital_units=chip.digital_units,
        vector_lanes=chip.lanes,
        buffer_bytes=chip.banks * MEMORIES[BANK].held / 8,
        lifetime_s=chip.lifetime,
    )

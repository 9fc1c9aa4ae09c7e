"""Times, writes and limits of small networks, each counted by hand."""

from dataclasses import replace
from typing import Any

import pytest

from rnscli import InputError
from rnscli.analysis import ChipParameters, ChipRow, EnergyParameters, chip_run
from rnscli.core import DotProduct, ModuliSet
from rnscli.hardware import MEMORIES, Gemm, Workload, load_technology

SIZE = 128
RERAM = EnergyParameters(
    core="fixed-lp",
    dot_product=DotProduct(SIZE, 8, 8),
    bits=8,
    technology=load_technology("reram-analog"),
)
SWITCHED = replace(RERAM, technology=load_technology("switched-capacitor"))
INTERVAL = RERAM.design.timing.interval
WRITING = RERAM.design.writing.time
DRAM = MEMORIES["dram"].bandwidth
BANK = MEMORIES["sram-1m"]
TILE = 8 * SIZE * SIZE  # bits


def run(*gemms: Gemm, array: EnergyParameters = RERAM, **settings: Any) -> tuple[ChipRow, ...]:
    settings = {"buffer_banks": 1024, "vector_lanes": 2**20, **settings}
    trains = settings.pop("trains", False)
    workload = Workload("by hand", gemms, trains=trains)
    return chip_run(ChipParameters(array=array, **settings), workload)


def square(layer: str, m: int, **more: Any) -> Gemm:
    return Gemm(layer, m=m, k=SIZE, n=SIZE, **more)


def test_equal_blocks_work_at_the_same_time_and_an_input_passes_them_in_turn() -> None:
    *_, total = run(square("block", 100, count=24, depth=24))
    assert total.schedule == "pipelined"
    assert total.time_s == pytest.approx(100 * INTERVAL)
    waits = RERAM.design.timing.latency - INTERVAL
    assert total.latency_s == pytest.approx(24 * (100 * INTERVAL + max(0.0, waits)))


def test_side_by_side_is_no_depth() -> None:
    *_, total = run(square("heads", 100, count=24))
    assert total.latency_s == pytest.approx(run(square("one", 100))[-1].latency_s)


def test_a_step_waits_for_the_outputs_of_the_one_before() -> None:
    """Of 50 vectors in 50 steps each takes the whole latency of an array."""
    layer, *_ = run(square("recurrent", 50, steps=50))
    assert RERAM.design.timing.latency > INTERVAL
    assert layer.time_s == pytest.approx(50 * RERAM.design.timing.latency)


def test_a_recurrent_layer_that_does_not_fit_is_loaded_in_each_step() -> None:
    """1024 x 4096 are 8 x 32 tiles; 64 units are loaded four times in each of 500 steps."""
    gemm = Gemm("recurrent", m=500, k=1024, n=4096, steps=500)
    layer, _ = run(gemm, arrays=64)
    assert layer.written_tiles == 8 * 32 * 500
    # Without steps each tile is loaded once, and all vectors pass it.
    layer, _ = run(replace(gemm, steps=1), arrays=64)
    assert layer.written_tiles == 8 * 32


def test_what_computes_nothing_is_not_loaded() -> None:
    experts = square("experts", 1, count=2, idle=6)
    assert run(experts)[0].tiles == 8  # they are stored
    other = square("other", 1, count=9)
    layer, *_ = run(experts, other, arrays=4)
    assert layer.written_tiles == 2


def test_padding_comes_from_nowhere() -> None:
    """64 x 64 weights are loaded into a tile of 128 x 128."""
    gemm = Gemm("small", m=1, k=64, n=64, count=200)
    *_, total = run(gemm, square("other", 1, count=200), arrays=1)
    assert total.dram_energy_j == pytest.approx(
        (200 * 64 * 64 * 8 + 200 * TILE) * MEMORIES["dram"].at_node(RERAM.technology.node)
    )


def test_what_the_writing_waits_for_is_named() -> None:
    """Cells take longer than values on the way; with faster cells the memory is the limit."""
    layer, _ = run(square("layer", 1, count=4), arrays=1)
    assert WRITING > TILE / DRAM
    assert (layer.time_s, layer.limited_by) == (
        pytest.approx(4 * (WRITING + RERAM.design.timing.latency)),
        "writing",
    )
    assert SWITCHED.design.writing.time < TILE / DRAM
    layer, _ = run(square("layer", 1, count=4), arrays=1, array=SWITCHED)
    wait = SWITCHED.design.timing.latency
    assert (layer.time_s, layer.limited_by) == (pytest.approx(4 * (TILE / DRAM + wait)), "dram")


def test_a_digital_unit_is_written_for_each_matrix() -> None:
    scores = square("scores", 10, count=6, stationary=False)
    chip = ChipParameters(array=RERAM)
    digital = chip.digital
    layer, *_ = run(scores, square("other", 1), digital_units=1)
    each = 10 * digital.timing.interval + digital.writing.time
    assert layer.time_s == pytest.approx(6 * each)
    assert layer.write_energy_j == pytest.approx(6 * digital.writing.energy)


def test_shared_weights_are_held_once_and_their_tiles_serve_both() -> None:
    base, reader = square("base", 100), square("reader", 50, shares="base")
    *_, total = run(base, reader)
    assert total.arrays == RERAM.design.arrays
    assert total.time_s == pytest.approx(150 * INTERVAL)


@pytest.mark.parametrize("shares", ["nobody", "wide"])
def test_weights_that_are_not_there_are_not_shared(shares: str) -> None:
    with pytest.raises(InputError, match=r"no layer nobody|has none of that size"):
        Workload(
            "wrong",
            (
                Gemm("wide", m=1, k=64, n=32),
                Gemm("reader", m=1, k=64, n=64, shares=shares, transposed=True),
            ),
        )


def test_square_weights_are_read_transposed_where_that_is_said() -> None:
    """The gradient of inputs of a square layer takes the transposed array, or tiles of its own."""
    gradient = square("gradient", 10, shares="base", transposed=True)
    *_, total = run(square("base", 10), gradient, trains=True)
    assert total.arrays == 1
    # Residue cores compute products with a vector only.
    residues = EnergyParameters(
        core="rns",
        dot_product=DotProduct(SIZE, 6, 6),
        bits=6,
        technology=load_technology("photonic-phase"),
        moduli=ModuliSet((63, 62, 61, 59)),
    )
    *_, total = run(square("base", 10), gradient, trains=True, array=residues)
    assert total.arrays == 2 * residues.design.arrays


def test_a_buffer_for_a_block_and_not_for_all() -> None:
    """Layers in turn need the inputs and outputs of one block at a time."""
    values = 2**20
    gemm = Gemm("block", m=values // SIZE, k=SIZE, n=SIZE, count=24, depth=24)
    *_, total = run(gemm, schedule="sequential", buffer_banks=None)
    assert total.buffer_bytes == 2 * values
    *_, total = run(gemm, schedule="pipelined", buffer_banks=None)
    assert total.buffer_bytes == min(2 * 24 * values, 32 * BANK.held / 8)


def test_only_what_the_buffer_does_not_hold_is_moved() -> None:
    """Of two layers that take turns one needs 2 MB and the other 512 kB, of 1 MB."""
    large = Gemm("large", m=2**20 // SIZE, k=SIZE, n=SIZE)
    small = Gemm("small", m=2**18 // SIZE, k=SIZE, n=SIZE)
    first, second, _ = run(large, small, schedule="sequential", buffer_banks=1)
    energy = MEMORIES["dram"].at_node(RERAM.technology.node)
    assert first.dram_energy_j == pytest.approx(2 * 2**20 * 8 * energy)
    assert second.dram_energy_j == 0


def test_a_schedule_that_waits_for_the_dram_is_not_chosen() -> None:
    """Blocks at the same time need more activations than the buffer holds; in turn they do not."""
    gemm = Gemm("block", m=2**15, k=SIZE, n=SIZE, count=24, depth=24)
    chip: dict[str, Any] = {"array": SWITCHED, "buffer_banks": 8}
    asked = run(gemm, schedule="pipelined", **chip)[-1]
    turns = run(gemm, schedule="sequential", **chip)[-1]
    assert asked.limited_by == "dram"
    assert turns.time_s < asked.time_s
    assert run(gemm, **chip)[-1] == turns


def test_cells_wear_out() -> None:
    """One unit is loaded 4 times in a run, and bears 10^6 writes."""
    *_, total = run(square("layer", 1, count=4), arrays=1)
    endurance = RERAM.design.writing.endurance
    assert endurance
    assert total.lifetime_s == pytest.approx(endurance / 4 * total.time_s)
    assert run(square("layer", 1, count=4), arrays=4)[-1].lifetime_s is None


def test_writes_of_all_layers_wear_the_same_units() -> None:
    *layers, total = run(square("first", 1, count=3), square("second", 1, count=5), arrays=2)
    assert total.lifetime_s is not None
    writes = sum(row.written_tiles for row in layers)
    assert writes >= 8
    assert total.lifetime_s == pytest.approx(1e6 / (writes / 2) * total.time_s)

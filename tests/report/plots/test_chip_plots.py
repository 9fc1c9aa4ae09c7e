"""Pictures of chips: their data against the rows and bounds by hand, and that they are drawn."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import asdict
from xml.etree import ElementTree

import pytest

from rnscli import InputError
from rnscli.analysis import (
    CHIP_AREA_PARTS,
    ChipParameters,
    ChipRow,
    EnergyParameters,
    chip_run,
)
from rnscli.core import DotProduct
from rnscli.hardware import (
    MEMORIES,
    Gemm,
    VectorWork,
    Workload,
    load_technology,
    load_workload,
)
from rnscli.report import (
    CHIP_PICTURES,
    Canvas,
    ChipRuns,
    check_chip_picture,
    plot_chip,
    usual_chip_picture,
)
from rnscli.report.plots.chip.chip_busy import busy_shares
from rnscli.report.plots.chip.chip_mapping import floor_of, holding_of
from rnscli.report.plots.chip.chip_parts import area_parts, energy_parts, time_parts
from rnscli.report.plots.chip.chip_roofline import ROOFS, roofline_points
from rnscli.report.plots.chip.chip_sweep import sweep_lines

BITS = 8
ARRAY = EnergyParameters(
    core="fixed-lp",
    dot_product=DotProduct(128, BITS, BITS),
    bits=BITS,
    technology=load_technology("reram-analog"),
)
SMALL = Workload(
    "small",
    (
        Gemm("first", m=100, k=200, n=100, inputs=5000),
        Gemm("second", m=25, k=100, n=130),
        Gemm("scores", m=25, k=64, n=25, count=2, stationary=False),
        Gemm("blocks", m=25, k=300, n=300, depth=4, count=4),
        Gemm("last", m=1, k=1000, n=10),
    ),
    vectors=(VectorWork("first", "relu", 10_000), VectorWork("scores", "softmax", 1250)),
)
TRAINED = Workload(
    "trained",
    (
        Gemm("first", m=100, k=200, n=100),
        Gemm("first gradient", m=100, k=100, n=200, shares="first", transposed=True),
    ),
    trains=True,
)
# One chip for each way in which layers share it: pipelined, with copies and arrays to spare;
# written operands; partly loaded; loaded in turn only; trained, with layers that share tiles.
CHIPS = {
    "pipelined": (ChipParameters(array=ARRAY, arrays=200), SMALL),
    "written": (ChipParameters(array=ARRAY, arrays=300, activation_products="arrays"), SMALL),
    "partly": (ChipParameters(array=ARRAY, arrays=30), SMALL),
    "in turn": (ChipParameters(array=ARRAY, arrays=3, dram="hbm2"), SMALL),
    "trained": (ChipParameters(array=ARRAY, arrays=9), TRAINED),
    "resting": (ChipParameters(array=ARRAY, chip_power=1e-3), SMALL),
}
ROWS = {name: chip_run(*made) for name, made in CHIPS.items()}
ALL = pytest.mark.parametrize("name", CHIPS)


def runs_of(*names: str, swept: Sequence[str] = ()) -> ChipRuns:
    rows = [asdict(row) for name in names for row in ROWS[name]]
    totals = [row for row in rows if row["layer"] == "total"]
    return ChipRuns.of(rows, totals, {}, swept)


def layers_of(name: str) -> tuple[ChipRow, ...]:
    return ROWS[name][:-1]


def test_the_chips_are_what_they_are_called() -> None:
    schedules = {name: rows[-1].schedule for name, rows in ROWS.items()}
    assert schedules["pipelined"] == schedules["written"] == "pipelined"
    assert schedules["partly"] == schedules["in turn"] == schedules["trained"] == "sequential"
    assert {row.stays for row in layers_of("partly")} == {True, False, None}
    assert {row.stays for row in layers_of("in turn")} == {False, None}
    assert ROWS["resting"][-1].limited_by == "power"


# The rows that they are drawn of


@ALL
def test_a_layer_takes_as_long_as_what_it_keeps_busy_longest(name: str) -> None:
    for row in layers_of(name):
        assert row.compute_time_s is not None and row.write_time_s is not None
        times = {
            "digital units": row.digital_time_s, "vector lanes": row.vector_time_s,
            "buffer": row.buffer_time_s, "dram": row.dram_time_s,
        }  # fmt: skip
        arrays = row.compute_time_s + row.write_time_s
        assert row.time_s == pytest.approx(max(arrays, *times.values()), rel=1e-12)
        if row.limited_by in ("array", "converters"):
            assert arrays == pytest.approx(row.time_s) and row.compute_time_s >= row.write_time_s
        elif row.limited_by == "writing":
            assert arrays == pytest.approx(row.time_s) and row.write_time_s >= row.compute_time_s
        else:  # or arrays wait for what is written into them
            assert times[row.limited_by] == pytest.approx(row.time_s) or row.write_time_s


@ALL
def test_bytes_and_times_of_memories_agree_with_their_rates(name: str) -> None:
    total = ROWS[name][-1]
    dram = MEMORIES[CHIPS[name][0].dram]
    assert total.dram_bytes_per_s == dram.bandwidth / 8
    assert total.buffer_bytes is not None and total.buffer_bytes_per_s is not None
    # Banks of 1 MB give 64 x 64 bits in 2 ns (Marinella et al., section IV.H).
    assert total.buffer_bytes_per_s == pytest.approx(
        total.buffer_bytes / 2**20 * 64 * 64 / 8 / 2e-9
    )
    for row in ROWS[name]:
        assert row.buffer_time_s == pytest.approx(
            row.buffer_traffic_bytes / total.buffer_bytes_per_s
        )
        assert row.dram_time_s == pytest.approx(row.dram_traffic_bytes / total.dram_bytes_per_s)
    for row, gemm in zip(layers_of(name), CHIPS[name][1].gemms, strict=True):
        values = gemm.input_values + gemm.m * gemm.n * gemm.count
        if not gemm.stationary:
            values += gemm.k * gemm.n * gemm.count
        assert row.buffer_traffic_bytes == pytest.approx(values * BITS / 8)


@ALL
def test_areas_sum_up(name: str) -> None:
    total = ROWS[name][-1]
    assert math.fsum(getattr(total, key) for key in CHIP_AREA_PARTS) == pytest.approx(total.area_m2)
    unit = CHIPS[name][0].unit
    assert total.arrays_area_m2 == pytest.approx(total.arrays / unit.arrays * unit.area)


def test_the_peak_is_every_cell_at_every_interval() -> None:
    total = ROWS["pipelined"][-1]
    assert total.peak_macs_per_s == pytest.approx(200 * 128 * 128 / ARRAY.design.timing.interval)
    assert total.digital_units is not None
    digital = CHIPS["pipelined"][0].digital
    each = 128 * 128 / digital.timing.interval
    assert total.digital_peak_macs_per_s == pytest.approx(total.digital_units * each)


def test_layers_that_share_tiles_name_whose() -> None:
    by_layer = {row.layer: row for row in layers_of("trained")}
    assert by_layer["first"].tiles_of is None
    assert by_layer["first gradient"].tiles_of in ("first", None)


# Data of the pictures


@ALL
def test_no_layer_is_above_a_roof(name: str) -> None:
    (design,) = runs_of(name).designs
    total = ROWS[name][-1]
    for traffic, bandwidth in ROOFS.values():
        points = list(roofline_points(design, traffic))
        assert len(points) == len(layers_of(name))
        for row, intensity, rate in points:
            peak = (
                total.digital_peak_macs_per_s
                if row["runs_on"] == "digital units"
                else total.peak_macs_per_s
            )
            assert peak is not None
            assert rate <= peak * (1 + 1e-9)
            assert rate <= intensity * getattr(total, bandwidth) * (1 + 1e-9)
            assert (intensity == math.inf) == (row[traffic] == 0)


def test_a_layer_that_a_memory_limits_is_on_its_roof() -> None:
    """4 x 100 000 inputs and 16 outputs of a byte each, through one bank of 256 GB/s."""
    wide = Workload("wide", (Gemm("wide", m=4, k=100_000, n=4),))
    rows = [asdict(row) for row in chip_run(ChipParameters(array=ARRAY, buffer_banks=1), wide)]
    (design,) = ChipRuns.of(rows, rows[-1:], {}, ()).designs
    ((row, intensity, rate),) = roofline_points(design, "buffer_traffic_bytes")
    assert row["limited_by"] == "buffer"
    assert intensity == pytest.approx(1_600_000 / 400_016)
    assert rate == pytest.approx(intensity * 256e9)


@ALL
def test_busy_shares(name: str) -> None:
    (design,) = runs_of(name).designs
    *layers, chip = busy_shares(design)
    if ROWS[name][-1].schedule == "pipelined":
        for column in (2, 3, 4, 5):
            assert math.fsum(row[column] for row in layers) == pytest.approx(chip[column])
        assert chip[0] + chip[1] == pytest.approx(max(row[0] + row[1] for row in layers))
    else:
        for compute, write, *shared in layers:
            assert max(compute + write, *shared) == pytest.approx(1)
    assert max(chip) <= 1 + 1e-9


@ALL
def test_the_floor_is_all_arrays_and_nothing_twice(name: str) -> None:
    (design,) = runs_of(name).designs
    total, holding, regions = ROWS[name][-1], holding_of(design), floor_of(design, 1.5)
    assert holding.unused >= 0
    staying = sum(int(str(row["arrays"])) for row in holding.staying)
    assert staying + holding.pool + holding.unused == total.arrays
    assert math.fsum(one.width * one.height for one in regions) == pytest.approx(1.5)
    for one in regions:
        assert one.left >= -1e-12 and one.left + one.width <= 1.5 + 1e-9
        assert one.top >= -1e-12 and one.top + one.height <= 1 + 1e-9
        if not one.in_turn:
            share = one.arrays / total.arrays
            assert one.width * one.height / 1.5 == pytest.approx(share)
    for a, b in itertools.combinations(regions, 2):
        across = min(a.left + a.width, b.left + b.width) - max(a.left, b.left)
        along = min(a.top + a.height, b.top + b.height) - max(a.top, b.top)
        assert across < 1e-9 or along < 1e-9
    turns = [one for one in regions if one.in_turn and one.row is not None]
    whole = math.fsum(one.width * one.height for one in turns)
    time = math.fsum(float(str(one.row["time_s"])) for one in turns if one.row)
    for one in turns:
        assert one.row is not None
        expected = float(str(one.row["time_s"])) / time
        assert one.width * one.height / whole == pytest.approx(expected)


@ALL
def test_parts_sum_up_to_the_totals(name: str) -> None:
    (design,) = runs_of(name).designs
    total = ROWS[name][-1]
    assert total.area_m2 is not None and total.throughput_per_s is not None
    assert math.fsum(area_parts(design).values()) == pytest.approx(total.area_m2 * 1e6)
    assert math.fsum(energy_parts(design).values()) == pytest.approx(total.energy_per_inference_j)
    assert math.fsum(time_parts(design).values()) == pytest.approx(1 / total.throughput_per_s)


def test_what_is_drawn_follows_what_is_compared() -> None:
    one = runs_of("partly")
    axis = runs_of("partly", "in turn", "pipelined", swept=["arrays"])
    cores = runs_of("partly", "written", swept=["activation_products"])
    assert [usual_chip_picture(runs) for runs in (one, axis, cores)] == ["layers", "sweep", "parts"]
    (line,) = sweep_lines(axis).values()
    assert [design.total["arrays"] for design in line] == [3, 30, 200]
    with pytest.raises(InputError, match="nothing is swept whose values have an order"):
        check_chip_picture("sweep", cores)
    with pytest.raises(InputError, match="9 chips"):
        check_chip_picture("roofline", runs_of(*["partly"] * 9))


def texts(picture: bytes) -> list[str]:
    root = ElementTree.fromstring(picture)
    return ["".join(one.itertext()) for one in root.iter("{http://www.w3.org/2000/svg}text")]


@pytest.mark.parametrize("picture", CHIP_PICTURES)
def test_pictures_are_drawn(picture: str) -> None:
    pytest.importorskip("matplotlib")
    of_all = picture in ("sweep", "parts")
    runs = runs_of("partly", "pipelined", swept=["arrays"]) if of_all else runs_of("partly")
    found = "\n".join(texts(plot_chip(runs, picture, Canvas("svg"))))
    for row in layers_of("partly"):
        assert of_all or row.layer in found
    assert not of_all or "small" in found


@pytest.mark.thorough
def test_all_layers_of_a_deep_network_are_named_and_apart() -> None:
    """ResNet-50 on thousands of arrays: the names stand in rows that do not touch."""
    pytest.importorskip("matplotlib")
    chip = ChipParameters(array=ARRAY, arrays=20_000)
    rows = [asdict(row) for row in chip_run(chip, load_workload("resnet50"))]
    runs = ChipRuns.of(rows, rows[-1:], {}, ())
    named = {str(row["layer"]) for row in rows[:-1]}
    assert len(named) == 54
    for picture in ("layers", "busy", "mapping"):
        root = ElementTree.fromstring(plot_chip(runs, picture, Canvas("svg")))
        heights = [
            float(one.get("y", ""))
            for one in root.iter("{http://www.w3.org/2000/svg}text")
            if "".join(one.itertext()) in named and "font-size: 6.5px" in one.get("style", "")
        ]
        assert len(heights) == 54
        assert min(b - a for a, b in itertools.pairwise(sorted(heights))) > 6.5

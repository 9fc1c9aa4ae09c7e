"""``rnscli energy`` part by part, and by what surrounds it: kernels, memories, scales, light."""

import csv
import io
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]
Rows = Callable[..., list[dict[str, Any]]]
Refusal = Callable[..., str]
Row = dict[str, Any]

RNS = ("energy", "--bits", 6, "--core", "rns")
FIXED = ("energy", "--bits", 6, "--core", "fixed-lp")
GROUPS = {
    "dac": "dac_energy_j", "adc": "adc_energy_j", "array": "array_energy_j",
    "periphery": "periphery_energy_j", "light": "light_energy_j", "modulo": "modulo_energy_j",
    "forward": "forward_energy_j", "reverse": "reverse_energy_j",
    "decoding": "decoding_energy_j", "shift_add": "shift_add_energy_j",
    "accumulation": "accumulation_energy_j", "scaling": "scaling_energy_j",
    "memory": "memory_energy_j",
}  # fmt: skip
FULL_TURN = 2 * math.pi


# Part by part


@pytest.mark.parametrize(
    "arguments",
    [
        "--core rns,fixed-lp,fixed-hp,bit-sliced,digital-int8,digital-fp32",
        "--core rns --redundant 2 --p 0.02 --columns 64",
        "--core rns --technology reram-analog --modulo-energy 1pJ",
        "--core fixed-lp,digital-int8 --kernel vmm,mvm,update,cycle",
        "--core fixed-lp --memory dram --scales power-of-two",
        "--core rns --vector-size 200 --columns 100 --laser-power 30mW",
    ],
)
def test_parts_add_up_to_the_bill(arguments: str, rows: Rows) -> None:
    energy = ("energy", "--bits", 6, *arguments.split())
    bills, parts = rows(*energy), rows(*energy, "--breakdown")
    assert len(bills) >= 1
    keys = ("core", "technology", "kernel", "columns")
    for bill in bills:
        mine = [row for row in parts if all(row[key] == bill[key] for key in keys)]
        total = math.fsum(row["energy_j"] for row in mine)
        assert total / bill["columns"] == pytest.approx(
            bill["energy_per_dot_product_j"], rel=1e-12, abs=0
        )
        for group, key in GROUPS.items():
            energies = [row["energy_j"] for row in mine if row["group"] == group]
            assert math.fsum(energies) / bill["columns"] == pytest.approx(
                bill[key], rel=1e-12, abs=0
            ), group
        sides = [
            math.fsum(row["area_m2"] for row in mine if row["over"] is over)
            for over in (False, True)
        ]
        assert max(sides) == pytest.approx(bill["area_m2"], rel=1e-12, abs=0)
        assert math.fsum(row["share"] for row in mine) == pytest.approx(1, rel=1e-12)
        for row in mine:
            each = row["count"] * row["energy_each_j"] * row["repeats"]
            assert row["energy_j"] == pytest.approx(each, rel=1e-12, abs=0)
            assert row["source"] or row["assumption"]
    assert len(parts) > len(bills)


def test_the_light_of_a_pass_by_hand(rows: Rows) -> None:
    """A laser for each column, modulus and array, for as long as a cycle takes."""
    found = {row["part"]: row for row in rows(*RNS, "--breakdown")}
    (bill,) = rows(*RNS)
    laser = found["laser"]
    assert (laser["group"], laser["per"]) == ("light", "column")
    assert laser["count"] == 128 * 4 * bill["segments"]
    assert laser["energy_each_j"] == pytest.approx(10e-3 / 0.15 / 5e9, rel=1e-12, abs=0)
    shifters = found["phase shifters"]
    assert shifters["count"] == 128 * 4 * bill["segments"] * math.ceil(128 / bill["segments"])
    assert shifters["energy_each_j"] == pytest.approx(0.25 * 415e-15 * 2**2, rel=1e-12, abs=0)


def test_every_form_of_a_breakdown(rnscli: Run, rows: Rows) -> None:
    found = rows(*RNS, "--breakdown")
    lines = list(csv.DictReader(io.StringIO(rnscli(*RNS, "--breakdown", "--format", "csv").out)))
    assert [line["part"] for line in lines] == [row["part"] for row in found]
    for line, row in zip(lines, found, strict=True):
        assert float(line["energy_j"]) == row["energy_j"] and line["source"] == row["source"]
    table = rnscli(*RNS, "--breakdown").out
    for style in ("table", "markdown", "latex"):
        out = rnscli(*RNS, "--breakdown", "--format", style).out
        assert all(row["part"] in out for row in found)
    total = math.fsum(row["energy_j"] for row in found)
    laser = next(row["energy_j"] for row in found if row["part"] == "laser")
    assert f"{100 * laser / total:.1f}%" in table and max(map(len, table.splitlines())) <= 100
    ran = rnscli(*RNS, "--breakdown", "--require", "share <= 0.4")
    assert ran.code == 1 and "laser" in ran.err


def test_what_is_not_counted_and_assumed_is_said(rnscli: Run) -> None:
    out = " ".join(rnscli(*RNS).out.split())
    for words in ("not counted: writing weights into arrays", "control", "calibration"):
        assert words in out
    parts = rnscli(*RNS, "--breakdown").out
    listed = parts.count("assumed of photonic-phase: ")
    assert listed > 3 and f"assumptions: {listed} of photonic-phase, listed by --breakdown" in out
    several = " ".join(rnscli("energy", "--bits", 6).out.split())
    for name in ("photonic-phase", "reram-analog", "digital-logic"):
        assert f"of {name}" in several.partition("assumptions: ")[2]
    network = rnscli(*FIXED, "--workload", "mnist-cnn").out
    assert "not counted" in network and "not counted" not in rnscli(*FIXED, "--sensitivity").out
    for style in ("csv", "json", "markdown", "latex"):
        assert "not counted" not in rnscli(*RNS, "--format", style).out


def test_the_assumptions_are_those_of_the_rows(rnscli: Run, rows: Rows) -> None:
    said = " ".join(rnscli(*FIXED, "--breakdown").out.split())
    for row in rows(*FIXED, "--breakdown"):
        if row["assumption"] and row["group"] != "memory":
            assert f"{row['part']}: {row['assumption']}" in said


# Kernels


def test_kernels_of_a_cycle(rows: Rows) -> None:
    """A cycle does all three, one after the other; an update converts and scales nothing."""
    energy = (*FIXED, "--memory", "none", "--kernel", "vmm,mvm,update,cycle")
    found = {row["kernel"]: row for row in rows(*energy)}
    alone = [found[name]["energy_per_dot_product_j"] for name in ("vmm", "mvm", "update")]
    assert found["update"]["scaling_energy_j"] == found["update"]["memory_energy_j"] == 0
    for key in ("array_energy_j", "periphery_energy_j", "dac_energy_j"):
        three = math.fsum(found[name][key] for name in ("vmm", "mvm", "update"))
        assert found["cycle"][key] == pytest.approx(three, rel=1e-9, abs=0), key
    assert found["cycle"]["energy_per_dot_product_j"] <= math.fsum(alone) * (1 + 1e-12)
    assert alone[0] == alone[1] > alone[2] > 0  # a square array is the same both ways
    times = [found[name]["latency_s"] for name in ("vmm", "mvm", "update", "cycle")]
    assert times[3] < math.fsum(times[:3]) and times[3] > max(times[:3])
    macs = found["cycle"]["energy_per_dot_product_j"] / found["cycle"]["energy_per_mac_j"]
    assert macs == pytest.approx(3 * 128, rel=1e-12)


# Memory and scales


@pytest.mark.parametrize(
    ("memory", "bit"),
    [  # energy of a bit in J; those of 45 nm in proportion to the node of 14 nm
        ("none", 0.0), ("register", 1.7e-15 / 28 * 14), ("sram-8k", 10e-12 / 64 / 45 * 14),
        ("sram-32k", 20e-12 / 64 / 45 * 14), ("sram-1m", 100e-12 / 64 / 45 * 14),
        ("dram", (1.3e-9 + 2.6e-9) / 2 / 64),
    ],
)  # fmt: skip
def test_memories(memory: str, bit: float, simple: Path, rows: Rows) -> None:
    (row,) = rows(*FIXED, "--technology", simple, "--memory", memory, "--columns", 32)
    assert row["memory"] == memory
    # 128 inputs are read for 32 outputs, of 6 bits each.
    assert row["memory_energy_j"] == pytest.approx((128 / 32 + 1) * 6 * bit, rel=1e-12, abs=0)


def test_scales(rows: Rows) -> None:
    energy = (*FIXED, "--scales", "fp32,power-of-two,none")
    floating, shifts, none = rows(*energy)
    assert [row["scales"] for row in (floating, shifts, none)] == ["fp32", "power-of-two", "none"]
    assert floating["scaling_energy_j"] > shifts["scaling_energy_j"] > none["scaling_energy_j"] == 0
    for row in (floating, shifts):
        assert row["energy_per_dot_product_j"] - row["scaling_energy_j"] == pytest.approx(
            none["energy_per_dot_product_j"], rel=1e-12, abs=0
        )
    assert floating["latency_s"] - none["latency_s"] == pytest.approx(6e-9, rel=1e-9, abs=0)
    (fp32,) = rows("energy", "--bits", 6, "--core", "digital-fp32")  # which rounds nothing
    assert fp32["scaling_energy_j"] == 0


def test_what_is_done_once_is_not_repeated(rows: Rows) -> None:
    noisy = (*RNS, "--redundant", 2, "--memory", "sram-1m")
    (clean,), (retried,) = rows(*noisy), rows(*noisy, "--p", 0.05)
    assert retried["pass_attempts"] > 2
    for key in ("forward_energy_j", "scaling_energy_j", "memory_energy_j"):
        assert retried[key] == clean[key] > 0
    for key in ("array_energy_j", "light_energy_j", "adc_energy_j"):
        assert retried[key] == pytest.approx(
            clean[key] * retried["pass_attempts"], rel=1e-12, abs=0
        )


# Constants of the technology, its light and its circuits


def test_a_constant_of_the_technology(rows: Rows) -> None:
    plain, cheap = (
        rows(*RNS, *more)[0] for more in ((), ("--constant", "shifter_capacitance=41.5fF"))
    )
    assert cheap["array_energy_j"] == pytest.approx(plain["array_energy_j"] / 10, rel=1e-9, abs=0)
    others = ("array_energy_j", "energy_per_dot_product_j", "energy_per_mac_j", "tops_per_w",
              "energy_range_j", "tops_per_w_range")  # fmt: skip
    assert {k: v for k, v in plain.items() if k not in others} == {
        k: v for k, v in cheap.items() if k not in others
    }
    for row in (plain, cheap):  # two operations of each of 128 MACs
        assert row["tops_per_w_range"] == pytest.approx(
            [2 * 128 / 1e12 / end for end in row["energy_range_j"][::-1]], rel=1e-12
        )


@pytest.mark.parametrize("written", ["efficiency=0.3", "efficiency=30e-2", " efficiency = 0.3 "])
def test_a_constant_without_a_unit(written: str, rows: Rows) -> None:
    (row,), (plain,) = rows(*RNS, "--constant", written), rows(*RNS)
    assert row["light_energy_j"] == pytest.approx(plain["light_energy_j"] / 2, rel=1e-12, abs=0)


def test_constants_are_repeated_and_ranged(rows: Rows, document: Callable[..., Row]) -> None:
    two = ("--constant", "efficiency=0.3±20%", "--constant", "shifter_loss=0.2dB")
    found = document(*RNS, *two)
    assert found["parameters"]["constant"] == ["efficiency=0.3±20%", "shifter_loss=0.2dB"]
    swings = {row["constant"]: row for row in rows(*RNS, *two, "--sensitivity")}
    assert "shifter_loss" not in swings  # it is known now
    assert swings["efficiency"]["constant_low"] == pytest.approx(0.24, rel=1e-12)
    (low,) = rows(*RNS, "--constant", "efficiency=0.24", "--constant", "shifter_loss=0.2dB")
    assert swings["efficiency"]["energy_at_low_j"] == pytest.approx(
        low["energy_per_dot_product_j"], rel=1e-12, abs=0
    )


def test_a_constant_that_some_technologies_have(rows: Rows) -> None:
    energy = ("energy", "--bits", 6, "--core", "rns,fixed-lp")
    for constant, mover in (("shifter_loss=0.1dB", "rns"), ("cell_capacitance=1fF", "fixed-lp")):
        plain, given = (rows(*energy, *more) for more in ((), ("--constant", constant)))
        for before, after in zip(plain, given, strict=True):
            moved = before["energy_per_dot_product_j"] != after["energy_per_dot_product_j"]
            assert moved == (before["core"] == mover), constant


def test_more_light_reads_more_rows(rows: Rows) -> None:
    found = rows(*RNS, "--laser-power", "3mW,10mW,30mW")
    assert [row["laser_power_w"] for row in found] == [3e-3, 10e-3, 30e-3]
    segments = [row["segments"] for row in found]
    assert segments == sorted(segments, reverse=True) and len(set(segments)) == 3
    for row in found:
        assert row["link_sigma"] <= 0.1
        assert row["segments"] == math.ceil(128 / row["largest_rows"]) > 1
        assert row["light_energy_j"] == pytest.approx(
            4 * row["segments"] * row["laser_power_w"] / 0.15 / 5e9, rel=1e-12, abs=0
        )


def test_the_deviation_of_light_by_hand(rows: Rows) -> None:
    """Shot, thermal and intensity noise, and the error of every row, in steps of a turn."""
    (row,) = rows(*RNS)
    h = math.ceil(128 / row["segments"])
    loss = 1.6 + 6 + 2 + 0.33 * h
    current = 1.1 * 10e-3 * 10 ** (-loss / 10)
    density = 2 * 1.602176634e-19 * current + 4 * 1.380649e-23 * 300 / 50 + 1e-14 * current**2
    noise = density * 5e9 / math.sqrt(2) / current**2
    expected = max(row["moduli"]) / FULL_TURN * math.sqrt(noise + h * 1e-3**2)
    assert row["link_sigma"] == pytest.approx(expected, rel=1e-9)
    assert row["moduli"][0] == 63


def test_a_deviation_that_is_wanted(rows: Rows) -> None:
    found = rows(*RNS, "--max-link-sigma", "0.09,0.1,0.2,0.5")
    assert [row["max_link_sigma"] for row in found] == [0.09, 0.1, 0.2, 0.5]
    assert all(row["link_sigma"] <= row["max_link_sigma"] for row in found)
    segments = [row["segments"] for row in found]
    assert segments == sorted(segments, reverse=True) and segments[0] > segments[-1]
    (usual,) = rows(*RNS)
    assert usual["segments"] == segments[1] and usual["max_link_sigma"] == 0.1


def test_a_faster_array_takes_less_light_for_each_vector(rows: Rows) -> None:
    slow, fast = rows(*RNS, "--rate", "1GHz,5GHz", "--max-link-sigma", 1)
    assert (slow["rate_hz"], fast["rate_hz"]) == (1e9, 5e9)
    assert slow["segments"] < fast["segments"]  # a narrower band has less noise
    for row in (slow, fast):
        assert row["light_energy_j"] == pytest.approx(
            4 * row["segments"] * 10e-3 / 0.15 / row["rate_hz"], rel=1e-12, abs=0
        )


def test_a_circuit_of_the_modulo(rows: Rows) -> None:
    energy = (*RNS, "--technology", "reram-analog", "--modulo-energy", "0,1pJ,2pJ")
    found = rows(*energy)
    assert [row["modulo_circuit_j"] for row in found] == [0, 1e-12, 2e-12]
    assert [row["modulo_energy_j"] for row in found] == pytest.approx([0, 4e-12, 8e-12], abs=0)
    totals = [row["energy_per_dot_product_j"] for row in found]
    assert totals[1] - totals[0] == pytest.approx(4e-12, rel=1e-9, abs=0)
    # Where sums wrap by themselves there is none, also beside one of these.
    both = rows(
        *energy[:5], "--technology", "reram-analog,photonic-phase", "--modulo-energy", "1pJ"
    )
    charged = {row["technology"]: row["modulo_energy_j"] for row in both}
    assert charged == {"reram-analog": pytest.approx(4e-12), "photonic-phase": 0}


def test_the_default_technology_of_each_core(rows: Rows) -> None:
    cores = ("rns", "fixed-lp", "fixed-hp", "bit-sliced", "digital-int8", "digital-fp32")
    found = rows("energy", "--bits", 6, "--core", ",".join(cores))
    assert [(row["core"], row["technology"]) for row in found] == [
        ("rns", "photonic-phase"),
        *((core, "reram-analog") for core in cores[1:4]),
        *((core, "digital-logic") for core in cores[4:]),
    ]
    models = [row["adc_model"] for row in found]
    assert models == ["own", "own", "murmann", "own", None, None]

"""Bits of layers against all combinations, priced product by product; files in and out."""

import itertools
import math
import tomllib
from pathlib import Path
from typing import Any

import pytest

from rnscli import InputError
from rnscli.analysis import (
    DesignSpace,
    EnergyParameters,
    layer_bits,
    layers_file,
    read_layer_noise,
    search_designs,
    snr_of,
    workload_energy,
)
from rnscli.base import NoSolutionError
from rnscli.core import DotProduct
from rnscli.hardware import Gemm, Workload

FIXED: dict[str, Any] = {
    "core": ("fixed-lp",), "columns_per_adc": (None,), "adc_range": ("calibrated",), "pairs": 400
}  # fmt: skip
SPACE = DesignSpace(bits=(4, 5, 6, 7), **FIXED)
NETWORK = Workload(
    "net",
    (
        Gemm("first", m=400, k=100, n=64),
        Gemm("blocks", m=40, k=300, n=128, count=3, depth=3),
        Gemm("scores", m=9, k=64, n=9, stationary=False),
        Gemm("last", m=1, k=1000, n=1000),
        Gemm("again", m=7, k=1000, n=1000, shares="last"),
    ),
)
# Layers that have a choice, with how often their errors come, and the products of each.
LAYERS = {"first": 1, "blocks": 3, "last": 2}
PRODUCTS = {"first": ("first",), "blocks": ("blocks",), "last": ("last", "again")}


def parameters(bits: int) -> EnergyParameters:
    return EnergyParameters(
        core="fixed-lp", dot_product=DotProduct(128, bits, bits), bits=bits, adc_range="calibrated"
    )


def energies(bits: int) -> dict[str, float]:
    """Of each layer, by the function that prices networks on one design."""
    rows = {row.layer: row.energy_j for row in workload_energy(parameters(bits), NETWORK)}
    return {name: sum(rows[one] for one in every) for name, every in PRODUCTS.items()}


def errors() -> dict[int, float]:
    """Mean square of the relative error by the bits, from searches of one design each."""
    found = {}
    for bits in SPACE.bits:
        found[bits] = (
            search_designs(DesignSpace(bits=(bits,), **FIXED)).chosen.metrics.output_error ** 2
        )
    return found


@pytest.mark.parametrize("share", [0.05, 0.3, 0.6, 0.9])
def test_the_least_energy_of_all_combinations(share: float) -> None:
    noise, energy = errors(), {bits: energies(bits) for bits in SPACE.bits}
    every = {
        chosen: (
            math.fsum(energy[b][name] for name, b in zip(LAYERS, chosen, strict=True)),
            math.fsum(noise[b] * many for many, b in zip(LAYERS.values(), chosen, strict=True)),
        )
        for chosen in itertools.product(SPACE.bits, repeat=len(LAYERS))
    }
    quiet = sorted(one for _, one in every.values())
    budget = quiet[int(share * len(quiet))] * (1 + 1e-6)
    least = min(cost for cost, one in every.values() if one <= budget)
    found = layer_bits(SPACE, NETWORK, -10 * math.log10(budget))
    assert [one.layer for one in found.layers] == list(LAYERS)
    assert math.fsum(one.energy_j for one in found.layers) == pytest.approx(least)
    assert found.gap == 0 and found.left_out == ("scores",)
    assert snr_of(found.layers) >= -10 * math.log10(budget) * (1 - 1e-9)
    same = [(every[(bits,) * 3][0], bits) for bits in SPACE.bits if every[(bits,) * 3][1] <= budget]
    assert (found.uniform is None) == (not same)
    if found.uniform is not None:
        assert {one.design.bits for one in found.uniform} == {min(same)[1]}


def test_other_objectives() -> None:
    energy = layer_bits(SPACE, NETWORK, 20)
    time, area = (layer_bits(SPACE, NETWORK, 20, one) for one in ("latency", "area"))
    for name, best in (("energy_j", energy), ("time_s", time), ("area_m2", area)):
        sums = [math.fsum(getattr(x, name) for x in one.layers) for one in (energy, time, area)]
        mine = math.fsum(getattr(x, name) for x in best.layers)
        assert mine <= min(sums) * (1 + 1e-12)
    unit = parameters(energy.layers[0].design.bits).design
    assert energy.layers[0].time_s == pytest.approx(400 * unit.timing.interval)
    assert energy.layers[0].area_m2 == pytest.approx(unit.area)


def test_the_best_that_there_is_is_said() -> None:
    with pytest.raises(NoSolutionError, match="`min_snr_db` 90 dB: the best has"):
        layer_bits(SPACE, NETWORK, 90)


def test_a_training_has_no_bits_of_layers() -> None:
    trained = Workload("net", NETWORK.gemms, trains=True)
    with pytest.raises(InputError, match="is a step of training"):
        layer_bits(SPACE, trained, 20)
    with pytest.raises(InputError, match="no products with stored weights"):
        layer_bits(SPACE, Workload("net", (Gemm("a", 1, 1, 1, stationary=False),)), 20)


def test_sensitivities(tmp_path: Path) -> None:
    """What counts ten times as much gets more bits."""
    path = tmp_path / "noise.csv"
    path.write_text("layer,sensitivity\nfirst,1\nblocks,1\nlast,1\n")
    plain = layer_bits(SPACE, NETWORK, 18, measured=read_layer_noise(path))
    usual = layer_bits(SPACE, NETWORK, 18)
    assert [one.design for one in plain.layers] == [one.design for one in usual.layers]
    path.write_text("layer,sensitivity\nfirst,1\nblocks,0\nlast,10\n")
    found = layer_bits(SPACE, NETWORK, 18, measured=read_layer_noise(path))
    bits = {one.layer: one.design.bits for one in found.layers}
    assert bits["blocks"] == 4 < bits["last"]
    path.write_text("layer,sensitivity\nfirst,1\n")
    with pytest.raises(InputError, match="has nothing of layer blocks"):
        layer_bits(SPACE, NETWORK, 18, measured=read_layer_noise(path))


def test_measured_noise(tmp_path: Path) -> None:
    """As ``rnscli accuracy --per-layer`` writes it: only what was measured is chosen."""
    path = tmp_path / "measured.csv"
    heading = "model,core,bits,vector_size,layer,snr_in_place_db,adc_range\n"
    lines = [
        f"net,fixed-lp,{bits},128,{layer},{snr + 6 * (bits - 5)},calibrated\n"
        for layer, snr in (("first", 30), ("blocks", 20), ("last", 40))
        for bits in (5, 7)
    ]
    path.write_text(heading + "".join(lines) + "net,fixed-lp,5,128,dead,,calibrated\n")
    found = layer_bits(SPACE, NETWORK, 24, measured=read_layer_noise(path))
    assert {one.layer: one.design.bits for one in found.layers} == {
        "first": 5, "blocks": 7, "last": 5
    }  # fmt: skip
    noise = 10**-3 + 3 * 10**-3.2 + 2 * 10**-4
    assert snr_of(found.layers) == pytest.approx(-10 * math.log10(noise))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("layer,bits\na,4\n", "has no column core"),
        ("layer,sensitivity\na,-1\n", "line 2"),
        ("layer,sensitivity\n", "layers|rows"),
        ("layer,core,bits,vector_size,adc_range,snr_in_place_db\na,rns,4,9,,nan\n", "line 2"),
    ],
)
def test_files_that_are_none(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "noise.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=said):
        read_layer_noise(path)


def test_the_file_of_layers() -> None:
    found = layer_bits(SPACE, NETWORK, 20).layers
    made = tomllib.loads(layers_file(found))
    assert list(made) == list(LAYERS)
    for one in found:
        assert made[one.layer] == {
            "core": "fixed-lp", "bits": one.design.bits, "vector-size": 128,
            "adc-range": "calibrated",
        }  # fmt: skip
    odd = Workload("odd", (Gemm('a[0]*"b"', 1, 128, 128),))
    (pattern,) = tomllib.loads(layers_file(layer_bits(SPACE, odd, 20).layers))
    assert pattern == 'a[[]0][*]"b"'

"""What mappings of weights and slices of inputs cost, counted by hand."""

from pathlib import Path

import pytest
from simple_technology import SIMPLE

from rnscli.analysis.energy import bill
from rnscli.analysis.energy.parameters import EnergyParameters
from rnscli.core import Devices, DotProduct
from rnscli.hardware import CapacitiveDac, MurmannAdc, load_technology

H, BITS, SLICE = 64, 8, 2


@pytest.mark.parametrize(
    # of a weight, times applied, times read, bits of a DAC
    ("mapping", "input_slice_bits", "slices", "applied", "read", "dac_bits"),
    [
        ("differential", None, 4, 1, 1, 8),
        ("differential", 3, 4, 3, 1, 4),
        ("differential", 1, 4, 7, 1, 2),
        ("offset", None, 4, 1, 1, 8),
        ("offset", 2, 4, 4, 4, 3),
        ("offset", 7, 4, 1, 1, 8),
    ],
)
def test_a_bill_by_hand(
    tmp_path: Path,
    mapping: str,
    input_slice_bits: int | None,
    slices: int,
    applied: int,
    read: int,
    dac_bits: int,
) -> None:
    (tmp_path / "simple.toml").write_text(SIMPLE.format(kind="analog").replace("circuit", "none"))
    adc, dac = MurmannAdc(), CapacitiveDac()
    design = EnergyParameters(
        core="bit-sliced",
        dot_product=DotProduct(H, BITS, BITS),
        bits=BITS,
        slice_bits=SLICE,
        technology=load_technology(str(tmp_path / "simple.toml")),
        adc=adc,
        adc_rate=1e9,
        columns_per_adc=1,
        devices=Devices(mapping=mapping, input_slice_bits=input_slice_bits),
    )
    row = bill.energy(design)
    assert (row.dac_bits, row.adc_bits) == (dac_bits, BITS)
    assert row.dac_conversions == slices * applied
    assert row.adc_conversions == slices * read
    assert row.dac_energy_j == pytest.approx(slices * applied * dac.energy(dac_bits), rel=1e-12)
    assert row.adc_energy_j == pytest.approx(slices * read * adc.energy(BITS, 1e9), rel=1e-12)
    assert row.array_energy_j == pytest.approx(slices * applied * H * 10e-15, rel=1e-12)
    readings = slices * read
    clocks = (readings - 1).bit_length() + (mapping == "offset") + design.design.scales.cycles
    assert row.latency_s == pytest.approx(50e-9 * applied + read * 1e-9 + clocks * 1e-9, rel=1e-12)

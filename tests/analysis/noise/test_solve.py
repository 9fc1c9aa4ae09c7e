"""What a wanted probability allows, against tries; and what is said where nothing will do."""

from dataclasses import replace

import pytest

from rnscli.analysis.noise.device_noise import device_noise
from rnscli.analysis.noise.parameters import NoiseParameters, devices_of
from rnscli.analysis.noise.solve import UNKNOWNS, solved
from rnscli.base import InputError, NoSolutionError
from rnscli.core import Devices, DotProduct, ModuliSet
from rnscli.hardware import load_technology

PHASE, RERAM = load_technology("photonic-phase"), load_technology("reram-analog")
LIGHT = NoiseParameters(
    core="rns", dot_product=DotProduct(16, 6, 6), bits=6, moduli=ModuliSet([63, 62, 61]),
    technology=PHASE,
)  # fmt: skip
CELLS = replace(
    LIGHT, technology=None, devices=Devices(residues="symmetric", cell_error_proportional=2e-5)
)


def worst(parameters: NoiseParameters) -> float:
    return max(one.error_probability for one in parameters.budget.readings)


@pytest.mark.parametrize("target", [1e-12, 1e-6, 1e-3, 0.1])
def test_the_most_rows_of_light(target: float) -> None:
    row = solved(LIGHT, "vector-size", target)
    tried = [worst(replace(LIGHT, rows=rows)) <= target for rows in range(1, 101)]
    assert row.value == row.vector_size == sum(tried) and tried == sorted(tried, reverse=True)
    assert row.p <= target and not row.at_limit


def test_the_most_rows_of_an_adc_that_gets_better() -> None:
    """A bow hurts in the middle of the range: with 1 row, of few residues, it is worst."""
    bowed = replace(LIGHT, technology=None, devices=Devices(adc_inl=0.45, cell_error=2e-6))
    target = 0.5 * (worst(replace(bowed, rows=1)) + worst(replace(bowed, rows=16)))
    row = solved(bowed, "vector-size", target)
    assert row.p <= target < worst(replace(bowed, rows=int(row.value) + 1))


def test_the_least_light() -> None:
    row = solved(LIGHT, "laser-power", 1e-6)
    assert row.unit == "W" and row.wanted == "least"

    def at(power: float) -> float:
        return worst(replace(LIGHT, technology=PHASE.with_values({"laser_power": power})))

    assert at(row.value) <= 1e-6 < at(row.value * (1 - 1e-9))
    assert row.p == pytest.approx(1e-6, rel=1e-6)


def test_no_light_will_do() -> None:
    """Intensity noise grows with it: 8 bits are out of reach, and more than so much is wasted."""
    fine = replace(
        LIGHT, bits=8, moduli=ModuliSet([255, 254, 253]), dot_product=DotProduct(16, 8, 8)
    )
    with pytest.raises(NoSolutionError) as error:
        solved(fine, "laser-power", 1e-3)
    said = str(error.value)
    floor = worst(replace(fine, technology=PHASE.with_values({"laser_power": 1e3})))
    assert f"{floor:.3g}" in said and "modulo 255" in said and "mW or more" in said
    assert error.value.arguments == ("solve", "target")


@pytest.mark.parametrize(
    "unknown", ["cell-error", "cell-error-proportional", "read-noise", "wire-resistance"]
)
@pytest.mark.parametrize("target", [1e-9, 1e-2])
def test_the_largest_error(unknown: str, target: float) -> None:
    row = solved(CELLS, unknown, target)
    name = unknown.replace("-", "_")

    def at(value: float) -> float:
        given = {name: value}
        return worst(replace(CELLS, devices=replace(CELLS.held_devices, **given)))  # type: ignore[arg-type]

    assert at(row.value) <= target < at(row.value * (1 + 1e-9))
    assert row.p == pytest.approx(target, rel=1e-6) and row.modulus in (61, 62, 63)


def test_the_least_ratio() -> None:
    """A cell that holds 0 has an error of its own where it conducts."""
    target = 2 * worst(CELLS)
    row = solved(CELLS, "on-off-ratio", target)

    def at(ratio: float) -> float:
        return worst(replace(CELLS, devices=replace(CELLS.held_devices, on_off_ratio=ratio)))

    assert row.wanted == "least" and at(row.value) <= target < at(row.value * (1 - 1e-6))


def test_no_cell_will_do() -> None:
    bad = replace(CELLS, devices=Devices(cell_error=0.1))
    for unknown in ("read-noise", "on-off-ratio", "vector-size"):
        with pytest.raises(NoSolutionError, match="brings the residues to a prob"):
            solved(bad, unknown, 1e-3)


def test_ends_of_the_range() -> None:
    ideal = replace(CELLS, devices=Devices())
    assert solved(ideal, "vector-size", 0.5).at_limit
    small = replace(CELLS, moduli=ModuliSet([13, 11, 9]), dot_product=DotProduct(4, 4, 4), bits=4)
    flat = solved(small, "read-noise", 0.999)
    assert flat.at_limit and flat.value == 1.0


@pytest.mark.parametrize(
    ("parameters", "unknown", "said"),
    [
        (CELLS, "laser-power", "the devices that are given has no light"),
        (LIGHT, "cell-error", "photonic-phase has phases instead of cells"),
        (LIGHT, "rate", "`solve` is rate"),
        (replace(CELLS, core="fixed-lp"), "cell-error", "core fixed-lp has none"),
    ],
)
def test_refused(parameters: NoiseParameters, unknown: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        solved(parameters, unknown, 1e-3)
    for target in (0.0, 1.0):
        with pytest.raises(InputError, match="`target`"):
            solved(CELLS, next(iter(UNKNOWNS)), target)


def test_residues_in_cells_as_published() -> None:
    """What cells allow at 6 bits and 64 rows is 2000 times less than their errors, by hand.

    p of 1e-3 is a deviation of 0.152 steps, ``sqrt(2 h E[x^2]) W a / 2``.
    """
    own = RERAM.devices
    assert own is not None and own.cell_error == 0.1 and own.on_off_ratio == 10
    assert own.wire_resistance == pytest.approx(30e6 * 64e-9 / 100e6)  # table I of 1707.09952
    design = replace(CELLS, rows=64, devices=Devices(residues="symmetric"))
    found = solved(design, "cell-error", 1e-3)
    square = sum(min(r, 63 - r) ** 2 for r in range(63)) / 63  # of uniform residues
    by_hand = 0.152 * 2 / (2 * 64 * square) ** 0.5 / 31
    assert found.value == pytest.approx(by_hand, rel=0.02)
    assert own.cell_error / found.value > 2000


# As others take noise -----------------------------------------------------------------------------


def test_noise_of_light() -> None:
    found = device_noise(LIGHT)
    assert found.setting is not None and found.devices == Devices()
    for sigma, share, reading in zip(
        found.setting.sigma, found.static_share, LIGHT.budget.readings, strict=True
    ):  # fmt: skip
        assert sigma == pytest.approx(reading.sigma)
        assert share == pytest.approx((reading.static / reading.sigma) ** 2)
    assert [law.sigma for law in found.setting.laws(LIGHT.moduli)] == list(found.setting.sigma)  # type: ignore[attr-defined, arg-type]


def test_noise_of_cells() -> None:
    found = device_noise(replace(LIGHT, technology=RERAM))
    assert (found.setting, found.static_share, found.devices) == (None, (), RERAM.devices)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"technology": load_technology("switched-capacitor")}, "says nothing of its noise"),
        ({"technology": None}, "says nothing of its noise"),
        ({"rows": 10**6}, "no light is left of `technology` photonic-phase after 1000000 rows"),
    ],
)
def test_no_noise(changes: dict[str, object], said: str) -> None:
    with pytest.raises(InputError, match=said):
        device_noise(replace(LIGHT, **changes))  # type: ignore[arg-type]


@pytest.mark.parametrize("adc_bits", [4, 7])
def test_noise_of_powers(adc_bits: int) -> None:
    """Stated for converters of b bits: one of a bits has as large a share of its own steps."""
    powers = load_technology("photonic-incoherent")
    plain = replace(
        LIGHT, core="fixed-lp", dot_product=DotProduct(16, 4, 4), bits=4, adc_bits=adc_bits,
        technology=powers, moduli=None,
    )  # fmt: skip
    found, (reading,) = device_noise(plain), plain.budget.readings
    assert found.setting is not None
    _, sigma = found.setting.level
    assert sigma == pytest.approx(reading.fresh / 2 ** (adc_bits - 4), rel=1e-12)


def test_devices_that_are_given_go_first() -> None:
    found = devices_of(RERAM, {"cell_error": 0.01, "read_noise": 0.02})
    assert found == replace(RERAM.devices or Devices(), cell_error=0.01, read_noise=0.02)
    states = ((0.0, 0.0, 0.01), (1.0, 1.0, 0.02))
    measured = devices_of(RERAM, {"states": states})
    assert measured.states == states and measured.cell_error == 0
    with pytest.raises(InputError, match="`stuck_on` is of cells"):
        devices_of(PHASE, {"stuck_on": 0.1})
    assert devices_of(PHASE, {"adc_inl": 0.1}) == Devices(adc_inl=0.1)


def test_light_of_powers() -> None:
    """A share of the largest sum: 16 products of 7 x 7 in 4 bits, whose range has 2^11 units."""
    powers = load_technology("photonic-incoherent")
    plain = replace(
        LIGHT, core="fixed-hp", dot_product=DotProduct(16, 4, 4), bits=4, technology=powers
    )
    (conventional,) = plain.budget.readings
    residues = replace(plain, core="rns", moduli=ModuliSet([15, 14, 13])).budget.readings[0]
    light = conventional.fresh / 2**11
    assert residues.fresh / (16 * 14**2) == pytest.approx(light, rel=1e-12)

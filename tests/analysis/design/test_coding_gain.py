"""What redundancy is worth in light, against bisection by hand."""

import math

import pytest

from rnscli.analysis.design.coding_gain import coding_gain, least_level
from rnscli.analysis.design.rows import GainRow
from rnscli.analysis.design.space import DesignSpace
from rnscli.analysis.faults.fault_probability import FaultParameters, fault_probability
from rnscli.analysis.moduli import ModuliRequest
from rnscli.base.errors import InputError, NoSolutionError
from rnscli.core.arithmetic.dot_product import DotProduct
from rnscli.core.noise import Gaussian, Summed
from rnscli.hardware.profile import load_technology
from rnscli.hardware.technology import Pass

LIGHT = load_technology("photonic-phase")
TARGET = 1e-9
SPACE = DesignSpace(
    core=("rns",), bits=(5,), vector_size=(12,), redundant=(0, 2), attempts=(1, 2),
    decoder=("bounded-distance",), legitimate_range=("operands",),
    columns_per_adc=(None,), technology=(LIGHT,), pairs=100,
)  # fmt: skip


@pytest.fixture(scope="module")
def rows() -> tuple[GainRow, ...]:
    return coding_gain(SPACE, {"max_p_err": TARGET})


def p_err(row: GainRow, power: float) -> float:
    """By the light of each modulus, and the code."""
    moduli = ModuliRequest(bits=5, vector_size=12, redundant=row.redundant).choose()[0]
    size = math.ceil(12 / row.segments)
    lit = LIGHT.with_values({"laser_power": power})
    laws = []
    for modulus in moduli.moduli:
        parts = lit.link_parts(Pass(size, 12, 5, 5, 5, modulus))
        sigma = math.hypot(*parts.values())
        laws.append(Summed(Gaussian(sigma, (parts["phase"] / sigma) ** 2), row.segments))
    return fault_probability(
        FaultParameters(
            moduli=moduli, noise=tuple(laws), attempts=row.attempts, decoder=row.decoder or "",
            legitimate_range=DotProduct(12, 5, 5).dynamic_range,
        )
    ).p_err  # fmt: skip


def test_powers_against_bisection(rows: tuple[GainRow, ...]) -> None:
    assert [(r.redundant, r.attempts) for r in rows] == [(0, 1), (0, 2), (2, 1), (2, 2)]
    for row in rows:
        assert row.laser_power_w is not None and row.gain_db is not None
        low, high = 1e-6, 1e3
        while high / low > 1 + 1e-5:
            middle = math.sqrt(low * high)
            low, high = (middle, high) if p_err(row, middle) > TARGET else (low, middle)
        assert row.laser_power_w == pytest.approx(high, rel=1e-4)
        assert row.p_err == pytest.approx(TARGET, rel=1e-2) and row.p_err <= TARGET * (1 + 1e-9)
        plain = rows[0].laser_power_w
        assert plain is not None
        gain = 10 * math.log10(plain / row.laser_power_w)
        assert row.gain_db == pytest.approx(gain, abs=1e-9)


def test_what_codes_are_worth(rows: tuple[GainRow, ...]) -> None:
    plain, again, corrected, both = rows
    assert plain.gain_db == plain.gain_j == 0.0
    # A second attempt where the set holds more than the operands take is free redundancy.
    assert again.gain_db > 0.05 and again.gain_j > 0
    assert both.gain_db > corrected.gain_db > 2
    assert {row.segments for row in rows} == {plain.segments}
    for row in rows:
        assert row.best_segments <= plain.segments
        saved = plain.energy_per_mac_j - row.energy_per_mac_j
        assert row.gain_j == pytest.approx(saved, abs=1e-24)
        assert 0 < row.light_per_mac_j < row.energy_per_mac_j


def test_a_smaller_target_takes_more_light(rows: tuple[GainRow, ...]) -> None:
    (plain,) = coding_gain(
        DesignSpace(**{**vars_of(SPACE), "redundant": (0,), "attempts": (1,)}), {"max_p_err": 1e-15}
    )
    assert plain.energy_per_mac_j > rows[0].energy_per_mac_j


def test_the_target_may_be_an_output_error() -> None:
    few = {**vars_of(SPACE), "redundant": (0,), "attempts": (1,)}
    (plain,) = coding_gain(DesignSpace(**few), {"max_output_error": 0.1})
    assert plain.output_error <= 0.1 * (1 + 1e-6) and plain.max_p_err is None
    with pytest.raises(NoSolutionError, match="no laser power up to 1000 W"):
        coding_gain(DesignSpace(**few), {"max_output_error": 1e-3})


def vars_of(space: DesignSpace) -> dict[str, object]:
    return {name: getattr(space, name) for name in space.__dataclass_fields__}


@pytest.mark.parametrize(
    ("limits", "core"),
    [({}, "rns"), ({"max_energy": 1.0}, "rns"), ({"max_p_err": 1e-9}, "fixed-lp")],
)
def test_refusals(limits: dict[str, float], core: str) -> None:
    with pytest.raises(InputError, match="coding gain"):
        coding_gain(DesignSpace(**{**vars_of(SPACE), "core": (core,)}), limits)


def test_levels_without_an_answer() -> None:
    assert least_level(lambda level: 1.0) is None
    assert least_level(lambda level: -1.0) == pytest.approx(-120, abs=64)
    steep = least_level(lambda level: math.inf if level < 3 else -1.0)
    assert steep == pytest.approx(3, abs=1e-3)

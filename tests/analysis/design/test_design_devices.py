"""Designs with the noise of their technology: the same numbers by hand, and front properties."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest

from rnscli.analysis.design.search import DesignResult, search_designs
from rnscli.analysis.design.space import DesignSpace
from rnscli.analysis.energy.bill import energy
from rnscli.analysis.energy.parameters import MAX_LINK_SIGMA, EnergyParameters
from rnscli.analysis.energy.pass_attempts import attempts_of_pass
from rnscli.analysis.faults.fault_probability import FaultParameters, fault_probability
from rnscli.analysis.moduli import ModuliRequest
from rnscli.analysis.noise.parameters import NoiseParameters
from rnscli.base.errors import InputError, NoSolutionError
from rnscli.core.arithmetic.dot_product import DotProduct
from rnscli.core.noise import Gaussian, Summed, wrong_word
from rnscli.hardware.profile import load_technology

LIGHT = load_technology("photonic-phase")
POWERS = (1e-3, 1e-2)
RATES = (1e9, 5e9)
SPACE = DesignSpace(
    core=("rns", "fixed-lp", "digital-int8"), bits=(5,), vector_size=(16,), redundant=(0, 2),
    attempts=(1, 2), decoder=("bounded-distance", "detect"), legitimate_range=("operands",),
    columns_per_adc=(None,), technology=(LIGHT, load_technology("reram-analog")), noise="device",
    laser_power=POWERS, rate=RATES, max_link_sigma=(None, 0.12), pairs=200,
)  # fmt: skip


@pytest.fixture(scope="module")
def found() -> DesignResult:
    return search_designs(SPACE)


def test_what_has_no_light_exists_once() -> None:
    designs = [group for group, _ in SPACE.groups()]
    assert len(designs) == len(set(designs))
    by_core = {core: [d for d in designs if d.core == core] for core in SPACE.core}
    lit = len(POWERS) * len(RATES) * 2
    assert len(by_core["rns"]) == 4 * lit
    assert all(d.laser_power in POWERS and d.rate in RATES for d in by_core["rns"])
    for core in ("fixed-lp", "digital-int8"):
        assert len(by_core[core]) == 1
        assert {d.laser_power for d in by_core[core]} == {d.rate for d in by_core[core]} == {None}
    assert SPACE.size == 4 * lit * 2 + 2


@pytest.mark.filterwarnings("ignore:a probability at p")
def test_numbers_are_those_of_the_parts_by_hand(found: DesignResult) -> None:
    """Light, then the errors of residues, then attempts, then energy: each by its own function."""
    coded = [one for one in found.front if one.design.core == "rns"]
    assert {one.group.parameters.design.segments > 1 for one in coded} == {False, True}
    for one in coded:
        design = one.design
        values = {"laser_power": design.laser_power, "rate": design.rate}
        technology = LIGHT.with_values(values)  # type: ignore[arg-type]
        request = ModuliRequest(bits=5, vector_size=16, redundant=design.redundant or 0)
        moduli = request.choose()[0]
        dot = DotProduct(16, 5, 5)
        bill = EnergyParameters(
            core="rns", dot_product=dot, bits=5, technology=technology, moduli=moduli,
            max_link_sigma=design.max_link_sigma or MAX_LINK_SIGMA,
        )  # fmt: skip
        rows, segments = bill.design.rows, bill.design.segments
        assert segments == math.ceil(16 / rows)
        readings = NoiseParameters(
            core="rns", dot_product=DotProduct(rows, 5, 5), bits=5, moduli=moduli,
            technology=technology,
        ).budget.readings  # fmt: skip
        laws = [
            Gaussian(reading.sigma, (reading.parts["phase"] / reading.sigma) ** 2)
            for reading in readings
        ]
        assert max(law.sigma for law in laws) == pytest.approx(bill.design.link_sigma, rel=1e-12)
        whole = laws if segments == 1 else [Summed(law, segments) for law in laws]
        faults = fault_probability(
            FaultParameters(
                moduli=moduli, noise=tuple(whole), attempts=design.attempts or 1,
                decoder=design.decoder or "", legitimate_range=dot.dynamic_range,
            )
        )  # fmt: skip
        assert one.metrics.p_err == pytest.approx(faults.p_err, rel=1e-9)
        known = replace(
            bill,
            legitimate_range=dot.dynamic_range,
            decoder=design.decoder,
            expected_attempts=faults.expected_attempts,
            pass_attempts=attempts_of_pass(faults.p_detected, design.attempts or 1, 16),
            search_probability=wrong_word(faults.residue_p or (faults.p,) * moduli.count),
        )
        row = energy(known)
        assert one.metrics.energy_per_mac_j == pytest.approx(row.energy_per_mac_j, rel=1e-9)
        assert one.metrics.latency_s == pytest.approx(row.latency_s, rel=1e-9)


def test_no_design_on_the_front_is_beaten(found: DesignResult) -> None:
    objectives = list(SPACE.objectives.values())
    assert "output_error" in objectives
    points = [[getattr(one.metrics, key) for key in objectives] for one in found.front]
    for one, other in itertools.permutations(np.array(points) * (1 - 1e-3), 2):
        # As printed, to four digits.
        assert not ((one <= other / (1 - 1e-3)).all() and (one < other * (1 - 2e-3)).all())


def test_more_light_and_slower_light_are_less_noise() -> None:
    base = replace(
        SPACE, core=("rns",), redundant=(0,), decoder=("detect",), attempts=(1,),
        technology=(LIGHT,), max_link_sigma=(None,),
    )  # fmt: skip
    errors = {
        (power, rate): search_designs(
            replace(base, laser_power=(power,), rate=(rate,))
        ).chosen.metrics.p_err
        for power in POWERS
        for rate in RATES
    }
    assert errors[1e-2, 1e9] < errors[1e-2, 5e9] < errors[1e-3, 5e9]
    assert errors[1e-2, 1e9] < errors[1e-3, 1e9] < errors[1e-3, 5e9]


def test_output_errors_of_cells_are_those_of_the_budget() -> None:
    """What cells add to the error of a sum, beside what is simulated without."""
    array = load_technology("reram-analog")
    space = replace(SPACE, core=("fixed-lp",), technology=(array,), adc_range=("1/16",))
    (one,) = search_designs(space).front
    budget = NoiseParameters(
        core="fixed-lp", dot_product=DotProduct(16, 5, 5), bits=5, technology=array,
        adc_range="1/16",
    ).budget  # fmt: skip
    whole = budget.output_error
    (reading,) = budget.readings
    lost = math.hypot(reading.parts["quantisation"], reading.parts.get("clipping", 0.0))
    assert whole is not None and budget.added_error is not None
    assert whole**2 - budget.added_error**2 == pytest.approx((lost * reading.step) ** 2, rel=1e-6)
    clean = search_designs(replace(space, noise=None)).chosen.metrics.output_error
    added = budget.added_error / budget.output_rms
    assert one.metrics.output_error == pytest.approx(math.hypot(clean, added), rel=1e-3)
    assert one.metrics.output_error > 1.02 * clean


def test_what_says_nothing_of_its_noise() -> None:
    capacitors = load_technology("switched-capacitor")
    space = replace(SPACE, core=("fixed-lp",), technology=(capacitors,))
    with pytest.raises(NoSolutionError, match="switched-capacitor says nothing of its noise"):
        search_designs(space)
    cells = replace(
        SPACE, core=("rns",), technology=(load_technology("reram-analog"),), modulo_energy=1e-14
    )
    with pytest.raises(NoSolutionError, match="no law of residues"):
        search_designs(cells)
    with pytest.raises(InputError, match="`noise`"):
        replace(SPACE, noise="light")


def test_more_than_two_attempts_are_refused_where_errors_are_static() -> None:
    space = replace(SPACE, core=("rns",), attempts=(3,), redundant=(1,), technology=(LIGHT,))
    with pytest.raises(NoSolutionError, match="give 1 or 2"):
        search_designs(space)

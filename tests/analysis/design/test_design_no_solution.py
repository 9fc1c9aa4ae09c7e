"""Limits that nothing keeps: which one is in the way, and how near one comes."""

import math
import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from test_design import keeps, within
from test_design_neighbours import value_of
from test_design_reference import EVERY, ODD, exact_table, space_of

from rnscli.analysis.design.limits import LIMITS
from rnscli.analysis.design.search import search_designs
from rnscli.analysis.design.space import DesignSpace
from rnscli.base.errors import NoSolutionError
from rnscli.core.arithmetic.dot_product import DotProduct
from rnscli.core.arithmetic.selection import select_moduli
from rnscli.core.noise import NoiseSetting
from rnscli.hardware.profile import load_technology

NEAREST = re.compile(
    r"no design keeps `(\w+)` (.+?): (with the other limits kept, )?the nearest has (.*?) \((.*?)\)"
    r"(?: with at most \d+ `redundant` moduli)?"
    r"(?:; at `(\w+)` (\S+) or (?:more|less) it is kept by (.*))?"
)
LISTED = re.compile(r"`(\w+)` (.+?) \(the best without the others is (.+?)\)")
IMPOSSIBLE = {
    "max_energy": 1e-18,
    "max_latency": 1e-12,
    "max_area": 1e-12,
    "max_error": 1e-6,
    "min_throughput": 1e18,
    "max_power": 1e-12,
}


def sentence(case: dict[str, Any], law: str, limits: dict[str, float]) -> str:
    with pytest.raises(NoSolutionError) as caught:
        search_designs(space_of(case, law), limits)
    return str(caught.value)


def nearest_to(case: dict[str, Any], law: str, limits: dict[str, float], name: str) -> float | None:
    """The best value of a limit that designs reach which keep all the others."""
    others = {other: value for other, value in limits.items() if other != name}
    members = within(exact_table(case, law), others)
    metric, upper = LIMITS[name]
    values = [numbers[metric] for numbers in members.values()]
    return (min(values) if upper else max(values)) if values else None


def number_said(text: str) -> float:
    for name in ("p_err ", "output error ", "error "):
        text = text.removeprefix(name)
    return value_of(text)


def check_binding(case: dict[str, Any], law: str, limits: dict[str, float]) -> None:
    said = sentence(case, law, limits)
    nearest = {name: nearest_to(case, law, limits, name) for name in limits}
    reachable = {name: value for name, value in nearest.items() if value is not None}
    if not reachable:
        assert "nor all but one of them" in said
        return
    found = NEAREST.fullmatch(said)
    assert found is not None, said
    name = found[1]
    assert (found[3] is None) == (len(limits) == 1)
    assert number_said(found[2]) == pytest.approx(limits[name], rel=1e-2)
    assert number_said(found[4]) == pytest.approx(reachable[name], rel=1e-2)
    # Of several limits that could be given way, the one that is missed by the least.
    missed = {
        known: abs(math.log((value or 1e-300) / (limits[known] or 1e-300)))
        for known, value in reachable.items()
    }
    assert missed[name] == min(missed.values())
    core = found[5].split(",")[0]
    assert core in {
        design.core
        for design, numbers in within(exact_table(case, law), {}).items()
        if numbers[LIMITS[name][0]] == reachable[name]
    }


# Gaussian noise takes the most time, and other tests of designs have it.
GAUSSIAN = pytest.param(ODD, "gaussian", marks=pytest.mark.thorough)


@pytest.mark.parametrize("name", list(IMPOSSIBLE))
@pytest.mark.parametrize(("case", "law"), [(EVERY, "uniform"), (ODD, "none"), GAUSSIAN])
def test_one_limit_is_in_the_way(case: dict[str, Any], law: str, name: str) -> None:
    check_binding(case, law, {name: IMPOSSIBLE[name]})


@pytest.mark.thorough
@pytest.mark.parametrize("name", list(IMPOSSIBLE))
def test_the_limit_in_the_way_is_found_among_others(name: str) -> None:
    easy = {"max_energy": 1.0, "max_latency": 1.0, "max_area": 1.0, "max_error": 1.0}
    limits = easy | {name: IMPOSSIBLE[name]}
    assert f"`{name}`" in sentence(ODD, "uniform", limits)
    assert "`max_p_err`" not in sentence(ODD, "uniform", limits | {"max_p_err": 1.0})
    check_binding(ODD, "uniform", limits)


def test_error_probability_that_is_out_of_reach() -> None:
    analog = {"max_error": 0.1, "max_energy": 5e-14, "max_p_err": 1e-15}
    check_binding(EVERY, "uniform", analog)
    only_analog = ODD | {"technology": ("switched-capacitor",)}
    space = space_of(only_analog, "uniform")
    with pytest.raises(NoSolutionError, match="no design keeps `max_p_err` 1e-12: the nearest has"):
        search_designs(replace(space, core=("rns", "fixed-lp")), {"max_p_err": 1e-12})


@pytest.mark.parametrize(
    ("level", "given", "step"), [("sigma", 0.3, 1.01), ("p", 0.02, 1.01), ("snr_db", 20.0, -0.1)]
)
@pytest.mark.parametrize(("core", "target"), [("rns", 1e-9), ("rns", 1e-3), ("fixed-lp", 0.01)])
def test_the_most_noise_with_which_a_design_keeps_the_limit(
    level: str, given: float, step: float, core: str, target: float
) -> None:
    """At what is said some design does, and at a little more none does."""

    def space(value: float) -> DesignSpace:
        return DesignSpace(
            core=(core,), bits=(4, 5), vector_size=(16,), redundant=(0, 1), attempts=(1, 2),
            columns_per_adc=(None,), pairs=100, noise=NoiseSetting(**{level: value}),
        )  # fmt: skip

    limits = {"max_p_err": target}
    with pytest.raises(NoSolutionError) as caught:
        search_designs(space(given), limits)
    found = NEAREST.fullmatch(str(caught.value))
    assert found is not None and found[6] == level
    said = float(found[7])
    assert search_designs(space(said), limits).feasible > 0
    more = said + step if level == "snr_db" else said * step
    with pytest.raises(NoSolutionError):
        search_designs(space(more), limits)


def test_no_level_is_said_where_another_limit_is_in_the_way() -> None:
    limits = {"max_p_err": 1e-9, "max_energy": IMPOSSIBLE["max_energy"]}
    space = DesignSpace(core=("rns",), bits=(4,), pairs=100, noise=NoiseSetting(sigma=0.3))
    with pytest.raises(NoSolutionError) as caught:
        search_designs(space, limits)
    assert "it is kept by" not in str(caught.value)


# An SNR says the same as the error of outputs, in dB, which no factor compares.
FACTORS = [name for name in LIMITS if name != "min_snr_db"]
limit_sets = st.dictionaries(st.sampled_from(FACTORS), st.floats(-3, 3), min_size=1)


@pytest.mark.thorough
@settings(derandomize=True, deadline=None, max_examples=60)
@given(limit_sets, st.sampled_from(["uniform", "gaussian"]))
def test_any_limits_that_nothing_keeps(powers: dict[str, float], law: str) -> None:
    middle = {
        "max_energy": 1e-13, "max_latency": 1e-8, "max_area": 1e-7, "max_error": 0.1,
        "max_p_err": 1e-3, "max_output_error": 0.1, "min_throughput": 1e10, "max_power": 1e-3,
    }  # fmt: skip
    limits = {name: middle[name] * 10.0**power for name, power in powers.items()}
    every = within(exact_table(ODD, law), {})
    assume(not any(keeps(numbers, limits) for numbers in every.values()))
    check_binding(ODD, law, limits)


def test_two_limits_each_impossible_alone() -> None:
    limits = {name: IMPOSSIBLE[name] for name in ("max_energy", "min_throughput")}
    said = sentence(EVERY, "uniform", limits)
    assert "nor all but one of them" in said
    listed = {found[0]: found[1:] for found in LISTED.findall(said)}
    assert set(listed) == set(limits)
    for name, (limit, best) in listed.items():
        assert value_of(limit) == pytest.approx(limits[name], rel=1e-2)
        alone = nearest_to(EVERY, "uniform", {name: limits[name]}, name)
        assert value_of(best) == pytest.approx(alone, rel=1e-2)


def test_a_limit_that_is_no_obstacle_is_not_called_one() -> None:
    limits = {name: IMPOSSIBLE[name] for name in ("max_energy", "max_error")}
    assert "`max_area`" not in sentence(EVERY, "uniform", limits | {"max_area": 1.0})


@pytest.mark.thorough
@pytest.mark.parametrize("name", list(IMPOSSIBLE))
@pytest.mark.parametrize("case", [EVERY, ODD], ids=["every", "odd"])
def test_the_nearest_value_that_is_said_would_do(case: dict[str, Any], name: str) -> None:
    """It is meant to be copied: rounded towards what can be kept, if it is rounded."""
    found = NEAREST.fullmatch(sentence(case, "uniform", {name: IMPOSSIBLE[name]}))
    assert found is not None
    limits = {name: number_said(found[4])}
    assert search_designs(space_of(case, "uniform"), limits).feasible > 0


def test_no_moduli_set_at_all() -> None:
    space = DesignSpace(core=("rns",), bits=(2, 3), pairs=10)
    with pytest.raises(NoSolutionError, match=r"no design of the space exists.*coprime moduli"):
        search_designs(space)
    with pytest.raises(NoSolutionError, match="no design of the space exists"):
        search_designs(space, {"max_error": 1e-9, "max_p_err": 0.1})


def test_designs_that_only_a_model_excludes() -> None:
    """The sentence is about the arrays, and not about moduli, which this core does not have."""
    shared: dict[str, Any] = {"bits": (4,), "vector_size": (5000,), "columns": (4,), "pairs": 10}
    space = DesignSpace(core=("fixed-lp",), **shared)
    with pytest.raises(NoSolutionError) as caught:
        search_designs(space)
    assert "moduli" not in str(caught.value)
    assert "1024 rows" in str(caught.value)
    # What is exact is cut.
    found = search_designs(DesignSpace(core=("fixed-hp",), **shared)).chosen
    assert found.group.parameters.design.segments == 5


def test_words_that_are_all_rejected_have_no_energy() -> None:
    """A single wrong residue, which one redundant modulus always detects, in every word."""
    count = select_moduli(DotProduct(16, 4, 4).dynamic_range, 15, redundant=1)[0].count
    first_always_wrong = NoiseSetting(p=(1.0,) + (0.0,) * (count - 1))
    case = {
        "core": ("rns",), "bits": (4,), "vector_size": (16,), "redundant": (1,),
        "decoder": ("detect",), "legitimate_range": ("product",), "pairs": 10,
        "noise": first_always_wrong,
        "technology": (load_technology("photonic-phase"),),
    }  # fmt: skip
    with pytest.raises(NoSolutionError, match="no design of the space exists"):
        search_designs(DesignSpace(**case, attempts=(math.inf,)))
    result = search_designs(DesignSpace(**case, attempts=(2, math.inf)))
    assert result.chosen.metrics.p_err == 1
    assert [(axis, other.reason) for axis, other in result.neighbours] == [
        ("attempts", "every word is rejected")
    ]


def test_a_number_is_rounded_up_to_what_the_design_keeps() -> None:
    """A latency of 127 cycles of 1 ns, whose sum is 1.2700000000000002e-07."""
    space = DesignSpace(core=("digital-int8",), vector_size=(64,), scales="none")
    with pytest.raises(NoSolutionError, match=r"the nearest has 127 ns \(digital-int8"):
        search_designs(space, {"max_latency": 1e-9})
    assert search_designs(space, {"max_latency": 127e-9}).chosen.design.core == "digital-int8"

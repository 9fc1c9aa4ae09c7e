"""The search of a space against trying every design: front, choice, limits, counts."""

import math
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_design_reference import (
    EVERY,
    GIVEN,
    LIT,
    METRICS,
    ODD,
    WANTED,
    Numbers,
    exact_table,
    space_of,
    table,
)

from rnscli.analysis.design.limits import LIMITS, MORE_OBJECTIVES, NOISE_OBJECTIVES, OBJECTIVES
from rnscli.analysis.design.search import DesignResult, search_designs
from rnscli.analysis.design.space import Design, DesignSpace
from rnscli.base.errors import InputError, NoSolutionError
from rnscli.core.cores import simulated_cores
from rnscli.hardware.adc.surveyed import MurmannAdc, SurveyAdc
from rnscli.hardware.profile import load_technology
from rnscli.runtime.runner import Runner

LIMIT_SETS: list[dict[str, float]] = [
    {},
    {"max_error": 0.1},
    {"max_p_err": 1e-3},
    {"max_energy": 1e-13, "max_area": 1e-6},
    {"min_throughput": 1e9, "max_error": 0.2},
    {"max_latency": 1e-7, "max_p_err": 1e-2, "max_error": 0.5},
]


def told(value: float) -> float:
    """A number without the digits that rounding may change."""
    return float(f"{value:.11e}")


def printed(value: float) -> float:
    """A number as it is printed: designs that differ in no such digit are equal."""
    return float(f"{value:.3e}")


def keeps(numbers: Numbers, limits: Mapping[str, float]) -> bool:
    for name, limit in limits.items():
        metric, upper = LIMITS[name]
        value = told(numbers[metric])
        if value > told(limit) if upper else value < told(limit):
            return False
    return True


def within(found: Mapping[Design, Numbers | None], limits: Mapping[str, float]):
    return {d: n for d, n in found.items() if n is not None and keeps(n, limits)}


def front_of(members: Mapping[Design, Numbers], order: list[str]) -> set[tuple[float, ...]]:
    """Costs on the front, as they are printed, each point against all the others."""
    rows = [[printed(numbers[metric]) for metric in order] for numbers in members.values()]
    costs = np.unique(rows, axis=0)
    front = set()
    for point in costs:
        no_larger = (costs <= point).all(axis=1)
        if not (no_larger & (costs < point).any(axis=1)).any():
            front.add(tuple(point.tolist()))
    return front


def numbers_of(found: Any) -> Numbers:
    return {name: getattr(found.metrics, name) for name in METRICS}


def check(case: dict[str, Any], law: str, limits: dict[str, float], minimise: str) -> DesignResult:
    members = within(exact_table(case, law), limits)
    objectives = OBJECTIVES if law == "none" else OBJECTIVES | NOISE_OBJECTIVES
    first = (objectives | NOISE_OBJECTIVES | MORE_OBJECTIVES)[minimise]
    order = [first, *(m for n, m in objectives.items() if n != minimise)]
    result = search_designs(space_of(case, law), limits, minimise)
    points = [tuple(printed(numbers_of(c)[metric]) for metric in order) for c in result.front]
    assert set(points) == front_of(members, order)
    assert points == sorted(set(points))  # from the least of the first upwards, none twice
    for candidate, point in zip(result.front, points, strict=True):
        # Of those that print alike, the one whose exact numbers come first.
        alike = [
            tuple(told(numbers[metric]) for metric in order)
            for numbers in members.values()
            if tuple(printed(numbers[metric]) for metric in order) == point
        ]
        assert tuple(told(members[candidate.design][metric]) for metric in order) == min(alike)
        expected = table(case, law)[candidate.design]
        assert numbers_of(candidate) == pytest.approx(expected, rel=1e-12, abs=0)
    best = min(tuple(printed(numbers[metric]) for metric in order) for numbers in members.values())
    assert points[0] == best
    assert result.chosen == result.front[0]
    every = exact_table(case, law)
    impossible = sum(numbers is None for numbers in every.values())
    assert result.designs == len(every)
    assert result.feasible == len(members)
    assert result.impossible <= impossible
    excluded = result.pruned - (impossible - result.impossible)
    assert 0 <= excluded <= len(every) - impossible - len(members)
    if not limits:
        assert (result.impossible, result.pruned) == (impossible, 0)
    return result


# Noise takes the most time, and other tests of designs have it.
LAWS = [
    "none",
    *(pytest.param(n, marks=pytest.mark.thorough) for n in ("uniform", "gaussian", "snr")),
]


LIMITED = [
    pytest.param(limits, marks=[pytest.mark.thorough] if index % 2 else [])
    for index, limits in enumerate(LIMIT_SETS)
]


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("limits", LIMITED, ids=lambda limits: "-".join(limits) or "none")
def test_search_against_every_design(limits: dict[str, float], law: str) -> None:
    place = LIMIT_SETS.index(limits)
    for minimise in [list(OBJECTIVES)[place % 5], list(OBJECTIVES)[(place + 3) % 5]]:
        check(EVERY, law, limits, minimise)


@pytest.mark.parametrize("law", ["none", *LAWS[2:]])
@pytest.mark.parametrize("minimise", [*OBJECTIVES, *NOISE_OBJECTIVES, *MORE_OBJECTIVES])
def test_shared_parameters_of_a_space(minimise: str, law: str) -> None:
    check(ODD, law, {}, minimise)
    check(ODD, law, {"max_error": 0.5}, minimise)


@pytest.mark.parametrize("law", ["none", "uniform"])
@pytest.mark.parametrize("case", [LIT, WANTED, GIVEN], ids=["lit", "wanted", "given"])
def test_light_and_several_arrays(case: dict[str, Any], law: str) -> None:
    check(case, law, {}, "energy")
    check(case, law, {"max_error": 1.0, "max_power": 10.0}, "power")
    check(case, law, {"min_throughput": 1e12}, "area")


def test_what_does_not_fit_in_an_area_is_no_design() -> None:
    """It would have the least area and power of all: none."""
    space = space_of(LIT | {"area": 1e-15}, "none")
    with pytest.raises(NoSolutionError, match=r"no design .*not one array fits in the given area"):
        search_designs(space)


def quantile(name: str, share: float) -> float:
    """A limit that about this share of the designs keeps."""
    metric, upper = LIMITS[name]
    values = sorted(n[metric] for n in exact_table(ODD, "uniform").values() if n is not None)
    value = values[min(len(values) - 1, int((share if upper else 1 - share) * len(values)))]
    return max(0.0, value)  # an SNR may be less


shares = st.dictionaries(st.sampled_from(list(LIMITS)), st.floats(0.2, 1.0), min_size=1)


@pytest.mark.thorough
@settings(derandomize=True, deadline=None, max_examples=6)
@given(shares, st.sampled_from(list(OBJECTIVES)))
def test_any_limits(asked: dict[str, float], minimise: str) -> None:
    limits = {name: quantile(name, share) for name, share in asked.items()}
    if within(exact_table(ODD, "uniform"), limits):
        check(ODD, "uniform", limits, minimise)
    else:
        with pytest.raises(NoSolutionError):
            search_designs(space_of(ODD, "uniform"), limits, minimise)


@pytest.mark.parametrize("name", list(LIMITS))
def test_a_limit_that_is_just_met_is_kept(name: str) -> None:
    """At values that occur: pruning must not take a design for the last bit of a number."""
    metric, upper = LIMITS[name]
    space = space_of(ODD, "uniform")
    every = within(exact_table(ODD, "uniform"), {})
    occurring = {numbers[metric] for numbers in every.values() if numbers[metric] >= 0}
    for limit in sorted(occurring)[:3]:
        count = len(within(every, {name: limit}))
        assert search_designs(space, {name: limit}).feasible == count > 0
        if limit:
            beyond = limit * (1 - 1e-9 if upper else 1 + 1e-9)
            assert len(within(every, {name: beyond})) < count


@pytest.mark.thorough
def test_designs_are_ruled_out_without_their_error_probability(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Those that a limit excludes anyway are not computed; the answer is that without pruning."""
    space = space_of(EVERY, "uniform")
    limits = {"max_energy": 1e-13, "max_error": 0.3}
    asked: list[object] = []
    from rnscli.analysis.design import evaluation

    original = evaluation.outcome_of_code

    def counted(code):
        asked.append(code)
        return original(code)

    monkeypatch.setattr(evaluation, "outcome_of_code", counted)
    result = search_designs(space, limits)
    with_limits = len(asked)
    asked.clear()
    everything = search_designs(space)
    assert 0 < with_limits < len(asked)
    assert result.pruned > 0 == everything.pruned
    assert result.feasible == len(within(exact_table(EVERY, "uniform"), limits))


@pytest.mark.parametrize("law", ["uniform", "gaussian"])
def test_runner_and_progress_do_not_change_the_answer(law: str) -> None:
    calls: list[tuple[str, int, int]] = []
    space = space_of({**ODD, "decoder": ("majority", "detect")}, law)
    result = search_designs(
        space, runner=Runner(), progress=lambda what, done, of: calls.append((what, done, of))
    )
    alone = search_designs(space)
    assert [c.design for c in result.front] == [c.design for c in alone.front]
    assert [numbers_of(c) for c in result.front] == [numbers_of(c) for c in alone.front]
    counted = [done for what, done, _ in calls if what == "designs"]
    assert counted == sorted(counted)
    assert {of for what, _, of in calls if what == "designs"} == {space.size}
    assert counted[-1] <= space.size
    assert any(what == "codes" for what, _, _ in calls) == (law == "gaussian")


# What a search does not accept


@pytest.mark.parametrize(
    "name", ["adc" if axis == "adc_model" else axis for axis in Design.__dataclass_fields__]
)
def test_empty_axes(name: str) -> None:
    said = re.escape(f"`{name}` is (); it must be a tuple of at least one value")
    with pytest.raises(InputError, match=said):
        DesignSpace(**{name: ()})


@pytest.mark.parametrize(("name", "value"), [("bits", 6), ("core", "rns"), ("attempts", [1, 2])])
def test_axes_that_are_no_tuples(name: str, value: Any) -> None:
    """A text is a sequence too, of letters."""
    said = re.escape(f"`{name}` is {value}; it must be a tuple of at least one value")
    with pytest.raises(InputError, match=said):
        DesignSpace(**{name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("attempts", 0),
        ("attempts", -3),
        ("attempts", 1.5),
        ("attempts", math.nan),
        ("columns_per_adc", 0),
        ("bits", 0),
        ("vector_size", -1),
        ("slice_bits", 1.5),
        ("redundant", -1),
    ],
)
def test_values_that_no_design_may_have(name: str, value: Any) -> None:
    """Alone, and after one that is accepted."""
    for values in ((value,), (2, value)):
        with pytest.raises(InputError, match=re.escape(f"`{name}` is {value}")):
            DesignSpace(**{name: values})


def test_hardware_of_one_name() -> None:
    """Designs name their hardware, and neither of the two could be told from the other."""
    with pytest.raises(InputError, match="`adc` has two of the same name"):
        DesignSpace(adc=(MurmannAdc(), SurveyAdc(), MurmannAdc(adc_k1=200e-15)))
    array = load_technology("reram-analog")
    with pytest.raises(InputError, match="`technology` has two of the same name"):
        DesignSpace(technology=(array, replace(array, node=22e-9)))
    different = (array, replace(array, name="other"))
    assert DesignSpace(technology=different).technology == different


def test_unknown_cores_and_spaces_that_are_too_large() -> None:
    with pytest.raises(InputError, match="`core` is digital-fp32; it must be one of"):
        DesignSpace(core=("rns", "digital-fp32"))
    many = tuple(range(1, 2001))
    with pytest.raises(InputError, match=r"the space has .* designs; at most 10000000"):
        DesignSpace(vector_size=many, columns_per_adc=many)
    assert {"digital-int4", "digital-int8"} < set(simulated_cores())
    assert "digital-fp32" not in simulated_cores()


@pytest.mark.parametrize("value", [math.nan, -1.0, math.inf, "many", None])
@pytest.mark.parametrize("name", list(LIMITS))
def test_limits_that_are_no_limits(name: str, value: Any) -> None:
    with pytest.raises(InputError, match=f"`{name}`"):
        search_designs(DesignSpace(), {name: value})


def test_unknown_limits_and_objectives() -> None:
    with pytest.raises(InputError, match="`limit` is max_cost"):
        search_designs(DesignSpace(), {"max_cost": 1.0})
    with pytest.raises(InputError, match="`minimise` is speed"):
        search_designs(DesignSpace(), minimise="speed")

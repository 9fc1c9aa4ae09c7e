"""Neighbours of the choice: which there are, and whether what is said against them is true."""

import math
import re
from typing import Any

import pytest
from test_design import printed, within
from test_design_reference import (
    AXES_OF,
    EVERY,
    METRICS,
    ODD,
    ORDERED,
    axes_of,
    exact_table,
    space_of,
    table,
)

from rnscli.analysis.design.limits import LIMITS, NOISE_OBJECTIVES, OBJECTIVES
from rnscli.analysis.design.search import Candidate, Rejected, search_designs
from rnscli.analysis.design.space import Design

PREFIXES = {"a": -18, "f": -15, "p": -12, "n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9,
            "T": 12}  # fmt: skip
UNITS = {f"{p}{unit}": 10.0**e for p, e in PREFIXES.items() for unit in ("J", "s", "W", "MAC/s")}
UNITS |= {"mm2": 1e-6, "um2": 1e-12}
CASES: list[tuple[dict[str, Any], str, dict[str, float], str]] = [
    (EVERY, "none", {}, "energy"),
    (EVERY, "none", {}, "error"),
    (EVERY, "none", {"max_energy": 5e-14, "max_area": 1e-7}, "latency"),
    (EVERY, "uniform", {}, "area"),
    (EVERY, "uniform", {"max_p_err": 1e-3, "max_error": 0.2}, "energy"),
    (EVERY, "uniform", {"max_p_err": 1e-3, "min_throughput": 1e10}, "energy"),
    (EVERY, "gaussian", {"max_p_err": 1e-4, "max_energy": 1e-13}, "p-err"),
    (EVERY, "snr", {"max_latency": 1e-7}, "p-err"),
    (ODD, "uniform", {"max_p_err": 0.5, "max_error": 0.3}, "energy"),
    (ODD, "gaussian", {}, "p-err"),
    (ODD, "snr", {"max_error": 0.3}, "latency"),
]
each_case = pytest.mark.parametrize(
    ("case", "law", "limits", "minimise"),
    [
        # Gaussian noise takes the most time, and other tests of designs have it.
        pytest.param(*one, marks=[pytest.mark.thorough] if one[1] in ("gaussian", "snr") else [])
        for one in CASES
    ],
    ids=[
        f"{'every' if c is EVERY else 'odd'}-{law}-{'-'.join(limits)}-{minimise}"
        for c, law, limits, minimise in CASES
    ],
)


def best_of_cores(
    case: dict[str, Any], law: str, limits: dict[str, float], minimise: str
) -> dict[str, Design]:
    """Of each core the design that comes first as numbers are printed, and then as they are."""
    order = [OBJECTIVES[minimise], *(m for n, m in OBJECTIVES.items() if n != minimise)]
    kept = within(exact_table(case, law), limits)
    best: dict[str, tuple[Any, Design]] = {}
    for design, numbers in kept.items():
        exact = [numbers[metric] for metric in order]
        key = [printed(value) for value in exact], exact
        if design.core not in best or key < best[design.core][0]:
            best[design.core] = key, design
    return {core: design for core, (_, design) in best.items()}


def one_step_away(
    case: dict[str, Any], design: Design, best_of: dict[str, Design]
) -> set[tuple[str, Design]]:
    """Every design of the space is asked where it differs."""
    axes = axes_of(case, design.core)
    found = set()
    for other in table(case, "none"):
        if other.core != design.core:
            continue
        differ = [axis for axis in axes if getattr(other, axis) != getattr(design, axis)]
        if len(differ) != 1:
            continue
        values = list(axes[differ[0]])
        steps = values.index(getattr(other, differ[0])) - values.index(getattr(design, differ[0]))
        if differ[0] not in ORDERED or abs(steps) == 1:
            found.add((differ[0], other))
    for core in set(AXES_OF) - {design.core}:
        # What both cores have stays where it can, and the rest is the first of its axis.
        values_of = {}
        for axis, choices in axes_of(case, core).items():
            here = getattr(design, axis)
            values_of[axis] = here if here in choices else choices[0]
        found.add(("core", best_of.get(core) or Design(**values_of)))
    return found


@pytest.mark.thorough
@each_case
def test_neighbours_are_all_that_are_one_step_away(
    case: dict[str, Any], law: str, limits: dict[str, float], minimise: str
) -> None:
    result = search_designs(space_of(case, law), limits, minimise)
    found = [(axis, other.design) for axis, other in result.neighbours]
    assert len(set(found)) == len(found) > 0
    best_of = best_of_cores(case, law, limits, minimise)
    assert best_of[result.chosen.design.core] == result.chosen.design
    assert set(found) == one_step_away(case, result.chosen.design, best_of)
    numbers = table(case, law)
    for axis, other in result.neighbours:
        expected = numbers[other.design]
        assert isinstance(other, Rejected) == (expected is None), axis
        if isinstance(other, Candidate):
            shown = {name: getattr(other.metrics, name) for name in METRICS}
            assert shown == pytest.approx(expected, rel=1e-12, abs=0)


def value_of(text: str) -> float:
    """A number as it is said, in base units."""
    number, _, unit = text.partition(" ")
    return float(number) * UNITS.get(unit.removesuffix(" per MAC"), 1.0)


def broken(reason: str) -> dict[str, float]:
    """The limits that are said to be broken, with the value that breaks each."""
    found = {}
    for clause in reason.split("; "):
        parts = re.fullmatch(r"(.*) breaks the limit of (.*)", clause)
        assert parts is not None, reason
        value, limit = parts.groups()
        name = {"p_err": "max_p_err", "error": "max_error"}.get(value.split()[0])
        if name is None:
            kinds = (
                ("J", "max_energy"), ("m2", "max_area"), ("MAC/s", "min_throughput"),
                ("W", "max_power"),
            )  # fmt: skip
            name = next((known for unit, known in kinds if limit.endswith(unit)), "max_latency")
        said = value.split(" ", 1)[1] if name in ("max_p_err", "max_error") else value
        found[name] = value_of(said)
        assert value_of(limit) > 0
    return found


def check_change(said: str, before: float, after: float) -> None:
    if " -> " in said:
        first, second = said.split(" -> ")
        assert 0 in (before, after)
        assert (float(first), float(second)) == pytest.approx((before, after), rel=5e-3)
    elif said.startswith("x "):
        assert float(said[2:]) == pytest.approx(after / before, rel=5e-3)
        assert not 0.5 <= after / before <= 2
    elif "<0.01" in said:
        assert abs(after / before - 1) < 1e-4
        assert (said[0] == "+") == (after > before)
    else:
        assert re.fullmatch(r"[+-]\d+(\.\d+)? %", said), said
        share = 100 * (after / before - 1)
        assert float(said[:-2]) == pytest.approx(share, rel=0.06)


def changes(text: str) -> dict[str, str]:
    names = "|".join(OBJECTIVES | NOISE_OBJECTIVES)
    return dict(re.fullmatch(rf"({names}) (.*)", part).groups() for part in text.split(", "))


@each_case
def test_every_reason_is_true(
    case: dict[str, Any], law: str, limits: dict[str, float], minimise: str
) -> None:
    objectives = OBJECTIVES if law == "none" else OBJECTIVES | NOISE_OBJECTIVES
    result = search_designs(space_of(case, law), limits, minimise)
    chosen = {name: getattr(result.chosen.metrics, name) for name in METRICS}
    assert result.chosen.reason == ""
    order = [OBJECTIVES[minimise], *(m for n, m in objectives.items() if n != minimise)]
    for _, other in result.neighbours:
        if isinstance(other, Rejected):
            assert other.reason and "`" not in other.reason
            continue
        numbers = exact_table(case, law)[other.design]
        assert numbers is not None
        breaks = {
            name: numbers[LIMITS[name][0]]
            for name, limit in limits.items()
            if (numbers[LIMITS[name][0]] > limit) == LIMITS[name][1]
            and numbers[LIMITS[name][0]] != limit
        }
        worse = {n for n, metric in objectives.items() if numbers[metric] > chosen[metric]}
        better = {n for n, metric in objectives.items() if numbers[metric] < chosen[metric]}
        if breaks:
            assert broken(other.reason) == pytest.approx(breaks, rel=6e-3)
            continue
        # It keeps the limits, so that it may not come before the choice as numbers are printed.
        mine, theirs = ([printed(n[metric]) for metric in order] for n in (chosen, numbers))
        assert theirs >= mine
        if not worse and not better:
            assert other.reason == "the same in every objective"
            continue
        said = re.fullmatch(r"(?:worse: )?(.*?)(?: \(but (.*)\))?", other.reason)
        assert said is not None
        assert other.reason.startswith("worse: ") == (not better)
        against, favour = changes(said[1]), changes(said[2]) if said[2] else {}
        assert (set(against), set(favour)) == (worse, better)
        for name, text in (against | favour).items():
            check_change(text, chosen[objectives[name]], numbers[objectives[name]])


def test_neighbours_that_do_not_exist() -> None:
    rejected = {
        axis: other.reason
        for axis, other in search_designs(space_of(EVERY, "none")).neighbours
        if isinstance(other, Rejected)
    }
    assert {"technology"} <= set(rejected) <= {"technology", "core"}
    assert "128 rows" in rejected["technology"]
    assert "256" in rejected["technology"]


def test_sizes_that_are_not_in_order_are_neighbours_of_the_next_value() -> None:
    """The next value is meant, wherever it stands among those that were given."""
    case = EVERY | {"bits": (8, 4, 6), "technology": ("crossbar",), "vector_size": (16,)}
    case |= {"adc": ("walden",)}  # so that it is an analog design
    result = search_designs(space_of(case, "none"), {"max_error": 0.03})
    assert result.chosen.design.bits in (6, 8)
    steps = {other.design.bits for axis, other in result.neighbours if axis == "bits"}
    assert steps == ({4, 8} if result.chosen.design.bits == 6 else {6})


def test_large_changes_in_per_cent_are_written_as_numbers() -> None:
    from rnscli.analysis.design.limits import _change

    for ratio in (1.995, 1.999, 2.0, 1.5, 1.12, 0.51, 1.001):
        check_change(_change(1.0, ratio), 1.0, ratio)
    assert _change(1.0, 3.0) == "x 3"
    assert _change(0.0, 2.0) == "0 -> 2"
    assert _change(1.0, math.nextafter(1.0, 2.0)) == "+<0.01 %"

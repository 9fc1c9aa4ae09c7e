"""One choice of several for each item, at the least cost within a budget: exact, or with a bound.

That is a multiple-choice knapsack problem (Kellerer, Pferschy, Pisinger, Knapsack Problems, 2004,
chapter 11). Partial solutions are kept where no other one has both less cost and less weight, and
dropped where even the linear relaxation of the rest does not make them better than what is known.
"""

import itertools
import math
from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from rnscli.base import NoSolutionError

_Numbers = npt.NDArray[np.float64]
_Places = npt.NDArray[np.int64]
MAX_STATES = 50_000  # partial solutions that are kept of a step
# As a share: sums of the same numbers in another order are one sum.
_EQUAL = 1e-12


class Selection(NamedTuple):
    """What is chosen.

    Parameters
    ----------
    choices
        Of each item the place of the choice.
    cost, weight
        Sums over all items.
    bound
        No selection within the budget costs less; the cost itself where that is proved to be the
        least.
    """

    choices: tuple[int, ...]
    cost: float
    weight: float
    bound: float

    @property
    def gap(self) -> float:
        """By which share the cost may be above the least; 0 where it is the least."""
        return (self.cost - self.bound) / self.cost if self.cost else 0.0


def least_cost(
    costs: Sequence[Sequence[float]],
    weights: Sequence[Sequence[float]],
    budget: float,
    max_states: int = MAX_STATES,
) -> Selection:
    """A choice for each item so that the weights keep the budget and the costs are least.

    Parameters
    ----------
    costs, weights
        Of each item those of its choices; not negative.
    budget
        What the sum of the weights may be.
    max_states
        Partial solutions that are kept after each item. If there would be more, those with the
        least bound are kept, and the least bound of the others bounds the result.

    Raises
    ------
    NoSolutionError
        If even the lightest choices are too heavy.

    Examples
    --------
    >>> least_cost([[1.0, 4.0], [1.0, 2.0]], [[3.0, 1.0], [3.0, 1.0]], budget=4.0)
    Selection(choices=(0, 1), cost=3.0, weight=4.0, bound=3.0)
    """
    items = [_undominated(cost, weight) for cost, weight in zip(costs, weights, strict=True)]
    limit = budget * (1 + _EQUAL)
    lightest = math.fsum(item.weights[0] for item in items)
    if lightest > limit:
        raise NoSolutionError(
            f"the lightest choices weigh {lightest:.3g} together, and the budget is {budget:.3g}"
        )
    # What can do most about the bound comes first.
    order = sorted(
        range(len(items)), key=lambda i: items[i].costs[0] - items[i].costs[-1], reverse=True
    )
    items = [items[index] for index in order]
    steps = _steps(items)
    rests = _relaxations(items, steps)
    picked = _greedy(items, steps, limit)
    best = math.fsum(item.costs[place] for item, place in zip(items, picked, strict=True))
    found, dropped = _search(items, rests, limit, best, max_states)
    picked = picked if found is None else found
    choices = [0] * len(items)
    for index, item, place in zip(order, items, picked, strict=True):
        choices[index] = int(item.places[place])
    cost = math.fsum(costs[i][place] for i, place in enumerate(choices))
    weight = math.fsum(weights[i][place] for i, place in enumerate(choices))
    return Selection(tuple(choices), cost, weight, min(cost, dropped))


class _Item(NamedTuple):
    """Choices none of which another one beats: from the lightest to the cheapest."""

    costs: _Numbers
    weights: _Numbers
    places: _Places


def _undominated(costs: Sequence[float], weights: Sequence[float]) -> _Item:
    cost, weight = np.asarray(costs, float), np.asarray(weights, float)
    order = np.lexsort((cost, weight))
    kept: list[int] = []
    for place in order.tolist():
        if math.isfinite(weight[place]) and (not kept or cost[place] < cost[kept[-1]]):
            kept.append(place)
    if not kept:
        raise NoSolutionError("an item has no choice of a finite weight")
    places = np.array(kept, dtype=np.int64)
    return _Item(cost[places], weight[places], places)


def _hull(item: _Item) -> list[int]:
    """Choices on the lower hull: of these a linear relaxation mixes two neighbours."""
    # As fractions: weights may be so close that a slope is more than a float can be.
    costs = [Fraction(cost) for cost in item.costs.tolist()]
    weights = [Fraction(weight) for weight in item.weights.tolist()]
    kept: list[int] = []
    for place, (cost, weight) in enumerate(zip(costs, weights, strict=True)):
        while len(kept) > 1:
            before, last = kept[-2:]
            run, rise = weights[last] - weights[before], costs[last] - costs[before]
            if (cost - costs[last]) * run > rise * (weight - weights[last]):
                break  # it falls less fast from here on
            kept.pop()
        kept.append(place)
    return kept


class _Relaxation(NamedTuple):
    """The least cost of some items by the weight that they may have, as a polygon."""

    weights: _Numbers
    costs: _Numbers

    def cost(self, weights: _Numbers) -> _Numbers:
        """What these items cost at least; infinite where there is less than they weigh."""
        return np.interp(weights, self.weights, self.costs, left=np.inf)


class _Step(NamedTuple):
    """From a choice on the hull to the next one: what it saves most for its weight comes first."""

    slope: float
    run: float  # change of weight
    rise: float  # and of cost
    item: int
    place: int  # of the choice that it leads to


def _steps(items: Sequence[_Item]) -> list[_Step]:
    """Steps from the lightest choices along the hulls, in the order in which they save most."""
    steps = []
    for index, item in enumerate(items):
        for first, second in itertools.pairwise(_hull(item)):
            run = float(item.weights[second] - item.weights[first])
            rise = float(item.costs[second] - item.costs[first])
            steps.append(_Step(rise / run, run, rise, index, second))
    return sorted(steps)


def _relaxations(items: Sequence[_Item], steps: Sequence[_Step]) -> list[_Relaxation]:
    """Of the items from each one on, and of none at the end."""
    found = []
    for start in range(len(items) + 1):
        rest = items[start:]
        weights = [math.fsum(item.weights[0] for item in rest)]
        costs = [math.fsum(item.costs[0] for item in rest)]
        for step in steps:
            if step.item >= start:
                weights.append(weights[-1] + step.run)
                costs.append(costs[-1] + step.rise)
        # What rounding adds to a sum must not hide a choice that just fits.
        weights[0] *= 1 - 1e-9
        found.append(_Relaxation(np.array(weights), np.array(costs)))
    return found


def _greedy(items: Sequence[_Item], steps: Sequence[_Step], limit: float) -> list[int]:
    """A selection along the hulls, as far as the budget goes; a step that is too long is left."""
    picked = [0] * len(items)
    stopped: set[int] = set()
    weight = math.fsum(item.weights[0] for item in items)
    for _, run, _, index, place in steps:
        if index in stopped:
            continue
        if weight + run > limit:
            stopped.add(index)  # later steps of it start where this one ends
            continue
        weight += run
        picked[index] = place
    return picked


class _States(NamedTuple):
    """Partial solutions, by weight, each with its parent in the step before and its choice."""

    weights: _Numbers
    costs: _Numbers
    parents: _Places
    choices: _Places


def _search(
    items: Sequence[_Item],
    rests: Sequence[_Relaxation],
    limit: float,
    best: float,
    max_states: int,
) -> tuple[list[int] | None, float]:
    """The choices that cost less than ``best``, if any, and the least bound of what was dropped."""
    states = _States(np.zeros(1), np.zeros(1), np.zeros(1, np.int64), np.zeros(1, np.int64))
    history: list[_States] = []
    dropped = math.inf
    for item, rest in zip(items, rests[1:], strict=True):
        count = len(item.costs)
        weights = (states.weights[:, None] + item.weights).ravel()
        costs = (states.costs[:, None] + item.costs).ravel()
        bounds = costs + rest.cost(limit - weights)
        # No better than what is known; rounding shall not count.
        kept = np.flatnonzero(bounds < best * (1 - _EQUAL))
        kept = kept[np.lexsort((costs[kept], weights[kept]))]
        least = np.minimum.accumulate(np.concatenate(([np.inf], costs[kept])))[:-1]
        kept = kept[costs[kept] < least * (1 - _EQUAL)]
        if kept.size > max_states:
            ranked = np.argsort(bounds[kept], kind="stable")
            dropped = min(dropped, float(bounds[kept[ranked[max_states]]]))
            kept = kept[np.sort(ranked[:max_states])]
        states = _States(weights[kept], costs[kept], kept // count, kept % count)
        history.append(states)
        if not kept.size:
            return None, dropped
    place = int(np.argmin(states.costs))
    picked = []
    for states in reversed(history):
        picked.append(int(states.choices[place]))
        place = int(states.parents[place])
    return picked[::-1], dropped

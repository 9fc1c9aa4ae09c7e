import math
from typing import Any

import pytest
from refusals import assert_one_sentence

from rnscli.base.errors import InputError
from rnscli.networks.recipe import SCHEDULES, Recipe


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("epochs", 0),
        ("epochs", 1.5),
        ("batch_size", 0),
        ("optimiser", "adagrad"),
        ("learning_rate", -1.0),
        ("learning_rate", math.nan),
        ("schedule", "steps"),
        ("warm_up", 1.1),
        ("warm_up", -0.1),
        ("clip", 0.0),
        ("clip_weights", 0.5),
        ("momentum", 1.0),
        ("weight_decay", math.inf),
        ("seed", -1),
    ],
)
def test_refused(field: str, value: Any) -> None:
    with pytest.raises(InputError) as caught:
        Recipe(**{field: value})
    assert_one_sentence(caught.value, f"`{field}` is {value}")


def test_equal_recipes_are_equal() -> None:
    assert Recipe(learning_rate=1) == Recipe(learning_rate=1.0)
    assert isinstance(Recipe(learning_rate=1).learning_rate, float)


def test_a_constant_rate() -> None:
    recipe = Recipe(learning_rate=0.3, schedule="constant", warm_up=0.0)
    assert {recipe.rate(step, 7) for step in range(7)} == {0.3}


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("warm_up", [0.0, 0.1, 0.999, 1, 7.0, 1000])
def test_every_step_has_a_rate(warm_up: float, schedule: str) -> None:
    for steps in (1, 2, 100):
        recipe = Recipe(warm_up=warm_up, schedule=schedule)
        rates = [recipe.rate(step, steps) for step in range(steps)]
        assert 0 < min(rates) <= max(rates) <= Recipe().learning_rate


def rates(steps: int, **recipe: Any) -> list[float]:
    return [Recipe(learning_rate=1.0, **recipe).rate(step, steps) for step in range(steps)]


def test_schedules_by_hand() -> None:
    """At the middle of each of eight steps, as the docstring says."""
    middles = [(2 * step + 1) / 16 for step in range(8)]
    found = {name: rates(8, schedule=name, warm_up=0.0) for name in SCHEDULES}
    assert found == {
        "constant": [1.0] * 8,
        "cosine": pytest.approx([math.cos(math.pi * x / 2) ** 2 for x in middles]),
        "step": [1.0] * 4 + [0.1] * 2 + [0.01] * 2,
        "linear": [1 - x for x in middles],
    }


def test_a_warm_up_in_steps_does_not_depend_on_their_number() -> None:
    first = [0.125, 0.375, 0.625, 0.875, 1.0, 1.0]
    for steps in (6, 60):
        assert rates(steps, schedule="constant", warm_up=4)[:6] == first
    assert rates(8, schedule="constant", warm_up=0.5) == rates(8, schedule="constant", warm_up=4)

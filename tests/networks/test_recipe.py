import math
from typing import Any

import pytest
from refusals import assert_one_sentence

from rnscli.base.errors import InputError
from rnscli.networks.shipped import Recipe


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("epochs", 0),
        ("epochs", 1.5),
        ("batch_size", 0),
        ("optimizer", "adam"),
        ("learning_rate", -1.0),
        ("learning_rate", math.nan),
        ("schedule", "step"),
        ("warmup", 1.1),
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
    recipe = Recipe(learning_rate=0.3, schedule="constant", warmup=0.0)
    assert {recipe.rate(step, 7) for step in range(7)} == {0.3}


@pytest.mark.parametrize("warmup", [0.0, 0.1, 1.0])
def test_every_step_has_a_rate(warmup: float) -> None:
    for steps in (1, 2, 100):
        rates = [Recipe(warmup=warmup).rate(step, steps) for step in range(steps)]
        assert 0 < min(rates) <= max(rates) <= Recipe().learning_rate

"""`AnalogLinear` beside `torch.nn.Linear`."""

import pytest
import torch
from comparison import COARSE, FINE, Calls, assert_near, assert_same_as_digital, normal
from torch import nn
from torch.nn import functional

from rnscli.torch import AnalogLinear, conversion, convert


def linear(inputs: int, outputs: int, bias: bool = True) -> nn.Linear:
    torch.manual_seed(0)
    return nn.Linear(inputs, outputs, bias)


@pytest.mark.parametrize("shape", [(40,), (5, 40), (2, 3, 40), (2, 1, 3, 40), (0, 40), (2, 0, 40)])
@pytest.mark.parametrize("bias", [True, False])
def test_inputs_of_any_shape(shape: tuple[int, ...], bias: bool) -> None:
    assert_same_as_digital(linear(40, 7, bias), normal(*shape))


def test_one_dot_product_of_one_term() -> None:
    assert_same_as_digital(linear(1, 1), normal(1, 1))


def test_inputs_of_any_layout() -> None:
    assert_same_as_digital(linear(40, 7), normal(40, 5).t())
    assert_same_as_digital(linear(40, 7), normal(5, 80)[:, ::2])
    assert_same_as_digital(linear(40, 7), normal(1, 40).expand(5, 40))


def test_no_features() -> None:
    with pytest.warns(UserWarning, match="zero-element"):
        empty = nn.Linear(4, 0)
    assert convert(empty, FINE)(normal(3, 4)).shape == (3, 0)


def test_made_without_a_model() -> None:
    torch.manual_seed(0)
    layer = AnalogLinear(40, 7, core=FINE)
    assert all(
        torch.equal(mine, its)
        for mine, its in zip(layer.parameters(), linear(40, 7).parameters(), strict=True)
    )
    assert_near(layer(normal(5, 40)), linear(40, 7)(normal(5, 40)))
    assert conversion(layer).analog == ("AnalogLinear",)


def test_the_core_shows_in_print() -> None:
    layer = AnalogLinear(40, 7, bias=False, dtype=torch.float64, core=COARSE)
    assert repr(layer).startswith(
        "AnalogLinear(in_features=40, out_features=7, bias=False, core=rns, vector_size=16, moduli="
    )
    assert layer.weight.dtype == torch.float64


def test_wrong_widths_are_refused_as_by_pytorch() -> None:
    with pytest.raises(RuntimeError, match=r"shapes \(5, 39\) and \(40, 7\)"):
        convert(linear(40, 7), FINE)(normal(5, 39))


def test_the_function_in_a_forward() -> None:
    assert_same_as_digital(Calls(functional.linear, normal(7, 40)), normal(5, 40))
    assert_same_as_digital(
        Calls(
            lambda x, bias, weight: functional.linear(x, bias=bias, weight=weight), normal(7, 40)
        ),
        normal(2, 5, 40),
        normal(7, seed=1),
    )
    assert_same_as_digital(Calls(functional.linear, normal(40)), normal(5, 40))

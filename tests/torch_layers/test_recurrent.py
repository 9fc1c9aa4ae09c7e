"""Recurrent layers and cells."""

from typing import Any

import numpy as np
import pytest
import torch
from comparison import COARSE, FINE, Calls, assert_near, assert_same_as_digital, normal
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from rnscli.torch import conversion, convert, recording

SHARE = 0.02  # each step adds its rounding to the next


class Flat(nn.Module):
    """A layer whose results are one list."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, *inputs: Any) -> tuple[Tensor, ...]:
        found = self.layer(*inputs)
        if isinstance(found, Tensor):
            return (found,)
        flat = []
        for part in found:
            flat += list(part) if isinstance(part, tuple) else [part]
        return tuple(flat)


OPTIONS: list[dict[str, Any]] = [
    {},
    {"num_layers": 2, "batch_first": True},
    {"bidirectional": True},
    {"num_layers": 2, "bidirectional": True, "bias": False},
]


@pytest.mark.parametrize("kind", [nn.RNN, nn.LSTM, nn.GRU])
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_layers(kind: type[nn.Module], options: dict[str, Any]) -> None:
    torch.manual_seed(0)
    model = Flat(kind(6, 5, **options))
    assert_same_as_digital(model, normal(4, 3, 6), share=SHARE)
    analog = convert(model, COARSE, strict=True)
    assert type(analog.layer).__name__ == f"Analog{kind.__name__}"
    assert conversion(analog).digital == ()


def test_layers_of_other_options() -> None:
    torch.manual_seed(0)
    assert_same_as_digital(Flat(nn.RNN(6, 5, nonlinearity="relu")), normal(4, 6), share=SHARE)
    projected = nn.LSTM(6, 5, 2, proj_size=3, bidirectional=True)
    assert_same_as_digital(Flat(projected), normal(4, 3, 6), share=SHARE)
    begun = Flat(nn.GRU(6, 5))
    assert_same_as_digital(begun, normal(4, 3, 6), normal(1, 3, 5), share=SHARE)
    both = Calls(lambda x, h, c: layer(x, (h, c))[0])
    layer = convert(nn.LSTM(6, 5), FINE)
    found = layer(normal(4, 6), (normal(1, 5), normal(1, 5, seed=1)))[1][1]
    assert found.shape == (1, 5)
    assert both(normal(4, 6), normal(1, 5), normal(1, 5)).shape == (4, 5)


def test_dropout_between_layers_is_that_of_pytorch() -> None:
    torch.manual_seed(0)
    model = Flat(nn.LSTM(6, 5, 2, dropout=0.5))
    assert_same_as_digital(model, normal(4, 3, 6), share=SHARE)
    assert_same_as_digital(model.eval(), normal(4, 3, 6), share=SHARE)


@pytest.mark.parametrize("kind", [nn.RNN, nn.LSTM, nn.GRU])
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_packed_sequences(kind: type[nn.Module], options: dict[str, Any]) -> None:
    torch.manual_seed(0)
    first = options.get("batch_first", False)
    layer = kind(6, 5, **options)
    lengths = torch.tensor([2, 5, 1, 5])

    class Packs(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = Flat(layer)

        def forward(self, x: Tensor) -> tuple[Tensor, ...]:
            packed = pack_padded_sequence(x, lengths, first, enforce_sorted=False)
            found = self.layer.layer(packed)
            assert isinstance(found[0], PackedSequence)
            states = found[1] if isinstance(found[1], tuple) else (found[1],)
            return pad_packed_sequence(found[0], first)[0], *states

    x = normal(4, 5, 6) if first else normal(5, 4, 6)
    assert_same_as_digital(Packs(), x, share=SHARE)


def test_cells() -> None:
    torch.manual_seed(0)
    for cell in (nn.RNNCell(6, 5), nn.RNNCell(6, 5, nonlinearity="relu"), nn.GRUCell(6, 5, False)):
        assert_same_as_digital(cell, normal(3, 6), normal(3, 5, seed=1), share=SHARE)
        assert_same_as_digital(cell, normal(6), share=SHARE)
    cell = nn.LSTMCell(6, 5)
    assert_same_as_digital(Flat(cell), normal(3, 6), share=SHARE)
    model = nn.ModuleDict({"cell": cell})
    assert conversion(convert(model, COARSE, strict=True)).analog == ("cell",)


def test_products_by_hand() -> None:
    """Two directions of 7 steps of 3 sequences, 20 inputs, 5 hidden units, 4 gates."""
    model = nn.ModuleDict({"rnn": nn.LSTM(20, 5, 1, bidirectional=True, proj_size=2)})
    with recording() as made, torch.no_grad():
        convert(model, COARSE)["rnn"](normal(7, 3, 20))
    told = {
        kind.layer: (kind.k, kind.n, kind.stationary, entry.rows, entry.counts.dot_products)
        for kind, entry in made.kinds.items()
    }
    one = {
        "ih_l0": (20, 20, True, 21, 21 * 20 * 2),
        "hh_l0": (2, 20, True, 21, 21 * 20),
        "hr_l0": (5, 2, True, 21, 21 * 2),
    }
    assert told == {
        f"rnn.{name}{end}": numbers for end in ("", "_reverse") for name, numbers in one.items()
    }
    assert not made.unmapped


def test_a_step_in_plain_numpy() -> None:
    """4 bits, both operands of each product in steps of their largest value over 7."""
    cell = nn.RNNCell(6, 5)
    x, hidden = normal(1, 6), normal(1, 5, seed=1)

    def product(x: Any, w: Any) -> Any:
        steps = np.abs(x).max(1, keepdims=True) / 7, np.abs(w).max(1, keepdims=True) / 7
        return (np.rint(x / steps[0]) @ np.rint(w / steps[1]).T) * steps[0] * steps[1].T

    w_ih, w_hh, b_ih, b_hh = (p.detach().double().numpy() for p in cell.parameters())
    sums = product(x.double().numpy(), w_ih) + b_ih + product(hidden.double().numpy(), w_hh) + b_hh
    found = convert(cell, COARSE)(x, hidden).detach()
    assert_near(found, torch.from_numpy(np.tanh(sums)).float(), share=1e-6)


def test_functions() -> None:
    torch.manual_seed(0)
    cell = nn.GRUCell(6, 5)
    assert_same_as_digital(
        Calls(lambda x, h: torch.gru_cell(x, h, *cell.parameters())),
        normal(3, 6), normal(3, 5), share=SHARE,
    )  # fmt: skip
    layer = nn.LSTM(6, 5)

    class Own(nn.LSTM):
        pass

    own = Own(6, 5)
    own.load_state_dict(layer.state_dict())
    assert_same_as_digital(Flat(own), normal(4, 3, 6), share=SHARE)
    assert conversion(convert(own, COARSE, strict=True)).analog == ("Own",)


def test_what_pytorch_refuses_is_refused() -> None:
    layer = convert(nn.LSTM(6, 5), COARSE)
    with pytest.raises(RuntimeError):
        layer(normal(4, 3, 7))
    with pytest.raises(RuntimeError):
        layer(normal(0, 3, 6))
    with pytest.raises((RuntimeError, ValueError)):
        layer(normal(2, 4, 3, 6))


def test_autocast_and_doubles() -> None:
    torch.manual_seed(0)
    layer = nn.GRU(6, 5)
    with torch.autocast("cpu", torch.bfloat16):
        found, expected = (one(normal(4, 3, 6))[0] for one in (convert(layer, FINE), layer))
    assert_near(found.float(), expected.float(), share=0.05)
    layer = layer.double()
    x = normal(4, 3, 6).double()
    assert_near(convert(layer, FINE)(x)[0], layer(x)[0], share=SHARE)

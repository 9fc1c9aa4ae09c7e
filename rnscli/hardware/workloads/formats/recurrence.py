"""What recurrent layers compute between their products."""

from collections.abc import Mapping
from typing import NamedTuple


class Recurrence(NamedTuple):
    """A kind of recurrent layer: its gates, and the vector work for each of its outputs."""

    gates: int
    of_outputs: Mapping[str, int]


# Sums of gates with those of the other product, and what the equations have besides, as in
# https://docs.pytorch.org/docs/stable/generated/torch.nn.LSTM.html and torch.nn.GRU.html.
WORK: Mapping[str, Recurrence] = {
    "lstm": Recurrence(4, {"sigmoid": 5, "multiply": 3, "add": 5}),
    "gru": Recurrence(3, {"sigmoid": 3, "multiply": 2, "add": 5}),
    "rnn_tanh": Recurrence(1, {"sigmoid": 1, "add": 1}),
    "rnn_relu": Recurrence(1, {"relu": 1, "add": 1}),
}

"""Recurrent layers and their cells on a core."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from rnscli.torch.compiling import apart
from rnscli.torch.interception import Interception
from rnscli.torch.mapped.layers import AnalogLayer, analog_linear
from rnscli.torch.product import CoreOrFlow, Place, check_plain, flow_of

State = tuple[Tensor, ...]  # of one direction: what is given on, and for an LSTM its cells
# From the products of the input and of what was given on, with their biases, and the state.
Gates = Callable[[Tensor, Tensor, State], State]


def _lstm_gates(inputs: Tensor, hidden: Tensor, state: State) -> State:
    entry, forget, cell, out = (inputs + hidden).chunk(4, -1)
    cells = torch.sigmoid(forget) * state[1] + torch.sigmoid(entry) * torch.tanh(cell)
    return torch.sigmoid(out) * torch.tanh(cells), cells


def _gru_gates(inputs: Tensor, hidden: Tensor, state: State) -> State:
    (reset, update, new), (old_reset, old_update, old) = inputs.chunk(3, -1), hidden.chunk(3, -1)
    share = torch.sigmoid(update + old_update)
    candidate = torch.tanh(new + torch.sigmoid(reset + old_reset) * old)
    return ((1 - share) * candidate + share * state[0],)


def _tanh(inputs: Tensor, hidden: Tensor, state: State) -> State:
    return (torch.tanh(inputs + hidden),)


def _relu(inputs: Tensor, hidden: Tensor, state: State) -> State:
    return (torch.relu(inputs + hidden),)


class _Weights(NamedTuple):
    """Of one layer in one direction: for the input, for what was given on, and the projection."""

    ih: Tensor
    hh: Tensor
    ih_bias: Tensor | None
    hh_bias: Tensor | None
    hr: Tensor | None


def _weights(flat: Sequence[Tensor], has_biases: bool, count: int) -> list[_Weights]:
    """As PyTorch lists them, for so many layers and directions."""
    each, found = len(flat) // count, []
    for index in range(count):
        ih, hh, *more = flat[index * each : (index + 1) * each]
        ih_bias, hh_bias, *rest = more if has_biases else (None, None, *more)
        found.append(_Weights(ih, hh, ih_bias, hh_bias, rest[0] if rest else None))
    return found


def _step(
    gates: Gates, inputs: Tensor, state: State, weights: _Weights, place: Place, name: str
) -> State:
    """The state after a step; the name is the ending of those of the products."""
    hidden = analog_linear(place.part(f"hh{name}"), state[0], weights.hh, weights.hh_bias)
    found = gates(inputs, hidden, state)
    if weights.hr is None:
        return found
    return analog_linear(place.part(f"hr{name}"), found[0], weights.hr), *found[1:]


def _direction(
    gates: Gates,
    data: Tensor,
    sizes: Sequence[int],
    state: State,
    weights: _Weights,
    place: Place,
    name: str,
) -> tuple[Tensor, State]:
    """Outputs of all steps, and the last state of each sequence.

    ``data`` has a row for each step of each sequence, those of a step together, so many as
    ``sizes`` says; sequences are in the order of their lengths.
    """
    inputs = analog_linear(place.part(f"ih{name}"), data, weights.ih, weights.ih_bias)
    pieces, outputs = torch.split(inputs, list(sizes)), []
    backwards = name.endswith("_reverse")
    begin, ended = state, []
    state = tuple(part[: sizes[-1]] for part in begin) if backwards else state
    for piece in reversed(pieces) if backwards else pieces:
        before, count = len(state[0]), len(piece)
        if count > before:  # sequences that begin here, seen from their end
            more = (part[before:count] for part in begin)
            state = tuple(torch.cat(pair) for pair in zip(state, more, strict=True))
        elif count < before:
            ended.append(tuple(part[count:] for part in state))
            state = tuple(part[:count] for part in state)
        state = _step(gates, piece, state, weights, place, name)
        outputs.append(state[0])
    ended.append(state)
    last = tuple(torch.cat(parts) for parts in zip(*reversed(ended), strict=True))
    return torch.cat(outputs[::-1] if backwards else outputs), last


def _layers(
    place: Place,
    gates: Gates,
    data: Tensor,
    sizes: Sequence[int],
    begin: State,
    flat: Sequence[Tensor],
    has_biases: bool,
    layers: int,
    dropout: float,
    train: bool,
    bidirectional: bool,
) -> tuple[Tensor, State]:
    """All layers; states are (layers x directions, sequences, size)."""
    endings = ("", "_reverse") if bidirectional else ("",)
    weights = _weights(flat, has_biases, layers * len(endings))
    last: list[State] = []
    for layer in range(layers):
        outputs = []
        for ending in endings:
            index = len(last)
            state, name = tuple(part[index] for part in begin), f"_l{layer}{ending}"
            found, end = _direction(gates, data, sizes, state, weights[index], place, name)
            outputs.append(found)
            last.append(end)
        data = torch.cat(outputs, -1) if bidirectional else outputs[0]
        if layer < layers - 1 and dropout and train:
            data = functional.dropout(data, dropout)
    return data, tuple(torch.stack(parts) for parts in zip(*last, strict=True))


def _recurrent(gates: Gates, place: Place, arguments: tuple[Any, ...]) -> Any:
    """A function such as `torch.lstm`, which takes sequences of one length, or packed ones."""
    packed = isinstance(arguments[3], list | tuple)
    if packed:
        data, batch_sizes, begin, flat, *options = arguments
    else:
        data, begin, flat, *options = arguments
    single = isinstance(begin, Tensor)
    begin = (begin,) if single else tuple(begin)
    check_plain(place, data, *begin, *flat)
    if packed:
        has_biases, layers, dropout, train, bidirectional = options
        sizes = batch_sizes.tolist()
        output, last = _layers(
            place, gates, data, sizes, begin, flat, has_biases, layers, dropout, train,
            bidirectional,
        )  # fmt: skip
    else:
        has_biases, layers, dropout, train, bidirectional, batch_first = options
        data = data.transpose(0, 1) if batch_first else data
        steps, batch = data.shape[:2]
        if not steps:
            raise RuntimeError("a recurrent layer got sequences of no steps")
        output, last = _layers(
            place, gates, data.flatten(0, 1), [batch] * steps, begin, flat, has_biases, layers,
            dropout, train, bidirectional,
        )  # fmt: skip
        output = output.view(steps, batch, -1)
        output = output.transpose(0, 1) if batch_first else output
    return output, *last


def _sequences(gates: Gates) -> Callable[..., Any]:
    def analog(place: Place, *arguments: Any) -> Any:
        return _recurrent(gates, place, arguments)

    return analog


def _cell(gates: Gates) -> Callable[..., Any]:
    def analog(
        place: Place,
        input: Tensor,
        hx: Any,
        w_ih: Tensor,
        w_hh: Tensor,
        b_ih: Tensor | None = None,
        b_hh: Tensor | None = None,
    ) -> Any:
        state = (hx,) if isinstance(hx, Tensor) else tuple(hx)
        check_plain(place, input, *state, w_ih, w_hh, b_ih, b_hh)
        weights = _Weights(w_ih, w_hh, b_ih, b_hh, None)
        inputs = analog_linear(place.part("ih"), input, w_ih, b_ih)
        found = _step(gates, inputs, state, weights, place, "")
        return found[0] if isinstance(hx, Tensor) else found

    return analog


RECURRENT: dict[Any, Callable[..., Any]] = {
    torch.lstm: _sequences(_lstm_gates),
    torch.gru: _sequences(_gru_gates),
    torch.rnn_tanh: _sequences(_tanh),
    torch.rnn_relu: _sequences(_relu),
    torch.lstm_cell: _cell(_lstm_gates),
    torch.gru_cell: _cell(_gru_gates),
    torch.rnn_tanh_cell: _cell(_tanh),
    torch.rnn_relu_cell: _cell(_relu),
}


class _Recurrent(Interception):
    def mapped(self, func: Any) -> Callable[..., Any] | None:
        return RECURRENT.get(func)

    def is_indexed(self, func: Any) -> bool:
        return func in RECURRENT


@contextmanager
def _on(place: Place) -> Iterator[None]:
    """Recurrent functions of PyTorch at a place: layers check and arrange what these take."""
    mode = _Recurrent()
    mode.place = place
    with mode:
        yield


class AnalogRNN(AnalogLayer, nn.RNN):
    """As `AnalogLSTM`, for `torch.nn.RNN`: products ``ih_l0``, ``hh_l0``, ...

    Examples
    --------
    >>> import rnscli
    >>> layer = AnalogRNN(3, 4, core=rnscli.analog_core("rns", bits=6))
    >>> [found.shape for found in layer(torch.ones(5, 2, 3))]
    [torch.Size([5, 2, 4]), torch.Size([1, 2, 4])]
    """

    def __init__(self, *arguments: Any, core: CoreOrFlow, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.place = Place(flow_of(core), "rnn")

    @apart
    def forward(self, input: Any, hx: Any = None) -> Any:
        with _on(self.place):
            return super().forward(input, hx)


class AnalogLSTM(AnalogLayer, nn.LSTM):
    """A recurrent layer whose products are computed on a core; gates and biases are in FP32.

    In each layer and direction the inputs of all steps are one product (steps x sequences, inputs)
    with a stored matrix, ``ih_l0``; each step is one (sequences, hidden) with another, ``hh_l0``,
    and with ``proj_size`` a third, ``hr_l0``; endings ``_l1``, ``_l0_reverse`` and so on are those
    of the parameters. Options, packed sequences, parameters and ``state_dict`` are those of
    `torch.nn.LSTM`.

    Parameters
    ----------
    *arguments, **options
        As of `torch.nn.LSTM`.
    core
        The core, or a `rnscli.Dataflow` on it.

    Examples
    --------
    >>> import rnscli
    >>> layer = AnalogLSTM(3, 4, batch_first=True, core=rnscli.analog_core("rns", bits=6))
    >>> output, (hidden, cells) = layer(torch.ones(2, 5, 3))
    >>> output.shape, hidden.shape, cells.shape
    (torch.Size([2, 5, 4]), torch.Size([1, 2, 4]), torch.Size([1, 2, 4]))
    """

    def __init__(self, *arguments: Any, core: CoreOrFlow, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.place = Place(flow_of(core), "lstm")

    @apart
    def forward(self, input: Any, hx: Any = None) -> Any:
        with _on(self.place):
            return super().forward(input, hx)


class AnalogGRU(AnalogLayer, nn.GRU):
    """As `AnalogLSTM`, for `torch.nn.GRU`: products ``ih_l0``, ``hh_l0``, ...

    Examples
    --------
    >>> import rnscli
    >>> layer = AnalogGRU(3, 4, core=rnscli.analog_core("rns", bits=6))
    >>> [found.shape for found in layer(torch.ones(5, 2, 3))]
    [torch.Size([5, 2, 4]), torch.Size([1, 2, 4])]
    """

    def __init__(self, *arguments: Any, core: CoreOrFlow, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.place = Place(flow_of(core), "gru")

    @apart
    def forward(self, input: Any, hx: Any = None) -> Any:
        with _on(self.place):
            return super().forward(input, hx)


class AnalogRNNCell(AnalogLayer, nn.RNNCell):
    """As `AnalogLSTMCell`, for `torch.nn.RNNCell`.

    Examples
    --------
    >>> import rnscli
    >>> AnalogRNNCell(3, 4, core=rnscli.analog_core("rns", bits=6))(torch.ones(2, 3)).shape
    torch.Size([2, 4])
    """

    def __init__(self, *arguments: Any, core: CoreOrFlow, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.place = Place(flow_of(core), "rnn_cell")

    @apart
    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        with _on(self.place):
            return super().forward(input, hx)


class AnalogLSTMCell(AnalogLayer, nn.LSTMCell):
    """One step of an LSTM with both of its products, ``ih`` and ``hh``, on a core.

    Parameters
    ----------
    *arguments, **options
        As of `torch.nn.LSTMCell`.
    core
        The core, or a `rnscli.Dataflow` on it.

    Examples
    --------
    >>> import rnscli
    >>> cell = AnalogLSTMCell(3, 4, core=rnscli.analog_core("rns", bits=6))
    >>> [found.shape for found in cell(torch.ones(2, 3))]
    [torch.Size([2, 4]), torch.Size([2, 4])]
    """

    def __init__(self, *arguments: Any, core: CoreOrFlow, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.place = Place(flow_of(core), "lstm_cell")

    @apart
    def forward(
        self, input: Tensor, hx: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Tensor, Tensor]:
        with _on(self.place):
            return super().forward(input, hx)


class AnalogGRUCell(AnalogLayer, nn.GRUCell):
    """As `AnalogLSTMCell`, for `torch.nn.GRUCell`.

    Examples
    --------
    >>> import rnscli
    >>> AnalogGRUCell(3, 4, core=rnscli.analog_core("rns", bits=6))(torch.ones(2, 3)).shape
    torch.Size([2, 4])
    """

    def __init__(self, *arguments: Any, core: CoreOrFlow, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.place = Place(flow_of(core), "gru_cell")

    @apart
    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        with _on(self.place):
            return super().forward(input, hx)

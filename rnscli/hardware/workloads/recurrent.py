"""Recurrent networks, whose products wait for their own outputs."""

from rnscli.base import check_int
from rnscli.hardware.workloads import Gemm, Workload
from rnscli.hardware.workloads.layers import BIAS, MAX_BATCH, Layers

_FEATURES = 3 * 80  # of three frames of 10 ms together, 80 each
_HIDDEN, _STACKED = 1024, 2
_PREDICTION, _JOINT = 320, 512
_LETTERS = 28  # and a blank
_MAX_FRAMES = 2**20


def rnn_t(batch: int = 1, frames: int = 500, symbols: int = 200) -> Workload:
    """The RNN transducer of MLPerf inference for speech.

    Two LSTM layers see frames of 30 ms, three more see pairs of these; two see the letters so far;
    two dense layers join a frame and a letter. Inputs of a layer of the encoder are there all at
    once, its own outputs only step by step. Greedy decoding goes on by a frame or by a letter at
    each step, so the joint network is asked as often as there are pairs of frames and letters
    together, and the prediction network after each letter. By default 15 s of speech, the longest
    in the benchmark, with 200 letters, which is an assumption.

    References
    ----------
    Graves, "Sequence Transduction with Recurrent Neural Networks", 2012, arXiv:1211.3711;
    https://github.com/mlcommons/inference, retired_benchmarks/speech_recognition/rnnt/pytorch
    (model_separable_rnnt.py, rnn.py), with its configuration rnnt.toml: 1024 hidden in the
    encoder, 2 and 3 layers, 320 in the prediction, 512 in the joint network.

    Examples
    --------
    >>> network = rnn_t()
    >>> network.parameters, network.macs
    (45323037, 14768665600)
    >>> [(g.layer, g.steps) for g in network.gemms[:2]]
    [('encoder.pre.0 input', 1), ('encoder.pre.0 recurrent', 500)]
    """
    network = Layers(check_int("batch", batch, 1, MAX_BATCH))
    frames = check_int("frames", frames, 1, _MAX_FRAMES)
    symbols = check_int("symbols", symbols, 0, _MAX_FRAMES)
    inputs = _FEATURES
    for layer in range(2):
        inputs = _lstm(network, f"encoder.pre.{layer}", inputs, _HIDDEN, frames)
    pairs = -(-frames // _STACKED)
    inputs *= _STACKED
    for layer in range(3):
        inputs = _lstm(network, f"encoder.post.{layer}", inputs, _HIDDEN, pairs)
    texts = symbols + 1  # a text of none, and after each
    network.table(_LETTERS, _PREDICTION, texts)
    inputs = _PREDICTION
    for layer in range(2):
        inputs = _lstm(network, f"prediction.{layer}", inputs, inputs, texts, fed_back=True)
    asked = pairs + symbols
    rows = network.batch * asked
    joined = _HIDDEN + _PREDICTION
    network.product(Gemm("joint.0", rows, joined, _JOINT, steps=asked), BIAS * _JOINT)
    network.vector("relu", asked * _JOINT)
    classes = _LETTERS + 1
    network.product(Gemm("joint.2", rows, _JOINT, classes, steps=asked), BIAS * classes)
    return network.workload("rnn-t")


def _lstm(
    network: Layers, name: str, inputs: int, hidden: int, steps: int, fed_back: bool = False
) -> int:
    """Add a layer of LSTM, whose inputs are there from the start unless they are fed back."""
    rows, gates = network.batch * steps, 4 * hidden
    waits = steps if fed_back else 1
    network.product(Gemm(f"{name} input", rows, inputs, gates, steps=waits), BIAS * gates)
    network.product(Gemm(f"{name} recurrent", rows, hidden, gates, steps=steps), BIAS * gates)
    values = steps * hidden
    network.vector("add", 4 * values)  # the two products
    network.vector("sigmoid", 5 * values)  # three gates, a candidate, and the cell
    network.vector("multiply", 3 * values)
    network.vector("add", values)
    return hidden

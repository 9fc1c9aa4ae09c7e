"""One block of samples through a network, on a core and in FP32."""

import copy
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from torch import nn

from rnscli.analysis.accuracy_statistics import AccuracyStatistics
from rnscli.analysis.paired_ratio import PairedCounts
from rnscli.core.errors import NotFiniteError
from rnscli.matrix.dataflow import Dataflow
from rnscli.networks.data import Inputs, LabelledData, Labels
from rnscli.networks.evaluation import evaluate
from rnscli.networks.portable import PortableNetwork
from rnscli.networks.random_stream import RandomStream
from rnscli.torch.convert import converted
from rnscli.torch.record import recording

BoolArray = npt.NDArray[np.bool_]

ALGORITHM = 1  # to be counted up whenever the same parameters would give other results


@dataclass(frozen=True, eq=False)
class AccuracyBlock:
    """All that a block needs, wherever it is computed."""

    network: PortableNetwork
    flow: Dataflow
    data: LabelledData
    seed: int


def accuracy_block(
    argument: AccuracyBlock, block: int, parts: tuple[str, ...]
) -> dict[str, AccuracyStatistics]:
    """Statistics of one block of samples; a pure function of its arguments."""
    inputs, labels = argument.data.inputs, argument.data.labels
    in_fp32 = _right(argument.network.model(), inputs, labels)
    seeds = np.random.SeedSequence(argument.seed, spawn_key=(block,))
    noise = RandomStream(int(seeds.generate_state(1, np.uint64)[0] >> np.uint64(1)))
    with noise.in_use(), recording() as made:
        on_core = _right(_converted(argument.network, argument.flow), inputs, labels)
    right = PairedCounts(
        samples=len(labels),
        both=int(np.count_nonzero(on_core & in_fp32)),
        first=int(np.count_nonzero(on_core & ~in_fp32)),
        second=int(np.count_nonzero(in_fp32 & ~on_core)),
    )
    statistics = AccuracyStatistics(right, made.counts)
    return dict.fromkeys(parts, statistics)


def _right(model: nn.Module, inputs: Inputs, labels: Labels) -> BoolArray:
    """Which samples are right; logits that are not finite never are.

    Nor is a sample that noise drives beyond what a core computes with; that the core refuses it
    must decide neither over the samples beside it nor over the run.
    """
    try:
        logits = evaluate(model, inputs)
    except NotFiniteError:
        if len(labels) == 1:
            return np.zeros(1, np.bool_)
        half = len(labels) // 2
        parts = (slice(None, half), slice(half, None))
        return np.concatenate([_right(model, inputs[part], labels[part]) for part in parts])
    right: BoolArray = np.isfinite(logits).all(axis=1) & (logits.argmax(axis=1) == labels)
    return right


@lru_cache(maxsize=4)
def _converted(network: PortableNetwork, flow: Dataflow) -> nn.Module:
    return converted(copy.deepcopy(network.model()), flow)

"""The sums that a network's matrix products come to, tile by tile: the values of its words."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from rnscli import networks
from rnscli.analysis.analog_core import analog_core
from rnscli.analysis.faults.value_law import HistogramValues
from rnscli.core import DotProduct
from rnscli.core.cores.rns_core import RnsCore
from rnscli.matrix import Dataflow
from rnscli.torch import converted

SAMPLES = 128


@dataclass(frozen=True)
class _Counting(RnsCore):
    """A core without noise that counts what it gives."""

    seen: Counter[int] = field(default_factory=Counter, compare=False)
    lossless = False  # so that it is asked for every sum

    def ideal(self, sums: Any) -> Any:
        values, counts = np.unique(np.asarray(sums[0]), return_counts=True)
        self.seen.update(dict(zip(values.astype(np.int64).tolist(), counts.tolist(), strict=True)))
        return super().ideal(sums)


def network_values(
    opened: networks.OpenedNetwork, dot: DotProduct, samples: int = SAMPLES
) -> HistogramValues:
    """Sums of all tiles of a network, of its first test samples, each row and column with a scale.

    Parameters
    ----------
    opened
        A network and its data.
    dot
        Terms h of a tile, and bits of the operands.
    samples
        How many, at most, of the test samples.

    Examples
    --------
    >>> law = network_values(networks.open_network("digits-cnn"), DotProduct(128, 6, 6), 8)
    >>> sum(law.counts), max(map(abs, law.values)) <= DotProduct(128, 6, 6).max_sum
    (65856, True)
    """
    bits = max(dot.input_bits, dot.weight_bits)
    made = analog_core(
        "rns", bits=max(bits, 6), vector_size=dot.vector_size, input_bits=dot.input_bits,
        weight_bits=dot.weight_bits,
    )  # fmt: skip
    assert made.code is not None
    core = _Counting(dot, made.code)
    model = converted(opened.network.made().eval(), Dataflow(core))
    inputs = torch.from_numpy(opened.data.test.inputs[:samples])
    running = networks.running(opened.network.name, "cannot be recorded")
    with running, networks.one_thread(), torch.no_grad(), networks.RandomStream(0).in_use():
        model(inputs)
    values = sorted(core.seen)
    return HistogramValues(tuple(values), tuple(core.seen[value] for value in values))

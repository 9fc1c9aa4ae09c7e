"""Sums that a network comes to, against those of its layers by Python's numbers."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import tiny_networks
from torch import nn

from rnscli.analysis.faults.fault_probability import FaultParameters, fault_probability
from rnscli.analysis.faults.value_law import HistogramValues
from rnscli.analysis.networks.recorded_values import network_values
from rnscli.core.arithmetic.dot_product import DotProduct
from rnscli.core.arithmetic.moduli import ModuliSet
from rnscli.core.noise import Gaussian
from rnscli.networks.portable import open_network


def whole(values: list[float], levels: int) -> list[int]:
    scale = max(map(abs, values)) or 1.0
    return [round(value * levels / scale) for value in values]


def test_tiles_of_a_layer(tmp_path: Path) -> None:
    """Each row of the inputs and of the weights is quantised by its largest, in each tile."""
    opened = open_network("tiny_networks:signs", tiny_networks.write_signs(tmp_path / "d.npz"))
    layers = [one for one in opened.network.made().modules() if isinstance(one, nn.Linear)]
    (layer,) = layers
    dot = DotProduct(3, 5, 5)
    inputs = opened.data.test.inputs.reshape(len(opened.data.test), -1).astype(np.float64)
    expected: Counter[int] = Counter()
    for row in inputs[:10].tolist():
        for weights in layer.weight.tolist():
            for start in range(0, len(row), 3):
                pair = (whole(one[start : start + 3], 15) for one in (row, weights))
                expected[sum(a * b for a, b in zip(*pair, strict=True))] += 1
    found = network_values(opened, dot, 10)
    assert found == HistogramValues(
        tuple(sorted(expected)), tuple(expected[value] for value in sorted(expected))
    )


def test_error_probabilities_of_values_that_occur(tmp_path: Path) -> None:
    opened = open_network(tiny_networks.CNN, tiny_networks.write_images(tmp_path / "i.npz"))
    dot = DotProduct(16, 4, 4)
    law = network_values(opened, dot)
    moduli = ModuliSet([31, 29, 28, 27], 1)
    noise = Gaussian(0.4)
    row = fault_probability(FaultParameters(moduli=moduli, noise=noise, values=law))
    # p_undetected is linear in the law of X: the mean over the values that were seen.
    total = 0.0
    for value, count in zip(law.values, law.counts, strict=True):
        alone = HistogramValues((value,), (count,))
        one = fault_probability(FaultParameters(moduli=moduli, noise=noise, values=alone))
        total += count * one.p_undetected
    assert row.p_undetected * sum(law.counts) == pytest.approx(total, rel=1e-9)

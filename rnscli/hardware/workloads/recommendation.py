"""Recommendation: large tables of which few rows are read."""

from itertools import pairwise

from rnscli.base import check_int
from rnscli.hardware.workloads import Gemm, Workload
from rnscli.hardware.workloads.layers import MAX_BATCH, Layers

# Rows of the tables of the 26 categories of Criteo's Terabyte data, cut off at 40 million.
_TABLES = (
    39884406, 39043, 17289, 7420, 20263, 3, 7120, 1543, 63, 38532951, 2953546, 403346, 10, 2208,
    11938, 155, 4, 976, 14, 39979771, 25641295, 39664984, 585935, 12972, 108, 36,
)  # fmt: skip
_WIDTH = 128
_BOTTOM = (13, 512, 256, _WIDTH)
_TOP = (1024, 1024, 512, 256, 1)


def dlrm(batch: int = 1) -> Workload:
    """DLRM of MLPerf inference (version 1), one pair of user and item.

    Three dense layers make a vector of 128 of 13 numbers; 26 tables give one each. The products
    of all pairs of these 27 vectors are a product of two activations, computed for both orders of
    a pair, as in the reference; with the first vector they go through five dense layers.

    References
    ----------
    Naumov et al., "Deep Learning Recommendation Model for Personalization and Recommendation
    Systems", 2019, arXiv:1906.00091; https://github.com/mlcommons/inference,
    recommendation/dlrm/pytorch/python/main.py, the official model of 40 million rows.

    Examples
    --------
    >>> network = dlrm()
    >>> network.parameters, network.macs
    (24036595969, 2458496)
    """
    network = Layers(check_int("batch", batch, 1, MAX_BATCH))
    for layer, (inputs, outputs) in enumerate(pairwise(_BOTTOM)):
        network.vector("relu", network.dense(f"bottom.{layer}", inputs, outputs))
    for rows in _TABLES:
        network.table(rows, _WIDTH, looked_up=1)
    vectors = len(_TABLES) + 1
    pairs = Gemm("interaction", vectors, _WIDTH, vectors, network.batch, stationary=False)
    network.product(pairs)
    top = (_WIDTH + vectors * (vectors - 1) // 2, *_TOP)
    for layer, (inputs, outputs) in enumerate(pairwise(top)):
        if layer:
            network.vector("relu", inputs)
        network.dense(f"top.{layer}", inputs, outputs)
    network.vector("sigmoid", _TOP[-1])
    return network.workload("dlrm")

"""Networks on graphs: sums over neighbours, and dense layers."""

from typing import NamedTuple

from rnscli.base import check_int
from rnscli.hardware.workloads import Gemm, Workload
from rnscli.hardware.workloads.layers import NORM, Layers

_MAX_NODES = 2**36
_MAX_WIDTH = 2**20
_MAX_LAYERS = 64


class Graph(NamedTuple):
    """A graph that networks are compared on: sizes of `gcn`."""

    nodes: int
    edges: int  # each of both directions
    features: int
    classes: int


# Hamilton et al., "Inductive Representation Learning on Large Graphs", arXiv:1706.02216, whose
# data PPI and Reddit are; Chiang et al., arXiv:1905.07953, whose Amazon2M is, as ogbn-products.
PPI = Graph(56_944, 818_716, 50, 121)
REDDIT = Graph(232_965, 11_606_919, 602, 41)
AMAZON2M = Graph(2_449_029, 61_859_140, 100, 47)


def gcn(
    name: str, normalised: bool, nodes: int = 1, edges: int = 1, features: int = 1,
    classes: int = 2, layers: int = 3, hidden: int = 128,
) -> Workload:  # fmt: skip
    """A graph convolutional network on a whole graph, as Cluster-GCN trains it.

    A layer sums the neighbours of each node (aggregation: for both directions of each edge, and
    each input, a product with the weight of the edge; work on digital units), and multiplies the
    sum beside the node itself with weights (combination: a matrix product with ``2 inputs`` rows
    of weights). Nothing has biases.

    Parameters
    ----------
    name
        What reports call it.
    normalised
        Whether hidden layers have a layer normalisation.
    nodes, edges, features, classes, layers, hidden
        Sizes; the nodes and edges may be those of a cluster.

    Raises
    ------
    InputError
        If a size is out of its range.

    References
    ----------
    Chiang et al., "Cluster-GCN", 2019, arXiv:1905.07953;
    https://github.com/google-research/google-research, cluster_gcn (models.py, layers.py,
    run_ppi.sh, run_reddit.sh). The graphs are those of Arka et al., "ReGraphX", 2021,
    arXiv:2102.07959.

    Examples
    --------
    >>> network = gcn("gcn-ppi", True, *PPI, layers=5, hidden=2048)
    >>> [(gemm.k, gemm.n) for gemm in network.gemms]
    [(100, 2048), (4096, 2048), (4096, 2048), (4096, 2048), (4096, 121)]
    >>> [work.elements for work in network.vectors if work.kind == "aggregate"][:2]
    [81871600, 3353460736]
    """
    network = Layers()
    nodes = check_int("nodes", nodes, 1, _MAX_NODES)
    edges = check_int("edges", edges, 1, _MAX_NODES)
    inputs = check_int("features", features, 1, _MAX_WIDTH)
    classes = check_int("classes", classes, 1, _MAX_WIDTH)
    layers = check_int("layers", layers, 1, _MAX_LAYERS)
    hidden = check_int("hidden", hidden, 1, _MAX_WIDTH)
    for layer in range(layers):
        network.vector("aggregate", 2 * edges * inputs)
        last = layer == layers - 1
        outputs = classes if last else hidden
        network.product(Gemm(f"layer {layer}", nodes, 2 * inputs, outputs))
        if not last:
            if normalised:
                network.vector("layer-norm", nodes * outputs)
                network.other_parameters += NORM * outputs
            network.vector("relu", nodes * outputs)
        inputs = outputs
    return network.workload(name)

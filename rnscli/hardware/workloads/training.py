"""A step of training: what it needs besides the inference of the same network."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from rnscli.base import InputError, check_choice
from rnscli.hardware.workloads import Gemm, Workload
from rnscli.hardware.workloads.vector_work import VectorWork

INFERENCE, TRAINING = "inference", "training"
PASSES = (INFERENCE, TRAINING)
OPTIMISERS = ("sgd", "momentum", "nesterov", "adam", "adamw", "lamb")
_EVERY_STEP = OPTIMISERS[1:]  # that change a parameter whose gradient is zero, too

_INPUT, _WEIGHT = "input gradient", "weight gradient"
# What training does in the place of what inference can leave out.
_FORWARD = {"folded-batch-norm": "layer-norm"}
# Work of the gradient of each kind, in units of work that there is: for an element of the forward
# work so many elements of each. Where a product of an activation with its own derivative is needed,
# what the forward pass left is kept, and what it did not leave is computed again.
GRADIENTS: Mapping[str, Mapping[str, int]] = {
    "add": {"add": 1},  # where the two paths of a residual began, their gradients are added
    "multiply": {"multiply": 2},
    "relu": {"relu": 1},
    "hard-swish": {"hard-swish": 1},
    "sigmoid": {"multiply": 2, "add": 1},  # y (1 - y) dy
    "silu": {"sigmoid": 1, "multiply": 3, "add": 2},  # s (1 + x (1 - s)) dy
    "gelu": {"gelu": 1, "multiply": 6, "add": 3},
    "exp": {"multiply": 1},
    "divide": {"divide": 1, "multiply": 2},  # dy / b, and of b times minus the quotient
    "compare": {"relu": 1},  # a selection
    "root": {"divide": 1, "multiply": 1},  # dy / (2 y)
    "logarithm": {"divide": 1},
    "sine": {"sine": 1, "multiply": 1},
    "erf": {"exp": 1, "multiply": 3},  # 2 / sqrt(pi) exp(-x^2) dy
    "softmax": {"multiply": 2, "add": 2},  # y (dy - sum of y dy)
    # r (g - mean of g - x^ mean of g x^) with g = dy times the scale; x^ again; sums of dy x^, dy
    "layer-norm": {"multiply": 6, "add": 7},
    "rms-norm": {"multiply": 6, "add": 3},
    "batch-norm": {"multiply": 6, "add": 7},
    "folded-batch-norm": {"multiply": 6, "add": 7},
    "max-pool": {"relu": 1},  # a selection
    "average-pool": {"add": 1},
    "interpolate": {"aggregate": 4},  # to four neighbours
    # The four weights again; to four neighbours, and from these to the offset.
    "sample": {"sample": 1, "aggregate": 8},
    "rotate": {"rotate": 1},
    "gather": {"add": 1},  # into the rows that were read
    "aggregate": {"aggregate": 1},
}
_PROBABILITIES = ("softmax", "sigmoid")


def training(workload: Workload, optimiser: str = "sgd") -> Workload:
    """A step of training: forward, gradients of inputs and of weights, and the update.

    Of an M x K by K x N product Y = X W the gradient of inputs is dY W^T, an M x N by N x K product
    with the same weights, read transposed; that of weights is X^T dY, a K x M by M x N product of
    two activations. Where both operands are activations each has such a gradient. So a layer takes
    three times its multiplications, and the first product twice: nobody needs the gradient of its
    inputs, which are data, unless they are rows of a table, which are trained as well.

    Where the windows of a convolution overlap, the gradients of their inputs are added. Batch
    normalisation is not folded: it works on statistics of the batch. The loss is a cross entropy
    of the last outputs, by their softmax unless the network ends with one. Gradients of biases,
    dropout, clipping and the schedule of the rate are not counted.

    An update touches every parameter, but for rows of tables and for experts: plain SGD leaves
    those as they are that were not read; the others have running means, which change.

    Parameters
    ----------
    workload
        The inference of a network.
    optimiser
        One of ``OPTIMISERS``.

    Raises
    ------
    InputError
        If the optimiser is unknown, or the workload is no inference.

    References
    ----------
    Goodfellow et al., "Deep Learning", 2016, section 6.5; Kingma and Ba, "Adam", arXiv:1412.6980,
    algorithm 1; You et al., arXiv:1904.00962, algorithm 2.

    Examples
    --------
    >>> layers = (Gemm("hidden", m=32, k=784, n=100), Gemm("output", m=32, k=100, n=10))
    >>> step = training(Workload("perceptron", layers, other_parameters=110), "momentum")
    >>> [(gemm.layer, gemm.m, gemm.k, gemm.n, gemm.stationary) for gemm in step.gemms[2:]]
    ... # doctest: +NORMALIZE_WHITESPACE
    [('output input gradient', 32, 10, 100, True),
     ('output weight gradient', 100, 32, 10, False),
     ('hidden weight gradient', 784, 32, 100, False)]
    >>> sum(work.elements for work in step.vectors if work.kind == "momentum") == step.parameters
    True
    """
    check_choice("optimiser", optimiser, OPTIMISERS)
    for work in workload.vectors:
        if work.kind not in GRADIENTS:
            raise InputError(
                f"workload {workload.name} has work of the kind {work.kind}, of which no gradient "
                "is known; a step of training is made of an inference",
                "workload",
            )
    trained = any(w.before and w.kind == "gather" for w in workload.vectors)
    gemms = [*workload.gemms]
    vectors = [replace(w, kind=_FORWARD.get(w.kind, w.kind)) for w in workload.vectors]
    last = workload.gemms[-1]
    outputs = last.count * last.m * last.n
    if not any(w.layer == last.layer and w.kind in _PROBABILITIES for w in workload.vectors):
        vectors.append(VectorWork(last.layer, "softmax", outputs))
    vectors.append(VectorWork(last.layer, "add", outputs))  # what is right is subtracted

    backward = dict[str, str]()  # for each layer, the first product of its gradients
    for index, gemm in reversed([*enumerate(workload.gemms)]):
        made = [*_gradients(gemm, of_inputs=index > 0 or trained)]
        backward[gemm.layer] = made[0].layer
        gemms += made
        overlaps = gemm.count * gemm.m * gemm.k - gemm.input_values
        if len(made) > 1 and overlaps:
            vectors.append(VectorWork(made[0].layer, "add", overlaps))
    for work in reversed(workload.vectors):
        if work.before and not trained:
            continue
        # What followed a layer goes before its gradients.
        layer, before = backward[work.layer], not work.before
        for kind, times in GRADIENTS[work.kind].items():
            vectors.append(VectorWork(layer, kind, times * work.elements, before))
    vectors += _updates(workload, optimiser)
    return replace(workload, gemms=tuple(gemms), vectors=tuple(vectors), trains=True)


def _gradients(gemm: Gemm, of_inputs: bool) -> Iterator[Gemm]:
    """The products of the gradients of a product."""
    if of_inputs:
        yield replace(
            gemm,
            layer=f"{gemm.layer} {_INPUT}",
            k=gemm.n,
            n=gemm.k,
            inputs=None,
            shares=(gemm.shares or gemm.layer) if gemm.stationary else None,
            idle=0,
            transposed=gemm.stationary,
        )
    yield replace(
        gemm,
        layer=f"{gemm.layer} {_WEIGHT}",
        m=gemm.k,
        k=gemm.m,
        stationary=False,
        steps=1,  # all steps are known by then
        shares=None,
        idle=0,
    )


def _updates(workload: Workload, optimiser: str) -> Iterator[VectorWork]:
    sparse = optimiser not in _EVERY_STEP
    for gemm in workload.gemms:
        if gemm.weights:
            idle = gemm.k * gemm.n * gemm.idle if sparse else 0
            yield VectorWork(gemm.layer, optimiser, gemm.weights - idle)
    others = workload.other_parameters
    if sparse:
        read = sum(w.elements for w in workload.vectors if w.kind == "gather")
        others -= max(0, workload.table_parameters - read)
    if others:
        yield VectorWork(workload.gemms[0].layer, optimiser, others)

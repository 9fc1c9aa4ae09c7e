"""Matrix products, the networks that consist of them, and how an array does them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from inspect import signature
from typing import NamedTuple

from rnscli.base import Described, InputError, check_int, engineering
from rnscli.hardware.workloads.vector_work import VectorWork

MAX_SIZE = 2**40
MAX_LAYERS = 100_000
TOTAL = "total"  # what rows call all layers


@dataclass(frozen=True)
class Gemm:
    """A product of an M x K matrix of inputs with a K x N matrix of weights, ``count`` times.

    A convolution is such a product, too: M is the number of output pixels, K the number of inputs
    that each depends on (channels times the area of the kernel), N the number of output channels.

    Parameters
    ----------
    layer
        Its name.
    m, k, n
        Rows of inputs, length of the dot products, columns of weights; each 1 to 2**40.
    count
        How many products of this shape there are, each with a matrix of weights of its own.
    stationary
        Whether the weights are stored parameters. They are not in products of two activations,
        as the scores and the context of attention are: there every input needs new ones.
    inputs
        Distinct values among the M x K inputs of one product: the pixels of a convolution, whose
        windows overlap. M x K unless given.
    steps
        How often the products wait for their own outputs, as the steps of a recurrent layer do:
        of the M rows only M / steps are there at a time.
    depth
        How many of the ``count`` products follow one another, as those of equal blocks do; the
        others are side by side.
    cached
        Whether the K x N values of such a product are kept in the DRAM from one run to the next, as
        a cache of keys and values is.
    shares
        Name of the layer whose weights these are; ``None`` where they are its own.
    transposed
        Whether these are read transposed, as in the gradient of inputs.
    idle
        Matrices of this shape that are stored as well, but by which this input is not multiplied:
        those of experts to which no token goes.

    Raises
    ------
    InputError
        If the name is empty or a size is out of its range.

    Examples
    --------
    >>> gemm = Gemm("classifier", m=1, k=2048, n=1000)
    >>> gemm.macs, gemm.weights
    (2048000, 2048000)
    >>> Gemm("scores", m=512, k=64, n=512, count=16, stationary=False).weights
    0
    >>> Gemm("conv", m=196, k=2304, n=256, inputs=256 * 14 * 14).input_values
    50176
    >>> Gemm("experts", m=1, k=4096, n=14336, count=2, idle=6).weights
    469762048
    """

    layer: str
    m: int
    k: int
    n: int
    count: int = 1
    stationary: bool = True
    inputs: int | None = None
    steps: int = 1
    depth: int = 1
    cached: bool = False
    shares: str | None = None
    idle: int = 0
    transposed: bool = False

    def __post_init__(self) -> None:
        _check_name("layer", self.layer)
        if self.layer == TOTAL:
            raise InputError(f"`layer` is {TOTAL}, which means all layers; give it another name")
        for name in ("m", "k", "n", "count"):
            object.__setattr__(self, name, check_int(name, getattr(self, name), 1, MAX_SIZE))
        if self.inputs is not None:
            inputs = check_int("inputs", self.inputs, 1, self.m * self.k)
            object.__setattr__(self, "inputs", inputs)
        object.__setattr__(self, "steps", check_int("steps", self.steps, 1, self.m))
        object.__setattr__(self, "depth", check_int("depth", self.depth, 1, self.count))
        object.__setattr__(self, "idle", check_int("idle", self.idle, 0, MAX_SIZE))

    @property
    def input_values(self) -> int:
        """Distinct values that all of the products read."""
        return self.count * (self.m * self.k if self.inputs is None else self.inputs)

    @property
    def macs(self) -> int:
        """Multiplications, each with its addition: ``m k n count``."""
        return self.m * self.k * self.n * self.count

    @property
    def holding(self) -> tuple[str, int, int]:
        """The layer whose weights these are, and their size there, K x N."""
        size = (self.n, self.k) if self.transposed else (self.k, self.n)
        return (self.shares or self.layer, *size)

    @property
    def weights(self) -> int:
        """Stored parameters: ``k n (count + idle)``; none where two activations are multiplied."""
        own = self.stationary and self.shares is None
        return self.k * self.n * (self.count + self.idle) if own else 0


@dataclass(frozen=True, repr=False)
class Workload(Described):
    """A network as the matrix products of one inference.

    Parameters
    ----------
    name
        What reports call it.
    gemms
        The products, in the order of the layers; 1 to 100 000.
    other_parameters
        Parameters that no product holds: biases, normalisation, embeddings.
    vectors
        What is computed between the products, each after the layer that it names.
    batch
        How many inferences it is: images, sequences.
    tokens
        How many tokens it makes or reads, where that is what is counted.
    table_parameters
        Those of the other parameters that are in tables of which rows are gathered, as embeddings:
        an inference reads, and its gradient changes, few of them.
    trains
        Whether it is a step of training, after which all weights are others.
    remarks
        Sentences on what is not counted, for whoever reads the result.

    Raises
    ------
    InputError
        If there are no layers or too many, a value is out of its range, or work is of a layer that
        is not there.

    Examples
    --------
    >>> layers = (Gemm("hidden", m=1, k=784, n=100), Gemm("output", m=1, k=100, n=10))
    >>> network = Workload("perceptron", layers, other_parameters=110)
    >>> network.macs, network.parameters
    (79400, 79510)
    """

    name: str
    gemms: tuple[Gemm, ...]
    other_parameters: int = 0
    vectors: tuple[VectorWork, ...] = ()
    batch: int = 1
    tokens: int | None = None
    table_parameters: int = 0
    trains: bool = False
    remarks: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _check_name("name", self.name)
        gemms = tuple(self.gemms)
        if not gemms:
            raise InputError(f"workload {self.name} has no layers; give at least one", "workload")
        if len(gemms) > MAX_LAYERS:
            raise InputError(
                f"workload {self.name} has {len(gemms)} layers; at most {MAX_LAYERS} are accepted",
                "workload",
            )
        layers = {gemm.layer for gemm in gemms}
        for named in (*(one.layer for one in self.vectors), *(g.shares for g in gemms)):
            if named is not None and named not in layers:
                raise InputError(f"workload {self.name} has no layer {named}, which another names")
        stored = {one.holding for one in gemms if one.stationary and one.shares is None}
        for gemm in gemms:
            if gemm.shares is not None and gemm.holding not in stored:
                raise InputError(
                    f"layer {gemm.layer} shares the weights of {gemm.shares}, which has none of "
                    "that size"
                )
        object.__setattr__(self, "vectors", tuple(self.vectors))
        for name, number in (("batch", self.batch), ("tokens", self.tokens)):
            if number is not None:
                object.__setattr__(self, name, check_int(name, number, 1, MAX_SIZE))
        other = check_int("other_parameters", self.other_parameters, 0)
        object.__setattr__(self, "gemms", gemms)
        object.__setattr__(self, "other_parameters", other)
        tables = check_int("table_parameters", self.table_parameters, 0, other)
        object.__setattr__(self, "table_parameters", tables)

    def facts(self) -> list[tuple[str, str]]:
        return [
            ("name", self.name),
            ("layers", str(len(self.gemms))),
            ("MACs", engineering(float(self.macs), "")),
            ("parameters", engineering(float(self.parameters), "")),
            ("batch", str(self.batch)),
        ]

    @property
    def macs(self) -> int:
        return sum(gemm.macs for gemm in self.gemms)

    @property
    def parameters(self) -> int:
        """Stored parameters: weights of the products and all others."""
        return sum(gemm.weights for gemm in self.gemms) + self.other_parameters


def _check_name(argument: str, name: object) -> None:
    if not isinstance(name, str) or not name.strip():
        raise InputError(f"`{argument}` is empty or no text; give a name")


@dataclass(frozen=True, eq=False)
class NamedWorkload:
    """A workload by its name, with its line in lists, and the function that makes it.

    The arguments of the function that are whole numbers are its sizes, such as ``batch``: each has
    a default, and the function refuses what is out of its range.

    Examples
    --------
    >>> def square(batch: int = 1, width: int = 8) -> Workload:
    ...     return Workload("square", (Gemm("only", batch, width, width),))
    >>> named = NamedWorkload("square", "one square layer", square)
    >>> named.sizes
    {'batch': 1, 'width': 8}
    >>> named.with_sizes({"width": 16}).macs
    256
    >>> named.with_sizes({"sequence": 16})
    Traceback (most recent call last):
        ...
    rnscli.base.errors.InputError: workload square has no `sequence`, only batch, width; drop it
    """

    name: str
    summary: str
    make: Callable[..., Workload]

    @property
    def sizes(self) -> dict[str, int]:
        """Names of the sizes, with their defaults."""
        arguments = signature(self.make).parameters.values()
        return {one.name: one.default for one in arguments if type(one.default) is int}

    def with_sizes(self, sizes: Mapping[str, int]) -> Workload:
        """The workload with some sizes of its own, and the defaults for all others."""
        known = self.sizes
        for name in sizes:
            if name not in known:
                others = f", only {', '.join(known)}" if known else ""
                raise InputError(f"workload {self.name} has no `{name}`{others}; drop it")
        try:
            return self.make(**sizes)
        except InputError as error:
            about = {*error.arguments}
            if about & sizes.keys():
                raise
            given = ", ".join(f"`{name}` is {value}" for name, value in sizes.items())
            if about & known.keys():  # one that was not given, but does not go with these
                raise InputError(f"{error}, as {given}", *sizes) from None
            reason = str(error).replace("`", "")  # of a product
            raise InputError(
                f"workload {self.name} is too large, as {given}: {reason}", *sizes
            ) from None


class Tiling(NamedTuple):
    """What it takes to do a matrix product on an array (see `tiles`)."""

    row_tiles: int  # blocks along the dot products
    column_tiles: int  # and across the outputs
    passes: int  # operations of the array, each with one vector of inputs
    padded_macs: int  # that the array does, those with the zeros at its edges included
    utilisation: float  # share of them that the product needs, in (0, 1]
    additions: int  # that join the partial sums of the row tiles

    @property
    def tiles(self) -> int:
        """Blocks of one matrix."""
        return self.row_tiles * self.column_tiles


def tiles(gemm: Gemm, rows: int, columns: int) -> Tiling:
    """Cut the weights of a product into blocks of an array of h rows and c columns, up to 2**40.

    K x N weights take ``ceil(K / h)`` by ``ceil(N / c)`` blocks; the last of a row or column is
    filled up with zeros, which the array multiplies like any other value. Each of the M vectors
    of inputs passes every block once, and an output is the sum of ``ceil(K / h)`` partial sums.

    Examples
    --------
    >>> tiles(Gemm("conv1", m=12544, k=147, n=64), rows=128, columns=128)
    ... # doctest: +NORMALIZE_WHITESPACE
    Tiling(row_tiles=2, column_tiles=1, passes=25088, padded_macs=411041792,
           utilisation=0.287109375, additions=802816)
    """
    rows = check_int("rows", rows, 1, MAX_SIZE)
    columns = check_int("columns", columns, 1, MAX_SIZE)
    row_tiles = -(-gemm.k // rows)
    column_tiles = -(-gemm.n // columns)
    passes = gemm.m * row_tiles * column_tiles * gemm.count
    padded_macs = passes * rows * columns
    return Tiling(
        row_tiles=row_tiles,
        column_tiles=column_tiles,
        passes=passes,
        padded_macs=padded_macs,
        utilisation=gemm.macs / padded_macs,
        additions=gemm.m * gemm.n * (row_tiles - 1) * gemm.count,
    )

"""A record of the matrix products that converted models compute."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from rnscli.hardware import Gemm, Workload
from rnscli.matrix import ProductCounts

FORWARD, INPUT_GRADIENT, WEIGHT_GRADIENT = "forward", "input-gradient", "weight-gradient"


@dataclass(frozen=True)
class ProductKind:
    """Which product it was: of which layer, forward or for a gradient, and of which shape.

    ``k`` is the length of its dot products, ``n`` its number of columns, ``matrices`` how many
    matrices of weights it has, such as one for each group of a convolution; ``stationary`` says
    that these are stored parameters. ``rows`` are those that each matrix is multiplied with, or
    ``None`` for stored ones: all rows that come are multiplied with these.
    """

    layer: str
    role: str
    k: int
    n: int
    stationary: bool
    matrices: int = 1
    rows: int | None = None


@dataclass
class Recorded:
    """All products of one kind: rows of inputs in total, matrices of weights, and results."""

    rows: int = 0
    matrices: int = 0
    counts: ProductCounts = field(default_factory=ProductCounts)


@dataclass
class Recording:
    """What was computed within `recording`.

    Attributes
    ----------
    kinds
        The products, by kind, in the order in which they first occurred.
    unmapped
        Products that stayed digital, as ``layer: function``, each once.
    """

    kinds: dict[ProductKind, Recorded] = field(default_factory=dict)
    unmapped: dict[str, None] = field(default_factory=dict)

    @property
    def counts(self) -> ProductCounts:
        return sum((made.counts for made in self.kinds.values()), ProductCounts())

    def workload(self, name: str) -> Workload:
        """The products as `rnscli.workload_energy` takes them.

        Weights that are stored are multiplied with all rows that came; products of two activations
        have their own weights each.

        Raises
        ------
        InputError
            If nothing was recorded.
        """
        gemms = []
        for kind, made in self.kinds.items():
            if not made.rows:
                continue  # an empty batch
            layer = kind.layer if kind.role == FORWARD else f"{kind.layer} {kind.role}"
            times = kind.matrices if kind.stationary else made.matrices
            gemms.append(Gemm(layer, made.rows // times, kind.k, kind.n, times, kind.stationary))
        return Workload(name, tuple(gemms))


_ACTIVE: ContextVar[tuple[Recording, ...]] = ContextVar("rnscli_recordings", default=())


@contextmanager
def recording() -> Iterator[Recording]:
    """Record the products of converted models, and those of the gradients that follow from them.

    It sees what its own thread calls. On the device ``meta``, products are counted as if nothing
    failed, and not computed: a way to the workload of a model of any size.

    Examples
    --------
    >>> import rnscli.torch, torch
    >>> layer = rnscli.torch.AnalogLinear(200, 10, core=rnscli.analog_core("rns", bits=6))
    >>> with rnscli.torch.recording() as made:
    ...     _ = layer(torch.ones(3, 200))
    >>> made.counts.products, made.counts.dot_products
    (1, 60)
    """
    made = Recording()
    token = _ACTIVE.set((*_ACTIVE.get(), made))
    try:
        yield made
    finally:
        _ACTIVE.reset(token)


def active() -> tuple[Recording, ...]:
    """The recordings under way."""
    return _ACTIVE.get()

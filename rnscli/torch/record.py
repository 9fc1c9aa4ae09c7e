"""A record of the matrix products that converted models compute."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from rnscli.hardware.gemm import Gemm, Workload
from rnscli.matrix.counts import ProductCounts

FORWARD, INPUT_GRADIENT, WEIGHT_GRADIENT = "forward", "input-gradient", "weight-gradient"


@dataclass(frozen=True)
class ProductKind:
    """Which product it was: of which layer, forward or for a gradient, and over how many terms.

    ``k`` is the length of its dot products, ``n`` its number of columns; ``stationary`` says that
    the weights are stored parameters.
    """

    layer: str
    role: str
    k: int
    n: int
    stationary: bool


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
        """All of them together."""
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
            layer = kind.layer if kind.role == FORWARD else f"{kind.layer} {kind.role}"
            times = 1 if kind.stationary else made.matrices
            gemms.append(Gemm(layer, made.rows // times, kind.k, kind.n, times, kind.stationary))
        return Workload(name, tuple(gemms))


_ACTIVE: ContextVar[tuple[Recording, ...]] = ContextVar("rnscli_recordings", default=())


@contextmanager
def recording() -> Iterator[Recording]:
    """Record the products of converted models, and those of the gradients that follow from them.

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

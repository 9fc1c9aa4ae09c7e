"""Products and vector work of a network, counted in the order in which they are met."""

import re
from collections import Counter
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field, replace

from rnscli.base import InputError, printable
from rnscli.hardware.workloads import MAX_LAYERS, TOTAL, Gemm, Workload
from rnscli.hardware.workloads.formats.windows import Axis, Windowed
from rnscli.hardware.workloads.vector_work import VectorWork

_MAX_NAME = 200
_MAX_NAMED = 8  # of what is not known
# What a layer's own weights are called: `conv1.weight` are those of `conv1`.
_OF_LAYER = re.compile(r"[._]weight$")


def layer_of(weights: str) -> str:
    """The layer that weights are of, by their name.

    Examples
    --------
    >>> layer_of("layer1.0.conv2.weight"), layer_of("attention.in_proj_weight")
    ('layer1.0.conv2', 'attention.in_proj')
    """
    return _OF_LAYER.sub("", weights) or weights


@dataclass(frozen=True)
class Operand:
    """Stored weights of a product.

    Parameters
    ----------
    key
        What tells them from others: weights of one key are stored once.
    name
        Theirs, if they have one.
    parameter
        Whether they are of the network's parameters, and not constants.
    """

    key: Hashable
    name: str = ""
    parameter: bool = True


@dataclass(eq=False, repr=False)
class Tally:
    """What a network computes, as it is met.

    Products with the same stored weights and of the same shape are one layer, in as many steps:
    a recurrent layer waits for its own outputs, and nothing here says that another one does not.
    Of another shape they are a layer that shares the weights.

    Examples
    --------
    >>> tally = Tally("net")
    >>> for _ in range(3):
    ...     _ = tally.product("cell", 1, 20, 30, weights=Operand("w"))
    >>> tally.vector("relu", 90)
    >>> made = tally.workload(parameters=640)
    >>> made.gemms[0].m, made.gemms[0].steps, made.parameters
    (3, 3, 640)
    """

    name: str
    _gemms: dict[str, Gemm] = field(default_factory=dict)
    _layers: dict[Hashable, str] = field(default_factory=dict)  # of weights, and of these in shapes
    _vectors: dict[tuple[str, str], int] = field(default_factory=dict)
    _before: Counter[str] = field(default_factory=Counter)  # before the first product
    _last: str = ""
    _constants: int = 0  # weights that are none of the parameters
    _tables: dict[Hashable, int] = field(default_factory=dict)
    _unknown: Counter[str] = field(default_factory=Counter)
    _names: Counter[str] = field(default_factory=Counter)

    def product(
        self,
        layer: str,
        m: int,
        k: int,
        n: int,
        count: int = 1,
        inputs: int | None = None,
        weights: Operand | None = None,
        steps: int = 1,
        idle: int = 0,
    ) -> None:
        """Count a product; one without weights is of two activations."""
        if not min(m, k, n, count):
            return  # of an empty tensor
        if inputs is not None and inputs >= m * k:
            inputs = None  # each of them is another value
        if weights is None:
            self._add(Gemm(self._free(layer), m, k, n, count, False, inputs, steps))
            return
        shape = (weights.key, m, k, n, count, inputs, steps)
        if shape in self._layers:
            name = self._layers[shape]
            gemm = self._gemms[name]
            times = gemm.m // m + 1
            distinct = None if inputs is None else inputs * times
            self._gemms[name] = replace(gemm, m=m * times, inputs=distinct, steps=steps * times)
            self._last = name
            return
        owner = self._layers.get(weights.key)
        name = self._free(layer_of(weights.name) if weights.name else layer)
        self._layers.setdefault(weights.key, name)
        self._layers[shape] = name
        self._add(Gemm(name, m, k, n, count, inputs=inputs, steps=steps, shares=owner, idle=idle))
        if not weights.parameter:
            self._constants += self._gemms[name].weights

    def convolution(
        self,
        layer: str,
        batch: int,
        channels: int,
        outputs: int,
        groups: int,
        axes: Iterable[Axis],
        weights: Operand | None = None,
    ) -> None:
        """Count a convolution, of which each group is a product."""
        made = Windowed(batch, channels, outputs, groups, tuple(axes))
        self.product(layer, made.m, made.k, made.n, groups, made.inputs, weights)

    def transposed(
        self,
        layer: str,
        batch: int,
        channels: int,
        outputs: int,
        groups: int,
        pixels: int,
        window: int,
        results: int,
        weights: Operand | None = None,
    ) -> None:
        """Count a transposed convolution: every pixel times a window, and these are added up.

        ``pixels`` are of an input, ``window`` the taps of a kernel, ``results`` all that is there
        in the end.
        """
        rows, columns = batch * pixels, outputs // groups * window
        self.product(layer, rows, channels // groups, columns, groups, None, weights)
        self.vector("add", rows * columns * groups - results)

    def vector(self, kind: str, elements: int) -> None:
        """Count work after the last product; none where nothing is computed."""
        if elements < 1:
            return
        if self._last:
            at = (self._last, kind)
            self._vectors[at] = self._vectors.get(at, 0) + elements
        else:
            self._before[kind] += elements

    def table(self, weights: Operand, parameters: int) -> None:
        """Remember weights of which rows are gathered."""
        if weights.parameter:
            self._tables[weights.key] = parameters

    def unknown(self, operator: str) -> None:
        """Remember an operator that is not counted."""
        self._unknown[operator] += 1

    def workload(self, parameters: int) -> Workload:
        """All of it, for a network with so many parameters.

        Raises
        ------
        InputError
            If there are no products.
        """
        if not self._gemms:
            raise InputError(
                f"workload {self.name} has no matrix products{self._said()}; give a network with "
                "layers",
                "workload",
            )
        first = next(iter(self._gemms))
        vectors = Counter({(first, kind): number for kind, number in self._before.items()})
        vectors.update(self._vectors)
        gemms = tuple(self._gemms.values())
        stored = sum(gemm.weights for gemm in gemms) - self._constants
        other = max(0, parameters - stored)
        tables = sum(number for key, number in self._tables.items() if key not in self._layers)
        return Workload(
            self.name,
            gemms,
            other,
            tuple(VectorWork(layer, kind, number) for (layer, kind), number in vectors.items()),
            table_parameters=min(tables, other),
            remarks=self._remarks(),
        )

    def _remarks(self) -> tuple[str, ...]:
        if not self._unknown:
            return ()
        return (f"workload {self.name} has operators that are not counted{self._said()}",)

    def _said(self) -> str:
        if not self._unknown:
            return ""
        named = [f"{name} ({number})" for name, number in self._unknown.most_common(_MAX_NAMED)]
        left = len(self._unknown) - len(named)
        return f": {', '.join(named)}" + (f" and {left} others" if left else "")

    def _add(self, gemm: Gemm) -> None:
        if len(self._gemms) == MAX_LAYERS:
            raise InputError(
                f"workload {self.name} has more than {MAX_LAYERS} layers; at most as many are "
                "accepted",
                "workload",
            )
        self._gemms[gemm.layer] = gemm
        self._last = gemm.layer

    def _free(self, layer: str) -> str:
        """A name that reports can show, and that no other layer has."""
        name = printable(layer.strip())[-_MAX_NAME:] or "product"
        while name == TOTAL or name in self._gemms:
            self._names[layer] += 1
            name = f"{printable(layer.strip())[-_MAX_NAME:]} {self._names[layer] + 1}"
        return name

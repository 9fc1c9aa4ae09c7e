"""Layers of a network, collected with the vector work between them."""

from dataclasses import dataclass, field
from typing import NamedTuple

from rnscli.hardware.workloads import Gemm, Workload
from rnscli.hardware.workloads.vector_work import VectorWork

# With both at their limits the first layer of ResNet-50 has 2**40 output pixels.
MAX_BATCH = 2**16
MAX_IMAGE_SIZE = 2**13
MAX_CONTEXT = 2**24

BIAS = 1  # parameters that a layer has for each output channel
NORM = 2  # scale and shift; the running mean and variance of a batch are not trained


class Image(NamedTuple):
    """A feature map of ``size`` pixels along each of its dimensions."""

    size: int
    channels: int
    dimensions: int = 2

    def window(self, channels: int, kernel: int, stride: int = 1, padding: int = 0) -> "Image":
        """What a window that slides over it makes of it.

        Examples
        --------
        >>> Image(224, 3).window(64, kernel=7, stride=2, padding=3)
        Image(size=112, channels=64, dimensions=2)
        """
        size = (self.size + 2 * padding - kernel) // stride + 1
        return Image(size, channels, self.dimensions)

    @property
    def pixels(self) -> int:
        return int(self.size**self.dimensions)

    @property
    def values(self) -> int:
        return self.pixels * self.channels

    def covered(self, kernel: int, stride: int, padding: int) -> int:
        """Pixels that at least one position of a window reads.

        Examples
        --------
        >>> Image(4, 1).covered(kernel=1, stride=2, padding=0)  # every other row and column
        4
        >>> Image(4, 1).covered(kernel=3, stride=1, padding=1)
        16
        """
        starts = [i * stride - padding for i in range(self.window(1, kernel, stride, padding).size)]
        if stride < kernel:  # without gaps
            side = min(self.size, starts[-1] + kernel) - max(0, starts[0])
        else:
            side = sum(max(0, min(self.size, start + kernel) - max(0, start)) for start in starts)
        return int(side**self.dimensions)


@dataclass(eq=False, repr=False)
class Layers:
    """The layers so far, of which each further one is the last.

    ``vector`` adds work after the last layer, or, before there is one, after the first.

    Examples
    --------
    >>> layers = Layers(batch=2)
    >>> image = layers.convolution("conv", Image(28, 1), 32, kernel=3, per_channel=BIAS)
    >>> layers.vector("relu", image.values)
    >>> network = layers.workload("one")
    >>> network.macs, network.parameters, network.vectors[0].elements
    (389376, 320, 43264)
    """

    batch: int = 1
    gemms: list[Gemm] = field(default_factory=list)
    other_parameters: int = 0
    table_parameters: int = 0
    _vectors: list[tuple[str | None, str, int]] = field(default_factory=list)

    def product(self, gemm: Gemm, other_parameters: int = 0) -> None:
        self.gemms.append(gemm)
        self.other_parameters += other_parameters

    def vector(self, kind: str, elements: int) -> None:
        """Work on ``elements`` values for each member of the batch."""
        layer = self.gemms[-1].layer if self.gemms else None
        self._vectors.append((layer, kind, self.batch * elements))

    def table(self, rows: int, width: int, looked_up: int) -> None:
        """A table of parameters, of which a member of the batch reads ``looked_up`` rows."""
        self.other_parameters += rows * width
        self.table_parameters += rows * width
        self.vector("gather", looked_up * width)

    def convolution(
        self, layer: str, image: Image, channels: int, kernel: int, stride: int = 1,
        padding: int = 0, groups: int = 1, per_channel: int = NORM,
    ) -> Image:  # fmt: skip
        """Add a convolution with ``per_channel`` further parameters for each output channel.

        With NORM a batch normalisation follows, which is folded into the weights for inference.
        """
        result = image.window(channels, kernel, stride, padding)
        within = image.channels // groups
        gemm = Gemm(
            layer,
            self.batch * result.pixels,
            within * kernel**image.dimensions,
            channels // groups,
            count=groups,
            inputs=self.batch * within * image.covered(kernel, stride, padding),
        )
        self.product(gemm, per_channel * channels)
        if per_channel == NORM:
            self.vector("folded-batch-norm", result.values)
        return result

    def pool(self, image: Image, kernel: int, stride: int, padding: int = 0) -> Image:
        """A maximum over the values of a window, for each of its positions."""
        result = image.window(image.channels, kernel, stride, padding)
        self.vector("max-pool", result.values * kernel**image.dimensions)
        return result

    def dense(self, layer: str, inputs: int, outputs: int, rows: int = 1, bias: bool = True) -> int:
        """Add a dense layer for ``rows`` vectors of each member of the batch; their outputs."""
        self.product(Gemm(layer, self.batch * rows, inputs, outputs), BIAS * outputs * bias)
        return rows * outputs

    def workload(self, name: str, tokens: int | None = None) -> Workload:
        first = self.gemms[0].layer
        vectors = tuple(
            VectorWork(layer or first, kind, elements, before=layer is None)
            for layer, kind, elements in self._vectors
        )
        return Workload(
            name,
            tuple(self.gemms),
            self.other_parameters,
            vectors,
            batch=self.batch,
            tokens=tokens,
            table_parameters=self.table_parameters,
        )

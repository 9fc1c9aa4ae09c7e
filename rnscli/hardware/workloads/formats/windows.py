"""Windows that slide over images of any number of axes, as matrix products."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple


class Axis(NamedTuple):
    """One axis of an image, and the windows along it.

    ``window`` is the number of taps, ``dilation`` apart; windows are ``stride`` apart, and the
    first begins ``padding`` before the image.
    """

    size: int
    window: int
    outputs: int
    stride: int = 1
    padding: int = 0
    dilation: int = 1

    @property
    def covered(self) -> int:
        """Positions of the image that any window reads.

        Examples
        --------
        >>> Axis(size=8, window=1, outputs=4, stride=2).covered  # every other one
        4
        >>> Axis(size=8, window=3, outputs=8, padding=1).covered
        8
        """
        if self.dilation == 1 and self.stride <= self.window:  # no gaps
            end = (self.outputs - 1) * self.stride + self.window - self.padding
            return max(0, min(end, self.size) - max(-self.padding, 0))
        # A tap reads positions that are `stride` apart: those of a remainder are an interval each.
        intervals: dict[int, list[tuple[int, int]]] = {}
        for tap in range(self.window):
            first = tap * self.dilation - self.padding
            at, remainder = divmod(first, self.stride)
            end = at + self.outputs
            low = max(at, 0)
            high = min(end, -(-(self.size - remainder) // self.stride))
            if low < high:
                intervals.setdefault(remainder, []).append((low, high))
        total = 0
        for found in intervals.values():
            reached = 0
            for low, high in sorted(found):
                total += max(0, high - max(low, reached))
                reached = max(reached, high)
        return total


def windows(size: int, window: int, stride: int, padding: int = 0, dilation: int = 1) -> int:
    """How many windows an axis has that is padded by as much at both ends."""
    return (size + 2 * padding - dilation * (window - 1) - 1) // stride + 1


@dataclass(frozen=True)
class Windowed:
    """A convolution as products, of which each group of channels has one.

    Examples
    --------
    >>> axis = Axis(size=224, window=7, outputs=112, stride=2, padding=3)
    >>> made = Windowed(batch=1, channels=3, outputs=64, groups=1, axes=(axis, axis))
    >>> made.m, made.k, made.n, made.inputs
    (12544, 147, 64, 150528)
    """

    batch: int
    channels: int
    outputs: int
    groups: int
    axes: Sequence[Axis]

    @property
    def m(self) -> int:
        return self.batch * math.prod(axis.outputs for axis in self.axes)

    @property
    def k(self) -> int:
        return self.channels // self.groups * math.prod(axis.window for axis in self.axes)

    @property
    def n(self) -> int:
        return self.outputs // self.groups

    @property
    def inputs(self) -> int:
        """Distinct values that one group reads; padding is none."""
        read = math.prod(axis.covered for axis in self.axes)
        return max(1, self.batch * self.channels // self.groups * read)


def adaptive(size: int, outputs: int) -> int:
    """Values of all windows of an adaptive pooling along an axis, which may overlap."""
    return sum(-(-(one + 1) * size // outputs) - one * size // outputs for one in range(outputs))

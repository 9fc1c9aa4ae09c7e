"""What data can come from, each kind a source."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from rnscli.base import InputError
from rnscli.networks.data import Dataset


class Source(ABC):
    """A kind of data: how it is told from others, and how it is read."""

    name: ClassVar[str]
    summary: ClassVar[str]  # what must be there, as a sentence about all kinds lists it
    in_folder: ClassVar[bool]
    has_sizes: ClassVar[bool]  # whether a user chooses the size of its images

    @abstractmethod
    def found(self, path: Path) -> bool:
        """Whether a path, which need not exist, is of this kind."""

    @abstractmethod
    def read(self, path: Path, image_size: int | None) -> Dataset:
        """The data; an InputError in one sentence if they are damaged or not whole."""


def normalised(
    pixels: npt.NDArray[Any], mean: Sequence[float], deviation: Sequence[float]
) -> npt.NDArray[np.float32]:
    """Pixels ``(N, C, H, W)`` from 0 to 255 as ``(x / 255 - mean) / deviation``, by channel."""
    shape = (1, -1, 1, 1)
    means, deviations = (np.reshape(np.array(one, np.float32), shape) for one in (mean, deviation))
    made = pixels.astype(np.float32)
    made /= np.float32(255)  # in place: images of a folder are many
    made -= means
    made /= deviations
    return made


def said_of_normalised(mean: Sequence[float], deviation: Sequence[float]) -> str:
    """The sentence about it."""

    def one(values: Sequence[float]) -> str:
        return ", ".join(f"{value:g}" for value in values)

    return f"pixels are (x / 255 - mean) / deviation, mean {one(mean)}, deviation {one(deviation)}"


def content_of(path: Path) -> bytes:
    """The bytes of a file of the data."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"`data` {path} cannot be read: {error.strerror}") from None

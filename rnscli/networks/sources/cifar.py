"""CIFAR-10 as its authors give it: pickles for Python, or binary files."""

import io
import pickle
from abc import abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from rnscli.base import InputError
from rnscli.networks.data import Dataset, LabelledData
from rnscli.networks.sources.source import Source, content_of, normalised, said_of_normalised

# Of the 50 000 images to train with, by channel.
MEAN, DEVIATION = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)
CLASSES = 10
_PIXELS = 3 * 32 * 32

_Images = tuple[npt.NDArray[Any], npt.NDArray[Any]]


class _Cifar(Source):
    """A folder of CIFAR-10.

    A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009.
    """

    has_sizes = False
    in_folder = True
    end: ClassVar[str]  # of the names of files

    @abstractmethod
    def images(self, file: Path) -> _Images:
        """Images and classes of a file."""

    def found(self, path: Path) -> bool:
        names = ("test_batch", "data_batch_1")
        return any((path / f"{name}{self.end}").is_file() for name in names)

    def read(self, path: Path, image_size: int | None) -> Dataset:
        return _dataset(path, self.end, self.images)


class CifarPickles(_Cifar):
    """The folder cifar-10-batches-py; nothing but plain values and arrays is built of pickles."""

    name = "cifar-10-python"
    summary = "test_batch and others of CIFAR-10"
    end = ""

    def images(self, file: Path) -> _Images:
        return _of_pickle(file)


class CifarBinary(_Cifar):
    """The folder cifar-10-batches-bin: a byte of the class and 3072 of the pixels, repeatedly."""

    name = "cifar-10-binary"
    summary = "test_batch.bin and others"
    end = ".bin"

    def images(self, file: Path) -> _Images:
        return _of_binary(file)


def _dataset(path: Path, end: str, read: Callable[[Path], _Images]) -> Dataset:
    test = path / f"test_batch{end}"
    if not test.is_file():
        raise InputError(f"`data` {path} has no {test.name}, which has the images to test with")
    batches = [path / f"data_batch_{number}{end}" for number in range(1, 6)]
    there = [batch for batch in batches if batch.is_file()]
    train = None
    if there:
        parts = [read(batch) for batch in there]
        train = _labelled(*(np.concatenate(both) for both in zip(*parts, strict=True)))
    note = said_of_normalised(MEAN, DEVIATION)
    if 0 < len(there) < len(batches):
        note += f"; to train with there are only {', '.join(one.name for one in there)}"
    return Dataset(path.name or str(path), _labelled(*read(test)), train, note)


def _labelled(pixels: npt.NDArray[Any], labels: npt.NDArray[Any]) -> LabelledData:
    images = pixels.reshape(-1, 3, 32, 32)
    return LabelledData(normalised(images, MEAN, DEVIATION), labels.astype(np.int64))


def _of_binary(path: Path) -> _Images:
    content = np.frombuffer(content_of(path), np.uint8)
    if not content.size or content.size % (1 + _PIXELS):
        raise InputError(
            f"`data` {path} has {content.size} bytes; there must be 3073 for each image"
        )
    table = content.reshape(-1, 1 + _PIXELS)
    return _checked(path, table[:, 1:], table[:, 0])


def _of_pickle(path: Path) -> _Images:
    content = content_of(path)
    try:
        batch: Any = _Unpickler(io.BytesIO(content), encoding="bytes").load()
    except _CodeError as error:
        raise InputError(
            f"`data` {path} holds code ({error}) beside arrays, which is never run; it must be a "
            "batch of CIFAR-10"
        ) from None
    except Exception:  # as many kinds as there are of damage
        batch = None
    found = {}
    if isinstance(batch, dict):
        found = {key.decode() if isinstance(key, bytes) else key: batch[key] for key in batch}
    try:
        pixels = np.asarray(found["data"])
        labels = np.asarray(found["labels"])
        if pixels.dtype != np.uint8 or labels.dtype.kind not in "iu" or pixels.ndim != 2:
            raise ValueError
    except (KeyError, ValueError, TypeError):
        raise InputError(
            f"`data` {path} is damaged or of another kind; it must be a pickled dict with data, "
            "N x 3072 bytes, and labels, N classes"
        ) from None
    return _checked(path, pixels, labels)


def _checked(path: Path, pixels: npt.NDArray[Any], labels: npt.NDArray[Any]) -> _Images:
    if pixels.shape[1] != _PIXELS or labels.shape != pixels.shape[:1] or not len(labels):
        raise InputError(
            f"`data` {path} has pixels of shape {pixels.shape} and labels of shape {labels.shape}; "
            f"they must be (N, {_PIXELS}) and (N,)"
        )
    if labels.min() < 0 or labels.max() >= CLASSES:
        raise InputError(
            f"`data` {path} has labels from {labels.min()} to {labels.max()}; classes of CIFAR-10 "
            f"are from 0 to {CLASSES - 1}"
        )
    return pixels, labels


class _CodeError(Exception):
    """A pickle names a function or class."""


def _encode(text: Any, encoding: Any = "latin1", errors: Any = "strict") -> bytes:
    """What ``_codecs.encode`` does where Python 2's pickles have bytes, and no more than that."""
    return str(text).encode("latin1")


class _Unpickler(pickle.Unpickler):
    """Builds plain values and arrays of numbers."""

    _allowed: ClassVar[dict[tuple[str, str], Any]] = {
        **{
            (f"{numpy}.multiarray", "_reconstruct"): lambda kind, shape, code: np.ndarray(0, "i1")
            for numpy in ("numpy.core", "numpy._core")
        },
        ("numpy", "ndarray"): np.ndarray,
        ("numpy", "dtype"): np.dtype,
        ("_codecs", "encode"): _encode,
    }

    def find_class(self, module_name: str, global_name: str, /) -> Any:
        if (module_name, global_name) not in self._allowed:
            raise _CodeError(f"{module_name}.{global_name}")
        return self._allowed[module_name, global_name]

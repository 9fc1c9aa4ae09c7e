"""Arrays of NumPy: an ``.npz`` file, or a folder of ``.npy`` files that may exceed memory."""

import hashlib
import zipfile
from collections.abc import Container, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rnscli.base import InputError, regular_file
from rnscli.networks.data import (
    Dataset,
    LabelledData,
    StoredSamples,
    checked,
    chunks,
    stays_whole,
)
from rnscli.networks.sources.source import Source

_WANTED = "it must be an .npz file with arrays x and y, and x_train and y_train to train with"
_NAMES = ("x", "y", "x_train", "y_train")


class NpzFile(Source):
    """An ``.npz`` file, as ``numpy.savez`` writes it.

    It holds the test set as ``x``, of shape ``(N, ...)``, real numbers (see `LabelledData`), and
    ``y``, of shape ``(N, ...)``, integers from 0 or real numbers; a part to train with, if there is
    one, as ``x_train`` and ``y_train``. Labels may be missing, where nothing is to be compared with
    them.
    """

    name = "npz"
    summary = "an .npz file"
    has_sizes = False
    in_folder = False

    def found(self, path: Path) -> bool:
        return not path.is_dir()  # what is of no other kind is refused as none of this

    def read(self, path: Path, image_size: int | None) -> Dataset:
        file = regular_file("data", path, _WANTED)
        try:
            arrays = _read(file)
        except InputError:
            raise
        except PermissionError as error:
            raise InputError(f"`data` {path} cannot be read: {error.strerror}") from None
        # Whatever a damaged file makes NumPy and zipfile raise, from SyntaxError to MemoryError.
        except Exception as error:
            raise InputError(f"`data` {path} is damaged or of another kind; {_WANTED}") from error
        return _dataset(path, arrays)


class NpyFolder(Source):
    """A folder with ``x.npy``, ``y.npy`` and, to train with, ``x_train.npy`` and ``y_train.npy``.

    Inputs stay in their file until some are computed with, so that they may be larger than memory.
    """

    name = "npy"
    summary = "x.npy"
    has_sizes = False
    in_folder = True

    def found(self, path: Path) -> bool:
        return (path / "x.npy").is_file()

    def read(self, path: Path, image_size: int | None) -> Dataset:
        arrays: dict[str, Any] = {}
        for name in _NAMES:
            file = path / f"{name}.npy"
            if file.is_file():
                stored = _Npy(file)
                arrays[name] = stored if name.startswith("x") else stored.opened()
        if missing := _missing(arrays):
            raise InputError(f"`data` {path} has no {missing[0]}.npy beside {missing[1]}.npy")
        return _dataset(path, arrays)


class _Npy(StoredSamples):
    """The samples of a ``.npy`` file; it is opened anew in every process."""

    def __init__(self, path: Path) -> None:
        self.path, self.where = path, f"`data` {path}"
        array = self.opened()
        self.shape, kind = array.shape, array.dtype
        self.stored_in = kind
        if kind.kind in "biuf":
            kind = np.dtype(np.int64 if stays_whole(kind) else np.float32)
        self.dtype = kind

    def opened(self) -> npt.NDArray[Any]:
        try:
            array: npt.NDArray[Any] = np.lib.format.open_memmap(self.path, mode="r")
        except PermissionError as error:
            raise InputError(f"{self.where} cannot be read: {error.strerror}") from None
        except Exception:  # as many kinds as there are of damage
            raise InputError(
                f"{self.where} is damaged or of another kind; it must be an array of numbers, as "
                "numpy.save writes it"
            ) from None
        return array

    def read(self, start: int, stop: int) -> npt.NDArray[Any]:
        array = self.opened()
        if array.shape != self.shape or array.dtype != self.stored_in:
            raise InputError(f"{self.where} has changed while it was read; leave it as it is")
        return np.array(array[start:stop])

    @cached_property
    def _content(self) -> str:
        hasher = hashlib.sha256(f"{self.stored_in.str}{self.shape}".encode())
        array = self.opened()
        for part in chunks(len(self)):
            hasher.update(np.ascontiguousarray(array[part]).tobytes())
        return hasher.hexdigest()

    def content(self) -> str:
        return self._content


def _dataset(path: Path, arrays: Mapping[str, Any]) -> Dataset:
    def part(x: str, y: str) -> LabelledData:
        return LabelledData(*checked(arrays[x], arrays.get(y), f"`data` {path}: ", (x, y)))

    train = part("x_train", "y_train") if "x_train" in arrays else None
    return Dataset(path.name or str(path), part("x", "y"), train)


def _missing(names: Container[str]) -> tuple[str, str] | None:
    """An array that must be there, and beside which other one, if it is for that.

    Labels may be missing, but not of one part only.
    """
    wanted = {"x": "", "x_train": "y_train"} | ({"y_train": "x_train"} if "y" in names else {})
    return next(
        (
            (name, partner)
            for name, partner in wanted.items()
            if name not in names and (not partner or partner in names)
        ),
        None,
    )


def _read(file: Path) -> dict[str, npt.NDArray[Any]]:
    """The arrays that are known, by name."""
    with zipfile.ZipFile(file) as archive:
        members = {name.removesuffix(".npy"): name for name in archive.namelist()}
        if missing := _missing(members):
            name, partner = missing
            held = ", ".join(list(members)[:8]) or "nothing"
            held += f" and {len(members) - 8} more" if len(members) > 8 else ""
            beside = f" beside {partner}" if partner else ""
            raise InputError(f"`data` {file} has no array {name}{beside}; it holds {held}")
        arrays = {}
        for name in _NAMES:
            if name in members:
                with archive.open(members[name]) as stream:
                    arrays[name] = _array(file, name, stream)
    return arrays


def _array(file: Path, name: str, stream: Any) -> npt.NDArray[Any]:
    try:
        array: npt.NDArray[Any] = np.lib.format.read_array(stream, allow_pickle=False)
    except ValueError as error:
        if "Object arrays" not in str(error):  # NumPy's sentence advises to load pickles
            raise
        raise InputError(
            f"`data` {file}: {name} holds pickled Python objects, which are never loaded; "
            "it must hold numbers"
        ) from None
    stream.read(1)  # at its end the checksum is compared
    return array

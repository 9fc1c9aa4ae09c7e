"""Labelled data of a user: an ``.npz`` file of NumPy."""

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rnscli.core.errors import InputError
from rnscli.networks.data import Dataset, LabelledData, checked
from rnscli.networks.files import regular_file

_WANTED = "it must be an .npz file with arrays x and y, and x_train and y_train to train with"


def load_data(path: str | Path) -> Dataset:
    """Samples and their classes out of an ``.npz`` file.

    Parameters
    ----------
    path
        A file as ``numpy.savez`` writes it: the test set as ``x``, of shape ``(N, ...)``, real
        numbers, which become float32, and ``y``, of shape ``(N,)``, integers from 0; a part to
        train with, if there is one, as ``x_train`` and ``y_train``.

    Raises
    ------
    InputError
        If the file cannot be read, is not such a file, or holds something else.
    """
    file = regular_file("data", path, _WANTED)
    try:
        arrays = _read(file)
    except InputError:
        raise
    except PermissionError as error:
        raise InputError(f"`data` {path} cannot be read: {error.strerror}") from None
    # Whatever a damaged file makes NumPy and zipfile raise, from SyntaxError to MemoryError.
    except Exception:
        raise InputError(f"`data` {path} is damaged or of another kind; {_WANTED}") from None
    test, train = (_labelled(path, arrays, names) for names in (("x", "y"), ("x_train", "y_train")))
    assert test is not None  # its arrays were asked for
    return Dataset(file.name, test=test, train=train)


def _read(file: Path) -> dict[str, npt.NDArray[Any]]:
    """The arrays that are known, by name."""
    with zipfile.ZipFile(file) as archive:
        found = {name.removesuffix(".npy"): name for name in archive.namelist()}
        for name, partner in (("x", ""), ("y", ""), ("x_train", "y_train"), ("y_train", "x_train")):
            if name not in found and (not partner or partner in found):
                held = ", ".join(list(found)[:8]) or "nothing"
                held += f" and {len(found) - 8} more" if len(found) > 8 else ""
                beside = f" beside {partner}" if partner else ""
                raise InputError(f"`data` {file} has no array {name}{beside}; it holds {held}")
        arrays = {}
        for name in ("x", "y", "x_train", "y_train"):
            if name in found:
                with archive.open(found[name]) as stream:
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


def _labelled(
    path: str | Path, arrays: dict[str, npt.NDArray[Any]], names: tuple[str, str]
) -> LabelledData | None:
    x, y = names
    if x not in arrays:
        return None
    return LabelledData(*checked(arrays[x], arrays[y], f"`data` {path}: ", names))

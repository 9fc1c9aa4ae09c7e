"""Samples with labels, for training and for tests: of a user, and the handwritten digits."""

import functools
import hashlib
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rnscli.base import InputError, RnscliError, regular_file

MAX_CLASS = 10**6

_INT64 = np.iinfo(np.int64)

Inputs = npt.NDArray[np.float32] | npt.NDArray[np.int64]
Labels = npt.NDArray[np.int64]
Logits = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class LabelledData:
    """Samples and the class of each.

    Parameters
    ----------
    inputs
        Array of shape ``(N, ...)`` of finite real numbers; kept as float32, or as int64 if they are
        whole numbers of more than 8 bits, such as tokens.
    labels
        Array of shape ``(N,)`` of integers, the classes, from 0.

    Raises
    ------
    InputError
        If there are no samples, their number is not that of the labels, an input is not a finite
        number, or a label is not an integer from 0.

    Examples
    --------
    >>> data = LabelledData(np.zeros((2, 8, 8)), np.array([3, 1]))
    >>> len(data), data.classes, data.inputs.dtype.name
    (2, 4, 'float32')
    """

    inputs: Inputs
    labels: Labels

    def __post_init__(self) -> None:
        inputs, labels = checked(self.inputs, self.labels, "", ("`inputs`", "`labels`"))
        object.__setattr__(self, "inputs", inputs)
        object.__setattr__(self, "labels", labels)

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def whole(self) -> bool:
        """Whether the inputs are whole numbers."""
        return self.inputs.dtype.kind == "i"

    def in_floats(self) -> "LabelledData":
        """The same with inputs as float32."""
        return LabelledData(self.inputs.astype(np.float32), self.labels)

    @property
    def classes(self) -> int:
        """Number of classes that the labels need: the largest one, plus 1."""
        return int(self.labels.max()) + 1

    def digest(self) -> str:
        """SHA-256 of the content, the same on every machine."""
        hasher = hashlib.sha256()
        for array, kind in ((self.inputs, "<i8" if self.whole else "<f4"), (self.labels, "<i8")):
            hasher.update(f"{kind}{array.shape}".encode())
            hasher.update(np.ascontiguousarray(array, kind).tobytes())
        return hasher.hexdigest()


@dataclass(frozen=True, eq=False)
class Dataset:
    """What a network is tested with and, where there is such a part, trained with.

    Parameters
    ----------
    name
        Where it comes from, for reports and errors.
    test
        Samples that no training sees.
    train
        Samples to train with, or None.

    Raises
    ------
    InputError
        If the samples of the two parts are of different shapes.
    """

    name: str
    test: LabelledData
    train: LabelledData | None = None

    def __post_init__(self) -> None:
        if self.train is None:
            return
        shapes = [part.inputs.shape[1:] for part in (self.train, self.test)]
        if shapes[0] != shapes[1]:
            raise InputError(
                f"`data` {self.name} has samples of shape {shapes[0]} to train with and of shape "
                f"{shapes[1]} to test with; both must be of one shape"
            )

    @property
    def whole(self) -> bool:
        """Whether the inputs of any part are whole numbers."""
        return self.test.whole or (self.train is not None and self.train.whole)

    def in_floats(self) -> "Dataset":
        """The same with inputs as float32."""
        train = None if self.train is None else self.train.in_floats()
        return Dataset(self.name, self.test.in_floats(), train)

    def part_to_train(self) -> LabelledData:
        """The samples to train with; refused if there are none."""
        if self.train is None:
            raise InputError(
                f"`data` {self.name} has no samples to train with; give them as arrays x_train "
                "and y_train"
            )
        return self.train

    def digest(self) -> str:
        """SHA-256 of the content of all parts; the name is none."""
        parts = [part.digest() if part is not None else "" for part in (self.test, self.train)]
        return hashlib.sha256(" ".join(parts).encode()).hexdigest()


def checked(
    inputs: npt.NDArray[Any], labels: npt.NDArray[Any], where: str, names: tuple[str, str]
) -> tuple[Inputs, Labels]:
    """Samples and labels in the types that they are kept in; or a sentence why they are none.

    It begins with ``where``, such as the name of a file, and calls the two by their ``names``.
    """
    x, y = names
    inputs, labels = np.asarray(inputs), np.asarray(labels)
    if inputs.dtype.kind not in "biuf":
        raise InputError(f"{where}{x} holds {inputs.dtype}; it must hold real numbers")
    if labels.dtype.kind not in "iu":
        raise InputError(f"{where}{y} holds {labels.dtype}; it must hold integers, a class each")
    if inputs.ndim < 2 or labels.ndim != 1:
        raise InputError(
            f"{where}{x} has shape {inputs.shape} and {y} has shape {labels.shape}; they must be "
            "(N, ...), a sample a row, and (N,)"
        )
    if len(inputs) != len(labels):
        raise InputError(
            f"{where}{x} has {len(inputs)} samples and {y} has {len(labels)} labels; there must "
            "be a label for each sample"
        )
    if inputs.size == 0:
        raise InputError(
            f"{where}{x} has shape {inputs.shape}, which is empty; there must be at least one "
            "sample of at least one number"
        )
    if inputs.dtype.kind in "iu" and inputs.dtype.itemsize > 1 and inputs.max() <= _INT64.max:
        kept: Inputs = inputs.astype(np.int64)
        return kept, _classes(labels, where, y)
    with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite, and is refused
        kept = inputs.astype(np.float32)
    if not np.isfinite(kept).all():
        raise InputError(
            f"{where}{x} holds NaN, infinity or a magnitude above {np.finfo(np.float32).max:.3g}; "
            "every value must be finite"
        )
    return kept, _classes(labels, where, y)


def _classes(labels: npt.NDArray[Any], where: str, y: str) -> Labels:
    if labels.min() < 0 or labels.max() > MAX_CLASS:
        raise InputError(
            f"{where}{y} goes from {labels.min()} to {labels.max()}; classes must be integers "
            f"from 0 to {MAX_CLASS}"
        )
    return labels.astype(np.int64)


_WANTED = "it must be an .npz file with arrays x and y, and x_train and y_train to train with"


def load_data(path: str | Path, labelled: bool = True) -> Dataset:
    """Samples and their classes out of an ``.npz`` file, as ``numpy.savez`` writes it.

    It holds the test set as ``x``, of shape ``(N, ...)``, real numbers (see `LabelledData`), and
    ``y``, of shape ``(N,)``, integers from 0; a part to train with, if there is one, as
    ``x_train`` and ``y_train``. Where nobody reads the classes, ``labelled`` being false, they are
    not looked at, and are all 0.
    """
    file = regular_file("data", path, _WANTED)
    try:
        arrays = _read(file, labelled)
    except InputError:
        raise
    except PermissionError as error:
        raise InputError(f"`data` {path} cannot be read: {error.strerror}") from None
    # Whatever a damaged file makes NumPy and zipfile raise, from SyntaxError to MemoryError.
    except Exception as error:
        raise InputError(f"`data` {path} is damaged or of another kind; {_WANTED}") from error

    def part(x: str, y: str) -> LabelledData:
        return LabelledData(*checked(arrays[x], arrays[y], f"`data` {path}: ", (x, y)))

    train = part("x_train", "y_train") if "x_train" in arrays else None
    return Dataset(file.name, part("x", "y"), train)


def _read(file: Path, labelled: bool) -> dict[str, npt.NDArray[Any]]:
    """The arrays that are known, by name; labels of 0 where they do not matter."""
    with zipfile.ZipFile(file) as archive:
        members = {name.removesuffix(".npy"): name for name in archive.namelist()}
        pairs = (("x", ""), ("y", ""), ("x_train", "y_train"), ("y_train", "x_train"))
        for name, partner in pairs if labelled else pairs[:1]:
            if name not in members and (not partner or partner in members):
                held = ", ".join(list(members)[:8]) or "nothing"
                held += f" and {len(members) - 8} more" if len(members) > 8 else ""
                beside = f" beside {partner}" if partner else ""
                raise InputError(f"`data` {file} has no array {name}{beside}; it holds {held}")
        arrays = {}
        for name, _ in pairs if labelled else pairs[::2]:
            if name in members:
                with archive.open(members[name]) as stream:
                    arrays[name] = _array(file, name, stream)
    if not labelled:
        for name in list(arrays):
            arrays[name.replace("x", "y")] = np.zeros(arrays[name].shape[:1], np.int64)
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


TEST_SIZE = 797
_SEED = 0
# Mean and standard deviation of all pixels, of which the brightest is 1.
_MEAN, _DEVIATION = 0.3053, 0.3760


@functools.cache
def digits() -> Dataset:
    """1000 handwritten digits to train with and 797 to test with, ``(1, 8, 8)``, in 10 classes.

    They come with scikit-learn, so that nothing is downloaded: E. Alpaydin and C. Kaynak, "Optical
    Recognition of Handwritten Digits", UCI Machine Learning Repository, 1998 (doi 10.24432/C50P49),
    its test part, 1797 images of 8 x 8 pixels from 0 to 16.

    Pixels are scaled to ``[0, 1]``, then to mean 0 and standard deviation 1. The split is part of
    this package: every class has its share of both parts, and which image goes where depends on
    nothing but the order of the images in scikit-learn.

    Raises
    ------
    RnscliError
        If scikit-learn is not installed.

    Examples
    --------
    >>> data = digits()
    >>> data.train.inputs.shape, data.test.inputs.shape, data.test.classes
    ((1000, 1, 8, 8), (797, 1, 8, 8), 10)
    """
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        raise RnscliError(
            "the handwritten digits come with scikit-learn, which is not installed; "
            "install it with: pip install 'rnscli[torch]'"
        ) from None
    images, labels = load_digits(return_X_y=True)
    inputs = (np.reshape(images, (-1, 1, 8, 8)) / 16 - _MEAN) / _DEVIATION
    in_test, order = split(labels, TEST_SIZE)
    test, train = (order[in_test[order] == part] for part in (True, False))
    parts = (LabelledData(inputs[part], labels[part]) for part in (test, train))
    return Dataset("digits", *parts)


def split(labels: Labels, test_size: int) -> tuple[np.ndarray, np.ndarray]:
    """Which of N samples are for the test, as truth values, and a permutation of ``0..N-1``.

    Every class has its share of the test part, to within one sample: shares are rounded down, and
    the classes with the largest remainders get one more.
    """
    # Not `permutation`, whose algorithm NumPy may change.
    order = np.argsort(np.random.Generator(np.random.PCG64(_SEED)).random(len(labels)))
    counts = np.bincount(labels)
    taken, remainders = np.divmod(counts * test_size, len(labels))
    taken[np.argsort(-remainders, kind="stable")[: test_size - taken.sum()]] += 1
    in_test = np.zeros(len(labels), bool)
    for label, count in enumerate(taken):
        in_test[order[labels[order] == label][:count]] = True
    return in_test, order

"""Samples with labels, for training and for tests: of a user, and the handwritten digits."""

import functools
import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from rnscli.base import InputError, RnscliError, install_command
from rnscli.networks.shipped import EXTRA
from rnscli.networks.tasks import IGNORED

MAX_CLASS = 10**6

_INT64 = np.iinfo(np.int64)

Inputs = npt.NDArray[np.float32] | npt.NDArray[np.int64]
Labels = npt.NDArray[np.int64] | npt.NDArray[np.float32]
Logits = npt.NDArray[np.float32]


class StoredSamples(ABC):
    """Samples that stay in files until some of them are asked for: ``samples[3:8]``.

    It has what is asked of an array of inputs before it is computed with, and is taken for one.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    where: str  # what errors call it

    @abstractmethod
    def read(self, start: int, stop: int) -> npt.NDArray[Any]:
        """Some samples in order, as they are stored."""

    @abstractmethod
    def content(self) -> str:
        """Digest of all that decides what is read."""

    def __len__(self) -> int:
        return self.shape[0]

    @property
    def ndim(self) -> int:
        return len(self.shape)

    def __getitem__(self, part: slice) -> Inputs:
        start, stop, _ = part.indices(len(self))
        return kept_inputs(self.read(start, max(start, stop)), self.where, copied=False)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> npt.NDArray[Any]:
        return np.asarray(self[:], dtype)

    def astype(self, dtype: Any) -> "StoredSamples":
        return _Converted(self, np.dtype(dtype))


class _Converted(StoredSamples):
    def __init__(self, source: StoredSamples, dtype: np.dtype[Any]) -> None:
        self.source, self.shape, self.dtype, self.where = source, source.shape, dtype, source.where

    def read(self, start: int, stop: int) -> npt.NDArray[Any]:
        return self.source[start:stop].astype(self.dtype)

    def content(self) -> str:
        return f"{self.dtype} {self.source.content()}"


@dataclass(frozen=True, eq=False)
class LabelledData:
    """Samples and what is right of each.

    Parameters
    ----------
    inputs
        Array of shape ``(N, ...)`` of finite real numbers; kept as float32, or as int64 if they are
        whole numbers of more than 8 bits, such as tokens. Or `StoredSamples`, which are looked at
        when they are read.
    labels
        Array of shape ``(N, ...)``: integers are classes, from 0, where several belong to a sample
        with -100 for places that do not count; real numbers are values. ``None`` if there are none.

    Raises
    ------
    InputError
        If there are no samples, their number is not that of the labels, an input is not a finite
        number, or a label is neither a class nor a finite number.

    Examples
    --------
    >>> data = LabelledData(np.zeros((2, 8, 8)), np.array([3, 1]))
    >>> len(data), data.classes, data.inputs.dtype.name
    (2, 4, 'float32')
    >>> LabelledData(np.zeros((2, 3)), np.array([[0.5], [2.0]])).classes
    0
    """

    inputs: Inputs
    labels: Labels | None = None

    def __post_init__(self) -> None:
        inputs, labels = checked(self.inputs, self.labels, "", ("`inputs`", "`labels`"))
        object.__setattr__(self, "inputs", inputs)
        object.__setattr__(self, "labels", labels)

    def __len__(self) -> int:
        return len(self.inputs)

    def __getitem__(self, part: slice) -> "LabelledData":
        # Neither checked nor copied again, as all of them were.
        made = object.__new__(LabelledData)
        object.__setattr__(made, "inputs", self.inputs[part])
        object.__setattr__(made, "labels", None if self.labels is None else self.labels[part])
        return made

    @property
    def whole(self) -> bool:
        """Whether the inputs are whole numbers."""
        return self.inputs.dtype.kind == "i"

    def in_floats(self) -> "LabelledData":
        """The same with inputs as float32."""
        return LabelledData(self.inputs.astype(np.float32), self.labels)

    def loaded(self) -> "LabelledData":
        """The same with all inputs in memory."""
        return self[:] if isinstance(self.inputs, StoredSamples) else self

    @property
    def classes(self) -> int:
        """Number of classes that the labels need: the largest one, plus 1; 0 if they are none."""
        if self.labels is None or self.labels.dtype.kind == "f":
            return 0
        return max(0, int(self.labels.max()) + 1)

    def digest(self) -> str:
        """SHA-256 of the content, the same on every machine."""
        return self._digest

    @functools.cached_property
    def _digest(self) -> str:
        hasher = hashlib.sha256()
        for array in (self.inputs, self.labels):
            if isinstance(array, StoredSamples):
                hasher.update(array.content().encode())
            elif array is not None:
                kind = "<i8" if array.dtype.kind == "i" else "<f4"
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
    note
        A sentence about how the inputs were made from what is stored, for whoever reads results.

    Raises
    ------
    InputError
        If the samples of the two parts are of different shapes.
    """

    name: str
    test: LabelledData
    train: LabelledData | None = None
    note: str = ""

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
        return replace(self, test=self.test.in_floats(), train=train)

    def without_labels(self) -> "Dataset":
        """The same where nobody reads the labels, whatever they are."""
        train = None if self.train is None else LabelledData(self.train.inputs)
        return replace(self, test=LabelledData(self.test.inputs), train=train)

    def part_to_train(self) -> LabelledData:
        """The samples to train with; refused if there are none."""
        if self.train is None:
            raise InputError(
                f"`data` {self.name} has no samples to train with; give them as arrays x_train "
                "and y_train"
            )
        if self.train.labels is None:
            raise InputError(
                f"`data` {self.name} has samples to train with and no labels of them; give them as "
                "an array y_train"
            )
        return self.train.loaded()

    def digest(self) -> str:
        """SHA-256 of the content of all parts; the name is none."""
        parts = [part.digest() if part is not None else "" for part in (self.test, self.train)]
        return hashlib.sha256(" ".join(parts).encode()).hexdigest()


def checked(
    inputs: Any, labels: Any, where: str, names: tuple[str, str]
) -> tuple[Inputs, Labels | None]:
    """Samples and labels in the types that they are kept in; or a sentence why they are none.

    It begins with ``where``, such as the name of a file, and calls the two by their ``names``.
    """
    x = names[0]
    stored = isinstance(inputs, StoredSamples)
    inputs = inputs if stored else np.asarray(inputs)
    if inputs.dtype.kind not in "biuf":
        raise InputError(f"{where}{x} holds {inputs.dtype}; it must hold real numbers")
    if inputs.ndim < 2:
        raise InputError(
            f"{where}{x} has shape {inputs.shape}; it must be (N, ...), a sample a row"
        )
    if 0 in inputs.shape:
        raise InputError(
            f"{where}{x} has shape {inputs.shape}, which is empty; there must be at least one "
            "sample of at least one number"
        )
    if labels is not None:
        labels = _labels(np.asarray(labels), len(inputs), where, names)
    # Stored samples are looked at when they are read; they stand in the place of an array.
    return cast(Inputs, inputs) if stored else kept_inputs(inputs, f"{where}{x}"), labels


def kept_inputs(inputs: npt.NDArray[Any], where: str, copied: bool = True) -> Inputs:
    """Inputs in the type that they are kept in, all of them finite.

    A copy, which nobody else changes, unless they are not to be ``copied``.
    """
    if stays_whole(inputs.dtype) and inputs.max(initial=0) <= _INT64.max:
        return inputs.astype(np.int64, copy=copied)
    return _finite(inputs, where, copied)


def _finite(values: npt.NDArray[Any], where: str, copied: bool = True) -> npt.NDArray[np.float32]:
    """Values as float32, all of them finite."""
    with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite, and is refused
        kept = values.astype(np.float32, copy=copied)
    if not np.isfinite(kept).all():
        raise InputError(
            f"{where} holds NaN, infinity or a magnitude above {np.finfo(np.float32).max:.3g}; "
            "every value must be finite"
        )
    return kept


def stays_whole(dtype: np.dtype[Any]) -> bool:
    """Whether inputs of a type stay whole numbers; those of 8 bits are pixels."""
    return dtype.kind in "iu" and dtype.itemsize > 1


def _labels(labels: npt.NDArray[Any], samples: int, where: str, names: tuple[str, str]) -> Labels:
    x, y = names
    if labels.dtype.kind not in "iuf":
        raise InputError(
            f"{where}{y} holds {labels.dtype}; it must hold integers, a class each, or real numbers"
        )
    if labels.ndim < 1 or 0 in labels.shape:
        raise InputError(
            f"{where}{y} has shape {labels.shape}; labels must be (N, ...), with something for "
            "each sample"
        )
    if len(labels) != samples:
        raise InputError(
            f"{where}{x} has {samples} samples and {y} has {len(labels)} labels; there must "
            "be a label for each sample"
        )
    if labels.dtype.kind == "f":
        return _finite(labels, f"{where}{y}")
    counted = labels if labels.ndim == 1 else labels[labels != IGNORED]
    low, high = (int(counted.min()), int(counted.max())) if counted.size else (0, 0)
    if low < 0 or high > MAX_CLASS:
        several = "" if labels.ndim == 1 else f", or {IGNORED} for a place that does not count"
        raise InputError(
            f"{where}{y} goes from {low} to {high}; classes must be integers "
            f"from 0 to {MAX_CLASS}{several}"
        )
    return labels.astype(np.int64)


def chunks(samples: int, size: int = 1024) -> Iterator[slice]:
    """All samples in parts, in order."""
    return (slice(start, min(start + size, samples)) for start in range(0, samples, size))


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
            f"install it with: {install_command(EXTRA)}"
        ) from None
    images, labels = load_digits(return_X_y=True)
    inputs = (np.reshape(images, (-1, 1, 8, 8)) / 16 - _MEAN) / _DEVIATION
    in_test, order = split(labels, TEST_SIZE)
    test, train = (order[in_test[order] == part] for part in (True, False))
    parts = (LabelledData(inputs[part], labels[part]) for part in (test, train))
    return Dataset("digits", next(parts), next(parts))


def split(labels: npt.NDArray[Any], test_size: int) -> tuple[np.ndarray, np.ndarray]:
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

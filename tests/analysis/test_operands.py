import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from rnscli.analysis.operands import DISTRIBUTIONS, GivenOperands, load_operands
from rnscli.core.errors import InputError

GOOD = np.random.default_rng(1).normal(size=(5, 7))


def assert_one_sentence(error: InputError, names: str) -> None:
    """It names the file or array, and fits a line of a terminal's scroll-back."""
    message = str(error)
    assert names in message
    assert "\n" not in message
    assert 20 < len(message) < 400
    assert not message.endswith(".")


# Files that are read -----------------------------------------------------------------------------


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("as_path", [Path, str])
def test_a_good_file(
    tmp_path: Path, save: Callable[..., None], as_path: Callable[[Path], Path | str]
) -> None:
    path = tmp_path / "operands.npz"
    save(path, x=GOOD, w=GOOD + 1, something_else=np.arange(3))
    operands = load_operands(as_path(path))
    np.testing.assert_array_equal(operands.x, GOOD)
    np.testing.assert_array_equal(operands.w, GOOD + 1)
    assert operands.name == str(path)


def test_rows_are_drawn_in_order(tmp_path: Path) -> None:
    path = tmp_path / "operands.npz"
    np.savez(path, x=GOOD, w=-GOOD)
    x, w = load_operands(path).draw(np.random.default_rng(0), 2, 2, 7)
    np.testing.assert_array_equal(x, GOOD[2:4])
    np.testing.assert_array_equal(w, -GOOD[2:4])


@pytest.mark.parametrize("dtype", ["int8", "uint64", "int64", "float16", "float32", "bool", ">f8"])
def test_other_numbers_are_taken_as_floats(tmp_path: Path, dtype: str) -> None:
    path = tmp_path / "operands.npz"
    whole = np.array([[0, 1, 1], [1, 0, 1]]).astype(dtype)
    np.savez(path, x=whole, w=whole)
    x, _ = load_operands(path).draw(np.random.default_rng(0), 0, 2, 3)
    assert x.dtype == np.float64
    np.testing.assert_array_equal(x, [[0.0, 1.0, 1.0], [1.0, 0.0, 1.0]])


# Files that are refused --------------------------------------------------------------------------


def missing(path: Path) -> None:
    del path


def directory(path: Path) -> None:
    path.mkdir()


def empty(path: Path) -> None:
    path.touch()


def text(path: Path) -> None:
    path.write_text("x,w\n1,2\n", encoding="utf-8")


def single_array(path: Path) -> None:
    """A renamed .npy file."""
    with path.open("wb") as file:
        np.save(file, GOOD)


def pickle(path: Path) -> None:
    path.write_bytes(b"\x80\x04\x95\x0b\x00\x00\x00\x00\x00\x00\x00}\x94\x8c\x01x\x94K\x01s.")


def truncated(path: Path) -> None:
    np.savez(path, x=GOOD, w=GOOD)
    path.write_bytes(path.read_bytes()[:-100])


def bad_checksum(path: Path) -> None:
    np.savez(path, x=GOOD, w=GOOD)
    content = path.read_bytes()
    place = content.index(GOOD.tobytes())
    path.write_bytes(content[:place] + bytes(8) + content[place + 8 :])


def bad_compression(path: Path) -> None:
    """The first byte of a deflate stream says an impossible block type."""
    np.savez_compressed(path, x=GOOD, w=GOOD)
    with zipfile.ZipFile(path) as archive:
        member = archive.getinfo("x.npy")
    content = bytearray(path.read_bytes())
    header = content[member.header_offset : member.header_offset + 30]
    lengths = int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little")
    content[member.header_offset + 30 + lengths] = 0x07
    path.write_bytes(content)


def bad_header(path: Path) -> None:
    """Sound archive, but the description of the array breaks off."""
    stream = io.BytesIO()
    np.save(stream, GOOD)
    broken = stream.getvalue().replace(b"'shape': (5, 7), }", b"'shape': (5, 7(((  ")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x.npy", broken)
        archive.writestr("w.npy", stream.getvalue())


def huge_header(path: Path) -> None:
    """A few bytes that claim to be an array of 8e17 bytes."""
    stream = io.BytesIO()
    header = {"descr": "<f8", "fortran_order": False, "shape": (10**10, 10**7)}
    np.lib.format.write_array_header_1_0(stream, header)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x.npy", stream.getvalue())
        archive.writestr("w.npy", stream.getvalue())


def encrypted(path: Path) -> None:
    """The flag is enough: no password is ever asked for."""
    np.savez(path, x=GOOD, w=GOOD)
    content = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = content.find(signature)
        while place >= 0:
            content[place + offset] |= 1
            place = content.find(signature, place + 1)
    path.write_bytes(content)


def objects(path: Path) -> None:
    np.savez(path, x=np.array([[1, "a"]], dtype=object), w=GOOD)


def no_w(path: Path) -> None:
    np.savez(path, x=GOOD, weights=GOOD)


def nothing_inside(path: Path) -> None:
    np.savez(path)


def not_an_array_inside(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x", "one")
        archive.writestr("w", "two")


UNREADABLE = [
    missing,
    directory,
    empty,
    text,
    single_array,
    pickle,
    truncated,
    bad_checksum,
    bad_compression,
    bad_header,
    huge_header,
    encrypted,
    objects,
    no_w,
    nothing_inside,
    not_an_array_inside,
]


@pytest.mark.parametrize("make", UNREADABLE, ids=lambda make: make.__name__)
def test_unreadable_files_are_refused(tmp_path: Path, make: Callable[[Path], None]) -> None:
    path = tmp_path / "operands.npz"
    make(path)
    with pytest.raises(InputError) as caught:
        load_operands(path)
    assert_one_sentence(caught.value, str(path))


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (missing, "does not exist"),
        (directory, "is a directory"),
        (single_array, "single array"),
        (no_w, "no array w; it holds x, weights"),
        (nothing_inside, "no array x; it holds nothing"),
    ],
)
def test_the_reason_is_named(tmp_path: Path, make: Callable[[Path], None], says: str) -> None:
    path = tmp_path / "operands.npz"
    make(path)
    with pytest.raises(InputError, match=says):
        load_operands(path)


# Values that are refused -------------------------------------------------------------------------


def with_value(value: object) -> np.ndarray:
    changed = GOOD.astype(np.result_type(GOOD, np.asarray(value)))
    changed[3, 2] = value
    return changed


WRONG = [
    (np.arange(5.0), "shape (5,)"),
    (np.float64(3.0), "shape ()"),
    (GOOD[None], "shape (1, 5, 7)"),
    (np.empty((0, 7)), "shape (0, 7)"),
    (np.empty((5, 0)), "shape (5, 0)"),
    (with_value(np.nan), "NaN"),
    (with_value(np.inf), "infinity"),
    (with_value(-np.inf), "infinity"),
    (with_value(2e70), "1e+70"),
    (with_value(1j), "complex128"),
    (np.array([["1.0", "2.0"]]), "<U3"),
    (np.zeros((5, 7), dtype="datetime64[s]"), "datetime64[s]"),
    (np.zeros((5, 7), dtype=[("a", "f8")]), "dtype [('a', '<f8')]"),
]


@pytest.mark.parametrize(("array", "says"), WRONG, ids=[says for _, says in WRONG])
@pytest.mark.parametrize("label", ["x", "w"])
def test_wrong_arrays_are_refused(tmp_path: Path, label: str, array: np.ndarray, says: str) -> None:
    path = tmp_path / "operands.npz"
    arrays = {"x": GOOD, "w": GOOD, label: array}
    np.savez(path, **arrays)
    with pytest.raises(InputError) as caught:
        load_operands(path)
    assert_one_sentence(caught.value, f"{path}: {label} ")
    assert says in str(caught.value)
    with pytest.raises(InputError):
        GivenOperands(**arrays)


def test_different_shapes_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "operands.npz"
    np.savez(path, x=GOOD, w=GOOD[:4])
    with pytest.raises(InputError) as caught:
        load_operands(path)
    assert_one_sentence(caught.value, str(path))
    assert "(5, 7)" in str(caught.value)
    assert "(4, 7)" in str(caught.value)


def test_the_largest_magnitude_is_accepted() -> None:
    largest = np.array([[1e70, -1e70]])
    assert GivenOperands(largest, largest).x.tolist() == [[1e70, -1e70]]


def test_operands_whose_squared_errors_would_underflow_are_refused() -> None:
    tiny = np.array([[1e-71, -1e-300]])
    with pytest.raises(InputError, match="scale it to 1e-70 or more"):
        GivenOperands(tiny, np.ones((1, 2)))
    assert GivenOperands(np.zeros((1, 2)), np.ones((1, 2))).x.tolist() == [[0.0, 0.0]]


# Random operands ---------------------------------------------------------------------------------

# Variances of the laws: uniform on [-1, 1), standard normal, Laplace of scale 1.
VARIANCE = {"uniform": 1 / 3, "normal": 1.0, "laplace": 2.0}
EXCESS = {"uniform": -1.2, "normal": 0.0, "laplace": 3.0}


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_moments_of_the_distributions(name: str) -> None:
    """Within 5 standard errors; 200 000 values of each."""
    for values in DISTRIBUTIONS[name].draw(np.random.default_rng(2), 0, 2000, 100):
        assert values.shape == (2000, 100)
        variance = VARIANCE[name]
        assert abs(values.mean()) < 5 * (variance / values.size) ** 0.5
        error = variance * ((EXCESS[name] + 2) / values.size) ** 0.5
        assert abs(values.var() - variance) < 5 * error
        if name == "uniform":
            assert -1 <= values.min() < -0.999 < 0.999 < values.max() < 1


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_inputs_and_weights_are_independent(name: str) -> None:
    x, w = DISTRIBUTIONS[name].draw(np.random.default_rng(4), 0, 1000, 100)
    assert abs(np.corrcoef(x.ravel(), w.ravel())[0, 1]) < 5 / x.size**0.5


def test_a_part_keeps_its_row_numbers() -> None:
    x = np.arange(1.0, 21.0).reshape(10, 2)
    whole = GivenOperands(x, -x)
    part = whole.rows(4, 3)
    rng = np.random.default_rng(0)
    for start, pairs in ((4, 3), (5, 1)):
        for ours, theirs in zip(
            part.draw(rng, start, pairs, 2), whole.draw(rng, start, pairs, 2), strict=True
        ):
            assert ours.tolist() == theirs.tolist()
    assert part.x.shape == (3, 2)

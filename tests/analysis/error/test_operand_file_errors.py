"""Files of operands that are refused, each in one sentence."""

import io
import json
import os
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from refusals import assert_one_sentence
from safetensors.numpy import save_file

from rnscli.analysis.error import operand_files
from rnscli.analysis.error.operand_files import load_operands
from rnscli.base.errors import InputError

GOOD = np.random.default_rng(1).normal(size=(5, 7))


def assert_refused(path: Path | str, says: str = "") -> None:
    """When it is opened, so before anything is computed."""
    with pytest.raises(InputError) as caught:
        load_operands(path)
    assert_one_sentence(caught.value, str(path))
    assert says in str(caught.value)


# Archives of NumPy -------------------------------------------------------------------------------


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


def short_member(path: Path) -> None:
    """Arrays that would reach into the next member of the archive, and into its directory."""
    stream = io.BytesIO()
    np.save(stream, GOOD)
    longer = stream.getvalue().replace(b"'shape': (5, 7)", b"'shape': (6, 7)")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x.npy", longer)
        archive.writestr("w.npy", longer)


def header_in_rubbish(path: Path) -> None:
    """The directory of the archive points to where no member is."""
    np.savez(path, x=GOOD, w=GOOD)
    content = bytearray(path.read_bytes())
    place = content.index(b"PK\x01\x02") + 42
    content[place : place + 4] = (200).to_bytes(4, "little")
    path.write_bytes(content)


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
    encrypt(path)


def encrypt(path: Path) -> None:
    content = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = content.find(signature)
        while place >= 0:
            content[place + offset] |= 1
            place = content.find(signature, place + 1)
    path.write_bytes(content)


def objects(path: Path) -> None:
    np.savez(path, x=np.array([[1, "a"]], dtype=object), w=GOOD)


def packed_objects(path: Path) -> None:
    np.savez_compressed(path, x=np.array([[1, "a"]], dtype=object), w=GOOD)


def encrypted_and_packed(path: Path) -> None:
    np.savez_compressed(path, x=GOOD, w=GOOD)
    encrypt(path)


def no_w(path: Path) -> None:
    np.savez(path, x=GOOD, weights=GOOD)


def nothing_inside(path: Path) -> None:
    np.savez(path)


def not_an_array_inside(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x", "one")
        archive.writestr("w", "two")


def make_of(make: Callable[..., Any]) -> str:
    return make.__name__


UNREADABLE = [
    missing, directory, empty, text, single_array, pickle, truncated, bad_checksum, short_member,
    header_in_rubbish, bad_compression, bad_header, huge_header, encrypted, encrypted_and_packed,
    objects, packed_objects, no_w, nothing_inside, not_an_array_inside,
]  # fmt: skip


@pytest.mark.parametrize("make", UNREADABLE, ids=make_of)
def test_unreadable_archives_are_refused(tmp_path: Path, make: Callable[[Path], None]) -> None:
    path = tmp_path / "operands.npz"
    make(path)
    assert_refused(path)


@pytest.mark.parametrize("make", [m for m in UNREADABLE if m is not bad_checksum], ids=make_of)
def test_large_archives_are_refused_though_their_checksums_are_not_looked_at(
    tmp_path: Path, make: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operand_files, "_CHECKED_SIZE", 0)
    path = tmp_path / "operands.npz"
    make(path)
    assert_refused(path)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (missing, "does not exist"),
        (directory, "is a directory"),
        (single_array, "of another kind; it must be an .npz file with arrays x and w"),
        (no_w, "no array w; it holds x, weights"),
        (nothing_inside, "no array x; it holds nothing"),
    ],
)
def test_the_reason_is_named(tmp_path: Path, make: Callable[[Path], None], says: str) -> None:
    path = tmp_path / "operands.npz"
    make(path)
    assert_refused(path, says)


# Single arrays -----------------------------------------------------------------------------------


def npy_with(header: dict[str, Any], data: bytes = b"") -> Callable[[Path], None]:
    def make(path: Path) -> None:
        whole = {"descr": "<f8", "fortran_order": False, "shape": (2, 5, 7)} | header
        with path.open("wb") as file:
            np.lib.format.write_array_header_1_0(file, whole)
            file.write(data)

    return make


def cut_npy(path: Path) -> None:
    np.save(path, np.stack((GOOD, GOOD)))
    os.truncate(path, path.stat().st_size - 1)


def npy_of_objects(path: Path) -> None:
    np.save(path, np.array([[[1, "a"]], [[2, "b"]]], dtype=object))


def unknown_version(path: Path) -> None:
    np.save(path, np.stack((GOOD, GOOD)))
    content = bytearray(path.read_bytes())
    content[6] = 9
    path.write_bytes(content)


def saved(array: Any) -> Callable[[Path], None]:
    return lambda path: np.save(path, array)


BAD_NPY = {
    "missing": (missing, "does not exist"),
    "directory": (directory, "is a directory"),
    "empty": (empty, "(2, N, h)"),
    "text": (text, "(2, N, h)"),
    "pickle": (pickle, "(2, N, h)"),
    "cut": (cut_npy, "damaged"),
    "objects": (npy_of_objects, "damaged or of another kind"),
    "unknown version": (unknown_version, "damaged"),
    "header only": (npy_with({}), "damaged"),
    "larger than the file": (npy_with({"shape": (2, 10**9, 10**9)}, bytes(100)), "damaged"),
    "shape of text": (npy_with({"shape": "abc"}), "damaged"),
    "negative shape": (npy_with({"shape": (2, -5, -7)}, bytes(560)), "x has shape (-5, -7)"),
    "matrix": (saved(GOOD), "an array of shape (5, 7); it must be (2, N, h)"),
    "three of them": (saved(np.zeros((3, 5, 7))), "an array of shape (3, 5, 7)"),
    "four axes": (saved(np.zeros((2, 5, 7, 1))), "an array of shape (2, 5, 7, 1)"),
    "no rows": (saved(np.zeros((2, 0, 7))), "shape (0, 7)"),
    "number": (saved(np.float64(1)), "an array of shape ()"),
    "structured": (saved(np.zeros((2, 5, 7), [("a", "f8")])), "dtype [('a', '<f8')]"),
    "complex": (saved(np.zeros((2, 5, 7), complex)), "dtype complex128"),
    "words": (saved(np.full((2, 5, 7), "one")), "dtype <U3"),
}


@pytest.mark.parametrize("name", BAD_NPY)
def test_unreadable_arrays_are_refused(tmp_path: Path, name: str) -> None:
    make, says = BAD_NPY[name]
    path = tmp_path / "both.npy"
    make(path)
    assert_refused(path, says)


@pytest.mark.parametrize(
    ("x", "w", "says"),
    [
        ("x.npy", "missing.npy", "missing.npy does not exist"),
        ("x.npy", "short.npy", "x has shape (5, 7) and w (4, 7)"),
        ("both.npy", "x.npy", "x has shape (2, 5, 7)"),
        ("x.npy", "cut.npy", "damaged"),
        ("x.npy", "x.npz", "of an unknown kind"),
        ("x.npy", "x.npy+x.npy", "of an unknown kind"),
    ],
)
def test_unreadable_pairs_of_arrays_are_refused(tmp_path: Path, x: str, w: str, says: str) -> None:
    np.save(tmp_path / "x.npy", GOOD)
    np.save(tmp_path / "short.npy", GOOD[:4])
    np.save(tmp_path / "both.npy", np.stack((GOOD, GOOD)))
    np.savez(tmp_path / "x.npz", x=GOOD, w=GOOD)
    cut_npy(tmp_path / "cut.npy")
    with pytest.raises(InputError) as caught:
        load_operands("+".join(str(tmp_path / part) for part in (x, *w.split("+"))))
    assert_one_sentence(caught.value, str(tmp_path))
    assert says in str(caught.value)


@pytest.mark.parametrize("name", ["operands.txt", "operands", "operands.pt"])
def test_unknown_suffixes_are_refused(tmp_path: Path, name: str) -> None:
    text(tmp_path / name)
    assert_refused(tmp_path / name, "it must end in .npz, .npy, .safetensors")


# Safetensors -------------------------------------------------------------------------------------

TENSOR = {"dtype": "F64", "shape": [5, 7], "data_offsets": [0, 280]}


def tensors(**changed: Any) -> Callable[[Path], None]:
    """Both are the same 280 bytes, but for what is changed in x."""

    def make(path: Path) -> None:
        header = json.dumps({"x": TENSOR | changed, "w": TENSOR}).encode()
        path.write_bytes(len(header).to_bytes(8, "little") + header + GOOD.tobytes())

    return make


def raw(content: bytes) -> Callable[[Path], None]:
    return lambda path: path.write_bytes(content) and None


def cut_tensors(path: Path) -> None:
    save_file({"x": GOOD, "w": GOOD}, path)
    os.truncate(path, path.stat().st_size - 1)


def no_tensor_w(path: Path) -> None:
    save_file({"x": GOOD, "weights": GOOD}, path, metadata={"w": "not a tensor"})


def header_of(text: str) -> Callable[[Path], None]:
    return raw(len(text).to_bytes(8, "little") + text.encode() + bytes(280))


BAD_SAFETENSORS = {
    "missing": (missing, "does not exist"),
    "directory": (directory, "is a directory"),
    "empty": (empty, "damaged or of another kind; it must be a .safetensors file"),
    "text": (text, "damaged"),
    "archive": (lambda path: np.savez(path.open("wb"), x=GOOD, w=GOOD), "damaged"),
    "header beyond the file": (raw((2**60).to_bytes(8, "little") + b"{}"), "damaged"),
    "header cut": (raw((100).to_bytes(8, "little") + b"{" * 95), "damaged"),
    "header not JSON": (header_of("{x: 1}"), "damaged"),
    "header a list": (header_of("[1, 2]"), "damaged"),
    "header a number": (header_of("17"), "damaged"),
    "nothing": (header_of("{}"), "has no tensor x; it holds nothing"),
    "no w": (no_tensor_w, "has no tensor w; it holds weights, x"),
    "tensor a text": (header_of('{"x": "abc", "w": "def"}'), "damaged"),
    "cut": (cut_tensors, "damaged"),
    "8-bit floats": (tensors(dtype="F8_E4M3"), "x has dtype F8_E4M3; it must be one of F64"),
    "dtype a list": (tensors(dtype=["F64"]), "damaged"),
    "other size": (tensors(shape=[5, 8]), "damaged"),
    "offsets cross": (tensors(data_offsets=[280, 0]), "damaged"),
    "offsets beyond": (tensors(data_offsets=[280, 560]), "damaged"),
    "offsets before": (tensors(data_offsets=[-8, 272]), "damaged"),
    "offsets no integers": (tensors(data_offsets=[0.0, 280.0]), "damaged"),
    "offsets missing": (tensors(data_offsets=[0]), "damaged"),
    "shape no integers": (tensors(shape=[5.0, 7.0]), "damaged"),
    "shape huge": (tensors(shape=[10**30, 7]), "damaged"),
    "shape negative": (tensors(shape=[-5, -7]), "x has shape (-5, -7)"),
    "vector": (tensors(shape=[35]), "x has shape (35,)"),
    "three axes": (tensors(shape=[1, 5, 7]), "x has shape (1, 5, 7)"),
    "number": (tensors(shape=[], data_offsets=[0, 8]), "x has shape ()"),
    "other shape": (tensors(shape=[7, 5]), "x has shape (7, 5) and w (5, 7)"),
}


@pytest.mark.parametrize("name", BAD_SAFETENSORS)
def test_unreadable_tensors_are_refused(tmp_path: Path, name: str) -> None:
    make, says = BAD_SAFETENSORS[name]
    path = tmp_path / "operands.safetensors"
    make(path)
    assert_refused(path, says)


# Damage that shows when rows are read ------------------------------------------------------------


def assert_rows_refused(path: Path, start: int, count: int, says: str) -> None:
    operands = load_operands(path)
    with pytest.raises(InputError) as caught:
        operands.rows(start, count)
    assert_one_sentence(caught.value, f"operands {path}")
    assert says in str(caught.value)


LARGE = np.random.default_rng(2).normal(size=(2500, 10))  # more than is unpacked ahead


def packed(path: Path) -> bytearray:
    np.savez_compressed(path, x=LARGE, w=LARGE)
    return bytearray(path.read_bytes())


def test_a_wrong_checksum_shows_with_the_last_row(tmp_path: Path) -> None:
    path = tmp_path / "operands.npz"
    content = packed(path)
    content[content.index(b"PK\x01\x02") + 16] ^= 1
    path.write_bytes(content)
    assert_rows_refused(path, 0, 2500, "cannot be read: Bad CRC-32")


def test_a_stream_that_cannot_be_unpacked(tmp_path: Path) -> None:
    """Sound for the first half, and then a block of an impossible type."""
    path, plain = tmp_path / "operands.npz", io.BytesIO()
    np.save(plain, LARGE)
    packer = zlib.compressobj(wbits=-15)
    stream = packer.compress(plain.getvalue()[:100_000]) + packer.flush(zlib.Z_FULL_FLUSH)
    content = packed(path)
    lengths = [int.from_bytes(content[at : at + 2], "little") for at in (26, 28)]
    begin = 30 + sum(lengths)  # x is the first member
    content[begin : begin + len(stream) + 1] = stream + b"\x07"
    path.write_bytes(content)
    assert load_operands(path).rows(0, 1000).x.tolist() == LARGE[:1000].tolist()
    assert_rows_refused(path, 0, 2500, "cannot be read: Error -3 while decompressing")


def test_a_file_that_is_cut_or_gone_after_it_was_opened(tmp_path: Path) -> None:
    path = tmp_path / "both.npy"
    np.save(path, np.stack((GOOD, GOOD)))
    operands = load_operands(path)
    for spoil in (lambda: os.truncate(path, 200), path.unlink):
        spoil()
        with pytest.raises(InputError) as caught:
            operands.rows(0, 2)
        assert_one_sentence(caught.value, f"operands {path} cannot be read: ")


@pytest.mark.parametrize("value", [np.nan, np.inf, 2e70])
def test_values_are_refused_where_they_are(tmp_path: Path, value: float) -> None:
    path, changed = tmp_path / "operands.safetensors", GOOD.copy()
    changed[3, 2] = value
    save_file({"x": GOOD, "w": changed}, path)
    operands = load_operands(path)
    assert operands.rows(0, 3).shape == (3, 7)
    assert operands.rows(4, 1).shape == (1, 7)
    assert_rows_refused(path, 3, 1, "w holds NaN, infinity or a magnitude above 1e+70")

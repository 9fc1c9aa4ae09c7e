"""Operands in files that may be larger than memory: rows are read when they are needed.

``.npz`` (NumPy, arrays x and w), ``.npy`` (one array of shape ``(2, N, h)``, or two files joined
by a plus, x first) and ``.safetensors`` (tensors x and w). Arrays are mapped into memory where the
file holds them as they are; members of a compressed ``.npz`` are unpacked as a stream.
"""

import json
import operator
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
from numpy.lib import format as npy

from rnscli.analysis.error.operands import LABELS, GivenOperands, check_matrices, refusal
from rnscli.base import InputError, problem_of
from rnscli.core import FloatArray

_CHECKED_SIZE = 1 << 28  # bytes of a member of an .npz whose checksum is looked at

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class _Mapped:
    """A matrix that a file holds as it is in memory."""

    path: Path
    offset: int
    stored_shape: tuple[int, ...]
    stored_dtype: np.dtype[Any]
    order: Literal["C", "F"] = "C"
    index: int | None = None  # into the first axis, where there are three
    bfloat16: bool = False

    @property
    def shape(self) -> tuple[int, ...]:
        return self.stored_shape if self.index is None else self.stored_shape[1:]

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(np.float32) if self.bfloat16 else self.stored_dtype

    def read(self, start: int, count: int) -> Array:
        whole: Array = np.memmap(
            self.path, self.stored_dtype, "r", self.offset, self.stored_shape, self.order
        )
        matrix = whole if self.index is None else whole[self.index]
        rows = np.array(matrix[start : start + count])
        if self.bfloat16:  # the upper half of a float32
            rows = (rows.astype(np.uint32) << 16).view(np.float32)
        return rows


@dataclass
class _Packed:
    """A compressed member of an archive, unpacked from its beginning as far as it is needed."""

    path: Path
    member: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    _stream: IO[bytes] | None = field(default=None, repr=False)
    _row: int = 0  # that the stream is at

    def read(self, start: int, count: int) -> Array:
        stream = self._stream
        if stream is None or start < self._row:
            if stream is not None:
                stream.close()
            with zipfile.ZipFile(self.path) as archive:
                stream = self._stream = archive.open(self.member)  # which outlives the archive
            _npy_header(stream)
            self._row = 0
        width = self.shape[1] * self.dtype.itemsize
        behind = (start - self._row) * width
        while behind:
            behind -= len(_exactly(stream, min(behind, 1 << 20)))
        rows = _exactly(stream, min(count, self.shape[0] - start) * width)
        self._row = min(start + count, self.shape[0])
        return np.frombuffer(rows, self.dtype).reshape(-1, self.shape[1])


def _exactly(stream: IO[bytes], size: int) -> bytes:
    data = stream.read(size)
    if len(data) < size:
        raise ValueError("the file ends early")
    return data


_Rows = _Mapped | _Packed | Array  # an array where the file could not be read in parts


@dataclass(frozen=True, eq=False)
class FileOperands:
    """Operands in a file, of which only the rows that are needed are read and checked.

    Parameters
    ----------
    x, w
        The stored matrices, of the same shape ``(N, h)``.
    name
        The file, for reports.
    """

    unit: ClassVar[float] = 1.0
    drawn: ClassVar[bool] = False
    x: _Rows
    w: _Rows
    name: str

    def __post_init__(self) -> None:
        check_matrices(self.name, self.x, self.w)

    @property
    def shape(self) -> tuple[int, int]:
        """Number of rows N and their length h."""
        return self.x.shape[0], self.x.shape[1]

    @property
    def is_file(self) -> bool:
        """Whether other processes of this machine can read the rows by themselves."""
        return isinstance(self.x, _Mapped) and isinstance(self.w, _Mapped)

    def rows(self, start: int, count: int) -> GivenOperands:
        """Some rows, in memory.

        Raises
        ------
        InputError
            If the file has become unreadable, or a value is NaN, infinite or too large.
        """
        try:
            x, w = _read(self.x, start, count), _read(self.w, start, count)
        except Exception as error:  # as many kinds as there are of compression
            raise refusal(f"{self.name} cannot be read: {error}") from None
        return GivenOperands(x, w, self.name, start)

    def fill(self, rng: np.random.Generator, start: int, tile: FloatArray) -> None:
        self.rows(start, tile.shape[1]).fill(rng, start, tile)


def _read(rows: _Rows, start: int, count: int) -> Array:
    if isinstance(rows, np.ndarray):
        return rows[start : start + count]
    return rows.read(start, count)


def load_operands(path: str | Path) -> FileOperands:
    """Open a file of operands: matrices x and w of shape ``(N, h)``.

    Parameters
    ----------
    path
        An ``.npz`` or ``.safetensors`` file with x and w, an ``.npy`` file with both in an array
        of shape ``(2, N, h)``, or two ``.npy`` files, ``x.npy+w.npy``.

    Raises
    ------
    InputError
        If a file cannot be read, is not such a file, or holds something else.
    """
    name = str(path)
    parts = name.split("+") if ".npy+" in name else [name]
    files = [Path(part).absolute() for part in parts]  # wherever a reader will be then
    for file in files:
        if problem := problem_of(file):
            raise refusal(f"file {file} {problem}; it must be an .npz, .npy or .safetensors file")
    suffix = files[-1].suffix.lower()
    if suffix not in SUFFIXES or (len(files) > 1 and (suffix != ".npy" or len(files) != 2)):
        raise refusal(f"file {name} is of an unknown kind; it must end in {', '.join(SUFFIXES)}")
    opened, wanted = _OPENERS[suffix]
    try:
        x, w = opened(files)
    except InputError:
        raise
    except PermissionError as error:
        raise refusal(f"file {name} cannot be read: {error.strerror}") from None
    # Whatever a damaged file makes NumPy, zipfile and json raise, from SyntaxError to MemoryError;
    # NumPy's own sentences are for programmers, and advise to load pickles.
    except Exception:
        raise refusal(f"file {name} is damaged or of another kind; {wanted}") from None
    return FileOperands(x, w, name)


def _npy_header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Shape, whether the order is Fortran's, and dtype; the data follow."""
    first = npy.read_magic(file) == (1, 0)
    read = npy.read_array_header_1_0 if first else npy.read_array_header_2_0
    shape, fortran, dtype = read(file)
    if dtype.hasobject:
        raise ValueError("it holds Python objects")
    return shape, fortran, dtype


def _mapped_npy(path: Path, offset: int = 0, size: int | None = None) -> _Mapped:
    with path.open("rb") as file:
        file.seek(offset)
        shape, fortran, dtype = _npy_header(file)
        begin = file.tell()
    mapped = _Mapped(path, begin, shape, dtype, "F" if fortran else "C")
    end = path.stat().st_size
    if size is not None:  # a member of an archive ends before the next one
        end = min(end, offset + size)
    if end < begin + dtype.itemsize * int(np.prod(shape, dtype=object)):
        raise ValueError("the file ends early")
    return mapped


def _open_npy(files: list[Path]) -> tuple[_Rows, _Rows]:
    arrays = [_mapped_npy(file) for file in files]
    if len(arrays) == 2:
        return arrays[0], arrays[1]
    (both,) = arrays
    if len(both.shape) != 3 or both.shape[0] != 2:
        raise refusal(
            f"file {files[0]} has an array of shape {both.shape}; it must be (2, N, h), inputs "
            "first, or give two files as x.npy+w.npy"
        )
    return replace(both, index=0), replace(both, index=1)


def _open_npz(files: list[Path]) -> tuple[_Rows, _Rows]:
    (path,) = files
    with zipfile.ZipFile(path) as archive:
        found = {name.removesuffix(".npy"): archive.getinfo(name) for name in archive.namelist()}
        _check_labels(path, "array", list(found))
        x, w = (_member(path, archive, found[label]) for label in LABELS)
    return x, w


def _member(path: Path, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> _Rows:
    if info.flag_bits & 1:
        raise ValueError("the member is encrypted")
    if info.compress_type == zipfile.ZIP_STORED:
        if info.file_size <= _CHECKED_SIZE:
            with archive.open(info) as member:
                while member.read(1 << 20):  # to its end, where the checksum is compared
                    pass
        with path.open("rb") as file:
            # The local header repeats the name, and has an extra field of its own length.
            file.seek(info.header_offset + 26)
            name, extra = (int.from_bytes(file.read(2), "little") for _ in range(2))
        return _mapped_npy(path, info.header_offset + 30 + name + extra, info.file_size)
    with archive.open(info) as stream:
        shape, fortran, dtype = _npy_header(stream)
        if fortran or len(shape) != 2:
            with archive.open(info) as whole:
                array: Array = npy.read_array(whole, allow_pickle=False)
                return array
    return _Packed(path, info.filename, shape, dtype)


# The format is a length, a JSON object and the raw data. The library of its authors has no
# bfloat16 for NumPy, which is what networks are published in.
_SAFETENSORS = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2", "I64": "<i8", "I32": "<i4",
    "I16": "<i2", "I8": "i1", "U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "u1", "BOOL": "?",
}  # fmt: skip


def _open_safetensors(files: list[Path]) -> tuple[_Rows, _Rows]:
    (path,) = files
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if length > path.stat().st_size:
            raise ValueError("the header ends beyond the file")
        header = json.loads(file.read(length))
    header.pop("__metadata__", None)
    _check_labels(path, "tensor", list(header))
    tensors = []
    for label in LABELS:
        tensor = header[label]
        kind = tensor["dtype"]
        if kind not in _SAFETENSORS:
            raise refusal(
                f"file {path}: {label} has dtype {kind}; "
                f"it must be one of {', '.join(_SAFETENSORS)}"
            )
        begin, end = map(operator.index, tensor["data_offsets"])
        shape, dtype = tuple(map(operator.index, tensor["shape"])), np.dtype(_SAFETENSORS[kind])
        size = dtype.itemsize * int(np.prod(shape, dtype=object))
        if begin < 0 or end - begin != size or 8 + length + end > path.stat().st_size:
            raise ValueError("the data lie elsewhere")
        tensors.append(_Mapped(path, 8 + length + begin, shape, dtype, bfloat16=kind == "BF16"))
    return tensors[0], tensors[1]


def _check_labels(path: Path, what: str, found: list[str]) -> None:
    for label in LABELS:
        if label not in found:
            held = ", ".join(found[:8]) + (", ..." if len(found) > 8 else "") or "nothing"
            raise refusal(f"file {path} has no {what} {label}; it holds {held}")


_Opener = Callable[[list[Path]], tuple[_Rows, _Rows]]
_OPENERS: dict[str, tuple[_Opener, str]] = {
    ".npz": (_open_npz, "it must be an .npz file with arrays x and w of numbers"),
    ".npy": (_open_npy, "it must be an .npy file with an array of shape (2, N, h) of numbers"),
    ".safetensors": (_open_safetensors, "it must be a .safetensors file with tensors x and w"),
}
SUFFIXES = tuple(_OPENERS)

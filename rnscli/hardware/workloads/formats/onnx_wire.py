"""ONNX files without their weights, so that a network of any size is read in little memory."""

import mmap
from collections.abc import Iterator
from pathlib import Path

from rnscli.base import InputError, problem_of

MAX_BYTES = 1 << 27  # of all but weights; 10^5 nodes take some 2^24
_LARGEST_KEPT = 1 << 16  # bytes of a tensor that may be a shape, or another constant

# Numbers of fields and types on the wire, as https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
# and https://protobuf.dev/programming-guides/encoding have them.
_GRAPH, _INITIALIZER = 7, 5
# float_data, int32_data, int64_data, string_data, raw_data, double_data, uint64_data
_DATA = frozenset((4, 5, 6, 7, 9, 10, 11))
_VARINT, _FIXED64, _LENGTH, _FIXED32 = 0, 1, 2, 5


class _NoMessageError(ValueError):
    """Bytes that are no protocol buffer."""


def read_stripped(path: Path) -> bytes:
    """The bytes of a model whose large initialisers have their shapes and no values.

    Raises
    ------
    InputError
        If it cannot be read, is no protocol buffer with a graph, or has too much besides weights.
    """
    wanted = "it must be an ONNX file"
    name = f"`workload` file {path}"
    if problem := problem_of(path):
        raise InputError(f"{name} {problem}; {wanted}")
    if not path.stat().st_size:
        raise InputError(f"{name} is empty; {wanted}")
    try:
        with path.open("rb") as file:
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except OSError as error:
        raise InputError(f"{name} cannot be read: {error.strerror}; {wanted}") from None
    with data:
        try:
            parts = [*_model(data)]
        except _NoMessageError:
            raise InputError(f"{name} is no protocol buffer, or a part of one; {wanted}") from None
    stripped = b"".join(parts)
    if len(stripped) > MAX_BYTES:
        raise InputError(
            f"{name} has {len(stripped)} bytes besides weights; at most {MAX_BYTES} are accepted"
        )
    return stripped


def _model(data: mmap.mmap) -> Iterator[bytes]:
    kept, found = 0, False
    for number, kind, start, value, end in _fields(data, 0, len(data)):
        if number == _GRAPH and kind == _LENGTH:
            found = True
            yield _framed(number, b"".join(_graph(data, value, end)))
            continue
        kept += end - start
        if kept > MAX_BYTES:
            raise _NoMessageError
        yield data[start:end]
    if not found:
        raise _NoMessageError


def _graph(data: mmap.mmap, begin: int, stop: int) -> Iterator[bytes]:
    kept = 0
    for number, kind, start, value, end in _fields(data, begin, stop):
        if number == _INITIALIZER and kind == _LENGTH and end - value > _LARGEST_KEPT:
            yield _framed(number, b"".join(_tensor(data, value, end)))
            continue
        kept += end - start
        if kept > MAX_BYTES:
            raise _NoMessageError
        yield data[start:end]


def _tensor(data: mmap.mmap, begin: int, stop: int) -> Iterator[bytes]:
    for number, _, start, _, end in _fields(data, begin, stop):
        if number not in _DATA:
            yield data[start:end]


def _framed(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | _LENGTH) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    made = bytearray()
    while value > 0x7F:
        made.append(value & 0x7F | 0x80)
        value >>= 7
    made.append(value)
    return bytes(made)


def _fields(data: mmap.mmap, at: int, stop: int) -> Iterator[tuple[int, int, int, int, int]]:
    """Number and type of every field, where it starts, where its value does, and where it ends."""
    while at < stop:
        start = at
        tag, at = _number(data, at, stop)
        number, kind = tag >> 3, tag & 7
        if not number:
            raise _NoMessageError
        value = at
        if kind == _VARINT:
            _, at = _number(data, at, stop)
        elif kind == _FIXED64:
            at += 8
        elif kind == _FIXED32:
            at += 4
        elif kind == _LENGTH:
            size, value = _number(data, at, stop)
            at = value + size
        else:
            raise _NoMessageError
        if at > stop:
            raise _NoMessageError
        yield number, kind, start, value, at


def _number(data: mmap.mmap, at: int, stop: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= stop:
            break
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise _NoMessageError

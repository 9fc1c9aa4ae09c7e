"""IDX files, in which MNIST and its relatives come."""

import gzip
import math
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rnscli.base import InputError
from rnscli.networks.data import Dataset, LabelledData
from rnscli.networks.sources.source import Source, content_of, normalised, said_of_normalised

# Of the 60 000 images to train with; for relatives such as Fashion-MNIST, too, so that one
# convention holds for all files of the format.
MEAN, DEVIATION = (0.1307,), (0.3081,)
_UNSIGNED_BYTES = 0x08
_PARTS = {"test": "t10k", "train": "train"}


class IdxFiles(Source):
    """A folder with the files of MNIST, plain or compressed.

    The format is that of Y. LeCun, C. Cortes and C. Burges, "The MNIST database of handwritten
    digits": two zero bytes, the type (8, unsigned bytes), the number of axes, the length of each
    as a big-endian 32-bit number, then the values.
    """

    name = "idx"
    summary = "t10k-images-idx3-ubyte and others of MNIST"
    has_sizes = False
    in_folder = True

    def found(self, path: Path) -> bool:
        return any(_place(path, part, kind) for part in _PARTS.values() for kind in _AXES)

    def read(self, path: Path, image_size: int | None) -> Dataset:
        train = None
        if _place(path, "train", "images") or _place(path, "train", "labels"):
            train = _part(path, "train")
        note = said_of_normalised(MEAN, DEVIATION)
        return Dataset(path.name or str(path), _part(path, "t10k"), train, note)


_AXES = {"images": 3, "labels": 1}


def _names(part: str, kind: str) -> list[str]:
    stem, code = f"{part}-{kind}", f"idx{_AXES[kind]}-ubyte"
    return [f"{stem}{dot}{code}{end}" for end in ("", ".gz") for dot in "-."]


def _place(path: Path, part: str, kind: str) -> Path | None:
    places = (path / name for name in _names(part, kind))
    return next((place for place in places if place.is_file()), None)


def _part(path: Path, part: str) -> LabelledData:
    images, labels = (_array(path, part, kind) for kind in _AXES)
    if len(images) != len(labels):
        raise InputError(
            f"`data` {path}: {part} has {len(images)} images and {len(labels)} labels; there must "
            "be a label for each image"
        )
    return LabelledData(normalised(images[:, None], MEAN, DEVIATION), labels.astype(np.int64))


def _array(path: Path, part: str, kind: str) -> npt.NDArray[Any]:
    place = _place(path, part, kind)
    if place is None:
        raise InputError(
            f"`data` {path} has no {_names(part, kind)[0]}, also not as .gz; the images and the "
            "labels of a part must both be there"
        )
    content = content_of(place)
    if place.suffix == ".gz":
        try:
            content = gzip.decompress(content)
        except (OSError, EOFError, zlib.error):
            raise InputError(f"`data` {place} is a damaged .gz file; load it again") from None
    return read_idx(content, str(place), _AXES[kind])


def read_idx(content: bytes, where: str, axes: int) -> npt.NDArray[Any]:
    """The array of a file of unsigned bytes.

    Raises
    ------
    InputError
        If magic number, sizes or length are not those of such an array.

    Examples
    --------
    >>> read_idx(bytes([0, 0, 8, 1, 0, 0, 0, 3, 5, 6, 7]), "three", 1).tolist()
    [5, 6, 7]
    """
    header = 4 + 4 * axes
    wanted = bytes([0, 0, _UNSIGNED_BYTES, axes])
    if content[:4] != wanted:
        raise InputError(
            f"`data` {where} begins with {content[:4].hex() or 'nothing'}; an IDX file of unsigned "
            f"bytes with {axes} {'axis' if axes == 1 else 'axes'} begins with {wanted.hex()}"
        )
    if len(content) < header:
        raise InputError(f"`data` {where} ends within its header of {header} bytes; load it again")
    shape = struct.unpack(f">{axes}I", content[4:header])
    needed = header + math.prod(shape)
    if len(content) != needed:
        raise InputError(
            f"`data` {where} has {len(content)} bytes, and its header, of an array "
            f"{'x'.join(map(str, shape))}, needs {needed}; load it again"
        )
    return np.frombuffer(content, np.uint8, offset=header).reshape(shape)

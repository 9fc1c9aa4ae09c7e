"""The data that a user names, of whatever kind they are."""

from contextlib import suppress
from pathlib import Path

from rnscli.base import InputError, Registry
from rnscli.networks.data import Dataset
from rnscli.networks.sources.arrays import NpyFolder, NpzFile
from rnscli.networks.sources.cifar import CifarBinary, CifarPickles
from rnscli.networks.sources.idx import IdxFiles
from rnscli.networks.sources.images import ImageFolder
from rnscli.networks.sources.mnist_5000 import Mnist5000
from rnscli.networks.sources.source import Source

# The first one that finds its files reads them.
SOURCES: Registry[Source] = Registry(
    "data",
    "data",
    Source,
    [Mnist5000(), NpyFolder(), IdxFiles(), CifarPickles(), CifarBinary(), ImageFolder()],
)


_OTHERWISE = NpzFile()  # takes any file, and refuses what is none of its kind


def open_data(where: str | Path, image_size: int | None = None) -> Dataset:
    """Samples and what is right of each, by a name or the path of a file or folder.

    Parameters
    ----------
    where
        What one of `SOURCES` finds.
    image_size
        Pixels along a side, where images have many sizes; 224 if not given.

    Raises
    ------
    InputError
        If the data are of no kind that is known, damaged, or not whole.
    """
    path = Path(where)
    source: Source | None = _OTHERWISE
    with suppress(OSError, ValueError):  # of what cannot be the name of a file
        every = (*SOURCES.values(), _OTHERWISE)
        source = next((one for one in every if one.found(path)), None)
    if source is None:
        kinds = ", ".join(one.summary for one in SOURCES.values() if one.in_folder)
        raise InputError(
            f"`data` {where} is a directory of no known kind; give an .npz file, or a directory "
            f"with {kinds}"
        )
    if image_size is not None and not source.has_sizes:
        raise InputError(
            f"`image_size` concerns folders of images, and `data` {where} is none; leave it out"
        )
    return source.read(path, image_size)

"""Folders of images, one for each class, as those of ImageNet."""

import hashlib
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from rnscli.base import InputError, install_command, said
from rnscli.networks.data import Dataset, Inputs, LabelledData, StoredSamples
from rnscli.networks.sources.source import Source, content_of, normalised, said_of_normalised

# Of ImageNet, as networks that are trained on it expect them.
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
SIZE = 224
SUFFIXES = (".jpg", ".jpeg", ".png")
_PARTS = {"test": ("test", "val"), "train": ("train",)}
_SEED = 0
_MARGIN = 256 / 224  # of the shorter side over what is cut out of its middle


class ImageFolder(Source):
    """Images in folders of their classes, which are numbered in the order of their names.

    The shorter side is scaled to 256/224 of the size, bilinearly, and the middle is cut out.
    Images are in an order drawn with a fixed seed: the first ones are of all classes.
    """

    name = "images"
    summary = "CLASS/*.jpg or .png"
    has_sizes = True
    in_folder = True

    def found(self, path: Path) -> bool:
        parts = [path / name for names in _PARTS.values() for name in names]
        return any(_classes(folder) for folder in (path, *parts))

    def read(self, path: Path, image_size: int | None) -> Dataset:
        try:
            import PIL.Image  # noqa: F401
        except ImportError:
            raise InputError(
                f"`data` {path} holds images, which are read with Pillow, which is not installed; "
                f"install it with: {install_command('pillow')}"
            ) from None
        size = SIZE if image_size is None else image_size
        every = [path / name for names in _PARTS.values() for name in names]
        classes = {folder: _classes(folder) for folder in (path, *every)}
        folders = {
            part: next((path / name for name in names if classes[path / name]), None)
            for part, names in _PARTS.items()
        }
        if folders["test"] is None and folders["train"] is None:
            folders["test"] = path
        test, train = folders["test"], folders["train"]
        if test is None:
            raise InputError(
                f"`data` {path} has images to train with, and neither a folder test nor val with "
                "images to test with"
            )
        if train is not None and classes[train] != classes[test]:
            raise InputError(
                f"`data` {path}: {train.name} and {test.name} must have folders of the same classes"
            )
        note = (
            f"images are scaled to a shorter side of {round(size * _MARGIN)} pixels and cut to "
            f"{size} x {size}; {said_of_normalised(MEAN, DEVIATION)}"
        )
        to_train = None if train is None else _part(train, classes[train], size)
        return Dataset(path.name or str(path), _part(test, classes[test], size), to_train, note)


def _classes(folder: Path) -> list[str]:
    """Folders that have an image, sorted by name."""
    if not folder.is_dir():
        return []
    return sorted(one.name for one in folder.iterdir() if one.is_dir() and _has_image(one))


def _has_image(folder: Path) -> bool:
    return any(one.suffix.lower() in SUFFIXES for one in folder.iterdir())


def _part(folder: Path, classes: list[str], size: int) -> LabelledData:
    files, labels = [], []
    for label, name in enumerate(classes):
        images = sorted(one for one in (folder / name).iterdir() if one.suffix.lower() in SUFFIXES)
        files += images
        labels += [label] * len(images)
    # Not `permutation`, whose algorithm NumPy may change.
    order = np.argsort(np.random.Generator(np.random.PCG64(_SEED)).random(len(files)))
    samples = _Images(tuple(files[index] for index in order), size)
    return LabelledData(cast(Inputs, samples), np.array(labels)[order])


class _Images(StoredSamples):
    dtype = np.dtype(np.float32)

    def __init__(self, files: tuple[Path, ...], size: int) -> None:
        self.files, self.size = files, size
        self.shape = (len(files), 3, size, size)
        self.where = f"`data` {files[0].parent.parent}"

    def read(self, start: int, stop: int) -> npt.NDArray[Any]:
        pixels = np.empty((stop - start, *self.shape[1:]), np.uint8)
        for index, file in enumerate(self.files[start:stop]):
            pixels[index] = _pixels(file, self.size)
        return normalised(pixels, MEAN, DEVIATION)

    @cached_property
    def _content(self) -> str:
        hasher = hashlib.sha256(f"images of {self.size}".encode())
        for file in self.files:
            hasher.update(hashlib.sha256(content_of(file)).digest())
        return hasher.hexdigest()

    def content(self) -> str:
        return self._content


def _pixels(file: Path, size: int) -> npt.NDArray[np.uint8]:
    """An image, ``(3, size, size)``."""
    from PIL import Image

    try:
        with Image.open(file) as opened:
            image = opened.convert("RGB")
    except MemoryError:
        raise
    except Exception as error:  # as many kinds as there are of damage
        raise InputError(f"`data` {file} is no image that can be read: {said(error)}") from None
    factor = max(round(size * _MARGIN), size) / min(image.size)
    width, height = (max(size, round(side * factor)) for side in image.size)
    image = image.resize((width, height), Image.Resampling.BILINEAR)
    left, top = (width - size) // 2, (height - size) // 2
    cut = image.crop((left, top, left + size, top + size))
    return np.asarray(cut, np.uint8).transpose(2, 0, 1)

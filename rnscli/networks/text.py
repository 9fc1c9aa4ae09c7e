"""English text as a task: which letter is next."""

import functools
import re
from importlib import resources

import numpy as np

from rnscli.base import RnscliError
from rnscli.networks.data import Dataset, LabelledData
from rnscli.networks.shipped import INSTALL

LETTERS = " abcdefghijklmnopqrstuvwxyz"
CONTEXT = 8
_BLOCK = 500  # letters that belong together, to one part or the other
_TEST = 5  # every such block is for the test


@functools.cache
def text() -> Dataset:
    """Eight letters of English text, ``(N, 8)``, and the class of the next one, of 27.

    The text comes with scikit-learn, so that nothing is downloaded: its descriptions of data sets,
    in the order of their names, in small letters, with a space for whatever is no letter. Of blocks
    of 500 letters every fifth is for the test; samples do not reach across their ends. Another
    version of scikit-learn may describe its data in other words, which is then another task.

    Raises
    ------
    RnscliError
        If scikit-learn is not installed.

    Examples
    --------
    >>> data = text()
    >>> data.train.inputs.shape[1:], data.test.classes, data.test.inputs.dtype.name
    ((8,), 27, 'int64')
    """
    try:
        folder = resources.files("sklearn.datasets.descr")
    except ImportError:
        raise RnscliError(
            f"the text comes with scikit-learn, which is not installed; install it with: {INSTALL}"
        ) from None
    files = sorted((one for one in folder.iterdir() if one.name.endswith(".rst")), key=_name)
    return of_text(" ".join(one.read_text(encoding="utf-8") for one in files))


def _name(file: resources.abc.Traversable) -> str:
    return file.name


def of_text(words: str) -> Dataset:
    """The same of another text.

    Examples
    --------
    >>> data = of_text("An example, twice. " * 200)
    >>> "".join(LETTERS[code] for code in data.train.inputs[0]), LETTERS[data.train.labels[0]]
    ('an examp', 'l')
    """
    letters = re.sub("[^a-z]+", " ", words.lower())
    codes = np.array([LETTERS.index(letter) for letter in letters])
    rows = np.lib.stride_tricks.sliding_window_view(codes, CONTEXT + 1)
    block, place = np.divmod(np.arange(len(rows)), _BLOCK)
    whole = place + CONTEXT < _BLOCK
    tested = block % _TEST == _TEST - 1
    test, train = (
        LabelledData(rows[whole & part, :CONTEXT], rows[whole & part, CONTEXT])
        for part in (tested, ~tested)
    )
    return Dataset("text", test, train)

"""English text as tasks: which letter is next, and which letters are hidden."""

import functools
import re
from importlib import resources

import numpy as np
import numpy.typing as npt

from rnscli.base import RnscliError, install_command
from rnscli.networks.data import Dataset, LabelledData
from rnscli.networks.shipped import EXTRA
from rnscli.networks.tasks import IGNORED

Rows = npt.NDArray[np.int64]

LETTERS = " abcdefghijklmnopqrstuvwxyz"
CONTEXT = 8
MASK = len(LETTERS)  # the code in the place of a letter that is hidden
LENGTH = 16  # letters that a transformer sees together
_BLOCK = 500  # letters that belong together, to one part or the other
_TEST = 5  # every such block is for the test
_STRIDE = 6  # from one sample of a transformer to the next
_HIDDEN, _AS_MASK, _AS_ANY = 0.15, 0.8, 0.1  # shares of BERT, section 3.1


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
    return of_text(_words())


@functools.cache
def masked_text() -> Dataset:
    """16 letters of the same text, ``(N, 16)``, some of them hidden, and which these are.

    As J. Devlin et al. hide tokens ("BERT", arXiv:1810.04805, section 3.1): 15 % of the letters,
    drawn once with a fixed seed; of these 80 % become `MASK`, 10 % any letter, and 10 % stay.
    Labels are -100 where nothing is asked. Samples begin 6 letters apart, in the blocks of `text`.

    Examples
    --------
    >>> data = masked_text()
    >>> data.train.inputs.shape[1:], data.test.classes, int(data.train.inputs.max()) == MASK
    ((16,), 27, True)
    """
    return masked(_words())


@functools.cache
def following_text() -> Dataset:
    """16 letters of the same text, ``(N, 16)``, and after each of them the next one.

    Samples begin 6 letters apart, in the blocks of `text`.

    Examples
    --------
    >>> data = following_text()
    >>> bool((data.train.inputs[0, 1:] == data.train.labels[0, :-1]).all())
    True
    """
    return following(_words())


def _words() -> str:
    try:
        folder = resources.files("sklearn.datasets.descr")
    except ImportError:
        raise RnscliError(
            "the text comes with scikit-learn, which is not installed; "
            f"install it with: {install_command(EXTRA)}"
        ) from None
    files = sorted((one for one in folder.iterdir() if one.name.endswith(".rst")), key=_name)
    return " ".join(one.read_text(encoding="utf-8") for one in files)


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
    test, train = (
        LabelledData(rows[:, :CONTEXT], rows[:, CONTEXT]) for rows in _windows(words, CONTEXT + 1)
    )
    return Dataset("text", test, train)


def masked(words: str) -> Dataset:
    """`masked_text` of another text."""
    rng = np.random.default_rng(0)
    test, train = (_hidden(rows, rng) for rows in _windows(words, LENGTH, _STRIDE))
    return Dataset("masked text", test, train)


def _hidden(rows: Rows, rng: np.random.Generator) -> LabelledData:
    hidden, how = rng.random(rows.shape) < _HIDDEN, rng.random(rows.shape)
    any_letter = rng.integers(0, len(LETTERS), rows.shape)
    shown = np.where(how < _AS_MASK, MASK, np.where(how < _AS_MASK + _AS_ANY, any_letter, rows))
    return LabelledData(np.where(hidden, shown, rows), np.where(hidden, rows, IGNORED))


def following(words: str) -> Dataset:
    """`following_text` of another text."""
    test, train = (
        LabelledData(rows[:, :-1], rows[:, 1:]) for rows in _windows(words, LENGTH + 1, _STRIDE)
    )
    return Dataset("following text", test, train)


def _windows(words: str, length: int, stride: int = 1) -> tuple[Rows, Rows]:
    """Codes of letters, ``(N, length)``, in windows of the blocks to test with and of others."""
    letters = re.sub("[^a-z]+", " ", words.lower())
    codes = np.array([LETTERS.index(letter) for letter in letters])
    rows = np.lib.stride_tricks.sliding_window_view(codes, length)[::stride]
    block, place = np.divmod(np.arange(len(rows)) * stride, _BLOCK)
    whole = place + length <= _BLOCK
    tested = block % _TEST == _TEST - 1
    return rows[whole & tested], rows[whole & ~tested]

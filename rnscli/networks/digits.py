"""Handwritten digits that come with scikit-learn: nothing is downloaded.

E. Alpaydin and C. Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine Learning
Repository, 1998 (doi 10.24432/C50P49), its test part: 1797 images of 8 x 8 pixels from 0 to 16.
"""

import functools

import numpy as np

from rnscli.base import RnscliError
from rnscli.networks.data import Dataset, LabelledData, Labels

TEST_SIZE = 797
_SEED = 0
# Mean and standard deviation of all pixels, of which the brightest is 1.
_MEAN, _DEVIATION = 0.3053, 0.3760


@functools.cache
def digits() -> Dataset:
    """1000 images to train with and 797 to test with, of shape ``(1, 8, 8)``, in 10 classes.

    Pixels are scaled to ``[0, 1]``, then to mean 0 and standard deviation 1. The split is part of
    this package: every class has its share of both parts, and which image goes where depends on
    nothing but the order of the images in scikit-learn.

    Raises
    ------
    RnscliError
        If scikit-learn is not installed.

    Examples
    --------
    >>> data = digits()
    >>> data.train.inputs.shape, data.test.inputs.shape, data.test.classes
    ((1000, 1, 8, 8), (797, 1, 8, 8), 10)
    """
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        raise RnscliError(
            "the handwritten digits come with scikit-learn, which is not installed; "
            "install it with: pip install 'rnscli[torch]'"
        ) from None
    images, labels = load_digits(return_X_y=True)
    inputs = (np.reshape(images, (-1, 1, 8, 8)) / 16 - _MEAN) / _DEVIATION
    in_test, order = split(labels, TEST_SIZE)
    test, train = (order[in_test[order] == part] for part in (True, False))
    return Dataset(
        "digits",
        test=LabelledData(inputs[test], labels[test]),
        train=LabelledData(inputs[train], labels[train]),
    )


def split(labels: Labels, test_size: int) -> tuple[np.ndarray, np.ndarray]:
    """Which samples are for the test, and a random order of all of them.

    Every class has its share of the test part, to within one sample: shares are rounded down, and
    the classes with the largest remainders get one more.

    Parameters
    ----------
    labels
        Class of each sample, from 0.
    test_size
        Samples in the test part.

    Returns
    -------
    tuple
        An array of N truth values, and a permutation of ``0..N-1``.

    Examples
    --------
    >>> in_test, order = split(np.array([0, 0, 0, 0, 1, 1]), 3)
    >>> int(in_test[:4].sum()), int(in_test[4:].sum()), sorted(order.tolist())
    (2, 1, [0, 1, 2, 3, 4, 5])
    """
    # Not `permutation`, whose algorithm NumPy may change.
    order = np.argsort(np.random.Generator(np.random.PCG64(_SEED)).random(len(labels)))
    counts = np.bincount(labels)
    taken, remainders = np.divmod(counts * test_size, len(labels))
    taken[np.argsort(-remainders, kind="stable")[: test_size - taken.sum()]] += 1
    in_test = np.zeros(len(labels), bool)
    for label, count in enumerate(taken):
        in_test[order[labels[order] == label][:count]] = True
    return in_test, order

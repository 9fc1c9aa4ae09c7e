from typing import Any

import numpy as np
import pytest
from refusals import assert_one_sentence

from rnscli.base.errors import InputError
from rnscli.networks.data import MAX_CLASS, Dataset, LabelledData

X = np.random.default_rng(1).normal(size=(4, 3))
Y = np.array([0, 1, 2, 1])


def test_types() -> None:
    data = LabelledData(X.astype(">f8"), Y.astype(np.uint8))
    assert (data.inputs.dtype, data.labels.dtype) == (np.dtype("<f4"), np.dtype("<i8"))
    assert (len(data), data.classes) == (4, 3)
    assert LabelledData(X > 0, Y).inputs.max() == 1


@pytest.mark.parametrize(
    ("x", "y", "says"),
    [
        (X.astype(complex), Y, "complex128"),
        (X.astype(str), Y, "`inputs` holds <U"),
        (X, Y.astype(complex), "`labels` holds complex128"),
        (X, np.where(Y > 0, Y, np.inf), "`labels` holds NaN, inf"),
        (X, Y > 0, "bool"),
        (X[:, 0], Y, "shape (4,)"),
        (X, np.array(3), "labels must be (N, ...)"),
        (X, Y[:3], "4 samples"),
        (X[:0], Y[:0], "empty"),
        (X[:, :0], Y, "empty"),
        (np.where(X > 0, X, np.nan), Y, "NaN"),
        (np.where(X > 0, X, np.inf), Y, "infinity"),
        (X * 1e39, Y, "3.4e+38"),
        (X, Y - 1, "from -1 to 1"),
        (X, Y + MAX_CLASS, str(MAX_CLASS)),
        (X, Y.astype(np.uint64) + np.uint64(2**63), str(2**63 + 2)),
    ],
)
def test_refused(x: Any, y: Any, says: str) -> None:
    with pytest.raises(InputError) as caught:
        LabelledData(x, y)
    assert_one_sentence(caught.value, "labels" if "labels" in str(caught.value) else "inputs")
    assert says in str(caught.value)


def test_labels_of_other_tasks() -> None:
    places = np.array([[0, 5], [-100, 1], [2, 2], [-100, -100]])
    data = LabelledData(X, places)
    assert data.classes == 6
    assert np.array_equal(data[1:3].labels, places[1:3])
    values = LabelledData(X, Y / 3)
    assert (values.labels.dtype, values.classes) == (np.dtype("<f4"), 0)
    assert LabelledData(X).labels is None
    digests = {LabelledData(X, one).digest() for one in (places, Y / 3, Y, None)}
    assert len(digests) == 4


def test_the_digest_is_that_of_the_content() -> None:
    data = LabelledData(X, Y)
    assert data.digest() == LabelledData(np.asfortranarray(X), Y.astype(">i4")).digest()
    changed = X.copy()
    changed[3, 2] += 1e-3
    others = [
        LabelledData(changed, Y),
        LabelledData(X, Y[::-1]),
        LabelledData(X.reshape(4, 3, 1), Y),
        LabelledData(X[:3], Y[:3]),
    ]
    assert len({data.digest(), *(other.digest() for other in others)}) == 5


def test_the_digest_of_a_dataset_tells_its_parts_apart() -> None:
    first, second = LabelledData(X, Y), LabelledData(X + 1, Y)
    digests = {
        Dataset("a", first).digest(),
        Dataset("a", first, second).digest(),
        Dataset("a", second, first).digest(),
    }
    assert len(digests) == 3
    assert Dataset("b", first).digest() in digests


def test_parts_of_different_shapes() -> None:
    with pytest.raises(InputError, match=r"\(3,\).*\(2,\)") as caught:
        Dataset("mine", LabelledData(X[:, :2], Y), LabelledData(X, Y))
    assert_one_sentence(caught.value, "`data` mine")


def test_whole_numbers_stay_whole() -> None:
    """As tokens must be; those of 8 bits are pixels."""
    whole = np.arange(12).reshape(4, 3) + 2**24
    data = LabelledData(whole, Y)
    assert data.whole
    assert np.array_equal(data.inputs, whole)
    assert not LabelledData(whole.astype(np.uint8), Y).whole
    floats = Dataset("mine", data).in_floats().test
    assert floats.inputs.dtype == np.float32
    assert floats.digest() == LabelledData(whole.astype(np.float32), Y).digest() != data.digest()

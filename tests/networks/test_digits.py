"""The handwritten digits, and which of them are for the test."""

import sys

import numpy as np
import pytest

from rnscli.base.errors import RnscliError
from rnscli.networks.data import TEST_SIZE, digits, split


def test_sizes() -> None:
    data = digits()
    assert data.train is not None
    assert (len(data.train), len(data.test)) == (1000, TEST_SIZE)
    assert data.test.inputs.shape == (797, 1, 8, 8)
    assert data.train.classes == data.test.classes == 10


def test_the_parts_are_always_the_same() -> None:
    """Also with other versions of NumPy and scikit-learn."""
    assert digits().digest() == "4e33f16dabe4f4c798cb67eff96ea12cfa86371c29fcfe82a57cf34b2ceda6f0"


def test_pixels_are_normalised() -> None:
    data = digits()
    assert data.train is not None
    pixels = np.concatenate([data.train.inputs, data.test.inputs])
    assert pixels.mean() == pytest.approx(0, abs=1e-3)
    assert pixels.std() == pytest.approx(1, abs=1e-3)


def test_no_image_is_in_both_parts() -> None:
    data = digits()
    assert data.train is not None
    images = [{image.tobytes() for image in part.inputs} for part in (data.train, data.test)]
    assert not images[0] & images[1]


def test_every_class_has_its_share() -> None:
    data = digits()
    assert data.train is not None
    train, test = (np.bincount(part.labels) for part in (data.train, data.test))
    assert np.abs(test - (train + test) * TEST_SIZE / 1797).max() < 1


def test_the_order_is_not_that_of_the_classes() -> None:
    assert len(set(digits().test.labels[:20])) > 5


@pytest.mark.parametrize("test_size", [0, 1, 10, 39, 40])
def test_any_split(test_size: int) -> None:
    labels = np.random.default_rng(1).integers(0, 5, size=40)
    in_test, order = split(labels, test_size)
    assert in_test.sum() == test_size
    assert sorted(order) == list(range(40))
    shares = np.bincount(labels) * test_size / 40
    assert np.abs(np.bincount(labels, in_test) - shares).max() < 1


def test_without_scikit_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    digits.cache_clear()
    with pytest.raises(RnscliError, match=r"scikit-learn.* pip install 'rnscli\[torch\]'"):
        digits()

"""The text of the next letters, and of hidden ones, and its network."""

import re
from importlib import resources

import numpy as np
import numpy.typing as npt
import pytest
import torch

from rnscli.networks.models import letters
from rnscli.networks.shipped import DIGITS_NETWORKS, NETWORKS
from rnscli.networks.text import (
    LENGTH,
    LETTERS,
    MASK,
    following,
    following_text,
    masked_text,
    of_text,
    text,
)


def spelt(codes: object) -> str:
    return "".join(LETTERS[code] for code in codes)  # type: ignore[attr-defined]


def test_samples_are_letters_of_the_text_and_the_one_that_follows() -> None:
    folder = resources.files("sklearn.datasets.descr")
    names = sorted(one.name for one in folder.iterdir() if one.name.endswith(".rst"))
    words = " ".join(folder.joinpath(name).read_text(encoding="utf-8") for name in names)
    plain = re.sub("[^a-z]+", " ", words.lower())
    data = text()
    assert data.train is not None
    for part in (data.train, data.test):
        both = zip(part.inputs, part.labels, strict=True)
        rows = [spelt(row) + LETTERS[label] for row, label in both]
        assert all(row in plain for row in rows[::50])
    # By blocks of 500: no nine letters of the test are in a sample to train with.
    assert len(data.test) == len(plain) // 2500 * 492
    assert spelt(data.test.inputs[0]) == plain[2000:2008]
    assert spelt(data.train.inputs[-1]) in plain[-600:]


def test_blocks_share_no_letter() -> None:
    """A text in which every letter tells its block."""
    words = "".join(LETTERS[1 + block] * 500 for block in range(20))
    for data in (of_text(words), following(words)):
        assert data.train is not None
        tested = {spelt(row)[0] for row in data.test.inputs}
        assert tested == {LETTERS[1 + block] for block in (4, 9, 14, 19)}
        assert not tested & {letter for row in data.train.inputs for letter in spelt(row)}


def test_logits() -> None:
    model = letters.make().eval()
    with torch.no_grad():
        logits = model(torch.from_numpy(text().test.inputs[:4]))
    assert logits.shape == (4, 27)
    lengths = [one.weight.shape[1] for one in model.modules() if isinstance(one, torch.nn.Linear)]
    assert lengths == [128] * 3


def test_every_letter_is_followed_by_the_next_one() -> None:
    data = following_text()
    assert data.train is not None
    for part in (data.train, data.test):
        assert part.inputs.shape[1:] == part.labels.shape[1:] == (LENGTH,)
        assert (part.inputs[:, 1:] == part.labels[:, :-1]).all()


def test_letters_are_hidden_as_bert_hides_them() -> None:
    """Shares within 4 standard deviations of a binomial, 1 in 10 000 of being wrong for each."""
    data, plain = masked_text(), following_text()
    assert data.train is not None and plain.train is not None
    shown, asked = data.train.inputs, data.train.labels
    hidden = asked != -100
    codes = np.where(hidden, asked, shown)  # as they were
    known = {spelt(row) for row in plain.train.inputs}
    assert sum(spelt(row) in known for row in codes) > 0.9 * len(codes)

    def share(of: npt.NDArray[np.bool_], expected: float) -> None:
        deviation = np.sqrt(expected * (1 - expected) / of.size)
        assert abs(of.mean() - expected) < 4 * deviation

    share(hidden.ravel(), 0.15)
    share((shown == MASK)[hidden], 0.8)
    share((shown == asked)[hidden], 0.1 + 0.1 / 27)
    assert not (shown == MASK)[~hidden].any()


def test_networks_for_digits_are_told_apart() -> None:
    assert DIGITS_NETWORKS == ("digits-cnn", "digits-resnet", "digits-transformer")
    assert NETWORKS["text-mlp"].dataset() is text()


@pytest.mark.thorough
def test_few_bits_lose_and_stochastic_rounding_helps() -> None:
    """As the page says, of one seed and fewer epochs: five bits rounded to nearest are lost."""
    import rnscli

    asked = {"model": "text-mlp", "bits": 5, "epochs": 2}
    found = rnscli.train(**asked, rounding=["nearest", "stochastic"])
    fp32, nearest, chance = found
    assert nearest.test_accuracy < 0.25
    assert chance.test_accuracy > fp32.test_accuracy - 0.08

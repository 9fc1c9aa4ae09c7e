"""What a network is asked, by the shapes of its labels and outputs; and what it answers with."""

from collections import namedtuple
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from refusals import assert_one_sentence
from torch import Tensor, nn

from rnscli.base.errors import InputError
from rnscli.networks.data import Dataset, LabelledData
from rnscli.networks.evaluation import score_logits
from rnscli.networks.outputs import outputs_of, training_loss
from rnscli.networks.tasks import (
    CLASSIFICATION,
    LANGUAGE,
    REGRESSION,
    SEGMENTATION,
    SPANS,
    TOKENS,
    UNLABELLED,
    labels_of,
    task_of,
)
from rnscli.networks.user_model import check_fit

RANDOM = np.random.default_rng(5)
WHOLE = np.zeros((4, 6), np.int64)


def ints(*shape: int) -> Any:
    return np.zeros(shape, np.int64)


@pytest.mark.parametrize(
    ("labels", "outputs", "task"),
    [
        (ints(4), (4, 3), CLASSIFICATION),
        (ints(4, 6), (4, 6, 3), TOKENS),
        (ints(4, 2), (4, 2, 2), TOKENS),
        (ints(4, 2), (4, 6, 2), SPANS),
        (ints(4, 5, 7), (4, 3, 5, 7), SEGMENTATION),
        (np.zeros((4, 3), np.float32), (4, 3), REGRESSION),
        (np.zeros(4, np.float32), (4, 1), REGRESSION),
        (None, (4, 6, 9), LANGUAGE),
        (None, (4, 6), UNLABELLED),
        (None, (4, 5, 9), UNLABELLED),
        (ints(4), (4, 3, 2), None),
        (ints(4, 6), (4, 5, 3), None),
        (ints(4, 5, 7), (4, 3, 7, 5), None),
        (np.zeros((4, 3), np.float32), (4, 2), None),
    ],
)
def test_tasks(labels: Any, outputs: tuple[int, ...], task: Any) -> None:
    assert task_of(labels, outputs, WHOLE) is task


X = torch.arange(6.0).reshape(2, 3)
Named = namedtuple("Named", "hidden logits")


@pytest.mark.parametrize(
    ("result", "found"),
    [
        (X, X),
        (SimpleNamespace(loss=None, logits=X), X),
        ({"hidden": X + 1, "logits": X}, X),
        ({"out": X, "aux": X + 1}, X),
        ((X, [X]), X),
        ([X, X[:1]], X),
        (Named(X + 1, X), X),
        ((X, X + 1), torch.stack([X, X + 1], 2)),
        (SimpleNamespace(start_logits=X, end_logits=X + 1), torch.stack([X, X + 1], 2)),
        ({"start_logits": X, "end_logits": X + 1}, torch.stack([X, X + 1], 2)),
    ],
)
def test_answers(result: Any, found: Tensor) -> None:
    tensor = outputs_of(result)
    assert isinstance(tensor, Tensor)
    assert torch.equal(tensor, found)


@pytest.mark.parametrize(
    ("result", "says"),
    [
        (3, "an int"),
        ({"a": X}, "a dict with a, and"),
        ((), "a tuple without"),
        ({}, "with noth"),
    ],
)
def test_what_is_no_answer(result: Any, says: str) -> None:
    assert says in str(outputs_of(result))


def test_tokens_that_follow() -> None:
    tokens = np.array([[3, 1, 4], [1, 5, 9]])
    assert labels_of(LANGUAGE, None, tokens).tolist() == [[1, 4, -100], [5, 9, -100]]  # type: ignore


def test_losses_of_every_task_with_classes() -> None:
    """Against a loop over places, in float64."""
    shapes = {(5, 4): (5,), (5, 3, 4): (5, 3), (5, 4, 2, 3): (5, 2, 3), (5, 7, 2): (5, 2)}
    for shape, given in shapes.items():
        logits = RANDOM.normal(size=shape)
        axis = 2 if len(shape) == 3 and shape[1] == given[-1] else 1
        classes = np.moveaxis(logits, axis, -1).reshape(-1, shape[axis])
        labels = RANDOM.integers(0, shape[axis], given)
        if len(given) > 1:
            labels.reshape(-1)[1] = -100
        flat = labels.reshape(-1)
        losses = [
            np.log(np.exp(row).sum()) - row[label]
            for row, label in zip(classes, flat, strict=True)
            if label != -100
        ]
        found = training_loss(torch.from_numpy(logits), torch.from_numpy(labels))
        assert float(found) == pytest.approx(np.mean(losses), rel=1e-12)
        counted = score_logits(logits.astype(np.float32), labels)
        right = [
            row.argmax() == label for row, label in zip(classes, flat, strict=True) if label != -100
        ]
        if shape == (5, 7, 2):  # spans, of which the first one has an end that does not count
            right = [right[0], *(right[i] and right[i + 1] for i in range(1, 9, 2))]
        assert (counted.samples, counted.correct) == (len(right), sum(right))


def test_spans_are_right_together_and_ends_that_do_not_count_are_left_out() -> None:
    """Against plain PyTorch."""
    labels = torch.tensor([[1, 2], [1, 2], [1, -100], [-100, 0], [-100, -100]])
    starts = nn.functional.one_hot(torch.tensor([1, 1, 1, 3, 2]), 4)
    ends = nn.functional.one_hot(torch.tensor([2, 3, 0, 1, 0]), 4)
    logits = torch.stack([starts, ends], -1).float()
    scored = score_logits(logits.numpy(), labels.numpy())
    # Both ends; one of two; the one that counts; the one that counts is wrong; no span at all.
    assert (scored.correct, scored.samples, scored.accuracy) == (2, 4, 0.5)
    wide = logits.double()
    expected = nn.functional.cross_entropy(wide, labels, ignore_index=-100)
    assert scored.loss == pytest.approx(float(expected), rel=1e-12)


def test_values_have_a_loss_and_nothing_that_is_right() -> None:
    values = RANDOM.normal(size=(5, 3)).astype(np.float32)
    labels = RANDOM.normal(size=(5, 3)).astype(np.float32)
    scored = score_logits(values, labels)
    expected = nn.functional.mse_loss(torch.from_numpy(values), torch.from_numpy(labels))
    assert scored.loss == pytest.approx(float(expected), rel=1e-6)
    assert (scored.correct, scored.accuracy, scored.samples) == (None, None, 5)


def test_labels_of_which_none_counts() -> None:
    with pytest.raises(InputError, match="no label that counts") as caught:
        score_logits(np.zeros((2, 3, 4), np.float32), np.full((2, 3), -100))
    assert_one_sentence(caught.value, "`data`")


class Reader(nn.Module):
    """Tokens and their places are looked up in tables of their own."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.places = nn.Embedding(20, 4), nn.Embedding(6, 4)
        self.head = nn.Linear(4, 20)

    def forward(self, tokens: Tensor) -> Any:
        places = torch.arange(tokens.shape[1]).expand_as(tokens)
        return SimpleNamespace(logits=self.head(self.words(tokens) + self.places(places)))


def test_tokens_out_of_the_vocabulary() -> None:
    tokens = np.tile(np.arange(6), (7, 1))
    data = Dataset("mine", LabelledData(tokens))
    assert check_fit(Reader(), data, "net:make") is LANGUAGE
    for wrong in (20, -1):
        later = tokens.copy()
        later[5, 3] = wrong
        with pytest.raises(InputError) as caught:
            check_fit(Reader(), Dataset("mine", LabelledData(later)), "net:make")
        assert_one_sentence(caught.value, "`model` net:make")
        expected = f"a token {wrong}, and the embedding words of"
        assert expected in str(caught.value)


def test_the_layer_that_spoils_it_is_named() -> None:
    model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 4), nn.Linear(4, 2))
    with torch.no_grad():
        model.get_parameter("2.weight")[1, 1] = torch.nan
    data = Dataset("mine", LabelledData(RANDOM.normal(size=(4, 3)), np.zeros(4, int)))
    with pytest.raises(InputError, match=r"NaN or infinity .* that does is 2 \(Linear\)") as caught:
        check_fit(model, data, "net:make")
    assert_one_sentence(caught.value, "`model` net:make")


@pytest.mark.parametrize(
    ("labels", "says"),
    [
        (np.zeros((4, 3), int), "it must give real logits of shape (2, 3, classes)"),
        (np.zeros((4, 2), int), "classes), or starts and ends of spans, two of (2, T)"),
        (np.zeros((4, 3, 3), int), "it must give real logits of shape (2, classes, 3, 3)"),
        (np.zeros((4, 3)), "it must give real numbers of shape (2, 3)"),
    ],
)
def test_outputs_that_do_not_belong_to_labels(labels: Any, says: str) -> None:
    data = Dataset("mine", LabelledData(RANDOM.normal(size=(4, 3)), labels))
    with pytest.raises(InputError) as caught:
        check_fit(nn.Linear(3, 5), data, "net:make")
    assert_one_sentence(caught.value, "`model` net:make")
    assert says in str(caught.value)

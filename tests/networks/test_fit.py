"""Whether a network and its data belong together."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from refusals import assert_one_sentence
from torch import Tensor, nn

from rnscli.base.errors import InputError
from rnscli.networks.data import Dataset, LabelledData
from rnscli.networks.tasks import CLASSIFICATION
from rnscli.networks.user_model import check_fit, fitting

X = np.random.default_rng(1).normal(size=(5, 3))
DATA = Dataset("mine.npz", LabelledData(X, np.arange(5)))


class Does(nn.Module):
    """Whatever a function says."""

    def __init__(self, function: Callable[[Tensor], Any]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Any:
        return self.function(x)


def test_a_model_that_fits(capsys: pytest.CaptureFixture[str]) -> None:
    model = nn.Sequential(Does(lambda x: print("talks") or x), nn.Linear(3, 7), nn.Dropout())
    assert check_fit(model, DATA, "net:make") is CLASSIFICATION
    assert model.training
    assert capsys.readouterr().out == ""


def test_random_numbers_and_batch_statistics_stay_as_they_were() -> None:
    model = nn.Sequential(nn.BatchNorm1d(3), nn.Linear(3, 5), Does(lambda x: x + torch.randn(5)))
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    torch.manual_seed(1)
    expected = torch.rand(2)
    torch.manual_seed(1)
    check_fit(model, DATA, "net:make")
    assert torch.equal(torch.rand(2), expected)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())


def test_a_single_sample() -> None:
    data = Dataset("one", LabelledData(X[:1], np.array([4])))
    assert check_fit(nn.Linear(3, 5), data, "net:make") is CLASSIFICATION


def fail(error: BaseException) -> Callable[[Tensor], Any]:
    def function(x: Tensor) -> Any:
        raise error

    return function


@pytest.mark.parametrize(
    ("model", "says"),
    [
        (nn.Linear(4, 5), "cannot take inputs of shape (2, 3) from `data` mine.npz: RuntimeError"),
        (nn.Conv2d(1, 2, 3), "cannot take inputs of shape (2, 3)"),
        (nn.Embedding(3, 2), "cannot take inputs"),
        (Does(fail(ValueError("first\nsecond"))), "ValueError: first"),
        (Does(fail(AssertionError())), ": AssertionError"),
        (Does(lambda x: (1, x.tolist())), "gives a tuple without a tensor for"),
        (Does(lambda x: {"hidden": x, "more": 1}), "gives a dict with hidden, more, and none of"),
        (Does(lambda x: (x, x)), "of shape (2, 3, 2) for inputs"),
        (Does(lambda x: x.sum()), "of shape ()"),
        (Does(lambda x: x.sum(1)), "of shape (2,)"),
        (Does(lambda x: x[:1]), "of shape (1, 3)"),
        (Does(lambda x: x[:, :, None]), "it must give real logits of shape (2, classes)"),
        (Does(lambda x: x[:, :0]), "of shape (2, 0)"),
        (Does(lambda x: x.long()), "gives torch.int64"),
        (Does(lambda x: x / 0), "gives NaN or infinity"),
        (
            nn.Linear(3, 4),
            "has a label of 4, and `model` net:make has 4 outputs; labels must be fr",
        ),
    ],
)
def test_refused(model: nn.Module, says: str) -> None:
    with pytest.raises(InputError) as caught:
        check_fit(model, DATA, "net:make")
    assert_one_sentence(caught.value, "`model` net:make")
    assert says in str(caught.value)
    assert model.training


def test_labels_to_train_with_count() -> None:
    part = LabelledData(X, np.array([0, 1, 0, 9, 0]))
    with pytest.raises(InputError, match="a label of 9"):
        check_fit(nn.Linear(3, 5), Dataset("mine", DATA.test, part), "net:make")


def test_whole_numbers_become_floats_only_for_models_that_need_them() -> None:
    data = Dataset("mine", LabelledData(np.arange(15).reshape(5, 3), np.arange(5)))
    tokens = nn.Sequential(nn.Embedding(15, 4), nn.Flatten(), nn.Linear(12, 5))
    assert fitting(tokens, data, "net:make") is data
    assert not fitting(nn.Linear(3, 5), data, "net:make").whole
    few = nn.Sequential(nn.Embedding(3, 4), nn.Flatten(), nn.Linear(12, 5))
    vocabulary = r"a token 23, and the embedding 0 of .* has a vocabulary of 3;"
    with pytest.raises(InputError, match=vocabulary):
        fitting(few, Dataset("mine", LabelledData(data.test.inputs + 9, np.arange(5))), "net:make")
    with pytest.raises(InputError, match="shapes cannot be multiplied"):
        fitting(nn.Linear(4, 5), data, "net:make")


def test_the_place_of_an_error_of_the_code_of_a_model() -> None:
    with pytest.raises(InputError, match=r"ValueError: no \(.*test_fit\.py:\d+\)$") as caught:
        check_fit(Does(fail(ValueError("no"))), DATA, "net:make")
    assert_one_sentence(caught.value, "`model` net:make")
    assert isinstance(caught.value.__cause__, ValueError)

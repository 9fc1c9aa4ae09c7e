import numpy as np
import pytest
import torch
from torch import Tensor, nn

from rnscli.networks.data import LabelledData, digits
from rnscli.networks.evaluation import evaluate, one_thread, score, score_logits
from rnscli.networks.models.cnn import make


class Watched(nn.Module):
    """Remembers how it was called."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(3, 2)
        self.dropout = nn.Dropout(0.9)
        self.seen: list[tuple[int, bool, bool, int]] = []

    def forward(self, x: Tensor) -> Tensor:
        gradients = torch.is_grad_enabled()
        self.seen.append((len(x), self.training, gradients, torch.get_num_threads()))
        y: Tensor = self.dropout(self.linear(x))
        return y


def test_in_eval_mode_without_gradients_on_one_thread() -> None:
    model = Watched()
    inputs = np.ones((5, 3), np.float32)
    logits = evaluate(model, inputs, batch_size=2)
    assert model.seen == [(2, False, False, 1), (2, False, False, 1), (1, False, False, 1)]
    # In the same parts: the last bit of a sum may be another in a larger product.
    parts = [model.linear(torch.from_numpy(inputs[part])) for part in (slice(2), slice(2, 4), [4])]
    assert np.array_equal(logits, torch.cat(parts).detach().numpy())


def test_no_sample_is_left_over_alone() -> None:
    model = Watched()
    evaluate(model, np.ones((9, 3), np.float32), batch_size=4)
    assert [seen[0] for seen in model.seen] == [3, 3, 3]


def test_modes_come_back() -> None:
    model = Watched().train()
    model.linear.eval()  # as a layer that is frozen
    evaluate(model, np.ones((1, 3), np.float32))
    assert (model.training, model.linear.training, model.dropout.training) == (True, False, True)


def test_modes_come_back_after_an_error() -> None:
    model, threads = Watched().train(), torch.get_num_threads()
    with pytest.raises(RuntimeError):
        evaluate(model, np.ones((1, 4), np.float32))
    assert model.training
    assert model.dropout.training
    assert torch.is_grad_enabled()
    assert torch.get_num_threads() == threads


def test_the_threads_of_the_caller_come_back() -> None:
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        with one_thread():
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_a_score() -> None:
    logits = np.array([[0, 1, 0], [3, 0, 0], [0, 0, 0.5]], np.float32)
    found = score_logits(logits, np.array([1, 1, 2]))
    assert (found.correct, found.samples) == (2, 3)
    assert found.accuracy == 2 / 3
    wide = logits.astype(np.float64)
    expected = np.log(np.exp(wide).sum(1)) - wide[range(3), [1, 1, 2]]
    assert found.loss == pytest.approx(expected.mean(), rel=1e-12)


def test_the_score_of_a_model() -> None:
    test = digits().test
    part = LabelledData(test.inputs[:50], test.labels[:50])
    model = make()
    assert score(model, part) == score_logits(evaluate(model, part.inputs), part.labels)
    assert score(model, part, batch_size=7).loss == pytest.approx(score(model, part).loss, rel=1e-5)

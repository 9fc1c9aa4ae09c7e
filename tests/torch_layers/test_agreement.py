"""How far converted models are from FP32, layer by layer; beside quantising by hand in NumPy."""

import copy
import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import binomtest
from torch import Tensor, nn

import rnscli
from rnscli.base import InputError
from rnscli.torch import Agreement, Deviation, LayerAgreement, agreement, convert

BITS, TERMS = 6, 16
RNS = rnscli.analog_core("rns", bits=BITS, vector_size=TERMS)


def two_layers() -> nn.Sequential:
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(40, 24), nn.ReLU(), nn.Linear(24, 5))


def samples(count: int = 30, width: int = 40) -> Tensor:
    return torch.randn(count, width, generator=torch.Generator().manual_seed(2))


def by_name(found: Agreement) -> dict[str, LayerAgreement]:
    return {one.name: one for one in found.layers}


def by_hand(x: np.ndarray, layer: nn.Linear) -> np.ndarray:
    """A layer of exact dot products of rounded operands, in float64: tiles of 16 terms."""
    q = 2 ** (BITS - 1) - 1
    w, total = layer.weight.detach().numpy().astype(float), 0.0
    for start in range(0, x.shape[1], TERMS):
        parts = x[:, start : start + TERMS], w[:, start : start + TERMS]
        largest = [np.abs(part).max(axis=1, keepdims=True) for part in parts]
        steps = [np.where(one > 0, one, 1.0) / q for one in largest]
        rounded = [np.rint(part / step) * step for part, step in zip(parts, steps, strict=True)]
        total = total + rounded[0] @ rounded[1].T
    return np.asarray(total + layer.bias.detach().numpy())


def in_fp32(x: np.ndarray, layer: nn.Linear) -> np.ndarray:
    return np.asarray(
        x @ layer.weight.detach().numpy().T.astype(float) + layer.bias.detach().numpy()
    )


def snr(y: np.ndarray, found: np.ndarray) -> float:
    return 10 * math.log10((y**2).sum() / ((found - y) ** 2).sum())


def test_two_layers_by_hand() -> None:
    model, x = two_layers(), samples()
    first, _, last = model
    assert isinstance(first, nn.Linear) and isinstance(last, nn.Linear)
    found = agreement(model, convert(model, RNS), x.split(7))
    inputs = x.numpy().astype(float)
    hidden, rounded = in_fp32(inputs, first), by_hand(inputs, first)
    exact = in_fp32(np.maximum(hidden, 0), last)
    alone = by_hand(np.maximum(hidden, 0), last)
    run = by_hand(np.maximum(rounded, 0), last)
    layers = by_name(found)
    assert layers["0"].in_place.snr_db == pytest.approx(snr(hidden, rounded), abs=1e-3)
    assert layers["0"].accumulated == layers["0"].in_place
    assert layers["2"].in_place.snr_db == pytest.approx(snr(exact, alone), abs=1e-3)
    assert layers["2"].accumulated.snr_db == pytest.approx(snr(exact, run), abs=1e-3)
    assert found.outputs.snr_db == pytest.approx(snr(exact, run), abs=1e-3)
    same = int((exact.argmax(1) == run.argmax(1)).sum())
    assert (found.decisions, found.same) == (30, same)
    assert [(one.kind, one.shape, one.macs, one.calls) for one in found.layers] == [
        ("Linear", "40 x 24", 30 * 40 * 24, 5),
        ("Linear", "24 x 5", 30 * 24 * 5, 5),
    ]
    assert found.macs_share(layers["0"]) == pytest.approx(960 / 1080)


def test_sixteen_bits_of_an_exact_core_are_above_80_db() -> None:
    model = two_layers()
    core = rnscli.analog_core("rns", bits=16, vector_size=TERMS)
    found = agreement(model, convert(model, core), [samples()])
    assert found.outputs.snr_db > 80
    assert all(min(one.in_place.snr_db, one.accumulated.snr_db) > 80 for one in found.layers)
    assert found.top_class == 1


def test_an_exact_layer_and_one_whose_output_is_zero() -> None:
    model = nn.Sequential(nn.Linear(8, 8, bias=False), nn.Linear(8, 8, bias=False))
    with torch.no_grad():
        model[0].weight.copy_(torch.eye(8))  # type: ignore[union-attr]
        model[1].weight.zero_()  # type: ignore[union-attr]
    whole = torch.randint(-31, 32, (20, 8)).float()
    whole[:, 0] = 31
    found = agreement(model, convert(model, RNS), [whole])
    exact, silent = found.layers
    assert (exact.in_place.snr_db, exact.accumulated.snr_db) == (math.inf, math.inf)
    assert not exact.is_silent
    assert silent.is_silent
    assert (silent.in_place.snr_db, found.outputs.snr_db) == (None, None)


class Several(nn.Module):
    """A layer that is called twice, attention of both kinds, and a result of any kind."""

    def __init__(self, kind: str = "tensor") -> None:
        super().__init__()
        self.kind = kind
        self.shared = nn.Linear(8, 8)
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.convolution = nn.Conv2d(1, 4, 3, padding=1, groups=1)
        self.head = nn.Linear(32, 3)

    def forward(self, x: Tensor) -> Any:
        x = self.shared(self.shared(x).relu())
        x = x + self.attention(x, x, x)[0]
        weights = (x @ x.transpose(1, 2)).softmax(-1)
        images = self.convolution((weights @ x).unsqueeze(1))
        logits = self.head(images.mean(2).flatten(1))
        results: dict[str, Any] = {
            "tensor": logits,
            "tuple": (logits, x),
            "mapping": {"mask": None, "logits": logits},
            "object": SimpleNamespace(logits=logits, hidden=x),
        }
        return results[self.kind]


def several(kind: str = "tensor") -> Several:
    torch.manual_seed(3)
    return Several(kind)


def sequences() -> Tensor:
    return torch.randn(12, 5, 8, generator=torch.Generator().manual_seed(4))


def test_layers_that_are_called_twice_and_products_by_functions() -> None:
    model = several()
    found = agreement(model, convert(model, RNS), [sequences()])
    rows = [(one.name, one.kind, one.shape, one.calls, one.unmatched) for one in found.layers]
    assert rows == [
        ("shared", "Linear", "8 x 8", 2, 0),
        ("attention", "MultiheadAttention", "8 x 8", 1, 0),
        ("Several", "Several", "8 x 5", 1, 0),
        ("Several[2]", "Several", "5 x 8", 1, 0),
        ("convolution", "Conv2d", "9 x 4", 1, 0),
        ("head", "Linear", "32 x 3", 1, 0),
    ]
    macs = {name: one.macs for name, one in by_name(found).items()}
    assert macs["shared"] == 2 * 12 * 5 * 64
    assert macs["attention"] == 12 * (4 * 5 * 64 + 2 * 5 * 5 * 8)
    assert sum(map(found.macs_share, found.layers)) == pytest.approx(1)
    # What comes later loses what is before it besides its own.
    assert all(one.accumulated.snr_db < one.in_place.snr_db for one in found.layers[1:])


@pytest.mark.parametrize("kind", ["tuple", "mapping", "object"])
def test_results_of_any_kind(kind: str) -> None:
    expected = agreement(several(), convert(several(), RNS), [sequences()])
    model = several(kind)
    found = agreement(model, convert(model, RNS), [(sequences(), torch.zeros(12))])
    assert found == expected
    chosen = agreement(
        model, convert(model, RNS), [{"x": sequences()}], output=lambda one: _logits(one)[:, :1]
    )
    assert (chosen.decisions, chosen.top_class, chosen.top_class_ci95) == (0, None, None)


def _logits(found: Any) -> Tensor:
    if isinstance(found, tuple):
        return found[0]
    return found["logits"] if isinstance(found, dict) else found.logits


def test_how_much_is_held_at_once_changes_nothing_even_under_noise() -> None:
    core = rnscli.analog_core("rns", bits=BITS, vector_size=TERMS, p=0.01)
    model, batches = several(), sequences().split(6)
    converted = convert(model, core)
    found = []
    for held in (2**28, 1, 2000):
        torch.manual_seed(5)
        found.append(agreement(model, converted, batches, held_bytes=held))
        after = torch.rand(1)
    assert found[0] == found[1] == found[2]
    # The model as it runs has the noise that it has without anybody looking on.
    torch.manual_seed(5)
    model.eval()
    converted.eval()
    with torch.no_grad():
        pairs = [(model(one), converted(one)) for one in batches]
    y, run = (torch.cat(part).double() for part in zip(*pairs, strict=True))
    assert found[0].outputs.error == pytest.approx(float(((run - y) ** 2).sum()))
    assert torch.equal(after, torch.rand(1))


def test_parts_are_added() -> None:
    model = two_layers()
    converted = convert(model, RNS)
    parts = samples().split(10)
    total = agreement(model, converted, parts)
    first, *others = (agreement(model, converted, [part]) for part in parts)
    for other in others:
        first = first + other
    assert first == total


class Chosen(nn.Module):
    """Its second layer gets the samples that the first one chooses, as in a mixture of experts."""

    def __init__(self) -> None:
        super().__init__()
        self.gate, self.expert = nn.Linear(40, 1), nn.Linear(40, 4)

    def forward(self, x: Tensor) -> Tensor:
        chosen = self.gate(x).squeeze(1) > 0.0
        result = x.new_zeros(len(x), 4)
        result[chosen] = self.expert(x[chosen])
        return result


def test_calls_without_a_counterpart_are_told() -> None:
    torch.manual_seed(6)
    model = Chosen()
    converted = convert(model, rnscli.analog_core("rns", bits=3, vector_size=TERMS))
    found = by_name(agreement(model, converted, [samples(200)]))
    assert found["gate"].unmatched == 0
    assert (found["expert"].calls, found["expert"].unmatched) == (1, 1)
    assert found["expert"].accumulated == Deviation()
    assert found["expert"].in_place.snr_db is not None


def test_masked_logits_are_left_out_and_what_is_not_finite_has_no_quality() -> None:
    class Masked(nn.Linear):
        def forward(self, input: Tensor) -> Tensor:
            found = super().forward(input)
            return found.index_fill(1, torch.tensor([0]), -math.inf)

    torch.manual_seed(7)
    model = nn.Sequential(Masked(40, 4))
    found = agreement(model, convert(model, RNS), [samples()])
    assert found.outputs.snr_db is not None and 10 < found.outputs.snr_db < 60
    assert Deviation(1.0, math.inf).snr_db == -math.inf


def test_interval_is_wilsons() -> None:
    for same, decisions in ((0, 10), (10, 10), (97, 100), (1, 3)):
        interval = Agreement((), Deviation(), decisions, same).top_class_ci95
        expected = binomtest(same, decisions).proportion_ci(method="wilson")
        assert interval == pytest.approx((expected.low, expected.high))


def test_what_is_refused() -> None:
    model = two_layers()
    converted = convert(model, RNS)
    other = copy.deepcopy(model)
    with torch.no_grad():
        other[0].weight.mul_(-1)  # type: ignore[union-attr]
    for first, second, batches, sentence in (
        (converted, converted, [samples()], "`model` is converted itself"),
        (model, model, [samples()], "`converted` has computed no product on a core"),
        (other, converted, [samples()], "is no conversion of `model`"),
        (model, converted, [], "`batches` holds no samples"),
        (model, converted, [samples(3, 7)], "the model cannot compute"),
        (model, converted, ["text"], "`batches`"),
        (model, converted, 3, "`batches` is of type int"),
        (model, converted, samples(), "`batches` is of type Tensor"),
        (3, converted, [samples()], "`model` is of type int"),
    ):
        with pytest.raises(InputError, match=sentence):
            agreement(first, second, batches)  # type: ignore[arg-type]
    assert all(not one._forward_hooks for one in converted.modules())


def test_modes_and_recordings_are_left_alone() -> None:
    model = two_layers()
    converted = convert(model, RNS)
    with rnscli.torch.recording() as made:
        agreement(model, converted, [samples()])
    assert not made.kinds
    assert model.training and converted.training

"""Records of what was computed: layers, shapes, counts, and the workload of them."""

import gc
import pickle

import pytest
import torch
from comparison import COARSE, Calls, normal
from torch import Tensor, nn

import rnscli
from rnscli.torch import AnalogLinear, ProductKind, convert, recording

SIX = rnscli.analog_core("rns", bits=6, vector_size=16)


def network() -> nn.Sequential:
    """3 x 10 x 10, 8 x 8 x 8, 16 x 6 x 6 by two groups, 4 x 6 x 6, 5."""
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 8, 3),
        nn.ReLU(),
        nn.Conv2d(8, 16, 3, groups=2),
        nn.Conv2d(16, 16, 1, groups=16),
        nn.Conv2d(16, 4, 1, bias=False),
        nn.Flatten(),
        nn.Linear(144, 5),
    )


IMAGES = normal(2, 3, 10, 10)
# Worked out by hand, for one image: rows, terms, columns, matrices.
BY_HAND = {
    "0": (64, 27, 8, 1),
    "2": (36, 36, 8, 2),
    "3": (36, 1, 1, 16),
    "4": (36, 16, 4, 1),
    "6": (1, 144, 5, 1),
}


def test_products_of_a_network() -> None:
    with recording() as made, torch.no_grad():
        convert(network(), SIX)(IMAGES)
    assert [kind.layer for kind in made.kinds] == list(BY_HAND)
    for kind, entry in made.kinds.items():
        rows, terms, columns, matrices = BY_HAND[kind.layer]
        expected = ProductKind(kind.layer, "forward", terms, columns, True, matrices)
        assert kind == expected
        assert (entry.rows, entry.matrices) == (2 * rows * matrices, matrices)
        tiles = -(-terms // 16)
        assert entry.counts.dot_products == 2 * rows * matrices * columns * tiles
        assert entry.counts.computed == entry.counts.dot_products
        assert entry.counts.wrong == 0


def test_the_workload_has_every_multiplication_and_every_weight() -> None:
    model = network()
    with recording() as made, torch.no_grad():
        convert(model, SIX)(IMAGES)
    workload = made.workload("network")
    by_hand = sum(
        rows * terms * columns * matrices for rows, terms, columns, matrices in BY_HAND.values()
    )
    assert workload.macs == 2 * by_hand
    stored = [p for name, p in model.named_parameters() if name.endswith("weight")]
    assert workload.parameters == sum(p.numel() for p in stored)
    parameters = rnscli.EnergyParameters(
        core="rns", dot_product=SIX.dot_product, bits=6, moduli=SIX.code.moduli
    )
    rows = rnscli.workload_energy(parameters, workload)
    assert [row.layer for row in rows] == [*BY_HAND, "total"]
    assert [row.times for row in rows[:-1]] == [matrices for *_, matrices in BY_HAND.values()]


def test_gradients_have_products_of_their_own() -> None:
    """Two for each layer, but for the first, whose input is data."""
    with recording() as made:
        convert(network(), SIX)(IMAGES).sum().backward()
    roles = [(kind.layer, kind.role) for kind in made.kinds]
    forward = [(layer, "forward") for layer in BY_HAND]
    backward = [
        (layer, f"{of}-gradient") for layer in reversed(BY_HAND) for of in ("input", "weight")
    ]
    backward.remove(("0", "input-gradient"))
    assert roles == forward + backward
    shapes = {(kind.layer, kind.role): kind for kind in made.kinds}
    # grad (36 x 8) w^T (8 x 36) for each group; x^T (36 x 72) grad (72 x 8) of both images.
    to_x, to_w = (shapes["2", f"{of}-gradient"] for of in ("input", "weight"))
    assert (to_x.k, to_x.n, to_x.matrices, to_x.rows, to_x.stationary) == (8, 36, 2, None, True)
    assert (to_w.k, to_w.n, to_w.matrices, to_w.rows, to_w.stationary) == (72, 8, 2, 36, False)
    by_hand = sum(
        rows * terms * columns * matrices for rows, terms, columns, matrices in BY_HAND.values()
    )
    first = 64 * 27 * 8
    assert made.workload("training").macs == 2 * (3 * by_hand - first)


def test_gradients_of_a_recorded_pass_are_recorded_when_they_come() -> None:
    layer = AnalogLinear(4, 3, core=COARSE)
    with recording() as made:
        y = layer(normal(2, 4)).sum()
    y.backward()
    layer(normal(2, 4)).sum().backward()
    assert [(kind.role, entry.rows) for kind, entry in made.kinds.items()] == [
        ("forward", 2), ("weight-gradient", 4),
    ]  # fmt: skip


def test_calls_add_up_and_batches_of_none_are_left_out() -> None:
    layer = AnalogLinear(4, 3, core=COARSE)
    with recording() as made:
        layer(normal(0, 4))
        with pytest.raises(rnscli.InputError, match="no layers"):
            made.workload("none")
        layer(normal(2, 4))
        layer(normal(5, 4))
    ((_, entry),) = made.kinds.items()
    assert (entry.rows, entry.matrices) == (7, 3)
    (gemm,) = made.workload("some").gemms
    assert (gemm.m, gemm.k, gemm.n, gemm.count, gemm.stationary) == (7, 4, 3, 1, True)


def test_products_of_activations_of_different_lengths_are_kept_apart() -> None:
    model = convert(Calls(torch.matmul), COARSE)
    with recording() as made:
        for rows in (3, 4, 4):
            model(normal(2, rows, 8), normal(2, 8, 5))
    gemms = [(gemm.m, gemm.count, gemm.stationary) for gemm in made.workload("these").gemms]
    assert gemms == [(3, 2, False), (4, 4, False)]
    assert made.workload("these").macs == 2 * 11 * 8 * 5


def test_parameters_are_stored_however_they_are_turned() -> None:
    functions = (
        lambda x, w: x @ w,
        lambda x, w: x @ w.t().t(),
        lambda x, w: x @ w.t().T.view(8, 5),
        lambda x, w: (w.t() @ x.t()).t(),
        lambda x, w: torch.einsum("ij,jk->ik", x, w),
    )
    for function in functions:
        for grad in (torch.enable_grad, torch.no_grad):
            with recording() as made, grad():
                convert(Calls(function, normal(8, 5)), COARSE)(normal(3, 8))
            (kind,) = made.kinds
            assert kind.stationary, function
            assert (kind.k, kind.n) == (8, 5)
    with recording() as made:
        convert(Calls(lambda x, w: x @ (w * 1), normal(8, 5)), COARSE)(normal(3, 8))
    assert not next(iter(made.kinds)).stationary


class Squares(nn.Module):
    """Products of one shape with two parameters, ``a`` and ``b``, in the order of a word."""

    def __init__(self, order: str, frozen: str = "") -> None:
        super().__init__()
        self.order = order
        self.a, self.b = (nn.Parameter(normal(8, 8, seed=seed)) for seed in (1, 2))
        for name in frozen:
            getattr(self, name).requires_grad_(False)

    def forward(self, x: Tensor) -> Tensor:
        for name in self.order:
            x = (x @ getattr(self, name)).relu()
        return x


def test_products_of_one_shape_are_told_apart_by_their_weights() -> None:
    for order, parts, rows in (
        ("ab", (1, 2), [3, 3]), ("aab", (1, 3), [6, 3]), ("baba", (1, 2), [6, 6]),
    ):  # fmt: skip
        model = convert(Squares(order), COARSE)
        with recording() as made:
            model(normal(3, 8)).sum().backward()
        forward = {kind.product: one.rows for kind, one in made.kinds.items() if kind.rows is None}
        of_role = [kind.product for kind in made.kinds if kind.role == "forward"]
        assert tuple(of_role) == parts and len(forward) == 2
        workload = made.workload("squares")
        stored = [gemm for gemm in workload.gemms if gemm.layer == "Squares"]
        assert [gemm.m for gemm in stored] == rows
        assert sum(gemm.weights for gemm in stored) == 2 * 64
        assert workload.macs == (3 * len(order) - 1) * 3 * 64  # the first inputs have no gradient
        gradients = {kind.product for kind in made.kinds if kind.role == "weight-gradient"}
        assert gradients == set(parts)


def test_weights_that_are_gone_are_not_taken_for_others() -> None:
    """Of many models, one after the other, some have parameters where others had theirs."""
    gc.freeze()  # so that collecting is fast; what was there stays, as in `conftest.py`
    with recording() as made, torch.no_grad():
        for order in ("ab", "b") * 60:
            convert(Squares(order), COARSE)(normal(3, 8))
            gc.collect()
    assert [(kind.product, one.rows) for kind, one in made.kinds.items()] == [(1, 360), (2, 180)]
    assert pickle.loads(pickle.dumps(made)).kinds == made.kinds


def test_halves_of_a_parameter_are_different_weights() -> None:
    model = convert(Calls(lambda x, w: (x @ w[:8]).relu() @ w[8:], normal(16, 8)), COARSE)
    with recording() as made, torch.no_grad():
        model(normal(3, 8))
    assert [gemm.weights for gemm in made.workload("halves").gemms] == [64, 64]


def test_a_layer_that_is_called_again_is_the_same() -> None:
    inner = nn.Linear(8, 8)
    model = convert(nn.Sequential(inner, nn.ReLU(), inner, Squares("ab")), COARSE)
    with recording() as made, torch.no_grad():
        for _ in range(2):
            model(normal(3, 8))
    assert [(kind.layer, kind.product, one.rows) for kind, one in made.kinds.items()] == [
        ("0", 1, 12), ("3", 1, 6), ("3", 2, 6),
    ]  # fmt: skip


def test_recordings_may_be_nested() -> None:
    layer = AnalogLinear(4, 3, core=COARSE)
    with recording() as outer:
        layer(normal(2, 4))
        with recording() as inner:
            layer(normal(2, 4))
        layer(normal(2, 4))
    layer(normal(2, 4))
    assert (outer.counts.products, inner.counts.products) == (3, 1)


def test_a_recording_ends_with_an_exception() -> None:
    layer = AnalogLinear(4, 3, core=COARSE)
    with pytest.raises(KeyError), recording() as made:
        raise KeyError
    layer(normal(2, 4))
    assert not made.kinds


def test_on_the_device_meta_products_are_counted_and_not_computed() -> None:
    """The same record, of a model without values."""

    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = network()[:5]
            self.attention = nn.MultiheadAttention(4, 2, batch_first=True)

        def forward(self, images: Tensor) -> Tensor:
            x = self.body(images).flatten(2).transpose(1, 2)
            found = self.attention(x, x, x)[0]
            assert isinstance(found, Tensor)
            return found

    model = convert(Model(), SIX)
    told = []
    for device in ("cpu", "meta"):
        model.to(device).zero_grad()
        with recording() as made:
            model(IMAGES.to(device)).sum().backward()
        told.append(made.kinds)
    assert told[0] == told[1]
    with recording() as made, torch.device("meta"):
        convert(nn.Linear(50_000, 100_000), SIX)(torch.empty(1000, 50_000))
    assert made.workload("large").macs == 5 * 10**12

"""Products that a model computes with functions, operators and methods."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from comparison import COARSE, FINE, Calls, assert_near, assert_same_as_digital, normal
from torch import Tensor, nn
from torch.nn import functional

import rnscli
from rnscli.torch import analog_matmul, convert, recording

M, W, V = (5, 40), (40, 6), (40,)
STACK, STACKED = (3, 5, 40), (3, 40, 6)


@pytest.mark.parametrize(
    ("function", "shapes"),
    [
        (torch.matmul, (M, W)),
        (torch.matmul, (V, W)),
        (torch.matmul, (M, V)),
        (torch.matmul, (V, V)),
        (torch.matmul, (STACK, W)),
        (torch.matmul, (M, STACKED)),
        (torch.matmul, (STACK, STACKED)),
        (torch.matmul, ((2, 1, 5, 40), STACKED)),
        (torch.matmul, (V, STACKED)),
        (torch.matmul, (STACK, V)),
        (torch.matmul, ((3, 0, 40), STACKED)),
        (torch.matmul, ((0, 5, 40), (1, 40, 6))),
        (lambda x, w: torch.matmul(input=x, other=w), (M, W)),
        (lambda x, w: torch.matmul(other=w, input=x), (M, W)),
        (lambda x, w: x.matmul(w), (M, W)),
        (lambda x, w: x.matmul(other=w), (M, W)),
        (lambda x, w: x @ w, (M, W)),
        (torch.linalg.matmul, (STACK, STACKED)),
        (torch.mm, (M, W)),
        (lambda x, w: torch.mm(x, mat2=w), (M, W)),
        (lambda x, w: x.mm(w), (M, W)),
        (torch.mv, (M, V)),
        (lambda x, v: torch.mv(x, vec=v), (M, V)),
        (lambda x, v: x.mv(v), (M, V)),
        (torch.bmm, (STACK, STACKED)),
        (lambda x, w: torch.bmm(x, mat2=w), (STACK, STACKED)),
        (lambda x, w: x.bmm(w), (STACK, STACKED)),
        (torch.addmm, ((6,), M, W)),
        (lambda b, x, w: torch.addmm(b, x, w, beta=0.5, alpha=-2), ((5, 6), M, W)),
        (lambda b, x, w: torch.addmm(b, mat2=w, mat1=x, beta=2), ((6,), M, W)),
        (lambda b, x, w: torch.addmm(input=b, mat1=x, mat2=w), ((6,), M, W)),
        (lambda b, x, w: b.addmm(x, w, alpha=3), ((5, 6), M, W)),
        (torch.addmv, ((5,), M, V)),
        (lambda b, x, v: torch.addmv(b, mat=x, vec=v, alpha=2), ((5,), M, V)),
        (lambda b, x, v: b.addmv(x, v), ((5,), M, V)),
        (torch.baddbmm, ((3, 5, 6), STACK, STACKED)),
        (lambda b, x, w: torch.baddbmm(b, batch1=x, batch2=w, beta=3), ((5, 6), STACK, STACKED)),
        (lambda b, x, w: b.baddbmm(x, w), ((3, 5, 6), STACK, STACKED)),
        (lambda b, x, w: b.clone().addmm_(x, w, beta=2, alpha=3), ((5, 6), M, W)),
        (lambda b, x, w: b.clone().baddbmm_(x, w), ((3, 5, 6), STACK, STACKED)),
        (lambda b, x, v: b.clone().addmv_(x, v), ((5,), M, V)),
        (lambda b, x, w: torch.addbmm(b, x, w, beta=2), ((5, 6), STACK, STACKED)),
        (lambda b, x, w: b.clone().addbmm_(x, w, alpha=3), ((5, 6), STACK, STACKED)),
        (torch.dot, (V, V)),
        (lambda x, w: torch.vdot(x, other=w), (V, V)),
        (lambda x, w: x.dot(w), (V, V)),
        (torch.inner, (STACK, (6, 40))),
        (lambda x, w: x.inner(w), (V, V)),
        (torch.linalg.vecdot, (STACK, (1, 5, 40))),
        (lambda x, w: torch.linalg.vecdot(x, w, dim=0), (W, W)),
        (lambda x, w: torch.tensordot(x, w, 1), (STACK, W)),
        (torch.tensordot, (STACK, (5, 40, 6))),
        (lambda x, w: torch.tensordot(x, w, ([0, 2], [0, -2])), (STACK, STACKED)),
        (lambda x, w: torch.tensordot(x, w, dims=torch.tensor([[1], [0]])), (M, W)),
        (lambda *each: torch.linalg.multi_dot(each), (M, W, (6, 9), (9,))),
        (lambda *each: torch.linalg.multi_dot(each), (V, W)),
        (lambda *each: torch.chain_matmul(*each), ((2, 30), (30, 3), (3, 30), (30, 4))),
        (functional.bilinear, ((4, 6), (4, 5), (3, 6, 5), (3,))),
        (lambda x, y, w: functional.bilinear(x, y, w), ((2, 4, 6), (2, 4, 5), (3, 6, 5))),
        (lambda x, w: (x.t() if x.dim() > 2 else x) @ w.t().t(), (M, W)),
        (lambda x, w: x.mT.mT @ w, (STACK, STACKED)),
    ],
)
def test_products(function: Callable[..., Tensor], shapes: tuple[tuple[int, ...], ...]) -> None:
    operands = [normal(*shape, seed=seed) for seed, shape in enumerate(shapes)]
    assert_same_as_digital(Calls(function), *operands)


@pytest.mark.parametrize(
    ("equation", "shapes"),
    [
        ("ij,jk->ik", (M, W)),
        ("ij,jk", (M, W)),
        ("ji,kj->ik", ((40, 5), (6, 40))),
        ("ij,jk->ki", (M, W)),
        ("bij,bjk->bik", (STACK, STACKED)),
        ("bij,jk->bik", (STACK, W)),
        ("bhid,bhjd->bhij", ((2, 3, 4, 8), (2, 3, 5, 8))),
        ("bqhd,bkhd->bhqk", ((2, 4, 3, 8), (2, 5, 3, 8))),
        ("bij,bij->b", (STACK, STACK)),
        ("i,i->", (V, V)),
        ("ijk,jkl->il", ((4, 3, 8), (3, 8, 5))),
        ("...ij,...jk->...ik", (STACK, STACKED)),
        ("...ij,jk->...ik", ((2, 3, 5, 40), W)),
        ("...ij,...jk", ((2, 3, 5, 40), STACKED)),
        ("i...,ij...->j...", ((4, 3), (4, 5, 3))),
        ("b...d,bd->b...", ((3, 4, 5, 8), (3, 8))),
        (" b i j , b j k -> b i k ", ((3, 5, 40), (1, 40, 6))),
        ("bij,bjk->bik", ((1, 5, 40), STACKED)),
        ("bij,bjk->bik", ((3, 5, 1), STACKED)),
        ("ij,jk->k", (M, W)),
        ("ij,kj->k", (M, (6, 40))),
        ("iij,j->i", ((4, 4, 3), (3,))),
        ("iij,ij->", ((4, 4, 3), (4, 3))),
        ("ij,jk,kl->il", (M, W, (6, 9))),
        ("ij,jk,kl", (M, W, (6, 9))),
        ("bi,oij,bj->bo", ((4, 6), (3, 6, 5), (4, 5))),
        ("...i,ij,...j->...", ((2, 3, 6), (6, 5), (2, 3, 5))),
        ("ij,ij,jk->ik", (M, M, W)),
        ("ab,bc,cd,de->ae", ((2, 9), (9, 3), (3, 8), (8, 4))),
        ("i,j,ij->", ((5,), (40,), M)),
    ],
)
def test_einsum(equation: str, shapes: tuple[tuple[int, ...], ...]) -> None:
    operands = [normal(*shape, seed=seed) for seed, shape in enumerate(shapes)]
    assert_same_as_digital(Calls(lambda *each: torch.einsum(equation, *each)), *operands)
    assert_same_as_digital(Calls(lambda *each: torch.einsum(equation, list(each))), *operands)


def test_einsum_with_a_list_of_numbers() -> None:
    model = Calls(lambda x, w: torch.einsum(x, [0, 1], w, [1, 2], [2, 0]))
    assert_same_as_digital(model, normal(*M), normal(*W))


def told(function: Callable[..., Any], *operands: Any) -> tuple[str, ...]:
    """What stays digital, and gives the very result of PyTorch."""
    with recording() as made:
        found = convert(Calls(function), COARSE)(*operands)
    expected = function(*operands)
    same = torch.equal(found.to_dense(), expected.to_dense()) if found.is_sparse else None
    assert same is not False
    assert found.is_sparse or torch.equal(found, expected)
    assert not made.kinds
    return tuple(made.unmapped)


def test_other_einsums_stay_digital_and_are_told() -> None:
    x, w = normal(*M), normal(*W)
    assert told(lambda: torch.einsum("i,j->ij", x[0], w[0])) == ("Calls: einsum",)
    assert told(lambda: torch.einsum("ij->ji", x)) == ("Calls: einsum",)
    assert told(lambda: torch.einsum("i,j,k->ijk", x[0], w[0], w[1])) == ("Calls: einsum",)


def test_einsum_takes_the_path_that_pytorch_would_take(monkeypatch: pytest.MonkeyPatch) -> None:
    """Here one that is the best for sizes 2, 9, 3, 8, as ``opt_einsum`` gives it."""

    class Finder:
        @staticmethod
        def contract_path(equation: str, *operands: Tensor, optimize: str) -> Any:
            assert (equation, optimize) == ("ab,bc,cd,de->ae", "auto")
            return ([(0, 1), (0, 1), (0, 1)],)

    shapes = (2, 9), (9, 3), (3, 8), (8, 4)
    operands = [normal(*shape, seed=seed) for seed, shape in enumerate(shapes)]
    model = Calls(lambda *each: torch.einsum("ab,bc,cd,de->ae", *each))
    assert_same_as_digital(model, *operands)
    left_to_right = [(9, 3), (3, 8), (8, 4)]
    pairs = [(9, 3), (8, 4), (3, 4)]
    for expected in (left_to_right, pairs):
        with recording() as made:
            convert(model, COARSE)(*operands)
        assert [(kind.k, kind.n) for kind in made.kinds] == expected
        assert [kind.layer for kind in made.kinds] == [f"Calls.pair{i}" for i in (1, 2, 3)]
        from torch.backends import opt_einsum

        monkeypatch.setattr(opt_einsum, "is_available", lambda: True)
        monkeypatch.setattr(opt_einsum, "get_opt_einsum", lambda: Finder)
        monkeypatch.setattr(opt_einsum, "strategy", "auto")
        monkeypatch.setattr(opt_einsum, "enabled", True)
    assert_same_as_digital(model, *operands)


def test_a_chain_is_multiplied_in_the_best_order() -> None:
    """Of sizes 2, 30, 3, 30, 4 with 180 + 360 + 24 multiplications; from the left there are 600."""
    shapes = (2, 30), (30, 3), (3, 30), (30, 4)
    operands = [normal(*shape, seed=seed) for seed, shape in enumerate(shapes)]
    with recording() as made:
        convert(Calls(lambda *each: torch.linalg.multi_dot(each)), COARSE)(*operands)
    assert [(kind.k, kind.n) for kind in made.kinds] == [(30, 3), (30, 4), (3, 4)]


def test_products_by_hand() -> None:
    """Terms, columns and rows, and dot products in tiles of 16 terms."""
    x, w = normal(3, 5, 40), normal(3, 40, 6)
    for function, operands, terms, columns, rows in (
        (torch.tensordot, (x, normal(5, 40, 6)), 200, 6, 3),
        (torch.addbmm, (normal(5, 6), x, w), 120, 6, 5),
        (torch.dot, (x[0, 0], w[0, :, 0]), 40, 1, 1),
        (torch.inner, (x, normal(6, 40)), 40, 6, 15),
    ):
        with recording() as made:
            convert(Calls(function), COARSE)(*operands)
        ((kind, entry),) = made.kinds.items()
        assert (kind.k, kind.n, entry.rows) == (terms, columns, rows)
        assert entry.counts.dot_products == rows * columns * -(-terms // 16)


def grouped(a: Tensor, b: Tensor, offs: Tensor | None) -> Tensor:
    return functional.grouped_mm(a, b, offs=offs)


def test_experts() -> None:
    """Groups of rows, of columns, of terms, and a stack for each; the first group is empty."""
    ends = torch.tensor([0, 3, 10], dtype=torch.int32)
    cases = [
        ((10, 16), (3, 16, 8), ends),
        ((3, 4, 16), (16, 10), ends),
        ((4, 10), (10, 8), ends),
        ((3, 4, 16), (3, 16, 8), None),
    ]
    for left, right, offs in cases:
        a, b = normal(*left).bfloat16(), normal(*right, seed=1).bfloat16()
        model = Calls(lambda a, b, offs=offs: torch._grouped_mm(a, b, offs))
        expected = []
        begin = 0
        for index, end in enumerate(ends.tolist()):
            part = slice(begin, end if offs is not None else None)
            x = a[index] if a.dim() == 3 else a[part] if b.dim() == 3 else a[:, part]
            w = b[index] if b.dim() == 3 else b[:, part] if a.dim() == 3 else b[part]
            expected.append(x.double() @ w.double())
            begin = end
        stacked = len(left) == len(right)
        whole = (
            torch.stack(expected) if stacked else torch.cat(expected, 1 if len(left) == 3 else 0)
        )
        found = convert(model, FINE)(a, b)
        assert_near(found.double(), whole, share=0.01)
        assert_near(convert(Calls(grouped), FINE)(a, b, offs).double(), whole, 0.01)
        with recording() as made:
            convert(model, COARSE)(a, b)
        assert not made.unmapped
        if offs is not None:
            assert {kind.layer for kind in made.kinds} == {f"Calls.group{i}" for i in range(3)}


def test_rows_beyond_the_last_group_are_zero() -> None:
    offs = torch.tensor([2, 3], dtype=torch.int32)
    a, b = normal(5, 16).bfloat16().requires_grad_(), normal(2, 16, 8).bfloat16()
    found = convert(Calls(grouped), FINE)(a, b, offs)
    assert found.shape == (5, 8)
    assert not found[3:].any()
    found.sum().backward()
    assert not a.grad[3:].any()
    assert a.grad[:3].any()


def test_products_of_other_numbers_stay_digital_and_are_told() -> None:
    x, w = normal(*M), normal(*W)
    whole = (x * 9).long(), (w * 9).long()
    assert told(torch.matmul, *whole) == ("Calls: matmul",)
    assert told(lambda x, w: torch.mm(input=x, mat2=w), *whole) == ("Calls: mm",)
    assert told(lambda x, w: x @ w, x.cfloat(), w.cfloat()) == ("Calls: matmul",)
    assert told(torch.mm, x.to_sparse(), w) == ("Calls: mm",)
    assert told(torch.sparse.mm, x.to_sparse(), w) == ("Calls: _sparse_mm",)


def test_products_into_what_is_there() -> None:
    x, w = normal(*M), normal(*W)
    for function, operands in (
        (torch.matmul, (x, w)),
        (torch.addmm, (normal(6), x, w)),
        (torch.einsum, ("ij,jk->ik", x, w)),
        (torch.linalg.multi_dot, ([x, w, normal(6, 3)],)),
        (torch.mv, (x, w[:, 0])),
    ):
        if function is torch.einsum:
            continue  # which takes no `out`
        with recording() as made:
            model = convert(
                Calls(lambda *each, function=function: function(*each[:-1], out=each[-1])), FINE
            )
            expected = function(*operands)
            out = torch.empty_like(expected)
            found = model(*operands, out)
        assert found is out
        assert_near(out, expected)
        assert made.kinds
        assert not made.unmapped


def test_what_pytorch_refuses_of_results_is_refused() -> None:
    x, w = normal(*M), normal(*W)
    model = convert(Calls(lambda x, w, out: torch.matmul(x, w, out=out)), COARSE)
    with pytest.raises(RuntimeError, match="no gradients"):
        model(x.requires_grad_(), w, torch.empty(5, 6))
    with pytest.raises(RuntimeError, match="out tensor to have dtype"):
        model(x.detach(), w, torch.empty(5, 6, dtype=torch.int64))
    written = convert(Calls(lambda b, x, w: b.addmm_(x, w)), COARSE)
    with pytest.raises(RuntimeError, match=r"\(5, 6\) cannot be written .* \(6,\)"):
        written(torch.ones(6), x.detach(), w)


def test_what_beta_leaves_out_is_not_looked_at() -> None:
    blank = torch.full((6,), float("nan"))
    model = convert(Calls(lambda x, w: torch.addmm(blank, x, w, beta=0)), FINE)
    assert_near(model(normal(*M), normal(*W)), normal(*M) @ normal(*W))


def test_shapes_that_do_not_fit_are_refused_as_by_pytorch() -> None:
    for function in (torch.matmul, torch.mm):
        with pytest.raises(RuntimeError, match=r"shapes \(5, 40\) and \(5, 40\)"):
            convert(Calls(function), FINE)(normal(*M), normal(*M))
    with pytest.raises(RuntimeError):
        convert(Calls(torch.einsum), FINE)("ij,jk->il", normal(*M), normal(*W))
    with pytest.raises(RuntimeError):
        convert(Calls(torch.tensordot), FINE)(normal(*M), normal(*W))
    with pytest.raises(RuntimeError):
        convert(Calls(torch.dot), FINE)(normal(*V), normal(3))


def test_a_stored_matrix_on_the_left_is_what_is_in_the_array() -> None:
    model = convert(Calls(lambda x, weight: weight @ x, normal(7, 40)), COARSE)
    with recording() as made:
        model(normal(40, 5))
    (kind,) = made.kinds
    assert (kind.k, kind.n, kind.stationary, made.kinds[kind].rows) == (40, 7, True, 5)
    assert_same_as_digital(Calls(lambda x, weight: weight @ x, normal(7, 40)), normal(3, 40, 5))


def test_one_product_without_a_model() -> None:
    flow = rnscli.Dataflow(COARSE, granularity="tensor")
    with recording() as made:
        found = analog_matmul(normal(*M), normal(*W), flow, "mine")
    assert torch.equal(found, convert(Calls(torch.matmul), flow)(normal(*M), normal(*W)))
    assert [kind.layer for kind in made.kinds] == ["mine"]
    assert analog_matmul(normal(*V), normal(*V), COARSE).shape == ()


class Named(Tensor):
    """A subclass that leaves all to PyTorch."""


class Scaled(Tensor):
    """A subclass with products of its own: twice those of what it holds."""

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
        plain = [one.as_subclass(Tensor) if isinstance(one, cls) else one for one in args]
        found = func(*plain, **(kwargs or {}))
        products = (torch.matmul, Tensor.matmul, functional.linear, torch.conv2d)
        return 2 * found if func in products else found


@pytest.mark.parametrize("kind", [Named, Scaled])
@pytest.mark.parametrize(
    "model",
    [Calls(lambda x: x @ torch.ones(6, 6)), nn.Linear(6, 3), nn.Conv2d(1, 2, 3)],
    ids=["matmul", "linear", "conv2d"],
)
def test_classes_of_operands_have_their_say(kind: type[Tensor], model: nn.Module) -> None:
    x = normal(1, 5, 6).as_subclass(kind)
    analog, expected = convert(model, FINE), model(x)
    with recording() as made:
        found = analog(x)
    assert type(found) is type(expected)
    assert_near(found.as_subclass(Tensor), expected.as_subclass(Tensor))
    assert len(made.kinds) == 1


@pytest.mark.parametrize(
    ("model", "shapes"),
    [
        (nn.Linear(6, 5, bias=False), [(4, 6)]),
        (nn.Linear(40, 9, bias=False), [(40,)]),
        (nn.Conv2d(2, 4, 3, bias=False), [(1, 2, 5, 5)]),
        (nn.Conv2d(2, 4, 3, groups=2, bias=False), [(2, 5, 5)]),
        (Calls(torch.matmul), [(2, 5, 6), (6, 4)]),
        (Calls(torch.matmul), [(40,), (40, 9)]),
        (Calls(torch.bmm), [(2, 5, 6), (2, 6, 4)]),
        (Calls(lambda x, w: torch.einsum("bij,jk->ibk", x, w)), [(2, 5, 6), (6, 4)]),
        (Calls(functional.scaled_dot_product_attention), [(1, 3, 8), (1, 4, 8), (1, 4, 8)]),
    ],
)
def test_results_may_be_changed_in_place(model: nn.Module, shapes: list[tuple[int, ...]]) -> None:
    operands = [normal(*shape, seed=index) for index, shape in enumerate(shapes)]
    if isinstance(model, nn.Linear | nn.Conv2d):
        torch.manual_seed(0)
        model.reset_parameters()

    class Changes(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, *given: Tensor) -> Tensor:
            found = self.model(*given)
            found[..., 0] = 7.0
            return functional.relu(found, inplace=True)

    assert_same_as_digital(Changes(), *operands)

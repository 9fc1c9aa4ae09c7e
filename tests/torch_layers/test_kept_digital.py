"""What stays digital, by wish or because no core computes it, is said."""

import warnings
from collections.abc import Callable, Iterator

import pytest
import torch
from comparison import COARSE, Calls, normal
from refusals import assert_one_sentence
from torch import Tensor, nn
from torch.nn import functional

import rnscli
from rnscli.torch import Conversion, conversion, convert, recording


class Block(nn.Module):
    """Products of its own, and a layer."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(6, 6)
        self.weight = nn.Parameter(torch.randn(6, 6))

    def forward(self, x: Tensor) -> Tensor:
        return functional.linear(self.layer(x), self.weight) @ self.weight


def blocks() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(Block(), Block(), nn.Linear(6, 3))


X = normal(4, 6)


@pytest.fixture
def no_warnings() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


@pytest.mark.usefixtures("no_warnings")
def test_excluded_modules_stay_digital_with_all_within_them() -> None:
    model = blocks()
    analog = convert(model, COARSE, exclude=["0", "2"])
    with recording() as made:
        found = analog(X)
    assert {kind.layer for kind in made.kinds} == {"1", "1.layer"}
    assert not made.unmapped
    assert torch.equal(found, model[2](analog[1](model[0](X))))
    assert conversion(analog).digital == (("0.layer", "Linear"), ("2", "Linear"))


@pytest.mark.usefixtures("no_warnings")
def test_a_layer_within_a_module_on_the_core_stays_digital() -> None:
    model = blocks()
    analog = convert(model, COARSE, exclude=["1.layer"])
    with recording() as made:
        analog(X)
    assert {kind.layer for kind in made.kinds} == {"0", "0.layer", "1", "2"}
    assert torch.equal(analog[1].layer(X), model[1].layer(X))


def test_parts_of_an_excluded_module_stay_digital_when_others_call_them() -> None:
    class Reaches(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.blocks = blocks()

        def forward(self, x: Tensor) -> Tensor:
            found = self.blocks[2](self.blocks[0].layer(x))
            assert isinstance(found, Tensor)
            return found

    model = Reaches()
    analog = convert(model, COARSE, exclude=["blocks.0"])
    with recording() as made:
        found = analog(X)
    assert {kind.layer for kind in made.kinds} == {"blocks.2"}
    assert torch.equal(found, analog.blocks[2](model.blocks[0].layer(X)))


def test_names_that_begin_alike_are_others() -> None:
    model = nn.ModuleDict({"head": nn.Linear(4, 4), "heads": nn.Linear(4, 4)})
    assert conversion(convert(model, COARSE, exclude=["head"])).analog == ("heads",)


def test_the_whole_model_may_be_excluded() -> None:
    model = blocks()
    assert torch.equal(convert(model, COARSE, exclude=[""])(X), model(X))


class Own(nn.MultiheadAttention):
    """Its products are within one function of PyTorch, which is not taken apart."""


OTHERS = {"own": Own(8, 2), "late": nn.LazyConv1d(2, 3)}
TEXT = "layers that stay digital: own (Own), late (LazyConv1d)"


def test_a_warning_lists_layers_that_no_core_computes() -> None:
    model = nn.ModuleDict({**OTHERS, "head": nn.Linear(4, 4)})
    with pytest.warns(UserWarning) as told:
        analog = convert(model, COARSE)
    assert [str(one.message) for one in told] == [TEXT]
    assert told[0].filename == __file__
    assert conversion(analog).analog == ("own.out_proj", "head")
    assert conversion(analog).sentence == TEXT


def test_strict_refuses_them() -> None:
    model = nn.ModuleDict({**OTHERS, "head": nn.Linear(4, 4)})
    with pytest.raises(rnscli.InputError) as told:
        convert(model, COARSE, strict=True)
    assert str(told.value) == f"the model has {TEXT}"
    assert_one_sentence(told.value, "late (LazyConv1d)")


@pytest.mark.usefixtures("no_warnings")
def test_nothing_is_said_of_what_was_excluded() -> None:
    model = nn.ModuleDict({**OTHERS, "head": nn.Linear(4, 4)})
    analog = convert(model, COARSE, exclude=list(OTHERS), strict=True)
    assert [name for name, _ in conversion(analog).digital] == ["own", "own.out_proj", "late"]


def test_a_model_that_is_such_a_layer_has_a_name() -> None:
    with pytest.warns(UserWarning, match=r"layers that stay digital: LazyLinear \(LazyLinear\)"):
        convert(nn.LazyLinear(4), COARSE)


def test_attention_of_a_subclass_is_listed() -> None:
    model = Own(8, 2)
    with pytest.warns(UserWarning, match=r"Own \(Own\)"):
        analog = convert(model, COARSE)
    x = normal(5, 1, 8)
    with recording() as made:
        found, _ = analog(x, x, x)
    assert torch.equal(found, model(x, x, x)[0])
    assert list(made.unmapped) == ["Own: multi_head_attention_forward"]


def test_lazy_layers_are_listed_until_they_know_their_shapes() -> None:
    model = nn.Sequential(nn.LazyLinear(5))
    with pytest.warns(UserWarning, match=r"0 \(LazyLinear\)"):
        analog = convert(model, COARSE)
    analog(X)
    again = convert(analog, COARSE, strict=True)
    assert conversion(again).analog == ("0",)
    assert type(again[0]).__name__ == "AnalogLinear"
    assert "forward" not in vars(again[0])


def test_scripted_modules_are_listed() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scripted = torch.jit.script(nn.Linear(6, 3))
    with pytest.warns(UserWarning, match="layers that stay digital: 0 "):
        analog = convert(nn.Sequential(scripted, nn.Linear(3, 2)), COARSE)
    with recording() as made:
        analog(X)
    assert {kind.layer for kind in made.kinds} == {"1"}


def test_a_recording_tells_functions_that_stay_digital() -> None:
    def uses(x: Tensor) -> Tensor:
        torch.outer(x[0], x[1])
        torch.cdist(x, x)
        torch.linalg.matrix_power(x[:, :4], 3)
        return torch.addr(x, x[:, 0], x[0])

    with recording() as made:
        convert(Calls(uses), COARSE)(X)
    assert not made.kinds
    assert list(made.unmapped) == [
        "Calls: outer", "Calls: cdist", "Calls: linalg_matrix_power", "Calls: addr",
    ]  # fmt: skip


def test_a_recording_names_the_layer_that_stays_digital() -> None:
    class Recurrent(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.own = Own(6, 2)
            self.head = nn.Linear(6, 2)

        def forward(self, x: Tensor) -> Tensor:
            found = self.head(self.own(x, x, x)[0])
            assert isinstance(found, Tensor)
            return found

    with pytest.warns(UserWarning, match="own"):
        analog = convert(Recurrent(), COARSE)
    with recording() as made:
        analog(X.unsqueeze(0)).sum().backward()
    assert list(made.unmapped) == ["own: multi_head_attention_forward"]
    assert {kind.layer for kind in made.kinds} == {"head"}


def experts(x: Tensor) -> Tensor:
    offsets = torch.tensor([2, 4], dtype=torch.int32)
    return torch.ops.aten._grouped_mm(
        x.bfloat16().repeat(1, 4), torch.ones(2, 24, 8).bfloat16(), offs=offsets
    )


def flexible(x: Tensor) -> Tensor:
    from torch.nn.attention.flex_attention import flex_attention  # a second of imports

    return flex_attention(x[None, None], x[None, None], x[None, None])


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (lambda x: torch.ops.aten.mm(x, x.t()), "mm"),
        (experts, "_grouped_mm"),  # by the operator itself
        (flexible, "flex_attention"),
    ],
)
def test_a_recording_tells_products_in_whatever_way_they_come(
    function: Callable[[Tensor], Tensor], name: str
) -> None:
    model = Calls(
        lambda x: (
            functional.relu(function(x)) @ torch.ones(function(x).shape[-1], 2).to(function(x))
        )
    )
    with torch.inference_mode(), warnings.catch_warnings(), recording() as made:
        warnings.simplefilter("ignore")
        convert(model, COARSE)(X)
    assert list(made.unmapped) == [f"Calls: {name}"]
    assert len(made.kinds) == 1
    with torch.inference_mode(), recording() as made:
        convert(model, COARSE, exclude=[""])(X)
    assert not made.unmapped


def test_quantised_layers_are_listed() -> None:
    model = nn.ModuleDict({"head": nn.Linear(6, 3), "rnn": nn.LSTM(6, 3), "act": nn.ReLU()})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        quantised = torch.ao.quantization.quantize_dynamic(model, {nn.Linear, nn.LSTM})
    with pytest.raises(rnscli.InputError, match=r"digital: head \(Linear\), rnn \(LSTM\)$"):
        convert(quantised, COARSE, strict=True)
    with pytest.warns(UserWarning, match="0 .Linear"), recording() as made:
        convert(nn.Sequential(quantised["head"]), COARSE)(X)
    assert list(made.unmapped) == ["0: linear_dynamic"]


def test_layers_of_other_libraries_are_listed() -> None:
    class Conv1D(nn.Module):
        """As that of GPT-2."""

        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.ones(6, 3))

        def forward(self, x: Tensor) -> Tensor:
            return torch.addmm(torch.zeros(3), x, self.weight)

    class Table(nn.Embedding):
        pass

    analog = convert(nn.Sequential(Conv1D(), Table(6, 3), nn.Embedding(6, 3)), COARSE)
    assert conversion(analog) == Conversion(("0",), (), ("1",))
    assert conversion(convert(analog, COARSE, exclude=["0"])).analog == ("0",)
    assert conversion(convert(nn.Sequential(Conv1D()), COARSE, exclude=["0"])) == Conversion(
        (), (("0", "Conv1D"),)
    )

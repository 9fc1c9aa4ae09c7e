"""Workloads of PyTorch models: module hooks, FlopCounterMode, exports, and counts by hand."""

import math
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from rnscli.analysis import open_workload
from rnscli.base.errors import InputError
from rnscli.hardware.workloads import Gemm, Workload
from rnscli.torch.counted.exported import exported_workload, workload_of
from rnscli.torch.counted.tracing import traced_workload

Shape = tuple[int, ...]


class Convolutional(nn.Module):
    """Groups, strides, a transposed convolution; batch normalisations that are folded or not."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(4, 8, 3, stride=2, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(8)
        self.depthwise = nn.Conv2d(8, 8, 3, padding=2, dilation=2, groups=8)
        self.up = nn.ConvTranspose2d(8, 6, 2, stride=2)
        self.other = nn.BatchNorm2d(6)
        self.head = nn.Linear(6, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.norm(self.stem(x)))
        x = torch.relu(self.up(self.depthwise(x) + x))
        x = self.other(x)
        found: Tensor = self.head(x.mean((2, 3)))
        return found


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(11, 4)
        self.lstm = nn.LSTM(4, 6, num_layers=2, batch_first=True)
        self.gru = nn.GRU(6, 5, batch_first=True)
        self.out = nn.Linear(5, 11)

    def forward(self, x: Tensor) -> Tensor:
        y, _ = self.lstm(self.table(x))
        y, _ = self.gru(y)
        found: Tensor = self.out(y)
        return found


class Attention(nn.Module):
    """A block of a transformer, written out."""

    def __init__(self) -> None:
        super().__init__()
        self.query, self.key, self.value = (nn.Linear(8, 8) for _ in range(3))
        self.out = nn.Linear(8, 8, bias=False)
        self.first, self.second = nn.LayerNorm(8), nn.LayerNorm(8)
        self.wide, self.narrow = nn.Linear(8, 16), nn.Linear(16, 8)

    def forward(self, x: Tensor) -> Tensor:
        parts = (self.query(x), self.key(x), self.value(x))
        q, k, v = (one.unflatten(-1, (2, 4)).transpose(1, 2) for one in parts)
        scores = torch.softmax(q @ k.transpose(2, 3) / 2.0, dim=-1)
        x = self.first(x + self.out((scores @ v).transpose(1, 2).flatten(2)))
        found: Tensor = self.second(x + self.narrow(nn.functional.gelu(self.wide(x))))
        return found


def block() -> nn.Module:
    return nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, activation="gelu")


MODELS: dict[str, tuple[Any, Any]] = {
    "convolutional": (Convolutional, lambda: torch.zeros(2, 4, 9, 9)),
    "transformer": (Attention, lambda: torch.zeros(3, 5, 8)),
    "recurrent": (Recurrent, lambda: torch.zeros(2, 7, dtype=torch.int64)),
}


def shapes(made: Workload) -> Counter[tuple[Any, ...]]:
    return Counter((g.m, g.k, g.n, g.count, g.stationary, g.steps) for g in made.gemms)


def work(made: Workload) -> dict[str, int]:
    found: dict[str, int] = {}
    for one in made.vectors:
        found[one.kind] = found.get(one.kind, 0) + one.elements
    return found


@pytest.fixture(params=MODELS)
def case(request: pytest.FixtureRequest) -> tuple[nn.Module, Tensor]:
    make, inputs = MODELS[request.param]
    model = make().eval()
    for one in model.parameters():  # equal ones are stored once by some exporters
        nn.init.normal_(one)
    return model, inputs()


def test_layers_by_hand() -> None:
    made = traced_workload("net", Convolutional(), [torch.zeros(2, 4, 9, 9)])
    assert made.gemms == (
        Gemm("stem", 50, 36, 8, inputs=2 * 4 * 81),
        Gemm("depthwise", 50, 9, 1, count=8, inputs=50),
        Gemm("up", 50, 8, 24),
        Gemm("head", 2, 6, 5),
    )
    assert work(made) == {
        "relu": 2 * 8 * 25 + 2 * 6 * 100,
        "add": 2 * 8 * 25,
        "batch-norm": 2 * 6 * 100,  # after a function, so no product can have it
        "average-pool": 2 * 6 * 100,
    }
    made = traced_workload("net", block(), [torch.zeros(3, 5, 8)])
    assert shapes(made) == Counter({
        (15, 8, 24, 1, True, 1): 1, (5, 4, 5, 6, False, 1): 1, (5, 5, 4, 6, False, 1): 1,
        (15, 8, 8, 1, True, 1): 1, (15, 8, 16, 1, True, 1): 1, (15, 16, 8, 1, True, 1): 1,
    })  # fmt: skip
    assert [g.layer for g in made.gemms if g.stationary] == [
        "self_attn.in_proj", "self_attn.out_proj", "linear1", "linear2"
    ]  # fmt: skip
    assert work(made) == {
        "multiply": 2 * 15 * 8,  # of queries and keys with roots of the scale
        "softmax": 3 * 2 * 5 * 5, "add": 2 * 15 * 8, "layer-norm": 2 * 15 * 8, "gelu": 15 * 16,
    }  # fmt: skip
    made = traced_workload("net", Recurrent(), [torch.zeros(2, 7, dtype=torch.int64)])
    assert shapes(made) == Counter({
        (14, 4, 24, 1, True, 1): 1, (14, 6, 24, 1, True, 1): 1, (14, 6, 24, 1, True, 7): 2,
        (14, 6, 15, 1, True, 1): 1, (14, 5, 15, 1, True, 7): 1, (14, 5, 11, 1, True, 1): 1,
    })  # fmt: skip
    assert made.table_parameters == 44 and work(made)["gather"] == 14 * 4


def test_modules_and_parameters(case: tuple[nn.Module, Tensor]) -> None:
    """Linear layers and convolutions as hooks see them, run in earnest."""
    model, inputs = case
    seen: Counter[int] = Counter()

    def look(layer: Any, given: tuple[Tensor, ...], result: Tensor) -> None:
        if isinstance(layer, nn.Linear):
            seen[names[layer]] += result.numel() * layer.in_features
        elif isinstance(layer, nn.ConvTranspose2d):
            seen[names[layer]] += given[0].numel() * layer.weight[0].numel()
        elif isinstance(layer, nn.Conv2d):
            seen[names[layer]] += result.numel() * layer.weight[0].numel()

    names: Any = {layer: name for name, layer in model.named_modules()}
    for layer in names:
        layer.register_forward_hook(look)
    numel = sum(one.numel() for one in model.parameters())
    model(inputs)
    for layer in names:
        layer._forward_hooks.clear()
    made = traced_workload("net", model, [inputs])
    counted = {gemm.layer: gemm.macs for gemm in made.gemms}
    assert all(counted[name] == macs for name, macs in seen.items()) and seen
    assert made.parameters == numel
    assert made.remarks == ()


def test_as_many_operations_as_pytorch_counts(case: tuple[nn.Module, Tensor]) -> None:
    model, inputs = case
    # It does not know the fused layers of the CPU.
    plain = torch.backends.mkldnn.flags(enabled=False)
    with plain, torch.no_grad(), FlopCounterMode(display=False) as counter:
        model(inputs)
    made = traced_workload("net", model, [inputs])
    assert 2 * made.macs == counter.get_total_flops()


def test_exported_programs(case: tuple[nn.Module, Tensor], tmp_path: Path) -> None:
    model, inputs = case
    program = torch.export.export(model, (inputs,))
    of_program = workload_of(program, "net")
    torch.export.save(program, tmp_path / "net.pt2")
    of_file = exported_workload(tmp_path / "net.pt2")
    assert of_file.gemms == of_program.gemms and of_file.vectors == of_program.vectors
    made = traced_workload("net", model, [inputs])
    assert of_program == made
    assert of_file.parameters == made.parameters


@pytest.mark.filterwarnings("ignore")
def test_onnx_exports(case: tuple[nn.Module, Tensor], tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    from rnscli.hardware.workloads.formats.onnx_file import read_onnx

    model, inputs = case
    path = tmp_path / "net.onnx"
    # Sizes of the first axis are left open, so shapes are computed of shapes.
    torch.onnx.export(
        model, (inputs,), path, dynamo=False, input_names=["x"], dynamic_axes={"x": {0: "batch"}}
    )
    of_file = read_onnx(path, {"batch": len(inputs)})
    made = traced_workload("net", model, [inputs])
    assert shapes(of_file) == shapes(made)
    assert of_file.macs == made.macs
    # ONNX keeps both biases of a GRU and an LSTM, too; a folded normalisation has one instead of
    # a scale and a shift.
    folded = sum(m.num_features for m in model.modules() if isinstance(m, nn.BatchNorm2d)) and 8
    assert of_file.parameters == made.parameters - folded
    ours, others = work(made), work(of_file)
    for kind in ("relu", "softmax", "layer-norm", "sigmoid", "average-pool"):
        assert ours.get(kind) == others.get(kind), kind
    assert onnx.load(path).graph.node


def test_a_loop_over_a_cell_is_one_layer_in_steps() -> None:
    class Loop(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.cell = nn.LSTMCell(5, 7)

        def forward(self, x: Tensor) -> Tensor:
            state = None
            for one in x:
                state = self.cell(one, state)
            assert state is not None
            found: Tensor = state[0]
            return found

    made = traced_workload("net", Loop(), [torch.zeros(6, 2, 5)])
    assert shapes(made) == Counter({(12, 5, 28, 1, True, 6): 1, (12, 7, 28, 1, True, 6): 1})
    assert made.parameters == 28 * 5 + 28 * 7 + 56


def test_weights_that_are_used_otherwise() -> None:
    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.table = nn.Embedding(11, 4)
            self.scale = nn.Parameter(torch.ones(4, 4))
            self.register_buffer("fourier", torch.ones(4, 4))
            self.conv = nn.Conv1d(4, 4, 1)

        def forward(self, x: Tensor) -> Tensor:
            y = self.table(x) @ (2 * self.scale).exp()
            y = y @ self.fourier
            z = self.conv(y.mT)
            z = z + self.conv(z[..., :1])
            found: Tensor = nn.functional.linear(z.mT, self.table.weight)
            return found

    made = traced_workload("net", Tied(), [torch.zeros(2, 3, dtype=torch.int64)])
    assert [(g.layer, g.m, g.stationary, g.shares) for g in made.gemms] == [
        ("scale", 6, True, None), ("fourier", 6, True, None), ("conv", 6, True, None),
        ("conv 2", 2, True, "conv"), ("table", 6, True, None),
    ]  # fmt: skip
    assert made.other_parameters == 4 and made.table_parameters == 0
    assert made.parameters == 44 + 16 + 16 + 20  # the buffer is stored, too


def test_experts_and_grouped_heads() -> None:
    class Experts(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.ones(4, 8, 6))

        def forward(self, x: Tensor) -> Tensor:
            return torch.bmm(x.expand(4, 3, 8), self.weight)

    (made,) = traced_workload("net", Experts(), [torch.zeros(3, 8)]).gemms
    assert (made.m, made.k, made.n, made.count, made.stationary) == (3, 8, 6, 4, True)


def test_powers_by_numbers_and_by_tensors() -> None:
    """What a tensor holds is not known: exp(p ln x), also of a number to the power of a tensor."""

    class Pooled(nn.Module):
        """The generalised mean of Radenovic et al., arXiv:1711.02512, formula 3."""

        def __init__(self) -> None:
            super().__init__()
            self.inner = nn.Linear(4, 6)
            self.p = nn.Parameter(torch.tensor([3.0, 2.0, 0.5]).repeat(2))

        def forward(self, x: Tensor) -> Tensor:
            y = self.inner(x)
            found: Tensor = y.pow(self.p).mean(0) ** 0.5 + torch.pow(2.0, y).pow(3)
            return found

    made = traced_workload("net", Pooled(), [torch.zeros(5, 4)])
    told = Counter[str]()
    for one in made.vectors:
        told[one.kind] += one.elements
    of_tensors = 2 * 5 * 6
    assert told == {
        "logarithm": of_tensors, "exp": of_tensors, "multiply": of_tensors + 2 * 30,
        "average-pool": 30, "root": 6, "add": 30,
    }  # fmt: skip


def test_operators_that_are_not_counted_are_told() -> None:
    class Odd(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(4, 4)

        def forward(self, x: Tensor) -> Tensor:
            return torch.special.bessel_j0(self.fc(x)).cumprod(1)

    made = traced_workload("net", Odd(), [torch.zeros(2, 4)])
    assert made.remarks == (
        "workload net has operators that are not counted: aten.special_bessel_j0 (1), "
        "aten.cumprod (1)",
    )


def test_open_dimensions_of_programs(tmp_path: Path) -> None:
    batch = torch.export.Dim("batch", min=2)
    program = torch.export.export(
        nn.Linear(4, 5), (torch.zeros(3, 4),), dynamic_shapes=({0: batch, 1: None},)
    )
    for inputs, named, says in (
        ((), {}, "leaves dimension s"),
        ([torch.zeros(3, 5)], {}, "`input_shape` of input is 3x5; `workload` net was exported for"),
        (
            [torch.zeros(3, 4)] * 2,
            {},
            "`input_shape` is given for 2 inputs, and `workload` net",
        ),
        ((), {"y": torch.zeros(3, 4)}, "`input_shape` is of y, and the inputs of"),
    ):
        with pytest.raises(InputError) as caught:
            workload_of(program, "net", inputs, named)
        assert says in str(caught.value)
    assert workload_of(program, "net", [torch.zeros(7, 4)]).gemms[0].m == 7
    assert workload_of(program, "net", (), {"input": torch.zeros(9, 4)}).gemms[0].m == 9


@pytest.mark.parametrize("content", [b"", b"not a program", None])
def test_files_that_are_no_programs(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "net.pt2"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=r"it must be a program saved by torch\.export\.save"):
        exported_workload(path)


def test_files_of_torch_that_are_no_programs(tmp_path: Path) -> None:
    path, model = tmp_path / "net.pt2", nn.Linear(4, 3)
    for content in (model.state_dict(), model):
        torch.save(content, path)
        with pytest.raises(InputError) as caught:
            exported_workload(path)
        said = str(caught.value)
        assert "was saved by torch.save" in said and "warnings" not in said
        assert "it must be a program saved by torch.export.save" in said
    for member, says in (
        ("readme.txt", "has no program in it; it must be a program"),
        ("net/models/model.json", "cannot be opened: .*; it must be a program"),
    ):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(member, "nothing")
        with pytest.raises(InputError, match=says) as caught:
            exported_workload(path)
        assert "warnings" not in str(caught.value)


def test_sizes_of_an_exported_program_are_fixed_or_open() -> None:
    """No advice that is refused where it is followed."""
    with pytest.raises(InputError, match="has the sizes that it was exported with, but for"):
        open_workload("net.pt2", {"batch": 4})
    program = torch.export.export(nn.Linear(4, 3), (torch.ones(2, 4),))
    with pytest.raises(InputError, match="was exported for 2x4; export it again"):
        workload_of(program, "net", [torch.zeros(4, 4)])


@pytest.mark.thorough
def test_ten_thousand_layers_without_memory() -> None:
    with torch.device("meta"):
        layers = [nn.Linear(10_000, 10_000) for _ in range(10_000)]
    made = traced_workload("net", nn.Sequential(*layers), [torch.zeros(1, 10_000)])
    assert len(made.gemms) == 10_000 and made.macs == 10**12
    assert math.isclose(made.parameters, 10**12, rel_tol=1e-3)

"""ONNX models that are built here, against products counted by hand."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from rnscli.base.errors import InputError
from rnscli.hardware.workloads import Gemm, Workload
from rnscli.hardware.workloads.formats.onnx_file import read_onnx

onnx = pytest.importorskip("onnx")
helper = onnx.helper


def weights(name: str, *shape: int, kind: str = "FLOAT", values: bool = False) -> Any:
    """An initialiser; without values it stands for data in another file that is not there."""
    tensor = onnx.TensorProto(
        name=name, dims=shape, data_type=onnx.TensorProto.DataType.Value(kind)
    )
    if values:
        size = 1
        for one in shape:
            size *= one
        tensor.raw_data = bytes(4 * size)
    else:
        tensor.data_location = onnx.TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value="nowhere.bin")
    return tensor


def whole(name: str, *values: int) -> Any:
    return helper.make_tensor(name, onnx.TensorProto.INT64, [len(values)], values)


def scalar(name: str, value: float = 1.0, kind: int = 1) -> Any:
    return helper.make_tensor(name, kind, [], [value])


def write(
    path: Path, nodes: Sequence[Any], inputs: dict[str, Sequence[Any]], stored: Sequence[Any] = (),
    opset: int = 20,
) -> Path:  # fmt: skip
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info(name, 1, shape) for name, shape in inputs.items()],
        [helper.make_tensor_value_info(nodes[-1].output[0], 1, None)],
        list(stored),
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    path.write_bytes(model.SerializeToString())
    return path


def node(kind: str, inputs: str, output: str, **attributes: Any) -> Any:
    names = [name if name != "-" else "" for name in inputs.split()]
    return helper.make_node(kind, names, output.split(), name=f"/{kind}/{output}", **attributes)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "net.onnx"


def shapes(made: Workload) -> list[tuple[int, int, int, int, bool]]:
    return [(one.m, one.k, one.n, one.count, one.stationary) for one in made.gemms]


def work(made: Workload) -> dict[str, int]:
    found: dict[str, int] = {}
    for one in made.vectors:
        found[one.kind] = found.get(one.kind, 0) + one.elements
    return found


def test_convolutions(file: Path) -> None:
    made = read_onnx(write(
        file,
        [
            node("Conv", "x a.weight a.bias", "y", group=2, strides=[2, 2], pads=[1, 1, 1, 1],
                 kernel_shape=[3, 3]),
            node("BatchNormalization", "y scale shift mean var", "z"),
            node("Relu", "z", "r"),
            node("Conv", "r b.weight", "s", dilations=[2, 1], auto_pad="SAME_UPPER"),
            node("ConvTranspose", "s c.weight", "t", strides=[2, 2], kernel_shape=[3, 3]),
            node("MaxPool", "t", "u", kernel_shape=[3, 3], strides=[3, 3]),
            node("GlobalAveragePool", "u", "v"),
        ],
        {"x": [2, 4, 9, 9]},
        [weights("a.weight", 8, 2, 3, 3), weights("a.bias", 8), weights("scale", 8),
         weights("shift", 8), weights("mean", 8), weights("var", 8),
         weights("b.weight", 6, 8, 3, 3), weights("c.weight", 6, 5, 3, 3)],
    ))  # fmt: skip
    assert [one.layer for one in made.gemms] == ["a", "b", "c"]
    first, second, third = made.gemms
    assert first == Gemm("a", 2 * 25, 2 * 9, 4, count=2, inputs=2 * 2 * 81)
    assert second == Gemm("b", 2 * 25, 8 * 9, 6, inputs=2 * 8 * 25)
    assert third == Gemm("c", 2 * 25, 6, 5 * 9)
    # 11 x 11 results of the transposed convolution; those of its 45 columns that meet are added.
    assert work(made) == {
        "relu": 2 * 8 * 25,
        "add": 50 * 45 - 2 * 5 * 121,
        "max-pool": 2 * 5 * 9 * 9,
        "average-pool": 2 * 5 * 9,
    }
    assert made.parameters == 8 * 2 * 9 + 8 + 8 + 8 + 6 * 8 * 9 + 6 * 5 * 9
    assert made.remarks == ()


def test_axes_of_convolutions(file: Path) -> None:
    made = read_onnx(write(
        file,
        [node("Conv", "x a.weight", "y"), node("Reshape", "y shape", "z"),
         node("Conv", "z b.weight", "w")],
        {"x": [1, 3, 10]},
        [weights("a.weight", 4, 3, 3), whole("shape", 1, 1, 2, 4, 4),
         weights("b.weight", 7, 1, 1, 2, 2)],
    ))  # fmt: skip
    assert shapes(made) == [(8, 9, 4, 1, True), (2 * 9, 4, 7, 1, True)]
    assert made.gemms[1].inputs == 2 * 16


def test_products_of_matrices(file: Path) -> None:
    made = read_onnx(write(
        file,
        [
            node("Gemm", "x a.weight a.bias", "h", transB=1),
            node("Transpose", "b.weight", "bt"),
            node("MatMul", "h bt", "i"),
            node("Add", "i bias", "j"),  # part of scaling, as a Gemm has it
            node("Reshape", "j heads", "q"),
            node("Transpose", "q", "k", perm=[0, 2, 1]),
            node("MatMul", "q k", "s"),
            node("Softmax", "s", "p"),
            node("MatMul", "p q", "c"),
            node("MatMul", "experts.weight c", "e"),
            node("MatMul", "h bt", "again"),
            node("Gemm", "again c.weight", "end", transA=0),
        ],
        {"x": [6, 10]},
        [weights("a.weight", 12, 10), weights("a.bias", 12), weights("b.weight", 12, 12),
         weights("bias", 12), whole("heads", 3, 6, 4), weights("experts.weight", 3, 5, 6),
         weights("c.weight", 12, 2)],
    ))  # fmt: skip
    assert [one.layer for one in made.gemms] == [
        "a", "b", "/MatMul/s", "/MatMul/c", "experts", "c"
    ]  # fmt: skip
    assert shapes(made) == [
        (6, 10, 12, 1, True),
        (12, 12, 12, 1, True),  # twice, with the same weights
        (6, 4, 6, 3, False),
        (6, 6, 4, 3, False),
        (4, 6, 5, 3, True),  # weights on the left: the columns of the other are its inputs
        (6, 12, 2, 1, True),
    ]
    assert made.gemms[1].steps == 2
    assert work(made) == {"softmax": 3 * 6 * 6}
    assert made.parameters == 120 + 12 + 144 + 12 + 90 + 24


def test_weights_in_batches_and_shared_ones(file: Path) -> None:
    made = read_onnx(write(
        file,
        [node("MatMul", "x a.weight", "y"), node("MatMul", "y b.weight", "z"),
         node("Slice", "z zero one", "s"), node("MatMul", "s b.weight", "t")],
        {"x": [2, 5, 7, 3]},
        [weights("a.weight", 3, 4), weights("b.weight", 5, 4, 4), whole("zero", 0),
         whole("one", 1)],
    ))  # fmt: skip
    assert shapes(made) == [(70, 3, 4, 1, True), (14, 4, 4, 5, True), (7, 4, 4, 5, True)]
    assert made.gemms[2].shares == "b"
    assert made.parameters == 12 + 80


def test_quantised_products(file: Path) -> None:
    eight = [weights("w", 4, 4, kind="INT8"), weights("q.weight", 4, 4, kind="INT8")]
    made = read_onnx(write(
        file,
        [
            node("DequantizeLinear", "q.weight scale zero", "d"),
            node("MatMul", "x d", "y"),
            node("DynamicQuantizeLinear", "y", "yq ys yz"),
            node("MatMulInteger", "yq w yz", "i"),
            node("Cast", "i", "f", to=1),
            node("Mul", "f scale", "g"),
        ],
        {"x": [3, 4]},
        [*eight, scalar("scale"), scalar("zero", 0, onnx.TensorProto.INT8)],
    ))  # fmt: skip
    assert shapes(made) == [(3, 4, 4, 1, True)] * 2
    assert made.parameters == 32
    assert work(made) == {"multiply": 12 + 12, "compare": 24}


def test_recurrent_layers(file: Path) -> None:
    made = read_onnx(write(
        file,
        [node("LSTM", "x w r", "y", hidden_size=6, direction="bidirectional"),
         node("Reshape", "y shape", "z"), node("GRU", "z v s", "u", hidden_size=5)],
        {"x": [7, 2, 4]},
        [weights("w", 2, 24, 4), weights("r", 2, 24, 6), whole("shape", 7, 2, 12),
         weights("v", 1, 15, 12), weights("s", 1, 15, 5)],
    ))  # fmt: skip
    assert shapes(made) == [
        (14, 4, 24, 2, True), (14, 6, 24, 2, True), (14, 12, 15, 1, True), (14, 5, 15, 1, True)
    ]  # fmt: skip
    assert [one.steps for one in made.gemms] == [1, 7, 1, 7]
    outputs, more = 7 * 2 * 2 * 6, 7 * 2 * 5
    assert work(made)["sigmoid"] == 5 * outputs + 3 * more
    assert made.parameters == 48 * 4 + 48 * 6 + 15 * 12 + 15 * 5


def test_einsum_and_attention(file: Path) -> None:
    made = read_onnx(write(
        file,
        [node("Einsum", "x a.weight", "q", equation="bsd,dhk->bhsk"),
         node("Einsum", "q q", "s", equation="bhsk,bhtk->bhst"),
         node("Attention", "q k k", "c")],
        {"x": [2, 5, 12], "k": [2, 1, 9, 4]},
        [weights("a.weight", 12, 3, 4)],
        opset=23,
    ))  # fmt: skip
    assert shapes(made) == [
        (10, 12, 12, 1, True), (5, 4, 5, 6, False), (15, 4, 9, 2, False), (15, 9, 4, 2, False)
    ]  # fmt: skip
    assert work(made) == {"multiply": 2 * 3 * 5 * 9, "softmax": 2 * 3 * 5 * 9}


def test_what_follows_from_constants_is_not_counted(file: Path) -> None:
    made = read_onnx(write(
        file,
        [node("Exp", "a.weight", "b"), node("MatMul", "b c", "d"), node("MatMul", "x d", "e"),
         node("Gelu", "e", "f"), node("Erf", "f", "g"), node("Pow", "g two", "h")],
        {"x": [2, 4]},
        [weights("a.weight", 4, 4), weights("c", 4, 4), scalar("two", 2.0)],
    ))  # fmt: skip
    assert shapes(made) == [(2, 4, 4, 1, True)]
    assert work(made) == {"gelu": 8, "erf": 8, "multiply": 8}


def test_open_dimensions(file: Path) -> None:
    nodes = [
        node("MatMul", "x a.weight", "y"), node("Shape", "y", "s"), node("Gather", "s zero", "b"),
        node("Concat", "b rest", "t", axis=0), node("Reshape", "y t", "h"),
        node("Transpose", "h", "k", perm=[0, 1, 3, 2]), node("MatMul", "h k", "p"),
    ]  # fmt: skip
    stored = [weights("a.weight", 8, 8), whole("zero", 0), whole("rest", -1, 2, 4)]
    write(file, nodes, {"x": ["batch_size", "seq_len", 8]}, stored)
    made = read_onnx(file, {"batch": 3, "sequence": 5})
    assert shapes(made) == [(15, 8, 8, 1, True), (2, 4, 2, 15, False)]
    assert made == read_onnx(file, {"batch_size": 3, "seq_len": 5})
    for sizes, says in (
        ({}, "net.onnx leaves dimension batch_size of its input x open; give it with `batch`"),
        ({"batch": 3}, "leaves dimension seq_len of its input x open; give it with `sequence`"),
        ({"batch": 3, "sequence": 5, "cache": 1}, "has no open dimension cache"),
    ):
        assert says in refused(file, sizes)
    write(file, [node("Relu", "x", "y"), node("MatMul", "y y", "z")], {"x": [None, 4]})
    assert "leaves dimension x[0] of its input x open; give it with `size` x[0]=" in refused(file)
    assert shapes(read_onnx(file, {"x[0]": 4})) == [(4, 4, 4, 1, False)]


def test_unknown_operators_are_told(file: Path) -> None:
    nodes = [
        node("MatMul", "x a.weight", "y"), node("Hardmax", "y", "z"),
        helper.make_node("Strange", ["z"], ["w"], domain="made.up"), node("Det", "x", "d"),
        node("Det", "x", "e"), node("Relu", "w", "v"),
    ]  # fmt: skip
    made = read_onnx(write(file, nodes, {"x": [4, 4]}, [weights("a.weight", 4, 4)]))
    assert made.remarks == (
        "workload net.onnx has operators that are not counted: Det (2), made.up.Strange (1), "
        "Relu of unknown shape (1)",
    )


def test_functions_of_a_model(file: Path) -> None:
    inner = helper.make_function(
        "own", "Twice", ["x", "w"], ["z"],
        [node("MatMul", "x w", "y"), node("MatMul", "y w", "z")], [helper.make_opsetid("", 20)],
    )  # fmt: skip
    graph = helper.make_graph(
        [helper.make_node("Twice", ["x", "w"], ["y"], domain="own")], "graph",
        [helper.make_tensor_value_info("x", 1, [2, 4])],
        [helper.make_tensor_value_info("y", 1, None)], [weights("w", 4, 4)],
    )  # fmt: skip
    imports = [helper.make_opsetid("", 20), helper.make_opsetid("own", 1)]
    model = helper.make_model(graph, functions=[inner], opset_imports=imports)
    file.write_bytes(model.SerializeToString())
    (made,) = read_onnx(file).gemms
    assert (made.m, made.steps) == (4, 2)


def refused(path: Path, sizes: dict[str, int] | None = None) -> str:
    with pytest.raises(InputError) as caught:
        read_onnx(path, sizes)
    message = str(caught.value)
    assert message.isprintable() and len(message) < 500
    return message


def test_refused_files(tmp_path: Path, file: Path) -> None:
    assert "is a directory; it must be an ONNX file" in refused(tmp_path)
    assert "does not exist" in refused(file)
    file.write_bytes(b"")
    assert "is empty; it must be an ONNX file" in refused(file)
    for content in (b"layer,M,K,N\na,1,1,1\n", b"\x89PNG\r\n\x1a\n" * 9, b"\x08\x07", b"\x00" * 64):
        file.write_bytes(content)
        assert "it must be an ONNX file" in refused(file)
    write(file, [node("MatMul", "x a.weight", "y")], {"x": [2, 4]}, [weights("a.weight", 4, 4)])
    whole_file = file.read_bytes()
    for end in range(1, len(whole_file), 7):
        file.write_bytes(whole_file[:end])
        refused(file)
    write(file, [node("MatMul", "x a.weight", "y")], {"x": [2, 5]}, [weights("a.weight", 4, 4)])
    assert "contradicts itself" in refused(file) or "do not fit" in refused(file)
    write(file, [node("Relu", "x", "y")], {"x": [2, 5]})
    assert "has no matrix products; give a network with layers" in refused(file)
    nodes = [node("NonZero", "x", "i"), node("Cast", "i", "f", to=1), node("MatMul", "f x", "y")]
    write(file, nodes, {"x": [2, 5]})
    assert "operator MatMul: the shape of f does not follow" in refused(file)


def test_without_the_package(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "onnx", None)
    sentence = refused(file)
    assert "needs the package onnx; install it with: " in sentence and "rnscli[onnx]" in sentence


def test_weights_in_the_file_take_no_memory(file: Path) -> None:
    """Those of a file that is far larger than what is read of it."""
    from rnscli.hardware.workloads.formats.onnx_wire import read_stripped

    stored = [weights(f"{one}.weight", 512, 512, values=True) for one in range(32)]
    nodes = [node("MatMul", f"{'x' if not one else one - 1} {one}.weight", f"{one}")
             for one in range(32)]  # fmt: skip
    write(file, nodes, {"x": [1, 512]}, stored)
    assert file.stat().st_size > 2**25 and len(read_stripped(file)) < 2**13
    assert read_onnx(file).parameters == 32 * 512**2


@pytest.mark.thorough
def test_ten_thousand_products(file: Path) -> None:
    number = 10_000
    stored = [weights(f"{one}.weight", 64, 64) for one in range(number)]
    nodes = [node("MatMul", f"{'x' if not one else one - 1} {one}.weight", f"{one}")
             for one in range(number)]  # fmt: skip
    made = read_onnx(write(file, nodes, {"x": [1, 64]}, stored))
    assert len(made.gemms) == number and made.macs == number * 64**2

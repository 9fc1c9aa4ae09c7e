"""Networks against what is published of them, tiles against counting, files of a user."""

import math
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnscli.base.errors import InputError
from rnscli.hardware.workloads import Gemm, Workload, tiles
from rnscli.hardware.workloads.networks import (
    WORKLOADS,
    bert_large,
    load_workload,
    mnist_cnn,
    opt_125m,
    resnet50,
)

QUICK = settings(max_examples=100, deadline=None, derandomize=True)


def refusal(make: Callable[[], Any]) -> str:
    with pytest.raises(InputError) as caught:
        make()
    message = str(caught.value)
    assert message.isprintable()
    assert len(message) < 600  # with the names of all networks
    return message


# Networks -----------------------------------------------------------------------------------------

# num_params of torchvision's weights; those of facebook/opt-125m, bert-large-uncased, of
# BertForPreTraining, and of the released Llamas and Mixtral as transformers loads them; of
# PyTorch's MNIST example as torchsummary prints it. Others have modules in test_workload_modules.
PUBLISHED_PARAMETERS = {
    "resnet50": 25_557_032,
    "bert-large": 335_141_888,
    "opt-125m": 125_239_296,
    "mnist-cnn": 1_199_882,
    "mobilenet-v2": 3_504_872,
    "vit-b16": 86_567_656,
    "bert-large-pretraining": 336_226_108,
    "llama-2-7b": 6_738_415_616,
    "llama-2-13b": 13_015_864_320,
    "llama-3-8b": 8_030_261_248,
    "llama-3-8b-decode": 8_030_261_248,
    "mixtral-8x7b": 46_702_792_704,
    "mixtral-8x7b-decode": 46_702_792_704,
}


@pytest.mark.parametrize(("name", "parameters"), PUBLISHED_PARAMETERS.items())
def test_published_parameters(name: str, parameters: int) -> None:
    workload = load_workload(name)
    assert workload.name == name
    assert workload.parameters == parameters


def test_published_macs_of_resnet50() -> None:
    assert round(resnet50().macs / 1e9, 3) == 4.089  # "_ops" of its weights in torchvision


# Convolutions of torchvision's resnet50: channels in and out, kernel, pixels of a side of the
# output, and how many there are.
RESNET50_CONVOLUTIONS = [
    (3, 64, 7, 112, 1),
    (64, 64, 1, 56, 1), (256, 64, 1, 56, 2), (64, 64, 3, 56, 3), (64, 256, 1, 56, 3 + 1),
    (256, 128, 1, 56, 1), (512, 128, 1, 28, 3), (128, 128, 3, 28, 4), (128, 512, 1, 28, 4),
    (256, 512, 1, 28, 1),
    (512, 256, 1, 28, 1), (1024, 256, 1, 14, 5), (256, 256, 3, 14, 6), (256, 1024, 1, 14, 6),
    (512, 1024, 1, 14, 1),
    (1024, 512, 1, 14, 1), (2048, 512, 1, 7, 2), (512, 512, 3, 7, 3), (512, 2048, 1, 7, 3),
    (1024, 2048, 1, 7, 1),
]  # fmt: skip


def test_layers_of_resnet50_listed_by_hand() -> None:
    listed = [
        (side * side, inputs * kernel * kernel, outputs)
        for inputs, outputs, kernel, side, times in RESNET50_CONVOLUTIONS
        for _ in range(times)
    ]
    network = resnet50()
    *convolutions, classifier = network.gemms
    assert sorted((gemm.m, gemm.k, gemm.n) for gemm in convolutions) == sorted(listed)
    assert network.gemms[0] == Gemm("conv1", 112 * 112, 3 * 7 * 7, 64, inputs=3 * 224**2)
    assert classifier == Gemm("fc", 1, 2048, 1000)
    assert all(gemm.stationary and gemm.count == 1 for gemm in network.gemms)
    # A batch normalisation after every convolution has a scale and a shift.
    by_hand = sum(k * n + 2 * n for _, k, n in listed) + 2048 * 1000 + 1000
    assert network.parameters == by_hand == 25_557_032


def test_names_of_resnet50_are_torchvisions() -> None:
    network = resnet50()
    shapes = {gemm.layer: (gemm.m, gemm.k, gemm.n) for gemm in network.gemms}
    assert len(shapes) == len(network.gemms) == 54
    assert shapes["layer1.0.downsample"] == (56 * 56, 64, 256)
    assert shapes["layer2.0.conv1"] == (56 * 56, 256, 128)  # stride in the next: version 1.5
    assert shapes["layer2.0.conv2"] == (28 * 28, 9 * 128, 128)
    assert shapes["layer4.2.conv3"] == (7 * 7, 512, 2048)
    assert {name for name in shapes if "downsample" in name} == {
        f"layer{stage}.0.downsample" for stage in (1, 2, 3, 4)
    }


def test_published_macs_of_the_mnist_example() -> None:
    # 23 984 896 operations, two for each multiplication with its addition.
    assert 2 * mnist_cnn().macs == 23_984_896
    assert [(gemm.m, gemm.k, gemm.n) for gemm in mnist_cnn().gemms] == [
        (26 * 26, 9, 32), (24 * 24, 9 * 32, 64), (1, 9216, 128), (1, 128, 10)
    ]  # fmt: skip


def test_parts_of_bert_large() -> None:
    network = bert_large()
    # Counted by module in bert-large-uncased: one block has 12 596 224 parameters, of which the
    # six matrices of weights; the pooler 1 049 600.
    stored = sum(gemm.weights for gemm in network.gemms)
    assert stored == 24 * (4 * 1024**2 + 2 * 1024 * 4096) + 1024**2
    assert network.other_parameters == 31_782_912 + 24 * 12_596_224 + 1_049_600 - stored


@pytest.mark.parametrize(
    ("make", "hidden", "sequence", "matrices"),
    [(bert_large, 1024, 512, 24 * 16), (opt_125m, 768, 2048, 12 * 12)],
)
def test_attention_multiplies_activations(
    make: Callable[[], Workload], hidden: int, sequence: int, matrices: int
) -> None:
    network = make()
    layers = {gemm.layer: gemm for gemm in network.gemms}
    assert [gemm.layer for gemm in network.gemms if not gemm.stationary] == ["scores", "context"]
    # The heads of a block together: S x H by H x S, and S x S by S x H.
    blocks = matrices * 64 // hidden
    of = {"count": matrices, "stationary": False, "depth": blocks}
    assert layers["scores"] == Gemm("scores", sequence, 64, sequence, **of)
    assert layers["context"] == Gemm("context", sequence, sequence, 64, **of)
    assert layers["scores"].macs == layers["context"].macs == blocks * sequence**2 * hidden


def test_shapes_of_opt_125m() -> None:
    shapes = {gemm.layer: (gemm.m, gemm.k, gemm.n, gemm.count) for gemm in opt_125m().gemms}
    for layer in ("query", "key", "value", "attention output"):
        assert shapes[layer] == (2048, 768, 768, 12)
    assert shapes["feed-forward 1"] == (2048, 768, 3072, 12)
    assert shapes["feed-forward 2"] == (2048, 3072, 768, 12)
    assert shapes["language-model head"] == (2048, 768, 50272, 1)


def test_tied_embedding_is_counted_once() -> None:
    network = opt_125m()
    embedding = 50272 * 768
    (head,) = (gemm for gemm in network.gemms if gemm.n == 50272)
    assert head.weights == embedding
    assert network.other_parameters < embedding


@pytest.mark.parametrize("make", [resnet50, bert_large, opt_125m, mnist_cnn])
def test_a_batch_multiplies_the_work_and_no_parameters(make: Callable[..., Workload]) -> None:
    one, five = make(), make(batch=5)
    assert five.macs == 5 * one.macs
    assert five.parameters == one.parameters


@pytest.mark.parametrize("make", [bert_large, opt_125m])
def test_length_of_the_sequence(make: Callable[..., Workload]) -> None:
    short, long = make(sequence=64), make(sequence=128)
    assert short.parameters == long.parameters == make().parameters
    for one, two in zip(short.gemms, long.gemms, strict=True):
        growth = {"pooler": 1, "scores": 4, "context": 4}.get(one.layer, 2)
        assert two.macs == growth * one.macs


def test_size_of_the_image() -> None:
    network = resnet50(image_size=448)
    assert network.parameters == resnet50().parameters
    assert network.gemms[-1] == Gemm("fc", 1, 2048, 1000)
    assert all(
        large.m == 4 * small.m
        for large, small in zip(network.gemms[:-1], resnet50().gemms[:-1], strict=True)
    )


def test_odd_and_smallest_images_keep_their_shapes_together() -> None:
    for size in (*range(1, 34), 225, 8192):
        gemms = {gemm.layer: gemm for gemm in resnet50(image_size=size).gemms}
        for stage in (1, 2, 3, 4):  # the two paths of a block are added
            assert gemms[f"layer{stage}.0.downsample"].m == gemms[f"layer{stage}.0.conv3"].m
        assert gemms["layer4.2.conv3"].m == math.ceil(size / 32) ** 2
    assert resnet50(batch=2**16, image_size=8192).gemms[0].m == 2**40


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: resnet50(batch=0), "`batch` is 0; it must be a whole number from 1 to 65536"),
        (lambda: resnet50(image_size=8193), "`image_size` is 8193; it must be a whole number"),
        (lambda: bert_large(sequence=513), "`sequence` is 513; it must be a whole number from 1"),
        (lambda: bert_large(batch=65537), "`batch` is 65537"),
        (lambda: opt_125m(sequence=2049), "`sequence` is 2049; it must be a whole number from 1"),
        (lambda: opt_125m(sequence=0), "`sequence` is 0"),
        (lambda: mnist_cnn(batch=-1), "`batch` is -1"),
    ],
)
def test_refused_arguments_of_networks(make: Callable[[], Workload], says: str) -> None:
    assert says in refusal(make)


# Products and workloads ---------------------------------------------------------------------------


def test_totals_are_exact_beyond_machine_words() -> None:
    huge = Gemm("huge", 2**40, 2**40, 2**40, 2**40)
    network = Workload("huge", (huge, Gemm("one", 1, 1, 1)), other_parameters=2**200)
    assert network.macs == 2**160 + 1
    assert network.parameters == 2**200 + 2**120 + 1


@pytest.mark.parametrize("size", ["m", "k", "n", "count"])
@pytest.mark.parametrize("value", [0, -1, 2**40 + 1, 1.0, True, "7"])
def test_refused_sizes(size: str, value: Any) -> None:
    sizes: dict[str, Any] = {"m": 1, "k": 1, "n": 1, size: value}
    message = refusal(lambda: Gemm("layer", **sizes))
    assert message == (f"`{size}` is {value}; it must be a whole number from 1 to 2^40")


@pytest.mark.parametrize("name", ["", " ", None])
def test_refused_names(name: Any) -> None:
    assert "`layer` is empty" in refusal(lambda: Gemm(name, 1, 1, 1))
    assert "`name` is empty" in refusal(lambda: Workload(name, (Gemm("a", 1, 1, 1),)))


def test_refused_workloads() -> None:
    layer = Gemm("a", 1, 1, 1)
    assert "workload none has no layers" in refusal(lambda: Workload("none", ()))
    assert len(Workload("most", (layer,) * 100_000).gemms) == 100_000
    assert "workload many has 100001 layers; at most 100000" in refusal(
        lambda: Workload("many", (layer,) * 100_001)
    )
    assert "`other_parameters` is -1" in refusal(lambda: Workload("a", (layer,), -1))


# Tiles --------------------------------------------------------------------------------------------


@QUICK
@given(
    st.integers(1, 4), st.integers(1, 40), st.integers(1, 40), st.integers(1, 3),
    st.integers(1, 17), st.integers(1, 17),
)  # fmt: skip
def test_tiles_by_counting(m: int, k: int, n: int, count: int, rows: int, columns: int) -> None:
    """Go through the weights and see which block of the array each falls into."""
    tiling = tiles(Gemm("layer", m, k, n, count), rows, columns)
    blocks = {(row // rows, column // columns) for row in range(k) for column in range(n)}
    assert tiling.row_tiles == len({row for row, _ in blocks})
    assert tiling.column_tiles == len({column for _, column in blocks})
    passes = additions = multiplications = 0
    for _ in range(count):
        for _ in range(m):
            sums = [0] * n  # partial sums of each output
            for row, column in blocks:
                passes += 1
                multiplications += rows * columns
                assert row * rows < k
                for output in range(column * columns, min(n, (column + 1) * columns)):
                    sums[output] += 1
            additions += sum(parts - 1 for parts in sums)
    assert tiling.passes == passes
    assert tiling.padded_macs == multiplications
    assert tiling.additions == additions
    assert tiling.utilisation == m * k * n * count / multiplications


def test_array_that_fits_has_no_waste() -> None:
    tiling = tiles(Gemm("layer", m=3, k=256, n=64), rows=128, columns=32)
    assert (tiling.row_tiles, tiling.column_tiles, tiling.passes) == (2, 2, 12)
    assert tiling.utilisation == 1.0
    assert tiling.additions == 3 * 64


def test_one_row_more_than_fits_costs_a_whole_block() -> None:
    tiling = tiles(Gemm("layer", m=1, k=129, n=128), rows=128, columns=128)
    assert tiling.passes == 2
    assert tiling.utilisation == 129 / 256


def test_larger_arrays_never_need_more_passes() -> None:
    layer = Gemm("layer", m=2, k=1000, n=300, count=2)
    passes = [tiles(layer, size, size).passes for size in range(1, 1100)]
    assert all(smaller >= larger for smaller, larger in pairwise(passes))
    assert (passes[0], passes[-1]) == (layer.macs, 4)


def test_tiles_of_the_largest_product() -> None:
    tiling = tiles(Gemm("huge", 2**40, 2**40, 2**40, 2**40), 2**40 - 1, 2**40 - 1)
    assert tiling.passes == 2**82
    assert tiling.padded_macs == 2**82 * (2**40 - 1) ** 2
    assert tiling.utilisation == pytest.approx(0.25)


@pytest.mark.parametrize("bad", [0, -1, 2**40 + 1, 1.5])
def test_refused_arrays(bad: Any) -> None:
    layer = Gemm("layer", 1, 1, 1)
    assert f"`rows` is {bad}; it must be" in refusal(lambda: tiles(layer, bad, 1))
    assert f"`columns` is {bad}; it must be" in refusal(lambda: tiles(layer, 1, bad))


# Files --------------------------------------------------------------------------------------------


def test_workload_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text("Layer,m,K,n,Count\nfirst,12,34,56,\nsecond,1,1099511627776,2,3\n")
    assert load_workload(str(path)) == Workload(
        "mine.csv", (Gemm("first", 12, 34, 56), Gemm("second", 1, 2**40, 2, 3))
    )


def test_file_without_counts_gives_the_macs_of_a_network(tmp_path: Path) -> None:
    path = tmp_path / "copy"
    lines = [f"{gemm.layer},{gemm.m},{gemm.k},{gemm.n}" for gemm in resnet50().gemms]
    path.write_text("\n".join(["layer,M,K,N", *lines]))
    loaded = load_workload(str(path))
    assert loaded.gemms == tuple(replace(gemm, inputs=None) for gemm in resnet50().gemms)
    assert loaded.parameters == sum(gemm.weights for gemm in resnet50().gemms)


def test_name_goes_before_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "resnet50").write_text("layer,M,K,N\na,1,1,1\n")
    monkeypatch.chdir(tmp_path)
    assert load_workload("resnet50") == resnet50()
    assert load_workload("./resnet50").macs == 1


@pytest.mark.parametrize("name", ["resnet51", "", "missing.csv", "a" * 5000, "a\0b", "a\nb"])
def test_name_that_is_no_file(name: str) -> None:
    message = refusal(lambda: load_workload(name))
    assert message.startswith("`workload` is ")
    for accepted in (*WORKLOADS, "layer, M, K, N"):
        assert accepted in message


def test_folder_is_no_workload(tmp_path: Path) -> None:
    assert f"`workload` file {tmp_path} is a directory" in refusal(
        lambda: load_workload(str(tmp_path))
    )


def test_file_in_a_folder_that_is_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def deny(self: Path) -> Any:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "exists", deny)
    monkeypatch.setattr(Path, "is_file", deny)
    path = tmp_path / "mine.csv"
    assert f"{path} cannot be read: Permission denied" in refusal(lambda: load_workload(str(path)))


@pytest.mark.parametrize("value", ["0", "-3", "1.5", "many", "1099511627777", ""])
@pytest.mark.parametrize("column", ["M", "K", "N"])
def test_refused_cells(tmp_path: Path, column: str, value: str) -> None:
    path = tmp_path / "mine.csv"
    cells = ",".join(value if name == column else "1" for name in "MKN")
    path.write_text(f"layer,M,K,N\nfirst,1,1,1\nsecond,{cells}\n")
    message = refusal(lambda: load_workload(str(path)))
    assert f"`workload` file {path}, line 3, column {column} is {value or 'empty'}; " in message
    assert "a whole number from 1 to 2^40" in message


def test_refused_count(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text("layer,M,K,N,count\nfirst,1,1,1,0\n")
    assert "line 2, column count is 0" in refusal(lambda: load_workload(str(path)))


def test_no_layer_is_called_as_all_of_them(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text("layer,M,K,N\ntotal,1,1,1\n")
    assert "line 2, column layer is total; " in refusal(lambda: load_workload(str(path)))
    assert "`layer` is total" in refusal(lambda: Gemm("total", 1, 1, 1))


def test_a_file_with_a_comma_at_the_end_of_each_line(tmp_path: Path) -> None:
    path = tmp_path / "topology.csv"
    path.write_text("Layer, M, N, K,\nfirst, 2, 3, 4,\n")
    assert load_workload(str(path)).gemms == (Gemm("first", m=2, k=4, n=3),)


def test_number_of_layers_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text("layer,M,K,N\n" + "a,1,1,1\n" * 100_001)
    assert "line 100002 is one row too many; at most 100000" in refusal(
        lambda: load_workload(str(path))
    )


def test_import_does_not_wait_for_numerical_libraries() -> None:
    code = (
        "import sys, rnscli.hardware.workloads.networks; "
        "print([name for name in ('numpy', 'scipy') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"

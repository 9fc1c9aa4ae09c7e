"""Workloads in CSV files: columns of our own, and the topologies of SCALE-Sim."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnscli.base.errors import InputError
from rnscli.hardware.workloads import Gemm
from rnscli.hardware.workloads.formats.windows import Axis, adaptive
from rnscli.hardware.workloads.networks import load_workload

HEADS = "Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, Strides,"  # noqa: E501
QUICK = settings(max_examples=100, deadline=None, derandomize=True)


def read(folder: Path, text: str) -> tuple[Gemm, ...]:
    path = folder / "net.csv"
    path.write_text(text)
    return load_workload(str(path)).gemms


def refused(folder: Path, text: str) -> str:
    with pytest.raises(InputError) as caught:
        read(folder, text)
    message = str(caught.value)
    assert message.isprintable() and len(message) < 400
    return message


def test_optional_columns(tmp_path: Path) -> None:
    made = read(
        tmp_path,
        "layer,M,K,N,stationary,inputs,steps,count\nconv,16,9,4,yes,36,,\nscores,8,4,8,no,,4,2,\n",
    )
    assert made == (
        Gemm("conv", 16, 9, 4, inputs=36),
        Gemm("scores", 8, 4, 8, count=2, stationary=False, steps=4),
    )


@pytest.mark.parametrize(
    ("cells", "says"),
    [
        ("a,4,4,4,perhaps,,", "line 2, column stationary is perhaps; it must be yes or no"),
        ("a,4,4,4,no,17,", "line 2: inputs is 17; it must be a whole number from 1 to 16"),
        ("a,4,4,4,no,,5", "line 2: steps is 5; it must be a whole number from 1 to 4"),
        ("a,4,4,4,no,,0", "column steps is 0"),
    ],
)
def test_refused_optional_cells(tmp_path: Path, cells: str, says: str) -> None:
    assert says in refused(tmp_path, f"layer,M,K,N,stationary,inputs,steps\n{cells}\n")


# Of https://github.com/scalesim-project/scale-sim-v2, topologies: Resnet50.csv, mobilnet_4k.csv,
# transformer_fwd.csv, GEMM_mnk/test_mnk_input.csv; with their commas, titles and remarks.
def test_topologies_as_they_are_published(tmp_path: Path) -> None:
    conv, second = read(
        tmp_path,
        HEADS.rstrip(",") + ",,,Eh,Ew,e2\n,,,,,,,,,,,,\nConv1,224,224,7,7,3,64,2,,,110,110,12100\n"
        "CB2a_2,56,56,3,3,64,64,1,,,,,\n",
    )
    assert (conv.layer, conv.m, conv.k, conv.n, conv.inputs) == (
        "Conv1",
        110**2,
        147,
        64,
        3 * 224**2,
    )
    assert (second.m, second.k, second.n) == (54**2, 576, 64)
    (one,) = read(tmp_path, f"\ufeff{HEADS}\nConv2_dw, 1080, 2048, 3, 3, 1, 1, 1,#dw\n")
    assert (one.m, one.k, one.n, one.count) == (1078 * 2046, 9, 1, 1)
    (one,) = read(tmp_path, f"{HEADS}\nDP_2, 10, 10, 3, 3, 6, 1, 1,\n")
    assert (one.m, one.k, one.n, one.count, one.inputs) == (64, 9, 1, 6, 100)
    title, more = read(
        tmp_path, "Layer, IFMAP Width, IFMAP Width, Filter Height, Filter Width, Channels, "
        "Num Filter, Strides,Batch size,\nGNMT\nfirst,4,4,1,1,8,2,1,3,\nlast,4,4,1,1,8,2,1,\n",
    )  # fmt: skip
    assert (title.m, more.m) == (3 * 16, 16)
    assert read(tmp_path, "Layer Name, M, N, K,\nTest 1, 128, 64, 256,\n") == (
        Gemm("Test 1", 128, 256, 64),
    )


def test_strides_that_differ_and_a_window_that_reaches_over_the_edge(tmp_path: Path) -> None:
    heads = HEADS.replace("Strides,", "Stride height, Stride width,")
    (one,) = read(tmp_path, f"{heads}\na,10,9,3,3,2,4,2,3,\n")
    assert (one.m, one.k, one.n) == (5 * 3, 18, 4)  # ceil(9 / 2) by ceil(9 / 3)
    assert one.inputs == 2 * 10 * 9


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("a,224,224,7,7,3,64,", "line 2, column strides is empty; it must be a whole number"),
        ("a,224,x,7,7,3,64,2,", "column ifmap width is x"),
        ("a,2,2,3,3,3,64,2,", "has a filter of 3 x 3 for an image of 2 x 2"),
        ("total,4,4,3,3,3,64,2,", "a layer is called total"),
        ("a,1048576,1048576,1048576,1048576,9,9,1,", "too large a product"),
        ("only a title", "has a header but no rows"),
    ],
)
def test_refused_rows_of_topologies(tmp_path: Path, row: str, says: str) -> None:
    assert says in refused(tmp_path, f"{HEADS}\n{row}\n")


@QUICK
@given(
    st.integers(1, 12), st.integers(1, 5), st.integers(1, 8), st.integers(1, 4),
    st.integers(0, 4), st.integers(1, 3),
)  # fmt: skip
def test_covered_positions_by_counting(
    size: int, window: int, outputs: int, stride: int, padding: int, dilation: int
) -> None:
    read_there = {
        at
        for one in range(outputs)
        for tap in range(window)
        if 0 <= (at := one * stride + tap * dilation - padding) < size
    }
    assert Axis(size, window, outputs, stride, padding, dilation).covered == len(read_there)


def test_windows_of_adaptive_pooling() -> None:
    assert adaptive(7, 7) == 7 and adaptive(8, 4) == 8
    assert adaptive(4, 3) == 2 + 2 + 2  # [0, 2), [1, 3), [2, 4)

"""Topologies of SCALE-Sim, a simulator of systolic arrays, as workloads."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from rnscli import base
from rnscli.base import InputError, shown
from rnscli.hardware.workloads import MAX_LAYERS, MAX_SIZE, TOTAL, Gemm, Workload
from rnscli.hardware.workloads.formats.windows import Axis, Windowed

# Columns are found by their place; published files spell, and repeat, their headings variously.
_SIZES = ("ifmap height", "ifmap width", "filter height", "filter width", "channels",
          "num filter", "strides")  # fmt: skip
_CONVOLUTION = f"layer name, {', '.join(_SIZES)}"
_PRODUCT = ("layername", "m", "n", "k")
_DEPTHWISE = "DP"  # in the name of a layer
_LARGEST = 2**20  # of a size of an image; more would be a mistake, and no product of seven fits


class _Convolution(NamedTuple):
    """A row: sizes of the image, which has its padding already, of the filter, and strides."""

    height: int
    width: int
    filter_height: int
    filter_width: int
    channels: int
    filters: int
    stride: int
    second: int  # stride along the width, or the size of a batch, or 1


def is_topology(headings: Sequence[str]) -> bool:
    """Whether a file with these headings is one of SCALE-Sim's."""
    keys = _keys(headings)
    return tuple(keys[:4]) == _PRODUCT or _of_convolutions(keys)


def read_topology(path: Path) -> Workload:
    """The layers of a topology, convolutions or GEMMs; all weights are taken to be stored.

    An image of H x W has ``ceil((H - R + stride) / stride)`` rows of outputs with a filter of R
    rows: its padding is in H. A layer with DP in its name is depth-wise: each channel has a product
    of its own.

    References
    ----------
    https://github.com/scalesim-project/scale-sim-v2, scalesim/topology_utils.py.

    Examples
    --------
    >>> import tempfile
    >>> heads = "Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels"
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "net.csv"
    ...     _ = file.write_text(f"{heads}, Num Filter, Strides,\\nConv1,224,224,7,7,3,64,2,\\n")
    ...     (made,) = read_topology(file).gemms
    >>> made.layer, made.m, made.k, made.n, made.inputs
    ('Conv1', 12100, 147, 64, 150528)
    """
    rows = base.read_cells(path, _CONVOLUTION, what="`workload`")
    _, headings = next(rows)
    keys = _keys(headings)
    convolutional = _of_convolutions(keys)
    batched = keys[8:9] == ["batchsize"]
    rectangular = keys[8:9] == ["stridewidth"]
    gemms: list[Gemm] = []
    for where, cells in rows:
        layer = cells[0]
        if layer and not any(cells[1:]):
            continue  # the title of what follows
        if layer == TOTAL or not layer.isprintable():
            raise InputError(
                f"{where}: a layer is called {shown(layer)}; give it another, printable name"
            )
        if len(gemms) == MAX_LAYERS:
            raise InputError(f"{where} is one row too many; at most {MAX_LAYERS} are accepted")
        if convolutional:
            numbers = _numbers(where, cells, _SIZES, _LARGEST)
            more = base.whole_number(1, _LARGEST)
            second = numbers[-1] if not batched else 1
            if batched or rectangular:
                given = any(cells[8:9])
                second = _cell(where, cells, 8, headings[8], more) if given else second
            gemms.append(_product(where, layer, _Convolution._make((*numbers, second)), batched))
        else:
            m, n, k = _numbers(where, cells, ("M", "N", "K"), MAX_SIZE)
            gemms.append(Gemm(layer or f"layer {len(gemms) + 1}", m, k, n))
    if not gemms:
        raise InputError(f"`workload` file {path.name} has a header but no rows; give at least one")
    return Workload(path.name, tuple(gemms))


def _product(where: str, layer: str, row: _Convolution, batched: bool) -> Gemm:
    if row.filter_height > row.height or row.filter_width > row.width:
        raise InputError(
            f"{where} has a filter of {row.filter_height} x {row.filter_width} for an image of "
            f"{row.height} x {row.width}; it must not be larger"
        )
    depthwise = _DEPTHWISE in layer
    strides = (row.stride, row.stride if batched else row.second)
    axes = [
        Axis(size, window, -(-(size - window + stride) // stride), stride)
        for size, window, stride in zip(
            (row.height, row.width), (row.filter_height, row.filter_width), strides, strict=True
        )
    ]
    groups = row.channels if depthwise else 1
    made = Windowed(row.second if batched else 1, row.channels, row.filters * groups, groups, axes)
    inputs = None if made.inputs >= made.m * made.k else made.inputs
    try:
        return Gemm(layer or "layer", made.m, made.k, made.n, groups, inputs=inputs)
    except InputError as error:
        raise InputError(f"{where} is too large a product: {error}".replace("`", "")) from None


def _numbers(where: str, cells: Sequence[str], names: Sequence[str], high: int) -> list[int]:
    kind = base.whole_number(1, high)
    return [_cell(where, cells, at, name, kind) for at, name in enumerate(names, start=1)]


def _cell(where: str, cells: Sequence[str], at: int, name: str, kind: base.Kind) -> int:
    text = cells[at] if at < len(cells) else ""
    try:
        number: int = kind.convert(text)
    except ValueError:
        raise InputError(
            f"{where}, column {name} is {shown(text) or 'empty'}; it must be {kind.wanted}"
        ) from None
    return number


def _keys(headings: Sequence[str]) -> list[str]:
    return ["".join(one.replace("_", " ").split()).casefold() for one in headings]


def _of_convolutions(keys: Sequence[str]) -> bool:
    starts = ("layer", "ifmap", "ifmap", "filter", "filter", "channel", "numfilter", "stride")
    return len(keys) >= len(starts) and all(map(str.startswith, keys, starts))

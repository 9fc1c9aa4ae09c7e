"""Pictures of layers: what lines they have, where, and what the caption says."""

import math
from typing import Any

import pytest

from rnscli.base import InputError
from rnscli.report.plots.figure import Canvas
from rnscli.report.plots.networks.accuracy import OF_CORES
from rnscli.report.plots.networks.layers import check_layers, plot_layers

pytest.importorskip("matplotlib")


def rows_of(layers: int, core: str = "rns", bits: int = 6, **values: Any) -> list[dict[str, Any]]:
    same = dict.fromkeys(OF_CORES) | {"model": "net", "core": core, "bits": bits, "samples": 9}
    same |= {"vector_size": 128, "input_bits": bits, "weight_bits": bits} | values
    made = [
        same | {"layer": f"layer.{n}", "kind": "Linear", "snr_in_place_db": 30.0 + n,
                "snr_accumulated_db": 30.0 - n}
        for n in range(layers)
    ]  # fmt: skip
    outputs = {"layer": "outputs", "kind": "logits", "snr_in_place_db": None}
    return [*made, same | outputs | {"snr_accumulated_db": 20.0}]


def lines(axes: Any) -> dict[str, list[Any]]:
    """Of each kind of line those that are drawn."""
    found: dict[str, list[Any]] = {}
    for line in axes.get_lines():
        found.setdefault(line.get_linestyle(), []).append(line)
    return found


def test_both_readings_of_each_core_in_the_order_of_the_layers(drawn: list[Any]) -> None:
    assert plot_layers([*rows_of(3), *rows_of(3, "fixed-lp")], Canvas("png", "b = 6"))
    (picture,) = drawn
    (axes,) = picture.axes
    assert [tick.get_text() for tick in axes.get_xticklabels()] == [
        "layer.0", "layer.1", "layer.2", "outputs"
    ]  # fmt: skip
    both = lines(axes)
    for line in both["-"]:
        assert list(line.get_ydata()) == [30.0, 29.0, 28.0, 20.0]
    for line in both[":"]:
        assert list(line.get_ydata())[:3] == [30.0, 31.0, 32.0]
        assert math.isnan(line.get_ydata()[3])
    assert [one.get_color() for one in both["-"]] == [one.get_color() for one in both[":"]]
    assert len({one.get_color() for one in both["-"]}) == 2
    names = [text.get_text() for text in picture.legends[0].get_texts()]
    assert names == ["rns", "fixed-lp", "in place", "accumulated"]
    assert picture.get_suptitle() == "b = 6"


def test_fifty_layers_are_named_and_a_hundred_counted(drawn: list[Any]) -> None:
    plot_layers(rows_of(50), Canvas("png"))
    plot_layers(rows_of(100), Canvas("png"))
    fifty, hundred = (picture.axes[0] for picture in drawn)
    assert len(fifty.get_xticklabels()) == 51
    assert hundred.get_xlabel() == "100 layers in order, and the outputs"


def test_what_loses_nothing_stands_at_the_edge_and_what_is_zero_nowhere(drawn: list[Any]) -> None:
    rows = rows_of(3)
    rows[1] |= {"snr_in_place_db": math.inf, "snr_accumulated_db": math.inf}
    rows[2] |= {"snr_in_place_db": None, "snr_accumulated_db": None}
    plot_layers(rows, Canvas("png"))
    axes = drawn[0].axes[0]
    exact = [one for one in axes.get_lines() if one.get_marker() == "^"]
    assert [list(one.get_xdata()) for one in exact] == [[1], [1]]
    for line in lines(axes)["-"]:
        assert [math.isnan(value) for value in line.get_ydata()] == [False, True, True, False]
    every = [row | {"snr_in_place_db": None, "snr_accumulated_db": None} for row in rows]
    assert plot_layers(every, Canvas("svg"))


def test_more_than_can_be_told_apart_is_refused() -> None:
    check_layers([{"model": "net", "bits": bits} for bits in range(32)])
    with pytest.raises(InputError, match="33 lines"):
        check_layers([{"model": "net", "bits": bits} for bits in range(33)])

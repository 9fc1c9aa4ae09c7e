"""Points of a picture with their values in words, for who points at one in a web page."""

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

from rnscli.base import engineering, printable

MOST = 3000  # of a page; of more every second, or third, is kept


class Mark(NamedTuple):
    """A point of a picture: its place in points from the left and the top, and what it says."""

    x: float
    y: float
    text: str


def marks_of(picture: Any) -> list[Mark]:
    """The points, bars and dots of a figure that has been drawn, panel by panel.

    What has a label of several lines says this; else its label and its values on both axes. What
    has none says nothing.
    """
    height = picture.get_figheight() * 72
    scale = 72 / picture.dpi
    found: list[Mark] = []
    for axes in picture.axes:
        (left, right), (low, high) = sorted(axes.get_xlim()), sorted(axes.get_ylim())
        for name, x, y, values in (
            *_lines(axes),
            *_intervals(axes),
            *_bars(axes),
            *_dots(axes),
        ):
            if not (left <= x <= right and low <= y <= high):
                continue
            column, row = axes.transData.transform((x, y))
            parts = name.splitlines()
            if len(parts) < 2:  # else its name says all
                parts += [
                    f"{title}: {_in_words(axis, value)}" if title else _in_words(axis, value)
                    for axis, title, value in values
                ]
            text = "\n".join(map(printable, parts))
            found.append(Mark(column * scale, height - row * scale, text))
    return found[:: math.ceil(len(found) / MOST) or 1]


_Point = tuple[str, float, float, list[tuple[Any, str, float]]]


def _titled(axes: Any, x: float, y: float) -> list[tuple[Any, str, float]]:
    return [(axes.xaxis, axes.get_xlabel(), x), (axes.yaxis, axes.get_ylabel(), y)]


def _named(artist: Any) -> str:
    label = str(artist.get_label())
    return "" if label.startswith("_") else label


def _points(axes: Any, name: str, line: Any) -> Iterator[_Point]:
    for x, y in zip(line.get_xdata(orig=False), line.get_ydata(orig=False), strict=True):
        if math.isfinite(x) and math.isfinite(y):
            yield name, float(x), float(y), _titled(axes, float(x), float(y))


def _lines(axes: Any) -> Iterator[_Point]:
    for line in axes.get_lines():
        if line.get_transform() == axes.transData and _named(line):
            yield from _points(axes, _named(line), line)


def _intervals(axes: Any) -> Iterator[_Point]:
    for container in axes.containers:
        line = getattr(container, "lines", (None,))[0]
        if line is not None and _named(container):
            yield from _points(axes, _named(container), line)


def _bars(axes: Any) -> Iterator[_Point]:
    for container in axes.containers:
        across = getattr(container, "orientation", None) == "horizontal"
        for bar in getattr(container, "patches", ()):
            box = bar.get_bbox()
            length = box.width if across else box.height
            if not length:
                continue
            place = (box.y0 + box.y1) / 2 if across else (box.x0 + box.x1) / 2
            end = (box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2
            value, other = (axes.xaxis, axes.yaxis) if across else (axes.yaxis, axes.xaxis)
            titles = value.get_label_text(), other.get_label_text()
            said = [(other, titles[1], place), (value, titles[0], length)]
            name = str(bar.get_label())  # of each, or of all
            name = _named(container) if name.startswith("_") or not name else name
            if name:
                yield name, *end, said


def _dots(axes: Any) -> Iterator[_Point]:
    for dots in axes.collections:
        if _named(dots) and dots.get_offset_transform() == axes.transData:
            for x, y in dots.get_offsets():
                yield _named(dots), float(x), float(y), _titled(axes, float(x), float(y))


def _in_words(axis: Any, value: float) -> str:
    """A value as the axis says it: by the name of a tick, or with its unit."""
    if type(axis.get_major_locator()).__name__ == "FixedLocator":  # ticks that are named
        ticks = list(zip(axis.get_majorticklocs(), axis.get_ticklabels(), strict=False))
        near = [name.get_text() for at, name in ticks if abs(at - value) <= 0.5]
        if near and near[0]:
            return str(near[0])
    unit = getattr(axis.get_major_formatter(), "unit", "")
    return engineering(value, unit) if unit else f"{value:.4g}"

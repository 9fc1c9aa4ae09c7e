"""The report on reproduced results as one web page that needs no other file and no network."""

import base64
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from typing import TYPE_CHECKING

from rnscli import __version__
from rnscli.analysis.reproduced_row import ReproducedRow
from rnscli.analysis.verdict import VERDICTS
from rnscli.base.columns import columns_of
from rnscli.report.inline_svg import inline_svg
from rnscli.report.reproduction_sections import (
    MEANINGS,
    TITLE,
    Figure,
    Section,
    summary,
    summary_sentence,
)
from rnscli.report.table import Row

if TYPE_CHECKING:
    from markupsafe import Markup

_TEMPLATES = files("rnscli.report") / "templates"
_MEDIA_TYPES = {"json": "application/json", "csv": "text/csv"}


@dataclass(frozen=True)
class _Cell:
    """A cell of a table: its text, what it is sorted by, and how it looks."""

    text: str
    sort: str | float
    kind: str


@dataclass(frozen=True)
class _Download:
    """A file inside the page."""

    name: str
    url: str


def page(
    rows: Sequence[Row], sections: Sequence[Section], documents: Mapping[str, str], lead: str
) -> str:
    """The page; ``documents`` are texts that it offers for download, by the names of the files."""
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined
    )
    environment.filters["formulas"] = _formulas
    template = environment.from_string(_template("reproduction.html"))
    return template.render(
        title=TITLE,
        lead=lead,
        version=__version__,
        style=Markup(_template("reproduction.css")),
        script=Markup(_template("reproduction.js")),
        summary=summary(rows),
        sentence=summary_sentence(rows),
        meanings=MEANINGS,
        downloads=[_download(name, text) for name, text in documents.items()],
        sections=[_section(section, rows) for section in sections],
    )


def _section(section: Section, rows: Sequence[Row]) -> dict[str, object]:
    """What the template shows of a section, with those of the rows that are its own."""
    return {
        "id": section.result,
        "title": section.title,
        "paragraphs": section.paragraphs,
        "titles": [columns_of(ReproducedRow)[key].title for key in section.columns],
        "kinds": [_kind(key) for key in section.columns],
        "rows": [
            {
                "name": row["name"],
                "command": row["command"],
                "cells": [_cell(row, key) for key in section.columns],
            }
            for row in rows
            if row["result"] == section.result
        ],
        "figure": _figure(section.figure) if section.figure is not None else None,
    }


def _figure(figure: Figure) -> dict[str, object]:
    from markupsafe import Markup

    drawn = inline_svg(figure.name, partial(figure.draw, "svg"), figure.description)
    return {
        "caption": figure.caption,
        "svg": Markup(drawn),
        "download": _download(f"{figure.name}.csv", figure.csv),
    }


def _formulas(text: str) -> "Markup":
    """A paragraph with its powers and indices raised and lowered: 2^b, p_err."""
    from markupsafe import Markup, escape

    raised = re.sub(r"\^(\w+?)(?=_|\b)", r"<sup>\1</sup>", str(escape(text)))
    return Markup(re.sub(r"(?<=[bp])(</sup>)?_(out|err)\b", r"<sub>\2</sub>\1", raised))


def _template(name: str) -> str:
    return (_TEMPLATES / name).read_text(encoding="utf-8")


def _download(name: str, text: str) -> _Download:
    kind = _MEDIA_TYPES[name.rpartition(".")[2]]
    content = base64.b64encode(text.encode()).decode()
    return _Download(name, f"data:{kind};charset=utf-8;base64,{content}")


def _kind(key: str) -> str:
    """How a column looks."""
    return {
        "case": "case",
        "verdict": "verdict",
        "remark": "text",
    }.get(key, "number")


def _cell(row: Row, key: str) -> _Cell:
    value = row[key]
    text = columns_of(ReproducedRow)[key].shown(value, row)
    sort: str | float = text
    if key == "verdict":
        sort = VERDICTS.index(str(value))
    elif key == "published" and isinstance(row["published_low"], float):
        sort = row["published_low"]
    elif isinstance(value, int | float):
        sort = float(value)
    elif isinstance(value, tuple) and value and isinstance(value[0], int | float):
        sort = float(value[0])
    return _Cell(text, sort, _kind(key))

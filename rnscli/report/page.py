"""Web pages that need no other file and no network: of a run of a command, and what all share."""

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from rnscli import __version__
from rnscli.base import is_number
from rnscli.report.plots.figure import Canvas
from rnscli.report.plots.inline_svg import inline_svg
from rnscli.report.table import Columns, Row

if TYPE_CHECKING:
    from jinja2 import Environment


@dataclass(frozen=True)
class PagePicture:
    """A picture of a page.

    ``name`` is of letters, and the only one of its page; ``draw`` draws it on a canvas.
    """

    name: str
    title: str
    caption: str
    draw: Callable[[Canvas], bytes]


@dataclass(frozen=True, eq=False)
class PageTable:
    """Rows of a page, with the keys of the columns that it shows; a long one is ``folded``."""

    title: str
    rows: Sequence[Row]
    columns: Columns
    keys: Sequence[str]
    folded: bool = False

    @property
    def shown(self) -> list[str]:
        """Of the keys those of which any row has a value."""
        return [key for key in self.keys if any(row[key] is not None for row in self.rows)]


@dataclass(frozen=True)
class RunPage:
    """What a page says of a run.

    Parameters
    ----------
    title, lead
        What it is about.
    command
        The command line that gives it again.
    options
        Options by their flags, with their values in words, and whether they were given.
    tables, pictures
        What came of it.
    notes
        Sentences that belong to the numbers, by what they are.
    documents
        The rows for machines, by names of files.
    picture_first
        Whether pictures stand before tables.
    """

    title: str
    lead: str
    command: str
    options: Sequence[tuple[str, str, bool]]
    tables: Sequence[PageTable]
    pictures: Sequence[PagePicture]
    notes: Mapping[str, Sequence[str]]
    documents: Mapping[str, str]
    picture_first: bool = False


def page_environment(autoescape: bool = True) -> "Environment":
    """Templates, among them ``page.html`` with the style and script that pages share."""
    from jinja2 import Environment, FunctionLoader, StrictUndefined
    from markupsafe import Markup

    made = Environment(
        autoescape=autoescape, trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined,
        loader=FunctionLoader(_template),
    )  # fmt: skip
    made.globals |= {"style": Markup(_template("page.css")), "script": Markup(_template("page.js"))}
    made.globals |= {"url": _url}
    return made


def page_html(page: RunPage) -> str:
    """The page as one file; the same run gives the same bytes."""
    from markupsafe import Markup

    def svg(picture: PagePicture) -> str:
        return Markup(inline_svg(picture.name, picture.draw, picture.title))

    template = page_environment().get_template("run.html")
    return template.render(
        page=page, title=page.title, sentence=page.lead, version=__version__, svg=svg,
        sorted_by=_sorted_by, is_number=is_number, pointing=Markup(_template("pictures.js")),
    )  # fmt: skip


def _template(name: str) -> str:
    return (files(__package__) / "templates" / name).read_text(encoding="utf-8")


def _url(name: str, text: str) -> str:
    """A file as an address, for what a page hands out."""
    media_type = "application/json" if name.endswith(".json") else "text/csv"
    return f"data:{media_type};charset=utf-8;base64,{base64.b64encode(text.encode()).decode()}"


def _sorted_by(value: Any) -> str | float:
    """What a cell is sorted by: its number, where it has one."""
    return float(value) if is_number(value) else str(value or "")

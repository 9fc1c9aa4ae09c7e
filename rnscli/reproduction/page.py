"""The folder of a report on reproduced results: a page that needs no other file and no network, a
text, pictures and their data.
"""

import base64
import re
import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from importlib.resources import files
from typing import Any

from rnscli import __version__
from rnscli.base import columns_of
from rnscli.networks import INSTALL
from rnscli.report import Layout, Row, table_text
from rnscli.report.plots.figure import inline_svg
from rnscli.reproduction.cases import NETWORK_RESULTS
from rnscli.reproduction.figures import FIGURES, Figure
from rnscli.reproduction.published import AGREES, NOT_HERE, VERDICTS, ReproducedRow
from rnscli.reproduction.reproduce import Reproduction
from rnscli.reproduction.study import NetworkStudy

_HTML, _TEXT = "index.html", "report.md"
NAMES = (  # of all files that there may be, beside the rows for machines
    _HTML,
    _TEXT,
    *(f"data/{figure.name}.csv" for figure in FIGURES.values()),
    *(f"figures/{figure.name}.{kind}" for figure in FIGURES.values() for kind in ("svg", "png")),
)
_MEDIA_TYPES = {"json": "application/json", "csv": "text/csv"}
_COLUMNS = columns_of(ReproducedRow)
_KINDS = {"case": "case", "verdict": "verdict", "remark": "text"}  # of columns; others are numbers
_IN_WORDS = {AGREES: "confirmed by simulation", NOT_HERE: "not at this scale"}


@dataclass(frozen=True)
class Section:
    """One of the results: words, the columns of its table, and perhaps a picture.

    ``description`` is for those who cannot see the picture.
    """

    result: str
    title: str
    text: str
    columns: tuple[str, ...]
    figure: Figure | None = None
    caption: str = ""
    description: str = ""


def report_files(
    rows: Sequence[Row],
    reproduced: Reproduction,
    study: NetworkStudy,
    documents: Mapping[str, str],
    missing: str | None,
) -> dict[str, bytes]:
    """Contents of the folder by relative path.

    ``documents`` are the ``rows`` for machines, by the names of their files; ``missing`` is the
    package without which networks are left out, if that is why.
    """
    results = dict.fromkeys(str(row["result"]) for row in rows)
    sections = [_section(result, rows, reproduced, study) for result in results]
    figures = [section.figure for section in sections if section.figure is not None]
    texts = dict(documents) | {f"data/{figure.name}.csv": figure.csv for figure in figures}
    for name in (_TEXT, _HTML):
        texts[name] = written(name, rows, sections, documents, lead(rows, missing))
    return {name: text.encode() for name, text in texts.items()} | {
        f"figures/{figure.name}.{kind}": figure.draw(kind)
        for figure in figures
        for kind in ("svg", "png")
    }


def _section(
    result: str, rows: Sequence[Row], reproduced: Reproduction, study: NetworkStudy
) -> Section:
    texts = dict(_words()["section"][result])
    figure = FIGURES[result].of(reproduced, study) if result in FIGURES else None
    words = [row["simulated_words"] for row in rows if row["result"] == result]
    facts: dict[str, Any] = {"words": min((n for n in words if isinstance(n, int)), default=0)}
    if figure is not None:
        facts |= {"first": figure.rows[0], "last": figure.rows[-1], "series": figure.in_words}
    columns = tuple(texts.pop("columns"))
    filled = {key: text.format(**facts) for key, text in texts.items()}
    return Section(result=result, columns=columns, figure=figure, **filled)


def lead(rows: Sequence[Row], missing: str | None) -> str:
    """What the report is about, and what of it is left out."""
    of_networks = _words()["networks"]
    if any(row["result"] in NETWORK_RESULTS for row in rows):
        networks = of_networks["measured"]
    elif missing is not None:
        networks = of_networks["missing"].format(missing=missing, install=INSTALL)
    else:
        networks = of_networks["others"]
    text: str = _words()["lead"].format(networks=networks)
    return text


def summary_sentence(rows: Sequence[Row]) -> str:
    """How many rows have which verdict.

    Examples
    --------
    >>> summary_sentence([{"verdict": "same"}, {"verdict": "same"}, {"verdict": "close"}])
    '3 published results: 2 same, 1 close'
    """
    counts = Counter(str(row["verdict"]) for row in rows)
    counted = [f"{counts[word]} {_IN_WORDS.get(word, word)}" for word in VERDICTS if counts[word]]
    results = "results" if len(rows) != 1 else "result"
    return f"{len(rows)} published {results}: {', '.join(counted)}"


def written(
    name: str,
    rows: Sequence[Row],
    sections: Sequence[Section],
    documents: Mapping[str, str],
    lead: str,
) -> str:
    """The page, or the text, by the name of its file and template; the page has the documents."""
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    def svg(section: Section) -> str:
        assert section.figure is not None
        draw = partial(section.figure.draw, "svg")
        return Markup(inline_svg(section.figure.name, draw, section.description))

    def table(section: Section) -> str:
        members = [row for row in rows if row["result"] == section.result]
        layout = Layout((), (*section.columns, "command"))
        return table_text(members, _COLUMNS, layout, "markdown").rstrip()

    environment = Environment(
        autoescape=name == _HTML, trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined
    )
    environment.filters["formulas"] = _formulas
    environment.globals |= {
        "svg": svg, "table": table, "url": _url, "sorted_by": _sorted_by,
        "columns": _COLUMNS, "kinds": _KINDS,
    }  # fmt: skip
    return environment.from_string(_template(name)).render(
        title=_words()["title"],
        lead=lead,
        version=__version__,
        style=Markup(_template("reproduction.css")),
        script=Markup(_template("reproduction.js")),
        sentence=summary_sentence(rows),
        meanings=VERDICTS,
        rows=rows,
        sections=sections,
        documents=documents,
    )


def _template(name: str) -> str:
    return (files(__package__) / "templates" / name).read_text(encoding="utf-8")


@cache
def _words() -> dict[str, Any]:
    return tomllib.loads(_template("sections.toml"))


def _formulas(text: str) -> str:
    """A paragraph with its powers and indices raised and lowered: 2^b, p_err."""
    from markupsafe import Markup, escape

    raised = re.sub(r"\^(\w+?)(?=_|\b)", r"<sup>\1</sup>", str(escape(text)))
    return Markup(re.sub(r"(?<=[bp])(</sup>)?_(out|err)\b", r"<sub>\2</sub>\1", raised))


def _url(kind: str, text: str) -> str:
    content = base64.b64encode(text.encode()).decode()
    return f"data:{_MEDIA_TYPES[kind]};charset=utf-8;base64,{content}"


def _sorted_by(row: Row, key: str) -> str | float:
    """What a cell is sorted by: its number, where it has one."""
    value = row["published_low"] if key == "published" else row[key]
    if key == "verdict":
        return list(VERDICTS).index(str(value))
    if isinstance(value, tuple) and value:
        value = value[0]
    return float(value) if isinstance(value, int | float) else _COLUMNS[key].shown(row[key], row)

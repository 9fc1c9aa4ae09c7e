"""The folder of a report on reproduced results: a page, a text, pictures and their data."""

from collections.abc import Mapping, Sequence

from rnscli import __version__
from rnscli.analysis.reproduced_row import ReproducedRow
from rnscli.base.columns import columns_of
from rnscli.report.page import page
from rnscli.report.plots.figure import PLAIN
from rnscli.report.reproduction_sections import MEANINGS, TITLE, Figure, Section, summary_sentence
from rnscli.report.table import Layout, Row, table_text

PAGE = "index.html"
_FIGURES = ("energy", "errors", "faults", "accuracy-h", "accuracy-b", "training", "accuracy-p")
NAMES = (  # of all files that there may be, beside the rows for machines
    PAGE,
    "report.md",
    *(f"data/{name}.csv" for name in _FIGURES),
    *(f"figures/{name}.{suffix}" for name in _FIGURES for suffix in ("svg", "png")),
)


def report_files(
    rows: Sequence[Row], sections: Sequence[Section], documents: Mapping[str, str], lead: str
) -> dict[str, bytes]:
    """Contents of the folder by relative path.

    Parameters
    ----------
    rows
        All rows, in the order of the sections.
    documents
        The rows for machines, by the names of their files.
    lead
        What the report is about.
    """
    files = dict(documents)
    for figure in _figures(sections):
        files[f"data/{figure.name}.csv"] = figure.csv
    files["report.md"] = markdown(rows, sections, tuple(documents), lead)
    files[PAGE] = page(rows, sections, documents, lead)
    contents = {name: text.encode() for name, text in files.items()}
    for figure in _figures(sections):
        for suffix in ("svg", "png"):
            contents[f"figures/{figure.name}.{suffix}"] = figure.draw(suffix, PLAIN)
    assert set(contents) <= {*NAMES, *documents}
    return contents


def markdown(
    rows: Sequence[Row], sections: Sequence[Section], documents: Sequence[str], lead: str
) -> str:
    """The report as Markdown, with links to the pictures and data beside it."""
    listed = ", ".join(f"[{name}]({name})" for name in documents)
    blocks = [
        f"# {TITLE}",
        lead,
        f"**{summary_sentence(rows)}.** Each row has the command that prints just it.",
        "\n".join(f"* `{verdict}`: {meaning}" for verdict, meaning in MEANINGS.items()),
        f"All rows for machines: {listed}.",
    ]
    for section in sections:
        members = [row for row in rows if row["result"] == section.result]
        blocks += [f"## {section.title}", *section.paragraphs]
        if section.figure is not None:
            name = section.figure.name
            blocks += [
                f"![{section.figure.description}](figures/{name}.svg)",
                f"{section.figure.caption} [Data](data/{name}.csv)",
            ]
        layout = Layout((), (*section.columns, "command"))
        table = table_text(members, columns_of(ReproducedRow), layout, "markdown")
        blocks.append(table.rstrip())
    blocks.append(f"rnscli {__version__}")
    return "\n\n".join(blocks) + "\n"


def _figures(sections: Sequence[Section]) -> list[Figure]:
    return [section.figure for section in sections if section.figure is not None]

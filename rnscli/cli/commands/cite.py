"""``rnscli cite``."""

from pathlib import Path

import click

from rnscli.base import check_writable
from rnscli.cli import Background, WithExamples, hanging, options, write_text
from rnscli.cli.citation import as_bibtex, as_text, citation_file, works

_FORMS = ("text", "bibtex", "cff")


@click.command("cite", cls=WithExamples, background=Background(page="reference.md"))
@click.option(
    "--format",
    "style",
    type=click.Choice(_FORMS),
    help="Only as text, as BibTeX, or as the file CITATION.cff itself.  [default: text and bibtex]",
)
@click.option(
    "--output",
    type=options.OutputPath("a file", is_text=True),
    metavar="FILE",
    help="Write it there, or to standard output as -.",
)
def command(style: str | None, output: Path | None) -> None:
    """Print how to cite rnscli, and the paper whose model it computes.

    The entries are those of CITATION.cff, which is in the repository and in every installation.

    \b
    # For the references of a paper
    rnscli cite --format bibtex --output rnscli.bib
    # As a line of text
    rnscli cite --format text
    """
    if output is not None:
        check_writable(output, "--output")
    text = citation_file().read_text("utf-8")
    parts = []
    if style in (None, "text"):
        parts += ["\n".join(hanging("", as_text(one))) for one in works(text)]
    if style in (None, "bibtex"):
        parts += [as_bibtex(one) for one in works(text)]
    if style == "cff":
        parts = [text.rstrip("\n")]
    whole = "\n\n".join(parts) + "\n"
    write_text(whole, output)

"""Makes docs/glossary.md of the terms that ``rnscli glossary`` prints."""

import re
from pathlib import Path

from rnscli.cli.glossary import Term, terms

PATH = Path(__file__).parent.parent / "docs" / "glossary.md"

BEGIN = """\
# Glossary

The field's words as this tool uses them. This page is made by `make renew` of what
`rnscli glossary` prints; `rnscli glossary TERM` finds a term also by its other names (in brackets),
and cores, decoders, technologies and columns of rows by theirs.
"""


def page() -> str:
    """The page as Markdown."""
    return "\n".join([BEGIN, *map(_entry, terms())])


def _entry(term: Term) -> str:
    also = f" ({', '.join(map(_coded, term.also))})" if term.also else ""
    return f"**{_coded(term.name)}**{also}: {_coded(term.meaning)} [{term.page}]({term.page})\n"


def _coded(text: str) -> str:
    """A text in which options, keys and formulas with an underscore or a star are code."""
    return re.sub(r"(?<![\w`-])(--[a-z][a-z-]*|[a-zA-Z]\w*_\w+)", r"`\1`", text).replace("|", r"\|")

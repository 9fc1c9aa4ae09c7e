"""The language of manual pages, as far as one page needs it."""

import re
from collections.abc import Iterable

# Plain characters that roff would print as typographic ones, which no shell knows.
_ESCAPES = {
    "\\": r"\(rs",
    "-": r"\-",
    "'": r"\(aq",
    '"': r"\(dq",
    "`": r"\(ga",
    "^": r"\(ha",
    "~": r"\(ti",
    "±": r"\(+-",
}


def escaped(text: str) -> str:
    """Text that is printed as it is, wherever it stands."""
    found = "".join(
        _ESCAPES.get(letter, letter if letter.isascii() else f"\\[u{ord(letter):04X}]")
        for letter in text
    )
    return re.sub(r"^(?=\.)", r"\\&", found, flags=re.MULTILINE)


def bold(text: str) -> str:
    """Text that is typed as it is."""
    return rf"\fB{escaped(text)}\fR"


def italic(text: str) -> str:
    """Text that stands for something."""
    return rf"\fI{escaped(text)}\fR"


def title(name: str, section: int, source: str, manual: str) -> str:
    """The head of the page, without a date, so that the same commands make the same page.

    Lines are not stretched and words, most of which are names, not cut: HY is what groff
    goes back to after each heading.
    """
    head = f'.TH {escaped(name.upper())} {section} "" "{escaped(source)}" "{escaped(manual)}"'
    return f"{head}\n.nr HY 0\n.nh\n.ad l"


def section(name: str) -> str:
    """A heading."""
    return f".SH {escaped(name)}"


def subsection(name: str) -> str:
    """A heading below that."""
    return f".SS {escaped(name)}"


def paragraphs(text: str) -> list[str]:
    """Running text, cut at empty lines."""
    return [f".PP\n{escaped(' '.join(part.split()))}" for part in text.split("\n\n") if part]


def item(tag: str, text: str) -> str:
    """A hanging paragraph; the tag is escaped already."""
    return f".TP\n{tag}\n{escaped(' '.join(text.split()))}"


def verbatim(lines: Iterable[str]) -> str:
    """Lines as they are."""
    return "\n".join([".PP", ".EX", *map(escaped, lines), ".EE"])

"""CITATION.cff, which says how to cite this package, as a text and as BibTeX."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from rnscli.base import InputError
from rnscli.cli.help_page import checkout, installed_file

NAME = "CITATION.cff"


def citation_file() -> Path:
    """Where the file is: in a checkout of the repository, or where a wheel has put it.

    Raises
    ------
    InputError
        If this package came without it.
    """
    folder = checkout()
    found = folder / NAME if folder is not None else installed_file(NAME)
    if found is None or not found.is_file():
        raise InputError(f"this installation of rnscli has no {NAME}; install rnscli from a wheel")
    return found


def works(text: str) -> list[dict[str, Any]]:
    """The works of a citation file: the package itself, and what it refers to."""
    whole = parsed(text)
    return [whole, *whole.get("references", [])]


def parsed(text: str) -> Any:
    """The value of YAML as citation files have it: mappings and lists, of texts on their own lines.

    Examples
    --------
    >>> parsed('title: "A: b"\\nauthors:\\n  - name: C\\n    given: D\\nkeywords:\\n  - e\\n')
    {'title': 'A: b', 'authors': [{'name': 'C', 'given': 'D'}], 'keywords': ['e']}
    """
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return _block([(len(line) - len(line.lstrip()), line.strip()) for line in lines])


def _block(lines: list[tuple[int, str]]) -> Any:
    """A mapping, a list, or a text, of lines with their indents."""
    indent, first = lines[0]
    if not first.startswith("- ") and not re.match(r"[\w-]+:( |$)", first):
        return re.sub(r'^"(.*)"$', r"\1", " ".join(line for _, line in lines))
    starts = [place for place, line in enumerate(lines) if line[0] == indent]
    blocks = [lines[a:b] for a, b in zip(starts, [*starts[1:], len(lines)], strict=True)]
    if first.startswith("- "):
        return [_block([(indent + 2, one[0][1][2:]), *one[1:]]) for one in blocks]
    found = {}
    for one in blocks:
        key, _, value = one[0][1].partition(":")
        rest = one[1:] if not value else [(indent + 2, value.strip())]
        found[key] = _block(rest)
    return found


def as_text(work: Mapping[str, Any]) -> str:
    """A work as a list of references has it, in a line."""
    names = ", ".join(_full_name(one, initials_first=True) for one in work["authors"])
    where = [work.get("journal", ""), str(work.get("year", ""))]
    parts = [names, f'"{work["title"]}"', " ".join(filter(None, where))]
    if "version" in work:
        parts.append(f"version {work['version']}")
    link = f"https://doi.org/{work['doi']}" if "doi" in work else ""
    return ", ".join(filter(None, [*parts, link, work.get("url", "")])) + "."


def as_bibtex(work: Mapping[str, Any]) -> str:
    """A work as an entry of BibTeX, which has articles and else what is miscellaneous."""
    kind = "article" if work["type"] == "article" else "misc"
    lines = ",\n".join(f"  {key} = {{{value}}}" for key, value in _fields(work))
    return f"@{kind}{{{_key(work)},\n{lines}\n}}"


def _fields(work: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield "author", " and ".join(_full_name(one) for one in work["authors"])
    yield "title", f"{{{_escaped(work['title'])}}}"  # whose capitals stay
    for key in ("journal", "year", "doi", "url"):
        if key in work:
            yield key, work[key] if key in ("doi", "url") else _escaped(work[key])
    if "version" in work:
        yield "note", f"Version {work['version']}"


def _full_name(author: Mapping[str, str], initials_first: bool = False) -> str:
    if "name" in author:
        return author["name"] if initials_first else f"{{{_escaped(author['name'])}}}"
    given, family = author["given-names"], author["family-names"]
    return f"{given} {family}" if initials_first else _escaped(f"{family}, {given}")


def _key(work: Mapping[str, Any]) -> str:
    first = work["authors"][0].get("family-names", "")
    words = (word for word in re.findall(r"[a-z]+", work["title"].lower()) if len(word) > 2)
    return f"{first.lower()}{work.get('year', '')}{next(words)}"


def _escaped(text: str) -> str:
    return re.sub(r"([&%#_$])", r"\\\1", text)

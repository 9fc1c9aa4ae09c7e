"""Links within the repository lead somewhere."""

import re
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).resolve().parent.parent
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "RELEASING.md", "CHANGELOG.md")),
    *sorted((ROOT / "docs").glob("*.md")),
    ROOT / "docs/examples/README.md",
    ROOT / "benchmarks/README.md",
]


@cache
def tokens_of(page: Path) -> list[Token]:
    """Tokens of a page, those within lines included."""
    found = []
    for token in MarkdownIt("gfm-like", {"linkify": False}).parse(page.read_text()):
        found += [token, *(token.children or [])]
    return found


def links_of(page: Path) -> Iterator[str]:
    for token in tokens_of(page):
        target = token.attrs.get("href", token.attrs.get("src"))
        if target is not None:
            yield str(target)


@cache
def anchors_of(page: Path) -> set[str]:
    """Anchors of the headings, as GitHub makes them."""
    tokens = tokens_of(page)
    anchors: set[str] = set()
    for token, inline in pairwise(tokens):
        if token.type == "heading_open":
            text = "".join(part.content for part in inline.children or [])
            slug = re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
            more = (f"{slug}-{number}" for number in range(1, 1000))
            anchors.add(slug if slug not in anchors else next(s for s in more if s not in anchors))
    return anchors


def leads_somewhere(page: Path, link: str) -> bool:
    parts = urlsplit(link)
    if parts.scheme or parts.netloc:
        return True  # not for a test to ask
    target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
    if not target.exists() or ROOT not in (target, *target.parents):
        return False
    return not parts.fragment or unquote(parts.fragment) in anchors_of(target)


def broken(page: Path) -> list[str]:
    """Links of a page to files or headings that are not there."""
    return [link for link in links_of(page) if not leads_somewhere(page, link)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_relative_links_lead_somewhere(page: Path) -> None:
    assert broken(page) == []


def test_links_are_found() -> None:
    """Or the test above would say nothing."""
    assert {"docs/energy.md", "docs/reference.md", "benchmarks/README.md"} <= set(
        links_of(PAGES[0])
    )
    assert "../benchmarks/README.md" in links_of(ROOT / "docs" / "monte-carlo.md")
    assert "#rnscli-energy" in links_of(ROOT / "docs" / "reference.md")


def test_broken_links_are_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("test_links.ROOT", tmp_path)
    page = tmp_path / "page.md"
    good = "[a](#two-words) [b](page.md#two-words-1) [c](https://example.org/x#y) ![d](page.md)"
    bad = ("other.md", "#none", "page.md#none", "../outside.md")
    (tmp_path.parent / "outside.md").write_text("outside")
    links = " ".join(f"[x]({link})" for link in bad)
    page.write_text(f"# Two `words`\n\n{good}\n\n{links}\n\n`[no](link.md)`\n\n## Two words!\n")
    assert broken(page) == list(bad)

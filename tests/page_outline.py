"""What elements a web page has, for tests that look at one without a browser."""

import re
from collections import Counter
from html.parser import HTMLParser

VOID = {"meta", "br", "link", "img", "input"}


class Outline(HTMLParser):
    """Elements of a page, with a check that each is closed in its turn."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self._open: list[str] = []
        self._text = text
        self.feed(text)
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    @property
    def tags(self) -> Counter[str]:
        return Counter(tag for tag, _ in self.found)

    def check_alone(self) -> None:
        """Every name is one of the page and the only one, and nothing is fetched."""
        ids = Counter(attributes["id"] for _, attributes in self.found if "id" in attributes)
        assert max(ids.values()) == 1
        named = r'href="#([^"]+)"|url\(#([^)]+)\)|aria-labelledby="([^"]+)"'
        for names in re.findall(named, self._text):
            assert "".join(names) in ids
        for tag, attributes in self.found:
            assert "src" not in attributes and tag != "link"
            assert (attributes.get("href") or "#").startswith(("#", "data:"))

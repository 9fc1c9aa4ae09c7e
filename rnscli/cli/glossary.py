"""The field's words as this tool uses them, of which the glossary and its page are made."""

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True)
class Term:
    """A word, by what it is found besides, what it means, and the page that says more."""

    name: str
    meaning: str
    page: str
    also: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """All by which it is found."""
        return (self.name, *self.also)


@cache
def terms() -> tuple[Term, ...]:
    """All terms in their alphabetical order."""
    file = Path(__file__).with_suffix(".toml")
    found = tomllib.loads(file.read_text("utf-8"))
    made = (
        Term(name, one["meaning"], one["page"], tuple(one.get("also", ())))
        for name, one in found.items()
    )
    return tuple(sorted(made, key=lambda one: (one.name.lower(), one.name)))


def found(text: str, among: Iterable[Term]) -> tuple[Term, ...]:
    """The terms of a name, as it is written; or else of that name in other letters.

    ``M`` is the range, and ``m`` a modulus; blanks, hyphens and underscores are the same.
    """
    listed = tuple(among)
    exact = tuple(one for one in listed if text in one.names)
    plain = _plain(text)
    return exact or tuple(one for one in listed if plain in map(_plain, one.names))


def _plain(text: str) -> str:
    return " ".join(text.lower().strip("-").replace("-", " ").replace("_", " ").split())

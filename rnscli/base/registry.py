"""Things that are chosen by name: each is registered once, in this package or in another one."""

import sys
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Generic, TypeVar

from rnscli.base.errors import InputError
from rnscli.base.words import nearest

T = TypeVar("T")


class Registry(Mapping[str, T], Generic[T]):
    """Things of one kind by their names, in the order in which a help lists them.

    What a consumer needs of a thing is an abstract method or an annotated attribute of its kind:
    something that leaves one out is refused when it is registered, so that nobody falls back on a
    default.
    Other packages register theirs as entry points of the group ``rnscli.<group>``, which name an
    object of that kind; they are looked up after those of this package, so that none is replaced.

    Parameters
    ----------
    argument
        The argument that takes such a name, for messages.
    group
        Name of the group of entry points.
    kind
        Class of the things, which are objects or classes of it; each has a ``name``.
    things
        Those of this package.

    Raises
    ------
    TypeError
        If one is of another kind, leaves something out, or has no name or that of another one.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class Colour:
    ...     name: str
    >>> colours = Registry("colour", "colours", Colour, [Colour("red"), Colour("blue")])
    >>> list(colours), colours["red"]
    (['red', 'blue'], Colour(name='red'))
    >>> colours.named("rde")
    Traceback (most recent call last):
        ...
    rnscli.base.errors.InputError: `colour` is rde; it must be one of red, blue; did you mean red?
    """

    def __init__(self, argument: str, group: str, kind: type, things: Iterable[T]) -> None:
        """Take those of this package."""
        self._argument, self._group, self._kind = argument, f"rnscli.{group}", kind
        self._known: dict[str, T] = {}
        self._complete = False
        for thing in things:
            self._add(thing, "rnscli")

    def __getitem__(self, name: str) -> T:
        if name not in self._known:
            self._load_others()
        return self._known[name]

    def __iter__(self) -> Iterator[str]:
        self._load_others()
        return iter(self._known)

    def __len__(self) -> int:
        self._load_others()
        return len(self._known)

    def named(self, name: object) -> T:
        """The thing of a name that a user gives.

        Raises
        ------
        InputError
            If there is none.
        """
        if isinstance(name, str) and name in self:
            return self[name]
        accepted = f"one of {', '.join(self)}"
        hint = nearest(name, self) if isinstance(name, str) else ""
        raise InputError.of(self._argument, name, accepted, hint)

    def _add(self, thing: T, source: str) -> None:
        made = thing if isinstance(thing, type) else type(thing)
        what = self._kind.__name__
        if not issubclass(made, self._kind):
            raise TypeError(f"{source}: {thing!r} is no {what}")
        fields = getattr(made, "__dataclass_fields__", {})
        left_out = [
            name
            for owner in made.__mro__
            for name in vars(owner).get("__annotations__", {})
            if name not in fields and not hasattr(thing, name)
        ]
        left_out += sorted(getattr(made, "__abstractmethods__", ()))
        if left_out:
            raise TypeError(f"{source}: {made.__name__} does not say its {', '.join(left_out)}")
        name = getattr(thing, "name", None)
        if not isinstance(name, str) or not name:
            raise TypeError(f"{source}: {thing!r} has no name")
        if name in self._known:
            raise TypeError(f"{source}: there is a {what} {name} already")
        self._known[name] = thing

    def _load_others(self) -> None:
        if self._complete:
            return
        self._complete = True  # also while they are loaded, when they may look at what is there
        if self._group not in _announced(tuple(sys.path)):
            return
        from importlib.metadata import entry_points

        for entry in entry_points(group=self._group):
            self._add(entry.load(), f"{entry.value} ({self._group})")


@cache
def _announced(path: tuple[str, ...]) -> frozenset[str]:
    """Groups of this package for which an installed one may have entry points.

    ``importlib.metadata`` takes longer to load than any command to start, and hardly ever is there
    anything to look up.
    """
    found = set()
    for folder in path:
        for pattern in ("*.dist-info/entry_points.txt", "*.egg-info/entry_points.txt"):
            for file in Path(folder or ".").glob(pattern):
                lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
                heads = (line.strip() for line in lines)
                found |= {head[1:-1].strip() for head in heads if head.startswith("[rnscli.")}
    return frozenset(found)

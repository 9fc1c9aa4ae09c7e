"""Things that are chosen by name: each is registered once, in this package or in another one."""

import inspect
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any, Generic, TypeVar

from rnscli.base.errors import RnscliError, check_choice, said

T = TypeVar("T")


class RegistrationError(RnscliError):
    """What another package registers cannot be used."""


class Registry(Mapping[str, T], Generic[T]):
    """Things of one kind by their names, in the order in which a help lists them.

    What a consumer needs of a thing is an abstract member or an annotated attribute of its kind:
    something that leaves one out is refused when it is registered, so that nobody falls back on a
    default.
    Things are objects of that kind or, where an object needs arguments, classes of it; all of one
    registry are alike.

    Other packages register theirs as entry points of the group ``rnscli.<group>``. They are looked
    up after those of this package, so that none is replaced, when something is listed or not known
    yet. A package that registers something should import kinds and not registries, so that it can
    be imported before them.

    Parameters
    ----------
    argument
        The argument that takes such a name, for messages.
    group
        Name of the group of entry points.
    kind
        Class of the things; each has a ``name``.
    things
        Those of this package.

    Attributes
    ----------
    own
        Names of those of this package, for defaults that no other package changes.

    Raises
    ------
    TypeError
        If one is of another kind, is incomplete, or has the name of another one.

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

    def __init__(self, argument: str, group: str, kind: type[Any], things: Iterable[T]) -> None:
        self._argument, self.group, self._kind = argument, f"rnscli.{group}", kind
        self._known: dict[str, T] = {}
        self._complete = False
        for thing in things:
            self._add(thing)
        self.own = tuple(self._known)

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
            return self[name]  # without a look at those of other packages
        return self[check_choice(self._argument, name, tuple(self))]

    def constants(self, taken: Iterable[str]) -> dict[str, Any]:
        """The ``constants`` of all things, by their names, which are options of the shell.

        The default of each is the attribute of that name; ``taken`` are names that none may have.

        Raises
        ------
        RegistrationError
            If a name is taken, or two things have it, or there is no default.
        """
        others, found = frozenset(taken), dict[str, Any]()
        things: Mapping[str, Any] = self
        for thing_name, thing in things.items():
            for name, constant in thing.constants.items():
                said_of = f"`{self._argument}` {thing_name} has a constant {name}"
                if name in found or name in others:
                    raise RegistrationError(f"{said_of}, which another one has, too")
                if not hasattr(thing, name):
                    raise RegistrationError(f"{said_of} without a default")
                found[name] = constant
        return found

    def _add(self, thing: T) -> None:
        made = thing if isinstance(thing, type) else type(thing)
        kind = self._kind.__name__
        if not issubclass(made, self._kind):
            raise TypeError(f"{made.__name__} is no {kind}")
        first = next(iter(self._known.values()), thing)
        if isinstance(thing, type) is not isinstance(first, type):
            what = "a class" if isinstance(first, type) else "an object"
            raise TypeError(f"{made.__name__} must be registered as {what}, as the others are")
        missing = [name for name in _stated(made) if not hasattr(thing, name)]
        missing += sorted(getattr(made, "__abstractmethods__", ()))
        if missing:
            raise TypeError(f"the {kind} {made.__name__} has no {', '.join(missing)}")
        name = getattr(thing, "name", None)
        if not isinstance(name, str) or not name:
            raise TypeError(f"the {kind} {made.__name__} has no name")
        if name in self._known:
            raise TypeError(f"there is a {kind} of the name {name} already")
        self._known[name] = thing

    def _load_others(self) -> None:
        if self._complete or self.group not in _announced(tuple(sys.path)):
            return
        from importlib.metadata import entry_points

        before = dict(self._known)
        self._complete = True  # also while they are loaded, when they may look at what is there
        for entry in sorted(entry_points(group=self.group)):
            try:
                self._add(entry.load())
            except (Exception, SystemExit) as error:
                self._known, self._complete = before, False
                package = entry.dist.name if entry.dist is not None else "a package"
                raise RegistrationError(
                    f"{package} registers {entry.name} = {entry.value} as one of {self.group}, "
                    f"which cannot be used: {said(error)}; mend or uninstall it"
                ) from error


def registering_packages() -> dict[str, str]:
    """Versions of the packages that register something: results may depend on them."""
    return _registering(tuple(sys.path))


@cache
def _registering(path: tuple[str, ...]) -> dict[str, str]:
    if not _announced(path):
        return {}
    from importlib.metadata import distributions

    return {
        package.name: package.version
        for package in distributions()
        if any(entry.group.startswith("rnscli.") for entry in package.entry_points)
    }


def _stated(made: type) -> list[str]:
    """Names that a class and its bases annotate, but fields, which only its objects have."""
    own = {field.name for field in fields(made)} if is_dataclass(made) else set()
    return [
        name
        for one in made.__mro__
        for name in inspect.get_annotations(one)
        if name not in own and not name.startswith("_")
    ]


@cache
def _announced(path: tuple[str, ...]) -> frozenset[str]:
    """Groups of this package for which an installed one may have entry points.

    ``importlib.metadata`` takes longer to load than any command to start, and hardly ever is there
    anything to look up.
    """
    groups = set()
    for folder in path:
        names: list[str] = []
        with suppress(OSError), os.scandir(folder or ".") as entries:  # or it is a zip file
            names = [one.name for one in entries if one.name.endswith((".dist-info", ".egg-info"))]
        for name in names:
            with suppress(OSError):  # it has no entry points
                content = Path(folder, name, "entry_points.txt").read_bytes()
                if b"[rnscli." in content:
                    heads = (line.strip() for line in content.decode(errors="replace").splitlines())
                    groups |= {head[1:-1].strip() for head in heads if head.startswith("[rnscli.")}
    return frozenset(groups)

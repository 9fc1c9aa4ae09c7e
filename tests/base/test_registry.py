"""Registries: what they refuse, and what they take from other packages."""

import sys
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest

from rnscli.base.errors import InputError
from rnscli.base.registry import RegistrationError, Registry, registering_packages


class Shape(ABC):
    name: ClassVar[str]
    corners: ClassVar[int]

    @abstractmethod
    def area(self) -> float: ...


class Square(Shape):
    name = "square"
    corners = 4

    def area(self) -> float:
        return 1.0


class WithoutCorners(Shape):
    name = "round"

    def area(self) -> float:
        return 3.0


class WithoutArea(Shape):
    name = "line"
    corners = 0


class WithoutName(Square):
    name = ""


@dataclass(frozen=True)
class Colour:
    name: str


def shapes(*things: Any) -> Registry[Any]:
    return Registry("shape", "shapes", Shape, things)


def test_objects_and_classes() -> None:
    registry = shapes(Square())
    assert registry["square"].area() == 1.0
    assert shapes(Square)["square"] is Square
    assert (list(registry), len(registry), registry.own) == (["square"], 1, ("square",))


class Dot(Square):
    name = "dot"


@pytest.mark.parametrize(("first", "other"), [(Square(), Dot), (Square, Dot())])
def test_objects_and_classes_are_not_mixed(first: object, other: object) -> None:
    said = r"Dot must be registered as an? (object|class), as the oth"
    with pytest.raises(TypeError, match=said):
        shapes(first, other)


@pytest.mark.parametrize(
    ("thing", "reason"),
    [
        (WithoutCorners(), "Shape WithoutCorners has no corners"),
        (WithoutCorners, "Shape WithoutCorners has no corners"),
        (WithoutArea, "Shape WithoutArea has no area"),
        (WithoutName(), "Shape WithoutName has no name"),
        (Colour("red"), "Colour is no Shape"),
        (Colour, "Colour is no Shape"),
        (3, "int is no Shape"),
    ],
)
def test_whatever_leaves_something_out_is_refused(thing: object, reason: str) -> None:
    with pytest.raises(TypeError, match=reason):
        shapes(thing)


def test_a_name_is_taken_once() -> None:
    with pytest.raises(TypeError, match="there is a Shape of the name square already"):
        shapes(Square(), Square())


@pytest.mark.parametrize("name", ["sqare", "", None, 4, ["square"], "x" * 10_000])
def test_names_that_are_not_known(name: object) -> None:
    with pytest.raises(InputError, match="it must be one of square") as refused:
        shapes(Square()).named(name)
    assert refused.value.arguments == ("shape",)
    assert refused.value.value is name
    assert ("did you mean square" in str(refused.value)) == (name == "sqare")
    assert len(str(refused.value)) < 200


Install = Callable[[str, str, str], None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """A package of a name, with a module of that name and entry points."""

    def make(name: str, module: str, entry_points: str) -> None:
        (tmp_path / f"{name}.py").write_text(module)
        information = tmp_path / f"{name}-2.5.dist-info"
        information.mkdir()
        (information / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {name}\nVersion: 2.5\n"
        )
        (information / "entry_points.txt").write_text(entry_points)
        monkeypatch.syspath_prepend(tmp_path / ".")  # a path that nobody has looked into
        monkeypatch.delitem(sys.modules, name, raising=False)

    return make


RED = "from types import SimpleNamespace\nRED = SimpleNamespace(name='red')\n"


def named(*names: str) -> Registry[Any]:
    """Of whatever has a name."""
    things = [SimpleNamespace(name=name) for name in names]
    return Registry("colour", "test_colours", SimpleNamespace, things)


def test_other_packages_come_after_ones_own(install: Install) -> None:
    install("paint_a", RED, "[rnscli.test_colours]\nany = paint_a:RED\n")
    registry = named("blue")
    assert "paint_a" not in sys.modules
    assert registry["blue"] and "paint_a" not in sys.modules  # not before it is needed
    assert list(registry) == ["blue", "red"]
    assert registry.named("red") is sys.modules["paint_a"].RED
    assert registry.own == ("blue",)
    assert registering_packages() == {"paint_a": "2.5"}


@pytest.mark.parametrize(
    ("module", "reason"),
    [
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("import nowhere", "No module named 'nowhere'"),
        ("", "has no attribute 'RED'"),
        ("RED = 3", "int is no SimpleNamespace"),
        (RED.replace("red", "blue"), "of the name blue already"),
    ],
)
def test_what_cannot_be_used(install: Install, module: str, reason: str) -> None:
    install("paint_b", module, "[rnscli.test_colours]\nany = paint_b:RED\n")
    registry = named("blue")
    for _ in range(2):  # and it does not become good by asking again
        with pytest.raises(RegistrationError, match=reason) as refused:
            list(registry)
        for part in ("paint_b registers any = paint_b:RED", "rnscli.test_colours"):
            assert part in str(refused.value)
        assert "\n" not in str(refused.value)
    assert registry["blue"]


def test_a_package_may_look_at_the_registry_that_it_adds_to(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = RED + "import holder\nSEEN = list(holder.registry)\n"
    install("paint_c", looks, "[rnscli.test_colours]\nany = paint_c:RED\n")
    registry = named("blue")
    monkeypatch.setitem(sys.modules, "holder", SimpleNamespace(registry=registry))
    assert list(registry) == ["blue", "red"]
    assert sys.modules["paint_c"].SEEN == ["blue"]


def test_nothing_is_looked_up_where_nothing_is_announced(monkeypatch: pytest.MonkeyPatch) -> None:
    def deny(*arguments: object, **more: object) -> None:
        raise AssertionError

    monkeypatch.setattr("importlib.metadata.entry_points", deny)
    assert list(named("blue")) == ["blue"]


@pytest.mark.parametrize("folder", ["x" * 300, "/nowhere", __file__])
def test_a_path_that_is_no_folder_announces_nothing(
    folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.path", [folder])
    assert list(named("blue")) == ["blue"]

"""Names of a package that are loaded from its modules when they are first used.

They are stated once, in the stub of the package, which type checkers read, too. So a room has one
door, whoever passes it loads only what is asked for, and importing a room costs nothing.
"""

import importlib
import sys
from collections.abc import Callable
from functools import cache


def facade(package: str, file: str) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """The functions ``__getattr__`` and ``__dir__`` of a package with a stub.

    Parameters
    ----------
    package, file
        ``__name__`` and ``__file__`` of the package.
    """

    @cache
    def homes() -> dict[str, str]:
        """Module of each name."""
        # Not by pathlib or ast: `rnscli --help` has no other need of them. A line of a stub is
        # ``from module import name as name``, whatever its length.
        with open(f"{file.removesuffix('.py')}.pyi", encoding="utf-8") as stub:  # noqa: PTH123
            lines = [line.split() for line in stub if line.startswith("from ")]
        return {name: module for _, module, _, name, _, _ in lines}

    def load(name: str) -> object:
        if name == "__all__":
            return sorted(homes())
        if name.startswith("__") or name not in homes():
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value: object = getattr(importlib.import_module(homes()[name]), name)
        setattr(sys.modules[package], name, value)
        return value

    return load, lambda: sorted(homes())

"""Whether the packages of the extra ``rnscli[torch]`` are installed, without loading them."""

from collections.abc import Sequence
from importlib.util import find_spec

INSTALL = "pip install 'rnscli[torch]'"


def missing_package(needed: Sequence[str] = ("torch", "sklearn")) -> str | None:
    """The first of these packages that is not installed, if there is one."""
    return next((name for name in needed if find_spec(name) is None), None)

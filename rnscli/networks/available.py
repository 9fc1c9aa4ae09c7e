"""Whether the packages of the extra ``rnscli[torch]`` are installed, without loading them."""

from importlib.util import find_spec

INSTALL = "pip install 'rnscli[torch]'"


def missing_package() -> str | None:
    """The first package that networks need and that is not installed, if there is one."""
    return next((name for name in ("torch", "sklearn") if find_spec(name) is None), None)

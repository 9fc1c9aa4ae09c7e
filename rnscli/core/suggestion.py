"""Names that were probably meant."""

from collections.abc import Iterable


def option_name(key: str) -> str:
    """The name of an option, which may be written with dashes."""
    return key.replace("-", "_")


def nearest(name: str, known: Iterable[str]) -> str:
    """A hint at the name that was probably meant, or nothing."""
    import difflib  # only errors need it

    candidates = {option_name(one): one for one in known}
    found = difflib.get_close_matches(option_name(name), candidates, n=1, cutoff=0.6)
    return f"; did you mean {candidates[found[0]]}?" if found else ""

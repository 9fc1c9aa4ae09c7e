"""Names that were probably meant."""

from collections.abc import Iterable


def option_name(key: str) -> str:
    """The name of an option, which may be written with dashes."""
    return key.replace("-", "_")


def nearest(name: str, known: Iterable[str]) -> str:
    """A hint at the name that was probably meant, or nothing."""
    import difflib  # only errors need it

    candidates = {option_name(one): one for one in known}
    close = difflib.get_close_matches(option_name(name), candidates, n=1, cutoff=0.6)
    return f"; did you mean {candidates[close[0]]}?" if close else ""


def said(error: BaseException) -> str:
    """Kind of an error and the first line of what it says, of a length that a person reads.

    Examples
    --------
    >>> said(RuntimeError("shapes do not match\\nsee the manual")), said(KeyError())
    ('RuntimeError: shapes do not match', 'KeyError')
    """
    kind = type(error).__name__
    lines = str(error).strip().splitlines()
    if not lines:
        return kind
    first = lines[0].strip().rstrip(".")
    return f"{kind}: {first if len(first) <= 200 else first[:197] + '...'}"

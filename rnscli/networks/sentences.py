"""Errors of other people's code, as a part of a sentence."""


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

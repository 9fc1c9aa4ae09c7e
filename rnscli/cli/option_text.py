"""The words of an option: what it is for, and what it is if it is not given."""

import click

_DEFAULT = "[default: "


def described(option: click.Parameter) -> tuple[str, str]:
    """Help of an option without its default, and its default in words; empty if it has none.

    Examples
    --------
    >>> described(click.Option(["--bits"], help="Bits b of the converters.  [default: 4..8]"))
    ('Bits b of the converters.', '4..8')
    """
    text = " ".join((getattr(option, "help", None) or "").split())
    said, _, stated = text.partition(_DEFAULT)
    if not stated and getattr(option, "show_default", False):
        stated = str(option.default)
    return said.strip(), stated.removesuffix("]")

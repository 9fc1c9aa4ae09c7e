"""The words of an option: what it is for, and what it is if it is not given."""

import click

_DEFAULT = "[default: "


def described(option: click.Parameter) -> tuple[str, str]:
    """Help of an option without its default, and its default in words; empty if it has none.

    Arguments have no help in click: they are explained in that of their command.

    Examples
    --------
    >>> described(click.Option(["--bits"], help="Bits b of the converters.  [default: 4..8]"))
    ('Bits b of the converters.', '4..8')
    """
    if not isinstance(option, click.Option):
        return f"The argument {option.human_readable_name}.", ""
    text, _, stated = " ".join((option.help or "").split()).partition(_DEFAULT)
    if not stated and option.show_default:
        stated = str(option.default)
    return text.strip(), stated.removesuffix("]")

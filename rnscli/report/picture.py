"""Pictures of rows, as Python has them: shown by notebooks, and saved as ``--plot`` saves them."""

from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path

from rnscli.base import InputError, check_writable, write_atomically
from rnscli.report.layout import Row
from rnscli.report.plots.figure import check_available

PICTURE_SUFFIXES = (".png", ".svg", ".pdf")

Draw = Callable[[Sequence[Row], str], bytes]  # rows, and the format: a suffix without its dot


def check_picture(path: Path, option: str) -> str:
    """The format that the suffix of a file means; refuses one that cannot be written."""
    if path.suffix.lower() not in PICTURE_SUFFIXES:
        raise InputError(
            f"{option} {path} has no known suffix; use one of {', '.join(PICTURE_SUFFIXES)}"
        )
    check_writable(path, option)
    return path.suffix.lower()[1:]


class RowsPicture:
    """A picture of rows, which a notebook shows and `save` writes; drawn when it is needed.

    Examples
    --------
    >>> import rnscli
    >>> rnscli.energy(bits=[4, 6]).plot()
    RowsPicture(8 rows)
    """

    def __init__(self, draw: Draw, rows: Sequence[Row]) -> None:
        check_available()
        self._draw, self._rows = draw, rows

    def bytes(self, file_format: str) -> bytes:
        """The picture as ``png``, ``svg`` or ``pdf``: the bytes that ``--plot`` writes."""
        return self._draw(self._rows, file_format)

    def save(self, path: str | Path) -> Path:
        """Write the picture, in the format that the suffix of the file means.

        Raises
        ------
        InputError
            If the suffix is unknown, or the file cannot be written.
        """
        file_format = check_picture(Path(path), "`path`")
        write_atomically(Path(path), self.bytes(file_format))
        return Path(path)

    @cached_property
    def _svg(self) -> str:
        return self.bytes("svg").decode()

    def _repr_svg_(self) -> str:
        return self._svg

    def __repr__(self) -> str:
        count = len(self._rows)
        return f"RowsPicture({count} row{'s' if count != 1 else ''})"

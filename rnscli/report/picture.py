"""Pictures of rows, as Python has them: shown by notebooks, and saved as ``--plot`` saves them."""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path

from rnscli.base import InputError, check_choice, check_writable, write_atomically
from rnscli.report.layout import Row
from rnscli.report.plots.figure import check_available

# Forms of a picture, which are suffixes without their dot, with the modules that each needs. The
# last is a page whose points say their values.
PICTURES: Mapping[str, tuple[str, ...]] = {
    "svg": ("matplotlib",), "png": ("matplotlib",), "pdf": ("matplotlib",),
    "html": ("matplotlib", "jinja2"),
}  # fmt: skip

Draw = Callable[[Sequence[Row], str], bytes]  # rows, and the form


def check_picture(path: Path, option: str) -> str:
    """The form that the suffix of a file means; refuses one that cannot be written."""
    kind = path.suffix.lower().removeprefix(".")
    if kind not in PICTURES:
        raise InputError(f"{option} {path} has no known suffix; use one of .{', .'.join(PICTURES)}")
    check_writable(path, option)
    return kind


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

    def bytes(self, kind: str) -> bytes:
        """The picture as one of `PICTURES`: the bytes that ``--plot`` writes."""
        check_available("a picture", PICTURES[check_choice("kind", kind, tuple(PICTURES))])
        return self._draw(self._rows, kind)

    def save(self, path: str | Path) -> Path:
        """Write the picture, in the format that the suffix of the file means.

        Raises
        ------
        InputError
            If the suffix is unknown, or the file cannot be written.
        """
        kind = check_picture(Path(path), "`path`")
        write_atomically(Path(path), self.bytes(kind))
        return Path(path)

    @cached_property
    def _svg(self) -> str:
        return self.bytes("svg").decode()

    def _repr_svg_(self) -> str:
        return self._svg

    def __repr__(self) -> str:
        count = len(self._rows)
        return f"RowsPicture({count} row{'s' if count != 1 else ''})"

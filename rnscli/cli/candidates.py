"""What a shell offers where a value is typed: names, files, and both in lists."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import click
from click.shell_completion import CompletionItem

Candidates = list[CompletionItem]


def of_list(incomplete: str, names: Sequence[str], suffixes: tuple[str, ...] = ()) -> Candidates:
    """Names and files that may stand behind the last comma, with what stands before it.

    Parameters
    ----------
    incomplete
        The list so far.
    names
        What an item may be; a name that the list already has is not offered again.
    suffixes
        Of the files that an item may be; no files without any.
    """
    before, comma, item = incomplete.rpartition(",")
    given = before.split(",")
    found = [name for name in names if name.startswith(item) and name not in given]
    if suffixes:
        found += _files(item, suffixes)
    return [CompletionItem(before + comma + name) for name in found]


def of_names(incomplete: str, names: Iterable[str]) -> Candidates:
    """One name."""
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]


def of_files(incomplete: str) -> Candidates:
    """Any file, which the shell itself lists."""
    return [CompletionItem(incomplete, type="file")]


def names_or_files(
    names: Sequence[str], suffixes: tuple[str, ...]
) -> Callable[[click.Context, click.Parameter, str], Candidates]:
    """`of_list` for an option that has no type of its own."""
    return lambda ctx, param, incomplete: of_list(incomplete, names, suffixes)


def _files(text: str, suffixes: tuple[str, ...]) -> list[str]:
    """Paths that begin as the text does: shells list either files or names, never both."""
    folder, slash, start = text.rpartition("/")
    # A word that ends in one folder is no answer yet, and shells put a space behind it.
    while len(found := list(_entries(folder + slash, start, suffixes))) == 1:
        if not found[0].endswith("/"):
            break
        folder, slash, start = found[0][:-1], "/", ""
    return found


def _entries(folder: str, start: str, suffixes: tuple[str, ...]) -> Iterable[str]:
    try:
        entries = sorted(Path(folder or ".").expanduser().iterdir())
    except (OSError, RuntimeError):  # no folder, one that is not ours to read, or no such user
        return
    for entry in entries:
        if not entry.name.startswith(start) or entry.name.startswith(".") > start.startswith("."):
            continue
        if entry.is_dir():
            yield f"{folder}{entry.name}/"
        elif entry.name.lower().endswith(suffixes):
            yield folder + entry.name

"""Files of a user that must be there."""

from pathlib import Path

from rnscli.core.errors import InputError


def regular_file(argument: str, path: str | Path, wanted: str) -> Path:
    """The path of a file that can be opened.

    Parameters
    ----------
    argument, path
        What named it.
    wanted
        What it must be, in words that follow a semicolon.

    Raises
    ------
    InputError
        If there is no such file, or it is a directory or a device.
    """
    file = Path(path)
    try:
        if file.is_file():
            return file
        problem = "does not exist"
        if file.exists():
            problem = "is a directory" if file.is_dir() else "is not a regular file"
    except (OSError, ValueError) as error:  # no file can have this name
        raise InputError(
            f"`{argument}` {str(path)[:60]}... cannot be a file: {error.args[-1]}; {wanted}"
        ) from None
    raise InputError(f"`{argument}` {path} {problem}; {wanted}")

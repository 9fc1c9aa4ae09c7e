"""``python -m rnscli``, and the script ``rnscli``."""

import contextlib
import os
import signal
from types import FrameType


def main() -> None:
    """Run the command line."""
    # It has handlers of its own, but they take time to import, and Python's would print where.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _end_at_once)
    from rnscli.cli.main import main as run

    run()


def _end_at_once(number: int, frame: FrameType | None) -> None:
    word = b"interrupted" if number == signal.SIGINT else b"terminated"
    with contextlib.suppress(OSError):
        os.write(2, b"rnscli: " + word + b"\n")
    os._exit(128 + number)


if __name__ == "__main__":
    main()

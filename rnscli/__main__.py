"""``python -m rnscli``, and the script ``rnscli``."""

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
    try:  # noqa: SIM105 - contextlib takes a millisecond to import, with no handler yet
        os.write(2, b"rnscli: " + word + b"\n")
    except OSError:
        pass
    os._exit(128 + number)


if __name__ == "__main__":
    main()

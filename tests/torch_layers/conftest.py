import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec

import pytest

# No example is in here; and without PyTorch there is nothing to test.
collect_ignore = ["conftest.py"]
collect_ignore_glob = [] if find_spec("torch") else ["*.py"]


@pytest.fixture
def in_a_process_of_its_own() -> Callable[..., str]:
    """Run a script with arguments; what it printed."""

    def run(script: str, *arguments: object) -> str:
        ran = subprocess.run(
            [sys.executable, "-c", script, *map(str, arguments)],
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    return run

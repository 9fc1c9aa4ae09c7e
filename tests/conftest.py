import subprocess
import sys
from pathlib import Path

import pytest

# No example is in here, and a second module of this name could not be imported to look for one.
collect_ignore = ["conftest.py"]


@pytest.fixture(scope="session")
def reproduction(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that ``rnscli reproduce`` writes."""
    pytest.importorskip("matplotlib")
    pytest.importorskip("jinja2")
    folder = tmp_path_factory.mktemp("reproduction") / "folder"
    ran = subprocess.run(
        [sys.executable, "-m", "rnscli", "reproduce", "--output", str(folder)],
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    (folder.parent / "printed.txt").write_text(ran.stdout)
    return folder

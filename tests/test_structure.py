"""The script that measures how the package is built."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def measures(*arguments: str) -> dict[str, str]:
    """First number of each line by what it is of."""
    ran = subprocess.run(
        [sys.executable, "-m", "benchmarks.structure", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    lines = (line.split("  ") for line in ran.stdout.splitlines())
    return {what: next(filter(None, rest)).strip() for what, *rest in lines}


@pytest.mark.thorough
def test_it_measures_the_package() -> None:
    measured = measures()
    assert int(measured["files"]) > 100
    assert float(measured["edges for 1000 lines of code"]) > 0


def test_what_it_counts(tmp_path: Path) -> None:
    package = tmp_path / "house"
    (package / "room").mkdir(parents=True)
    (package / "__init__.py").write_text('"""A house."""\n')
    (package / "room" / "__init__.py").write_text("")
    (package / "room" / "__init__.pyi").write_text("from house.room.chair import Chair as Chair\n")
    (package / "room" / "chair.py").write_text(
        '"""A chair.\n\nTo sit.\n"""\n\n# Why.\nclass Chair:  # not counted\n    legs = 4\n'
    )
    (package / "guest.py").write_text(
        "from typing import TYPE_CHECKING\n\n"
        "if TYPE_CHECKING:\n    from house.room import Chair\n\n\n"
        "def sit() -> 'Chair':\n    from house.room import (\n        chair,\n    )\n"
        "    import house.room.chair\n\n    return chair.Chair()\n"
    )
    assert measures(str(package)) == {
        "files": "4",
        "lines": "22",
        "lines of code": "11",
        "files of a folder, at most": "2",
        "lines of a file, at most": "13",
        "share of import lines": "27.27%",
        "share of comment lines": "4.55%",
        "edges of imports": "2",  # to the door, and to the chair
        "edges for 1000 lines of code": "181.8",
        "doors (stubs, not counted above)": "1",
        "lines of doors": "1",
        "edges to the modules behind doors": "1",
        "edges for 1000 lines of code, behind doors": "90.9",
        "modules that exactly one other imports, behind doors": "1",
    }

"""Plans for the tests of ``rnscli batch``, processes that run them, and what they leave behind."""

import os
import subprocess
import sys
import time
from pathlib import Path
from textwrap import dedent
from typing import Any

from rnscli.cli.plan.plan import PlanError, read_plan


def write_plan(folder: Path, text: str, name: str = "plan.toml") -> Path:
    """A plan in a file."""
    path = folder / name
    path.write_text(dedent(text))
    return path


def sentences(plan: Path) -> list[str]:
    """What is wrong with a plan, without its name."""
    try:
        read_plan(plan)
    except PlanError as error:
        return [one.removeprefix(f"{plan}, ") for one in error.sentences]
    return []


def contents(folder: Path) -> dict[str, Any]:
    """All that is in a folder, hidden files and folders included."""
    return {
        str(path.relative_to(folder)): None if path.is_dir() else path.read_bytes()
        for path in sorted(folder.rglob("*"))
    }


def names(folder: Path) -> list[str]:
    """The names in a folder, hidden ones included."""
    return sorted(path.name for path in folder.iterdir())


def rnscli_process(*arguments: object, **settings: str) -> "subprocess.Popen[str]":
    """A command in a group of processes of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "rnscli", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | settings,
        start_new_session=True,
    )


def no_process_is_left(group: int) -> None:
    """Of those that a command has started; dead ones that nobody has buried yet do not count."""
    give_up = time.monotonic() + 60
    while living := _living(group):
        assert time.monotonic() < give_up, living
        time.sleep(0.01)


def _living(group: int) -> list[str]:
    table = subprocess.check_output(["ps", "-A", "-o", "pgid=,stat=,args="], text=True)
    found = [line for line in table.splitlines() if int(line.split()[0]) == group]
    return [line for line in found if not line.split()[1].startswith("Z")]

"""Every example that a help shows is run, as it stands."""

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import chdir
from pathlib import Path
from typing import Any

import click
import pytest
from captured import output_of

from rnscli.cli.help_page import Example, WithExamples
from rnscli.cli.main import COMMANDS, cli

Run = Callable[..., Any]

# Files that examples read and no example writes; each is made by a function of its path.
PLAN = Path(__file__).parents[2] / "docs" / "recipes" / "plan.toml"


def written(command: str, option: str) -> Callable[[Path], object]:
    """Makes a file by a command that writes it."""
    return lambda path: output_of(f"{command} {option} {path}")


FILES: dict[str, Callable[[Path], object]] = {
    "plan.toml": lambda path: shutil.copy(PLAN, path),
    "old.json": written("energy --bits 6", "--output"),
    "new.json": written("energy --bits 6", "--output"),
    "faults.json": written("fault-prob --p 1e-3,1e-2", "--output"),
    "first.db": written("error-sim --bits 6 --pairs 100", "--store"),
    "second.db": written("error-sim --bits 7 --pairs 100", "--store"),
}
# Commands whose examples read what those of others write come behind them.
LAST = ("store",)
# Lines for another shell than bash, by what they contain.
OTHER_SHELLS = {"completion zsh": ("zsh", "autoload -Uz compinit && compinit -D -u")}
FOLDERS = (".config/fish/completions", ".local/share/man/man1")  # of a user's home


def command_of(name: str) -> click.Command:
    found = cli.get_command(click.Context(cli), name)
    assert found is not None
    return found


def examples_of(command: click.Command) -> tuple[Example, ...]:
    assert isinstance(command, WithExamples), "its class must be or inherit WithExamples"
    return command.examples


def examples() -> Iterator[tuple[str, Example]]:
    """All examples, each with its command, in an order in which they can run."""
    for name in ("", *sorted(COMMANDS, key=lambda name: name in LAST)):
        for example in examples_of(command_of(name) if name else cli):
            yield name, example


@pytest.mark.parametrize("name", ["", *COMMANDS])
def test_every_help_ends_with_two_examples(
    name: str, rnscli: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = examples_of(command_of(name) if name else cli)
    assert len(found) >= 2
    for width in ("80", "100"):
        monkeypatch.setenv("COLUMNS", width)
        ran = rnscli(*([name] if name else []), "--help")
        assert (ran.code, ran.err) == (0, "")
        lines = [line for line in ran.out.splitlines() if not line.endswith(".md")]  # a path
        assert max(map(len, lines)) <= int(width)
        shown = "".join(
            f"  {line}\n"
            for example in found
            for line in (f"# {example.answers}", *example.line.splitlines())
        )
        _, _, below = ran.out.partition(f"\nExamples:\n{shown}")
        # Below them only where formulas are from, its page, and what else one may ask.
        headings = re.findall(r"^\S.*:$", below, re.MULTILINE)
        assert headings[0] in ("Formulas and their sources:", "Documentation:")
        assert headings[1:] in ([], ["See also:"])


@pytest.mark.parametrize("name", ["", *COMMANDS])
def test_examples_say_what_they_answer_and_are_of_the_command(name: str) -> None:
    for example in examples_of(command_of(name) if name else cli):
        assert example.answers
        assert f"rnscli {name}" in example.line
        # So that they fit on a manual page, too, which indents them more.
        assert max(map(len, [f"# {example.answers}", *example.line.splitlines()])) <= 73


# Commands whose examples take long and read nothing of others; those of the rest come together.
ALONE = ("design", "accuracy", "train", "reproduce")


@pytest.mark.thorough
@pytest.mark.usefixtures("small_study", "few_words", "few_digits")
@pytest.mark.parametrize("command", ["", *ALONE])
def test_every_example_runs(
    command: str, rnscli: Run, shell_environment: dict[str, str], tmp_path: Path
) -> None:
    """In one folder: some read what others have written."""
    folder = tmp_path / "folder"
    folder.mkdir()
    for name in FOLDERS:
        (Path(shell_environment["HOME"]) / name).mkdir(parents=True)
    for name, make in FILES.items():
        make(folder / name)
    with chdir(folder):
        for name, example in examples():
            if (name if name in ALONE else "") != command:
                continue
            line = example.line.replace("\\\n", " ")
            if needs_a_shell(line):
                run_in_shell(line, shell_environment)
            else:
                ran = rnscli(*shlex.split(line)[1:])
                assert ran.code == 0, f"{line}\n{ran.err}"
    assert command or (folder / "runs.db").exists()  # they ran here


@pytest.mark.thorough
def test_the_example_of_cells_trains(rows: Callable[..., list[dict[str, Any]]]) -> None:
    """Ten classes: who guesses is right for one in ten."""
    (example,) = (one for one in examples_of(command_of("train")) if "--update" in one.line)
    for row in rows(*shlex.split(example.line.replace("\\\n", " "))[1:]):
        assert row["test_accuracy"] > 0.7, row["core"]


def needs_a_shell(line: str) -> bool:
    """Whether it has an operator outside of quotes, or a substitution inside."""
    words = shlex.shlex(line, posix=True, punctuation_chars=True)
    return "$(" in line or any(set(word) <= set("|<>&;()") for word in words)


def run_in_shell(line: str, environment: dict[str, str]) -> None:
    """In bash, or in the shell that it is for; not where a program that it needs is missing."""
    program, before = "bash", "set -o pipefail"
    for part, other in OTHER_SHELLS.items():
        if part in line:
            program, before = other
    needed = {program, *re.findall(r"\| (\w+)", line)}
    if not all(shutil.which(one) for one in needed):
        return
    ran = subprocess.run(
        [program, "-c", f"{before}\n{line}"],
        env=environment | {"PAGER": "cat", "TERM": os.environ.get("TERM", "dumb")},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (ran.returncode, ran.stderr) == (0, ""), line

"""What CONTRIBUTING.md says is tried: each example is applied to a copy of the package, and run."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "CONTRIBUTING.md"
_RUNNER = """
import contextlib, io, json, sys
from rnscli.cli.main import run
answers = []
for arguments in json.load(sys.stdin):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run(arguments)
    answers.append((code, out.getvalue(), err.getvalue()))
json.dump(answers, sys.stdout)
"""


@dataclass(frozen=True)
class Addition:
    """Blocks of a section: language and text."""

    title: str
    blocks: tuple[tuple[str, str], ...]

    @property
    def commands(self) -> list[list[str]]:
        lines = [line for kind, text in self.blocks if kind == "sh" for line in text.splitlines()]
        return [shlex.split(line)[1:] for line in lines]

    def apply(self, folder: Path) -> tuple[set[str], set[str]]:
        """Files that are new and files that are changed."""
        new, changed = set(), set()
        for kind, text in self.blocks:
            head, _, rest = text.partition("\n")
            if kind in ("python", "toml"):
                path = head.removeprefix("# ")
                assert not (folder / path).exists()
                (folder / path).write_text(rest)
                new.add(path)
            elif kind == "diff":
                path = head.removeprefix("--- ")
                (folder / path).write_text(patched((folder / path).read_text(), rest))
                changed.add(path)
        return new, changed


def patched(text: str, hunks: str) -> str:
    """A text with the lines ``-`` replaced by the lines ``+``, where the other lines stand."""
    for hunk in re.split(r"^@@\n", hunks, flags=re.MULTILINE):
        lines = [(line[:1], line[1:]) for line in hunk.splitlines(keepends=True)]
        old = "".join(line for sign, line in lines if sign != "+")
        assert text.count(old) == 1, old
        text = text.replace(old, "".join(line for sign, line in lines if sign != "-"))
    return text


def additions() -> list[Addition]:
    sections: dict[str, list[tuple[str, str]]] = {}
    title = ""
    tokens = MarkdownIt("commonmark").parse(PAGE.read_text(encoding="utf-8"))
    for before, token in pairwise(tokens):
        if before.type == "heading_open" and before.tag == "h2":
            title = token.content
        if token.type == "fence":
            sections.setdefault(title, []).append((token.info, token.content))
    return [
        Addition(title, tuple(blocks))
        for title, blocks in sections.items()
        if any(text.startswith(("--- rnscli/", "# rnscli/")) for _, text in blocks)
    ]


ADDITIONS = additions()


def answers_of(folder: Path, commands: list[list[str]]) -> list[tuple[int, str, str]]:
    ran = subprocess.run(
        [sys.executable, "-c", _RUNNER],
        input=json.dumps(commands),
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    return [(code, out, err) for code, out, err in json.loads(ran.stdout)]


@pytest.mark.thorough
@pytest.mark.parametrize("addition", ADDITIONS, ids=lambda one: one.title)
def test_an_addition_works_and_is_small(addition: Addition, tmp_path: Path) -> None:
    shutil.copytree(
        ROOT / "rnscli", tmp_path / "rnscli", ignore=shutil.ignore_patterns("__pycache__")
    )
    first, *_ = addition.commands
    ((code, _, _),) = answers_of(tmp_path, [first])
    assert code == 2  # or it is there already
    new, changed = addition.apply(tmp_path)
    number = len(new | changed)
    assert number <= 2
    one_new = "yes" if new else "no"
    link = "#" + addition.title.lower().replace(" ", "-")
    said = f"| [{addition.title[0].lower()}{addition.title[1:]}]({link}) | {number} | {one_new} |"
    assert said in PAGE.read_text(encoding="utf-8")
    for code, out, err in answers_of(tmp_path, addition.commands):
        assert (code, err) == (0, ""), err
        assert out

"""``rnscli completion``: the shells themselves are asked to complete."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rnscli.cli.commands.completion import SHELLS
from rnscli.cli.main import COMPLETE

Run = Callable[..., Any]
FindShell = Callable[[str], str]
Environment = dict[str, str]


def said(program: str, *arguments: str, environment: Environment, folder: Path) -> str:
    """What a shell prints that has nothing to complain about."""
    ran = subprocess.run(
        [program, *arguments],
        env=environment,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    return ran.stdout


# In the shells

ASKED_OF_BASH = """\
eval "$(rnscli completion bash)"
compopt() { echo "compopt $2"; }
ask() {
    COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
    _rnscli_completion rnscli
    echo "${COMPREPLY[*]}"
}
complete -p rnscli
ask rnscli mod
ask rnscli energy --core rns,fi
ask rnscli energy --core = rns,bi
ask rnscli energy --technology photonic-phase,m
ask rnscli fault-prob --p 1e-6..1e-1 : 4 --require "'p_e"
ask rnscli moduli --output m
"""


def test_bash(shell: FindShell, shell_environment: Environment, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").touch()
    bash = (shell("bash"), "--norc", "-c", ASKED_OF_BASH)
    assert said(*bash, environment=shell_environment, folder=tmp_path).splitlines() == [
        "complete -o nosort -F _rnscli_completion rnscli",
        "moduli",
        "rns,fixed-lp rns,fixed-hp",
        "rns,bit-sliced",
        "photonic-phase,mine.toml",
        "p_err p_err_low",
        "compopt default",  # the files are bash's own
        "",
    ]


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("rnscli mod", ["moduli\tChoose moduli sets for a target precision."]),
        ("rnscli energy --core rns,fi", ["rns,fixed-lp", "rns,fixed-hp"]),
        ("rnscli energy --core=rns,bi", ["--core=rns,bit-sliced"]),
        ("rnscli energy --technology photonic-phase,m", ["photonic-phase,mine.toml"]),
        ("rnscli fault-prob --require p_e", ["p_err", "p_err_low"]),
        ("rnscli moduli --output mi", ["mine.toml"]),
        ("rnscli moduli --inp", ["--input-bits\tBits of the inputs. [default: b]"]),
    ],
)
def test_fish(
    line: str,
    offered: list[str],
    shell: FindShell,
    shell_environment: Environment,
    tmp_path: Path,
) -> None:
    (tmp_path / "mine.toml").touch()
    asked = f"rnscli completion fish | source; complete --do-complete '{line}'"
    fish = (shell("fish"), "--no-config", "-c", asked)
    found = said(*fish, environment=shell_environment, folder=tmp_path).splitlines()
    assert sorted(found) == sorted(offered)


ZSHRC = """\
autoload -Uz compinit
compinit -D -u
eval "$(rnscli completion zsh)"
bindkey '^I' complete-word
show() { zle -I; print -r -- "<<$BUFFER>>"; BUFFER=; }
zle -N show
bindkey '^X' show
print ready
"""
ASKED_OF_ZSH = r"""
zmodload zsh/zpty
zpty zsh zsh -d -i
zpty -r zsh output '*ready*'
for line in "$@"; do
    zpty -w -n zsh "$line"$'\t\x18'
    zpty -r zsh output '*<<*>>*'
    output=${output##*<<}
    print -r -- "${output%%>>*}"
done
zpty -d zsh
"""


def test_zsh(shell: FindShell, shell_environment: Environment, tmp_path: Path) -> None:
    """In a terminal of its own, with keys that complete a line and then print it."""
    (tmp_path / "mine.toml").touch()
    (Path(shell_environment["ZDOTDIR"]) / ".zshrc").write_text(ZSHRC)
    lines = {
        "rnscli mod": "rnscli moduli ",
        "rnscli energy --core rns,bi": "rnscli energy --core rns,bit-sliced ",
        "rnscli energy --core=rns,bi": "rnscli energy --core=rns,bit-sliced ",
        "rnscli energy --technology photonic-phase,mi": (
            "rnscli energy --technology photonic-phase,mine.toml "
        ),
        "rnscli fault-prob --require p_u": "rnscli fault-prob --require p_undetected ",
        "rnscli moduli --output mi": "rnscli moduli --output mine.toml ",
    }
    zsh = (shell("zsh"), "-f", "-c", ASKED_OF_ZSH, "zsh", *lines)
    environment = shell_environment | {"TERM": "dumb"}
    found = said(*zsh, environment=environment, folder=tmp_path)
    assert found.splitlines() == list(lines.values())


@pytest.mark.parametrize("name", list(SHELLS))
def test_the_script_is_correct(
    name: str, shell: FindShell, shell_environment: Environment, tmp_path: Path, rnscli: Run
) -> None:
    ran = rnscli("completion", name)
    assert (ran.code, ran.err) == (0, "")
    script = tmp_path / "script"
    script.write_text(ran.out)
    checked = (shell(name), "-n", str(script))
    assert said(*checked, environment=shell_environment, folder=tmp_path) == ""


# How the shells are answered


def answered(line: str, style: str = "bash") -> "subprocess.CompletedProcess[str]":
    """The answer to a shell, and the modules that it took, on standard error."""
    asked = {
        COMPLETE: f"{style}_complete",
        "COMP_WORDS": line,
        "COMP_CWORD": str(line.count(" ")),
    }
    code = (
        "import sys; from rnscli.cli.main import run; code = run([]); "
        "print(*sys.modules, file=sys.stderr); sys.exit(code)"
    )
    return subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | asked,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_names_of_commands_load_none_of_them() -> None:
    ran = answered("rnscli ")
    assert (ran.returncode, ran.stdout.splitlines()[0]) == (0, "plain,moduli")
    loaded = set(ran.stderr.split())
    assert not loaded & {
        "numpy",
        "rnscli.cli.commands.moduli",
        "rnscli.cli.command",
        "rnscli.cli.commands.man",
    }
    assert not {name for name in loaded if name.startswith(("rnscli.analysis", "rnscli.report"))}


@pytest.mark.parametrize(
    "line",
    ["rnscli moduli --", "rnscli energy --core ", "rnscli energy --require p", "rnscli man --h"],
)
def test_nothing_numerical_is_loaded(line: str) -> None:
    ran = answered(line)
    assert ran.returncode == 0 and ran.stdout
    assert not set(ran.stderr.split()) & {"numpy", "scipy", "rich", "matplotlib"}


@pytest.mark.thorough
def test_scipy_is_never_loaded() -> None:
    for command in ("error-sim", "fault-prob", "design", "store"):
        assert "scipy" not in answered(f"rnscli {command} --").stderr.split()


@pytest.mark.parametrize("style", ["bash", "tcsh", "bash_complete_"])
def test_shells_are_never_answered_with_a_traceback(style: str) -> None:
    ran = answered("rnscli 'mod", style)
    assert "Traceback" not in ran.stderr
    assert ran.returncode == (0 if style == "bash" else 1)


def test_a_broken_question(monkeypatch: pytest.MonkeyPatch, rnscli: Run) -> None:
    monkeypatch.setenv(COMPLETE, "bash_complete")
    monkeypatch.delenv("COMP_WORDS", raising=False)
    assert rnscli() == (1, "", "")


# Bad input


@pytest.mark.parametrize("value", ["tcsh", "", "Bash", "b" * 5000])
def test_other_shells(value: str, rnscli: Run) -> None:
    ran = rnscli("completion", value)
    assert (ran.code, ran.out) == (2, "")
    shown = value if len(value) < 60 else value[:57] + "..."
    accepted = "it must be one of bash, zsh, fish"
    assert ran.err == f"rnscli: SHELL: '{shown}' is not accepted; {accepted}\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["completion"], "Missing argument 'SHELL'. Give one of bash, zsh, fish"),
        (["completion", "bash", "zsh"], "unexpected extra argument (zsh)"),
        (["man", "moduli"], "unexpected extra argument (moduli)"),
        (["man", "--format", "json"], "--format"),
    ],
)
def test_other_mistakes(arguments: list[str], words: str, rnscli: Run) -> None:
    ran = rnscli(*arguments)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("rnscli: ") and ran.err.count("\n") == 1
    assert words in ran.err

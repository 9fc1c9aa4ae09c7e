"""Whatever is wrong with a batch: exit code 2, sentences on stderr, nothing is written."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest
from plans import names, write_plan
from schemas import command_named
from test_bad_input import HUGE, bad_values

Run = Callable[..., Any]
Refusal = Callable[..., str]

GOOD = '[run.a]\ncommand = "moduli"\nbits = 6\n'
WRITTEN = {
    "--format": ("abc", "", "JSON", HUGE),
    "--output": ("/", "/dev/null/a", "missing/a", HUGE),
    "--baseline": ("/dev/null/a", "missing", "plan.toml"),
    "--allow": ("", "x", "x=nan", "=5%", HUGE),
    "--junit": ("/", "/dev/null/a", "missing/a"),
    "--show": ("", "x", ",", "run,run", HUGE),
    "--sort": ("", "x", "-x", HUGE),
}
OPTIONS = WRITTEN | {
    option.opts[0]: bad_values(option)
    for option in command_named("batch").params
    if isinstance(option, click.Option) and not option.is_flag and option.opts[0] not in WRITTEN
}


@pytest.mark.parametrize("option", OPTIONS)
def test_values_are_refused_with_the_option(
    option: str, refusal: Refusal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    plan = write_plan(tmp_path, GOOD)
    for value in OPTIONS[option]:
        sentence = refusal("batch", plan, option, value)
        assert option in sentence, value
        assert len(sentence) < 6000
    assert names(tmp_path) == ["plan.toml", "refused"]


def test_without_a_plan(refusal: Refusal, tmp_path: Path) -> None:
    assert "PLAN" in refusal("batch")
    for plan, said in (
        ("missing.toml", "No such file"),
        ("", "the name of a file"),
        (tmp_path, "directory"),
        (HUGE, "too long"),
    ):
        assert said in refusal("batch", plan)


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("not TOML", 1, "not TOML"),
        (GOOD + '[run.b]\ncommand = "moduly"\n', 5, "did you mean moduli?"),
        (GOOD + "[run.a]\n", 4, "two runs of the name a"),
        (GOOD + 'require = "mean <= 1"\n', 4, "column mean does not exist"),
        (GOOD + "paris = 4\n", 4, "moduli has no option paris"),
        (
            '[run.a]\ncommand = "energy"\nmoduli = "@b.moduli"\n'
            '[run.b]\ncommand = "energy"\nmoduli = "@a.moduli"\n',
            1,
            "a -> b -> a",
        ),
        # What a command would refuse, as far as it is known before anything runs.
        (GOOD + "moduli = [63, 60]\n", 4, "run a: moduli 63 and 60 are not coprime"),
        ('[run.a]\ncommand = "error-sim"\noperands = "none.npz"\n', 3, "none.npz"),
        ('[run.a]\ncommand = "error-sim"\np = 0.1\n\nsigma = 0.1\n', 3, "--p"),
        ('[run.a]\ncommand = "energy"\ntechnology = "none.toml"\n', 3, "none.toml"),
        ('[run.a]\ncommand = "store"\n', 1, "FILE"),
        (
            GOOD + '[run.b]\ncommand = "energy"\nmoduli = "@a.moduli"\nvector-size = 9999999\n',
            6,
            "run b: ",
        ),
    ],
)
def test_plans_that_are_refused(
    text: str, line: int, said: str, refusal: Refusal, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    plan = write_plan(tmp_path, text)
    for more in ((), ("--dry-run",), ("--resume", "--junit", "junit.xml", "--store", "a.db")):
        sentence = refusal("batch", plan, "--output", "results", *more)
        assert sentence.startswith(f"rnscli: {plan}, line {line}: "), sentence
        assert said in sentence
    assert names(tmp_path) == ["plan.toml", "refused"]


def test_many_things_are_wrong(rnscli: Run, tmp_path: Path) -> None:
    text = "".join(f'[run.r{number}]\ncommand = "moduli"\nbit = 4\n' for number in range(50))
    plan = write_plan(tmp_path, text)
    ran = rnscli("batch", plan, "--output", tmp_path / "results")
    assert (ran.code, ran.out) == (2, "")
    lines = ran.err.splitlines()
    assert len(lines) == 11
    for number, line in enumerate(lines[:10]):
        assert line.startswith(f"rnscli: {plan}, line {3 * number + 3}: run r{number}: moduli has")
    assert lines[-1] == "rnscli: 40 more things are wrong with the plan"
    assert names(tmp_path) == ["plan.toml"]


def test_each_run_that_is_refused_is_named(rnscli: Run, tmp_path: Path) -> None:
    runs = "".join(
        f'[run.{name}]\ncommand = "error-sim"\noperands = "{name}.npy"\nbits = 5\n'
        for name in "abc"
    )
    np.save(tmp_path / "b.npy", np.ones((2, 5, 128)))
    plan = write_plan(tmp_path, runs.replace('"b.npy"', f'"{tmp_path / "b.npy"}"'))
    ran = rnscli("batch", plan, "--output", tmp_path / "results")
    assert (ran.code, ran.out) == (2, "")
    starts = [f"rnscli: {plan}, line {line}: run {name}: " for line, name in ((3, "a"), (11, "c"))]
    for line, start in zip(ran.err.splitlines(), starts, strict=True):
        assert line.startswith(start) and "does not exist" in line
    assert names(tmp_path) == ["b.npy", "plan.toml"]


def test_a_plan_in_a_strange_place(rnscli: Run, tmp_path: Path) -> None:
    folder = tmp_path / "a `b` \n ü"
    folder.mkdir()
    plan = write_plan(folder, GOOD + "bit = 4\n", "my plan.toml")
    ran = rnscli("batch", plan, "--output", tmp_path / "results")
    assert ran.code == 2 and ran.err.count("\n") == 1
    plan.write_text(GOOD)
    assert rnscli("batch", plan, "--output", folder / "results").code == 0
    assert names(folder) == ["my plan.toml", "results"]

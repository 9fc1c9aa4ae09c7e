"""``rnscli batch --output``: folders that are in the way, or must not be replaced."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from plans import contents, names, write_plan

from rnscli.base.errors import InputError
from rnscli.report.batch import RECORDS, ResultsFolder

Run = Callable[..., Any]
Refusal = Callable[..., str]

PLAN = """\
[run.cost]
command = "energy"
bits = 5
[run.file]
command = "error-sim"
bits = 5
core = "rns"
operands = "operands.npy"
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with what the plan reads."""
    monkeypatch.chdir(tmp_path)
    np.save("operands.npy", np.random.default_rng(1).normal(size=(2, 20, 128)))
    return tmp_path


def batch(rnscli: Run, folder: Path, *options: object) -> int:
    ran = rnscli("batch", folder / "plan.toml", "--output", folder / "results", *options)
    assert ran.err == "", ran.err
    code: int = ran.code
    return code


def test_what_exists_is_refused(rnscli: Run, refusal: Refusal, here: Path) -> None:
    plan = write_plan(here, PLAN)
    command = ("batch", plan, "--output", here / "results")
    (here / "results").mkdir()
    assert "exists" in refusal(*command)
    assert batch(rnscli, here, "--force") == 0  # an empty folder holds nothing to lose
    before = contents(here)
    sentence = refusal(*command)
    assert "--output" in sentence and "--resume" in sentence and "--force" in sentence
    assert "--resume" in refusal(*command, "--force", "--resume")
    assert contents(here) == before


@pytest.mark.parametrize("options", [(), ("--force",), ("--resume",), ("--resume", "--dry-run")])
def test_what_is_no_results_folder_is_never_replaced(
    options: tuple[str, ...], refusal: Refusal, here: Path
) -> None:
    plan = write_plan(here, PLAN)
    (here / "mine").mkdir()
    (here / "mine" / "summary.json").write_text("mine")
    (here / "file").write_text("mine")
    (here / "results.partial").mkdir()
    (here / "results.partial" / "mine.txt").write_text("mine")
    (here / "other.partial").write_text("mine")
    (here / "link").symlink_to("mine")
    before = contents(here)
    said = {
        "mine": "mine", "link": "link", ".": "--output", "/": "--output",
        "file": "is a file", "plan.toml": "plan.toml", "missing/results": "does not exist",
        "results": "results.partial is in the way", "other": "other.partial is in the way",
        "n" * 250: "too long", "n" * 300: "too long",
    }  # fmt: skip
    for name, reason in said.items():
        sentence = refusal("batch", plan, "--output", name, *options)
        assert "--output" in sentence and reason in sentence
        assert contents(here) == before


@pytest.mark.parametrize("left", [(), (f".{RECORDS}.abcdefgh",), (RECORDS,)])
def test_a_partial_folder_of_a_batch_that_was_killed_at_once(
    left: tuple[str, ...], rnscli: Run, here: Path
) -> None:
    write_plan(here, PLAN)
    partial = here / "results.partial"
    partial.mkdir()
    for name in left:
        (partial / name).write_text("[")
    assert rnscli("batch", here / "plan.toml", "--output", "results").code == 2
    assert batch(rnscli, here, "--resume") == 0
    assert names(here) == ["operands.npy", "plan.toml", "results"]


@pytest.mark.parametrize("options", [(), ("--resume",), ("--force",)])
@pytest.mark.parametrize("existing", [False, True])
def test_a_folder_that_another_batch_is_at_work_on(
    options: tuple[str, ...], existing: bool, rnscli: Run, refusal: Refusal, here: Path
) -> None:
    plan = write_plan(here, PLAN)
    if existing:
        batch(rnscli, here)
    with ResultsFolder(here / "results", resume=True).opened():
        before = contents(here)
        sentence = refusal("batch", plan, "--output", here / "results", *options)
        assert "--output" in sentence
        if options:
            assert "another batch is at work" in sentence
        assert contents(here) == before
    assert "results.partial" not in names(here)


def test_another_batch_has_finished_before_this_one_begins(rnscli: Run, here: Path) -> None:
    write_plan(here, PLAN)
    slow = ResultsFolder(here / "results")
    batch(rnscli, here)
    before = contents(here)
    with pytest.raises(InputError, match="exists; give --resume"), slow.opened():
        pass
    assert contents(here) == before


def test_files_that_are_read_are_not_replaced(rnscli: Run, refusal: Refusal, here: Path) -> None:
    write_plan(here, PLAN)
    batch(rnscli, here)
    results = here / "results"
    before = contents(results)
    assert "lies in it" in refusal("batch", results / "plan.toml", "--output", results, "--force")
    plan = here / "plan.toml"
    more = ("batch", plan, "--output", results, "--force")
    assert "lies in it" in refusal(*more, "--store", results / "blocks.db")
    partial = results.with_name(results.name + ".partial")
    assert "lies in it" in refusal(*more, "--store", partial / "blocks.db")
    assert "lies in the folder" in refusal(*more, "--junit", results / "junit.xml")
    for path in ("plan.toml", "operands.npy", "blocks.db"):
        sentence = refusal(*more, "--junit", path, "--store", "blocks.db")
        assert "--junit" in sentence and path in sentence
    assert "does not exist" in refusal(*more, "--junit", "missing/junit.xml")
    assert contents(results) == before

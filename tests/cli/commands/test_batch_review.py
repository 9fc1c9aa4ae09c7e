"""What a critical reading of batch has found, once."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from plans import contents, write_plan

from rnscli.analysis.error.dot_error import simulate_block
from rnscli.report.batch import ResultsFolder

Run = Callable[..., Any]
Refusal = Callable[..., str]


def test_an_argument_that_looks_like_an_option(rnscli: Run, tmp_path: Path) -> None:
    plan = write_plan(tmp_path, '[run.x]\ncommand = "store"\nfile = "--help"\n')
    ran = rnscli("batch", plan, "--output", tmp_path / "results")
    assert ran.code == 2 and "store --help" in ran.err and "Usage" not in ran.out


def test_what_a_store_lists_is_never_kept(rnscli: Run, tmp_path: Path) -> None:
    store = tmp_path / "runs.db"
    simulate = ("error-sim", "--pairs", 100, "--core", "rns", "--store", store, "--bits")
    rnscli(*simulate, 6)
    plan = write_plan(tmp_path, f'[run.x]\ncommand = "store"\nfile = "{store}"\n')
    batch = ("batch", plan, "--output", tmp_path / "results", "--resume", "--format", "csv")
    assert ",store,1," in rnscli(*batch).out
    rnscli(*simulate, 7)
    assert ",store,2," in rnscli(*batch).out


def test_a_level_for_each_modulus_by_reference(rnscli: Run, tmp_path: Path) -> None:
    plan = write_plan(
        tmp_path,
        "[defaults]\nbits = 6\nredundant = 0\nattempts = 1\n"
        '[run.a]\ncommand = "fault-prob"\nsigma = [[0.1, 0.2, 0.1, 0.3]]\n'
        '[run.b]\ncommand = "fault-prob"\nsigma = "@a.residue_sigma"\n',
    )
    assert rnscli("batch", plan, "--output", tmp_path / "results").code == 0
    a, b = ((tmp_path / "results" / f"{name}.csv").read_text() for name in "ab")
    assert a == b and a.count("\n") == 2


@pytest.mark.parametrize("command", ["batch", "fault-prob"])
def test_a_requirement_on_what_is_swept(command: str, rnscli: Run, tmp_path: Path) -> None:
    sweep, bound = "exact,bits", "target <= 1e-6"
    plan = write_plan(
        tmp_path,
        f'[run.a]\ncommand = "fault-prob"\nbits = 6\nrule = "{sweep}"\ntarget = [1e-3, 1e-6]\n'
        f'require = "{bound}"\n[run.b]\ncommand = "moduli"\nrule = "@a.rule"\n',
    )
    ran = (
        rnscli("batch", plan, "--output", tmp_path / "results")
        if command == "batch"
        else rnscli(command, "--rule", sweep, "--target", "1e-3,1e-6", "--require", bound)
    )
    assert ran.code == 1
    assert "target <= 1e-06 does not hold, it is 0.001" in ran.err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[run.a]\ncommand = "reproduce"\nforce = true\n', "line 3: run a: force is of the batch"),
        ('[defaults.energy]\ncommand = "moduli"\n[run.a]\ncommand = "energy"\n',
         "line 2: command belongs to a run"),
        ('[run.a]\ncommand = "store"\nfile = "a\\u0000b"\n', "line 3: file: "),
        (f"{'.'.join('a' * 3000)} = 1\n", "line 1: "),
    ],
)  # fmt: skip
def test_refusals(text: str, said: str, refusal: Refusal, tmp_path: Path) -> None:
    assert said in refusal("batch", write_plan(tmp_path, text), "--output", tmp_path / "results")


def test_a_file_that_comes_in_between_is_not_lost(
    rnscli: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the check of the folder and the end of the batch."""
    folder = tmp_path / "results"
    finish = ResultsFolder.finish

    def late(self: ResultsFolder, *more: Any) -> None:
        folder.mkdir()
        (folder / "notes.txt").write_text("mine")
        finish(self, *more)

    monkeypatch.setattr(ResultsFolder, "finish", late)
    plan = write_plan(tmp_path, '[run.a]\ncommand = "moduli"\n')
    ran = rnscli("batch", plan, "--output", folder)
    assert ran.code == 2 and "results exists" in ran.err
    assert contents(folder) == {"notes.txt": b"mine"}
    assert (tmp_path / "results.partial" / "a" / "a.json").exists()


def test_a_file_that_a_later_run_reads_is_not_written_over(
    refusal: Refusal, tmp_path: Path
) -> None:
    """Which of the runs it is for is known only when others have run."""
    table = tmp_path / "adc.csv"
    table.write_text("enob,energy_j\n4,1e-12\n8,2e-12\n")
    plan = write_plan(
        tmp_path,
        '[run.a]\ncommand = "energy"\nbits = 6\n'
        f'[run.b]\ncommand = "energy"\nbits = "@a.bits"\nadc_table = "{table}"\n',
    )
    said = refusal("batch", plan, "--junit", table, "--output", tmp_path / "results")
    assert "would be written over" in said


def test_memory_for_one_run_is_no_matter_of_others(
    rnscli: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulate = simulate_block

    def limited(parameters: Any, *more: Any) -> Any:
        if parameters.dot_product.vector_size == 99:
            raise MemoryError
        return simulate(parameters, *more)

    monkeypatch.setattr("rnscli.analysis.error.dot_error.simulate_block", limited)
    text = "".join(
        f'[run.h{size}]\ncommand = "error-sim"\nbits = 6\npairs = 50\nvector_size = {size}\n'
        for size in (16, 99, 32)
    )
    ran = rnscli("batch", write_plan(tmp_path, text), "--output", tmp_path / "results")
    assert ran.code == 2 and ran.err.count("\n") == 1 and "h99: not enough memory" in ran.err
    assert {path.name for path in (tmp_path / "results").glob("h*.csv")} == {"h16.csv", "h32.csv"}

"""``rnscli batch --resume``: what is up to date is kept, everything else is computed again."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from plans import contents, names, write_plan

from rnscli.cli import batch_runs
from rnscli.report.results_folder import RECORDS, ResultsFolder

Run = Callable[..., Any]
Refusal = Callable[..., str]

ADC_TABLE = "enob,energy_j,area_m2,rate_hz\n4,1e-13,1e-9,1e9\n6,2e-13,1e-9,1e9\n8,4e-13,1e-9,1e9\n"
PLAN = """\
[defaults]
vector-size = 16
[run.table]
command = "moduli"
bits = 5
[run.cost]
command = "energy"
core = "rns"
moduli = "@table.moduli"
require = "adc_bits <= 8"
[run.file]
command = "error-sim"
bits = 5
core = "rns"
operands = "operands.npy"
[run.adc]
command = "energy"
core = "rns"
bits = 5
adc-model = "table"
adc-table = "adc.csv"
extrapolate = true
[run.sim]
command = "error-sim"
bits = 5
core = "rns"
pairs = 100
"""
ALL = ["cost", "file", "adc", "sim"]  # the table is computed to check the plan, anyway


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(1)
    np.save("operands.npy", rng.normal(size=(2, 20, 16)))
    Path("adc.csv").write_text(ADC_TABLE)
    return tmp_path


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the runs that are computed."""
    found: list[str] = []
    original = batch_runs.run_request

    def note(request: Any, *arguments: Any, **more: Any) -> Any:
        found.append(request.name)
        return original(request, *arguments, **more)

    monkeypatch.setattr(batch_runs, "run_request", note)
    return found


def batch(rnscli: Run, folder: Path, *options: object) -> int:
    ran = rnscli("batch", folder / "plan.toml", "--output", folder / "results", *options)
    assert ran.err == "", ran.err
    code: int = ran.code
    return code


def change_operands() -> None:
    values = np.load("operands.npy")
    values[0, 0, 0] += 1e-9
    np.save("operands.npy", values)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("", "", []),
        ("[defaults]", 'title = "other"\n# more\n[defaults]', []),
        ("pairs = 100", "pairs = 101", ["sim"]),
        ("pairs = 100", "pairs = 100\nseed = 1", ["sim"]),
        ("adc_bits <= 8", "adc_bits <= 9", ["cost"]),
        ('require = "adc_bits <= 8"\n', "", ["cost"]),
        ("pairs = 100", 'pairs = 100\nplot = "svg"', ["sim"]),
        ("vector-size = 16", "vector-size = 8", None),  # the file has another size: an error
        ('command = "moduli"\nbits = 5', 'command = "moduli"\nbits = 6', ["cost"]),
        ("run.sim", "run.simulation", ["simulation"]),
        ("operands.npy", "./operands.npy", ["file"]),
        ("[run.cost]\n", '[run.new]\ncommand = "energy"\nbits = 4\n[run.cost]\n', ["new"]),
    ],
)
def test_exactly_what_has_changed_is_computed(
    old: str, new: str, expected: list[str] | None, rnscli: Run, here: Path, computed: list[str]
) -> None:
    plan = write_plan(here, PLAN)
    assert batch(rnscli, here) == 0
    assert computed == ALL
    computed.clear()
    plan.write_text(PLAN.replace(old, new, 1))
    if expected is None:
        assert "operands" in rnscli("batch", plan, "--output", here / "results", "--resume").err
        return
    assert batch(rnscli, here, "--resume") == 0
    assert computed == expected
    again = contents(here / "results")
    assert batch(rnscli, here, "--force") == 0
    assert contents(here / "results") == again
    assert names(here) == ["adc.csv", "operands.npy", "plan.toml", "results"]


def test_content_and_versions_count(
    rnscli: Run, here: Path, computed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_plan(here, PLAN)
    batch(rnscli, here)
    computed.clear()
    change_operands()
    batch(rnscli, here, "--resume")
    assert computed == ["file"]
    computed.clear()
    Path("adc.csv").write_text(ADC_TABLE.replace("2e-13", "3e-13"))
    batch(rnscli, here, "--resume")
    assert computed == ["adc"]
    computed.clear()
    Path("adc.csv").write_text(ADC_TABLE.replace("2e-13", "3e-13"))  # as before, but later
    batch(rnscli, here, "--resume")
    assert computed == []
    monkeypatch.setattr("rnscli.__version__", "0.0.7")
    batch(rnscli, here, "--resume")
    assert computed == ALL


def test_files_that_are_not_as_they_were_written(
    rnscli: Run, here: Path, computed: list[str]
) -> None:
    write_plan(here, PLAN)
    batch(rnscli, here)
    before = contents(here / "results")
    (here / "results" / "sim.json").write_text("{}")
    (here / "results" / "cost.csv").unlink()
    (here / "results" / "summary.json").write_text("[]")
    (here / "results" / "table.csv").write_text("")
    computed.clear()
    batch(rnscli, here, "--resume")
    assert computed == ["cost", "sim"]
    assert contents(here / "results") == before


@pytest.mark.parametrize(
    "records",
    ["", "{}", "[", "5", "null", "[5, null]", '[{"files": 4}]', "\udcff", '{"a": [1]}', "[" * 9999,
     '[{"files": {}, "name": "sim"}]'],
)  # fmt: skip
def test_records_that_are_damaged(
    records: str, rnscli: Run, here: Path, computed: list[str]
) -> None:
    write_plan(here, PLAN)
    batch(rnscli, here)
    before = contents(here / "results")
    (here / "results" / RECORDS).write_bytes(records.encode(errors="surrogateescape"))
    computed.clear()
    batch(rnscli, here, "--resume")
    assert computed == ALL
    assert contents(here / "results") == before


def test_an_error_is_tried_again(rnscli: Run, here: Path, computed: list[str]) -> None:
    plan = write_plan(
        here, '[run.a]\ncommand = "error-sim"\nbits = 5\ncore = "rns"\noperands = "x.npy"\n'
        '[run.b]\ncommand = "energy"\nbits = 4\n[run.c]\ncommand = "design"\nbits = 4\n'
        'core = "rns"\nmax-energy = "1e-30J"\n',
    )  # fmt: skip
    np.save("x.npy", np.ones((2, 5, 128)))
    ran = rnscli("batch", plan, "--output", "results")
    assert (ran.code, computed) == (2, ["a", "b", "c"])
    assert ran.err.startswith("rnscli: c: no design keeps --max-energy")
    assert "--max-energy" in Path("results/summary.csv").read_text()
    computed.clear()
    assert rnscli("batch", plan, "--output", "results", "--resume").code == 2
    assert computed == ["c"]


# What is in the way


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


@pytest.mark.parametrize("options", [(), ("--force",), ("--resume",), ("--force", "--dry-run")])
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
    assert names(here) == ["adc.csv", "operands.npy", "plan.toml", "results"]


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


def test_files_that_are_read_are_not_replaced(rnscli: Run, refusal: Refusal, here: Path) -> None:
    write_plan(here, PLAN)
    batch(rnscli, here)
    results = here / "results"
    before = contents(results)
    assert "lies in it" in refusal("batch", results / "plan.toml", "--output", results, "--force")
    plan = here / "plan.toml"
    more = ("batch", plan, "--output", results, "--force")
    assert "lies in it" in refusal(*more, "--store", results / "blocks.db")
    assert "lies in the folder" in refusal(*more, "--junit", results / "junit.xml")
    for path in ("plan.toml", "operands.npy", "adc.csv", "blocks.db"):
        sentence = refusal(*more, "--junit", path, "--store", "blocks.db")
        assert "--junit" in sentence and path in sentence
    assert "does not exist" in refusal(*more, "--junit", "missing/junit.xml")
    assert contents(results) == before

"""``rnscli batch --resume``: what is up to date is kept, everything else is computed again."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from plans import contents, names, write_plan

from rnscli.cli.plan import runs as batch_runs
from rnscli.hardware import technologies
from rnscli.report.batch import RECORDS

Run = Callable[..., Any]

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
        ("adc_bits <= 8", "adc_bits <= 9", []),  # it is judged again, and that is all
        ('require = "adc_bits <= 8"\n', "", []),
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


PHOTONIC = (Path(technologies.__path__[0]) / "photonic-phase.toml").read_text()
PROFILE = PHOTONIC.replace('"photonic-phase"', '"mine"')


@pytest.mark.parametrize(
    ("option", "file", "old", "new"),
    [
        ("workload", "net.csv", "layer,M,K,N\na,8,64,4\n", "layer,M,K,N\na,8,64,5\n"),
        ("redundant = 1\np", "p.txt", "1e-3\n" * 5, "1e-3\n" * 4 + "2e-3\n"),
        ("technology", "mine.toml", PROFILE, PROFILE.replace('"415fF"', '"416fF"')),
    ],
)
def test_every_file_that_is_read_counts(
    option: str, file: str, old: str, new: str, rnscli: Run, here: Path, computed: list[str]
) -> None:
    text = '[run.{}]\ncommand = "energy"\ncore = "rns"\nbits = 6\n{}\n'
    write_plan(here, text.format("a", f'{option} = "{file}"') + text.format("b", ""))
    found = []
    for content, expected in ((old, ["a", "b"]), (old, []), (new, ["a"]), (old, ["a"])):
        Path(file).write_text(content)
        computed.clear()
        assert batch(rnscli, here, "--resume") == 0
        assert computed == expected
        found.append(contents(here / "results"))
    assert found[0] == found[1] == found[3]
    assert {name for name in found[0] if found[0][name] != found[2][name]} >= {"a.json", RECORDS}
    assert found[0]["b.json"] == found[2]["b.json"]


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
    for way in ("--resume", "--force"):  # nobody knows whose the files in it are
        ran = rnscli("batch", here / "plan.toml", "--output", here / "results", way)
        assert (ran.code, ran.out, computed) == (2, "", [])
        assert "rnscli has not written" in ran.err and ran.err.count("\n") == 1
    now = contents(here / "results")
    assert now.pop(RECORDS) == records.encode(errors="surrogateescape")
    before.pop(RECORDS)
    assert now == before


def test_a_file_that_changes_while_it_is_read(
    rnscli: Run, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its run is an error: nobody knows which content it has seen."""
    write_plan(here, PLAN)
    finished = batch_runs._finished

    def finish(request: Any, *more: Any) -> Any:
        if request.name == "file":
            change_operands()
        return finished(request, *more)

    with monkeypatch.context() as patched:
        patched.setattr(batch_runs, "_finished", finish)
        ran = rnscli("batch", here / "plan.toml", "--output", here / "results")
    assert ran.code == 2 and "operands.npy has changed while the batch ran" in ran.err
    assert rnscli("batch", here / "plan.toml", "--output", here / "results", "--resume").code == 0


def test_names_that_lead_out_of_the_folder(rnscli: Run, here: Path) -> None:
    """Records may come from anywhere, such as the cache of a system of CI."""
    write_plan(here, PLAN)
    batch(rnscli, here)
    path = here / "results" / RECORDS
    records = json.loads(path.read_text())
    secret = here / "secret.json"
    secret.write_text("secret")
    digest = hashlib.sha256(b"secret").hexdigest()
    for record in records:
        record["files"]["../secret.json"] = digest
    path.write_text(json.dumps(records))
    batch(rnscli, here, "--resume")
    assert secret.read_text() == "secret"
    assert "secret" not in path.read_text()


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

"""Devices of arrays, and the noise of a technology, as options of the commands that simulate."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tiny_networks

Run = Callable[..., Any]
Rows = Callable[..., list[dict[str, Any]]]
Refusal = Callable[..., str]

SMALL = ("error-sim", "--bits", 4, "--vector-size", 16, "--pairs", 200)
BOTH = (*SMALL, "--core", "rns,fixed-lp", "--adc-range", "full")
CELLS = {
    "cell": "0,0.01,0.002\n1,0.98,0.05\n",
    "turned": "1,0.98,0.05\n0,0.01,0.002\n",
    "none": "0,nan,0.002\n1,0.98,0.05\n",
    "falls": "0,0.5,0.002\n1,0.3,0.05\n",
    "twice": "0,0,0\n0,0.2,0\n1,0.9,0.05\n",
    "short": "0,0,0\n0.9,1,0\n",
    "negative": "0,0,-0.1\n1,1,0\n",
    "head": "",
}
ADCS = {"adc": "-1,0.3\n0,-0.4\n1,0.2\n", "infinite": "-1,inf\n1,0.2\n", "half": "0,1\n1,0.2\n"}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    for name, table in CELLS.items():
        (here / f"{name}.csv").write_text(f"target,mean,deviation\n{table}")
    for name, table in ADCS.items():
        (here / f"{name}.csv").write_text(f"level,deviation\n{table}")
    (here / "empty.csv").write_bytes(b"")
    (here / "bytes.csv").write_bytes(b"\xff\xfe\x00")
    (here / "folder.csv").mkdir()
    return here


def test_every_device_is_swept(rows: Rows) -> None:
    """One value after the other, in columns of the option's name, that make a difference."""
    for option, values in {
        "--mapping": ("differential", "offset"),
        "--residues": ("plain", "symmetric"),
        "--cell-error": (0.001, 0.1),
        "--cell-error-proportional": (0.001, 0.1),
        "--read-noise": (0.001, 0.1),
        "--read-noise-proportional": (0.001, 0.1),
        "--on-off-ratio": (5.0, 1000.0),
        "--stuck-on": (0.01, 0.1),
        "--stuck-off": (0.01, 0.1),
        "--wire-resistance": (0.001, 0.1),
        "--adc-gain-error": (0.001, 0.1),
        "--adc-offset-error": (0.1, 1.0),
        "--adc-inl": (0.1, 1.0),
        "--dac-error": (0.01, 0.1),
        "--chip-seed": (1, 2),
    }.items():
        asked = (*BOTH, option, ",".join(map(str, values)))
        if option != "--cell-error":
            asked = (*asked, "--cell-error", 0.002)
        found = rows(*asked)
        name = option.lstrip("-").replace("-", "_")
        assert [(row[name], row["core"]) for row in found] == [
            (value, core) for value in values for core in ("rns", "fixed-lp")
        ]
        # Of an array with errors of its cells, each of these changes what residues read.
        assert found[0]["mean_abs_error"] != found[2]["mean_abs_error"], option


def test_slices_of_inputs(rows: Rows) -> None:
    """Each through the ADC with an offset; in the array without, where they change nothing."""
    asked = (*SMALL, "--core", "fixed-lp", "--adc-range", "full", "--input-slice-bits", "1..3")
    raised = rows(*asked, "--mapping", "offset")
    assert len({row["rms_error"] for row in raised}) == 3
    assert len({row["rms_error"] for row in rows(*asked)}) == 1


def test_tables_are_devices(rows: Rows) -> None:
    plain, table, turned, adc = (
        rows(*BOTH, *more)[1]["rms_error"]
        for more in (
            (),
            ("--device-table", "cell.csv"),
            ("--device-table", "turned.csv"),
            ("--adc-inl-table", "adc.csv"),
        )
    )
    assert table == turned and len({plain, table, adc}) == 3


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("--device-table none.csv", "--device-table none.csv line 2 mean nan from 0 to 2"),
        ("--device-table falls.csv", "--device-table falls.csv means 0.5 0.3 rise"),
        ("--device-table twice.csv", "--device-table twice.csv targets of 0 and then 0 rise"),
        ("--device-table short.csv", "--device-table short.csv 0.9 from 0 to 1"),
        ("--device-table negative.csv", "--device-table negative.csv line 2 deviation -0.1"),
        ("--device-table head.csv", "--device-table head.csv no rows"),
        ("--device-table empty.csv", "--device-table empty.csv is empty target, mean, deviation"),
        ("--device-table bytes.csv", "--device-table bytes.csv UTF-8"),
        ("--device-table folder.csv", "--device-table folder.csv is a directory"),
        ("--device-table missing.csv", "--device-table missing.csv does not exist"),
        ("--device-table adc.csv", "--device-table adc.csv no column target"),
        ("--device-table cell.csv --cell-error 0.1", "--device-table --cell-error leave out"),
        ("--device-table cell.csv --cell-error 0,0.1", "--device-table --cell-error leave out"),
        ("--adc-inl-table infinite.csv", "--adc-inl-table infinite.csv line 2 inf"),
        ("--adc-inl-table half.csv", "--adc-inl-table half.csv from 0 to 1 -1"),
        ("--adc-inl-table cell.csv", "--adc-inl-table cell.csv no column level"),
        ("--mapping both", "--mapping 'both' differential, offset"),
        ("--residues odd", "--residues 'odd' plain, symmetric"),
        ("--stuck-on 0.7 --stuck-off 0.7", "--stuck-on 0.7 --stuck-off 0.7 more than all cells"),
        ("--on-off-ratio 1", "--on-off-ratio '1' above 1, at most 1e+12, a list"),
        ("--on-off-ratio inf", "--on-off-ratio 'inf' above 1"),
        ("--cell-error -1", "--cell-error '-1' from 0 to 1"),
        ("--cell-error nan", "--cell-error 'nan' from 0 to 1"),
        ("--chip-seed -1", "--chip-seed '-1' from 0"),
        ("--input-slice-bits 0", "--input-slice-bits '0' from 1 to 64"),
    ],
)
def test_refused_devices(arguments: str, said: str, refusal: Refusal) -> None:
    sentence = refusal(*BOTH, *arguments.split())
    assert all(word in sentence for word in said.split()), sentence


DEVICE = "--noise device"


@pytest.mark.parametrize("command", ["error-sim", "fault-prob", "accuracy", "train"])
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (f"{DEVICE} --p 1e-3", "--noise device leave --p out"),
        (f"{DEVICE} --sigma 0.1", "--noise device leave --sigma out"),
        ("--noise device,gaussian --sigma 0.1", "--noise device leave --sigma out"),
        (f"{DEVICE} --technology switched-capacitor", "--technology switched-capacitor"),
        (f"{DEVICE} --technology digital-logic", "--technology digital-logic"),
        (f"{DEVICE} --technology nothing", "--technology nothing reram-analog"),
    ],
)
def test_the_noise_of_a_technology_has_a_level_of_its_own(
    command: str, arguments: str, said: str, refusal: Refusal
) -> None:
    sentence = refusal(*_asked(command), *arguments.split())
    assert all(word in sentence for word in said.split()), sentence


@pytest.mark.parametrize("command", ["error-sim", "fault-prob"])
def test_a_technology_is_for_its_noise(command: str, refusal: Refusal) -> None:
    for name, value in (("--technology", "reram-analog"), ("--constant", "laser_power=1mW")):
        assert f"{name} belongs to --noise device" in refusal(*_asked(command), name, value)


def test_a_technology_that_says_nothing_of_its_noise(refusal: Refusal) -> None:
    said = refusal(
        *SMALL, "--core", "fixed-lp", *DEVICE.split(), "--technology", "switched-capacitor"
    )
    assert "switched-capacitor says nothing of its noise" in said


def test_cells_are_no_law_of_residues(refusal: Refusal) -> None:
    said = refusal("fault-prob", "--bits", 4, *DEVICE.split(), "--technology", "reram-analog")
    assert "no law of residues" in said and "rnscli error-sim" in said


def _asked(command: str) -> tuple[object, ...]:
    if command == "error-sim":
        return BOTH
    if command == "fault-prob":
        return ("fault-prob", "--bits", 4)
    tiny_networks.write_images(Path("images.npz"))
    return (command, "--model", tiny_networks.READY, "--data", "images.npz", "--bits", 4)


@pytest.mark.parametrize(
    ("cores", "option", "value", "about"),
    [
        ("rns", "--input-slice-bits", 2, "fixed-lp"),
        ("fixed-lp,bit-sliced", "--residues", "symmetric", "rns"),
    ],
)
def test_what_concerns_no_core_is_told(
    cores: str, option: str, value: object, about: str, rnscli: Run
) -> None:
    more = (option, value, "--cell-error", 0.1, "--core", cores)
    ran = rnscli(*_asked("accuracy"), *more, "--format", "csv")
    assert ran.code == 0
    assert ran.err.startswith(f"rnscli: {option} changes nothing of {cores.replace(',', ', ')}; ")
    assert about in ran.err and ran.err.count("\n") == 1


def test_without_errors_nothing_is_drawn(rnscli: Run) -> None:
    ran = rnscli(*BOTH, "--chip-seed", 3, "--format", "csv")
    assert ran.code == 0 and "--chip-seed changes nothing without --noise" in ran.err


@pytest.mark.parametrize("core", ["fixed-lp", "bit-sliced"])
@pytest.mark.parametrize("command", ["error-sim", "accuracy", "energy", "noise"])
def test_calibrated_ranges_of_weights_with_an_offset(command: str, core: str, rows: Rows) -> None:
    """Such a weight has a slice more, and its readings are others than those of two cells."""
    asked = {
        "error-sim": SMALL,
        "energy": ("energy", "--bits", 4, "--vector-size", 16),
        "noise": ("noise", "--bits", 4, "--cell-error", 0.1, "--vector-size", 16),
    }.get(command) or _asked(command)
    for slices in (1, 2):
        more = () if command == "noise" else ("--input-slice-bits", slices)
        found = rows(
            *asked, "--core", core, "--adc-range", "calibrated", "--mapping", "offset", *more
        )
        assert {row["adc_range"] for row in found} == {"calibrated"}


@pytest.mark.parametrize(
    "command", ["error-sim", pytest.param("accuracy", marks=pytest.mark.thorough)]
)
def test_the_same_bytes_in_two_processes_and_from_a_store(command: str, rnscli: Run) -> None:
    """Errors of cells and noise of readings both come from the seeds, and nothing else."""
    asked = (
        *_asked(command), "--core", "rns,fixed-lp,bit-sliced", "--cell-error", 1e-4,
        "--read-noise", 1e-3, "--chip-seed", "0..1", "--redundant", 1, "--attempts", 3,
        "--format", "json",
    )  # fmt: skip
    one = rnscli(*asked, "--store", "runs.db")
    assert one.code == 0 and one.err == ""
    for more in (("--jobs", 2), ("--store", "runs.db")):
        assert rnscli(*asked, *more).out == one.out

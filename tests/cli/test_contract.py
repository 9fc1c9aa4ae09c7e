"""What every command promises, checked in every command."""

import csv
import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import tiny_networks
from latex_tables import latex_tables

import rnscli as package
from rnscli.hardware.adc.models import CONSTANTS as CONSTANTS_OF_HARDWARE

Run = Callable[..., Any]
Document = Callable[..., dict[str, Any]]

# The row keys that scripts rely on (design, section 3).
KEYS = {
    "moduli": (
        "bits input_bits weight_bits vector_size moduli redundant_moduli redundant count "
        "dynamic_range log2_dynamic_range required_range output_bits lost_bits"
    ),
    "error-sim": (
        "core bits vector_size pairs mean_abs_error mean_abs_error_ci95 mean_error rms_error "
        "max_abs_error p50_abs_error p95_abs_error p99_abs_error relative_to_rns "
        "noise p sigma redundant attempts output_error_rate expected_attempts seed"
    ),
    "fault-prob": (
        "bits vector_size moduli redundant_moduli redundant decoder noise p sigma snr_db attempts "
        "seed p_correct p_detected p_undetected p_err expected_attempts"
    ),
    "noise": (
        "core bits vector_size moduli redundant_moduli technology modulus slice adc_bits step "
        "sigma sigma_static sigma_fresh bias p p_fresh sigma_shot sigma_thermal sigma_intensity "
        "sigma_detector sigma_phase sigma_cells sigma_stuck sigma_read sigma_wires sigma_dac "
        "sigma_adc_offset sigma_adc_gain sigma_adc_inl sigma_quantisation sigma_clipping "
        "output_error snr_db columns redundant laser_power_w rate_hz cell_error on_off_ratio"
    ),
    "energy": (
        "core bits vector_size moduli redundant_moduli dac_bits adc_bits dac_conversions "
        "adc_conversions dac_energy_j adc_energy_j converter_energy_j energy_per_mac_j "
        "relative_to_rns adc_relative_to_rns technology adc_model array_energy_j "
        "periphery_energy_j light_energy_j modulo_energy_j accumulation_energy_j scaling_energy_j "
        "memory_energy_j kernel memory scales segments pass_attempts link_sigma largest_rows "
        "forward_energy_j reverse_energy_j decoding_energy_j shift_add_energy_j "
        "retry_energy_j energy_per_dot_product_j latency_s throughput_macs_per_s area_m2 "
        "tops_per_w tops_per_mm2 energy_range_j latency_range_s area_range_m2 columns "
        "compared_with_rns relative_to_rns_range tops_per_w_range tops_per_mm2_range "
        "adc_over_best adc_over_median "
        "expected_attempts extrapolated redundant attempts noise p sigma snr_db"
    ),
    "accuracy": (
        "model core bits vector_size samples accuracy accuracy_ci95 fp32_accuracy "
        "relative_accuracy relative_accuracy_ci95 moduli redundant_moduli redundant "
        "noise p sigma attempts output_error_rate expected_attempts gemms macs "
        "energy_per_inference_j energy_j digital seed energy_at_accuracy_j "
        "energy_surely_at_accuracy_j energy_at_accuracy_to_rns"
    ),
    "train": (
        "model core bits vector_size seeds epochs train_loss test_loss test_accuracy "
        "test_accuracy_ci95 accuracy_difference accuracy_difference_ci95 fp32_standard_error "
        "within_standard_error moduli redundant noise p sigma attempts task test_r2 macs "
        "technology forward_energy_j input_gradient_energy_j weight_gradient_energy_j "
        "update_energy_j energy_j energy_per_sample_j outer_product_energy_j expected_attempts"
    ),
}
# Networks that take no time, on data in the folder that the tests run in.
TINY = ("--model", tiny_networks.READY, "--data", "images.npz")
# A small run of each command, of more than one row.
SMALL = {
    "moduli": ("moduli", "--bits", "4..6"),
    "error-sim": ("error-sim", "--bits", "4,6", "--pairs", "50"),
    "fault-prob": ("fault-prob", "--bits", "4", "--redundant", "0,1"),
    "noise": ("noise", "--bits", "4,5", "--vector-size", "16"),
    "energy": ("energy", "--bits", "4,5"),
    "accuracy": ("accuracy", *TINY, "--bits", "4,6", "--samples", "40"),
    "train": ("train", *TINY, "--bits", "4,6", "--epochs", "1"),
}
SINGLE = {
    "moduli": ("moduli", "--bits", "6"),
    "error-sim": ("error-sim", "--bits", "6", "--pairs", "50", "--core", "rns"),
    "fault-prob": ("fault-prob", "--redundant", "1", "--attempts", "2"),
    "noise": ("noise", "--bits", "6", "--core", "rns"),
    "energy": ("energy", "--bits", "6", "--core", "rns"),
    "accuracy": ("accuracy", *TINY, "--samples", "40", "--core", "rns"),
    "train": ("train", *TINY, "--bits", "6", "--epochs", "1"),
}
# A column of each command, with a bound that holds in the small run and one that does not.
BOUNDS = {
    "moduli": ("count <= 4", "bits < 6"),
    "error-sim": ("mean_abs_error<1000", "relative_to_rns == 1"),
    "fault-prob": ("p_err <= 0.5", "p_err<=1e-9"),
    "noise": ("sigma > 0", "sigma_cells <= 0"),
    "energy": ("energy_per_dot_product_j > 0", "adc_bits <= 13"),
    "accuracy": ("relative_accuracy > 0", "bits < 6"),
    "train": ("test_accuracy <= 1", "bits < 6"),
}
SUFFIXES = {"json": ".json", "csv": ".csv", "markdown": ".md", "latex": ".tex", "table": ".txt"}

each_command = pytest.mark.parametrize("command", list(KEYS))
each_small = pytest.mark.parametrize("arguments", list(SMALL.values()), ids=list(SMALL))
each_format = pytest.mark.parametrize("style", list(SUFFIXES))


@pytest.fixture(autouse=True)
def images(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """The data of the tiny network, in the current folder."""
    folder = tmp_path_factory.mktemp("data")
    tiny_networks.write_images(folder / "images.npz")
    monkeypatch.chdir(folder)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


# JSON and CSV


@each_command
def test_json_is_one_object_with_the_promised_keys(command: str, document: Document) -> None:
    found = document(*SMALL[command])
    keys = [key for key in found if key != "files"]  # which is there where options name some
    assert keys == ["schema", "command", "version", "parameters", "given", "rows"]
    assert (found["schema"], found["command"]) == (2, command)
    assert found["version"] == package.__version__
    assert isinstance(found["parameters"], dict)
    assert len(found["rows"]) > 1
    for row in found["rows"]:
        assert set(KEYS[command].split()) <= set(row)
        assert list(row) == list(found["rows"][0])


@each_command
def test_every_command_can_be_quiet(command: str, rnscli: Run) -> None:
    """Beyond a terminal that changes nothing."""
    shown = rnscli(command, "--help").out
    assert shown.count("--quiet ") == 1


def test_what_is_quiet_is_the_same(rnscli: Run) -> None:
    assert rnscli(*SMALL["energy"], "--quiet") == rnscli(*SMALL["energy"])


@each_command
def test_keys_are_snake_case_and_energies_numbers(command: str, document: Document) -> None:
    found = document(*SMALL[command])
    for row in found["rows"]:
        for key, value in row.items():
            assert re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", key)
            if key.endswith("_range_j"):
                assert value is None or all(isinstance(end, float) for end in value)
            else:
                optional = key in CONSTANTS or key == "modulo_circuit_j"
                # What no row keeps the accuracy for, or no array does.
                optional |= "_at_accuracy_" in key or key == "outer_product_energy_j"
                assert not key.endswith("_j") or optional or isinstance(value, float)
    assert all("-" not in key for key in found["parameters"])


@each_command
def test_parameters_say_what_was_asked(command: str, document: Document) -> None:
    asked = document(*SINGLE[command], "--vector-size", 64)["parameters"]
    assert asked["vector_size"] == 64
    assert asked["bits"] == 6
    assert not {"format", "output", "plot", "require", "jobs"} & set(asked)
    assert document(*SINGLE[command], "--vector-size", "64,32")["parameters"]["vector_size"] == [
        64,
        32,
    ]


def test_the_moduli_of_the_parameters_are_those_given(document: Document) -> None:
    asked = document("fault-prob", "--moduli", "15,14,13,11", "--moduli", "31,29")["parameters"]
    assert asked["moduli"] == [[15, 14, 13, 11], [31, 29]]


def test_unlimited_attempts_are_the_string_inf(rnscli: Run, document: Document) -> None:
    faults = ("fault-prob", "--redundant", "1", "--attempts", "2,inf")
    found = document(*faults)
    assert [row["attempts"] for row in found["rows"]] == [2, "inf"]
    assert found["parameters"]["attempts"] == [2, "inf"]
    lines = list(csv.DictReader(io.StringIO(rnscli(*faults, "--format", "csv").out)))
    assert [line["attempts"] for line in lines] == ["2", "inf"]

    simulation = ("error-sim", "--bits", "6", "--pairs", "50", "--p", "0.01", "--redundant", "1")
    found = document(*simulation, "--attempts", "inf", "--core", "rns")
    assert found["rows"][0]["attempts"] == "inf"
    assert document("energy", "--bits", "4")["parameters"]["attempts"] == "inf"


def test_attempts_that_never_end_are_inf_too(document: Document) -> None:
    never = ("--p", "1", "--decoder", "detect", "--legitimate-range", "1", "--attempts", "inf")
    (row,) = document("fault-prob", "--bits", "4", "--redundant", "1", *never)["rows"]
    assert (row["expected_attempts"], row["p_err"]) == ("inf", 1.0)


def cell(value: object) -> str:
    if isinstance(value, list):
        return " ".join(cell(item) for item in value)
    return "" if value is None else str(value)


INTERVALS = re.compile(
    r".*_ci95|.*_ci999|.*_range_(j|s|m2)|relative_to_rns_range|tops_per_(w|mm2)_range"
)
CONSTANTS = [known.key(name) for name, known in CONSTANTS_OF_HARDWARE.items()]


def cells(row: dict[str, Any]) -> dict[str, str]:
    """What CSV has of a row of JSON: intervals are two columns, what may have one is three."""
    found = {}
    for key, value in row.items():
        if INTERVALS.fullmatch(key):
            low, high = value or (None, None)
            found |= {f"{key}_low": low, f"{key}_high": high}
        else:
            found[key] = value
            if key in CONSTANTS:
                found |= {f"{key}_low": None, f"{key}_high": None}
                if isinstance(value, dict):
                    found |= {key: value["value"]}
                    found |= {f"{key}_{end}": value[end] for end in ("low", "high")}
    return {key: cell(value) for key, value in found.items()}


@each_command
def test_csv_has_the_columns_and_values_of_json(
    command: str, rnscli: Run, document: Document
) -> None:
    found = document(*SMALL[command])["rows"]
    ran = rnscli(*SMALL[command], "--format", "csv")
    assert (ran.code, ran.err) == (0, "")
    lines = list(csv.DictReader(io.StringIO(ran.out)))
    assert lines == [cells(row) for row in found]
    assert list(lines[0]) == list(cells(found[0]))
    assert "\r" not in ran.out


def test_a_range_of_a_constant_is_three_columns_of_csv(rnscli: Run, document: Document) -> None:
    uncertain = ("energy", "--bits", "4", "--adc-k1", "100fJ±30%", "--adc-model", "murmann",
                 "--core", "rns,digital-int8")  # fmt: skip
    found = document(*uncertain)["rows"]
    lines = list(csv.DictReader(io.StringIO(rnscli(*uncertain, "--format", "csv").out)))
    assert lines == [cells(row) for row in found]
    ends = [float(lines[0][f"adc_k1_j{end}"]) for end in ("", "_low", "_high")]
    assert ends == [1e-13, 7e-14, 1.3e-13]
    assert float(lines[0]["energy_range_j_low"]) < float(lines[0]["energy_range_j_high"])


@each_small
def test_csv_of_one_row_has_the_same_columns(arguments: tuple[str, ...], rnscli: Run) -> None:
    single = SINGLE[arguments[0]]
    first = rnscli(*arguments, "--format", "csv").out.splitlines()[0]
    lines = rnscli(*single, "--format", "csv").out.splitlines()
    assert lines[0] == first
    # Beside the titles a row, one more of FP32, or one of each modulus.
    assert len(lines) == {"train": 3, "noise": 5}.get(arguments[0], 2)


# Tables


@pytest.mark.parametrize("arguments", [*SMALL.values(), *SINGLE.values()], ids=" ".join)
def test_markdown_is_a_table(arguments: tuple[str, ...], rnscli: Run) -> None:
    ran = rnscli(*arguments, "--format", "markdown")
    assert (ran.code, ran.err) == (0, "")
    parts = re.findall(r"(?:^\|.*\n)+", ran.out, re.MULTILINE)
    assert parts
    for lines in map(str.splitlines, parts):
        assert len(lines) >= 3
        assert re.fullmatch(r"\|(:?-+:?\|)+", lines[1].replace(" ", ""))
        # A bar inside a cell would split it, so it must be written \|.
        assert {len(re.findall(r"(?<!\\)\|", line)) for line in lines} == {lines[1].count("|")}


@pytest.mark.parametrize("arguments", [*SMALL.values(), *SINGLE.values()], ids=" ".join)
def test_latex_is_a_tabular(arguments: tuple[str, ...], rnscli: Run) -> None:
    ran = rnscli(*arguments, "--format", "latex")
    assert (ran.code, ran.err) == (0, "")
    found = latex_tables(ran.out)
    assert found and all(len(lines) >= 2 for lines in found)


@pytest.mark.parametrize(
    "arguments",
    [
        *((command,) for command in ("moduli", "fault-prob", "energy")),
        ("error-sim", "--pairs", "50"),
        ("moduli", "--bits", "4..6", "--redundant", "0,1", "--vector-size", "16,128"),
        ("moduli", "--bits", "8", "--precision-bits", "64..66", "--redundant", "4"),
        ("error-sim", "--pairs", "50", "--p", "0.01", "--redundant", "0..2", "--attempts", "2"),
        ("fault-prob", "--p", "1e-6..1e-1:4", "--redundant", "0..3"),
        ("energy", "--redundant", "0,1", "--p", "0.01"),
    ],
    ids=" ".join,
)
def test_a_piped_table_is_plain_and_fits_100_columns(
    arguments: tuple[str, ...], rnscli: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    ran = rnscli(*arguments)
    assert ran.code in (0, 2)  # 2 where a point of a sweep has no answer
    assert "\x1b" not in ran.out + ran.err
    assert max(map(len, ran.out.splitlines())) <= 100
    assert ran.out == rnscli(*arguments, "--format", "table").out


# --output


@each_format
@each_small
def test_output_writes_what_would_be_printed(
    arguments: tuple[str, ...], style: str, rnscli: Run, tmp_path: Path
) -> None:
    path = tmp_path / f"result{SUFFIXES[style]}"
    printed = rnscli(*arguments, "--format", style)
    written = rnscli(*arguments, "--output", path)
    assert written == (0, "", "")
    assert path.read_bytes() == printed.out.encode()
    assert list(contents(tmp_path)) == [path.name]


def test_the_case_of_a_suffix_does_not_matter(rnscli: Run, tmp_path: Path) -> None:
    assert rnscli("moduli", "--bits", 4, "--output", tmp_path / "A.JSON").code == 0
    assert (tmp_path / "A.JSON").read_text().startswith("{")


def test_a_format_makes_any_name_do(rnscli: Run, tmp_path: Path) -> None:
    path = tmp_path / "result.dat"
    assert rnscli("moduli", "--bits", 4, "--format", "csv", "--output", path) == (0, "", "")
    assert path.read_text().startswith("bits,")


def test_a_dash_is_standard_output(
    rnscli: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for command in (("moduli", "--bits", 4, "--format", "csv"), ("schema", "moduli")):
        printed = rnscli(*command)
        assert printed.out and rnscli(*command, "--output", "-") == printed
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "option"),
    [
        ("moduli --bits 4 --plot", "--plot"),
        ("error-sim --pairs 10 --store", "--store"),
        ("reproduce --output", "--output"),
        ("train --checkpoint", "--checkpoint"),
        ("batch plan.toml --output", "--output"),
        ("batch plan.toml --junit", "--junit"),
    ],
)
@pytest.mark.parametrize("name", ["-", "", "a\0b"])
def test_names_that_no_file_of_a_result_can_have(
    arguments: str, option: str, name: str, rnscli: Run, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    ran = rnscli(*arguments.split(), name)
    assert (ran.code, ran.out) == (2, "")
    assert f"{option}: " in ran.err and "it must be the name of a" in ran.err
    assert list(tmp_path.iterdir()) == []


def test_output_replaces_a_file_and_keeps_a_link(rnscli: Run, tmp_path: Path) -> None:
    target, link = tmp_path / "target.json", tmp_path / "link.json"
    target.write_text("old")
    link.symlink_to(target)
    assert rnscli("moduli", "--bits", 4, "--output", link).code == 0
    assert link.is_symlink()
    assert target.read_text().startswith("{")
    assert set(contents(tmp_path)) == {"target.json", "link.json"}


@pytest.mark.parametrize(
    "arguments",
    [
        ("moduli", "--bits", "x"),
        ("moduli", "--bits", "4", "--redundant", "2"),
        ("moduli", "--require", "nothing <= 1"),
        ("moduli", "--plot", "picture.bmp"),
        ("error-sim", "--operands", "missing.npz"),
        ("fault-prob", "--legitimate-range", "99999999999999"),
        ("fault-prob", "--bits", "4..8", "--p", "1e-3..1e-1:3", "--plot", "FOLDER/many.png"),
        ("energy", "--adc-k1", "5V"),
    ],
    ids=" ".join,
)
def test_a_failing_command_leaves_the_old_file(
    arguments: tuple[str, ...], rnscli: Run, tmp_path: Path
) -> None:
    path = tmp_path / "result.json"
    path.write_text("old")
    placed = [argument.replace("FOLDER", str(tmp_path)) for argument in arguments]
    ran = rnscli(*placed, "--output", path)
    assert (ran.code, ran.out) == (2, "")
    assert contents(tmp_path) == {"result.json": b"old"}


def test_a_full_disk_leaves_the_old_file(
    rnscli: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    path = tmp_path / "result.json"
    path.write_text("old")
    monkeypatch.setattr("os.fsync", full)
    ran = rnscli("moduli", "--bits", 4, "--output", path)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.count("\n") == 1 and "No space left" in ran.err
    assert contents(tmp_path) == {"result.json": b"old"}


# --plot


@pytest.mark.parametrize("command", list(SMALL))
@pytest.mark.parametrize(
    "suffix", ["svg", *(pytest.param(n, marks=pytest.mark.thorough) for n in ("png", "pdf"))]
)
def test_plots_are_valid_and_reproducible(
    command: str, suffix: str, rnscli: Run, tmp_path: Path
) -> None:
    pytest.importorskip("matplotlib")
    path = tmp_path / f"picture.{suffix}"
    found = []
    for _ in range(2):
        ran = rnscli(*SMALL[command], "--plot", path)
        assert (ran.code, ran.err) == (0, "")
        found.append((ran.out, path.read_bytes()))
        assert list(contents(tmp_path)) == [path.name]
        path.unlink()
    assert found[0] == found[1]
    out, picture = found[0]
    if suffix == "png":  # the result is printed as well
        assert out == rnscli(*SMALL[command]).out
    if suffix == "png":
        from matplotlib.image import imread

        image = imread(io.BytesIO(picture))
        assert image.ndim == 3 and image.std() > 0.01
    elif suffix == "svg":
        assert ElementTree.fromstring(picture).tag == "{http://www.w3.org/2000/svg}svg"
    else:
        assert picture.startswith(b"%PDF-") and picture.rstrip().endswith(b"%%EOF")


# --require


@each_command
def test_a_requirement_that_holds(command: str, rnscli: Run) -> None:
    plain = rnscli(*SMALL[command], "--format", "csv")
    assert rnscli(*SMALL[command], "--format", "csv", "--require", BOUNDS[command][0]) == plain
    assert plain.code == 0


@each_command
def test_a_requirement_that_fails(command: str, rnscli: Run) -> None:
    bound = BOUNDS[command][1]
    ran = rnscli(*SMALL[command], "--require", bound)
    assert ran.code == 1
    # The table has its column; but for that nothing changes.
    csv = (*SMALL[command], "--format", "csv")
    assert rnscli(*csv, "--require", bound).out == rnscli(*csv).out
    column = re.split(r"[\s<=>]", bound)[0]
    lines = ran.err.splitlines()
    assert lines and all(column in line for line in lines)
    assert all(line.startswith("rnscli: row ") for line in lines[:10]) and len(lines) < 12


def test_each_failing_row_and_requirement_is_named(rnscli: Run) -> None:
    ran = rnscli("moduli", "--bits", "4..8", "--require", "count<4", "--require", "bits != 8")
    assert ran.code == 1
    rows = [re.match(r"rnscli: row (\d+): (\w+)", line) for line in ran.err.splitlines()]
    assert [found.groups() for found in rows if found] == [
        ("1", "count"),
        ("2", "count"),
        ("3", "count"),
        ("5", "bits"),
    ]


def test_a_requirement_is_checked_on_a_file_too(rnscli: Run, tmp_path: Path) -> None:
    path = tmp_path / "result.csv"
    ran = rnscli("moduli", "--bits", 4, "--require", "count <= 3", "--output", path)
    assert (ran.code, ran.out) == (1, "")
    assert path.exists()


def test_unlimited_attempts_can_be_bounded(rnscli: Run) -> None:
    faults = ("fault-prob", "--attempts", "inf")
    assert rnscli(*faults, "--require", "attempts >= 3").code == 0
    assert rnscli(*faults, "--require", "attempts < 3").code == 1
    assert rnscli(*faults, "--require", "attempts == inf").code == 0


def test_a_row_without_a_value_does_not_meet_a_requirement(rnscli: Run) -> None:
    ran = rnscli("error-sim", "--bits", 4, "--pairs", 50, "--require", "sigma <= 1")
    assert ran.code == 1
    lines = ran.err.splitlines()
    assert len(lines) == 4
    assert [("fixed-lp" in line, "adc_range calibrated" in line) for line in lines[1:3]] == [
        (True, False), (True, True),
    ]  # fmt: skip


def test_both_ends_of_an_interval_can_be_bounded(rnscli: Run) -> None:
    simulated = ("error-sim", "--bits", 6, "--pairs", 50, "--core", "rns")
    whole = ("mean_abs_error_ci95_low > 0", "mean_abs_error_ci95_high <= 0.2")
    assert rnscli(*simulated, "--require", whole[0], "--require", whole[1]).code == 0
    ran = rnscli(*simulated, "--require", "mean_abs_error_ci95_high <= 0.01")
    assert (ran.code, ran.err.count("\n")) == (1, 1)
    assert "mean_abs_error_ci95_high <= 0.01 does not hold, it is 0." in ran.err
    refused = rnscli(*simulated, "--require", "mean_abs_error_ci95 <= 0.01")
    assert refused.code == 2 and "mean_abs_error_ci95 holds no number" in refused.err
    certain = ("energy", "--bits", 4, "--core", "fixed-lp", "--technology", "switched-capacitor",
               "--constant", "logic_energy_factor=1", "--constant",
               "memory_energy_factor=1")  # fmt: skip
    assert rnscli(*certain, "--require", "energy_range_j_high <= 1").code == 1  # there is none
    ranged = (*certain, "--adc-k1", "100fJ±30%")
    assert rnscli(*ranged, "--require", "energy_range_j_high <= 1e-10").code == 0
    assert rnscli(*ranged, "--require", "adc_k1_j_high < 1.4e-13").code == 0
    assert rnscli(*ranged, "--require", "adc_k1_j == 1e-13").code == 0


# Reproducible


@each_small
def test_the_same_command_gives_the_same_bytes(arguments: tuple[str, ...], rnscli: Run) -> None:
    first = rnscli(*arguments, "--format", "json")
    assert rnscli(*arguments, "--format", "json") == first


@each_command
def test_the_order_of_options_and_stated_defaults_change_no_byte(command: str, rnscli: Run) -> None:
    name, *options = SINGLE[command]
    one = rnscli(name, *options, "--vector-size", 64, "--rule", "exact", "--format", "json")
    other = rnscli(name, "--format", "json", "--vector-size", 64, *options)
    assert one.code == 0
    assert one == other


def test_the_order_of_swept_options_changes_no_byte(rnscli: Run) -> None:
    swept = ("--max-modulus", "62,63"), ("--rule", "exact,bits"), ("--top", "1")
    one, other = (
        rnscli("moduli", "--bits", 6, *sum(order, ()), "--format", "csv")
        for order in (swept, swept[::-1])
    )
    assert one.code == 0 and "rule,max_modulus" in one.out
    assert one == other


def test_swept_sets_that_say_what_is_redundant_are_texts(document: Document) -> None:
    sets = ("61,59,55,53+63,62", "63,62,61,59")
    given = [argument for moduli in sets for argument in ("--moduli", moduli)]
    found = document("energy", "--core", "rns", "--technology", "reram-analog", "--adc-model",
                     "murmann", "--modulo-energy", "1pJ", "--sensitivity", "--adc-k1", "1fJ±9%",
                     *given)  # fmt: skip
    assert found["parameters"]["moduli"] == [sets[0], [63, 62, 61, 59]]
    rows = [
        (row["moduli"], row["redundant_moduli"], row["redundant"])
        for row in found["rows"]
        if row["constant"] == "adc_k1"  # there are those of the technology, too
    ]
    assert rows == [([61, 59, 55, 53], [63, 62], 2), ([63, 62, 61, 59], [], 0)]


SIMULATION = (
    "error-sim", "--bits", "6", "--redundant", "1", "--p", "0.01", "--attempts", "2",
    "--vector-size", "16", "--adc-range", "full", "--format", "json",
)  # fmt: skip


def test_the_seed_decides(rnscli: Run) -> None:
    default = rnscli(*SIMULATION, "--pairs", 200)
    assert json.loads(rnscli(*SIMULATION, "--pairs", 200, "--seed", 0).out) == json.loads(
        default.out
    )
    other = rnscli(*SIMULATION, "--pairs", 200, "--seed", 1)
    assert rnscli(*SIMULATION, "--pairs", 200, "--seed", 1) == other
    first, second = (re.findall(r'"mean_abs_error": (.*),', ran.out) for ran in (default, other))
    assert len(first) == 3
    assert all(a != b for a, b in zip(first, second, strict=True))


def test_two_jobs_give_the_bytes_of_one(rnscli: Run) -> None:
    # More than three blocks of 2^17 pairs of 16 values.
    one = rnscli(*SIMULATION, "--pairs", 400_000, "--jobs", 1)
    assert one.code == 0
    assert rnscli(*SIMULATION, "--pairs", 400_000, "--jobs", 2) == one

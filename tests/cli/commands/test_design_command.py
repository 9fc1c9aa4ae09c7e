"""``rnscli design``: the answer, its rows and table, files, contradictions, exit codes."""

import csv
import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from rnscli.analysis.faults.fault_probability import FaultParameters, fault_probability
from rnscli.core.arithmetic.dot_product import DotProduct
from rnscli.core.arithmetic.moduli import ModuliSet
from rnscli.core.cores import simulated_cores
from rnscli.core.noise import Gaussian

Run = Callable[..., Any]
Rows = Callable[..., list[dict[str, Any]]]
Document = Callable[..., dict[str, Any]]
Refusal = Callable[..., str]

NUMBERS = (
    "energy_per_mac_j", "latency_s", "area_m2", "mean_abs_error", "p_err", "throughput_macs_per_s",
)  # fmt: skip
KEYS = (
    "role axis core bits vector_size technology adc_model columns columns_per_adc adc_rate_hz "
    "clock_hz laser_power_w rate_hz segments link_sigma reverse slice_bits adc_bits adc_range "
    "factor redundant attempts decoder legitimate_range moduli redundant_moduli expected_attempts "
    "energy_per_mac_j energy_per_mac_range_j latency_s area_m2 mean_abs_error output_error "
    "output_snr_db p_err "
    "p_gross mean_abs_output_error throughput_macs_per_s power_w edp_js area_per_throughput arrays "
    "extrapolated reason commands "
    "noise p sigma snr_db static_share seed"
)
QUICK = ("--pairs", "300")
ANALOG = ("--core", "rns,fixed-lp,fixed-hp,bit-sliced")
NOISY = (*QUICK, *ANALOG, "--p", "1e-3", "--max-p-err", "1e-9", "--max-error", "0.2")
# Any error, where no core is named, of which the default is that of 8-bit digital arithmetic.
ANY = ("--max-error", "9")
SMALL = (*QUICK, *ANY, "--bits", "4,5", "--sigma", "0.15", "--max-p-err", "1e-3")


def test_the_default_is_as_precise_as_8_bit_digital(rnscli: Run, rows: Rows) -> None:
    chosen, *others = rows("design", *QUICK)
    assert (chosen["role"], chosen["core"], chosen["bits"]) == ("chosen", "digital-int8", 8)
    front = [row for row in others if row["role"] == "front"]
    assert front and {row["mean_abs_error"] for row in front} == {chosen["mean_abs_error"]}
    error = f"error at most {chosen['mean_abs_error']:.4g}, that of digital-int8"
    assert error in rnscli("design", *QUICK).out
    # The limit is for those who name neither an error nor a core.
    assert rows("design", *QUICK, "--core", "fixed-lp")[0]["mean_abs_error"] > 0.2


def test_the_cheapest_design_without_noise(rows: Rows) -> None:
    chosen, *others = rows("design", *QUICK, *ANY)
    assert (chosen["role"], chosen["core"], chosen["bits"]) == ("chosen", "fixed-lp", 4)
    assert (chosen["vector_size"], chosen["technology"]) == (128, "reram-analog")
    assert {row["p_err"] for row in others} <= {0, None}
    assert {row["core"] for row in others} == set(simulated_cores())


def test_rows(rows: Rows) -> None:
    found = rows("design", *NOISY)
    assert list(found[0]) == KEYS.split()
    roles = [row["role"] for row in found]
    assert roles == sorted(roles, key=["chosen", "front", "neighbour"].index)
    assert roles.count("chosen") == 1 < min(roles.count("front"), roles.count("neighbour"))
    chosen = found[0]
    assert chosen["moduli"] and chosen["redundant_moduli"] and chosen["attempts"] == "inf"
    assert len(chosen["commands"]) == 4
    for row in found:
        assert all(row[name] is None or row[name] >= 0 for name in NUMBERS)
        if row["role"] == "neighbour":
            assert row["axis"] == "core" or row[row["axis"]] != chosen[row["axis"]]
            assert row["reason"]
        else:
            assert row["axis"] is row["reason"] is None
            assert row["p_err"] <= 1e-9 and row["mean_abs_error"] <= 0.2
        if row["core"] != "rns":
            assert row["moduli"] is row["redundant"] is row["attempts"] is None
    energies = [row["energy_per_mac_j"] for row in found if row["role"] != "neighbour"]
    assert energies == sorted(energies)
    missing = [row for row in found if row["energy_per_mac_j"] is None]
    assert missing and all(row["role"] == "neighbour" for row in missing)
    assert all(row[name] is None for row in missing for name in NUMBERS)


@pytest.mark.parametrize("minimise", ["energy", "latency", "area", "error", "p-err"])
def test_minimise(minimise: str, rows: Rows) -> None:
    metric = NUMBERS[["energy", "latency", "area", "error", "p-err"].index(minimise)]
    chosen, *others = rows("design", *SMALL, "--minimise", minimise)
    front = [row for row in others if row["role"] == "front"]
    assert front and all(row[metric] >= chosen[metric] for row in front)


def test_limits_are_kept_in_their_units(rows: Rows) -> None:
    limits = {
        "--max-energy": ("80fJ", "energy_per_mac_j", 80e-15),
        "--max-latency": ("100ns", "latency_s", 1e-7),
        "--max-area": ("0.9mm2", "area_m2", 0.9e-6),
        "--max-error": ("0.2", "mean_abs_error", 0.2),
    }
    for option, (said, metric, limit) in limits.items():
        any_error = () if option == "--max-error" else ANY
        found = rows("design", *QUICK, *any_error, option, said)
        kept = [row for row in found if row["role"] != "neighbour"]
        assert kept and all(row[metric] <= limit for row in kept)
    found = rows("design", *QUICK, *ANY, "--min-throughput", "500G")
    kept = [row for row in found if row["role"] != "neighbour"]
    assert kept and all(row["throughput_macs_per_s"] >= 5e11 for row in kept)


def test_parameters_of_the_document(document: Document) -> None:
    found = document("design", *SMALL, "--max-area", "5mm2", "--attempts", "1,inf")
    asked = found["parameters"]
    assert asked["bits"] == [4, 5]
    assert (asked["max_area"], asked["minimise"], asked["sigma"]) == (5e-6, "energy", 0.15)
    assert asked["attempts"] == [1, "inf"]
    assert asked["vector_size"] == 128 and asked["redundant"] == [0, 1, 2]
    assert not {"jobs", "store", "quiet", "given", "moduli", "output"} & set(asked)


def test_csv_has_the_rows_of_json(rnscli: Run, rows: Rows) -> None:
    found = rows("design", *SMALL)
    lines = list(csv.DictReader(io.StringIO(rnscli("design", *SMALL, "--format", "csv").out)))
    assert [line["role"] for line in lines] == [row["role"] for row in found]
    for line, row in zip(lines, found, strict=True):
        for name in NUMBERS:
            assert line[name] == ("" if row[name] is None else str(row[name]))


# The table


WIDE = [
    (*QUICK,),
    NOISY,
    SMALL,
    (*QUICK, "--bits", "4..6", "--sigma", "0.15", "--max-p-err", "1e-6"),
    (*QUICK, "--vector-size", "64,128,256", "--technology", "photonic-phase,reram-analog",
     "--adc-model", "murmann,walden", "--columns-per-adc", "1,8", "--reverse", "mixed-radix,crt",
     "--adc-bits", "4,8", "--slice-bits", "1,2", "--bits", "5,6"),
    (*QUICK, "--core", "fixed-lp", "--bits", "4"),
    (*QUICK, "--noise", "device", "--core", "rns,fixed-lp,digital-int8", "--bits", "6",
     "--vector-size", "32", "--laser-power", "3mW,10mW", "--adc-bits", "6,8"),
]  # fmt: skip


@pytest.mark.parametrize("arguments", WIDE, ids=" ".join)
def test_a_piped_table_is_plain_and_fits_100_columns(
    arguments: tuple[str, ...], rnscli: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    ran = rnscli("design", *arguments)
    assert (ran.code, ran.err) == (0, "")  # no progress either
    assert "\x1b" not in ran.out and "`" not in ran.out and "None" not in ran.out
    answer, _, commands = ran.out.partition("The same numbers by:\n")
    assert max(map(len, answer.splitlines())) <= 100
    # Commands are for copying, so that they are not wrapped.
    assert all(re.match(r"  rnscli [a-z-]+ --", line) for line in commands.splitlines())
    assert len(commands.splitlines()) >= 2


def test_the_table_says_how_many_and_why(rnscli: Run, rows: Rows) -> None:
    out = " ".join(rnscli("design", *SMALL).out.split())
    found = rows("design", *SMALL)
    front = [row for row in found if row["role"] != "neighbour"]
    said = re.search(r"(\d+) of (\d+) designs keep the limits.*on the front: (\d+)", out)
    assert said is not None
    feasible, designs, on_front = map(int, said.groups())
    # 2 bits x 2 ways to share ADCs x (3 k x 3 R x 2 decoders x 2 ranges of rns, fixed-hp, and two
    # other cores with 2 ranges of an ADC), and the two digital ones of integers.
    assert (designs, on_front) == (2 * 2 * (36 + 1 + 2 * 2) + 2, len(front))
    assert on_front <= feasible <= designs
    for row in found:
        if row["role"] == "neighbour":
            assert " ".join(row["reason"].split()) in out
    for line in found[0]["commands"]:
        assert line in out


def test_a_table_of_a_large_front_is_cut(rnscli: Run, rows: Rows) -> None:
    arguments = (*QUICK, *ANY, "--p", "1e-3")
    assert len([r for r in rows("design", *arguments) if r["role"] != "neighbour"]) > 12
    out = rnscli("design", *arguments).out
    table = [line for line in out.splitlines() if line.startswith(("chosen", "front "))]
    assert len(table) == 12
    assert "12 are shown" in out


# Files, pictures, processes


@pytest.mark.parametrize("suffix", [".json", ".csv", ".md", ".tex", ".txt"])
def test_output_writes_what_would_be_printed(suffix: str, rnscli: Run, tmp_path: Path) -> None:
    style = {".md": "markdown", ".tex": "latex", ".txt": "table"}.get(suffix, suffix[1:])
    path = tmp_path / f"front{suffix}"
    assert rnscli("design", *SMALL, "--output", path) == (0, "", "")
    assert path.read_text() == rnscli("design", *SMALL, "--format", style).out


@pytest.mark.thorough
@pytest.mark.parametrize("suffix", [".png", ".svg"])
def test_plot(suffix: str, rnscli: Run, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    path = tmp_path / f"front{suffix}"
    ran = rnscli("design", *SMALL, "--plot", path)
    assert (ran.code, ran.err) == (0, "")
    first = path.read_bytes()
    assert rnscli("design", *SMALL, "--plot", path).out == ran.out
    assert path.read_bytes() == first
    if suffix == ".png":
        assert ran.out == rnscli("design", *SMALL).out
        assert first.startswith(b"\x89PNG")
    else:
        assert ElementTree.fromstring(first).tag.endswith("svg")


@pytest.mark.thorough
def test_jobs_and_a_store_give_the_same_bytes(rnscli: Run, tmp_path: Path) -> None:
    command = ("design", *SMALL, "--format", "json")
    alone = rnscli(*command)
    assert (alone.code, alone.err) == (0, "")
    store = tmp_path / "store.sqlite"
    assert rnscli(*command, "--jobs", 2) == alone
    assert rnscli(*command, "--store", store, "--jobs", 2) == alone
    listed = rnscli("store", store)
    assert (listed.code, listed.err) == (0, "")
    assert rnscli(*command, "--store", store) == alone
    assert rnscli("store", store) == listed  # nothing was done again


def test_what_was_recorded_is_used(
    rnscli: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ("design", *SMALL, "--store", tmp_path / "store.sqlite")
    first = rnscli(*command)

    def never(*arguments: object) -> None:
        raise AssertionError("computed again")

    monkeypatch.setattr("rnscli.analysis.design.outcome.fault_probability", never)
    assert rnscli(*command) == first
    with pytest.raises(AssertionError, match="computed again"):
        rnscli("design", *SMALL)


def test_quiet_and_requirements(rnscli: Run) -> None:
    assert rnscli("design", *SMALL, "--quiet") == rnscli("design", *SMALL)
    chosen = rnscli("design", *SMALL, "--require", "bits <= 4")
    assert chosen.code == 0  # whatever is on the front, and the neighbours
    failed = rnscli("design", *SMALL, "--require", "bits >= 8")
    assert (failed.code, failed.err.count("\n")) == (1, 1) and "role chosen" in failed.err


# Refusals


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ("--max-error nan", "--max-error nan"),
        ("--max-error -1", "--max-error -1"),
        ("--max-error 0.1,0.2", "--max-error one value"),
        ("--max-p-err inf", "--max-p-err inf"),
        ("--max-energy 5V", "--max-energy 5V J"),
        ("--max-energy -1fJ", "--max-energy -1fJ"),
        ("--max-latency 5kg", "--max-latency"),
        ("--min-throughput -1", "--min-throughput -1 MAC/s"),
        ("--minimise speed", "--minimise speed energy"),
        ("--core digital-fp32", "--core digital-fp32 rns"),
        ("--p 0.1 --sigma 0.1", "--p --sigma"),
        ("--sigma 0.1 --snr-db 20", "--sigma --snr-db"),
        ("--p [0.1,0.1,0.1,0.1]", "--p each modulus"),
        ("--sigma [0.1,0.1,0.1,0.1]", "--sigma each modulus"),
        ("--p 0.1,0.2", "--p one value"),
        ("--snr-db 20,30", "--snr-db one value"),
        ("--noise uniform,gaussian --p 0.1", "--noise one value"),
        ("--noise gaussian --p 1", "--p 0.999"),
        ("--noise gaussian", "--noise level"),
        ("--adc-k1 100fJ±30%", "--adc-k1 range"),
        ("--clock 1GHz±10%", "--clock"),
        ("--adc-k1 1fJ,2fJ", "--adc-k1 one value"),
        ("--node 7nm,14nm", "--node one value"),
        ("--input-bits 4,5", "--input-bits one value"),
        ("--rule exact,bits", "--rule one value"),
        ("--max-modulus 15,31", "--max-modulus one value"),
        ("--walden-fom 1fJ", "--walden-fom --adc-model walden"),
        ("--adc-model table", "--adc-table"),
        ("--adc-model murmann --adc-table missing.csv", "--adc-model --adc-table"),
        ("--technology optical", "--technology optical"),
        ("--jobs 2 --scheduler tcp://localhost:8786", "--jobs --scheduler"),
        ("--bits 4..50 --vector-size 1..2000 --columns-per-adc 1..20", "designs"),
        ("--pairs 1", "--pairs 1"),
        ("--seed -1", "--seed -1"),
        ("--moduli 15,14,13", "--moduli"),
        ("--max-error 1e-9", "--max-error 1e-09 nearest"),
        ("--noise device --p 0.1", "--noise device --p"),
        ("--noise device,gaussian", "--noise device"),
        ("--noise device --core fixed-lp --technology switched-capacitor", "[devices]"),
        ("--noise device --core rns --vector-size 16 --attempts 3 --bits 4", "--static-share"),
        ("--noise device --core rns --laser-power 10mW±10%", "--laser-power range"),
        ("--noise device --core rns --rate 0", "--rate 0"),
        ("--core fixed-lp --laser-power 1mW", "--laser-power"),
        ("--max-output-error nan", "--max-output-error nan"),
        ("--coding-gain", "--coding-gain --max-p-err --max-output-error"),
        ("--coding-gain --max-p-err 1e-9 --max-output-error 1", "--coding-gain one"),
        ("--coding-gain --max-p-err 1e-9 --laser-power 1mW", "--coding-gain --laser-power"),
        ("--coding-gain --max-p-err 1e-9 --max-energy 1pJ", "--coding-gain --max-energy"),
        ("--coding-gain --max-p-err 1e-9 --sigma 0.1", "--coding-gain --sigma"),
        ("--coding-gain --max-p-err 1e-9 --core fixed-lp", "--coding-gain --core rns"),
        ("--min-throughput 1e30", "--min-throughput MAC/s nearest"),
        ("--bits 2,3 --core rns", "moduli set"),
    ],
)  # fmt: skip
def test_refusals_name_the_options(arguments: str, named: str, refusal: Refusal) -> None:
    sentence = refusal("design", *arguments.split())
    for name in named.split():
        assert name in sentence, sentence


def test_units_that_are_none(refusal: Refusal) -> None:
    assert "1 furlong" in refusal("design", "--max-area", "1 furlong")
    assert "mm2" in refusal("design", "--max-area", "1 furlong")


def test_files_are_kept_apart(refusal: Refusal, tmp_path: Path) -> None:
    path = tmp_path / "same.json"
    for option in ("--store", "--adc-table", "--plot"):
        assert option in refusal("design", option, path, "--output", path)
    assert not path.exists()


# What only a part of the space cannot do


@pytest.mark.parametrize(
    "arguments",
    [
        "--bits 5..8 --slice-bits 1,5",  # no slice of 5 bits at b = 5
        "--bits 5,12 --sigma 0.15 --core rns --redundant 0",  # the sum over differences is too long
    ],
)
def test_designs_that_cannot_be_do_not_stop_the_search(arguments: str, rnscli: Run) -> None:
    ran = rnscli("design", *QUICK, *arguments.split())
    assert (ran.code, ran.err) == (0, "")
    assert "impossible" in ran.out


def test_what_is_extrapolated_is_marked(rnscli: Run) -> None:
    arguments = ("design", *QUICK, "--core", "rns", "--bits", 6, "--vector-size", 2000)
    ran = rnscli(*arguments, "--extrapolate", "--format", "json")
    assert ran.code == 0 and "warning" in ran.err
    assert json.loads(ran.out)["rows"][0]["extrapolated"] is True


def test_the_help_names_only_options_of_the_command(rnscli: Run) -> None:
    out = rnscli("design", "--help").out
    declared = set(re.findall(r"^  (--[a-z0-9-]+)", out, re.MULTILINE))
    named = set(re.findall(r"(?<![\w-])(--[a-z][a-z0-9-]+)", out))
    assert named - declared - {"--help"} == set()


def test_a_range_that_fits_makes_one_array_the_best(rows: Rows) -> None:
    """The search finds the range; bits of an ADC and energy are the same for all ranges."""
    words = ("design", *QUICK, "--core", "fixed-lp", "--bits", 6, "--adc-range", "full,1/2,1/4,1/8")
    full, *_ = rows(*words[:-1], "full")
    best, *_ = rows(*words, "--minimise", "error")
    assert (full["adc_range"], best["adc_range"]) == ("full", "1/8")
    assert best["mean_abs_error"] < full["mean_abs_error"] / 4
    assert best["energy_per_mac_j"] == full["energy_per_mac_j"]


LIT = ("--noise", "device", "--core", "rns,fixed-lp", "--bits", "4", "--vector-size", "8")


def test_light_is_an_axis(rows: Rows) -> None:
    found = rows("design", *QUICK, *LIT, "--laser-power", "1mW,10mW", "--max-p-err", "1e-6")
    chosen = found[0]
    assert (chosen["noise"], chosen["p"], chosen["sigma"]) == ("device", None, None)
    assert (chosen["laser_power_w"], chosen["rate_hz"]) == (1e-3, 5e9)
    assert chosen["segments"] == 1 and 0.01 < chosen["link_sigma"] < 0.15
    axes = {row["axis"]: row for row in found if row["role"] == "neighbour"}
    assert axes["laser_power"]["laser_power_w"] == 1e-2
    assert axes["core"]["laser_power_w"] is axes["core"]["link_sigma"] is None
    assert all(row["attempts"] in (None, 1, 2) for row in found)


def test_noisy_conventional_cores_are_shown_by_their_error(rnscli: Run) -> None:
    """The probability that a code of an ADC differs is the larger, the finer the ADC."""
    shown = (*QUICK, *LIT, "--laser-power", "3mW,10mW", "--adc-bits", "4,6")
    header = rnscli("design", *shown).out.splitlines()[2]
    assert "rms e / rms" in header
    coded = ("--core", "rns", "--bits", "4", "--vector-size", "8", "--laser-power", "3mW,10mW")
    assert "p_err" in rnscli("design", *QUICK, "--noise", "device", *coded).out.splitlines()[2]


GAIN = ("design", "--coding-gain", "--bits", "4", "--vector-size", "8", "--redundant", "0,1")


@pytest.mark.thorough
def test_coding_gain(rnscli: Run, rows: Rows, tmp_path: Path) -> None:
    command = (*GAIN, "--attempts", "2", "--max-p-err", "1e-6,1e-9", *QUICK)
    picture = tmp_path / "gain.svg"
    found = rows(*command, "--plot", picture)
    assert [row["max_p_err"] for row in found] == [1e-6] * 3 + [1e-9] * 3
    assert [(row["redundant"], row["attempts"]) for row in found[:3]] == [(0, 1), (0, 2), (1, 2)]
    assert found[0]["gain_db"] == 0 < found[2]["gain_db"] < found[5]["gain_db"]
    assert {row["noise"] for row in found} == {"device"}
    assert ElementTree.fromstring(picture.read_bytes()).tag.endswith("svg")
    table = rnscli(*command)
    assert table.code == 0 and "gain (dB)" in table.out
    assert all(len(line) <= 100 for line in table.out.splitlines())
    assert rnscli(*GAIN, "--max-p-err", "1e-9", "--require", "gain_db >= 100", *QUICK).code == 1


FAMILIES = ("design", "--families", "--bits", "6", "--vector-size", "16")


@pytest.mark.thorough
def test_families(rnscli: Run, rows: Rows, tmp_path: Path) -> None:
    lines, regions = tmp_path / "families.svg", tmp_path / "regions.svg"
    command = (*FAMILIES, "--redundant", "1", "--sigma", "0.2,0.4", "--attempts", "1,2", *QUICK)
    found = rows(*command, "--plot", lines)
    assert [row["sigma"] for row in found] == sorted(row["sigma"] for row in found)
    assert {row["spare"] for row in found} == {1} and {row["noise"] for row in found} == {
        "gaussian"
    }
    assert {"nearest value", "common factor", "conventional"} <= {row["family"] for row in found}
    assert sum(row["best"] for row in found) == 2
    several = (*FAMILIES, "--bits", "6,7", "--redundant", "1,2", "--sigma", "0.4", *QUICK)
    assert sum(row["best"] for row in rows(*several, "--plot", regions)) == 4
    for picture in (lines, regions):
        assert ElementTree.fromstring(picture.read_bytes()).tag.endswith("svg")
    table = rnscli(*command)
    assert table.code == 0 and "best" in table.out and not table.err
    assert all(len(line) <= 100 for line in table.out.splitlines())
    assert rnscli(*command, "--require", "output_error <= 1e-9").code == 1


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ((), "--families needs a --sigma"),
        (("--sigma", "[0.1,0.2]"), "the same for all moduli"),
        (("--p", "1e-3"), "--p is not for --families"),
        (("--sigma", "0.2", "--max-p-err", "1e-6"), "--max-p-err is not for --families"),
        (("--sigma", "0.2", "--noise", "uniform"), "under Gaussian noise"),
        (("--sigma", "0.2", "--coding-gain"), "two comparisons"),
        (("--sigma", "0,0.2"), "--sigma is 0"),
        (("--sigma", "0.2", "--plot", "one.svg"), "over --sigma and --bits"),
    ],
)
def test_families_refused(more: tuple[str, ...], said: str, rnscli: Run) -> None:
    ran = rnscli(*FAMILIES, *more)
    assert ran.code == 2 and said in ran.err and not ran.out


def test_a_tolerance_is_of_families(rnscli: Run) -> None:
    ran = rnscli("design", "--tolerance", "3")
    assert ran.code == 2 and " is about --families" in ran.err and "--tolerance" in ran.err


def test_how_far_outputs_are_off(rows: Rows) -> None:
    found = rows(
        "design", "--sigma", 0.3, "--bits", 6, "--vector-size", 16, "--redundant", "1,2",
        "--decoder", "lee,detect", "--attempts", "1,2", "--core", "rns,fixed-lp", *QUICK,
    )  # fmt: skip
    coded = [row for row in found if row["moduli"]]
    for row in coded:
        moduli = ModuliSet((*row["redundant_moduli"], *row["moduli"]), row["redundant"])
        size = DotProduct(16, 6, 6).dynamic_range
        exact = fault_probability(
            FaultParameters(
                moduli=moduli, noise=Gaussian(0.3), decoder=row["decoder"],
                attempts=row["attempts"],
                legitimate_range=size if row["legitimate_range"] == "operands" else None,
            )
        )  # fmt: skip
        assert row["p_err"] == pytest.approx(exact.p_err, rel=1e-9)
        assert row["p_gross"] == pytest.approx(exact.p_gross, rel=1e-9)
        assert row["mean_abs_output_error"] == pytest.approx(exact.mean_abs_output_error, rel=1e-9)
    assert {row["decoder"] for row in coded} == {"lee", "detect"}
    assert all(row["p_gross"] is None for row in found if row["core"] == "fixed-lp")

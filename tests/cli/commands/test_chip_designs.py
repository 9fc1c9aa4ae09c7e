"""``rnscli design --workload``: rows, the lines that reproduce them, files, what is refused."""

import json
import re
import shlex
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]
Rows = Callable[..., list[dict[str, Any]]]
Document = Callable[..., dict[str, Any]]
Refusal = Callable[..., str]

QUICK = ("--pairs", "200")
NETWORK = ("--workload", "mnist-cnn")
NUMBERS = ("energy_per_inference_j", "latency_s", "throughput_per_s", "area_m2", "power_w")
BITS = (*NETWORK, "--layer-bits", *QUICK)


@pytest.mark.parametrize(
    "given",
    [
        (*NETWORK, "--core", "fixed-lp", "--chip-area", "2mm2", "--bits", "6,7"),
        (*NETWORK, "--core", "rns", "--bits", "6", "--arrays", "36", "--p", "1e-3",
         "--max-p-err", "1e-6", "--activation-products", "arrays", "--dram", "hbm2"),
        ("--workload", "mnist-cnn,vit-b16", "--core", "fixed-lp", "--bits", "6", "--chip-area",
         "50mm2", "--adc-range", "calibrated", "--batch", "2"),
        (*NETWORK, "--core", "digital-int8", "--chip-power", "2W"),
        (*NETWORK, "--core", "rns", "--bits", "6", "--chip-power", "2W", "--chip-area", "800mm2"),
    ],
    ids=["area", "noise", "networks", "power", "both"],
)  # fmt: skip
def test_the_line_of_the_chip_has_the_same_numbers(given: tuple[str, ...], rows: Rows) -> None:
    chosen, *others = rows("design", *given, *QUICK)
    line = chosen["commands"][-1]
    assert line.startswith("rnscli chip ")
    made = rows(*shlex.split(line)[1:])
    networks = [row for row in others if row["role"] == "network"] or [chosen]
    assert len(made) == len(networks)
    for mine, theirs in zip(networks, made, strict=True):
        for name in ("arrays", "schedule", "limited_by"):
            assert mine[name] == theirs[name]
        for name in (*NUMBERS, "tops_per_w", "tops_per_mm2"):
            assert mine[name] == pytest.approx(theirs[name], rel=1e-9), name


def test_roles(rows: Rows) -> None:
    found = rows("design", *NETWORK, *QUICK, "--arrays", "60,300", "--max-error", "1")
    roles = [row["role"] for row in found]
    assert roles == sorted(roles, key=["chosen", "front", "neighbour"].index)
    assert {"front", "neighbour"} < {*roles}
    chosen = found[0]
    for row in found:
        assert row["workload"] == "mnist-cnn"
        if row["role"] == "neighbour":
            assert row["reason"]
        else:
            assert row["mean_abs_error"] <= 1
            assert (row["commands"] is None) == (row is not chosen)
    assert any(row["axis"] == "arrays" for row in found if row["role"] == "neighbour")


def test_limits(rows: Rows, refusal: Refusal) -> None:
    given = ("design", *NETWORK, *QUICK, "--core", "fixed-lp", "--arrays", "60,300")
    quick = rows(*given, "--min-inferences", "30k/s")[0]
    assert quick["throughput_per_s"] >= 3e4
    clean = rows(*given, "--min-snr-db", "35dB")[0]
    assert clean["output_snr_db"] >= 35 > rows(*given)[0]["output_snr_db"]
    said = refusal(*given, "--max-latency", "1ps")
    assert "no chip keeps `max_latency`" in said or "no chip keeps --max-latency" in said


def test_limits_are_said_with_their_units(rnscli: Run, refusal: Refusal) -> None:
    given = ("design", *NETWORK, *QUICK, "--core", "fixed-lp")
    said = refusal(*given, "--arrays", 60, "--min-inferences", "1e12", "--min-snr-db", 99)
    assert "--min-inferences 1.00 T/s" in said and "--min-snr-db 99 dB (the best" in said
    assert "--min-snr-db 99 dB" in refusal("design", *BITS, "--min-snr-db", 99)
    small = rnscli(*given, "--chip-area", "2e-06,4e-06", "--min-snr-db", 20).out
    assert "--chip-area 4mm2" in small or "--chip-area 2mm2" in small


def test_a_limit_of_snr_is_one_of_the_error(rows: Rows) -> None:
    given = ("design", *QUICK, "--core", "fixed-lp,fixed-hp")
    both = [
        [row for row in rows(*given, *limit) if row["role"] != "neighbour"]
        for limit in (("--min-snr-db", "30"), ("--max-output-error", str(10 ** (-30 / 20))))
    ]
    assert both[0] == both[1] and all(row["output_snr_db"] >= 30 for row in both[0])


def test_bits_of_layers(rows: Rows, rnscli: Run, tmp_path: Path) -> None:
    file = tmp_path / "layers.toml"
    given = ("design", *BITS, "--core", "fixed-lp", "--min-snr-db", "25")
    *layers, total, uniform = rows(*given, "--layers-to", str(file))
    assert (total["role"], uniform["role"]) == ("total", "uniform")
    assert total["energy_j"] == pytest.approx(sum(row["energy_j"] for row in layers))
    assert total["energy_j"] < uniform["energy_j"] and total["gap"] == 0
    assert min(total["output_snr_db"], uniform["output_snr_db"]) >= 25
    assert sum(row["noise_share"] for row in layers) == pytest.approx(1)
    made = tomllib.loads(file.read_text())
    assert {row["layer"]: row["bits"] for row in layers} == {
        name: one["bits"] for name, one in made.items()
    }
    said = rnscli(*given).out
    assert "proved to be the least" in said and re.search(r"[\d.]+% less than the best", said)


def test_bits_of_measured_layers(rows: Rows, tmp_path: Path) -> None:
    file = tmp_path / "noise.csv"
    layers = [row["layer"] for row in rows("design", *BITS, "--core", "rns", "--min-snr-db", "20")]
    lines = [f"{name},{10 if name == layers[0] else 0.1}\n" for name in layers[:-2]]
    file.write_text("layer,sensitivity\n" + "".join(lines))
    first, *others = rows(
        "design", *BITS, "--core", "rns", "--min-snr-db", "20", "--layer-noise", str(file)
    )
    assert first["bits"] > max(row["bits"] for row in others if row["role"] == "layer")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("--arrays", "10"), "--arrays 10 is about --workload"),
        (("--layer-bits",), "--layer-bits is about --workload"),
        (("--minimise", "time"), "--minimise time is of a chip"),
        ((*NETWORK, "--area", "1mm2"), "give --chip-area instead"),
        ((*NETWORK, "--coding-gain"), "leave one of them out"),
        ((*NETWORK, "--arrays", "5", "--chip-area", "1mm2"), "--arrays and --chip-area both say"),
        ((*NETWORK, "--layer-noise", "{csv}"), "--layer-noise is about --layer-bits"),
        ((*NETWORK, "--schedule", "auto,pipelined"), "is the same for all designs"),
        (BITS, "--layer-bits needs --min-snr-db"),
        ((*BITS, "--min-snr-db", "20", "--max-area", "1mm2"), "--max-area is not for --layer-bits"),
        ((*BITS, "--min-snr-db", "20", "--arrays", "9"), "--arrays is not for --layer-bits"),
        ((*BITS, "--min-snr-db", "20", "--minimise", "edp"), "is no sum over layers"),
        ((*BITS, "--min-snr-db", "99"), "the best has"),
        ((*BITS, "--min-snr-db", "20", "--pass", "training"), "is about an inference"),
        (("--workload", "mnist-cnn,resnet50", "--layer-bits"), "about one network"),
        (("--workload", "mnist-cnn,resnet50", "--chip-power", "1W"), "depends on the network"),
        ((*BITS, "--min-snr-db", "20", "--layer-noise", "{csv}"), "has nothing of layer"),
        (
            (*BITS, "--min-snr-db", "20", "--core", "digital-int8", "--layers-to", "x.toml"),
            "none that rnscli accuracy simulates",
        ),
        (
            (*BITS, "--min-snr-db", "20", "--layer-noise", "{csv}", "--layers-to", "{csv}"),
            "is --layer-noise, too",
        ),
    ],
)
def test_what_is_refused(
    given: tuple[str, ...], said: str, refusal: Refusal, tmp_path: Path
) -> None:
    file = tmp_path / "noise.csv"
    file.write_text("layer,sensitivity\nother,1\n")
    assert said in refusal("design", *(one.format(csv=file) for one in given))


def test_it_is_drawn(rnscli: Run, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    picture = tmp_path / "front.svg"
    ran = rnscli("design", *NETWORK, *QUICK, "--arrays", "60,300", "--plot", str(picture))
    assert ran.code == 0 and b"inferences/s" in picture.read_bytes()


def test_what_the_document_states(document: Document) -> None:
    made = document("design", *NETWORK, *QUICK, "--arrays", "60,300", "--together", "worst")
    asked = made["parameters"]
    assert (asked["workload"], asked["arrays"], asked["together"]) == (
        "mnist-cnn", [60, 300], "worst"
    )  # fmt: skip
    assert json.dumps(made)

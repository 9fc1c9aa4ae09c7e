"""Files and contradictions of ``rnscli energy``: code 2, one sentence, never a traceback."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

Refusal = Callable[..., str]

SUFFIXES = {"--adc-table": ".csv", "--technology": ".toml", "--workload": ".csv"}
CONTENTS: dict[str, bytes] = {
    "empty": b"",
    "blank": b"\n\n \n",
    "binary": bytes(range(256)) * 20,
    "zeros": b"\0" * 100,
    "text": b"hello world\n",
    "header of another": b"a,b,c\n1,2,3\n",
    "UTF-16": "layer,M,K,N\n".encode("utf-16"),
    "JSON": b'{"layer": 1}',
}


@pytest.mark.parametrize("content", list(CONTENTS))
@pytest.mark.parametrize("option", list(SUFFIXES))
def test_files_of_anything(option: str, content: str, refusal: Refusal, tmp_path: Path) -> None:
    path = tmp_path / f"bad{SUFFIXES[option]}"
    path.write_bytes(CONTENTS[content])
    assert path.name in refusal("energy", option, path)


@pytest.mark.parametrize("option", list(SUFFIXES))
def test_what_is_no_file(option: str, refusal: Refusal, tmp_path: Path) -> None:
    folder = tmp_path / f"folder{SUFFIXES[option]}"
    folder.mkdir()
    missing = tmp_path / f"missing{SUFFIXES[option]}"
    for path in (folder, missing, missing / "a", tmp_path / ("a" * 300)):
        sentence = refusal("energy", option, path)
        assert len(sentence) < 500
        assert option in sentence


@pytest.mark.parametrize("option", list(SUFFIXES))
@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(option: str, refusal: Refusal, tmp_path: Path) -> None:
    path = tmp_path / f"secret{SUFFIXES[option]}"
    path.write_text("secret")
    path.chmod(0)
    assert "secret" in refusal("energy", option, path)


@pytest.mark.parametrize(
    ("row", "named"),
    [
        ("6,-1,1e-9,1e9", "line 2 energy_j -1"),
        ("6,nan,1e-9,1e9", "line 2 energy_j nan"),
        ("6,1e-12,1e-9,inf", "line 2 rate_hz inf"),
        ("99,1e-12,1e-9,1e9", "line 2 enob 99 64"),
        ("x,1e-12,1e-9,1e9", "line 2 enob x"),
        ("6,1e-12,1e-9", "line 2"),
        ("6,1e-12,1e-9,1e9,7", "line 2"),
        ("", "no rows"),
    ],
)
def test_converters_that_make_no_sense(
    row: str, named: str, refusal: Refusal, tmp_path: Path
) -> None:
    path = tmp_path / "adcs.csv"
    path.write_text(f"enob,energy_j,area_m2,rate_hz\n{row}\n")
    sentence = refusal("energy", "--adc-table", path)
    assert "adcs.csv" in sentence and all(name in sentence for name in named.split(" "))


@pytest.mark.parametrize(
    ("row", "named"),
    [
        ("conv,0,1,1", "line 2 M 0"),
        ("conv,1,-1,1", "line 2 K -1"),
        ("conv,1,1,1.5", "line 2 N 1.5"),
        ("conv,nan,1,1", "line 2 M nan"),
        ("conv,1,1,1e99", "line 2 N 1e99"),
        (",1,1,1", "line 2 layer"),
    ],
)
def test_layers_that_make_no_sense(row: str, named: str, refusal: Refusal, tmp_path: Path) -> None:
    path = tmp_path / "net.csv"
    path.write_text(f"layer,M,K,N\n{row}\n")
    sentence = refusal("energy", "--workload", path)
    assert "net.csv" in sentence and all(name in sentence for name in named.split(" "))


@pytest.mark.parametrize("option", ["--adc-table", "--technology", "--workload", "--p"])
@pytest.mark.parametrize("written", ["--output", "--plot"])
def test_a_file_that_is_read_is_not_written_over(
    option: str, written: str, refusal: Refusal, tmp_path: Path
) -> None:
    pytest.importorskip("matplotlib")
    path = tmp_path / ("file.json" if written == "--output" else "file.svg")
    path.write_text("0.1 0.1 0.1 0.1")
    link = tmp_path / f"link{path.suffix}"
    link.symlink_to(path)
    sentence = refusal("energy", "--bits", 6, option, path, written, link)
    assert option in sentence and "written over" in sentence
    assert path.read_text() == "0.1 0.1 0.1 0.1"


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ("--workload mnist-cnn --sensitivity", "--workload --sensitivity"),
        ("--adc-model table", "--adc-model --adc-table"),
        ("--adc-model murmann,table", "--adc-model --adc-table"),
        ("--adc-model murmann --adc-table TABLE", "--adc-model --adc-table"),
        ("--adc-k1 1fJ --adc-model survey", "--adc-k1 murmann"),
        ("--adc-k2 1fJ --adc-table TABLE", "--adc-k2 murmann"),
        ("--walden-fom 1fJ", "--walden-fom --adc-model walden"),
        ("--schreier-fom 180dB --adc-model walden", "--schreier-fom --adc-model schreier"),
        ("--core fixed-lp --technology switched-capacitor --constant logic_energy_factor=1 "
         "--constant memory_energy_factor=1 --sensitivity", "--sensitivity"),
        ("--workload mnist-cnn --breakdown", "--workload --breakdown"),
        ("--input-shape 1x3", "--input-shape --workload"),
        ("--torch digits-cnn", "--torch --input-shape"),
        ("--torch digits-cnn --input-shape 8x8", "--torch 8x8"),
        ("--torch digits-cnn --input-shape 1x1x8x8 --batch 2", "--batch --input-shape"),
        ("--workload mnist-cnn --input-shape 1x1x8x8", "--input-shape --workload"),
        ("--torch digits-cnn --input-shape a=3 --input-shape a=3", "--input-shape a"),
        ("--torch os:getcwd --input-shape 3", "--torch os:getcwd"),
        ("--breakdown --sensitivity", "--breakdown --sensitivity"),
        ("--p 0.1 --sigma 0.1", "--p --sigma"),
        ("--sigma 0.1 --snr-db 30", "--sigma --snr-db"),
        ("--p 0.1 --snr-db 30", "--p --snr-db"),
        ("--bits 6 --core rns --p [0.1,0.1]", "--p 2 4 63,62,61,59"),
        ("--core rns --p 0.9999 --noise gaussian", "--p 0.9999 0.999"),
        ("--noise gaussian", "--noise --p --sigma --snr-db"),
        ("--bits 4 --core rns --redundant 1 --p 1 --decoder detect --legitimate-range 1",
         "--attempts --p 1"),
        ("--core fixed-lp --node 0", "--node 1 nm 100 um"),
        ("--core fixed-lp --node 14nm±100%", "--node 1 nm 100 um"),
        ("--core fixed-lp --clock 0", "--clock 1 Hz 1 THz"),
        ("--core fixed-lp --adc-rate 2THz", "--adc-rate 1 Hz 1 THz"),
        ("--core rns --rate 0", "--rate 1 Hz 1 THz"),
        ("--core rns --rate 2THz", "--rate 1 Hz 1 THz"),
        ("--core rns --laser-power 2kW", "--laser-power 0 to 1 kW"),
        ("--core rns --bits 6 --laser-power 0", "--laser-power --bits --max-link-sigma"),
        ("--core rns --technology reram-analog --modulo-energy 2J", "--modulo-energy 0 to 1 J"),
        ("--core rns --modulo-energy 1pJ", "--modulo-energy --technology"),
        ("--core rns --modulo-energy 1pJ±10%", "--modulo-energy 1pJ"),
        ("--core rns --kernel mvm", "--kernel mvm vmm"),
        ("--core rns --kernel cycle", "--kernel cycle vmm"),
        ("--core rns --bits 6 --max-link-sigma 1e-6", "--max-link-sigma"),
        ("--core fixed-lp --supply-voltage 9kV±90%", "--supply-voltage 10 kV"),
        ("--core fixed-lp --adc-model schreier --schreier-fom 1dB", "--schreier-fom 50 to 250"),
    ],
)  # fmt: skip
def test_contradictions_and_limits(
    arguments: str, named: str, refusal: Refusal, tmp_path: Path
) -> None:
    table = tmp_path / "adcs.csv"
    table.write_text("enob,energy_j,area_m2,rate_hz\n64,1e-12,1e-9,1e9\n")
    sentence = refusal("energy", *arguments.replace("TABLE", str(table)).split())
    for name in named.split():
        assert name in sentence


def test_a_constant_of_no_row_is_refused(refusal: Refusal) -> None:
    for option, value in (("--adc-k1", "1fJ"), ("--rate", "1GHz"), ("--laser-power", "1mW")):
        assert option in refusal("energy", "--core", "digital-int8", option, value)
    for option, value in (("--rate", "1GHz"), ("--laser-power", "1mW")):
        assert option in refusal("energy", "--core", "fixed-lp", option, value)


@pytest.mark.parametrize("option", ["--energy-per-mac", "--cycle-time", "--cell-area", "--leakage"])
@pytest.mark.parametrize("command", ["energy", "design"])
def test_options_of_former_versions_are_gone(option: str, command: str, refusal: Refusal) -> None:
    assert f"has no option {option}" in refusal(command, option, "1f")


FORMER = """
name = "mine"
kind = "analog"
[energy_per_mac]
value = "20fJ"
source = "measured"
[cycle_time]
value = "5ns"
source = "measured"
"""


@pytest.mark.parametrize("command", ["energy", "design", "accuracy"])
def test_a_profile_of_a_former_version_says_what_it_is_now(
    command: str, refusal: Refusal, tmp_path: Path
) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(FORMER)
    sentence = refusal(command, "--technology", path)
    for name in ("mine.toml", "energy_per_mac", "[[parts]]", "[constants]", "docs/energy.md"):
        assert name in sentence, sentence


# Constants of a technology

RNS = ("energy", "--bits", 6, "--core", "rns")


@pytest.mark.parametrize(
    ("value", "named"),
    [
        ("shifter_loss", "a name and its value"),
        ("=1dB", "a name and its value"),
        ("shifter_loss=", "a name and its value"),
        ("", "a name and its value"),
        ("nothing=1", "nothing=1 one of adc_area, coupling_loss, shifter_loss"),
        ("cell_capacitance=1fF", "cell_capacitance=1fF one of"),  # of another technology
        ("rows=5", "rows=5 one of"),
        ("shifter_loss=abc", "abc dB"),
        ("shifter_loss=1J", "1J dB"),
        ("shifter_loss=nan", "nan dB"),
        ("shifter_loss=inf", "inf dB"),
        ("shifter_loss=-1dB", "-1dB dB at least 0"),  # light that grows with every row
        ("shifter_loss=1e40", "1e40 dB"),
        ("shifter_loss=0.1dB,0.2dB", "0.1dB,0.2dB"),
        ("shifter_loss=1dB±200%", "1dB±200%"),
        ("shifter_loss=1dB=2dB", "1dB=2dB"),
        ("efficiency=1J", "efficiency=1J a number"),
        ("efficiency=-1", "efficiency=-1 at least 0"),
        ("rate=0", "rate=0 1 Hz 1 THz"),
        ("laser_power=2kW", "laser_power=2kW 1 kW"),
        ("node=1m", "node=1m 1 nm 100 um"),
        ("shifter_loss=" + "9" * 5000, "shifter_loss=999"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("command", ["energy", "design"])
def test_constants_that_make_no_sense(
    command: str, value: str, named: str, refusal: Refusal
) -> None:
    sentence = refusal(command, *RNS[1:], "--constant", value)
    assert len(sentence) < 600 and "--constant" in sentence
    assert "--shifter-loss" not in sentence and "--efficiency" not in sentence  # there are none
    for name in named.replace(", ", " ").split(" "):
        assert name in sentence, sentence


def test_a_constant_is_given_once(refusal: Refusal) -> None:
    twice = ("--constant", "shifter_loss=0.1dB", "--constant", "shifter_loss=0.2dB")
    assert "shifter_loss 2 times" in refusal(*RNS, *twice)
    for option, value in (("laser_power", "20mW"), ("rate", "1GHz"), ("node", "7nm")):
        flag = "--" + option.replace("_", "-")
        sentence = refusal(*RNS, "--constant", f"{option}={value}", flag, value)
        assert "--constant" in sentence and flag in sentence


@pytest.mark.parametrize("value", ["efficiency=0", "load=0Ohm"])
def test_constants_that_divide_by_zero(value: str, refusal: Refusal) -> None:
    assert "no finite value" in refusal(*RNS, "--constant", value)


# Cores and what wraps


@pytest.mark.parametrize("command", ["energy", "design"])
@pytest.mark.parametrize(
    "technology", ["reram-analog", "switched-capacitor", "photonic-incoherent"]
)
def test_residues_where_nothing_wraps(command: str, technology: str, refusal: Refusal) -> None:
    sentence = refusal(command, *RNS[1:], "--technology", technology)
    for words in ("core rns needs an array that wraps at m", technology, "m^2 h", "2 b + log2 h",
                  "--modulo-energy", "photonic-phase"):  # fmt: skip
        assert words in sentence, sentence


@pytest.mark.parametrize("command", ["energy", "design"])
@pytest.mark.parametrize("core", ["fixed-lp", "fixed-hp", "bit-sliced"])
def test_sums_that_may_not_wrap(command: str, core: str, refusal: Refusal) -> None:
    sentence = refusal(command, "--core", core, "--bits", 6, "--technology", "photonic-phase")
    for words in (f"core {core}", "do not wrap", "photonic-phase", "reram-analog"):
        assert words in sentence, sentence


def test_a_plot_of_a_breakdown(refusal: Refusal, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    path = tmp_path / "parts.svg"
    sentence = refusal("energy", "--breakdown", "--plot", path)
    assert "--plot" in sentence and "--breakdown" in sentence and not path.exists()

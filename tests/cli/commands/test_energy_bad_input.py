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
        ("--arrays 2", "--arrays --workload"),
        ("--arrays 2 --sensitivity --adc-k1 1fJ±9%", "--arrays --workload"),
        ("--adc-model table", "--adc-model --adc-table"),
        ("--adc-model murmann,table", "--adc-model --adc-table"),
        ("--adc-model murmann --adc-table TABLE", "--adc-model --adc-table"),
        ("--adc-k1 1fJ --adc-model survey", "--adc-k1 murmann"),
        ("--adc-k2 1fJ --adc-table TABLE", "--adc-k2 murmann"),
        ("--walden-fom 1fJ", "--walden-fom --adc-model walden"),
        ("--schreier-fom 180dB --adc-model walden", "--schreier-fom --adc-model schreier"),
        ("--sensitivity", "--sensitivity"),
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
        ("--core fixed-lp --cycle-time 0", "--cycle-time 1 fs 1000 s"),
        ("--core fixed-lp --leakage 2W", "--leakage 0 to 1 W"),
        ("--core fixed-lp --cell-area 2m2", "--cell-area 0 to 1 m2"),
        ("--core fixed-lp --energy-per-mac 2J", "--energy-per-mac 0 to 1 J"),
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
    for option, value in (("--adc-k1", "1fJ"), ("--energy-per-mac", "1fJ"), ("--cell-area", 0)):
        assert option in refusal("energy", "--core", "digital-int8", option, value)

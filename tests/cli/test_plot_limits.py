"""Plots of more than can be told apart are refused before anything is computed or written."""

from collections.abc import Callable
from pathlib import Path

import pytest

Refusal = Callable[..., str]


@pytest.mark.parametrize(
    ("command", "what"),
    [
        (("moduli", "--vector-size", "1..61", "--bits", "6"), "61 bars"),
        (("energy", "--vector-size", "1..61", "--bits", "6", "--core", "rns"), "61 bars"),
        (
            ("error-sim", "--bits", "6", "--core", "rns", "--seed", "0..28", "--pairs", "2",
             "--picture", "distribution"),
            "29",
        ),
        (("fault-prob", "--redundant", "0", "--attempts", "1..29"), "29 lines"),
    ],
)  # fmt: skip
def test_refused(command: tuple[str, ...], what: str, refusal: Refusal, tmp_path: Path) -> None:
    sentence = refusal(*command, "--plot", tmp_path / "a.svg", "--output", tmp_path / "a.json")
    assert "--plot" in sentence and what in sentence
    assert not list(tmp_path.glob("a.*"))

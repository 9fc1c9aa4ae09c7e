"""The answers of the tutorial, by another way than the tool's."""

import re
import shlex
from pathlib import Path
from statistics import NormalDist, fmean

import pytest

from rnscli.cli.main import run

TUTORIAL = (Path(__file__).parent.parent / "docs" / "tutorial.md").read_text(encoding="utf-8")
MODULI = (31, 29, 28, 27)


def wrong(modulus: int, snr: float) -> float:
    """Probability that noise exceeds half a step, where the full scale is m steps."""
    return 2 * NormalDist().cdf(-0.5 / (modulus / 10 ** (snr / 20)))


def test_noise_of_30_db_makes_most_residues_wrong() -> None:
    assert "**Answer:** 31, 29, 28 and 27" in TUTORIAL
    probability = fmean(wrong(m, 30) for m in MODULI)
    assert f"679644  {probability:.4f}  0.8538 .. 0.9803" in TUTORIAL


def test_the_snr_that_is_needed() -> None:
    correct = 1.0
    for m in MODULI:
        correct *= 1 - wrong(m, 49.71)
    assert 1 - correct == pytest.approx(1e-6, rel=0.03)  # as far as two digits of the dB go
    detected = 1.0  # with 31 as the redundant modulus both attempts are wrong once in a million
    for m in (29, 28, 27, 25, 31):
        detected *= 1 - wrong(m, 46.61)
    assert (1 - detected) ** 2 == pytest.approx(1e-6, rel=0.03)


@pytest.mark.thorough
def test_the_specification_cannot_be_met(capsys: pytest.CaptureFixture[str]) -> None:
    (command, sentence) = re.findall(r"```text\n\$ rnscli (.*)\n(.*\n)```", TUTORIAL)[0]
    assert run(shlex.split(command)) == 2
    assert capsys.readouterr() == ("", sentence)

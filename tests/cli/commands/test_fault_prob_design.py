"""``rnscli fault-prob``: laws and levels of the noise, erasures, ``--target``, ``--validate``."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rnscli.analysis.faults import validation
from rnscli.core.noise import Gaussian

Run = Callable[..., Any]
Rows = Callable[..., list[dict[str, Any]]]
Refusal = Callable[..., str]

SMALL = ("fault-prob", "--moduli", "13,11,9,8,7,5", "--redundant", "1", "--attempts", "2")


def test_the_law_follows_the_level(rows: Rows) -> None:
    (uniform,) = rows(*SMALL, "--p", "0.01")
    (gaussian,) = rows(*SMALL, "--sigma", "0.2")
    assert (uniform["noise"], uniform["p"], uniform["sigma"]) == ("uniform", 0.01, None)
    assert (gaussian["noise"], gaussian["sigma"]) == ("gaussian", 0.2)
    assert gaussian["p"] == pytest.approx(math.erfc(1 / (2 * math.sqrt(2) * 0.2)), rel=1e-9)


def test_both_laws_at_the_same_level(rows: Rows) -> None:
    by_p = rows(*SMALL, "--noise", "uniform,gaussian", "--p", "1e-3")
    assert [row["noise"] for row in by_p] == ["uniform", "gaussian"]
    assert by_p[1]["p"] == pytest.approx(1e-3, rel=1e-9)
    by_sigma = rows(*SMALL, "--noise", "uniform,gaussian", "--sigma", str(by_p[1]["sigma"]))
    assert by_sigma[0]["p"] == pytest.approx(1e-3, rel=1e-9)
    assert by_sigma[0]["p_undetected"] == pytest.approx(by_p[0]["p_undetected"], rel=1e-8)


def test_a_ratio_to_full_scale_is_a_sigma_for_each_modulus(rows: Rows) -> None:
    (row,) = rows(*SMALL, "--snr-db", "30")
    sigmas = [m * 10 ** (-30 / 20) for m in (13, 11, 9, 8, 7, 5)]
    assert row["residue_sigma"] == pytest.approx(sigmas, rel=1e-12)
    chances = [
        Gaussian(s).error_probability(m) for s, m in zip(sigmas, (13, 11, 9, 8, 7, 5), strict=True)
    ]
    assert row["residue_p"] == pytest.approx(chances, rel=1e-12)
    assert row["p"] == pytest.approx(sum(chances) / 6, rel=1e-12)


def test_a_level_for_each_modulus_in_brackets_or_a_file(rows: Rows, tmp_path: Path) -> None:
    levels = "1e-2,1e-3,1e-3,1e-3,1e-3,1e-4"
    file = tmp_path / "levels.txt"
    file.write_text(levels.replace(",", "\n"))
    one, both = rows(*SMALL, "--p", f"[{levels}]"), rows(*SMALL, "--p", f"{file},1e-3")
    assert one[0] == both[0]
    assert one[0]["residue_p"] == [1e-2, 1e-3, 1e-3, 1e-3, 1e-3, 1e-4]
    assert both[1]["p"] == 1e-3
    assert both[1]["residue_p"] is None


def test_erased_channels(rows: Rows) -> None:
    none, largest = rows(*SMALL, "--p", "1e-3")[0], rows(*SMALL, "--p", "1e-3", "--erased", "0")[0]
    assert largest["erased"] == [0]
    assert largest["p_detected"] == 0
    assert largest["p_undetected"] == pytest.approx(1 - 0.999**5, rel=1e-12)
    assert largest["conversions"] == 5 < none["conversions"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--p", "0.1", "--sigma", "0.1"), ("--p", "--sigma")),
        (("--sigma", "0.1", "--snr-db", "20"), ("--sigma", "--snr-db")),
        (("--p", "[0.1,0.2]"), ("--p has 2 values", "6 moduli")),
        (("--noise", "gaussian", "--p", "1"), ("--p is 1", "0.999")),
        (("--erased", "0,1"), ("--erased has 2", "at most 1")),
        (("--erased", "6"), ("--erased is 6", "0 to 5")),
        (("--target", "1e-3"), ("--target", "--redundant")),
    ],
)
def test_refusals(options: tuple[str, ...], words: tuple[str, ...], refusal: Refusal) -> None:
    sentence = refusal(*SMALL, *options)
    assert all(word in sentence for word in words), sentence


def test_target_names_the_cheapest_answer(rows: Rows) -> None:
    found = rows("fault-prob", "--bits", "6", "--p", "1e-3", "--target", "1e-6")
    assert [(r["redundant"], r["attempts"]) for r in found] == [(1, 3), (2, 2), (3, 2), (4, 1)]
    assert all(r["p_err"] <= 1e-6 for r in found)
    assert [r["cheapest"] for r in found] == [True, False, False, False]


def test_a_target_out_of_reach(refusal: Refusal) -> None:
    sentence = refusal("fault-prob", "--bits", "4", "--p", "0.1", "--target", "1e-12")
    assert "within 4 bits" in sentence
    assert "without noise" in refusal("fault-prob", "--sigma", "0", "--target", "1e-12")


def test_validate_stands_beside_the_exact_value(rnscli: Run, rows: Rows) -> None:
    (row,) = rows(*SMALL, "--p", "1e-6", "--validate", "2e4")
    low, high = row["simulated_p_undetected_ci999"]
    assert low <= row["p_undetected"] <= high
    assert row["agrees"] is True
    assert rnscli(*SMALL, "--p", "1e-6", "--validate", "2e4").code == 0


def test_a_disagreement_is_exit_code_1(rnscli: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(validation.Estimate, "contains", lambda self, exact, is_bound=False: False)
    ran = rnscli(*SMALL, "--p", "1e-6", "--validate", "2000")
    assert ran.code == 1
    assert "row 1: the exact value lies outside the 99.9 % interval" in ran.err
    assert "DISAGREES" in ran.out

"""``rnscli error-sim``: the published ratio, noise, retries, and operands of one's own."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rnscli.core.noise import Gaussian

Run = Callable[..., Any]
Rows = Callable[..., list[dict[str, Any]]]

NOISY = ("error-sim", "--bits", "6", "--vector-size", "16", "--pairs", "2000")


def by_core(found: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Rows of the full range, by their core."""
    found = [row for row in found if row["adc_range"] != "calibrated"]
    assert len({row["core"] for row in found}) == len(found)
    return {row["core"]: row for row in found}


def test_the_published_ratio(rows: Rows) -> None:
    found = rows("error-sim", "--bits", "4..8", "--vector-size", 128, "--pairs", 3000)
    low = [row["relative_to_rns"] for row in found if row["adc_range"] == "full"]
    low = [ratio for ratio in low if ratio != 1.0]  # of fixed-hp
    assert len(low) == 5
    assert all(9 <= ratio <= 16.5 for ratio in low)
    # Which a range that fits the outputs takes nearly all of.
    calibrated = [row["relative_to_rns"] for row in found if row["adc_range"] == "calibrated"]
    assert len(calibrated) == 5
    assert all(1.6 <= ratio <= 2.1 for ratio in calibrated)
    for row in found:
        if row["core"] != "fixed-lp":  # both are exact but for the quantisation
            assert row["relative_to_rns"] == 1.0


def test_the_columns_without_noise(rows: Rows) -> None:
    for row in rows("error-sim", "--bits", 6, "--pairs", 500):
        low, high = row["mean_abs_error_ci95"]
        assert low < row["mean_abs_error"] < high
        assert abs(row["mean_error"]) <= row["mean_abs_error"] <= row["rms_error"]
        assert (
            0
            < row["p50_abs_error"]
            <= row["p95_abs_error"]
            <= row["p99_abs_error"]
            <= row["max_abs_error"]
        )
        for key in ("sigma", "p", "output_error_rate", "expected_attempts"):
            assert row[key] is None
        assert (row["bits"], row["vector_size"], row["pairs"]) == (6, 128, 500)


def test_a_core_does_not_depend_on_the_others(rows: Rows) -> None:
    together = rows(*NOISY, "--p", 0.01, "--core", "fixed-hp,rns,fixed-lp")
    assert [row["core"] for row in together] == ["fixed-hp", "rns", "fixed-lp", "fixed-lp"]
    for core in ("fixed-hp", "rns", "fixed-lp"):
        alone = rows(*NOISY, "--p", 0.01, "--core", core)
        assert alone == [row for row in together if row["core"] == core]
    assert rows(*NOISY, "--p", 0.01, "--core", "fixed-lp", "--adc-range", "calibrated") == [
        together[-1]
    ]


def test_noise_reaches_every_core(rows: Rows) -> None:
    found = by_core(rows(*NOISY, "--p", 0.02))
    for row in found.values():
        assert row["p"] == pytest.approx(0.02)
        assert (row["sigma"], row["expected_attempts"]) == (None, 1)
        low, high = row["output_error_rate_ci95"]
        assert 0 < low < row["output_error_rate"] < high < 0.2
    # Three or more residues are wrong more often than one code.
    assert found["rns"]["output_error_rate"] > found["fixed-hp"]["output_error_rate"]


@pytest.mark.parametrize("noise", ["--p", "--sigma"])
def test_no_noise_and_zero_noise_give_the_same_errors(noise: str, rows: Rows) -> None:
    quiet, zero = rows(*NOISY), rows(*NOISY, noise, 0)
    for before, after in zip(quiet, zero, strict=True):
        assert after["mean_abs_error"] == before["mean_abs_error"]
        assert after["max_abs_error"] == before["max_abs_error"]
        assert (after["output_error_rate"], after["expected_attempts"]) == (0, 1)


def test_gaussian_noise_in_steps_of_a_residue(rows: Rows) -> None:
    row = by_core(rows(*NOISY, "--sigma", 0.25))["rns"]
    moduli = row["moduli"] + row["redundant_moduli"]
    expected = [Gaussian(0.25).error_probability(modulus) for modulus in moduli]
    assert row["p"] == pytest.approx(sum(expected) / len(expected))
    assert row["sigma"] == 0.25


def test_redundancy_and_retries_help(rows: Rows) -> None:
    found = rows(*NOISY, "--p", 0.02, "--core", "rns", "--redundant", "0..2", "--attempts", 4)
    rates = [row["output_error_rate"] for row in found]
    assert rates[0] > rates[1] >= rates[2]
    assert [row["redundant"] for row in found] == [0, 1, 2]
    assert [len(row["redundant_moduli"]) for row in found] == [0, 1, 2]
    assert found[0]["expected_attempts"] == 1 < found[1]["expected_attempts"] < 2
    assert all(row["attempts"] == 4 for row in found)


def test_every_word_is_wrong_at_p_1(rows: Rows) -> None:
    row = by_core(rows(*NOISY, "--p", 1))["rns"]
    assert (row["p"], row["output_error_rate"]) == (1.0, 1.0)


def test_operands_from_a_file(rows: Rows, tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    x, w = rng.uniform(-3, 3, (2, 40, 24))
    path = tmp_path / "layer.npz"
    np.savez(path, x=x, w=w)
    for row in rows("error-sim", "--bits", 8, "--operands", path):
        assert (row["pairs"], row["vector_size"], row["operands"]) == (40, 24, str(path))
    part = rows("error-sim", "--bits", 8, "--operands", path, "--pairs", 10, "--core", "rns")
    levels = 127
    sx, sw = (np.abs(values).max(axis=1, keepdims=True) for values in (x, w))
    quantised = (np.rint(x * levels / sx) * np.rint(w * levels / sw)).sum(axis=1)
    errors = quantised * (sx * sw)[:, 0] / levels**2 - (x * w).sum(axis=1)
    assert part[0]["mean_abs_error"] == pytest.approx(np.abs(errors[:10]).mean(), rel=1e-9)
    assert part[0]["max_abs_error"] == pytest.approx(np.abs(errors[:10]).max(), rel=1e-9)


@pytest.mark.parametrize("kind", [np.float32, np.float16, np.int16, np.bool_])
def test_operands_of_any_kind_of_number(kind: type, rows: Rows, tmp_path: Path) -> None:
    values: Any = np.random.default_rng(2).uniform(-5, 5, (10, 8)).astype(kind)
    np.savez(tmp_path / "layer.npz", x=values, w=values)
    (row,) = rows("error-sim", "--bits", 8, "--operands", tmp_path / "layer.npz", "--core", "rns")
    assert row["mean_abs_error"] < 1


def test_operands_that_are_all_zero(rows: Rows, tmp_path: Path) -> None:
    np.savez(tmp_path / "zero.npz", x=np.zeros((5, 4)), w=np.zeros((5, 4)))
    for row in rows("error-sim", "--bits", 6, "--operands", tmp_path / "zero.npz"):
        assert row["max_abs_error"] == row["mean_abs_error"] == row["p99_abs_error"] == 0
        assert row["relative_to_rns"] is None


def test_distributions_differ(rows: Rows) -> None:
    found = rows(
        "error-sim", "--bits", 6, "--pairs", 500, "--core", "rns",
        "--operands", "uniform,normal,laplace",
    )  # fmt: skip
    errors = [row["mean_abs_error"] for row in found]
    assert [row["operands"] for row in found] == ["uniform", "normal", "laplace"]
    assert errors == sorted(errors) and len(set(errors)) == 3


def test_moduli_of_ones_own(rows: Rows) -> None:
    (row,) = rows(*NOISY, "--moduli", "63,62,61,59", "--redundant", 1, "--core", "rns")
    assert (row["moduli"], row["redundant_moduli"]) == ([62, 61, 59], [63])
    with_bits = ("error-sim", "--vector-size", "16", "--pairs", "2000")
    assert rows(*with_bits, "--moduli", "63,62,61,59", "--redundant", 1, "--core", "rns") == [row]


def test_nothing_but_the_result_is_printed(rnscli: Run) -> None:
    ran = rnscli("error-sim", "--bits", 6, "--pairs", 100, "--core", "rns", "--format", "csv")
    assert (ran.code, ran.err) == (0, "")
    assert len(ran.out.splitlines()) == 2

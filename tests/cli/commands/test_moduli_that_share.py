"""Moduli of which some share factors, on the command line."""

import math
from collections.abc import Callable
from typing import Any

import pytest

Run = Callable[..., Any]
Rows = Callable[..., list[dict[str, Any]]]
FIVE = ("--moduli", "63,60,55,54,49", "--factor", 1)


def test_error_probability(rows: Rows) -> None:
    (row,) = rows(
        "fault-prob", "--moduli", "60,62,64", "--factor", 2, "--sigma", 0.2, "--attempts", 1
    )
    assert (row["moduli"], row["factor"], row["decoder"]) == ([64, 62, 60], 2, "robust")
    assert row["legitimate_range"] == math.lcm(64, 62, 60) == 29760
    total = row["p_correct"] + row["p_detected"] + row["p_undetected"]
    assert total == pytest.approx(1, abs=1e-12)
    # Of one residue off by 1: 62 disagrees with 60 and 64 by 2, and 60 is told by its 4 alone.
    assert 0.0005 < row["p_err"] < 0.0124


def test_parameters_of_the_code(rows: Rows) -> None:
    (row,) = rows("moduli", *FIVE, "--code")
    assert (row["factor"], row["dynamic_range"]) == (1, 291_060)
    assert (row["minimum_distance"], row["radius"]) == (1, 0)
    squares = (row["minimum_square"], row["minimum_square_gross"])
    # A step is one in all five residues; 20 beside the mean, which is that of G = 5.
    assert squares[0] == 5 and squares[0] <= squares[1] <= 25
    assert row["undetected_by_weight"] is None
    (short,) = rows("moduli", *FIVE, "--code", "--legitimate-range", 541)
    assert short["minimum_distance"] == 3  # 540 is a multiple of 60 and 54, but of no other


def test_simulated_errors(rows: Rows) -> None:
    found = rows("error-sim", *FIVE, "--sigma", "0,0.3", "--pairs", 500, "--core", "rns")
    quiet, noisy = found
    assert (quiet["output_error_rate"], quiet["p"]) == (0, 0)
    assert noisy["decoder"] == "robust" and noisy["output_error_rate"] < 0.02
    assert noisy["p"] > 0.09  # of each of five residues


def test_energy(rows: Rows) -> None:
    (shared,) = rows("energy", *FIVE, "--core", "rns")
    (coprime,) = rows("energy", "--moduli", "63,62,61,59,55", "--core", "rns")
    assert 0 < shared["reverse_energy_j"] < coprime["reverse_energy_j"]
    # Its table is read in every attempt.
    assert shared["decoding_energy_j"] > coprime["decoding_energy_j"] == 0
    assert shared["energy_per_dot_product_j"] > 0


def test_one_is_the_usual_search(rows: Rows) -> None:
    (given,) = rows("moduli", "--bits", 6, "--factor", 1)
    (usual,) = rows("moduli", "--bits", 6)
    assert given == usual
    (coprime,) = rows("moduli", "--moduli", "63,62,61,59,55", "--factor", 1, "--redundant", 1)
    assert (coprime["moduli"], coprime["redundant_moduli"]) == ([62, 61, 59, 55], [63])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("moduli", "--moduli", "60,62,64"), "share factors give a --factor of 2"),
        (("moduli", "--moduli", "60,62,64", "--factor", 1), "multiples of 2; the --factor is 1"),
        (("moduli", "--moduli", "60,62,64", "--factor", 4), "62 is not a multiple"),
        (("moduli", *FIVE, "--redundant", 1), "no redundant moduli; --redundant is 1"),
        (("fault-prob", *FIVE, "--decoder", "detect"), "share factors; use robust"),
        (("moduli", "--family", "common-factor", "--factor", 1), "--factor is 1"),
        (("moduli", "--factor", 0), "--factor"),
        (
            ("fault-prob", "--moduli", "36864,28672,61440", "--factor", 4096, "--sigma", 0.3),
            "syndromes",
        ),
    ],
)
def test_refusals(arguments: tuple[object, ...], said: str, rnscli: Run) -> None:
    ran = rnscli(*arguments)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err and ran.err.count("\n") == 1

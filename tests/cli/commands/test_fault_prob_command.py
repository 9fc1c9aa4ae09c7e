"""``rnscli fault-prob``: exact probabilities, retries, and the ranges of a code."""

import itertools
import math
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import pytest

from rnscli.analysis.faults.fault_probability import FaultParameters, fault_probability
from rnscli.core.arithmetic.moduli import ModuliSet

Run = Callable[..., Any]
Rows = Callable[..., list[dict[str, Any]]]


def brute_force(moduli: tuple[int, ...], size: int, p: float) -> list[list[float]]:
    """p_c, p_d, p_u of a decoder that only detects, for every codeword, from every word."""
    words = [tuple(value % modulus for modulus in moduli) for value in range(size)]
    outcomes = []
    for sent in words:
        correct = detected = undetected = 0.0
        for word in itertools.product(*map(range, moduli)):
            chance = math.prod(
                1 - p if a == b else p / (modulus - 1)
                for a, b, modulus in zip(sent, word, moduli, strict=True)
            )
            if word == sent:
                correct += chance
            elif word in words:
                undetected += chance
            else:
                detected += chance
        outcomes.append([correct, detected, undetected])
    return outcomes


@pytest.mark.parametrize("size", [6, 10, 15])
def test_a_small_code_word_by_word(size: int, rows: Rows) -> None:
    (row,) = rows(
        "fault-prob", "--moduli", "7,5,3", "--redundant", 1, "--p", 0.1, "--attempts", 3,
        "--decoder", "detect", "--legitimate-range", size,
    )  # fmt: skip
    outcomes = brute_force((7, 5, 3), size, 0.1)
    means = (math.fsum(column) / size for column in zip(*outcomes, strict=True))
    for name, mean in zip(("p_correct", "p_detected", "p_undetected"), means, strict=True):
        assert row[name] == pytest.approx(mean, rel=1e-12)
    again = [1 + detected + detected**2 for _, detected, _ in outcomes]
    p_err = [u * times + d**3 for (_, d, u), times in zip(outcomes, again, strict=True)]
    assert row["p_err"] == pytest.approx(math.fsum(p_err) / size, rel=1e-12)
    assert row["expected_attempts"] == pytest.approx(math.fsum(again) / size, rel=1e-12)


def test_the_default_sweep(rows: Rows) -> None:
    found = rows("fault-prob")
    assert [(row["redundant"], row["attempts"]) for row in found] == list(
        itertools.product((0, 1, 2), (1, 2, "inf"))
    )
    for row in found:
        outcomes = row["p_correct"], row["p_detected"], row["p_undetected"]
        assert sum(outcomes) == pytest.approx(1, abs=1e-12)
        assert all(0 <= outcome <= 1 for outcome in outcomes)
        assert (row["p"], row["noise"], row["sigma"]) == (1e-3, "uniform", None)
        assert row["decoder"] == "bounded-distance"
        assert len(row["redundant_moduli"]) == row["redundant"]
        assert row["legitimate_range"] == math.prod(row["moduli"])


def test_redundancy_and_retries_help(rows: Rows) -> None:
    found = rows("fault-prob", "--redundant", "0..3", "--attempts", "1,2,inf", "--p", 1e-3)
    for redundant, group in itertools.groupby(found, key=lambda row: row["redundant"]):
        errors = [row["p_err"] for row in group]
        assert errors == sorted(errors, reverse=True)
        assert (errors[0] == errors[2]) == (redundant == 0)
    once = [row["p_err"] for row in found if row["attempts"] == "inf"]
    assert once[0] > once[1] > once[3]


def test_small_probabilities_keep_their_digits(rows: Rows) -> None:
    tiny, small = rows("fault-prob", "--redundant", 2, "--attempts", "inf", "--p", "1e-12,1e-6")
    # Two wrong residues are the fewest that are not corrected, and some of them go undetected.
    assert tiny["p_undetected"] == pytest.approx(small["p_undetected"] * 1e-12, rel=1e-4)
    assert 0 < tiny["p_err"] < 1e-20


def test_no_noise_and_nothing_but_noise(rows: Rows) -> None:
    none, all_wrong = rows("fault-prob", "--redundant", 0, "--attempts", 1, "--p", "0,1")
    assert (none["p_correct"], none["p_err"], none["expected_attempts"]) == (1, 0, 1)
    assert (all_wrong["p_correct"], all_wrong["p_err"]) == (0, 1)


def test_a_tighter_range_is_free_redundancy(rows: Rows) -> None:
    wide, tight = rows(
        "fault-prob", "--redundant", 1, "--attempts", "inf",
        "--legitimate-range", "product,operands",
    )  # fmt: skip
    assert tight["legitimate_range"] == 246017 < wide["legitimate_range"] == 12272590
    assert tight["p_undetected"] < wide["p_undetected"]
    (row,) = rows("fault-prob", "--redundant", 1, "--attempts", "inf", "--legitimate-range", 246017)
    assert row == tight


def test_decoders(rows: Rows) -> None:
    found = rows(
        "fault-prob", "--redundant", 2, "--attempts", 1,
        "--decoder", "detect,majority,bounded-distance",
    )  # fmt: skip
    detect, majority, bounded = found
    assert detect["p_correct"] < bounded["p_correct"]
    assert detect["p_undetected"] < bounded["p_undetected"]
    assert majority["p_correct"] in (detect["p_correct"], bounded["p_correct"])


def test_moduli_of_ones_own_have_no_redundancy_unless_it_is_said(rows: Rows) -> None:
    (row,) = rows("fault-prob", "--moduli", "63,62,61,59", "--attempts", 1)
    assert (row["moduli"], row["redundant"]) == ([63, 62, 61, 59], 0)
    (row,) = rows("fault-prob", "--moduli", "53,55,59,61,62,63", "--redundant", 2, "--attempts", 2)
    assert (row["moduli"], row["redundant_moduli"]) == ([61, 59, 55, 53], [63, 62])
    assert row["p_err"] == pytest.approx(9.1573e-07, rel=1e-4)


def test_a_rate_too_small_for_a_double_is_said(rnscli: Run) -> None:
    ran = rnscli("fault-prob", "--moduli", "31,29,28", "--redundant", 1, "--p", "3e-219")
    assert ran.code == 0
    assert ran.err.count("\n") == 1
    assert ran.err.startswith("rnscli: warning: ") and "3e-219" in ran.err


def test_rows_are_those_of_the_function(rows: Rows) -> None:
    parameters = FaultParameters(
        moduli=ModuliSet([15, 14, 13, 11], redundant=1), p=0.01, attempts=3, decoder="detect"
    )
    (row,) = rows(
        "fault-prob", "--moduli", "15,14,13,11", "--redundant", 1, "--p", 0.01, "--attempts", 3,
        "--decoder", "detect",
    )  # fmt: skip
    expected = {
        key: list(value) if isinstance(value, tuple) else value
        for key, value in asdict(fault_probability(parameters)).items()
    }
    assert {key: row[key] for key in expected} == expected
    more = {key: value for key, value in row.items() if key not in expected}
    assert more == dict.fromkeys(more) | {"bits": 4, "rule": "exact", "values": "uniform"}


def test_the_most_noise_for_a_target(rows: Rows) -> None:
    line = ("fault-prob", "--solve", "sigma", "--target", "1e-6,1e-3")
    found = rows(*line, "--bits", 4, "--redundant", 1)
    assert [(row["target"], row["attempts"]) for row in found] == [
        (target, attempts) for attempts in (1, 2, "inf") for target in (1e-6, 1e-3)
    ]
    for row in found:
        assert row["p_err"] == pytest.approx(row["target"], rel=1e-6)
        (given,) = rows(
            "fault-prob", "--sigma", row["sigma"], "--bits", 4, "--redundant", 1,
            "--attempts", row["attempts"],
        )  # fmt: skip
        assert row == given | {"target": row["target"]}


def test_a_level_that_is_found_is_in_its_own_column(rows: Rows, rnscli: Run) -> None:
    line = ("fault-prob", "--target", 1e-6, "--redundant", 1, "--attempts", 1, "--solve")
    (snr,), (p,) = rows(*line, "snr-db"), rows(*line, "p")
    (given,) = rows(*line[:1], *line[3:7], "--snr-db", snr["snr_db"])
    assert given["p_err"] == snr["p_err"] == pytest.approx(1e-6, rel=1e-6)
    assert p["noise"] == "uniform" and p["snr_db"] is None
    assert "snr (dB)" in rnscli(*line, "snr-db").out


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("--solve sigma", "--solve needs the p_err to keep; give --target, too"),
        ("--solve sigma --target 1e-3 --sigma 0.1", "so leave --sigma out"),
        ("--solve p,sigma --target 1e-3", "--solve is p,sigma; give one of them"),
        ("--solve p --target 1", "--target is 1.0; it must be"),
        ("--solve p --target 0", "--target: '0' is not accepted"),
        ("--solve p --target nan", "--target: 'nan' is not accepted"),
        ("--solve watts --target 1e-3", "--solve: 'watts' is not accepted"),
        ("--solve sigma --noise uniform --target 1e-3", "solve p, or leave --noise out"),
        ("--solve sigma --target 0.99 --moduli 4", "keeps the --target 0.99 at any sigma"),
    ],
)
def test_levels_that_cannot_be_found(given: str, said: str, rnscli: Run) -> None:
    ran = rnscli("fault-prob", *given.split())
    assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1)
    assert said in ran.err


def test_a_level_that_is_found_is_simulated(rows: Rows) -> None:
    (row,) = rows(
        "fault-prob", "--solve", "p", "--target", 1e-9, "--redundant", 2, "--attempts", 2,
        "--validate", 20000,
    )  # fmt: skip
    assert row["agrees"]


def test_static_errors_are_swept_and_stated(rows: Rows, rnscli: Run) -> None:
    line = ("fault-prob", "--bits", 4, "--redundant", 1, "--sigma", 0.2, "--attempts", "1,2,3")
    found = rows(*line, "--static-share", "0,0.5")
    by_share = {
        share: [row for row in found if row["static_share"] == share] for share in (0.0, 0.5)
    }
    assert [row["p_err"] for row in by_share[0.0]] == [row["p_err"] for row in rows(*line)]
    once, twice, thrice = by_share[0.5]
    assert once["p_err"] == by_share[0.0][0]["p_err"]  # of the law of the sum of both parts
    assert twice["p_err"] == twice["p_err_low"] > 2 * by_share[0.0][1]["p_err"]
    assert thrice["is_bound"] and thrice["p_err_low"] <= thrice["p_err"] < twice["p_err"]
    said = rnscli(*line, "--static-share", "0.5").out
    assert "static share = 0.5" in said and "p_err at least" in said
    assert "static share" not in rnscli(*line).out


@pytest.mark.parametrize(
    ("command", "given", "said"),
    [
        ("fault-prob", "--p 1e-3 --static-share 0.5", "constant of the noise gaussian"),
        ("fault-prob", "--sigma 0.1 --static-share 1.1", "a share from 0 to 1"),
        ("fault-prob", "--sigma 0.1 --static-share nan", "a share from 0 to 1"),
        ("energy", "--core rns --bits 6 --sigma 0.1 --static-share 0.5 --attempts 3",
         "--attempts is 3: give 1 or 2"),
        ("design", "--core rns --bits 6 --sigma 0.1 --static-share 0.5",
         "--attempts is inf: give 1 or 2"),
    ],
)  # fmt: skip
def test_static_errors_that_are_refused(command: str, given: str, said: str, rnscli: Run) -> None:
    ran = rnscli(command, *given.split())
    assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1)
    assert said in ran.err


def test_the_most_noise_under_static_errors(rows: Rows) -> None:
    line = ("fault-prob", "--bits", 4, "--redundant", 1, "--solve", "sigma", "--target", 1e-6)
    found = rows(*line, "--attempts", 2, "--static-share", "0,0.5,1", "--noise", "gaussian")
    sigmas = [row["sigma"] for row in found]
    assert sigmas == sorted(sigmas, reverse=True)
    for row in found:
        assert row["p_err"] == pytest.approx(1e-6, rel=1e-5)


def test_a_simulation_of_the_error_has_static_errors(rows: Rows) -> None:
    line = ("error-sim", "--bits", 4, "--vector-size", 16, "--redundant", 1, "--core", "rns")
    fresh, static = rows(
        *line, "--sigma", 0.2, "--attempts", 2, "--static-share", "0,1", "--pairs", 20000
    )
    assert (fresh["static_share"], static["static_share"]) == (0, 1)
    assert fresh["output_error_rate"] < 0.5 * static["output_error_rate"]

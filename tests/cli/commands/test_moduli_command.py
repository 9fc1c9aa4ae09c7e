"""``rnscli moduli``: the published sets, redundancy, and the other ways to ask for a set."""

import math
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import pytest

from rnscli.analysis.moduli import ModuliRequest, moduli_table

Run = Callable[..., Any]
Rows = Callable[..., list[dict[str, Any]]]

# arXiv:2309.10759, h = 128.
PUBLISHED = {
    4: [15, 14, 13, 11],
    5: [31, 29, 28, 27],
    6: [63, 62, 61, 59],
    7: [127, 126, 125],
    8: [255, 254, 253],
}


@pytest.mark.parametrize("rule", ["exact", "bits"])
def test_the_published_table(rule: str, rows: Rows) -> None:
    found = rows("moduli", "--bits", "4..8", "--vector-size", 128, "--rule", rule)
    assert {row["bits"]: row["moduli"] for row in found} == PUBLISHED
    for row in found:
        bits = row["bits"]
        levels = 2 ** (bits - 1) - 1
        assert row["output_bits"] == 2 * bits + 7 - 1
        assert row["lost_bits"] == row["output_bits"] - bits
        exact = 2 * 128 * levels**2 + 1
        assert row["required_range"] == (exact if rule == "exact" else 2 ** row["output_bits"])
        assert row["dynamic_range"] == math.prod(row["moduli"]) >= row["required_range"]
        assert row["log2_dynamic_range"] == pytest.approx(math.log2(row["dynamic_range"]))
        assert (row["redundant_moduli"], row["count"]) == ([], len(row["moduli"]))


def test_the_published_table_is_the_default(rnscli: Run, rows: Rows) -> None:
    assert [row["moduli"] for row in rows("moduli")] == list(PUBLISHED.values())
    printed = rnscli("moduli").out
    for moduli in PUBLISHED.values():
        assert " ".join(map(str, moduli)) in printed


def test_one_redundant_modulus_of_4_bits(rows: Rows) -> None:
    (row,) = rows("moduli", "--bits", 4, "--vector-size", 128, "--redundant", 1)
    assert (row["redundant_moduli"], row["moduli"]) == ([13], [11, 9, 8, 7, 5])
    assert (row["count"], row["dynamic_range"]) == (6, 27720)


def test_two_redundant_moduli_of_4_bits_do_not_exist(refusal: Callable[..., str]) -> None:
    sentence = refusal("moduli", "--bits", 4, "--vector-size", 128, "--redundant", 2)
    assert "smallest bits with an answer is 5" in sentence


def test_the_bits_that_are_named_do_have_an_answer(refusal: Callable[..., str], rows: Rows) -> None:
    sentence = refusal("moduli", "--bits", 4, "--input-bits", 8, "--weight-bits", 8)
    assert "smallest bits with an answer is 5" in sentence
    (row,) = rows("moduli", "--bits", 5, "--input-bits", 8, "--weight-bits", 8)
    assert ",".join(map(str, row["moduli"])) in sentence


def test_three_redundant_moduli_of_6_bits(rows: Rows) -> None:
    (row,) = rows("moduli", "--bits", 6, "--vector-size", 128, "--redundant", 3)
    assert (row["redundant_moduli"], row["moduli"]) == ([62, 61, 59], [57, 55, 53, 49])


def test_a_near_miss(rows: Rows, refusal: Callable[..., str]) -> None:
    assert 63 * 62 * 61 == 238_266 < 246_017
    assert "exactly 3" in refusal("moduli", "--bits", 6, "--vector-size", 128, "--count", 3)
    (row,) = rows("moduli", "--bits", 6, "--vector-size", 123, "--count", 3)
    assert row["moduli"] == [63, 62, 61]


def test_the_largest_modulus_can_be_moved(rows: Rows) -> None:
    (row,) = rows("moduli", "--bits", 8, "--max-modulus", 256)
    assert row["moduli"] == [256, 255, 253]
    (row,) = rows("moduli", "--bits", 8, "--max-modulus", 250)
    assert row["moduli"][0] <= 250


def test_a_precision_instead_of_a_dot_product(rows: Rows) -> None:
    (row,) = rows("moduli", "--bits", 8, "--precision-bits", 64, "--redundant", 4)
    assert row["required_range"] == 2**64 <= row["dynamic_range"]
    assert row["vector_size"] is row["input_bits"] is row["weight_bits"] is None
    assert len(row["redundant_moduli"]) == 4
    assert min(row["redundant_moduli"]) > max(row["moduli"])


def test_the_special_family(rows: Rows) -> None:
    (row,) = rows("moduli", "--bits", 8, "--vector-size", 16, "--family", "special")
    assert row["moduli"] == [129, 128, 127]
    found = rows("moduli", "--bits", 8, "--vector-size", 16, "--family", "any,special")
    assert [row["moduli"] for row in found] == [[255, 254, 253], [129, 128, 127]]


def test_the_best_sets_are_ranked(rows: Rows) -> None:
    found = rows("moduli", "--bits", "4,5", "--top", 3)
    assert [(row["bits"], row["rank"]) for row in found] == [
        (bits, rank) for bits in (4, 5) for rank in (1, 2, 3)
    ]
    ranges = [row["dynamic_range"] for row in found[:3]]
    assert ranges == sorted(ranges, reverse=True)


def test_a_set_of_ones_own(rows: Rows) -> None:
    (row,) = rows("moduli", "--moduli", "59,61,62,63")
    assert (row["moduli"], row["bits"], row["dynamic_range"]) == ([63, 62, 61, 59], 6, 14057694)
    assert row["required_range"] is row["output_bits"] is row["lost_bits"] is None
    (row,) = rows("moduli", "--moduli", "63,62,61,59,55", "--redundant", 1, "--bits", 6)
    assert (row["redundant_moduli"], row["moduli"]) == ([63], [62, 61, 59, 55])
    assert row["required_range"] == 246017


def test_integers_of_any_size_are_exact(rows: Rows) -> None:
    (row,) = rows("moduli", "--bits", 64, "--precision-bits", 1024)
    assert row["dynamic_range"] == math.prod(row["moduli"]) >= 2**1024 == row["required_range"]


def test_rows_are_those_of_the_function(rows: Rows) -> None:
    expected = asdict(moduli_table(ModuliRequest(bits=6, vector_size=128, redundant=2))[0])
    (row,) = rows("moduli", "--bits", 6, "--redundant", 2)
    expected |= {"rule": "exact", "family": None, "max_modulus": None, "precision_bits": None}
    expected |= dict.fromkeys(("decoder", "legitimate_range", "tolerance"))
    assert row == {
        key: list(value) if isinstance(value, tuple) else value for key, value in expected.items()
    }


def test_a_set_that_is_too_small_for_the_usual_dot_product_is_told(rnscli: Run) -> None:
    ran = rnscli("moduli", "--moduli", "63,62,61")
    assert ran.code == 0 and "238266" in ran.out
    assert "cover 238266 values, but a dot product of 128 terms of 6 x 6" in ran.err
    assert "246017" in ran.err and "--vector-size" in ran.err
    for enough in (("63,62,61,59",), ("63,62,61", "--vector-size", 64)):
        assert rnscli("moduli", "--moduli", *enough).err == ""


def test_the_longest_dot_product(rows: Rows, rnscli: Run) -> None:
    line = ("moduli", "--moduli", "63,62,61,59", "--solve", "vector-size", "--rule")
    exact, power = rows(*line, "exact,bits")
    assert exact["vector_size"] == (63 * 62 * 61 * 59 - 1) // (2 * 31 * 31)
    assert power["vector_size"] == 2 ** (23 - 12 + 1)  # b_out = 6 + 6 + log2 h - 1 of 23 bits
    for row in (exact, power):
        assert row["required_range"] <= row["dynamic_range"] < row["next_required_range"]
    assert "7314" in rnscli(*line, "exact").out
    (given,) = rows("moduli", "--moduli", "63,62,61,59", "--vector-size", exact["vector_size"])
    assert given == exact | {"next_required_range": None}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("--count 4 --vector-size 128", "so leave --vector-size out"),
        ("--bits 6", "--solve needs a set, so give --moduli, or --count of the best one"),
        ("--moduli 3,2 --input-bits 8", "but a dot product of 1 terms"),
        ("--count 4 --precision-bits 8", "--precision-bits leaves no --vector-size to --solve"),
        ("--bits 8 --count 9", "terms, which is as long as they may be"),
    ],
)
def test_lengths_that_cannot_be_found(given: str, said: str, refusal: Callable[..., str]) -> None:
    assert said in refusal("moduli", "--solve", "vector-size", *given.split())

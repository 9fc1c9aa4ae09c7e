"""--adc-range, --calibration and --percentile of the commands that have them."""

from collections.abc import Callable
from typing import Any

import pytest

Run = Callable[..., Any]
Rows = Callable[..., list[dict[str, Any]]]
ERRORS = ("error-sim", "--bits", "6", "--pairs", "200")


@pytest.mark.parametrize("command", ["error-sim", "energy", "design"])
@pytest.mark.parametrize(
    ("option", "value", "accepted"),
    [
        ("--adc-range", "0", "a fraction above 0 and at most 1, such as 1/8 or 0.01"),
        ("--adc-range", "-1/8", "one of full, calibrated, or a fraction above 0"),
        ("--adc-range", "3/2", "a fraction above 0 and at most 1"),
        ("--adc-range", "nan", "a fraction above 0 and at most 1"),
        ("--adc-range", "half", "one of full, calibrated, or a fraction above 0"),
        ("--calibration", "mean", "one of percentile, max, least-squares"),
        ("--percentile", "50", "a number above 50 and at most 100"),
        ("--percentile", "101", "a number above 50 and at most 100"),
    ],
)
def test_bad_input(command: str, option: str, value: str, accepted: str, rnscli: Run) -> None:
    ran = rnscli(command, "--bits", 6, f"{option}={value}")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.count("\n") == 1 and option in ran.err and accepted in ran.err


def test_a_range_that_clips_everything(rnscli: Run) -> None:
    ran = rnscli(*ERRORS, "--core", "fixed-lp", "--adc-range", "1/2000")
    assert ran.code == 2 and "--adc-range is 1/2000, which clips 9" in ran.err
    told = rnscli(*ERRORS, "--core", "fixed-lp", "--adc-range", "1/64")
    assert told.code == 0 and "fixed-lp 1/64 at 6 bits: the range clips 5" in told.err


def test_what_is_not_calibrated_has_one_row(rows: Rows) -> None:
    found = rows(
        *ERRORS, "--core", "rns,fixed-lp", "--calibration", "max,percentile,least-squares",
        "--percentile", "99,99.98",
    )  # fmt: skip
    assert [(r["core"], r["adc_range"], r["calibration"], r["percentile"]) for r in found] == [
        ("rns", None, None, None),
        ("fixed-lp", "full", None, None),
        ("fixed-lp", "calibrated", "max", None),
        ("fixed-lp", "calibrated", "percentile", 99),
        ("fixed-lp", "calibrated", "percentile", 99.98),
        ("fixed-lp", "calibrated", "least-squares", None),
    ]
    widths = [row["adc_share"] for row in found]
    assert widths[0] is None and widths[1] == 1
    assert widths[3] < widths[4] < widths[2] < 0.2


@pytest.mark.parametrize(
    ("words", "idle"),
    [
        ("--adc-range full --calibration max", "--calibration changes nothing without --adc-range"),
        ("--calibration max --percentile 99", "--percentile changes nothing without --calibration"),
        ("--adc-range calibrated --calibration max", ""),
        ("--percentile 99", ""),
    ],
)
def test_calibration_is_of_a_calibrated_range(words: str, idle: str, rnscli: Run) -> None:
    ran = rnscli(*ERRORS, "--core", "fixed-lp", *words.split())
    assert ran.code == 0 and bool(ran.err) == bool(idle) and idle in ran.err


def test_energy_of_a_range_with_few_numbers(rows: Rows) -> None:
    """An ADC of 14 bits has no use for all in a range of fewer numbers."""
    full, fitting, small = rows(
        "energy", "--bits", 4, "--vector-size", 16, "--core", "bit-sliced", "--adc-bits", 14,
        "--adc-range", "full,calibrated,1/16", "--adc-model", "murmann",
    )  # fmt: skip
    assert full["adc_bits"] == 4 + 1 + 4  # of inputs, of a slice, and of 16 terms
    assert small["adc_bits"] == 5 < fitting["adc_bits"] < 9
    assert small["adc_energy_j"] < fitting["adc_energy_j"] < full["adc_energy_j"]
    assert (full["calibration"], fitting["calibration"]) == (None, "percentile")

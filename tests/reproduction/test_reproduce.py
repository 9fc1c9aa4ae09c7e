from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from rnscli.reproduction.cases import CONDITIONS, PUBLISHED, RESULTS, STUDY
from rnscli.reproduction.page import CORES, FIGURES
from rnscli.reproduction.reproduce import Reproduction, Request, reproduce

# Means of fixed-lp over means of rns that another program found, with other random operands.
OTHER_RATIOS = {4: 9.9, 5: 15.9, 6: 15.5, 7: 15.5, 8: 15.2}


@pytest.fixture(scope="module")
def found() -> Reproduction:
    return reproduce()


def test_every_row_has_its_verdict(found: Reproduction) -> None:
    verdicts = {
        result: Counter(row.verdict for row in found.rows if row.result == result)
        for result in RESULTS
    }
    assert verdicts == {
        "moduli": {"same": 10},
        "adc-energy": {"same": 5},
        "error": {"within": 1, "close": 4},
        "p-err": {"agrees": 14},
        "reram-block": {"same": 59, "within": 1, "close": 83, "explained": 5, "given": 1},
        "chips": {"same": 13, "within": 1, "close": 20, "explained": 9},
    }
    assert tuple(dict.fromkeys(row.result for row in found.rows)) == RESULTS
    names = Request().names
    assert tuple(row.name for row in found.rows) == names
    assert len(set(names)) == len(names)


def test_the_ratios_of_errors_are_those_that_others_find(found: Reproduction) -> None:
    ratios = [row.computed for row in found.rows if row.result == "error"]
    assert ratios == pytest.approx(list(OTHER_RATIOS.values()), rel=0.03)


def test_the_ratios_by_the_formula_are_worked_out_by_hand() -> None:
    def adc(bits: int) -> float:
        return 100e-15 * bits + 1e-18 * 4**bits

    for bits in CONDITIONS["bits"]:
        output = 2 * bits + 7 - 1
        ratio = adc(output) / (len(PUBLISHED[f"moduli-{bits}"].text.split()) * adc(bits))
        assert PUBLISHED[f"adc-energy-{bits}"].judge(ratio).word == "same"


def test_simulations_hold_the_exact_values(found: Reproduction) -> None:
    for row in found.rows:
        if row.result == "p-err":
            assert row.simulated_p_err_ci999 is not None and row.simulated_words is not None
            low, high = row.simulated_p_err_ci999
            assert isinstance(row.computed, float)
            assert low * (1 - 1e-9) <= row.computed <= high * (1 + 1e-9)
            assert str(row.simulated_words) in row.remark
        else:
            assert row.simulated_p_err is row.simulated_words is None


@pytest.mark.parametrize("result", ["moduli", "adc-energy", "reram-block", "chips"])
def test_some_results_alone(result: str, found: Reproduction) -> None:
    alone = reproduce([result])
    assert alone.rows == tuple(row for row in found.rows if row.result == result)
    assert (alone.done, Request(only=[result]).samples) == ({}, 0)


def test_some_rows_alone(found: Reproduction) -> None:
    chosen = ("p-err-k1-rinf-p0.001", "error-5", "reram-block-abstract-latency-sram")
    done: list[int] = []
    alone = reproduce(chosen, progress=done.append)
    assert alone.rows == tuple(row for row in found.rows if row.name in chosen)
    samples = Request(only=chosen).samples
    assert samples == 10_000 + 1_000_000
    assert done == sorted(done)
    assert 0.99 * samples < done[-1] <= samples


def test_another_seed_simulates_something_else(found: Reproduction) -> None:
    (row,) = reproduce(["error-6"], seed=1).rows
    (other,) = (row for row in found.rows if row.name == "error-6")
    assert row.computed != other.computed
    assert row.computed == pytest.approx(other.computed, rel=0.05)
    assert row.command == other.command.replace("--seed 0", "--seed 1")


def test_a_value_that_is_not_the_published_one(monkeypatch: pytest.MonkeyPatch) -> None:
    other = replace(PUBLISHED["moduli-6"], text="63 62 61 58")
    monkeypatch.setitem(PUBLISHED, "moduli-6", other)
    verdicts = {row.name: row.verdict for row in reproduce(["moduli"]).rows}
    assert verdicts["moduli-6-exact"] == verdicts["moduli-6-bits"] == "different"
    assert Counter(verdicts.values()) == {"same": 8, "different": 2}


def rows_of(result: str, found: Reproduction) -> list[dict[str, Any]]:
    return list(FIGURES[result].of(found, STUDY).rows)


def test_the_data_of_the_figures(found: Reproduction) -> None:
    ranges = rows_of("error", found)
    assert [(r["bits"], r["core"]) for r in ranges] == [
        (b, core) for b in range(4, 9) for core in CORES
    ]
    for r in ranges:
        quantiles = tuple(r[f"p{share}_abs_error"] for share in (5, 25, 50, 75))
        assert quantiles == tuple(sorted(quantiles)) and quantiles[-1] < r["p95_abs_error"]
        assert r["p95_abs_error"] < r["max_abs_error"]
        low, high = r["mean_abs_error_ci95"]
        assert low < r["mean_abs_error"] < high
    by_row = {row.name: row.computed for row in found.rows}
    for point in rows_of("adc-energy", found):
        if point["core"] == "fixed-hp":
            assert point["adc_relative_to_rns"] == by_row[f"adc-energy-{point['bits']}"]
    curves = rows_of("p-err", found)
    assert len(curves) == 7 * 41
    simulated = [point for point in curves if point["simulated_p_err"] is not None]
    assert len(simulated) == 14
    for point in simulated:
        name = f"p-err-k{point['redundant']}-r{point['attempts']:g}-p{point['p']:g}"
        assert point["p_err"] == by_row[name]

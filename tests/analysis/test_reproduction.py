from collections import Counter

import pytest

from rnscli.analysis import published
from rnscli.analysis.reproduction import RESULTS, Reproduction, names, reproduce, samples
from rnscli.analysis.reproduction_series import CORES, energy_points, error_ranges, fault_points
from rnscli.analysis.verdict import PrintedSet

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
        "array": {"same": 5},
    }
    assert tuple(dict.fromkeys(row.result for row in found.rows)) == RESULTS
    assert tuple(row.name for row in found.rows) == names()
    assert len(set(names())) == len(names())


def test_the_ratios_of_errors_are_those_that_others_find(found: Reproduction) -> None:
    ratios = [row.computed for row in found.rows if row.result == "error"]
    assert ratios == pytest.approx(list(OTHER_RATIOS.values()), rel=0.03)


def test_the_ratios_by_the_formula_are_worked_out_by_hand() -> None:
    def adc(bits: int) -> float:
        return 100e-15 * bits + 1e-18 * 4**bits

    for bits, number in published.ADC_ENERGY_RATIO.items():
        output = 2 * bits + 7 - 1
        ratio = adc(output) / (len(published.MODULI[bits].members) * adc(bits))
        assert number.judge(ratio).word == "same"


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


@pytest.mark.parametrize("result", ["moduli", "adc-energy", "array"])
def test_some_results_alone(result: str, found: Reproduction) -> None:
    alone = reproduce([result])
    assert alone.rows == tuple(row for row in found.rows if row.result == result)
    assert (alone.errors, alone.faults, samples([result])) == ((), (), 0)


def test_some_rows_alone(found: Reproduction) -> None:
    chosen = ("p-err-k1-rinf-p0.001", "error-5", "array-sram-digital-latency")
    done: list[int] = []
    alone = reproduce(chosen, progress=done.append)
    assert alone.rows == tuple(row for row in found.rows if row.name in chosen)
    assert samples(chosen) == 10_000 + 1_000_000
    assert done == sorted(done)
    assert 0.99 * samples(chosen) < done[-1] <= samples(chosen)


def test_another_seed_simulates_something_else(found: Reproduction) -> None:
    (row,) = reproduce(["error-6"], seed=1).rows
    (other,) = (row for row in found.rows if row.name == "error-6")
    assert row.computed != other.computed
    assert row.computed == pytest.approx(other.computed, rel=0.05)
    assert row.command == other.command.replace("--seed 0", "--seed 1")


def test_a_value_that_is_not_the_published_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(published.MODULI, 6, PrintedSet((63, 62, 61, 58)))
    verdicts = {row.name: row.verdict for row in reproduce(["moduli"]).rows}
    assert verdicts["moduli-6-exact"] == verdicts["moduli-6-bits"] == "different"
    assert Counter(verdicts.values()) == {"same": 8, "different": 2}


def test_the_data_of_the_figures(found: Reproduction) -> None:
    ranges = error_ranges(found.errors)
    assert [(r.bits, r.core) for r in ranges] == [(b, core) for b in range(4, 9) for core in CORES]
    for r in ranges:
        quantiles = (r.p5_abs_error, r.p25_abs_error, r.p50_abs_error, r.p75_abs_error)
        assert quantiles == tuple(sorted(quantiles)) and quantiles[-1] < r.p95_abs_error
        assert r.p95_abs_error < r.max_abs_error
        assert r.mean_abs_error_ci95[0] < r.mean_abs_error < r.mean_abs_error_ci95[1]
    points = energy_points()
    by_row = {row.name: row.computed for row in found.rows}
    for point in points:
        if point.core == "fixed-hp":
            assert point.adc_relative_to_rns == by_row[f"adc-energy-{point.bits}"]
    curves = fault_points(found.faults)
    assert len(curves) == 7 * 41
    simulated = [point for point in curves if point.simulated_p_err is not None]
    assert len(simulated) == 14
    for point in simulated:
        name = f"p-err-k{point.redundant}-r{point.attempts:g}-p{point.p:g}"
        assert point.p_err == by_row[name]

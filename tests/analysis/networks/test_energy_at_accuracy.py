"""The least energy that keeps a share of FP32, by hand."""

from dataclasses import fields, replace
from typing import Any

from rnscli.analysis.networks.energy_at_accuracy import with_energy_at
from rnscli.analysis.networks.rows import AccuracyRow

ROW = AccuracyRow(
    **dict.fromkeys(one.name for one in fields(AccuracyRow))  # type: ignore[arg-type]
    | {"model": "m", "metric": "accuracy", "samples": 100, "better": "larger"}
)


def row(core: str, energy: float | None, ratio: float | None, *ci: float, **more: Any) -> Any:
    return replace(
        ROW, core=core, technology=more.pop("technology", "t"), energy_per_inference_j=energy,
        relative_value=ratio, relative_value_ci95=ci or None, **more,
    )  # fmt: skip


def found(*rows: Any, share: float = 0.99, conditions: Any = None) -> list[tuple[Any, ...]]:
    made = with_energy_at(rows, conditions or [0] * len(rows), share)
    return [
        (one.energy_at_accuracy_j, one.energy_surely_at_accuracy_j, one.energy_at_accuracy_to_rns)
        for one in made
    ]


def test_of_a_core_the_cheapest_row_that_keeps_it() -> None:
    rows = [
        row("rns", 8.0, 0.98, 0.97, 0.99),
        row("rns", 9.0, 0.99, 0.97, 1.01),
        row("rns", 12.0, 1.0, 0.99, 1.01),
        row("fixed-lp", 1.0, 0.5, 0.4, 0.6),
        row("fixed-lp", 3.0, 0.995, 0.98, 1.0),
    ]
    assert found(*rows) == [(9.0, 12.0, 1.0)] * 3 + [(3.0, None, 3.0 / 9.0)] * 2
    assert found(*rows, share=0.9) == [(8.0, 8.0, 1.0)] * 3 + [(3.0, 3.0, 3.0 / 8.0)] * 2
    assert found(*rows, share=1.1) == [(None, None, None)] * 5


def test_technologies_and_conditions_are_apart() -> None:
    rows = [
        row("rns", 8.0, 1.0, technology="dear"),
        row("rns", 2.0, 1.0, technology="cheap"),
        row("fixed-lp", 4.0, 1.0),
        row("fixed-lp", 5.0, 1.0),
    ]
    assert [one[0] for one in found(*rows)] == [8.0, 2.0, 4.0, 4.0]
    assert [one[2] for one in found(*rows)] == [4.0, 1.0, 2.0, 2.0]
    apart = found(*rows, conditions=["quiet", "quiet", "quiet", "noisy"])
    assert [(one[0], one[2]) for one in apart[2:]] == [(4.0, 2.0), (5.0, None)]


def test_errors_are_to_be_small_and_what_is_not_known_keeps_nothing() -> None:
    smaller = {"metric": "mse", "better": "smaller"}
    rows = [
        row("rns", 1.0, 1.02, 1.0, 1.04, **smaller),
        row("rns", 2.0, 1.01, 0.99, 1.03, **smaller),
        row("rns", 3.0, 1.0, 0.99, 1.005, **smaller),
        row("rns", None, 1.0, 1.0, 1.0, **smaller),
    ]
    assert found(*rows) == [(2.0, 3.0, 1.0)] * 4
    assert found(row("rns", 1.0, None)) == [(None, None, None)]
    assert found(row("rns", 1.0, 1.0)) == [(1.0, None, 1.0)]

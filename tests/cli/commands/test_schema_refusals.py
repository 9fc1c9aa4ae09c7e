"""Documents that are not as a command makes them: its schema refuses them."""

from collections.abc import Callable
from typing import Any

import pytest
from schemas import check_document

Document = Callable[..., dict[str, Any]]


@pytest.fixture
def small(document: Document) -> dict[str, Any]:
    return document("energy", "--bits", 6, "--core", "rns", "--adc-k1", "100fJ±30%,50fJ")


def test_the_document_that_is_changed_below_is_accepted(small: dict[str, Any]) -> None:
    check_document(small)
    assert set(small["rows"][0]["adc_k1_j"]) == {"value", "low", "high"}


def places_of(value: Any) -> list[tuple[Any, Any]]:
    """Every object of a document, and every key in it."""
    if isinstance(value, list):
        return [place for one in value for place in places_of(one)]
    if not isinstance(value, dict):
        return []
    return [(value, key) for key in value] + [
        place for one in value.values() for place in places_of(one)
    ]


def refused(document: dict[str, Any]) -> bool:
    try:
        check_document(document)
    except AssertionError:
        return True
    return False


def test_a_key_that_is_missing_is_refused(small: dict[str, Any]) -> None:
    swept = small["rows"][0]
    for holder, key in places_of(small):
        if key == "command" or (key == "adc_k1_j" and holder in small["rows"]):
            continue  # without its name there is no schema; columns of sweeps are optional
        value = holder.pop(key)
        assert refused(small), key
        holder[key] = value
    assert "adc_k1_j" in swept


def test_a_key_of_another_type_is_refused(small: dict[str, Any]) -> None:
    for holder, key in places_of(small):
        if key == "command":
            continue
        value = holder[key]
        # One of three for each key, in turn: each takes a validation of the whole document.
        wrong: Any = ({}, [[[]]], True if not isinstance(value, bool) else "true")[len(key) % 3]
        holder[key] = wrong
        assert refused(small), (key, wrong)
        holder[key] = value
    check_document(small)


def test_another_key_is_refused_everywhere(small: dict[str, Any]) -> None:
    for holder in {id(holder): holder for holder, _ in places_of(small)}.values():
        holder["more"] = 1
        assert refused(small)
        del holder["more"]
    check_document(small)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("bits", 0), ("bits", 6.5), ("bits", "6"), ("bits", None), ("core", "abacus"),
        ("moduli", []), ("moduli", [63.5]), ("adc_energy_j", -1e-15), ("adc_energy_j", "inf"),
        ("expected_attempts", 0.5), ("expected_attempts", "inf"), ("extrapolated", "no"),
        ("energy_range_j", [1e-12]), ("energy_range_j", [1e-12, 2e-12, 3e-12]),
        ("adc_k1_j", {"value": 1e-13, "low": 1e-14}), ("adc_k1_j", [1e-13, 1e-14]),
    ],
)  # fmt: skip
def test_a_value_out_of_its_bounds_is_refused(
    key: str, value: object, small: dict[str, Any]
) -> None:
    small["rows"][0][key] = value
    assert refused(small)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("bits", []), ("bits", [6]), ("bits", 1), ("bits", 257), ("attempts", "infinite"),
        ("rule", None), ("rule", "none"), ("extrapolate", None), ("p", 1.5), ("p", [[]]),
        ("legitimate_range", "all"), ("legitimate_range", 0), ("adc_k1", [[1e-13, 2e-13]]),
    ],
)  # fmt: skip
def test_a_parameter_out_of_its_bounds_is_refused(
    key: str, value: object, small: dict[str, Any]
) -> None:
    small["parameters"][key] = value
    assert refused(small)


def test_rows_of_two_types_are_refused(small: dict[str, Any], document: Document) -> None:
    network = document("energy", "--bits", 6, "--core", "rns", "--workload", "mnist-cnn")
    small["rows"].append(network["rows"][0])
    assert refused(small)


def test_unlimited_attempts_are_the_only_infinity(document: Document) -> None:
    found = document("fault-prob", "--redundant", 1, "--attempts", "inf")
    row = found["rows"][0]
    assert row["attempts"] == "inf"
    for value in ("-inf", "nan", "Infinity", 0):
        row["attempts"] = value
        assert refused(found)

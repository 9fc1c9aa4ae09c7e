"""What the commands print stays what it was: ``make renew`` where it is meant to change."""

import copy
import math
from collections.abc import Iterator
from typing import Any

import pytest
from golden_runs import FOLDER, RUNS, document_of, golden
from schemas import check_document

from rnscli.cli.main import ANSWERING

# Sums of floats are rounded differently by other builds of NumPy, SciPy and their BLAS, in the
# last digits of some 16. Differences that matter are larger than a part in 10^9.
TOLERANCE = 1e-9


def differences(kept: Any, found: Any, place: str = "document") -> Iterator[str]:
    """Where two documents differ: keys and their order, types, texts, whole numbers, floats."""
    if type(kept) is not type(found):
        yield f"{place} was {kept!r}, is {found!r}"
    elif isinstance(kept, dict):
        if list(kept) != list(found):
            yield f"{place} had the keys {list(kept)}, has {list(found)}"
        for key in kept.keys() & found.keys():
            yield from differences(kept[key], found[key], f"{place}.{key}")
    elif isinstance(kept, list):
        if len(kept) != len(found):
            yield f"{place} had {len(kept)} members, has {len(found)}"
        for index, (one, other) in enumerate(zip(kept, found, strict=False)):
            yield from differences(one, other, f"{place}[{index}]")
    elif isinstance(kept, float):
        if not math.isclose(kept, found, rel_tol=TOLERANCE):
            yield f"{place} was {kept!r}, is {found!r}"
    elif kept != found:
        yield f"{place} was {kept!r}, is {found!r}"


@pytest.mark.parametrize("name", RUNS)
def test_documents_are_what_they_were(name: str) -> None:
    assert list(differences(golden(name), document_of(name))) == []


@pytest.mark.parametrize("name", RUNS)
def test_golden_documents_keep_to_the_schema(name: str) -> None:
    check_document(golden(name))


def test_every_command_has_a_golden_document() -> None:
    assert {command.split()[0] for command in RUNS.values()} == set(ANSWERING)
    assert {path.stem for path in FOLDER.iterdir()} == set(RUNS)


def changed(**values: Any) -> Any:
    document = copy.deepcopy(golden("moduli"))
    document["rows"][0] |= values
    return document


def test_a_changed_document_is_noticed() -> None:
    kept = golden("moduli")
    row = kept["rows"][0]
    assert list(differences(kept, changed())) == []
    logarithm = row["log2_dynamic_range"]
    assert list(differences(kept, changed(log2_dynamic_range=logarithm * (1 + 1e-12)))) == []
    for values in (
        {"log2_dynamic_range": logarithm * (1 + 1e-8)},
        {"log2_dynamic_range": round(logarithm)},
        {"count": row["count"] + 1},
        {"count": float(row["count"])},
        {"rank": True},
        {"moduli": row["moduli"][::-1]},
        {"moduli": row["moduli"][:-1]},
        {"more": 1},
    ):
        assert len(list(differences(kept, changed(**values)))) >= 1, values
    other = changed()
    other["rows"][0] = dict(reversed(row.items()))
    assert len(list(differences(kept, other))) == 1

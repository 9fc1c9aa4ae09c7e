import math
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnscli.base.errors import InputError
from rnscli.core.arithmetic.code import RedundantCode
from rnscli.core.arithmetic.dot_product import DotProduct
from rnscli.core.arithmetic.moduli import ModuliSet
from rnscli.core.noise import Uniform
from rnscli.runtime.description import describe, digest


@dataclass(frozen=True)
class Inner:
    level: float
    name: str


@dataclass(frozen=True)
class Outer:
    size: int
    flag: bool
    inner: Inner
    levels: tuple[float, ...]
    maybe: int | None


@dataclass(frozen=True)
class Twin:
    """With the fields of `Inner`."""

    level: float
    name: str


inners = st.builds(Inner, st.floats(allow_nan=False), st.text(max_size=5))
outers = st.builds(
    Outer,
    st.integers(),
    st.booleans(),
    inners,
    st.lists(st.floats(), max_size=3).map(tuple),
    st.none() | st.integers(0, 3),
)


def name_of(value: object) -> str:
    return digest(describe(value))


def test_a_description_is_plain_values() -> None:
    outer = Outer(3, True, Inner(math.inf, "x"), (0.5, -math.inf), None)
    kind = f"{__name__}.Outer"
    assert describe(outer) == {
        "kind": kind,
        "size": 3,
        "flag": True,
        "inner": {"kind": f"{__name__}.Inner", "level": "inf", "name": "x"},
        "levels": [0.5, "-inf"],
        "maybe": None,
    }


@given(st.dictionaries(st.text(max_size=4), st.integers() | st.text(max_size=3), min_size=2))
def test_the_order_of_keys_does_not_matter(values: dict[str, Any]) -> None:
    turned = dict(reversed(values.items()))
    assert list(turned) != list(values)
    assert digest(describe(values)) == digest(describe(turned))


@given(outers)
def test_equal_objects_have_one_digest(outer: Outer) -> None:
    assert name_of(outer) == name_of(replace(outer))


@given(outers, outers)
def test_each_field_matters(outer: Outer, other: Outer) -> None:
    for field in fields(Outer):
        value = getattr(other, field.name)
        changed = replace(outer, **{field.name: value})
        same = describe(value) == describe(getattr(outer, field.name))
        assert (name_of(changed) == name_of(outer)) == same


@given(st.floats(allow_nan=False).filter(lambda value: value != 0.5))
def test_floats_that_differ_in_the_last_bit_differ(value: float) -> None:
    assert name_of(Inner(value, "")) != name_of(Inner(math.nextafter(value, 0.5), ""))


def test_values_of_other_kinds_differ() -> None:
    values = [0, 0.0, -0.0, False, None, "", "0", (), (0,), ((),), {}, "None", math.inf, math.nan]
    assert len({name_of(value) for value in values}) == len(values)


def test_kinds_matter_beside_their_fields() -> None:
    assert name_of(Inner(1.0, "x")) != name_of(Twin(1.0, "x"))


def test_a_kind_of_someone_else_is_not_one_of_ours() -> None:
    """Its results would else be taken for those of the noise of the same name."""
    other = dataclass(frozen=True)(type("Uniform", (), {"__annotations__": {"p": float}}))
    assert describe(other(0.5)) == {"kind": f"{__name__}.Uniform", "p": 0.5}
    assert describe(Uniform(0.5)) == {"kind": "Uniform", "p": 0.5}


@pytest.mark.parametrize(
    "value", [object(), Inner, {1, 2}, b"x", 1j, np.zeros(2), lambda: 0, np.random.default_rng()]
)
def test_other_objects_are_refused(value: object) -> None:
    for place in (value, (1, value), {"a": value}, Inner(0.0, value)):  # wherever they are
        with pytest.raises(InputError, match=r"a store cannot tell what .* depends on") as caught:
            describe(place)
        assert type(value).__name__ in str(caught.value)


def test_golden_digests() -> None:
    """Another digest orphans every store in the world: then the algorithm has another version."""
    code = RedundantCode(ModuliSet([63, 62, 61, 59]))
    description = {
        "what": "example",
        "code": describe(code),
        "dot_product": describe(DotProduct(128, 6, 6)),
        "noise": describe(Uniform(1e-3)),
        "seed": 1,
        "sigma": describe(math.inf),
    }
    assert (
        digest({"b": [1, 2.5, None, True], "a": "é"})
        == "0b8cc543e984d4d7398f5f603a4b91d358a2565f1d6b6a058565d662854e37cf"
    )
    assert digest(description) == "6219c99a71a55cc1fe8fa9b8da52628a278fd309d4584ca00808b47fd1dfdd0b"

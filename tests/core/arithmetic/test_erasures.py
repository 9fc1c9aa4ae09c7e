"""Decoding without the residues of dead channels, against the nearest codeword in the others."""

import itertools

import numpy as np
import pytest

from rnscli.base.errors import InputError
from rnscli.core.arithmetic.code import CORRECTED, DETECTED, VALID, RedundantCode
from rnscli.core.arithmetic.moduli import ModuliSet


@pytest.mark.parametrize(
    ("members", "redundant"), [((7, 5, 4, 3), 1), ((7, 5, 4, 3), 2), ((5, 4, 3, 7, 11), 3)]
)
def test_erased_residues_are_not_looked_at(members: tuple[int, ...], redundant: int) -> None:
    moduli = ModuliSet(members, redundant)
    code = RedundantCode(moduli)
    values = np.arange(code.lowest, code.highest + 1)
    book = np.array([[v % m for m in moduli.moduli] for v in values.tolist()])
    words = np.array(list(itertools.product(*(range(m) for m in moduli.moduli)))).T
    for count in range(1, redundant + 1):
        for erased in itertools.combinations(range(moduli.count), count):
            left = [i for i in range(moduli.count) if i not in erased]
            radius = (redundant - count) // 2
            distance = (words[left].T[:, None, :] != book[:, left][None]).sum(axis=2)
            nearest = distance.argmin(axis=1)
            least = distance.min(axis=1)
            decoded = code.decode(words, erased)
            expected = np.where(least == 0, VALID, np.where(least <= radius, CORRECTED, DETECTED))
            assert decoded.status.tolist() == expected.tolist()
            known = least <= radius
            assert decoded.values[known].tolist() == values[nearest[known]].tolist()


def test_words_of_any_shape() -> None:
    code = RedundantCode(ModuliSet([7, 5, 4, 3], 1))
    values = np.array([[1, -2], [3, 4]])
    words = code.encode(values)
    words[2] = 0
    decoded = code.decode(words, [2])
    assert decoded.values.tolist() == values.tolist()
    assert decoded.status.shape == (2, 2)


def test_the_set_that_is_left() -> None:
    moduli = ModuliSet([63, 62, 61, 59, 55, 53], 2)
    left = moduli.without([0, 3])
    assert (left.moduli, left.redundant) == ((62, 61, 55, 53), 0)
    assert left.dynamic_range >= moduli.dynamic_range
    assert moduli.without([]) == moduli


@pytest.mark.parametrize(
    ("erased", "message"),
    [([6], "from 0 to 5"), ([-1], "from 0 to 5"), ([1, 1], "twice"), ([0, 1, 2], "at most 2")],
)
def test_refusals(erased: list[int], message: str) -> None:
    with pytest.raises(InputError, match=message):
        ModuliSet([63, 62, 61, 59, 55, 53], 2).without(erased)

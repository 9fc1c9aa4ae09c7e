"""Parameters of codes, against every pair of values and every error of small codes."""

import itertools
import math

import numpy as np
import pytest

from rnscli.analysis import code_parameters as module
from rnscli.analysis.code_parameters import code_parameters
from rnscli.core.arithmetic.code import DETECTED, RedundantCode
from rnscli.core.arithmetic.moduli import ModuliSet

CODES = [
    (ModuliSet([5, 4, 3]), 60),
    (ModuliSet([5, 4, 3]), 11),
    (ModuliSet([7, 5, 3], 1), 15),
    (ModuliSet([7, 5, 4, 3], 1), 60),
    (ModuliSet([7, 5, 4, 3], 2), 12),
    (ModuliSet([7, 5, 4, 3], 2), 5),
    (ModuliSet([8, 7, 5, 3], 2), 15),
    (ModuliSet([9, 8, 7, 5], 1), 100),
    (ModuliSet([9, 6], factor=3), 18),
    (ModuliSet([20, 16, 12], 1, factor=4), 30),
    (ModuliSet([20, 16, 12], factor=4), 240),
    (ModuliSet([7, 5, 3], 2), 1),
    (ModuliSet([12, 10, 8], factor=2), 120),
    (ModuliSet([15, 10, 6], factor=1), 30),
    (ModuliSet([15, 10, 6], factor=1), 29),
    (ModuliSet([20, 15, 12, 6], factor=1), 31),
    (ModuliSet([20, 15, 12, 6], factor=1), 13),
    (ModuliSet([21, 15, 14, 10], factor=1), 190),
    (ModuliSet([9, 8, 6], factor=1), 72),
]


@pytest.mark.parametrize("tolerance", [0, 1, 4])
@pytest.mark.parametrize(("moduli", "size"), CODES)
def test_every_pair_of_values(moduli: ModuliSet, size: int, tolerance: int) -> None:
    members = np.array(moduli.moduli)[:, np.newaxis]
    words = np.arange(size) % members
    distances, squares, gross = set(), set(), set()
    for one, other in itertools.combinations(range(size), 2):
        away = np.abs(words[:, one] - words[:, other])
        square = int((np.minimum(away, members[:, 0] - away) ** 2).sum())
        distances.add(int(np.count_nonzero(away)))
        squares.add(square)
        if other - one > tolerance:
            gross.add(square)
    found = code_parameters(moduli, size, tolerance=tolerance)
    if size > 1:
        assert found.minimum_distance == min(distances)
    assert found.minimum_square == min(squares, default=None)
    assert found.minimum_square_gross == min(gross, default=None)


@pytest.mark.parametrize(("moduli", "size"), [one for one in CODES if one[0].coprime])
@pytest.mark.parametrize("decoder", ["bounded-distance", "detect", "majority"])
def test_every_error(moduli: ModuliSet, size: int, decoder: str) -> None:
    code = RedundantCode(moduli, size, decoder)
    found = code_parameters(moduli, size, decoder)
    assert found.radius == code.radius
    errors = np.array(list(itertools.product(*map(range, moduli.moduli)))).T
    weights = (errors != 0).sum(axis=0)
    # Of each set of residues all amounts alike, and of each number of residues all sets.
    chances = np.zeros(errors.shape[1])
    for wrong in itertools.product((0, 1), repeat=moduli.count):
        if any(wrong):
            chosen = ((errors != 0) == np.array(wrong)[:, np.newaxis]).all(axis=0)
            ways = math.comb(moduli.count, sum(wrong))
            chances[chosen] = 1 / np.count_nonzero(chosen) / ways
    totals = np.zeros((3, moduli.count + 1))
    for value in range(code.lowest, code.highest + 1):
        words = (code.encode(np.array([value])) + errors) % np.array(moduli.moduli)[:, np.newaxis]
        decoded = code.decode(words)
        rejected = decoded.status == DETECTED
        right = ~rejected & (decoded.values == value)
        for place, kind in enumerate((right, rejected, ~rejected & ~right)):
            totals[place] += np.bincount(weights[kind], chances[kind], moduli.count + 1) / size
    for shares, total in zip(
        (found.corrected, found.detected, found.undetected), totals, strict=True
    ):
        assert shares == pytest.approx(total[1:].tolist(), abs=1e-12)


def test_decoders_of_sizes_have_no_shares() -> None:
    found = code_parameters(ModuliSet([9, 8, 7], 1), 56, "lee")
    assert (found.corrected, found.detected, found.undetected) == (None, None, None)
    assert found.minimum_square is not None


@pytest.mark.parametrize("redundant", [1, 2, 3])
def test_large_ranges_by_a_list_of_errors(redundant: int, monkeypatch: pytest.MonkeyPatch) -> None:
    moduli = ModuliSet([31, 29, 28, 27, 25, 23][: 3 + redundant], redundant)
    size = moduli.dynamic_range
    one_by_one = code_parameters(moduli, size, "lee", 8)
    monkeypatch.setattr(module, "_EVERY", 10)
    assert code_parameters(moduli, size, "lee", 8) == one_by_one

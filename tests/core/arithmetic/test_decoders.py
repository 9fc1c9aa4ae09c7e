import math
from collections import Counter
from functools import cache
from itertools import combinations, product

import numpy as np
import pytest

from rnscli.base.errors import InputError
from rnscli.core.arithmetic.code import CORRECTED, DETECTED, VALID, RedundantCode
from rnscli.core.arithmetic.decoders import DECODERS, decoder_named
from rnscli.core.arithmetic.moduli import ModuliSet

# Codes whose every received word is put to the vote: members, k, legitimate range.
CODES = [
    ((7, 5, 3), 0, 60),
    ((7, 5, 4, 3), 1, 60),
    ((7, 5, 3), 2, 3),
    ((7, 5, 4, 3), 2, 12),
    ((7, 5, 4, 3), 2, 7),
    ((9, 7, 5, 4), 3, 4),
    ((11, 7, 5, 3, 2), 3, 6),
    ((13, 7, 5, 3, 2), 4, 2),
]


@cache
def group_reading(residues: tuple[int, ...], moduli: tuple[int, ...], size: int) -> int | None:
    """The legitimate value that a group of residues says, by Chinese remaindering, if any."""
    value, step = 0, 1
    for residue, modulus in zip(residues, moduli, strict=True):
        value += step * ((residue - value) * pow(step, -1, modulus) % modulus)
        step *= modulus
    low = -(size // 2)
    value = (value - low) % step + low
    return value if value < low + size else None


def ballots(word: tuple[int, ...], moduli: tuple[int, ...], n: int, size: int) -> Counter[int]:
    """How many of the C(N, n) groups say each legitimate value."""
    votes: Counter[int] = Counter()
    for group in combinations(range(len(moduli)), n):
        reading = group_reading(
            tuple(word[i] for i in group), tuple(moduli[i] for i in group), size
        )
        if reading is not None:
            votes[reading] += 1
    return votes


@pytest.mark.parametrize("decoder", ["majority", "bounded-distance"])
@pytest.mark.parametrize(("moduli", "redundant", "size"), CODES)
def test_a_decoder_is_a_vote(
    moduli: tuple[int, ...], redundant: int, size: int, decoder: str
) -> None:
    code = RedundantCode(ModuliSet(moduli, redundant), size, decoder)
    count, n = len(moduli), len(moduli) - redundant
    if decoder == "majority":
        needed = math.comb(count, n) // 2 + 1
    else:  # the consensus form
        needed = math.comb(count - redundant // 2, n)
    words = [*product(*map(range, moduli))]
    decoded = code.decode(np.array(words).T)
    for word, value, status in zip(
        words, decoded.values.tolist(), decoded.status.tolist(), strict=True
    ):
        elected = [v for v, votes in ballots(word, moduli, n, size).items() if votes >= needed]
        if not elected:
            assert status == DETECTED
            continue
        assert elected == [value]
        sent = tuple(value % m for m in moduli)
        assert status == (VALID if sent == word else CORRECTED)


@pytest.mark.parametrize("information", range(1, 6))
@pytest.mark.parametrize("redundant", range(7))
def test_majority_radius(information: int, redundant: int) -> None:
    groups = [*combinations(range(information + redundant), information)]

    def wins(errors: int) -> bool:
        """Whether a value survives errors in the first few residues."""
        return 2 * sum(min(group) >= errors for group in groups) > len(groups)

    radius = DECODERS["majority"].radius(information, redundant)
    assert wins(radius)
    assert not wins(radius + 1)
    assert 0 <= radius <= redundant // 2


@pytest.mark.parametrize("redundant", range(8))
def test_other_radii(redundant: int) -> None:
    assert 2 * DECODERS["bounded-distance"].radius(4, redundant) in (redundant, redundant - 1)
    assert DECODERS["detect"].radius(4, redundant) == 0


def test_registry() -> None:
    assert set(DECODERS) == {"bounded-distance", "majority", "detect", "lee", "robust"}
    for name, decoder in DECODERS.items():
        assert decoder.name == name
        assert decoder_named(name) is decoder
    with pytest.raises(InputError, match="must be one of bounded-distance, majority, detect"):
        decoder_named("")

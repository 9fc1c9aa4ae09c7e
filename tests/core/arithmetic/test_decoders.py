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
    assert set(DECODERS) == {"bounded-distance", "majority", "plurality", "detect", "lee", "robust"}
    for name, decoder in DECODERS.items():
        assert decoder.name == name
        assert decoder_named(name) is decoder
    with pytest.raises(
        InputError, match="must be one of bounded-distance, majority, plurality, detect"
    ):
        decoder_named("")


PLURAL = [
    (ModuliSet([5, 4, 3], 1), 12),
    (ModuliSet([7, 5, 3], 2), 3),
    (ModuliSet([7, 5, 3, 2], 2), 6),
    (ModuliSet([7, 5, 4, 3], 2), 9),
    (ModuliSet([8, 7, 5, 3], 2), 15),
    (ModuliSet([9, 7, 5, 4], 3), 4),
    (ModuliSet([11, 7, 5, 3, 2], 2), 30),
    (ModuliSet([11, 7, 5, 3, 2], 3), 6),
    (ModuliSet([7, 5, 4, 3], 1), 60),
    (ModuliSet([13, 11], 1), 11),
]


@pytest.mark.parametrize(("moduli", "size"), PLURAL)
def test_votes_of_all_groups(moduli: ModuliSet, size: int) -> None:
    """Every word of a code, by counting what each group of n residues says."""
    plural = RedundantCode(moduli, size, "plurality")
    most = RedundantCode(moduli, size, "majority")
    words = list(product(*map(range, moduli.moduli)))
    words = words[:: max(1, len(words) // 3000)]
    by_plurality, by_majority = (code.decode(np.array(words).T) for code in (plural, most))
    values = range(plural.lowest, plural.highest + 1)
    of_value = {tuple(v % m for m in moduli.moduli): v for v in values}
    groups = list(combinations(range(moduli.count), moduli.information_count))
    for index, word in enumerate(words):
        votes: Counter[int] = Counter()
        for group in groups:
            for residues, value in of_value.items():
                if all(residues[i] == word[i] for i in group):
                    votes[value] += 1
        ranked = votes.most_common(2)
        single = ranked and (len(ranked) == 1 or ranked[0][1] > ranked[1][1])
        for decoded, accepted in (
            (by_plurality, bool(single)),
            (by_majority, bool(ranked) and 2 * ranked[0][1] > len(groups)),
        ):
            assert (decoded.status[index] != DETECTED) == accepted
            if accepted:
                assert decoded.values[index] == ranked[0][0]

"""Decoding that counts wrong residues: the legitimate value within a radius, if there is one."""

from functools import lru_cache
from itertools import combinations

import numpy as np
import numpy.typing as npt

from rnscli.core.arithmetic.decoders import (
    CORRECTED,
    DETECTED,
    VALID,
    check_patterns,
    covering,
)
from rnscli.core.arithmetic.moduli import ModuliSet
from rnscli.core.arithmetic.residues import IntArray, RangeReader

Statuses = npt.NDArray[np.uint8]


class HammingReader:
    """Words of the code of L integers ``[lowest, lowest + L)``, decoded within a radius t.

    Words without an error leave after the syndrome check; only the others are tried with further
    groups of n residues, chosen so that every pattern of at most t wrong residues leaves one group
    untouched.
    """

    def __init__(self, moduli: ModuliSet, size: int, radius: int) -> None:
        check_patterns(moduli.count, radius)
        self._moduli, self._size, self._radius = moduli, size, radius
        self._lowest = -(size // 2)
        self._groups = _groups_of(moduli, size, radius)

    def decode(self, residues: IntArray) -> tuple[IntArray, Statuses]:
        """Values and their status, of words ``(N, W)``."""
        value, legitimate, wrong = self._read(self._groups[0], residues)
        values = value.copy()
        status = np.where(wrong == 0, VALID, CORRECTED).astype(np.uint8)
        pending = np.flatnonzero(~(legitimate & (wrong <= self._radius)))
        for group in self._groups[1:]:
            if not pending.size:
                break
            value, inside, wrong = self._read(group, residues[:, pending])
            accepted = inside & (wrong <= self._radius)
            done = pending[accepted]
            values[done] = value[accepted]
            status[done] = CORRECTED
            pending = pending[~accepted]
        status[pending] = DETECTED
        outside = pending[~legitimate[pending]]
        if outside.size:
            values[outside] = information_values(self._moduli, self._size, residues[:, outside])
        return values, status

    def _read(
        self, group: "_Group", residues: IntArray
    ) -> tuple[IntArray, npt.NDArray[np.bool_], IntArray]:
        """Signed value of one group, whether it is legitimate, and its distance to the word."""
        members, others, reader = group
        value, inside = reader.read(residues[members])
        value += self._lowest
        wrong = np.zeros(value.shape, dtype=np.int64)
        for index in others:
            wrong += residues[index] != value % self._moduli.moduli[index]
        return value, inside, wrong


class PluralityReader(HammingReader):
    """Words decoded to the value that most groups of n residues agree on, if it is a single one.

    A value that differs in e residues is what the ``C(N - e, n)`` groups without any of these see,
    so it is the nearest one, of those at a distance of at most k: at any larger one no group sees
    it.
    """

    def __init__(self, moduli: ModuliSet, size: int) -> None:
        check_patterns(moduli.count, moduli.redundant)
        self._moduli, self._size = moduli, size
        self._lowest = -(size // 2)
        self._groups = _every_group(moduli, size)

    def decode(self, residues: IntArray) -> tuple[IntArray, Statuses]:
        nearest = information_values(self._moduli, self._size, residues)
        fewest = np.full(nearest.shape, self._moduli.count)
        single = np.zeros(nearest.shape, dtype=np.bool_)
        for group in self._groups:
            value, inside, wrong = self._read(group, residues)
            better = inside & (wrong < fewest)
            single[inside & (wrong == fewest) & (value != nearest)] = False
            nearest[better], fewest[better], single[better] = value[better], wrong[better], True
        status = np.where(fewest == 0, VALID, CORRECTED).astype(np.uint8)
        status[~single] = DETECTED
        return nearest, status


_Group = tuple[list[int], tuple[int, ...], RangeReader]  # n channels, the others, their reader


# By value: a worker process gets a new code with every block.
@lru_cache(maxsize=64)
def _every_group(moduli: ModuliSet, size: int) -> list[_Group]:
    """All groups of n residues, the information residues first."""
    return [
        _group(moduli, size, others)
        for others in combinations(range(moduli.count), moduli.redundant)
    ]


def _group(moduli: ModuliSet, size: int, others: tuple[int, ...]) -> _Group:
    members = [i for i in range(moduli.count) if i not in others]
    chosen = tuple(moduli.moduli[i] for i in members)
    return members, others, RangeReader(chosen, size, size // 2)


@lru_cache(maxsize=64)
def _groups_of(moduli: ModuliSet, size: int, radius: int) -> list[_Group]:
    """The groups of n residues that are tried."""
    every = covering(moduli.count, moduli.redundant, radius)
    return [_group(moduli, size, others) for others in every]


def information_values(moduli: ModuliSet, size: int, residues: IntArray) -> IntArray:
    """What the information residues say, or the nearer end if that is not legitimate."""
    lowest, information = -(size // 2), residues[moduli.redundant :]
    inner, nearer_above = _information_readers(moduli, size)
    value, inside = inner.read(information)
    _, above = nearer_above.read(information)
    return np.where(inside, value + lowest, np.where(above, lowest + size - 1, lowest))


@lru_cache(maxsize=64)
def _information_readers(moduli: ModuliSet, size: int) -> tuple[RangeReader, RangeReader]:
    """Of legitimate values, and of whether others are read as positive."""
    inner = RangeReader(moduli.information, size, size // 2)
    upper = size // 2 + (moduli.dynamic_range + 1) // 2
    return inner, RangeReader(moduli.information, upper, size // 2)

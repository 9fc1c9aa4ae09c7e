"""A set of pairwise coprime moduli with its information and redundant members."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

from rnscli.base import InputError, check_int

MAX_COUNT = 256


@dataclass(frozen=True, init=False)
class ModuliSet:
    """Pairwise coprime moduli; the n smallest carry the value, the k largest are redundant.

    With N = n + k members, a value of the legitimate range (at most the product of the n
    smallest moduli) is fixed by *any* n of its residues, so the N residues form a code of minimum
    distance k + 1.

    Parameters
    ----------
    moduli
        The members, in any order; each at least 2, every pair coprime.
    redundant
        How many of them, the largest, are redundant (k); fewer than there are members.

    Raises
    ------
    InputError
        If a modulus is not a whole number of at least 2, two share a factor (both and the factor
        are named), or no information modulus is left.

    References
    ----------
    Szabo and Tanaka, "Residue Arithmetic and Its Applications to Computer Technology", 1967;
    arXiv:2309.10759.

    Examples
    --------
    >>> moduli = ModuliSet([63, 62, 61, 59])
    >>> moduli.dynamic_range
    14057694
    >>> ModuliSet([5, 7, 8, 9, 11, 13], redundant=1).information
    (11, 9, 8, 7, 5)
    >>> ModuliSet([6, 9])
    Traceback (most recent call last):
        ...
    rnscli.base.errors.InputError: moduli 9 and 6 are not coprime: both are multiples of 3
    """

    moduli: tuple[int, ...]
    redundant: int

    def __init__(self, moduli: Iterable[int], redundant: int = 0) -> None:
        """Sort, validate and freeze."""
        members = [check_int("moduli", modulus, 2) for modulus in moduli]
        if not members:
            raise InputError("`moduli` is empty; give at least one modulus")
        if len(members) > MAX_COUNT:
            raise InputError(
                f"`moduli` has {len(members)} members; at most {MAX_COUNT} are accepted"
            )
        members.sort(reverse=True)
        for larger, smaller in combinations(members, 2):
            factor = math.gcd(larger, smaller)
            if factor > 1:
                raise InputError(
                    f"moduli {larger} and {smaller} are not coprime: both are multiples of "
                    f"{factor}",
                    "moduli",
                )
        redundant = check_int("redundant", redundant, 0)
        if redundant >= len(members):
            raise InputError(
                f"`redundant` is {redundant}, but the set has only {len(members)} moduli; "
                f"at most {len(members) - 1} of them can be redundant"
            )
        object.__setattr__(self, "moduli", tuple(members))
        object.__setattr__(self, "redundant", redundant)

    @property
    def count(self) -> int:
        """Number of members N = n + k."""
        return len(self.moduli)

    @property
    def information_count(self) -> int:
        """Number of information moduli n."""
        return len(self.moduli) - self.redundant

    @property
    def information(self) -> tuple[int, ...]:
        """The n smallest moduli, descending."""
        return self.moduli[self.redundant :]

    @property
    def redundant_moduli(self) -> tuple[int, ...]:
        """The k largest moduli, descending."""
        return self.moduli[: self.redundant]

    @cached_property
    def dynamic_range(self) -> int:
        """Product of the information moduli: the largest legitimate range."""
        return math.prod(self.information)

    @cached_property
    def total_range(self) -> int:
        """Product of all moduli: the number of words, legitimate or not."""
        return math.prod(self.moduli)

    def without(self, erased: Iterable[int]) -> "ModuliSet":
        """The set that is left when some channels are known to be dead.

        Parameters
        ----------
        erased
            Indices into ``moduli`` (0 is the largest modulus). Any n residues restore a value, so
            the code loses one from its distance, and one redundant modulus, for each.

        Raises
        ------
        InputError
            If an index is out of range or given twice, or fewer than n residues are left.

        Examples
        --------
        >>> ModuliSet([63, 62, 61, 59, 55, 53], redundant=2).without([2])
        ModuliSet(moduli=(63, 62, 59, 55, 53), redundant=1)
        """
        indices = [check_int("erased", index, 0, self.count - 1) for index in erased]
        if len(set(indices)) < len(indices):
            raise InputError(f"`erased` names a residue twice: {', '.join(map(str, indices))}")
        if len(indices) > self.redundant:
            raise InputError(
                f"`erased` has {len(indices)} residues, but a code with {self.redundant} redundant "
                f"moduli survives at most {self.redundant}"
            )
        if not indices:
            return self
        left = [m for index, m in enumerate(self.moduli) if index not in indices]
        return ModuliSet(left, self.redundant - len(indices))

    @property
    def residue_bits(self) -> int:
        """Bits of the widest residue, ``ceil(log2 max m)``."""
        return (self.moduli[0] - 1).bit_length()

    @cached_property
    def crt_weights(self) -> tuple[int, ...]:
        """Weights w_i with ``X = sum_i r_i w_i mod M`` over the information moduli.

        ``w_i = (M / m_i) * ((M / m_i)^-1 mod m_i)`` with M the dynamic range, in the order of
        ``information``.

        Examples
        --------
        >>> ModuliSet([5, 3]).crt_weights
        (6, 10)
        """
        return crt_weights(self.information)

    @cached_property
    def mixed_radix_inverses(self) -> tuple[tuple[int, ...], ...]:
        """Row i holds ``m_j^-1 mod m_i`` for j < i over ``information``.

        These are the constants of the conversion to mixed-radix digits, whose intermediate
        values never exceed the square of a modulus.

        Examples
        --------
        >>> ModuliSet([7, 5, 3]).mixed_radix_inverses
        ((), (3,), (1, 2))
        """
        return mixed_radix_inverses(self.information)


def crt_weights(moduli: tuple[int, ...]) -> tuple[int, ...]:
    """Chinese-remainder weights of pairwise coprime moduli (see `ModuliSet.crt_weights`)."""
    product = math.prod(moduli)
    return tuple(
        (product // modulus) * pow(product // modulus, -1, modulus) % product for modulus in moduli
    )


def mixed_radix_inverses(moduli: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
    """Inverses of earlier moduli modulo each (see `ModuliSet.mixed_radix_inverses`)."""
    return tuple(
        tuple(pow(earlier, -1, modulus) for earlier in moduli[:index])
        for index, modulus in enumerate(moduli)
    )


def check_moduli_set(moduli: ModuliSet) -> ModuliSet:
    """The set, if it is one: a list says neither which are redundant nor the order of residues."""
    if not isinstance(moduli, ModuliSet):
        raise InputError.of("moduli", moduli, "a set such as ModuliSet([63, 62, 61, 59])")
    return moduli


def check_legitimate_range(moduli: ModuliSet, size: int) -> int:
    """L from 1 to the product of the information moduli.

    Beyond that product two legitimate values may share n residues.
    """
    size = check_int("legitimate_range", size, 1)
    if size > moduli.dynamic_range:
        raise InputError(
            f"`legitimate_range` {size} is more than the information moduli "
            f"{','.join(map(str, moduli.information))} cover; at most "
            f"{moduli.dynamic_range} is accepted"
        )
    return size

"""Sets of moduli, coprime or with shared factors, with information and redundant members."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, permutations
from typing import Any, NamedTuple

from rnscli.base import Described, InputError, check_int, sequence

MAX_COUNT = 256


def with_bits(values: int) -> str:
    """A number of values, and how many bits it takes to tell them apart.

    Examples
    --------
    >>> with_bits(14057694)
    '14057694 values, 23.74 bits'
    """
    said = f"{values} values" if values < 10**15 else f"about 10^{len(str(values)) - 1} values"
    return f"{said}, {math.log2(values):.2f} bits"


@dataclass(frozen=True, init=False, repr=False)
class ModuliSet(Described):
    """Pairwise coprime moduli; the n smallest carry the value, the k largest are redundant.

    With N = n + k members, a value of the legitimate range (at most the product of the n
    smallest moduli) is fixed by *any* n of its residues, so the N residues form a code of minimum
    distance k + 1.

    With a common factor G the members are ``m_i = G mu_i``, and the mu_i pairwise coprime. The
    range is ``G mu_1 ... mu_n``, the least common multiple of the n smallest: it is smaller, and
    all residues of a value agree modulo G, so that small errors in all of them are told from
    values far apart (`rnscli.core.arithmetic.robust`).

    With a factor given, be it 1, pairs of a set without redundant members may also share more than
    that. The residues of a value then agree modulo the greatest common divisor of each pair
    (`rnscli.core.arithmetic.shared_factors`).

    Parameters
    ----------
    moduli
        The members, in any order; each at least 2, every pair coprime unless there is a factor.
    redundant
        How many of them, the largest, are redundant (k); fewer than there are members.
    factor
        Greatest common divisor G of all members, which are multiples of it by at least 2. If not
        given, they are pairwise coprime, and the attribute is 1.

    Raises
    ------
    InputError
        If a modulus is not a whole number of at least 2, two share a factor that is not allowed
        (both and the factor are named), or no information modulus is left.

    References
    ----------
    Szabo and Tanaka, "Residue Arithmetic and Its Applications to Computer Technology", 1967;
    arXiv:2309.10759; with a common factor: Wang and Xia, "A closed-form robust Chinese remainder
    theorem and its performance analysis", IEEE Trans. Signal Processing 2010.

    Examples
    --------
    >>> moduli = ModuliSet([63, 62, 61, 59])
    >>> moduli.dynamic_range
    14057694
    >>> ModuliSet([5, 7, 8, 9, 11, 13], redundant=1).information
    (11, 9, 8, 7, 5)
    >>> moduli = ModuliSet([248, 232, 224, 216], factor=8)
    >>> moduli.cofactors, moduli.dynamic_range
    ((31, 29, 28, 27), 5437152)
    >>> moduli = ModuliSet([60, 62, 64], factor=2)
    >>> moduli.shared, moduli.dynamic_range, moduli.parts
    (True, 29760, (64, 31, 15))
    >>> ModuliSet([6, 9])
    Traceback (most recent call last):
        ...
    rnscli.base.errors.InputError: moduli 9 and 6 are not coprime: both are multiples of 3; for \
moduli with a common factor give a `factor` of 3
    """

    moduli: tuple[int, ...]
    redundant: int
    factor: int

    def __init__(
        self, moduli: Iterable[int], redundant: int = 0, factor: int | None = None
    ) -> None:
        """Sort, validate and freeze."""
        members = [check_int("moduli", modulus, 2) for modulus in moduli]
        if not members:
            raise InputError("`moduli` is empty; give at least one modulus")
        if len(members) > MAX_COUNT:
            raise InputError(
                f"`moduli` has {len(members)} members; at most {MAX_COUNT} are accepted"
            )
        members.sort(reverse=True)
        redundant = check_int("redundant", redundant, 0)
        if factor is None:
            _check_coprime(members, redundant)
            factor = 1
        else:
            _check_factor(members, redundant, check_int("factor", factor, 1))
        if redundant >= len(members):
            raise InputError(
                f"`redundant` is {redundant}, but the set has only {len(members)} moduli; "
                f"at most {len(members) - 1} of them can be redundant"
            )
        object.__setattr__(self, "moduli", tuple(members))
        object.__setattr__(self, "redundant", redundant)
        object.__setattr__(self, "factor", factor)

    def __repr__(self) -> str:
        said = [str(list(self.moduli))]
        if self.redundant:
            said.append(f"redundant={self.redundant}")
        if not self.coprime:
            said.append(f"factor={self.factor}")
        return f"ModuliSet({', '.join(said)})"

    def facts(self) -> list[tuple[str, str]]:
        both = f"{self.information_count} + {self.redundant}"
        found = [("moduli", sequence(self.information))]
        if self.redundant:
            found.append(("redundant moduli", sequence(self.redundant_moduli)))
        if self.factor > 1:
            found.append(("common factor G", str(self.factor)))
        found.append(("members N = n + k", f"{self.count} = {both}"))
        found.append(("range M", with_bits(self.dynamic_range)))
        if self.redundant:
            found.append(("range of all moduli", with_bits(self.total_range)))
            found.append(("minimum distance", f"at least {self.redundant + 1}"))
        return found

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
    def shared(self) -> bool:
        """Whether some pair has more in common than the factor."""
        return _sharing(self.moduli, self.factor) is not None

    @property
    def coprime(self) -> bool:
        """Whether no pair has anything in common."""
        return self.factor == 1 and not self.shared

    @property
    def cofactors(self) -> tuple[int, ...]:
        """All moduli without the common factor, descending."""
        return tuple(modulus // self.factor for modulus in self.moduli)

    @property
    def of_cofactors(self) -> "ModuliSet":
        """The coprime set of these, with as many redundant members, unless they share more."""
        return ModuliSet(self.cofactors, self.redundant)

    @cached_property
    def dynamic_range(self) -> int:
        """Least common multiple of the information moduli: the largest legitimate range.

        It is their product, if they are coprime.
        """
        return math.lcm(*self.information)

    @cached_property
    def total_range(self) -> int:
        """The same of all moduli: how many numbers have different residues."""
        return math.lcm(*self.moduli)

    @cached_property
    def parts(self) -> tuple[int, ...]:
        """Pairwise coprime divisors of the information moduli, whose product is the dynamic range.

        Residues modulo these say all that those of a number do. Every power of a prime is in the
        first modulus that has the highest one; a modulus of which nothing is left has 1.

        Examples
        --------
        >>> ModuliSet([248, 232, 224, 216], factor=8).parts
        (31, 29, 224, 27)
        >>> ModuliSet([12, 6, 4], factor=2).parts
        (12, 1, 1)
        """
        members = self.information
        if self.coprime:
            return members
        parts = list(members)
        for (i, one), (j, other) in permutations(enumerate(members), 2):
            common = math.gcd(one, other)
            if common > 1:
                # Primes that the other one has more often, or as often and first, are left to it.
                without = _without_primes(parts[i], one // common if j < i else other // common)
                parts[i] = parts[i] // without if j < i else without
        return tuple(parts)

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
        ModuliSet([63, 62, 59, 55, 53], redundant=1)
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
        return ModuliSet(left, self.redundant - len(indices), self.factor)

    @property
    def residue_bits(self) -> int:
        """Bits of the widest residue, ``ceil(log2 max m)``."""
        return (self.moduli[0] - 1).bit_length()

    @cached_property
    def crt_weights(self) -> tuple[int, ...]:
        """Weights w_i with ``X = sum_i r_i w_i mod M`` over the information moduli.

        ``w_i = (M / c_i) * ((M / c_i)^-1 mod c_i)`` with M the dynamic range and the c_i those of
        ``parts``, in the order of ``information``.

        Examples
        --------
        >>> ModuliSet([5, 3]).crt_weights
        (6, 10)
        """
        return crt_weights(self.parts)

    @cached_property
    def mixed_radix_inverses(self) -> tuple[tuple[int, ...], ...]:
        """Row i holds ``m_j^-1 mod m_i`` for j < i over ``parts``.

        These are the constants of the conversion to mixed-radix digits, whose intermediate
        values never exceed the square of a modulus.

        Examples
        --------
        >>> ModuliSet([7, 5, 3]).mixed_radix_inverses
        ((), (3,), (1, 2))
        """
        return mixed_radix_inverses(self.parts)


def _sharing(members: Sequence[int], factor: int) -> tuple[int, int, int] | None:
    """The first pair that has more in common than a factor, and what that is."""
    for larger, smaller in combinations(members, 2):
        common = math.gcd(larger, smaller)
        if common > factor:
            return larger, smaller, common
    return None


def _check_coprime(members: Sequence[int], redundant: int) -> None:
    """Refuse members that share a factor; those that might are told the option."""
    found = _sharing(members, 1)
    if found is None:
        return
    larger, smaller, common = found
    more, whole = "", math.gcd(*members)
    if whole < members[-1]:
        if _sharing(members, whole) is None:
            more = f"; for moduli with a common factor give a `factor` of {whole}"
        elif not redundant:
            more = f"; for moduli that share factors give a `factor` of {whole}"
    raise InputError(
        f"moduli {larger} and {smaller} are not coprime: both are multiples of {common}{more}",
        "moduli",
    )


def _check_factor(members: Sequence[int], redundant: int, factor: int) -> None:
    """Refuse a factor that is not the greatest common divisor of several members."""
    for modulus in members:
        if modulus % factor or (factor > 1 and modulus == factor):
            raise InputError(
                f"modulus {modulus} is not a multiple, by at least 2, of the `factor` {factor}"
            )
    whole = math.gcd(*members)
    if len(members) > 1 and whole != factor:
        raise InputError(f"all moduli are multiples of {whole}; the `factor` is {factor}")
    found = _sharing(members, factor) if redundant else None
    if found is not None:
        larger, smaller, common = found
        raise InputError(
            f"moduli {larger} and {smaller} share the factor {common}, not the `factor` {factor} "
            f"alone, and such sets have no redundant moduli; `redundant` is {redundant}",
            "moduli",
        )


def _without_primes(number: int, others: int) -> int:
    """What is left of a number without all primes of another one."""
    while (common := math.gcd(number, others)) > 1:
        number //= common
    return number


def moduli_columns(moduli: ModuliSet | None) -> dict[str, Any]:
    """What rows say of a set; nothing where there is none."""
    return {
        "moduli": moduli and moduli.information,
        "redundant_moduli": moduli and moduli.redundant_moduli,
        "redundant": moduli and moduli.redundant,
    }


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


class Joint(NamedTuple):
    """How a residue is joined to those before it, of which a number modulo ``before`` is known.

    ``common`` is what its modulus has in common with that, and ``inverse`` the inverse of
    ``before / common`` modulo ``modulus / common``.
    """

    modulus: int
    common: int
    before: int
    inverse: int


def joints(moduli: tuple[int, ...]) -> tuple[Joint, ...]:
    """Of all moduli but the first, one after the other.

    Examples
    --------
    >>> [one.common for one in joints((64, 62, 60))]
    [2, 4]
    """
    before, found = moduli[0], list[Joint]()
    for modulus in moduli[1:]:
        common = math.gcd(modulus, before)
        found.append(Joint(modulus, common, before, pow(before // common, -1, modulus // common)))
        before *= modulus // common
    return tuple(found)


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

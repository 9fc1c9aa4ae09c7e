"""The best moduli sets for a range: an exact search, and families of sets."""

import math
from dataclasses import dataclass, field
from functools import cache
from itertools import islice

from rnscli.base import InputError, NoSolutionError, check_int
from rnscli.core.arithmetic.moduli import MAX_COUNT, ModuliSet

# Any set of primes gives a valid bound (a number without a listed factor is its own class); these
# make it tight where small factors decide, which is everywhere that was tried (see tests).
_CLASS_PRIMES = tuple(p for p in range(2, 64) if all(p % q for q in range(2, p)))
_MAX_NODES = 20_000
_MAX_WINDOW = 1 << 20


def select_moduli(
    required_range: int,
    max_modulus: int,
    *,
    redundant: int = 0,
    count: int | None = None,
    top: int = 1,
) -> tuple[ModuliSet, ...]:
    """Best pairwise coprime sets whose n smallest members cover a range; proven best, in order.

    Among all sets of N = n + k pairwise coprime moduli in ``[2, max_modulus]`` whose n smallest
    have a product of at least ``required_range``, those with the fewest members come first, and
    of these the ones with the largest product of the n smallest (then of the k largest).

    Parameters
    ----------
    required_range
        Number of values to cover, at least 1; any size.
    max_modulus
        Largest modulus allowed, at least 2.
    redundant
        Number k of redundant moduli, the largest of the set.
    count
        Force this number n of information moduli, instead of the fewest.
    top
        How many sets to return at most, all with the same n.

    Returns
    -------
    tuple of ModuliSet
        Between 1 and ``top`` sets, the best first.

    Raises
    ------
    InputError
        If an argument is out of range, or the search would be too large to finish.
    NoSolutionError
        If no such set exists.

    Examples
    --------
    >>> select_moduli(246017, 63)[0].moduli
    (63, 62, 61, 59)
    >>> select_moduli(246017, 63, redundant=3)[0].moduli
    (62, 61, 59, 57, 55, 53, 49)
    """
    required_range = check_int("required_range", required_range, 1)
    max_modulus = check_int("max_modulus", max_modulus, 2)
    redundant = check_int("redundant", redundant, 0, MAX_COUNT)
    top = check_int("top", top, 1, 1000)
    for information in _counts(required_range, max_modulus, redundant, count):
        sets = _Search(information, redundant, max_modulus, required_range, top).run()
        if sets:
            return sets
    forced = f" of exactly {count} information moduli" if count is not None else ""
    spare = f" and {redundant} redundant moduli" if redundant else ""
    raise NoSolutionError(
        f"no set of pairwise coprime moduli up to {max_modulus}{forced} covers a range of "
        f"{_shown(required_range)} values{spare}",
        "max_modulus",
    )


def set_exists(
    required_range: int, max_modulus: int, *, redundant: int = 0, count: int | None = None
) -> bool:
    """Whether `select_moduli` has an answer, which is often plain without a search for the best."""
    return any(
        _Search(information, redundant, max_modulus, required_range, 1).exists()
        for information in _counts(required_range, max_modulus, redundant, count)
    )


def _counts(required_range: int, max_modulus: int, redundant: int, count: int | None) -> range:
    """Numbers of information moduli that can cover a range, or the one that is forced."""
    if count is not None:
        count = check_int("count", count, 1, MAX_COUNT)
        return range(count, count + 1)
    # Fewer than `first` moduli cannot reach the range even if all were the largest.
    first = 1
    while max_modulus**first < required_range and first <= MAX_COUNT:
        first += 1
    return range(first, _largest_size(max_modulus) - redundant + 1)


def special_family(required_range: int, max_modulus: int, *, top: int = 1) -> tuple[ModuliSet, ...]:
    """Sets {2^j - 1, 2^j, 2^j + 1} that cover a range, the largest j first.

    Conversion to and from these moduli needs no multiplier, which is why they are common in
    digital designs. They are pairwise coprime for every j >= 1 (j >= 2 keeps each at least 2).

    Parameters
    ----------
    required_range, max_modulus, top
        As in `select_moduli`; there are always three information moduli and none redundant.

    Raises
    ------
    InputError
        If an argument is out of range.
    NoSolutionError
        If the largest such set within ``max_modulus`` does not cover the range.

    References
    ----------
    Wang, Swamy, Ahmad and Wang, "A study of the residue-to-binary converters for the three-moduli
    sets", IEEE Trans. Circuits Syst. I, 2003.

    Examples
    --------
    >>> special_family(30_000, 63)[0].moduli
    (33, 32, 31)
    """
    required_range = check_int("required_range", required_range, 1)
    max_modulus = check_int("max_modulus", max_modulus, 2)
    top = check_int("top", top, 1, 1000)
    sets = []
    for exponent in range((max_modulus - 1).bit_length(), 1, -1):
        moduli = (2**exponent + 1, 2**exponent, 2**exponent - 1)
        if moduli[0] <= max_modulus and math.prod(moduli) >= required_range:
            sets.append(ModuliSet(moduli))
    if not sets:
        raise NoSolutionError(
            f"no set 2^j - 1, 2^j, 2^j + 1 of moduli up to {max_modulus} covers a range of "
            f"{_shown(required_range)} values",
            "max_modulus",
        )
    return tuple(sets[:top])


MAX_SEARCHED_FACTOR = 4096


def common_factor_family(
    required_range: int,
    max_modulus: int,
    factor: int | None = None,
    *,
    redundant: int = 0,
    count: int | None = None,
    top: int = 1,
) -> tuple[ModuliSet, ...]:
    """Best sets ``G mu_1, ..., G mu_N``, N > 1, of coprime mu_i that cover a range; proven best.

    Those with the fewest members come first, of these the ones with the largest range
    ``G mu_1 ... mu_n``, and then with the largest G.

    Parameters
    ----------
    required_range, max_modulus, redundant, count, top
        As in `select_moduli`.
    factor
        The common factor G, at least 2; any up to 4096 if not given.

    Raises
    ------
    InputError
        If an argument is out of range, or the search would be too large to finish.
    NoSolutionError
        If no such set exists.

    References
    ----------
    Wang and Xia, "A closed-form robust Chinese remainder theorem and its performance analysis",
    IEEE Trans. Signal Processing 2010.

    Examples
    --------
    >>> [one.moduli for one in common_factor_family(246017, 255, 8)]
    [(248, 232, 224, 216)]
    >>> [(one.factor, one.moduli) for one in common_factor_family(246017, 255)]
    [(2, (254, 252, 250))]
    """
    required_range = check_int("required_range", required_range, 1)
    max_modulus = check_int("max_modulus", max_modulus, 2)
    top = check_int("top", top, 1, 1000)
    if factor is not None:
        factor = check_int("factor", factor, 2)
    sets: list[ModuliSet] = []
    if count == 1 and not redundant:
        raise InputError(
            "`count` is 1, and a common factor is one of several moduli; give at least 2", "count"
        )
    most = min(max_modulus // 2, MAX_SEARCHED_FACTOR)
    for common in range(2, most + 1) if factor is None else (factor,):
        if len(sets) == top:
            # The range of n moduli is at most `max_modulus^n / G^(n - 1)`.
            n = sets[-1].information_count
            larger = max_modulus**n >= sets[-1].dynamic_range * common ** (n - 1)
            if not larger and max_modulus ** (n - 1) * common < required_range * common ** (n - 1):
                break
        try:
            made = _with_factor(common, required_range, max_modulus, redundant, count, top)
        except NoSolutionError:
            continue
        sets += made
        sets.sort(key=lambda one: (one.count, -one.dynamic_range, -one.factor))
        del sets[top:]
        sets = [one for one in sets if one.count == sets[0].count]
    if not sets:
        among = f"with the common factor {factor}" if factor else "with a common factor"
        raise NoSolutionError(
            f"no set of moduli up to {max_modulus} {among} covers a range of "
            f"{_shown(required_range)} values"
            + (f" and {redundant} redundant moduli" if redundant else ""),
            "max_modulus",
        )
    return tuple(sets)


@cache
def largest_factor(
    required_range: int, max_modulus: int, channels: int, redundant: int
) -> int | None:
    """The largest common factor G of so many moduli that cover a range; ``None`` if there is none.

    It is at most 4096, as in `common_factor_family`.

    Examples
    --------
    >>> largest_factor(4129025, 255, 4, 0), largest_factor(4129025, 255, 5, 0)
    (8, 15)
    """
    information = channels - redundant
    if information < 1 or channels < 2:
        return None
    for factor in range(min(max_modulus // 2, MAX_SEARCHED_FACTOR), 1, -1):
        if factor * (max_modulus // factor) ** information < required_range:
            continue
        try:
            common_factor_family(
                required_range, max_modulus, factor, redundant=redundant, count=information
            )
        except (NoSolutionError, InputError):
            continue
        return factor
    return None


def _with_factor(
    factor: int, required_range: int, max_modulus: int, redundant: int, count: int | None, top: int
) -> tuple[ModuliSet, ...]:
    """Best sets with one common factor: the best coprime ones of what it leaves to cover."""
    if max_modulus // factor < 2:
        raise NoSolutionError(
            f"moduli up to {max_modulus} have no common factor {factor}", "max_modulus"
        )
    needed, highest = -(-required_range // factor), max_modulus // factor
    chosen = select_moduli(needed, highest, redundant=redundant, count=count, top=top)
    if chosen[0].count == 1:
        chosen = select_moduli(needed, highest, redundant=redundant, count=2, top=top)
    return tuple(ModuliSet([factor * m for m in one.moduli], redundant, factor) for one in chosen)


# The order of preference among sets of the same n and k: product of the information moduli, then
# product of the redundant ones.
_Score = tuple[int, int]


@dataclass(eq=False, repr=False)
class _Search:
    """Branch and bound for given n and k, over the moduli in descending order; `run` once.

    Its bound: numbers that share a small prime factor exclude each other, so a set takes at most
    one number of each such class, and the i-th largest member still to come is at most the i-th
    largest class maximum. The bound is an exact integer, so what is pruned is proven to be no
    better.
    """

    information: int
    redundant: int
    max_modulus: int
    required_range: int
    top: int
    threshold: _Score = (0, 0)
    found: list[tuple[_Score, tuple[int, ...]]] = field(default_factory=list)
    nodes: int = 0

    @property
    def size(self) -> int:
        return self.information + self.redundant

    def run(self) -> tuple[ModuliSet, ...]:
        # A first lower bound on the score, from sets that need no search.
        self.threshold = (self.required_range, 0)
        scores = self._greedy_scores()
        if len(scores) >= self.top:
            self.threshold = max(self.threshold, sorted(scores, reverse=True)[self.top - 1])
        self._extend(self._window(), ())
        return tuple(ModuliSet(members, self.redundant) for _, members in self.found)

    def exists(self) -> bool:
        """Whether there is a set at all; the search only where no greedy one covers the range."""
        covered = any(info >= self.required_range for info, _ in self._greedy_scores())
        return covered or bool(self.run())

    def _greedy_scores(self) -> set[_Score]:
        starts = range(self.max_modulus, max(1, self.max_modulus - 8 * self.top - 8), -1)
        return {self._score(members) for start in starts if (members := self._greedy(start))}

    def _score(self, members: tuple[int, ...]) -> _Score:
        # Also of the first members of a set, which are redundant while there are at most k.
        return math.prod(members[self.redundant :]), math.prod(members[: self.redundant])

    def _greedy(self, start: int) -> tuple[int, ...]:
        """The set of largest coprime numbers downward from ``start``; empty if it is too small."""
        members: list[int] = []
        product = 1
        for modulus in range(start, 1, -1):
            if math.gcd(modulus, product) == 1:
                members.append(modulus)
                product *= modulus
                if len(members) == self.size:
                    return tuple(members)
        return ()

    def _window(self) -> list[tuple[int, int]]:
        """Numbers that a set at least as good can contain, descending, with their class.

        The smallest member is multiplied by n - 1 others that are at most the largest numbers
        left below the k redundant ones, which bounds it from below.
        """
        others = math.prod(
            max(1, self.max_modulus - self.redundant - i) for i in range(self.information - 1)
        )
        lowest = max(2, -(-self.threshold[0] // others))
        if self.max_modulus - lowest > _MAX_WINDOW:
            raise InputError(
                f"moduli up to {self.max_modulus} leave too many candidates for an exact search; "
                f"a max_modulus of at most {_MAX_WINDOW} can be searched",
                "max_modulus",
            )
        return [(m, _class_of(m)) for m in range(self.max_modulus, lowest - 1, -1)]

    def _extend(self, candidates: list[tuple[int, int]], members: tuple[int, ...]) -> None:
        """Try every candidate as the next smaller member."""
        self.nodes += 1
        if self.nodes > _MAX_NODES:
            raise InputError(
                f"the exact search for {self.size} moduli up to {self.max_modulus} was given up "
                f"after {_MAX_NODES} steps; a smaller range or fewer redundant moduli is easier",
                "max_modulus",
            )
        info, spare = self._score(members)
        missing = self.size - len(members)
        if not missing:
            self.found.append(((info, spare), members))
            self.found.sort(reverse=True)
            del self.found[self.top :]
            if len(self.found) == self.top:
                # From now on only strictly better sets are of use.
                worst_info, worst_spare = self.found[-1][0]
                self.threshold = max(self.threshold, (worst_info, worst_spare + 1))
            return
        still_redundant = max(0, self.redundant - len(members))
        for index, (modulus, _) in enumerate(candidates):
            maxima = _class_maxima(candidates[index:], missing)
            if len(maxima) < missing:
                return
            best_info = info * math.prod(maxima[still_redundant:])
            best_spare = spare * math.prod(maxima[:still_redundant])
            if (best_info, best_spare) < self.threshold:
                return
            coprime = [c for c in candidates[index + 1 :] if math.gcd(c[0], modulus) == 1]
            self._extend(coprime, (*members, modulus))


@cache
def _largest_size(max_modulus: int) -> int:
    """Most members that a set can have: each takes a different prime from ``[2, max_modulus]``."""
    numbers = range(2, max_modulus + 1)
    primes = (n for n in numbers if all(n % d for d in range(2, math.isqrt(n) + 1)))
    return sum(1 for _ in islice(primes, MAX_COUNT))


def _class_of(modulus: int) -> int:
    """Smallest listed prime factor, or the number itself: two of one class are never coprime."""
    return next((p for p in _CLASS_PRIMES if modulus % p == 0), modulus)


def _class_maxima(candidates: list[tuple[int, int]], wanted: int) -> list[int]:
    """Largest members of the first ``wanted`` classes, descending as the candidates are."""
    maxima: dict[int, int] = {}
    for modulus, label in candidates:
        maxima.setdefault(label, modulus)
        if len(maxima) == wanted:
            break
    return list(maxima.values())


def _shown(number: int) -> str:
    """A range in a message: digits while they are readable, then a power of two."""
    return str(number) if number < 10**18 else f"at least 2^{number.bit_length() - 1}"

"""Decoding rules of the redundant code; each is a radius within which errors are corrected.

A received word is decoded to the legitimate value within distance ``radius`` of it, if there is
one; otherwise an error is detected. Legitimate values are at least k + 1 residues apart and no
radius here exceeds ``floor(k / 2)``, so there is never more than one.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from math import comb
from typing import Protocol

from rnscli.base.checks import check_choice
from rnscli.base.errors import InputError
from rnscli.core.arithmetic.moduli import ModuliSet


class Decoder(Protocol):
    """What every decoder offers."""

    @property
    def name(self) -> str:
        """Name on the command line."""
        ...

    def radius(self, information: int, redundant: int) -> int:
        """Largest number of wrong residues that is corrected, for n and k moduli."""
        ...


@dataclass(frozen=True)
class BoundedDistance:
    """Corrects up to ``floor(k / 2)`` wrong residues, all that the distance allows.

    Examples
    --------
    >>> BoundedDistance().radius(information=4, redundant=3)
    1
    """

    name: str = "bounded-distance"

    def radius(self, information: int, redundant: int) -> int:
        """``floor(k / 2)``."""
        del information
        return redundant // 2


@dataclass(frozen=True)
class Majority:
    """Accepts a value that strictly more than half of the C(N, n) groups of n residues agree on.

    A value that differs from the received word in e residues is what the ``C(N - e, n)`` groups
    without any of these see, so the rule is a radius: the largest e with
    ``2 C(N - e, n) > C(N, n)``.

    Examples
    --------
    >>> Majority().radius(information=1, redundant=2), Majority().radius(4, 2)
    (1, 0)
    """

    name: str = "majority"

    def radius(self, information: int, redundant: int) -> int:
        """Largest e with ``2 C(n + k - e, n) > C(n + k, n)``."""
        size = information + redundant
        wrong = 0
        while 2 * comb(size - wrong - 1, information) > comb(size, information):
            wrong += 1
        return wrong


@dataclass(frozen=True)
class Detect:
    """Corrects nothing: every word that is not a codeword is computed again.

    Examples
    --------
    >>> Detect().radius(information=4, redundant=3)
    0
    """

    name: str = "detect"

    def radius(self, information: int, redundant: int) -> int:
        """Zero."""
        del information, redundant
        return 0


DECODERS: dict[str, Decoder] = {
    decoder.name: decoder for decoder in (BoundedDistance(), Majority(), Detect())
}


def decoder_named(name: str) -> Decoder:
    """The registered decoder of that name.

    Raises
    ------
    InputError
        If there is none.
    """
    return DECODERS[check_choice("decoder", name, tuple(DECODERS))]


def radius_of(name: str, moduli: ModuliSet) -> int:
    """Number of wrong residues that the decoder of that name corrects in a set.

    Examples
    --------
    >>> radius_of("bounded-distance", ModuliSet([63, 62, 61, 59, 55, 53], redundant=2))
    1
    """
    return decoder_named(name).radius(moduli.information_count, moduli.redundant)


MAX_PATTERNS = 20_000  # of wrong residues that a decoder corrects; its set-up grows with them


def check_patterns(count: int, radius: int) -> None:
    """Refuse decoders that correct too many patterns of wrong residues.

    Raises
    ------
    InputError
        If there are more than 20 000.
    """
    if comb(count, radius) > MAX_PATTERNS:
        raise InputError(
            f"a decoder that corrects {radius} of {count} residues is too large to simulate; "
            "use the decoder detect, or fewer redundant moduli"
        )


def covering(count: int, redundant: int, radius: int) -> Iterator[tuple[int, ...]]:
    """Sets of k channels, the redundant ones first, that together contain every t channels.

    Greedy: a pattern that is still uncovered is filled up with the channels that occur most often
    in the others. For t = 1 that is minimal, beyond it is close.
    """
    first = tuple(range(redundant))
    yield first
    uncovered = {p for p in combinations(range(count), radius) if not set(p) <= set(first)}
    while uncovered:
        pattern = min(uncovered)
        frequency = Counter(channel for p in uncovered for channel in p)
        others = sorted(set(range(count)) - set(pattern), key=lambda c: (-frequency[c], c))
        chosen = tuple(sorted((*pattern, *others[: redundant - radius])))
        yield chosen
        uncovered = {p for p in uncovered if not set(p) <= set(chosen)}

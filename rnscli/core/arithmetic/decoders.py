"""Decoding rules of the redundant code; each is a radius within which errors are corrected.

A received word is decoded to the legitimate value within distance ``radius`` of it, if there is
one; otherwise an error is detected. Legitimate values are at least k + 1 residues apart and no
radius exceeds ``floor(k / 2)``, so there is never more than one.

Other packages add theirs as entry points of the group ``rnscli.decoders``.
"""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from math import comb
from typing import ClassVar

from rnscli.base import InputError, Registry, RnscliError
from rnscli.core.arithmetic.moduli import ModuliSet


class Decoder(ABC):
    """A rule by which received words are decoded; ``summary`` is its line in lists."""

    name: ClassVar[str]
    summary: ClassVar[str]

    @abstractmethod
    def radius(self, information: int, redundant: int) -> int:
        """Largest number of wrong residues that is corrected, for n and k moduli."""


@dataclass(frozen=True)
class BoundedDistance(Decoder):
    """Corrects up to ``floor(k / 2)`` wrong residues, all that the distance allows."""

    name: ClassVar[str] = "bounded-distance"
    summary: ClassVar[str] = "corrects up to half as many wrong residues as there are redundant"

    def radius(self, information: int, redundant: int) -> int:
        return redundant // 2


@dataclass(frozen=True)
class Majority(Decoder):
    """Accepts a value that strictly more than half of the C(N, n) groups of n residues agree on.

    A value that differs from the received word in e residues is what the ``C(N - e, n)`` groups
    without any of these see, so the rule is a radius: the largest e with
    ``2 C(N - e, n) > C(N, n)``.

    Examples
    --------
    >>> Majority().radius(information=1, redundant=2), Majority().radius(4, 2)
    (1, 0)
    """

    name: ClassVar[str] = "majority"
    summary: ClassVar[str] = "takes a value that more than half of the groups of residues agree on"

    def radius(self, information: int, redundant: int) -> int:
        size = information + redundant
        wrong = 0
        while 2 * comb(size - wrong - 1, information) > comb(size, information):
            wrong += 1
        return wrong


@dataclass(frozen=True)
class Detect(Decoder):
    """Corrects nothing: every word that is not a codeword is computed again."""

    name: ClassVar[str] = "detect"
    summary: ClassVar[str] = "corrects nothing: whatever is no codeword is computed again"

    def radius(self, information: int, redundant: int) -> int:
        return 0


DECODERS: Registry[Decoder] = Registry(
    "decoder", "decoders", Decoder, [BoundedDistance(), Majority(), Detect()]
)
decoder_named = DECODERS.named


def radius_of(name: str, moduli: ModuliSet) -> int:
    """Wrong residues that a decoder corrects in a set; refused where the distance allows less."""
    radius = decoder_named(name).radius(moduli.information_count, moduli.redundant)
    if not 0 <= radius <= moduli.redundant // 2:
        raise RnscliError(
            f"`decoder` {name} corrects {radius} wrong residues with {moduli.redundant} redundant "
            f"moduli; it must be from 0 to {moduli.redundant // 2}"
        )
    return radius


MAX_PATTERNS = 20_000  # of wrong residues that a decoder corrects; its set-up grows with them


def check_patterns(count: int, radius: int) -> None:
    """Refuse decoders that correct too many patterns of wrong residues."""
    if comb(count, radius) > MAX_PATTERNS:
        raise InputError(
            f"a decoder that corrects {radius} of {count} residues is too large to simulate; "
            "use the decoder detect, or fewer redundant moduli",
            "decoder",
            "redundant",
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

"""Decoding rules of the redundant code: which legitimate value a received word stands for.

Most count wrong residues, and have a radius. A received word is decoded to the legitimate value
within distance ``radius`` of it, if there is one; otherwise an error is detected. Legitimate values
are at least k + 1 residues apart and no radius exceeds ``floor(k / 2)``, so there is never more
than one. `Robust` decodes sets with common or shared factors, by the size of the errors.

Other packages add theirs as entry points of the group ``rnscli.decoders``.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from math import comb
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from rnscli.base import InputError, Registry, RnscliError, check_float
from rnscli.core.arithmetic.moduli import ModuliSet

if TYPE_CHECKING:  # what decodes loads NumPy
    from rnscli.core.arithmetic.hamming import Statuses
    from rnscli.core.arithmetic.residues import FloatArray, IntArray

VALID, CORRECTED, DETECTED = 0, 1, 2
# Steps of an output that is not grossly wrong: far less than wrong quotients, far more than errors
# that are averaged.
TOLERANCE = 8


class Reader(Protocol):
    """A decoder of a certain code."""

    def decode(self, residues: IntArray) -> tuple[IntArray, Statuses]:
        """Values of words ``(N, W)``, and whether they are valid, corrected or detected as wrong.

        A detected word's value is what its information residues say, within the legitimate range.
        """


def is_unsure(cost: FloatArray, retry_above: float) -> Any:
    """Which costs are above one, but for rounding."""
    return cost > retry_above * (1 + 1e-9) + 1e-9


class Decoder(ABC):
    """A rule by which received words are decoded; ``summary`` is its line in lists.

    One that overrides nothing but the radius counts wrong residues.

    Attributes
    ----------
    takes_common_factor
        Whether it is for sets of moduli with common or shared factors, or for pairwise coprime
        ones.
    counts_residues
        Whether wrong residues count alike, however far they are off, and its radius says all.
    has_cost
        Whether it tells how far a word is off, so that unsure ones can be rejected.
    listed
        Number of errors in a list that it looks up, if it does.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    takes_common_factor: ClassVar[bool] = False
    counts_residues: ClassVar[bool] = True
    has_cost: ClassVar[bool] = False
    listed: ClassVar[int] = 0

    @abstractmethod
    def radius(self, information: int, redundant: int) -> int:
        """Largest number of residues, wrong by any amount, that it corrects, for n and k moduli."""

    def reader(
        self,
        moduli: ModuliSet,
        size: int,
        weights: tuple[float, ...] | None = None,
        retry_above: float = math.inf,
    ) -> Reader:
        """What decodes the code of ``size`` legitimate values about zero.

        Parameters
        ----------
        moduli, size
            The code.
        weights
            Of the errors of residues in a cost, in the order of ``moduli.moduli``; alike if not
            given.
        retry_above
            Cost above which a word is rejected, of a decoder that has one.

        Raises
        ------
        InputError
            If it would be too large, or there is no such cost.
        """
        from rnscli.core.arithmetic.hamming import HammingReader

        del weights, retry_above
        return HammingReader(moduli, size, self.radius_of(moduli))

    def check_retry_above(self, cost: float | None) -> float:
        """A cost above which words are rejected, of a decoder that has one; infinite if none."""
        if cost is None or cost == math.inf:
            return math.inf
        cost = check_float("retry_above", cost, 0.0, 1e18, "a number of at least 0, or inf")
        if not self.has_cost:
            raise InputError(
                f"`retry_above` is {cost:g}, and the `decoder` {self.name} counts wrong residues, "
                "however far they are off; leave it out"
            )
        return cost

    def groups_tried(self, moduli: ModuliSet) -> int:
        """Further groups of n residues that are tried where the first one is not believed."""
        return _other_groups(moduli.count, moduli.redundant, self.radius_of(moduli))

    def rejects(self, moduli: ModuliSet, size: int, retry_above: float = math.inf) -> bool:
        """Whether there are words that it does not decode."""
        return size < moduli.total_range or math.isfinite(retry_above)

    def borne(self, moduli: ModuliSet) -> int:
        """Errors of so many steps, in all residues, with which the first group is believed."""
        del moduli
        return 0

    def key(self, moduli: ModuliSet) -> int | str:
        """What tells it from others in a set: of those that count wrong residues the radius."""
        return self.radius_of(moduli) if self.counts_residues else self.name

    def radius_of(self, moduli: ModuliSet) -> int:
        """The radius in a set; refused where the distance of that allows less."""
        radius = self.radius(moduli.information_count, moduli.redundant)
        if not 0 <= radius <= moduli.redundant // 2:
            raise RnscliError(
                f"`decoder` {self.name} corrects {radius} wrong residues with {moduli.redundant} "
                f"redundant moduli; it must be from 0 to {moduli.redundant // 2}"
            )
        return radius


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
class Plurality(Decoder):
    """Accepts the value that most of the C(N, n) groups of n residues agree on, if there is one.

    The other reading of a vote: more than half are not needed. It is the nearest value, and it
    corrects all of ``floor(k / 2)`` wrong residues, and more where no other value is as near.
    """

    name: ClassVar[str] = "plurality"
    summary: ClassVar[str] = "takes the value that most groups of residues agree on"
    counts_residues: ClassVar[bool] = False

    def radius(self, information: int, redundant: int) -> int:
        return redundant // 2

    def reader(
        self,
        moduli: ModuliSet,
        size: int,
        weights: tuple[float, ...] | None = None,
        retry_above: float = math.inf,
    ) -> Reader:
        from rnscli.core.arithmetic.hamming import PluralityReader

        del weights, retry_above
        return PluralityReader(moduli, size)

    def groups_tried(self, moduli: ModuliSet) -> int:
        """All others, whose votes are counted."""
        return comb(moduli.count, moduli.redundant) - 1


@dataclass(frozen=True)
class Detect(Decoder):
    """Corrects nothing: every word that is not a codeword is computed again."""

    name: ClassVar[str] = "detect"
    summary: ClassVar[str] = "corrects nothing: whatever is no codeword is computed again"

    def radius(self, information: int, redundant: int) -> int:
        return 0


@dataclass(frozen=True)
class Robust(Decoder):
    """Takes small errors in all residues of a set with a common factor for what they are.

    It also corrects up to ``floor(k / 2)`` residues that are wrong by any amount. Where pairs of
    moduli share more than a common factor, errors are looked up in a table.
    """

    name: ClassVar[str] = "robust"
    summary: ClassVar[str] = (
        "of moduli with common or shared factors: finds the value as exactly as its residues are, "
        "however many are off by little"
    )
    takes_common_factor: ClassVar[bool] = True
    counts_residues: ClassVar[bool] = False
    has_cost: ClassVar[bool] = True

    def radius(self, information: int, redundant: int) -> int:
        return redundant // 2

    def reader(
        self,
        moduli: ModuliSet,
        size: int,
        weights: tuple[float, ...] | None = None,
        retry_above: float = math.inf,
    ) -> Reader:
        from rnscli.core.arithmetic.robust import RobustReader
        from rnscli.core.arithmetic.shared_factors import SharedReader

        reader = SharedReader if moduli.shared else RobustReader
        return reader(moduli, size, self.radius_of(moduli), weights, retry_above)

    def borne(self, moduli: ModuliSet) -> int:
        """All that are below a quarter of the factor, or as far as the table says."""
        if moduli.shared:
            from rnscli.core.arithmetic.shared_factors import borne

            return borne(moduli)
        return (moduli.factor - 1) // 4


@dataclass(frozen=True)
class Lee(Decoder):
    """Takes the legitimate value that is nearest, all residues together: the most likely one.

    With k redundant moduli it corrects small errors in more residues than k / 2.
    """

    name: ClassVar[str] = "lee"
    summary: ClassVar[str] = "the value that is nearest in circular distances, the most likely one"
    counts_residues: ClassVar[bool] = False
    has_cost: ClassVar[bool] = True
    listed: ClassVar[int] = 1 << 16

    def radius(self, information: int, redundant: int) -> int:
        """None: any amount may be nearer to another value."""
        return 0

    def reader(
        self,
        moduli: ModuliSet,
        size: int,
        weights: tuple[float, ...] | None = None,
        retry_above: float = math.inf,
    ) -> Reader:
        from rnscli.core.arithmetic.lee import LeeReader

        return LeeReader(moduli, size, weights, retry_above)

    def rejects(self, moduli: ModuliSet, size: int, retry_above: float = math.inf) -> bool:
        """Only what is unsure: there always is a nearest value."""
        del moduli, size
        return math.isfinite(retry_above)


DECODERS: Registry[Decoder] = Registry(
    "decoder",
    "decoders",
    Decoder,
    [BoundedDistance(), Majority(), Plurality(), Detect(), Lee(), Robust()],
)
decoder_named = DECODERS.named
USUAL, USUAL_OF_COMMON_FACTOR = BoundedDistance.name, Robust.name


def decoder_for(moduli: ModuliSet, name: str | None = None) -> Decoder:
    """The decoder of that name, or the usual one of a set.

    Raises
    ------
    InputError
        If there is none, or it does not decode such a set.

    Examples
    --------
    >>> decoder_for(ModuliSet([15, 14, 13])).name
    'bounded-distance'
    >>> decoder_for(ModuliSet([15, 14, 13]), "robust")
    Traceback (most recent call last):
        ...
    rnscli.base.errors.InputError: `decoder` robust is for moduli with a common factor, and \
15,14,13 have none; give a `factor`, or another decoder
    """
    if name is None:
        name = USUAL if moduli.coprime else USUAL_OF_COMMON_FACTOR
    decoder = decoder_named(name)
    members = ",".join(map(str, moduli.moduli))
    if decoder.takes_common_factor and moduli.coprime:
        raise InputError(
            f"`decoder` {name} is for moduli with a common factor, and {members} have none; give a "
            "`factor`, or another decoder"
        )
    if not (moduli.coprime or decoder.takes_common_factor):
        accepted = " or ".join(one for one, of in DECODERS.items() if of.takes_common_factor)
        have = "share factors" if moduli.shared else f"have the common factor {moduli.factor}"
        raise InputError(
            f"`decoder` {name} is for coprime moduli, and {members} {have}; use {accepted}"
        )
    return decoder


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


@lru_cache(maxsize=4096)
def _other_groups(count: int, redundant: int, radius: int) -> int:
    check_patterns(count, radius)
    return sum(1 for _ in covering(count, redundant, radius)) - 1


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

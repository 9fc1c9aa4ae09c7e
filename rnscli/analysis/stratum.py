"""Words with a given number of wrong residues: encoded, spoilt, decoded and counted, in blocks."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from rnscli.core.code import DETECTED, RedundantCode
from rnscli.core.noise import NoiseLaw
from rnscli.core.quantisation import FloatArray, IntArray
from rnscli.runtime.describe import describe, versions
from rnscli.runtime.work import Work

ALGORITHM = 1  # to be counted up whenever the same stratum would give other counts

BLOCK_WORDS = 1 << 18
KEPT = 1 << 14  # rejected values of a stratum that are kept to be computed again
_BATCH = 1 << 15  # words at a time, which stay in the cache
PART = "words"


@dataclass(frozen=True, eq=False)
class StratumCounts:
    """Counts of words by their fate; two of these add up.

    ``rejected`` are values of words whose error was detected, the first ones of a series.
    """

    words: int
    detected: int
    undetected: int
    rejected: IntArray

    def __add__(self, other: "StratumCounts") -> "StratumCounts":
        """Counts of both samples together."""
        return StratumCounts(
            self.words + other.words,
            self.detected + other.detected,
            self.undetected + other.undetected,
            np.concatenate((self.rejected, other.rejected))[:KEPT],
        )

    def record(self) -> dict[str, Any]:
        """All of it as JSON values."""
        return {
            "words": self.words,
            "detected": self.detected,
            "undetected": self.undetected,
            "rejected": self.rejected.tolist(),
        }

    @classmethod
    def of_record(cls, record: Mapping[str, Any]) -> "StratumCounts":
        """The counts that were written down."""
        return cls(
            record["words"],
            record["detected"],
            record["undetected"],
            np.array(record["rejected"], dtype=np.int64),
        )


NOTHING = StratumCounts(0, 0, 0, np.empty(0, dtype=np.int64))


@dataclass(frozen=True, eq=False)
class Pool:
    """Values to be computed again: those that each stratum of the attempt before rejected.

    ``shares`` are the probabilities of the strata among the rejected words.
    """

    shares: FloatArray
    values: tuple[IntArray, ...]

    def draw(self, rng: np.random.Generator, size: int) -> IntArray:
        """Values of rejected words."""
        drawn = rng.choice(self.shares.size, size=size, p=self.shares)
        values = np.empty(size, dtype=np.int64)
        for wrong in np.unique(drawn):
            kept = self.values[wrong]
            chosen = drawn == wrong
            values[chosen] = kept[rng.integers(0, kept.size, int(chosen.sum()))]
        return values

    def digest(self) -> str:
        """SHA-256 of all of it."""
        digest = hashlib.sha256(self.shares.astype("<f8").tobytes())
        for values in self.values:
            digest.update(len(values).to_bytes(8, "little") + values.astype("<i8").tobytes())
        return digest.hexdigest()


@dataclass(frozen=True, kw_only=True, eq=False)
class Stratum:
    """Words with exactly ``wrong`` wrong residues, of one attempt.

    Parameters
    ----------
    code
        The code, without erased channels.
    laws
        Law of the errors of each of its channels.
    wrong
        Number of wrong residues.
    words
        Number of words.
    stream
        Seed, attempt and round: what the random streams are named by.
    pool
        Values that are computed again; ``None`` for values uniform in the legitimate range.
    """

    code: RedundantCode
    laws: tuple[NoiseLaw, ...]
    wrong: int
    words: int
    stream: tuple[int, int, int]
    pool: Pool | None = None

    def words_of(self, block: int) -> int:
        """Words in a block."""
        return min(BLOCK_WORDS, self.words - block * BLOCK_WORDS)

    def work(self) -> Work[StratumCounts]:
        """The words in blocks, and all that their fate depends on."""
        return Work(
            function=_simulate,
            argument=lambda block, shares_files: self,
            blocks=-(-self.words // BLOCK_WORDS),
            samples=self.words_of,
            parts={PART: self._description},
            result=StratumCounts,
        )

    def _description(self) -> dict[str, Any]:
        return {
            "what": "fault-prob",
            "algorithm": ALGORITHM,
            "versions": versions(),
            "code": describe(self.code),
            "laws": describe(self.laws),
            "wrong": self.wrong,
            "seed": self.stream[0],
            "attempt": self.stream[1],
            "round": self.stream[2],
            "pool": None if self.pool is None else self.pool.digest(),
        }


def _simulate(stratum: Stratum, block: int, parts: tuple[str, ...]) -> dict[str, StratumCounts]:
    """Counts of one block; a pure function of its arguments."""
    seed, *numbers = stratum.stream
    seeds = np.random.SeedSequence(seed, spawn_key=(*numbers, stratum.wrong, block))
    rng = np.random.Generator(np.random.SFC64(seeds))
    patterns, weights = patterns_of(stratum)
    code, moduli = stratum.code, stratum.code.moduli.moduli
    words = stratum.words_of(block)
    total = NOTHING
    for start in range(0, words, _BATCH):
        size = min(_BATCH, words - start)
        if stratum.pool is None:
            values = rng.integers(code.lowest, code.highest + 1, size)
        else:
            values = stratum.pool.draw(rng, size)
        received = code.encode(values)
        hit = patterns[rng.choice(len(patterns), size=size, p=weights)]
        for channel, (law, modulus) in enumerate(zip(stratum.laws, moduli, strict=True)):
            index = np.flatnonzero(hit[:, channel])
            errors = law.draw_errors(rng, modulus, index.size)
            received[channel, index] = (received[channel, index] + errors) % modulus
        decoded = code.decode(received)
        detected = decoded.status == DETECTED
        # The first block has values enough to be computed again.
        rejected = values[detected] if block == 0 else values[:0]
        undetected = int((~detected & (decoded.values != values)).sum())
        total = total + StratumCounts(size, int(detected.sum()), undetected, rejected)
    return dict.fromkeys(parts, total)


def patterns_of(stratum: Stratum) -> tuple[IntArray, FloatArray]:
    """Sets of wrong residues, as rows of flags, and their chances given their number."""
    p = np.array(chances_of(stratum.code, stratum.laws))
    sets = list(combinations(range(p.size), stratum.wrong))
    flags = np.zeros((len(sets), p.size), dtype=np.int64)
    for row, members in enumerate(sets):
        flags[row, list(members)] = 1
    # Scaled by the largest, so that the chances of rare sets do not underflow.
    scale = p.max() or 1.0
    chances = np.where(flags == 1, p / scale, 1.0 - p).prod(axis=1)
    total = chances.sum()
    return flags, chances / total if total else chances


def chances_of(code: RedundantCode, laws: tuple[NoiseLaw, ...]) -> list[float]:
    """Probability of each residue to be wrong."""
    return [
        law.error_probability(modulus)
        for law, modulus in zip(laws, code.moduli.moduli, strict=True)
    ]

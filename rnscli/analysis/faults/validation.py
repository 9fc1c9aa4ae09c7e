"""Exact fault probabilities against the real encoder, noise and decoder, down to rare events.

Errors are stratified by the number w of wrong residues: the chance of each w is known exactly,
and within a stratum words are encoded, spoilt in exactly w residues, and decoded. So a probability
that falls as p^w is estimated from samples in which w errors are certain, and not rare.

Where a number of errors cannot have an outcome (up to t are never detected, fewer than k + 1 - t
never lead to a wrong codeword, by the distance of the code), a stratum without such an outcome
counts as certain; its words are simulated all the same, and one that contradicts the theorem
counts.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np

from rnscli.analysis.faults.fault_probability import (
    FaultOptions,
    FaultParameters,
    after_attempts,
)
from rnscli.analysis.faults.rows import FaultProbability
from rnscli.analysis.faults.undetected import weight_distribution
from rnscli.analysis.statistics import SimulationOptions, proportion_interval
from rnscli.base import check_int
from rnscli.core import (
    DETECTED,
    FloatArray,
    IntArray,
    NoiseLaw,
    RedundantCode,
    error_probabilities,
)
from rnscli.runtime import Runner, Work, describe, versions

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
        return StratumCounts(
            self.words + other.words,
            self.detected + other.detected,
            self.undetected + other.undetected,
            np.concatenate((self.rejected, other.rejected))[:KEPT],
        )

    def record(self) -> dict[str, Any]:
        return {
            "words": self.words,
            "detected": self.detected,
            "undetected": self.undetected,
            "rejected": self.rejected.tolist(),
        }

    @classmethod
    def of_record(cls, record: Mapping[str, Any]) -> "StratumCounts":
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
        drawn = rng.choice(self.shares.size, size=size, p=self.shares)
        values = np.empty(size, dtype=np.int64)
        for wrong in np.unique(drawn):
            kept = self.values[wrong]
            chosen = drawn == wrong
            values[chosen] = kept[rng.integers(0, kept.size, int(chosen.sum()))]
        return values

    def digest(self) -> str:
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
    p = np.array(error_probabilities(stratum.laws, stratum.code.moduli.moduli))
    sets = list(combinations(range(p.size), stratum.wrong))
    flags = np.zeros((len(sets), p.size), dtype=np.int64)
    for row, members in enumerate(sets):
        flags[row, list(members)] = 1
    # Scaled by the largest, so that the chances of rare sets do not underflow.
    scale = p.max() or 1.0
    chances = np.where(flags == 1, p / scale, 1.0 - p).prod(axis=1)
    total = chances.sum()
    return flags, chances / total if total else chances


CONFIDENCE = 0.999
_FIRST_ROUND = 20_000  # words, where a precision decides how many there are


@dataclass(frozen=True)
class Estimate:
    """A simulated probability with its 99.9 % confidence interval."""

    value: float
    low: float
    high: float

    def contains(self, exact: float) -> bool:
        """Whether an exact value lies in the interval, up to rounding."""
        slack = 1e-12 * max(exact, self.high)
        return self.low - slack <= exact <= self.high + slack


@dataclass(frozen=True)
class Validation:
    """Simulated outcome of one attempt, and of up to R attempts.

    ``p_err`` follows from the simulated outcomes of the first attempt and of the second; later
    ones are taken to be like the second. It grows with the probabilities that it depends on, so
    its interval is that of the ends of theirs.
    """

    p_detected: Estimate
    p_undetected: Estimate
    p_err: Estimate
    words: int

    @property
    def precision(self) -> float | None:
        """How far the intervals of p_undetected and p_err reach, as a share of their values.

        The larger of the two; ``None`` where a value is zero, but its interval is not.
        """
        reached = []
        for estimate in (self.p_undetected, self.p_err):
            reach = max(estimate.high - estimate.value, estimate.value - estimate.low)
            if reach and not estimate.value:
                return None
            reached.append(reach / estimate.value if reach else 0.0)
        return max(reached)

    def reaches(self, precision: float) -> bool:
        """Whether both intervals reach no further than a share of the value."""
        return self.precision is not None and self.precision <= precision

    def beside(self, exact: FaultProbability) -> FaultProbability:
        """The exact result with these values, and whether they agree with it."""
        return replace(
            exact,
            simulated_p_undetected=self.p_undetected.value,
            simulated_p_undetected_ci999=(self.p_undetected.low, self.p_undetected.high),
            simulated_p_err=self.p_err.value,
            simulated_p_err_ci999=(self.p_err.low, self.p_err.high),
            simulated_words=self.words,
            precision_reached=self.precision,
            agrees=(
                self.p_undetected.contains(exact.p_undetected) and self.p_err.contains(exact.p_err)
            ),
        )


def validate(
    parameters: FaultParameters,
    samples: int,
    seed: int = 0,
    rel_precision: float | None = None,
    runner: Runner | None = None,
    progress: Callable[[int, Validation | None], None] | None = None,
) -> Validation:
    """Simulate attempts of the real code, stratified by the number of wrong residues.

    Words whose error was detected in the first attempt are computed again, as the hardware does:
    the same values, new noise, stratified once more.

    Parameters
    ----------
    parameters
        Code, noise and attempts, as for `fault_probability`.
    samples
        Number of words in all, at least 1000. A tenth goes equally to every number of wrong
        residues; the rest where it narrows the interval of p_undetected most.
    seed
        Seed of the random numbers.
    rel_precision
        Stop earlier, once the intervals of p_undetected and p_err reach no further than this
        share of their values: the words are computed in rounds, each doubling their number.
    runner
        Where words are computed and recorded (`rnscli.runner`); it does not change the result.
    progress
        Called after each block with the number of words done, and what the last round said.

    Returns
    -------
    Validation
        The intervals hold with a probability of at least 99.9 % each: Clopper-Pearson in every
        stratum, with the risk divided among them.

    Raises
    ------
    InputError
        If the code cannot be simulated (moduli above 2**31, more than 2**62 values).

    Examples
    --------
    >>> from rnscli.analysis.faults.fault_probability import fault_probability
    >>> from rnscli.core.arithmetic.moduli import ModuliSet
    >>> parameters = FaultParameters(moduli=ModuliSet([13, 11, 9, 8, 7, 5], redundant=1), p=1e-9)
    >>> simulated = validate(parameters, 20_000)
    >>> simulated.p_undetected.contains(fault_probability(parameters).p_undetected)
    True
    """
    samples = FaultOptions.validate.values.check("samples", samples)
    seed = check_int("seed", seed, 0)
    if rel_precision is not None:
        rel_precision = SimulationOptions.rel_precision.check(rel_precision)
    found: Validation | None = None

    def tick() -> None:
        if progress is not None:
            progress(first.words() + again.words(), found)

    first, again = _Attempt(parameters, seed, 1), _Attempt(parameters, seed, 2)
    attempts = parameters.point.attempts
    retries = attempts > 1
    for number, words in enumerate(_rounds(samples, rel_precision)):
        first.run(runner, number, words - words // 3 if retries else words, tick)
        if retries and first.rejected():
            again.run(runner, number, words // 3, tick, first.pool())
        found = _validation(first, again if again.words() else first, attempts)
        if rel_precision is not None and found.reaches(rel_precision):
            break
    assert found is not None
    return found


def _rounds(samples: int, rel_precision: float | None) -> Iterator[int]:
    """Numbers of words in each round: a tenth equally for all strata, then the others by need."""
    if rel_precision is None:
        yield samples // 10
        yield samples - samples // 10
        return
    done = step = min(samples, _FIRST_ROUND)
    yield step
    while done < samples:
        step = min(done, samples - done)
        yield step
        done += step


def _validation(first: "_Attempt", again: "_Attempt", attempts: float) -> Validation:
    detected, undetected = first.estimates()
    outcomes = (detected, undetected, *again.estimates())
    return Validation(
        words=first.words() + (again.words() if again is not first else 0),
        p_detected=detected,
        p_undetected=undetected,
        p_err=Estimate(
            value=_p_err([e.value for e in outcomes], attempts),
            low=_p_err([e.low for e in outcomes], attempts),
            high=_p_err([e.high for e in outcomes], attempts),
        ),
    )


def _p_err(outcomes: list[float], attempts: float) -> float:
    """Error probability after a first attempt and up to R - 1 others that are alike."""
    detected, undetected, detected_again, undetected_again = outcomes
    if attempts == 1:
        return min(1.0, detected + undetected)
    correct = max(0.0, 1.0 - detected_again - undetected_again)
    later, _ = after_attempts(correct, detected_again, undetected_again, attempts - 1)
    return min(1.0, undetected + detected * later)


class _Attempt:
    """One attempt at decoding: what has been counted for each number of wrong residues."""

    def __init__(self, parameters: FaultParameters, seed: int, number: int) -> None:
        point = parameters.point
        code = RedundantCode(point.moduli, point.legitimate_range, point.decoder)
        self._code = code.without(point.erased) if point.erased else code
        self._laws = point.left_laws
        self._stream = seed, number
        self._first_detected = self._code.radius + 1
        self._first_undetected = self._code.moduli.redundant + 1 - self._code.radius
        self._chances: FloatArray = weight_distribution(
            error_probabilities(self._laws, self._code.moduli.moduli)
        )
        self._counts = [NOTHING] * self._chances.size

    def run(
        self,
        runner: Runner | None,
        number: int,
        words: int,
        tick: Callable[[], None],
        pool: Pool | None = None,
    ) -> None:
        """Another round: the first one for every stratum alike, later ones by need."""
        equal = [words // len(self._counts)] * len(self._counts)
        wanted = self._by_need(words) if self.words() else equal
        strata = [
            Stratum(
                code=self._code,
                laws=self._laws,
                wrong=wrong,
                words=share,
                stream=(*self._stream, number),
                pool=pool,
            )
            for wrong, share in enumerate(wanted)
            if share and self._chances[wrong] > 0
        ]
        before = self._counts.copy()
        for update in (runner or Runner()).run([stratum.work() for stratum in strata]):
            wrong = strata[update.index].wrong
            self._counts[wrong] = before[wrong] + update.total[PART]
            tick()

    def _by_need(self, words: int) -> list[int]:
        """Shares of the words where the undetected errors' variance is, by what was seen."""
        share = (self._column("undetected") + 0.5) / (self._column("words") + 1)
        spread = self._chances * np.sqrt(share * (1 - share))
        spread[: self._first_undetected] = 0.0
        total = spread.sum()
        if not total > 0:  # no undetected error is possible
            return []
        shares: list[int] = np.floor(words * spread / total).astype(int).tolist()
        return shares

    def words(self) -> int:
        return int(self._column("words").sum())

    def rejected(self) -> bool:
        """Whether a word was rejected, so that there is something to compute again."""
        return bool(self._column("detected").any())

    def pool(self) -> Pool:
        """Rejected values, in the proportion in which the strata reject."""
        words = np.maximum(self._column("words"), 1)
        shares = self._chances * self._column("detected") / words
        return Pool(shares / shares.sum(), tuple(counts.rejected for counts in self._counts))

    def estimates(self) -> tuple[Estimate, Estimate]:
        """Probabilities of a detected and of an undetected error."""
        return (
            self._estimate("detected", self._first_detected),
            self._estimate("undetected", self._first_undetected),
        )

    def _column(self, name: str) -> IntArray:
        return np.array([getattr(counts, name) for counts in self._counts], dtype=np.int64)

    def _estimate(self, outcome: str, first: int) -> Estimate:
        """A probability from the counts of an outcome, possible from ``first`` errors on."""
        # The risk is divided among the strata.
        confidence = 1 - (1 - CONFIDENCE) / len(self._counts)
        value = low = high = 0.0
        for wrong, (chance, hits, words) in enumerate(
            zip(
                self._chances.tolist(),
                self._column(outcome).tolist(),
                self._column("words").tolist(),
                strict=True,
            )
        ):
            if not chance or (wrong < first and not hits):
                continue
            ends = proportion_interval(hits, words, confidence)
            value += chance * hits / words
            low += chance * ends[0]
            high += chance * ends[1]
        return Estimate(value, low, min(1.0, high))

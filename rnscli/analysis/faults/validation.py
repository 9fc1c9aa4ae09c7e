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
import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from operator import attrgetter
from typing import Any

import numpy as np

from rnscli.analysis.code_parameters import least_squares
from rnscli.analysis.faults.error_strata import (
    COSTS,
    cost_distribution,
    errors_of_cost,
    errors_of_weight,
    weight_distribution,
)
from rnscli.analysis.faults.fault_probability import (
    FaultOptions,
    FaultParameters,
)
from rnscli.analysis.faults.retries import after_attempts
from rnscli.analysis.faults.rows import FaultProbability
from rnscli.analysis.faults.value_law import UNIFORM_VALUES, ValueLaw
from rnscli.analysis.statistics import (
    SimulationOptions,
    check_counts,
    proportion_interval,
    recorded_array,
)
from rnscli.core import (
    DETECTED,
    FloatArray,
    IntArray,
    NoiseLaw,
    RedundantCode,
    decoder_named,
    error_probabilities,
    weights_of,
)
from rnscli.runtime import Runner, Work, describe, versions

ALGORITHM = 3  # to be counted up whenever the same stratum would give other counts
CONFIDENCE = 0.999

_BLOCK_WORDS = 1 << 18
_KEPT = 1 << 16  # rejected values that are kept to be computed again, of blocks of all strata
_KEEPING, _FEW_KEPT = 4, 16  # blocks of a stratum that keep as many; what each later one keeps
_BATCH = 1 << 15  # words at a time, which stay in the cache
_FIRST_ROUND = 20_000  # words, where a precision decides how many there are
_MAX_ATTEMPTS = 100  # that are simulated
_NEGLIGIBLE = 1e-4  # share of words that need more attempts than are simulated
_FEWEST = 20  # words of a stratum in the first round, or there are fewer attempts
_PART = "words"


@dataclass(frozen=True, eq=False)
class StratumCounts:
    """Counts of words by their fate; two of these add up.

    ``rejected`` are values of words whose error was detected, the first ones of a series. Where
    these were computed again in place, ``wrong`` are undetected after all, and ``left`` detected.
    """

    words: int
    detected: int
    undetected: int
    rejected: IntArray
    wrong: int = 0
    left: int = 0

    def __add__(self, other: "StratumCounts") -> "StratumCounts":
        return StratumCounts(
            self.words + other.words,
            self.detected + other.detected,
            self.undetected + other.undetected,
            np.concatenate((self.rejected, other.rejected)),
            self.wrong + other.wrong,
            self.left + other.left,
        )

    @property
    def failed(self) -> int:
        """Words whose output is wrong, or which have none."""
        return self.wrong + self.left

    def record(self) -> dict[str, Any]:
        return vars(self) | {"rejected": self.rejected.tolist()}

    @classmethod
    def of_record(cls, record: Mapping[str, Any]) -> "StratumCounts":
        made = cls(**{**record, "rejected": recorded_array(record["rejected"])})
        check_counts(made.words, made.detected, made.undetected, made.wrong, made.left)
        if not made.rejected.size <= made.detected <= made.words - made.undetected:
            raise ValueError("its numbers contradict each other")
        return made


_NOTHING = StratumCounts(0, 0, 0, np.empty(0, dtype=np.int64))


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


@dataclass(frozen=True, eq=False)
class Stratum:
    """Words with exactly ``wrong`` wrong residues, of one attempt.

    ``code`` is without erased channels; ``stream`` are seed, attempt and round, by which the
    random streams are named; ``pool`` has the values that are computed again, without one they
    are uniform in the legitimate range. What is rejected is computed again up to ``again`` times in
    place, where errors are static.
    """

    code: RedundantCode
    laws: tuple[NoiseLaw, ...]
    wrong: int
    words: int
    stream: tuple[int, int, int]
    pool: Pool | None = None
    again: int = 0
    values: ValueLaw = UNIFORM_VALUES
    by_cost: bool = False

    def words_of(self, block: int) -> int:
        return min(_BLOCK_WORDS, self.words - block * _BLOCK_WORDS)

    def work(self) -> Work[StratumCounts]:
        """The words in blocks, and all that their fate depends on."""
        return Work(
            function=_simulate,
            argument=lambda block, shares_files: self,
            blocks=-(-self.words // _BLOCK_WORDS),
            samples=self.words_of,
            parts={_PART: self._description},
            result=StratumCounts,
        )

    def _description(self) -> dict[str, Any]:
        seed, attempt, number = self.stream
        return {
            "what": "fault-prob",
            "algorithm": ALGORITHM,
            "versions": versions(),
            "code": describe(self.code),
            "laws": describe(self.laws),
            "wrong": self.wrong,
            "seed": seed,
            "attempt": attempt,
            "round": number,
            "pool": None if self.pool is None else self.pool.digest(),
            "again": self.again,
            "values": describe(self.values),
            "by_cost": self.by_cost,
        }


def _simulate(stratum: Stratum, block: int, parts: tuple[str, ...]) -> dict[str, StratumCounts]:
    """Counts of one block; a pure function of its arguments."""
    seed, *numbers = stratum.stream
    seeds = np.random.SeedSequence(seed, spawn_key=(*numbers, stratum.wrong, block))
    rng = np.random.Generator(np.random.SFC64(seeds))
    code, moduli = stratum.code, stratum.code.moduli.moduli
    words = stratum.words_of(block)
    # Later blocks, too, keep some: it may be they that see the first.
    keep = _KEPT // (len(moduli) + 1) if block < _KEEPING else _FEW_KEPT
    total = _NOTHING
    for start in range(0, words, _BATCH):
        size = min(_BATCH, words - start)
        if stratum.pool is None:
            values = stratum.values.draw(rng, size, code.size) + code.lowest
        else:
            values = stratum.pool.draw(rng, size)
        sent = code.encode(values)
        drawn = errors_of_cost if stratum.by_cost else errors_of_weight
        errors = drawn(stratum.laws, moduli, stratum.wrong, rng, size)
        decoded = code.decode((sent + errors) % np.array(moduli)[:, np.newaxis])
        detected = decoded.status == DETECTED
        rejected = values[detected][: keep - total.rejected.size]
        undetected = int((~detected & (decoded.values != values)).sum())
        wrong, left = undetected, int(detected.sum())
        if stratum.again:
            more, left = _again(stratum, values[detected], errors[:, detected], rng)
            wrong += more
        counts = StratumCounts(size, int(detected.sum()), undetected, rejected, wrong, left)
        total = total + counts
    return dict.fromkeys(parts, total)


def _again(
    stratum: Stratum, values: IntArray, errors: IntArray, rng: np.random.Generator
) -> tuple[int, int]:
    """How many rejected words are wrong in the end, and how many rejected to the last.

    Their errors in the attempt before are known, and static parts follow from these.
    """
    code, channels = stratum.code, tuple(zip(stratum.laws, stratum.code.moduli.moduli, strict=True))
    static = np.array(
        [law.draw_static(rng, m, one) for (law, m), one in zip(channels, errors, strict=True)]
    )
    moduli = np.array(code.moduli.moduli)[:, np.newaxis]
    wrong = 0
    for _ in range(stratum.again):
        if not values.size:
            break
        drawn = zip(channels, static, strict=True)
        errors = np.array([law.draw_again(rng, m, one) for (law, m), one in drawn])
        decoded = code.decode((code.encode(values) + errors) % moduli)
        detected = decoded.status == DETECTED
        wrong += int((~detected & (decoded.values != values)).sum())
        values, static = values[detected], static[:, detected]
    return wrong, values.size


@dataclass(frozen=True)
class Estimate:
    """A simulated probability with its 99.9 % confidence interval."""

    value: float
    low: float
    high: float

    def contains(self, exact: float, is_bound: bool = False) -> bool:
        """Whether an exact value lies in the interval, up to rounding; a bound may lie above."""
        slack = 1e-12 * max(exact, self.high)
        if not exact and self.low < sys.float_info.min:
            return True  # it is given as 0, because a double has lost its digits
        return self.low - slack <= exact and (is_bound or exact <= self.high + slack)

    def reaches(self, bound: float) -> bool:
        """Whether there is a value in the interval, up to rounding, that is at least this."""
        return bound <= self.high * (1 + 1e-12) or bound < sys.float_info.min


@dataclass(frozen=True)
class Validation:
    """Simulated outcome of one attempt, and of up to R attempts.

    ``p_err`` follows from the outcomes of one attempt after the other, each on the values that the
    one before has rejected: at most 100, and no more than one word in 10 000 needs where there may
    be any number. Later ones are taken to be like the last. It grows with the probabilities that
    it depends on, so its interval is that of the ends of theirs.
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
            agrees=self.p_undetected.contains(exact.p_undetected, is_bound=exact.is_bound)
            and self.p_err.contains(exact.p_err, is_bound=exact.is_bound)
            and self.p_err.reaches(exact.p_err_low),
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

    Words whose error was detected are computed again, attempt by attempt, as the hardware does:
    the same values, new noise, stratified once more; where errors are static, the same words with
    their static errors, up to 100 times and without strata. A tenth of the samples goes equally to
    every number of wrong residues; the rest where it narrows the intervals most. With a
    ``rel_precision`` the words are computed in rounds, each doubling their number, until the
    intervals of p_undetected and p_err reach no further than this share of their values.

    Intervals hold with a probability of at least 99.9 % each: Clopper-Pearson in every stratum,
    with the risk divided among them. ``progress`` is called after each block with the number of
    words done, and what the last round said.
    """
    samples = FaultOptions.validate.values.check("samples", samples)
    seed = SimulationOptions.seed.check(seed)
    if rel_precision is not None:
        rel_precision = SimulationOptions.rel_precision.check(rel_precision)
    attempts = parameters.point.attempts
    in_place = 0
    if any(law.has_static_errors for law in parameters.point.left_laws):
        in_place = int(min(attempts, _MAX_ATTEMPTS)) - 1
    simulated = [_Attempt(parameters, seed, 1, in_place)]
    again, shares = 0.0, list[float]()
    known: list[Validation] = []  # after each round

    def tick() -> None:
        if progress is not None:
            words = sum(attempt.words() for attempt in simulated)
            progress(words, known[-1] if known else None)

    for number, words in enumerate(_rounds(samples, rel_precision)):
        left = words // 3 if attempts > 1 and not in_place else 0
        if known:
            left = int(words * again)
        simulated[0].run(runner, number, words - left, tick)
        if in_place:
            p_err = simulated[0].in_the_end(attempts)
            known.append(Validation(*simulated[0].estimates(), p_err, simulated[0].words()))
            if rel_precision is not None and known[-1].reaches(rel_precision):
                break
            continue
        if not known:
            more = _more_attempts(simulated[0], attempts, left)
            simulated += [_Attempt(parameters, seed, 2 + index) for index in range(more)]
            again, shares = _shares(simulated[0], more)
        for (before, attempt), share in zip(pairwise(simulated), shares, strict=True):
            if before.rejected():
                attempt.run(runner, number, int(left * share), tick, before.pool())
        outcomes = [attempt.estimates() for attempt in simulated if attempt.words()]
        for index, attempt in enumerate(simulated[: len(outcomes) - 1]):
            # A detected error matters as often as it leads to a wrong output.
            attempt.weight = _p_err(outcomes[index + 1 :], attempts - index - 1, _VALUE)
        p_err = Estimate(*(_p_err(outcomes, attempts, end) for end in (_VALUE, _LOW, _HIGH)))
        words = sum(attempt.words() for attempt in simulated)
        known.append(Validation(*outcomes[0], p_err, words))
        if rel_precision is not None and known[-1].reaches(rel_precision):
            break
    return known[-1]


def _more_attempts(first: "_Attempt", attempts: float, words: int) -> int:
    """How many attempts after the first are simulated, with so many words in their first round."""
    if attempts == 1 or not first.rejected():
        return 0
    most = min(attempts - 1, _MAX_ATTEMPTS - 1, max(1, words // (_FEWEST * first.strata)))
    detected = first.estimates()[0].value
    if math.isinf(attempts) and detected < 1:
        most = min(most, math.ceil(math.log(_NEGLIGIBLE) / math.log(detected)))
    return int(most)


def _shares(first: "_Attempt", more: int) -> tuple[float, list[float]]:
    """Share of the words that is computed again, and of these for each attempt after the first.

    The more words, the narrower an interval is, as ``n^(-1/2)``; that of a later attempt matters
    as often as the attempt is needed, say d^j. The sum is least for n as d^(2j/3); but where d is
    small, all may depend on what comes after it.
    """
    if not more:
        return 0.0, []
    decay = first.estimates()[0].value ** (2 / 3)
    later = [max(decay**index, 0.1) for index in range(more)]
    total = sum(later)
    return max(1 / 3, decay * total / (1 + decay * total)), [one / total for one in later]


def _rounds(samples: int, rel_precision: float | None) -> Iterator[int]:
    """Numbers of words in each round: a tenth equally for all strata, then the others by need."""
    if rel_precision is None:
        yield samples // 10
        yield samples - samples // 10
        return
    done, step = 0, min(samples, _FIRST_ROUND)
    while done < samples:
        yield step
        done += step
        step = min(done, samples - done)


_VALUE, _LOW, _HIGH = (attrgetter(name) for name in ("value", "low", "high"))


def _p_err(
    outcomes: Sequence[tuple[Estimate, Estimate]],
    attempts: float,
    end: Callable[[Estimate], float],
) -> float:
    """Error probability after attempts that are detected and missed so often, the rest alike."""
    detected, missed = map(end, outcomes[-1])
    alike = attempts - len(outcomes) + 1
    if alike == 1:
        p_err = detected + missed
    else:
        correct = max(0.0, 1.0 - detected - missed)
        p_err, _ = after_attempts(correct, detected, missed, alike)
    for pair in reversed(outcomes[:-1]):
        detected, missed = map(end, pair)
        p_err = missed + detected * p_err
    return min(1.0, p_err)


class _Attempt:
    """One attempt at decoding: what has been counted for each number of wrong residues."""

    def __init__(self, parameters: FaultParameters, seed: int, number: int, again: int = 0) -> None:
        point = parameters.point
        weights = weights_of(point.left_laws)
        self._code = RedundantCode(
            point.left, point.legitimate_range, point.decoder, weights, point.retry_above
        )
        self._laws, self._values = point.left_laws, point.values
        self._stream, self._again = (seed, number), again
        self._by_cost = decoder_named(self._code.decoder).has_cost and not again
        members = self._code.moduli.moduli
        # The first stratum of which words may end so.
        self._first_detected = self._first_undetected = 1
        if self._by_cost:
            self._chances: FloatArray = cost_distribution(self._laws, members)
            if self._code.moduli.coprime and weights is None:
                # Of errors e and f of one word f is as small only if |e - f| <= 2 |e|.
                least, _ = least_squares(self._code.moduli, self._code.size, 0)
                self._first_undetected = min(COSTS, -(-(least or 4) // 4))
                self._first_detected = int(min(COSTS - 1, self._code.retry_above)) + 1
        else:
            self._chances = weight_distribution(error_probabilities(self._laws, members))
            if decoder_named(self._code.decoder).counts_residues:
                self._first_detected = self._code.radius + 1
                self._first_undetected = self._code.moduli.redundant + 1 - self._code.radius
        self._counts = [_NOTHING] * self._chances.size
        self.weight = 0.0  # of the variance of detected errors, beside that of undetected ones

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
                self._code,
                self._laws,
                wrong,
                share,
                (*self._stream, number),
                pool,
                self._again,
                self._values,
                self._by_cost,
            )
            for wrong, share in enumerate(wanted)
            if share and self._chances[wrong] > 0
        ]
        before = self._counts.copy()
        for update in (runner or Runner()).run([stratum.work() for stratum in strata]):
            wrong = strata[update.index].wrong
            self._counts[wrong] = before[wrong] + update.total[_PART]
            tick()

    def _by_need(self, words: int) -> list[int]:
        """Shares of the words where the variance is, by what was seen."""
        spread = self._spread("undetected", self._first_undetected)
        spread += self.weight * self._spread("detected", self._first_detected)
        total = spread.sum()
        if not total > 0:  # no undetected error is possible
            return []
        shares: list[int] = np.floor(words * spread / total).astype(int).tolist()
        return shares

    def _spread(self, outcome: str, first: int) -> FloatArray:
        share = (self._column(outcome) + 0.5) / (self._column("words") + 1)
        spread: FloatArray = self._chances * np.sqrt(share * (1 - share))
        spread[:first] = 0.0
        return spread

    @property
    def strata(self) -> int:
        return len(self._counts)

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

    def in_the_end(self, attempts: float) -> Estimate:
        """Error probability after attempts in place, and how much detected errors matter to it."""
        detected = self._estimate("detected", self._first_detected).value
        wrong = self._estimate("wrong", self._first_detected)
        failed = self._estimate("failed", self._first_detected)
        if detected:
            self.weight = failed.value / detected
        if attempts <= self._again + 1:
            return failed
        return Estimate(wrong.value, wrong.low, failed.high)  # others may end either way

    def _column(self, name: str) -> IntArray:
        return np.array([getattr(counts, name) for counts in self._counts], dtype=np.int64)

    def _estimate(self, outcome: str, first: int) -> Estimate:
        """A probability from the counts of an outcome, possible from ``first`` errors on."""
        # The risk is divided among the strata.
        confidence = 1 - (1 - CONFIDENCE) / len(self._counts)
        value = low = high = 0.0
        strata = zip(self._chances.tolist(), self._counts, strict=True)
        for wrong, (chance, counts) in enumerate(strata):
            hits = getattr(counts, outcome)
            if not chance or (wrong < first and not hits):
                continue
            least, most = proportion_interval(hits, counts.words, confidence)
            value += chance * hits / counts.words
            low += chance * least
            high += chance * most
        return Estimate(value, low, min(1.0, high))

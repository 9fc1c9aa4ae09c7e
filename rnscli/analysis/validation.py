"""Exact fault probabilities against the real encoder, noise and decoder, down to rare events.

Errors are stratified by the number w of wrong residues: the chance of each w is known exactly,
and within a stratum words are encoded, spoilt in exactly w residues, and decoded. So a probability
that falls as p^w is found from samples in which w errors are certain, and not rare.

Where a number of errors cannot have an outcome (up to t are never detected, fewer than k + 1 - t
never lead to a wrong codeword, by the distance of the code), a stratum without such an outcome
counts as certain; its words are simulated all the same, and one that contradicts the theorem
counts.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from rnscli.analysis.difference_sum import weight_distribution
from rnscli.analysis.fault_probability import (
    FaultParameters,
    FaultProbability,
    after_attempts,
)
from rnscli.core.checks import check_int
from rnscli.core.code import DETECTED, RedundantCode
from rnscli.core.quantisation import FloatArray, IntArray

CONFIDENCE = 0.999
_BATCH = 1 << 16
_KEPT = 1 << 14  # rejected values of a stratum that are kept to be computed again


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

    def beside(self, exact: FaultProbability) -> FaultProbability:
        """The exact result with these values, and whether they agree with it."""
        return replace(
            exact,
            simulated_p_undetected=self.p_undetected.value,
            simulated_p_undetected_ci999=(self.p_undetected.low, self.p_undetected.high),
            simulated_p_err=self.p_err.value,
            simulated_p_err_ci999=(self.p_err.low, self.p_err.high),
            agrees=(
                self.p_undetected.contains(exact.p_undetected) and self.p_err.contains(exact.p_err)
            ),
        )


def validate(
    parameters: FaultParameters,
    samples: int,
    seed: int = 0,
    progress: Callable[[int], None] | None = None,
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
    progress
        Called with the number of words done, now and then.

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
    >>> from rnscli.analysis.fault_probability import fault_probability
    >>> from rnscli.core.moduli import ModuliSet
    >>> parameters = FaultParameters(moduli=ModuliSet([13, 11, 9, 8, 7, 5], redundant=1), p=1e-9)
    >>> simulated = validate(parameters, 20_000)
    >>> simulated.p_undetected.contains(fault_probability(parameters).p_undetected)
    True
    """
    samples = check_int("samples", samples, 1000, 10**12)
    seed = check_int("seed", seed, 0)
    rng = np.random.default_rng(seed)
    first = _Strata(parameters, rng, progress)
    retries = parameters.attempts > 1
    first.run(samples - samples // 3 if retries else samples)
    detected, undetected = first.estimates()
    again = first
    if retries and first.rejected():
        again = _Strata(parameters, rng, progress, first)
        again.run(samples // 3)
    outcomes = (detected, undetected, *again.estimates())
    return Validation(
        p_detected=detected,
        p_undetected=undetected,
        p_err=Estimate(
            value=_p_err([e.value for e in outcomes], parameters.attempts),
            low=_p_err([e.low for e in outcomes], parameters.attempts),
            high=_p_err([e.high for e in outcomes], parameters.attempts),
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


class _Strata:
    """One attempt: counts for each number of wrong residues.

    Its values are uniform over the legitimate range, or those that ``before`` rejected.
    """

    def __init__(
        self,
        parameters: FaultParameters,
        rng: np.random.Generator,
        progress: Callable[[int], None] | None,
        before: "_Strata | None" = None,
    ) -> None:
        assert parameters.legitimate_range is not None
        code = RedundantCode(parameters.moduli, parameters.legitimate_range, parameters.decoder)
        self._code = code.without(parameters.erased) if parameters.erased else code
        self._moduli = self._code.moduli.moduli
        self._laws = [law for i, law in enumerate(parameters.laws) if i not in parameters.erased]
        self._p = [
            law.error_probability(m) for law, m in zip(self._laws, self._moduli, strict=True)
        ]
        self._rng = rng
        self._progress = progress
        self._before = before
        self._rejected: list[IntArray] = [np.empty(0, dtype=np.int64)] * (
            parameters.moduli.count + 1
        )
        self.first_detected = self._code.radius + 1
        self.first_undetected = self._code.moduli.redundant + 1 - self._code.radius
        self.chances: FloatArray = weight_distribution(self._p)
        self.count = self.chances.size
        self.words = np.zeros(self.count, dtype=np.int64)
        self.detected = np.zeros(self.count, dtype=np.int64)
        self.undetected = np.zeros(self.count, dtype=np.int64)

    def run(self, samples: int) -> None:
        """A tenth of the samples for every number of wrong residues alike, the rest by need."""
        share = max(1, samples // (10 * self.count))
        for wrong in range(self.count):
            self.sample(wrong, share)
        self.spend(samples - share * self.count)

    def estimates(self) -> tuple[Estimate, Estimate]:
        """Probabilities of a detected and of an undetected error."""
        return (
            self.estimate(self.detected, self.first_detected),
            self.estimate(self.undetected, self.first_undetected),
        )

    def rejected(self) -> bool:
        """Whether a word was rejected, so that there is something to compute again."""
        return bool(self.detected.any())

    def _values(self, size: int) -> IntArray:
        """Values of the next words."""
        if self._before is None:
            return self._rng.integers(self._code.lowest, self._code.highest + 1, size)
        # Values kept from a stratum stand for the share of rejected words that it has.
        before = self._before
        share = before.chances * before.detected / np.maximum(before.words, 1)
        drawn = self._rng.choice(before.count, size=size, p=share / share.sum())
        values = np.empty(size, dtype=np.int64)
        for wrong in np.unique(drawn):
            kept = before._rejected[wrong]
            chosen = drawn == wrong
            values[chosen] = kept[self._rng.integers(0, kept.size, int(chosen.sum()))]
        return values

    def spend(self, samples: int) -> None:
        """Sample where the undetected errors' variance is, by what has been seen so far."""
        share = (self.undetected + 0.5) / (self.words + 1)
        spread = self.chances * np.sqrt(share * (1 - share))
        spread[: self.first_undetected] = 0.0
        if not spread.sum() > 0:
            return
        for wrong, wanted in enumerate(np.floor(samples * spread / spread.sum())):
            self.sample(wrong, int(wanted))

    def sample(self, wrong: int, samples: int) -> None:
        """Encode, spoil exactly ``wrong`` residues, decode, and count."""
        patterns, weights = self._patterns(wrong)
        if not self.chances[wrong] > 0:
            return
        for start in range(0, samples, _BATCH):
            size = min(_BATCH, samples - start)
            values = self._values(size)
            words = self._code.encode(values)
            hit = patterns[self._rng.choice(len(patterns), size=size, p=weights)]
            for channel, (law, modulus) in enumerate(zip(self._laws, self._moduli, strict=True)):
                index = np.flatnonzero(hit[:, channel])
                errors = law.draw_errors(self._rng, modulus, index.size)
                words[channel, index] = (words[channel, index] + errors) % modulus
            decoded = self._code.decode(words)
            detected = decoded.status == DETECTED
            self.words[wrong] += size
            self.detected[wrong] += int(detected.sum())
            if self._rejected[wrong].size < _KEPT:
                self._rejected[wrong] = np.concatenate((self._rejected[wrong], values[detected]))
            self.undetected[wrong] += int((~detected & (decoded.values != values)).sum())
            if self._progress is not None:
                before = self._before.words.sum() if self._before is not None else 0
                self._progress(int(self.words.sum() + before))

    def _patterns(self, wrong: int) -> tuple[IntArray, FloatArray]:
        """Sets of ``wrong`` residues, as rows of flags, and their chances given that number."""
        sets = list(combinations(range(len(self._p)), wrong))
        flags = np.zeros((len(sets), len(self._p)), dtype=np.int64)
        for row, members in enumerate(sets):
            flags[row, list(members)] = 1
        p = np.array(self._p)
        # Scaled by the largest, so that the chances of rare sets do not underflow.
        scale = p.max() or 1.0
        chances = np.where(flags == 1, p / scale, 1.0 - p).prod(axis=1)
        total = chances.sum()
        return flags, chances / total if total else chances

    def estimate(self, counts: IntArray, first: int) -> Estimate:
        """A probability from the counts of an outcome, possible from ``first`` errors on."""
        from scipy.special import betaincinv

        tail = (1 - CONFIDENCE) / 2 / self.count
        value = low = high = 0.0
        for wrong, (chance, hits, words) in enumerate(
            zip(self.chances.tolist(), counts.tolist(), self.words.tolist(), strict=True)
        ):
            if not chance or (wrong < first and not hits):
                continue
            value += chance * hits / words
            if hits:
                low += chance * float(betaincinv(hits, words - hits + 1, tail))
            high += chance * (
                float(betaincinv(hits + 1, words - hits, 1 - tail)) if hits < words else 1.0
            )
        return Estimate(value, low, min(1.0, high))

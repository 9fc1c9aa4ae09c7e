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
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from rnscli.analysis.difference_sum import weight_distribution
from rnscli.analysis.fault_probability import FaultParameters, after_attempts
from rnscli.core.checks import check_int
from rnscli.core.code import DETECTED, RedundantCode
from rnscli.core.quantisation import FloatArray, IntArray

CONFIDENCE = 0.999
_BATCH = 1 << 16


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

    ``p_err`` follows from the simulated outcome of one attempt; it grows with both probabilities
    that it depends on, so its interval is that of the ends of theirs.
    """

    p_detected: Estimate
    p_undetected: Estimate
    p_err: Estimate


def validate(
    parameters: FaultParameters,
    samples: int,
    seed: int = 0,
    progress: Callable[[int], None] | None = None,
) -> Validation:
    """Simulate one attempt of the real code, stratified by the number of wrong residues.

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
    strata = _Strata(parameters, np.random.default_rng(seed), progress)
    share = max(1, samples // (10 * strata.count))
    for wrong in range(strata.count):
        strata.sample(wrong, share)
    strata.spend(samples - share * strata.count)
    detected = strata.estimate(strata.detected, strata.first_detected)
    undetected = strata.estimate(strata.undetected, strata.first_undetected)
    return Validation(
        p_detected=detected,
        p_undetected=undetected,
        p_err=Estimate(
            *(
                _p_err(d, u, parameters.attempts)
                for d, u in (
                    (detected.value, undetected.value),
                    (detected.low, undetected.low),
                    (detected.high, undetected.high),
                )
            )
        ),
    )


def _p_err(detected: float, undetected: float, attempts: float) -> float:
    correct = max(0.0, 1.0 - detected - undetected)
    return min(1.0, after_attempts(correct, detected, undetected, attempts)[0])


class _Strata:
    """Counts for each number of wrong residues."""

    def __init__(
        self,
        parameters: FaultParameters,
        rng: np.random.Generator,
        progress: Callable[[int], None] | None,
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
        self.first_detected = self._code.radius + 1
        self.first_undetected = self._code.moduli.redundant + 1 - self._code.radius
        self.chances: FloatArray = weight_distribution(self._p)
        self.count = self.chances.size
        self.words = np.zeros(self.count, dtype=np.int64)
        self.detected = np.zeros(self.count, dtype=np.int64)
        self.undetected = np.zeros(self.count, dtype=np.int64)

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
            values = self._rng.integers(self._code.lowest, self._code.highest + 1, size)
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
            self.undetected[wrong] += int((~detected & (decoded.values != values)).sum())
            if self._progress is not None:
                self._progress(int(self.words.sum()))

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

"""Output error probability of a design: of its code, or of its conventional converter."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from rnscli.analysis.fault_probability import (
    FaultParameters,
    after_attempts,
    fault_probability,
    wrong_word,
)
from rnscli.core.core_converters import Converters
from rnscli.core.dot_product import DotProduct
from rnscli.core.noise import Gaussian, NoiseLaw
from rnscli.runtime.describe import describe, versions
from rnscli.runtime.work import Work

ALGORITHM = 1  # to be counted up whenever the same code would have another outcome
PART = "outcome"
_MOST_VALUES = 1 << 17  # of a sum over values


@dataclass(frozen=True)
class Outcome:
    """How one attempt ends, and the probability that some residue of it is wrong."""

    correct: float = 1.0
    detected: float = 0.0
    undetected: float = 0.0
    wrong_word: float = 0.0

    def __add__(self, other: "Outcome") -> "Outcome":
        """Outcomes are whole: there is nothing to add up."""
        raise TypeError("outcomes of codes do not add up")

    def record(self) -> dict[str, Any]:
        """All of it as JSON values."""
        return asdict(self)

    @classmethod
    def of_record(cls, record: Mapping[str, Any]) -> "Outcome":
        """The outcome that was written down."""
        return cls(**record)

    def after(self, attempts: float) -> tuple[float, float]:
        """Output error probability and mean number of attempts, for up to R of them."""
        return after_attempts(self.correct, self.detected, self.undetected, attempts)


def work_of(parameters: FaultParameters) -> Work[Outcome]:
    """The outcome of a code as work of a single block, so that it may go anywhere and be kept."""
    return Work(
        function=_compute,
        argument=lambda block, shares_files: parameters,
        blocks=1,
        samples=lambda block: 1,
        parts={PART: lambda: _description(parameters)},
        result=Outcome,
    )


def _description(parameters: FaultParameters) -> dict[str, Any]:
    return {
        "what": "code-outcome",
        "algorithm": ALGORITHM,
        "versions": versions(),
        "code": {
            "moduli": describe(parameters.moduli),
            "decoder": parameters.decoder,
            "legitimate_range": parameters.legitimate_range,
        },
        "laws": describe(parameters.laws),
    }


def _compute(parameters: FaultParameters, block: int, parts: tuple[str, ...]) -> dict[str, Outcome]:
    return dict.fromkeys(parts, outcome_of_code(parameters))


def outcome_of_code(parameters: FaultParameters) -> Outcome:
    """One attempt of a redundant code, exactly (`fault_probability`)."""
    found = fault_probability(parameters)
    return Outcome(
        found.p_correct,
        found.p_detected,
        found.p_undetected,
        found.word_error_probability,
    )


def conventional_error(
    core: str, dot: DotProduct, bits: int, converters: Converters, law: NoiseLaw, slice_bits: int
) -> float:
    """Probability that noise changes what a conventional core reads, for uniform operands.

    ``uniform`` errors replace a code with probability p. Gaussian noise of standard deviation s, in
    steps of this ADC, is added before it rounds: with r what is rounded away of a sum, the code
    changes with probability ``Phi((-1/2 - r) / s) + Phi((r - 1/2) / s)``. Over the sums, which
    from some ten terms on are close to normal with the variance ``h E[X^2] E[W^2]``, its mean is
    taken. It may be small where nearly all sums are rounded to zero. In ``bit-sliced`` every slice
    has its own weights, and one slice that changes is enough. Codes at the ends of the range,
    which noise cannot leave, are too rare to matter.

    Examples
    --------
    >>> dot = DotProduct(128, 6, 6)
    >>> p = conventional_error("fixed-lp", dot, 6, Converters(6, 6, 1), Gaussian(0.1), 1)
    >>> f"{p:.3f}"
    '0.080'
    """
    if not isinstance(law, Gaussian):
        single = law.error_probability(2**converters.adc_bits)
        return wrong_word((min(1.0, single),) * converters.channels)
    sigma = law.sigma * 2.0 ** (converters.adc_bits - bits)
    if not sigma:
        return 0.0
    exact = dot.output_bits
    squares = [mean_square(dot.max_weight, dot.vector_size)]
    if core == "bit-sliced":
        exact = dot.slice_output_bits(slice_bits)
        squares = [
            mean_square(dot.max_weight, dot.vector_size, slice_bits, index)
            for index in range(converters.channels)
        ]
    variance = dot.vector_size * mean_square(dot.max_input, dot.vector_size)
    lost = max(0, exact - converters.adc_bits)
    return wrong_word(
        tuple(_changed(math.sqrt(variance * square), lost, sigma) for square in squares)
    )


def mean_square(largest: int, size: int, slice_bits: int | None = None, index: int = 0) -> float:
    """Mean square of a quantised uniform operand, or of one slice of its magnitude.

    One of the h numbers is the largest, q, by the choice of the scale; the others are uniform
    between -q and q before they are rounded.

    Examples
    --------
    >>> mean_square(1, 1), round(mean_square(31, 10**9) / 31**2, 3)
    (1.0, 0.334)
    """
    values = np.arange(largest + 1, dtype=np.float64)
    if largest > _MOST_VALUES:  # a grid is as good as all of them
        values = np.linspace(0, largest, _MOST_VALUES)
    weights = np.full(values.size, 2.0)
    weights[[0, -1]] = 1.0  # zero has no other sign, and what is rounded to q half the width
    weights *= (size - 1) / size / weights.sum()
    weights[-1] += 1 / size
    if slice_bits is not None:
        values = np.floor(values / 2.0 ** (slice_bits * index)) % 2.0**slice_bits
    return float(weights @ values**2)


def _changed(deviation: float, lost: int, sigma: float) -> float:
    """Mean probability that an ADC which drops ``lost`` bits changes its code, over normal sums."""
    from scipy.special import ndtr

    if not lost or not deviation:
        return math.erfc(0.5 / (sigma * math.sqrt(2)))
    reach = math.ceil(8 * deviation)
    step = max(1.0, 2 * reach / _MOST_VALUES)
    sums = np.arange(-(reach // step), reach // step + 1) * step
    density = np.exp(-0.5 * (sums / deviation) ** 2)
    codes = sums / 2.0**lost
    rest = codes - np.rint(codes)
    leaves = ndtr((-0.5 - rest) / sigma) + ndtr((rest - 0.5) / sigma)
    return min(1.0, float(density @ leaves / density.sum()))

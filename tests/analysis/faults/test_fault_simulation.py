"""Exact probabilities against a simulated core."""

import math

import numpy as np
import pytest
from dot_error_points import FALSE_ALARM, clopper_pearson
from scipy import stats

from rnscli.analysis.faults.fault_probability import FaultParameters, fault_probability
from rnscli.core.arithmetic.code import RedundantCode
from rnscli.core.arithmetic.dot_product import DotProduct
from rnscli.core.arithmetic.moduli import ModuliSet
from rnscli.core.cores.rns_core import RnsCore
from rnscli.core.noise import Uniform

# Both intervals below miss the true value with the probability FALSE_ALARM each; the seeds are
# fixed, so a failure stays a failure.
TRIALS = 200_000


CODES = [
    ((7, 5, 4, 3), 0, 420, 0.02),
    ((7, 5, 4, 3), 0, 200, 0.2),
    ((7, 5, 4, 3), 1, 60, 0.1),
    ((7, 5, 4, 3), 1, 37, 0.3),
    ((11, 7, 5, 3, 2), 2, 30, 0.1),
    ((11, 7, 5, 3, 2), 2, 11, 0.4),
    ((11, 7, 5, 3, 2), 3, 6, 0.3),
    ((31, 29, 28, 27, 25, 23), 2, 28801, 0.1),
]


# A code with fewer than two redundant moduli corrects nothing, by whichever of these decoders.
@pytest.mark.parametrize("attempts", [1, 3, math.inf])
@pytest.mark.parametrize(
    ("moduli", "redundant", "size", "p", "decoder"),
    [(*code, "bounded-distance") for code in CODES]
    + [(*code, "detect") for code in CODES if code[1] >= 2 or code[2] == 37],
)
def test_a_simulated_core_agrees(
    moduli: tuple[int, ...], redundant: int, size: int, p: float, attempts: float, decoder: str
) -> None:
    """Values drawn uniformly over the legitimate range, as the exact probabilities assume."""
    members = ModuliSet(moduli, redundant)
    expected = fault_probability(
        FaultParameters(
            moduli=members, p=p, attempts=attempts, decoder=decoder, legitimate_range=size
        )
    )
    code = RedundantCode(members, size, decoder)
    core = RnsCore(DotProduct(1, 2, 2), code, Uniform(p), attempts)
    rng = np.random.default_rng(20240501)
    sums = rng.integers(code.lowest, code.highest, size=TRIALS, endpoint=True)
    readout = core.read(sums, rng)
    low, high = clopper_pearson(int(readout.wrong.sum()), TRIALS)
    assert low <= expected.p_err <= high
    # Attempts are geometric, cut at R: E[N^2] = sum over j < R of (2 j + 1) p_d^j. The mean of so
    # many is normal.
    last = 2000 if math.isinf(attempts) else int(attempts)
    squares = math.fsum((2 * j + 1) * expected.p_detected**j for j in range(last))
    spread = math.sqrt(max(0.0, squares - expected.expected_attempts**2) / TRIALS)
    reach = stats.norm.isf(FALSE_ALARM / 2) * spread
    assert abs(sum(readout.attempts) / TRIALS - expected.expected_attempts) <= reach + 1e-12

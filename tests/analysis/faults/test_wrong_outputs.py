"""How far wrong outputs are off: against simulations of the core, and sums over all words."""

import itertools
import math

import numpy as np
import pytest

from rnscli.analysis.faults.fault_probability import FaultParameters, fault_probability
from rnscli.analysis.faults.wrong_outputs import wrong_outputs
from rnscli.core.arithmetic.code import DETECTED, RedundantCode
from rnscli.core.arithmetic.dot_product import DotProduct
from rnscli.core.arithmetic.moduli import ModuliSet
from rnscli.core.cores import CORES
from rnscli.core.cores.conventional_core import mean_square
from rnscli.core.cores.kind import CoreSettings
from rnscli.core.cores.rns_core import RnsCore
from rnscli.core.noise import Gaussian, NoiseLaw, Summed, Uniform

DOT = DotProduct(32, 5, 5)
SETS = {
    0: ModuliSet([31, 29, 28, 27]),
    1: ModuliSet([31, 29, 28, 27], redundant=1),
    2: ModuliSet([31, 29, 28, 27, 25], redundant=2),
}
PAIRS = 200_000
# About 40 comparisons of normal means: a false alarm with probability 1e-4, were there no seed.
DEVIATIONS = 4.7


def sums_of(dot: DotProduct, pairs: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Quantised uniform operands and their dot products."""
    rng = np.random.default_rng(1)
    x, w = rng.uniform(-1, 1, (2, pairs, dot.vector_size))
    for values, largest in ((x, dot.max_input), (w, dot.max_weight)):
        values *= largest / np.abs(values).max(axis=1, keepdims=True)
        np.rint(values, out=values)
    return x.astype(np.int64), w.astype(np.int64), (x * w).sum(axis=1).astype(np.int64)


def deviation_of(dot: DotProduct) -> float:
    squares = [mean_square(q, dot.vector_size) for q in (dot.max_input, dot.max_weight)]
    return math.sqrt(dot.vector_size * math.prod(squares))


@pytest.mark.parametrize("law", [Uniform(0.02), Gaussian(0.25), Summed(Gaussian(0.2), 3)], ids=str)
@pytest.mark.parametrize("attempts", [1, 2])
@pytest.mark.parametrize(
    ("redundant", "decoder", "operands"),
    [
        (0, "detect", False),
        (0, "detect", True),
        (1, "detect", True),
        (2, "detect", False),
        (2, "bounded-distance", True),
    ],
)
def test_against_the_core(
    redundant: int, decoder: str, operands: bool, attempts: int, law: NoiseLaw
) -> None:
    """The mean square of the errors of all outputs, within its interval."""
    size = DOT.dynamic_range if operands else None
    moduli = SETS[redundant]
    code = RedundantCode(moduli, size, decoder)
    _, _, sums = sums_of(DOT, PAIRS // 8)
    sums = np.tile(sums, 8)
    read = RnsCore(DOT, code, law, attempts).read(sums, np.random.default_rng(7))
    squares = (read.values - sums).astype(float) ** 2
    parameters = FaultParameters(
        moduli=moduli, noise=law, attempts=attempts, decoder=decoder, legitimate_range=size
    )
    row, off = fault_probability(parameters), wrong_outputs(parameters.point, deviation_of(DOT))
    expected = row.expected_attempts * off.undetected
    if row.p_detected:
        rejected = row.p_err - row.expected_attempts * row.p_undetected
        expected += rejected / row.p_detected * off.rejected
    error = squares.std() / math.sqrt(PAIRS)
    # p_d depends on the value, of which the mean over the whole range is taken.
    slack = 0.02 * expected if attempts > 1 and operands and not redundant else 0.005 * expected
    assert abs(squares.mean() - expected) <= DEVIATIONS * error + slack


@pytest.mark.parametrize("decoder", ["detect", "bounded-distance"])
@pytest.mark.parametrize("law", [Uniform(0.1), Gaussian(0.4)], ids=str)
def test_every_word_of_a_small_code(law: NoiseLaw, decoder: str) -> None:
    """A value in the middle of the range, and all that may be received of it."""
    moduli = ModuliSet([11, 9, 7, 5], redundant=2)
    code = RedundantCode(moduli, 25, decoder)
    laws = [law.error_distribution(m) for m in moduli.moduli]
    words = np.array(list(itertools.product(*(range(m) for m in moduli.moduli)))).T
    chances = np.prod([one[row] for one, row in zip(laws, words, strict=True)], axis=0)
    read = code.decode(words)
    squares, detected = read.values.astype(float) ** 2, read.status == DETECTED
    parameters = FaultParameters(moduli=moduli, noise=law, decoder=decoder, legitimate_range=25)
    found = wrong_outputs(parameters.point, 0.0)
    assert found.undetected == pytest.approx(
        float(chances[~detected] @ squares[~detected]), rel=1e-9
    )
    # What undetected words say before they are corrected to others is left out.
    tolerance = 1e-9 if decoder == "detect" else 0.1
    rejected = float(chances[detected] @ squares[detected])
    assert found.rejected == pytest.approx(rejected, rel=tolerance)


@pytest.mark.parametrize("name", ["fixed-lp", "fixed-hp", "bit-sliced"])
@pytest.mark.parametrize("law", [Uniform(0.01), Gaussian(0.1), Gaussian(0.5)], ids=str)
@pytest.mark.parametrize("adc_range", ["full", "1/16"])
def test_noise_of_converters(name: str, law: NoiseLaw, adc_range: str) -> None:
    """By how much noise raises the mean square of the error of a sum."""
    dot = DotProduct(64, 6, 6)
    settings = CoreSettings(dot_product=dot, bits=6, adc_range=adc_range, slice_bits=2)
    kind = CORES[name]
    x, w, sums = sums_of(dot, 50_000)
    rng = np.random.default_rng(2)
    noisy, clean = (
        (kind.build(settings, None, one, 1).dot(x, w, rng).values - sums) ** 2.0
        for one in (law, None)
    )
    raised = noisy - clean
    error = raised.std() / math.sqrt(raised.size)
    found = kind.noise_square(settings, law)
    assert abs(raised.mean() - found) <= DEVIATIONS * error + 0.01 * found


def test_a_sum_of_readings_against_a_plain_convolution() -> None:
    law, count, m = Gaussian(0.3), 5, 13
    one = law.error_distribution(m)
    expected = np.zeros(m)
    for errors in itertools.product(range(-3, 4), repeat=count):
        expected[sum(errors) % m] += math.prod(one[e % m] for e in errors)
    found = Summed(law, count)
    assert found.error_distribution(m) == pytest.approx(expected, rel=1e-3, abs=1e-9)
    assert found.error_probability(m) == pytest.approx(1 - expected[0], rel=1e-6)
    np.testing.assert_allclose(Summed(law, 1).error_distribution(m), one, rtol=1e-15)


@pytest.mark.parametrize("retry_above", [None, 0.5])
def test_unsure_words_are_not_put_out(retry_above: float | None) -> None:
    """Where they are rejected, what is accepted is off as in the row of the code."""
    given = FaultParameters(
        moduli=ModuliSet([63, 62, 61, 59], 1), noise=Gaussian(0.5), decoder="lee",
        legitimate_range=200_000, retry_above=retry_above,
    )  # fmt: skip
    row = fault_probability(given)
    found = wrong_outputs(given.point, 200_000 / math.sqrt(12))
    # Values about the middle, in the place of all alike: what is near them is the same.
    assert found.undetected == pytest.approx(row.rms_output_error**2, rel=0.5)
    assert found.rejected == pytest.approx(row.p_detected * 200_000**2 / 12, rel=1e-3, abs=1e-3)
    assert (found.undetected < 1e8) == (retry_above is not None)

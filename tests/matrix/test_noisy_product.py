"""Products under noise: the two paths, the hardware pair by pair, and exact probabilities."""

import math

import numpy as np
import pytest
from made_cores import ANALOG, made
from plain_product import assert_same_bytes, multiply, plain_product, reading
from scipy import stats

import rnscli
from rnscli.core.arithmetic.code import RedundantCode
from rnscli.core.arithmetic.dot_product import DotProduct
from rnscli.core.arithmetic.moduli import ModuliSet
from rnscli.core.cores.rns_core import RnsCore
from rnscli.core.noise import Gaussian, NoiseLaw, Uniform
from rnscli.matrix.dataflow import PATHS, Dataflow, ProductCounts
from rnscli.matrix.product import NumPyArrays, TiledProduct

# Every statistical test has a fixed seed, and would fail with this probability if it were drawn
# anew for code that is right.
FALSE_ALARM = 1e-6

NOISES = [Uniform(0.0), Uniform(0.2), Gaussian(0.0), Gaussian(0.4)]
# Ranges that float32 holds; that it does not; whose weighted sums of residues float64 does not;
# and moduli whose product is beyond int64.
RANGES = {
    "small": (DotProduct(8, 4, 4), [17, 19, 21, 23, 25, 26, 29], 0),
    "above 2^24": (DotProduct(8, 12, 12), [239, 241, 247, 251, 253, 254, 255], 0),
    "above 2^53": (DotProduct(8, 24, 20), [239, 241, 247, 251, 253, 254, 255, 233, 229, 227], 0),
    "above 2^62": (DotProduct(8, 8, 8), [239, 241, 247, 251, 253, 254, 255, 233, 229, 227, 223], 8),
}


def rns_core(name: str, redundant: int, noise: NoiseLaw, attempts: float) -> RnsCore:
    """The fewest moduli that hold the range, or a given number of them, and some more."""
    dot, members, least = RANGES[name]
    for count in range(max(1, least), len(members) + 1 - redundant):
        moduli = ModuliSet(members[: count + redundant], redundant)
        if moduli.dynamic_range >= dot.dynamic_range:
            code = RedundantCode(moduli, dot.dynamic_range)
            return RnsCore(dot, code, noise, attempts)
    raise AssertionError


def operands(dtype: type = np.float64) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.normal(size=(9, 20)).astype(dtype), rng.normal(size=(20, 5)).astype(dtype)


@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize("attempts", [1, 2, math.inf])
@pytest.mark.parametrize("redundant", range(4))
@pytest.mark.parametrize("name", RANGES)
def test_both_paths_and_the_hardware_agree(
    name: str, redundant: int, attempts: float, noise: NoiseLaw
) -> None:
    core = rns_core(name, redundant, noise, attempts)
    x, w = operands()
    rngs = [np.random.default_rng(3) for _ in range(3)]
    off: list[tuple[int, bool]] = []
    expected = plain_product(x, w, core, read=reading(core, rngs[2], off))
    found = []
    for path, rng in zip(PATHS, rngs, strict=False):
        product = TiledProduct(Dataflow(core, path=path), NumPyArrays())
        result, counts = product.multiply(x, product.quantise_weights(w), lambda rng=rng: rng)
        assert_same_bytes(result, expected)
        found.append(counts)
    assert found[0] == found[1]
    assert rngs[0].bit_generator.state == rngs[1].bit_generator.state
    assert rngs[0].bit_generator.state == rngs[2].bit_generator.state
    assert found[0].gross == sum(rejected or abs(error) > 8 for error, rejected in off)
    accepted = [abs(error) for error, rejected in off if not rejected]
    assert found[0].absolute == sum(accepted)
    assert found[0].square == sum(error**2 for error in accepted)
    if noise.error_probability(17):
        assert found[0].wrong > 0 or attempts > 1
        # Even without redundant moduli there are words that no result has.
        assert (found[0].computed > found[0].dot_products) == (attempts > 1)
    else:
        outputs = 3 * expected.size
        assert found[0] == ProductCounts(1, outputs, 0, outputs)


def test_ranges_are_what_they_are_called() -> None:
    bounds = {}
    for name in RANGES:
        core = rns_core(name, 0, Uniform(0.1), 1)
        moduli = core.code.moduli
        bounds[name] = sum(
            (m - 1) * weight
            for m, weight in zip(moduli.information, moduli.crt_weights, strict=True)
        )
        flow = Dataflow(core)
        assert flow.wide_results == name.startswith(("above 2^24", "above 2^53"))
    assert bounds["small"] < 2**53
    assert 2**24 < bounds["above 2^24"] < 2**53
    assert bounds["above 2^53"] > 2**53
    assert rns_core("above 2^62", 0, Uniform(0.1), 1).code.moduli.dynamic_range > 2**63


@pytest.mark.parametrize("noise", [Uniform(0.02), Gaussian(0.25)])
def test_both_paths_agree_over_many_pieces(
    noise: NoiseLaw, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(NumPyArrays, "chunk", 2**13)  # 117 rows, or four matrices
    core = rnscli.RnsCore(
        DotProduct(48, 6, 6), RedundantCode(ModuliSet([63, 62, 61, 59, 55, 53], 2)), noise, 2
    )
    rng = np.random.default_rng(1)
    x, w = rng.normal(size=(401, 130)), rng.normal(size=(130, 70))
    (first, counts), (second, same) = (
        multiply(Dataflow(core, path=path), x, w, seed=5) for path in PATHS
    )
    assert_same_bytes(first, second)
    assert counts == same
    stack, deep = x[:250].reshape(10, 25, 130), np.stack([w] * 10)
    (first, counts), (second, same) = (
        multiply(Dataflow(core, path=path), stack, deep, seed=5) for path in PATHS
    )
    assert_same_bytes(first, second)
    assert counts == same
    assert counts.products == 10


@pytest.mark.parametrize("noise", NOISES[1::2])
@pytest.mark.parametrize("name", ANALOG)
def test_changes_are_those_of_read(name: str, noise: NoiseLaw) -> None:
    code = RedundantCode(ModuliSet([9, 11, 13, 14, 17], 2))
    core = made(name, DotProduct(8, 4, 4), 4, code, noise, 2, slice_bits=2)
    rng = np.random.default_rng(2)
    x, w = rng.integers(-7, 8, (5000, 8)), rng.integers(-7, 8, (5000, 8))
    exact = (x * w).sum(axis=1)
    partial = core.partial_sums(x.astype(float), w.astype(float), exact)
    sums = partial.reshape(-1, 5000)
    values = core.ideal([part.astype(np.float32) for part in sums]).astype(np.int64)
    first, second = np.random.default_rng(3), np.random.default_rng(3)
    asked = []

    def sums_of(index: np.ndarray | None) -> np.ndarray:
        asked.append(index)
        return partial if index is None else partial[..., index]

    changes = core.changes(5000, sums_of, first)
    values[changes.index] = changes.values
    readout = core.read(partial, second)
    np.testing.assert_array_equal(values, readout.values)
    assert changes.wrong == np.count_nonzero(readout.wrong) > 0
    assert changes.attempts == readout.attempts
    assert first.bit_generator.state == second.bit_generator.state
    assert asked


@pytest.mark.parametrize("attempts", [1, 2, 3, math.inf])
@pytest.mark.parametrize("decoder", ["bounded-distance", "detect"])
@pytest.mark.parametrize("path", PATHS)
def test_wrong_outputs_and_attempts_are_those_of_the_theory(
    path: str, decoder: str, attempts: float
) -> None:
    # With one term and a weight of 1 every integer of the range is sent as often, as the exact
    # probabilities have it.
    p, repetitions, columns = 0.12, 16, 50
    dot = DotProduct(1, 8, 2)
    members = [15, 17, 19, 22]
    code = RedundantCode(ModuliSet(members, 2), dot.dynamic_range, decoder)
    x = np.tile(np.arange(-127.0, 128.0), repetitions)[:, np.newaxis]
    core = RnsCore(dot, code, Uniform(p), attempts)
    found, counts = multiply(Dataflow(core, "tensor", path), x, np.ones((1, columns)), seed=8)
    exact = rnscli.fault_probability(
        rnscli.FaultParameters(
            moduli=code.moduli,
            p=p,
            attempts=attempts,
            decoder=decoder,
            legitimate_range=dot.dynamic_range,
        )
    )
    outputs = x.size * columns
    assert counts.dot_products == outputs == 255 * repetitions * columns
    ends = [FALSE_ALARM / 2, 1 - FALSE_ALARM / 2]
    # Not all integers are wrong equally often: that makes the number vary less than a binomial.
    low, high = stats.binom.ppf(ends, outputs, exact.p_err)
    assert low <= counts.wrong <= high
    differ = np.count_nonzero(found != x.astype(np.float32))
    # A word that is rejected to the last may say what was sent.
    assert 0 < differ <= counts.wrong
    assert differ == counts.wrong or not math.isinf(attempts)
    if attempts == 1:
        assert counts.computed == outputs
    elif attempts == 2:
        low, high = stats.binom.ppf(ends, outputs, exact.p_detected)
        assert low <= counts.computed - outputs <= high
    elif math.isinf(attempts):
        low, high = stats.nbinom.ppf(ends, outputs, 1 - exact.p_detected)
        assert low <= counts.computed - outputs <= high
    # Attempts of one output: their standard deviation is below sqrt(p_d) / (1 - p_d).
    spread = math.sqrt(exact.p_detected / outputs) / (1 - exact.p_detected)
    reach = stats.norm.isf(FALSE_ALARM / 2) * spread
    assert counts.mean_attempts == pytest.approx(exact.expected_attempts, abs=reach)
    assert counts.output_error_rate == counts.wrong / outputs


@pytest.mark.parametrize("path", PATHS)
def test_tiles_are_spoilt_each(path: str) -> None:
    # Without redundancy an output is right if all of its residues are, and nothing is detected.
    p = 1e-3
    core = rnscli.analog_core("rns", bits=6, vector_size=48, p=p)
    rng = np.random.default_rng(9)
    x, w = rng.normal(size=(1501, 130)), rng.normal(size=(130, 70))
    found, counts = multiply(Dataflow(core, path=path), x, w, seed=10)
    outputs = 1501 * 70 * 3
    ends = [FALSE_ALARM / 2, 1 - FALSE_ALARM / 2]
    low, high = stats.binom.ppf(ends, outputs, 1 - (1 - p) ** 3)
    assert low <= counts.wrong <= high
    assert counts.computed == counts.dot_products == outputs
    clean, _ = multiply(Dataflow(rnscli.analog_core("rns", bits=6, vector_size=48)), x, w)
    low, high = stats.binom.ppf(ends, clean.size, 1 - (1 - p) ** 9)
    # Two wrong tiles that cancel, or a small error that FP32 does not see, are too rare to count.
    assert low <= np.count_nonzero(~np.isclose(found, clean, rtol=0, atol=1e-4)) <= high


@pytest.mark.parametrize("name", ["fixed-lp", "fixed-hp"])
def test_conventional_outputs_are_wrong_with_probability_p(name: str) -> None:
    p = 0.01
    core = rnscli.analog_core(name, bits=6, vector_size=48, p=p)
    rng = np.random.default_rng(11)
    _, counts = multiply(Dataflow(core), rng.normal(size=(1501, 130)), rng.normal(size=(130, 70)))
    low, high = stats.binom.ppf([FALSE_ALARM / 2, 1 - FALSE_ALARM / 2], counts.dot_products, p)
    assert low <= counts.wrong <= high
    assert counts.computed == counts.dot_products

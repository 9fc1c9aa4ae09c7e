"""Roundings of operands: means, bounds, and block floating point in plain Python."""

import math
from fractions import Fraction

import numpy as np
import pytest
from plain_product import multiply

import rnscli
from rnscli.matrix.dataflow import Dataflow
from rnscli.matrix.product import NumPyArrays, TiledProduct
from rnscli.matrix.rounding import ROUNDINGS, stochastic, truncate

RNG = np.random.default_rng(11)


def flow_of(bits: int, size: int, **more: object) -> Dataflow:
    core = rnscli.analog_core("rns", bits=8, input_bits=bits, weight_bits=bits, vector_size=size)
    return Dataflow(core, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_stochastic_rounding_has_the_right_mean(kind: type) -> None:
    """Of 40 000 draws, each up with the probability r, within 4 standard deviations."""
    draws = 40_000
    arrays = NumPyArrays(np.random.default_rng(3))
    for value in (0.0, 0.3, -1.7, 2.5, 0.01, -0.999, 6.0, -31.0):
        found = stochastic(arrays, np.full((1, draws), value, kind))
        share = kind(value) - math.floor(value)
        assert set(np.unique(found)) <= {math.floor(value), math.ceil(value)}
        spread = math.sqrt(share * (1 - share) / draws)
        assert abs(found.mean(dtype=float) - float(kind(value))) <= 4 * spread


def test_stochastic_rounding_never_leaves_the_range() -> None:
    """Not even of 31, to which 31 + u may round up in float32 to 32."""
    arrays = NumPyArrays(np.random.default_rng(0))
    found = stochastic(arrays, np.full((1, 2**22), 31, np.float32))
    assert (found == 31).all()


def test_products_with_stochastic_rounding_have_the_right_mean() -> None:
    """Each draws on; rounded to nearest, 0.1 would be lost beside 1 whatever their number."""
    x, w = np.array([[1.0] + [0.1] * 15]), np.ones((16, 1))
    flow = flow_of(3, 16, rounding="stochastic")
    matrix = rnscli.AnalogMatrix(w, flow, seed=5)
    found = np.array([(x @ matrix)[0, 0] for _ in range(4000)])
    # A step is 1/3: of 0.1 it is 0 or 1 with the probability of 0.3.
    spread = math.sqrt(15 * 0.3 * 0.7 / 9 / len(found))
    assert abs(found.mean() - 2.5) <= 4 * spread
    assert found.std() == pytest.approx(math.sqrt(15 * 0.21 / 9), rel=0.05)
    assert multiply(flow_of(3, 16), x, w)[0] == pytest.approx(1.0)
    again = rnscli.AnalogMatrix(w, flow, seed=5)
    assert [(x @ again)[0, 0] for _ in range(50)] == found[:50].tolist()


def test_chance_of_weights_is_drawn_tile_by_tile() -> None:
    """The first tile is rounded as it is alone, whatever follows it."""
    w = RNG.normal(size=(40, 3)).astype(np.float32)
    flow = flow_of(4, 16, rounding="stochastic")
    every, alone = (
        TiledProduct(flow, NumPyArrays(np.random.default_rng(8))).quantise_weights(some)
        for some in (w, w[:16])
    )
    for part, other in zip(every.tiles[0].parts, alone.tiles[0].parts, strict=True):
        assert np.array_equal(part, other)


def test_truncation_of_every_scale() -> None:
    """The largest value stays q, though x q / s is formed in floats."""
    values = RNG.normal(size=(500, 1)).astype(np.float32)
    one = np.ones((1, 1), np.float32)
    for bits in (3, 5, 8):
        found, _ = multiply(flow_of(bits, 1, rounding="truncate"), values, one)
        np.testing.assert_allclose(found, values, rtol=1e-6)
    arrays = NumPyArrays()
    assert truncate(arrays, np.array([[1.9, -1.9, 0.5, -0.5]])).tolist() == [[1, -1, 0, 0]]


# Block floating point, as it is defined


def exponent(values: list[Fraction]) -> int:
    """The least e with all magnitudes below 2^e."""
    top = max(map(abs, values))
    found = 0
    while top >= Fraction(2) ** found:
        found += 1
    while top and top < Fraction(2) ** (found - 1):
        found -= 1
    return found


def mantissas(values: list[Fraction], bits: int, rounding: str) -> tuple[list[int], Fraction]:
    """Whole numbers of ``bits`` bits with their sign, and what 1 of them stands for."""
    if not any(values):
        return [0] * len(values), Fraction(1)
    step = Fraction(2) ** (exponent(values) - (bits - 1))
    if rounding == "truncate":
        return [int(value / step) for value in values], step
    if max(map(abs, values)) / step > 2 ** (bits - 1) - 1:  # more than the largest mantissa
        step *= 2
    return [round(value / step) for value in values], step  # ties to even


def block_product(x: np.ndarray, w: np.ndarray, bits: int, g: int, rounding: str) -> np.ndarray:
    """Blocks of g along K, each with an exponent for its row of x and its column of w."""
    out = np.zeros((len(x), w.shape[1]))
    for i in range(len(x)):
        for j in range(w.shape[1]):
            total = Fraction(0)
            for start in range(0, x.shape[1], g):
                both = (x[i, start : start + g], w[start : start + g, j])
                made = [
                    mantissas([Fraction(float(v)) for v in block], bits, rounding) for block in both
                ]
                (a, step_a), (b, step_b) = made
                assert all(abs(v) < 2 ** (bits - 1) for v in (*a, *b))
                total += sum(p * q for p, q in zip(a, b, strict=True)) * step_a * step_b
            out[i, j] = float(total)
    return out


@pytest.mark.parametrize("rounding", ["truncate", "nearest"])
@pytest.mark.parametrize(("bits", "g"), [(3, 4), (4, 16), (5, 7)])
def test_it_is_block_floating_point(bits: int, g: int, rounding: str) -> None:
    x, w = (RNG.normal(size=shape).astype(np.float32) for shape in ((6, 40), (40, 5)))
    x *= 2.0 ** RNG.integers(-8, 8, size=x.shape).astype(np.float32)
    x[0, :g], x[1, 0], x[2, :g] = 0, 2.0**6, -(2.0**-9)  # zeros, and powers of two
    flow = flow_of(bits, g, scales="power-of-two", rounding=rounding)
    found, _ = multiply(flow, x, w)
    expected = block_product(x, w, bits, g, rounding)
    np.testing.assert_allclose(found, expected, rtol=0, atol=3e-7 * np.abs(expected).max())
    other = "nearest" if rounding == "truncate" else "truncate"
    assert np.abs(found - block_product(x, w, bits, g, other)).max() > 1e-3


def test_a_block_is_exact_where_its_sums_are() -> None:
    """One block: nothing is added in FP32, so that every bit is that of the definition."""
    x, w = (RNG.normal(size=shape).astype(np.float32) for shape in ((9, 16), (16, 9)))
    for rounding in ("truncate", "nearest"):
        flow = flow_of(4, 16, scales="power-of-two", rounding=rounding)
        assert (multiply(flow, x, w)[0] == block_product(x, w, 4, 16, rounding)).all()


def test_names() -> None:
    assert list(ROUNDINGS) == ["nearest", "stochastic", "truncate"]
    with pytest.raises(rnscli.InputError, match="`rounding` is up; it must be one of"):
        flow_of(4, 4, rounding="up")

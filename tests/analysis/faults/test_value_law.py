"""Means over the values that words stand for, against every value and every error."""

import itertools
import math
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest

from rnscli.analysis.faults.attempt import Attempt, attempt
from rnscli.analysis.faults.fault_probability import FaultParameters, fault_probability
from rnscli.analysis.faults.validation import validate
from rnscli.analysis.faults.value_law import (
    UNIFORM_VALUES,
    HistogramValues,
    NormalValues,
    ValueLaw,
    load_values,
    normal_values,
    value_law,
)
from rnscli.analysis.noise.operand_law import uniform_law
from rnscli.base.errors import InputError
from rnscli.core.arithmetic.code import DETECTED, RedundantCode
from rnscli.core.arithmetic.dot_product import DotProduct
from rnscli.core.arithmetic.moduli import ModuliSet
from rnscli.core.noise import Gaussian, NoiseLaw, Tabulated, Uniform
from rnscli.core.noise.law import weights_of

CODES = [
    (ModuliSet([5, 4, 3]), 60, "detect"),
    (ModuliSet([5, 4, 3]), 41, "detect"),
    (ModuliSet([7, 5, 3, 2], 1), 23, "detect"),
    (ModuliSet([7, 5, 4, 3], 2), 12, "bounded-distance"),
    (ModuliSet([8, 7, 5, 3], 2), 11, "bounded-distance"),
    (ModuliSet([7, 5, 3], 2), 3, "majority"),
    (ModuliSet([9, 6], factor=3), 18, "robust"),
    (ModuliSet([20, 15], factor=5), 47, "robust"),
    (ModuliSet([20, 16, 12], 1, factor=4), 40, "robust"),
    (ModuliSet([12, 10, 8], factor=2), 100, "robust"),
    (ModuliSet([15, 10, 6], factor=1), 30, "robust"),
    (ModuliSet([5, 4, 3]), 60, "lee"),
    (ModuliSet([5, 4, 3]), 41, "lee"),
    (ModuliSet([7, 5, 3], 1), 15, "lee"),
    (ModuliSet([7, 5, 3], 1), 11, "lee"),
    (ModuliSet([7, 5, 3, 2], 1), 23, "lee"),
    (ModuliSet([8, 7, 5], 1), 35, "lee"),
    (ModuliSet([7, 5, 4, 3], 2), 12, "lee"),
    (ModuliSet([8, 7, 5, 3], 2), 11, "lee"),
    (ModuliSet([9, 7, 5], 2), 5, "lee"),
    (ModuliSet([11, 9, 7], 1), 60, "lee"),
]
VALUES = [
    UNIFORM_VALUES,
    NormalValues(2.5),
    NormalValues(0.0),
    NormalValues(4.0, 0.3),
    HistogramValues((-1, 0, 1), (3, 1, 4)),
]


def laws_of(moduli: ModuliSet, kind: str) -> tuple[NoiseLaw, ...]:
    rng = np.random.default_rng(3)
    if kind == "tabulated":
        tables = (rng.random(m) ** 3 + 3 * (np.arange(m) == 0) for m in moduli.moduli)
        return tuple(Tabulated(tuple(table / math.fsum(table))) for table in tables)
    law: NoiseLaw = Uniform(0.2) if kind == "uniform" else Gaussian(0.5)
    return (law,) * moduli.count


@pytest.mark.parametrize("kind", ["uniform", "gaussian", "tabulated"])
@pytest.mark.parametrize("values", VALUES, ids=repr)
@pytest.mark.parametrize(("moduli", "size", "decoder"), CODES)
def test_every_value_and_every_error(
    moduli: ModuliSet, size: int, decoder: str, values: ValueLaw, kind: str
) -> None:
    laws = laws_of(moduli, kind)
    code = RedundantCode(moduli, size, decoder)
    wanted = counted(code, laws, values)
    found = attempt(moduli, size, decoder, laws, 2, values)
    assert outcome(found) == pytest.approx(wanted, rel=1e-9, abs=1e-12)


def outcome(found: Attempt) -> list[float]:
    sizes = (found.gross, found.absolute, found.square)
    return [found.correct, found.detected, found.undetected, *sizes]


def counted(code: RedundantCode, laws: tuple[NoiseLaw, ...], values: ValueLaw) -> list[float]:
    """The outcome, with a tolerance of 2, by decoding every word."""
    moduli, size = code.moduli, code.size
    index = np.arange(size)
    chances_of = values.between(index, index, size)
    assert math.fsum(chances_of) == pytest.approx(1, abs=1e-9)
    errors, found = every_word(code)
    vectors = [law.error_distribution(m) for law, m in zip(laws, moduli.moduli, strict=True)]
    chances = np.prod([v[e] for v, e in zip(vectors, errors, strict=True)], axis=0)
    wanted = np.zeros(6)
    for chance, (rejected, off) in zip(chances_of.tolist(), found, strict=True):
        of_kinds = (~rejected & (off == 0), rejected, off > 0, off > 2)
        wanted += chance * np.array([*(chances[k].sum() for k in of_kinds), chances @ off, 0.0])
        wanted[5] += chance * float(chances @ off**2)
    made: list[float] = wanted.tolist()
    return made


@lru_cache(maxsize=64)
def every_word(code: RedundantCode) -> tuple[np.ndarray, list[tuple[np.ndarray, np.ndarray]]]:
    """All errors; and of each value at each, whether it is rejected, and how far off it is."""
    members = np.array(code.moduli.moduli)[:, np.newaxis]
    errors = np.array(list(itertools.product(*map(range, code.moduli.moduli)))).T
    found = []
    for value in range(code.lowest, code.lowest + code.size):
        decoded = code.decode((code.encode(np.array([value])) + errors) % members)
        rejected = decoded.status == DETECTED
        off = np.where(rejected, 0, np.abs(decoded.values - value)).astype(float)
        found.append((rejected, off))
    return errors, found


@pytest.mark.parametrize("retry_above", [0.0, 1.5, 4.0])
@pytest.mark.parametrize("values", [UNIFORM_VALUES, NormalValues(3.0)], ids=repr)
@pytest.mark.parametrize(
    ("moduli", "size", "decoder"),
    [one for one in CODES if one[2] in ("lee", "robust")],
)
def test_words_that_are_unsure_are_rejected(
    moduli: ModuliSet, size: int, decoder: str, values: ValueLaw, retry_above: float
) -> None:
    """Of residues whose noise differs, so that their errors have different weights."""
    laws = tuple(Gaussian(0.3 + 0.1 * i) for i in range(moduli.count))
    weights = weights_of(laws)
    assert weights is not None and max(weights) / min(weights) > 1.7
    code = RedundantCode(moduli, size, decoder, weights, retry_above)
    found = attempt(moduli, size, decoder, laws, 2, values, retry_above)
    assert outcome(found) == pytest.approx(counted(code, laws, values), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("dot", [DotProduct(16, 4, 4), DotProduct(64, 3, 5)], ids=repr)
def test_sums_of_products_are_close_to_normal(dot: DotProduct) -> None:
    """Against the convolution of the law of a product with itself."""
    laws = [uniform_law(largest, dot.vector_size) for largest in (dot.max_input, dot.max_weight)]
    reach = dot.max_input * dot.max_weight
    product = np.zeros(2 * reach + 1)
    for x, w in itertools.product(*(zip(law.values, law.chances, strict=True) for law in laws)):
        product[int(x[0] * w[0]) + reach] += x[1] * w[1]
    total = np.ones(1)
    for _ in range(dot.vector_size):
        total = np.convolve(total, product)
    size = total.size
    law, place = normal_values(dot), np.arange(size)
    assert law.deviation**2 == pytest.approx(total @ (place - size // 2) ** 2.0, rel=1e-9)
    off = np.abs(law.between(0, place, size) - np.cumsum(total))
    assert off.max() < 2e-3
    without = NormalValues(law.deviation).between(0, place, size)
    assert np.abs(without - np.cumsum(total)).max() >= off.max()
    # A window far above zero is the difference of two tails.
    far = law.between(size // 2 + 300, size - 1, size) - law.between(
        size // 2 + 310, size - 1, size
    )
    window = law.between(size // 2 + 300, size // 2 + 309, size)
    assert window == pytest.approx(float(far), rel=1e-6)


@pytest.mark.parametrize("decoder", ["detect", "bounded-distance"])
def test_simulated(decoder: str) -> None:
    """Of values that crowd round zero: 99.9 % intervals of two codes."""
    code = FaultParameters(
        moduli=ModuliSet([13, 11, 9, 8, 7], 1 if decoder == "detect" else 2),
        noise=Gaussian(0.4),
        decoder=decoder,
        values=NormalValues(20.0),
    )
    checked = validate(code, 100_000, seed=2).beside(fault_probability(code))
    assert checked.agrees


def test_small_errors_matter_less_where_values_are_in_the_middle() -> None:
    """At an end every second error leads out of the range, and is detected."""
    moduli = ModuliSet([15, 14, 13])
    for size in (500, 2000):
        of_all, of_sums = (
            fault_probability(
                FaultParameters(
                    moduli=moduli, noise=Gaussian(0.3), legitimate_range=size, values=values
                )
            )
            for values in (UNIFORM_VALUES, NormalValues(size / 50))
        )
        assert of_all.p_correct == of_sums.p_correct
        assert of_all.p_undetected != pytest.approx(of_sums.p_undetected, rel=0.05)


def test_files_of_values(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    sums = rng.integers(-40, 40, 500)
    np.save(tmp_path / "sums.npy", sums)
    listed = tmp_path / "sums.csv"
    listed.write_text("value,count\n" + "".join(f"{v},{(sums == v).sum()}\n" for v in set(sums)))
    assert load_values(tmp_path / "sums.npy") == load_values(listed) == HistogramValues.of(sums)
    listed.write_text("value\n-3\n4\n-3\n")
    assert value_law(str(listed), DotProduct(8, 4, 4)) == HistogramValues((-3, 4), (2, 1))


def test_bad_files_and_values(tmp_path: Path) -> None:
    for text, said in (
        ("value\n1.5\n", "a whole number from -2"),
        ("value\n", "no rows|holds no"),
        ("count\n3\n", "value"),
        ("value,count\n3,0\n", "all be 0"),
    ):
        (tmp_path / "sums.csv").write_text(text)
        with pytest.raises(InputError, match=said):
            load_values(tmp_path / "sums.csv")
    for content in (np.ones(4), np.zeros(0, dtype=int), np.array(["a"])):
        np.save(tmp_path / "sums.npy", content)
        with pytest.raises(InputError, match="no array of whole numbers"):
            load_values(tmp_path / "sums.npy")
    (tmp_path / "sums.npy").write_text("nonsense")
    with pytest.raises(InputError, match="no array of whole numbers"):
        load_values(tmp_path / "sums.npy")
    with pytest.raises(InputError, match="does not exist"):
        load_values(tmp_path / "none.npy")
    code = FaultParameters(
        moduli=ModuliSet([5, 4, 3]), noise=Gaussian(0.3), values=HistogramValues((99,), (1,))
    )
    with pytest.raises(InputError, match="the code has 60 legitimate ones"):
        fault_probability(code)

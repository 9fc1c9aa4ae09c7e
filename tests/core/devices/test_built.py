"""Cores on arrays as they are built, against plain loops over cells, lines and converters."""

import math
from typing import Any

import numpy as np
import pytest

import rnscli
from rnscli.core import Devices, DotProduct, ModuliSet, RedundantCode
from rnscli.core.cores.conventional_core import BitSlicedCore, FixedPointCore
from rnscli.core.cores.core import Core, Readout
from rnscli.core.cores.rns_core import RnsCore
from rnscli.core.noise import Gaussian

DOT = DotProduct(12, 4, 4)
CODE = RedundantCode(ModuliSet([15, 14, 13, 11]))
# Deterministic, so that a plain computation must give the very same results.
TABLE = ((0.0, 0.02, 0.0), (0.4, 0.45, 0.0), (1.0, 0.97, 0.0))
BOW = ((-1.0, 0.3), (0.0, -0.4), (1.0, 0.2))
KINDS = {
    "table": Devices(states=TABLE),
    "wires": Devices(wire_resistance=0.01, on_off_ratio=20),
    "converter": Devices(adc_points=BOW),
    "all": Devices(states=TABLE, wire_resistance=0.003, adc_points=BOW),
}


def operands() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(5)
    return rng.integers(-7, 8, (6, 12)).astype(float), rng.integers(-7, 8, (12, 5)).astype(float)


def result(core: Core, x: np.ndarray, w: np.ndarray, seed: int = 0) -> Readout:
    cells, dacs, rng = (np.random.default_rng([seed, one]) for one in range(3))
    sums = (x @ w).astype(np.int64)
    return core.multiply(x, core.built(w, cells, dacs), np.matmul, sums, rng)


def line(devices: Devices, targets: list[float]) -> list[float]:
    """What each cell of a bit line lets through, in shares of the largest conductance."""
    low = 1 / devices.on_off_ratio
    found = [low + one * (1 - low) for one in targets]
    if devices.states:
        table = np.array(devices.states)
        found = [float(np.interp(one, table[:, 0], table[:, 1])) for one in found]
    r = devices.wire_resistance
    if not r:
        return found
    rows = len(found)
    nodes = np.zeros((rows, rows))
    for node in range(rows):
        nodes[node, node] = found[node] * r + (2 if node else 1)
        for other in (node - 1, node + 1):
            if 0 <= other < rows:
                nodes[node, other] = -1
    # The current at the end for a volt at one row, row by row.
    inverse = np.linalg.inv(nodes)
    return [float(inverse[-1, row] * found[row]) for row in range(rows)]


def weights(devices: Devices, held: list[int], low: int, high: int) -> list[float]:
    least = 1 / devices.on_off_ratio
    if devices.mapping == "differential":
        full = max(-low, high)
        plus, minus = (line(devices, [max(s * w, 0) / full for w in held]) for s in (1, -1))
        return [(p - m) * full / (1 - least) for p, m in zip(plus, minus, strict=True)]
    cells = line(devices, [(w - low) / (high - low) for w in held])
    return [(g - least) * (high - low) / (1 - least) + low for g in cells]


def bent(devices: Devices, level: float, half: float) -> float:
    if not devices.adc_points:
        return level
    table = np.array(devices.adc_points)
    return level + float(np.interp(level / half, table[:, 0], table[:, 1]))


def digits(value: int, bits: int, width: int) -> list[int]:
    sign = -1 if value < 0 else 1
    return [sign * (abs(value) >> place & (2**bits - 1)) for place in range(0, width, bits)]


def conventional(core: Any, x: list[int], w: list[int]) -> float:
    """One dot product, read as the core's description has it."""
    devices, offset = core.devices, 8 if core.devices.mapping == "offset" else 0
    if isinstance(core, BitSlicedCore):
        s = core.slice_bits
        count = -(-4 // s) if offset else -(-3 // s)
        parts = [
            [
                (v + offset >> s * i) & (2**s - 1) if offset else digits(v, s, s * count)[i]
                for v in w
            ]
            for i in range(count)
        ]
        low, high, full = (0 if offset else 1 - 2**s), 2**s - 1, 4 + s + 4
    else:
        s, parts, low, high, full = 0, [[v + offset for v in w]], 0 if offset else -7, 15, 11
        high, full = (15, 12) if offset else (7, 11)
    applied = [(1, x)]
    if devices.input_slice_bits and offset:
        t = devices.input_slice_bits
        applied = [(2 ** (t * i), [digits(v, t, 3)[i] for v in x]) for i in range(-(-3 // t))]
        full -= 4 - (t + 1)
    step, half = 2.0 ** max(0, full - core.adc_bits), 2.0 ** (min(core.adc_bits, full) - 1)
    total = 0.0
    for place, values in applied:
        for index, part in enumerate(parts):
            found = weights(devices, part, low, high)
            level = sum(a * b for a, b in zip(values, found, strict=True)) / step
            code = min(half - 1, max(-half, round(bent(devices, level, half))))
            total += place * 2 ** (s * index) * code * step
        total -= place * offset * sum(values)
    return total


def residue(devices: Devices, modulus: int, x: list[int], w: list[int]) -> int:
    below = modulus // 2 if devices.residues == "symmetric" else 0
    inputs, held = ([(v + below) % modulus - below for v in values] for values in (x, w))
    low, raised = -below, 0
    if devices.mapping == "offset":
        held, low, raised = [v + below for v in held], 0, below
    found = weights(devices, held, low, low + modulus - 1)
    level = sum(a * b for a, b in zip(inputs, found, strict=True)) % modulus
    seen = bent(devices, level - modulus / 2, modulus / 2) + modulus / 2
    return (round(seen) - raised * sum(inputs)) % modulus


@pytest.mark.parametrize("mapping", ["differential", "offset"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("core", ["fixed", "fine", "sliced", "input slices", "plain", "symmetric"])
def test_every_reading_is_that_of_a_plain_computation(core: str, kind: str, mapping: str) -> None:
    changed: dict[str, Any] = {"mapping": mapping}
    if core == "input slices":
        changed["input_slice_bits"] = 1
    if core == "symmetric":
        changed["residues"] = core
    devices = Devices(**{**vars(KINDS[kind]), **changed})
    made: Core = {
        "fixed": lambda: FixedPointCore("fixed-lp", DOT, 4, 5, devices=devices),
        "fine": lambda: FixedPointCore("fixed-lp", DOT, 4, 11, devices=devices),
        "sliced": lambda: BitSlicedCore(DOT, 4, 2, 6, devices=devices),
        "input slices": lambda: BitSlicedCore(DOT, 4, 1, 6, devices=devices),
        "plain": lambda: RnsCore(DOT, CODE, devices=devices),
        "symmetric": lambda: RnsCore(DOT, CODE, devices=devices),
    }[core]()
    x, w = operands()
    read = result(made, x, w).values.reshape(6, 5)
    for row in range(6):
        for column in range(5):
            pair = x[row].astype(int).tolist(), w[:, column].astype(int).tolist()
            if isinstance(made, RnsCore):
                word = [residue(devices, m, *pair) for m in CODE.moduli.moduli]
                expected = CODE.decode(np.array(word)[:, np.newaxis]).values[0]
            else:
                expected = conventional(made, *pair)
            assert read[row, column] == expected


@pytest.mark.parametrize("residues", ["plain", "symmetric"])
@pytest.mark.parametrize("mapping", ["differential", "offset"])
def test_ideal_residues_lose_nothing_however_they_are_mapped(residues: str, mapping: str) -> None:
    x, w = operands()
    devices = Devices(mapping=mapping, residues=residues, on_off_ratio=50)
    core = RnsCore(DOT, CODE, devices=devices)
    read = result(core, x, w)
    assert (read.values.reshape(6, 5) == x @ w).all() and not read.wrong.any()


def test_four_slices_of_two_bits_are_1_286_times_as_good() -> None:
    """Xiao et al.: (64 + 16 + 4 + 1) / sqrt(64^2 + 16^2 + 4^2 + 1), of errors in any state."""
    dot = DotProduct(64, 6, 9)
    devices = Devices(read_noise=0.01)
    rng = np.random.default_rng(0)
    x = rng.integers(-31, 32, (3, 64)).astype(float)
    w = rng.integers(-255, 256, (64, 4)).astype(float)
    deviations = []
    for core in (
        FixedPointCore("fixed-hp", dot, 9, 20, devices=devices),
        BitSlicedCore(dot, 9, 2, 14, devices=devices),
    ):
        built = core.built(w, rng, rng)
        read = list(built.conversions(core.applied(x), np.matmul))
        squares = [(core.places[one.part] * one.deviations) ** 2 for one in read]
        deviations.append(np.sqrt(np.sum(squares, axis=0)))
    ratio = deviations[0] / deviations[1]
    assert ratio == pytest.approx(85 / math.sqrt(64**2 + 16**2 + 4**2 + 1), rel=1e-12)


def test_the_same_static_error_meets_every_attempt() -> None:
    """A chip that is wrong stays wrong: attempts end without a change, and cost all of them."""
    dot, code = DotProduct(12, 4, 4), RedundantCode(ModuliSet([17, 15, 14, 13, 11], redundant=1))
    x, w = operands()
    core = RnsCore(dot, code, attempts=4, devices=Devices(cell_error=0.004))
    read = result(core, x, w)
    first, *later = read.attempts
    assert first == x.shape[0] * w.shape[1] and later and set(later) == {later[0]}
    fresh = RnsCore(dot, code, attempts=4, devices=Devices(read_noise=0.004))
    assert result(fresh, x, w).attempts[-1] < result(fresh, x, w).attempts[1]


def test_chips_differ_and_stay_what_they_are() -> None:
    values = np.random.default_rng(1).normal(size=(20, 300))
    x = np.random.default_rng(2).normal(size=20)

    def product(**devices: Any) -> np.ndarray:
        core = rnscli.analog_core("fixed-hp", bits=6, devices=Devices(**devices))
        matrix = rnscli.AnalogMatrix(values, core)
        first, second = x @ matrix, x @ matrix
        assert (first == second).all() == ("read_noise" not in devices)
        return first

    one, other = product(cell_error=0.05), product(cell_error=0.05, chip_seed=1)
    assert (one == product(cell_error=0.05)).all() and (one != other).any()
    product(cell_error=0.05, read_noise=0.01)


def test_noise_of_a_law_comes_on_top() -> None:
    """Gaussian noise and read noise add their squares, in a residue as in an ADC."""
    dot, sigma = DotProduct(12, 4, 4), 0.2
    x, w = np.zeros((400, 12)), np.zeros((12, 100))
    core = RnsCore(dot, CODE, Gaussian(sigma), devices=Devices(cell_error=1e-9))
    expected = 1 - math.prod(1 - Gaussian(sigma).error_probability(m) for m in CODE.moduli.moduli)
    wrong = result(core, x, w).wrong.mean()
    assert abs(wrong - expected) < 6 * math.sqrt(expected / 40_000)

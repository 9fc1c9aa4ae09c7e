"""What a step of an optimiser takes: its algorithm, written out on numbers that count."""

import math
import struct
from collections import Counter
from collections.abc import Callable

import pytest
import torch

from rnscli.hardware.workloads.training import OPTIMISERS
from rnscli.hardware.workloads.vector_work import VECTOR_KINDS
from rnscli.networks.recipe import OPTIMISERS as OF_RECIPES

B1, B2, EPSILON, RATE, DECAY, MOMENTUM = 0.9, 0.999, 1e-8, 0.05, 0.1, 0.9
GRADIENTS = (0.3, -0.2, 1.5, 0.01)
made: Counter[str] = Counter()


class Counted:
    """A number of a parameter, which tells what is computed with it."""

    def __init__(self, value: float) -> None:
        self.value = value

    def __mul__(self, other: "Counted | float") -> "Counted":
        made["fp-multiply"] += 1
        return Counted(self.value * float(other))

    def __add__(self, other: "Counted | float") -> "Counted":
        made["fp-add"] += 1
        return Counted(self.value + float(other))

    def __sub__(self, other: "Counted | float") -> "Counted":
        made["fp-add"] += 1
        return Counted(self.value - float(other))

    def __rsub__(self, other: float) -> "Counted":
        made["fp-add"] += 1
        return Counted(other - self.value)

    def __float__(self) -> float:
        return self.value

    def from_bits(self, magic: int, shift: int) -> "Counted":
        """A first guess: one whole number is subtracted from another one, shifted."""
        made["add"] += 1
        (bits,) = struct.unpack("I", struct.pack("f", self.value))
        return Counted(*struct.unpack("f", struct.pack("I", magic - (bits >> shift))))


def root(x: Counted) -> Counted:
    half, y = x * 0.5, x.from_bits(0x5F3759DF, 1)
    for _ in range(2):
        y = y * (1.5 - half * (y * y))
    return x * y


def reciprocal(x: Counted) -> Counted:
    y = x.from_bits(0x7EF311C7, 0)
    for _ in range(2):
        y = y * (2.0 - x * y)
    return y


Memory = dict[str, Counted]


def sgd(w: Counted, g: Counted, kept: Memory, t: int) -> Counted:
    return w - g * RATE


def momentum(w: Counted, g: Counted, kept: Memory, t: int) -> Counted:
    kept["m"] = kept["m"] * MOMENTUM + g
    return w - kept["m"] * RATE


def nesterov(w: Counted, g: Counted, kept: Memory, t: int) -> Counted:
    kept["m"] = kept["m"] * MOMENTUM + g
    return w - (g + kept["m"] * MOMENTUM) * RATE


def over_size(g: Counted, kept: Memory, t: int) -> Counted:
    """The mean over its size, without the corrections of both means, which are shared."""
    kept["m"] = kept["m"] * B1 + g * (1 - B1)
    kept["v"] = kept["v"] * B2 + g * g * (1 - B2)
    return kept["m"] * reciprocal(root(kept["v"]) + EPSILON * math.sqrt(1 - B2**t))


def correction(t: int) -> float:
    return math.sqrt(1 - B2**t) / (1 - B1**t)


def adam(w: Counted, g: Counted, kept: Memory, t: int) -> Counted:
    return w - over_size(g, kept, t) * (RATE * correction(t))


def adamw(w: Counted, g: Counted, kept: Memory, t: int) -> Counted:
    return adam(w * (1 - RATE * DECAY), g, kept, t)


def lamb(w: Counted, g: Counted, kept: Memory, t: int) -> Counted:
    # The correction is a factor of the step and of its norm, and so of neither.
    step = over_size(g, kept, t) + w * (DECAY / correction(t))
    kept["norms"] = kept["norms"] + w * w
    kept["of_steps"] = kept["of_steps"] + step * step
    ratio = abs(w.value) / abs(step.value)  # of the one parameter that is here
    return w - step * (RATE * ratio)


STEPS: dict[str, Callable[[Counted, Counted, Memory, int], Counted]] = {
    one.__name__: one for one in (sgd, momentum, nesterov, adam, adamw, lamb)
}


def steps(name: str) -> tuple[float, Counter[str]]:
    """A parameter after some steps, and what one of them took."""
    kept = {one: Counted(0.0) for one in ("m", "v", "norms", "of_steps")}
    w = Counted(0.7)
    for t, g in enumerate(GRADIENTS, 1):
        made.clear()
        w = STEPS[name](w, Counted(g), kept, t)
    return w.value, Counter(made)


@pytest.mark.parametrize("name", OPTIMISERS)
def test_operations_are_those_of_the_algorithm(name: str) -> None:
    _, took = steps(name)
    kinds = VECTOR_KINDS[name].operations
    assert {one.kind: one.count for one in kinds} == took
    assert {one.width for one in kinds} == {32}


@pytest.mark.parametrize("name", ["sgd", "momentum", "nesterov", "adam", "adamw"])
def test_the_algorithm_is_that_of_pytorch(name: str) -> None:
    w = torch.nn.Parameter(torch.tensor(0.7, dtype=torch.float64))
    given = {"momentum": MOMENTUM, "nesterov": name == "nesterov"}
    optimiser: torch.optim.Optimizer
    if name.startswith("adam"):
        kind = torch.optim.Adam if name == "adam" else torch.optim.AdamW
        decay = DECAY if name == "adamw" else 0.0
        optimiser = kind([w], lr=RATE, betas=(B1, B2), eps=EPSILON, weight_decay=decay)
    else:
        optimiser = torch.optim.SGD([w], lr=RATE, **({} if name == "sgd" else given))
    for g in GRADIENTS:
        w.grad = torch.tensor(g, dtype=torch.float64)
        optimiser.step()
    # Two Newton steps of a root and of a reciprocal are good to 5e-6 each.
    assert steps(name)[0] == pytest.approx(float(w.detach()), rel=2e-5)


def test_lamb_by_its_paper() -> None:
    """You et al., algorithm 2, of a layer with one weight: a step is its size times the rate."""
    w, m, v = 0.7, 0.0, 0.0
    for t, g in enumerate(GRADIENTS, 1):
        m, v = B1 * m + (1 - B1) * g, B2 * v + (1 - B2) * g * g
        r = m / (1 - B1**t) / (math.sqrt(v / (1 - B2**t)) + EPSILON)
        u = r + DECAY * w
        w -= RATE * abs(w) / abs(u) * u
    assert steps("lamb")[0] == pytest.approx(w, rel=2e-5)


@pytest.mark.parametrize("name", OF_RECIPES)
def test_recipes_have_the_same_steps(name: str) -> None:
    """Where the decay is a share of the weight that is added to the gradient, it is two more."""
    one = OF_RECIPES[name]
    plain, decayed = (
        Counter({op.kind: op.count for op in one.operations(decays=decays)})
        for decays in (False, True)
    )
    if name == "adamw":
        assert (plain, decayed) == (steps("adam")[1], steps("adamw")[1])
    else:
        assert plain == steps(name)[1]
        assert decayed - plain == Counter({"fp-multiply": 1, "fp-add": 1})
    # The parameter and what is kept of it are read and written, and its gradient is read.
    kept = {"sgd": 0, "momentum": 1, "nesterov": 1, "adam": 2, "adamw": 2}
    assert one.words == 2 * (1 + kept[name]) + 1

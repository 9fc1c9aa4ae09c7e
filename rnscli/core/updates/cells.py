"""Weights in cells: how they are set up, how pulses change them, and what is carried.

NumPy is loaded where there are cells.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from rnscli.base import (
    InputError,
    Names,
    NamesOrFiles,
    Numbers,
    Option,
    OptionGroup,
    Registry,
    WholeNumbers,
    check_choice,
)
from rnscli.core.updates.exponential import Exponential
from rnscli.core.updates.law import UpdateLaw
from rnscli.core.updates.linear import Ideal, Linear
from rnscli.core.updates.logistic import Logistic
from rnscli.core.updates.tabulated import COLUMNS, Tabulated

if TYPE_CHECKING:
    import numpy as np

    from rnscli.core.arithmetic import FloatArray, IntArray

# `Tabulated` has no name there: a file says what is in it.
UPDATE_LAWS: Registry[type[UpdateLaw]] = Registry(
    "update", "updates", UpdateLaw, [Ideal, Linear, Exponential, Logistic]
)

# Cells beside a reference that stays, or two that move against each other.
SIDES: Mapping[str, int] = {"reference": 1, "pair": 2}
EXACT, NOISY = CARRIES = ("exact", "noisy")

# Of the largest weight: cells hold whole units, so that what is carried is exact in doubles.
_UNIT = 2.0**-52
_LEAST = 20  # a lowest digit of 2^-20 has 32 bits of units


class UpdateOptions:
    """What a user chooses of how weights are written while they are trained."""

    group = OptionGroup.UPDATES
    update = Option(
        NamesOrFiles(
            lambda: UPDATE_LAWS,
            (".csv",),
            "ideal, linear, exponential, logistic, or a CSV file of measured pulses",
        ),
        "How cells of weights follow steps of training: {summaries}; or a CSV file of measured "
        f"pulses with the columns {', '.join(COLUMNS)}.",
        usual=Ideal.name,
    )
    update_nonlinearity = Option(
        Numbers(0.0, 50.0, "a number from 0 to 50"),
        "The a of exponential and logistic updates; 0 is linear.",
    )
    update_asymmetry = Option(
        Numbers(-0.99, 0.99, "a number from -0.99 to 0.99"),
        "Steps up are larger by this share, and steps down smaller by it.",
        usual="0",
    )
    update_noise = Option(
        Numbers(0.0, 10.0, "a number from 0 to 10"),
        "Write noise s: the standard deviation of a step d of a cell of range R is s sqrt(d R).",
        usual="0",
    )
    update_pulses = Option(
        WholeNumbers(1, 10**9),
        "Pulses that fill the range of a cell; a step is a whole number of them, rounded by "
        "chance.",
        usual="steps of any size",
    )
    update_mapping = Option(
        Names(tuple(SIDES)),
        "Cells of a digit: one beside a fixed reference, or a pair that moves in opposite "
        "directions.",
        usual="reference",
    )
    update_range = Option(
        Numbers(0.1, 1e6, "a number from 0.1 to 1e6"),
        "Largest weight that the cells hold, in root mean squares of the first weights of its "
        "matrix.",
        usual="2.6",
    )
    cells = Option(
        WholeNumbers(1, 16),
        "Digits of a weight, each in a cell or pair of its own; steps go to the lowest one.",
        usual="1",
    )
    cell_base = Option(
        Numbers(1.01, 1e6, "a number from 1.01 to 1e6"),
        "How much more a digit weighs than the next lower one.",
        usual="5",
    )
    carry_every = Option(
        WholeNumbers(1, 10**9),
        "Steps after which the lowest digit is carried into the next; that one after so many "
        "times the base, and so on.",
        usual="100",
    )
    carry = Option(
        Names(CARRIES),
        "What a carry writes: exact, verified until it is right; noisy, calibrated to the "
        "conductance, but with the write noise.",
        usual=EXACT,
    )


# Options by the fields that they give.
_FIELDS = {
    **{name: f"update_{name}" for name in ("asymmetry", "noise", "pulses", "mapping", "range")},
    **{name: name for name in ("cells", "cell_base", "carry_every", "carry")},
}


@dataclass(frozen=True, kw_only=True)
class CellUpdates:
    r"""How weights are held in cells while they are trained, and follow the steps asked for.

    A weight w of up to W has digits in K cells, ``w = sum_k c_k`` with ``|c_k| <= W_k = W / B^k``.
    Each is a cell beside a reference in the middle of its range, or the difference of a pair. A
    step asks the lowest digit for a change d, which is ``x = d / (2 W_k)`` of its range; the law
    makes a mean step s of it, times ``1 + asymmetry`` up and ``1 - asymmetry`` down, and noise of
    variance ``noise^2 |s|`` is added, all in shares of the range: pulses add up, and so do their
    variances (CrossSim, "G_INDEPENDENT"). What would leave the range stays at its end.

    Every so many steps digits beyond half of their range are carried upwards and reset: the
    periodic carry of Agarwal et al. (VLSI Technology 2017, "Achieving ideal accuracies in analog
    neuromorphic computing using periodic carry"); base, threshold and period are the defaults of
    CrossSim, but for its higher digits, which are carried after ten times the period there.

    Parameters
    ----------
    law
        How far a cell moves.
    asymmetry
        How much larger steps up are than they should be, and steps down smaller, wherever a cell
        is: the imbalance of Gokmen and Vlasov (2016, doi:10.3389/fnins.2016.00333).
    noise
        Write noise, as a share of the range of a cell.
    pulses
        Pulses that fill the range; steps are whole numbers of them, rounded up with the
        probability of the rest, as stochastic trains of pulses do. Any step if ``None``.
    mapping
        ``reference`` or ``pair``.
    range
        W in root mean squares of the first weights of a matrix. Without a published one for every
        network: 1.5 times the bound of a uniform law, as CrossSim trains, is 2.6.
    cells, cell_base
        Digits K and base B.
    carry_every, carry
        Steps between carries of the lowest digit, and whether carrying is exact.

    Raises
    ------
    InputError
        If a value is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> updates = CellUpdates(law=Exponential(3.0))
    >>> state = updates.program(np.array([0.0, 0.5, -0.5]), 1.0)
    >>> rng = np.random.default_rng(0)
    >>> state.change(np.array([0.1, 0.1, 0.1]), rng)
    array([0, 1, 2])
    >>> state.weights().round(3)
    array([ 0.154,  0.584, -0.276])
    """

    law: UpdateLaw
    asymmetry: float = 0.0
    noise: float = 0.0
    pulses: int | None = None
    mapping: str = "reference"
    range: float = 2.6
    cells: int = 1
    cell_base: float = 5.0
    carry_every: int = 100
    carry: str = EXACT

    def __post_init__(self) -> None:
        """Refuse what is out of range."""
        of = UpdateOptions
        for name in ("asymmetry", "noise", "range", "pulses"):
            if getattr(self, name) is not None:
                option: Option = getattr(of, f"update_{name}")
                object.__setattr__(self, name, option.check(getattr(self, name)))
        check_choice("update_mapping", self.mapping, tuple(SIDES))
        for name in ("cells", "cell_base", "carry_every", "carry"):
            object.__setattr__(self, name, getattr(of, name).check(getattr(self, name)))
        if (self.cells - 1) * math.log2(self.cell_base) > _LEAST:
            raise InputError(
                f"`cells` is {self.cells} with a `cell_base` of {self.cell_base:g}; the lowest "
                f"digit must be at least 2^-{_LEAST} of the highest"
            )

    @classmethod
    def requested(cls, given: Mapping[str, Any]) -> Self | None:
        """What options ask for, by their names; nothing if weights are in no cells.

        Raises
        ------
        InputError
            If a value is out of range, a law lacks its nonlinearity, or a file cannot be read.
        """
        name = given.get("update")
        if name is None:
            return None
        if Path(name).suffix.lower() == ".csv":
            law: UpdateLaw = Tabulated.load(name)
        else:
            kind = UPDATE_LAWS[check_choice("update", name, tuple(UPDATE_LAWS))]
            if not kind.in_cells:
                return None
            law = kind.of(given.get("update_nonlinearity"))
        stated = {field: given.get(option) for field, option in _FIELDS.items()}
        return cls(law=law, **{field: one for field, one in stated.items() if one is not None})

    @property
    def options(self) -> dict[str, Any]:
        """What options would ask for them, by their names, but for the law."""
        return {option: getattr(self, field) for field, option in _FIELDS.items()}

    def program(self, weights: FloatArray, largest: float) -> Cells:
        """Cells with these weights in their highest digits, clipped at ``largest``."""
        import numpy as np

        if not (largest > 0 and math.isfinite(largest)):
            raise InputError(
                f"cells of weights need a range, and the first ones of a matrix are {largest:g} in "
                "the root mean square; begin with others"
            )
        sides = SIDES[self.mapping]
        state = np.zeros((self.cells, sides, weights.size))
        top = _whole(np.clip(weights.ravel() / largest, -1.0, 1.0) / sides)
        state[0] = np.multiply.outer([1.0, -1.0][:sides], top)
        return Cells(self, state, largest)


class Cells:
    """The digits of the weights of one matrix.

    ``state`` has shape (digits, cells of one, weights): how far each cell is from the middle of its
    range, where the largest weight of the highest digit is 1.
    """

    def __init__(self, updates: CellUpdates, state: FloatArray, largest: float) -> None:
        self.updates, self.state, self.largest = updates, state, largest

    def _reach(self, digit: int) -> float:
        """Largest value of a digit."""
        return float(self.updates.cell_base**-digit)

    def digits(self) -> FloatArray:
        """Values of shape (digits, weights), each a share of the largest weight."""
        if self.state.shape[1] == 1:
            return self.state[:, 0]
        digits: FloatArray = self.state[:, 0] - self.state[:, 1]
        return digits

    def weights(self, places: Any = ...) -> FloatArray:
        """The weights that the cells hold, all of them or those at some places."""
        total: FloatArray = self.state[:, 0, places].sum(axis=0)
        if self.state.shape[1] == 2:
            total = total - self.state[:, 1, places].sum(axis=0)
        return self.largest * total

    def change(self, asked: np.ndarray[Any, Any], rng: np.random.Generator) -> IntArray:
        """Ask the lowest digits for changes; those of 0 get no pulse, and no noise.

        Returns the places of the others.
        """
        import numpy as np

        hit = np.flatnonzero(asked)
        if hit.size:
            last = len(self.state) - 1
            x = asked.ravel()[hit].astype(np.float64) / (2 * self.largest * self._reach(last))
            for side in range(self.state.shape[1]):
                self._pulse(last, side, hit, -x if side else x, rng)
        return hit

    def carry(self, step: int, rng: np.random.Generator) -> bool:
        """Carry the digits whose time has come after so many steps, the lowest first, if any."""
        updates = self.updates
        carried = False
        # Carries of the digit below, of which a base that is not whole leaves no fixed number.
        now, before, of = float(step), float(step - 1), float(updates.carry_every)
        for digit in range(len(self.state) - 1, 0, -1):
            now, before = now // of, before // of
            if now == before:
                break
            self._carry(digit, rng)
            carried = True
            of = updates.cell_base
        return carried

    def _pulse(
        self, digit: int, side: int, hit: Any, x: FloatArray, rng: np.random.Generator
    ) -> None:
        import numpy as np

        updates, law = self.updates, self.updates.law
        half = self._half(digit)
        cell = self.state[digit, side]
        g = (cell[hit] / half + 1.0) / 2
        # More than the whole range can only mean to its end.
        x = np.clip(x, -1.0, 1.0)
        if updates.pulses is not None:
            x = np.floor(x * updates.pulses + rng.random(x.size)) / updates.pulses
        steps = law.steps(g, x)
        if updates.asymmetry:
            steps = steps * np.where(x > 0, 1 + updates.asymmetry, 1 - updates.asymmetry)
        variances = law.variances(g, x)
        if updates.noise:
            variances = variances + updates.noise**2 * np.abs(steps)
        if np.any(variances):
            steps = steps + np.sqrt(variances) * rng.standard_normal(x.size)
        cell[hit] = _whole((2 * np.clip(g + steps, 0.0, 1.0) - 1.0) * half)

    def _carry(self, digit: int, rng: np.random.Generator) -> None:
        """Move digits beyond half of their range one up, as far as there is room."""
        import numpy as np

        sides = self.state.shape[1]
        value = self.digits()[digit]
        hit = np.flatnonzero(np.abs(value) >= self._reach(digit) / 2)
        if not hit.size:
            return
        # Of what each cell of a pair moves: whole units, and no further than its end.
        moved = np.trunc(value[hit] / (sides * _UNIT)) * _UNIT
        up = np.sign(moved)
        room = [self._half(digit - 1) - up * s * cell[hit] for s, cell in self._sides(digit - 1)]
        room = np.floor(np.maximum(np.minimum.reduce(room), 0.0) / _UNIT) * _UNIT
        moved = up * np.minimum(np.abs(moved), room)
        for place, way in ((digit, -1.0), (digit - 1, 1.0)):
            half = self._half(place)
            for sign, cell in self._sides(place):
                written = cell[hit] + way * sign * moved
                if self.updates.carry == NOISY:
                    deviation = self.updates.noise * np.sqrt(2 * half * np.abs(moved))
                    written = written + deviation * rng.standard_normal(hit.size)
                    written = _whole(np.clip(written, -half, half))
                cell[hit] = written

    def _half(self, digit: int) -> float:
        """How far a cell of a digit can be from the middle of its range."""
        return self._reach(digit) / len(self.state[digit])

    def _sides(self, digit: int) -> list[tuple[float, FloatArray]]:
        return [(-1.0 if side else 1.0, cell) for side, cell in enumerate(self.state[digit])]


def _whole(values: FloatArray) -> FloatArray:
    """Whole units, towards the middle of a range, which they do not leave."""
    import numpy as np

    units: FloatArray = np.trunc(values / _UNIT) * _UNIT
    return units

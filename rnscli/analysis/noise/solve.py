"""What a budget allows: how long a sum, how little light, how bad a cell."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from rnscli.analysis.noise.noise_table import design_columns
from rnscli.analysis.noise.parameters import NoiseParameters
from rnscli.analysis.noise.rows import SolvedRow
from rnscli.base import (
    InputError,
    Names,
    NoSolutionError,
    Numbers,
    Option,
    OptionGroup,
    engineering,
)
from rnscli.hardware import KNOWN

_MOST_ROWS = 2**16  # of arrays that no technology limits
_LEAST = 1e-12  # of errors that are looked for, as shares
_TINY = 1e-320  # a probability that has a logarithm
_SAME = 1.01  # ratio of probabilities beyond which more light is of use


def _of_device(name: str, value: float, parameters: NoiseParameters) -> NoiseParameters:
    changed: dict[str, Any] = {name: value}
    return replace(parameters, devices=replace(parameters.held_devices, **changed))


def _with_power(name: str, value: float, parameters: NoiseParameters) -> NoiseParameters:
    assert parameters.technology is not None
    return replace(parameters, technology=parameters.technology.with_values({name: value}))


@dataclass(frozen=True, eq=False)
class Unknown:
    """A quantity that is looked for.

    Parameters
    ----------
    name
        Its argument.
    summary
        What is looked for, in words.
    change
        The design with a value of it.
    low, high
        Ends of the range that is looked at.
    rising
        Whether more of it means more errors, so that its largest value is wanted.
    unit
        Of its value.
    """

    name: str
    summary: str
    change: Callable[[str, float, NoiseParameters], NoiseParameters]
    low: float
    high: float
    rising: bool = True
    unit: str = ""


def _share(name: str, what: str) -> Unknown:
    return Unknown(name, f"the largest {what}", _of_device, _LEAST, 1.0)


_ROWS = Unknown(
    "vector_size", "the longest sum", lambda _, value, of: replace(of, rows=round(value)), 1.0,
    float(_MOST_ROWS),
)  # fmt: skip
_POWER = KNOWN["laser_power"]
UNKNOWNS = {
    one.name.replace("_", "-"): one
    for one in (
        _ROWS,
        Unknown("laser_power", "the least light", _with_power, 1e-12, _POWER.high, False, "W"),
        _share("cell_error", "error of cells"),
        _share("cell_error_proportional", "error of cells in proportion"),
        _share("read_noise", "noise of a reading"),
        Unknown("on_off_ratio", "the least ratio", _of_device, 1.0 + 1e-9, 1e12, False),
        _share("wire_resistance", "resistance of a wire"),
    )
}


def of_devices(unknown: str) -> bool:
    """Whether an unknown is of arrays of cells, whatever else there is."""
    return UNKNOWNS[unknown].change is _of_device


class SolveOptions:
    """What a user chooses to look for instead of the budget."""

    group = OptionGroup.ASKED
    solve = Option(
        Names(UNKNOWNS),
        "Instead of the budget, what allows residues to be wrong with at most --target: "
        "{summaries}.",
    )
    target = Option(
        Numbers(1e-300, 0.999, "a probability above 0 and up to 0.999"),
        "With --solve: largest probability that a residue of any modulus is wrong.",
        usual="1e-3",
    )


def solved(parameters: NoiseParameters, unknown: str, target: float) -> SolvedRow:
    """The largest, or least, value of an unknown at which no residue is wrong more often.

    Parameters
    ----------
    parameters
        The design, of a core of residues; its moduli stay as they are.
    unknown
        A name in ``UNKNOWNS``.
    target
        The largest probability that is allowed.

    Raises
    ------
    InputError
        If the design has no such unknown, or no residues.
    NoSolutionError
        If no value of it will do; the message has the least probability there is.

    Examples
    --------
    >>> from rnscli.core import Devices, DotProduct, ModuliSet
    >>> design = NoiseParameters(
    ...     core="rns", dot_product=DotProduct(64, 6, 6), bits=6,
    ...     moduli=ModuliSet([63, 62, 61, 59]), devices=Devices(residues="symmetric"))
    >>> row = solved(design, "cell-error", 1e-3)
    >>> f"{row.value:.3g} {row.p:.6f} {row.modulus}"
    '4.77e-05 0.001000 63'
    """
    kind = UNKNOWNS[SolveOptions.solve.check(unknown)]
    target = SolveOptions.target.check(target)
    _check_has(parameters, kind)

    def worst(value: float) -> tuple[float, int, float]:
        """Probability, modulus and sigma of the worst channel."""
        readings = kind.change(kind.name, value, parameters).budget.readings
        return max((one.error_probability, one.modulus, one.sigma) for one in readings)

    value = _rows(parameters, worst, target) if kind is _ROWS else _crossing(kind, worst, target)
    p, modulus, sigma = worst(value)
    ends = (kind.low, kind.high if kind is not _ROWS else _most_rows(parameters))
    return SolvedRow(
        **{
            **design_columns(parameters),
            **({"vector_size": round(value)} if kind is _ROWS else {}),
        },
        unknown=unknown,
        unit=kind.unit,
        wanted="largest" if kind.rising else "least",
        value=value,
        at_limit=value == ends[1 if kind.rising else 0],
        target=target,
        p=p,
        modulus=modulus,
        sigma=sigma,
    )


def _check_has(parameters: NoiseParameters, kind: Unknown) -> None:
    if not parameters.kind.coded:
        raise InputError(
            f"`solve` is about how often a residue is wrong, and core {parameters.core} has none; "
            "leave that core out"
        )
    technology = parameters.technology
    if kind.change is _with_power and (technology is None or not technology.link):
        name = "the devices that are given" if technology is None else technology.name
        raise InputError(f"`solve` is {kind.name.replace('_', '-')}, and {name} has no light")
    if kind.change is _of_device and technology is not None and technology.modulo == "phase":
        raise InputError(
            f"`solve` is {kind.name.replace('_', '-')}, and `technology` {technology.name} has "
            "phases instead of cells"
        )


def _most_rows(parameters: NoiseParameters) -> int:
    return _MOST_ROWS if parameters.technology is None else parameters.technology.rows


Worst = Callable[[float], tuple[float, int, float]]


def _rows(parameters: NoiseParameters, worst: Worst, target: float) -> float:
    """The largest number of rows, of those from which it is not reached up to the most there are.

    More rows mean more errors but for what an ADC does to its levels, so that all powers of two
    are looked at before the last that will do.
    """
    most = _most_rows(parameters)
    sizes = sorted({*(2**k for k in range(most.bit_length()) if 2**k <= most), most})
    reached = [size for size in sizes if worst(size)[0] <= target]
    if not reached:
        raise _unreachable(parameters, _ROWS, worst, target, 1.0, "of one row")
    low = reached[-1]
    high = next((size for size in sizes if size > low), low + 1)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if worst(middle)[0] <= target else (low, middle)
    return float(low)


def _crossing(kind: Unknown, worst: Worst, target: float) -> float:
    """Where the probability crosses the target, on logarithms of both; an end if it does not."""
    from scipy.optimize import brentq

    bad, good = (kind.high, kind.low) if kind.rising else (kind.low, kind.high)
    if worst(good)[0] > target:
        raise _unreachable(None, kind, worst, target, good, "")
    if worst(bad)[0] <= target:
        return bad

    def above(log: float) -> float:
        return math.log(max(_TINY, worst(math.exp(log))[0])) - math.log(target)

    ends = sorted((math.log(bad), math.log(good)))
    found = math.exp(brentq(above, *ends, xtol=1e-13, rtol=1e-13))
    for _ in range(60):  # to the side on which it holds
        if worst(found)[0] <= target:
            break
        found *= 1 + 1e-13 if not kind.rising else 1 - 1e-13
    return min(max(found, kind.low), kind.high)


def _unreachable(
    parameters: NoiseParameters | None,
    kind: Unknown,
    worst: Worst,
    target: float,
    best: float,
    where: str,
) -> NoSolutionError:
    """The sentence that says how far the best value goes."""
    p, modulus, _ = worst(best)
    name = kind.name.replace("_", "-")
    if not where:
        where = f"with {name} {best:g}"
        if kind.unit:  # more than enough of it: where it stops to be of use
            low, high = math.log(kind.low), math.log(kind.high)
            while high - low > 1e-3:
                middle = (low + high) / 2
                low, high = (
                    (low, middle) if worst(math.exp(middle))[0] <= _SAME * p else (middle, high)
                )
            where = f"with {engineering(math.exp(high), kind.unit)} or more"
    return NoSolutionError(
        f"no {name} brings the residues to a probability of {target:g}: {where} one modulo "
        f"{modulus} is wrong with {p:.3g}",
        "solve",
        "target",
    )

"""How often a pass of an array is done: its columns share their inputs, and repeat together."""

import math

from rnscli.base import InputError

_MOST_TERMS = 10_000
_EULER = 0.5772156649015329


def attempts_of_pass(rejected: float, attempts: float, columns: int) -> float:
    """Mean number of times that c columns are driven until all of them are accepted.

    Each is rejected with probability p_d in every attempt, independently; there are up to R
    attempts. The mean of the largest of c such numbers is the sum over i < R of
    ``f(i) = 1 - (1 - p_d^i)^c``. Where that has too many terms, as p_d is close to 1, it is
    ``(1 / lambda) sum_{k <= c} (1 - v)^k / k + (1 - f(R)) / 2 + (f'(R) - f'(0)) / 12`` (Euler and
    Maclaurin), with ``lambda = -ln p_d`` and ``v = p_d^R``.

    Parameters
    ----------
    rejected
        p_d, from 0 to 1.
    attempts
        R, which may be infinite.
    columns
        c.

    Examples
    --------
    >>> attempts_of_pass(0.01, math.inf, 1), round(attempts_of_pass(0.01, math.inf, 128), 4)
    (1.0101010101010102, 1.7366)
    """
    if not rejected or attempts == 1:
        return 1.0
    if rejected >= 1.0:
        return float(attempts)
    rate = -math.log(rejected)
    # From there on a term is below 1e-17 of the sum, which is at least 1.
    needed = (math.log(columns) + 40.0) / rate
    if min(attempts, needed) <= _MOST_TERMS:
        terms = min(attempts, math.ceil(needed))
        return 1.0 + math.fsum(_term(rejected, i, columns) for i in range(1, int(terms)))
    last = math.exp(-rate * attempts)
    slopes = [_slope(rate, end, columns) for end in (last, 1.0)]
    ends = (1.0 - _term(rejected, attempts, columns)) / 2 + (slopes[0] - slopes[1]) / 12
    return _integral(rate * attempts, columns) / rate + ends


def check_independent(has_static_errors: bool, attempts: float) -> None:
    """Refuse attempts that are not independent, as `attempts_of_pass` takes them.

    With up to two of them their mean is ``1 + f(1)``, which only the first attempt decides.

    Raises
    ------
    InputError
        If errors are static and there are more attempts.
    """
    if has_static_errors and attempts > 2:
        raise InputError(
            "`static_share` is of errors that a retry meets again, and the energy of retries is "
            f"computed for independent attempts from the second one on; `attempts` is {attempts:g}:"
            " give 1 or 2"
        )


def rejected_of(mean: float, attempts: float) -> float:
    """p_d of which a dot product takes so many attempts on average, of up to R.

    The mean is the sum over i < R of ``p_d^i``, which rises with p_d from 1 to R.

    Examples
    --------
    >>> round(rejected_of(1.25, math.inf), 12), round(rejected_of(1.75, 3), 12)
    (0.2, 0.5)
    """
    if math.isinf(attempts):
        return 1.0 - 1.0 / mean
    low, high = 0.0, 1.0
    while (middle := (low + high) / 2) not in (low, high):
        total = (1.0 - middle**attempts) / (1.0 - middle)
        low, high = (middle, high) if total < mean else (low, middle)
    return high


def _term(rejected: float, index: float, columns: int) -> float:
    """f(i), without the cancellation of 1 minus nearly 1."""
    power = rejected**index
    return -math.expm1(columns * math.log1p(-power)) if power < 1.0 else 1.0


def _slope(rate: float, power: float, columns: int) -> float:
    """Derivative of f where ``p_d^x`` is ``power``."""
    return -rate * columns * power * (1.0 - power) ** (columns - 1)


def _integral(exponent: float, columns: int) -> float:
    """The integral of ``(1 - (1 - u)^c) / u`` from ``exp(-exponent)`` to 1."""
    last, rest = math.exp(-exponent), -math.expm1(-exponent)
    if columns <= 10 * _MOST_TERMS:
        found = power = rest
        for k in range(2, columns + 1):
            power *= rest
            found += power / k
        return found
    # (1 - u)^c is exp(-c u) (1 - c u^2 / 2), but for terms of 1 / c^2.
    from scipy.special import exp1

    below = columns * last
    correction = (1.0 + below) * math.exp(-below) / (2 * columns)
    if below < 1e-12:
        return math.log(columns) + _EULER + correction
    return exponent - float(exp1(below)) + correction

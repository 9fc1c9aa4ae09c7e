"""What is published of ADCs, by Murmann's survey: how far they go, and what they take."""

import csv
import math
from bisect import bisect_right
from functools import cache
from pathlib import Path
from typing import NamedTuple

DATE = "2025-06-09"  # of the revision of the survey
LEAST_BITS, MOST_BITS = 3.03, 19.74  # effective, of any converter
FASTEST = 2e11  # Hz, of any converter


class Published(NamedTuple):
    """Published converters of at least some effective bits and at least some rate.

    Attributes
    ----------
    bits, rate
        What they have at least; rate in Hz.
    converters, best, area
        How many there are, the least energy of a conversion in J, and the least area in m^2, which
        is that of another converter and None if no area is known: all in 1997 to 2025.
    fastest
        The highest rate in Hz.
    recent, recent_best
        How many there are since 2015, and the least energy of these in J, None without any.
    near, median
        How many of the recent ones have less than 1.5 bits more and less than ten times the rate,
        which is what one would use for this, and the median of their energies in J: never below
        ``best``, and None for fewer than three.
    """

    bits: int
    rate: float
    converters: int
    best: float
    area: float | None
    fastest: float
    recent: int
    recent_best: float | None
    near: int
    median: float | None


def published(bits: float, rate: float) -> Published | None:
    """What is published of ADCs with at least these effective bits and this rate in Hz.

    Statistics are of whole bits and of rates of 1 Hz, 10 Hz and so on, from 100 kHz on also of two
    and five times such a rate. In between they are those of the fewer bits and of the lower rate,
    so that what is below ``best`` is below all that is published. Below 3 bits, the fewest that
    are published, they are those of 3 bits. None where no converter gets there.

    References
    ----------
    Computed from B. Murmann, "ADC Performance Survey 1997-2025", revision of `DATE`,
    https://github.com/bmurmann/ADC-survey. It knows what was shown at two conferences, with the
    power that authors state, and converters for whole inputs as well as those that oversample.

    Examples
    --------
    >>> found = published(8, 1e9)
    >>> found.converters, found.best, found.near, found.median
    (43, 4.194e-12, 17, 1.083e-11)
    >>> published(12, 1e9) is None
    True
    """
    whole = max(math.floor(LEAST_BITS), math.floor(bits))
    cells = _table().get(whole, [])
    place = bisect_right(cells, max(1.0, rate), key=lambda cell: cell.rate)
    if bits > MOST_BITS or not place or rate > cells[-1].fastest:
        return None
    return cells[place - 1]


def fastest(bits: float) -> float | None:
    """The highest published rate in Hz of an ADC with at least these effective bits.

    Fractions of a bit do not count. None where no converter has so many.

    Examples
    --------
    >>> fastest(6), fastest(11), fastest(20)
    (105000000000.0, 6400000000.0, None)
    """
    slowest = published(bits, 1.0)
    return slowest.fastest if slowest is not None else None


def unpublished(bits: float, rate: float) -> str | None:
    """That no converter of these bits and this rate is published, in words; None if there is one.

    Examples
    --------
    >>> unpublished(12, 1e9)
    'the fastest published ADC of 12 bits has 3.00e+08 Hz (survey of 2025-06-09)'
    >>> unpublished(22, 1e9)
    'the published ADC of most bits has 19.74 (survey of 2025-06-09)'
    >>> unpublished(8, 1e9)
    """
    if published(bits, rate) is not None:
        return None
    reached = fastest(bits)
    if reached is None:
        return f"the published ADC of most bits has {MOST_BITS:g} (survey of {DATE})"
    return f"the fastest published ADC of {bits:g} bits has {reached:.2e} Hz (survey of {DATE})"


@cache
def _table() -> dict[int, list[Published]]:
    """The cells of the table by their bits, the slowest first."""
    table: dict[int, list[Published]] = {}
    with Path(__file__).with_suffix(".csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(line for line in file if not line.startswith("#")):
            cell = Published(
                int(row["bits"]),
                float(row["rate_hz"]),
                int(row["converters"]),
                float(row["best_j"]),
                _known(row["least_area_m2"]),
                float(row["fastest_hz"]),
                int(row["recent"]),
                _known(row["recent_best_j"]),
                int(row["near"]),
                _known(row["median_j"]),
            )
            table.setdefault(cell.bits, []).append(cell)
    return table


def _known(cell: str) -> float | None:
    return float(cell) if cell else None

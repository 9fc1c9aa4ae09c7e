"""What is published of ADCs: ``python -m benchmarks.adc_survey ISSCC.csv VLSI.csv > survey.csv``.

Computes the statistics that `rnscli.hardware.adc.survey` reads. The two files are the sheets of
Murmann's survey (https://github.com/bmurmann/ADC-survey), saved as CSV as they are; they are not
part of this package.
"""

import csv
import statistics
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

RECENT = 2015  # the first year of converters that medians are of
NEAR_BITS = 1.5  # how many bits, and how many times the rate, a converter near a cell may have more
NEAR_RATES = 10.0
LEAST = 3  # converters that a median takes
BITS = range(3, 20)
RATES = (
    *(10.0**n for n in range(5)),
    *(float(f"{m}e{n}") for n in range(5, 12) for m in (1, 2, 5)),
)
COLUMNS = (
    "bits,rate_hz,converters,best_j,least_area_m2,fastest_hz,recent,recent_best_j,near,median_j"
)
NOTE = """\
# What is published of ADCs. Written by benchmarks/adc_survey.py; do not edit.
# Computed from B. Murmann, "ADC Performance Survey 1997-2025",
# https://github.com/bmurmann/ADC-survey, commit ddf3c1bbba0416f40a9b3d97b01d11e48b9ae5dc, revision
# of 2025-06-09: the 723 of its 725 converters that have a power and a measured SNDR, of all kinds,
# also oversampling and bandpass ones. The survey is Copyright (c) 2022 Boris Murmann, BSD 3-Clause
# License; it is provided "as is", without warranties, and its author does not endorse this table.
# ENOB is (SNDR - 1.76 dB) / 6.02 dB with SNDR_plot (at high input frequencies where given), the
# rate that of independent samples (fsnyq), energy the power as authors state it over this rate.
# A cell is of converters with at least `bits` effective bits and at least `rate_hz`: how many there
# are, least energy of a conversion, least area (of any, empty if unknown), and the fastest rate.
# `recent` and `recent_best_j` are of those since 2015. `near` counts those since 2015 with less
# than 1.5 bits more and less than 10 times the rate, what one would use for this; `median_j` is
# their median energy, from 3 converters on. Cells without a converter are left out.
"""


class Converter(NamedTuple):
    """A converter of the survey."""

    year: int
    bits: float
    rate: float
    energy: float
    area: float | None


def converters(lines: Iterable[str]) -> Iterator[Converter]:
    """Those of a sheet, but for placeholders: without a power, or with an SNDR of 1 dB."""
    for row in csv.DictReader(lines):
        bits = (float(row["SNDR_plot [dB]"]) - 1.76) / 6.02
        if bits < 0.5 or not row["P [W]"].strip():
            continue
        area = row["AREA [mm^2]"].strip()
        rate = float(row["fsnyq [Hz]"])
        energy = float(row["P [W]"]) / rate
        yield Converter(int(row["YEAR"]), bits, rate, energy, float(area) * 1e-6 if area else None)


def cells(all_of_them: list[Converter]) -> Iterator[str]:
    """The lines of the table."""
    for bits in BITS:
        for rate in RATES:
            able = [one for one in all_of_them if one.bits >= bits and one.rate >= rate]
            if not able:
                continue
            recent = [one for one in able if one.year >= RECENT]
            near = [
                one.energy
                for one in recent
                if one.bits < bits + NEAR_BITS and one.rate < NEAR_RATES * rate
            ]
            areas = [one.area for one in able if one.area is not None]
            yield ",".join(
                (
                    f"{bits},{rate:g},{len(able)},{min(one.energy for one in able):.4g}",
                    f"{min(areas):.4g}" if areas else "",
                    f"{max(one.rate for one in able):.7g},{len(recent)}",
                    f"{min(one.energy for one in recent):.4g}" if recent else "",
                    str(len(near)),
                    f"{statistics.median(near):.4g}" if len(near) >= LEAST else "",
                )
            )


def main(paths: list[str]) -> None:
    found: list[Converter] = []
    for path in paths:
        with Path(path).open(encoding="utf-8", newline="") as file:
            found.extend(converters(file))
    print(NOTE + "\n".join((COLUMNS, *cells(found))))


if __name__ == "__main__":
    main(sys.argv[1:])

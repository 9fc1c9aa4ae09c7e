"""What whoever reads a chip's numbers should know of the chip itself."""

from collections.abc import Sequence

from rnscli import base
from rnscli.analysis.chip.chip_parameters import ChipParameters
from rnscli.analysis.chip.rows import ChipRow

# What a scanner exposes at once, 26 mm x 33 mm: no die is larger.
EXPOSURE_FIELD = 26e-3 * 33e-3


def chip_remarks(made: Sequence[tuple[ChipParameters, ChipRow]]) -> tuple[str, ...]:
    """Sentences on chips and their totals: sizes that are not built, and what is without use."""
    said = []
    areas = [row.area_m2 for _, row in made if row.area_m2 is not None]
    large = [area for area in areas if area > EXPOSURE_FIELD]
    if large:
        which = (
            f"{len(large)} of {len(areas)} chips, of up to {base.area(max(large))}, are"
            if len(areas) > 1
            else f"the chip, of {base.area(max(large))}, is"
        )
        said.append(
            f"{which} larger than a die can be ({base.area(EXPOSURE_FIELD)}): links between "
            "several dies are not counted"
        )
    left = sorted(
        {
            (parameters.arrays, row.arrays, parameters.unit.arrays)
            for parameters, row in made
            if parameters.arrays is not None and row.arrays < parameters.arrays
        }
    )
    said += [
        f"of {given} arrays {used} are used: a tile takes {each}" for given, used, each in left
    ]
    asked = [row for one, row in made if one.digital_units is not None]
    if asked and not any(row.digital_units for row in asked):
        said.append("digital units are left out where no product of two activations needs them")
    return tuple(said)

"""The page of chips that were measured is what the tool computes, and how far off it is."""

import pytest
import validation_page
from validation_page import CHIPS, Chip


def test_the_page_is_current() -> None:
    assert validation_page.PATH.read_text() == validation_page.page()


@pytest.mark.parametrize("chip", CHIPS, ids=lambda chip: chip.name)
def test_no_chip_is_further_off_than_the_page_says(chip: Chip) -> None:
    """Three times for energies of ordinary digital chips, seven for others, twelve for areas."""
    energy, density = validation_page.computed(chip)
    ordinary = chip.name in ("Simba (RC18)", "TPU v1")
    most = 3.0 if ordinary else 7.0
    assert 1 / most < energy / chip.tops_per_w < most
    if chip.tops_per_mm2 is not None:
        assert 1.0 < density / chip.tops_per_mm2 < 12.0

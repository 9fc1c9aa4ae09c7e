"""The numbers of published chips, against sums of what their papers print, worked out here."""

from importlib.resources import files

import pytest

from rnscli.hardware import load_technology
from rnscli.reproduction.chips import CHIPS, chip_of
from rnscli.reproduction.reproduce import reproduce
from rnscli.reproduction.verdicts import CLOSE, DIFFERENT, EXPLAINED, KINDS, SAME, Published

PROFILES = files("rnscli.reproduction") / "chip-profiles"
CROSSBARS = 168 * 12 * 8  # of ISAAC
# Table I of ISAAC, in W and mm^2, without shift-and-add units.
IMA_POWER = 16e-3 + 4e-3 + 10e-6 + 2.4e-3 + 1.24e-3 + 0.23e-3
IMA_AREA = 0.0096 + 0.00017 + 0.00004 + 0.0002 + 0.0021 + 0.00077
TILE_POWER = 20.7e-3 + 7e-3 + 42e-3 / 4 + 0.52e-3 + 0.4e-3 + 1.68e-3
TILE_AREA = 0.083 + 0.090 + 0.151 / 4 + 0.0006 + 0.00024 + 0.0032


@pytest.fixture(scope="module")
def computed() -> dict[str, float]:
    return {
        row.name: row.computed
        for row in reproduce(["chips"]).rows
        if isinstance(row.computed, float)
    }


def test_isaac_is_the_sum_of_its_parts_and_of_shift_and_add() -> None:
    design = chip_of("isaac").parameters.design
    logic = [one for one in design.items if one.group in ("shift_add", "forward")]
    power = sum(one.total for one in logic) / 1.6e-6 * CROSSBARS
    area = sum(one.units * one.area for one in logic) * CROSSBARS
    assert chip_of("isaac").power - power == pytest.approx(
        168 * (12 * IMA_POWER + TILE_POWER) + 10.4
    )
    assert chip_of("isaac").area - area == pytest.approx(
        1e-6 * (168 * (12 * IMA_AREA + TILE_AREA) + 22.88)
    )
    # What logic is taken to cost is no large part of either.
    assert 0 < power < 0.05 * chip_of("isaac").power and 0 < area < 0.06 * chip_of("isaac").area


def test_isaac_in_time(computed: dict[str, float]) -> None:
    chip = chip_of("isaac")
    assert chip.interval == pytest.approx(16 * 100e-9)
    assert chip.ops == pytest.approx(CROSSBARS * 2 * 128 * 16 / 1.6e-6)
    assert computed["chips-isaac-chips"] == pytest.approx(21 * 183**2 / CROSSBARS)


def test_conversions_by_hand(computed: dict[str, float]) -> None:
    """Slices of weights times slices of inputs, over the rows that share a conversion."""
    by_hand = {"isaac-": 4 * 8 / 128, "center-": 4 * 8 / 512, "slicing-": 3 * 8 / 512,
               "": 3 * 3 / 512}  # fmt: skip
    for name, conversions in by_hand.items():
        assert computed[f"chips-raella-{name}conversions"] == pytest.approx(conversions)


def test_hermes_by_hand(computed: dict[str, float]) -> None:
    cells = 256**2 * 0.25 * 4.46e-6 * 0.85 * 128e-9  # J of a core
    adcs = 256 * (8 * 100e-15 + 4**8 * 1e-18)
    assert computed["chips-hermes-ops-per-w"] == pytest.approx(2 * 256**2 / (cells + adcs))
    assert computed["chips-hermes-ops-4"] == pytest.approx(64 * 2 * 256**2 / 512e-9)
    assert computed["chips-hermes-layer-use"] == pytest.approx(2016 * 224 / (8 * 256**2))


def test_neurram_by_hand(computed: dict[str, float]) -> None:
    time = (7 + 6) * 250e-9  # s: cycles of an input of 4 bits, steps of an output of 6
    lines = 256 * 3 * (256 * 1.5e-15 + 48e-15) * 1.3**2
    neurons = 256 * (3 * 1.2e-12 + 7 * 0.25e-12 + 6 * 0.4e-12)
    assert computed["chips-neurram-ops"] == pytest.approx(48 * 2 * 128 * 256 / time)
    assert computed["chips-neurram-ops-per-w"] == pytest.approx(2 * 128 * 256 / (lines + neurons))


def test_verdicts() -> None:
    rows = reproduce(["chips"]).rows
    assert len(rows) == len(CHIPS) == 43
    assert not [row.name for row in rows if row.verdict == DIFFERENT]
    for row, one in zip(rows, CHIPS, strict=True):
        if row.verdict == EXPLAINED:
            assert one.remark and row.remark.startswith(one.remark), row.name
        else:  # an explanation that nothing needs would hide what comes later
            assert not one.published.get("explained"), row.name


def test_no_profile_has_a_printed_number() -> None:
    """Components only: what is compared is not among what it is computed from."""
    for name in ("isaac", "raella", "hermes", "neurram"):
        technology = load_technology(str(PROFILES / f"{name}.toml"))
        values = {(value.unit, value.value) for _, value in technology.values}
        printed = {
            (one.unit, float(one.published["value"]))
            for one in CHIPS
            if one.unit and "value" in one.published
        }
        assert not values & printed


@pytest.mark.parametrize(
    ("computed", "word", "remark"),
    [(16.4, SAME, ""), (19.0, CLOSE, "x 1.19"), (13.5, CLOSE, "x 0.844"),
     (13.0, EXPLAINED, "x 0.812"), (30.0, EXPLAINED, "x 1.88"), (8.1, EXPLAINED, "x 0.506"),
     (33.0, DIFFERENT, "x 2.06"), (7.9, DIFFERENT, "x 0.494"), (0.0, DIFFERENT, None),
     (float("nan"), DIFFERENT, None)],
)  # fmt: skip
def test_a_factor_counts_up_and_down(computed: float, word: str, remark: str | None) -> None:
    published = Published(
        KINDS["factor"], "16 TOPS/W", "a paper", "a table", "16", tolerance=0.2, explained=2.0
    )
    verdict = published.judge(computed)
    assert verdict.word == word
    assert remark is None or verdict.remark == remark

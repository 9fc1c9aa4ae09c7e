from rnscli.analysis import ChipParameters, EnergyParameters, chip_remarks, chip_run
from rnscli.core import DotProduct
from rnscli.hardware import Gemm, Workload

ARRAY = EnergyParameters(core="bit-sliced", dot_product=DotProduct(16, 6, 6), bits=6)
SMALL = Workload("small", (Gemm("only", m=1, k=16, n=16, count=2000),))


def remarks(**settings: int) -> tuple[str, ...]:
    chip = ChipParameters(array=ARRAY, **settings)  # type: ignore[arg-type]
    return chip_remarks([(chip, chip_run(chip, SMALL)[-1])])


def test_nothing_to_say() -> None:
    assert remarks(arrays=ARRAY.design.arrays) == ()


def test_a_chip_larger_than_a_die() -> None:
    (said,) = remarks(buffer_banks=2000)
    assert said.startswith("the chip, of ")
    assert said.endswith(
        " mm2, is larger than a die can be (858 mm2): links between several dies are not counted"
    )


def test_arrays_that_make_no_tile() -> None:
    each = ARRAY.design.arrays
    assert each > 1
    assert remarks(arrays=3 * each + 1) == (
        f"of {3 * each + 1} arrays {3 * each} are used: a tile takes {each}",
    )


def test_units_without_work() -> None:
    assert remarks(arrays=ARRAY.design.arrays, digital_units=4) == (
        "digital units are left out where no product of two activations needs them",
    )

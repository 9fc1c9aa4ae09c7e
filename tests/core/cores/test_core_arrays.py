"""Which technologies each core runs on, and how it joins dot products that were cut."""

from dataclasses import dataclass

import pytest
from made_cores import ANALOG

from rnscli.core.arithmetic.dot_product import DotProduct
from rnscli.core.arithmetic.moduli import ModuliSet
from rnscli.core.cores import CORES
from rnscli.core.cores.kind import CoreSettings, DigitalKind, Operation, Operations

DIGITAL = {"digital-int8": 8, "digital-int4": 4, "digital-fp32": 32}


@dataclass(frozen=True)
class Made:
    """What a core is told of a technology."""

    kind: str
    modulo: str = "none"
    input_bits: tuple[int, int] = (1, 64)


def test_the_cores() -> None:
    assert set(CORES.own) == {*ANALOG, *DIGITAL}


@pytest.mark.parametrize("core", ANALOG)
def test_analog_cores_need_the_sums_that_they_read(core: str) -> None:
    """Residues must wrap; sums of ordinary numbers must not, which a circuit can be left to do."""
    wanted = {"phase": core == "rns", "circuit": True, "none": core != "rns"}
    found = {modulo: CORES[core].runs_on(Made("analog", modulo)) for modulo in wanted}
    assert found == wanted
    assert not any(CORES[core].runs_on(Made("digital", modulo)) for modulo in wanted)


@pytest.mark.parametrize("core", DIGITAL)
def test_digital_cores_need_their_operands(core: str) -> None:
    bits, kind = DIGITAL[core], CORES[core]
    for modulo in ("phase", "circuit", "none"):
        assert not kind.runs_on(Made("analog", modulo))
    for low, high in ((1, 64), (bits, bits), (1, bits), (bits, 64)):
        assert kind.runs_on(Made("digital", "none", (low, high)))
    for low, high in ((1, bits - 1), (bits + 1, 64)):
        assert not kind.runs_on(Made("digital", "none", (low, high)))


@pytest.mark.parametrize(
    ("core", "largest", "width"), [("digital-int8", 127, 32), ("digital-int4", 7, 24)]
)
def test_sums_hold_so_many_products(core: str, largest: int, width: int) -> None:
    """The most of which the largest sum, of either sign, is a number of two's complement."""
    kind = CORES[core]
    assert isinstance(kind, DigitalKind) and kind.max_terms is not None
    assert kind.sum_bits == width
    assert kind.max_terms * largest**2 < 2 ** (width - 1) <= (kind.max_terms + 1) * largest**2


def test_sums_of_single_precision() -> None:
    kind = CORES["digital-fp32"]
    assert isinstance(kind, DigitalKind)
    assert (kind.sum_bits, kind.max_terms) == (32, None)


@pytest.mark.parametrize("core", [*ANALOG, *DIGITAL])
def test_only_integers_are_scaled(core: str) -> None:
    assert CORES[core].quantised == (core != "digital-fp32")


def joined(core: str, segments: int) -> Operations:
    settings = CoreSettings(
        dot_product=DotProduct(128, 6, 6), bits=6, moduli=ModuliSet([63, 62, 61, 59, 5])
    )
    return CORES[core].joining(settings, segments)


@pytest.mark.parametrize("segments", [2, 3, 8])
def test_residues_are_joined_modulo(segments: int) -> None:
    """Twice in each channel, at its width: 6 bits in four of them, and 3 bits of modulus 5."""
    counted: dict[tuple[str, float], float] = {}
    for one in joined("rns", segments):
        counted[one.kind, one.width] = counted.get((one.kind, one.width), 0.0) + one.count
    assert counted == {("add", 6): 8.0, ("add", 3): 2.0}


@pytest.mark.parametrize("segments", [2, 3, 4, 5])
def test_numbers_are_joined_at_the_width_of_the_dot_product(segments: int) -> None:
    """18 bits of 6 + 6 + 7 - 1, into however many pieces it is cut."""
    for core in ANALOG:
        if core != "rns":
            assert joined(core, segments) == (Operation("add", 18),)
    assert joined("digital-int8", segments) == (Operation("add", 32),)
    assert joined("digital-int4", segments) == (Operation("add", 24),)
    assert joined("digital-fp32", segments) == (Operation("fp-add", 32),)

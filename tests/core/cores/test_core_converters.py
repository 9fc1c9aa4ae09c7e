"""Converters that each core has, and whether they hold what they convert."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_cores import ANALOG, converters

from rnscli.base.errors import InputError
from rnscli.core.arithmetic.dot_product import DotProduct
from rnscli.core.arithmetic.moduli import ModuliSet
from rnscli.core.cores.kind import Converters

FOUR, FIVE = ModuliSet([63, 62, 61, 59]), ModuliSet([63, 62, 61, 59, 55])
QUICK = settings(max_examples=100, deadline=None, derandomize=True)

DOTS = st.builds(DotProduct, st.integers(1, 5000), st.integers(2, 16), st.integers(2, 16))


def test_the_cores() -> None:
    assert sorted(ANALOG) == ["bit-sliced", "fixed-hp", "fixed-lp", "rns"]


@pytest.mark.parametrize(
    ("core", "expected"),
    [
        ("rns", Converters(6, 6, 4, (63, 62, 61, 59))),
        ("fixed-lp", Converters(6, 6, 1)),
        ("fixed-hp", Converters(6, 18, 1)),  # 6 + 6 + 7 - 1
        ("bit-sliced", Converters(6, 6, 3)),  # 5 bits and a sign, 2 at a time
    ],
)
def test_by_hand(core: str, expected: Converters) -> None:
    dot = DotProduct(128, 6, 6)
    assert converters(core, dot, 6, moduli=FOUR, slice_bits=2) == expected


@pytest.mark.parametrize(
    ("core", "expected"),
    [
        # DACs of a residue of 6 bits, whatever the inputs.
        ("rns", (Converters(6, 6, 4, (63, 62, 61, 59)),) * 2),
        ("fixed-lp", (Converters(9, 6, 1), Converters(4, 6, 1))),
        # 9 + 6 + 7 - 1 and 4 + 6 + 7 - 1 bits of the result.
        ("fixed-hp", (Converters(9, 21, 1), Converters(4, 16, 1))),
        # 5 bits of magnitude, one at a time.
        ("bit-sliced", (Converters(9, 6, 5), Converters(4, 6, 5))),
    ],
)
def test_inputs_wider_and_narrower_than_the_converters(
    core: str, expected: tuple[Converters, Converters]
) -> None:
    """What is no residue is converted with as many bits as it has, 9 or 4 where b is 6."""
    for input_bits, wanted in zip((9, 4), expected, strict=True):
        assert converters(core, DotProduct(128, input_bits, 6), 6, moduli=FOUR) == wanted


@QUICK
@given(DOTS, st.integers(2, 20))
def test_an_exact_core_tells_all_its_results_apart(dot: DotProduct, bits: int) -> None:
    """And with a bit less it would not, whatever the operands but for their symmetry."""
    largest = dot.vector_size * (2 ** (dot.input_bits - 1) - 1) * (2 ** (dot.weight_bits - 1) - 1)
    found = converters("fixed-hp", dot, bits)
    assert -(2 ** (found.adc_bits - 1)) <= -largest
    assert largest < 2 ** (found.adc_bits - 1)
    full = 2 ** (dot.input_bits - 1) * 2 ** (dot.weight_bits - 1)
    assert 2 ** math.ceil(math.log2(dot.vector_size)) * full == 2 ** (found.adc_bits - 1)


@QUICK
@given(DOTS, st.integers(2, 40), st.integers(1, 15), st.none() | st.integers(1, 64))
def test_no_converter_has_more_bits_than_there_are(
    dot: DotProduct, bits: int, slice_bits: int, adc_bits: int | None
) -> None:
    slice_bits = min(slice_bits, dot.weight_bits - 1)
    choice = {"moduli": FIVE, "slice_bits": slice_bits, "adc_bits": adc_bits}
    exact = converters("fixed-hp", dot, bits, **choice)
    low = converters("fixed-lp", dot, bits, **choice)
    assert low.adc_bits == sorted((adc_bits or bits, exact.adc_bits))[0]
    sliced = converters("bit-sliced", dot, bits, **choice)
    levels = 2 * dot.vector_size * 2 ** (dot.input_bits - 1) * 2**slice_bits
    assert 2**sliced.adc_bits < 2 * levels
    if 2 ** (adc_bits or bits) < levels:
        assert sliced.adc_bits == (adc_bits or bits)
    # All slices together hold the magnitude of a weight, and one less does not.
    assert (sliced.channels - 1) * slice_bits < dot.weight_bits - 1 <= sliced.channels * slice_bits
    for core in ANALOG:
        of_inputs = 6 if core == "rns" else dot.input_bits
        assert converters(core, dot, bits, **choice).dac_bits == of_inputs


@QUICK
@given(DOTS, st.integers(2, 40), st.lists(st.integers(2, 600), min_size=1, max_size=6))
def test_residues_have_the_bits_of_the_largest_modulus(
    dot: DotProduct, bits: int, candidates: list[int]
) -> None:
    """Whatever ``bits`` is: 0 to m - 1 are m codes, and with a bit less not all of them."""
    members: list[int] = []
    for modulus in candidates:
        if all(math.gcd(modulus, one) == 1 for one in members):
            members.append(modulus)
    dac_bits, adc_bits, channels, moduli, *_ = converters(
        "rns", dot, bits, moduli=ModuliSet(members)
    )
    assert dac_bits == adc_bits == sorted(len(f"{one - 1:b}") for one in members)[-1]
    assert sorted(moduli) == sorted(members) and channels == len(members)


def test_rns_needs_moduli() -> None:
    with pytest.raises(InputError, match="core rns needs a moduli set"):
        converters("rns", DotProduct(128, 6, 6), 6)

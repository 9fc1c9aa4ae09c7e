import pytest
from made_cores import ANALOG, made

import rnscli
from rnscli.base.errors import InputError
from rnscli.core.arithmetic.code import RedundantCode
from rnscli.core.arithmetic.dot_product import DotProduct
from rnscli.core.arithmetic.moduli import ModuliSet
from rnscli.core.cores.rns_core import RnsCore
from rnscli.matrix.dataflow import PATHS, Dataflow


def test_defaults() -> None:
    flow = Dataflow(rnscli.analog_core(bits=6))
    assert (flow.granularity, flow.path, flow.scales) == ("vector", "homomorphic", "fp32")
    assert flow.channel_code is None


@pytest.mark.parametrize("name", ANALOG)
def test_only_residues_have_channels(name: str) -> None:
    core = rnscli.analog_core(name, bits=6, vector_size=16)
    assert (Dataflow(core, path="channels").channel_code is not None) == (name == "rns")


@pytest.mark.parametrize("argument", ["granularity", "path", "scales"])
@pytest.mark.parametrize("value", ["vectors", "", None, 3])
def test_refuses_unknown_choices(argument: str, value: object) -> None:
    with pytest.raises(InputError, match=f"^`{argument}` is .*(vector|channels|power-of-two)"):
        Dataflow(rnscli.analog_core(bits=6), **{argument: value})


def test_results_of_a_product_must_be_scaled_back() -> None:
    """Only a bill may leave that out."""
    with pytest.raises(InputError) as error:
        Dataflow(rnscli.analog_core(bits=6), scales="none")
    assert str(error.value) == "`scales` is none; it must be one of fp32, power-of-two"


@pytest.mark.parametrize(
    ("dot", "members", "path", "wide"),
    [
        (DotProduct(4, 12, 12), [255, 254, 253, 251], "homomorphic", False),  # 4 * 2047**2
        (DotProduct(5, 12, 12), [255, 254, 253, 251], "homomorphic", True),
        (DotProduct(5, 12, 12), [255, 254, 253, 251], "channels", False),  # residues are narrow
        (DotProduct(259, 6, 6), [255, 254, 253], "channels", False),  # 259 * 254**2
        (DotProduct(261, 6, 6), [255, 254, 253], "channels", True),
        (DotProduct(261, 6, 6), [255, 254, 253], "homomorphic", False),
        # Of -q, the multiple of m below it is formed.
        (DotProduct(1, 24, 2), [255, 254, 253, 251], "channels", False),
        (DotProduct(1, 25, 2), [255, 254, 253, 251], "channels", True),
        (DotProduct(1, 2, 25), [255, 254, 253, 251], "channels", True),
    ],
)
def test_products_need_float64(dot: DotProduct, members: list[int], path: str, wide: bool) -> None:
    core = RnsCore(dot, RedundantCode(ModuliSet(members), dot.dynamic_range))
    assert Dataflow(core, path=path).wide_products is wide


def test_results_are_as_wide_by_either_path() -> None:
    dot = DotProduct(4, 6, 6)
    for size, wide in ((2**25 - 1, False), (2**25, True)):
        core = RnsCore(dot, RedundantCode(ModuliSet([255, 254, 253, 251]), size))
        assert [Dataflow(core, path=path).wide_results for path in PATHS] == [wide, wide]


def test_refuses_what_no_float_holds() -> None:
    # h q q just below and just above 2**53, in a range that needs no more.
    members = [255, 254, 253, 251, 247, 241, 239, 233]
    for size, accepted in ((2**23, True), (2**23 + 2**10, False)):
        dot = DotProduct(size, 16, 16)
        core = RnsCore(dot, RedundantCode(ModuliSet(members), dot.dynamic_range))
        if accepted:
            assert Dataflow(core).wide_products
        else:
            with pytest.raises(InputError, match=f"tile of {size} terms.*2\\^53.*`vector_size`"):
                Dataflow(core)
    # Modular products; results of a range that is wider than needed.
    wide = DotProduct(128, 4, 4)
    core = RnsCore(wide, RedundantCode(ModuliSet([2**24 - 1, 2**24]), wide.dynamic_range))
    assert Dataflow(core).path == "homomorphic"
    with pytest.raises(InputError, match=r"2\^53"):
        Dataflow(core, path="channels")
    core = RnsCore(wide, RedundantCode(ModuliSet([2**28 - 1, 2**28])))
    with pytest.raises(InputError, match=r"2\^53.*`legitimate_range` operands"):
        Dataflow(core)


@pytest.mark.parametrize("name", ["fixed-lp", "fixed-hp"])
def test_refuses_operands_that_cannot_be_quantised(name: str) -> None:
    Dataflow(made(name, DotProduct(1, 31, 22), 8))
    for bits in ((32, 20), (20, 32)):
        core = made(name, DotProduct(1, *bits), 8)
        with pytest.raises(InputError, match=r"^`(input|weight)_bits` is 32; .*from 2 to 31"):
            Dataflow(core)

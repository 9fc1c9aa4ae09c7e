"""A chip: so many arrays of one design, with what feeds them and what they cannot do."""

from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

from rnscli import base, hardware
from rnscli.analysis.energy.energy_design import EnergyDesign
from rnscli.analysis.energy.parameters import EnergyParameters
from rnscli.base import InputError, Option, OptionGroup

MAX_ARRAYS = 2**40
MAX_LANES = 2**30


@dataclass(frozen=True, eq=False)
class Schedule:
    """How layers share a chip in time."""

    summary: str
    pipelined: bool | None  # whether layers work at the same time; None if that depends


@dataclass(frozen=True, eq=False)
class ActivationProducts:
    """Where products of two activations are computed."""

    summary: str
    written: bool  # into arrays


AUTO, PIPELINED, SEQUENTIAL = "auto", "pipelined", "sequential"
SCHEDULES = {
    AUTO: Schedule("pipelined where all weights fit and stay and that is not slower", None),
    PIPELINED: Schedule("all layers at the same time, on successive inputs", True),
    SEQUENTIAL: Schedule("one layer after the other, on all arrays", False),
}
DIGITAL, ARRAYS = "digital", "arrays"
ACTIVATION_PRODUCTS = {
    DIGITAL: ActivationProducts("on digital units of 8 bits", False),
    ARRAYS: ActivationProducts("one of them is written into arrays for each input", True),
}
_DIGITAL_CORE = "digital-int8"
# Of what rests beside the memory that holds activations.
BANK = "sram-1m"


class ChipOptions:
    """What a user chooses of a chip, besides the design of its arrays."""

    group = OptionGroup.CHIP
    arrays = Option(
        base.WholeNumbers(1, MAX_ARRAYS),
        "Arrays of the chip, those of all channels and slices counted.",
        usual="one copy of every tile",
    )
    chip_area = Option(
        base.Quantities(1e-12, 1.0, "an area from 1 um2 to 1 m2", "m2", "100mm2"),
        "Instead of --arrays: as many as fit in this area, with all that is beside them.",
    )
    chip_power = Option(
        base.Quantities(1e-9, 1e6, "a power from 1 nW to 1 MW", "W", "10W"),
        "Instead of --arrays: as many as keep within this power; beside --chip-area, within both.",
    )
    schedule = Option(
        base.Names(SCHEDULES), "How layers share the chip: {summaries}.", default=AUTO
    )
    activation_products = Option(
        base.Names(ACTIVATION_PRODUCTS),
        "Where products of two activations, as in attention, are computed: {summaries}.",
        default=DIGITAL,
    )
    digital_units = Option(
        base.WholeNumbers(1, MAX_ARRAYS),
        "Digital units for these products, each a systolic array of h x c.",
        usual="as many as keep up with the arrays",
    )
    vector_lanes = Option(
        base.WholeNumbers(1, MAX_LANES),
        "Lanes for what is not a product: softmax, normalisation, activation functions.",
        usual="as many as keep up with the arrays",
    )
    buffer_banks = Option(
        base.WholeNumbers(1, 2**30),
        "Banks of 1 MB of the buffer of activations; what it does not hold goes to the DRAM.",
        usual="as many as hold all of them",
    )
    dram = Option(
        base.Names(lambda: {name: hardware.MEMORIES[name] for name in hardware.DRAMS}),
        "The DRAM that weights are loaded from: {names}.",
        default="dram",
    )


@dataclass(frozen=True, kw_only=True)
class ChipParameters:
    """A chip, as a user requests it.

    Parameters
    ----------
    array
        The design of an array: core, size, technology, converters, code and noise.
    arrays
        Arrays of the chip; those of all channels and slices are counted, so that a residue core of
        three channels has a third as many tiles as a conventional one. ``None`` for one copy of
        every tile.
    chip_area, chip_power
        Instead of that: as many as fit in an area in m^2, keep within a power in W, or both.
    schedule
        ``pipelined``, ``sequential`` or ``auto``.
    activation_products
        ``digital`` or ``arrays``: where products of two activations are computed.
    digital_units, vector_lanes
        Units for these products, and lanes for what is no product; ``None`` for as many as keep up
        with the arrays.
    buffer_banks
        Banks of 1 MB for activations; ``None`` for as many as hold them.
    dram
        Name of the DRAM.

    Raises
    ------
    InputError
        If a value is out of range, or arrays are given beside an area or a power.
    """

    array: EnergyParameters
    arrays: int | None = None
    chip_area: float | None = None
    chip_power: float | None = None
    schedule: str = AUTO
    activation_products: str = DIGITAL
    digital_units: int | None = None
    vector_lanes: int | None = None
    buffer_banks: int | None = None
    dram: str = "dram"

    def __post_init__(self) -> None:
        limits = ("arrays", "chip_area", "chip_power")
        given = [name for name in limits if getattr(self, name) is not None]
        if self.arrays is not None and len(given) > 1:
            raise InputError(
                f"`arrays` and `{given[1]}` both say how many arrays there are; give one"
            )
        for name in (*limits, "digital_units", "vector_lanes", "buffer_banks"):
            if (value := getattr(self, name)) is not None:
                getattr(ChipOptions, name).check(value)
        for name in ("schedule", "activation_products", "dram"):
            getattr(ChipOptions, name).check(getattr(self, name))
        if self.array.kernel != "vmm":
            raise InputError(
                f"`kernel` is {self.array.kernel}; a chip that runs a network needs vmm"
            )

    @cached_property
    def unit(self) -> EnergyDesign:
        """The arrays that hold a tile of weights."""
        return self.array.design

    @property
    def router_area(self) -> float:
        """Area in m^2 of a unit's share of routers: its channels and slices read the same values,
        and give one sum.
        """
        return hardware.NETWORK_ON_CHIP.router_area(self.unit.technology.node)

    @cached_property
    def transposed(self) -> EnergyDesign | None:
        """The same, read transposed; ``None`` if the core or the technology does not do that."""
        if self.unit.kind.coded or not self.unit.technology.does("mvm"):
            return None
        return replace(self.array, kernel="mvm").design

    @property
    def digital(self) -> EnergyDesign:
        """A unit for products of two activations, at the node of the arrays."""
        return _digital_unit(self.array)


@lru_cache(maxsize=64)  # a search changes how many there are, and hardly ever the array
def _digital_unit(array: EnergyParameters) -> EnergyDesign:
    technology = hardware.load_technology("digital-logic")
    unit = array.design
    parameters = EnergyParameters(
        core=_DIGITAL_CORE,
        dot_product=array.dot_product,
        bits=array.bits,
        columns=unit.width,
        technology=technology.with_values({"node": unit.technology.node}),
        clock=array.clock,
        memory=array.memory,
        scales=array.scales,
        input_scale=array.input_scale,
    )
    return parameters.design

"""A design whose energy, time and area are computed: what a user requests, and what then holds."""

import math
import warnings
from dataclasses import dataclass, field, replace
from functools import cached_property

from rnscli import base, hardware
from rnscli.analysis.energy.energy_design import OWN_ADC, EnergyDesign
from rnscli.analysis.energy.pass_attempts import attempts_of_pass
from rnscli.analysis.moduli import ModuliOptions
from rnscli.base import InputError, Option, OptionGroup
from rnscli.core import (
    CALIBRATIONS,
    CORES,
    FULL,
    IDEAL,
    METHODS,
    PERCENTILE,
    RNS,
    AnalogKind,
    Converters,
    CoreKind,
    CoreOptions,
    CoreSettings,
    Devices,
    DigitalKind,
    DotProduct,
    ModuliSet,
    check_legitimate_range,
    check_moduli_set,
    check_slice_bits,
    decoder_for,
)
from rnscli.networks import NETWORKS

MAX_OUTPUT_BITS = 256
_MAX_COLUMNS = 2**40


class OwnAdc:
    """The ADC of a technology, in lists of models."""

    summary = "that of the technology"


MAX_LINK_SIGMA = 1e3  # steps, with which light limits no array


class EnergyOptions:
    """What a user chooses of the hardware, besides the constants of its models."""

    group = OptionGroup.HARDWARE
    technology = Option(
        base.NamesOrFiles(
            hardware.technology_names,
            (".toml",),
            "the name of a technology, a file .toml, or a list of these",
        ),
        "Array technology: {names}, or a profile of your own.",
        usual="what each core is shown on",
    )
    constant = Option(
        base.Assignments("shifter_loss=0.1dB"),
        "Another value for a constant of the technology, such as "
        "shifter_loss=0.1dB; may be a range, and repeated.",
        repeated=True,
    )
    adc_model = Option(
        # The registry looks for models of other packages when it is loaded.
        base.Names(lambda: {OWN_ADC: OwnAdc, **hardware.ADC_MODELS}),
        f"Model of the ADCs; {OWN_ADC} is that of the technology.",
        usual=f"the technology's own where it has one of these bits, else "
        f"{hardware.MurmannAdc.name}; with --adc-table: {hardware.TableAdc.name}",
        explained=True,
    )
    adc_table = Option(
        base.Files(),
        "Your own converters, for --adc-model table: a CSV file with enob, energy_j, area_m2, "
        "rate_hz, or a list as others publish it; without areas those of the survey hold.",
    )
    columns = Option(
        base.WholeNumbers(1, _MAX_COLUMNS),
        "Columns c of the array, which share its DACs.",
        usual="h, a square array",
    )
    columns_per_adc = Option(
        base.WholeNumbers(1, _MAX_COLUMNS),
        "Columns that take turns at an ADC.",
        usual="as many as an ADC reads in a cycle of the array",
    )
    kernel = Option(
        base.Names((*hardware.KERNELS, hardware.CYCLE)),
        "What the array does: the product with a vector (vmm), with its transpose (mvm), a "
        "rank-one update of the weights, or the cycle of all three.",
        default="vmm",
    )
    memory = Option(
        base.Names(hardware.MEMORIES),
        "What inputs are read from and outputs are written to: {names}.",
        default="sram-32k",
    )
    scales = Option(
        base.Names(hardware.SCALES),
        "How outputs are scaled back and rounded: {summaries}.",
        default="fp32",
        group=OptionGroup.CORE,
    )
    input_scale = Option(
        base.Names(hardware.INPUT_SCALES),
        "Where the scales of inputs come from: {summaries}.",
        default=hardware.DYNAMIC,
        group=OptionGroup.CORE,
    )
    modulo_energy = Option(
        base.Quantities(0.0, 1.0, "an energy from 0 to 1 J", "J", "1pJ"),
        "Energy of a circuit that reduces a sum modulo m, for each residue that is read, where "
        "the technology does not wrap by itself.",
        group=OptionGroup.CONSTANTS,
    )
    max_link_sigma = Option(
        base.Numbers(1e-6, MAX_LINK_SIGMA, f"a number of steps up to {MAX_LINK_SIGMA:g}"),
        "Largest standard deviation of a reading of light, in its steps; it limits how many rows "
        "an array of light has.",
        usual="the technology's",
        group=OptionGroup.CONSTANTS,
    )
    reverse = Option(
        base.Names(METHODS), "How residues are turned into a number.", default=METHODS[0]
    )
    extrapolate = Option(
        base.Flags(),
        "Use models outside of the range they were made for, with a warning and a mark.",
    )
    adc_rate = Option(
        base.Quantities(1.0, 1e12, "a rate from 1 Hz to 1 THz", "Hz", "1GHz"),
        "Conversions of an ADC in a second.",
        usual="what fits the cycle of the array, up to 1GHz for an ADC of several columns",
        group=OptionGroup.CONSTANTS,
    )
    clock = Option(
        base.Quantities(1.0, 1e12, "a frequency from 1 Hz to 1 THz", "Hz", "1GHz"),
        "Clock of the digital logic.",
        usual="1GHz",
        group=OptionGroup.CONSTANTS,
    )


class WorkloadOptions:
    """What a user chooses to see instead of the bill of a dot product."""

    group = OptionGroup.NETWORK
    breakdown = Option(
        base.Flags(),
        "Instead of the bill, a row for each part of a pass of the array: how many, what one "
        "takes, its source; --format json has all that the bill is computed from.",
        group=OptionGroup.ASKED,
    )
    workload = Option(
        base.NamesOrFiles(
            hardware.WORKLOADS,
            (".csv", ".onnx", ".pt2"),
            "a network, a file .csv, .onnx or .pt2, or a list of these",
        ),
        "Instead of one dot product, a network: {names}; or a file: CSV with layer, M, K, N and "
        "count or of SCALE-Sim, ONNX, or what torch.export saves (.pt2); a row for each layer and "
        "the total.",
    )
    torch = Option(
        base.NamesOrFunctions(NETWORKS),
        "Networks in PyTorch, also instead of --workload: package.module:function, a function "
        "that makes one, run without values on inputs of --input-shape; or {names}.",
    )
    input_shape = Option(
        base.InputShapes(),
        "With --torch, or a file .pt2: shape of an input, as 1x3x224x224, in their order, or by "
        "its name, as ids=1x128:int64; may be repeated.",
        repeated=True,
    )
    batch = Option(
        base.WholeNumbers(1, hardware.MAX_BATCH),
        "With --workload: inputs that are computed together.",
        usual="that of the network",
    )
    sequence = Option(
        base.WholeNumbers(1, hardware.MAX_CONTEXT),
        "With --workload: tokens of a text.",
        usual="that of the network",
    )
    image_size = Option(
        base.WholeNumbers(1, hardware.MAX_IMAGE_SIZE),
        "With --workload: pixels of a side of an image.",
        usual="that of the network",
    )
    size = Option(
        base.Assignments("cache=2047"),
        "With --workload: another size of the network, such as cache=2047; may be repeated.",
        repeated=True,
    )
    passed = Option(
        base.Names(hardware.PASSES),
        "With --workload: the inference, or a step of training, with the gradients of inputs and "
        "weights and the update.",
        usual=hardware.INFERENCE,
        name="pass",
    )
    optimiser = Option(
        base.Names(hardware.OPTIMISERS),
        "With --pass training: what updates the weights.",
        usual=hardware.OPTIMISERS[0],
    )
    sensitivity = Option(
        base.Flags(),
        "Instead of the bill, a row for each uncertain constant, such as --adc-k1 100fJ±30%, with "
        "the energy at its ends; --plot draws a tornado.",
        group=OptionGroup.ASKED,
    )


@dataclass(frozen=True, kw_only=True)
class EnergyParameters:
    """One design: a core on an array of some technology, with its converters and its logic.

    Parameters
    ----------
    core
        A name in `rnscli.core.cores.CORES`.
    dot_product
        Length h and operand bits.
    bits
        Bits b of the converters.
    technology
        Of the array; by default the one that its kind of core is shown on.
    moduli
        Set of the core ``rns``, which is also the reference of the others; may be ``None`` when
        that core is not requested.
    legitimate_range
        Number L of legitimate values; ``None`` for the product of the information moduli.
    columns
        Number c of dot products that share the DACs of an array; h if not given.
    expected_attempts
        Mean number of computations of one dot product in the core ``rns``, at least 1.
    pass_attempts
        Mean number of computations of a pass: its columns share their inputs, so that it is done
        again until all of them are accepted (`attempts_of_pass`). If not given, that of columns
        that are rejected independently, each with probability ``1 - 1 / expected_attempts``.
    decoder
        Name of the decoder of its code; the usual one of the set if not given.
    search_probability
        Probability that the decoder does not believe what it reads, and tries further groups of
        residues, or looks the error up in a list: `rnscli.analysis.faults.search_probability`.
    reverse
        How residues are turned into a number: ``mixed-radix`` or ``crt``.
    slice_bits
        Bits s of a weight slice in the core ``bit-sliced``.
    adc_bits
        Bits of the ADCs there and in ``fixed-lp``; b if not given, the same converters as ``rns``.
    adc_range
        Range of these ADCs: ``full``, a fraction of that such as ``1/8``, or ``calibrated``, which
        is that for uniform operands. An ADC with fewer values than its bits could tell has less.
    calibration, percentile
        How it is calibrated, as in `rnscli.core.calibrated_shares`.
    devices
        How weights are mapped to cells and inputs are applied; errors cost nothing.
    adc, dac
        Models of the converters. ``adc`` of ``None`` is the technology's own where it has one of
        these bits, else Murmann's at its node; ``dac`` is for technologies without drivers.
    adc_rate, columns_per_adc
        Conversions of an ADC in a second, and columns that take turns at it. What is not given
        fits the cycle of the array: see `EnergyDesign.readout`.
    clock
        Frequency of the digital logic in Hz.
    kernel
        What the array does: ``vmm``, ``mvm``, ``update`` or ``cycle``.
    memory, scales
        What inputs are read from and outputs are written to, and how outputs are scaled back and
        rounded: names in `rnscli.hardware.surroundings`.
    input_scale
        ``dynamic``, or ``static``, which leaves out the search of the largest input.
    modulo_energy
        Energy in J of a circuit that reduces a sum modulo m, for each residue that is read, on a
        technology that does not wrap by itself.
    segments
        Into how many pieces a dot product is cut, whatever the light allows; if not given, as
        many as rows of the technology, and light, need. Only of cores that lose nothing.
    max_link_sigma
        Largest standard deviation of a reading of light, in steps; the technology's if not given.
    extrapolate
        Go on, with a warning, where a model is used outside of its range.

    Raises
    ------
    InputError
        If a value is out of range, ``rns`` has no moduli, the core does not run on the technology,
        or a model is outside of its range.

    Warns
    -----
    RuntimeWarning
        If it is outside of its range and ``extrapolate`` is set.
    """

    core: str
    dot_product: DotProduct
    bits: int
    technology: hardware.Technology | None = None
    moduli: ModuliSet | None = None
    legitimate_range: int | None = None
    columns: int | None = None
    expected_attempts: float = 1.0
    pass_attempts: float | None = None
    decoder: str | None = None
    search_probability: float = 0.0
    reverse: str = "mixed-radix"
    slice_bits: int = 1
    adc_bits: int | None = None
    adc_range: str = FULL
    devices: Devices = IDEAL
    calibration: str = CALIBRATIONS[0]
    percentile: float = PERCENTILE
    adc: hardware.AdcModel | None = None
    dac: hardware.CapacitiveDac = field(default_factory=hardware.CapacitiveDac)
    adc_rate: float | None = None
    columns_per_adc: int | None = None
    clock: float = 1e9
    kernel: str = "vmm"
    memory: str = "sram-32k"
    scales: str = "fp32"
    input_scale: str = hardware.DYNAMIC
    modulo_energy: float | None = None
    max_link_sigma: float | None = None
    segments: int | None = None
    extrapolate: bool = False

    def __post_init__(self) -> None:
        for sentence in self.design.beyond:
            if not self.extrapolate:
                raise InputError(f"{sentence}; `extrapolate` goes on with a warning")
            warnings.warn(sentence.replace("`", ""), RuntimeWarning, stacklevel=3)

    @cached_property
    def design(self) -> "EnergyDesign":
        """What holds, with nothing left open."""
        kind = CORES.named(self.core)
        ModuliOptions.bits.check(self.bits)
        at_least_1, chance = "a number of at least 1", "a probability from 0 to 1"
        base.check_float("expected_attempts", self.expected_attempts, 1.0, 1e300, at_least_1)
        base.check_float("search_probability", self.search_probability, 0.0, 1.0, chance)
        EnergyOptions.reverse.check(self.reverse)
        check_slice_bits(self.slice_bits, self.dot_product)
        if self.adc_bits is not None:
            CoreOptions.adc_bits.check(self.adc_bits)
        for option in (CoreOptions.calibration, CoreOptions.percentile):
            option.check(getattr(self, option.name))
        size = self.dot_product.vector_size
        width = size if self.columns is None else EnergyOptions.columns.check(self.columns)
        for option in (EnergyOptions.adc_rate, EnergyOptions.columns_per_adc):
            if (value := getattr(self, option.name)) is not None:
                option.check(value)
        EnergyOptions.clock.check(self.clock)
        self._check_dot_product(kind)
        settings = CoreSettings(
            dot_product=self.dot_product,
            bits=self.bits,
            moduli=self.moduli,
            legitimate_range=self._legitimate_range(),
            decoder=self.decoder,
            reverse=self.reverse,
            search_probability=self.search_probability,
            slice_bits=self.slice_bits,
            adc_bits=self.adc_bits,
            adc_range=CoreOptions.adc_range.check(self.adc_range),
            devices=self.devices,
            calibration=self.calibration,
            percentile=self.percentile,
        )
        converters = kind.converters(settings)
        technology = self._technology_for(kind)
        self._check_kernel(kind, technology)
        made = EnergyDesign(
            kind=kind,
            settings=settings,
            converters=converters,
            technology=technology,
            adc=self._adc_for(converters, technology),
            dac=self.dac,
            width=width,
            expected_attempts=self.expected_attempts if kind.coded else 1.0,
            # Only a code knows when to repeat a dot product.
            attempts=self._pass_attempts(width) if kind.coded else 1.0,
            adc_rate=self.adc_rate,
            columns_per_adc=self.columns_per_adc,
            clock=self.clock,
            kernel=self.kernel,
            memory=hardware.MEMORIES[EnergyOptions.memory.check(self.memory)],
            scales=hardware.SCALES[EnergyOptions.scales.check(self.scales)],
            input_scale=hardware.INPUT_SCALES[EnergyOptions.input_scale.check(self.input_scale)],
            # Where sums wrap by themselves there is no such circuit.
            modulo_energy=(self.modulo_energy or 0.0)
            if kind.coded and technology.modulo == "none"
            else 0.0,
            segments=self.segments or 1,
            wanted_sigma=None if self.segments else self.max_link_sigma or technology.wanted_sigma,
        )
        if self.segments is None and kind.exact:
            made = replace(made, segments=made.least_segments)
        if made.segments == 1:
            return made
        # An ADC reads the sum of a segment, which is no larger than it needs to be.
        shorter = replace(self.dot_product, vector_size=made.rows)
        converters = kind.converters(replace(settings, dot_product=shorter))
        return replace(made, converters=converters, adc=self._adc_for(converters, technology))

    def _adc_for(
        self, converters: Converters | None, technology: hardware.Technology
    ) -> hardware.AdcModel | None:
        """The model that is given, or that of the technology, or one at its node."""
        if self.adc is None and converters is not None and technology.reads(converters.adc_bits):
            return None
        return self.adc or hardware.MurmannAdc(node=technology.node)

    def _pass_attempts(self, width: int) -> float:
        if self.pass_attempts is not None:
            at_least = f"a number of at least {self.expected_attempts:g}"
            low = self.expected_attempts * (1 - 1e-12)
            base.check_float("pass_attempts", self.pass_attempts, low, 1e300, at_least)
            return float(self.pass_attempts)
        return attempts_of_pass(1.0 - 1.0 / self.expected_attempts, math.inf, width)

    def _check_kernel(self, kind: CoreKind, technology: hardware.Technology) -> None:
        EnergyOptions.kernel.check(self.kernel)
        if self.modulo_energy is not None:
            EnergyOptions.modulo_energy.check(self.modulo_energy)
        if self.max_link_sigma is not None:
            EnergyOptions.max_link_sigma.check(self.max_link_sigma)
        if not technology.does(self.kernel):
            raise InputError(
                f"`kernel` is {self.kernel}; `technology` {technology.name} is described for "
                f"{', '.join(k for k in hardware.KERNELS if technology.does(k))} only"
            )
        if kind.coded and self.kernel != "vmm":
            raise InputError(
                f"`kernel` is {self.kernel}; core {kind.name} computes products with a vector "
                "only, vmm"
            )

    def _check_dot_product(self, kind: CoreKind) -> None:
        dot = self.dot_product
        if self.segments is not None:
            base.check_int("segments", self.segments, 1, dot.vector_size)
            if self.segments > 1 and not kind.exact:
                raise InputError(
                    f"`segments` is {self.segments}; core {kind.name} loses a part of each sum, "
                    "so that those of segments do not add up to what it says of the whole"
                )
        if isinstance(kind, DigitalKind) and dot.vector_size > (kind.max_terms or math.inf):
            raise InputError(
                f"`vector_size` is {dot.vector_size}; the sums of core {kind.name} hold up to "
                f"{kind.max_terms} products of {kind.operand_bits} bits"
            )
        if dot.output_bits > MAX_OUTPUT_BITS:
            raise InputError(
                f"the dot product has {dot.output_bits} output bits; "
                f"the energy of converters is computed for at most {MAX_OUTPUT_BITS}",
                "bits",
                "vector_size",
            )

    def _legitimate_range(self) -> int | None:
        """Number L of legitimate values of the set, if there is one; refuses one that is short."""
        if self.moduli is None:
            return None
        check_moduli_set(self.moduli)
        if self.moduli.residue_bits > self.bits:
            raise InputError(
                f"`bits` is {self.bits}, but residues of {self.moduli.moduli[0]} have "
                f"{self.moduli.residue_bits}"
            )
        needed = self.dot_product.dynamic_range
        if self.moduli.dynamic_range < needed:
            raise InputError(
                f"the information moduli cover {self.moduli.dynamic_range} values; "
                f"the dot product needs {needed}",
                "moduli",
            )
        decoder_for(self.moduli, self.decoder)
        if self.legitimate_range is None:
            return self.moduli.dynamic_range
        size = check_legitimate_range(self.moduli, self.legitimate_range)
        if size < needed:
            raise InputError(f"`legitimate_range` is {size}; the dot product has {needed} values")
        return size

    def _technology_for(self, kind: CoreKind) -> hardware.Technology:
        """The technology that is given, if the core runs on it, or the one that it is shown on."""
        technology = self.technology
        if technology is None:
            return hardware.load_technology(kind.default_technology)
        check_runs_on(kind, technology, self.modulo_energy)
        return technology

    def as_rns(self) -> "EnergyParameters | None":
        """The design with the core ``rns`` that this one is compared with, if there is one."""
        if self.core == RNS.name:
            return self
        if self.moduli is None:
            return None
        # On its own technology where residues cannot be computed on this one.
        runs = runs_on(RNS, self.design.technology, self.modulo_energy)
        technology = self.technology if runs else None
        try:
            # Into how many arrays residues are cut is another question than that of this core.
            return replace(self, core=RNS.name, technology=technology, kernel="vmm", segments=None)
        except base.RnscliError:
            return None  # out of the range of a model


def runs_on(kind: CoreKind, technology: hardware.Technology, modulo_energy: float | None) -> bool:
    """Whether a core runs on a technology; a circuit with a price wraps where nothing else does."""
    if modulo_energy is not None and technology.modulo == "none":
        technology = replace(technology, modulo="circuit")
    return kind.runs_on(technology)


def check_runs_on(
    kind: CoreKind, technology: hardware.Technology, modulo_energy: float | None
) -> None:
    """Refuse a technology on which a core does not run, with the reason."""
    if runs_on(kind, technology, modulo_energy):
        return
    analog = isinstance(kind, AnalogKind)
    if analog is not (technology.kind == "analog"):
        fits = "an analog" if analog else "a digital"
        raise InputError(
            f"core {kind.name} needs {fits} array, and `technology` {technology.name} is "
            f"{technology.kind}"
        )
    if analog and not kind.coded:
        raise InputError(
            f"core {kind.name} needs an array whose sums do not wrap, and `technology` "
            f"{technology.name} holds a phase; it is shown on {kind.default_technology}"
        )
    if analog:
        raise InputError(
            f"core {kind.name} needs an array that wraps at m, and `technology` "
            f"{technology.name} has no modulo: sums grow to m^2 h, an ADC needs 2 b + log2 h bits, "
            "and residues buy nothing; `modulo_energy` prices a circuit, "
            f"`technology` {kind.default_technology} wraps by itself"
        )
    low, high = technology.input_bits
    raise InputError(
        f"`technology` {technology.name} is known for operands of {low} to {high} bits only; "
        f"core {kind.name} needs another, such as {kind.default_technology}"
    )

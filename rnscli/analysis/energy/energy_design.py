"""A design with nothing left open: its bill part by part, and the energy, time and area of it."""

import math
from bisect import bisect_left
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import NamedTuple

from rnscli import hardware
from rnscli.base import InputError, NoSolutionError, Uncertain
from rnscli.core import (
    AnalogKind,
    Converters,
    CoreKind,
    CoreSettings,
    DigitalKind,
    DotProduct,
    Logic,
    Operations,
    residue_width,
)

OWN_ADC = "own"  # the ADC that a technology brings
# Up to here the formulas of Murmann and Walden have next to no price for the rate, so that an ADC
# of many columns is as lean as one for each, and smaller. The best that are published of 1 GS/s
# take two to five times what the best of 50 MS/s do (`published`).
SHARED_RATE = 1e9
_ROUNDED = 1 + 1e-9  # 28 ns times 1 GHz are 28 columns
# Residues of inputs are kept for further attempts, and only what is accepted is scaled.
ONCE_GROUPS = ("forward", "scaling", "memory")
NOT_COUNTED = (
    "writing weights into arrays", "control", "clock distribution", "wires between arrays",
    "leakage of logic", "area and time of memories", "calibration",
)  # fmt: skip


@dataclass(frozen=True)
class Item:
    """A line of the bill of a pass: so many parts, each with its energy and its area.

    ``count`` is for all channels and segments of the array, in one attempt, of which there are
    ``repeats`` on average; ``units`` are as many as there are to be built.
    """

    part: str
    group: str
    per: str
    count: float
    energy: float
    repeats: float
    units: float
    area: float
    over: bool = False
    source: str = ""
    assumption: str = ""

    @property
    def total(self) -> float:
        """Energy in J of all of them in a pass."""
        return self.count * self.energy * self.repeats


@dataclass(frozen=True, eq=False)
class Energies:
    """Energy in J of each group of parts for one dot product, averaged over its attempts."""

    dac: float = 0.0
    adc: float = 0.0
    array: float = 0.0
    periphery: float = 0.0
    light: float = 0.0
    modulo: float = 0.0
    forward: float = 0.0
    reverse: float = 0.0
    decoding: float = 0.0
    shift_add: float = 0.0
    accumulation: float = 0.0
    scaling: float = 0.0
    memory: float = 0.0

    @property
    def once(self) -> float:
        """What is not repeated, in J."""
        return math.fsum(getattr(self, group) for group in ONCE_GROUPS)

    @cached_property
    def total(self) -> float:
        # Parts differ by orders of magnitude; their order shall not matter.
        return math.fsum(getattr(self, part.name) for part in fields(self))


@dataclass(frozen=True, eq=False)
class Timing:
    """Time of an array operation, in s."""

    before: float  # what comes once, before the first attempt
    attempt: float  # from there to the dot products, in one attempt
    after: float  # what comes once, when all of them are accepted
    cycle: float  # between two attempts, of the same or of different vectors
    attempts: float = 1.0

    @property
    def latency(self) -> float:
        """Mean time from an input vector to its dot products."""
        return self.before + self.attempts * self.attempt + self.after

    @property
    def interval(self) -> float:
        """Mean time between two input vectors."""
        return self.attempts * self.cycle


@dataclass(frozen=True)
class Channel:
    """Arrays that are alike: channels of one width, or of one modulus where light tells them."""

    input_bits: int
    output_bits: int
    modulus: int
    count: int


def _fitting(columns: int, cycle: float) -> float:
    """The rate in Hz at which as many columns are read in a cycle; 1 GHz is not missed by a bit."""
    return float(f"{columns / cycle:.14g}")


class Writing(NamedTuple):
    """Loading of all weights into the arrays of a tile: energy in J, time in s.

    ``endurance`` is how often a cell bears it; ``None`` where nothing wears out.
    """

    energy: float
    time: float
    endurance: float | None


class Readout(NamedTuple):
    """ADCs that are not the technology's: conversions of one in a second, and its columns."""

    rate: float
    columns: int


@dataclass(frozen=True, eq=False, kw_only=True)
class EnergyDesign:
    """A design with nothing left open, whose energy, time and area follow.

    A digital core has no converters. ``expected_attempts`` is the mean number of computations of a
    dot product, ``attempts`` that of a pass of the array, whose ``width`` columns are repeated
    together. ``adc`` of ``None`` is the technology's own. A dot product that is cut in ``segments``
    is computed in as many arrays at the same time, and joined. What is left open of the ADCs
    follows from the cycle of the array: see `readout`.
    """

    kind: CoreKind
    settings: CoreSettings
    converters: Converters | None
    technology: hardware.Technology
    adc: hardware.AdcModel | None
    dac: hardware.CapacitiveDac
    width: int
    expected_attempts: float
    attempts: float
    adc_rate: float | None
    columns_per_adc: int | None
    clock: float
    kernel: str
    memory: hardware.Memory
    scales: hardware.Scales
    input_scale: hardware.InputScale
    modulo_energy: float
    segments: int
    wanted_sigma: float | None

    @property
    def dot_product(self) -> DotProduct:
        return self.settings.dot_product

    @property
    def adc_name(self) -> str:
        return OWN_ADC if self.adc is None else self.adc.name

    @cached_property
    def rows(self) -> int:
        """Rows of each array."""
        return -(-self.dot_product.vector_size // self.segments)

    @property
    def constants(self) -> dict[str, float]:
        """Constants of its models, by name."""
        array = self.technology
        known = {name: array.value_of(name) for name in array.constants}
        if self.converters is not None:
            models = (self.adc, None if array.own_dac else self.dac)
            known |= {n: getattr(model, n) for model in models if model for n in model.constants}
        return known

    @property
    def uncertain(self) -> dict[str, Uncertain]:
        """Ranges of its constants: those of the technology, and published spreads of prices.

        A factor that is not 1, or that the technology has among its ranges, is known.
        """
        spreads = {
            hardware.LOGIC_FACTOR: self.technology.operations.spread,
            hardware.MEMORY_FACTOR: self.memory.spread,
        }
        usual = {
            name: one
            for name, one in spreads.items()
            if one is not None and self.technology.value_of(name) == 1.0
        }
        found = usual | dict(self.technology.uncertain)
        return {name: one for name, one in found.items() if one.low < one.high}

    @cached_property
    def logic(self) -> Logic:
        """The digital side of an analog core; nothing of a digital one, whose MACs are all."""
        return self.kind.logic(self.settings) if isinstance(self.kind, AnalogKind) else Logic()

    @property
    def mac(self) -> Operations:
        """A MAC of a digital core; nothing of an analog one."""
        return self.kind.mac if isinstance(self.kind, DigitalKind) else ()

    @cached_property
    def channels(self) -> tuple[Channel, ...]:
        """The channels of the core; those that cost the same are counted together."""
        if self.converters is None:
            bits = self.kind.operand_bits if isinstance(self.kind, DigitalKind) else 0
            return (Channel(bits, bits, 0, 1),)
        dac_bits, adc_bits, channels, moduli, *_ = self.converters
        if not moduli:
            return (Channel(dac_bits, adc_bits, 0, channels),)
        counted: dict[tuple[int, int], int] = {}
        for modulus in moduli:
            key = residue_width(modulus), modulus if self.technology.link else 0
            counted[key] = counted.get(key, 0) + 1
        return tuple(Channel(bits, bits, m, count) for (bits, m), count in counted.items())

    def _done(self, channel: Channel, rows: int) -> hardware.Pass:
        prices, mac, kind = self.technology.operations, self.mac, self.kind
        whole = self._repeated[0] == 1
        return hardware.Pass(
            rows=rows,
            columns=self.width,
            input_bits=channel.input_bits,
            output_bits=channel.output_bits,
            weight_bits=channel.input_bits if whole else self.dot_product.weight_bits,
            modulus=channel.modulus,
            mac_energy=prices.energy(mac) if mac else 0.0,
            mac_area=prices.area(mac, 1.0) if mac else 0.0,
            sum_bits=kind.sum_bits if isinstance(kind, DigitalKind) else 0,
        )

    @cached_property
    def _passes(self) -> tuple[hardware.Pass, ...]:
        """What an array of each of the channels does."""
        return tuple(self._done(channel, self.rows) for channel in self.channels)

    @cached_property
    def link_sigma(self) -> float | None:
        """Standard deviation of a reading of light, in its steps; that of the noisiest channel."""
        array = self.technology
        sigmas = [array.link_sigma(done) for done in self._passes]
        return max(one for one in sigmas if one is not None) if array.link else None

    @cached_property
    def largest_rows(self) -> int:
        """The most rows that the technology, and the light that is wanted, allow."""
        array, wanted = self.technology, self.wanted_sigma
        if not array.link or wanted is None:
            return array.rows
        return min(array.largest_rows(self._done(channel, 1), wanted) for channel in self.channels)

    @property
    def least_segments(self) -> int:
        """Into how many pieces a dot product must be cut.

        Raises
        ------
        NoSolutionError
            If light is too noisy for a single row.
        """
        most = self.largest_rows
        if not most:
            raise NoSolutionError(self._too_noisy())
        return -(-self.dot_product.vector_size // most)

    def _too_noisy(self) -> str:
        worst = max(self.channels, key=lambda one: one.modulus or one.output_bits)
        sigma = self.technology.link_sigma(self._done(worst, 1))
        return (
            f"the light of `technology` {self.technology.name} reads a row with a deviation of "
            f"{sigma:.3g} steps, and {self.wanted_sigma:g} is wanted; give more `laser_power`, "
            "fewer `bits`, or another `max_link_sigma`"
        )

    @cached_property
    def beyond(self) -> tuple[str, ...]:
        """What of the design is outside of the range of a model, in sentences."""
        array = self.technology
        outside = [array.outside(done) for done in self._passes]
        outside.append(array.operations.outside())
        if array.link and self.wanted_sigma is not None and self.rows > self.largest_rows:
            most = self.largest_rows
            outside.append(
                f"the light of `technology` {array.name} allows at most {most} rows, not a "
                f"`vector_size` of {self.rows}, for a deviation of {self.wanted_sigma:g} steps"
                if most
                else self._too_noisy()
            )
        if self.converters is not None:
            if self.adc is not None and self.readout is not None:
                outside.append(self.adc.outside(self.converters.adc_bits, self.readout.rate))
            elif not array.reads(self.converters.adc_bits):
                low, high = array.output_bits
                outside.append(
                    f"the ADC of `technology` {array.name} has {low} to {high} bits, not "
                    f"{self.converters.adc_bits}"
                )
        return tuple(dict.fromkeys(sentence for sentence in outside if sentence))

    @cached_property
    def readings(self) -> float:
        """Readings of an ADC that give one output of a channel."""
        return self.technology.readings(self._passes[0])

    @property
    def conversion(self) -> tuple[float, int, float] | None:
        """Energy in J of a conversion of the widest ADC, its bits, and its rate in Hz."""
        if self.converters is None or self.kernel == "update":
            return None
        bits = self.converters.adc_bits
        if self.adc is not None and self.readout is not None:
            return self.adc.energy(bits, self.readout.rate), bits, self.readout.rate
        widest = max(self._passes, key=lambda done: done.output_bits)
        own = [one for one in self.technology.priced(widest) if one.part.group == "adc"]
        time = math.fsum(one.time for one in own) or self.timing.cycle
        return math.fsum(one.energy + one.power * time for one in own), bits, 1.0 / time

    @property
    def conversions(self) -> tuple[float, float]:
        """Mean numbers of DAC and ADC conversions of a dot product.

        Weights stay in the array, so it takes one ADC conversion in each channel, segment and
        attempt (two where light is read in quadrature); c columns share the inputs, so there are
        h / c DAC conversions for each channel and attempt. A cycle of kernels has two products, an
        update none.
        """
        if self.converters is None:
            return 0.0, 0.0
        repeats = self.products * self.converters.channels * self.attempts
        dacs = repeats * (self.segments * self.rows / self.width)
        applied, read = self._repeated
        return dacs * applied, repeats * self.segments * self.readings * read

    @property
    def _repeated(self) -> tuple[int, int]:
        """How often inputs are applied, and ADCs read, for one result."""
        made = self.converters
        return (1, 1) if made is None else (made.applied, made.read)

    @cached_property
    def kernels(self) -> tuple[str, ...]:
        return hardware.KERNELS if self.kernel == hardware.CYCLE else (self.kernel,)

    @property
    def products(self) -> int:
        """How many of the kernels give outputs, which an update does not."""
        return sum(kernel != "update" for kernel in self.kernels)

    @property
    def parts(self) -> tuple[tuple[int, hardware.Parts], ...]:
        """How many arrays are alike, and their parts, by the channels."""
        without = [] if self.adc is None or self.converters is None else ["adc"]
        return tuple(
            (
                channel.count * self.segments,
                self.technology.priced(done, without).repeated(*self._repeated),
            )
            for channel, done in zip(self.channels, self._passes, strict=True)
        )

    @cached_property
    def _own_stages(self) -> dict[str, list[float]]:
        """Times of the stages of an array, of which the slowest channel counts, by the kernel."""
        return {
            kernel: max(
                (hardware.of_kernel(parts, kernel).stages() for _, parts in self.parts), key=sum
            )
            for kernel in hardware.KERNELS
            if self.technology.does(kernel)
        }

    @property
    def arrays(self) -> int:
        """Arrays that hold one tile of weights: those of all channels and segments."""
        return self.segments * sum(channel.count for channel in self.channels)

    @cached_property
    def writing(self) -> Writing:
        """What loading a tile of h x c weights takes; its arrays are written at the same time.

        Memories hold numbers, of which residues are formed on the way.

        Raises
        ------
        InputError
            If the technology does not say.
        """
        array = self.technology
        if not array.does(hardware.WRITE):
            raise InputError(
                f"`technology` {array.name} does not say what writing weights takes: none of its "
                f'parts has kernels = ["{hardware.WRITE}"]'
            )
        energies, times = [], []
        for channel, done in zip(self.channels, self._passes, strict=True):
            parts = hardware.of_kernel(array.priced(done), hardware.WRITE)
            each = math.fsum(one.count * one.energy for one in parts)
            energies.append(channel.count * self.segments * each)
            times.append(math.fsum(parts.stages()))
        wears = hardware.ENDURANCE in array.constants
        endurance = array.value_of(hardware.ENDURANCE) if wears else None
        if self.kind.coded:
            values = self.dot_product.vector_size * self.width
            energies.append(values * array.operations.energy(self.logic.inputs))
        return Writing(math.fsum(energies), max(times), endurance)

    @cached_property
    def converters_decide(self) -> bool:
        """Whether converters take most of the time of a pass, or the array around them."""
        (kernel,) = self.kernels
        own = (hardware.of_kernel(parts, kernel) for _, parts in self.parts)
        slowest = max(own, key=lambda parts: sum(parts.stages()))
        times = {True: [0.0], False: [0.0]}
        for one in slowest:
            times[one.part.group in ("dac", "adc")].append(one.time)
        if self.readout is not None:
            times[True].append(self._stages(kernel)[-1])
        return max(times[True]) > max(times[False])

    def _stages(self, kernel: str) -> list[float]:
        """Times of the stages of an array, and of its readout."""
        own = self._own_stages[kernel]
        if self.readout is None or kernel == "update":
            return own
        _, read = self._repeated
        return [*own, read * min(self.readout.columns, self.width) / self.readout.rate]

    def _interval(self, stages: list[float]) -> float:
        return max(stages, default=0.0) if self.technology.overlapped else math.fsum(stages)

    @cached_property
    def readout(self) -> Readout | None:
        """The ADCs, if there are some and they are not the technology's own.

        Left open, an ADC reads as many columns as it can while the array computes: with T the
        cycle of the array without them, the most columns n whose rate n / T is at most 1 GHz and
        within the range of the model. Where the array is faster than 1 GHz an ADC has one column
        and the rate of the array. Where a single column is too fast for the model, the array waits
        for the fastest ADC that it has. Unless passes overlap, the array rests while it is read.
        """
        if self.converters is None or self.adc is None:
            return None
        rate, columns = self.adc_rate, self.columns_per_adc
        if rate is not None and columns is not None:
            return Readout(rate, columns)
        # Whatever is asked of the array, it is the same one.
        own = self._own_stages.items()
        times = (self._interval(stages) for kernel, stages in own if kernel != "update")
        cycle = min(times, default=0.0) / self._repeated[1]
        if not cycle:
            return Readout(rate or SHARED_RATE, columns or 1)
        if columns is None:
            most = min(self.width, math.floor((rate or SHARED_RATE) * cycle * _ROUNDED))
            if rate is not None:
                return Readout(rate, max(1, most))
            # No column more than makes the model leave its range, which ends at some rate.
            columns = bisect_left(
                range(1, most + 1), True, key=lambda n: not self._reads(_fitting(n, cycle))
            )
            columns = max(1, columns)
        return Readout(self._reached(_fitting(min(columns, self.width), cycle)), columns)

    def _reached(self, wanted: float) -> float:
        """The rate that is wanted, or the highest below it that the model of its ADCs reaches."""
        low, high = 1.0, wanted  # in Hz
        if self._reads(wanted) or not self._reads(low):
            return wanted
        while high > low * (1 + 1e-9):
            middle = math.sqrt(low * high)
            low, high = (middle, high) if self._reads(middle) else (low, middle)
        # Models end at rates of few digits.
        rounded = float(f"{high:.4g}")
        return rounded if rounded <= wanted and self._reads(rounded) else low

    def _reads(self, rate: float) -> bool:
        """Whether the model of its ADCs is made for a rate."""
        assert self.adc is not None and self.converters is not None
        return self.adc.outside(self.converters.adc_bits, rate) is None

    @cached_property
    def timing(self) -> Timing:
        """Stages of the array, readout and digital stages, one after the other.

        Columns that share an ADC are read in turn. Where the technology overlaps passes, the
        interval is that of the slowest stage of array and readout, else that of all of them; there
        are as many digital units as that takes. An operation that waits for another takes a cycle
        of the clock; further groups are tried one after the other. Every stage but the forward
        conversion is repeated with every attempt.
        """
        attempt = cycle = 0.0
        for kernel in self.kernels:
            stages = self._stages(kernel)
            delay = max(hardware.of_kernel(parts, kernel).delay for _, parts in self.parts)
            attempt += math.fsum(stages) + delay
            cycle += self._interval(stages)
        if not cycle:
            raise InputError(
                f"the parts of `technology` {self.technology.name} take no time; one of them needs "
                "a time, or no throughput follows"
            )
        joined = (self.segments - 1).bit_length() * (2 if self.kind.coded else 1)
        return Timing(
            before=self.logic.cycles_before / self.clock,
            attempt=attempt + self.products * (self.logic.cycles_after + joined) / self.clock,
            after=self.products * self._scaling[1] / self.clock,
            cycle=cycle,
            attempts=self.attempts,
        )

    @property
    def items(self) -> tuple[Item, ...]:
        """The bill of a pass of h x c cells, part by part.

        Residues of the inputs are kept, so that further attempts take no forward conversion.
        """
        # Channels of other moduli often have the same parts at the same prices.
        merged: dict[Item, tuple[float, float]] = {}
        for item in self._lines():
            kind = replace(item, count=0.0, units=0.0)
            count, units = merged.get(kind, (0.0, 0.0))
            merged[kind] = count + item.count, units + item.units
        return tuple(
            replace(kind, count=count, units=units) for kind, (count, units) in merged.items()
        )

    def _lines(self) -> tuple[Item, ...]:
        """The bill with a line for each part of each kind of channel."""
        found: list[Item] = []
        cycle, repeats = self.timing.cycle, self.attempts
        for arrays, parts in self.parts:
            for one in parts:
                part, count = one.part, arrays * one.count
                times = sum(kernel in part.kernels for kernel in self.kernels)
                energy = times * one.energy + one.power * cycle
                found.append(
                    Item(
                        part.name, part.group, part.per, count, energy, repeats, count, one.area,
                        part.over, part.source, part.assumption,
                    )
                )  # fmt: skip
        if self.converters is not None:
            found += self._converters()
        return (*found, *self._digital())

    def _converters(self) -> list[Item]:
        """DACs, ADCs and circuits of the modulo that the technology does not bring."""
        found: list[Item] = []
        repeats, width = self.attempts, self.width
        applied, read = (self.products * often for often in self._repeated)
        products = self.products
        for channel in self.channels:
            arrays = channel.count * self.segments
            if not self.technology.own_dac:
                drivers = arrays * self.rows
                found.append(Item(
                    "DAC", "dac", "row", drivers, applied * self.dac.energy(channel.input_bits),
                    repeats, drivers, self.dac.area(channel.input_bits), source=self.dac.source,
                ))  # fmt: skip
            if self.adc is not None and self.readout is not None:
                bits, count, rate = channel.output_bits, arrays * self.readings, self.readout.rate
                found.append(Item(
                    f"ADC, {self.adc.name}", "adc", "column", count * width,
                    read * self.adc.energy(bits, rate), repeats,
                    count * math.ceil(width / self.readout.columns),
                    self.adc.area(bits, rate), source=self.adc.summary,
                ))  # fmt: skip
            if self.modulo_energy:
                found.append(Item(
                    "modulo circuit", "modulo", "column", arrays * width,
                    products * self.modulo_energy, repeats, arrays * width, 0.0,
                    assumption="its area and time are not counted",
                ))  # fmt: skip
        return found

    @property
    def _scaling(self) -> tuple[Operations, int]:
        """Operations that scale and round an output, and how many of them wait for another."""
        if not self.kind.quantised:
            return (), 0
        searched = self.input_scale.searched
        operations = self.scales.operations(self.dot_product.output_bits, searched)
        return operations, self.scales.waits(searched)

    def _digital(self) -> list[Item]:
        """Digital operations, and the units that keep up with an array that repeats nothing."""
        logic, prices, rows = self.logic, self.technology.operations, self.dot_product.vector_size
        per_cycle = 1.0 / (self.timing.cycle * self.clock)
        joins = self.kind.joining(self.settings, self.segments) if self.segments > 1 else ()
        inputs, outputs = self.products * rows, self.products * self.width
        joined, again = outputs * (self.segments - 1), self.attempts
        done = (
            ("forward conversion", "forward", "row", logic.inputs, inputs, 1.0),
            ("reverse conversion", "reverse", "column", logic.reverse, outputs, again),
            ("check and decoding", "decoding", "column", logic.decoding, outputs, again),
            ("shift and add", "shift_add", "column", logic.shift_add, outputs, again),
            ("joining segments", "accumulation", "column", joins, joined, again),
            ("scaling and rounding", "scaling", "column", self._scaling[0], outputs, 1.0),
        )
        found = [
            Item(
                name, group, per, count, prices.energy(operations), repeats, 1.0,
                prices.area(operations, count * per_cycle), source=prices.source,
            )
            for name, group, per, operations, count, repeats in done
            if operations and count
        ]  # fmt: skip
        return found + self._memory(inputs, outputs)

    def _memory(self, inputs: float, outputs: float) -> list[Item]:
        """Reading the inputs, and writing the outputs at the width of the next inputs."""
        bits = self.dot_product.input_bits if self.converters else self.channels[0].input_bits
        array, source = self.technology, self.memory.source
        energy = self.memory.at_node(array.node) * array.memory_energy_factor
        listed = self.logic.bits_looked_up
        lines = (
            ("inputs, read", "memory", "row", inputs * bits, 1.0),
            ("outputs, written", "memory", "column", outputs * bits, 1.0),
            ("list of errors, read", "decoding", "column", outputs * listed, self.attempts),
        )
        assumption = "a bit each; the area of the memory is not counted"
        return [
            Item(name, group, per, float(count), energy, repeats, 0.0, 0.0, False, source,
                 assumption)
            for name, group, per, count, repeats in lines
            if energy and count
        ]  # fmt: skip

    @cached_property
    def _sums(self) -> tuple[Energies, float]:
        """What the lines add up to, which are not kept: a search has many designs."""
        sums: dict[str, list[float]] = {}
        beside: list[float] = []
        over: list[float] = []
        for item in self._lines():
            sums.setdefault(item.group, []).append(item.total / self.width)
            (over if item.over else beside).append(item.units * item.area)
        energies = Energies(**{group: math.fsum(terms) for group, terms in sums.items()})
        return energies, max(math.fsum(beside), math.fsum(over))

    @property
    def energies(self) -> Energies:
        """Energy of one dot product of h terms in an h x c array, by group."""
        return self._sums[0]

    @property
    def area(self) -> float:
        """Area in m^2 of the arrays of all channels, their converters and the logic that keeps up.

        It keeps up with an array that never repeats anything, so retries do not change it.
        """
        return self._sums[1]

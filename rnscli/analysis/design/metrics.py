"""What a design costs and how well it does, for every design of a space."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from rnscli.analysis.design.space import Design, DesignSpace, simulated_core
from rnscli.analysis.energy.bill import Timing, area_of, energies_of, timing_of
from rnscli.analysis.energy.parameters import EnergyParameters
from rnscli.analysis.faults.fault_probability import (
    FaultParameters,
    after_attempts,
    fault_probability,
)
from rnscli.analysis.faults.rows import wrong_word
from rnscli.analysis.moduli import ModuliRequest
from rnscli.base.errors import RnscliError
from rnscli.core.arithmetic.decoders import radius_of
from rnscli.core.arithmetic.dot_product import DotProduct
from rnscli.core.arithmetic.moduli import ModuliSet
from rnscli.core.cores.converters import ANALOG_CORES, Converters
from rnscli.core.noise.law import Gaussian, NoiseLaw
from rnscli.runtime.work import Work, describe, versions

ALGORITHM = 1  # to be counted up whenever the same code would have another outcome
PART = "outcome"
_MOST_VALUES = 1 << 17  # of a sum over values


@dataclass(frozen=True)
class Outcome:
    """How one attempt ends, and the probability that some residue of it is wrong."""

    correct: float = 1.0
    detected: float = 0.0
    undetected: float = 0.0
    wrong_word: float = 0.0

    def __add__(self, other: "Outcome") -> "Outcome":
        """Outcomes are whole: there is nothing to add up."""
        raise TypeError("outcomes of codes do not add up")

    def record(self) -> dict[str, Any]:
        """All of it as JSON values."""
        return asdict(self)

    @classmethod
    def of_record(cls, record: Mapping[str, Any]) -> "Outcome":
        """The outcome that was written down."""
        return cls(**record)

    def after(self, attempts: float) -> tuple[float, float]:
        """Output error probability and mean number of attempts, for up to R of them."""
        return after_attempts(self.correct, self.detected, self.undetected, attempts)


def work_of(parameters: FaultParameters) -> Work[Outcome]:
    """The outcome of a code as work of a single block, so that it may go anywhere and be kept."""
    return Work(
        function=_compute,
        argument=lambda block, shares_files: parameters,
        blocks=1,
        samples=lambda block: 1,
        parts={PART: lambda: _description(parameters)},
        result=Outcome,
    )


def _description(parameters: FaultParameters) -> dict[str, Any]:
    return {
        "what": "code-outcome",
        "algorithm": ALGORITHM,
        "versions": versions(),
        "code": {
            "moduli": describe(parameters.moduli),
            "decoder": parameters.decoder,
            "legitimate_range": parameters.legitimate_range,
        },
        "laws": describe(parameters.laws),
    }


def _compute(parameters: FaultParameters, block: int, parts: tuple[str, ...]) -> dict[str, Outcome]:
    return dict.fromkeys(parts, outcome_of_code(parameters))


def outcome_of_code(parameters: FaultParameters) -> Outcome:
    """One attempt of a redundant code, exactly (`fault_probability`)."""
    found = fault_probability(parameters)
    return Outcome(
        found.p_correct,
        found.p_detected,
        found.p_undetected,
        found.word_error_probability,
    )


def conventional_error(
    core: str, dot: DotProduct, bits: int, converters: Converters, law: NoiseLaw, slice_bits: int
) -> float:
    """Probability that noise changes what a conventional core reads, for uniform operands.

    ``uniform`` errors replace a code with probability p. Gaussian noise of standard deviation s, in
    steps of this ADC, is added before it rounds: with r what is rounded away of a sum, the code
    changes with probability ``Phi((-1/2 - r) / s) + Phi((r - 1/2) / s)``. Over the sums, which
    from some ten terms on are close to normal with the variance ``h E[X^2] E[W^2]``, its mean is
    taken. It may be small where nearly all sums are rounded to zero. In ``bit-sliced`` every slice
    has its own weights, and one slice that changes is enough. Codes at the ends of the range,
    which noise cannot leave, are too rare to matter.

    Examples
    --------
    >>> dot = DotProduct(128, 6, 6)
    >>> p = conventional_error("fixed-lp", dot, 6, Converters(6, 6, 1), Gaussian(0.1), 1)
    >>> f"{p:.3f}"
    '0.080'
    """
    if not isinstance(law, Gaussian):
        single = law.error_probability(2**converters.adc_bits)
        return wrong_word((min(1.0, single),) * converters.channels)
    sigma = law.sigma * 2.0 ** (converters.adc_bits - bits)
    if not sigma:
        return 0.0
    exact = dot.output_bits
    squares = [mean_square(dot.max_weight, dot.vector_size)]
    if core == "bit-sliced":
        exact = dot.slice_output_bits(slice_bits)
        squares = [
            mean_square(dot.max_weight, dot.vector_size, slice_bits, index)
            for index in range(converters.channels)
        ]
    variance = dot.vector_size * mean_square(dot.max_input, dot.vector_size)
    lost = max(0, exact - converters.adc_bits)
    return wrong_word(
        tuple(_changed(math.sqrt(variance * square), lost, sigma) for square in squares)
    )


def mean_square(largest: int, size: int, slice_bits: int | None = None, index: int = 0) -> float:
    """Mean square of a quantised uniform operand, or of one slice of its magnitude.

    One of the h numbers is the largest, q, by the choice of the scale; the others are uniform
    between -q and q before they are rounded.

    Examples
    --------
    >>> mean_square(1, 1), round(mean_square(31, 10**9) / 31**2, 3)
    (1.0, 0.334)
    """
    values = np.arange(largest + 1, dtype=np.float64)
    if largest > _MOST_VALUES:  # a grid is as good as all of them
        values = np.linspace(0, largest, _MOST_VALUES)
    weights = np.full(values.size, 2.0)
    weights[[0, -1]] = 1.0  # zero has no other sign, and what is rounded to q half the width
    weights *= (size - 1) / size / weights.sum()
    weights[-1] += 1 / size
    if slice_bits is not None:
        values = np.floor(values / 2.0 ** (slice_bits * index)) % 2.0**slice_bits
    return float(weights @ values**2)


def _changed(deviation: float, lost: int, sigma: float) -> float:
    """Mean probability that an ADC which drops ``lost`` bits changes its code, over normal sums."""
    from scipy.special import ndtr

    if not lost or not deviation:
        return math.erfc(0.5 / (sigma * math.sqrt(2)))
    reach = math.ceil(8 * deviation)
    step = max(1.0, 2 * reach / _MOST_VALUES)
    sums = np.arange(-(reach // step), reach // step + 1) * step
    density = np.exp(-0.5 * (sums / deviation) ** 2)
    codes = sums / 2.0**lost
    rest = codes - np.rint(codes)
    leaves = ndtr((-0.5 - rest) / sigma) + ndtr((rest - 0.5) / sigma)
    return min(1.0, float(density @ leaves / density.sum()))


@dataclass(frozen=True)
class Metrics:
    """Numbers of a design, in base SI units; all but the throughput are better when smaller."""

    energy_per_mac_j: float
    latency_s: float
    area_m2: float
    mean_abs_error: float
    p_err: float
    throughput_macs_per_s: float


@dataclass(frozen=True)
class Group:
    """Designs that only differ in their attempts: what does not depend on these."""

    design: Design
    parameters: EnergyParameters
    outcome: Outcome
    mean_abs_error: float
    costs: "Costs"

    def metrics(self, attempts: float | None) -> Metrics:
        """The numbers with up to that many attempts."""
        p_err, mean = self.outcome.after(1.0 if attempts is None else attempts)
        size, costs = self.design.vector_size, self.costs
        timing = replace(costs.timing, attempts=mean)
        return Metrics(
            energy_per_mac_j=costs.energy(mean) / size,
            latency_s=timing.latency,
            area_m2=costs.area,
            mean_abs_error=self.mean_abs_error,
            p_err=p_err,
            throughput_macs_per_s=size * self.parameters.width / timing.interval,
        )

    def expected_attempts(self, attempts: float | None) -> float:
        """Mean number of attempts."""
        return self.outcome.after(1.0 if attempts is None else attempts)[1]


@dataclass(frozen=True)
class Costs:
    """Energy of a dot product in J, once and for each attempt; its time; the area in m^2."""

    once: float
    attempt: float
    timing: Timing
    area: float

    def energy(self, attempts: float) -> float:
        """Energy with a mean number of attempts."""
        return self.once + attempts * self.attempt


class Evaluator:
    """Evaluates the groups of a space; what many of them share is computed once.

    Parameters
    ----------
    space
        The space.
    errors
        Mean absolute error by the key of `error_key`, or why there is none.
    """

    def __init__(self, space: DesignSpace, errors: Mapping[Any, float | RnscliError]) -> None:
        """Nothing is computed yet."""
        self._space, self._errors = space, errors
        self._moduli: dict[tuple[int, int, int], ModuliSet | RnscliError] = {}
        self._outcomes: dict[Any, Outcome] = {}
        self._costs: dict[Any, Costs] = {}
        self._designs: dict[Design, EnergyParameters] = {}

    def code_of(self, design: Design, limits: Mapping[str, float]) -> FaultParameters | None:
        """The code whose outcome a group needs, unless the limits rule out all of its designs.

        ``limits`` are upper limits of `Metrics` by name: costs are checked with one attempt, below
        which none can be.

        Raises
        ------
        RnscliError
            If there are no such designs.
        """
        if self._space.noise is None or self._excluded(design, limits):
            return None
        return self._code(design)

    def add_outcome(self, code: FaultParameters, outcome: Outcome) -> None:
        """Remember what was computed elsewhere."""
        self._outcomes[self.key(code)] = outcome

    def group(self, design: Design, limits: Mapping[str, float] | None = None) -> Group | None:
        """The numbers of a group, or ``None`` if the limits rule out all of its designs.

        Raises
        ------
        RnscliError
            If there are no such designs.
        """
        if self._excluded(design, limits or {}):
            return None
        parameters = self._parameters(design)
        outcome = self._outcome(design, parameters)
        if outcome.wrong_word and parameters.radius:
            parameters = replace(parameters, word_error_probability=outcome.wrong_word)
        error = self._error(design)
        return Group(design, parameters, outcome, error, self._cost(design, parameters))

    def _error(self, design: Design) -> float:
        error = self._errors[error_key(self._space, design)]
        if isinstance(error, RnscliError):
            raise error
        return error

    def _excluded(self, design: Design, limits: Mapping[str, float]) -> bool:
        error = self._error(design)
        if error > limits.get("mean_abs_error", error):
            return True
        costs = self._cost(design, self._parameters(design))
        least = {
            "energy_per_mac_j": costs.energy(1) / design.vector_size,
            "latency_s": costs.timing.latency,
            "area_m2": costs.area,
        }
        return any(value > limits.get(name, value) for name, value in least.items())

    def _set_of(self, design: Design) -> ModuliSet | None:
        if design.core != "rns":
            return None
        assert design.redundant is not None
        key = (design.bits, design.vector_size, design.redundant)
        if key not in self._moduli:
            try:
                self._moduli[key] = self.request(design).choose()[0]
            except RnscliError as error:
                self._moduli[key] = error
        found = self._moduli[key]
        if isinstance(found, RnscliError):
            raise found
        return found

    def request(self, design: Design) -> ModuliRequest:
        """What the moduli of a design are for."""
        return ModuliRequest(
            bits=design.bits,
            vector_size=design.vector_size,
            input_bits=self._space.input_bits,
            weight_bits=self._space.weight_bits,
            rule=self._space.rule,
            max_modulus=self._space.max_modulus,
            redundant=design.redundant or 0,
        )

    def _parameters(self, design: Design) -> EnergyParameters:
        space, moduli = self._space, self._set_of(design)
        key = replace(design, attempts=None)
        if key in self._designs:
            return self._designs[key]
        radius, size = 0, None
        if moduli is not None and design.decoder is not None:
            radius = radius_of(design.decoder, moduli)
            assert design.legitimate_range is not None
            size = self.request(design).legitimate_range(moduli, design.legitimate_range)
        found = self._designs[key] = EnergyParameters(
            core=design.core,
            dot_product=DotProduct(
                design.vector_size,
                space.input_bits or design.bits,
                space.weight_bits or design.bits,
            ),
            bits=design.bits,
            technology=space.technology_of(design),
            moduli=moduli,
            legitimate_range=size,
            columns=space.columns,
            radius=radius,
            reverse=design.reverse or "mixed-radix",
            slice_bits=design.slice_bits or 1,
            adc_bits=design.adc_bits,
            adc=space.adc_of(design),
            dac=space.dac,
            adc_rate=space.adc_rate,
            columns_per_adc=design.columns_per_adc or 1,
            clock=space.clock,
            extrapolate=space.extrapolate,
        )
        return found

    def _cost(self, design: Design, parameters: EnergyParameters) -> Costs:
        """Energy, time and area, by everything that they depend on."""
        key = (
            design.core, design.vector_size, design.technology, design.bits,
            design.columns_per_adc, design.adc_model, design.slice_bits, design.adc_bits,
            design.reverse, parameters.moduli, parameters.legitimate_range, parameters.radius,
            parameters.word_error_probability,
        )  # fmt: skip
        found = self._costs.get(key)
        if found is None:
            energies = energies_of(parameters)
            found = self._costs[key] = Costs(
                once=energies.forward,
                attempt=energies.total - energies.forward,
                timing=timing_of(parameters),
                area=area_of(parameters),
            )
        return found

    def _outcome(self, design: Design, parameters: EnergyParameters) -> Outcome:
        code = self._code(design)
        if self._space.noise is None:
            return Outcome()
        if code is None:
            return self._conventional(design, parameters)
        key = self.key(code)
        if key not in self._outcomes:
            self._outcomes[key] = outcome_of_code(code)
        return self._outcomes[key]

    def _code(self, design: Design) -> FaultParameters | None:
        moduli, noise = self._set_of(design), self._space.noise
        if moduli is None or noise is None:
            return None
        assert design.decoder is not None
        return FaultParameters(
            moduli=moduli,
            noise=noise(moduli) if callable(noise) else noise,
            decoder=design.decoder,
            legitimate_range=self._parameters(design).legitimate_range,
        )

    def key(self, code: FaultParameters) -> Any:
        """Decoders of the same radius have the same outcome."""
        return code.moduli, radius_of(code.decoder, code.moduli), code.legitimate_range

    def _conventional(self, design: Design, parameters: EnergyParameters) -> Outcome:
        noise, converters = self._space.noise, parameters.converters
        if noise is None or converters is None:
            return Outcome()
        law = noise(ModuliSet([2**design.bits])) if callable(noise) else noise
        single = law[0] if isinstance(law, tuple) else law
        wrong = conventional_error(
            design.core, parameters.dot_product, design.bits, converters, single,
            design.slice_bits or 1,
        )  # fmt: skip
        return Outcome(1.0 - wrong, 0.0, wrong, wrong)


def error_key(space: DesignSpace, design: Design) -> Any:
    """What the error of a design depends on."""
    core = simulated_core(design.core)
    exact = core == "fixed-hp"
    bits = design.bits if design.core in ANALOG_CORES else 0
    return (
        core,
        design.vector_size,
        bits,
        None if exact else design.slice_bits,
        None if exact else design.adc_bits,
    )

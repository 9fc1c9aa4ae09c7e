"""What a design costs and how well it does, for every design of a space."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from rnscli.analysis.design.space import Design, DesignSpace, simulated_core
from rnscli.analysis.energy import EnergyParameters, Timing, area_of, energies_of, timing_of
from rnscli.analysis.faults import FaultParameters, after_attempts
from rnscli.analysis.faults.fault_probability import fault_probability
from rnscli.analysis.moduli import ModuliRequest
from rnscli.base import RnscliError
from rnscli.core import (
    CORES,
    AnalogKind,
    DigitalKind,
    DotProduct,
    ModuliSet,
    NoiseLaw,
    laws_of,
    radius_of,
)
from rnscli.runtime import Work, describe, versions

ALGORITHM = 1  # to be counted up whenever the same code would have another outcome
PART = "outcome"


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
        return asdict(self)

    @classmethod
    def of_record(cls, record: Mapping[str, Any]) -> "Outcome":
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
    point = parameters.point
    return {
        "what": "code-outcome",
        "algorithm": ALGORITHM,
        "versions": versions(),
        "code": {
            "moduli": describe(point.moduli),
            "decoder": point.decoder,
            "legitimate_range": point.legitimate_range,
        },
        "laws": describe(point.laws),
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
            throughput_macs_per_s=size * self.parameters.design.width / timing.interval,
        )

    def expected_attempts(self, attempts: float | None) -> float:
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
        self._outcomes[self.key(code)] = outcome

    def group_within(self, design: Design, limits: Mapping[str, float]) -> Group | None:
        """The numbers of a group, or ``None`` if the limits rule out all of its designs.

        Raises
        ------
        RnscliError
            If there are no such designs.
        """
        return None if self._excluded(design, limits) else self.group(design)

    def group(self, design: Design) -> Group:
        """The numbers of a group.

        Raises
        ------
        RnscliError
            If there are no such designs.
        """
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
        if design.redundant is None:  # of a core without a code
            return None
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
        if moduli is not None:
            decoder, rule = design.of_code
            radius = radius_of(decoder, moduli)
            size = self.request(design).legitimate_range(moduli, rule)
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
            made = parameters.design
            energies = energies_of(made)
            found = self._costs[key] = Costs(
                once=energies.forward,
                attempt=energies.total - energies.forward,
                timing=timing_of(made),
                area=area_of(made),
            )
        return found

    def _outcome(self, design: Design, parameters: EnergyParameters) -> Outcome:
        noise, kind = self._space.noise, CORES[design.core]
        if noise is None or not isinstance(kind, AnalogKind):
            return Outcome()
        code = self._code(design)
        if code is None:
            law = laws_of(noise, design.bits, None, design.core)
            assert isinstance(law, NoiseLaw)  # as there are no moduli
            wrong = kind.reading_error(parameters.design.settings, law)
            return Outcome(1.0 - wrong, 0.0, wrong, wrong)
        key = self.key(code)
        if key not in self._outcomes:
            self._outcomes[key] = outcome_of_code(code)
        return self._outcomes[key]

    def _code(self, design: Design) -> FaultParameters | None:
        moduli, noise = self._set_of(design), self._space.noise
        if moduli is None or noise is None:
            return None
        return FaultParameters(
            moduli=moduli,
            noise=noise,
            decoder=design.of_code[0],
            legitimate_range=self._parameters(design).design.settings.legitimate_range,
        )

    def key(self, code: FaultParameters) -> Any:
        """Decoders of the same radius have the same outcome."""
        point = code.point
        return point.moduli, radius_of(point.decoder, point.moduli), point.legitimate_range


def error_key(space: DesignSpace, design: Design) -> Any:
    """What the error of a design depends on: where nothing is lost, on the operands alone."""
    core = simulated_core(design.core)
    kind = CORES[design.core]
    return (
        core,
        isinstance(kind, DigitalKind),  # whose operands have the bits of the core
        design.vector_size,
        design.bits,
        None if kind.exact else design.slice_bits,
        None if kind.exact else design.adc_bits,
    )

"""The numbers of one design after the other; what many of them share is computed once."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from rnscli.analysis.design.device_levels import DeviceLevels, device_levels
from rnscli.analysis.design.limits import Metrics, decibels_of
from rnscli.analysis.design.nearest_noise import Bearing, Coded, Uncoded, level_of
from rnscli.analysis.design.outcome import CodeOutcome, Outcome, outcome_of_code
from rnscli.analysis.design.space import LIGHT_AXES, Design, DesignSpace, simulated_core
from rnscli.analysis.energy import (
    EnergyParameters,
    Timing,
    attempts_of_pass,
    check_independent,
)
from rnscli.analysis.error import dot_errors
from rnscli.analysis.faults import FaultParameters
from rnscli.analysis.faults.fault_probability import after_attempts
from rnscli.analysis.faults.value_law import sum_deviation
from rnscli.base import InputError, NoSolutionError, RnscliError
from rnscli.core import (
    CORES,
    DEVICE,
    AnalogKind,
    ConventionalKind,
    DigitalKind,
    ModuliSet,
    NoiseLaw,
    NoiseSetting,
    decoder_for,
    decoder_named,
)
from rnscli.runtime import Runner

# What the noise of a technology depends on, but for the moduli.
_OF_DEVICES = (
    "core", "vector_size", "technology", "bits", "columns", *LIGHT_AXES, "slice_bits", "adc_bits",
    "adc_range", "factor", "redundant",
)  # fmt: skip


Tell = Callable[[str, int, int], None]


class SimulatedError(NamedTuple):
    """Mean magnitude, and root mean square, of the errors of outputs without noise."""

    mean: float
    rms: float


@dataclass(frozen=True)
class Group:
    """Designs that only differ in their attempts: what does not depend on these."""

    design: Design
    costs: tuple[EnergyParameters, ...]  # by each model of ADCs
    outcome: Outcome
    error: SimulatedError
    space: DesignSpace
    static_share: float = 0.0  # of the noise of its technology
    code: CodeOutcome | None = None

    def sizes(self, attempts: float | None) -> dict[str, float | None]:
        """How far outputs of its code are off with up to that many attempts, in steps."""
        if self.code is None:
            return {}
        point = replace(self.code.code, attempts=attempts or 1.0).point
        found = after_attempts(point, point.attempts)
        return {name: found[name] for name in ("p_gross", "mean_abs_output_error")}

    @property
    def parameters(self) -> EnergyParameters:
        """Its costs by the first model of ADCs."""
        return self.costs[0]

    def metrics(self, attempts: float | None) -> Metrics:
        """The numbers with up to that many attempts, by the model of ADCs with the most energy."""
        return self._dearest(attempts)[1]

    def built(self, attempts: float | None) -> EnergyParameters:
        """Its costs by that model."""
        return self._dearest(attempts)[0]

    def energy_range(self, attempts: float | None) -> tuple[float, float] | None:
        """Least and largest energy per MAC in J, if there are several models of ADCs."""
        if len(self.costs) == 1:
            return None
        found = [self._metrics(costs, attempts).energy_per_mac_j for costs in self.costs]
        return min(found), max(found)

    def _dearest(self, attempts: float | None) -> tuple[EnergyParameters, Metrics]:
        every = ((costs, self._metrics(costs, attempts)) for costs in self.costs)
        return max(every, key=lambda one: one[1].energy_per_mac_j)

    def _metrics(self, costs: EnergyParameters, attempts: float | None) -> Metrics:
        check_independent(self.static_share > 0, attempts or 1.0)
        p_err, _ = self.outcome.after(attempts or 1.0)
        made, size = costs.design, self.design.vector_size
        mean = attempts_of_pass(self.outcome.detected, attempts or 1.0, made.width)
        once, energies = made.timing, made.energies
        timing = Timing(once.before, once.attempt, once.after, once.cycle, mean)
        energy = energies.once + mean * (energies.total - energies.once)
        throughput = size * made.width / timing.interval
        arrays = self._arrays(throughput, made.area)
        # What is wanted, and no more, where arrays are as many as that takes.
        used = self.space.throughput or arrays * throughput
        error = self.output_error(attempts)
        return Metrics(
            energy_per_mac_j=energy / size,
            latency_s=timing.latency,
            area_m2=arrays * made.area,
            mean_abs_error=self.error.mean,
            output_error=error,
            output_snr_db=decibels_of(error),
            p_err=p_err,
            throughput_macs_per_s=arrays * throughput,
            power_w=energy / size * used if throughput else math.inf,
            edp_js=energy * timing.latency,
            area_per_throughput=made.area / throughput if throughput else math.inf,
            arrays=arrays,
        )

    def pass_attempts(self, costs: EnergyParameters, attempts: float | None) -> float:
        """Mean attempts of a pass of all columns, with up to that many of each.

        Raises
        ------
        NoSolutionError
            If no pass is ever accepted.
        """
        check_independent(self.static_share > 0, attempts or 1.0)
        mean = attempts_of_pass(self.outcome.detected, attempts or 1.0, costs.design.width)
        if math.isinf(mean):
            raise NoSolutionError("every word is rejected")
        return mean

    def repeated(
        self, costs: EnergyParameters, attempts: float | None, mean: float
    ) -> EnergyParameters:
        """An array, by one of its costs, of which passes take so many attempts on average."""
        if mean <= 1:
            return costs
        expected = min(mean, self.expected_attempts(attempts))
        return replace(costs, expected_attempts=expected, pass_attempts=mean)

    def _arrays(self, throughput: float, area: float) -> float:
        """How many there are of the array."""
        if self.space.throughput is not None:
            needed = self.space.throughput / throughput if throughput else math.inf
            return max(1.0, math.ceil(needed)) if math.isfinite(needed) else math.inf
        if self.space.area is not None:
            return float(self.space.area // area) if area else 1.0
        return 1.0

    def output_error(self, attempts: float | None) -> float:
        """Root mean square of the error of an output, over that of the outputs.

        Outputs of uniform operands from -1 to 1 have a mean square of h / 9.
        """
        square = 9 * self.error.rms**2 / self.design.vector_size
        noise = self.outcome.square_after(attempts or 1.0)
        if noise:
            square += noise / sum_deviation(self.parameters.design.dot_product) ** 2
        return math.sqrt(square)

    def expected_attempts(self, attempts: float | None) -> float:
        return self.outcome.after(attempts or 1.0)[1]


class Evaluator:
    """Evaluates the groups of a space; what many of them share is computed once.

    ``errors`` has the simulated error by `error_key`, or why there is none; ``outcomes`` those of
    codes by their keys, as far as they are known. Where a design does not exist, an
    `RnscliError` says why.
    """

    def __init__(
        self,
        space: DesignSpace,
        errors: Mapping[Any, SimulatedError | RnscliError],
        outcomes: Mapping[Any, Outcome] | None = None,
    ) -> None:
        self._space, self._errors = space, errors
        self.outcomes: dict[Any, Outcome] = dict(outcomes or {})
        self._codes: dict[Any, tuple[ModuliSet, int] | RnscliError] = {}
        self._parameters: dict[Any, tuple[EnergyParameters, ...] | RnscliError] = {}
        self._levels: dict[Any, DeviceLevels | RnscliError] = {}
        self._several = 2 if max(space.attempts) > 1 else 1  # that may have something in common

    def excluded(self, design: Design, limits: Mapping[str, float]) -> bool:
        """Whether upper limits of `Metrics`, by name, rule out a group whatever its errors.

        Costs are those of one attempt, below which none can be.
        """
        error, rms = self._error(design)
        if error > limits.get("mean_abs_error", error):
            return True
        if 3 * rms > limits.get("output_error", math.inf) * math.sqrt(design.vector_size):
            return True
        made = [costs.design for costs in self._costs(design)]
        # With several models of ADCs that with the most energy counts, but in one attempt it may be
        # another one.
        least = {
            "energy_per_mac_j": max(one.energies.total for one in made) / design.vector_size,
            "latency_s": min(one.timing.latency for one in made),
            "area_m2": min(one.area for one in made),
        }
        return any(value > limits.get(name, value) for name, value in least.items())

    def group(self, design: Design) -> Group:
        """The numbers of a group."""
        costs = self._costs(design)
        outcome = self._outcome(design, costs)
        if outcome.searched:
            costs = self._costs(design, outcome.searched)
        share = 0.0
        if self._space.noise == DEVICE and isinstance(CORES[design.core], AnalogKind):
            share = self._device(design).static_share
        error, code = self._error(design), self.code(design)
        return Group(design, costs, outcome, error, self._space, share, code)

    def code(self, design: Design) -> CodeOutcome | None:
        """The code of a design and its noise, if there are any."""
        code, noise = self._code(design), self._space.noise
        if code is None or noise is None:
            return None
        moduli, decoder, size = code
        laws = self._device(design).laws if isinstance(noise, str) else noise
        made = FaultParameters(
            moduli=moduli,
            noise=laws,
            decoder=decoder,
            legitimate_range=size,
            attempts=self._several,
        )
        deviation = sum_deviation(self._space.dot_product(design))
        return CodeOutcome(made, deviation, noise == DEVICE, self._space.attempts)

    def bearing(self, design: Design, noise: NoiseSetting, target: float) -> Bearing:
        """How its p_err depends on the level of the noise."""
        if code := self.code(design):
            level = level_of(noise, code.code, design.attempts or 1.0, target)
            return Coded(str(design), level)
        kind, settings = CORES[design.core], self._costs(design)[0].design.settings
        assert isinstance(kind, AnalogKind)
        return Uncoded(
            str(design),
            lambda at: kind.reading_error(settings, at.of_converter(design.bits, design.core)),
        )

    def code_of(self, design: Design) -> tuple[ModuliSet, str, int]:
        """Moduli, decoder and number of legitimate values of a design that has a code."""
        found = self._code(design)
        if found is None:
            raise InputError(f"core {design.core} has no code")
        return found

    def _device(self, design: Design) -> DeviceLevels:
        """The noise that its technology has."""
        key = tuple(getattr(design, name) for name in _OF_DEVICES)
        if key not in self._levels:
            try:
                self._levels[key] = device_levels(self._costs(design)[0])
            except RnscliError as error:
                self._levels[key] = error
        found = self._levels[key]
        if isinstance(found, RnscliError):
            raise found
        return found

    def _error(self, design: Design) -> SimulatedError:
        error = self._errors[error_key(design)]
        if isinstance(error, RnscliError):
            raise error
        return error

    def _code(self, design: Design) -> tuple[ModuliSet, str, int] | None:
        """Moduli, decoder and number of legitimate values of a core that has a code."""
        decoder, rule = design.decoder, design.legitimate_range
        if design.redundant is None or decoder is None or rule is None:
            return None
        key = (design.bits, design.vector_size, design.factor, design.redundant, rule)
        if key not in self._codes:
            try:
                request = self._space.moduli_request(design)
                moduli = request.choose()[0]
                self._codes[key] = moduli, request.legitimate_range(moduli, rule)
            except RnscliError as error:
                self._codes[key] = error
        found = self._codes[key]
        if isinstance(found, RnscliError):
            raise found
        return found[0], decoder_for(found[0], decoder).name, found[1]

    def _costs(self, design: Design, searched: float = 0.0) -> tuple[EnergyParameters, ...]:
        """What its costs depend on; decoders of the same radius cost the same."""
        moduli, decoder, size = self._code(design) or (None, "", None)
        alike = None if moduli is None else decoder_named(decoder).key(moduli)
        key = (replace(design, decoder=None), alike, searched)
        if key not in self._parameters:
            try:
                self._parameters[key] = self._space.energy_parameters(
                    design, moduli, size, decoder, searched
                )
            except RnscliError as error:
                self._parameters[key] = error
        found = self._parameters[key]
        if isinstance(found, RnscliError):
            raise found
        return found

    def _outcome(self, design: Design, costs: tuple[EnergyParameters, ...]) -> Outcome:
        noise, kind = self._space.noise, CORES[design.core]
        if noise is None or not isinstance(kind, AnalogKind):
            return Outcome()
        code = self.code(design)
        if code is None:
            wrong, square = self._of_converters(design, costs, noise)
            return Outcome(1.0 - wrong, 0.0, wrong, wrong, square)
        if code.key not in self.outcomes:
            self.outcomes[code.key] = outcome_of_code(code)
        return self.outcomes[code.key]

    def _of_converters(
        self,
        design: Design,
        costs: tuple[EnergyParameters, ...],
        noise: NoiseSetting | NoiseLaw | str,
    ) -> tuple[float, float]:
        """How often a core without a code reads something else, and how far that is off."""
        if isinstance(noise, str):
            levels = self._device(design)
            return levels.wrong, levels.square
        kind, settings = CORES[design.core], costs[0].design.settings
        assert isinstance(kind, ConventionalKind)
        law = (
            noise.of_converter(design.bits, design.core)
            if isinstance(noise, NoiseSetting)
            else noise
        )
        return kind.reading_error(settings, law), kind.noise_square(settings, law)


def error_key(design: Design) -> Any:
    """What the error of a design depends on: where nothing is lost, on the operands alone."""
    kind = CORES[design.core]
    return (
        simulated_core(design.core),
        isinstance(kind, DigitalKind),  # whose operands have the bits of the core
        design.vector_size,
        design.bits,
        None if kind.exact else design.slice_bits,
        None if kind.exact else design.adc_bits,
        None if kind.exact else design.adc_range,
    )


def simulated_errors(
    space: DesignSpace, runner: Runner | None, progress: Tell | None
) -> dict[object, SimulatedError | RnscliError]:
    """Simulated errors of all designs, or why there is none; one simulation for the same ones."""
    simulations = {}
    errors: dict[object, SimulatedError | RnscliError] = {}
    for design, _ in space.groups():
        key = error_key(design)
        if key not in simulations and key not in errors:
            try:
                simulations[key] = space.error_parameters(design)
            except RnscliError as error:
                errors[key] = error
    results = dot_errors(list(simulations.values()), runner)
    for key, result in zip(simulations, results, strict=True):
        (statistics,) = result.statistics.values()
        rms = math.sqrt(statistics.signed.mean_square)
        errors[key] = SimulatedError(statistics.absolute.mean, rms)
        if progress is not None:
            progress("errors", len(errors), len(simulations))
    return errors

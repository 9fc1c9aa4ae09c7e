"""Families of codes side by side: the same channels, converters, and analog noise.

For a number k of redundant moduli, the n + k channels of the best coprime set are used

* with errors detected and repeated, or corrected by the number of wrong residues;
* decoded to the nearest value;
* by the set with the largest common factor of as many moduli, all of which carry the value, or
  fewer where those of that factor are enough;
* by one with a redundant modulus among them, which detects what is far off;

and beside them stands the conventional core with one calibrated ADC of as many bits. On light the
arrays are as long as the noise allows that all are compared under.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from rnscli.analysis.design.evaluation import (
    Evaluator,
    Group,
    SimulatedError,
    error_key,
    simulated_errors,
)
from rnscli.analysis.design.outcome import CodeOutcome, outcome_of_code
from rnscli.analysis.design.rows import FamilyRow
from rnscli.analysis.design.space import Design, DesignSpace
from rnscli.analysis.faults.fault_probability import fault_probability
from rnscli.analysis.faults.value_law import NormalValues
from rnscli.analysis.moduli import ModuliRequest
from rnscli.base import NoSolutionError, RnscliError
from rnscli.core import CALIBRATED, RNS, TOLERANCE, NoiseSetting, largest_factor
from rnscli.runtime import Runner

REPEATED, CORRECTED, NEAREST = "detect and repeat", "correct residues", "nearest value"
COMMON, CHECKED, CONVENTIONAL = "common factor", "common factor, checked", "conventional"
FAMILIES = (REPEATED, CORRECTED, NEAREST, COMMON, CHECKED, CONVENTIONAL)
CONVENTIONAL_CORE = "fixed-lp"
OF_NETWORK = ("model", "samples", "accuracy", "relative_accuracy", "relative_accuracy_ci95")
_ALIKE = 1.01  # ratio of errors that are taken to be the same


def compare_families(
    space: DesignSpace,
    sigmas: Sequence[float],
    tolerance: int = TOLERANCE,
    runner: Runner | None = None,
) -> tuple[FamilyRow, ...]:
    """Each family at each level of Gaussian noise, for each number of redundant moduli.

    Parameters
    ----------
    space
        Bits, lengths, numbers of redundant moduli and of attempts, and all that designs share; of
        the attempts only what is detected makes use. Its noise, cores and decoders are not used.
    sigmas
        Standard deviations of the noise, in steps of the converters.
    tolerance
        Steps of the output by which it may be off without being grossly wrong.
    runner
        Where errors without noise are simulated.

    Returns
    -------
    tuple of FamilyRow
        ``best`` marks in each group the least error of outputs or, of those within one per cent of
        it, the least energy.

    Raises
    ------
    NoSolutionError
        If no set has enough range.
    """
    base = replace(
        space,
        core=(RNS.name, CONVENTIONAL_CORE),
        factor=(1,),
        decoder=("detect",),
        legitimate_range=("operands",),
        columns_per_adc=(None,),
        adc_range=(CALIBRATED,),
        noise=None,
    )
    errors = simulated_errors(base, runner, None)
    rows: list[FamilyRow] = []
    for bits in space.bits:
        for size in space.vector_size:
            for redundant in space.redundant:
                for sigma in sigmas:
                    point = replace(
                        base,
                        bits=(bits,),
                        vector_size=(size,),
                        noise=NoiseSetting(sigma=sigma),
                        max_link_sigma=(sigma or None,),
                    )
                    rows += _marked(_group(point, errors, redundant, sigma, tolerance))
    if not rows:
        raise NoSolutionError("no family has a set of moduli with enough range", "bits")
    return tuple(rows)


Errors = Mapping[Any, SimulatedError | RnscliError]


def _group(
    space: DesignSpace, errors: Errors, redundant: int, sigma: float, tolerance: int
) -> Iterator[FamilyRow]:
    """The families with as many channels as a coprime set with k redundant moduli."""
    for family, one in _spaces(space, redundant):
        evaluator = Evaluator(one, errors)
        for design, attempts in one.groups():
            error = errors[error_key(design)]
            if isinstance(error, RnscliError):
                continue
            try:
                group = evaluator.group(design)
            except RnscliError:  # arrays that are never as quiet, of which the code is told
                group = None
            code = evaluator.code(design)
            if code is None and group is None:
                continue
            for most in attempts:
                yield _row(family, design, code, group, error, most, tolerance, redundant, sigma)


def _spaces(space: DesignSpace, redundant: int) -> Iterator[tuple[str, DesignSpace]]:
    coded = replace(space, core=(RNS.name,), redundant=(redundant,), attempts=(1,))
    request = ModuliRequest(
        bits=space.bits[0],
        vector_size=space.vector_size[0],
        input_bits=space.input_bits,
        weight_bits=space.weight_bits,
        rule=space.rule,
        max_modulus=space.max_modulus,
        redundant=redundant,
    )
    try:
        channels = request.choose()[0].count
    except NoSolutionError:
        channels = 0
    if channels:
        several = tuple(most for most in space.attempts if most > 1) or (2,)
        if redundant:
            yield REPEATED, replace(coded, decoder=("detect",), attempts=several)
            yield NEAREST, replace(coded, decoder=("lee",))
        if redundant > 1:
            corrected = replace(coded, decoder=("bounded-distance",))
            yield CORRECTED, replace(corrected, attempts=space.attempts)
        for family, spare in ((COMMON, 0), (CHECKED, 1)):
            highest = request.max_modulus or 2**request.converter_bits - 1
            factor = largest_factor(request.required_range, highest, channels, spare)
            if factor is not None:
                common = replace(coded, factor=(factor,), redundant=(spare,), decoder=("robust",))
                yield family, replace(common, attempts=several[:1] if spare else (1,))
    yield CONVENTIONAL, replace(space, core=(CONVENTIONAL_CORE,), max_link_sigma=(None,))


def _row(
    family: str,
    design: Design,
    code: CodeOutcome | None,
    group: Group | None,
    error: SimulatedError,
    attempts: float,
    tolerance: int,
    spare: int,
    sigma: float,
) -> FamilyRow:
    metrics = None if group is None else group.metrics(attempts)
    found, moduli, conversions = None, None, 1.0
    if code is not None:
        found = fault_probability(
            replace(
                code.code,
                attempts=attempts,
                tolerance=tolerance,
                values=NormalValues(code.deviation),
            )
        )
        moduli, conversions = code.code.moduli, found.conversions
        square = outcome_of_code(code).square_after(attempts) / code.deviation**2
        output_error = math.sqrt(9 * error.rms**2 / design.vector_size + square)
    else:
        assert metrics is not None
        output_error = metrics.output_error
    return FamilyRow(
        family=family,
        core=design.core,
        bits=design.bits,
        vector_size=design.vector_size,
        spare=spare,
        sigma=sigma,
        technology=design.technology,
        moduli=None if moduli is None else moduli.information,
        redundant_moduli=None if moduli is None else moduli.redundant_moduli,
        factor=None if moduli is None else moduli.factor,
        decoder=None if found is None else found.decoder,
        attempts=attempts if design.core == RNS.name and design.redundant else None,
        p_err=None if found is None else found.p_err,
        p_gross=None if found is None else found.p_gross,
        output_error=output_error,
        expected_attempts=found.expected_attempts if found else 1.0,
        conversions=conversions,
        energy_per_mac_j=None if metrics is None else metrics.energy_per_mac_j,
        tolerance=tolerance,
        best=False,
        **dict.fromkeys(OF_NETWORK),
    )


def _marked(rows: Iterator[FamilyRow]) -> list[FamilyRow]:
    """With the best one marked."""
    found = list(rows)
    if not found:
        return []
    least = min(row.output_error for row in found)
    close = [row for row in found if row.output_error <= _ALIKE * least]
    # Of arrays that are never as quiet the fewest conversions count.
    best = min(close, key=lambda row: (row.energy_per_mac_j or math.inf, row.conversions))
    return [replace(row, best=row is best) for row in found]

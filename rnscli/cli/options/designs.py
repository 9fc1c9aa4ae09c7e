"""The design of an array that the options of a point request, with its code and its noise."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from rnscli import analysis, base, core
from rnscli.analysis import EnergyOptions
from rnscli.base import InputError
from rnscli.cli.options.devices import DEVICE_COLUMNS
from rnscli.cli.options.hardware import (
    HARDWARE_AXES,
    HARDWARE_COLUMNS,
    Hardware,
    constant_options,
    held_constants,
    technology,
)
from rnscli.cli.options.noise import (
    NOISE_AXES,
    NOISE_COLUMNS,
    is_of_devices,
    noise_of,
    noise_options,
)
from rnscli.cli.options.shared import (
    CALIBRATION,
    CALIBRATION_COLUMNS,
    CALIBRATION_NEEDS,
    DECODER_AXES,
    DECODER_COLUMNS,
    DECODING,
    MODULI_AXES,
    MODULI_COLUMNS,
    Decorator,
    Point,
    moduli_request,
    of_range,
    redundancy,
    take,
)

_MAPPED = ("mapping", "input_slice_bits")
# Options, axes and columns of every command that prices arrays.
DESIGN_OPTIONS: tuple[base.Option | Decorator[Any], ...] = (
    EnergyOptions.memory,
    EnergyOptions.scales,
    EnergyOptions.input_scale,
    technology,
    EnergyOptions.adc_model,
    EnergyOptions.adc_table,
    EnergyOptions.columns_per_adc,
    EnergyOptions.reverse,
    EnergyOptions.extrapolate,
    analysis.ModuliOptions.moduli,
    redundancy("0"),
    noise_options("no errors"),
    take(analysis.CodeOptions.attempts, usual="inf", besides="; with --noise device: 2"),
    *DECODING,
    *constant_options(),
    core.CoreOptions.slice_bits,
    core.CoreOptions.adc_bits,
    core.CoreOptions.adc_range,
    core.DeviceOptions.mapping,
    core.DeviceOptions.input_slice_bits,
    *CALIBRATION,
)
DESIGN_AXES = (
    *MODULI_AXES, *DECODER_AXES, "legitimate_range", "attempts", *NOISE_AXES, "columns",
    "slice_bits", *_MAPPED, "adc_bits", "adc_range", "calibration", "percentile", "kernel",
    "memory", "scales", "input_scale", *HARDWARE_AXES,
)  # fmt: skip
DESIGN_COLUMNS = {
    **MODULI_COLUMNS,
    "redundant": analysis.Redundant,
    "decoder": analysis.Decoder,
    **DECODER_COLUMNS,
    "legitimate_range": analysis.LegitimateRange,
    "attempts": analysis.Attempts,
    **NOISE_COLUMNS,
    "residue_p": analysis.ResidueP,
    "residue_sigma": analysis.ResidueSigma,
    "slice_bits": analysis.SliceBits,
    **{name: DEVICE_COLUMNS[name] for name in _MAPPED},
    **CALIBRATION_COLUMNS,
    **HARDWARE_COLUMNS,
}
DESIGN_NEEDS = {
    "attempts": (*core.LEVELS, "noise"),
    **dict.fromkeys(NOISE_AXES, (core.RNS.name,)),
    **CALIBRATION_NEEDS,
}
_NOISE = ("noise", "p", "sigma", "residue_p", "residue_sigma")  # of residues, as they hold


class RequestedArray(NamedTuple):
    """A point, with its dot product and its moduli."""

    point: Point
    request: analysis.ModuliRequest
    moduli: core.ModuliSet | None


class DesignedArray(NamedTuple):
    """A design, its uncertain constants, the ``rns`` that it is compared with, and its point."""

    design: analysis.EnergyParameters
    constants: dict[str, base.Uncertain]
    reference: analysis.EnergyParameters | None
    point: Point  # with all that holds where the options leave it open


class _Faults(NamedTuple):
    """What becomes of outputs, and the probability that a decoder has to search."""

    row: analysis.FaultProbability
    searched: float


def requested_array(point: Point) -> RequestedArray:
    """The point with its dot product and its moduli; without where only ``rns`` would need them."""
    request = moduli_request(point).with_operands()
    try:
        return RequestedArray(point, request, request.choose()[0])
    except base.NoSolutionError:
        if core.CORES[point["core"]].coded:
            raise
        return RequestedArray(point, request, None)  # shown without its ratio to rns


def with_attempts(given: dict[str, Any]) -> dict[str, Any]:
    """The options with the usual attempts: static errors have an energy for up to two."""
    if given["attempts"] is not None:
        return given
    return given | {"attempts": (2,) if is_of_devices(given) else (math.inf,)}


def designed_array(
    requested: RequestedArray, hardware: Hardware, extrapolate: bool
) -> DesignedArray:
    """The design of a point, with what its noise makes of attempts."""
    point = requested.point
    faults = _faults(requested, hardware, extrapolate)
    design, constants, reference = _design(requested, faults, hardware, extrapolate)
    held = _held(requested, faults) | held_constants(point, design, constants)
    converters = design.design.converters
    held["adc_bits"] = None if converters is None else converters.adc_bits
    ranged = "adc_range" in core.CORES[point["core"]].axes
    held = of_range(point | held, point["adc_range"] if ranged else None)
    return DesignedArray(design, constants, reference, held)


def _parameters(requested: RequestedArray, extrapolate: bool) -> dict[str, Any]:
    """What the core of a point, and the ``rns`` that it is compared with, have in common."""
    point, request, moduli = requested.point, requested.request, requested.moduli
    parameters: dict[str, Any] = {
        "dot_product": request.dot_product,
        "bits": request.converter_bits,
        "moduli": moduli,
        "columns": point["columns"],
        "slice_bits": point["slice_bits"],
        "adc_bits": point["adc_bits"],
        "devices": core.Devices(**{name: point[name] for name in _MAPPED if point[name]}),
        **{name: point[name] for name in ("adc_range", "calibration", "percentile")},
        **{name: point[name] for name in ("kernel", "memory", "scales", "input_scale")},
        "extrapolate": extrapolate,
    }
    if moduli is not None:
        parameters["legitimate_range"] = request.legitimate_range(moduli, point["legitimate_range"])
        parameters["decoder"] = core.decoder_for(moduli, point["decoder"]).name
    if point["noise"] == core.DEVICE and point["max_link_sigma"] is None:
        # However noisy the light is: what it does to residues is known, and not to be avoided.
        parameters["max_link_sigma"] = analysis.MAX_LINK_SIGMA
    return parameters


def _of_rns(point: Point, hardware: Hardware) -> Point:
    """The point with the technology of ``rns``: its own, or else where the rows of rns are."""
    price, own = point["modulo_energy"], hardware.technology_of(point)
    runs = [o for o in (own, *hardware.technologies) if analysis.runs_on(core.RNS, o, price)]
    return point | {"technology": runs[0].name if runs else core.RNS.default_technology}


def _design(
    requested: RequestedArray,
    faults: _Faults | None,
    hardware: Hardware,
    extrapolate: bool,
) -> tuple[analysis.EnergyParameters, dict[str, base.Uncertain], analysis.EnergyParameters | None]:
    """The design of a point, its uncertain constants, and the ``rns`` that it is compared with."""
    point, request, moduli = requested.point, requested.request, requested.moduli
    parameters = _parameters(requested, extrapolate)
    if faults is not None:
        parameters["expected_attempts"] = faults.row.expected_attempts
        width = point["columns"] or request.dot_product.vector_size
        parameters["pass_attempts"] = analysis.attempts_of_pass(
            faults.row.p_detected, point["attempts"], width
        )
        parameters["search_probability"] = faults.searched
    design, constants = hardware.complete({"core": point["core"], **parameters}, point)
    reference = None
    if moduli is not None and point["core"] != core.RNS.name:
        try:
            reference, _ = hardware.complete(
                {"core": core.RNS.name, **parameters, "kernel": "vmm"}, _of_rns(point, hardware)
            )
        except base.RnscliError:
            reference = None  # rns is out of the range of a model
    return design, constants, reference


def _faults(requested: RequestedArray, hardware: Hardware, extrapolate: bool) -> _Faults | None:
    """How often a dot product is computed and decoded under the noise of a point, if it has any."""
    point, request, moduli = requested.point, requested.request, requested.moduli
    noise: core.NoiseSetting | tuple[core.NoiseLaw, ...] | None = noise_of(point)
    if moduli is not None and point["noise"] == core.DEVICE:
        # Of the arrays that are billed, into which a dot product is cut.
        rns = {"core": core.RNS.name, **_parameters(requested, extrapolate), "kernel": "vmm"}
        costs, _ = hardware.complete(rns, _of_rns(point, hardware))
        noise = analysis.device_levels(costs).laws
    if moduli is None or noise is None:
        return None
    each = noise if isinstance(noise, tuple) else (noise,)
    static = any(one.has_static_errors for one in each)
    analysis.check_independent(static, point["attempts"])
    given = analysis.FaultParameters(
        moduli=moduli,
        noise=noise,
        attempts=point["attempts"],
        decoder=point["decoder"],
        retry_above=point["retry_above"],
        legitimate_range=request.legitimate_range(moduli, point["legitimate_range"]),
    )
    faults = analysis.fault_probability(given)
    if math.isinf(faults.expected_attempts):
        raise InputError(
            f"`attempts` is inf, and at `p` {faults.p:g} every word is rejected, so that "
            "the energy has no bound; give a finite number of attempts"
        )
    of = given.point
    return _Faults(faults, analysis.search_probability(of.decoder, of.left, of.left_laws))


def _held(requested: RequestedArray, faults: _Faults | None) -> dict[str, Any]:
    """What the moduli and their noise are, where the options leave that open."""
    held: dict[str, Any] = {"residue_p": None, "residue_sigma": None}
    if requested.moduli is not None:
        held["redundant"] = requested.moduli.redundant
        held["decoder"] = core.decoder_for(requested.moduli, requested.point["decoder"]).name
    if faults is not None:
        held |= {name: getattr(faults.row, name) for name in _NOISE}
    elif isinstance(requested.point["p"], tuple):
        held["p"] = None  # for each modulus of a set that there is none of
    return held

"""The design of an array that the options of a point request, with its code and its noise."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from rnscli import analysis, base, core
from rnscli.base import InputError
from rnscli.cli.options.hardware import Hardware
from rnscli.cli.options.noise import noise_of
from rnscli.cli.options.shared import Point, moduli_request

MAPPED = ("mapping", "input_slice_bits")
_NOISE = ("noise", "p", "sigma", "residue_p", "residue_sigma")  # of residues, as they hold


class RequestedArray(NamedTuple):
    """A point, with its dot product and its moduli."""

    point: Point
    request: analysis.ModuliRequest
    moduli: core.ModuliSet | None


class ArrayFaults(NamedTuple):
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
        "devices": core.Devices(**{name: point[name] for name in MAPPED if point[name]}),
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


def array_design(
    requested: RequestedArray,
    faults: ArrayFaults | None,
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


def array_faults(
    requested: RequestedArray, hardware: Hardware, extrapolate: bool
) -> ArrayFaults | None:
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
    return ArrayFaults(faults, analysis.search_probability(of.decoder, of.left, of.left_laws))


def held_of_array(requested: RequestedArray, faults: ArrayFaults | None) -> dict[str, Any]:
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

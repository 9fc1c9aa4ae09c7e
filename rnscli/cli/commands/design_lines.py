"""Command lines that reproduce the numbers of a design, and what tells it from others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from typing import Any

from rnscli import analysis, base, cli, core
from rnscli.analysis import EnergyOptions
from rnscli.base import InputError
from rnscli.cli import options
from rnscli.core import DotProductOptions
from rnscli.hardware import CONSTANTS, KNOWN

SHOWN = 12  # designs of a front in a table
LIGHT = ("laser_power", "rate", "max_link_sigma")
OPERANDS = ("input_bits", "weight_bits")
SET = ("rule", "max_modulus")
CALIBRATION = tuple(one.name for one in options.CALIBRATION)
_CODE = ("factor", "redundant", "decoder", "legitimate_range", "attempts")
_HARDWARE = ("technology", "columns", "columns_per_adc", *options.RATES, "reverse")
_DEFAULTS = {
    **{name: one.default for name, one in base.options_of(DotProductOptions).items()},
    **{
        one.name: one.default
        for one in (EnergyOptions.memory, EnergyOptions.scales, EnergyOptions.input_scale)
    },
    "calibration": core.CALIBRATIONS[0],
    "percentile": core.PERCENTILE,
}


def commands_of(
    design: analysis.Design,
    group: analysis.Group,
    given: Mapping[str, Any],
    files: Mapping[str, str],
) -> Iterator[tuple[str, dict[str, Any]]]:
    """A command for each kind of number, with its options: moduli, errors, their chance, costs.

    ``given`` are the options of the search, and ``files`` the paths of technologies that are no
    names. The error probability of a conventional converter is simulated.
    """
    kind = core.CORES[design.core]
    analog = isinstance(kind, core.AnalogKind)
    shape = {"bits": design.bits, "vector_size": design.vector_size} | stated(given, OPERANDS)
    factor = design.factor if design.factor != 1 else None
    moduli = {"factor": factor, "redundant": design.redundant} | stated(given, SET)
    noise = stated(given, options.NOISE_AXES)
    code = {name: getattr(design, name) for name in _CODE if noise or name != "attempts"}
    code["factor"] = factor
    converters = {name: getattr(design, name) for name in ("slice_bits", "adc_bits", "adc_range")}
    if design.adc_range == core.CALIBRATED:
        converters |= stated(given, CALIBRATION)
    pairs = {"pairs": given["pairs"], "seed": given["seed"]}
    if kind.coded:
        yield "moduli", shape | moduli
    simulated = design.core if kind.coded else analysis.simulated_core(design.core)
    error = {"core": simulated} | shape | converters | pairs
    if kind.coded:
        error |= stated(given, SET)
    if not analog:
        error |= dict.fromkeys(OPERANDS)
    yield "error-sim", error
    made = group.parameters.design
    of_device = noise.get("noise") == core.DEVICE
    cut = of_device and made.segments > 1  # which only this search looks at as a whole
    source = _source(design, group, given, files) if of_device else {}
    if cut and kind.coded:
        light = {name: getattr(design, name) for name in ("laser_power", "rate")}
        of_row = {"vector_size": made.rows, "technology": source["technology"]} | light
        chosen = group.parameters.moduli
        of_row |= {"moduli": ",".join(map(str, chosen.moduli))} if chosen else {}
        yield "noise", {"core": design.core} | shape | of_row | {"redundant": design.redundant}
    elif noise and kind.coded:
        yield "fault-prob", shape | moduli | code | noise | source
    elif noise and analog and not cut:
        yield "error-sim", error | noise | source | {"pairs": "1e5" if of_device else "1e6"}
    hardware = {name: getattr(design, name) for name in _HARDWARE if given[name] is not None}
    hardware["adc_model"] = _models(group, given)
    hardware["technology"] = files.get(design.technology, design.technology)
    known = group.parameters.design.technology.constants
    hardware["constant"] = tuple(one for one in given["constant"] if one.partition("=")[0] in known)
    costs = {"core": design.core} | shape | hardware | converters
    costs |= stated(given, ("memory", "scales", "input_scale", *_constants_of(group)))
    costs |= {name: getattr(design, name) for name in LIGHT}
    if of_device and made.technology.link and not kind.coded:
        costs["max_link_sigma"] = design.max_link_sigma or analysis.MAX_LINK_SIGMA
    if kind.coded:
        costs |= moduli | code | ({"attempts": None} if cut else noise)
    yield "energy", costs | {"extrapolate": given["extrapolate"] or None}


def _source(
    design: analysis.Design,
    group: analysis.Group,
    given: Mapping[str, Any],
    files: Mapping[str, str],
) -> dict[str, Any]:
    """Whose noise it is, as commands take it that have no other use for a technology."""
    made = group.parameters.design.technology
    light = {name: getattr(design, name) for name in ("laser_power", "rate")}
    light = {name: value for name, value in light.items() if value is not None}
    named = [one for one in given["constant"] if one.partition("=")[0] in made.constants]
    named += [f"{n}={KNOWN[n].option(n).written(value)}" for n, value in light.items()]
    return {"technology": files.get(made.name, made.name), "constant": tuple(named)}


def _constants_of(group: analysis.Group) -> tuple[str, ...]:
    """Options of the hardware that matter to a design; others would be refused."""
    every = [one.design for one in group.costs]
    known = {name for one in every for name in one.constants}
    known |= {"modulo_energy"} if every[0].kind.coded else set()
    every_name = (n for n in (*CONSTANTS, *options.ARRAY_OPTIONS) if n not in LIGHT)
    names = tuple(n for n in every_name if n in known)
    uses_table = any(one.adc is not None and one.adc.takes_table for one in every)
    return ("adc_table", *names) if uses_table else names


def _models(group: analysis.Group, given: Mapping[str, Any]) -> tuple[str, ...] | None:
    """The models of ADCs that were asked for, of a design that has any."""
    has = group.parameters.design.converters is not None
    return tuple(given["adc_model"]) if has else None


def single(name: str, value: Any) -> Any:
    """The value of an option that is the same for all designs."""
    if not isinstance(value, tuple):
        return value
    if len(value) > 1:
        raise InputError(f"`{name}` is the same for all designs; give one value")
    if isinstance(value[0], base.Uncertain):
        raise InputError(
            f"`{name}` is a range, and designs are compared by their values; give one, and the "
            "range to rnscli energy"
        )
    return value[0]


def counted(advance: cli.Advance, what: str, done: int, total: int) -> None:
    """Tell a bar how many designs are done, or what else there is to do before."""
    if what == "designs":
        advance(done)
    else:
        advance(0, note=lambda: f"{what}: {done} of {total}")


def stated(given: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    """Those of the options that are not left to their defaults."""
    values = {name: given[name] for name in names}
    for name, value in values.items():
        if isinstance(value, tuple):
            values[name] = value[0] if value else None
    return {n: v for n, v in values.items() if v not in (None, _DEFAULTS.get(n))}


def line_of(command: str, values: Mapping[str, Any]) -> str:
    """The line of another command, written from its own options."""
    params = cli.command_named(command).params
    declared = [one.declared for one in params if isinstance(one, options.DeclaredOption)]
    return base.command_line(command, {one.name: one for one in declared}, values)


def choice_of(
    design: analysis.Design, group: analysis.Group | None, built: analysis.EnergyParameters | None
) -> dict[str, Any]:
    """What tells a design from others, by the fields of a `DesignChoice`.

    Of one that does not exist, that has no group, what it was asked to be.
    """
    values: dict[str, Any] = dict.fromkeys(field.name for field in fields(analysis.DesignChoice))
    left = (*options.RATES, *LIGHT)
    values |= {n: v for n, v in vars(design).items() if n not in left}
    if group is None or built is None:
        return values
    made = built.design
    values["columns"] = made.width
    known = made.technology.constants
    for name, key in (("laser_power", "laser_power_w"), ("rate", "rate_hz")):
        values[key] = made.technology.value_of(name) if name in known else None
    if made.technology.link:
        values |= {"segments": made.segments, "link_sigma": made.link_sigma}
    if made.converters is not None:
        values |= {"adc_model": made.adc_name, "clock_hz": made.clock}
    if made.readout is not None:
        values |= {"columns_per_adc": made.readout.columns, "adc_rate_hz": made.readout.rate}
    values["expected_attempts"] = group.expected_attempts(design.attempts)
    moduli = group.parameters.moduli
    if moduli is not None:
        values["moduli"] = moduli.information
        values["redundant_moduli"] = moduli.redundant_moduli
    return values


def step_of(axis: str, design: analysis.Design) -> str:
    """What differs of a neighbour; a design of another core may differ in anything."""
    value = getattr(design, axis)
    bits = design.bits if axis == "core" and "bits" in core.CORES[design.core].axes else None
    return f"{axis} {_value(axis, value)}" + (f", {bits} bits" if bits else "")


def _value(axis: str, value: Any) -> str:
    known = {name: one.unit for name, one in KNOWN.items() if one.unit != "1"}
    unit = "Hz" if axis in options.RATES else known.get(axis)
    if unit is not None and value is not None:
        return base.engineering(value, unit)
    if isinstance(value, float):
        return f"{value:g}"
    return "by default" if value is None else str(value)


def kept_lines(
    result: analysis.DesignResult | analysis.ChipResult,
    what: str,
    ruled_out: str,
    most: Mapping[str, float],
) -> list[str]:
    """How many designs keep the limits, and why others do not; ``most`` is one by default."""
    why = f"impossible, most of them: {cli.with_options(result.why_impossible)}"
    counts = {ruled_out: result.pruned, why: result.impossible}
    ruled = ", ".join(f"{count} {reason}" for reason, count in counts.items() if count)
    text = f"{result.feasible} of {result.designs} {what} keep the limits"
    text += (f" ({ruled})" if ruled else "") + f"; on the front: {len(result.front)}"
    if len(result.front) > SHOWN:
        text += f", {SHOWN} are shown (all in --format csv and json)"
    lines = ["", *cli.hanging("", text)]
    if most:
        error = f"error at most {most['max_error']:.4g}, that of digital-int8"
        lines += cli.hanging("", f"{error}; --max-error sets another")
    return lines


def neighbour_lines(what: str, steps: Sequence[tuple[str, str]]) -> list[str]:
    """What differs in each neighbour of the choice, and what is against it."""
    if not steps:
        return []
    width = max(len(name) for name, _ in steps)
    lines = ["", f"Neighbours of the chosen {what}:"]
    for name, reason in steps:
        lines += cli.hanging(f"  {name.ljust(width)}  ", reason)
    return lines

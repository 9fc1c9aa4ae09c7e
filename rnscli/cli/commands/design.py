"""``rnscli design``."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from typing import Any

import click

from rnscli import analysis, base, cli, core, report
from rnscli.analysis import CodeOptions, EnergyOptions, ModuliOptions
from rnscli.base import InputError
from rnscli.cli import options
from rnscli.cli.commands.code_comparisons import (
    FAMILY_LAYOUT,
    GAIN_LAYOUT,
    families,
    gain,
    of_families,
    of_gain,
)
from rnscli.core import DotProductOptions
from rnscli.hardware import CONSTANTS

LAYOUT = report.Layout(
    parameters=(
        "role", "vector_size", "columns", "technology", "adc_model", "columns_per_adc",
        "adc_rate_hz", "clock_hz", "laser_power_w", "rate_hz", "segments", "link_sigma", "reverse",
        "core", "bits", "slice_bits", "adc_bits", "adc_range",
        "factor", "redundant", "attempts", "decoder", "legitimate_range", "moduli",
        "redundant_moduli",
    ),
    results=(
        "energy_per_mac_j", "energy_per_mac_range_j", "latency_s", "arrays", "area_m2", "power_w",
        "throughput_macs_per_s", "edp_js", "area_per_throughput", "mean_abs_error",
        "output_error", "p_err", "p_gross", "mean_abs_output_error", "extrapolated",
    ),
    optional=(
        "mean_abs_output_error", "p_gross", "edp_js", "area_per_throughput",
        "throughput_macs_per_s", "redundant_moduli", "moduli",
        "adc_rate_hz", "latency_s", "slice_bits", "adc_bits", "adc_range", "reverse", "clock_hz",
        "columns_per_adc", "power_w", "area_m2", "energy_per_mac_range_j", "columns", "adc_model",
        "rate_hz", "link_sigma", "segments", "technology",
    ),
    essential=("energy_per_mac_j", "p_err", "extrapolated"),
)  # fmt: skip
_AXES = (
    "core", "bits", "vector_size", "factor", "redundant", "attempts", "decoder",
    "legitimate_range", "reverse", "slice_bits", "adc_range",
)  # fmt: skip
_LIGHT = ("laser_power", "rate", "max_link_sigma")
# Axes that follow from the rest.
_OPEN = ("columns", "columns_per_adc", "adc_rate", "adc_bits", *_LIGHT)
_OPERANDS = ("input_bits", "weight_bits")
_SET = ("rule", "max_modulus")
_CALIBRATION = tuple(one.name for one in options.CALIBRATION)
_FIXED = (
    *_OPERANDS, *_SET, *_CALIBRATION, "throughput", "area", "memory", "scales", "input_scale",
    *(name for name in (*CONSTANTS, *options.ARRAY_OPTIONS) if name not in _LIGHT),
)  # fmt: skip
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
_SHOWN = 12
_STATIC = (
    "{:.0%} of the variance of the chosen design's noise is fixed for a chip, and meets a second "
    "attempt again"
)


@click.command(
    "design",
    cls=cli.AnswerCommand,
    row_type=analysis.DesignRow,
    layout=LAYOUT,
    plot="the Pareto front, the gain, or the families",
    instead={
        "coding_gain": lambda: (analysis.GainRow, GAIN_LAYOUT),
        "families": lambda: (analysis.FamilyRow, FAMILY_LAYOUT),
    },
    needs={"attempts": (*core.LEVELS, "noise"), **options.CALIBRATION_NEEDS},
    axes={**options.NOISE_COLUMNS, "seed": analysis.Seed},
)
@options.stacked(
    *(
        options.take(option, swept=not isinstance(option.values, base.Quantities))
        for option in base.options_of(analysis.LimitOptions).values()
    ),
    options.take(
        base.Option(
            base.Flags(),
            "Instead of the best design what each code saves of the light, and the energy, that "
            "reach --max-p-err or --max-output-error, which may be several: the laser power is "
            "looked for, on as many arrays as are best.",
            name="coding_gain",
        )
    ),
    options.take(
        base.Option(
            base.Flags(),
            "Instead of the best design families of codes side by side, at each --sigma: the same "
            "channels and converters, beside a conventional core.",
            name="families",
        )
    ),
    options.take(CodeOptions.tolerance, usual=CodeOptions.tolerance.default),
    options.take(
        analysis.NetworkOptions.model,
        usual="none",
        more=" With --families: its accuracy on each; your own comes with its weights.",
        swept=False,
    ),
    options.take(analysis.NetworkOptions.samples, swept=False),
    options.noise_options("no errors"),
    options.cores(core.simulated_cores(), "Cores.", ",".join(analysis.default_cores())),
    options.take(ModuliOptions.bits, usual="4..8"),
    DotProductOptions.vector_size,
    options.take(
        ModuliOptions.factor.within(low=1),
        "1",
        help="Common factor G of the moduli; 1 for coprime ones.",
    ),
    options.take(ModuliOptions.redundant, usual="0..2"),
    options.take(CodeOptions.attempts, usual="1,2,inf; with --noise device 1,2"),
    options.take(
        CodeOptions.decoder, usual="bounded-distance,detect; with a common factor: robust"
    ),
    options.take(CodeOptions.legitimate_range, usual="product,operands; of a gain operands"),
    options.technology,
    EnergyOptions.adc_model,
    EnergyOptions.adc_table,
    options.take(
        EnergyOptions.columns_per_adc,
        usual="as many as an ADC reads in a cycle of the array, and 1",
    ),
    EnergyOptions.reverse,
    core.CoreOptions.slice_bits,
    core.CoreOptions.adc_bits,
    options.take(core.CoreOptions.adc_range, ",".join(core.ADC_RANGES)),
    *options.CALIBRATION,
    DotProductOptions.input_bits,
    DotProductOptions.weight_bits,
    options.take(EnergyOptions.columns, help="Columns c of an array.", usual="h"),
    DotProductOptions.rule,
    ModuliOptions.max_modulus,
    EnergyOptions.memory,
    EnergyOptions.scales,
    EnergyOptions.input_scale,
    EnergyOptions.extrapolate,
    *options.constant_options(),
    options.take(
        analysis.ErrorOptions.pairs.within(high=10**9),
        "10000",
        help="Pairs of vectors that each error is simulated with.",
        swept=False,
    ),
    options.take(
        analysis.SimulationOptions.seed.within(high=2**63), help="Seed of these.", swept=False
    ),
    options.run_options,
)
def command(given: dict[str, Any], drawn: bool) -> cli.Question:
    """Search for the best design: the Pareto front of energy, latency, area, error and p_err.

    Every combination of the axes is evaluated (cores, bits, vector sizes, redundancy, attempts,
    decoders, ranges, converters, technologies), and the one with the least energy per MAC, or of
    what --minimise names, is chosen of those that keep all limits. The answer says why its
    neighbours lose, and ends with the command lines that reproduce its numbers.

    --require is about the chosen design.

    \b
    # The least energy for an error of at most 0.1
    rnscli design --max-error 0.1
    # The same where one residue in a thousand is wrong, and the front drawn
    rnscli design --p 1e-3 --max-p-err 1e-9 --max-error 0.2 \\
        --plot front.svg
    # The fastest design under Gaussian noise
    rnscli design --sigma 0.15 --max-p-err 1e-12 --minimise latency
    # Laser power, arrays and redundancy together, with the noise of light
    rnscli design --noise device --core rns --vector-size 16 \\
        --laser-power 1mW,3mW,10mW --max-p-err 1e-9
    # What redundancy is worth in light
    rnscli design --coding-gain --bits 6 --vector-size 32 --max-p-err 1e-9
    # Codes side by side, at equal converters and noise
    rnscli design --families --bits 8 --redundant 1,2 --sigma 0.2,0.3,0.5
    # A wider search: two technologies, other bits and lengths
    rnscli design --bits 4..10 --vector-size 64,128,256 --extrapolate \\
        --technology photonic-phase,reram-analog --max-energy 1pJ
    """
    options.check_one_level(given)
    given = _with_usual(given)
    named = bool(given["technology"])
    default = tuple(given["core"]) == analysis.default_cores()  # of which nobody asked for one
    if given["coding_gain"] and given["families"]:
        raise InputError("--families and --coding-gain are two comparisons; leave one out")
    if given["coding_gain"]:
        given = of_gain(given, default)
    sigmas = of_families(given) if given["families"] else ()
    if sigmas:
        if drawn and len(sigmas) == 1 == len(given["bits"]):
            raise InputError(
                "--plot of --families is drawn over --sigma and --bits; give several of one of them"
            )
        given = given | {"sigma": None, "noise": None}
    for name in ("tolerance", "model") if not sigmas else ():
        if given[name] is not None:
            value = base.shown(str(given[name][0]))
            raise InputError(
                f"`{name}` {value} is about --families; give that, too, or leave it out"
            )
    if given["samples"] is not None and given["model"] is None:
        raise InputError("`samples` is about --model; give that, too, or leave it out")
    hardware, given = options.hardware_of(given)
    given, left_out = _running(given, hardware) if named else (given, [])
    constants = {name: given[name] for name in (*CONSTANTS, *options.RATES)}
    shared = {"adc_model": given["adc_model"][0], "modulo_energy": given["modulo_energy"]}
    shared |= constants
    # Technologies that no core runs on, and constants that no design has, are refused.
    options.on_technologies(
        [
            {"core": name, "technology": technology} | shared
            for name in given["core"]
            for technology in given["technology"]
        ],
        hardware,
    )
    noise = _noise(given)
    if noise == core.DEVICE:
        _check_known(hardware)
    space = _space(given, hardware, noise)
    if given["coding_gain"]:
        return gain(given, space)
    if sigmas:
        return families(given, space, sigmas)
    limits = {n: _single(n, given[n]) for n in analysis.LIMITS if given[n] is not None}
    if "max_p_err" in limits and noise is None:
        raise InputError(
            "`max_p_err` says nothing without noise; give `p`, `sigma` or `snr_db`, or `noise` "
            "device"
        )
    minimise = _single("minimise", given["minimise"])
    # Without an error that is small enough, the worst core would be the best of them.
    bounded = {"max_error", "max_output_error"} & {*limits} or not default
    bounded = bounded or minimise in ("error", "output-error")
    held = dict.fromkeys(options.NOISE_AXES)
    if isinstance(noise, core.NoiseSetting):
        held = noise.columns
    elif noise is not None:
        held["noise"] = noise
    point = held | {"seed": given["seed"]}

    def compute(runner: cli.Runner | None, bar: cli.Bar) -> cli.Answer:
        with bar(space.size, "designs") as advance:

            def progress(what: str, done: int, total: int) -> None:
                if what == "designs":
                    advance(done)
                else:
                    advance(0, note=lambda: f"{what}: {done} of {total}")

            most = {} if bounded else {"max_error": analysis.digital_error(space, runner)}
            result = analysis.search_designs(space, limits | most, minimise, runner, progress)
        commands = tuple(_line(*one) for one in _commands(result.chosen, given, hardware.given))
        rows = [_row("chosen", None, result.chosen, commands)]
        rows.extend(_row("front", None, candidate) for candidate in result.front[1:])
        rows.extend(_row("neighbour", axis, other) for axis, other in result.neighbours)
        return cli.Answer(
            [(point, row) for row in rows],
            lambda rows, file_format: report.plot_front(rows, file_format),
            problems=() if default else left_out,
            remarks=[f"left out {one}" for one in left_out] if default else (),
            shown=min(_SHOWN, len(result.front)),
            required=1,
            footer=[*_footer(result, most), *(f"  {line}" for line in commands)],
            layout=_layout(given, noise),
        )

    return cli.Question(options.with_model_defaults(given), compute, in_blocks=noise is not None)


def _running(given: dict[str, Any], hardware: options.Hardware) -> tuple[dict[str, Any], list[str]]:
    """The cores that run on the technologies that are named, and why others do not.

    Digital ones stand beside them in any case, on a technology of theirs.
    """
    price, left_out = _single("modulo_energy", given["modulo_energy"]), []
    kept = []
    for name in given["core"]:
        kind = core.CORES[name]
        runs = any(analysis.runs_on(kind, one, price) for one in hardware.technologies)
        analog = [one for one in hardware.technologies if one.kind == "analog"]
        if runs or not analog or not isinstance(kind, core.AnalogKind):
            kept.append(name)
            continue
        try:
            analysis.check_runs_on(kind, analog[0], price)
        except InputError as error:
            left_out.append(f"for core {name}: {error}")
    if not kept:
        raise base.NoSolutionError(left_out[0])
    return {**given, "core": tuple(kept)}, left_out


def _single(name: str, value: Any) -> Any:
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


def _with_usual(given: Mapping[str, Any]) -> dict[str, Any]:
    """The options with defaults that depend on others."""
    filled = options.with_usual(dict(given), "bits", "vector_size", "redundant")
    of_light = options.is_of_devices(filled) or filled["coding_gain"]
    usual: dict[str, Any] = {
        "attempts": (1, 2) if of_light else (1, 2, math.inf),
        "legitimate_range": ("operands",) if filled["coding_gain"] else ("product", "operands"),
        "decoder": (
            *(("bounded-distance", "detect") if 1 in filled["factor"] else ()),
            *(("robust",) if max(filled["factor"]) > 1 else ()),
        ),
    }
    return filled | {name: one for name, one in usual.items() if filled[name] is None}


def _check_known(hardware: options.Hardware) -> None:
    """Refuse technologies of analog arrays of whose noise nothing is known."""
    for one in hardware.technologies:
        if one.kind == "analog" and not one.link and one.devices in (None, core.Devices()):
            raise InputError(
                f"`technology` {one.name} says nothing of its noise: its profile has no [link] and "
                f"no [devices]; leave it out, or give a level instead of --noise {core.DEVICE}"
            )


def _noise(given: Mapping[str, Any]) -> core.NoiseSetting | str | None:
    """Law and level, which are the same for all designs, or that each has its own."""
    if options.is_of_devices(given):
        return core.DEVICE
    noise = core.NoiseSetting.of({n: _single(n, given[n]) for n in options.NOISE_AXES})
    if noise is not None:
        level, value = noise.level
        if isinstance(value, tuple):
            raise InputError(f"`{level}` has a value for each modulus; here it is one for all")
        noise.of_converter(1, "")  # refuses a level that the law does not reach
    return noise


def _space(
    given: Mapping[str, Any], hardware: options.Hardware, noise: core.NoiseSetting | str | None
) -> analysis.DesignSpace:
    for name in _LIGHT:
        for one in given[name] or ():
            _single(name, (one,))  # refuses a range
    fixed = {name: _single(name, given[name]) for name in _FIXED if given[name] is not None}
    constants = {name: fixed.pop(name) for name in CONSTANTS if name in fixed}
    arguments: dict[str, Any] = {
        **{name: tuple(given[name]) for name in _AXES},
        **fixed,
        **options.fixed_hardware(hardware, given["adc_model"], constants),
        **{name: tuple(given[name]) for name in _OPEN if given[name]},
        "clock": tuple(given["clock"] or (analysis.EnergyParameters.clock,)),
        "noise": noise,
        **{name: given[name] for name in ("extrapolate", "pairs", "seed")},
    }
    return analysis.DesignSpace(**arguments)


def _commands(
    candidate: analysis.Candidate, given: Mapping[str, Any], files: Mapping[str, str]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """A command for each kind of number, with its options: moduli, errors, their chance, costs.

    ``given`` are the options of the search, and ``files`` the paths of technologies that are no
    names. The error probability of a conventional converter is simulated.
    """
    design = candidate.design
    kind = core.CORES[design.core]
    analog = isinstance(kind, core.AnalogKind)
    shape = {"bits": design.bits, "vector_size": design.vector_size} | _stated(given, _OPERANDS)
    factor = design.factor if design.factor != 1 else None
    moduli = {"factor": factor, "redundant": design.redundant} | _stated(given, _SET)
    noise = _stated(given, options.NOISE_AXES)
    code = {name: getattr(design, name) for name in _CODE if noise or name != "attempts"}
    code["factor"] = factor
    converters = {name: getattr(design, name) for name in ("slice_bits", "adc_bits", "adc_range")}
    if design.adc_range == core.CALIBRATED:
        converters |= _stated(given, _CALIBRATION)
    pairs = {"pairs": given["pairs"], "seed": given["seed"]}
    if kind.coded:
        yield "moduli", shape | moduli
    simulated = design.core if kind.coded else analysis.simulated_core(design.core)
    error = {"core": simulated} | shape | converters | pairs
    if kind.coded:
        error |= _stated(given, _SET)
    if not analog:
        error |= dict.fromkeys(_OPERANDS)
    yield "error-sim", error
    made = candidate.group.parameters.design
    of_device = noise.get("noise") == core.DEVICE
    cut = of_device and made.segments > 1  # which only this search looks at as a whole
    source = _source(candidate, given, files) if of_device else {}
    if cut and kind.coded:
        light = {name: getattr(design, name) for name in ("laser_power", "rate")}
        of_row = {"vector_size": made.rows, "technology": source["technology"]} | light
        chosen = candidate.group.parameters.moduli
        of_row |= {"moduli": ",".join(map(str, chosen.moduli))} if chosen else {}
        yield "noise", {"core": design.core} | shape | of_row | {"redundant": design.redundant}
    elif noise and kind.coded:
        yield "fault-prob", shape | moduli | code | noise | source
    elif noise and analog and not cut:
        yield "error-sim", error | noise | source | {"pairs": "1e5" if of_device else "1e6"}
    hardware = {name: getattr(design, name) for name in _HARDWARE if given[name] is not None}
    hardware["adc_model"] = _models(candidate, given)
    hardware["technology"] = files.get(design.technology, design.technology)
    known = candidate.group.parameters.design.technology.constants
    hardware["constant"] = tuple(one for one in given["constant"] if one.partition("=")[0] in known)
    costs = {"core": design.core} | shape | hardware | converters
    costs |= _stated(given, ("memory", "scales", "input_scale", *_constants_of(candidate)))
    costs |= {name: getattr(design, name) for name in _LIGHT}
    if of_device and made.technology.link and not kind.coded:
        costs["max_link_sigma"] = design.max_link_sigma or analysis.MAX_LINK_SIGMA
    if kind.coded:
        costs |= moduli | code | ({"attempts": None} if cut else noise)
    yield "energy", costs | {"extrapolate": given["extrapolate"] or None}


def _source(
    candidate: analysis.Candidate, given: Mapping[str, Any], files: Mapping[str, str]
) -> dict[str, Any]:
    """Whose noise it is, as commands take it that have no other use for a technology."""
    made = candidate.group.parameters.design.technology
    light = {name: getattr(candidate.design, name) for name in ("laser_power", "rate")}
    named = [one for one in given["constant"] if one.partition("=")[0] in made.constants]
    named += [f"{name}={value!r}" for name, value in light.items() if value is not None]
    return {"technology": files.get(made.name, made.name), "constant": tuple(named)}


def _constants_of(candidate: analysis.Candidate) -> tuple[str, ...]:
    """Options of the hardware that matter to a design; others would be refused."""
    every = [one.design for one in candidate.group.costs]
    known = {name for one in every for name in one.constants}
    known |= {"modulo_energy"} if every[0].kind.coded else set()
    every_name = (n for n in (*CONSTANTS, *options.ARRAY_OPTIONS) if n not in _LIGHT)
    names = tuple(n for n in every_name if n in known)
    uses_table = any(one.adc is not None and one.adc.takes_table for one in every)
    return ("adc_table", *names) if uses_table else names


def _models(candidate: analysis.Candidate, given: Mapping[str, Any]) -> tuple[str, ...] | None:
    """The models of ADCs that were asked for, of a design that has any."""
    has = candidate.group.parameters.design.converters is not None
    return tuple(given["adc_model"]) if has else None


def _stated(given: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    """Those of the options that are not left to their defaults."""
    values = {name: given[name] for name in names}
    for name, value in values.items():
        if isinstance(value, tuple):
            values[name] = value[0] if value else None
    return {n: v for n, v in values.items() if v not in (None, _DEFAULTS.get(n))}


def _line(command: str, values: Mapping[str, Any]) -> str:
    """The line of another command, written from its own options."""
    other = cli.cli.get_command(click.Context(cli.cli), command)
    assert other is not None
    declared = [one.declared for one in other.params if isinstance(one, options.DeclaredOption)]
    return base.command_line(command, {one.name: one for one in declared}, values)


def _row(
    role: str,
    axis: str | None,
    candidate: analysis.Candidate | analysis.Rejected,
    commands: tuple[str, ...] | None = None,
) -> analysis.DesignRow:
    values: dict[str, Any] = dict.fromkeys(field.name for field in fields(analysis.DesignRow))
    left = (*options.RATES, *_LIGHT)
    values |= {n: v for n, v in vars(candidate.design).items() if n not in left}
    values["reason"] = candidate.reason or None
    if isinstance(candidate, analysis.Candidate):
        values |= vars(candidate.metrics)
        group, attempts = candidate.group, candidate.design.attempts
        made = group.built(attempts).design
        values["columns"] = made.width
        known = made.technology.constants
        for name, key in (("laser_power", "laser_power_w"), ("rate", "rate_hz")):
            values[key] = made.technology.value_of(name) if name in known else None
        if made.technology.link:
            values |= {"segments": made.segments, "link_sigma": made.link_sigma}
        if made.converters is not None:
            values |= {"adc_model": made.adc_name, "clock_hz": made.clock}
            values["energy_per_mac_range_j"] = group.energy_range(attempts)
        if made.readout is not None:
            values |= {"columns_per_adc": made.readout.columns, "adc_rate_hz": made.readout.rate}
        values["extrapolated"] = any(one.design.beyond for one in group.costs)
        values["expected_attempts"] = group.expected_attempts(attempts)
        values |= group.sizes(attempts)
        moduli = group.parameters.moduli
        if moduli is not None:
            values["moduli"] = moduli.information
            values["redundant_moduli"] = moduli.redundant_moduli
    return analysis.DesignRow(**values | {"role": role, "axis": axis, "commands": commands})


def _layout(
    given: Mapping[str, Any], noise: core.NoiseSetting | str | None
) -> report.Layout | None:
    """The layout where cores that are never quite right are compared under noise, if they are.

    What counts of an ADC's code that differs, perhaps by one, is what that adds to the error.
    """
    kinds = [core.CORES[name] for name in given["core"]]
    if noise is None or all(kind.coded or not isinstance(kind, core.AnalogKind) for kind in kinds):
        return None
    return replace(LAYOUT, essential=("energy_per_mac_j", "output_error", "extrapolated"))


def _footer(result: analysis.DesignResult, most: Mapping[str, float]) -> list[str]:
    why = f"impossible, most of them: {result.why_impossible}"
    counts = {
        "ruled out by a limit before their error probability": result.pruned,
        why: result.impossible,
    }
    ruled = ", ".join(f"{count} {what}" for what, count in counts.items() if count)
    text = f"{result.feasible} of {result.designs} designs keep the limits"
    text += (f" ({ruled})" if ruled else "") + f"; on the front: {len(result.front)}"
    if len(result.front) > _SHOWN:
        text += f", {_SHOWN} are shown (all in --format csv and json)"
    lines = ["", *cli.hanging("", text)]
    if most:
        said = (
            f"error at most {most['max_error']:.4g}, that of digital-int8; --max-error sets another"
        )
        lines += cli.hanging("", said)
    if static := result.chosen.group.static_share:
        lines += cli.hanging("", _STATIC.format(static))
    if result.neighbours:
        lines += ["", "Neighbours of the chosen design:"]
        names = [_step(axis, other) for axis, other in result.neighbours]
        width = max(map(len, names))
        for name, (_, other) in zip(names, result.neighbours, strict=True):
            lines += cli.hanging(f"  {name.ljust(width)}  ", other.reason)
    return [*lines, "", "The same numbers by:"]


def _step(axis: str, other: analysis.Candidate | analysis.Rejected) -> str:
    """What differs of a neighbour; a design of another core may differ in anything."""
    design = other.design
    value = getattr(design, axis)
    bits = design.bits if axis == "core" and "bits" in core.CORES[design.core].axes else None
    return f"{axis} {_value(axis, value)}" + (f", {bits} bits" if bits else "")


def _value(axis: str, value: Any) -> str:
    if axis in options.RATES and value is not None:
        return base.engineering(value, "Hz")
    if isinstance(value, float):
        return f"{value:g}"
    return "by default" if value is None else str(value)

"""``rnscli design``."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from functools import partial
from typing import Any

import click

from rnscli import analysis, base, cli, core, report
from rnscli.analysis import ChipOptions, CodeOptions, EnergyOptions, ModuliOptions
from rnscli.base import InputError
from rnscli.cli import options
from rnscli.cli.commands.chip_designs import (
    BITS_LAYOUT,
    CHIP_LAYOUT,
    CHIP_OPTIONS,
    bits_of_layers,
    check_of_networks,
    chips,
    is_of_networks,
)
from rnscli.cli.commands.code_comparisons import (
    FAMILY_LAYOUT,
    GAIN_LAYOUT,
    families,
    gain,
    of_families,
    of_gain,
)
from rnscli.cli.commands.design_explorer import MOST, explorer
from rnscli.cli.commands.design_lines import (
    CALIBRATION,
    LIGHT,
    OPERANDS,
    SET,
    SHOWN,
    choice_of,
    commands_of,
    counted,
    kept_lines,
    line_of,
    neighbour_lines,
    single,
    step_of,
)
from rnscli.core import DotProductOptions
from rnscli.hardware import CONSTANTS, TRAINING

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
        "rate_hz", "link_sigma", "segments", "technology", "legitimate_range", "decoder",
    ),
    essential=("energy_per_mac_j", "p_err", "extrapolated"),
)  # fmt: skip
_AXES = (
    "core", "bits", "vector_size", "factor", "redundant", "attempts", "decoder",
    "legitimate_range", "reverse", "slice_bits", "adc_range",
)  # fmt: skip
_FIXED = (
    *OPERANDS, *SET, *CALIBRATION, "throughput", "area", "memory", "scales", "input_scale",
    *(name for name in (*CONSTANTS, *options.ARRAY_OPTIONS) if name not in LIGHT),
)  # fmt: skip
# Axes that follow from the rest.
_OPEN = ("columns", "columns_per_adc", "adc_rate", "adc_bits", *LIGHT)
_OF = (analysis.OF_DOT_PRODUCT, analysis.OF_CHIPS)
# What a limit is about.
_ANSWERS = {
    name: tuple(one.limits[name][0] for one in _OF if name in one.limits)
    for name in {name for one in _OF for name in one.limits}
} | {"throughput": ("arrays", "area_m2", "power_w"), "area": ("throughput_macs_per_s", "power_w")}
_STATIC = (
    "{:.0%} of the variance of the chosen design's noise is fixed for a chip, and meets a second "
    "attempt again"
)


@click.command(
    "design",
    cls=cli.AnswerCommand,
    background=cli.Background(
        "Those of rnscli energy, error-sim and fault-prob, whose command lines for the chosen "
        "design are printed below the answer.",
        page="tutorial.md",
    ),
    row_type=analysis.DesignRow,
    answers=_ANSWERS,
    layout=LAYOUT,
    plot="the Pareto front, the gain, or the families",
    page="to look through the designs that keep the limits",
    without_page=("coding_gain", "families", "layer_bits"),
    instead={
        "coding_gain": lambda: (analysis.GainRow, GAIN_LAYOUT),
        "families": lambda: (analysis.FamilyRow, FAMILY_LAYOUT),
        "layer_bits": lambda: (analysis.LayerBitsRow, BITS_LAYOUT),
        "workload": lambda: (analysis.ChipDesignRow, CHIP_LAYOUT),
        "torch": lambda: (analysis.ChipDesignRow, CHIP_LAYOUT),
    },
    needs={
        "attempts": (*core.LEVELS, "noise"),
        **options.CALIBRATION_NEEDS,
        "optimiser": (f"pass={TRAINING}",),
    },
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
            "Instead of the best design, what each code saves of the light and the energy that "
            "reach --max-p-err or --max-output-error (several values are possible): the least "
            "laser power is searched for, on the best number of arrays.",
            name="coding_gain",
            group=base.OptionGroup.ASKED,
        )
    ),
    options.take(
        base.Option(
            base.Flags(),
            "Instead of the best design, families of codes side by side, at each --sigma: the same "
            "channels and converters, beside a conventional core.",
            name="families",
            group=base.OptionGroup.ASKED,
        )
    ),
    *CHIP_OPTIONS,
    options.in_group(
        "--layers-to",
        base.OptionGroup.OUTPUT,
        type=options.OutputPath("a file"),
        metavar="FILE",
        help="With --layer-bits: write the choice as a file of layers for rnscli accuracy.",
    ),
    ChipOptions.arrays,
    ChipOptions.chip_area,
    ChipOptions.chip_power,
    options.take(ChipOptions.schedule, usual=ChipOptions.schedule.default),
    options.take(ChipOptions.activation_products, usual=ChipOptions.activation_products.default),
    ChipOptions.digital_units,
    ChipOptions.vector_lanes,
    ChipOptions.buffer_banks,
    options.take(ChipOptions.dram, usual=ChipOptions.dram.default),
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
        help="Pairs of vectors with which each error is simulated.",
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

    With --workload each design runs the networks on a chip, as rnscli chip does, and energy,
    latency, throughput and area are those of the chip; with --layer-bits each layer has a design
    of its own.

    --require applies to the chosen design.

    \b
    # The least energy for an error of at most 0.1
    rnscli design --max-error 0.1
    # The same where one residue in a thousand is wrong, and the front drawn
    rnscli design --p 1e-3 --max-p-err 1e-9 --max-error 0.2 \\
        --plot front.svg
    # The fastest design under Gaussian noise
    rnscli design --sigma 0.15 --max-p-err 1e-12 --minimise latency
    # A page to look through the designs, with limits that can be moved
    rnscli design --p 1e-3 --max-error 1 --output front.html
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
    # The best chip for ResNet-50 on 100 mm2, with outputs of 25 dB
    rnscli design --workload resnet50 --chip-area 100mm2 --min-snr-db 25
    # One chip for two networks, the fastest of three sizes
    rnscli design --workload resnet50,bert-large \\
        --chip-area 50mm2,100mm2,200mm2 --min-snr-db 25 --minimise time
    # Bits of each layer, with the least energy at 20 dB of all together
    rnscli design --workload resnet50 --layer-bits --min-snr-db 20 \\
        --core fixed-lp
    """
    options.check_one_level(given)
    check_of_networks(given)
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
    held = dict.fromkeys(options.NOISE_AXES)
    if isinstance(noise, core.NoiseSetting):
        held = noise.columns
    elif noise is not None:
        held["noise"] = noise
    point = held | {"seed": given["seed"]}
    if given["layer_bits"] and drawn:
        raise InputError("--plot draws chips, and no bits of layers; leave it or --layer-bits out")
    if given["layer_bits"]:
        return bits_of_layers(given, space, point, left_out)
    limits = {n: single(n, given[n]) for n in analysis.LIMITS if given[n] is not None}
    if "max_p_err" in limits and noise is None:
        raise InputError(
            "`max_p_err` says nothing without noise; give `p`, `sigma` or `snr_db`, or `noise` "
            "device"
        )
    minimise = single("minimise", given["minimise"])
    # Without an error that is small enough, the worst core would be the best of them.
    bounded = {"max_error", "max_output_error", "min_snr_db"} & {*limits} or not default
    bounded = bounded or minimise in ("error", "output-error")

    if is_of_networks(given):
        return chips(given, space, hardware, point, bool(bounded), left_out)
    if minimise == "time":
        raise InputError("`minimise` time is of a chip; give --workload, or another one")

    def plot(rows: Sequence[report.Row], canvas: report.Canvas) -> bytes:
        return report.plot_front(rows, canvas)

    def compute(runner: cli.Runner | None, bar: cli.Bar) -> cli.Answer:
        with bar(space.size, "designs") as advance:
            progress = partial(counted, advance)
            most = {} if bounded else {"max_error": analysis.digital_error(space, runner)}
            result = analysis.search_designs(space, limits | most, minimise, runner, progress)

        def lines(one: analysis.Candidate) -> tuple[str, ...]:
            every = commands_of(one.design, one.group, given, hardware.given)
            return tuple(line_of(*command) for command in every)

        def page(made: cli.Result) -> str:
            found, ranks = result.within(MOST)
            designs = [_row("within", None, one, lines(one)) for one in found]
            return explorer(made, result, designs, ranks, _steps(result), most)

        commands = lines(result.chosen)
        rows = [_row("chosen", None, result.chosen, commands)]
        rows.extend(_row("front", None, candidate) for candidate in result.front[1:])
        rows.extend(_row("neighbour", axis, other) for axis, other in result.neighbours)
        return cli.Answer(
            [(point, row) for row in rows],
            plot,
            problems=() if default else left_out,
            remarks=[f"left out {one}" for one in left_out] if default else (),
            listed=len(result.front),
            shown=min(SHOWN, len(result.front)),
            required=1,
            footer=[*_footer(result, most), *(f"  {line}" for line in commands)],
            layout=_layout(given, noise),
            page=page,
        )

    stated = options.with_model_defaults(given)
    return cli.Question(stated, compute, in_blocks=noise is not None, picture=plot)


def _running(given: dict[str, Any], hardware: options.Hardware) -> tuple[dict[str, Any], list[str]]:
    """The cores that run on the technologies that are named, and why others do not.

    Digital ones stand beside them in any case, on a technology of theirs.
    """
    price, left_out = single("modulo_energy", given["modulo_energy"]), []
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
    noise = core.NoiseSetting.of({n: single(n, given[n]) for n in options.NOISE_AXES})
    if noise is not None:
        level, value = noise.level
        if isinstance(value, tuple):
            raise InputError(f"`{level}` has a value for each modulus; here it is one for all")
        noise.of_converter(1, "")  # refuses a level that the law does not reach
    return noise


def _space(
    given: Mapping[str, Any], hardware: options.Hardware, noise: core.NoiseSetting | str | None
) -> analysis.DesignSpace:
    for name in LIGHT:
        for one in given[name] or ():
            single(name, (one,))  # refuses a range
    fixed = {name: single(name, given[name]) for name in _FIXED if given[name] is not None}
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


def _row(
    role: str,
    axis: str | None,
    candidate: analysis.Candidate | analysis.Rejected,
    commands: tuple[str, ...] | None = None,
) -> analysis.DesignRow:
    values: dict[str, Any] = dict.fromkeys(field.name for field in fields(analysis.DesignRow))
    values["reason"] = candidate.reason or None
    if isinstance(candidate, analysis.Candidate):
        group, attempts = candidate.group, candidate.design.attempts
        values |= choice_of(candidate.design, group, group.built(attempts))
        values |= vars(candidate.metrics)
        if group.parameters.design.converters is not None:
            values["energy_per_mac_range_j"] = group.energy_range(attempts)
        values["extrapolated"] = any(one.design.beyond for one in group.costs)
        values |= group.sizes(attempts)
    else:
        values |= choice_of(candidate.design, None, None)
    return analysis.DesignRow(**values | {"role": role, "axis": axis, "commands": commands})


def _layout(given: Mapping[str, Any], noise: core.NoiseSetting | str | None) -> report.Layout:
    """The layout with what is minimised, and of errors with what counts of them.

    Cores that are never quite right may be compared under noise. What counts of an ADC's code that
    differs, perhaps by one, is what that adds to the error.
    """
    kinds = [core.CORES[name] for name in given["core"]]
    layout = LAYOUT
    if noise is not None and not all(
        kind.coded or not isinstance(kind, core.AnalogKind) for kind in kinds
    ):
        layout = replace(LAYOUT, essential=("energy_per_mac_j", "output_error", "extrapolated"))
    minimised = single("minimise", given["minimise"])
    return layout.with_essential((analysis.OF_DOT_PRODUCT.objectives[minimised],))


def _footer(result: analysis.DesignResult, most: Mapping[str, float]) -> list[str]:
    lines = kept_lines(
        result, "designs", "ruled out by a limit before their error probability", most
    )
    if static := result.chosen.group.static_share:
        lines += cli.hanging("", _STATIC.format(static))
    lines += neighbour_lines("design", _steps(result))
    return [*lines, "", "The same numbers by:"]


def _steps(result: analysis.DesignResult) -> list[tuple[str, str]]:
    """What differs in each neighbour of the choice, and what is against it."""
    return [(step_of(axis, other.design), other.reason) for axis, other in result.neighbours]

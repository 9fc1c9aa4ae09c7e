"""Searches for networks: the best chip (``rnscli design --workload``), and the bits of layers."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from rnscli import analysis, base, cli, core, report
from rnscli.analysis import ChipDesignRow, ChipSearchOptions, WorkloadOptions
from rnscli.base import InputError
from rnscli.cli import options
from rnscli.cli.commands.design_explorer import MOST, explorer
from rnscli.cli.commands.design_lines import (
    SHOWN,
    choice_of,
    commands_of,
    counted,
    kept_lines,
    line_of,
    neighbour_lines,
    single,
    stated,
    step_of,
)
from rnscli.hardware import MEMORIES, TRAINING

CHIP_LAYOUT = report.Layout(
    parameters=(
        "role", "workload", "vector_size", "columns", "technology", "adc_model", "columns_per_adc",
        "adc_rate_hz", "clock_hz", "laser_power_w", "rate_hz", "segments", "link_sigma", "reverse",
        "core", "bits", "slice_bits", "adc_bits", "adc_range", "factor", "redundant", "attempts",
        "decoder", "legitimate_range", "moduli", "redundant_moduli", "schedule",
    ),
    results=(
        "arrays", "energy_per_inference_j", "latency_s", "throughput_per_s", "limited_by",
        "area_m2", "power_w", "tops_per_w", "tops_per_mm2", "output_snr_db", "p_err",
        "extrapolated",
    ),
    optional=(
        "tops_per_mm2", "tops_per_w", "redundant_moduli", "moduli", "adc_rate_hz", "slice_bits",
        "reverse", "clock_hz", "schedule", "columns_per_adc", "columns", "adc_model", "rate_hz",
        "link_sigma", "segments", "limited_by", "technology", "legitimate_range", "decoder",
        "power_w", "adc_bits",
    ),
    essential=("energy_per_inference_j", "throughput_per_s", "p_err", "extrapolated"),
)  # fmt: skip
BITS_LAYOUT = report.Layout(
    parameters=(
        "role", "workload", "layer", "technology", "vector_size", "columns", "core", "bits",
        "columns_per_adc", "slice_bits", "adc_bits", "adc_range", "redundant", "attempts", "moduli",
        "redundant_moduli",
    ),
    results=(
        "macs", "tiles", "arrays", "area_m2", "energy_j", "time_s", "output_snr_db", "noise_share",
        "gap",
    ),
    optional=(
        "redundant_moduli", "moduli", "tiles", "macs", "columns", "columns_per_adc", "technology",
        "gap", "arrays", "adc_range", "role",
    ),
    essential=("energy_j", "output_snr_db"),
)  # fmt: skip
_SETTINGS = (
    "schedule", "activation_products", "dram", "buffer_banks", "digital_units", "vector_lanes",
)  # fmt: skip
_OF_NETWORK = (*options.SIZE_AXES, "pass", "optimiser")
_NAMED = ("torch", "input_shape", "size")
# What only a search for networks is about.
OF_NETWORKS = (
    *analysis.SIZES, *_SETTINGS, *_OF_NETWORK, "input_shape", "size", "together", "min_inferences",
    "layer_noise", "layers_to",
)  # fmt: skip
# What such a search says in another way.
_NOT_OF_NETWORKS = {
    "throughput": "min_throughput", "area": "chip_area", "coding_gain": "", "families": "",
}  # fmt: skip

CHIP_OPTIONS: tuple[Any, ...] = (
    options.take(
        WorkloadOptions.workload,
        help=WorkloadOptions.workload.text.replace(
            "Instead of one dot product a network",
            "Instead of an array, the best chip for networks",
        ).replace("; a row for each layer and the total", ""),
    ),
    *options.WORKLOAD_OPTIONS,
    ChipSearchOptions.together,
    ChipSearchOptions.min_inferences,
    options.take(ChipSearchOptions.layer_bits),
    ChipSearchOptions.layer_noise,
)


def is_of_networks(given: Mapping[str, Any]) -> bool:
    """Whether the search is for a network, or several."""
    return bool(given["workload"] or given["torch"])


def check_of_networks(given: Mapping[str, Any]) -> None:
    """Refuse options that say nothing with, or without, a network."""
    if not is_of_networks(given):
        for name in (*OF_NETWORKS, "layer_bits"):
            if value := given[name]:
                said = "" if value is True else f" {base.shown(_in_words(value))}"
                raise InputError(
                    f"`{name}`{said} is about --workload; give that, too, or leave it out"
                )
        return
    for name, other in _NOT_OF_NETWORKS.items():
        if given[name]:
            flag = name.replace("_", "-")
            instead = f"; give `{other}` instead" if other else "; leave one of them out"
            raise InputError(f"--{flag} is of single arrays, and --workload of a chip{instead}")
    of_bits = ("layer_noise", "layers_to")
    of_chips = (*analysis.SIZES, *_SETTINGS, "together", "min_inferences")
    for name in of_chips if given["layer_bits"] else of_bits:
        if given[name]:
            verb = "not for" if given["layer_bits"] else "about"
            raise InputError(f"`{name}` is {verb} --layer-bits; leave one of them out")


def _in_words(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _networks(given: Mapping[str, Any]) -> options.Workloads:
    """The networks that are named, with one set of sizes."""
    named = options.with_code(given)
    sizes = {name: single(name, given[name]) for name in _OF_NETWORK}
    points = options.workload_points(
        {**dict.fromkeys(options.WORKLOAD_AXES), **sizes, "workload": one}
        for one in named["workload"]
    )
    return options.Workloads(named, points)


def chips(
    given: Mapping[str, Any],
    space: analysis.DesignSpace,
    hardware: options.Hardware,
    point: options.Point,
    bounded: bool,
    left_out: Sequence[str],
) -> cli.Question:
    """The search of a chip for one network or several."""
    workloads = _networks(given)
    sizes = [name for name in analysis.SIZES if given[name] is not None]
    if len(sizes) > 1 and "arrays" in sizes:
        raise InputError(
            f"`arrays` and `{sizes[1]}` both say how many arrays there are; leave one out"
        )
    size = sizes[0] if sizes else None
    # Beside an area the power is a limit, and not another size.
    settings = {
        name: single(name, given[name])
        for name in (*_SETTINGS, *sizes[1:])
        if given[name] is not None
    }
    together = single("together", given["together"]) or analysis.SUM
    chip_space = analysis.ChipSpace(
        designs=space,
        workloads=workloads.made,
        size=size,
        sizes=(None,) if size is None else tuple(given[size]),
        together=together,
        settings=settings,
    )
    limits = {n: single(n, given[n]) for n in analysis.OF_CHIPS.limits if given[n] is not None}
    minimise = single("minimise", given["minimise"])
    key = analysis.OF_CHIPS.objectives[minimise]  # the time of an inference is no column
    layout = CHIP_LAYOUT.with_essential([key] if key in base.columns_of(ChipDesignRow) else [])

    def plot(rows: Sequence[report.Row], canvas: report.Canvas) -> bytes:
        return report.plot_chip_front(rows, canvas)

    def compute(runner: cli.Runner | None, bar: cli.Bar) -> cli.Answer:
        with bar(chip_space.count, "designs") as advance:
            progress = partial(counted, advance)
            most = {} if bounded else {"max_error": analysis.digital_error(space, runner)}
            result = analysis.search_chips(chip_space, limits | most, minimise, runner, progress)
        chosen = result.chosen

        def lines(one: analysis.ChipCandidate) -> tuple[str, ...]:
            every = commands_of(one.made.design, one.group, given, hardware.given)
            return tuple(
                line_of(*(_on_chip(one, values, given) if name == "energy" else (name, values)))
                for name, values in every
            )

        def page(made: cli.Result) -> str:
            found, ranks = result.within(MOST)
            designs = [_row("within", None, name, one, lines(one)) for one in found]
            return explorer(made, result, designs, ranks, _steps(result), most)

        commands = lines(chosen)
        name = ", ".join(one.name for one in chip_space.workloads)
        rows = [_row("chosen", None, name, chosen, commands)]
        rows += [
            _row("network", None, one.workload.name, chosen, None, one)
            for one in chosen.networks
            if len(chosen.networks) > 1
        ]
        rows += [_row("front", None, name, one) for one in result.front[1:]]
        rows += [_row("neighbour", axis, name, one) for axis, one in result.neighbours]
        networks = len(chosen.networks) if len(chosen.networks) > 1 else 0
        return cli.Answer(
            [(point, row) for row in rows],
            plot,
            remarks=[*(f"left out {one}" for one in left_out), *workloads.remarks],
            listed=len(result.front) + networks,
            shown=min(SHOWN, len(result.front)) + networks,
            required=1,
            footer=[*_footer(result, most, together), *(f"  {line}" for line in commands)],
            layout=layout,
            page=page,
        )

    shown = options.with_model_defaults(given)
    return cli.Question(shown, compute, in_blocks=space.noise is not None, picture=plot)


def _on_chip(
    chosen: analysis.ChipCandidate, values: Mapping[str, Any], given: Mapping[str, Any]
) -> tuple[str, dict[str, Any]]:
    """The command that runs the networks on the chip, with the options of the array's."""
    made = dict(values)
    made |= {name: given[name] or None for name in ("workload", *_NAMED)}
    made |= stated(given, (*_OF_NETWORK, "schedule", "activation_products", "dram"))
    names = (*analysis.SIZES, "digital_units", "vector_lanes", "buffer_banks")
    return "chip", made | {name: getattr(chosen.chip, name) for name in names}


def _row(
    role: str,
    axis: str | None,
    workload: str,
    candidate: analysis.ChipCandidate | analysis.RejectedChip,
    commands: tuple[str, ...] | None = None,
    network: analysis.NetworkFigures | None = None,
) -> ChipDesignRow:
    values: dict[str, Any] = dict.fromkeys(ChipDesignRow.__dataclass_fields__)
    design = candidate.made.design
    values["reason"] = candidate.reason or None
    if isinstance(candidate, analysis.ChipCandidate):
        metrics = candidate.metrics
        if network is not None:
            metrics = candidate.alone(network)
        values |= choice_of(design, candidate.group, candidate.array)
        values |= {name: one for name, one in vars(metrics).items() if name in values}
        first = (network or candidate.networks[0]).figures
        alone = network is not None or len(candidate.networks) == 1
        values |= {
            "schedule": ("pipelined" if first.pipelined else "sequential") if alone else None,
            "limited_by": first.limit if alone else None,
            "arrays": first.arrays,
            "digital_units": max(one.figures.digital_units for one in candidate.networks),
            "vector_lanes": first.lanes,
            "buffer_bytes": first.banks * MEMORIES[analysis.BANK].held / 8,
            "tops_per_w": 2e-12 * metrics.throughput_macs_per_s / metrics.power_w,
            "tops_per_mm2": 2e-18 * metrics.throughput_macs_per_s / metrics.area_m2,
            "extrapolated": any(one.design.beyond for one in candidate.group.costs),
        }
    else:
        values |= choice_of(design, None, None)
    made = {"role": role, "axis": axis, "workload": workload, "commands": commands}
    return ChipDesignRow(**values | made)


def _footer(result: analysis.ChipResult, most: Mapping[str, float], together: str) -> list[str]:
    lines = kept_lines(result, "chips", "ruled out by a limit of their error", most)
    if len(result.chosen.networks) > 1:
        lines += cli.hanging("", f"of all networks: {analysis.TOGETHER[together]}")
    lines += cli.hanging("", f"not counted: {', '.join(analysis.CHIP_NOT_COUNTED)}")
    lines += neighbour_lines("chip", _steps(result))
    return [*lines, "", "The same numbers by:"]


def _steps(result: analysis.ChipResult) -> list[tuple[str, str]]:
    """What differs in each neighbour of the choice, and what is against it."""
    return [(_step(axis, one.made), one.reason) for axis, one in result.neighbours]


# How each of the sizes is written.
_SIZE: dict[str, Callable[[float], str]] = {
    "arrays": "{:.0f}".format,
    "chip_area": base.area,
    "chip_power": base.prefixed("W"),
}


def _step(axis: str, made: analysis.ChipDesign) -> str:
    if axis not in analysis.SIZES:
        return step_of(axis, made.design)
    assert made.size is not None
    return f"{axis.replace('_', ' ')} {_SIZE[axis](made.size)}"


# Bits of layers


def bits_of_layers(
    given: Mapping[str, Any],
    space: analysis.DesignSpace,
    point: options.Point,
    left_out: Sequence[str],
) -> cli.Question:
    """A design of arrays for each layer of a network."""
    workloads = _networks(given)
    if len(workloads.made) > 1:
        raise InputError(
            f"--layer-bits is about one network, and --workload names {len(workloads.made)}"
        )
    if single("pass", given["pass"]) == TRAINING:
        raise InputError(f"--layer-bits is about an inference; leave --pass {TRAINING} out")
    for name in analysis.OF_CHIPS.limits:
        if given[name] is not None and name != "min_snr_db":
            raise InputError(f"`{name}` is not for --layer-bits, whose limit is `min_snr_db`")
    if given["min_snr_db"] is None:
        raise InputError("--layer-bits needs `min_snr_db`, the SNR that all layers together keep")
    snr, minimise = (single(name, given[name]) for name in ("min_snr_db", "minimise"))
    if minimise not in analysis.LEAST:
        raise InputError(
            f"`minimise` {minimise} is no sum over layers; --layer-bits takes "
            f"{', '.join(analysis.LEAST)}"
        )
    source, written = given["layer_noise"], given["layers_to"]
    digital = [one for one in space.core if not isinstance(core.CORES[one], core.AnalogKind)]
    if digital and space.core == analysis.default_cores():
        # That the choice can be measured.
        space = replace(space, core=tuple(one for one in space.core if one not in digital))
    elif digital and written is not None:
        raise InputError(
            f"`core` {digital[0]} is none that rnscli accuracy simulates layers on; leave it out, "
            "or `layers_to`"
        )
    measured = None if source is None else analysis.read_layer_noise(source)
    if written is not None:
        base.check_writable(written, "--layers-to")
        if source is not None and Path(source).resolve() == written.resolve():
            raise InputError(f"`layers_to` {written} is `layer_noise`, too; give another name")

    def compute(runner: cli.Runner | None, bar: cli.Bar) -> cli.Answer:
        with bar(space.size, "designs") as advance:
            found = analysis.layer_bits(
                space, workloads.made[0], snr, minimise, measured, runner, partial(counted, advance)
            )
        if written is not None:
            base.write_atomically(written, analysis.layers_file(found.layers).encode())
        name = workloads.made[0].name
        rows = [_bits_row(name, "layer", (one,), found) for one in found.layers]
        rows.append(_bits_row(name, "total", found.layers, found))
        if found.uniform is not None:
            rows.append(_bits_row(name, "uniform", found.uniform, found))
        return cli.Answer(
            [(point, row) for row in rows],
            remarks=[*(f"left out {one}" for one in left_out), *workloads.remarks],
            footer=_bits_footer(found, minimise, measured, written),
            layout=BITS_LAYOUT,
        )

    return cli.Question(options.with_model_defaults(given), compute)


def _bits_row(
    workload: str,
    role: str,
    layers: Sequence[analysis.LayerChoice],
    found: analysis.LayerBits,
) -> analysis.LayerBitsRow:
    """Of a layer, or of all of them, which have a design where it is the same for all."""
    values: dict[str, Any] = dict.fromkeys(analysis.LayerBitsRow.__dataclass_fields__)
    first = layers[0]
    if role != "total":
        chosen = choice_of(first.design, first.group, first.array)
        values |= {name: one for name, one in chosen.items() if name in values}
    noise = math.fsum(one.noise for one in layers)
    whole = math.fsum(one.noise for one in found.layers)
    values |= {
        "role": role,
        "workload": workload,
        "layer": first.layer if role == "layer" else "total",
        "macs": sum(gemm.macs for one in layers for gemm in one.gemms),
        "tiles": sum(one.tiles for one in layers),
        "arrays": sum(one.tiles * one.array.design.arrays for one in layers),
        **{
            name: math.fsum(getattr(one, name) for one in layers)
            for name in ("area_m2", "energy_j", "time_s")
        },
        "output_snr_db": analysis.snr_of(layers),
        "noise_share": noise / whole if whole and role == "layer" else None,
        "gap": found.gap if role == "total" else None,
    }
    return analysis.LayerBitsRow(**values)


def _bits_footer(
    found: analysis.LayerBits,
    minimise: str,
    measured: analysis.LayerNoise | None,
    written: Path | None,
) -> list[str]:
    proved = "proved to be the least" if not found.gap else f"within {found.gap:.2%} of the least"
    text = f"{minimise} of the total: {proved} of {found.designs} designs for each layer"
    total = math.fsum(getattr(one, analysis.LEAST[minimise]) for one in found.layers)
    if found.uniform is None:
        text += "; no single design keeps the SNR for all layers"
    else:
        alone = math.fsum(getattr(one, analysis.LEAST[minimise]) for one in found.uniform)
        text += f"; {1 - total / alone:.1%} less than the best single design for all layers"
    lines = ["", *cli.hanging("", text)]
    if found.left_out:
        named = ", ".join(found.left_out[:4]) + (", ..." if found.left_out[4:] else "")
        lines += cli.hanging("", f"products of two activations, which are left out: {named}")
    noise = (
        "the noise of a layer is that of a dot product of uniform operands of h terms"
        if measured is None
        else f"the noise of a layer is as {measured.source} says"
    )
    for one in (noise, *analysis.LAYER_BITS_ASSUMPTIONS):
        lines += cli.hanging("  ", f"assumed: {one}")
    if written is not None:
        lines += cli.hanging("", f"to be measured with: rnscli accuracy --layers {written}")
    return lines

"""``rnscli design``."""

import math
import shutil
import textwrap
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import click

from rnscli import report
from rnscli.analysis import (
    LIMITS,
    Candidate,
    CodeOptions,
    DesignResult,
    DesignRow,
    DesignSpace,
    EnergyOptions,
    EnergyParameters,
    ErrorOptions,
    LimitOptions,
    ModuliOptions,
    Rejected,
    Seed,
    SimulationOptions,
    default_cores,
    simulated_core,
)
from rnscli.base import InputError, Quantities, Uncertain, command_line, options_of
from rnscli.cli.answer import Answer, Bar, Question
from rnscli.cli.command import AnswerCommand
from rnscli.cli.options import AXES as NOISE
from rnscli.cli.options import DeclaredOption, shared, take
from rnscli.cli.options import hardware as hw
from rnscli.cli.options import noise as noise_options
from rnscli.cli.terminal import is_terminal
from rnscli.core import (
    CORES,
    AnalogKind,
    CoreOptions,
    DotProductOptions,
    NoiseSetting,
    simulated_cores,
)
from rnscli.hardware import CONSTANTS
from rnscli.report import Layout
from rnscli.runtime import Runner

_OPERANDS = ("input_bits", "weight_bits")
_SET = ("rule", "max_modulus")
_DEFAULTS = {name: option.default for name, option in options_of(DotProductOptions).items()}
_CODE = ("redundant", "decoder", "legitimate_range", "attempts")


def commands_of(
    candidate: Candidate,
    options: Mapping[str, Any],
    files: Mapping[str, str],
) -> tuple[str, ...]:
    """A command line for each kind of number: moduli, error, error probability, costs.

    ``options`` are those of the search, each a sequence with what is asked for; ``files`` the
    paths of technologies that are no names. The error probability of a conventional converter is
    simulated.
    """
    design = candidate.design
    shape = {"bits": design.bits, "vector_size": design.vector_size} | _given(options, _OPERANDS)
    code = {name: getattr(design, name) for name in _CODE}
    moduli = {"redundant": design.redundant} | _given(options, _SET)
    noise = _given(options, NOISE)
    sliced = {"slice_bits": design.slice_bits, "adc_bits": design.adc_bits}
    lines = []
    kind = CORES[design.core]
    analog = isinstance(kind, AnalogKind)
    if kind.coded:
        lines.append(_line("moduli", shape | moduli))
    simulated = design.core if kind.coded else simulated_core(design.core)
    pairs = {"pairs": options["pairs"], "seed": options["seed"]}
    error = {"core": simulated} | shape | sliced | pairs
    if kind.coded:
        error |= _given(options, _SET)
    if not analog:
        error["input_bits"] = error["weight_bits"] = None
    lines.append(_line("error-sim", error))
    if noise and kind.coded:
        lines.append(_line("fault-prob", shape | moduli | code | noise))
    elif noise and analog:
        lines.append(_line("error-sim", error | noise | {"pairs": "1e6"}))
    hardware = {
        name: getattr(design, name)
        for name in ("technology", "adc_model", "columns_per_adc", "reverse")
    }
    hardware["technology"] = files.get(design.technology, design.technology)
    costs = {"core": design.core} | shape | hardware | sliced
    costs |= _given(options, ("columns", *_constants_of(candidate.group.parameters)))
    if kind.coded:
        costs |= moduli | code | noise
    if options["extrapolate"]:
        costs["extrapolate"] = True
    lines.append(_line("energy", costs))
    return tuple(lines)


def _constants_of(parameters: EnergyParameters) -> tuple[str, ...]:
    """Options of the hardware that matter to a design; others would be refused."""
    made = parameters.design
    known = {*made.constants, *(hw.RATES if made.converters is not None else ())}
    names = tuple(name for name in (*CONSTANTS, *hw.RATES) if name in known)
    uses_table = made.converters is not None and made.adc.takes_table
    return ("adc_table", *names) if uses_table else names


def _given(options: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    """Those of the options that are not left to their defaults."""
    found = {}
    for name in names:
        value = options[name]
        if isinstance(value, tuple):
            value = value[0] if value else None
        if value not in (None, _DEFAULTS.get(name)):
            found[name] = value
    return found


def _line(command: str, values: Mapping[str, Any]) -> str:
    """The line of another command, written from its own options."""
    from rnscli.cli.main import cli

    found = cli.get_command(click.Context(cli), command)
    assert found is not None
    options = [one.declared for one in found.params if isinstance(one, DeclaredOption)]
    return command_line(command, {one.name: one for one in options}, values)


LAYOUT = Layout(
    parameters=(
        "role", "vector_size", "technology", "adc_model", "columns_per_adc", "reverse", "core",
        "bits", "slice_bits", "adc_bits", "redundant", "attempts", "decoder", "legitimate_range",
        "moduli",
    ),
    results=(
        "energy_per_mac_j", "latency_s", "area_m2", "mean_abs_error", "p_err", "extrapolated",
    ),
    optional=("moduli", "latency_s", "area_m2", "slice_bits", "adc_bits", "reverse"),
    essential=("energy_per_mac_j", "mean_abs_error", "p_err", "extrapolated"),
)  # fmt: skip
_AXES = (
    "core", "bits", "vector_size", "redundant", "attempts", "decoder", "legitimate_range",
    "columns_per_adc", "reverse", "slice_bits",
)  # fmt: skip
_FIXED = (
    "input_bits",
    "weight_bits",
    "rule",
    "max_modulus",
    "columns",
    *CONSTANTS,
    *hw.RATES,
)
_SHOWN = 12


@click.command(
    "design",
    cls=AnswerCommand,
    row_type=DesignRow,
    layout=LAYOUT,
    plot="the Pareto front",
    axes={**noise_options.COLUMNS, "seed": Seed},
)
@shared.stacked(
    *(
        take(option, swept=not isinstance(option.values, Quantities))
        for option in options_of(LimitOptions).values()
    ),
    noise_options.noise_options("no errors"),
    shared.cores(simulated_cores(), "Cores.", ",".join(default_cores())),
    take(ModuliOptions.bits, usual="4..8"),
    DotProductOptions.vector_size,
    take(ModuliOptions.redundant, usual="0..2"),
    take(CodeOptions.attempts, "1,2,inf"),
    take(CodeOptions.decoder, "bounded-distance,detect"),
    take(CodeOptions.legitimate_range, "product,operands"),
    hw.technology,
    EnergyOptions.adc_model,
    EnergyOptions.adc_table,
    take(EnergyOptions.columns_per_adc, "1,8,64"),
    EnergyOptions.reverse,
    CoreOptions.slice_bits,
    CoreOptions.adc_bits,
    DotProductOptions.input_bits,
    DotProductOptions.weight_bits,
    take(EnergyOptions.columns, help="Columns c of an array.", usual="h"),
    DotProductOptions.rule,
    ModuliOptions.max_modulus,
    EnergyOptions.extrapolate,
    *hw.constants(),
    take(
        ErrorOptions.pairs.within(high=10**9),
        "10000",
        help="Pairs of vectors that each error is simulated with.",
        swept=False,
    ),
    take(SimulationOptions.seed.within(high=2**63), help="Seed of these.", swept=False),
    shared.run_options,
)
def command(options: dict[str, Any], drawn: bool) -> Question:
    """Search for the best design: the Pareto front of energy, latency, area, error and p_err.

    Every combination of the axes is evaluated (cores, bits, vector sizes, redundancy, attempts,
    decoders, ranges, converters, technologies), and the one with the least energy per MAC, or of
    whatever is asked for, is chosen of those that keep all limits. The answer says why its
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
    # A wider search: two technologies, other bits and lengths
    rnscli design --bits 4..10 --vector-size 64,128,256 --extrapolate \\
        --technology photonic,reram-analog --max-energy 100fJ
    """
    noise_options.check_one_level(options)
    hardware, options = hw.hardware_of(
        shared.with_usual(options, "bits", "vector_size", "redundant")
    )
    _check_used(options, hardware)
    space = _space(options, hardware)
    limits = {name: _single(name, options[name]) for name in LIMITS if options[name] is not None}
    if "max_p_err" in limits and space.noise is None:
        raise InputError("`max_p_err` says nothing without noise; give `p`, `sigma` or `snr_db`")
    minimise = _single("minimise", options["minimise"])
    noise = _noise(options)
    told = noise.columns if noise is not None else dict.fromkeys(noise_options.AXES)
    point = told | {"seed": options["seed"]}

    def compute(runner: Runner | None, bar: Bar) -> Answer:
        found = _found(space, limits, minimise, runner, bar)
        commands = commands_of(found.chosen, options, hardware.given)
        shown = min(_SHOWN, len(found.front))
        return Answer(
            [(point, row) for row in _rows(found, commands)],
            lambda rows, file_format: report.plot_front(rows, file_format),
            shown=shown,
            required=1,
            footer=_footer(found, shown, commands),
        )

    return Question(
        hw.resolved(options),
        compute,
        in_blocks=space.noise is not None,
    )


def _check_used(options: Mapping[str, Any], hardware: hw.Hardware) -> None:
    """Refuse technologies that no core runs on, and constants that no design has."""
    given = {name: options[name] for name in (*CONSTANTS, *hw.RATES)}
    hw.paired(
        [
            {"core": core, "technology": technology, "adc_model": options["adc_model"][0], **given}
            for core in options["core"]
            for technology in options["technology"]
        ],
        hardware,
    )


def _single(name: str, value: Any) -> Any:
    """The value of an option that is the same for all designs."""
    if not isinstance(value, tuple):
        return value
    if len(value) > 1:
        raise InputError(f"`{name}` is the same for all designs; give one value")
    if isinstance(value[0], Uncertain):
        raise InputError(
            f"`{name}` is a range, and designs are compared by their values; give one, and the "
            "range to rnscli energy"
        )
    return value[0]


def _noise(options: Mapping[str, Any]) -> NoiseSetting | None:
    """Law and level, which are the same for all designs."""
    noise = NoiseSetting.of({name: _single(name, options[name]) for name in noise_options.AXES})
    if noise is not None:
        level, value = noise.level
        if isinstance(value, tuple):
            raise InputError(f"`{level}` has a value for each modulus; here it is one for all")
        noise.of_converter(1, "")  # a level that the law does not reach is refused at once
    return noise


def _space(options: Mapping[str, Any], hardware: hw.Hardware) -> DesignSpace:
    """The space that the options mean."""
    fixed = {name: _single(name, options[name]) for name in _FIXED if options[name] is not None}
    constants = {name: value for name, value in fixed.items() if name in CONSTANTS}
    arguments: dict[str, Any] = {name: tuple(options[name]) for name in _AXES}
    arguments |= {n: v for n, v in fixed.items() if n not in CONSTANTS}
    arguments |= hw.with_fixed(hardware, options["adc_model"], constants)
    arguments |= {
        "adc_bits": tuple(options["adc_bits"] or (None,)),
        "noise": _noise(options),
        "extrapolate": options["extrapolate"],
        "pairs": options["pairs"],
        "seed": options["seed"],
    }
    return DesignSpace(**arguments)


def _found(
    space: DesignSpace,
    limits: Mapping[str, float],
    minimise: str,
    runner: Runner | None,
    bar: Bar,
) -> DesignResult:
    from rnscli.analysis import search_designs

    with bar(space.size, "designs") as advance:

        def progress(what: str, done: int, total: int) -> None:
            if what == "designs":
                advance(done)
            else:
                advance(0, note=lambda: f"{what}: {done} of {total}")

        return search_designs(space, limits, minimise, runner, progress)


def _rows(found: DesignResult, commands: tuple[str, ...]) -> list[DesignRow]:
    rows = [_row("chosen", None, found.chosen, commands)]
    rows.extend(_row("front", None, candidate, None) for candidate in found.front[1:])
    rows.extend(_row("neighbour", axis, other, None) for axis, other in found.neighbours)
    return rows


def _row(
    role: str, axis: str | None, found: Candidate | Rejected, commands: tuple[str, ...] | None
) -> DesignRow:
    values: dict[str, Any] = dict.fromkeys(field.name for field in fields(DesignRow))
    values |= vars(found.design) | {"reason": found.reason or None}
    if isinstance(found, Candidate):
        values |= vars(found.metrics)
        values["extrapolated"] = bool(found.group.parameters.design.beyond)
        values["expected_attempts"] = found.group.expected_attempts(found.design.attempts)
        moduli = found.group.parameters.moduli
        if moduli is not None:
            values |= {
                "moduli": moduli.information,
                "redundant_moduli": moduli.redundant_moduli,
            }
    return DesignRow(**values | {"role": role, "axis": axis, "commands": commands})


def _footer(found: DesignResult, shown: int, commands: tuple[str, ...]) -> list[str]:
    counted = f"{found.feasible} of {found.designs} designs keep the limits"
    why = f"impossible, most of them: {found.why_impossible}"
    ruled = [
        f"{count} {what}"
        for count, what in (
            (found.pruned, "ruled out by a limit before their error probability"),
            (found.impossible, why),
        )
        if count
    ]
    said = counted + (f" ({', '.join(ruled)})" if ruled else "")
    said += f"; on the front: {len(found.front)}"
    if len(found.front) > shown:
        said += f", {shown} are shown (all in --format csv and json)"
    lines = ["", *_hanging("", said)]
    if found.neighbours:
        lines += ["", "Neighbours of the chosen design:"]
        names = [
            f"{axis} {_value(getattr(other.design, axis))}" for axis, other in found.neighbours
        ]
        width = max(map(len, names))
        for name, (_, other) in zip(names, found.neighbours, strict=True):
            lines += _hanging(f"  {name.ljust(width)}  ", other.reason)
    lines += ["", "The same numbers by:"]
    return lines + [f"  {line}" for line in commands]


def _hanging(start: str, text: str) -> list[str]:
    width = min(100, shutil.get_terminal_size().columns) if is_terminal() else 100
    return textwrap.wrap(
        text, width, initial_indent=start, subsequent_indent=" " * len(start),
        break_on_hyphens=False,
    )  # fmt: skip


def _value(value: Any) -> str:
    if isinstance(value, float):
        return "inf" if math.isinf(value) else f"{value:g}"
    return "b" if value is None else str(value)

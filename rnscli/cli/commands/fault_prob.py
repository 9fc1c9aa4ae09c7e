"""``rnscli fault-prob``."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache, partial
from typing import Annotated, Any

import click

from rnscli import analysis, cli, report
from rnscli.analysis import FaultOptions, FaultProbability, SimulationOptions
from rnscli.base import Column, InputError, columns_of, option_name, probability
from rnscli.cli import options
from rnscli.core import DEVICE, LEVELS, NOISE_LAWS, DotProduct, NoiseSetting, decoder_named
from rnscli.hardware import Technology
from rnscli.networks import NETWORKS

LAYOUT = report.Layout(
    parameters=(
        "vector_size", "moduli", "redundant_moduli", "redundant", "decoder", "retry_above",
        "legitimate_range", "erased",
        "noise", "p", "sigma", "static_share", "attempts", "tolerance",
        "values",
    ),
    results=(
        "p_correct", "p_detected", "p_undetected", "p_err", "is_bound", "p_gross",
        "mean_abs_output_error", "expected_attempts",
    ),
    optional=(
        "mean_abs_output_error", "p_correct", "p_detected", "expected_attempts", "legitimate_range",
        "p_undetected", "p_gross", "sigma", "p", "redundant_moduli",
    ),
    essential=("p_err", "is_bound"),
)  # fmt: skip
STATIC_LAYOUT = replace(
    LAYOUT,
    results=(
        "p_correct", "p_detected", "p_undetected", "p_err_low", "p_err", "is_bound",
        "expected_attempts",
    ),
    optional=(*LAYOUT.optional, "p_detected", "p_undetected"),
    essential=("p_err_low", "p_err", "is_bound"),
)  # fmt: skip
SNR_LAYOUT = replace(
    LAYOUT, parameters=("snr_db", *(key for key in LAYOUT.parameters if key != "sigma"))
)
TARGET_LAYOUT = report.Layout(
    parameters=("factor", *LAYOUT.parameters),
    results=(
        "p_detected", "p_undetected", "p_err", "p_gross", "is_bound", "conversions", "cheapest",
    ),
    optional=(
        "p_detected", "p_undetected", "legitimate_range", "tolerance", "p", "is_bound", "p_gross",
        "redundant",
    ),
    essential=("p_err", "conversions", "cheapest"),
)  # fmt: skip
VALIDATE_LAYOUT = report.Layout(
    parameters=LAYOUT.parameters,
    results=(
        "p_err", "is_bound", "simulated_p_err", "simulated_p_err_ci999", "p_undetected",
        "simulated_p_undetected", "simulated_p_undetected_ci999", "simulated_words",
        "precision_reached", "agrees",
    ),
    optional=(
        "legitimate_range", "precision_reached", "simulated_words",
        "simulated_p_undetected_ci999", "simulated_p_undetected", "p_undetected", "is_bound",
        "redundant_moduli", "simulated_p_err_ci999",
    ),
    essential=("p_err", "simulated_p_err", "agrees"),
)  # fmt: skip
_ASSUMED = (
    "p undetected is the mean over values X uniform in L. Dot products crowd round zero, where "
    "errors of few steps, as of this noise, may be missed far less or more often: see --values "
    f"{analysis.DOT_PRODUCT}."
)
_LawOf = Callable[[str, DotProduct], analysis.ValueLaw]
AXES = (
    *options.MODULI_AXES, *options.DECODER_AXES, "legitimate_range", "attempts", "erased",
    "tolerance", "values", *options.NOISE_AXES, "technology",
)  # fmt: skip


@click.command(
    "fault-prob",
    cls=cli.AnswerCommand,
    background=cli.Background(
        "Demirkiran et al., arXiv:2309.10759, Methods; James, Yang and Sinha, ACM JETC 2015. "
        "Common factors: Wang and Xia, IEEE Trans. Signal Processing 2010.",
        page="fault-probability.md",
    ),
    row_type=FaultProbability,
    layout=LAYOUT,
    plot="p_err against p",
    answers={"tolerance": ("p_gross",)},
    axes={
        "bits": analysis.Bits,
        "input_bits": analysis.InputBits,
        "weight_bits": analysis.WeightBits,
        "vector_size": analysis.VectorSize,
        **options.MODULI_COLUMNS,
        **options.DECODER_COLUMNS,
        **options.MORE_NOISE_COLUMNS,
        "technology": analysis.Technology,
        "values": Annotated[
            str,
            Column(
                "Law of the values that words stand for, a network, or their file.",
                usual="uniform",
            ),
        ],
        "target": Annotated[float, Column("Wanted p_err, or p_gross.", form=probability, high=1)],
        "target_of": Annotated[
            str,
            Column("What --target is of; null without one.", usual="p_err"),
        ],
        "seed": Annotated[
            analysis.Seed, Column("Seed of the simulation; null without one.", usual=0)
        ],
    },
)
@options.stacked(
    options.bits("6"),
    *options.OPERANDS,
    analysis.ModuliOptions.moduli,
    options.redundancy("0..2"),
    options.noise_options("1e-3"),
    FaultOptions.erased,
    options.take(analysis.CodeOptions.attempts, usual="1,2,inf"),
    analysis.CodeOptions.tolerance,
    FaultOptions.values,
    FaultOptions.target,
    options.take(FaultOptions.target_of, usual=FaultOptions.target_of.default, swept=False),
    options.take(FaultOptions.solve, swept=False),
    options.take(FaultOptions.validate, swept=False),
    options.take(
        SimulationOptions.rel_precision,
        help="With --validate: stop before that many words, once the intervals of p_undetected "
        "and p_err reach no further than this share of their values, such as 0.05.",
    ),
    options.take(
        SimulationOptions.seed.within(high=2**63), help="Seed of --validate.", swept=False
    ),
    *options.DECODING,
    options.noise_technology,
    options.run_options,
)
def command(given: dict[str, Any], drawn: bool) -> cli.Question:
    """Compute the output error probability of a redundant code, exactly for up to two attempts.

    A detected error is computed again, up to R attempts; p_err is the probability that the output
    is then wrong or still rejected, from R = 3 on an upper bound. The uniform law is a closed form;
    for the Gaussian law the sum over all differences of legitimate values is formed, up to 2^32 of
    them.

    \b
    # What redundant moduli and retries do for any p
    rnscli fault-prob --redundant 0..3 --attempts 1,2,inf --p 1e-6..1e-1:6
    # Whether a set of your own is good enough: exit code 1 if it is not
    rnscli fault-prob --moduli 63,62,61,59,55,53 --redundant 2 \\
        --require 'p_err <= 1e-4'
    # Gaussian noise, where the channel of the largest modulus is dead
    rnscli fault-prob --redundant 2 --sigma 0.15,0.2,0.25 --erased 0
    # The least redundancy, and the fewest attempts, for a wanted p_err
    rnscli fault-prob --bits 5..8 --p 1e-2 --target 1e-9
    # Which family of codes is cheapest where small errors do no harm
    rnscli fault-prob --bits 8 --sigma 0.3,0.5 --values dot-product \\
        --target 1e-9 --target-of p_gross
    # The most noise that each redundancy, and each number of attempts, bears
    rnscli fault-prob --solve sigma --target 1e-9
    # The exact values beside simulated ones, with intervals of 2 %
    rnscli fault-prob --redundant 2 --p 1e-6 --validate 1e9 \\
        --rel-precision 0.02
    """
    if given["validate"] is None:
        for name in ("rel_precision", "jobs", "scheduler", "store"):
            if given[name] is not None:
                raise InputError(f"`{name}` is about --validate; give that, too, or leave it out")
    elif given["rel_precision"] is not None and len(given["rel_precision"]) > 1:
        raise InputError("--rel-precision is one number here, and no sweep")
    technologies = options.noise_technologies(given)
    given = given | {"technology": tuple(technologies) or None}
    solved, of_devices = _solved(given), options.is_of_devices(given)
    if of_devices and given["target"]:
        raise InputError(
            f"--target chooses moduli for a noise that is known, and --noise {DEVICE} follows from "
            "the moduli; leave one of them out"
        )
    if solved is None and not of_devices and all(given[name] is None for name in LEVELS):
        given = given | {"p": (1e-3,)}
    levels = given if solved is None else _open_level(given, solved)
    options.check_one_level(levels)
    if given["target"] and solved is None:
        return _frontier(options.with_usual(given, "bits", "vector_size", "target_of"))
    if given["target_of"]:
        raise InputError("`target_of` is about --target without --solve; leave it out")
    levels = options.with_usual(options.with_defaults(levels), "attempts")
    given = {**levels, **{name: given[name] for name in LEVELS}}
    axes = AXES if solved is None else (*AXES, "target")
    points = options.noise_points(levels, axes)
    codes: list[tuple[options.Point, Any]]
    law_of = cache(_law)  # a file is read, and a network run, once
    prepare: Callable[[options.Point], Any] = (
        partial(_parameters, law_of=law_of, technologies=technologies)
        if solved is None
        else _open(given, law_of)
    )
    codes, problems = cli.prepared(points, prepare)
    curves = {
        tuple((name, value) for name, value in point.items() if name not in LEVELS)
        for point, _ in codes
    }
    if drawn:
        report.check_number(len(curves), report.MAX_SERIES, "lines")

    def compute(runner: cli.Runner | None, bar: cli.Bar) -> cli.Answer:
        ready, more = (codes, []) if solved is None else _found(codes)
        with bar(len(ready), "points") as advance:
            found, others = cli.answered(
                ready, lambda code: (code, analysis.fault_probability(code)), advance=advance
            )
        missing = [*problems, *more, *others]
        rows = [(_described(point, given), row) for point, (_, row) in found]
        if given["validate"] is None:
            layout = SNR_LAYOUT if solved == "snr_db" else None
            if any(point.get("static_share") for point, _ in rows):
                layout = STATIC_LAYOUT
            return cli.Answer(rows, _plot, missing, footer=_footer(rows), layout=layout)
        exact = [(*row, code) for row, (_, (code, _)) in zip(rows, found, strict=True)]
        return replace(_validated(exact, given, runner, bar), problems=missing)

    return cli.Question(given, compute, in_blocks=given["validate"] is not None, picture=_plot)


def _solved(given: Mapping[str, Any]) -> str | None:
    """The level that is to be found, as points have it."""
    if given["solve"] is None:
        return None
    if len(given["solve"]) > 1:
        raise InputError(f"`solve` is {','.join(given['solve'])}; give one of them")
    return option_name(given["solve"][0])


def _open_level(given: Mapping[str, Any], solved: str) -> dict[str, Any]:
    """The options with some level in the place of the one that is to be found."""
    for name in LEVELS:
        if given[name]:
            raise InputError(f"`solve` finds the level of the noise, so leave `{name}` out")
    if not given["target"]:
        raise InputError("`solve` needs the p_err to keep; give `target`, too")
    return {**given, solved: (0.1,)}


def _footer(rows: Sequence[tuple[options.Point, FaultProbability]]) -> list[str]:
    """What is assumed of the values, where it matters much."""
    laws = {
        name
        for point, row in rows
        for name in row.noise.split(", ")
        if point["values"] == analysis.UNIFORM and row.p_undetected
    }
    return (
        []
        if all(NOISE_LAWS[name].equiprobable for name in laws)
        else list(cli.hanging("", _ASSUMED))
    )


def _validated(
    exact: Sequence[tuple[options.Point, FaultProbability, analysis.FaultParameters]],
    given: Mapping[str, Any],
    runner: cli.Runner | None,
    bar: cli.Bar,
) -> cli.Answer:
    """The rows with simulated values beside the exact ones, and a line for each disagreement."""
    samples = given["validate"]
    (precision,) = given["rel_precision"] or (None,)
    rows: list[tuple[options.Point, FaultProbability]] = []
    disagreements, imprecise = [], []
    with bar(samples * len(exact), "words") as advance:

        def watch(words: int, check: analysis.Validation | None) -> None:
            done = len(rows)
            known = [f"row {done + 1} of {len(exact)}"] if len(exact) > 1 else []
            advance(done * samples + words, note=partial(_note, known, check))

        for number, (point, row, parameters) in enumerate(exact, 1):
            check = analysis.validate(parameters, samples, given["seed"], precision, runner, watch)
            row = check.beside(row)
            rows.append((point, row))
            if precision is not None and not check.reaches(precision):
                reached = "nothing" if check.precision is None else f"{check.precision:.2g}"
                imprecise.append(
                    f"row {number}: {reached} is reached after {check.words} words, not "
                    f"--rel-precision {precision:g}; give a larger --validate"
                )
            if not row.agrees:
                disagreements.append(
                    f"row {number}: the exact value lies outside the 99.9 % interval "
                    f"(p_undetected {row.p_undetected:.6g} and {row.simulated_p_undetected:.6g}, "
                    f"p_err {row.p_err:.6g} and {row.simulated_p_err:.6g} simulated)"
                )
    return cli.Answer(
        rows,
        _plot,
        disagreements=disagreements,
        remarks=imprecise,
        footer=_footer(rows),
        layout=VALIDATE_LAYOUT,
    )


def _note(known: Sequence[str], check: analysis.Validation | None) -> str:
    """The intervals that are known so far."""
    column = columns_of(FaultProbability)["simulated_p_err_ci999"]
    parts = list(known)
    if check is not None:
        for name, one in (("p_undetected", check.p_undetected), ("p_err", check.p_err)):
            parts.append(f"{name} {column.shown((one.low, one.high))}")
    return "   ".join(parts)


def _frontier(given: dict[str, Any]) -> cli.Question:
    """Answer ``--target``: rows for each k that reaches it."""
    for name in ("redundant", "attempts", "moduli", "erased", "validate"):
        if given[name]:
            raise InputError(f"`target` chooses the redundancy and attempts, so leave `{name}` out")
    points = options.noise_points(given, (*AXES, "target", "target_of"))
    ready, problems = cli.prepared(points, partial(_target, law_of=cache(_law)))

    def compute(runner: object, bar: cli.Bar) -> cli.Answer:
        with bar(len(ready), "points") as advance:
            fronts, more = cli.answered(ready, analysis.redundancy_frontier, advance=advance)
        rows = [
            (_described(point, given) | {"factor": _factor(row)}, row)
            for point, front in fronts
            for row in front
        ]
        every = (*problems, *more)
        return cli.Answer(rows, _plot, every, footer=_footer(rows), layout=TARGET_LAYOUT)

    return cli.Question(given, compute, picture=_plot)


def _factor(row: FaultProbability) -> int | None:
    """The common factor of the set that was chosen, if it is of that family."""
    shares = decoder_named(row.decoder).takes_common_factor
    return math.gcd(*row.moduli, *row.redundant_moduli) if shares else None


def _plot(rows: Sequence[report.Row], canvas: report.Canvas) -> bytes:
    return report.plot_fault_probability(rows, canvas)


def _described(point: options.Point, given: Mapping[str, Any]) -> options.Point:
    """A point with what holds where an option is left to its default."""
    seed = None if given["validate"] is None else given["seed"]
    return (
        {"target": None, "target_of": None, "seed": seed}
        | point
        | options.moduli_request(point).columns
    )


def _parameters(
    point: options.Point, law_of: _LawOf, technologies: Mapping[str, Technology]
) -> analysis.FaultParameters:
    code = _code(point, law_of)
    if point["noise"] != DEVICE:
        return analysis.FaultParameters(noise=options.noise_of(point), **code)
    technology = technologies.get(point["technology"])
    laws = options.residue_noise(options.moduli_request(point), code["moduli"], technology)
    return analysis.FaultParameters(noise=laws, **code)


def _open(
    given: Mapping[str, Any], law_of: _LawOf
) -> Callable[[options.Point], analysis.LevelParameters]:
    (solve,) = given["solve"]

    def made(point: options.Point) -> analysis.LevelParameters:
        noise = NoiseSetting.stated(point)
        return analysis.LevelParameters(
            solve=solve,
            target=point["target"],
            noise=noise.noise,
            constants=noise.constants,
            **_code(point, law_of),
        )

    return made


def _found(
    codes: Sequence[tuple[options.Point, analysis.LevelParameters]],
) -> tuple[list[tuple[options.Point, analysis.FaultParameters]], list[str]]:
    """The codes with the most noise that they bear, and a sentence for each that bears any."""
    levels, problems = cli.answered(codes, lambda code: (code, analysis.most_noise(code)))
    ready = [
        (point | {code.level: level}, code.with_level(level)) for point, (code, level) in levels
    ]
    return ready, problems


def _code(point: options.Point, law_of: _LawOf) -> dict[str, Any]:
    """The code and its attempts, by the names that parameter objects have for them."""
    request = options.moduli_request(point)
    moduli = request.choose()[0]
    return {
        "moduli": moduli,
        "attempts": point["attempts"],
        "decoder": point["decoder"],
        "legitimate_range": request.legitimate_range(moduli, point["legitimate_range"]),
        "erased": point["erased"] or (),
        "tolerance": point["tolerance"],
        "values": _values(point, law_of),
        "retry_above": point["retry_above"],
    }


def _values(point: options.Point, law_of: _LawOf) -> analysis.ValueLaw:
    request = options.moduli_request(point)
    if point["values"] in (analysis.DOT_PRODUCT, *NETWORKS):
        request = request.with_operands()
    return law_of(point["values"], request.dot_product)


def _law(name: str, dot: DotProduct) -> analysis.ValueLaw:
    if name not in NETWORKS:
        return analysis.value_law(name, dot)
    options.check_torch(f"--values {name}", {"data": None})
    from rnscli.networks import open_network  # which loads PyTorch

    def progress(done: int, total: int) -> None:
        if done == 0 and sys.stderr.isatty():
            click.echo(f"{name} is trained in FP32, once, in {total} epochs", err=True)

    return analysis.network_values(open_network(name, progress=progress), dot)


def _target(point: options.Point, law_of: _LawOf) -> analysis.TargetParameters:
    return analysis.TargetParameters(
        request=options.moduli_request(point | {"redundant": 0}),
        noise=NoiseSetting.stated(point),  # there is a default
        target=point["target"],
        target_of=point["target_of"],
        decoder=point["decoder"],
        tolerance=point["tolerance"],
        values=_values(point, law_of),
        retry_above=point["retry_above"],
        legitimate_range=point["legitimate_range"],
    )

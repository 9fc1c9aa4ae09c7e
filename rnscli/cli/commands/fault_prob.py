"""``rnscli fault-prob``."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import click

from rnscli import report
from rnscli.analysis import (
    Bits,
    CodeOptions,
    FaultOptions,
    FaultParameters,
    FaultProbability,
    InputBits,
    ModuliOptions,
    Seed,
    SimulationOptions,
    TargetParameters,
    VectorSize,
    WeightBits,
    fault_probability,
    redundancy_frontier,
)
from rnscli.base import Column, InputError, columns_of, probability
from rnscli.cli.answer import Answer, Bar, Question, answered, prepared
from rnscli.cli.command import AnswerCommand
from rnscli.cli.options import Point, shared
from rnscli.cli.options import noise as noise_options
from rnscli.cli.terminal import Advance
from rnscli.core import LEVELS, DotProductOptions, NoiseSetting
from rnscli.report import Layout, Row

if TYPE_CHECKING:
    from rnscli.analysis import Validation
    from rnscli.runtime import Runner

LAYOUT = Layout(
    parameters=(
        "moduli", "redundant_moduli", "redundant", "decoder", "legitimate_range", "erased",
        "noise", "p", "sigma", "attempts",
    ),
    results=("p_correct", "p_detected", "p_undetected", "p_err", "expected_attempts"),
    optional=("redundant_moduli", "moduli", "p_correct"),
)  # fmt: skip
TARGET_LAYOUT = Layout(
    parameters=LAYOUT.parameters,
    results=("p_detected", "p_undetected", "p_err", "conversions", "cheapest"),
    optional=("redundant_moduli", "p_detected", "p_undetected", "moduli"),
)
VALIDATE_LAYOUT = Layout(
    parameters=LAYOUT.parameters,
    results=(
        "p_undetected", "simulated_p_undetected", "simulated_p_undetected_ci999", "p_err",
        "simulated_p_err", "simulated_p_err_ci999", "simulated_words", "precision_reached",
        "agrees",
    ),
    optional=(
        "redundant_moduli", "moduli", "precision_reached", "simulated_words", "simulated_p_err",
        "simulated_p_undetected", "simulated_p_err_ci999", "legitimate_range",
    ),
)  # fmt: skip
DEFAULT_P = 1e-3
AXES = (
    *shared.MODULI_AXES, "decoder", "legitimate_range", "attempts", "erased", *noise_options.AXES,
)  # fmt: skip


@click.command(
    "fault-prob",
    cls=AnswerCommand,
    row_type=FaultProbability,
    layout=LAYOUT,
    plot="p_err against p",
    axes={
        "bits": Bits,
        "input_bits": InputBits,
        "weight_bits": WeightBits,
        "vector_size": VectorSize,
        **shared.MODULI_COLUMNS,
        **noise_options.MORE_COLUMNS,
        "target": Annotated[float, Column("Wanted p_err.", form=probability, high=1)],
        "seed": Annotated[Seed, Column("Seed of the simulation; null without one.", usual=0)],
    },
)
@shared.stacked(
    shared.bits("6"),
    DotProductOptions.input_bits,
    DotProductOptions.weight_bits,
    DotProductOptions.vector_size,
    ModuliOptions.moduli,
    shared.redundancy("0..2"),
    noise_options.noise_options("1e-3"),
    FaultOptions.erased,
    shared.take(CodeOptions.attempts, usual="1,2,inf"),
    FaultOptions.target,
    shared.take(FaultOptions.validate, swept=False),
    shared.take(
        SimulationOptions.rel_precision,
        help="With --validate: stop before that many words, once the intervals of p_undetected "
        "and p_err reach no further than this share of their values, such as 0.05.",
    ),
    shared.take(SimulationOptions.seed.within(high=2**63), help="Seed of --validate.", swept=False),
    CodeOptions.decoder,
    CodeOptions.legitimate_range,
    DotProductOptions.rule,
    ModuliOptions.max_modulus,
    shared.run_options,
)
def command(options: dict[str, Any], drawn: bool) -> Question:
    """Compute the output error probability of a redundant code, exactly.

    A detected error is computed again, up to R attempts; p_err is the probability that the output
    is then wrong or still rejected. The uniform law is exact in closed form; for the Gaussian law
    the sum over all differences of legitimate values is formed, up to 2^32 of them.

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
    # The exact values beside simulated ones, with intervals of 2 %
    rnscli fault-prob --redundant 2 --p 1e-6 --validate 1e9 \\
        --rel-precision 0.02
    """
    _check(options)
    if all(options[name] is None for name in LEVELS):
        options = options | {"p": (DEFAULT_P,)}
    noise_options.check_one_level(options)
    if options["target"]:
        return _frontier(shared.with_usual(options, "bits", "vector_size"))
    options = shared.with_usual(shared.with_defaults(options), "attempts")
    ready, problems = prepared(noise_options.noise_points(options, AXES), _parameters)
    curves = {
        tuple((name, value) for name, value in point.items() if name not in LEVELS)
        for point, _ in ready
    }
    if drawn:
        report.check_number(len(curves), report.MAX_SERIES, "lines")

    def compute(runner: "Runner | None", bar: Bar) -> Answer:
        rows = []
        with bar(len(ready), "points") as advance:
            for point, parameters in ready:
                rows.append((_described(point, options), fault_probability(parameters)))
                advance(len(rows))
        if options["validate"] is None:
            return Answer(rows, _plot, problems)
        checked = _validated(rows, [p for _, p in ready], options, runner, bar)
        return replace(checked, problems=problems)

    return Question(options, compute, in_blocks=options["validate"] is not None)


def _check(options: Mapping[str, Any]) -> None:
    """Refuse options that say nothing without others."""
    if options["validate"] is None:
        for name in ("rel_precision", "jobs", "scheduler", "store"):
            if options[name] is not None:
                raise InputError(f"`{name}` is about --validate; give that, too, or leave it out")
    elif options["rel_precision"] is not None and len(options["rel_precision"]) > 1:
        raise InputError("--rel-precision is one number here, and no sweep")


def _validated(
    rows: list[tuple[Point, FaultProbability]],
    parameters: list[FaultParameters],
    options: Mapping[str, Any],
    runner: "Runner | None",
    bar: Bar,
) -> Answer:
    """The rows with simulated values beside the exact ones, and a line for each disagreement."""
    from rnscli.analysis import validate

    samples = options["validate"]
    (precision,) = options["rel_precision"] or (None,)
    checked, disagreements, imprecise = [], [], []
    with bar(samples * len(rows), "words") as advance:
        for index, ((point, exact), design) in enumerate(zip(rows, parameters, strict=True)):
            watch = partial(_say, advance, index, len(rows), samples)
            found = validate(design, samples, options["seed"], precision, runner, watch)
            row = found.beside(exact)
            checked.append((point, row))
            if precision is not None and not found.reaches(precision):
                reached = "nothing" if found.precision is None else f"{found.precision:.2g}"
                imprecise.append(
                    f"row {index + 1}: {reached} is reached after {found.words} words, not "
                    f"--rel-precision {precision:g}; give a larger --validate"
                )
            if not row.agrees:
                disagreements.append(
                    f"row {index + 1}: the exact value lies outside the 99.9 % interval "
                    f"(p_undetected {row.p_undetected:.6g} and {row.simulated_p_undetected:.6g}, "
                    f"p_err {row.p_err:.6g} and {row.simulated_p_err:.6g} simulated)"
                )
    return Answer(
        checked,
        _plot,
        disagreements=disagreements,
        remarks=imprecise,
        layout=VALIDATE_LAYOUT,
    )


def _say(
    advance: Advance, index: int, count: int, samples: int, words: int, found: "Validation | None"
) -> None:
    """Progress of one of the rows, with the intervals that are known."""

    def note() -> str:
        column = columns_of(FaultProbability)["simulated_p_err_ci999"]
        said = [f"row {index + 1} of {count}"] if count > 1 else []
        if found is not None:
            for name, estimate in (("p_undetected", found.p_undetected), ("p_err", found.p_err)):
                said.append(f"{name} {column.shown((estimate.low, estimate.high))}")
        return "   ".join(said)

    advance(index * samples + words, note=note)


def _frontier(options: dict[str, Any]) -> Question:
    """Answer ``--target``: rows for each k that reaches it."""
    for name in ("redundant", "attempts", "moduli", "erased", "validate"):
        if options[name]:
            raise InputError(f"`target` chooses the redundancy and attempts, so leave `{name}` out")
    ready, problems = prepared(
        noise_options.noise_points(options, (*AXES, "target")),
        lambda point: TargetParameters(
            request=shared.moduli_request(point | {"redundant": 0}),
            noise=_noise_of(point),
            target=point["target"],
            decoder=point["decoder"],
            legitimate_range=point["legitimate_range"],
        ),
    )

    def compute(runner: object, bar: Bar) -> Answer:
        frontiers, more = answered(ready, redundancy_frontier)
        rows = [
            (_described(point, options), row) for point, frontier in frontiers for row in frontier
        ]
        return Answer(rows, _plot, (*problems, *more), layout=TARGET_LAYOUT)

    return Question(options, compute)


def _plot(rows: Sequence[Row], file_format: str) -> bytes:
    return report.plot_fault_probability(rows, file_format)


def _noise_of(point: Point) -> NoiseSetting:
    noise = noise_options.noise_of(point)
    assert noise is not None  # there is a default
    return noise


def _described(point: Point, options: Mapping[str, Any]) -> Point:
    """A point with what holds where an option is left to its default."""
    seed = None if options["validate"] is None else options["seed"]
    return {"target": None, "seed": seed} | point | shared.moduli_request(point).columns


def _parameters(point: Point) -> FaultParameters:
    request = shared.moduli_request(point)
    moduli = request.choose()[0]
    return FaultParameters(
        moduli=moduli,
        noise=_noise_of(point),
        attempts=point["attempts"],
        decoder=point["decoder"],
        legitimate_range=request.legitimate_range(moduli, point["legitimate_range"]),
        erased=point["erased"] or (),
    )

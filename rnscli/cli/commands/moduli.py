"""``rnscli moduli``."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Annotated, Any

import click

from rnscli import analysis, report
from rnscli.analysis import CodeOptions, ModuliOptions
from rnscli.base import Column, InputError
from rnscli.cli import Answer, AnswerCommand, Background, Bar, Question, answered, options, prepared
from rnscli.core import DotProductOptions

LAYOUT = report.Layout(
    parameters=(
        "vector_size", "bits", "input_bits", "weight_bits", "required_range", "output_bits",
        "lost_bits", "rank", "factor",
    ),
    results=("moduli", "redundant_moduli", "count", "dynamic_range", "log2_dynamic_range"),
    optional=("log2_dynamic_range", "lost_bits", "output_bits"),
)  # fmt: skip
SOLVE_LAYOUT = replace(
    LAYOUT,
    parameters=tuple(key for key in LAYOUT.parameters if key != "vector_size"),
    results=("vector_size", "next_required_range", *LAYOUT.results),
)
CODE_LAYOUT = replace(
    LAYOUT,
    parameters=(*LAYOUT.parameters, "decoder", "legitimate_range", "tolerance"),
    results=(
        "moduli", "redundant_moduli", "dynamic_range", "minimum_distance", "radius",
        "minimum_square", "minimum_square_gross", "undetected_by_weight",
    ),
)  # fmt: skip
CODE_AXES = ("decoder", "legitimate_range", "tolerance")  # of the code of a set
SET_AXES = ("precision_bits", "count")  # of a search for a set that is not given


@click.command(
    "moduli",
    cls=AnswerCommand,
    background=Background(
        "Szabo and Tanaka, Residue Arithmetic and Its Applications to Computer Technology, 1967; "
        "Demirkiran et al., arXiv:2309.10759. Common factors: Wang and Xia, IEEE Trans. Signal "
        "Processing 2010.",
        page="moduli.md",
    ),
    row_type=analysis.ModuliRow,
    layout=LAYOUT,
    plot="the range covered and required",
    axes={
        **options.MODULI_COLUMNS,
        "decoder": analysis.Decoder,
        "legitimate_range": analysis.LegitimateRange,
        "tolerance": analysis.Tolerance,
        "precision_bits": Annotated[
            int, Column("Bits P of the 2^P values that the moduli cover.", low=1)
        ],
    },
)
@options.stacked(
    options.bits("4..8"),
    *options.OPERANDS,
    ModuliOptions.precision_bits,
    ModuliOptions.moduli,
    options.redundancy("0"),
    DotProductOptions.rule,
    ModuliOptions.max_modulus,
    ModuliOptions.count,
    ModuliOptions.family,
    ModuliOptions.factor,
    options.take(ModuliOptions.top, swept=False),
    ModuliOptions.solve,
    ModuliOptions.code,
    CodeOptions.decoder,
    options.take(CodeOptions.legitimate_range, usual="product"),
    options.take(CodeOptions.tolerance, usual=CodeOptions.tolerance.default),
)
def command(given: dict[str, Any], drawn: bool) -> Question:
    """Choose moduli sets for a target precision.

    The search is exact: no set has fewer moduli, and none with as many has a larger range. With
    redundant moduli the n smallest cover the range and the k largest are redundant.

    \b
    # The sets of 6-bit converters, with no, one and two redundant moduli
    rnscli moduli --bits 6 --vector-size 128 --redundant 0..2
    # A range of 64 bits, with moduli of at most 8
    rnscli moduli --bits 8 --precision-bits 64 --redundant 4
    # What the five best sets cover beyond what is required, drawn
    rnscli moduli --bits 6 --top 5 --plot moduli.svg
    # The longest dot products that four and five moduli of 6 bits hold
    rnscli moduli --bits 6 --count 4,5 --solve vector-size --rule exact,bits
    # What errors in 1, 2, .. residues lead to, and how far apart values are
    rnscli moduli --bits 8 --redundant 0..2 --code
    """
    solved = given["solve"] is not None
    given = _of_code(given)
    if solved and given["vector_size"]:
        raise InputError("`solve` finds the length of the dot product, so leave `vector_size` out")
    given = options.with_defaults(given)
    points = options.points(given, (*options.MODULI_AXES, *SET_AXES, *CODE_AXES))
    if solved:
        given = {**given, "vector_size": None}
        points = (one | {"vector_size": None if one["precision_bits"] else 1} for one in points)
    top = given["top"]

    def question(point: options.Point) -> tuple[analysis.ModuliRequest, Any]:
        more = {name: point[name] for name in SET_AXES}
        return options.moduli_request(point, **more), _code_of(point, given)

    ready, problems = prepared(points, question)
    uncovered = [one for _, (request, _) in ready for one in _uncovered(request)]

    def table(asked: tuple[analysis.ModuliRequest, Any]) -> Any:
        request, code = asked
        if solved:
            return analysis.longest_dot_products(request, top)
        return analysis.moduli_table(request, top, code)

    if drawn:
        report.check_number(len(ready) * top, report.MAX_BARS, "bars")

    def compute(runner: object, bar: Bar) -> Answer:
        with bar(len(ready), "sets") as advance:
            tables, more = answered(ready, table, advance=advance)
        return Answer(
            [(point, row) for point, table in tables for row in table],
            _plot,
            (*problems, *more),
            remarks=uncovered,
            layout=SOLVE_LAYOUT if solved else CODE_LAYOUT if given["code"] else None,
        )

    return Question(given, compute, is_quick=True, picture=_plot)


def _plot(rows: Sequence[report.Row], canvas: report.Canvas) -> bytes:
    return report.plot_moduli(rows, canvas)


def _of_code(given: dict[str, Any]) -> dict[str, Any]:
    """The options with the code that is meant, where its parameters are wanted."""
    if not given["code"]:
        for name in CODE_AXES:
            if given[name] is not None:
                raise InputError(f"`{name}` is about --code; give that, too, or leave it out")
        return given
    if given["solve"] is not None:
        raise InputError("--code is of a set that is known; leave out `solve`")
    return options.with_usual(given, "legitimate_range", "tolerance")


def _code_of(point: options.Point, given: dict[str, Any]) -> analysis.CodeRequest | None:
    return analysis.CodeRequest(*(point[name] for name in CODE_AXES)) if given["code"] else None


def _uncovered(request: analysis.ModuliRequest) -> Iterator[str]:
    """That a set of which no range is required is too small for the usual dot product."""
    if not request.needs_range:
        try:
            request.with_operands()
        except InputError as error:
            yield f"{error}; give `vector_size` to require another one"

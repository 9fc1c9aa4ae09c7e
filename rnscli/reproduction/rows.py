"""What is reported of a published value that was computed again."""

from dataclasses import dataclass
from typing import Annotated

from rnscli.analysis import SimulatedPErr, SimulatedPErrInterval, SimulatedWords
from rnscli.base import Column, ends, number, percent, sequence


def as_often_printed(value: float | tuple[int, ...]) -> str:
    """A set of moduli or a number, large ones in full as they are often printed."""
    if isinstance(value, tuple):
        return sequence(value)
    if not 1e3 <= value < 1e9:
        return number(value)
    return f"{value:.0f}" if value >= 1e5 else f"{value:.6g}"


@dataclass(frozen=True)
class ReproducedRow:
    """A published value beside the computed one, as `rnscli reproduce` reports it.

    ``computed`` is in the base unit ``unit``, and so are ``computed_ci95``, the interval of what is
    measured with networks, and ``published_low`` and ``published_high``, the ends of what is
    ``published`` (as printed). ``verdict``, ``deviation`` and ``remark`` are those of
    `rnscli.reproduction.published.Verdict`. Where only a curve is published, ``simulated_p_err`` is
    the value of a simulation of so many words, with its 99.9 % interval. ``command`` prints this
    value alone, in its ``column``, and ``name`` is what ``--only`` takes.
    """

    result: Annotated[str, Column("The published result, as --only takes it.")]
    case: Annotated[str, Column("What the row is about, in words.")]
    computed: Annotated[
        float | tuple[int, ...],
        Column(
            "The value that rnscli computes, in the base unit.",
            form=as_often_printed,
            low=None,
            infinite=True,
            unit="unit",
        ),
    ]
    computed_ci95: Annotated[
        tuple[float, float] | None,
        Column(
            "95 % confidence interval of what is measured with networks.",
            "95 % interval",
            ends(),
            low=None,
            infinite=True,
        ),
    ]
    unit: Annotated[
        str, Column("Base SI unit of the value; empty for a ratio, a probability and moduli.")
    ]
    published: Annotated[str, Column("What is published, as it is printed.")]
    published_low: Annotated[float | None, Column("Lower end of what is published.")]
    published_high: Annotated[float | None, Column("Upper end of what is published.")]
    verdict: Annotated[
        str,
        Column(
            "same (as the digits printed), within (the published range), close (by a stated "
            "tolerance), agrees (with a simulation), undecided (the interval is on both sides), "
            "not-here (published of larger networks) or different."
        ),
    ]
    deviation: Annotated[
        float | None,
        Column(
            "How far the value lies from what is published, as a share of that.",
            "off by",
            percent(2),
        ),
    ]
    remark: Annotated[
        str, Column("How the verdict comes about, where that is not plain; may be empty.")
    ]
    simulated_p_err: SimulatedPErr | None
    simulated_p_err_ci999: SimulatedPErrInterval | None
    simulated_words: SimulatedWords | None
    source: Annotated[str, Column("Where it is published.")]
    command: Annotated[str, Column("Command line that prints this value alone.")]
    column: Annotated[str, Column("Row key under which the command line prints the value.")]
    name: Annotated[str, Column("Name of the row, as --only takes it.")]

"""What is reported of a published value that was computed again."""

from dataclasses import dataclass


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

    result: str
    case: str
    computed: float | tuple[int, ...]
    computed_ci95: tuple[float, float] | None
    unit: str
    published: str
    published_low: float | None
    published_high: float | None
    verdict: str
    deviation: float | None
    remark: str
    simulated_p_err: float | None
    simulated_p_err_ci999: tuple[float, float] | None
    simulated_words: int | None
    source: str
    command: str
    column: str
    name: str

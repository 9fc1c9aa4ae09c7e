"""How an attempt of a code ends, computed wherever there is room for it, and kept."""

import math
import warnings
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from rnscli.analysis.faults import FaultParameters, Retries, StaticErrors, independent
from rnscli.analysis.faults.fault_probability import (
    fault_probability,
    retries,
    search_probability,
    static_part,
)
from rnscli.analysis.faults.wrong_outputs import wrong_outputs
from rnscli.analysis.statistics import check_reals
from rnscli.core import decoder_named
from rnscli.runtime import Work, describe, versions

ALGORITHM = 3  # to be counted up whenever the same code would have another outcome
PART = "outcome"


@dataclass(frozen=True)
class Outcome:
    """How one attempt ends, and the probability that its decoder has to search.

    ``undetected_square`` and ``rejected_square`` are the mean squares of the error of what it puts
    out, in units of the sum S, where it is undetected, and where it is the last one and detected.
    ``several`` is what several attempts have in common, if they are not independent, and ``given``
    what some numbers of them come to, where that does not follow from one.
    """

    correct: float = 1.0
    detected: float = 0.0
    undetected: float = 0.0
    searched: float = 0.0
    undetected_square: float = 0.0
    rejected_square: float = 0.0
    several: StaticErrors | None = None
    given: tuple[tuple[float, Retries], ...] = ()

    def __add__(self, other: "Outcome") -> "Outcome":
        """Outcomes are whole: there is nothing to add up."""
        raise TypeError("outcomes of codes do not add up")

    def record(self) -> dict[str, Any]:
        given = [[describe(most), list(found)] for most, found in self.given]
        return asdict(self) | {"given": given}

    @classmethod
    def of_record(cls, record: Mapping[str, Any]) -> "Outcome":
        several = record["several"]
        numbers = {n: v for n, v in record.items() if n not in ("several", "given")}
        given = tuple((float(most), Retries(*found)) for most, found in record["given"])
        check_reals(*(chance for _, found in given for chance in found[:3]))
        check_reals(*numbers.values())
        chances = (value for name, value in numbers.items() if not name.endswith("_square"))
        if not all(0 <= value < 1 + 1e-9 for value in chances):  # they are rounded
            raise ValueError("a probability is none")
        if several is not None:
            check_reals(*several["spoilt"], several["undetected"], several["right_first"])
            several = StaticErrors(**{**several, "spoilt": tuple(several["spoilt"])})
        return cls(**numbers, several=several, given=given)

    def _retries(self, attempts: float) -> Retries:
        if self.several is not None and attempts > 1:
            return self.several.after(attempts)
        for most, found in self.given:
            if most == attempts:
                return found
        return independent(self.correct, self.detected, self.undetected, attempts)

    def after(self, attempts: float) -> tuple[float, float]:
        """Output error probability and mean number of attempts, for up to R of them."""
        found = self._retries(attempts)
        return found.p_err, found.expected_attempts

    def square_after(self, attempts: float) -> float:
        """Mean square of the error of an output after up to R attempts.

        An undetected error ends each of them alike, and what is rejected is put out in the end.
        """
        if not self.undetected_square and not self.rejected_square:
            return 0.0
        p_err, expected = self.after(attempts)
        missed = min(p_err, self.undetected * expected)
        if math.isinf(attempts):  # nothing is rejected to the last
            missed = p_err
        found = missed / self.undetected * self.undetected_square if self.undetected else 0.0
        if self.detected:
            found += (p_err - missed) / self.detected * self.rejected_square
        return found


@dataclass(frozen=True)
class CodeOutcome:
    """A code under noise, and the values that it is for.

    Parameters
    ----------
    code
        The code with its noise, and the most attempts that are made.
    deviation
        Standard deviation of the dot products.
    numbers
        Of attempts, for which it is wanted.
    quiet
        Whether nothing is said of probabilities that are too small for a double: of designs whose
        noise nobody has chosen there always are some.
    """

    code: FaultParameters
    deviation: float
    quiet: bool = False
    numbers: tuple[float, ...] = ()

    @property
    def equiprobable(self) -> bool:
        """Whether its outcome has a closed form."""
        point = self.code.point
        uniform = all(law.equiprobable for law in point.laws)
        return uniform and decoder_named(point.decoder).counts_residues

    @property
    def key(self) -> Any:
        """What its outcome depends on: decoders of the same radius have the same."""
        point = self.code.point
        # Of the closed form the deviation is left out.
        spread = None if self.equiprobable else self.deviation
        alike = decoder_named(point.decoder).key(point.moduli)
        return point.moduli, alike, point.legitimate_range, point.laws, spread

    def work(self) -> Work[Outcome]:
        """Its outcome as work of a single block, so that it may go anywhere and be kept."""
        point = self.code.point
        description = {
            "what": "code-outcome",
            "algorithm": ALGORITHM,
            "versions": versions(),
            "code": {
                "moduli": describe(point.moduli),
                "decoder": point.decoder,
                "legitimate_range": point.legitimate_range,
            },
            "laws": describe(point.laws),
            "several": point.attempts > 1,
            "numbers": describe(self.numbers),
            "deviation": self.deviation,
        }
        return Work(
            function=_compute,
            argument=lambda block, shares_files: self,
            blocks=1,
            samples=lambda block: 1,
            parts={PART: lambda: description},
            result=Outcome,
        )


def _compute(code: CodeOutcome, block: int, parts: tuple[str, ...]) -> dict[str, Outcome]:
    return dict.fromkeys(parts, outcome_of_code(code))


def outcome_of_code(one: CodeOutcome) -> Outcome:
    """One attempt of a redundant code, exactly."""
    point = one.code.point
    with warnings.catch_warnings():
        if one.quiet:
            warnings.simplefilter("ignore", RuntimeWarning)
        row = fault_probability(one.code)
    off = wrong_outputs(point, one.deviation)
    several = static_part(point) if point.attempts > 1 else None
    once = row.p_correct, row.p_detected, row.p_undetected
    found = ((most, retries(point, most)) for most in one.numbers if several is None)
    given = tuple(pair for pair in found if pair[1][:3] != independent(*once, pair[0])[:3])
    searched = search_probability(point.decoder, point.left, point.left_laws)
    return Outcome(*once, searched, off.undetected, off.rejected, several, given)

"""How much redundancy a wanted error probability takes, and of which code."""

import itertools
import math
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from rnscli import base, core
from rnscli.analysis.faults import undetected
from rnscli.analysis.faults.fault_probability import (
    FaultOptions,
    FaultParameters,
    FaultPoint,
    after_attempts,
    fault_probability,
)
from rnscli.analysis.faults.rows import FaultProbability
from rnscli.analysis.faults.value_law import UNIFORM_VALUES, ValueLaw
from rnscli.analysis.moduli import COMMON_FACTOR, ModuliRequest
from rnscli.core import ModuliSet, NoiseLaw, NoiseSetting

# One decoder of each family, which are compared where the size of errors tells them apart.
FAMILIES = (core.USUAL, core.Lee.name, core.USUAL_OF_COMMON_FACTOR)


@dataclass(frozen=True, kw_only=True)
class TargetParameters:
    """A range, noise, and the output error probability that is wanted.

    Parameters
    ----------
    request
        What the moduli are for; its ``redundant`` is not used, and it may not name the set.
    noise
        Law of the errors, or a setting from which the laws of the residues of any set follow.
    target
        Wanted probability, above 0 and below 1.
    target_of
        Of what: ``p_err``, or ``p_gross`` with ``tolerance``.
    decoder
        Name of a decoder, and so the family of sets; all of ``FAMILIES`` if not given, where noise
        makes small errors likelier than others, and ``detect`` where none of them reaches the
        target.
    tolerance, values, retry_above, legitimate_range
        As in `FaultParameters` and `ModuliRequest.legitimate_range`.

    Raises
    ------
    InputError
        If a value is out of range.
    """

    request: ModuliRequest
    noise: NoiseSetting | NoiseLaw
    target: float
    target_of: str = "p_err"
    decoder: str | None = None
    tolerance: int = core.TOLERANCE
    values: ValueLaw = UNIFORM_VALUES
    retry_above: float | None = None
    legitimate_range: str | int = "product"

    def __post_init__(self) -> None:
        FaultOptions.target.check(self.target)
        FaultOptions.target_of.check(self.target_of)
        if self.request.moduli is not None:
            raise base.InputError("`target` chooses the moduli, so leave `moduli` out")


def redundancy_frontier(parameters: TargetParameters) -> tuple[FaultProbability, ...]:
    """For each number of redundant moduli k the fewest attempts R that reach a target.

    The best moduli set for each k is taken, and k grows until one attempt is enough: from there
    on more redundancy only costs. p_err falls with R towards p_u / (p_u + p_c), so a k whose limit
    is above the target is left out. Of sets with a common factor it is the number of channels that
    grows, and with it the factor, the largest that leaves enough range: with no redundant member,
    and with one.

    Parameters
    ----------
    parameters
        Range, noise and target.

    Returns
    -------
    tuple of FaultProbability
        For each decoder one for each set that reaches the target, in the order of their channels;
        ``cheapest`` marks the one with the fewest converter conversions.

    Raises
    ------
    InputError
        If there is no noise.
    NoSolutionError
        If no set within the width of the converters reaches it; says what the best one reaches.

    Warns
    -----
    RuntimeWarning
        If a set that might need fewer attempts takes more moduli than are computed (18).

    Examples
    --------
    >>> from rnscli.core.noise import Gaussian, Uniform
    >>> request = ModuliRequest(bits=6, vector_size=128)
    >>> for row in redundancy_frontier(
    ...     TargetParameters(request=request, noise=Uniform(1e-3), target=1e-6)
    ... ):
    ...     print(row.redundant, row.attempts, f"{row.conversions:.4f}", row.cheapest)
    1 3 5.0251 True
    2 2 6.0001 False
    3 2 7.0001 False
    4 1 8.0000 False
    >>> small = ModuliRequest(bits=5, vector_size=16)
    >>> for row in redundancy_frontier(
    ...     TargetParameters(request=small, noise=Gaussian(0.3), target=1e-3, target_of="p_gross")
    ... ):
    ...     print(row.decoder, row.redundant, row.attempts, f"{row.conversions:.4f}", row.cheapest)
    bounded-distance 1 7 5.9737 True
    lee 3 1 6.0000 False
    robust 1 6 8.0432 False
    """
    search = _Search(parameters)
    decoders = _decoders(parameters)
    # Those that need one attempt come first: with as many channels no other is better.
    found: list[FaultProbability] = []
    for decoder in reversed(decoders):
        try:
            found += search.of(decoder, len(decoders) > 1)
        except base.NoSolutionError:  # of one family
            if decoder == decoders[0]:
                raise
    # What corrects nothing repeats more, and lets fewer errors through.
    if not found and parameters.decoder is None and core.USUAL in decoders:
        decoders = (*decoders, core.Detect.name)
        found += search.of(core.Detect.name, False)
    if not found:
        raise search.nearest()
    if search.more:
        warnings.warn(search.more, RuntimeWarning, stacklevel=2)
    found.sort(key=lambda row: decoders.index(row.decoder))
    fewest = min(row.conversions for row in found)
    return tuple(replace(row, cheapest=row.conversions == fewest) for row in found)


@dataclass
class _Search:
    """Sets that reach a target, decoder by decoder.

    ``limits`` are all that were tried, with any number of attempts, ``enough`` the fewest channels
    with which one attempt is enough, and ``more`` says what was not computed.
    """

    parameters: TargetParameters
    limits: list[FaultProbability] = field(default_factory=list)
    enough: float = math.inf
    more: str = ""

    def of(self, decoder: str, compared: bool) -> Iterator[FaultProbability]:
        """Rows of a decoder, which may be compared with others."""
        for moduli in _sets(self.parameters.request, decoder):
            if moduli.count >= self.enough:
                return
            if self.limits and moduli.count > undetected.MAX_COUNT:
                self.more = f"sets of more than {undetected.MAX_COUNT} moduli are not computed"
                return
            if compared and decoder == core.Lee.name and not moduli.redundant:
                continue  # nothing to choose between
            code = _code(self.parameters, moduli, decoder)
            try:
                limit = fault_probability(code)
            except base.InputError as error:  # too large a code
                if not self.limits:
                    raise
                self.more = f"of {decoder} larger sets are not computed: {error}"
                return
            if not limit.p:
                raise base.InputError(
                    "without noise every code reaches a `target`; give some noise"
                )
            self.limits.append(limit)
            attempts = _least_attempts(code.point, self.parameters)
            if attempts is not None:
                yield replace(limit, attempts=attempts, **after_attempts(code.point, attempts))
            if attempts == 1:
                self.enough = moduli.count

    def nearest(self) -> base.NoSolutionError:
        """What the best code reaches, where none reaches the target."""
        of, more = self.parameters.target_of, self.more
        nearest = min(self.limits, key=lambda limit: getattr(limit, of))
        tried = list(dict.fromkeys(limit.decoder for limit in self.limits))
        decoders = f"the decoder{'s' if len(tried) > 1 else ''} {', '.join(tried)}"
        return base.NoSolutionError(
            f"no redundancy of moduli within {self.parameters.request.converter_bits} bits reaches "
            f"{of} <= {self.parameters.target:g} with {decoders}; the nearest is "
            f"{nearest.redundant} redundant moduli with any number of attempts and the decoder "
            f"{nearest.decoder}, {of} = {getattr(nearest, of):.3g} at p = {nearest.p:.3g}"
            + (f" ({more})" if more else ""),
            "target",
            "bits",
        )


def _decoders(parameters: TargetParameters) -> tuple[str, ...]:
    """The decoder that is given, that of the family of sets, or those of all families."""
    request = parameters.request
    if parameters.decoder is not None:
        return (parameters.decoder,)
    if request.has_common_factor:
        return (core.USUAL_OF_COMMON_FACTOR,)
    if request.family is not None:
        return (core.USUAL,)
    laws = core.law_of_each(parameters.noise, request.choose()[0])
    return (core.USUAL,) if all(law.equiprobable for law in laws) else FAMILIES


def _sets(request: ModuliRequest, decoder: str) -> Iterator[ModuliSet]:
    """The best sets for a decoder, in the order of their channels.

    Raises
    ------
    NoSolutionError
        If there is none.
    """
    if core.decoder_named(decoder).takes_common_factor:
        yield from _with_factor(replace(request, family=COMMON_FACTOR))
        return
    for redundant in itertools.count():
        try:
            yield replace(request, redundant=redundant).choose()[0]
        except base.NoSolutionError:
            if not redundant:
                raise
            return


def _with_factor(request: ModuliRequest) -> Iterator[ModuliSet]:
    """Sets with the largest common factor of so many channels, or with the one that is given."""
    fewest = request.choose()[0].count
    highest = request.max_modulus or 2**request.converter_bits - 1
    for channels in itertools.count(fewest):
        made = False
        for redundant in (0, 1):
            factor = request.factor or core.largest_factor(
                request.required_range, highest, channels, redundant
            )
            if factor is None:
                continue
            one = replace(request, factor=factor, redundant=redundant, count=channels - redundant)
            try:
                yield one.choose()[0]
            except base.NoSolutionError:
                continue
            made = True
        if not made:
            return


def _code(parameters: TargetParameters, moduli: ModuliSet, decoder: str) -> FaultParameters:
    return FaultParameters(
        moduli=moduli,
        noise=parameters.noise,
        attempts=math.inf,
        decoder=decoder,
        tolerance=parameters.tolerance,
        values=parameters.values,
        retry_above=parameters.retry_above,
        legitimate_range=parameters.request.legitimate_range(moduli, parameters.legitimate_range),
    )


def _least_attempts(point: FaultPoint, parameters: TargetParameters) -> float | None:
    """Fewest attempts that reach the target; ``None`` if no number of them is enough."""

    def misses(attempts: float) -> bool:
        found: float = after_attempts(point, attempts)[parameters.target_of]
        return found > parameters.target

    if not misses(1):
        return 1
    if misses(math.inf):
        return None
    low, high = 1, 2  # too few, and perhaps enough
    while misses(high):
        low, high = high, 2 * high
        if high > base.MAX_ATTEMPTS:
            return math.inf
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if misses(middle) else (low, middle)
    return high

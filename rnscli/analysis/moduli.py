"""Which moduli a design uses: chosen by the search, or given; and whether they cover the range."""

import math
from bisect import bisect_right
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Annotated, Any, NamedTuple

from rnscli import base
from rnscli.analysis import columns as c
from rnscli.base import Column, InputError, NoSolutionError, Option, OptionGroup, ResultRow
from rnscli.core import (
    DECODERS,
    MAX_VECTOR_SIZE,
    TOLERANCE,
    DotProduct,
    DotProductOptions,
    ModuliSet,
    check_legitimate_range,
    common_factor_family,
    moduli_columns,
    select_moduli,
    set_exists,
    special_family,
)

MAX_BITS = 256
_MAX_HINT_BITS = 64
# For a sweep of anything else.
_selected = lru_cache(maxsize=64)(select_moduli)
_selected_with_factor = lru_cache(maxsize=64)(common_factor_family)
DEFAULT_VECTOR_SIZE = 128


class _Family(NamedTuple):
    """A family of sets, in a line of the help."""

    summary: str


ANY, SPECIAL, COMMON_FACTOR = "any", "special", "common-factor"
FAMILIES = {
    ANY: _Family("pairwise coprime moduli"),
    SPECIAL: _Family("those 2^j - 1, 2^j, 2^j + 1"),
    COMMON_FACTOR: _Family("multiples of --factor"),
}


class ModuliOptions:
    """What a user chooses of a moduli set, besides the dot product that it is for."""

    group = OptionGroup.CODE
    bits = Option(
        base.WholeNumbers(2, MAX_BITS),
        "Bits b of the converters; moduli are at most 2^b - 1.",
        group=OptionGroup.CORE,
    )
    precision_bits = Option(
        base.WholeNumbers(1, 1024),
        "Cover 2^P values instead of those of a dot product.",
        group=OptionGroup.ASKED,
    )
    moduli = Option(
        base.ModuliSets(),
        "A moduli set of your own instead of the best one, such as 63,62,61,59; repeat it for "
        "several sets. With --redundant k the k largest are redundant; 61,59,55,53+63,62 names "
        "them.",
        repeated=True,
    )
    redundant = Option(base.WholeNumbers(0, 64), "Number k of redundant moduli.")
    max_modulus = Option(base.WholeNumbers(2, 2**MAX_BITS), "Largest modulus.", usual="2^b - 1")
    count = Option(base.WholeNumbers(1, 128), "Force the number n of information moduli.")
    family = Option(
        base.Names(FAMILIES),
        "Family of sets: {summaries}.",
        usual="any; common-factor with --factor",
    )
    factor = Option(
        base.WholeNumbers(1, 2**20),
        "Common factor G of the moduli G mu_1, G mu_2, .. of the family common-factor, whose mu_i "
        "are coprime: residues that are off by less than G / 4 can be told from wrong values. For "
        "--moduli it is the greatest common divisor (which may be 1), and pairs may share more "
        "than that; without --moduli, 1 means the family any.",
        usual="of the best set; with --moduli and common-factor: of all of them",
    )
    top = Option(
        base.WholeNumbers(1, 1000), "Show the best K sets.", default="1", group=OptionGroup.ASKED
    )
    code = Option(
        base.Flags(),
        "Add the parameters of the code: its distances, and what becomes of errors in 1, 2, .. N "
        "residues.",
        group=OptionGroup.ASKED,
    )
    solve = Option(
        base.Names(("vector-size",)),
        "Instead of a given --vector-size: the longest dot product that the sets hold, those of "
        "--moduli or the best of --count.",
        group=OptionGroup.ASKED,
    )


class CodeOptions:
    """What a user chooses of a redundant code and its retries."""

    group = OptionGroup.CODE
    decoder = Option(
        base.Names(DECODERS),
        "How residues are decoded.",
        usual="bounded-distance, or robust where moduli share factors",
        explained=True,
    )
    legitimate_range = Option(
        base.LegitimateRanges(),
        "Which values are legitimate: as many as the product of the information moduli, those of "
        "the dot product, or a number of them.",
        default="product",
    )
    retry_above = Option(
        base.Numbers(0.0, 1e18, "a number of at least 0"),
        "Decoders lee and robust: reject words whose squared errors add up to more than this, so "
        "that they are computed again.",
        usual="none are",
    )
    tolerance = Option(
        base.WholeNumbers(0, 2**62),
        "Steps of the output by which it may be off without being grossly wrong.",
        default=str(TOLERANCE),
    )
    attempts = Option(base.Attempts(), "Largest number R of attempts, the first included, or inf.")


@dataclass(frozen=True, kw_only=True)
class ModuliRequest:
    """What a moduli set is for, and how it is found.

    Parameters
    ----------
    bits
        Bits b of the converters, 2 to 256; a residue must fit, so moduli are at most ``2**b``.
        Needed unless ``moduli`` is given, whose widest residue is then taken.
    vector_size
        Length h of the dot product.
    input_bits, weight_bits
        Bits of the operands; ``bits`` if not given.
    precision_bits
        Cover ``2**precision_bits`` values instead of those of a dot product.
    rule
        ``exact`` covers the D values of the dot product, ``bits`` all ``2**b_out``.
    max_modulus
        Largest modulus, at most ``2**bits``; ``2**bits - 1`` if not given.
    redundant
        Number k of redundant moduli.
    count
        Force the number n of information moduli.
    family
        ``any``, ``special`` for 2^j - 1, 2^j, 2^j + 1, or ``common-factor``; if not given, the last
        with a ``factor``, else the first.
    factor
        Common factor G of the family ``common-factor``; that of the best set, or of all
        ``moduli``, if not given. Given with ``moduli``, whose greatest common divisor it is, pairs
        of these may share more; 1 without ``moduli`` is the family ``any``.
    moduli
        An explicit set, which replaces the search; its k largest are redundant. Without
        ``bits``, ``vector_size``, operand bits or ``precision_bits`` no range is required of it.

    Raises
    ------
    InputError
        If a value is out of range or two of them contradict each other.

    Examples
    --------
    >>> request = ModuliRequest(bits=6, vector_size=128)
    >>> request.required_range, request.choose()[0].moduli
    (246017, (63, 62, 61, 59))
    """

    bits: int | None = None
    vector_size: int | None = None
    input_bits: int | None = None
    weight_bits: int | None = None
    precision_bits: int | None = None
    rule: str = "exact"
    max_modulus: int | None = None
    redundant: int = 0
    count: int | None = None
    family: str | None = None
    factor: int | None = None
    moduli: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        DotProductOptions.rule.check(self.rule)
        if self.family is not None:
            ModuliOptions.family.check(self.family)
        if self.factor is not None:
            ModuliOptions.factor.check(self.factor)
            if self.factor == 1 and self.family == COMMON_FACTOR:
                raise InputError(
                    f"`factor` is 1, and the `family` {COMMON_FACTOR} has one of at least 2; leave "
                    "one of them out"
                )
            if self.factor > 1 and self.family not in (None, COMMON_FACTOR):
                raise InputError(
                    f"`factor` is of the `family` {COMMON_FACTOR}, and that is {self.family}; "
                    "leave one of them out"
                )
        ModuliOptions.redundant.check(self.redundant)
        if self.count is not None:
            ModuliOptions.count.check(self.count)
        if self.precision_bits is not None:
            ModuliOptions.precision_bits.check(self.precision_bits)
            usual = {"vector_size": None, "input_bits": None, "weight_bits": None, "rule": "exact"}
            for name, default in usual.items():
                if getattr(self, name) != default:
                    raise InputError(
                        f"`precision_bits` gives the range directly, so `{name}` has no meaning "
                        "with it; leave one of them out"
                    )
        if self.moduli is not None:
            meaningless = ("max_modulus", "count", *(["family"] if self._family == SPECIAL else []))
            for name in meaningless:
                if getattr(self, name) is not None:
                    raise InputError(
                        f"`moduli` fixes the set, so `{name}` has no meaning with it; "
                        "leave one of them out"
                    )
        if self._family == SPECIAL and (self.redundant or self.count not in (None, 3)):
            raise InputError(
                "`family` special has three information moduli and no redundant one; "
                "leave out `redundant` and `count`, or use `family` any"
            )
        self._check_width()

    def _check_width(self) -> None:
        given = self.given  # validates the members
        bits = self.converter_bits
        if self.bits is not None:
            ModuliOptions.bits.check(self.bits)
        elif bits > MAX_BITS:
            raise InputError(
                f"`moduli` has a member of {bits} bits; at most {MAX_BITS} bits are accepted"
            )
        if self.max_modulus is not None:
            ModuliOptions.max_modulus.check(self.max_modulus)
            if self.max_modulus > 2**bits:
                raise InputError(
                    f"`max_modulus` is {self.max_modulus}, whose residues need more than the "
                    f"{bits} bits of the converters; at most {2**bits} is accepted"
                )
        if given is not None and given.residue_bits > bits:
            raise InputError(
                f"modulus {given.moduli[0]} has residues of more than {bits} bits; "
                f"give `bits` of at least {given.residue_bits}"
            )
        if given is not None and self.needs_range:
            self._check_covers(given)

    @cached_property
    def given(self) -> ModuliSet | None:
        """The explicit set, if there is one."""
        if self.moduli is None:
            return None
        if self._family != COMMON_FACTOR:
            return ModuliSet(self.moduli, self.redundant, self.factor)
        common = math.gcd(*self.moduli) if self.factor is None else self.factor
        if common == 1:
            members = ",".join(map(str, self.moduli))
            raise InputError(
                f"the moduli {members} have no common factor; leave out `family`", "moduli"
            )
        return ModuliSet(self.moduli, self.redundant, common)

    @property
    def has_common_factor(self) -> bool:
        """Whether its sets are of the family common-factor."""
        return self._family == COMMON_FACTOR

    @property
    def _family(self) -> str:
        return self.family or (ANY if self.factor in (None, 1) else COMMON_FACTOR)

    @property
    def converter_bits(self) -> int:
        """Bits b of the converters; those of the widest residue if only moduli are given."""
        if self.bits is not None:
            return self.bits
        if self.given is None:
            raise InputError("`bits` is missing; give the bits of the converters, or the moduli")
        return max(2, self.given.residue_bits)

    @property
    def needs_range(self) -> bool:
        """Whether a range is required; an explicit set can be examined without one."""
        operands = (self.bits, self.vector_size, self.input_bits, self.weight_bits)
        return self.moduli is None or any(x is not None for x in (*operands, self.precision_bits))

    @cached_property
    def dot_product(self) -> DotProduct:
        """The dot product, with the defaults h = 128 and operands of b bits."""
        return DotProduct(
            vector_size=_given_or(self.vector_size, DEFAULT_VECTOR_SIZE),
            input_bits=_given_or(self.input_bits, self.converter_bits),
            weight_bits=_given_or(self.weight_bits, self.converter_bits),
        )

    def with_operands(self) -> "ModuliRequest":
        """This request with its defaults filled in, so that an explicit set must cover them."""
        return replace(
            self,
            bits=self.converter_bits,
            vector_size=_given_or(self.vector_size, DEFAULT_VECTOR_SIZE),
        )

    @property
    def columns(self) -> dict[str, Any]:
        """Bits and vector size as rows have them; ``None`` where there is no dot product."""
        dot = self.dot_product if self.needs_range and self.precision_bits is None else None
        return {
            "bits": self.converter_bits,
            "input_bits": dot.input_bits if dot else None,
            "weight_bits": dot.weight_bits if dot else None,
            "vector_size": dot.vector_size if dot else None,
        }

    @property
    def required_range(self) -> int:
        """Number of values that the information moduli must cover."""
        if self.precision_bits is not None:
            return int(2**self.precision_bits)
        return self.dot_product.required_range(self.rule)

    @property
    def output_bits(self) -> int:
        """Bits of an exact result: b_out, or the requested precision."""
        if self.precision_bits is not None:
            return self.precision_bits
        return self.dot_product.output_bits

    def choose(self, top: int = 1) -> tuple[ModuliSet, ...]:
        """The best sets, at most ``top``, or the one that was given.

        Raises
        ------
        NoSolutionError
            If there is none; the message names the fewest bits that would have one.
        """
        if self.given is not None:
            if top != 1:
                raise InputError(
                    f"`top` is {top}, but `moduli` fixes the only set; leave one of them out"
                )
            return (self.given,)
        try:
            return self._search(top)
        except NoSolutionError as error:
            raise NoSolutionError(f"{error}; {self._what_would_do()}", "bits") from None

    def _search(self, top: int) -> tuple[ModuliSet, ...]:
        size, limit = self.required_range, self.max_modulus or 2**self.converter_bits - 1
        if self._family == SPECIAL:
            return special_family(size, limit, top=top)
        more = {"redundant": self.redundant, "count": self.count, "top": top}
        if self._family == COMMON_FACTOR:
            return _selected_with_factor(size, limit, self.factor, **more)
        return _selected(size, limit, **more)

    def _exists(self) -> bool:
        """Whether there is a set within the bits; raises InputError if that cannot be decided."""
        if self._family != ANY:
            try:
                return bool(self._search(1))
            except NoSolutionError:
                return False
        limit = 2**self.converter_bits - 1
        return set_exists(self.required_range, limit, redundant=self.redundant, count=self.count)

    def _what_would_do(self) -> str:
        """The fewest bits b with an answer, everything else unchanged."""
        follow = self.precision_bits is None and None in (self.input_bits, self.weight_bits)
        operands = " (operands grow with it)" if follow else ""
        limit = " with `max_modulus` left out" if self.max_modulus is not None else ""
        smallest = "the smallest bits with an answer is"
        for bits in range(2, _MAX_HINT_BITS + 1):
            request = replace(self, bits=bits, max_modulus=None)
            try:
                if request._exists():
                    return f"{smallest} {bits}{limit}{operands}{request._listed()}"
            except InputError:  # the search gave up: there may be an answer or not
                smallest = "an answer exists for bits"
        return f"no bits up to {_MAX_HINT_BITS} has an answer{operands}"

    def _listed(self) -> str:
        """The best set after a colon, where it is short; finding a long one takes a while."""
        if self.redundant + (self.count or 0) > 16:
            return ""
        try:
            listed = ",".join(map(str, self.choose()[0].moduli))
        except InputError:
            return ""
        return f": {listed}" if len(listed) <= 60 else ""

    def _check_covers(self, moduli: ModuliSet) -> None:
        if moduli.dynamic_range >= self.required_range:
            return
        if self.precision_bits is not None:
            wanted = f"{self.precision_bits} bits need {self.required_range}"
        else:
            dot = self.dot_product
            wanted = (
                f"a dot product of {dot.vector_size} terms of {dot.input_bits} x "
                f"{dot.weight_bits} bits needs {self.required_range} (rule {self.rule})"
            )
        raise InputError(
            f"the information moduli {','.join(map(str, moduli.information))} cover "
            f"{moduli.dynamic_range} values, but {wanted}",
            "moduli",
        )

    def legitimate_range(self, moduli: ModuliSet, rule: str | int) -> int:
        """Size L of the legitimate range of a set.

        Parameters
        ----------
        moduli
            The set.
        rule
            ``product`` (of the information moduli), ``operands`` (D of the dot product, which is
            tighter), or a number.

        Raises
        ------
        InputError
            If it is none of these, or more than the information moduli cover.
        """
        if rule == "product":
            return moduli.dynamic_range
        if rule == "operands":
            given = self.precision_bits is not None
            rule = self.required_range if given else self.dot_product.dynamic_range
        if isinstance(rule, str):
            accepted = "product, operands or a whole number"
            raise InputError.of("legitimate_range", rule, accepted)
        return check_legitimate_range(moduli, rule)


def _given_or(value: int | None, default: int) -> int:
    return default if value is None else value


@dataclass(frozen=True, repr=False)
class ModuliRow(ResultRow):
    """A moduli set with the range it covers, as `rnscli moduli` reports it.

    ``moduli`` are the information moduli and ``redundant_moduli`` the others, both descending;
    ``count`` is N; ``dynamic_range`` the product of the information moduli; ``lost_bits`` what
    a b-bit ADC of a conventional core drops of the ``output_bits``. What was not requested
    (operands of an examined set, or with a precision given directly) is ``None``.
    """

    bits: c.Bits
    input_bits: c.InputBits | None
    weight_bits: c.WeightBits | None
    vector_size: c.VectorSize | None
    moduli: c.Moduli
    redundant_moduli: c.RedundantModuli
    count: Annotated[int, Column("Number N = n + k of moduli.", "N", low=1)]
    dynamic_range: Annotated[
        int,
        Column(
            "Values that the information moduli cover: their product, or the least common "
            "multiple of those that share factors.",
            "range",
            low=1,
        ),
    ]
    log2_dynamic_range: Annotated[
        float, Column("Binary logarithm of dynamic_range.", "log2", "{:.2f}".format)
    ]
    required_range: Annotated[
        int | None, Column("Values that the moduli have to cover.", "required", low=1)
    ]
    output_bits: Annotated[
        int | None,
        Column("Bits of an exact result, b_out = b_in + b_w + ceil(log2 h) - 1.", "b_out", low=1),
    ]
    lost_bits: Annotated[
        int | None, Column("Bits of the result that a b-bit ADC drops, b_out - b.", "lost")
    ]
    rank: Annotated[
        int, Column("Place of the set among those found, 1 for the best.", low=1, usual=1)
    ]
    redundant: c.Redundant
    factor: Annotated[
        int,
        Column("Common factor G of all moduli, 1 if there is none.", "G", low=1, usual=1),
    ]
    next_required_range: Annotated[
        int | None,
        Column(
            "Where the vector size was solved for: what one more term would require, which is more "
            "than dynamic_range.",
            "required by h + 1",
            low=1,
        ),
    ] = None
    minimum_distance: Annotated[
        int | None, Column("Fewest residues in which two legitimate values differ.", "d_min", low=1)
    ] = None
    radius: Annotated[
        int | None,
        Column("Residues that may be wrong by any amount and are corrected.", "t", low=0),
    ] = None
    minimum_square: Annotated[
        int | None,
        Column(
            "Least sum of squares of the circular distances of the residues of two legitimate "
            "values; null if it was not found.",
            "d2",
            low=1,
        ),
    ] = None
    minimum_square_gross: Annotated[
        int | None,
        Column(
            "The same of values further apart than the tolerance: errors whose squares add up to "
            "less than a quarter lead to no such value.",
            "d2 gross",
            low=1,
        ),
    ] = None
    corrected_by_weight: Annotated[
        tuple[float, ...] | None,
        Column("Share of errors in 1, 2, .. N residues that is corrected.", "corrected",
               base.numbers, high=1),
    ] = None  # fmt: skip
    detected_by_weight: Annotated[
        tuple[float, ...] | None,
        Column("Share of errors in 1, 2, .. N residues that is rejected.", "detected",
               base.numbers, high=1),
    ] = None  # fmt: skip
    undetected_by_weight: Annotated[
        tuple[float, ...] | None,
        Column("Share of errors in 1, 2, .. N residues that is taken for another value.",
               "undetected", base.numbers, high=1),
    ] = None  # fmt: skip


class CodeRequest(NamedTuple):
    """Of which code of a set the parameters are wanted, as in `FaultParameters`."""

    decoder: str | None = None
    legitimate_range: str | int = "product"
    tolerance: int = TOLERANCE


def moduli_table(
    request: ModuliRequest, top: int = 1, code: CodeRequest | None = None
) -> tuple[ModuliRow, ...]:
    """The best moduli sets for a request, best first.

    Parameters
    ----------
    request
        What the set is for.
    top
        How many sets at most.
    code
        With which the rows have the parameters of the code, too
        (`rnscli.analysis.code_parameters`).

    Raises
    ------
    NoSolutionError
        If no set satisfies the request; the message says which bits would.

    Examples
    --------
    >>> row, = moduli_table(ModuliRequest(bits=8, vector_size=128))
    >>> row.moduli, row.output_bits, row.lost_bits
    ((255, 254, 253), 22, 14)
    """
    rows = tuple(
        _row(request, moduli, rank) for rank, moduli in enumerate(request.choose(top), start=1)
    )
    return rows if code is None else tuple(_with_code(request, row, code) for row in rows)


def _with_code(request: ModuliRequest, row: ModuliRow, code: CodeRequest) -> ModuliRow:
    """A row with the parameters of the code of its set."""
    from rnscli.analysis.code_parameters import code_parameters

    moduli = ModuliSet((*row.moduli, *row.redundant_moduli), row.redundant, row.factor)
    size = request.legitimate_range(moduli, code.legitimate_range)
    found = code_parameters(moduli, size, code.decoder, code.tolerance)
    return replace(
        row,
        minimum_distance=found.minimum_distance,
        radius=found.radius,
        minimum_square=found.minimum_square,
        minimum_square_gross=found.minimum_square_gross,
        corrected_by_weight=found.corrected,
        detected_by_weight=found.detected,
        undetected_by_weight=found.undetected,
    )


def _row(request: ModuliRequest, moduli: ModuliSet, rank: int) -> ModuliRow:
    ranged = request.needs_range
    output_bits = request.output_bits if ranged else None
    return ModuliRow(
        **request.columns,
        **moduli_columns(moduli),
        count=moduli.count,
        dynamic_range=moduli.dynamic_range,
        log2_dynamic_range=math.log2(moduli.dynamic_range),
        required_range=request.required_range if ranged else None,
        output_bits=output_bits,
        lost_bits=None if output_bits is None else max(0, output_bits - request.converter_bits),
        rank=rank,
        factor=moduli.factor,
    )


def longest_dot_products(request: ModuliRequest, top: int = 1) -> tuple[ModuliRow, ...]:
    """The longest dot product that moduli hold, by the rule of a request.

    What a dot product requires grows with its length h, so h is found by bisection, in whole
    numbers.

    Parameters
    ----------
    request
        Operands, rule, and the moduli: given, or the best set with its ``count`` of information
        moduli. Its ``vector_size`` is not used.
    top
        How many sets at most.

    Returns
    -------
    tuple of ModuliRow
        Best set first, each with its own ``vector_size``, and in ``next_required_range`` what one
        more term would require.

    Raises
    ------
    InputError
        If there are neither ``moduli`` nor a ``count``, or given ones do not hold a single term.
    NoSolutionError
        If no set holds a single term, or the one that is found more than 2^40.

    Examples
    --------
    >>> request = ModuliRequest(bits=6, moduli=(63, 62, 61, 59))
    >>> row, = longest_dot_products(request)
    >>> row.vector_size, row.required_range, row.dynamic_range, row.next_required_range
    (7314, 14057509, 14057694, 14059431)
    """
    if request.precision_bits is not None:
        raise InputError("`precision_bits` leaves no `vector_size` to `solve`; leave it out")
    if request.moduli is None and request.count is None and request.family in (None, ANY):
        raise InputError("`solve` needs a set, so give `moduli`, or `count` of the best one")
    request = replace(request.with_operands(), vector_size=1)
    return tuple(
        _longest(request, moduli, rank) for rank, moduli in enumerate(request.choose(top), start=1)
    )


def _longest(request: ModuliRequest, moduli: ModuliSet, rank: int) -> ModuliRow:
    def required(size: int) -> int:
        return replace(request.dot_product, vector_size=size).required_range(request.rule)

    sizes = range(1, MAX_VECTOR_SIZE + 1)
    longest = bisect_right(sizes, moduli.dynamic_range, key=required)
    if longest == MAX_VECTOR_SIZE:
        raise NoSolutionError(
            f"the moduli {','.join(map(str, moduli.information))} hold dot products of "
            f"{base.bound(MAX_VECTOR_SIZE)} terms, which is as long as they may be; give fewer or "
            "smaller ones, or wider operands",
            "moduli",
        )
    row = _row(replace(request, vector_size=longest), moduli, rank)
    return replace(row, next_required_range=required(longest + 1))

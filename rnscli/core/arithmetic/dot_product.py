"""The integer dot product that a core must carry: operand widths, length, and the range of S."""

from dataclasses import dataclass
from functools import cached_property

from rnscli.base import Names, Option, OptionGroup, WholeNumbers

RULES = ("exact", "bits")
MAX_VECTOR_SIZE = 2**40


class DotProductOptions:
    """What a user chooses of a dot product, and of the range that moduli cover for it."""

    group = OptionGroup.CORE
    vector_size = Option(
        WholeNumbers(1, MAX_VECTOR_SIZE), "Length h of the dot product.", usual="128"
    )
    input_bits = Option(WholeNumbers(2, 1024), "Bits of the inputs.", usual="b")
    weight_bits = Option(WholeNumbers(2, 1024), "Bits of the weights.", usual="b")
    rule = Option(
        Names(RULES),
        "Range that the moduli cover: the values of the dot product, or all of its b_out bits.",
        default=RULES[0],
        group=OptionGroup.CODE,
    )


def quantisation_levels(bits: int) -> int:
    """Largest magnitude ``q = 2**(bits - 1) - 1`` of a symmetric signed ``bits``-bit integer."""
    return int(2 ** (bits - 1) - 1)


@dataclass(frozen=True)
class DotProduct:
    """Shape of a quantised dot product ``S = sum_j X_j W_j``.

    ``X_j`` lies in ``[-q_x, q_x]`` with ``q_x = 2**(input_bits - 1) - 1``, ``W_j`` likewise with
    ``weight_bits``, and there are ``vector_size`` terms (h).

    Parameters
    ----------
    vector_size
        Number of terms h, at least 1.
    input_bits, weight_bits
        Bits of the inputs and of the weights, sign included; at least 2.

    Raises
    ------
    InputError
        If a parameter is not a whole number in its range.

    References
    ----------
    Demirkiran et al., "A Blueprint for Precise and Fault-Tolerant Analog Neural Networks",
    Nature Communications 2024, arXiv:2309.10759.

    Examples
    --------
    >>> dot = DotProduct(vector_size=128, input_bits=6, weight_bits=6)
    >>> dot.dynamic_range, dot.output_bits
    (246017, 18)
    """

    vector_size: int
    input_bits: int
    weight_bits: int

    def __post_init__(self) -> None:
        """Refuse sizes that make no sense; keep Python integers, which cannot overflow."""
        of = DotProductOptions
        for option in (of.vector_size, of.input_bits, of.weight_bits):
            object.__setattr__(self, option.name, option.check(getattr(self, option.name)))

    @cached_property
    def max_input(self) -> int:
        """Largest input magnitude q_x."""
        return quantisation_levels(self.input_bits)

    @cached_property
    def max_weight(self) -> int:
        """Largest weight magnitude q_w."""
        return quantisation_levels(self.weight_bits)

    @cached_property
    def max_sum(self) -> int:
        """Largest magnitude of S, ``h q_x q_w``."""
        return self.vector_size * self.max_input * self.max_weight

    @cached_property
    def dynamic_range(self) -> int:
        """Number of signed values that S can take, ``D = 2 h q_x q_w + 1``."""
        return 2 * self.max_sum + 1

    @cached_property
    def output_bits(self) -> int:
        """Bits of an exact output, ``b_out = b_in + b_w + ceil(log2 h) - 1``."""
        return self.input_bits + self.weight_bits + (self.vector_size - 1).bit_length() - 1

    @property
    def max_slice_bits(self) -> int:
        """Bits of the magnitude of a weight: a slice that had more would leave some unused."""
        return self.weight_bits - 1

    def slices(self, slice_bits: int) -> int:
        """Number of slices of s bits that hold the magnitude of a weight, its bits but the sign.

        Examples
        --------
        >>> DotProduct(128, 6, 6).slices(2)
        3
        """
        return -(-(self.weight_bits - 1) // slice_bits)

    def slice_output_bits(self, slice_bits: int) -> int:
        """Bits of an exact sum of one slice, ``b_in + s + ceil(log2 h)``.

        The weights in it are signed digits of s + 1 bits, so it is b_out with those for b_w.

        Examples
        --------
        >>> DotProduct(128, 6, 6).slice_output_bits(1)
        14
        """
        return self.input_bits + slice_bits + (self.vector_size - 1).bit_length()

    def required_range(self, rule: str) -> int:
        """Number of values the moduli must cover: D by the rule ``exact``, 2**b_out by ``bits``.

        Examples
        --------
        >>> DotProduct(128, 6, 6).required_range("bits")
        262144
        """
        DotProductOptions.rule.check(rule)
        return self.dynamic_range if rule == "exact" else int(2**self.output_bits)

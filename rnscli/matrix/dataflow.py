"""How a matrix product is mapped to a core."""

from dataclasses import dataclass
from functools import cached_property
from operator import add

from rnscli.base import (
    InputError,
    Names,
    Option,
    OptionGroup,
    check_choice,
    check_float,
    check_int,
    shown,
)
from rnscli.core import MAX_SIMULATED_BITS, TOLERANCE, Core, RedundantCode
from rnscli.hardware import DYNAMIC, INPUT_SCALES, SCALES, STATIC, InputScale, Scales
from rnscli.matrix.rounding import ROUNDINGS, Rounding

GRANULARITIES = ("vector", "tile", "channel", "tensor")
JOINT = ("channel", "tensor")  # of which all tiles share the scales
PATHS = ("homomorphic", "channels")
MIN_SCALE, MAX_SCALE = 1e-30, 1e15  # which float32 has, and which operands have
FLOAT32_EXACT, FLOAT64_EXACT = 2**24, 2**53


class DataflowOptions:
    """What a user chooses of the way from a matrix product to a core."""

    group = OptionGroup.CORE
    granularity = Option(
        Names(GRANULARITIES),
        "What has a scale of its own: a row or column of a tile, a tile of h x h, a row or column "
        "of all tiles, or an operand.",
        default="vector",
    )
    scales = Option(
        Names({name: one for name, one in SCALES.items() if one.applied}),
        "How operands are scaled, and outputs are scaled back: {summaries}.",
        default="fp32",
    )
    input_scale = Option(
        Names(INPUT_SCALES), "Where the scales of inputs come from: {summaries}.", default=DYNAMIC
    )
    rounding = Option(
        Names(ROUNDINGS), "How operands become whole steps: {summaries}.", default="nearest"
    )


@dataclass(frozen=True)
class Dataflow:
    """A core, what shares a scale, how residues are simulated, and what scales are.

    A product of inputs (M x K) and weights (K x N) is cut along K in tiles of the h terms that the
    core's dot products have, and along M and N, where that matters, in blocks of h as well. Each
    tile is quantised, multiplied in the core and scaled back, ``d_x d_w * S`` with the steps d of
    both operands, and the partial sums of tiles are added in FP32.

    Parameters
    ----------
    core
        What computes the dot products.
    granularity
        What has its own scale: ``vector``, each row of an input tile and each column of a
        weight tile; ``tile``, each block of h x h; ``channel``, each row of the inputs and each
        column of the weights, over all of K; ``tensor``, each operand.
    path
        ``homomorphic`` forms residues only where noise strikes, from the exact integer product;
        ``channels`` computes a modular product for every modulus, and the Chinese remainder of
        every word. Both give the same bytes.
    scales
        With ``fp32`` the step of an operand of b bits is ``s / q``: s the largest magnitude of what
        shares a scale, ``q = 2**(b-1) - 1``. With ``power-of-two`` it is the power of two from
        there on, ``2**ceil(log2(s / q))``, at most twice as large: nothing is clipped, and scaling
        back is a shift, which loses nothing. With the granularity ``vector`` this is block floating
        point (see Notes).
    input_scale
        Where the s of inputs is from. ``dynamic``: the largest magnitude, as above. A number: that
        s, whatever comes, so that nothing need be searched; inputs beyond are clipped to q steps.
        ``static``: such a number for each product of a model, which `rnscli.torch.calibrate`
        finds. ``granularity`` then concerns the weights alone.
    weight_scale
        The same number for weights; ``None`` for their largest magnitudes. Of stored weights these
        are known before; of a product of two activations both operands are inputs.
    tolerance
        Steps by which the output of a code may be off without being counted as grossly wrong.
    rounding
        How operands become whole multiples X of their step. ``nearest``; ``stochastic``: of x/d
        between n and n + 1 the larger one with the probability x/d - n, so that the mean of X d is
        x (Gupta et al., arXiv:1502.02551), drawn anew for inputs in each product and for weights
        whenever they are written; ``truncate``: towards 0.

    Raises
    ------
    InputError
        If a choice is none of these, a scale is no number from 1e-30 to 1e15, operands have more
        than 31 bits, or sums of a tile exceed 2**53.

    Notes
    -----
    Block floating point, in which g values along K share an exponent e and have mantissas of b bits
    with their sign, as Mirage trains with (Demirkiran et al., arXiv:2311.17323), is ``scales`` of
    powers of two with ``granularity`` vector and a core whose h is g: sums of values of different
    exponents cannot be formed in one array. With ``truncate`` the step is 2^(e-b+1), where 2^(e-1)
    <= max abs(x) < 2^e, and X the leading bits of the mantissas. With the other roundings a block
    whose largest value is above q steps has the next exponent, so that none is rounded to q + 1.

    References
    ----------
    arXiv:2309.10759, on the dataflow.

    Examples
    --------
    >>> import rnscli
    >>> flow = Dataflow(rnscli.analog_core("rns", bits=6, vector_size=128))
    >>> flow.core.code.moduli.moduli, flow.wide_products
    ((63, 62, 61, 59), False)
    >>> shifts = Dataflow(flow.core, scales="power-of-two")
    >>> both = (rnscli.AnalogMatrix([[0.3, 1.0]], one) @ [1.0, 0.0] for one in (flow, shifts))
    >>> [round(float(one[0]), 5) for one in both]  # 9/31, and 5/16
    [0.29032, 0.3125]
    >>> known = Dataflow(flow.core, input_scale=0.5)  # 1.0 is clipped
    >>> (rnscli.AnalogMatrix([[0.3, 1.0]], known) @ [0.0, 1.0]).tolist()
    [0.5]
    """

    core: Core
    granularity: str = "vector"
    path: str = "homomorphic"
    scales: str = "fp32"
    input_scale: str | float = DYNAMIC
    weight_scale: float | None = None
    tolerance: int = TOLERANCE
    rounding: str = "nearest"

    def __post_init__(self) -> None:
        """Refuse unknown choices, and sums that no float holds."""
        DataflowOptions.granularity.check(self.granularity)
        check_choice("path", self.path, PATHS)
        DataflowOptions.scales.check(self.scales)
        DataflowOptions.rounding.check(self.rounding)
        if self.input_scale not in INPUT_SCALES:
            accepted = f"{', '.join(INPUT_SCALES)} or a number from 1e-30 to 1e15"
            if isinstance(self.input_scale, str):
                raise InputError.of("input_scale", shown(self.input_scale), accepted)
            check_float("input_scale", self.input_scale, MIN_SCALE, MAX_SCALE, accepted)
        if self.weight_scale is not None:
            accepted = "a number from 1e-30 to 1e15"
            check_float("weight_scale", self.weight_scale, MIN_SCALE, MAX_SCALE, accepted)
        check_int("tolerance", self.tolerance, 0, 2**62)
        dot = self.core.dot_product
        check_int("input_bits", dot.input_bits, 2, MAX_SIMULATED_BITS)
        check_int("weight_bits", dot.weight_bits, 2, MAX_SIMULATED_BITS)
        largest = max(self._largest_product, self._largest_result)
        if largest >= FLOAT64_EXACT:
            raise InputError(
                f"the results of a tile of {dot.vector_size} terms reach {largest}; below 2^53 "
                "they are exact: take fewer bits, a smaller `vector_size` or, where that makes a "
                "difference, the `legitimate_range` operands"
            )

    @property
    def channel_code(self) -> RedundantCode | None:
        """The code whose moduli have a product each; ``None`` where a single one is computed."""
        return self.core.code if self.path == "channels" else None

    @property
    def scaling(self) -> Scales:
        """What ``scales`` names."""
        return SCALES[self.scales]

    @property
    def rounds(self) -> Rounding:
        """What ``rounding`` names."""
        return ROUNDINGS[self.rounding]

    @property
    def scale_of_inputs(self) -> InputScale:
        """What ``input_scale`` names, or that of a number."""
        return INPUT_SCALES[self.scale_name]

    @property
    def scale_name(self) -> str:
        """``dynamic`` or ``static``."""
        return self.input_scale if isinstance(self.input_scale, str) else STATIC

    @property
    def seeks_scale(self) -> bool:
        """Whether a constant is wanted that is not known."""
        return isinstance(self.input_scale, str) and not self.scale_of_inputs.searched

    @property
    def input_constant(self) -> float | None:
        """The scale of inputs where it is known; ``None`` where it is searched.

        Raises
        ------
        InputError
            If it is ``static`` and no number is given.
        """
        if not isinstance(self.input_scale, str):
            return self.input_scale
        if not self.seeks_scale:
            return None
        raise InputError(
            "`input_scale` is static, and the scale is not known; give it as a number, or "
            "calibrate the model with rnscli.torch.calibrate"
        )

    @property
    def joint_inputs(self) -> bool:
        """Whether inputs have the same scales in all tiles."""
        known = not isinstance(self.input_scale, str)
        return known or self.granularity in JOINT

    @cached_property
    def _largest_product(self) -> int:
        dot, code = self.core.dot_product, self.channel_code
        if code is None:
            return dot.max_sum
        largest = code.moduli.moduli[0]
        # Operands are reduced, too: of a negative one, the multiple of m below it is formed.
        operand = max(dot.max_input, dot.max_weight) + largest
        return max(operand, dot.vector_size * (largest - 1) ** 2)

    @cached_property
    def _largest_result(self) -> int:
        return max(self.core.dot_product.max_sum, self.core.reach)

    @property
    def wide_products(self) -> bool:
        """Whether products need float64 to be exact."""
        return self._largest_product >= FLOAT32_EXACT

    @property
    def wide_results(self) -> bool:
        """Whether what is read of them does, by either path."""
        return self._largest_result >= FLOAT32_EXACT


@dataclass(frozen=True)
class ProductCounts:
    """Numbers of matrix products, and of the dot products of at most h terms within them.

    Attributes
    ----------
    products
        Matrix products, each matrix of a stack counted.
    dot_products
        Results that the converters, or decoders, gave: one for each output and tile.
    wrong
        Of these, how many noise spoilt (see `rnscli.Readout`).
    computed
        Dot products computed, repetitions included.
    gross, absolute, square
        Of a core with a code: how many outputs are further off than the tolerance of the dataflow,
        or rejected; and sums of how far the others are off, and of the squares.

    Examples
    --------
    >>> both = ProductCounts(1, 100, 2, 103) + ProductCounts(1, 300, 0, 300)
    >>> both.dot_products, both.output_error_rate
    (400, 0.005)
    """

    products: int = 0
    dot_products: int = 0
    wrong: int = 0
    computed: int = 0
    gross: int = 0
    absolute: int = 0
    square: int = 0

    def __add__(self, other: "ProductCounts") -> "ProductCounts":
        return ProductCounts(*map(add, vars(self).values(), vars(other).values()))

    @property
    def output_error_rate(self) -> float:
        """Share of wrong dot products; 0 if there are none."""
        return self.wrong / self.dot_products if self.dot_products else 0.0

    @property
    def mean_attempts(self) -> float:
        """Attempts for a dot product; 1 if there are none."""
        return self.computed / self.dot_products if self.dot_products else 1.0

"""What a network computes between its matrix products, value by value, on digital units."""

from dataclasses import dataclass

from rnscli.base import InputError, Registry, check_int
from rnscli.core import Operation, Operations

MAX_ELEMENTS = 2**60

# Comparisons, sign changes and selections are integer operations of 32 bits; the others are FP32.
_COMPARE = Operation("add", 32)
_ADD = Operation("fp-add", 32)
_MULTIPLY = Operation("fp-multiply", 32)


def _operations(multiply: float = 0, add: float = 0, compare: float = 0) -> Operations:
    counts = ((_MULTIPLY, multiply), (_ADD, add), (_COMPARE, compare))
    return tuple(Operation(one.kind, one.width, count) for one, count in counts if count)


@dataclass(frozen=True, eq=False)
class VectorKind:
    """A kind of work on every value of a tensor.

    Parameters
    ----------
    name
        What files and rows call it.
    summary
        What it is, in a line, with what an element is where that is not obvious.
    operations
        Digital operations for one element.
    source
        Where their number is from.
    dram_bits
        Bits that each element moves to or from the DRAM: of tables, which have 16, and of weights
        with what an optimiser keeps of them, which have 32 each and are read and written.
    """

    name: str
    summary: str
    operations: Operations
    source: str = "its definition"
    dram_bits: float = 0.0


# A base-2 exponential by a polynomial of degree 5 in Horner's form, after the product with log2 e,
# the split into a whole and a fraction, and before the exponent is set; a reciprocal and a
# reciprocal root by two Newton steps each.
_EXP = {"multiply": 6, "add": 6, "compare": 2}
_EXP_SOURCE = "exp by a polynomial of degree 5, as Cephes's expf has it"
_RECIPROCAL = {"multiply": 4, "add": 2, "compare": 1}
_NEWTON = "reciprocals by two Newton steps"


def _sum(*counts: dict[str, int]) -> Operations:
    keys = ("multiply", "add", "compare")
    return _operations(**{key: sum(one.get(key, 0) for one in counts) for key in keys})


# A root is a product with the reciprocal root, of two Newton steps of three products and a sum with
# half the number, which is one more. The logarithm and the sine are counted in Cephes's logf (a
# polynomial of degree 8, and what joins it with the exponent) and sinf (a reduction by three parts
# of pi / 4, and a polynomial of degree 2 in the square). The error function is formula 7.1.26 of
# Abramowitz and Stegun, exact to 1.5e-7.
_ROOT = {"multiply": 8, "add": 2, "compare": 1}
_LOG = {"multiply": 14, "add": 13, "compare": 2}
_SINE = {"multiply": 9, "add": 6, "compare": 3}
_ERF = {"multiply": 8, "add": 6, "compare": 2}

# Both running means, of g (two products, a sum) and of g^2 (three, one); the root of the second,
# and a sum; the first over that, times the rate, subtracted from the weight. Factors of all weights
# are formed once, and so are the corrections of both means, which the rate and epsilon have in them
# (Kingma and Ba, section 2: alpha_t).
_ADAM = ({"multiply": 5, "add": 2}, _ROOT, {"add": 1}, _RECIPROCAL, {"multiply": 2, "add": 1})

_SIGMOID = ({"add": 1}, _EXP, _RECIPROCAL)
VECTOR_KINDS: Registry[VectorKind] = Registry(
    "kind",
    "vector_kinds",
    VectorKind,
    [
        VectorKind("add", "a sum of two tensors, as of a residual", _operations(add=1)),
        VectorKind("multiply", "a product of two tensors, or with scales", _operations(multiply=1)),
        VectorKind("relu", "a maximum with zero, or between two limits", _operations(compare=1)),
        VectorKind(
            "hard-swish", "x min(max(x + 3, 0), 6) / 6", _operations(multiply=2, add=1, compare=2)
        ),
        VectorKind(
            "sigmoid", "1 / (1 + exp(-x)); tanh alike", _sum(*_SIGMOID), f"{_EXP_SOURCE}; {_NEWTON}"
        ),
        VectorKind(
            "silu", "x sigmoid(x)", _sum(*_SIGMOID, {"multiply": 1}), f"{_EXP_SOURCE}; {_NEWTON}"
        ),
        VectorKind(
            "gelu",
            "x / 2 (1 + tanh(0.798 (x + 0.0447 x^3)))",
            _sum(*_SIGMOID, {"multiply": 5, "add": 2}),
            f"the approximation by tanh; {_EXP_SOURCE}; {_NEWTON}",
        ),
        VectorKind(
            "divide", "a quotient of two tensors", _sum(_RECIPROCAL, {"multiply": 1}), _NEWTON
        ),
        VectorKind(
            "compare", "a comparison, a selection, a change of sign", _operations(compare=1)
        ),
        VectorKind("root", "a square root, or its reciprocal", _sum(_ROOT), _NEWTON),
        VectorKind("logarithm", "ln(x)", _sum(_LOG), "Cephes's logf"),
        VectorKind("sine", "sin(x); cos alike", _sum(_SINE), "Cephes's sinf"),
        VectorKind(
            "erf", "the error function, as of a GELU that is written out",
            _sum(_ERF, _EXP, _RECIPROCAL),
            f"Abramowitz and Stegun, formula 7.1.26; {_EXP_SOURCE}; {_NEWTON}",
        ),
        VectorKind("exp", "exp(x)", _sum(_EXP), _EXP_SOURCE),
        VectorKind(
            "softmax",
            "exp(x - max) over its sum; the reciprocal of the sum is shared by a row",
            _sum({"compare": 1, "add": 2, "multiply": 1}, _EXP),
            _EXP_SOURCE,
        ),
        VectorKind(
            "layer-norm",
            "mean and variance of a row, then (x - mean) times a scale, plus a shift",
            _operations(multiply=3, add=4),
        ),
        VectorKind(
            "rms-norm", "the mean of squares of a row, then x times two scales",
            _operations(multiply=3, add=1),
        ),
        VectorKind(
            "batch-norm", "a scale and a shift, where no product before it can have them",
            _operations(multiply=1, add=1),
        ),
        VectorKind(
            "folded-batch-norm",
            "a scale and a shift that the weights before have for inference; training needs both",
            (),
        ),
        VectorKind(
            "max-pool", "a maximum; elements are the values of all windows", _operations(compare=1)
        ),
        VectorKind(
            "average-pool", "a mean; elements are the values of all windows", _operations(add=1)
        ),
        VectorKind(
            "interpolate", "four neighbours, weighted bilinearly; elements are the results",
            _operations(multiply=4, add=3),
            "products with four weights that are known",
        ),
        VectorKind(
            "sample",
            "four neighbours at an offset that is computed; elements are the results",
            _operations(multiply=8, add=9, compare=4),
            "four weights of two products and two differences each, floors and limits of two "
            "coordinates, and an interpolation",
        ),
        VectorKind("rotate", "a rotary position: two values by a sine and a cosine",
                   _operations(multiply=2, add=1)),
        VectorKind(
            "gather", "rows of a table, as of an embedding; no arithmetic", (), dram_bits=16
        ),
        VectorKind(
            "aggregate", "a sum over neighbours in a graph; elements are edges times features",
            _operations(multiply=1, add=1),
            "a product with the weight of the edge, and a sum",
        ),
        VectorKind(
            "sgd", "a step of SGD; elements are weights", _operations(multiply=1, add=1),
            dram_bits=2 * 32,
        ),
        VectorKind(
            "momentum", "a step of SGD with momentum; elements are weights",
            _operations(multiply=2, add=2),
            dram_bits=4 * 32,
        ),
        VectorKind(
            "nesterov", "a step of SGD with Nesterov's momentum; elements are weights",
            _operations(multiply=3, add=3),
            dram_bits=4 * 32,
        ),
        VectorKind(
            "adam",
            "a step of Adam; elements are weights",
            _sum(*_ADAM),
            "Kingma and Ba, arXiv:1412.6980, algorithm 1 in the order that section 2 gives: "
            f"m = b1 m + (1 - b1) g; v = b2 v + (1 - b2) g^2; w - a m / (sqrt(v) + e); {_NEWTON}",
            dram_bits=6 * 32,
        ),
        VectorKind(
            "adamw",
            "a step of Adam whose decay is apart; elements are weights",
            _sum(*_ADAM, {"multiply": 1}),
            "a step of Adam from (1 - a d) w; Loshchilov and Hutter, arXiv:1711.05101, algorithm 2",
            dram_bits=6 * 32,
        ),
        VectorKind(
            "lamb",
            "a step of LAMB; elements are weights",
            _sum(*_ADAM, {"multiply": 1, "add": 1}, {"multiply": 2, "add": 2}),
            "a step of Adam of which d w is a part, and squares for the norms of the weights and "
            "of their steps, whose ratio is shared; You et al., arXiv:1904.00962, algorithm 2",
            dram_bits=6 * 32,
        ),
    ],
)  # fmt: skip


@dataclass(frozen=True)
class VectorWork:
    """Work of one kind on the values that a layer leaves.

    Parameters
    ----------
    layer
        Name of the product after which it is done; of one before the first product, that one.
    kind
        One of ``VECTOR_KINDS``.
    elements
        On how many values, over all that the layer is done; what an element is says the kind.
    before
        Whether it makes the inputs of the layer, and does not work on its outputs.

    Raises
    ------
    InputError
        If the kind is unknown, or the number of elements out of its range.

    Examples
    --------
    >>> from rnscli.hardware.operations import OperationPrices
    >>> work = VectorWork("conv1", "relu", 802816)
    >>> f"{OperationPrices().energy(work.operations) * 1e9:.1f} nJ"
    '80.3 nJ'
    """

    layer: str
    kind: str
    elements: int
    before: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.layer, str) or not self.layer.strip():
            raise InputError("`layer` is empty or no text; give a name")
        if self.kind not in VECTOR_KINDS:
            raise InputError.of("kind", self.kind, f"one of {', '.join(VECTOR_KINDS)}")
        elements = check_int("elements", self.elements, 1, MAX_ELEMENTS)
        object.__setattr__(self, "elements", elements)

    @property
    def dram_bits(self) -> float:
        """Bits that it moves to or from the DRAM."""
        return VECTOR_KINDS[self.kind].dram_bits * self.elements

    @property
    def operations(self) -> Operations:
        """Digital operations of all elements."""
        made = VECTOR_KINDS[self.kind].operations
        return tuple(Operation(o.kind, o.width, o.count * self.elements) for o in made)

"""What was computed in matrix products, and how much of it went wrong."""

from dataclasses import dataclass


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

    def __add__(self, other: "ProductCounts") -> "ProductCounts":
        """Both together."""
        return ProductCounts(
            self.products + other.products,
            self.dot_products + other.dot_products,
            self.wrong + other.wrong,
            self.computed + other.computed,
        )

    @property
    def output_error_rate(self) -> float:
        """Share of wrong dot products; 0 if there are none."""
        return self.wrong / self.dot_products if self.dot_products else 0.0

    @property
    def mean_attempts(self) -> float:
        """Attempts for a dot product; 1 if there are none."""
        return self.computed / self.dot_products if self.dot_products else 1.0

from rnscli.matrix.dataflow import ProductCounts


def test_counts_add_up() -> None:
    parts = [
        ProductCounts(1, 100, 2, 130, 1, 30, 500),
        ProductCounts(3, 50, 0, 50),
        ProductCounts(0, 7, 1, 9, 1, 2, 4),
    ]
    total = sum(parts, ProductCounts())
    assert total == ProductCounts(4, 157, 3, 189, 2, 32, 504)
    assert total == parts[2] + parts[0] + parts[1]
    assert total.output_error_rate == 3 / 157
    assert total.mean_attempts == 189 / 157


def test_nothing_counted() -> None:
    nothing = ProductCounts()
    assert nothing + nothing == nothing == ProductCounts(0, 0, 0, 0)
    assert (nothing.output_error_rate, nothing.mean_attempts) == (0.0, 1.0)

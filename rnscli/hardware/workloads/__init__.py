"""Networks to design for, as lists of matrix products."""

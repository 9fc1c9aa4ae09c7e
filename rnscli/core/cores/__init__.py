"""The analog cores, compared on the same operands behind one interface."""

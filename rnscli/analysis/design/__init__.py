"""Which design: the space, the search, the choice."""

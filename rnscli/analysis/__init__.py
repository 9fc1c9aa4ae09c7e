"""A folder a question: its parameters, its computation, its rows."""

"""Plans: what they say, and how their runs are computed."""

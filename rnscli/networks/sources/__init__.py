"""Where data come from: a file for each kind."""

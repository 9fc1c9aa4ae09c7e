"""Pictures of rows; only here is matplotlib known."""

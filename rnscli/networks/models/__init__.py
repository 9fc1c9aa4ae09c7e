"""The networks that are shipped: one file an architecture."""

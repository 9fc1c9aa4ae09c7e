"""Chips for networks: which design is best, and how many bits each layer needs."""

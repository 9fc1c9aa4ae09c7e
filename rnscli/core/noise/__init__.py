"""Noise laws: what an analog channel does to a residue, and a converter to its code."""

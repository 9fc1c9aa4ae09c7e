"""Moduli, residues, redundant codes and their decoders: usable alone."""

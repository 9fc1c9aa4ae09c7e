"""Moduli, residues, redundant codes and their decoders: usable alone."""

from rnscli._facade import facade

__getattr__, __dir__ = facade(__name__, __file__)

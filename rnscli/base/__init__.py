"""What every room stands on: errors, checks, units, files, words. No physics, no NumPy."""

from rnscli._facade import facade

__getattr__, __dir__ = facade(__name__, __file__)

"""The arithmetic and the noise model that every command shares."""

from rnscli._facade import facade

__getattr__, __dir__ = facade(__name__, __file__)

"""What error: Monte Carlo of dot products."""

from rnscli._facade import facade

__getattr__, __dir__ = facade(__name__, __file__)

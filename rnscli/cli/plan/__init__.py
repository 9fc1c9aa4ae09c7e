"""Plans: what they say, and how their runs are computed."""

from rnscli._facade import facade

__getattr__, __dir__ = facade(__name__, __file__)

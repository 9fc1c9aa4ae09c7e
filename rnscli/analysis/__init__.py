"""A folder a question: its parameters, its computation, its rows."""

from rnscli._facade import facade

__getattr__, __dir__ = facade(__name__, __file__)

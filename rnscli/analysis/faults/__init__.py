"""What fault probability, exactly, and how much redundancy."""

from rnscli._facade import facade

__getattr__, __dir__ = facade(__name__, __file__)

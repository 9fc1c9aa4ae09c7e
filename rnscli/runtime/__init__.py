"""How work is cut into blocks and spread over processes."""

from rnscli._facade import facade

__getattr__, __dir__ = facade(__name__, __file__)

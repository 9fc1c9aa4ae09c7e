"""Options that several commands have, and the types of their values."""

from rnscli._facade import facade

__getattr__, __dir__ = facade(__name__, __file__)

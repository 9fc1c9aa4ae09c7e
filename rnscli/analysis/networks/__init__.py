"""What accuracy of a network on a core, and whether it can be trained there."""

from rnscli._facade import facade

__getattr__, __dir__ = facade(__name__, __file__)

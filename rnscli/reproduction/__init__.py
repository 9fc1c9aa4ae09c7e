"""Published results, computed again beside what is printed: `rnscli reproduce`."""

from rnscli._facade import facade

__getattr__, __dir__ = facade(__name__, __file__)

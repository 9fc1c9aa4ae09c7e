"""The command line: parse, call, print. Only here is click known."""

from rnscli._facade import facade

__getattr__, __dir__ = facade(__name__, __file__)

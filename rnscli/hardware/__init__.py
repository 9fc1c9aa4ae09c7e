"""What an accelerator is made of, and what runs on it."""

from rnscli._facade import facade

__getattr__, __dir__ = facade(__name__, __file__)
